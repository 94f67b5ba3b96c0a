"""Short ways to write open items and receipts in tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import PaymentKind
from ledgerbridge.reconciler.allocation import OpenItem, Receipt, Result, Rule

DAY = date(2026, 3, 1)


def item(
    item_id: str,
    amount: int,
    *,
    day: int = 0,
    opened: int | None = None,
    numbers: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
    kind: InvoiceKind | None = None,
    currency: str = "CNY",
    due: int | None = None,
    reverses: str | None = None,
) -> OpenItem:
    """An invoice, or a credit note if the amount is negative, issued `day` days after :data:`DAY`."""
    return OpenItem(
        id=item_id,
        numbers=numbers,
        references=references,
        kind=kind or (InvoiceKind.INVOICE if amount >= 0 else InvoiceKind.CREDIT_NOTE),
        amount_minor=amount,
        open_minor=amount if opened is None else opened,
        currency=currency,
        issued_on=DAY + timedelta(days=day),
        due_on=None if due is None else DAY + timedelta(days=due),
        reverses=reverses,
    )


def paid(
    receipt_id: str,
    amount: int,
    text: str = "",
    *,
    day: int = 30,
    fee: int = 0,
    kind: PaymentKind | None = None,
    currency: str = "CNY",
    opened: int | None = None,
) -> Receipt:
    """A receipt, or a refund if the amount is negative, `day` days after :data:`DAY`."""
    return Receipt(
        id=receipt_id,
        amount_minor=amount,
        fee_minor=fee,
        open_minor=opened,
        currency=currency,
        received_on=DAY + timedelta(days=day),
        kind=kind or (PaymentKind.RECEIPT if amount >= 0 else PaymentKind.REFUND),
        text=text,
    )


def links(result: Result) -> set[tuple[Rule, frozenset[str], frozenset[str]]]:
    """Who was matched with whom, and why."""
    return {
        (match.rule, frozenset(one for one, _ in match.payments), frozenset(one for one, _ in match.items))
        for match in result.matches
    }


def left_of_payments(result: Result) -> dict[str, int]:
    """What is left of each payment that is not used up."""
    return {one.id: one.left_minor for one in result.payments_left}


def left_of_items(result: Result) -> dict[str, int]:
    """What is left of each document that is not settled."""
    return {one.id: one.left_minor for one in result.items_left}


def assert_books_agree(result: Result, items: Iterable[OpenItem], receipts: Iterable[Receipt]) -> None:
    """Nothing is used beyond what there was or against its sign, and used plus left is what there was."""
    used_items: Counter[str] = Counter()
    used_receipts: Counter[str] = Counter()
    opened = {one.id: one.open_minor for one in items}
    money = {one.id: one.to_apply_minor for one in receipts}
    for match in result.matches:
        assert match.difference_minor == sum(a for _, a in match.items) - sum(a for _, a in match.payments)
        assert match.evidence
        for shares, whole, used in ((match.items, opened, used_items), (match.payments, money, used_receipts)):
            for one, amount in shares:
                assert amount != 0
                assert (amount > 0) == (whole[one] > 0)
                used[one] += amount
    for whole, used, left in (
        (opened, used_items, left_of_items(result)),
        (money, used_receipts, left_of_payments(result)),
    ):
        for one, amount in whole.items():
            assert used[one] + left.get(one, 0) == amount
            assert abs(used[one]) <= abs(amount)
