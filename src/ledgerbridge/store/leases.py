"""Taking operations in hand: who may send or look at what now. Every taking makes the fence grow.

The caller holds the far side's gate (:func:`ledgerbridge.store.gates.locked`), so that takings for one far side come one after
the other: of two operations on one record never both are under way.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Operation, OpState

from . import attempts, bulk, moves, operations
from .tables_operations import operation
from .tx import Tx, from_us, to_us

BatchMax = Callable[[Kind, Action], int]
SPOILT: Final = "the stored change is not what was approved"

_LOOKED_AT: Final = (OpState.CONFIRMED, OpState.UNCERTAIN)
_COLUMNS: Final = tuple(operation.c.keys())
_UNDER_WAY = "'leased', 'sent', 'uncertain', 'confirmed'"
_STATE = "coalesce(e.state, '')"
"""Not the bare column: a planner without statistics would rather walk all ready rows than the few of one record."""
_FREE = f"""NOT EXISTS (SELECT 1 FROM operation e WHERE e.order_key = o.order_key AND e.id <> o.id
AND ({_STATE} IN ({_UNDER_WAY}) OR ({_STATE} = 'ready' AND e.id < o.id) OR ({_STATE} = 'conflict' AND o.action = 'create')))"""
"""Nothing else on the same record is under way or comes first; where a person must look at a record, none is created."""
_DUE = "o.state = 'ready' AND o.system = ? AND o.waits = 0 AND o.not_before_us <= ?"


def lease(
    tx: Tx,
    system: str,
    owner: str,
    at: datetime,
    *,
    lease_s: float,
    batch_max: BatchMax,
    retries_max: int,
    epoch: int,
    look_first_max: int,
) -> list[Operation]:
    """Take what is ready: operations of one kind, action and epoch, the longest due first, at most `batch_max` of them.

    At most `retries_max` of them were sent before. Those of an older epoch than `epoch` are to be looked for, not sent: at
    most `look_first_max` at a time. A row whose change is not the approved one goes to a person instead.
    """
    fresh = "" if retries_max > 0 else " AND o.tries = 0"
    where = f"o.state = 'ready' AND o.system = ? AND o.waits = 0 AND o.not_before_us <= ?{fresh} AND {_FREE}"
    order = "ORDER BY o.not_before_us, o.id LIMIT ?" + _skip(tx)
    due = (system, to_us(at))
    first = bulk.rows_of(tx, f"SELECT o.kind, o.action, o.epoch FROM operation o WHERE {where} {order}", (*due, 1))
    if not first:
        return []
    kind, action, planned_under = first[0]
    alike = "o.kind = ? AND o.action = ? AND o.epoch = ?"
    size = look_first_max if planned_under < epoch else max(1, batch_max(Kind(kind), Action(action)))
    sql = f"SELECT o.id, o.tries FROM operation o WHERE {where} AND {alike} {order}"
    ids: list[int] = []
    for operation_id, tries in bulk.rows_of(tx, sql, (*due, kind, action, planned_under, size)):
        if tries == 0:
            ids.append(operation_id)
        elif retries_max > 0:
            retries_max -= 1
            ids.append(operation_id)
    return _taken(tx, OpState.READY, OpState.LEASED, ids, owner, at, lease_s)


def claim_looks(tx: Tx, system: str, owner: str, at: datetime, *, lease_s: float, limit: int) -> list[Operation]:
    """Take what must be looked at: written ones to verify, uncertain ones to settle. They stay in their state."""
    found: list[Operation] = []
    for state in _LOOKED_AT:
        where = f"o.state = '{state}' AND o.system = ? AND o.waits = 0 AND o.not_before_us <= ? "
        free = "AND o.lease_until_us IS NULL "
        sql = f"SELECT o.id FROM operation o WHERE {where}{free}ORDER BY o.not_before_us, o.id LIMIT ?{_skip(tx)}"
        rows = bulk.rows_of(tx, sql, (system, to_us(at), limit - len(found)))
        found += _taken(tx, state, state, [row[0] for row in rows], owner, at, lease_s)
    return found


def write_ahead(
    tx: Tx, leased: Sequence[Operation], at: datetime, *, deadline: datetime, lease_s: float, settle_s: float
) -> list[Operation]:
    """Commit to sending: `sent`, one try more, the attempt's row, the lease anew. Those that are still held, as they are now.

    `not_before` becomes the end of the settle window: should the outcome stay unknown, nobody looks earlier.
    """
    settled = deadline + timedelta(seconds=settle_s)
    ids = moves.move_held(
        tx,
        leased,
        OpState.SENT,
        at,
        tries=moves.Sql("tries + 1"),
        looks=0,
        signed=False,
        sent_us=moves.Sql("coalesce(sent_us, ?)", (to_us(at),)),
        send_deadline_us=to_us(deadline),
        lease_until_us=to_us(at + timedelta(seconds=lease_s)),
        not_before_us=to_us(settled),
    )
    attempts.begin(tx, sorted(ids), at, deadline)
    return [
        replace(
            one,
            state=OpState.SENT,
            tries=one.tries + 1,
            looks=0,
            send_deadline=deadline,
            not_before=settled,
            sent_at=one.sent_at or at,
        )
        for one in leased
        if one.id in ids
    ]


def give_back(tx: Tx, held: Sequence[Operation], at: datetime, why: str) -> None:
    """Let go of operations in hand, all of one state, to which nothing was done: what was only leased or written ahead is
    ready again and has burnt no try, what was to be looked at stays as it is. Those that are no longer held are passed over.
    """
    state = held[0].state
    if state is OpState.LEASED:
        moves.move_held(tx, held, OpState.READY, at)
    elif state is OpState.SENT:
        tries = moves.Sql("tries - 1")
        ids = moves.move_held(tx, held, OpState.READY, at, tries=tries, not_before_us=to_us(at), why=why)
        for one in held:
            if one.id in ids:
                attempts.end(tx, one, at, "not_sent", excerpt=why)
    else:
        for one in held:
            moves.touch(tx, one, at)


def expire(tx: Tx, at: datetime) -> tuple[int, int]:
    """Take back what its holder has held too long: (nothing was sent, so it is ready again; it may have been, so it is
    uncertain until somebody looks). What was being looked at can be looked at by others.
    """
    late = moves.Sql("lease_until_us <= ?", (to_us(at),))
    fence = moves.Sql("fence + 1")
    why = "its worker has gone"
    back = moves.move_all(tx, OpState.LEASED, OpState.READY, at, late, fence=fence)
    doubtful = moves.move_all(tx, OpState.SENT, OpState.UNCERTAIN, at, late, fence=fence, why=why)
    for state in _LOOKED_AT:
        moves.claim(tx, state, late, fence=fence, owner=None, lease_until_us=None)
    return len(back), len(doubtful)


def expired(tx: Tx, at: datetime) -> bool:
    """Whether :func:`expire` has something to do."""
    return any(
        bulk.rows_of(
            tx, f"SELECT 1 FROM operation WHERE state = '{state}' AND lease_until_us <= ? LIMIT 1", (to_us(at),)
        )
        for state in (OpState.LEASED, OpState.SENT, *_LOOKED_AT)
    )


def due(tx: Tx, systems: Sequence[str], at: datetime) -> list[str]:
    """The far sides for which something may be due; a cheap question for idle workers."""
    return [system for system in systems if (first := _next_free(tx, system)) is not None and first <= to_us(at)]


def next_due(tx: Tx, systems: Sequence[str]) -> datetime | None:
    """When the next operation may be taken up (perhaps long ago); None if there is none that time alone moves on."""
    moments = [first for system in systems if (first := _next_free(tx, system)) is not None]
    for system in systems:
        for state in (OpState.LEASED, OpState.SENT, OpState.CONFIRMED, OpState.UNCERTAIN):
            sql = f"SELECT min(o.lease_until_us) FROM operation o WHERE o.state = '{state}' AND o.system = ?"
            held = bulk.rows_of(tx, sql, (system,))[0][0]
            moments += [] if held is None else [int(held)]
    return from_us(min(moments)) if moments else None


def _next_free(tx: Tx, system: str) -> int | None:
    """When the first operation that nobody holds is due."""
    found: list[int] = []
    not_held = "o.lease_until_us IS NULL"
    for state, free in ((OpState.READY, _FREE), (OpState.CONFIRMED, not_held), (OpState.UNCERTAIN, not_held)):
        where = f"o.state = '{state}' AND o.system = ? AND o.waits = 0 AND {free}"
        sql = f"SELECT o.not_before_us FROM operation o WHERE {where} ORDER BY o.not_before_us, o.id LIMIT 1"
        found += [int(row[0]) for row in bulk.rows_of(tx, sql, (system,))]
    return min(found) if found else None


def _skip(tx: Tx) -> str:
    return "" if tx.sqlite else " FOR UPDATE SKIP LOCKED"


def _taken(
    tx: Tx, source: OpState, to: OpState, ids: Sequence[int], owner: str, at: datetime, lease_s: float
) -> list[Operation]:
    if not ids:
        return []
    these = moves.of_ids(tx, ids)
    until = to_us(at + timedelta(seconds=lease_s))
    fence = moves.Sql("fence + 1")
    if source is to:
        moves.claim(tx, state=source, where=these, fence=fence, owner=owner, lease_until_us=until)
    else:
        moves.move_all(tx, source, to, at, these, fence=fence, owner=owner, lease_until_us=until)
    sql = f"SELECT {', '.join(_COLUMNS)} FROM operation WHERE {these.text} ORDER BY not_before_us, id"
    sound: list[Operation] = []
    for values in bulk.rows_of(tx, sql, these.parameters):
        row = dict(zip(_COLUMNS, values, strict=True))
        taken = _sound(row)
        if taken is not None:
            sound.append(taken)
        else:
            spoilt = moves.Sql("id = ?", (row["id"],))
            moves.move_all(tx, to, OpState.REVIEW, at, spoilt, why=SPOILT)
    return sound


def _sound(row: Mapping[str, Any]) -> Operation | None:
    """The operation, unless its change is not the one that was approved under this key."""
    if operations.hash_of(row["change"]) != bytes(row["payload_hash"]):
        return None
    try:
        found = operations.from_row(row)
    except ValidationError:
        return None
    return found if found.change.key == row["idem_key"] else None
