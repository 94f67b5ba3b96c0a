"""Operations: what plans hand over to be written, and what has become of it.

`add`, `release` and `cancel` are for planning and approving; what workers do is in :mod:`ledgerbridge.store.leases`.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ledgerbridge.errors import StoreError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Change
from ledgerbridge.model.operation import DEAD_LETTERS, UNFINISHED, Intent, Operation, OpState

from . import bulk, facts, moves
from .tables_operations import operation, operation_need
from .tx import Tx, from_us, moment, to_us

_COLUMNS: Final = (
    "plan_id",
    "idem_key",
    "change",
    "payload_hash",
    "system",
    "kind",
    "action",
    "entity",
    "order_key",
    "state",
    "revision",
    "fence",
    "not_before_us",
    "tries",
    "looks",
    "waits",
    "epoch",
    "approved_by",
    "signed",
    "created_us",
    "updated_us",
)
_CHUNK: Final = 5_000
LONG_AGO: Final = -1
"""An epoch before all others."""


@dataclass(slots=True)
class Added:
    """What became of intents, by key: `added` has the ids of what was stored (or was cancelled and stands again), `known`
    what is on its way or done already, `held` what is a dead letter that a person must decide on first.
    """

    added: dict[str, int] = field(default_factory=dict)
    known: dict[str, tuple[int, OpState]] = field(default_factory=dict)
    held: dict[str, tuple[int, OpState]] = field(default_factory=dict)


def add(
    tx: Tx,
    plan_id: str,
    intents: Iterable[Intent],
    state: OpState,
    at: datetime,
    *,
    approved_by: str | None = None,
) -> Added:
    """Store a plan's operations as `planned` or `ready`, in the transaction that stores the plan; see :class:`Added`.

    What an intent needs must be among the same intents or stored before; StoreError if not, or for a key given twice. Bulk:
    a few statements per 5,000. `approved_by`: the person who has approved what is stored as `ready`; None if none has.
    """
    if state not in {OpState.PLANNED, OpState.READY}:
        raise StoreError(f"an operation starts as planned or ready, not as {state}")
    listed = list(intents)
    keys = [intent.change.key for intent in listed]
    if len(set(keys)) != len(keys):
        raise StoreError("two operations of one plan have the same key")
    found = _states(tx, keys)
    result = Added()
    fresh: list[tuple[str, Intent]] = []
    again: list[tuple[str, Intent]] = []
    for key, intent in zip(keys, listed, strict=True):
        known = found.get(key)
        if known is None:
            fresh.append((key, intent))
        elif known[1] is OpState.CANCELLED:
            again.append((key, intent))
        else:
            (result.held if known[1] in DEAD_LETTERS else result.known)[key] = known
    epoch = facts.restore_epoch(tx)
    for start in range(0, len(fresh), _CHUNK):
        rows = [
            _row(plan_id, key, intent, state, epoch, approved_by, to_us(at))
            for key, intent in fresh[start : start + _CHUNK]
        ]
        bulk.insert(tx, operation, _COLUMNS, rows)
    for key, intent in again:
        _revive(tx, plan_id, key, intent, state, approved_by, at)
    stored = _states(tx, [key for key, _ in (*fresh, *again)])
    result.added = {key: operation_id for key, (operation_id, _) in stored.items()}
    _note_needs(tx, result.added, [*fresh, *again])
    return result


def release(tx: Tx, plan_id: str, approved_by: str | None, at: datetime) -> list[int]:
    """Let a plan's operations be sent; the ids of those that were waiting for it. `approved_by` None: a rule, not a person."""
    mine = moves.Sql("plan_id = ?", (plan_id,))
    return moves.move_all(
        tx, OpState.PLANNED, OpState.READY, at, mine, approved_by=approved_by, not_before_us=to_us(at)
    )


def cancel(tx: Tx, plan_id: str, at: datetime, why: str = "the plan was discarded") -> list[int]:
    """Take back what is not being sent and was not (proven), with what needs it; the ids."""
    mine = moves.Sql("plan_id = ?", (plan_id,))
    gone = [
        cancelled
        for state in (OpState.PLANNED, OpState.READY)
        for cancelled in moves.move_all(tx, state, OpState.CANCELLED, at, mine, why=why)
    ]
    return sorted({*gone, *cancel_dependents(tx, gone, at)})


def cancel_dependents(tx: Tx, ids: Collection[int], at: datetime) -> list[int]:
    """Take back what can never be sent because something it needs was taken back; the ids, through all generations."""
    gone: list[int] = []
    layer = list(ids)
    why = "what it needs was taken back"
    while layer:
        these = moves.of_ids(tx, layer)
        needing = (
            "SELECT n.operation_id FROM operation_need n JOIN operation g ON g.idem_key = n.needs_key "
            f"WHERE g.{these.text}"
        )
        blocked = moves.Sql(f"waits > 0 AND id IN ({needing})", these.parameters)
        layer = [
            cancelled
            for state in (OpState.PLANNED, OpState.READY)
            for cancelled in moves.move_all(tx, state, OpState.CANCELLED, at, blocked, why=why)
        ]
        gone += layer
    return gone


def get(tx: Tx, operation_id: int) -> Operation | None:
    """One by its id."""
    row = tx.connection.execute(sa.select(operation).where(operation.c.id == operation_id)).mappings().first()
    return None if row is None else from_row(row)


def by_key(tx: Tx, keys: Collection[str]) -> dict[str, Operation]:
    """Those that exist of these keys (a change's key)."""
    found: dict[str, Operation] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), 500):
        query = sa.select(operation).where(operation.c.idem_key.in_(wanted[start : start + 500]))
        found |= {row["idem_key"]: from_row(row) for row in tx.connection.execute(query).mappings()}
    return found


def of_plan(tx: Tx, plan_id: str) -> Iterator[Operation]:
    """All operations of a plan by id, read in pages; they need not fit in memory."""
    after = 0
    query = sa.select(operation).where(operation.c.plan_id == plan_id).order_by(operation.c.id).limit(1000)
    while rows := tx.connection.execute(query.where(operation.c.id > after)).mappings().all():
        yield from map(from_row, rows)
        after = rows[-1]["id"]


def counts(tx: Tx, plan_id: str | None = None) -> dict[OpState, int]:
    """How many stand in each state: of a plan, or of all (then without `verified` and `cancelled`, which only grow)."""
    if plan_id is not None:
        query = sa.select(operation.c.state, sa.func.count()).where(operation.c.plan_id == plan_id)
        found = tx.connection.execute(query.group_by(operation.c.state))
        return {OpState(state): int(number) for state, number in found}
    numbers = {state: _count(tx, state) for state in (*UNFINISHED, *sorted(DEAD_LETTERS))}
    return {state: number for state, number in numbers.items() if number}


def unfinished(tx: Tx, *, system: str | None = None, kind: Kind | None = None) -> Iterator[Operation]:
    """All that are planned or on their way, by state and id, read in pages."""
    yield from (one for state in UNFINISHED for one in listing(tx, states=(state,), system=system, kind=kind))


def listing(
    tx: Tx,
    *,
    states: Sequence[OpState] = (),
    system: str | None = None,
    kind: Kind | None = None,
    plan_id: str | None = None,
    entity: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> Iterator[Operation]:
    """Operations by id, from `after` on, read in pages. `states` empty: whatever the state."""
    conditions: list[sa.ColumnElement[bool]] = []
    for column, value in (("system", system), ("kind", kind), ("plan_id", plan_id), ("entity", entity)):
        if value is not None:
            conditions.append(operation.c[column] == str(value))
    if states:
        # Literals, so that the partial index is used on both engines.
        conditions.append(sa.or_(*(sa.text(f"state = '{OpState(state).value}'") for state in states)))
    left = limit
    while left is None or left > 0:
        size = 1000 if left is None else min(left, 1000)
        query = sa.select(operation).where(*conditions, operation.c.id > after).order_by(operation.c.id).limit(size)
        rows = tx.connection.execute(query).mappings().all()
        yield from map(from_row, rows)
        if len(rows) < size:
            return
        after = rows[-1]["id"]
        left = None if left is None else left - len(rows)


def from_row(row: sa.RowMapping | Mapping[str, Any]) -> Operation:
    """An operation as stored."""
    change = Change.model_validate_json(row["change"])
    foreign = row["foreign_id"]
    return Operation(
        id=row["id"],
        plan_id=row["plan_id"],
        idem_key=row["idem_key"],
        change=change,
        state=OpState(row["state"]),
        order_key=row["order_key"],
        revision=row["revision"],
        fence=row["fence"],
        tries=row["tries"],
        looks=row["looks"],
        epoch=row["epoch"],
        not_before=from_us(row["not_before_us"]),
        send_deadline=moment(row["send_deadline_us"]),
        foreign=None if foreign is None else Ref(system=change.system, kind=change.kind, external_id=foreign),
        why=row["why"],
        approved_by=row["approved_by"],
        signed=bool(row["signed"]),
        waits=row["waits"],
        sent_at=moment(row["sent_us"]),
        created_at=moment(row["created_us"]),
        updated_at=moment(row["updated_us"]),
        ended_at=moment(row["ended_us"]),
    )


def hash_of(change_json: str) -> bytes:
    """The hash of a frozen change, by which tampering with the row is noticed before it is sent."""
    return hashlib.blake2b(change_json.encode(), digest_size=16).digest()


def _count(tx: Tx, state: OpState) -> int:
    counted = sa.text(f"SELECT count(*) FROM operation WHERE state = '{state.value}'")
    return int(tx.connection.execute(counted).scalar_one())


def _states(tx: Tx, keys: Sequence[str]) -> dict[str, tuple[int, OpState]]:
    found: dict[str, tuple[int, OpState]] = {}
    for start in range(0, len(keys), _CHUNK):
        condition, parameter = bulk.among(tx, "idem_key", keys[start : start + _CHUNK])
        rows = bulk.rows_of(tx, f"SELECT idem_key, id, state FROM operation WHERE {condition}", (parameter,))
        found |= {key: (int(operation_id), OpState(state)) for key, operation_id, state in rows}
    return found


def _row(
    plan_id: str, key: str, intent: Intent, state: OpState, epoch: int, approved_by: str | None, at_us: int
) -> tuple[Any, ...]:
    change = intent.change
    text = change.model_dump_json()
    return (
        plan_id,
        key,
        text,
        hash_of(text),
        change.system,
        change.kind.value,
        change.action.value,
        change.entity,
        intent.order_key,
        state.value,
        1,
        0,
        at_us,
        0,
        0,
        0,
        epoch,
        approved_by,
        False,
        at_us,
        at_us,
    )


def _revive(
    tx: Tx, plan_id: str, key: str, intent: Intent, state: OpState, approved_by: str | None, at: datetime
) -> None:
    """Make what was taken back stand again, for another plan and perhaps with other values: one key, one row for ever.

    What was ever sent gets an epoch of long ago, so that it is looked for first; what was not keeps its own.
    """
    text = intent.change.model_dump_json()
    moves.move_all(
        tx,
        OpState.CANCELLED,
        state,
        at,
        moves.Sql("idem_key = ?", (key,)),
        plan_id=plan_id,
        change=text,
        payload_hash=hash_of(text),
        order_key=intent.order_key,
        revision=moves.Sql("revision + 1"),
        not_before_us=to_us(at),
        tries=0,
        looks=0,
        waits=0,
        epoch=moves.Sql(f"CASE WHEN sent_us IS NULL THEN epoch ELSE {LONG_AGO} END"),
        why=None,
        approved_by=approved_by,
        signed=False,
        send_deadline_us=None,
        created_us=to_us(at),
    )
    bulk.run(
        tx, "DELETE FROM operation_need WHERE operation_id = (SELECT id FROM operation WHERE idem_key = ?)", (key,)
    )


def _note_needs(tx: Tx, ids: dict[str, int], stored: list[tuple[str, Intent]]) -> None:
    """Enter what waits for what. What is needed is locked: it must not become verified unseen in between."""
    edges = sorted({(ids[key], need) for key, intent in stored for need in intent.needs})
    if not edges:
        return
    needed = sorted({need for _, need in edges})
    done: dict[str, bool] = {}
    for start in range(0, len(needed), _CHUNK):
        condition, parameter = bulk.among(tx, "idem_key", needed[start : start + _CHUNK])
        lock = "" if tx.sqlite else " ORDER BY id FOR SHARE"
        sql = f"SELECT idem_key, state FROM operation WHERE {condition}{lock}"
        done |= {key: state == OpState.VERIFIED.value for key, state in bulk.rows_of(tx, sql, (parameter,))}
    missing = [need for need in needed if need not in done]
    if missing:
        raise StoreError(f"an operation needs {missing[0]}, which is no operation")
    bulk.insert(tx, operation_need, ("operation_id", "needs_key"), edges)
    waits: dict[int, int] = {}
    for operation_id, need in edges:
        if not done[need]:
            waits[operation_id] = waits.get(operation_id, 0) + 1
    rows = sorted(waits.items())
    for start in range(0, len(rows), _CHUNK):
        bulk.update(tx, operation, ("id", "waits"), rows[start : start + _CHUNK])
