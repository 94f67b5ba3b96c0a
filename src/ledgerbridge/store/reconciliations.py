"""Reconciliations with their summaries."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledgerbridge.model.reconciliation import ReconciliationSummary

from . import bulk
from .tx import Tx, to_us


class Recorded(NamedTuple):
    """A stored reconciliation. `recorded`: it moved the books and the exceptions forward."""

    summary: ReconciliationSummary
    recorded: bool


def keep(tx: Tx, summary: ReconciliationSummary, *, recorded: bool) -> None:
    """Store a reconciliation."""
    values = (
        summary.run_id,
        to_us(summary.made_at),
        summary.leading,
        summary.as_of.isoformat(),
        recorded,
        summary.model_dump_json(),
    )
    sql = (
        "INSERT INTO reconciliation (run_id, made_us, lead_system, as_of, recorded, summary) VALUES (?, ?, ?, ?, ?, ?)"
    )
    bulk.run(tx, sql, values)


def latest(tx: Tx, *, recorded: bool = False) -> Recorded | None:
    """The one that was made last; with `recorded` the last that moved books and exceptions of all customers forward."""
    sql = "SELECT summary, recorded FROM reconciliation WHERE recorded OR ? ORDER BY made_us DESC, run_id DESC LIMIT 1"
    rows = bulk.rows_of(tx, sql, (not recorded,))
    return Recorded(ReconciliationSummary.model_validate_json(rows[0][0]), bool(rows[0][1])) if rows else None


def stands_on(tx: Tx, leading: str) -> date | None:
    """The latest day up to which the books of a leading system were reconciled and recorded."""
    sql = "SELECT max(as_of) FROM reconciliation WHERE lead_system = ? AND recorded"
    found = bulk.rows_of(tx, sql, (leading,))[0][0]
    return None if found is None else date.fromisoformat(found)


def new_exceptions(tx: Tx, at_us: int) -> dict[tuple[str, str | None], int]:
    """How many exceptions were found for the first time at a moment, by code and currency."""
    sql = "SELECT code, currency, count(*) FROM exception WHERE first_seen_us = ? GROUP BY code, currency"
    return {(row[0], row[1]): int(row[2]) for row in bulk.rows_of(tx, sql, (at_us,))}
