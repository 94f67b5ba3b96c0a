"""One run of a flow at a time: a row per flow with its holder, who says now and then that it is still there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from .tables_schedules import flow_lock
from .tx import Tx, from_us, to_us

HELD_FOR: Final = timedelta(seconds=90)
"""A holder that was not heard of for so long is taken to be gone; it says so every third of it."""


@dataclass(frozen=True, slots=True)
class FlowLock:
    """Who runs a flow, since when, when it was last heard of, and until when it is believed."""

    flow: str
    holder: str
    run_id: str
    since: datetime
    seen_at: datetime
    until: datetime


def _lock_of(flow: str) -> str:
    return f"flow/{flow}"


def take(tx: Tx, flow: str, holder: str, run_id: str, at: datetime) -> FlowLock:
    """Try to become the one who runs a flow; the lock as it stands then. Ours if its `holder` and `run_id` are.

    A lock whose holder has been silent for too long, or that is our own, is taken over.
    """
    tx.take_turn(_lock_of(flow))
    now = current(tx, flow)
    if now is not None and now.until > at and (now.holder, now.run_id) != (holder, run_id):
        return now
    tx.connection.execute(flow_lock.delete().where(flow_lock.c.flow == flow))
    until = at + HELD_FOR
    tx.connection.execute(
        flow_lock.insert().values(
            flow=flow, holder=holder, run_id=run_id, since_us=to_us(at), seen_us=to_us(at), until_us=to_us(until)
        )
    )
    return FlowLock(flow, holder, run_id, at, at, until)


def renew(tx: Tx, flow: str, holder: str, run_id: str, at: datetime) -> bool:
    """Say that the holder is there; False if it holds the flow no longer."""
    mine = sa.and_(flow_lock.c.flow == flow, flow_lock.c.holder == holder, flow_lock.c.run_id == run_id)
    values = {"seen_us": to_us(at), "until_us": to_us(at + HELD_FOR)}
    return tx.connection.execute(flow_lock.update().where(mine).values(**values)).rowcount > 0


def release(tx: Tx, flow: str, holder: str, run_id: str) -> None:
    """Let the flow go; nothing happens if another holds it."""
    mine = sa.and_(flow_lock.c.flow == flow, flow_lock.c.holder == holder, flow_lock.c.run_id == run_id)
    tx.connection.execute(flow_lock.delete().where(mine))


def current(tx: Tx, flow: str) -> FlowLock | None:
    """Who holds a flow, silent or not."""
    row = tx.connection.execute(sa.select(flow_lock).where(flow_lock.c.flow == flow)).first()
    if row is None:
        return None
    since, seen, until = from_us(row.since_us), from_us(row.seen_us), from_us(row.until_us)
    return FlowLock(row.flow, row.holder, row.run_id, since, seen, until)
