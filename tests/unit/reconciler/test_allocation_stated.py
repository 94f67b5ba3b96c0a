"""What a run has found, stated by the ERP afterwards, is the same result: nothing more is applied, nothing less, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from allocation_cases import DAY, item, left_of_items, left_of_payments, links, paid
from hypothesis import given, settings
from test_allocation_oracle import STRICT, messy

from ledgerbridge.reconciler.allocation import (
    GivenAllocation,
    Match,
    OpenItem,
    Policy,
    Receipt,
    Result,
    Rule,
    allocate,
)

Line = tuple[str, int, str | None, str | None]
"""Item, amount, payment, credit note."""


def stated(result: Result) -> list[GivenAllocation]:
    """The matches as the ERP would state them, line by line; a refund of money has no document and no line."""
    lines = [line for match in result.matches if match.items for line in _lines(match)]
    return [
        GivenAllocation(
            id=f"G{at:04}", item_id=item_id, amount_minor=minor, currency=currency, payment_id=payment, credit_id=credit,
            allocated_on=DAY + timedelta(days=60),
        )
        for at, (currency, (item_id, minor, payment, credit)) in enumerate(lines)
    ]  # fmt: skip


def _lines(match: Match) -> Iterator[tuple[str, Line]]:
    assert match.difference_minor == 0, "what is written off is no allocation"
    sources = dict(match.payments) or {one: -amount for one, amount in match.items if amount < 0}
    first = next(iter(sources))
    sign = 1 if sources[first] > 0 else -1
    for one, amount in match.items:
        if match.payments and amount * sign < 0:  # a credit note makes more money for the rest
            yield match.currency, (one, amount, first, None)
            sources[first] -= amount
    for one, amount in match.items:
        left = amount if amount * sign > 0 else 0
        for source in sources:
            used = sign * min(abs(left), abs(sources[source]))
            if used:
                yield (
                    match.currency,
                    (one, used, source if match.payments else None, None if match.payments else source),
                )
                sources[source] -= used
                left -= used
        assert left == 0


def assert_same(items: list[OpenItem], receipts: list[Receipt], policy: Policy) -> Result:
    first = allocate(items, receipts, policy=policy)
    again = allocate(items, receipts, stated(first), policy=policy)
    assert left_of_items(again) == left_of_items(first)
    assert left_of_payments(again) == left_of_payments(first)
    assert again.findings == first.findings
    found, kept = links(first), {link for link in links(again) if link[0] is not Rule.GIVEN}
    assert {link for link in found if not link[2]} <= kept
    # of a refund of a credit note and a payment together, the payment's share cannot be stated: it is found again
    for rule, payments, documents in kept:
        assert not documents
        assert any(rule is one and payments <= paid_together for one, paid_together, _ in found)
    return first


def test_a_refund_of_a_credit_note_and_a_payment_is_the_same_when_its_document_is_stated() -> None:
    first = assert_same([item("A", -33)], [paid("P", -42), paid("Q", 9)], STRICT)
    assert links(first) == {(Rule.REFUND, frozenset({"P", "Q"}), frozenset({"A"}))}


@settings(max_examples=50, deadline=None)
@given(messy())
def test_what_was_found_and_is_stated_changes_nothing(ledger: tuple[list[OpenItem], list[Receipt]]) -> None:
    for policy in (STRICT, Policy()):
        assert_same(*ledger, policy)


@pytest.mark.parametrize(
    ("items", "receipts", "rule"),
    [
        pytest.param(
            [item("A", 70, numbers=("XS202600017",))], [paid("P", 70, "XS202600017")], Rule.REFERENCE, id="named"
        ),
        pytest.param([item("A", 70), item("B", 20)], [paid("P", 70)], Rule.UNIQUE_AMOUNT, id="amount"),
        pytest.param([item("A", 70), item("B", 20)], [paid("P", 90)], Rule.SUMS, id="one payment, two documents"),
        pytest.param(
            [item("A", 9_000)], [paid("P", 4_000), paid("Q", 5_000)], Rule.SUMS, id="two payments, one document"
        ),
        pytest.param([item("A", 70), item("B", -20)], [paid("P", 50)], Rule.SUMS, id="a credit note makes up the sum"),
        pytest.param([item("A", 70), item("B", -70, reverses="A")], [], Rule.REVERSAL, id="a reversal"),
    ],
)
def test_each_kind_of_match_can_be_stated(items: list[OpenItem], receipts: list[Receipt], rule: Rule) -> None:
    assert {match.rule for match in assert_same(items, receipts, STRICT).matches} == {rule}
