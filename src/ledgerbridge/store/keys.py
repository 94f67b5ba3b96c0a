"""The ids that a far side lists, against the copies we hold: set-based, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterable

from ledgerbridge.model.base import Kind

from . import bulk
from .tx import Tx

_VANISHED = """
FROM observed o WHERE o.system = ? AND o.kind = ? AND o.state <> 'deleted' AND NOT EXISTS
(SELECT 1 FROM sweep_key s WHERE s.system = o.system AND s.kind = o.kind AND s.external_id = o.external_id)
"""


def clear(tx: Tx, system: str, kind: Kind) -> None:
    """Forget what was listed."""
    bulk.run(tx, "DELETE FROM sweep_key WHERE system = ? AND kind = ?", (system, kind.value))


def add(tx: Tx, system: str, kind: Kind, external_ids: Iterable[str]) -> None:
    """Note listed ids; one listed twice counts once."""
    source = "SELECT ?, ?, value FROM json_each(?) WHERE TRUE" if tx.sqlite else "SELECT ?, ?, unnest(?::text[])"
    _, parameter = bulk.among(tx, "external_id", set(external_ids))
    sql = f"INSERT INTO sweep_key (system, kind, external_id) {source} ON CONFLICT DO NOTHING"
    bulk.run(tx, sql, (system, kind.value, parameter))


def listed(tx: Tx, system: str, kind: Kind) -> int:
    """How many ids were listed."""
    sql = "SELECT count(*) FROM sweep_key WHERE system = ? AND kind = ?"
    return int(bulk.rows_of(tx, sql, (system, kind.value))[0][0])


def held(tx: Tx, system: str, kind: Kind) -> int:
    """How many copies we hold that are not marked deleted."""
    sql = "SELECT count(*) FROM observed WHERE system = ? AND kind = ? AND state <> 'deleted'"
    return int(bulk.rows_of(tx, sql, (system, kind.value))[0][0])


def vanished_count(tx: Tx, system: str, kind: Kind) -> int:
    """How many of those were not listed."""
    return int(bulk.rows_of(tx, "SELECT count(*) " + _VANISHED, (system, kind.value))[0][0])


def vanished(tx: Tx, system: str, kind: Kind, *, limit: int, after: str = "") -> list[tuple[str, str]]:
    """Their ids and wire types in order, a stretch at a time; go on with `after` the last id."""
    sql = "SELECT o.external_id, o.wire_type " + _VANISHED + " AND o.external_id > ? ORDER BY o.external_id LIMIT ?"
    return [(row[0], row[1]) for row in bulk.rows_of(tx, sql, (system, kind.value, after, limit))]
