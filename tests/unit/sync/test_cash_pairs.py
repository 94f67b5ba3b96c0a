"""Matches as pairs of a debit and a credit: the quick way for what nearly all are says what the general one says."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.payment import DifferenceKind
from ledgerbridge.reconciler.allocation import Confidence, Match, Result, Rule
from ledgerbridge.reconciler.statement import booked
from ledgerbridge.sync.reconciling.cash import CashInput, pairs_of

FIRST = date(2026, 1, 1)
amounts = st.lists(st.integers(-500, 500).filter(bool), min_size=1, max_size=4)


def result_of(matches: list[Match]) -> Result:
    return Result(tuple(matches), (), (), (), (), {}, (Rule.SUMS,), 0)


@given(paid=amounts, items=amounts, days=st.lists(st.integers(0, 40), min_size=8, max_size=8))
def test_pairs_are_those_that_a_match_is_booked_as(paid: list[int], items: list[int], days: list[int]) -> None:
    payments = tuple((f"payment/{at}", minor) for at, minor in enumerate(paid))
    documents = tuple((f"invoice/{at}", minor) for at, minor in enumerate(items))
    gap = sum(items) - sum(paid)
    why = DifferenceKind.FEE if gap else DifferenceKind.EXACT
    match = Match(Rule.SUMS, "CNY", payments, documents, why, gap, ('text named "XS1"\\',), Confidence.MEDIUM)
    names = [key for key, _ in (*payments, *documents)]
    given = CashInput(days={name: FIRST + timedelta(days=day) for name, day in zip(names, days, strict=False)})

    rows = pairs_of(result_of([match]), given)

    last = max(given.days[name] for name in names)
    expected = booked(
        id=f"difference/{names[0]}", on=last, currency="CNY", payments=payments, items=documents, difference=why
    ).allocations
    assert [(row.debit_id, row.credit_id, row.amount_minor) for row in rows] == [
        (one.debit_id, one.credit_id, one.amount_minor) for one in expected
    ]
    for row in rows:
        pair = [given.days.get(row.debit_id, last), given.days.get(row.credit_id, last)]
        assert row.effective_on == (last if gap else max(pair)).isoformat()
    assert [row.evidence for row in rows] == ['["text named \\"XS1\\"\\\\"]', *[None] * (len(rows) - 1)][: len(rows)]


def test_a_second_difference_of_one_payment_has_a_name_of_its_own() -> None:
    given = CashInput(days={"payment/1": FIRST, "invoice/1": FIRST, "invoice/2": FIRST, "invoice/3": FIRST})

    def match(item: int, minor: int, paid: int) -> Match:
        why = DifferenceKind.ROUNDING if minor != paid else DifferenceKind.PARTIAL
        shares = (("payment/1", paid),), ((f"invoice/{item}", minor),)
        return Match(Rule.TOLERANCE, "CNY", *shares, why, minor - paid, (), Confidence.MEDIUM, "rounding_minor")

    rows = pairs_of(result_of([match(1, 100, 100), match(2, 101, 100), match(3, 52, 50)]), given)

    written_off = [row.credit_id for row in rows if row.credit_id.startswith("difference/")]
    assert written_off == ["difference/payment/1#2", "difference/payment/1#3"]
