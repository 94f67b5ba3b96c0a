"""The gates of the far sides: one row each, shared by all workers. What the numbers mean is decided in the queue."""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from . import bulk
from .tx import Tx


class Breaker(StrEnum):
    """Whether a far side is asked at all."""

    CLOSED = "closed"  # yes
    OPEN = "open"  # no: it could not be reached; a probe is due at `probe_us`
    HALF_OPEN = "half_open"  # somebody is probing


@dataclass(frozen=True, slots=True)
class Gate:
    """What all workers know of one far side. Moments are microseconds.

    `failures`: transport failures in a row; `probes`: probes in vain since it opened; `next_slot_us`: when the next request
    may go by the quota; `resume_us`: until when it is left alone, `pause_why` says why; `window_*`: requests and transport
    failures of the breaker's window; `budget_*`: requests and retries of the retry budget's window.
    """

    system: str
    breaker: Breaker = Breaker.CLOSED
    failures: int = 0
    probes: int = 0
    opened_us: int | None = None
    probe_us: int | None = None
    next_slot_us: int = 0
    resume_us: int = 0
    pause_why: str | None = None
    window_us: int = 0
    window_requests: int = 0
    window_failures: int = 0
    budget_us: int = 0
    budget_requests: int = 0
    budget_retries: int = 0


def locked(tx: Tx, system: str) -> Gate:
    """One far side's gate; until the transaction ends nobody else can have it. Made if it is not there yet."""
    lock = "" if tx.sqlite else " FOR UPDATE"
    query = f"SELECT {', '.join(_COLUMNS)} FROM target_gate WHERE system = ?{lock}"
    rows = bulk.rows_of(tx, query, (system,))
    if not rows:
        holders = ", ".join("?" * len(_COLUMNS))
        sql = f"INSERT INTO target_gate ({', '.join(_COLUMNS)}) VALUES ({holders}) ON CONFLICT DO NOTHING"
        bulk.run(tx, sql, _row(Gate(system)))
        rows = bulk.rows_of(tx, query, (system,))
    return _gate(rows[0])


def put(tx: Tx, gate: Gate) -> None:
    """Store what :func:`locked` gave, changed."""
    assigned = ", ".join(f"{column} = ?" for column in _COLUMNS)
    bulk.run(tx, f"UPDATE target_gate SET {assigned} WHERE system = ?", (*_row(gate), gate.system))


def every(tx: Tx) -> list[Gate]:
    """All of them, to look at."""
    rows = bulk.rows_of(tx, f"SELECT {', '.join(_COLUMNS)} FROM target_gate ORDER BY system", ())
    return [_gate(row) for row in rows]


def _row(gate: Gate) -> tuple[Any, ...]:
    return tuple(getattr(gate, column) for column in _COLUMNS)


def _gate(values: tuple[Any, ...]) -> Gate:
    system, breaker, *others = values
    return Gate(system, Breaker(breaker), *others)


_COLUMNS = tuple(column.name for column in fields(Gate))
