"""Links: which record belongs to which entity, read in bulk and written one by one or many at once.

Writers hold the lock :data:`LOCK`, so that two of them cannot give one record two entities. What is read may name an entity
that was merged away since: :func:`resolve` and :func:`resolved` follow it; every function here that takes entity ids does so.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from ledgerbridge.errors import LinkError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import MACHINE, LinkRule, entity_id_of

from . import audit, bulk, link_work
from .tables_identity import entity, link
from .tx import Tx, to_us

LOCK: Final = "links"
"""For ``Store.writing(lock=…)``."""
_CHUNK: Final = 2_000
_T = TypeVar("_T", int, str)


class LinkedRef(NamedTuple):
    """One record of an entity. `part` is "" but for systems that keep a payment as several records."""

    system: str
    kind: str
    external_id: str
    part: str
    entity_id: str
    rule: str
    decided_by: str

    @property
    def ref(self) -> Ref:
        """Where the record lives."""
        return Ref(system=self.system, kind=Kind(self.kind), external_id=self.external_id)


class LinkedCopy(NamedTuple):
    """A linked record beside its observed copy; all but the first two are None where no copy is left."""

    external_id: str
    part: str
    id: int | None
    state: str | None
    flawed: bool | None
    raw_hash: bytes | None
    canonical_hash: bytes | None
    version_order: int | None


class EntityPair(NamedTuple):
    """What two systems hold of one entity; a side is empty where the system has no record of it."""

    entity_id: str
    left: tuple[LinkedCopy, ...]
    right: tuple[LinkedCopy, ...]


class NewLink(NamedTuple):
    """A row of `link` to be written; see :mod:`ledgerbridge.store.tables_identity`."""

    system: str
    kind: str
    external_id: str
    part: str
    entity_id: str
    rule: str
    score: int | None
    evidence: str | None
    decided_by: str
    at_us: int
    matched_hash: bytes | None


def entity_of(tx: Tx, ref: Ref) -> str | None:
    """The entity of one record; None if it is not linked yet."""
    return entities_of(tx, ref.system, ref.kind, (ref.external_id,)).get(ref.external_id)


def entities_of(tx: Tx, system: str, kind: Kind, external_ids: Collection[str]) -> dict[str, str]:
    """The entities of many records of one stream by external id; records without a link are left out."""
    found: dict[str, str] = {}
    for some in _chunks(external_ids):
        condition, parameter = bulk.among(tx, "external_id", some)
        sql = f"SELECT external_id, entity_id FROM link WHERE {condition} AND system = ? AND kind = ?"
        found.update((row[0], row[1]) for row in bulk.rows_of(tx, sql, (parameter, system, kind.value)))
    return found


def refs_of(tx: Tx, entity_ids: Collection[str], kind: Kind | None = None) -> dict[str, list[LinkedRef]]:
    """The records of many entities, by the ids as given, each list by system and external id; those without any left out."""
    now = resolved(tx, entity_ids)
    listed = ", ".join(LinkedRef._fields)
    by_entity: dict[str, list[LinkedRef]] = {}
    for some in _chunks(set(now.values())):
        condition, parameter = bulk.among(tx, "entity_id", some)
        sql = f"SELECT {listed} FROM link WHERE {condition} ORDER BY entity_id, system, external_id"
        for row in bulk.rows_of(tx, sql, (parameter,)):
            if kind is None or row[1] == kind.value:
                by_entity.setdefault(row[4], []).append(LinkedRef._make(row))
    return {given: by_entity[now[given]] for given in entity_ids if now[given] in by_entity}


def resolve(tx: Tx, entity_id: str) -> str:
    """The entity that stands for this one now: itself, or the one it was merged into."""
    return resolved(tx, (entity_id,))[entity_id]


def resolved(tx: Tx, entity_ids: Collection[str]) -> dict[str, str]:
    """The same for many, by the ids as given; an id that no entity has stands for itself."""
    now = {entity_id: entity_id for entity_id in entity_ids}
    asked = set(now)
    while asked:
        moved: dict[str, str] = {}
        for some in _chunks(asked):
            condition, parameter = bulk.among(tx, "entity_id", some)
            sql = f"SELECT entity_id, merged_into FROM entity WHERE {condition} AND merged_into IS NOT NULL"
            moved.update((row[0], row[1]) for row in bulk.rows_of(tx, sql, (parameter,)))
        if moved:
            now = {given: moved.get(stands, stands) for given, stands in now.items()}
        asked = set(moved.values())
    return now


def kind_of(tx: Tx, entity_id: str) -> Kind | None:
    """What an entity is; None if there is none of this id."""
    rows = bulk.rows_of(tx, "SELECT kind FROM entity WHERE entity_id = ?", (entity_id,))
    return Kind(rows[0][0]) if rows else None


def pairs(
    tx: Tx, kind: Kind, left_system: str, right_system: str, *, after_entity: str = "", limit: int = _CHUNK
) -> list[EntityPair]:
    """Entities that either system has a record of, by id, at most `limit`; go on with `after_entity` the last one's id.

    Fewer than `limit` means that there are no more. One walk over the kind's entities in the order of their index: the cost of
    all stretches together follows the number of entities.
    """
    sql = """
        SELECT e.entity_id FROM entity e WHERE e.kind = ? AND e.entity_id > ? AND EXISTS (
            SELECT 1 FROM link l WHERE l.entity_id = e.entity_id AND l.system IN (?, ?))
        ORDER BY e.entity_id LIMIT ?
    """
    ids = [row[0] for row in bulk.rows_of(tx, sql, (kind.value, after_entity, left_system, right_system, limit))]
    if not ids:
        return []
    found: dict[str, tuple[list[LinkedCopy], list[LinkedCopy]]] = {entity_id: ([], []) for entity_id in ids}
    condition, parameter = bulk.among(tx, "l.entity_id", ids)
    sql = f"""
        SELECT l.entity_id, l.system, l.external_id, l.part, o.id, o.state, o.flawed, o.raw_hash, o.canonical_hash,
            o.version_order
        FROM link l LEFT JOIN observed o
            ON o.system = l.system AND o.kind = l.kind AND o.external_id = l.external_id
        WHERE {condition} AND l.system IN (?, ?) ORDER BY l.entity_id, l.part, l.external_id
    """
    for row in bulk.rows_of(tx, sql, (parameter, left_system, right_system)):
        copy = LinkedCopy(row[2], row[3], row[4], row[5], None if row[6] is None else bool(row[6]), *row[7:])
        found[row[0]][row[1] != left_system].append(copy)
    return [EntityPair(entity_id, tuple(left), tuple(right)) for entity_id, (left, right) in found.items()]


def every_pair(tx: Tx, kind: Kind, left_system: str, right_system: str) -> Iterator[EntityPair]:
    """All of :func:`pairs`, a stretch at a time within the transaction: memory stays flat."""
    after = ""
    while found := pairs(tx, kind, left_system, right_system, after_entity=after):
        yield from found
        after = found[-1].entity_id


def every_linked(tx: Tx, system: str, kind: Kind) -> Iterator[LinkedRef]:
    """All linked records of a stream by external id, a stretch at a time."""
    listed = ", ".join(LinkedRef._fields)
    sql = f"SELECT {listed} FROM link WHERE system = ? AND kind = ? AND external_id > ? ORDER BY external_id LIMIT {_CHUNK}"
    after = ""
    while rows := bulk.rows_of(tx, sql, (system, kind.value, after)):
        yield from map(LinkedRef._make, rows)
        after = rows[-1][2]


def unlinked(tx: Tx, system: str, kind: Kind, *, after: str = "", limit: int = _CHUNK) -> list[str]:
    """External ids of live copies that have no entity yet, in order; go on with `after` the last one."""
    sql = """
        SELECT o.external_id FROM observed o WHERE o.system = ? AND o.kind = ? AND o.state = 'live' AND o.external_id > ?
        AND NOT EXISTS (SELECT 1 FROM link l
            WHERE l.system = o.system AND l.kind = o.kind AND l.external_id = o.external_id)
        ORDER BY o.external_id LIMIT ?
    """
    return [row[0] for row in bulk.rows_of(tx, sql, (system, kind.value, after, limit))]


def new_entity(tx: Tx, kind: Kind, seed: Ref, at: datetime) -> str:
    """Make an entity that begins with this record, and give its id. The record is not linked by this."""
    return new_entities(tx, kind, [(seed.system, seed.external_id)], at)[0]


def new_entities(tx: Tx, kind: Kind, seeds: Sequence[tuple[str, str]], at: datetime) -> list[str]:
    """The same for many distinct records (system, external id), in their order. Ids depend on the records alone."""
    wanted = dict.fromkeys(range(len(seeds)), 0)
    made: dict[int, str] = {}
    while wanted:
        tried = {entity_id_of(*_seed(kind, seeds[place]), ordinal): place for place, ordinal in wanted.items()}
        taken = _existing(tx, tried)
        for entity_id, place in tried.items():
            if entity_id in taken:
                wanted[place] += 1
            else:
                made[place] = entity_id
                del wanted[place]
    at_us = to_us(at)
    ids = [made[place] for place in range(len(seeds))]
    bulk.insert(tx, entity, ("entity_id", "kind", "created_us"), [(one, kind.value, at_us) for one in ids])
    return ids


def add(tx: Tx, rows: Sequence[NewLink]) -> None:
    """Link records that have no link, each to an existing entity with room for it. Says nothing to the audit log."""
    bulk.insert(tx, link, NewLink._fields, rows)


def bind(
    tx: Tx,
    ref: Ref,
    entity_id: str,
    *,
    at: datetime,
    part: str = "",
    rule: str = LinkRule.CREATED,
    decided_by: str = MACHINE,
    actor: str | None = None,
) -> str:
    """Put a record into an entity because it is known to belong there: we created it, or a person said so.

    Gives the entity that stands for `entity_id` now. Nothing happens if the record is there already. A record that stands
    alone in an entity of its own (it was read before its creation was confirmed) brings that entity along: it is merged away.
    LinkError if the record shares another entity with others, or if the entity has a record of that system already.
    """
    _take_turns(tx)
    target = resolve(tx, entity_id)
    if kind_of(tx, target) is not ref.kind:
        raise LinkError(f"{entity_id} is no entity of kind {ref.kind}; {ref} cannot belong to it")
    before = entity_of(tx, ref)
    if before == target:
        return target
    held = refs_of(tx, [target]).get(target, [])
    clash = next((one for one in held if one.system == ref.system and one.part == part), None)
    if clash is not None:
        raise LinkError(
            f"{ref} cannot be linked: the entity {target} has {clash.ref} of the same system already; "
            f"look at it with `ledgerbridge links show {clash.ref}` and split or refuse first"
        )
    if before is not None:
        others = [one.ref for one in refs_of(tx, [before])[before] if one.ref != ref]
        if others:
            raise LinkError(
                f"{ref} belongs to the entity {before} together with {others[0]}; "
                f"`ledgerbridge links split {ref}` takes it out"
            )
        _remove(tx, ref)
        merge_away(tx, before, target)
    add(tx, [NewLink(*_key(ref), part, target, str(rule), None, None, decided_by, to_us(at), None)])
    link_work.note_refs(tx, [ref])
    details = {"entity": target, "rule": str(rule), "was": before or ""}
    audit.append(tx, actor=actor or decided_by, action="record linked", subject=str(ref), details=details, at=at)
    return target


def unbind(tx: Tx, ref: Ref, *, at: datetime, actor: str, why: str = "") -> str | None:
    """Take a record's link away, and give the entity it was in; None if it had none. The next linking matches it anew."""
    _take_turns(tx)
    before = entity_of(tx, ref)
    if before is not None:
        _remove(tx, ref)
        details = {"entity": before, "why": why}
        audit.append(tx, actor=actor, action="record unlinked", subject=str(ref), details=details, at=at)
    return before


def move(tx: Tx, refs: Collection[Ref], target: str, *, rule: str, decided_by: str, at_us: int) -> None:
    """Put linked records into another entity that has room for them, whatever entity they were in."""
    for ref in refs:
        sql = (
            "UPDATE link SET entity_id = ?, rule = ?, decided_by = ?, at_us = ?, score = NULL, evidence = NULL "
            "WHERE system = ? AND kind = ? AND external_id = ?"
        )
        bulk.run(tx, sql, (target, str(rule), decided_by, at_us, *_key(ref)))


def merge_away(tx: Tx, entity_id: str, into: str) -> None:
    """Note that an entity without records is now another one. ValueError for itself."""
    if entity_id == into:
        raise ValueError(f"{entity_id} cannot be merged into itself")
    bulk.run(tx, "UPDATE entity SET merged_into = ? WHERE entity_id = ?", (into, entity_id))


def matched(tx: Tx, observed_ids: Collection[int]) -> None:
    """Note that the links of these copies were looked at with what the copies say now."""
    for some in _chunks(observed_ids):
        condition, parameter = bulk.among(tx, "o.id", some)
        sql = f"""
            UPDATE link SET matched_hash = o.canonical_hash FROM observed o WHERE {condition}
            AND o.system = link.system AND o.kind = link.kind AND o.external_id = link.external_id
        """
        bulk.run(tx, sql, (parameter,))


def match_again(tx: Tx, refs: Collection[Ref]) -> None:
    """Let the next linking look at these records as if they were new."""
    for ref in refs:
        sql = "UPDATE link SET matched_hash = NULL WHERE system = ? AND kind = ? AND external_id = ?"
        bulk.run(tx, sql, _key(ref))
    link_work.note_refs(tx, refs)


def begins_with(entity_id: str, ref: Ref) -> bool:
    """Was this entity made of this record?"""
    return entity_id == entity_id_of(*_key(ref))


def _take_turns(tx: Tx) -> None:
    """Wait for other writers of links, for callers that hold another lock than ours."""
    if not tx.sqlite:
        key = "SELECT pg_advisory_xact_lock(hashtextextended(?, 20261122))"
        bulk.rows_of(tx, key, (f"ledgerbridge/{LOCK}",))


def digest(tx: Tx) -> str:
    """A hash of all entities and links (not of when they were made): the same history gives the same on both engines."""
    hashed = hashlib.blake2b(digest_size=16)
    streams = bulk.rows_of(tx, "SELECT DISTINCT system, kind FROM link ORDER BY system, kind", ())
    for system, kind in streams:
        for one in every_linked(tx, system, Kind(kind)):
            hashed.update(repr(tuple(one)).encode())
    after = ""
    sql = f"""
        SELECT entity_id, kind, merged_into FROM entity WHERE entity_id > ? ORDER BY entity_id LIMIT {_CHUNK}
    """
    while rows := bulk.rows_of(tx, sql, (after,)):
        for row in rows:
            hashed.update(repr(tuple(row)).encode())
        after = rows[-1][0]
    return hashed.hexdigest()


def _remove(tx: Tx, ref: Ref) -> None:
    bulk.run(tx, "DELETE FROM link WHERE system = ? AND kind = ? AND external_id = ?", _key(ref))
    link_work.note_refs(tx, [ref])


def _existing(tx: Tx, entity_ids: Collection[str]) -> set[str]:
    found: set[str] = set()
    for some in _chunks(entity_ids):
        condition, parameter = bulk.among(tx, "entity_id", some)
        found.update(
            row[0] for row in bulk.rows_of(tx, f"SELECT entity_id FROM entity WHERE {condition}", (parameter,))
        )
    return found


def _seed(kind: Kind, seed: tuple[str, str]) -> tuple[str, str, str]:
    return seed[0], kind.value, seed[1]


def _key(ref: Ref) -> tuple[str, str, str]:
    return ref.system, ref.kind.value, ref.external_id


def _chunks(values: Collection[_T]) -> Iterator[list[_T]]:
    listed = list(values)
    for at in range(0, len(listed), _CHUNK):
        yield listed[at : at + _CHUNK]
