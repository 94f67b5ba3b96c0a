"""What the sides of a flow last agreed on, per entity; and which entities have something to plan.

A row is *settled* when, at the hashes and rules it names, there was nothing left to plan. Such a pair is not even read: the
comparison is a join of hashes inside the database.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ledgerbridge.model.agreed import Base, Bases, bases_from_json, bases_to_json
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import digest_of

from . import bulk
from .tables_plans import agreed
from .tx import Tx

_PUT: Final = 500
_PAGE: Final = 5000


class Agreed(NamedTuple):
    """One row. `left_hash` and `right_hash` are the canonical hashes of the copies that were compared (None: no record
    there; of a side that keeps parts, the hash over all of them), `rules` the fingerprint of the flow as it was.
    """

    flow: str
    entity_id: str
    left_hash: bytes | None
    right_hash: bytes | None
    rules: str
    settled: bool
    fields: str
    at_us: int

    @classmethod
    def of(
        cls,
        flow: str,
        entity_id: str,
        left_hash: bytes | None,
        right_hash: bytes | None,
        rules: str,
        settled: bool,
        bases: Bases,
        at_us: int,
    ) -> Agreed:
        """A row with these agreed values."""
        return cls(flow, entity_id, left_hash, right_hash, rules, settled, bases_to_json(bases), at_us)

    def bases(self) -> dict[str, Base]:
        """The agreed values by canonical path."""
        return bases_from_json(self.fields)


def get(tx: Tx, flow: str, entity_id: str) -> Agreed | None:
    """What was agreed on one entity."""
    return get_many(tx, flow, [entity_id]).get(entity_id)


def get_many(tx: Tx, flow: str, entity_ids: Collection[str]) -> dict[str, Agreed]:
    """The rows of many entities; those without one are left out."""
    if not entity_ids:
        return {}
    condition, parameter = bulk.among(tx, "entity_id", entity_ids)
    sql = f"SELECT {', '.join(Agreed._fields)} FROM agreed WHERE {condition} AND flow = ?"
    return {row[1]: _agreed(row) for row in bulk.rows_of(tx, sql, (parameter, flow))}


def put_many(tx: Tx, rows: Sequence[Agreed], *, unless_moved: Mapping[str, int | None] | None = None) -> None:
    """Store rows of one flow, each in place of what was known of its entity. No entity twice among `rows`.

    `unless_moved`: per entity the `at_us` of the row that was read (None: there was none); where another one stands by now,
    somebody wrote it meanwhile and knows better: it stays.
    """
    for at in range(0, len(rows), _PUT):
        some = list(rows[at : at + _PUT])
        ids = [row.entity_id for row in some]
        condition, parameter = bulk.among(tx, "entity_id", ids)
        if unless_moved is not None:
            sql = f"SELECT entity_id, at_us FROM agreed WHERE {condition} AND flow = ?"
            now = {row[0]: int(row[1]) for row in bulk.rows_of(tx, sql, (parameter, some[0].flow))}
            some = [row for row in some if now.get(row.entity_id) == unless_moved.get(row.entity_id)]
            condition, parameter = bulk.among(tx, "entity_id", [row.entity_id for row in some])
        if some:
            bulk.run(tx, f"DELETE FROM agreed WHERE {condition} AND flow = ?", (parameter, some[0].flow))
            bulk.insert(tx, agreed, Agreed._fields, some)


def note_written(tx: Tx, flow: str, entity_id: str, values: Mapping[str, Base], *, now_us: int) -> None:
    """After a verified write: the base of the written fields is what the one side was to say and what the other says now.

    A value that the written side cannot hold exactly thereby counts as unchanged, so that it is not written again for ever.
    The row is no longer settled: the next plan looks at the pair and finds it at rest.
    """
    before = get(tx, flow, entity_id)
    bases = {**(before.bases() if before else {}), **values}
    hashes = (before.left_hash, before.right_hash) if before else (None, None)
    row = Agreed(flow, entity_id, *hashes, before.rules if before else "", False, bases_to_json(bases), now_us)
    put_many(tx, [row])


def forget(tx: Tx, flow: str, entity_ids: Collection[str]) -> None:
    """Forget what was agreed on entities: their next comparison is the first one again."""
    condition, parameter = bulk.among(tx, "entity_id", entity_ids)
    bulk.run(tx, f"DELETE FROM agreed WHERE {condition} AND flow = ?", (parameter, flow))


# `|| ''` keeps both engines from starting at the streams of `observed` or at the ids of `link`: entities are walked in their
# order by the index that begins with them, and a page costs what it holds.
_OF_PAIR: Final = """
SELECT l.entity_id FROM link l
JOIN observed lo ON lo.system = l.system AND lo.kind = l.kind AND lo.external_id = l.external_id
LEFT JOIN link r ON r.system = ? AND r.kind = l.kind AND r.entity_id = l.entity_id
LEFT JOIN observed ro ON ro.system = r.system AND ro.kind = r.kind AND ro.external_id = r.external_id
LEFT JOIN agreed a ON a.flow = ? AND a.entity_id = l.entity_id
WHERE (l.system || '') = ? AND (l.kind || '') = ? AND l.entity_id > ? AND (
    a.settled IS NOT TRUE OR a.rules <> ? OR {left} OR {right}
)
ORDER BY l.entity_id LIMIT ?
"""
_OF_RIGHT: Final = """
SELECT r.entity_id FROM link r
JOIN observed ro ON ro.system = r.system AND ro.kind = r.kind AND ro.external_id = r.external_id
LEFT JOIN agreed a ON a.flow = ? AND a.entity_id = r.entity_id
WHERE (r.system || '') = ? AND (r.kind || '') = ? AND r.entity_id > ?
AND NOT EXISTS (SELECT 1 FROM link l WHERE l.system = ? AND l.kind = r.kind AND l.entity_id = r.entity_id)
AND (a.settled IS NOT TRUE OR a.rules <> ? OR a.left_hash IS NOT NULL OR {right})
ORDER BY r.entity_id LIMIT ?
"""


class Pairing(NamedTuple):
    """What a flow's pairs are looked up by. `parts`: whether the right side keeps several records of one entity."""

    flow: str
    kind: Kind
    left: str
    right: str
    rules: str
    parts: bool = False


def unsettled(tx: Tx, of: Pairing, *, after: str = "", limit: int = 1000) -> list[str]:
    """Entities with a record at the left whose pair is not at rest, in order; go on with `after` the last one.

    A record that is no longer live counts as another hash, so that a pair is looked at again when one vanishes or returns.
    """
    if of.parts:
        return _unsettled_in_parts(tx, of, after, limit)
    sql = _OF_PAIR.format(left=_moved(tx, "a.left_hash", "lo"), right=_moved(tx, "a.right_hash", "ro"))
    values = (of.right, of.flow, of.left, of.kind.value, after, of.rules, limit)
    return [row[0] for row in bulk.rows_of(tx, sql, values)]


def unsettled_right(tx: Tx, of: Pairing, *, after: str = "", limit: int = 1000) -> list[str]:
    """The same for entities that only the right side has a record of."""
    if of.parts:
        return _unsettled_right_in_parts(tx, of, after, limit)
    sql = _OF_RIGHT.format(right=_moved(tx, "a.right_hash", "ro"))
    values = (of.flow, of.right, of.kind.value, after, of.left, of.rules, limit)
    return [row[0] for row in bulk.rows_of(tx, sql, values)]


def hash_of_parts(hashes: Collection[bytes]) -> bytes | None:
    """One hash for all live records that a side keeps of an entity, whatever their order; None if there are none."""
    return digest_of(b"".join(sorted(hashes))) if hashes else None


def linked_count(tx: Tx, of: Pairing) -> int:
    """How many entities of the flow both sides have a record of."""
    sql = (
        "SELECT count(*) FROM (SELECT entity_id FROM link WHERE system = ? AND kind = ? "
        "INTERSECT SELECT entity_id FROM link WHERE system = ? AND kind = ?) AS linked"
    )
    return int(bulk.rows_of(tx, sql, (of.left, of.kind.value, of.right, of.kind.value))[0][0])


def _unsettled_in_parts(tx: Tx, of: Pairing, after: str, limit: int) -> list[str]:
    """By hash, too, but the hashes of the parts are put together here: no text is read."""
    found: list[str] = []
    while len(found) < limit:
        sql = """
            SELECT l.entity_id, CASE WHEN lo.state = 'live' THEN lo.canonical_hash END, a.left_hash, a.right_hash,
                a.settled, a.rules
            FROM link l JOIN observed lo ON lo.system = l.system AND lo.kind = l.kind AND lo.external_id = l.external_id
            LEFT JOIN agreed a ON a.flow = ? AND a.entity_id = l.entity_id
            WHERE l.system = ? AND l.kind = ? AND l.entity_id > ? ORDER BY l.entity_id LIMIT ?
        """
        page = bulk.rows_of(tx, sql, (of.flow, of.left, of.kind.value, after, _PAGE))
        if not page:
            break
        after = page[-1][0]
        parts = _hashes_of_parts(tx, of, [row[0] for row in page])
        for entity_id, now, left, right, settled, rules in page:
            rests = settled and rules == of.rules and now == left and parts.get(entity_id) == right
            if not rests:
                found.append(entity_id)
    return found[:limit]


def _unsettled_right_in_parts(tx: Tx, of: Pairing, after: str, limit: int) -> list[str]:
    found: list[str] = []
    while len(found) < limit:
        sql = """
            SELECT DISTINCT r.entity_id, a.left_hash, a.right_hash, a.settled, a.rules FROM link r
            LEFT JOIN agreed a ON a.flow = ? AND a.entity_id = r.entity_id
            WHERE r.system = ? AND r.kind = ? AND r.entity_id > ?
            AND NOT EXISTS (SELECT 1 FROM link l WHERE l.system = ? AND l.kind = r.kind AND l.entity_id = r.entity_id)
            ORDER BY r.entity_id LIMIT ?
        """
        page = bulk.rows_of(tx, sql, (of.flow, of.right, of.kind.value, after, of.left, _PAGE))
        if not page:
            break
        after = page[-1][0]
        parts = _hashes_of_parts(tx, of, [row[0] for row in page])
        for entity_id, left, right, settled, rules in page:
            if not (settled and rules == of.rules and left is None and parts.get(entity_id) == right):
                found.append(entity_id)
    return found[:limit]


def _hashes_of_parts(tx: Tx, of: Pairing, entity_ids: Sequence[str]) -> dict[str, bytes | None]:
    condition, parameter = bulk.among(tx, "r.entity_id", entity_ids)
    sql = f"""
        SELECT r.entity_id, ro.canonical_hash FROM link r
        JOIN observed ro ON ro.system = r.system AND ro.kind = r.kind AND ro.external_id = r.external_id
        WHERE {condition} AND r.system = ? AND r.kind = ? AND ro.state = 'live'
    """
    hashes: dict[str, list[bytes]] = {}
    for entity_id, found in bulk.rows_of(tx, sql, (parameter, of.right, of.kind.value)):
        hashes.setdefault(entity_id, []).append(bytes(found))
    return {entity_id: hash_of_parts(found) for entity_id, found in hashes.items()}


def _moved(tx: Tx, agreed_hash: str, copy: str) -> str:
    """Whether what is live at a side has another hash than the agreed one; nothing live and no hash are the same."""
    differs = "IS NOT" if tx.sqlite else "IS DISTINCT FROM"
    return f"{agreed_hash} {differs} CASE WHEN {copy}.state = 'live' THEN {copy}.canonical_hash END"


def _agreed(row: Sequence[Any]) -> Agreed:
    return Agreed(row[0], row[1], _bytes(row[2]), _bytes(row[3]), row[4], bool(row[5]), row[6], int(row[7]))


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
