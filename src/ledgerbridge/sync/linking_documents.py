"""Linking invoices and payments: by number, a few thousand numbers at a time, each step a transaction of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final

from ledgerbridge.clock import Clock
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import LinkDoubt, LinkRule, RefPair, ordered
from ledgerbridge.reconciler.identity.documents import Found, Refused, Tie, Unit, decide
from ledgerbridge.store import Store, Tx, identity, identity_work, link_work, links
from ledgerbridge.store.identity_work import DocumentRow

from .linking_rows import Add, Together, write

_NUMBERS: Final = 2_000
"""Numbers a step."""


@dataclass(slots=True)
class DocumentsLinked:
    """What was done with one kind of document. `ties`: the pairs that wait for a person."""

    new_entities: int = 0
    joined: int = 0
    too_common: int = 0
    ties: set[RefPair] = field(default_factory=set)


def link_documents(
    store: Store, kind: Kind, systems: Sequence[str], clock: Clock, *, stop: Callable[[], bool] | None = None
) -> DocumentsLinked:
    """Give every live document of these systems its entity. Memory holds the documents of some thousand numbers at most.

    Numbers whose documents wait for a person are looked at again if something around them changed.
    """
    done = DocumentsLinked()
    with store.reading() as tx:
        again = identity_work.restless_numbers(tx, kind)
        if not again and not link_work.is_there(tx, kind, systems):
            return done
        waiting = identity.waiting(tx, kind)
    for at in range(0, len(again), _NUMBERS):
        with store.writing(lock=links.LOCK) as tx:
            _Step(tx, kind, systems, clock, waiting).take(again[at : at + _NUMBERS], done)
    after, more = None, True
    while more and not (stop is not None and stop()):
        with store.writing(lock=links.LOCK) as tx:
            numbers, more = link_work.take_numbers(tx, kind, systems, after, _NUMBERS)
            _Step(tx, kind, systems, clock, waiting).take(numbers, done)
        after = numbers[-1] if numbers else after
    if waiting or done.ties:
        with store.writing(lock=links.LOCK) as tx:
            identity.close_void_doubts(tx, kind)
    return done


@dataclass(slots=True)
class _Bundle:
    """A unit and its records."""

    unit: Unit
    rows: list[DocumentRow]


class _Step:
    """All documents of some numbers, in one transaction."""

    def __init__(self, tx: Tx, kind: Kind, systems: Sequence[str], clock: Clock, waiting: AbstractSet[RefPair]) -> None:
        self._tx, self._kind, self._systems = tx, kind, systems
        self._rank = {system: at for at, system in enumerate(systems)}
        self._now = clock.now()
        self._refused = identity.refused(tx, kind)
        self._waiting = waiting

    def take(self, numbers: Sequence[str], done: DocumentsLinked) -> None:
        """Link the documents of these numbers, and let their ties wait for people.

        An entity may hold records of several numbers (one was changed at one side). Two numbers that would both change an
        entity take turns, so that the second sees what the first has done.
        """
        if not numbers:
            return
        rows = identity_work.documents(self._tx, self._kind, self._systems, numbers)
        members = self._members(rows)
        groups: list[Together] = []
        doubts: list[LinkDoubt] = []
        touched: set[str] = set()
        later: list[str] = []
        for number, group in groupby(rows, attrgetter("number")):
            bundles = {one.unit.key: one for one in _bundles(list(group))}
            keys = {f"{row.system}/{row.external_id}" for one in bundles.values() for row in one.rows}
            entities = {one.unit.entity for one in bundles.values()}
            beside = [one for entity_id in entities for one in members.get(entity_id, ()) if one.key not in keys]
            units = [one.unit for one in bundles.values()]
            found = decide(units, self._systems, self._refusals(bundles, beside), beside)
            changed = self._together(bundles, found)
            entities_changed = {entity_id for one in changed for entity_id in one.entities}
            if entities_changed & touched:
                later.append(number)
                continue
            touched |= entities_changed
            done.too_common += found.too_common
            groups += changed
            doubts += [self._doubt(bundles, tie) for tie in found.ties]
        made, joined = write(self._tx, self._kind, groups, self._now)
        now_seen = [row.id for row in rows if row.fresh and row.entity_id is not None and row.number not in later]
        links.matched(self._tx, now_seen)
        ties = {ordered(one.left, one.right) for one in doubts}
        seen = {self._ref(row) for row in rows if row.number not in later}
        answered = {pair for pair in self._waiting if pair not in ties and not seen.isdisjoint(pair)}
        identity.raise_doubts(self._tx, doubts)
        identity.close_doubts(self._tx, answered)
        done.new_entities += made
        done.joined += joined
        done.ties |= ties
        self.take(later, done)

    def _members(self, rows: Sequence[DocumentRow]) -> Mapping[str | None, list[Unit]]:
        """The records in the entities of these, by entity; those that bear another number or have no live copy are among them."""
        entities = {row.entity_id for row in rows if row.entity_id is not None}
        if not entities:
            return {}
        gone = {(one.system, one.external_id) for one in identity_work.gone_of(self._tx, self._kind, entities)}
        found: defaultdict[str | None, list[Unit]] = defaultdict(list)
        for entity_id, held in links.refs_of(self._tx, entities).items():
            for one in held:
                if (one.system, one.external_id) not in gone:
                    key = f"{one.system}/{one.external_id}"
                    found[entity_id].append(Unit(key, one.system, entity_id, "", None, "", 0, None, void=False))
        return found

    def _refusals(self, bundles: Mapping[str, _Bundle], beside: Sequence[Unit]) -> Refused:
        if not self._refused:
            return lambda _left, _right: False
        refs = {key: [self._ref(row) for row in bundle.rows] for key, bundle in bundles.items()}
        for unit in beside:
            refs[unit.key] = [Ref(system=unit.system, kind=self._kind, external_id=unit.key.partition("/")[2])]
        told_apart = self._refused

        def refused(left: str, right: str) -> bool:
            return any(
                one != other and ordered(one, other) in told_apart for one in refs[left] for other in refs[right]
            )

        return refused

    def _together(self, bundles: Mapping[str, _Bundle], found: Found) -> list[Together]:
        """The units of one number as they belong together now; those with nothing to do are left out."""
        head = {key: key for key in bundles}

        def top(key: str) -> str:
            while head[key] != key:
                key = head[key]
            return key

        of_entity: dict[str, str] = {}
        for key, bundle in bundles.items():
            if bundle.unit.entity is not None:
                head[key] = top(of_entity.setdefault(bundle.unit.entity, key))
        content: set[str] = set()
        for join in found.joins:
            head[top(join.right)] = top(join.left)
            if join.by_content:
                content.update((join.left, join.right))
        members: defaultdict[str, list[_Bundle]] = defaultdict(list)
        for key in sorted(bundles, key=lambda key: (self._rank[bundles[key].unit.system], key)):
            members[top(key)].append(bundles[key])
        made = [self._group(some, content) for some in members.values()]
        return [one for one in made if one.adds or len(one.entities) > 1]

    def _group(self, bundles: Sequence[_Bundle], content: set[str]) -> Together:
        entities = list(dict.fromkeys(one.unit.entity for one in bundles if one.unit.entity is not None))
        group = Together(entities)
        for bundle in bundles:
            rule = LinkRule.NUMBER_AND_CONTENT if bundle.unit.key in content else LinkRule.NUMBER
            if bundle.unit.entity is not None:
                rule = LinkRule.PART
            elif not entities and not group.adds:
                rule = LinkRule.ALONE
            for row in bundle.rows:
                if row.entity_id is None:
                    group.adds.append(Add(row.system, row.external_id, row.part, row.canonical_hash, rule))
                    rule = LinkRule.PART if bundle.unit.entity is not None or len(bundle.rows) > 1 else rule
        by_content = any(one.unit.key in content for one in bundles)
        group.rule = LinkRule.NUMBER_AND_CONTENT if by_content else LinkRule.NUMBER
        return group

    def _doubt(self, bundles: Mapping[str, _Bundle], tie: Tie) -> LinkDoubt:
        return LinkDoubt(
            left=self._ref(bundles[tie.left].rows[0]),
            right=self._ref(bundles[tie.right].rows[0]),
            reasons=tie.reasons,
            rivals=tuple(self._ref(bundles[key].rows[0]) for key in tie.rivals),
            first_seen_at=self._now,
            last_seen_at=self._now,
        )

    def _ref(self, row: DocumentRow) -> Ref:
        return Ref(system=row.system, kind=self._kind, external_id=row.external_id)


def _bundles(rows: Sequence[DocumentRow]) -> list[_Bundle]:
    """The units of one number: a record each, but the parts of a payment in one system together."""
    found = []
    parted: defaultdict[str, list[DocumentRow]] = defaultdict(list)
    for row in rows:
        if row.part:
            parted[row.system].append(row)
        else:
            found.append(_bundle([row], row.part))
    for some in parted.values():
        entities = {row.entity_id for row in some if row.entity_id is not None}
        only = next(iter(entities)) if len(entities) == 1 else None
        sets: defaultdict[str | None, dict[str, DocumentRow]] = defaultdict(dict)
        for row in sorted(some, key=lambda row: (row.entity_id is None, row.external_id)):
            parts = sets[row.entity_id or only]
            if row.part in parts:  # twice the same part is no part but a second record
                found.append(_bundle([row], ""))
            else:
                parts[row.part] = row
        found += [_bundle(list(parts.values()), "parts") for parts in sets.values()]
    return found


def _bundle(rows: list[DocumentRow], parts: str) -> _Bundle:
    first = rows[0]
    entity = next((row.entity_id for row in rows if row.entity_id is not None), None)
    if not parts:
        content = (first.customer, first.currency, first.amount_minor, first.on)
        return _Bundle(
            Unit(f"{first.system}/{first.external_id}", first.system, entity, first.doc_kind, *content, first.void),
            rows,
        )
    kinds, customers = {row.doc_kind for row in rows}, {row.customer for row in rows}
    currencies, days = {row.currency for row in rows}, {row.on for row in rows}
    unit = Unit(
        f"{first.system}/{first.external_id}",
        first.system,
        entity,
        first.doc_kind if len(kinds) == 1 else "",
        first.customer if len(customers) == 1 else None,
        first.currency if len(currencies) == 1 else "",
        sum(row.amount_minor for row in rows) if len(currencies) == 1 else 0,
        first.on if len(days) == 1 else None,
        all(row.void for row in rows),
    )
    return _Bundle(unit, rows)
