"""A system's holding while discrepancies are planted in it, with the books kept of what each one does to a balance."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeVar

from .facts import (
    Applied,
    Company,
    Holding,
    Invoice,
    Planted,
    PlantedKind,
    Receipt,
    Status,
    SystemName,
)

Document = Invoice | Receipt
Balances = dict[tuple[str, str], int]
ABSENT: Final = "absent"
_T = TypeVar("_T", Invoice, Receipt)
_TRIES: Final = 60


def effect(document: Document, on: date) -> int:
    """What a document does to its customer's balance at a day (see :mod:`ledgerbridge.sandbox.world.facts`)."""
    if document.status is not Status.APPROVED:
        return 0
    if isinstance(document, Invoice):
        return document.gross if document.issued_on <= on else 0
    if document.company is None or document.received_on > on:
        return 0
    return -(document.amount + document.fee)


def balances(documents: Iterable[Document], on: date) -> Balances:
    """Balance by customer and currency at a day; only those that are not zero."""
    found: Balances = {}
    for document in documents:
        moved = effect(document, on)
        if moved and document.company is not None:
            key = document.company, document.currency
            found[key] = found.get(key, 0) + moved
    return {key: amount for key, amount in found.items() if amount}


@dataclass(slots=True)
class Desk:
    """One system's holding in the making. `untouchable` documents belong to a pair that must stay whole."""

    rng: random.Random
    system: SystemName
    against: SystemName
    last_day: date
    companies: list[Company]
    invoices: dict[str, Invoice]
    receipts: dict[str, Receipt]
    untouchable: set[str]
    planted: list[Planted] = field(default_factory=list)
    extra: int = 0
    _invoice_keys: list[str] = field(default_factory=list)
    _receipt_keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._invoice_keys = list(self.invoices)
        self._receipt_keys = list(self.receipts)
        self.extra = 9_000_000

    def invoice(self, suits: Callable[[Invoice], bool]) -> Invoice | None:
        """An invoice that nothing was planted in yet and that `suits`; None if there is none."""
        return self._pick(self.invoices, self._invoice_keys, suits)

    def receipt(self, suits: Callable[[Receipt], bool]) -> Receipt | None:
        """A receipt that nothing was planted in yet and that `suits`; None if there is none."""
        return self._pick(self.receipts, self._receipt_keys, suits)

    def _pick(self, table: dict[str, _T], keys: list[str], suits: Callable[[_T], bool]) -> _T | None:
        for _ in range(_TRIES if keys else 0):
            found = table.get(self.rng.choice(keys))
            if found is not None and found.key not in self.untouchable and suits(found):
                return found
        if len(keys) > 20_000:
            return None
        every = [one for one in table.values() if one.key not in self.untouchable and suits(one)]
        return self.rng.choice(every) if every else None

    def new_key(self, prefix: str) -> str:
        """A key that no document of the truth has."""
        self.extra += 1
        return f"{prefix}{self.extra}"

    def put(self, document: Document) -> None:
        """Hold a document, new or changed."""
        if isinstance(document, Invoice):
            self.invoices[document.key] = document
        else:
            self.receipts[document.key] = document

    def remove(self, document: Document) -> None:
        """Do not hold a document."""
        if isinstance(document, Invoice):
            del self.invoices[document.key]
        else:
            del self.receipts[document.key]

    def note(
        self,
        planted: PlantedKind,
        *,
        true: Sequence[Document],
        held: Sequence[Document],
        expected: str,
        found: str,
        finding: bool = True,
    ) -> None:
        """Write down what was planted: `true` documents are held as `held`; every balance it moves gets a row.

        The first row stands for the document itself, further ones (a wrong customer, a wrong currency) are no findings.
        """
        subject = (list(true) or list(held))[0]
        gaps = balances(held, self.last_day)
        for key, amount in balances(true, self.last_day).items():
            gaps[key] = gaps.get(key, 0) - amount
        own = (subject.company or "", subject.currency)
        first = own, gaps.pop(own, 0)
        rest = sorted((key, amount) for key, amount in gaps.items() if amount)
        for index, ((company, currency), amount) in enumerate([first, *rest]):
            self.planted.append(
                Planted(
                    planted=planted,
                    system=self.system,
                    against=self.against,
                    kind_of_record="invoice" if isinstance(subject, Invoice) else "payment",
                    record_key=subject.key,
                    record_number=subject.number,
                    company=company or None,
                    currency=currency,
                    amount=amount,
                    expected=expected,
                    held=found,
                    finding=finding and index == 0,
                )
            )
        self.untouchable.update(document.key for document in (*true, *held))

    def note_customer(
        self, planted: PlantedKind, company: Company, expected: str, found: str, *, finding: bool
    ) -> None:
        """Write down what was planted in a customer's record; no balance moves."""
        self.planted.append(
            Planted(
                planted, self.system, self.against, "customer", company.key, company.code, company.key,
                company.currency, 0, expected, found, finding,
            )
        )  # fmt: skip

    def holding(self) -> Holding:
        """What the system holds now, its allocations and open amounts in keeping with its own documents."""
        if self.receipts:
            settle(self.invoices, self.receipts)
        return Holding(self.system, tuple(self.companies), tuple(self.invoices.values()), tuple(self.receipts.values()))


def fitted(applied: Sequence[Applied], total: int) -> tuple[Applied, ...]:
    """`applied`, cut from its end until it adds up to no more than `total`."""
    over = sum(part.amount for part in applied) - total
    kept = list(applied)
    for index in range(len(kept) - 1, -1, -1):
        if over <= 0:
            break
        cut = min(over, max(kept[index].amount, 0))
        kept[index] = replace(kept[index], amount=kept[index].amount - cut)
        over -= cut
    return tuple(part for part in kept if part.amount)


def settle(invoices: dict[str, Invoice], receipts: dict[str, Receipt]) -> None:
    """Drop what receipts apply to documents that are not there (or void, or another's), then work out what is open."""
    applied: dict[str, int] = {}
    for receipt in list(receipts.values()):
        if not receipt.applied:
            continue
        kept = tuple(part for part in receipt.applied if _may_settle(receipt, invoices.get(part.invoice)))
        if receipt.amount > 0:
            kept = fitted(kept, receipt.amount + receipt.fee)
        if kept != receipt.applied:
            receipts[receipt.key] = replace(receipt, applied=kept)
        for part in kept:
            applied[part.invoice] = applied.get(part.invoice, 0) + part.amount
    for invoice in list(invoices.values()):
        left = 0 if invoice.status is Status.VOID else invoice.gross - applied.get(invoice.key, 0)
        if left != invoice.open_amount:
            invoices[invoice.key] = replace(invoice, open_amount=left)


def _may_settle(receipt: Receipt, invoice: Invoice | None) -> bool:
    return (
        invoice is not None
        and receipt.status is Status.APPROVED
        and invoice.status is Status.APPROVED
        and invoice.company == receipt.company
        and invoice.currency == receipt.currency
    )
