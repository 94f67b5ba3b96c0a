"""A plan's rows as people read them: amounts with decimals, records by code and name instead of ids."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pydantic import JsonValue

from ledgerbridge.model.change import Action
from ledgerbridge.model.currency import EXPONENTS
from ledgerbridge.model.money import Money, to_decimal
from ledgerbridge.model.plan import REFERENCE, Conflict, Planned
from ledgerbridge.store import Tx, pending, plans

_CHUNK: Final = 500
_MINOR: Final = "_minor"
_BASE: Final = "base_"


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field as text."""

    path: str
    before: str
    after: str
    by: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One change as text. `needs`: how many other changes must be verified first."""

    seq: int
    action: Action
    system: str
    kind: str
    title: str
    because: str
    money: tuple[Money, ...]
    needs: int
    fields: tuple[ShownField, ...]


def rows(tx: Tx, plan_id: str, *, base_currency: str, action: Action | None = None) -> Iterator[ShownRow]:
    """All rows of a plan, in order, within the transaction: memory stays flat."""
    source = plans.every_row(tx, plan_id, action=action)
    while some := list(islice(source, _CHUNK)):
        wanted: set[str] = set()
        for one in some:
            for field in one.change.fields:
                wanted |= named_in(field.before) | named_in(field.after)
        titles = pending.titles_of(tx, wanted)
        for one in some:
            yield _row(one, base_currency, titles)


def conflict_values(tx: Tx, conflicts: Iterable[Conflict]) -> Iterator[tuple[str, str, str]]:
    """What each conflict is about, as text: agreed before, left, right."""
    listed = list(conflicts)
    wanted = {
        name for one in listed for value in (one.base, one.left_value, one.right_value) for name in named_in(value)
    }
    titles = pending.titles_of(tx, wanted)
    for one in listed:
        before, left, right = (
            shown(one.path, value, "", "", titles) for value in (one.base, one.left_value, one.right_value)
        )
        yield before, left, right


def named_in(value: JsonValue) -> set[str]:
    """The entities that a value names."""
    if isinstance(value, dict):
        own = value.get("external_id")
        found = {own.removeprefix(REFERENCE)} if isinstance(own, str) and own.startswith(REFERENCE) else set()
        return found.union(*(named_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(named_in(inner) for inner in value))
    return set()


def shown(path: str, value: JsonValue, currency: str, base_currency: str, titles: Mapping[str, str]) -> str:
    """A canonical value for people; "" for nothing. Amounts whose currency is not known stay whole minor units."""
    if value is None or value in ("", [], {}):
        return ""
    if path.endswith(_MINOR) and isinstance(value, int):
        of = base_currency if path.startswith(_BASE) else currency
        return f"{to_decimal(value, of):,f}" if of in EXPONENTS else str(value)
    if isinstance(value, str):
        return value
    plain = _plain(value, titles)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: Any, titles: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        own = value.get("external_id")
        if isinstance(own, str) and own.startswith(REFERENCE):
            entity = own.removeprefix(REFERENCE)
            return titles.get(entity) or entity[:8]
        return {name: _plain(inner, titles) for name, inner in value.items() if inner is not None}
    return [_plain(inner, titles) for inner in value] if isinstance(value, list) else value


def _row(one: Planned, base_currency: str, titles: Mapping[str, str]) -> ShownRow:
    change = one.change
    fields = tuple(
        ShownField(
            field.path,
            shown(field.path, field.before, one.currency, base_currency, titles),
            shown(field.path, field.after, one.currency, base_currency, titles),
            field.decided_by,
        )
        for field in change.fields
    )
    return ShownRow(
        one.seq,
        change.action,
        change.system,
        change.kind.value,
        one.title,
        change.because,
        change.money_effect,
        len(one.needs),
        fields,
    )
