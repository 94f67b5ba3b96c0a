"""Where reading stands in each stream (a system and a kind): cursor, unfinished full walk, reader, mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ledgerbridge.errors import StaleRecord
from ledgerbridge.model.base import Kind

from .tables import stream
from .tx import Tx


@dataclass(frozen=True, slots=True)
class StreamState:
    """One row. `full_walk`: the cursor belongs to a full walk that has not ended. `holder` is the run that reads now.

    `mapping` is the fingerprint by which all copies were made; `remap_to`/`remap_at` how far a remapping has come (the last
    copy's id). `complete_us`, `full_us`, `sweep_us`: when a walk, a full walk, a sweep last reached its end.
    """

    system: str
    kind: Kind
    cursor: str | None = None
    cursor_us: int | None = None
    full_walk: bool = False
    walk_started_us: int | None = None
    holder: str | None = None
    mapping: str | None = None
    remap_to: str | None = None
    remap_at: int | None = None
    complete_us: int | None = None
    full_us: int | None = None
    sweep_us: int | None = None


_UNSET: Final = object()


def get(tx: Tx, system: str, kind: Kind) -> StreamState:
    """The state of one stream; a fresh one if it was never read."""
    row = tx.connection.execute(sa.select(stream).where(_key(system, kind))).mappings().first()
    return StreamState(system, kind) if row is None else StreamState(**{**row, "kind": Kind(row["kind"])})


def every(tx: Tx) -> list[StreamState]:
    """All streams that were ever read, by system and kind."""
    rows = tx.connection.execute(sa.select(stream).order_by(stream.c.system, stream.c.kind)).mappings()
    return [StreamState(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def take(tx: Tx, system: str, kind: Kind, run_id: str) -> StreamState:
    """Become the stream's reader; what it was before. Whoever read until now is refused at its next commit."""
    before = get(tx, system, kind)
    if tx.connection.execute(stream.update().where(_key(system, kind)).values(holder=run_id)).rowcount == 0:
        tx.connection.execute(stream.insert().values(system=system, kind=kind.value, full_walk=False, holder=run_id))
    return before


def begin_walk(tx: Tx, system: str, kind: Kind, run_id: str, *, full: bool, now_us: int) -> None:
    """Note that a walk begins: a full one from the start, or one that goes on from the cursor."""
    values: dict[str, object] = {"full_walk": full, "walk_started_us": now_us}
    if full:
        values["cursor"] = None
    _set(tx, system, kind, run_id, values)


def advance(tx: Tx, system: str, kind: Kind, run_id: str, *, cursor: str, now_us: int) -> None:
    """Move the cursor, in the transaction of the records it passes."""
    _set(tx, system, kind, run_id, {"cursor": cursor, "cursor_us": now_us})


def end_walk(tx: Tx, system: str, kind: Kind, run_id: str, *, full: bool, now_us: int) -> None:
    """The walk has reached its last page."""
    values: dict[str, object] = {"full_walk": False, "complete_us": now_us}
    if full:
        values["full_us"] = now_us
    _set(tx, system, kind, run_id, values)


def note(
    tx: Tx,
    system: str,
    kind: Kind,
    run_id: str,
    *,
    mapping: object = _UNSET,
    remap_to: object = _UNSET,
    remap_at: object = _UNSET,
    sweep_us: object = _UNSET,
) -> None:
    """Set what is named, as the stream's reader."""
    named = {"mapping": mapping, "remap_to": remap_to, "remap_at": remap_at, "sweep_us": sweep_us}
    _set(tx, system, kind, run_id, {name: value for name, value in named.items() if value is not _UNSET})


def check_held(tx: Tx, system: str, kind: Kind, run_id: str) -> None:
    """StaleRecord if another run has taken over."""
    _set(tx, system, kind, run_id, {"holder": run_id})


def release(tx: Tx, system: str, kind: Kind, run_id: str) -> None:
    """No longer the reader; nothing happens if another run has taken over."""
    tx.connection.execute(stream.update().where(_key(system, kind), stream.c.holder == run_id).values(holder=None))


def forget_cursor(tx: Tx, system: str, kind: Kind) -> None:
    """The next walk reads everything from the start (for a cursor that the far side no longer accepts)."""
    tx.connection.execute(
        stream.update().where(_key(system, kind)).values(cursor=None, full_walk=False, cursor_us=None)
    )


def _key(system: str, kind: Kind) -> sa.ColumnElement[bool]:
    return sa.and_(stream.c.system == system, stream.c.kind == kind.value)


def _set(tx: Tx, system: str, kind: Kind, run_id: str, values: dict[str, object]) -> None:
    done = tx.connection.execute(stream.update().where(_key(system, kind), stream.c.holder == run_id).values(**values))
    if done.rowcount == 0:
        raise StaleRecord(
            f"{system}/{kind}: another run has begun to read this stream; this one ({run_id}) stops, and nothing is lost: "
            "the other goes on from the last stored page"
        )
