"""Processes that serve: each says now and then that it is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from .tables_schedules import heartbeat
from .tx import Tx, from_us, to_us

LOST_AFTER = timedelta(seconds=90)
"""A process that was not heard of for so long is taken to be gone; it says so every `BEAT_SECONDS`."""
BEAT_SECONDS = 15.0
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One process: what it is there for, and when it was last heard of."""

    process: str
    role: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    doing: str


def beat(tx: Tx, one: Heartbeat) -> None:
    """Say that a process is there."""
    values = {
        "role": one.role,
        "host": one.host,
        "pid": one.pid,
        "started_us": to_us(one.started_at),
        "seen_us": to_us(one.seen_at),
        "doing": one.doing,
    }
    known = heartbeat.update().where(heartbeat.c.process == one.process).values(**values)
    if tx.connection.execute(known).rowcount == 0:
        tx.connection.execute(heartbeat.insert().values(process=one.process, **values))
        old = to_us(one.seen_at - _KEPT)
        tx.connection.execute(heartbeat.delete().where(heartbeat.c.seen_us < old))


def leave(tx: Tx, process: str) -> None:
    """A process ends in order."""
    tx.connection.execute(heartbeat.delete().where(heartbeat.c.process == process))


def every(tx: Tx) -> list[Heartbeat]:
    """All that have not left, the one heard of last first."""
    rows = tx.connection.execute(sa.select(heartbeat).order_by(heartbeat.c.seen_us.desc(), heartbeat.c.process))
    return [
        Heartbeat(row.process, row.role, row.host, row.pid, from_us(row.started_us), from_us(row.seen_us), row.doing)
        for row in rows
    ]


def alive(tx: Tx, now: datetime) -> frozenset[str]:
    """The processes heard of lately."""
    query = sa.select(heartbeat.c.process).where(heartbeat.c.seen_us >= to_us(now - LOST_AFTER))
    return frozenset(tx.connection.execute(query).scalars())
