"""What linking reads: records that are new or say something new, customers with their texts, documents by number."""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from ledgerbridge.model.base import Kind

from . import bulk
from .tx import Tx

_PAGE: Final = 2_000
_COPY_OF_LINK: Final = "o.system = l.system AND o.kind = l.kind AND o.external_id = l.external_id"


class CustomerRow(NamedTuple):
    """A live customer copy; `entity_id` is None if it is not linked. `fresh`: matching has not seen what it says now."""

    id: int
    system: str
    external_id: str
    code: str | None
    canonical: bytes
    canonical_hash: bytes
    entity_id: str | None
    fresh: bool


class Place(NamedTuple):
    """A copy by name, and its entity if it is linked. `keyed`: what it is found by is held as it says now."""

    id: int
    system: str
    external_id: str
    live: bool
    entity_id: str | None
    keyed: bool


class SilentLink(NamedTuple):
    """A linked record without a live copy. `gone`: deleted, or never copied; its place in the entity is free."""

    system: str
    external_id: str
    entity_id: str
    gone: bool


class DocumentRow(NamedTuple):
    """A live document copy, and its entity if it has one; `fresh` as in :class:`CustomerRow`.

    `customer` is its customer's entity, as far as it is known.
    """

    id: int
    system: str
    external_id: str
    number: str
    doc_kind: str
    void: bool
    currency: str
    amount_minor: int
    on: str | None
    part: str
    canonical_hash: bytes
    entity_id: str | None
    fresh: bool
    customer: str | None


def systems_with_customers(tx: Tx) -> list[str]:
    """The systems that have, or had, live customer copies, or of which a customer waits in quarantine, by name."""
    sql = (
        "SELECT system FROM book_total WHERE kind = 'customer' UNION SELECT system FROM quarantine "
        "WHERE kind = 'customer' AND state = 'open' AND external_id IS NOT NULL ORDER BY system"
    )
    return [row[0] for row in bulk.rows_of(tx, sql, ())]


def customers(tx: Tx, system: str, *, ids: Collection[str] | None = None) -> Iterator[CustomerRow]:
    """The live customers of a system, a stretch at a time: all by id, or those of `ids` in any order."""
    if ids is not None:
        listed = sorted(ids)
        for at in range(0, len(listed), _PAGE):
            condition, parameter = bulk.among(tx, "external_id", listed[at : at + _PAGE])
            yield from _customers(tx, f"AND {condition}", (system, parameter))
        return
    after = ""
    while rows := _customers(tx, f"AND external_id > ? ORDER BY external_id LIMIT {_PAGE}", (system, after)):
        yield from rows
        after = max(row.external_id for row in rows)


def _customers(tx: Tx, which: str, parameters: tuple[Any, ...]) -> list[CustomerRow]:
    sql = f"""
        SELECT o.id, o.system, o.external_id, o.number, b.canonical, o.canonical_hash, l.entity_id,
            l.entity_id IS NULL OR l.matched_hash {_differs(tx)} o.canonical_hash
        FROM (SELECT * FROM observed WHERE system = ? AND kind = 'customer' AND state = 'live' {which}) AS o
        JOIN observed_body b ON b.id = o.id LEFT JOIN link l ON {_COPY_OF_LINK}
    """
    return [CustomerRow._make((*row[:7], bool(row[7]))) for row in bulk.rows_of(tx, sql, parameters)]


def places(tx: Tx, copies: Collection[int]) -> list[Place]:
    """Where these copies are kept, whatever their state."""
    found: list[Place] = []
    listed = list(copies)
    for at in range(0, len(listed), _PAGE):
        condition, parameter = bulk.among(tx, "o.id", listed[at : at + _PAGE])
        sql = f"""
            SELECT o.id, o.system, o.external_id, o.state = 'live', l.entity_id,
                CASE WHEN o.state = 'live' THEN coalesce(k.canonical_hash = o.canonical_hash, FALSE) ELSE k.copy IS NULL END
            FROM observed o LEFT JOIN link l ON {_COPY_OF_LINK} LEFT JOIN link_known k ON k.copy = o.id WHERE {condition}
        """
        rows = bulk.rows_of(tx, sql, (parameter,))
        found += [Place._make((*row[:3], bool(row[3]), row[4], bool(row[5]))) for row in rows]
    return found


def silent(tx: Tx, kind: Kind, entity_ids: Collection[str] | None = None) -> list[SilentLink]:
    """All linked records of a kind without a live copy; `entity_ids`: only those of some entities."""
    sql = f"""
        SELECT l.system, l.external_id, l.entity_id, o.state IS NULL OR o.state = 'deleted' FROM link l
        LEFT JOIN observed o ON {_COPY_OF_LINK} WHERE l.kind = ? AND (o.state IS NULL OR o.state <> 'live')
    """
    if entity_ids is None:
        return [SilentLink._make((*row[:3], bool(row[3]))) for row in bulk.rows_of(tx, sql, (kind.value,))]
    found: list[SilentLink] = []
    listed = sorted(entity_ids)
    for at in range(0, len(listed), _PAGE):
        condition, parameter = bulk.among(tx, "l.entity_id", listed[at : at + _PAGE])
        rows = bulk.rows_of(tx, f"{sql} AND {condition}", (kind.value, parameter))
        found += [SilentLink._make((*row[:3], bool(row[3]))) for row in rows]
    return found


def taken(tx: Tx, system: str, ids: Collection[str], by_system: str) -> set[str]:
    """Those of a system's customers whose entity has a record of another system, which is not deleted."""
    found: set[str] = set()
    listed = sorted(ids)
    for at in range(0, len(listed), _PAGE):
        condition, parameter = bulk.among(tx, "l.external_id", listed[at : at + _PAGE])
        sql = f"""
            SELECT l.external_id FROM link l WHERE {condition} AND l.system = ? AND l.kind = 'customer' AND EXISTS (
                SELECT 1 FROM link m JOIN observed o ON o.system = m.system AND o.kind = m.kind
                    AND o.external_id = m.external_id
                WHERE m.entity_id = l.entity_id AND m.system = ? AND m.kind = l.kind AND o.state <> 'deleted')
        """
        found.update(row[0] for row in bulk.rows_of(tx, sql, (parameter, system, by_system)))
    return found


def waiting_customers(tx: Tx) -> list[int]:
    """The copies of the customers that wait for a person."""
    sides = [
        f"SELECT o.id FROM link_doubt d JOIN observed o ON o.system = d.{side}_system AND o.kind = d.kind "
        f"AND o.external_id = d.{side}_id WHERE d.kind = 'customer'"
        for side in ("left", "right")
    ]
    return [row[0] for row in bulk.rows_of(tx, " UNION ".join(sides), ())]


def gone_of(tx: Tx, kind: Kind, entity_ids: Collection[str]) -> list[SilentLink]:
    """The records of some entities that are deleted, or were never copied."""
    found: list[SilentLink] = []
    listed = list(entity_ids)
    for at in range(0, len(listed), _PAGE):
        condition, parameter = bulk.among(tx, "l.entity_id", listed[at : at + _PAGE])
        sql = f"""
            SELECT l.system, l.external_id, l.entity_id FROM link l LEFT JOIN observed o ON {_COPY_OF_LINK}
            WHERE {condition} AND l.kind = ? AND (o.state IS NULL OR o.state = 'deleted')
        """
        found += [SilentLink._make((*row, True)) for row in bulk.rows_of(tx, sql, (parameter, kind.value))]
    return found


def restless_numbers(tx: Tx, kind: Kind) -> list[str]:
    """Numbers of waiting documents around which something changed, but for their number's other documents.

    One of them, or a record in an entity with one of them, is to be looked at; or a customer of theirs was linked since.
    """
    rows = bulk.rows_of(tx, " UNION ".join(_restless(side) for side in ("left", "right")), (kind.value, kind.value))
    return sorted({number for row in rows for number in row if number})


def _restless(side: str) -> str:
    own = f"o.system = d.{side}_system AND o.kind = d.kind AND o.external_id = d.{side}_id"
    customer = "c.system = o.system AND c.kind = 'customer' AND"
    return f"""
        SELECT a.number, b.number FROM link_doubt d JOIN observed o ON {own}
        LEFT JOIN observed a ON a.system = d.left_system AND a.kind = d.kind AND a.external_id = d.left_id
        LEFT JOIN observed b ON b.system = d.right_system AND b.kind = d.kind AND b.external_id = d.right_id
        WHERE d.kind = ? AND (
            EXISTS (SELECT 1 FROM link_work w WHERE w.copy = o.id)
            OR EXISTS (SELECT 1 FROM link l JOIN link m ON m.entity_id = l.entity_id
                JOIN observed p ON p.system = m.system AND p.kind = m.kind AND p.external_id = m.external_id
                JOIN link_work w ON w.copy = p.id WHERE {_COPY_OF_LINK})
            OR EXISTS (SELECT 1 FROM link c WHERE {customer} c.external_id = o.party_id AND c.at_us >= d.last_seen_us)
            OR EXISTS (SELECT 1 FROM observed p JOIN link c ON {customer} c.external_id = p.external_id
                WHERE p.system = o.system AND p.kind = 'customer' AND p.number = o.party_code
                AND c.at_us >= d.last_seen_us))
    """


def documents(tx: Tx, kind: Kind, systems: Collection[str], numbers: Sequence[str]) -> list[DocumentRow]:
    """All live documents of these numbers, by number, system and id."""
    part, body = "''", ""
    if kind is Kind.PAYMENT:
        body = "JOIN observed_body b ON b.id = o.id"
        part = (
            "json_extract(CAST(b.canonical AS TEXT), '$.part')"
            if tx.sqlite
            else "convert_from(b.canonical, 'UTF8')::json ->> 'part'"
        )
    condition, parameter = bulk.among(tx, "o.number", numbers)
    by_id = "c.system = o.system AND c.kind = 'customer' AND c.external_id = o.party_id"
    sql = f"""
        SELECT o.id, o.system, o.external_id, o.number, coalesce(o.doc_kind, ''), coalesce(o.doc_status, '') = 'void',
            o.currency, o.amount_minor, o.business_on, coalesce({part}, ''), o.canonical_hash, l.entity_id,
            l.entity_id IS NULL OR l.matched_hash {_differs(tx)} o.canonical_hash, c.entity_id, o.party_code
        FROM observed o {bulk.by_number(tx)} {body} LEFT JOIN link l ON {_COPY_OF_LINK} LEFT JOIN link c ON {by_id}
        WHERE {condition} AND o.kind = ? AND o.state = 'live' AND {_among(systems)}
        ORDER BY o.number, o.system, o.external_id
    """
    rows = bulk.rows_of(tx, sql, (parameter, kind.value, *systems))
    by_code = _customers_by_code(tx, {(row[1], row[14]) for row in rows if row[13] is None and row[14]})
    return [
        DocumentRow._make(
            (*row[:5], bool(row[5]), *row[6:12], bool(row[12]), row[13] or by_code.get((row[1], row[14])))
        )
        for row in rows
    ]


def _customers_by_code(tx: Tx, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The entities of customers by system and code, where one customer of the system has the code."""
    if not wanted:
        return {}
    condition, parameter = bulk.among(tx, "o.number", sorted({code for _, code in wanted}))
    sql = f"""
        SELECT o.system, o.number, min(l.entity_id) FROM observed o {bulk.by_number(tx)} JOIN link l ON {_COPY_OF_LINK}
        WHERE {condition} AND o.kind = 'customer' AND o.state = 'live' GROUP BY o.system, o.number HAVING count(*) = 1
    """
    return {(row[0], row[1]): row[2] for row in bulk.rows_of(tx, sql, (parameter,))}


def _differs(tx: Tx) -> str:
    return "IS NOT" if tx.sqlite else "IS DISTINCT FROM"


def _among(systems: Collection[str]) -> str:
    """The same where the rows are to be found by number: no server shall take the index of the systems' ids for it."""
    return f"(o.system || '') IN ({', '.join('?' * len(systems))})"
