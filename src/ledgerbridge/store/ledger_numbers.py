"""Which document numbers concern some customers: so that a comparison of those reads no documents of the others."""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ledgerbridge.model.base import Kind

from . import bulk
from .ledgers import Accounts
from .tx import Tx


def numbers_of(tx: Tx, kind: Kind, sides: Collection[Accounts], keys: Collection[str]) -> set[str]:
    """The numbers of all live documents of a kind that stand under these accounts in any of the systems, and the numbers of
    what these documents are linked to, under whatever customer. Some numbers of others may be among them.

    One walk over the documents of each system, columns alone.
    """
    found: set[str] = set()
    for side in sides:
        references, names = side.said_of(keys)
        conditions, parameters = [], []
        for column, values in (("party_id", references), ("party_code", references), ("party_name", names)):
            condition, parameter = bulk.among(tx, column, sorted(values))
            conditions.append(condition)
            parameters.append(parameter)
        sql = (
            "SELECT DISTINCT number FROM observed WHERE system = ? AND kind = ? AND state = 'live' "
            f"AND number IS NOT NULL AND ({' OR '.join(conditions)})"
        )
        found.update(row[0] for row in bulk.rows_of(tx, sql, (side.system, kind.value, *parameters)))
    fresh = found
    while fresh:
        fresh = _linked(tx, kind, [side.system for side in sides], fresh) - found
        found |= fresh
    return found


def _linked(tx: Tx, kind: Kind, systems: list[str], numbers: Collection[str]) -> set[str]:
    """The numbers of live documents that are linked to those of other numbers."""
    condition, listed = bulk.among(tx, "o.number", sorted(numbers))
    marks = ", ".join("?" * len(systems))
    sql = f"""
        SELECT DISTINCT t.number FROM observed o {bulk.by_number(tx)}
        JOIN link l ON l.system = o.system AND l.kind = o.kind AND l.external_id = o.external_id
        JOIN link m ON m.entity_id = l.entity_id AND m.kind = l.kind AND m.system IN ({marks})
        JOIN observed t ON t.system = m.system AND t.kind = m.kind AND t.external_id = m.external_id
        WHERE {condition} AND o.kind = ? AND o.system IN ({marks}) AND o.state = 'live' AND t.state = 'live'
        AND t.number IS NOT NULL
    """
    given: tuple[Any, ...] = (*systems, listed, kind.value, *systems)
    return {row[0] for row in bulk.rows_of(tx, sql, given)}
