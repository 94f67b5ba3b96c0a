"""Fire times of schedules: each is claimed once, whoever comes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from . import bulk
from .tables_schedules import fire
from .tx import Tx, from_us, moment, to_us


class FireState(StrEnum):
    """How a fire time ended, or that it has not."""

    FIRST_SEEN = "first_seen"
    RUNNING = "running"
    DONE = "done"
    FINDINGS = "findings"  # it ran, and people have something to look at
    FAILED = "failed"
    SKIPPED = "skipped"  # the run before it was still under way


@dataclass(frozen=True, slots=True)
class Fire:
    """One claimed fire time of a job."""

    job: str
    at: datetime
    claimed_by: str
    state: FireState
    finished_at: datetime | None
    why: str | None


def claim(tx: Tx, job: str, at: datetime, by: str, now: datetime, *, state: FireState = FireState.RUNNING) -> bool:
    """Take a fire time; False if another scheduler has it."""
    sql = (
        "INSERT INTO fire (job, fire_us, claimed_us, claimed_by, state) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING "
        "RETURNING job"
    )
    return bool(bulk.rows_of(tx, sql, (job, to_us(at), to_us(now), by, state.value)))


def finish(tx: Tx, job: str, at: datetime, state: FireState, why: str | None, now: datetime) -> None:
    """Note how it ended."""
    where = sa.and_(fire.c.job == job, fire.c.fire_us == to_us(at))
    tx.connection.execute(fire.update().where(where).values(state=state.value, finished_us=to_us(now), why=why))


def latest(tx: Tx, job: str, *, until: datetime | None = None) -> Fire | None:
    """The newest claimed fire time of a job, or the newest not after `until`."""
    query = sa.select(fire).where(fire.c.job == job).order_by(fire.c.fire_us.desc()).limit(1)
    if until is not None:
        query = query.where(fire.c.fire_us <= to_us(until))
    row = tx.connection.execute(query).first()
    return None if row is None else _fire(row)


def last_good(tx: Tx, job: str) -> datetime | None:
    """When a job last ended without failing."""
    good = (FireState.DONE.value, FireState.FINDINGS.value)
    query = sa.select(sa.func.max(fire.c.finished_us)).where(fire.c.job == job, fire.c.state.in_(good))
    return moment(tx.connection.execute(query).scalar())


def abandoned(tx: Tx, alive: frozenset[str], now: datetime) -> int:
    """Mark as failed what processes that are no longer heard of were running; how many."""
    stale = sa.and_(fire.c.state == FireState.RUNNING.value, fire.c.claimed_by.not_in(alive))
    why = "the process that ran it has gone; the next run goes on from what was committed"
    changed = fire.update().where(stale).values(state=FireState.FAILED.value, finished_us=to_us(now), why=why)
    return tx.connection.execute(changed).rowcount


def forget(tx: Tx, before: datetime) -> int:
    """Delete what ended before a moment, but always keep the newest of each job; how many rows went."""
    other = fire.alias("other")
    newest = sa.select(sa.func.max(other.c.fire_us)).where(other.c.job == fire.c.job).scalar_subquery()
    gone = fire.delete().where(fire.c.finished_us < to_us(before), fire.c.fire_us < newest)
    return tx.connection.execute(gone).rowcount


def _fire(row: sa.Row[tuple[object, ...]]) -> Fire:
    found = row._mapping  # noqa: SLF001 (SQLAlchemy's public name for it)
    return Fire(
        found["job"],
        from_us(found["fire_us"]),
        found["claimed_by"],
        FireState(found["state"]),
        moment(found["finished_us"]),
        found["why"],
    )
