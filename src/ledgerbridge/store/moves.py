"""The one place that writes the state of an operation: only along :data:`TRANSITIONS`, only under the fence that is held."""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.errors import StoreError
from ledgerbridge.model.operation import FINAL, TRANSITIONS, Operation, OpState

from . import bulk, steady
from .tx import Tx, from_us, to_us

_LEASE_STATES = (OpState.LEASED, OpState.SENT)


class Sql(NamedTuple):
    """A piece of SQL over the columns of an operation, as a condition or as a column's new value.

    `few`: it names a few rows by their ids, and the index of states must not be walked for them.
    """

    text: str
    parameters: tuple[Any, ...] = ()
    few: bool = False


def of_ids(tx: Tx, ids: Sequence[int]) -> Sql:
    """The condition that an operation is one of these."""
    condition, parameter = bulk.among(tx, "id", ids)
    return Sql(condition, (parameter,), few=True)


def db_now(tx: Tx, clock: Clock) -> datetime:
    """What time it is for leases, deadlines and delays: on PostgreSQL the server's clock, so that workers on several machines
    agree; on SQLite (one machine) :func:`ledgerbridge.store.steady.now`. A clock other than the machine's (a test's) is obeyed
    on both.
    """
    if tx.sqlite:
        return steady.now(tx, clock)
    if not isinstance(clock, SystemClock):
        return clock.now()
    asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    return from_us(int(tx.connection.exec_driver_sql(asked).scalar_one()))


def move(tx: Tx, held: Operation, to: OpState, at: datetime, **sets: Any) -> bool:
    """Move one operation on, as the holder of its fence. `sets` are columns to set beside.

    False, and nothing is written, if somebody else has moved or leased it: then whoever asks must stop. StoreError for a
    move that is not in the table, which is a mistake of ours.
    """
    return bool(_move(tx, held.state, to, at, _held((held,)), sets))


def move_held(tx: Tx, held: Sequence[Operation], to: OpState, at: datetime, **sets: Any) -> set[int]:
    """The same for several of one state; the ids of those that were still held and were moved."""
    if not held:
        return set()
    return set(_move(tx, held[0].state, to, at, _held(held), sets))


def touch(tx: Tx, held: Operation, at: datetime, **sets: Any) -> bool:
    """Set columns of an operation that stays in its state and is let go of; False as for :func:`move`."""
    values = {"updated_us": to_us(at), "owner": None, "lease_until_us": None} | sets
    assigned, parameters = _assignments(values)
    where = _held((held,))
    sql = f"UPDATE operation SET {assigned} WHERE {_in_state(held.state, where)}"
    return bulk.run(tx, sql, (*parameters, *where.parameters)) == 1


def move_all(tx: Tx, source: OpState, to: OpState, at: datetime, where: Sql, **sets: Any) -> list[int]:
    """Move all of one state for which `where` holds; their ids in order. StoreError for a move that is not in the table."""
    return sorted(_move(tx, source, to, at, where, sets))


def claim(tx: Tx, state: OpState, where: Sql, **sets: Any) -> None:
    """Set columns of all of one state for which `where` holds; they stay in it."""
    assigned, parameters = _assignments(sets)
    sql = f"UPDATE operation SET {assigned} WHERE {_in_state(state, where)}"
    bulk.run(tx, sql, (*parameters, *where.parameters))


def _held(held: Sequence[Operation]) -> Sql:
    if len(held) == 1:
        return Sql("id = ? AND fence = ?", (held[0].id, held[0].fence), few=True)
    pairs = ", ".join(["(?, ?)"] * len(held))
    return Sql(
        f"(id, fence) IN (VALUES {pairs})", tuple(part for one in held for part in (one.id, one.fence)), few=True
    )


def _in_state(state: OpState, where: Sql) -> str:
    """The condition on state and rows. As a literal the partial index is used for it on both engines; not as a bare column
    it is not, which a planner without statistics would else do even to find one row by its id.
    """
    column = "coalesce(state, '')" if where.few else "state"
    return f"{column} = '{state.value}' AND {where.text}"


def _assignments(sets: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    texts: list[str] = []
    parameters: list[Any] = []
    for column, value in sets.items():
        if isinstance(value, Sql):
            texts.append(f"{column} = {value.text}")
            parameters += value.parameters
        else:
            texts.append(f"{column} = ?")
            parameters.append(value)
    return ", ".join(texts), tuple(parameters)


def _move(tx: Tx, source: OpState, to: OpState, at: datetime, where: Sql, sets: dict[str, Any]) -> list[int]:
    if (source, to) not in TRANSITIONS:
        raise StoreError(f"an operation cannot go from {source} to {to}")
    values: dict[str, Any] = {"state": to.value, "updated_us": to_us(at)}
    if to not in _LEASE_STATES:
        values |= {"owner": None, "lease_until_us": None}
    values["ended_us"] = to_us(at) if to in FINAL else None
    assigned, parameters = _assignments(values | sets)
    sql = f"UPDATE operation SET {assigned} WHERE {_in_state(source, where)} RETURNING id"
    ids = [int(row[0]) for row in bulk.rows_of(tx, sql, (*parameters, *where.parameters))]
    if to is OpState.VERIFIED and ids:
        _let_go_of_dependents(tx, ids)
    return ids


def _let_go_of_dependents(tx: Tx, ids: list[int]) -> None:
    """One thing less to wait for, for all that need these; done once, because `verified` is never left."""
    mine = of_ids(tx, ids)
    needing = (
        "SELECT n.operation_id, count(*) AS met FROM operation_need n "
        f"WHERE n.needs_key IN (SELECT idem_key FROM operation WHERE {mine.text}) GROUP BY n.operation_id"
    )
    if not tx.sqlite:  # in one order, so that two who do this at once do not wait for each other
        in_order = (
            f"SELECT id FROM operation WHERE id IN (SELECT operation_id FROM ({needing}) d) ORDER BY id FOR UPDATE"
        )
        if not bulk.rows_of(tx, in_order, mine.parameters):
            return
    fewer = f"UPDATE operation SET waits = waits - d.met FROM ({needing}) d WHERE operation.id = d.operation_id"
    bulk.run(tx, fewer, mine.parameters)
