"""From a difference that the comparison finds, by way of a person's decision, to the write that does away with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from plan_books import Books, customer, invoice, payment

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.exception import Code, ExceptionRecord, Finding, Remedy, State
from ledgerbridge.model.flow import Direction, Flow
from ledgerbridge.model.invoice import DocumentStatus, Invoice
from ledgerbridge.reconciler.comparison import Scope
from ledgerbridge.reconciler.exceptions import moving
from ledgerbridge.reconciler.exceptions.policy import ExceptionPolicy
from ledgerbridge.store import Store, exceptions
from ledgerbridge.store.exceptions import Wanted
from ledgerbridge.sync.comparing import comparing
from ledgerbridge.sync.exceptions import act, actor, record
from ledgerbridge.testing.fakes import FakeClock

CUSTOMERS = Flow(kind=Kind.CUSTOMER, left="erp", right="crm", direction=Direction.TWO_WAY, ignore=("sales_owner",))
MANUAL = Flow(kind=Kind.INVOICE, left="erp", right="crm", direction=Direction.TWO_WAY, owner=("manual",), create=False)
ONE_WAY = Flow(kind=Kind.INVOICE, left="erp", right="crm")
COMPARISON = "compare:erp:crm"


@pytest.fixture
def lone(sqlite_address: str, clock: FakeClock) -> Iterator[Store]:
    with Store.open(sqlite_address, clock=clock) as opened:
        yield opened


@pytest.fixture
def books(lone: Store, clock: FakeClock) -> Books:
    return laid_out(lone, clock)


def laid_out(store: Store, clock: FakeClock) -> Books:
    """A customer that both sides know, and nothing to plan about it."""
    books = Books(store, clock, ("erp", "crm")).ready()
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.put("crm", "a1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.carry_out(books.plan("customers", CUSTOMERS))
    return books


def pair(books: Books, erp: Invoice, crm: Invoice) -> None:
    """One invoice on both sides; linked, planned, and the plan of the flow at rest or waiting."""
    books.put("erp", "oughtreceive:1", erp)
    books.put("crm", "r1", crm)


def reconcile(books: Books) -> list[ExceptionRecord]:
    """Compare the two ledgers, record what is found, and give what is open."""
    books.clock.advance(60)
    books.link()
    with books.store.reading() as tx:
        found = list(comparing(tx, Scope(leading="erp", compared="crm", as_of=date(2026, 12, 31))).findings())
    with books.store.writing() as tx:
        record(tx, COMPARISON, found, books.clock.now())
    return open_ones(books)


def open_ones(books: Books) -> list[ExceptionRecord]:
    with books.store.reading() as tx:
        return list(exceptions.every(tx, Wanted()))


def found_otherwise(books: Books, finding: Finding) -> ExceptionRecord:
    """An exception that the comparison of these tests does not find by itself."""
    with books.store.writing() as tx:
        record(tx, "elsewhere", [finding], books.clock.now())
    return next(one for one in open_ones(books) if one.scope == "elsewhere")


def decide(books: Books, one: ExceptionRecord, remedy: Remedy | None) -> None:
    books.clock.advance(60)
    by = actor("王芳", books.clock.now(), ExceptionPolicy())
    act(books.store, one.id, lambda it: moving.decide(it, remedy, by))


def of_code(found: list[ExceptionRecord], code: Code) -> ExceptionRecord:
    (one,) = [one for one in found if one.finding.code is code]
    return one


def written(change: Change) -> dict[str, object]:
    return {field.path: field.after for field in change.fields}


def decided_pair(books: Books, remedy: Remedy, **crm: Any) -> ExceptionRecord:
    """An invoice of 100.00 in the ERP and 120.00 in the CRM, about which somebody has decided."""
    pair(books, invoice("1", "C1", 10_000), invoice("1", "a1", 12_000, **crm))
    one = of_code(reconcile(books), Code.AMOUNT_DIFFERS)
    assert one.finding.fields == ("total_minor",)
    decide(books, one, remedy)
    return one


def test_an_amount_that_nobody_owns_is_taken_from_the_erp_once_it_is_decided(store: Store, clock: FakeClock) -> None:
    books = laid_out(store, clock)
    pair(books, invoice("1", "C1", 11_300), invoice("1", "a1", 22_600))
    before = books.plan("invoices", MANUAL)
    assert books.changes(before) == []
    assert before.head is not None
    assert before.head.summary.conflicts > 0
    one = of_code(reconcile(books), Code.AMOUNT_DIFFERS)
    decide(books, one, Remedy.TAKE_ERP_AMOUNT)
    made = books.plan("invoices", MANUAL)
    (change,) = books.changes(made)
    assert (change.action, change.system) == (Action.UPDATE, "crm")
    assert written(change) == {"total_minor": 11_300}
    assert {field.decided_by for field in change.fields} == {"person:王芳"}
    assert change.because == f"exception {one.id}: take_erp_amount"
    assert made.head is not None
    assert made.head.summary.conflicts == 0
    books.carry_out(made)
    assert books.changes(books.plan("invoices", MANUAL)) == []
    assert reconcile(books) == []
    with store.reading() as tx:
        assert [found.state for found in exceptions.every(tx, Wanted(states=()))] == [State.GONE]


def test_an_entity_at_rest_is_looked_at_again(store: Store, clock: FakeClock) -> None:
    books = laid_out(store, clock)
    flow = ONE_WAY.model_copy(update={"owners": {"total_minor": ("crm",)}})
    pair(books, invoice("1", "C1", 10_000), invoice("1", "a1", 12_000))
    assert books.changes(books.plan("invoices", flow)) == []
    resting = books.plan("invoices", flow)
    assert resting.same
    decide(books, of_code(reconcile(books), Code.AMOUNT_DIFFERS), Remedy.TAKE_ERP_AMOUNT)
    (change,) = books.changes(books.plan("invoices", flow))
    assert written(change) == {"total_minor": 10_000}


def test_the_crm_s_value_is_taken_although_the_erp_owns_the_field(books: Books) -> None:
    flow = MANUAL.model_copy(update={"owner": ("erp",)})
    pair(books, invoice("1", "C1", remark="x"), invoice("1", "a1", issued_on=date(2026, 10, 9), remark="x"))
    one = of_code(reconcile(books), Code.DATE_DIFFERS)
    decide(books, one, Remedy.TAKE_CRM_VALUE)
    made = books.plan("invoices", flow)
    # a voucher of U8 cannot be changed by its API: held with the reason, and the other way round is not written either
    assert books.changes(made) == []
    assert books.held(made) == [("not_writable", ("issued_on",))]


def test_the_erp_s_date_is_taken(books: Books) -> None:
    pair(books, invoice("1", "C1"), invoice("1", "a1", issued_on=date(2026, 10, 9)))
    decide(books, of_code(reconcile(books), Code.DATE_DIFFERS), Remedy.TAKE_ERP_VALUE)
    (change,) = books.carry_out(books.plan("invoices", MANUAL))
    assert written(change) == {"issued_on": "2026-10-01"}
    assert reconcile(books) == []


def test_a_one_way_flow_never_writes_to_the_left(books: Books) -> None:
    decided_pair(books, Remedy.TAKE_CRM_VALUE)
    made = books.plan("invoices", ONE_WAY)
    assert books.changes(made) == []
    assert books.held(made) == [("not_writable", ("total_minor",))]


def test_a_record_is_created_where_the_flow_creates_none(books: Books) -> None:
    books.put("erp", "oughtreceive:1", invoice("1", "C1"))
    assert books.changes(books.plan("invoices", MANUAL)) == []
    one = of_code(reconcile(books), Code.MISSING)
    decide(books, one, Remedy.CREATE_IN_CRM)
    made = books.plan("invoices", MANUAL)
    (change,) = books.changes(made)
    assert (change.action, change.system) == (Action.CREATE, "crm")
    assert change.because == f"exception {one.id}: create_in_crm"
    books.carry_out(made)
    assert books.changes(books.plan("invoices", MANUAL)) == []
    assert reconcile(books) == []


def test_a_create_that_was_decided_still_needs_its_customer(books: Books) -> None:
    books.put("erp", "oughtreceive:1", invoice("1", "nobody"))
    decide(books, of_code(reconcile(books), Code.MISSING), Remedy.CREATE_IN_CRM)
    made = books.plan("invoices", MANUAL)
    assert books.changes(made) == []
    assert books.held(made) == [("customer_missing", ("customer",))]


def test_a_record_of_the_crm_is_created_in_the_erp(books: Books) -> None:
    books.put("crm", "r1", invoice("1", "a1"))
    decide(books, of_code(reconcile(books), Code.MISSING), Remedy.CREATE_IN_ERP)
    (change,) = books.changes(books.plan("invoices", MANUAL))
    assert (change.action, change.system) == (Action.CREATE, "erp")
    closed = books.plan("one_way", ONE_WAY)
    assert books.held(closed) == [("not_writable", ())]


def test_a_record_is_voided_where_the_system_can(books: Books) -> None:
    books.put("crm", "r1", invoice("1", "a1"))
    one = of_code(reconcile(books), Code.MISSING)
    decide(books, one, Remedy.VOID_IN_CRM)
    made = books.plan("invoices", ONE_WAY)
    (change,) = books.changes(made)
    assert (change.action, change.system, change.because) == (Action.VOID, "crm", f"exception {one.id}: void_in_crm")
    assert change.money_effect[0].minor == -10_000
    books.carry_out(made)
    assert books.changes(books.plan("invoices", ONE_WAY)) == []
    assert reconcile(books) == []


def test_a_record_that_the_system_cannot_void_is_held(books: Books) -> None:
    books.put("erp", "oughtreceive:1", invoice("1", "C1"))
    decide(books, of_code(reconcile(books), Code.MISSING), Remedy.VOID_IN_ERP)
    made = books.plan("invoices", MANUAL)
    assert books.changes(made) == []
    assert books.held(made) == [("not_writable", ())]


def test_what_is_void_in_the_erp_is_voided_in_the_crm_though_the_flow_asks_a_person(books: Books) -> None:
    pair(books, invoice("1", "C1", status=DocumentStatus.VOID), invoice("1", "a1"))
    assert books.held(books.plan("invoices", ONE_WAY)) == [("void_on_one_side", ())]
    decide(books, of_code(reconcile(books), Code.VOID_ON_ONE_SIDE), Remedy.VOID_IN_CRM)
    (change,) = books.carry_out(books.plan("invoices", ONE_WAY))
    assert (change.action, change.system) == (Action.VOID, "crm")
    assert reconcile(books) == []


@pytest.mark.parametrize("system", ["erp", "crm"])
def test_a_decision_never_overrules_what_somebody_did_afterwards(books: Books, system: str) -> None:
    decided_pair(books, Remedy.TAKE_ERP_AMOUNT)
    edited = {"erp": ("oughtreceive:1", "C1"), "crm": ("r1", "a1")}[system]
    books.put(system, edited[0], invoice("1", edited[1], 11_000))
    made = books.plan("invoices", MANUAL)
    assert books.changes(made) == []
    assert books.held(made) == [("edited_since", ("total_minor",))]


def test_an_edit_of_something_else_does_not_hold_a_decision(books: Books) -> None:
    decided_pair(books, Remedy.TAKE_ERP_AMOUNT)
    books.put("crm", "r1", invoice("1", "a1", 12_000, remark="called him"))
    (change,) = books.changes(books.plan("invoices", MANUAL.model_copy(update={"ignore": ("remark",)})))
    assert written(change) == {"total_minor": 10_000}


def test_a_decision_that_was_carried_out_is_over_although_the_record_differs(books: Books) -> None:
    one = decided_pair(books, Remedy.TAKE_ERP_AMOUNT)
    assert len(books.carry_out(books.plan("invoices", MANUAL))) == 1
    books.put("crm", "r1", invoice("1", "a1", 12_000))
    later = books.plan("invoices", MANUAL.model_copy(update={"owner": ("crm",), "direction": Direction.ONE_WAY}))
    assert books.changes(later) == []
    decide(books, one, Remedy.TAKE_ERP_AMOUNT)
    (again,) = books.changes(books.plan("invoices", MANUAL))
    assert written(again) == {"total_minor": 10_000}


def test_a_system_that_cannot_hold_the_value_is_told_once(books: Books) -> None:
    decided_pair(books, Remedy.TAKE_ERP_AMOUNT)
    books.carry_out(books.plan("invoices", MANUAL), lossy={"total_minor": 10_001})
    for _ in range(2):
        made = books.plan("invoices", MANUAL)
        assert books.changes(made) == []
        assert books.held(made) == []


def test_a_plan_is_not_made_twice_and_goes_with_its_decision(books: Books) -> None:
    one = decided_pair(books, Remedy.TAKE_ERP_AMOUNT)
    first = books.plan("invoices", MANUAL)
    assert len(books.changes(first)) == 1
    assert books.plan("invoices", MANUAL).same
    decide(books, one, None)
    after = books.plan("invoices", MANUAL)
    assert books.changes(after) == []
    assert after.head is not None
    assert after.head.summary.conflicts == 1


def test_records_that_are_not_linked_are_held(books: Books) -> None:
    books.put("erp", "oughtreceive:1", invoice("1", "C1", 10_000))
    books.put("crm", "r2", invoice("2", "a1", 12_000, issued_on=date(2026, 1, 1)))
    books.link()
    refs = (
        Ref(system="erp", kind=Kind.INVOICE, external_id="oughtreceive:1"),
        Ref(system="crm", kind=Kind.INVOICE, external_id="r2"),
    )
    finding = Finding(
        code=Code.AMOUNT_DIFFERS, kind=Kind.INVOICE, systems=("erp", "crm"), refs=refs, fields=("total_minor",)
    )
    decide(books, found_otherwise(books, finding), Remedy.TAKE_ERP_AMOUNT)
    made = books.plan("invoices", MANUAL)
    assert books.changes(made) == []
    assert books.held(made) == [("link_doubtful", ("total_minor",))] * 2


def test_a_finding_that_showed_no_values_is_carried_out_only_on_records_as_they_were(books: Books) -> None:
    pair(books, invoice("1", "C1", remark="a"), invoice("1", "a1", remark="b"))
    books.link()
    refs = (
        Ref(system="erp", kind=Kind.INVOICE, external_id="oughtreceive:1"),
        Ref(system="crm", kind=Kind.INVOICE, external_id="r1"),
    )
    finding = Finding(
        code=Code.BOTH_SIDES_CHANGED, kind=Kind.INVOICE, systems=("erp", "crm"), refs=refs, fields=("remark",)
    )
    decide(books, found_otherwise(books, finding), Remedy.TAKE_ERP_VALUE)
    (change,) = books.changes(books.plan("invoices", MANUAL))
    assert written(change) == {"remark": "a"}
    books.put("crm", "r1", invoice("1", "a1", remark="b", due_on=date(2026, 12, 1)))
    made = books.plan("invoices", MANUAL)
    assert all("remark" not in written(change) for change in books.changes(made))
    assert ("edited_since", ("remark",)) in books.held(made)


def test_other_flows_leave_a_decision_alone(books: Books) -> None:
    decided_pair(books, Remedy.TAKE_ERP_AMOUNT)
    books.put("erp", "SK1", payment("SK1", "C1"))
    payments = Flow(kind=Kind.PAYMENT, left="erp", right="crm", create=False)
    assert books.changes(books.plan("payments", payments)) == []


def test_the_newer_of_two_decisions_holds(books: Books) -> None:
    one = decided_pair(books, Remedy.TAKE_CRM_VALUE)
    books.clock.advance(timedelta(hours=1).total_seconds())
    decide(books, one, Remedy.TAKE_ERP_AMOUNT)
    (change,) = books.changes(books.plan("invoices", MANUAL))
    assert (change.system, written(change)) == ("crm", {"total_minor": 10_000})
