"""Linking customers: by keys that decide, then by score; pairs of systems one after the other, the leading one first.

What is new is compared with what exists; the pairs that rival each other are looked at whole, so that a tie is seen whoever
came first. Read and decided outside a write, then written at once if nothing that was read has changed meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from ledgerbridge.clock import Clock
from ledgerbridge.errors import StaleRecord
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import Evidence, LinkDoubt, LinkRule, RefPair, ordered
from ledgerbridge.reconciler.identity import Evidence as Bit
from ledgerbridge.reconciler.identity import IdentityPolicy, Proposal
from ledgerbridge.reconciler.identity.arriving import Joined, Matching
from ledgerbridge.store import Store, Tx, identity, identity_work, link_index, link_work, links
from ledgerbridge.store.identity_work import Place
from ledgerbridge.store.link_work import Work

from .linking_keys import Parsed, keep_keys, keep_words, key
from .linking_rows import Add, Together, write
from .linking_stored import BooksInStore, Read, all_books

_MANY: Final = 4
"""If more than a fourth of all customers are new, reading all of them at once is quicker."""


@dataclass(slots=True)
class CustomersLinked:
    """What was done."""

    new_entities: int = 0
    joined: int = 0


@dataclass(slots=True)
class _Task:
    """What is to be done, and with what."""

    work: list[Work]
    fresh: set[str]
    """Refs of the customers to be matched."""
    touched: set[str]
    """Those of `work`, live or not, and of `fresh`."""
    refused: frozenset[RefPair]
    waiting: set[RefPair]
    undecided: set[str]
    """Refs of the others that wait for a person to say which record of the leading system they are."""


def link_customers(
    store: Store, systems: Sequence[str], clock: Clock, policy: IdentityPolicy, *, at_once: bool | None = None
) -> CustomersLinked:
    """Give every live customer of these systems its entity. Nothing is read if nothing is new.

    `at_once`: read all customers into memory, or only those that the new ones can touch; None: whichever is less work. What
    is decided is the same. StaleRecord if links or decisions changed while it was working: do it again.

    What waits beside records that joined is looked at once more, until nothing joins: there is nothing left to find without
    something new.
    """
    done = CustomersLinked()
    while True:
        with store.reading() as tx:
            if not link_work.is_there(tx, Kind.CUSTOMER, systems):
                return done
        made = _link_once(store, systems, clock, policy, at_once)
        done.new_entities += made.new_entities
        done.joined += made.joined
        if not made.joined:
            return done


def _link_once(
    store: Store, systems: Sequence[str], clock: Clock, policy: IdentityPolicy, at_once: bool | None
) -> CustomersLinked:
    words = keep_words(store, systems)
    with store.reading() as tx:
        if at_once is None:
            customers = sum(link_index.size(tx, system) for system in systems)
            at_once = link_work.how_many(tx, Kind.CUSTOMER, systems) * _MANY > customers
    parsed: Parsed = {}
    keep_keys(store, systems, words, policy, parsed if at_once else None)
    read = Read()
    with store.reading() as tx:
        work = _work(tx, systems)
        task = _task(tx, systems, work)
        books = all_books(tx, systems, words, read, parsed) if at_once else BooksInStore(tx, words, policy, read)
        refused = frozenset((_key(left), _key(right)) for left, right in task.refused)
        matching = Matching(books, task.fresh, systems, policy, refused=refused, undecided=task.undecided)
        for left, right in combinations(systems, 2):
            matching.match(left, right)
    at = clock.now()
    doubts = [_doubt(one, clock) for one in matching.doubts()]
    waits = {ordered(one.left, one.right) for one in doubts}
    answered = _looked_at(task, matching) - waits
    joined_now = {ref for members, joins in matching.groups() if joins for ref in members}
    beside = _connected((task.waiting - answered) | waits, joined_now)
    with store.writing(lock=links.LOCK) as tx:
        groups = _groups(matching, read, systems, task.fresh)
        _check_unchanged(tx, task, read, groups)
        made, joined = write(tx, Kind.CUSTOMER, groups, at)
        seen = [row.id for ref in task.fresh if (row := read.rows.get(ref)) and row.fresh and row.entity_id is not None]
        links.matched(tx, seen)
        identity.raise_doubts(tx, doubts)
        identity.close_doubts(tx, answered)
        identity.close_void_doubts(tx, Kind.CUSTOMER)
        link_work.done(tx, task.work)
        link_work.note_refs(tx, [_ref(one) for one in beside])
    return CustomersLinked(made, joined)


def _work(tx: Tx, systems: Sequence[str]) -> dict[Work, Place]:
    """What is to be looked at and is found by what it says; the rest came meanwhile and is the next linking's."""
    work = {one.copy: one for one in link_work.every(tx, Kind.CUSTOMER, systems)}
    return {work[place.id]: place for place in identity_work.places(tx, work) if place.keyed}


def _task(tx: Tx, systems: Sequence[str], work: dict[Work, Place]) -> _Task:
    waiting = identity.waiting(tx, Kind.CUSTOMER)
    changed = {key(place.system, place.external_id) for place in work.values()}
    again = _connected(waiting, changed | _mates(tx, work.values()))
    live = [place for place in work.values() if place.live]
    fresh = {key(place.system, place.external_id) for place in live} | again
    undecided = {
        _key(ref)
        for pair in waiting
        if systems[0] in (pair[0].system, pair[1].system) and _key(pair[0]) not in fresh and _key(pair[1]) not in fresh
        for ref in pair
    }
    return _Task(list(work), fresh, fresh | changed, identity.refused(tx, Kind.CUSTOMER), waiting, undecided)


def _mates(tx: Tx, places: Iterable[Place]) -> set[str]:
    """All records in entities with these."""
    entities = {place.entity_id for place in places if place.entity_id is not None}
    return {_key(one.ref) for held in links.refs_of(tx, entities).values() for one in held}


def _connected(waiting: Iterable[RefPair], seeds: AbstractSet[str]) -> set[str]:
    """Those that wait together with one of `seeds`, directly or by way of others that wait."""
    beside: dict[str, set[str]] = {}
    for left, right in waiting:
        beside.setdefault(_key(left), set()).add(_key(right))
        beside.setdefault(_key(right), set()).add(_key(left))
    found = set(seeds & beside.keys())
    more = set(found)
    while more:
        more = {other for one in more for other in beside[one]} - found
        found |= more
    return found


def _looked_at(task: _Task, matching: Matching) -> set[RefPair]:
    """The waiting pairs about which the matching would have said so if they were to wait any longer."""
    found = set()
    for pair in task.waiting:
        seen = matching.looked_at.get(frozenset((pair[0].system, pair[1].system)), set())
        if any(_key(ref) in seen or _key(ref) in task.touched for ref in pair):
            found.add(pair)
    return found


def _groups(matching: Matching, read: Read, systems: Sequence[str], fresh: AbstractSet[str]) -> list[Together]:
    groups = []
    rank = {system: at for at, system in enumerate(systems)}
    for members, joins in matching.groups():
        if not joins and fresh.isdisjoint(members):
            continue
        keys = sorted((one for one in members if one in read.rows), key=lambda one: (rank[read.rows[one].system], one))
        entities = list(dict.fromkeys(entity for one in keys if (entity := read.rows[one].entity_id) is not None))
        why = {one: join for join in joins for one in (join.left, join.right)}
        group = Together(entities)
        for one in keys:
            row = read.rows[one]
            found = why.get(one)
            if found is not None and len(entities) > 1:
                group.rule = _rule(found)
            if row.entity_id is None:
                begins = not entities and not group.adds
                said = (LinkRule.ALONE, None, None) if found is None or begins else _said(found)
                group.adds.append(Add(row.system, row.external_id, "", row.canonical_hash, *said))
        if group.adds or len(entities) > 1:
            groups.append(group)
    return groups


def _check_unchanged(tx: Tx, task: _Task, read: Read, groups: Sequence[Together]) -> None:
    """StaleRecord if a record got a link, an entity another record, or a person a new opinion, since it was read."""
    if identity.refused(tx, Kind.CUSTOMER) != task.refused:
        raise StaleRecord("people decided on links meanwhile; link again")
    fresh: dict[str, list[str]] = {}
    for group in groups:
        for one in group.adds:
            fresh.setdefault(one.system, []).append(one.external_id)
    for system, ids in fresh.items():
        if links.entities_of(tx, system, Kind.CUSTOMER, ids):
            raise StaleRecord("another linking was quicker; link again")
    entities = {entity_id for group in groups for entity_id in group.entities}
    expected: dict[str, set[tuple[str, str]]] = {entity_id: set() for entity_id in entities}
    for row in read.rows.values():
        if row.entity_id in expected:
            expected[row.entity_id].add((row.system, row.external_id))
    for silent in read.silent:
        if silent.entity_id in expected:
            expected[silent.entity_id].add((silent.system, silent.external_id))
    for entity_id, held in links.refs_of(tx, entities).items():
        if {(one.system, one.external_id) for one in held} != expected[entity_id]:
            raise StaleRecord(f"the links of {entity_id} changed meanwhile; link again")


def _rule(join: Joined) -> LinkRule:
    return LinkRule.KEY if join.by_key else LinkRule.NAME


def _said(join: Joined) -> tuple[str, int, str]:
    told = [one.model_dump(exclude_defaults=True) for one in _evidence(join.scored.evidence)]
    return _rule(join), _hundredths(join.scored.score), json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _doubt(found: Proposal, clock: Clock) -> LinkDoubt:
    now = clock.now()
    return LinkDoubt(
        left=_ref(found.pair.left),
        right=_ref(found.pair.right),
        score=_hundredths(found.pair.score),
        reasons=found.reasons,
        rivals=tuple(_ref(one) for one in found.rivals),
        evidence=_evidence(found.pair.evidence),
        first_seen_at=now,
        last_seen_at=now,
    )


def _evidence(bits: Sequence[Bit]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(part=b.part, finding=b.finding, points=_hundredths(b.points), left=b.left, right=b.right) for b in bits
    )


def _hundredths(bits: float) -> int:
    return round(bits * 100)


def _key(ref: Ref) -> str:
    return key(ref.system, ref.external_id)


def _ref(text: str) -> Ref:
    system, _, external_id = text.partition("/")
    return Ref(system=system, kind=Kind.CUSTOMER, external_id=external_id)
