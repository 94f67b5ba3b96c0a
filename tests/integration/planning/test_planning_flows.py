"""From linked copies to a stored plan: the rules on SQLite, what rests on the database on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from plan_books import Books, customer, invoice, payment, rules_of

from ledgerbridge.errors import ActRefused, ConfigError, StaleRecord
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action
from ledgerbridge.model.customer import CustomerStatus
from ledgerbridge.model.flow import Caps, Direction, Flow, VoidRule
from ledgerbridge.model.invoice import DocumentStatus
from ledgerbridge.model.operation import OpState
from ledgerbridge.model.party import Contact, DocumentRef, PartyRef
from ledgerbridge.model.payment import AllocatedTo
from ledgerbridge.model.plan import ConflictState, PlanState, Take
from ledgerbridge.store import Store, agreed, conflicts, operations, plans, quarantine, to_us
from ledgerbridge.sync.planning import Made
from ledgerbridge.testing.fakes import FakeClock

CUSTOMERS = Flow(kind=Kind.CUSTOMER, left="erp", right="crm", direction=Direction.TWO_WAY, ignore=("sales_owner",))
INVOICES = Flow(kind=Kind.INVOICE, left="erp", right="crm")
PAYMENTS = Flow(kind=Kind.PAYMENT, left="erp", right="crm")
ZOHO_PAYMENTS = Flow(kind=Kind.PAYMENT, left="erp", right="zoho")


@pytest.fixture
def lone(sqlite_address: str, clock: FakeClock) -> Iterator[Store]:
    with Store.open(sqlite_address, clock=clock) as opened:
        yield opened


@pytest.fixture
def books(lone: Store, clock: FakeClock) -> Books:
    return Books(lone, clock).ready()


@pytest.fixture
def on_both(store: Store, clock: FakeClock) -> Books:
    return Books(store, clock).ready()


def pair(books: Books) -> None:
    """One customer that both know."""
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.put("crm", "a1", customer("C1", credit_code="91320508MADA1Q33XX"))


def settle(books: Books, name: str, flow: Flow) -> Made:
    """Plan and carry out until there is nothing to do; at most two rounds after the last human edit (invariant 5)."""
    books.carry_out(books.plan(name, flow))
    made = books.plan(name, flow)
    assert books.changes(made) == []
    return made


def settle_once(books: Books, name: str, flow: Flow) -> Made:
    made = books.plan(name, flow)
    books.carry_out(made)
    return made


def says(books: Books, made: Made) -> list[tuple[str, str, dict[str, object]]]:
    return [
        (one.action.value, one.system, {field.path: field.after for field in one.fields}) for one in books.changes(made)
    ]


def test_what_was_never_read_does_not_look_missing(lone: Store, clock: FakeClock) -> None:
    books = Books(lone, clock).ready(("crm", Kind.CUSTOMER))
    books.put("erp", "C1", customer("C1"))
    made = books.plan("invoices", INVOICES)
    assert made.head is None
    assert made.not_ready is not None
    assert "crm/customer" in made.not_ready


def test_the_first_plan_of_a_flow_is_only_proposed(books: Books) -> None:
    books.put("erp", "C1", customer("C1"))
    first = books.plan("customers", CUSTOMERS)
    assert first.head is not None
    assert first.head.state is PlanState.PROPOSED
    assert first.head.why_waiting == ("first plan of the flow",)
    books.carry_out(first)
    books.put("erp", "C2", customer("C2"))
    second = books.plan("customers", CUSTOMERS)
    assert second.head is not None
    assert (second.head.state, second.head.why_waiting) == (PlanState.PROPOSED, ())


def test_a_plan_writes_nothing_but_itself(books: Books) -> None:
    books.put("erp", "C1", customer("C1"))
    books.link()
    before = books.store.digest()
    made = books.plan("customers", CUSTOMERS)
    assert books.store.digest() == before
    assert made.head is not None
    with books.store.reading() as tx:
        assert operations.counts(tx, made.head.plan_id) == {OpState.PLANNED: 1}


def test_customer_before_its_invoice_before_its_payment(on_both: Books) -> None:
    books = on_both
    books.put("erp", "C1", customer("C1"))
    books.put("erp", "oughtreceive:1", invoice("1", "C1"))
    allocated = (AllocatedTo(invoice=DocumentRef(external_id="oughtreceive:1"), amount_minor=10_000),)
    books.put("erp", "SK1", payment("SK1", "C1", allocations=allocated))
    keys: list[str] = []
    for name, flow in (("customers", CUSTOMERS), ("invoices", INVOICES), ("payments", PAYMENTS)):
        made = books.plan(name, flow)
        (change,) = books.changes(made)
        assert change.action is Action.CREATE
        assert list(change.needs) == ([] if not keys else sorted(keys, key=list(change.needs).index))
        keys.append(change.key)
    for name, flow in (("customers", CUSTOMERS), ("invoices", INVOICES), ("payments", PAYMENTS)):
        with books.store.reading() as tx:
            head = plans.latest(tx, name)
        books.carry_out(Made(name, head))
        assert books.changes(books.plan(name, flow)) == []
    stored = books.get("crm", Kind.PAYMENT, "new-3")
    assert stored.customer == PartyRef(external_id="new-1")
    assert stored.allocations[0].invoice == DocumentRef(external_id="new-2")


def test_an_invoice_whose_customer_is_not_there_is_held(books: Books) -> None:
    books.put("erp", "C1", customer("C1"))
    books.put("erp", "oughtreceive:1", invoice("1", "C1"))
    books.put("erp", "oughtreceive:2", invoice("2", "unknown"))
    made = books.plan("invoices", INVOICES)
    assert books.changes(made) == []
    assert books.held(made) == [("customer_missing", ("customer",))] * 2
    assert made.head is not None
    assert made.head.summary.held == {"customer_missing": 2}


def test_drafts_and_what_a_filter_leaves_out_are_not_created_and_not_read_again(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "oughtreceive:1", invoice("1", "C1", status=DocumentStatus.DRAFT))
    books.put("erp", "oughtreceive:2", invoice("2", "C1", currency="USD"))
    flow = INVOICES.model_copy(update={"filter": {"currency": ("CNY",)}})
    made = books.plan("invoices", flow)
    assert books.changes(made) == []
    assert made.head is not None
    assert made.head.summary.looked_at == 2
    again = books.plan("invoices", flow)
    assert again.same
    with books.store.reading() as tx:
        of = agreed.Pairing("invoices", Kind.INVOICE, "erp", "crm", rules_of("invoices", flow).fingerprint)
        assert agreed.unsettled(tx, of) == []


def test_two_way_each_side_gets_what_it_does_not_own(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put(
        "erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", credit_limit_minor=500_00, phone="+8651288888888")
    )
    books.put("crm", "a1", customer("C1", credit_code="91320508MADA1Q33XX", email="li@example.com"))
    made = books.plan("customers", CUSTOMERS)
    assert says(books, made) == [
        ("update", "erp", {"email": "li@example.com"}),
        ("update", "crm", {"credit_limit_minor": 500_00, "phone": "+8651288888888"}),
    ]
    settle(books, "customers", CUSTOMERS)
    assert books.get("erp", Kind.CUSTOMER, "C1").email == "li@example.com"


def test_drift_in_what_the_leading_system_owns_is_put_back_and_told(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("crm", "a1", customer("C1", name="另一个名字有限公司", credit_code="91320508MADA1Q33XX"))
    made = books.plan("customers", CUSTOMERS)
    assert says(books, made) == [("update", "crm", {"name": "C1号精密机械有限公司"})]
    assert made.head is not None
    assert made.head.summary.effects[0].drift == 1
    assert books.changes(made)[0].fields[0].decided_by == "drift:erp"
    settle(books, "customers", CUSTOMERS)


def conflict_on_category(books: Books) -> tuple[str, Flow]:
    flow = CUSTOMERS.model_copy(update={"owners": {"category": ("manual",)}})
    pair(books)
    settle(books, "customers", flow)
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", category="01"))
    books.put("crm", "a1", customer("C1", credit_code="91320508MADA1Q33XX", category="02"))
    made = books.plan("customers", flow)
    assert books.changes(made) == []
    assert made.head is not None
    assert made.head.summary.conflicts == 1
    with books.store.reading() as tx:
        (case,) = conflicts.cases(tx, flow="customers")
        assert plans.conflict_keys(tx, made.head.plan_id) == [case.key]
    assert (case.conflict.left_value, case.conflict.right_value, case.state) == ("01", "02", ConflictState.OPEN)
    return case.key, flow


@pytest.mark.parametrize(
    ("take", "value", "expected"),
    [
        (Take.LEFT, None, [("update", "crm", {"category": "01"})]),
        (Take.RIGHT, None, [("update", "erp", {"category": "02"})]),
        (Take.VALUE, "03", [("update", "erp", {"category": "03"}), ("update", "crm", {"category": "03"})]),
    ],
)
def test_a_decided_conflict_becomes_exactly_that_change(
    books: Books, take: Take, value: str | None, expected: list[object]
) -> None:
    key, flow = conflict_on_category(books)
    with books.store.writing() as tx:
        conflicts.decide(tx, key, take, who="li", at=books.clock.now(), value=value)
    made = books.plan("customers", flow)
    assert says(books, made) == expected
    assert {field.decided_by for change in books.changes(made) for field in change.fields} == {"person:li"}
    assert books.plan("customers", flow).same  # the decision stays in force until it is carried out
    settle(books, "customers", flow)
    with books.store.reading() as tx:
        assert conflicts.open_count(tx) == 0
        with_state = conflicts.get(tx, key)
    assert with_state is not None
    assert with_state.state is ConflictState.GONE


def test_a_value_of_a_persons_own_stands_beside_the_leading_systems(books: Books) -> None:
    flow = CUSTOMERS.model_copy(update={"direction": Direction.ONE_WAY, "owners": {"category": ("manual",)}})
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", category="01"))
    books.put("crm", "a1", customer("C1", credit_code="91320508MADA1Q33XX", category="02"))
    books.plan("customers", flow)
    with books.store.writing() as tx:
        (case,) = conflicts.cases(tx)
        conflicts.decide(tx, case.key, Take.VALUE, who="li", at=books.clock.now(), value="03")
    assert says(books, settle_once(books, "customers", flow)) == [("update", "crm", {"category": "03"})]
    assert books.changes(books.plan("customers", flow)) == []
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", category="04"))
    assert says(books, books.plan("customers", flow)) == [("update", "crm", {"category": "04"})]


def test_a_postponed_conflict_rests_until_its_day(on_both: Books) -> None:
    books = on_both
    key, flow = conflict_on_category(books)
    until = books.clock.now() + timedelta(days=1)
    with books.store.writing() as tx:
        conflicts.decide(tx, key, Take.POSTPONE, who="li", at=books.clock.now(), until=until)
    made = books.plan("customers", flow)
    assert made.head is not None
    assert made.head.summary.conflicts == 0
    books.clock.advance(86_500)
    made = books.plan("customers", flow)
    assert made.head is not None
    assert made.head.summary.conflicts == 1
    with books.store.reading() as tx:
        assert conflicts.open_count(tx, "customers") == 1


def test_a_conflict_whose_values_moved_on_is_gone_and_cannot_be_decided(books: Books) -> None:
    key, flow = conflict_on_category(books)
    books.put("crm", "a1", customer("C1", credit_code="91320508MADA1Q33XX", category="01"))
    books.plan("customers", flow)
    with books.store.writing() as tx, pytest.raises(ActRefused, match="gone"):
        conflicts.decide(tx, key, Take.LEFT, who="li", at=books.clock.now())


def test_a_value_that_the_target_cannot_hold_is_not_written_for_ever(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", remark="一段很长的备注"))
    books.carry_out(books.plan("customers", CUSTOMERS), lossy={"remark": "一段"})
    assert books.changes(books.plan("customers", CUSTOMERS)) == []
    assert books.get("erp", Kind.CUSTOMER, "C1").remark == "一段很长的备注"
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", remark="另一段备注"))
    assert says(books, books.plan("customers", CUSTOMERS)) == [("update", "crm", {"remark": "另一段备注"})]


def test_a_verified_write_that_left_no_trace_in_the_agreed_values_is_not_repeated(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", remark="长"))
    books.plan("customers", CUSTOMERS)
    entity = books.entity("erp", Kind.CUSTOMER, "C1")
    with books.store.reading() as tx:
        before = agreed.get(tx, "customers", entity)
    assert before is not None
    made = books.plan("customers", CUSTOMERS)
    books.carry_out(made, lossy={"remark": None})
    with books.store.writing() as tx:
        agreed.put_many(tx, [before])  # as a database restored to the moment before the write would have it
    again = books.plan("customers", CUSTOMERS)
    for _ in range(2):
        books.carry_out(again, lossy={"remark": None})
        again = books.plan("customers", CUSTOMERS)
    assert books.changes(again) == []


def test_a_create_only_field_that_differs_is_held_and_never_an_operation(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "oughtreceive:1", invoice("1", "C1", 10_000))
    books.put("crm", "b1", invoice("1", "a1", 10_000, currency="USD"))
    made = books.plan("invoices", INVOICES)
    assert books.changes(made) == []
    assert ("not_writable", ("currency",)) in books.held(made)


def test_amounts_of_different_currencies_are_never_written_over_one_another(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "oughtreceive:1", invoice("1", "C1", 10_000))
    books.put("crm", "b1", invoice("1", "a1", 10_000))
    settle(books, "invoices", INVOICES)
    books.put("crm", "b1", invoice("1", "a1", 70_000, currency="USD"))
    made = books.plan("invoices", INVOICES)
    assert books.changes(made) == []
    assert set(books.held(made)) == {("not_writable", ("currency",)), ("currency_differs", ("total_minor",))}


def test_the_money_effect_is_after_minus_before(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "oughtreceive:1", invoice("1", "C1", 10_000))
    books.put("crm", "b1", invoice("1", "a1", 12_500))
    books.put("erp", "oughtreceive:2", invoice("2", "C1", 300))
    made = books.plan("invoices", INVOICES)
    assert made.head is not None
    effects = {one.action: [(m.minor, m.currency) for m in one.money] for one in made.head.summary.effects}
    assert effects == {Action.CREATE: [(300, "CNY")], Action.UPDATE: [(-2_500, "CNY")]}


@pytest.mark.parametrize("rule", list(VoidRule))
def test_void_on_the_leading_side(books: Books, rule: VoidRule) -> None:
    flow = INVOICES.model_copy(update={"void": rule})
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "oughtreceive:1", invoice("1", "C1", 10_000))
    books.put("crm", "b1", invoice("1", "a1", 10_000))
    settle(books, "invoices", flow)
    books.put("erp", "oughtreceive:1", invoice("1", "C1", 10_000, status=DocumentStatus.VOID))
    made = books.plan("invoices", flow)
    if rule is VoidRule.REPORT:
        assert books.changes(made) == []
        assert books.held(made) == [("void_on_one_side", ())]
        return
    (change,) = books.changes(made)
    assert (change.action, change.system, change.money_effect[0].minor) == (Action.VOID, "crm", -10_000)
    settle(books, "invoices", flow)


def test_what_vanished_at_the_right_is_reported_and_not_made_again(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "oughtreceive:1", invoice("1", "C1"))
    books.put("crm", "b1", invoice("1", "a1"))
    settle(books, "invoices", INVOICES)
    books.put("crm", "b1", invoice("1", "a1"), deleted=True)
    made = books.plan("invoices", INVOICES)
    assert books.changes(made) == []
    assert books.held(made) == [("void_on_one_side", ())]


def test_one_payment_becomes_one_part_per_invoice_and_one_for_the_rest(on_both: Books) -> None:
    books = on_both
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.put("zoho", "z1", customer("C1", credit_code="91320508MADA1Q33XX"))
    for number in ("1", "2"):
        books.put("erp", f"oughtreceive:{number}", invoice(number, "C1"))
        books.put("zoho", f"i{number}", invoice(number, "z1"))
    settled = tuple(
        AllocatedTo(invoice=DocumentRef(external_id=f"oughtreceive:{n}"), amount_minor=10_000) for n in ("1", "2")
    )
    books.put("erp", "SK1", payment("SK1", "C1", 24_950, fee_minor=50, allocations=settled))
    made = books.plan("payments", ZOHO_PAYMENTS)
    changes = books.changes(made)
    assert len({change.key for change in changes}) == 3
    amounts = [field.after for change in changes for field in change.fields if field.path == "amount_minor"]
    assert sorted(amounts) == [5_000, 10_000, 10_000]
    assert sum(money.minor for change in changes for money in change.money_effect) == 25_000
    for change in changes:
        said = {field.path: field.after for field in change.fields}
        assert (said["whole_minor"], said["whole_fee_minor"]) == (24_950, 50), "each part says what all are together"
    assert {change.part for change in changes} == {
        "rest",
        *(books.entity("erp", Kind.INVOICE, f"oughtreceive:{n}") for n in ("1", "2")),
    }
    books.carry_out(made)
    assert books.changes(books.plan("payments", ZOHO_PAYMENTS)) == []
    books.put(
        "erp", "SK1", payment("SK1", "C1", 24_950, fee_minor=50, allocations=settled, received_on=date(2026, 10, 6))
    )
    made = books.plan("payments", ZOHO_PAYMENTS)
    assert says(books, made) == [("update", "zoho", {"received_on": "2026-10-06"})] * 3
    settle(books, "payments", ZOHO_PAYMENTS)
    books.put("erp", "SK1", payment("SK1", "C1", 30_000, allocations=settled, received_on=date(2026, 10, 6)))
    made = books.plan("payments", ZOHO_PAYMENTS)
    assert books.changes(made) == []
    assert books.held(made) == [("parts_differ", ("amount_minor", "whole_minor"))]


def test_a_payment_of_one_part_is_corrected_with_what_it_says_of_the_whole(on_both: Books) -> None:
    books = on_both
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.put("zoho", "z1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.put("erp", "SK1", payment("SK1", "C1", 24_950, fee_minor=50))
    books.carry_out(books.plan("payments", ZOHO_PAYMENTS))
    assert books.changes(books.plan("payments", ZOHO_PAYMENTS)) == []
    books.put("erp", "SK1", payment("SK1", "C1", 30_000, fee_minor=70))
    made = books.plan("payments", ZOHO_PAYMENTS)
    corrected = {"amount_minor": 30_070, "whole_minor": 30_000, "whole_fee_minor": 70}
    assert says(books, made) == [("update", "zoho", corrected)]
    settle(books, "payments", ZOHO_PAYMENTS)
    assert books.changes(books.plan("payments", ZOHO_PAYMENTS)) == []


def test_a_payment_allocated_beyond_itself_is_held(books: Books) -> None:
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.put("zoho", "z1", customer("C1", credit_code="91320508MADA1Q33XX"))
    books.put("erp", "oughtreceive:1", invoice("1", "C1"))
    books.put("zoho", "i1", invoice("1", "z1"))
    over = (AllocatedTo(invoice=DocumentRef(external_id="oughtreceive:1"), amount_minor=10_001),)
    books.put("erp", "SK1", payment("SK1", "C1", 10_000, allocations=over))
    made = books.plan("payments", ZOHO_PAYMENTS)
    assert books.changes(made) == []
    assert books.held(made) == [("parts_differ", ("allocations",))]


def test_parts_can_only_follow(books: Books) -> None:
    with pytest.raises(ConfigError, match="in parts"):
        rules_of("payments", Flow(kind=Kind.PAYMENT, left="zoho", right="erp"))


def test_a_credit_note_comes_after_what_it_reverses(on_both: Books) -> None:
    books = on_both
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "oughtreceive:9", invoice("9", "C1", 500))
    books.put("erp", "oughtreceive:1", invoice("1", "C1", -500, reverses=DocumentRef(number="9")))
    made = books.plan("invoices", INVOICES)
    first, second = books.changes(made)
    assert second.needs == (first.key,)
    assert [field.after for field in second.fields if field.path == "reverses"] == [
        {"external_id": f"entity:{books.entity('erp', Kind.INVOICE, 'oughtreceive:9')}"}
    ]
    settle(books, "invoices", INVOICES)


def test_a_doubtful_pair_is_not_created_twice(books: Books) -> None:
    books.put("erp", "C1", customer("C1", name="苏州诚普科技有限公司"))
    books.put("crm", "a1", customer("K7", name="苏州诚普科技有限公司"))
    books.put("crm", "a2", customer("K8", name="苏州诚普科技有限公司"))
    made = books.plan("customers", CUSTOMERS)
    assert books.changes(made) == []
    assert ("link_doubtful", ()) in books.held(made)


def test_what_may_be_its_counterpart_in_quarantine_holds_a_create(books: Books) -> None:
    from ledgerbridge.model.problem import Problem
    from ledgerbridge.model.raw import Raw, digest_of
    from ledgerbridge.testing.fakes import EPOCH

    books.put("erp", "C1", customer("C1"))
    text = b'{"account_no": "C1", "name": 7}'
    raw = Raw(Kind.CUSTOMER, "AccountObj", "a1", text, digest_of(text), EPOCH)
    problem = Problem(field="name", wire="name", value="7", rule="r", why="no text")
    with books.store.writing() as tx:
        quarantine.sight(tx, "crm", raw, (problem,), now_us=to_us(books.clock.now()), run_id="r")
    made = books.plan("customers", CUSTOMERS)
    assert books.changes(made) == []
    assert books.held(made) == [("in_quarantine", ())]


def test_over_a_cap_the_plan_waits_with_the_reason(books: Books) -> None:
    books.put("erp", "C0", customer("C0"))
    books.carry_out(books.plan("customers", CUSTOMERS))
    for at in range(1, 4):
        books.put("erp", f"C{at}", customer(f"C{at}"))
    flow = CUSTOMERS.model_copy(update={"caps": Caps(creates_max=2)})
    made = books.plan("customers", flow)
    assert made.head is not None
    assert made.head.state is PlanState.WAITING
    assert made.head.why_waiting == ("3 creates, the cap is 2",)


def test_a_newer_plan_takes_the_place_of_one_that_nobody_approved(on_both: Books) -> None:
    books = on_both
    books.put("erp", "C1", customer("C1"))
    first = books.plan("customers", CUSTOMERS)
    assert books.plan("customers", CUSTOMERS).same
    books.put("erp", "C2", customer("C2"))
    second = books.plan("customers", CUSTOMERS)
    assert first.head is not None
    assert second.head is not None
    with books.store.reading() as tx:
        old = plans.head(tx, first.head.plan_id)
        assert old is not None
        assert old.state is PlanState.SUPERSEDED
        assert operations.counts(tx, first.head.plan_id) == {}
        assert operations.counts(tx, second.head.plan_id) == {OpState.PLANNED: 2}
    with books.store.writing() as tx, pytest.raises(StaleRecord):
        plans.set_state(tx, first.head.plan_id, PlanState.APPROVED, now_us=1)


def test_while_a_write_is_under_way_its_entity_is_held(books: Books) -> None:
    pair(books)
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", remark="x"))
    made = books.plan("customers", CUSTOMERS)
    assert made.head is not None
    with books.store.writing() as tx:
        plans.set_state(tx, made.head.plan_id, PlanState.APPROVED, now_us=to_us(books.clock.now()))
        operations.release(tx, made.head.plan_id, "li", books.clock.now())
    again = books.plan("customers", CUSTOMERS)
    assert books.changes(again) == []
    assert books.held(again) == [("unfinished", ("remark",))]


def test_a_record_written_too_often_is_frozen(on_both: Books) -> None:
    books = on_both
    flow = CUSTOMERS.model_copy(update={"writes_max": 2})
    pair(books)
    settle(books, "customers", flow)
    for text in ("1", "2"):
        books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", remark=text))
        assert len(books.carry_out(books.plan("customers", flow))) == 1
    books.put("erp", "C1", customer("C1", credit_code="91320508MADA1Q33XX", remark="3"))
    made = books.plan("customers", flow)
    assert books.changes(made) == []
    assert books.held(made) == [("frozen", ("remark",))]
    books.clock.advance(25 * 3600)
    assert len(books.changes(books.plan("customers", flow))) == 1


def test_pairs_at_rest_never_leave_the_database(on_both: Books) -> None:
    books = on_both
    for at in range(30):
        books.put("erp", f"C{at}", customer(f"C{at}"))
        books.put("crm", f"a{at}", customer(f"C{at}"))
    settle(books, "customers", CUSTOMERS)
    books.put("erp", "C7", customer("C7", remark="neu"))
    made = books.plan("customers", CUSTOMERS)
    assert made.head is not None
    assert made.head.summary.looked_at == 1
    assert made.head.summary.linked == 30
    books.carry_out(made)
    books.plan("customers", CUSTOMERS)
    for flow, unsettled in ((CUSTOMERS, 0), (CUSTOMERS.model_copy(update={"ignore": ("fax", "sales_owner")}), 30)):
        of = agreed.Pairing("customers", Kind.CUSTOMER, "erp", "crm", rules_of("customers", flow).fingerprint)
        with books.store.reading() as tx:
            assert len(agreed.unsettled(tx, of)) == unsettled  # other rules: everything is looked at once more


def test_a_disabled_customer_is_not_created(books: Books) -> None:
    books.put("erp", "C1", customer("C1", status=CustomerStatus.DISABLED))
    assert books.changes(books.plan("customers", CUSTOMERS)) == []


def test_only_where_the_flow_says_so_the_leading_system_gets_new_records(books: Books) -> None:
    books.put("crm", "a1", customer("K1", contacts=(Contact(name="Li"),)))
    assert books.changes(books.plan("customers", CUSTOMERS)) == []
    flow = CUSTOMERS.model_copy(update={"create_left": True})
    (change,) = books.changes(books.plan("customers", flow))
    assert (change.action, change.system) == (Action.CREATE, "erp")
