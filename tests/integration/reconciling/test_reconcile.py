"""Reconciliation over the store: what is applied and recorded, what a second run does, looks back, one customer, the same on
both engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from reconcile_books import (
    DAY,
    NOW,
    RULES,
    Record,
    allocation,
    customer,
    delete,
    invoice,
    payment,
    put,
    rolled,
    run,
)

from ledgerbridge.errors import ActRefused, Stopped
from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import Code, State
from ledgerbridge.model.money import Money
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.model.reconciliation import ReconciliationSummary
from ledgerbridge.store import Store, allocations, audit, exceptions, payers, quarantine, reconciliations
from ledgerbridge.store.exceptions import Wanted
from ledgerbridge.testing.fakes import FakeClock

CUSTOMERS = [customer("C1", "上海飞轮机械有限公司"), customer("C2", "苏州长河纺织有限公司")]
BOOKS = [
    *CUSTOMERS,
    invoice("XS001", "C1", 10_000, "2026-01-05", due_on="2026-02-04"),
    invoice("XS002", "C1", 20_000, "2026-01-06"),
    payment("SK001", "C1", 10_000, "2026-01-20", remittance_text="货款XS001", bank_reference="B1"),
    invoice("XS101", "C2", 7_700, "2026-01-10"),
    invoice("XS102", "C2", 7_700, "2026-01-11"),
    payment("SK101", "C2", 7_700, "2026-01-25"),
]


def applied(store: Store) -> set[tuple[str, str, int, str]]:
    with store.reading() as tx:
        return {
            (row.debit_id, row.credit_id, row.amount_minor, row.rule)
            for _, rows in allocations.every(tx, "erp")
            for row in rows
        }


def standing(store: Store, **wanted: object) -> set[tuple[str, str | None]]:
    with store.reading() as tx:
        found = exceptions.every(tx, Wanted(**wanted))  # type: ignore[arg-type]
        return {(one.finding.code.value, one.finding.number) for one in found}


def unread(store: Store, code: str) -> None:
    """A customer of the CRM that could not be read."""
    raw = Raw(Kind.CUSTOMER, "t", code, b"{}", digest_of(b"{}"), NOW)
    with store.writing() as tx:
        quarantine.sight(tx, "crm", raw, (), now_us=1_000_000, run_id="r")


def without_moment(summary: ReconciliationSummary) -> ReconciliationSummary:
    lines = tuple(line.model_copy(update={"new": 0}) for line in summary.exceptions)
    return summary.model_copy(update={"run_id": "", "made_at": NOW, "exceptions": lines})


def test_named_money_is_applied_and_a_tie_is_left_to_a_person(store: Store) -> None:
    put(store, BOOKS)
    done = run(store)
    assert applied(store) == {("invoice/XS001", "payment/SK001", 10_000, "reference")}
    (cash,) = done.summary.cash
    assert (cash.paid_minor, cash.applied_minor, cash.ambiguous_minor) == (17_700, 10_000, 7_700)
    assert ("ambiguous_allocation", "SK101") in standing(store)
    with store.reading() as tx:
        (one,) = exceptions.every(tx, Wanted(codes=(Code.AMBIGUOUS_ALLOCATION,)))
    assert one.finding.difference == Money(minor=7_700, currency="CNY")
    assert one.finding.evidence["candidates"] == [["XS101"], ["XS102"]]


def test_a_second_run_changes_nothing_and_says_nothing(store: Store) -> None:
    put(store, [*rolled(3), *(replace(one, system="crm") for one in rolled(3))])
    first = run(store)
    assert first.anew == first.summary.customers > 0
    with store.reading() as tx:
        before = allocations.digest(tx), audit.head(tx)
    second = run(store, now=NOW + timedelta(hours=1))
    assert second.anew == 0
    assert all((one.new, one.changed, one.reopened, one.gone) == (0, 0, 0, 0) for one in second.exceptions)
    assert without_moment(first.summary) == without_moment(second.summary)
    with store.reading() as tx:
        assert (allocations.digest(tx), audit.head(tx)) == before


def test_only_the_customer_that_changed_is_worked_out_anew(store: Store) -> None:
    put(store, rolled(4))
    run(store)
    put(store, [payment("SK9", "C01", 123, "2026-03-01")])
    assert run(store).anew == 1
    put(store, [payment("SK9", "C01", 124, "2026-03-01")])
    assert run(store).anew == 1
    assert run(store, rules=replace(RULES, unapplied_days=5)).anew == 0
    anew = replace(RULES, cash=RULES.cash.model_copy(update={"early_days": 3}))
    assert run(store, rules=anew).anew == 6, "another policy works everybody out anew"


def test_a_customer_without_any_record_left_is_forgotten(store: Store) -> None:
    put(store, BOOKS)
    run(store)
    delete(store, *(one for one in BOOKS[2:] if one.fields["customer"]["code"] == "C1"))
    run(store)
    assert applied(store) == set()
    with store.reading() as tx:
        assert len(allocations.states(tx, "erp")) == 1


@pytest.mark.parametrize("seed", range(4))
def test_as_of_a_day_equals_a_reconciliation_of_books_cut_at_that_day(
    fresh_sqlite: Callable[[], Store], seed: int
) -> None:
    whole = rolled(seed)
    theirs = [replace(one, system="crm") for one in whole[: len(whole) - 7]]
    day = date(2026, 2, 10)
    dated = {Kind.INVOICE: "issued_on", Kind.PAYMENT: "received_on"}

    def by_then(record: Record) -> bool:
        return record.kind not in dated or record.fields[dated[record.kind]] <= day.isoformat()

    with fresh_sqlite() as full, fresh_sqlite() as cut:
        put(full, [*whole, *theirs])
        put(cut, [one for one in (*whole, *theirs) if by_then(one)])
        run(full)
        looked_back = run(full, as_of=day)
        ours = run(cut, as_of=day)
        assert not looked_back.recorded
        assert ours.recorded
        one, other = without_moment(looked_back.summary), without_moment(ours.summary)
        assert one.cash == other.cash
        assert one.passes == other.passes
        assert one.aging == other.aging
        assert one.collection == other.collection
        assert one.compared == other.compared
        assert one.exceptions == other.exceptions


def test_a_look_back_leaves_books_and_exceptions_as_they_are(store: Store) -> None:
    put(store, rolled(5))
    run(store)
    with store.reading() as tx:
        before = allocations.digest(tx), exceptions.counts(tx, Wanted()), audit.head(tx)
    assert not run(store, as_of=date(2026, 1, 20)).recorded
    with store.reading() as tx:
        assert (allocations.digest(tx), exceptions.counts(tx, Wanted()), audit.head(tx)) == before
        assert reconciliations.stands_on(tx, "erp") == DAY


def test_one_customer_changes_nothing_of_the_others(store: Store) -> None:
    put(store, BOOKS)
    run(store)
    before = standing(store)
    put(store, [payment("SK102", "C2", 7_700, "2026-01-26"), payment("SK002", "C1", 999, "2026-01-02")])
    done = run(store, customer="飞轮")
    assert done.summary.partial
    assert done.summary.customers == 1
    after = standing(store)
    assert ("unapplied_cash", "SK002") in after
    assert ("ambiguous_allocation", "SK101") in after, (
        "two payments for two documents would settle it, but it was not asked"
    )
    assert before <= after
    with pytest.raises(ActRefused, match="has no customer"):
        run(store, customer="nobody")


def test_what_the_erp_states_is_taken_as_given_and_checked(store: Store) -> None:
    stated = [
        allocation("HX1", "SK101", "XS102", 7_700, "2026-02-01", "C2"),
        allocation("HX2", "SK001", "XS001", 99_999, "2026-02-01", "C1"),
    ]
    put(store, [*BOOKS, *stated])
    run(store)
    assert applied(store) == {
        ("invoice/XS102", "payment/SK101", 7_700, "given"),
        ("invoice/XS001", "payment/SK001", 10_000, "reference"),
    }
    assert ("allocation_faulty", "HX2") in standing(store)


def test_a_stated_allocation_counts_from_its_own_day(store: Store) -> None:
    put(store, [*BOOKS[:-1], payment("SK101", "C2", 7_700, "2026-01-25")])
    put(store, [allocation("HX1", "SK101", "XS102", 7_700, "2026-03-10", "C2")])
    early = run(store, as_of=date(2026, 3, 9))
    assert early.summary.cash[0].applied_minor == 10_000
    late = run(store, as_of=date(2026, 3, 10))
    assert late.anew == 1
    assert late.summary.cash[0].applied_minor == 17_700


def test_a_later_day_takes_a_stated_part_of_a_payment_into_account(store: Store) -> None:
    parts = [{"invoice": {"number": "XS101"}, "amount_minor": 7_700, "allocated_on": "2026-03-10"}]
    put(store, [*BOOKS[:-1], payment("SK101", "C2", 7_700, "2026-01-25", allocations=parts)])
    assert run(store, as_of=date(2026, 3, 9)).summary.cash[0].ambiguous_minor == 7_700
    later = run(store, as_of=date(2026, 3, 10))
    assert later.anew == 1, "the copies are the same, but what they state takes effect now"
    assert later.summary.cash[0].applied_minor == 17_700


def test_money_that_a_bank_saw_is_booked_or_somebodys_or_nobodys(store: Store) -> None:
    rows = [
        payment("B1", None, 10_000, "2026-01-20", system="bank", bank_reference="B1", payer_name="上海飞轮机械有限公司"),
        payment("B2", None, 20_000, "2026-02-02", system="bank", remittance_text="XS002货款", payer_name="上海飞轮机械有限公司"),
        payment("B3", None, 31_337, "2026-02-03", system="bank", payer_name="李四"),
        payment("B4", None, -500, "2026-02-03", system="bank", payer_name="银行手续费"),
    ]  # fmt: skip
    put(store, [*BOOKS, *rows])
    done = run(store)
    assert done.banks == {"bank": {"booked": 1, "matched": 1, "nothing": 1}}
    found = standing(store, scope="bank:bank")
    assert found == {("missing", "B2"), ("unknown_payer", "B3")}
    with store.reading() as tx:
        (booked,) = (row for row in payers.known_rows(tx, "bank") if row.outcome == "booked")
        assert booked.payment_id == "payment/SK001"
    put(store, [payment("SK002", "C1", 20_000, "2026-02-02", remittance_text="XS002货款", bank_reference="B2")])
    put(store, [replace(rows[1], fields=rows[1].fields | {"bank_reference": "B2"})])
    assert run(store).banks == {"bank": {"booked": 2, "nothing": 1}}
    assert standing(store, scope="bank:bank", states=(State.GONE,)) == {("missing", "B2")}
    delete(store, rows[2])
    assert run(store).banks == {"bank": {"booked": 2}}


def test_payments_and_rows_that_are_alike_are_each_others_only_if_equally_many(store: Store) -> None:
    twins = [payment(f"SK{at}", "C1", 5_000, "2026-02-01", payer_name="飞轮", our_account="622001") for at in (1, 2)]
    rows = [
        payment(f"B{at}", None, 5_000, "2026-02-01", system="bank", payer_name="飞轮", our_account="622001")
        for at in (1, 2, 3)
    ]
    put(store, [*CUSTOMERS, *twins, *rows[:2]])
    assert run(store).banks == {"bank": {"booked": 2}}
    put(store, [rows[2]])
    assert run(store).banks["bank"].get("booked") == 2, (
        "what was settled stays settled; the third row is looked at alone"
    )


def test_a_partial_system_has_a_customer_whose_record_there_waits_in_quarantine(store: Store) -> None:
    """Its documents say whose it is, so that what is not among them is missing; of a customer without any nothing is missed."""
    in_both = customer("C1", "上海飞轮机械有限公司", system="crm")
    documents = [
        invoice("XS001", "C1", 10_000, "2026-01-05", system="crm", due_on="2026-02-04"),
        invoice("XS101", "C2", 7_700, "2026-01-10", system="crm"),
    ]
    put(store, [*BOOKS, in_both, *documents])
    rules = replace(RULES, partial=frozenset({"crm"}))
    run(store, rules=rules)
    missing = {("missing", "XS002")}
    assert standing(store, scope="compare:erp:crm") == missing, "nobody says that C2 of the other system is our C2"
    unread(store, "C2")
    done = run(store, rules=rules)
    assert standing(store, scope="compare:erp:crm") == {*missing, ("missing", "XS102")}
    (books,) = done.summary.compared
    assert books.gap_minor == sum(cause.minor for cause in books.causes) == -27_700
    with store.writing() as tx:
        quarantine.settle(
            tx, "crm", Kind.CUSTOMER, ["C2"], quarantine.QuarantineState.DISCARDED, "no customer", 2_000_000
        )
    run(store, rules=rules)
    standing_now = standing(store, scope="compare:erp:crm", states=(State.OPEN,))
    assert standing_now == missing


def test_documents_under_a_double_are_one_finding_about_the_customers(store: Store) -> None:
    """The double has no documents here. What is of somebody else and stands under it is an error all the same."""
    double, other = "91120103MALT75KP5J", "91440106MA3BJ8F89B"
    books = [
        customer("C1", "天津市荣宏光生物科技有限公司", credit_code=other),
        customer("C9", "天津市榮宏光生物科技有限公司", credit_code=double),
        customer("C2", "苏州长河纺织有限公司"),
        customer("K1", "天津市荣宏光生物科技有限公司", system="crm", credit_code=double),
        customer("C2", "苏州长河纺织有限公司", system="crm"),
        invoice("XS001", "C1", 10_000, "2026-01-05"),
        invoice("XS101", "C2", 7_700, "2026-01-10"),
        invoice("XS001", "K1", 10_000, "2026-01-05", system="crm"),
        invoice("XS101", "K1", 7_700, "2026-01-10", system="crm"),
    ]
    put(store, books)
    run(store)
    assert standing(store, scope="compare:erp:crm") == {("customer_differs", "XS101")}
    with store.reading() as tx:
        found = [one.finding for one in exceptions.every(tx, Wanted(scope="identity"))]
    assert {ref.external_id for finding in found for ref in finding.refs} == {"C1", "K1"}


def test_a_document_under_a_stranger_is_no_link_where_the_customer_is_there_unread(store: Store) -> None:
    unread(store, "C1")
    books = [
        customer("K9", "北京宇昊纺织有限公司", system="crm"),
        invoice("XS001", "C1", 10_000, "2026-01-05", system="crm", due_on="2026-02-04"),
        invoice("XS002", "K9", 20_000, "2026-01-06", system="crm"),
    ]
    put(store, [*BOOKS[:4], *books])
    run(store)
    assert standing(store, scope="compare:erp:crm") == {("customer_differs", "XS002")}
    assert not standing(store, scope="identity")


def test_a_system_of_which_no_customer_could_be_read_is_compared(store: Store) -> None:
    put(store, [*BOOKS, invoice("XS001", "C1", 12_000, "2026-01-05", system="crm", due_on="2026-02-04")])
    assert not run(store).summary.compared, "a system without customers is not one to be compared"
    unread(store, "C1")
    run(store, rules=replace(RULES, partial=frozenset({"crm"})))
    assert standing(store, scope="compare:erp:crm") == {("amount_differs", "XS001"), ("missing", "XS002")}


@pytest.mark.postgres
def test_both_engines_apply_the_same(sqlite_address: str, postgres_address: str) -> None:
    digests = set()
    summaries = []
    for address in (sqlite_address, postgres_address):
        with Store.open(address, clock=FakeClock(NOW)) as store:
            put(store, [*rolled(11, documents=120), *(replace(one, system="crm") for one in rolled(12, documents=120))])
            summaries.append(without_moment(run(store).summary))
            with store.reading() as tx:
                digests.add(allocations.digest(tx))
    assert len(digests) == 1
    assert summaries[0] == summaries[1]


def test_a_stop_keeps_what_was_done_and_the_next_run_goes_on(store: Store) -> None:
    put(store, rolled(8, customers=60, documents=200))
    asked = iter([False, True])
    with pytest.raises(Stopped):
        run(store, stop=lambda: next(asked))
    with store.reading() as tx:
        assert reconciliations.latest(tx) is None
    assert run(store).recorded
