"""The cash application on a seeded company's year, whose true settlements are known: nothing wrong is settled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from allocation_cases import assert_books_agree

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import PaymentKind
from ledgerbridge.reconciler.allocation import (
    DEFAULT_PASSES,
    Match,
    OpenItem,
    Policy,
    Receipt,
    Result,
    Rule,
    allocate,
)
from ledgerbridge.sandbox.world import World, make_world
from ledgerbridge.sandbox.world import facts as world_facts

Ledgers = dict[str, tuple[list[OpenItem], list[Receipt]]]
Truth = dict[str, dict[str, int]]


def ledgers_of(world: World) -> Ledgers:
    """All approved documents and payments by their true customer, nothing allocated."""
    found: Ledgers = defaultdict(lambda: ([], []))
    for one in world.truth.invoices:
        if one.status is not world_facts.Status.APPROVED:
            continue
        numbers = [one.number]
        if one.tax_invoice_number:
            numbers += [one.tax_invoice_number, (one.tax_invoice_code or "") + one.tax_invoice_number]
        other = one.kind is world_facts.InvoiceKind.OTHER_RECEIVABLE
        found[one.company][0].append(
            OpenItem(
                id=one.key, numbers=tuple(dict.fromkeys(numbers)), kind=InvoiceKind("adjustment" if other else one.kind),
                references=tuple(filter(None, (one.order_number, one.contract_number))), amount_minor=one.gross,
                open_minor=one.gross, currency=one.currency, issued_on=one.issued_on, due_on=one.due_on,
                reverses=one.reverses,
            )
        )  # fmt: skip
    for money in world.truth.receipts:
        if money.status is world_facts.Status.APPROVED and money.company is not None:
            found[money.company][1].append(
                Receipt(
                    id=money.key, amount_minor=money.amount, fee_minor=money.fee, currency=money.currency,
                    received_on=money.received_on, kind=PaymentKind(money.kind), text=money.remittance,
                )
            )  # fmt: skip
    return found


def truth_of(world: World) -> Truth:
    found: Truth = {}
    for money in world.truth.receipts:
        parts: Counter[str] = Counter()
        for part in money.applied:
            parts[part.invoice] += part.amount
        found[money.key] = dict(parts)
    return found


def untrue(results: list[Result], truth: Truth, reverses: dict[str, str | None]) -> list[Match]:
    """The matches that put money where the truth did not: another document, or more of one than was paid.

    A document and the credit note that takes it back, both in one payment, may as well be netted without it. Of several
    payments for one document only the document must be right. A refund of what was paid too much is in no truth.
    """
    wrong = []
    for match in (match for result in results for match in result.matches):
        for payment, _ in match.payments:
            true = dict(truth[payment])
            alone = len(match.payments) == 1
            for one, amount in match.items:
                paid = true.get(one, 0)
                if paid * amount <= 0 or (alone and abs(amount) > abs(paid)):
                    wrong.append(match)
        for one, amount in match.items if not match.payments else ():
            partner = reverses[one] if amount < 0 else next(k for k, v in reverses.items() if v == one)
            if partner not in {other for other, _ in match.items}:
                wrong.append(match)
    return wrong


@pytest.mark.parametrize("seed", [3, 24])
def test_no_match_is_wrong_and_most_payments_are_matched(
    seed: int, record_property: Callable[[str, object], None]
) -> None:
    world = make_world(seed=seed, customers=250, months=12, systems=(), planted_share=0)
    ledgers, truth = ledgers_of(world), truth_of(world)
    results = [allocate(items, receipts) for items, receipts in ledgers.values()]
    for (items, receipts), result in zip(ledgers.values(), results, strict=True):
        assert result.findings == ()
        assert_books_agree(result, items, receipts)

    reverses = {one.key: one.reverses for one in world.truth.invoices}
    assert untrue(results, truth, reverses) == []  # precision 1.0

    kinds = {one.id: one.kind for _, receipts in ledgers.values() for one in receipts}
    payments = {key for key, kind in kinds.items() if truth[key] and kind is not PaymentKind.PREPAYMENT}
    by_rule: dict[Rule, set[str]] = defaultdict(set)
    for match in (match for result in results for match in result.matches):
        by_rule[match.rule] |= {payment for payment, _ in match.payments} & payments
    shares = {rule: len(found) / len(payments) for rule, found in by_rule.items()}
    record_property("shares", {str(rule): round(share, 3) for rule, share in shares.items()})
    assert len(set().union(*by_rule.values())) / len(payments) > 0.85
    assert shares[Rule.REFERENCE] > 0.5
    assert shares[Rule.UNIQUE_AMOUNT] > 0.1
    assert shares[Rule.SUMS] > 0.02
    assert shares[Rule.NAMED_PART] > 0.02


def test_without_any_text_fewer_payments_are_matched_and_still_none_wrongly() -> None:
    world = make_world(seed=7, customers=150, months=12, systems=(), planted_share=0)
    policy = Policy(passes=tuple(rule for rule in DEFAULT_PASSES if rule is not Rule.REFERENCE))
    results = [allocate(items, receipts, policy=policy) for items, receipts in ledgers_of(world).values()]
    assert sum(len(result.matches) for result in results) > 500
    assert untrue(results, truth_of(world), {one.key: one.reverses for one in world.truth.invoices}) == []
