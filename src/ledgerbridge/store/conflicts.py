"""Conflicts: fields that both sides changed and nobody owns, with what a person decided of them.

A conflict is known by its key (both values), so that the same pair of versions is one conflict however often it is met. A
decision holds for exactly the values it was made on.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from pydantic import JsonValue

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.plan import Conflict, ConflictState, Take

from . import bulk
from .tables_plans import conflict
from .tx import Tx, from_us, moment, to_us

_SEEN: Final = """
INSERT INTO conflict (conflict_key, flow, entity_id, path, conflict, title, state, first_seen_us, last_seen_us)
VALUES (?, ?, ?, ?, ?, ?, 'open', ?, ?)
ON CONFLICT (conflict_key) DO UPDATE SET conflict = excluded.conflict, title = excluded.title,
    last_seen_us = excluded.last_seen_us,
    state = CASE WHEN conflict.state = 'gone' OR (conflict.state = 'postponed' AND conflict.until_us <= excluded.last_seen_us)
        THEN 'open' ELSE conflict.state END,
    take = CASE WHEN conflict.state = 'gone' THEN NULL ELSE conflict.take END
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A conflict as it stands. `value` is what a person put in the place of both (only with `take` = value)."""

    key: str
    conflict: Conflict
    title: str
    state: ConflictState
    first_seen_at: datetime
    last_seen_at: datetime
    take: Take | None
    value: JsonValue
    until: datetime | None
    who: str | None
    note: str | None
    decided_at: datetime | None


def seen(tx: Tx, met: Sequence[tuple[Conflict, str]], *, now_us: int) -> None:
    """Note conflicts with their titles as met in a plan. One that was gone is open again, without its old decision."""
    for one, title in met:
        text = one.model_dump_json(exclude_unset=True)
        bulk.run(tx, _SEEN, (one.key, one.flow, one.entity, one.path, text, title, now_us, now_us))


def still(tx: Tx, keys: Collection[str], *, now_us: int) -> None:
    """Note that decided conflicts are not carried out yet: their decisions stay in force."""
    condition, parameter = bulk.among(tx, "conflict_key", keys)
    bulk.run(tx, f"UPDATE conflict SET last_seen_us = ? WHERE {condition} AND state <> 'gone'", (now_us, parameter))


def gone(tx: Tx, flow: str, *, before_us: int) -> int:
    """Close what the plan made at `before_us` has not met any more: values moved on, or the sides agree; how many."""
    sql = "UPDATE conflict SET state = 'gone' WHERE flow = ? AND state <> 'gone' AND last_seen_us < ?"
    return bulk.run(tx, sql, (flow, before_us))


def of_entities(tx: Tx, flow: str, entity_ids: Collection[str]) -> dict[str, list[Case]]:
    """All that is known and not gone of these entities, by entity."""
    if not entity_ids:
        return {}
    condition, parameter = bulk.among(tx, "entity_id", entity_ids)
    rows = bulk.rows_of(
        tx, f"SELECT {_COLUMNS} FROM conflict WHERE {condition} AND flow = ? AND state <> 'gone'", (parameter, flow)
    )
    found: dict[str, list[Case]] = {}
    for row in rows:
        case = _case(row)
        found.setdefault(case.conflict.entity, []).append(case)
    return found


def get(tx: Tx, key: str) -> Case | None:
    """One conflict by its key."""
    rows = bulk.rows_of(tx, f"SELECT {_COLUMNS} FROM conflict WHERE conflict_key = ?", (key,))
    return _case(rows[0]) if rows else None


def find(tx: Tx, start: str, *, limit: int = 10) -> list[Case]:
    """Conflicts whose key begins so: what a person types."""
    query = sa.select(conflict.c.conflict_key).where(conflict.c.conflict_key.startswith(start, autoescape=True))
    keys = tx.connection.execute(query.order_by(conflict.c.conflict_key).limit(limit)).scalars().all()
    return [case for key in keys if (case := get(tx, key)) is not None]


def cases(
    tx: Tx,
    *,
    flow: str | None = None,
    states: Collection[ConflictState] = (ConflictState.OPEN, ConflictState.POSTPONED),
    limit: int = 1000,
) -> list[Case]:
    """Conflicts in some states, the oldest first."""
    where = f"state IN ({', '.join('?' * len(states))})" + (" AND flow = ?" if flow is not None else "")
    values = [*(state.value for state in states), *([] if flow is None else [flow]), limit]
    sql = f"SELECT {_COLUMNS} FROM conflict WHERE {where} ORDER BY first_seen_us, conflict_key LIMIT ?"
    return [_case(row) for row in bulk.rows_of(tx, sql, values)]


def decide(
    tx: Tx,
    key: str,
    take: Take,
    *,
    who: str,
    at: datetime,
    value: JsonValue = None,
    until: datetime | None = None,
    note: str | None = None,
) -> Case:
    """Store a person's decision; the next plan makes exactly that change. `take` = postpone rests until `until`.

    ActRefused for a conflict that there is none of, or that is gone: its values have moved on since.
    """
    state = ConflictState.POSTPONED if take is Take.POSTPONE else ConflictState.RESOLVED
    text = json.dumps(value, ensure_ascii=False) if take is Take.VALUE else None
    done = bulk.run(
        tx,
        "UPDATE conflict SET state = ?, take = ?, value = ?, until_us = ?, who = ?, note = ?, decided_us = ? "
        "WHERE conflict_key = ? AND state <> 'gone'",
        (state.value, take.value, text, None if until is None else to_us(until), who, note, to_us(at), key),
    )
    case = get(tx, key)
    if case is None:
        raise ActRefused(f"there is no conflict {key}")
    if not done:
        raise ActRefused(f"the conflict {key} is gone: the values have moved on since; make a new plan")
    return case


def open_count(tx: Tx, flow: str | None = None) -> int:
    """How many conflicts wait for a person, in one flow or in all."""
    query = sa.select(sa.func.count()).select_from(conflict).where(conflict.c.state == ConflictState.OPEN.value)
    if flow is not None:
        query = query.where(conflict.c.flow == flow)
    return int(tx.connection.execute(query).scalar_one())


_COLUMNS: Final = (
    "conflict_key, conflict, title, state, first_seen_us, last_seen_us, take, value, until_us, who, note, decided_us"
)


def _case(row: Sequence[Any]) -> Case:
    return Case(
        key=row[0],
        conflict=Conflict.model_validate_json(row[1]),
        title=row[2],
        state=ConflictState(row[3]),
        first_seen_at=from_us(row[4]),
        last_seen_at=from_us(row[5]),
        take=None if row[6] is None else Take(row[6]),
        value=None if row[7] is None else json.loads(row[7]),
        until=moment(row[8]),
        who=row[9],
        note=row[10],
        decided_at=moment(row[11]),
    )
