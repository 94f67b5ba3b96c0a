"""What a customer's statements are built from: all its records, or what was carried forward and the records of the period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from ledgerbridge.clock import business_day
from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import DifferenceKind, PaymentKind
from ledgerbridge.model.statement import CustomerStatement, Party
from ledgerbridge.reconciler.statement import (
    Applied,
    Brought,
    Document,
    Period,
    Receipt,
    WriteOff,
    build_statement,
)
from ledgerbridge.store import Tx, allocations, books, carried
from ledgerbridge.store.allocations import AppliedRow
from ledgerbridge.store.books import BookRow

from .books import CarriedBooks, CustomerBooks
from .carrying import Item, load_months
from .cash import DIFFERENCE, InvoiceText, document_id, invoice_text, payment_text, payments_of
from .rules import Rules


@dataclass(frozen=True, slots=True)
class Source:
    """What statements of one customer are built from, in all its currencies."""

    documents: Sequence[Document]
    receipts: Sequence[Receipt]
    write_offs: Sequence[WriteOff]
    applied: Sequence[tuple[str, Applied]]
    """With the currency of each."""
    brought: dict[str, Brought] | None = None
    """By currency, of books that were carried forward: what the records before the period come to."""

    @classmethod
    def of(cls, tx: Tx, one: CustomerBooks, period: Period) -> Source:
        """Of a customer of the leading system. Only what is a line of the period is read with its texts."""
        first = period.first_day.isoformat()
        return cls.made(one.rows, books.texts_of(tx, [row for row in one.rows if row.on >= first]), one.applied)

    @classmethod
    def made(
        cls,
        rows: Sequence[BookRow],
        texts: dict[int, bytes],
        applied: Sequence[AppliedRow],
        others: Sequence[Document | Receipt] = (),
    ) -> Source:
        """From records, and the texts of those that will be lines; `others` have no record among them."""
        documents = [_document(row, texts.get(row.id)) for row in rows if row.kind == Kind.INVOICE]
        receipts = [_receipt(whole, texts) for whole in payments_of(rows)]
        documents += [one for one in others if isinstance(one, Document)]
        receipts += [one for one in others if isinstance(one, Receipt)]
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
            brought=None if self.brought is None else self.brought.get(currency, _NOTHING_BROUGHT),
        )


_PAYMENT: Final = document_id(Kind.PAYMENT, "")
NOTHING: Final = Source([], [], [], [])
_NOTHING_BROUGHT: Final = Brought(0, {})
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


def currencies_of(one: CustomerBooks, period: Period) -> list[str]:
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


@dataclass(slots=True)
class _Stretch:
    """The months of a period in one customer's history. `opening`: per currency, what documents and money movements, and what
    written-off differences, come to before its first day.
    """

    opening: dict[str, tuple[int, int]]
    copies: list[int]
    places: list[int]
    rows: list[BookRow] = field(default_factory=list)
    applied: list[AppliedRow] = field(default_factory=list)


def carried_sources(
    tx: Tx, system: str, some: Sequence[CarriedBooks], period: Period
) -> Iterator[tuple[CarriedBooks, Source, list[str]]]:
    """What statements of these customers are built from, with the currencies in which there is anything to say. Read are the
    records and allocations of the period's months, and the numbers of what was settled within it.
    """
    if not some:
        return
    keys = [one.account.key for one in some]
    histories = carried.years(tx, system, keys, period.first_day.year, period.last_day.year)
    stretches = {key: _stretch(histories[key], period) for key in keys}
    found = books.rows_by_id(tx, [copy for one in stretches.values() for copy in one.copies])
    pairs = allocations.of_places(tx, system, [(key, place) for key in keys for place in stretches[key].places])
    for key, pair in pairs:
        stretches[key].applied.append(pair)
    first = period.first_day.isoformat()
    for one in stretches.values():
        one.rows = sorted((found[copy] for copy in one.copies), key=lambda row: (row.kind, row.external_id))
        _open_within(one, first)
    settled = _settled(tx, system, some, stretches)
    for books_of in some:
        stretch = stretches[books_of.account.key]
        source = _brought_source(stretch, books_of.items, settled, period)
        said = {row.currency for row in stretch.rows} | {item.currency for item in books_of.items}
        said |= {currency for currency, (documents, _) in stretch.opening.items() if documents}
        yield books_of, source, sorted(said)


def _stretch(history: Sequence[tuple[int, str]], period: Period) -> _Stretch:
    first = period.first_day.year, period.first_day.month
    last = period.last_day.year, period.last_day.month
    opening: dict[str, tuple[int, int]] | None = None
    found = _Stretch({}, [], [])
    for year, text in history:
        for number, month in sorted(load_months(text).items()):
            if (year, number) < first:
                opening = month.closing
                continue
            if opening is None:
                opening = month.opening
            if (year, number) <= last:
                found.copies += month.copies
                found.places += month.pairs
    found.opening = opening or {}
    return found


def _open_within(one: _Stretch, first: str) -> None:
    """Put what lies before the first day of a period that begins within a month into its opening."""
    before: dict[str, list[int]] = {}
    for row in one.rows:
        if row.on < first:
            minor = row.amount_minor if row.kind == Kind.INVOICE else -(row.amount_minor + (row.fee_minor or 0))
            before.setdefault(row.currency, [0, 0])[0] += minor
    for off in _write_offs([pair for pair in one.applied if pair.effective_on < first], {}):
        before.setdefault(off.currency, [0, 0])[1] += off.amount_minor
    if before:
        one.opening = dict(one.opening)
        for currency, (documents, written_off) in before.items():
            then = one.opening.get(currency, (0, 0))
            one.opening[currency] = then[0] + documents, then[1] + written_off
    one.rows = [row for row in one.rows if row.on >= first]
    one.applied = [pair for pair in one.applied if pair.effective_on >= first]


_Named = dict[str, tuple[str, date]]


def _settled(tx: Tx, system: str, some: Sequence[CarriedBooks], stretches: dict[str, _Stretch]) -> _Named:
    """Number and day, by id, of what is dated before the period, settled, and has part in an allocation within it."""
    sought: dict[str, set[str]] = {}
    for one in some:
        stretch = stretches[one.account.key]
        present = {document_id(row.kind, row.external_id) for row in stretch.rows}
        present.update(item.id for item in one.items)
        for pair in stretch.applied:
            for own in (pair.debit_id, pair.credit_id):
                if own not in present and not own.startswith(DIFFERENCE):
                    kind, _, external_id = own.partition("/")
                    sought.setdefault(kind, set()).add(external_id)
    return {
        document_id(kind, external_id): (number or external_id, date.fromisoformat(on))
        for kind, ids in sorted(sought.items())
        for external_id, (number, on) in books.numbers(tx, system, Kind(kind), ids).items()
    }


def _brought_source(stretch: _Stretch, items: Sequence[Item], settled: _Named, period: Period) -> Source:
    texts = {row.id: row.canonical for row in stretch.rows if row.canonical is not None}
    older = [item for item in items if item.on < period.first_day]
    others = [*map(_open_item, older), *_stubs(stretch.applied, settled)]
    left: dict[str, dict[str, int]] = {}
    for item in older:
        left.setdefault(item.currency, {})[item.id] = item.open_minor
    brought = {
        currency: Brought(sum(stretch.opening.get(currency, (0, 0))), left.get(currency, {}))
        for currency in stretch.opening.keys() | left.keys()
    }
    made = Source.made(stretch.rows, texts, stretch.applied, others)
    return replace(made, brought=brought)


def _open_item(item: Item) -> Document | Receipt:
    """An open document or money movement that is no line: without texts."""
    if item.money:
        kind = PaymentKind(item.said or PaymentKind.RECEIPT)
        return Receipt(item.id, item.number, kind, item.currency, item.on, -item.amount_minor)
    invoice_kind = InvoiceKind(item.said or InvoiceKind.INVOICE)
    return Document(item.id, item.number, invoice_kind, item.currency, item.on, item.amount_minor, item.due_on)


def _stubs(applied: Iterable[AppliedRow], settled: _Named) -> Iterator[Document | Receipt]:
    """What was settled by the allocations of a period and is dated before it, by as much of it as these took."""
    sums: dict[str, tuple[str, int]] = {}
    for pair in applied:
        for own, sign in ((pair.debit_id, 1), (pair.credit_id, -1)):
            if own in settled:
                sums[own] = pair.currency, sums.get(own, ("", 0))[1] + sign * pair.amount_minor
    for own, (currency, minor) in sums.items():
        number, on = settled[own]
        if own.startswith(_PAYMENT):
            yield Receipt(own, number, PaymentKind.RECEIPT, currency, on, -minor)
        else:
            yield Document(own, number, InvoiceKind.INVOICE, currency, on, minor)
