"""What planning must know beside agreed values: copies of entities, what they refer to, what waits, what is being written."""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from ledgerbridge.model.base import Kind
from ledgerbridge.model.operation import OpState

from . import bulk
from .agreed import Pairing
from .tx import Tx

_CHUNK: Final = 2_000


# `|| ''` in conditions: rows are to be found by their entities, not by the indexes of whole streams.


class CopyRow(NamedTuple):
    """One linked record with its copy. `canonical` is None unless the copy is live."""

    entity_id: str
    system: str
    external_id: str
    part: str
    wire_type: str
    state: str
    flawed: bool
    raw_hash: bytes
    canonical_hash: bytes | None
    version_order: int | None
    modified_us: int | None
    changed_us: int
    canonical: bytes | None


def copies_of(tx: Tx, of: Pairing, entity_ids: Collection[str]) -> dict[str, list[CopyRow]]:
    """The copies of entities in both systems of a flow, by entity, in the order of their ids."""
    condition, parameter = bulk.among(tx, "l.entity_id", entity_ids)
    sql = f"""
        SELECT l.entity_id, l.system, l.external_id, l.part, o.wire_type, o.state, o.flawed, o.raw_hash, o.canonical_hash,
            o.version_order, o.modified_us, o.changed_us, CASE WHEN o.state = 'live' THEN b.canonical END
        FROM link l JOIN observed o ON o.system = l.system AND o.kind = l.kind AND o.external_id = l.external_id
        LEFT JOIN observed_body b ON b.id = o.id
        WHERE {condition} AND (l.kind || '') = ? AND (l.system || '') IN (?, ?)
        ORDER BY l.entity_id, l.system, l.external_id
    """
    found: dict[str, list[CopyRow]] = {}
    for row in bulk.rows_of(tx, sql, (parameter, of.kind.value, of.left, of.right)):
        made = CopyRow._make((*row[:6], bool(row[6]), bytes(row[7]), _bytes(row[8]), *row[9:12], _bytes(row[12])))
        found.setdefault(made.entity_id, []).append(made)
    return found


def entities_by_number(tx: Tx, system: str, kind: Kind, numbers: Collection[str]) -> dict[str, str]:
    """The entities of live records by number (customers: by code); a number that several records bear is left out."""
    if not numbers:
        return {}
    condition, parameter = bulk.among(tx, "o.number", numbers)
    sql = f"""
        SELECT o.number, min(l.entity_id), count(DISTINCT l.entity_id) FROM observed o {bulk.by_number(tx)}
        JOIN link l ON l.system = o.system AND l.kind = o.kind AND l.external_id = o.external_id
        WHERE {condition} AND o.system = ? AND o.kind = ? AND o.state = 'live' GROUP BY o.number
    """
    return {row[0]: row[1] for row in bulk.rows_of(tx, sql, (parameter, system, kind.value)) if row[2] == 1}


def entities_there(tx: Tx, system: str, entity_ids: Collection[str]) -> set[str]:
    """Those of the entities of which `system` has a live record."""
    found: set[str] = set()
    for some in _chunks(entity_ids):
        condition, parameter = bulk.among(tx, "l.entity_id", some)
        sql = f"""
            SELECT l.entity_id FROM link l
            JOIN observed o ON o.system = l.system AND o.kind = l.kind AND o.external_id = l.external_id
            WHERE {condition} AND (l.system || '') = ? AND o.state = 'live'
        """
        found.update(row[0] for row in bulk.rows_of(tx, sql, (parameter, system)))
    return found


def titles_of(tx: Tx, entity_ids: Collection[str]) -> dict[str, str]:
    """How people know entities: a customer's code and name, a document's number; as one of its live records says it."""
    found: dict[str, str] = {}
    for some in _chunks(entity_ids):
        condition, parameter = bulk.among(tx, "l.entity_id", some)
        sql = f"""
            SELECT l.entity_id, o.kind, o.number, o.party_name FROM link l
            JOIN observed o ON o.system = l.system AND o.kind = l.kind AND o.external_id = l.external_id
            WHERE {condition} AND o.state = 'live' ORDER BY l.entity_id, o.system DESC
        """
        for entity_id, kind, number, name in bulk.rows_of(tx, sql, (parameter,)):
            words = (number, name) if kind == Kind.CUSTOMER else (number,)
            found[entity_id] = " ".join(word for word in words if word)
    return found


def doubtful(tx: Tx, kind: Kind) -> dict[tuple[str, str], set[str]]:
    """Records (system, external id) of pairs that wait for a person, each with the systems of the other records."""
    sql = "SELECT left_system, left_id, right_system, right_id FROM link_doubt WHERE kind = ?"
    found: dict[tuple[str, str], set[str]] = {}
    for left, left_id, right, right_id in bulk.rows_of(tx, sql, (kind.value,)):
        found.setdefault((left, left_id), set()).add(right)
        found.setdefault((right, right_id), set()).add(left)
    return found


def quarantined(tx: Tx, system: str, kind: Kind, *, limit: int) -> list[bytes]:
    """The texts of what is in quarantine of a stream: any of them may be a record that we think is missing."""
    sql = "SELECT raw FROM quarantine WHERE state = 'open' AND system = ? AND kind = ? ORDER BY id LIMIT ?"
    return [bytes(row[0]) for row in bulk.rows_of(tx, sql, (system, kind.value, limit))]


def states_of(tx: Tx, keys: Collection[str]) -> dict[str, tuple[OpState, str]]:
    """The operations of these keys: where each stands, and of which plan it is."""
    found: dict[str, tuple[OpState, str]] = {}
    for some in _chunks(keys):
        condition, parameter = bulk.among(tx, "idem_key", some)
        sql = f"SELECT idem_key, state, plan_id FROM operation WHERE {condition}"
        found.update((row[0], (OpState(row[1]), row[2])) for row in bulk.rows_of(tx, sql, (parameter,)))
    return found


def reasons_verified(tx: Tx, order_keys: Collection[str]) -> dict[str, dict[str, int]]:
    """Per order key why its verified writes were made, each with the moment (microseconds) at which the last one was."""
    found: dict[str, dict[str, int]] = {}
    for some in _chunks(order_keys):
        condition, parameter = bulk.among(tx, "order_key", some)
        sql = f"SELECT order_key, change, updated_us FROM operation WHERE {condition} AND state = 'verified'"
        for order_key, text, at_us in bulk.rows_of(tx, sql, (parameter,)):
            reasons, why = found.setdefault(order_key, {}), json.loads(text)["because"]
            reasons[why] = max(at_us, reasons.get(why, 0))
    return found


def open_order_keys(tx: Tx, order_keys: Collection[str], states: Collection[OpState]) -> set[str]:
    """Those of the order keys that have an operation in one of `states`."""
    found: set[str] = set()
    listed = ", ".join(f"'{state.value}'" for state in sorted(states))
    for some in _chunks(order_keys):
        condition, parameter = bulk.among(tx, "order_key", some)
        sql = f"SELECT DISTINCT order_key FROM operation WHERE {condition} AND state IN ({listed})"
        found.update(row[0] for row in bulk.rows_of(tx, sql, (parameter,)))
    return found


def writes_since(tx: Tx, order_keys: Collection[str], since_us: int) -> dict[str, int]:
    """How many updates and voids of each order key were confirmed since a moment. Creates happen once and do not count."""
    found: dict[str, int] = {}
    for some in _chunks(order_keys):
        condition, parameter = bulk.among(tx, "order_key", some)
        sql = f"""
            SELECT order_key, count(*) FROM operation WHERE {condition} AND state IN ('confirmed', 'verified')
            AND action <> 'create' AND updated_us >= ? GROUP BY order_key
        """
        found.update((row[0], int(row[1])) for row in bulk.rows_of(tx, sql, (parameter, since_us)))
    return found


def stream_digest(tx: Tx, system: str, kind: Kind) -> str:
    """What was there to read of a stream: how many copies in which state, how much money, when the last of them changed."""
    sql = """
        SELECT state, currency, count(*), sum(amount_minor), max(changed_us), max(id) FROM observed
        WHERE system = ? AND kind = ? GROUP BY state, currency ORDER BY state, currency
    """
    rows = [[str(value) for value in row] for row in bulk.rows_of(tx, sql, (system, kind.value))]
    return hashlib.blake2b(repr(rows).encode(), digest_size=16).hexdigest()


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    listed = list(values)
    for at in range(0, len(listed), _CHUNK):
        yield listed[at : at + _CHUNK]


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
