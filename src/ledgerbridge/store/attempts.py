"""Evidence of what was tried: every sending, entered before the first byte leaves, and every look-up that decided something."""

# ruff: noqa: S608 (statements are put together from names of our own; values are always parameters)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ledgerbridge.model.operation import Operation

from . import bulk
from .tables_operations import attempt
from .tx import Tx, from_us, moment, to_us

SEND: Final = "send"
LOOK: Final = "look"
UNKNOWN: Final = "unknown"
EXCERPT_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of them. `outcome` None: the process died, or is still at it. `excerpt` holds no secret and no payload."""

    operation_id: int
    fence: int
    what: str
    n: int
    request_hash: bytes | None
    started_at: datetime
    deadline: datetime | None
    ended_at: datetime | None
    outcome: str | None
    code: str | None
    excerpt: str | None


def begin(tx: Tx, ids: Sequence[int], at: datetime, deadline: datetime) -> None:
    """Enter the sending of operations that have just become `sent`."""
    if not ids:
        return
    these, parameter = bulk.among(tx, "id", ids)
    sql = (
        "INSERT INTO attempt (operation_id, fence, what, n, request_hash, started_us, deadline_us) "
        f"SELECT id, fence, '{SEND}', tries, payload_hash, CAST(? AS bigint), CAST(? AS bigint) FROM operation "
        f"WHERE {these} ORDER BY id"
    )
    bulk.run(tx, sql, (to_us(at), to_us(deadline), parameter))


def end(tx: Tx, sent: Operation, at: datetime, outcome: str, *, code: str | None = None, excerpt: str = "") -> None:
    """Enter what became of a sending, once: also when the operation has gone on without us, as evidence."""
    sql = (
        "UPDATE attempt SET ended_us = ?, outcome = ?, code = ?, excerpt = ? "
        f"WHERE operation_id = ? AND fence = ? AND what = '{SEND}' AND outcome IS NULL"
    )
    bulk.run(tx, sql, (to_us(at), outcome, code, excerpt[:EXCERPT_MAX], sent.id, sent.fence))


def looked(tx: Tx, held: Operation, at: datetime, outcome: str, *, excerpt: str = "") -> None:
    """Enter a look-up and what it found."""
    sql = (
        "INSERT INTO attempt (operation_id, fence, what, n, started_us, ended_us, outcome, excerpt) "
        f"VALUES (?, ?, '{LOOK}', ?, ?, ?, ?, ?)"
    )
    at_us = to_us(at)
    bulk.run(tx, sql, (held.id, held.fence, held.looks + 1, at_us, at_us, outcome, excerpt[:EXCERPT_MAX]))


def unknown_sendings(tx: Tx, operation_id: int) -> int:
    """How often it was sent without its being known what became of it."""
    sql = (
        f"SELECT count(*) FROM attempt WHERE operation_id = ? AND what = '{SEND}' "
        f"AND (outcome IS NULL OR outcome = '{UNKNOWN}')"
    )
    return int(bulk.rows_of(tx, sql, (operation_id,))[0][0])


def outcomes(tx: Tx, operation_id: int) -> set[str]:
    """What its sendings and look-ups have ended in so far; a sending without an end counts as unknown."""
    sql = f"SELECT DISTINCT coalesce(outcome, '{UNKNOWN}') FROM attempt WHERE operation_id = ?"
    return {row[0] for row in bulk.rows_of(tx, sql, (operation_id,))}


def of_operation(tx: Tx, operation_id: int) -> list[Attempt]:
    """All of one operation, oldest first."""
    rows = tx.connection.execute(
        sa.select(attempt).where(attempt.c.operation_id == operation_id).order_by(attempt.c.id)
    )
    return [
        Attempt(
            operation_id=row.operation_id,
            fence=row.fence,
            what=row.what,
            n=row.n,
            request_hash=row.request_hash,
            started_at=from_us(row.started_us),
            deadline=moment(row.deadline_us),
            ended_at=moment(row.ended_us),
            outcome=row.outcome,
            code=row.code,
            excerpt=row.excerpt,
        )
        for row in rows
    ]
