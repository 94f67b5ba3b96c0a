"""What linking has still to look at: copies that changed, and copies whose links did.

Whoever changes one says so here in the same transaction, so that a linking need not go through all copies to find what is new.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import LINKED_KINDS

from . import bulk
from .tx import Tx

_PAGE: Final = 2_000
_INTO: Final = """
INSERT INTO link_work (copy, system, kind, number, stamp)
SELECT o.id, o.system, o.kind, coalesce(o.number, ''), ? FROM observed o
"""
_AGAIN: Final = " ON CONFLICT (copy) DO UPDATE SET number = excluded.number, stamp = excluded.stamp"
_SKIP: Final = "FOR UPDATE SKIP LOCKED"
"""What a pull that runs just now is changing waits for the next linking: neither waits for the other."""


class Work(NamedTuple):
    """A copy to be looked at, as it was when `stamp` was drawn."""

    copy: int
    stamp: int


def note(tx: Tx, kind: Kind, copies: Collection[int]) -> None:
    """These copies are new or say something else. Nothing happens for kinds that are not linked."""
    if copies and kind in LINKED_KINDS:
        condition, parameter = bulk.among(tx, "o.id", copies)
        bulk.run(tx, f"{_INTO} WHERE {condition}{_AGAIN}", (_stamp(), parameter))


def note_refs(tx: Tx, refs: Collection[Ref]) -> None:
    """The same for records by name; those that are deleted, or have no copy, are left out."""
    by_stream: dict[tuple[str, str], list[str]] = {}
    for ref in refs:
        by_stream.setdefault((ref.system, ref.kind.value), []).append(ref.external_id)
    for (system, kind), ids in by_stream.items():
        condition, parameter = bulk.among(tx, "o.external_id", ids)
        sql = f"{_INTO} WHERE {condition} AND o.system = ? AND o.kind = ? AND o.state <> 'deleted'{_AGAIN}"
        bulk.run(tx, sql, (_stamp(), parameter, system, kind))


def note_all(tx: Tx, kind: Kind) -> None:
    """Let all live copies of a kind be looked at."""
    bulk.run(tx, f"{_INTO} WHERE o.kind = ? AND o.state = 'live'{_AGAIN}", (_stamp(), kind.value))


def is_there(tx: Tx, kind: Kind, systems: Collection[str]) -> bool:
    """Is anything to be looked at?"""
    sql = "SELECT 1 FROM link_work WHERE kind = ? AND system = ? LIMIT 1"
    return any(bulk.rows_of(tx, sql, (kind.value, system)) for system in systems)


def how_many(tx: Tx, kind: Kind, systems: Collection[str]) -> int:
    """How many copies are to be looked at."""
    sql = "SELECT count(*) FROM link_work WHERE kind = ? AND system = ?"
    return sum(int(bulk.rows_of(tx, sql, (kind.value, system))[0][0]) for system in systems)


def every(tx: Tx, kind: Kind, systems: Sequence[str]) -> Iterator[Work]:
    """All that is to be looked at, system by system; memory stays flat."""
    sql = f"""
        SELECT copy, stamp, number FROM link_work WHERE kind = ? AND system = ? AND (number, copy) > (?, ?)
        ORDER BY number, copy LIMIT {_PAGE}
    """
    for system in systems:
        after: tuple[str, int] = "", -1
        while rows := bulk.rows_of(tx, sql, (kind.value, system, *after)):
            for row in rows:
                yield Work(row[0], row[1])
            after = rows[-1][2], rows[-1][0]


def done(tx: Tx, work: Sequence[Work]) -> None:
    """These were looked at as they were when they were read; what was noted again since stays."""
    for at in range(0, len(work), _PAGE):
        some = work[at : at + _PAGE]
        if tx.sqlite:
            sql = """
                DELETE FROM link_work WHERE copy IN (SELECT w.copy FROM json_each(?) AS v JOIN link_work w
                    ON w.copy = json_extract(v.value, '$[0]') AND w.stamp = json_extract(v.value, '$[1]'))
            """
            bulk.run(tx, sql, (json.dumps(some),))
        else:
            sql = """
                DELETE FROM link_work WHERE copy IN (SELECT w.copy FROM unnest(?::bigint[], ?::bigint[]) AS v (copy, stamp)
                    JOIN link_work w ON w.copy = v.copy AND w.stamp = v.stamp FOR UPDATE OF w SKIP LOCKED)
            """
            bulk.run(tx, sql, tuple(map(list, zip(*some, strict=True))))


def take_numbers(tx: Tx, kind: Kind, systems: Sequence[str], after: str | None, limit: int) -> tuple[list[str], bool]:
    """The next distinct document numbers above `after` that are to be looked at, whose work is taken away by this.

    Are there perhaps more? Read the documents after this, in the same transaction: what a pull notes meanwhile then stays
    noted. Documents without a number are never linked; their work goes too.
    """
    above = ">=" if after is None else ">"
    start = after or ""
    found: set[str] = set()
    sql = f"""
        SELECT DISTINCT number FROM link_work WHERE kind = ? AND system = ? AND number {above} ? ORDER BY number LIMIT ?
    """
    for system in systems:
        found.update(row[0] for row in bulk.rows_of(tx, sql, (kind.value, system, start, limit)))
    numbers = sorted(found)[:limit]
    if numbers:
        sql = f"""
            DELETE FROM link_work WHERE copy IN (
                SELECT copy FROM link_work WHERE kind = ? AND system = ? AND number {above} ? AND number <= ?
                {"" if tx.sqlite else _SKIP})
        """
        for system in systems:
            bulk.run(tx, sql, (kind.value, system, start, numbers[-1]))
    return [number for number in numbers if number], len(numbers) == limit


def _stamp() -> int:
    return secrets.randbits(62)
