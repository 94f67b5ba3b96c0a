"""The aging table, credit and collection figures: every sum is the sum of its items."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.exception import Code
from ledgerbridge.model.money import Money
from ledgerbridge.model.statement import AgeBase
from ledgerbridge.reconciler.aging import (
    Buckets,
    CreditPolicy,
    Debtor,
    Grouping,
    Movement,
    OpenEntry,
    aging_table,
    collection,
    credit_findings,
    standing,
)

TODAY = date(2026, 11, 22)
A = Debtor("a", "甲公司", "001", "重点", "张三", 100_000, "CNY", 30)
B = Debtor("b", "乙公司", "002", "一般", "李四")


def item(days_late: int | None, minor: int, entity: str = "a", **more: object) -> OpenEntry:
    """An invoice so many days past due; None: without a due date."""
    due = None if days_late is None else TODAY - timedelta(days=days_late)
    on = (due or TODAY) - timedelta(days=30)
    given = {"entity": entity, "id": f"{entity}{days_late}{minor}", "number": "I-1", "currency": "CNY", "on": on}
    return OpenEntry(**{**given, "open_minor": minor, "due_on": due, **more})  # type: ignore[arg-type]


entries = st.lists(
    st.builds(
        item,
        st.none() | st.integers(-400, 800),
        st.integers(-(10**9), 10**9),
        currency=st.sampled_from(["CNY", "USD"]),
        money=st.booleans(),
    ),
    max_size=30,
)


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), entries), max_size=6),
    st.sampled_from(list(Grouping)),
    st.sampled_from(list(AgeBase)),
)
def test_the_table_holds_every_fen_once(
    debtors: list[tuple[Debtor, list[OpenEntry]]], grouping: Grouping, base: AgeBase
) -> None:
    table = aging_table(debtors, TODAY, Buckets(base=base), grouping)
    every = [entry for _, listed in debtors for entry in listed]
    for currency in ("CNY", "USD"):
        whole = sum(entry.open_minor for entry in every if entry.currency == currency)
        rows = [row for row in table.rows if row.currency == currency]
        assert sum(row.total_minor for row in rows) == whole
        assert sum(row.total_minor for row in table.totals if row.currency == currency) == whole
        money = sum(entry.open_minor for entry in every if entry.currency == currency and entry.money)
        assert sum(row.unapplied_minor for row in rows) == money
        buckets = Buckets(base=base)
        dated = [one for one in every if one.currency == currency and one.open_minor and not one.money]
        aged = ((buckets.age(on=one.on, due_on=one.due_on, as_of=TODAY), one.open_minor) for one in dated)
        assert [row.buckets for row in table.totals if row.currency == currency] in ([], [buckets.filled(aged)])
    assert aging_table(debtors[::-1], TODAY, Buckets(base=base), grouping) == table


def test_ages_stand_in_their_buckets_and_cash_beside_them() -> None:
    listed = [item(-5, 100), item(0, 10), item(1, 200), item(30, 300), item(31, 400), item(366, 500), item(None, 600)]
    table = aging_table([(A, [*listed, item(None, -50, money=True)])], TODAY)
    [row] = table.rows
    named = {aged.bucket.name: aged.amount_minor for aged in row.buckets if aged.items}
    assert named == {"not_due": 110, "1-30": 500, "31-60": 400, ">365": 500, "undated": 600}
    assert (row.unapplied_minor, row.overdue_minor, row.oldest_days, row.customers) == (-50, 1400, 366, 1)
    assert row.title == "001 甲公司"


def test_by_document_date_nothing_is_called_overdue() -> None:
    [row] = aging_table([(A, [item(5, 100)])], TODAY, Buckets(base=AgeBase.DOCUMENT)).rows
    assert row.overdue_minor is None


def test_credit_used_is_open_items_less_unapplied_cash() -> None:
    listed = [item(-5, 90_000), item(10, 40_000), item(None, -20_000, money=True), item(3, 700, currency="USD")]
    cny, usd = standing(A, listed, TODAY)
    assert (cny.used_minor, cny.available_minor, cny.overdue_minor, cny.overdue_days) == (110_000, -10_000, 40_000, 10)
    assert cny.other_currencies == ("USD",)
    assert (usd.limit_minor, usd.available_minor) == (None, None)
    codes = [finding.code for finding in credit_findings(cny, TODAY)]
    assert codes == [Code.CREDIT_EXCEEDED, Code.OVERDUE]
    exceeded, overdue = credit_findings(cny, TODAY)
    assert exceeded.difference == Money(minor=10_000, currency="CNY")
    assert overdue.difference == Money(minor=40_000, currency="CNY")
    assert exceeded.fingerprint != overdue.fingerprint


def test_without_a_due_date_the_terms_of_the_customer_count() -> None:
    bought = OpenEntry("a", "1", "I-9", "CNY", TODAY - timedelta(days=40), 500)
    assert standing(A, [bought], TODAY)[0].overdue_days == 10
    assert standing(B, [bought], TODAY)[0].overdue_minor == 0


def test_a_limit_that_is_not_used_is_no_finding_and_one_of_zero_is_a_limit() -> None:
    assert credit_findings(standing(A, [], TODAY)[0], TODAY) == ()
    closed = Debtor("c", "丙", credit_limit_minor=0, credit_currency="CNY")
    [found] = credit_findings(standing(closed, [item(-1, 1, "c")], TODAY)[0], TODAY)
    assert found.code is Code.CREDIT_EXCEEDED
    assert found.evidence["limit"] == "0.00"


@pytest.mark.parametrize(("floor", "expected"), [(40_000, 1), (40_001, 0)])
def test_small_overdue_sums_can_be_let_be(floor: int, expected: int) -> None:
    policy = CreditPolicy(overdue_minor_min=(("CNY", floor),))
    [found] = standing(B, [item(10, 40_000, "b")], TODAY, policy)
    assert len(credit_findings(found, TODAY, policy)) == expected
    few_days = CreditPolicy(overdue_days_min=11)
    assert standing(B, [item(10, 40_000, "b")], TODAY, few_days)[0].overdue_minor == 0


def test_collection_figures_of_a_quarter() -> None:
    first, last = date(2026, 7, 1), date(2026, 9, 30)
    moved = [
        Movement(date(2026, 6, 30), 50_000, sale=True),
        Movement(date(2026, 7, 15), 92_000, sale=True),
        Movement(date(2026, 8, 1), -62_000, sale=False),
        Movement(date(2026, 8, 2), 10_000, sale=False, brought_in=True),
        Movement(date(2026, 10, 1), 99_999, sale=True),
    ]
    found = collection("CNY", moved, first, last, overdue_minor=30_000)
    assert (found.opening_minor, found.sales_minor, found.received_minor, found.closing_minor) == (
        60_000,
        92_000,
        62_000,
        90_000,
    )
    assert found.dso_days == Decimal("90.0")
    assert found.best_dso_days == Decimal("60.0")
    assert found.collection_rate == Decimal("0.408")
    assert found.effectiveness == Decimal("0.674")


def test_figures_that_mean_nothing_are_left_out() -> None:
    found = collection("CNY", [Movement(date(2026, 8, 1), -5, sale=False)], date(2026, 7, 1), date(2026, 9, 30), 0)
    assert (found.dso_days, found.collection_rate, found.effectiveness) == (None, None, None)


@given(
    st.lists(
        st.builds(
            Movement,
            st.dates(date(2026, 1, 1), date(2026, 12, 31)),
            st.integers(-(10**9), 10**9),
            st.booleans(),
            st.booleans(),
        )
    )
)
def test_opening_sales_and_receipts_make_the_closing_balance(moved: list[Movement]) -> None:
    last = date(2026, 9, 30)
    found = collection("CNY", moved, date(2026, 7, 1), last, 0)
    assert found.closing_minor == sum(one.minor for one in moved if one.on <= last)
    assert found.opening_minor + found.sales_minor - found.received_minor == found.closing_minor
