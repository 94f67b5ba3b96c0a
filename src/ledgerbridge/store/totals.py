"""Running totals of the live copies, moved in the transaction that moves the copies."""

from __future__ import annotations

from collections.abc import Mapping

from ledgerbridge.model.base import Kind

from . import bulk
from .tx import Tx

_ADD = """
INSERT INTO book_total (system, kind, currency, records, minor) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (system, kind, currency) DO UPDATE
SET records = book_total.records + excluded.records, minor = book_total.minor + excluded.minor
"""


def add(tx: Tx, system: str, kind: Kind, moved: Mapping[str, tuple[int, int]]) -> None:
    """Move the totals of a stream by (records, minor units) per currency."""
    for currency, (records, minor) in moved.items():
        bulk.run(tx, _ADD, (system, kind.value, currency, records, minor))


def of(tx: Tx, system: str, kind: Kind) -> dict[str, tuple[int, int]]:
    """Live copies of a stream per currency: records, minor units. Currencies without any are left out."""
    sql = (
        "SELECT currency, records, minor FROM book_total WHERE system = ? AND kind = ? AND (records <> 0 OR minor <> 0)"
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in bulk.rows_of(tx, sql, (system, kind.value))}


def every(tx: Tx) -> dict[tuple[str, Kind], dict[str, tuple[int, int]]]:
    """The same for all streams."""
    found: dict[tuple[str, Kind], dict[str, tuple[int, int]]] = {}
    sql = "SELECT system, kind, currency, records, minor FROM book_total ORDER BY system, kind, currency"
    for system, kind, currency, records, minor in bulk.rows_of(tx, sql, ()):
        found.setdefault((system, Kind(kind)), {})[currency] = (int(records), int(minor))
    return found


def put_right(tx: Tx, system: str, kind: Kind, counted: Mapping[str, tuple[int, int]]) -> None:
    """Set the totals to what was counted, after a fault that made them wrong was reported."""
    bulk.run(tx, "DELETE FROM book_total WHERE system = ? AND kind = ?", (system, kind.value))
    add(tx, system, kind, counted)
