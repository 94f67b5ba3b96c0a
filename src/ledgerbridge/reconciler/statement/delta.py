"""What changed since a statement was sent. The frozen one stays as it is; later back-dated edits appear here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ledgerbridge.errors import StatementError
from ledgerbridge.model.statement import CustomerStatement, StatementEntry, StatementItem
from ledgerbridge.model.statement_delta import DeltaKind, DeltaLine, FieldDelta, StatementDelta

_FIELDS: Final = ("on", "kind", "number", "reference", "due_on", "debit_minor", "credit_minor", "fee_minor", "remark")
"""What a customer can see of a line, the running balance apart: that follows from the lines."""


def delta(frozen: CustomerStatement, rebuilt: CustomerStatement) -> StatementDelta:
    """What became of `frozen` in the books of now, from which `rebuilt` was made for the same customer and period.

    StatementError if they are not of the same customer, currency and period.
    """
    for name in ("currency", "first_day", "last_day"):
        if getattr(frozen, name) != getattr(rebuilt, name):
            raise StatementError(
                f"two statements of other periods or currencies cannot be compared: "
                f"{name} is {getattr(frozen, name)} and {getattr(rebuilt, name)}"
            )
    if frozen.customer.entity != rebuilt.customer.entity:
        raise StatementError(f"{frozen.customer.name} and {rebuilt.customer.name} are two customers")
    lines = [*_opening(frozen, rebuilt), *_documents(frozen, rebuilt)]
    return StatementDelta(
        customer=frozen.customer.entity,
        currency=frozen.currency,
        first_day=frozen.first_day,
        last_day=frozen.last_day,
        before_minor=frozen.closing_minor,
        after_minor=rebuilt.closing_minor,
        lines=tuple(lines),
        header=tuple(_header(frozen, rebuilt)),
    )


def _header(frozen: CustomerStatement, rebuilt: CustomerStatement) -> Iterable[FieldDelta]:
    pairs = {
        "company": (frozen.company, rebuilt.company),
        "customer.name": (frozen.customer.name, rebuilt.customer.name),
        "customer.code": (frozen.customer.code, rebuilt.customer.code),
    }
    return [FieldDelta(field=name, before=old, after=new) for name, (old, new) in pairs.items() if old != new]


def _opening(frozen: CustomerStatement, rebuilt: CustomerStatement) -> list[DeltaLine]:
    effect = rebuilt.opening_minor - frozen.opening_minor
    if effect == 0:
        return []
    fields = FieldDelta(field="opening_minor", before=str(frozen.opening_minor), after=str(rebuilt.opening_minor))
    return [DeltaLine(kind=DeltaKind.BEFORE_PERIOD, effect_minor=effect, fields=(fields,))]


def _documents(frozen: CustomerStatement, rebuilt: CustomerStatement) -> list[DeltaLine]:
    old_entries = {entry.id: entry for entry in frozen.entries}
    new_entries = {entry.id: entry for entry in rebuilt.entries}
    old_items, new_items = _items(frozen), _items(rebuilt)
    lines = []
    for key in {**old_entries, **new_entries, **old_items, **new_items}:
        line = _line(old_entries.get(key), new_entries.get(key), old_items.get(key), new_items.get(key))
        if line is not None:
            lines.append(line)
    return sorted(lines, key=lambda line: (str(line.on), line.number, str(line.id)))


def _items(statement: CustomerStatement) -> dict[str, StatementItem]:
    return {item.id: item for item in (*statement.open_items, *statement.unapplied)}


def _line(
    old: StatementEntry | None,
    new: StatementEntry | None,
    old_item: StatementItem | None,
    new_item: StatementItem | None,
) -> DeltaLine | None:
    left_before = old_item.open_minor if old_item else 0
    left_after = new_item.open_minor if new_item else 0
    shown = new or old or new_item or old_item
    assert shown is not None  # a key comes from one of the four
    fields = _changed(old, new)
    settled_before = old.settlements if old else ()
    settled_after = new.settlements if new else ()
    if old is None and new is None:
        if left_before == left_after:
            return None
        kind = DeltaKind.REOPENED
    elif old is None:
        kind = DeltaKind.ADDED
    elif new is None:
        kind = DeltaKind.REMOVED
    elif fields:
        kind = DeltaKind.CHANGED
    elif settled_before != settled_after or left_before != left_after:
        kind = DeltaKind.REAPPLIED
    else:
        return None
    same = settled_before == settled_after
    return DeltaLine(
        kind=kind,
        id=shown.id,
        entry_kind=shown.kind,
        number=shown.number,
        on=shown.on,
        effect_minor=(new.amount_minor if new else 0) - (old.amount_minor if old else 0),
        open_effect_minor=left_after - left_before,
        fields=fields,
        settled_before=() if same else settled_before,
        settled_after=() if same else settled_after,
    )


def _changed(old: StatementEntry | None, new: StatementEntry | None) -> tuple[FieldDelta, ...]:
    if old is None or new is None:
        return ()
    return tuple(
        FieldDelta(field=name, before=_text(getattr(old, name)), after=_text(getattr(new, name)))
        for name in _FIELDS
        if getattr(old, name) != getattr(new, name)
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
