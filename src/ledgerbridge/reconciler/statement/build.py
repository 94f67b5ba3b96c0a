"""Build a customer statement: O(n log n) in the documents of the customer, the same answer in whatever order they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import ValidationError

from ledgerbridge.errors import StatementError
from ledgerbridge.model.payment import DifferenceKind
from ledgerbridge.model.statement import (
    AgeBase,
    Aging,
    CustomerStatement,
    EntryKind,
    Party,
    Settlement,
    StatementEntry,
    StatementItem,
    reasons,
)
from ledgerbridge.reconciler.aging import DEFAULT_BUCKETS, Buckets

from .values import Applied, Brought, Document, Period, Receipt, WriteOff, one_line

_NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class _Moved:
    """A document, money movement or write-off, by what it does to the balance."""

    id: str
    number: str
    kind: EntryKind
    on: date
    amount_minor: int
    due_on: date | None = None
    reference: str = ""
    remark: str = ""
    fee_minor: int = 0
    base_minor: int | None = None
    difference: DifferenceKind | None = None

    @property
    def order(self) -> tuple[date, bool, str, str]:
        return (self.on, self.kind.is_money, self.number, self.id)


def build_statement(
    *,
    company: str,
    customer: Party,
    currency: str,
    period: Period,
    documents: Iterable[Document],
    receipts: Iterable[Receipt],
    made_at: datetime,
    made_on: date,
    allocations: Iterable[Applied] = (),
    write_offs: Iterable[WriteOff] = (),
    buckets: Buckets = DEFAULT_BUCKETS,
    as_of: date | None = None,
    base_currency: str | None = None,
    brought: Brought | None = None,
) -> CustomerStatement:
    """The statement of one customer in one currency over a period.

    `made_at` is the moment of the books, `made_on` its business date in the company's zone.
    Give everything of the customer in that currency up to the last day; what is later is left out, as are allocations that
    take effect later. With `brought`, of what is dated before the period only what is open on its last day or has part in an
    allocation that takes effect within it, and these allocations alone: the rest stands in `brought`. `as_of` is the day at
    which ages count (default: the last day, never before it). StatementError for what cannot add up: another currency, an id
    given twice, an allocation to a document that was not given, of the wrong sign, or of more than a document has.
    """
    as_of = as_of or period.last_day
    if as_of < period.last_day:
        raise StatementError(
            f"{customer.name}: ages of {as_of} cannot be told for a period that ends on {period.last_day}"
        )
    moved = _gathered(customer, currency, documents, receipts, write_offs)
    used, settlements = _applied(customer, moved, allocations, period)
    if brought is not None:
        for one in moved.values():
            if one.on < period.first_day:
                used[one.id] = abs(one.amount_minor) - abs(brought.left.get(one.id, 0))
    opening, entries = _entries(moved, settlements, period, brought)
    left = sorted((one for one in moved.values() if one.on <= period.last_day), key=lambda one: one.order)
    items = [_item(one, used.get(one.id, 0), buckets, as_of) for one in left]
    open_items = tuple(item for item in items if item is not None and not item.kind.is_money)
    unapplied = tuple(item for item in items if item is not None and item.kind.is_money)
    try:
        return CustomerStatement(
            company=company,
            customer=customer,
            currency=currency,
            base_currency=base_currency,
            first_day=period.first_day,
            last_day=period.last_day,
            opening_minor=opening,
            entries=entries,
            closing_minor=entries[-1].balance_minor if entries else opening,
            open_items=open_items,
            unapplied=unapplied,
            aging=Aging(
                base=buckets.base,
                as_of=as_of,
                buckets=buckets.filled((item.age_days, item.open_minor) for item in open_items),
                unapplied_minor=sum(item.open_minor for item in unapplied),
            ),
            made_at=made_at,
            made_on=made_on,
        )
    except ValidationError as error:
        raise StatementError(reasons(error)) from None


def _gathered(
    customer: Party,
    currency: str,
    documents: Iterable[Document],
    receipts: Iterable[Receipt],
    write_offs: Iterable[WriteOff],
) -> dict[str, _Moved]:
    moved: dict[str, _Moved] = {}
    all_given: list[Document | Receipt | WriteOff] = [*documents, *receipts, *write_offs]
    for given in all_given:
        if given.currency != currency:
            raise StatementError(
                f"{customer.name}: {given.number} is in {given.currency}, the statement in {currency}; they do not add"
            )
        if given.id in moved:
            raise StatementError(f"{customer.name}: {given.number} ({given.id}) was given twice")
        moved[given.id] = _moved(given)
    return moved


def _moved(given: Document | Receipt | WriteOff) -> _Moved:
    number, remark = one_line(given.number), one_line(given.remark)
    match given:
        case Document():
            return _Moved(
                given.id,
                number,
                EntryKind(given.kind.value),
                given.on,
                given.amount_minor,
                due_on=given.due_on,
                reference=one_line(given.reference),
                remark=remark,
                base_minor=given.base_minor,
            )
        case Receipt():
            return _Moved(
                given.id,
                number,
                EntryKind(given.kind.value),
                given.on,
                -(given.amount_minor + given.fee_minor),
                reference=one_line(given.reference),
                remark=remark,
                fee_minor=given.fee_minor,
                base_minor=given.base_minor,
            )
        case WriteOff():
            return _Moved(
                given.id,
                number,
                EntryKind.WRITE_OFF,
                given.on,
                given.amount_minor,
                remark=remark,
                difference=given.difference,
            )


def _applied(
    customer: Party, moved: dict[str, _Moved], allocations: Iterable[Applied], period: Period
) -> tuple[dict[str, int], dict[str, list[Settlement]]]:
    """How much of each document was used up to the last day, and, of those that are lines of the period, by what."""
    used: dict[str, int] = {}
    settlements: dict[str, list[Settlement]] = defaultdict(list)
    for one in allocations:
        debit, credit = moved.get(one.debit_id), moved.get(one.credit_id)
        if debit is None or credit is None:
            missing = one.debit_id if debit is None else one.credit_id
            raise StatementError(f"{customer.name}: an allocation of {one.on} names {missing}, which was not given")
        if one.amount_minor <= 0 or debit.amount_minor <= 0 or credit.amount_minor >= 0:
            raise StatementError(
                f"{customer.name}: {credit.number} cannot be applied to {debit.number}: "
                "an allocation takes a positive amount of a credit for a debit"
            )
        day = max(one.on, debit.on, credit.on)
        if day > period.last_day:
            continue
        for this, other in ((debit, credit), (credit, debit)):
            used[this.id] = used.get(this.id, 0) + one.amount_minor
            if this.on >= period.first_day:
                told = Settlement(id=other.id, number=other.number, amount_minor=one.amount_minor, on=day)
                settlements[this.id].append(told)
    over = [
        f"{moved[key].number} ({minor} of {abs(moved[key].amount_minor)})"
        for key, minor in used.items()
        if minor > abs(moved[key].amount_minor)
    ]
    if over:
        raise StatementError(
            f"{customer.name}: more is applied than there is, in minor units: {', '.join(sorted(over)[:_NAMED_MAX])}"
        )
    for listed in settlements.values():
        listed.sort(key=lambda part: (part.on, part.number, part.id, part.amount_minor))
    return used, settlements


def _entries(
    moved: dict[str, _Moved], settlements: dict[str, list[Settlement]], period: Period, brought: Brought | None
) -> tuple[int, tuple[StatementEntry, ...]]:
    """The opening balance, and the lines with their running balance."""
    if brought is None:
        opening = sum(one.amount_minor for one in moved.values() if one.on < period.first_day)
    else:
        opening = brought.opening_minor
    inside = [one for one in moved.values() if period.first_day <= one.on <= period.last_day]
    balance, entries = opening, []
    for one in sorted(inside, key=lambda one: one.order):
        balance += one.amount_minor
        entries.append(
            StatementEntry(
                id=one.id,
                on=one.on,
                kind=one.kind,
                number=one.number,
                reference=one.reference,
                due_on=one.due_on,
                debit_minor=max(one.amount_minor, 0),
                credit_minor=max(-one.amount_minor, 0),
                balance_minor=balance,
                fee_minor=one.fee_minor,
                base_minor=one.base_minor,
                difference=one.difference,
                remark=one.remark,
                settlements=tuple(settlements.get(one.id, ())),
            )
        )
    return opening, tuple(entries)


def _item(one: _Moved, used: int, buckets: Buckets, as_of: date) -> StatementItem | None:
    """What is left of a document, None when nothing is."""
    left = one.amount_minor - used if one.amount_minor > 0 else one.amount_minor + used
    if left == 0:
        return None
    dated = not one.kind.is_money
    return StatementItem(
        id=one.id,
        kind=one.kind,
        number=one.number,
        on=one.on,
        due_on=one.due_on,
        amount_minor=one.amount_minor,
        open_minor=left,
        age_days=_age(one, buckets, as_of) if dated else None,
    )


def _age(one: _Moved, buckets: Buckets, as_of: date) -> int | None:
    if one.kind is EntryKind.WRITE_OFF and buckets.base is AgeBase.DUE:
        return (as_of - one.on).days  # a write-off is due at once
    return buckets.age(on=one.on, due_on=one.due_on, as_of=as_of)
