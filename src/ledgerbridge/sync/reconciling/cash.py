"""One customer's cash: records put into the allocation engine, its matches taken out as pairs of a debit and a credit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final

import msgspec

from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import PaymentKind
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
from ledgerbridge.reconciler.statement import booked
from ledgerbridge.store.allocations import AppliedRow
from ledgerbridge.store.books import BookRow

DIFFERENCE: Final = "difference/"
"""What the ids of written-off differences begin with."""


class _Named(msgspec.Struct):
    external_id: str | None = None
    number: str | None = None


class _TaxInvoice(msgspec.Struct):
    number: str
    code: str | None = None


class _Number(msgspec.Struct):
    number: str
    kind: str = ""


class InvoiceText(msgspec.Struct):
    """What is read of an invoice's canonical JSON beside the columns."""

    tax_invoices: list[_TaxInvoice] = []
    references: list[_Number] = []
    reverses: _Named | None = None
    remark: str | None = None
    base_total_minor: int | None = None


class _Part(msgspec.Struct):
    invoice: _Named
    amount_minor: int
    allocated_on: date | None = None


class PaymentText(msgspec.Struct):
    """The same of a payment."""

    remittance_text: str | None = None
    remark: str | None = None
    allocations: list[_Part] | None = None
    bank_reference: str | None = None
    payer_name: str | None = None
    payer_account: str | None = None
    our_account: str | None = None
    fee_minor: int | None = None
    number: str = ""
    base_amount_minor: int | None = None


class _AllocationText(msgspec.Struct):
    number: str
    invoice: _Named
    payment: _Named | None = None
    credit: _Named | None = None


_INVOICE: Final = Kind.INVOICE.value
_PAYMENT: Final = Kind.PAYMENT.value
_ALLOCATION: Final = Kind.ALLOCATION.value
_INVOICE_KINDS: Final[dict[str | None, InvoiceKind]] = {
    None: InvoiceKind.INVOICE,
    **{kind.value: kind for kind in InvoiceKind},
}
_PAYMENT_KINDS: Final[dict[str | None, PaymentKind]] = {
    None: PaymentKind.RECEIPT,
    **{kind.value: kind for kind in PaymentKind},
}
_GIVEN: Final = Rule.GIVEN
_row: Final = partial(tuple.__new__, AppliedRow)
"""AppliedRow._make without a step of Python's for every row."""
_json: Final = msgspec.json.Encoder().encode
invoice_text: Final = msgspec.json.Decoder(InvoiceText).decode
payment_text: Final = msgspec.json.Decoder(PaymentText).decode
_allocation_text: Final = msgspec.json.Decoder(_AllocationText).decode


def document_id(kind: str, external_id: str) -> str:
    """What a record is called among all records of a customer."""
    return f"{kind}/{external_id}"


@dataclass(slots=True)
class CashInput:
    """What goes into the engine, and what of it people know the records by."""

    items: list[OpenItem] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    given: list[GivenAllocation] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    """The id of a payment by the ids of its further parts."""
    next_on: date | None = None
    """The first day on which an allocation that is already stated takes effect, of those that do not yet."""


def payments_of(rows: Iterable[BookRow]) -> Iterator[list[BookRow]]:
    """Money movements; records that are parts of one (same number, currency and day) together, in the order of the rows."""
    wholes: dict[str | tuple[str, str, str], list[BookRow]] = {}
    for row in rows:
        if row.kind == _PAYMENT:
            key = row.external_id if row.part is None else (row.number or "", row.currency, row.on)
            wholes.setdefault(key, []).append(row)
    yield from wholes.values()


def cash_input(rows: Sequence[BookRow], texts: Mapping[int, bytes], as_of: date) -> CashInput:
    """The engine's input for one customer: approved records up to a day, allocations that take effect by then."""
    made = CashInput()
    stated = []
    for row in rows:
        if row.kind == _INVOICE:
            _invoice(made, row, invoice_text(texts[row.id]))
        elif row.kind == _ALLOCATION:
            stated.append(row)
    said: list[tuple[str, PaymentText]] = []
    for whole in payments_of(rows):
        said += _payment(made, whole, texts)
    if stated or said:
        _stated(made, said, [(row, _allocation_text(texts[row.id])) for row in stated], as_of)
    return made


def _stated(
    made: CashInput,
    said: Sequence[tuple[str, PaymentText]],
    rows: Sequence[tuple[BookRow, _AllocationText]],
    as_of: date,
) -> None:
    """The allocations that payments state themselves, then those that are records of their own."""
    by_number: dict[tuple[str, str], str | None] = {}
    for row_id, number in made.numbers.items():
        key = (row_id.partition("/")[0], number)
        by_number[key] = None if key in by_number else row_id

    def named(kind: Kind, ref: _Named) -> str:
        if ref.external_id is not None:
            by_id = document_id(kind, ref.external_id)
            by_id = made.parts.get(by_id, by_id)
            if by_id in made.numbers:
                return by_id
        found = by_number.get((kind, ref.number or ""))
        return found or document_id(kind, ref.external_id or ref.number or "")

    currencies = {one.id: one.currency for one in made.receipts}
    signs = {item.id: -1 if item.amount_minor < 0 else 1 for item in made.items}
    for payment_id, text in said:
        for at, part in enumerate(text.allocations or (), 1):
            on = part.allocated_on or made.days[payment_id]
            item = named(Kind.INVOICE, part.invoice)
            name = f"{made.numbers[payment_id]}/{at}"
            _give(made, as_of, (name, item, part.amount_minor, currencies[payment_id], on), payment_id=payment_id)
    for row, told in rows:
        item = named(Kind.INVOICE, told.invoice)
        minor = row.amount_minor * signs.get(item, 1)
        line = (told.number, item, minor, row.currency, date.fromisoformat(row.on))
        if told.payment is not None:
            _give(made, as_of, line, payment_id=named(Kind.PAYMENT, told.payment))
        elif told.credit is not None:
            _give(made, as_of, line, credit_id=named(Kind.INVOICE, told.credit))


def _invoice(made: CashInput, row: BookRow, text: InvoiceText) -> None:
    own = document_id(row.kind, row.external_id)
    numbers = [row.number] if row.number else []
    for tax in text.tax_invoices:
        numbers += [tax.number] if tax.code is None else [tax.number, tax.code + tax.number]
    reverses = None
    if text.reverses is not None:
        reverses = document_id(Kind.INVOICE, text.reverses.external_id) if text.reverses.external_id else None
        reverses = reverses or text.reverses.number
    made.numbers[own] = row.number or row.external_id
    made.days[own] = issued_on = date.fromisoformat(row.on)
    made.items.append(
        OpenItem(
            id=own,
            numbers=tuple(dict.fromkeys(numbers)) if len(numbers) > 1 else tuple(numbers),
            references=tuple(dict.fromkeys([one.number for one in text.references])) if text.references else (),
            kind=_INVOICE_KINDS[row.doc_kind or None],
            amount_minor=row.amount_minor,
            open_minor=row.amount_minor,
            currency=row.currency,
            issued_on=issued_on,
            due_on=date.fromisoformat(row.due_on) if row.due_on else None,
            reverses=reverses,
        )
    )


def _payment(
    made: CashInput, whole: Sequence[BookRow], texts: Mapping[int, bytes]
) -> Sequence[tuple[str, PaymentText]]:
    """Add a payment; what its parts say, if they state allocations."""
    first = whole[0]
    own = document_id(first.kind, first.external_id)
    told = [payment_text(texts[row.id]) for row in whole]
    made.numbers[own] = first.number or first.external_id
    made.days[own] = received_on = date.fromisoformat(first.on)
    amount, fee = first.amount_minor, first.fee_minor or 0
    for row in whole[1:]:
        made.parts[document_id(row.kind, row.external_id)] = own
        amount += row.amount_minor
        fee += row.fee_minor or 0
    made.receipts.append(
        Receipt(
            id=own,
            amount_minor=amount,
            fee_minor=fee,
            currency=first.currency,
            received_on=received_on,
            kind=_PAYMENT_KINDS[first.doc_kind or None],
            text=told[0].remittance_text or told[0].remark or "",
        )
    )
    return [(own, one) for one in told if one.allocations]


def _give(made: CashInput, as_of: date, line: tuple[str, str, int, str, date], **source: str) -> None:
    name, item, minor, currency, on = line
    if on > as_of:
        made.next_on = on if made.next_on is None else min(made.next_on, on)
        return
    made.given.append(
        GivenAllocation(id=name, item_id=item, amount_minor=minor, currency=currency, allocated_on=on, **source)
    )


def apply_cash(given: CashInput, policy: Policy) -> Result:
    """What the engine decides."""
    return allocate(given.items, given.receipts, given.given, policy)


def pairs_of(result: Result, given: CashInput) -> list[AppliedRow]:
    """The matches as pairs of one debit and one credit, each from the day on which both exist."""
    lines: dict[tuple[str, str], list[GivenAllocation]] = {}
    for one in given.given:
        lines.setdefault((one.payment_id or one.credit_id or "", one.item_id), []).append(one)
    used: dict[str, int] = {}
    rows: list[AppliedRow] = []
    for number, match in enumerate(result.matches, 1):
        evidence: str | None = _json(match.evidence).decode()
        # `_value_`: three looks at `value` of an enum's member cost more than the rest of the row.
        rule, sure, difference = match.rule._value_, match.confidence._value_, match.difference._value_
        currency, limit = match.currency, match.limit
        for debit, credit, minor, on in _pairs(match, given, lines, used):
            said = (number, currency, debit, credit, minor, on.isoformat(), rule, sure, difference, limit, evidence)
            rows.append(_row(said))
            evidence = None
    return rows


def _pairs(
    match: Match,
    given: CashInput,
    lines: Mapping[tuple[str, str], list[GivenAllocation]],
    used: dict[str, int],
) -> Iterable[tuple[str, str, int, date]]:
    days, rule = given.days, match.rule
    if rule is not _GIVEN and len(match.payments) == 1 and match.difference_minor == 0:
        source, paid = match.payments[0]
        items = match.items
        # nearly all: money in, for documents, and most of them for one
        if paid > 0 and (items[0][1] > 0 if len(items) == 1 else min(minor for _, minor in items) > 0):
            used[source] = used.get(source, 0) + 1
            since = days[source]
            return [(item, source, minor, on if (on := days[item]) > since else since) for item, minor in items]
    if rule is _GIVEN and len(match.payments) == 1 and all(minor > 0 for _, minor in match.items):
        return _as_stated(match, days, lines)
    ids = [key for key, _ in (*match.payments, *match.items)]
    last = max(days[key] for key in ids)
    if rule is _GIVEN:
        sources = [key for key, _ in match.payments] or ids
        last = max([last, *(_last(lines.get((one, item), [])) for one in sources for item in ids)])
    used[ids[0]] = used.get(ids[0], 0) + 1
    name = f"{DIFFERENCE}{ids[0]}" if used[ids[0]] == 1 else f"{DIFFERENCE}{ids[0]}#{used[ids[0]]}"
    made = booked(
        id=name,
        on=last,
        currency=match.currency,
        payments=match.payments,
        items=match.items,
        difference=match.difference,
    )
    whole = made.write_off is not None or rule is _GIVEN
    return [
        (one.debit_id, one.credit_id, one.amount_minor, last if whole else max(days[one.debit_id], days[one.credit_id]))
        for one in made.allocations
    ]


def _as_stated(
    match: Match, days: Mapping[str, date], lines: Mapping[tuple[str, str], list[GivenAllocation]]
) -> Iterator[tuple[str, str, int, date]]:
    """What the leading system itself says, with its own days."""
    source = match.payments[0][0]
    for item, minor in match.items:
        stated = lines.get((source, item), [])
        if sum(line.amount_minor for line in stated) == minor:
            for line in stated:
                yield item, source, line.amount_minor, max(line.allocated_on, days[item], days[source])
        else:
            yield item, source, minor, max(_last(stated), days[item], days[source])


def _last(lines: Sequence[GivenAllocation]) -> date:
    return max((line.allocated_on for line in lines), default=date.min)
