"""What of a customer's books is carried forward: made from its documents with the full proof, and told from them again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from ledgerbridge.model.base import Kind
from ledgerbridge.store.allocations import AppliedRow
from ledgerbridge.store.books import BookRow
from ledgerbridge.store.carried import Carry

from .cash import DIFFERENCE, document_id, payments_of

CARRY_RULES: Final = b"1"
"""Grows with every change of what is carried forward, so that what is stored is made anew."""
_INVOICE: Final = Kind.INVOICE.value
_PAYMENT: Final = Kind.PAYMENT.value
_ALLOCATION: Final = Kind.ALLOCATION.value


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is left of a document or money movement: both amounts by what they do to the balance. `copy` is the id of its (first)
    copy, `said` the kind that its document states.
    """

    copy: int
    id: str
    number: str
    currency: str
    on: date
    due_on: date | None
    said: str | None
    amount_minor: int
    open_minor: int
    money: bool


class Month(msgspec.Struct, array_like=True):
    """A month with any movement. `opening` and `closing`: per currency, what documents and money movements, and what differences
    that were written off, come to before and after it. `copies` are the ids of its documents' copies, `pairs` the places of the
    allocations that take effect in it.
    """

    opening: dict[str, tuple[int, int]] = {}
    closing: dict[str, tuple[int, int]] = {}
    copies: list[int] = []
    pairs: list[int] = []


load_items: Final = msgspec.json.Decoder(list[Item]).decode
load_months: Final = msgspec.json.Decoder(dict[int, Month]).decode
"""By the number of the month in its year."""
_dump: Final = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Moved:
    """A document or money movement by what it does to the balance, and what is left of it."""

    row: BookRow
    minor: int
    left: int


def open_items(moved: Mapping[str, Moved]) -> list[Item]:
    """What is left of every document and money movement; nothing left: left out."""
    return [_item(own, one) for own, one in moved.items() if one.left]


def carry_of(
    account: str,
    rows: Sequence[BookRow],
    moved: Mapping[str, Moved],
    applied: Sequence[AppliedRow],
    *,
    marks: str,
    from_on: str,
    before_on: str | None,
) -> Carry | None:
    """What is carried forward of a customer's books; None if they do not prove: then they must be read as a whole, and whoever
    makes a statement of them is told what is wrong.
    """
    offs = _differences(moved, applied)
    if offs is None:
        return None
    years = _years(rows, moved, applied, offs)
    items = open_items(moved)
    if _closing(years) != _by_currency(items):
        return None
    try:
        listed = [(year, _dump(months).decode()) for year, months in sorted(years.items())]
        return Carry(account, marks, from_on, before_on, _dump(items).decode(), listed)
    except OverflowError:  # a balance beyond 64 bits
        return None


def moved_by(rows: Sequence[BookRow], applied: Sequence[AppliedRow]) -> dict[str, Moved]:
    """What moves a customer's balance, by id: documents, then money movements, in the order of the rows."""
    left: dict[str, int] = {}
    for _, _, debit, credit, minor, *_ in applied:
        left[debit] = left.get(debit, 0) - minor
        left[credit] = left.get(credit, 0) + minor
    found = {}
    payments = []
    for row in rows:
        if row.kind == _INVOICE:
            own = document_id(_INVOICE, row.external_id)
            found[own] = Moved(row, row.amount_minor, row.amount_minor + left.get(own, 0))
        elif row.kind == _PAYMENT:
            payments.append(row)
    for whole in payments_of(payments):
        own = document_id(_PAYMENT, whole[0].external_id)
        worth = 0
        for row in whole:
            worth -= row.amount_minor + (row.fee_minor or 0)
        found[own] = Moved(whole[0], worth, worth + left.get(own, 0))
    return found


def _item(own: str, one: Moved) -> Item:
    row, money = one.row, one.row.kind == _PAYMENT
    due_on = date.fromisoformat(row.due_on) if row.due_on and not money else None
    return Item(
        row.id, own, row.number or row.external_id, row.currency, date.fromisoformat(row.on), due_on, row.doc_kind,
        one.minor, one.left, money,
    )  # fmt: skip


def _differences(moved: Mapping[str, Moved], applied: Sequence[AppliedRow]) -> dict[str, tuple[str, str, int]] | None:
    """The differences that were written off: day, currency and what each does to the balance. None if anything is not as a
    statement takes it: an amount or a sign, another currency, a day before a document's, more applied than there is.
    """
    offs: dict[str, tuple[str, str, int]] = {}
    for _, currency, debit, credit, minor, on, *_ in applied:
        if minor <= 0:
            return None
        for own, sign in ((debit, 1), (credit, -1)):
            if own.startswith(DIFFERENCE):
                before = offs.get(own)
                if before is not None and (before[:2] != (on, currency) or (before[2] > 0) != (sign > 0)):
                    return None
                offs[own] = on, currency, (before[2] if before else 0) + sign * minor
            else:
                one = moved.get(own)
                if one is None or one.minor * sign <= 0 or one.row.currency != currency or on < one.row.on:
                    return None
    for one in moved.values():
        if one.left * one.minor < 0:
            return None
    return offs


def _years(
    rows: Sequence[BookRow],
    moved: Mapping[str, Moved],
    applied: Sequence[AppliedRow],
    offs: dict[str, tuple[str, str, int]],
) -> dict[int, dict[int, Month]]:
    months: dict[str, Month] = {}
    sums: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        if row.kind != _ALLOCATION:
            at = row.on[:7]
            month = months.get(at)
            if month is None:
                month = months[at] = Month(copies=[], pairs=[])
            month.copies.append(row.id)
    for place, pair in enumerate(applied):
        at = pair.effective_on[:7]
        month = months.get(at)
        if month is None:
            month = months[at] = Month(copies=[], pairs=[])
        month.pairs.append(place)
    for one in moved.values():
        _add(sums, one.row.on, one.row.currency, 0, one.minor)
    for on, currency, minor in offs.values():
        _add(sums, on, currency, 1, minor)
    years: dict[int, dict[int, Month]] = {}
    balance: dict[str, tuple[int, int]] = {}
    for at, month in sorted(months.items()):
        month.opening = balance
        balance = dict(balance)
        for currency, (documents, written_off) in sums.get(at, {}).items():
            before = balance.get(currency, (0, 0))
            balance[currency] = before[0] + documents, before[1] + written_off
        month.closing = balance
        years.setdefault(int(at[:4]), {})[int(at[5:])] = month
    return years


def _add(sums: dict[str, dict[str, list[int]]], on: str, currency: str, at: int, minor: int) -> None:
    by_currency = sums.setdefault(on[:7], {})
    if currency not in by_currency:
        by_currency[currency] = [0, 0]
    by_currency[currency][at] += minor


def _closing(years: dict[int, dict[int, Month]]) -> dict[str, int]:
    """The balances that all months come to, those that are not zero."""
    if not years:
        return {}
    last = years[max(years)]
    closing = last[max(last)].closing
    return {currency: sum(both) for currency, both in closing.items() if sum(both)}


def _by_currency(items: Iterable[Item]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in items:
        found[item.currency] = found.get(item.currency, 0) + item.open_minor
    return {currency: minor for currency, minor in found.items() if minor}
