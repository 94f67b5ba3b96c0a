"""Customer statements from the books of the leading system: for one customer, for all, and beside the customer's own sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from ledgerbridge.clock import business_day
from ledgerbridge.errors import StatementError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import DifferenceKind, PaymentKind
from ledgerbridge.model.statement import CustomerStatement, Party
from ledgerbridge.model.two_sided import TwoSidedStatement
from ledgerbridge.reconciler.statement import (
    Applied,
    Document,
    Period,
    Receipt,
    WriteOff,
    build_statement,
    side_of,
    side_of_books,
    two_sided,
)
from ledgerbridge.store import Tx, books
from ledgerbridge.store.allocations import AppliedRow
from ledgerbridge.store.books import BookRow

from .books import CustomerBooks, directory, every_customer
from .cash import DIFFERENCE, InvoiceText, document_id, invoice_text, payment_text, payments_of
from .debtors import Debtors
from .rules import Rules


@dataclass(frozen=True, slots=True)
class Asked:
    """Which statements are asked for. `currency` None: every one in which there is anything to say."""

    period: Period
    currency: str | None = None


def statements(
    tx: Tx, rules: Rules, asked: Asked, made_at: datetime, *, only: Iterable[str] | None = None
) -> Iterator[CustomerStatement]:
    """The statements of all customers (or `only` those accounts) with a balance or any movement in the period, in the order
    of their accounts; one at a time is held. The books are those of the last day: what came later changes none of them.
    """
    debtors = Debtors(tx, rules.lead, rules.base_currency)
    chosen = None if only is None else frozenset(only)
    who = directory(tx, rules.lead, chosen)
    for one in every_customer(tx, rules, who, asked.period.last_day):
        currencies = [code for code in _currencies(one, asked.period) if asked.currency in (None, code)]
        if currencies:
            source = Source.of(tx, one, asked.period)
            debtor = debtors.of(one.account)
            party = Party(entity=debtor.entity, code=debtor.code, name=debtor.name)
            for currency in currencies:
                yield source.statement(rules, party, currency, asked.period, made_at)


def statement_again(tx: Tx, rules: Rules, sent: CustomerStatement, made_at: datetime) -> CustomerStatement:
    """The statement of the same customer, currency and period from the books of now, empty if nothing is left of it."""
    period = Period(sent.first_day, sent.last_day)
    debtors = Debtors(tx, rules.lead, rules.base_currency)
    who = directory(tx, rules.lead, frozenset((sent.customer.entity,)))
    for one in every_customer(tx, rules, who, period.last_day):
        debtor = debtors.of(one.account)
        party = Party(entity=sent.customer.entity, code=debtor.code, name=debtor.name)
        return Source.of(tx, one, period).statement(rules, party, sent.currency, period, made_at)
    nothing = Source([], [], [], [])
    return nothing.statement(rules, sent.customer, sent.currency, period, made_at)


def beside_theirs(tx: Tx, ours: CustomerStatement, system: str, name: str, made_at: datetime) -> TwoSidedStatement:
    """Our statement beside the customer's own records, which were imported as a system of their own."""
    period = Period(ours.first_day, ours.last_day)
    said = [(one, 0) for one in books.said_of_customers(tx, system)]
    rows = list(books.rows(tx, system, said, period.last_day))
    if not any(row.currency == ours.currency for row in rows):
        raise StatementError(
            f"{system} has no records in {ours.currency} up to {period.last_day}; import the sheet first"
        )
    theirs = Source.made(rows, books.texts(tx, [row.id for row in rows]), ())
    right = side_of_books(
        name=name,
        currency=ours.currency,
        period=period,
        documents=[one for one in theirs.documents if one.currency == ours.currency],
        receipts=[one for one in theirs.receipts if one.currency == ours.currency],
    )
    return two_sided(
        customer=ours.customer,
        currency=ours.currency,
        first_day=period.first_day,
        last_day=period.last_day,
        left=side_of(ours),
        right=right,
        made_at=made_at,
    )


@dataclass(frozen=True, slots=True)
class Source:
    """What statements of one customer are built from, in all its currencies."""

    documents: Sequence[Document]
    receipts: Sequence[Receipt]
    write_offs: Sequence[WriteOff]
    applied: Sequence[tuple[str, Applied]]
    """With the currency of each."""

    @classmethod
    def of(cls, tx: Tx, one: CustomerBooks, period: Period) -> Source:
        """Of a customer of the leading system. Only what is a line of the period is read with its texts."""
        first = period.first_day.isoformat()
        return cls.made(one.rows, books.texts_of(tx, [row for row in one.rows if row.on >= first]), one.applied)

    @classmethod
    def made(cls, rows: Sequence[BookRow], texts: dict[int, bytes], applied: Sequence[AppliedRow]) -> Source:
        """From records, and the texts of those that will be lines."""
        documents = [_document(row, texts.get(row.id)) for row in rows if row.kind == Kind.INVOICE]
        receipts = [_receipt(whole, texts) for whole in payments_of(rows)]
        numbers = {one.id: one.number for one in documents} | {one.id: one.number for one in receipts}
        pairs = [
            (row.currency, Applied(row.debit_id, row.credit_id, row.amount_minor, date.fromisoformat(row.effective_on)))
            for row in applied
        ]
        return cls(documents, receipts, list(_write_offs(applied, numbers)), pairs)

    def statement(
        self, rules: Rules, party: Party, currency: str, period: Period, made_at: datetime
    ) -> CustomerStatement:
        """The statement in one currency."""
        return build_statement(
            company=rules.company,
            customer=party,
            currency=currency,
            period=period,
            documents=[one for one in self.documents if one.currency == currency],
            receipts=[one for one in self.receipts if one.currency == currency],
            write_offs=[one for one in self.write_offs if one.currency == currency],
            allocations=[pair for code, pair in self.applied if code == currency],
            buckets=rules.buckets,
            made_at=made_at,
            made_on=business_day(made_at, rules.zone),
            base_currency=rules.base_currency,
        )


_SILENT: Final = InvoiceText()


def _document(row: BookRow, text: bytes | None) -> Document:
    told = _SILENT if text is None else invoice_text(text)
    tax = told.tax_invoices[0].number if told.tax_invoices else ""
    order = next((one.number for one in told.references), "")
    return Document(
        id=document_id(row.kind, row.external_id),
        number=row.number or row.external_id,
        kind=InvoiceKind(row.doc_kind or InvoiceKind.INVOICE),
        currency=row.currency,
        on=date.fromisoformat(row.on),
        amount_minor=row.amount_minor,
        due_on=date.fromisoformat(row.due_on) if row.due_on else None,
        reference=tax or order,
        remark=told.remark or "",
        base_minor=told.base_total_minor,
    )


def _receipt(whole: Sequence[BookRow], texts: dict[int, bytes]) -> Receipt:
    first, told = whole[0], [payment_text(texts.get(row.id, b"{}")) for row in whole]
    base = [one.base_amount_minor for one in told if one.base_amount_minor is not None]
    return Receipt(
        id=document_id(first.kind, first.external_id),
        number=first.number or first.external_id,
        kind=PaymentKind(first.doc_kind or PaymentKind.RECEIPT),
        currency=first.currency,
        on=date.fromisoformat(first.on),
        amount_minor=sum(row.amount_minor for row in whole),
        fee_minor=sum(row.fee_minor or 0 for row in whole),
        reference=told[0].bank_reference or "",
        remark=told[0].remittance_text or "",
        base_minor=sum(base) if len(base) == len(told) else None,
    )


def _write_offs(applied: Sequence[AppliedRow], numbers: dict[str, str]) -> Iterator[WriteOff]:
    """The differences that cash application wrote off, one per id."""
    sums: dict[str, tuple[int, AppliedRow]] = {}
    for row in applied:
        for own, sign in ((row.credit_id, -1), (row.debit_id, 1)):
            if own.startswith(DIFFERENCE):
                sums[own] = sums.get(own, (0, row))[0] + sign * row.amount_minor, row
    for own, (minor, row) in sums.items():
        other = row.debit_id if own == row.credit_id else row.credit_id
        on, why = date.fromisoformat(row.effective_on), DifferenceKind(row.difference)
        yield WriteOff(own, numbers.get(other, other), row.currency, on, minor, why, row.limit_name or "")


def _currencies(one: CustomerBooks, period: Period) -> list[str]:
    """The currencies with a balance at either end of the period, or any movement in it."""
    first = period.first_day.isoformat()
    said: set[str] = {row.currency for row in one.rows if row.on >= first and row.kind != Kind.ALLOCATION}
    opening: dict[str, int] = {}
    for row in one.rows:
        if row.kind != Kind.ALLOCATION and row.on < first:
            minor = row.amount_minor if row.kind == Kind.INVOICE else -(row.amount_minor + (row.fee_minor or 0))
            opening[row.currency] = opening.get(row.currency, 0) + minor
    said |= {currency for currency, minor in opening.items() if minor}
    said |= {entry.currency for entry in one.open_entries()}
    return sorted(said)
