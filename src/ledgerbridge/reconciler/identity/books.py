"""Where a matching finds records: the port that it asks, and all records in memory behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from .candidates import keys
from .profiles import Profile
from .rarity import Rarity


class Firm(NamedTuple):
    """A live record: what it says, whose it is, and its entity if it has one."""

    profile: Profile
    system: str
    entity: str | None


class Group(NamedTuple):
    """Records that are one firm so far: all of an entity, or one that has none."""

    firms: tuple[Firm, ...]
    held: tuple[tuple[str, str], ...] = ()
    """(system, ref) of records that only keep their place."""


class Books(Protocol):
    """The records of all systems, found by ref or by what they bear. Refs are unique over all systems.

    What is found does not change while a matching works; what the matching joins is its own knowledge.
    """

    whole: bool
    """Are all records to be known from the start? Else only those that a matching comes across."""

    def refs(self) -> Collection[str]:
        """All refs if `whole`; else none."""
        ...

    def groups(self, refs: Collection[str]) -> Iterable[Group]:
        """The groups that these records are in, each once. A ref that nobody has is in none."""
        ...

    def bearers(self, system: str, wanted: Collection[str]) -> Mapping[str, Sequence[str]]:
        """The refs of a system's live records by what they are found by (:func:`.candidates.keys`); others may be among them.

        A key that more than ``bucket_max`` records bear may be left out unless it is of the kind that decides.
        """
        ...

    def taken(self, refs: Collection[str], system: str) -> AbstractSet[str]:
        """Those of these records whose entity has a record of `system`."""
        ...

    def size(self, system: str) -> int:
        """How many live records a system has."""
        ...

    def rarity(self, left: str, right: str) -> Rarity:
        """How rare things are among the records of two systems; of the records handed out so far at least."""
        ...


class BooksInMemory:
    """All records at once."""

    whole = True

    def __init__(self, firms: Iterable[Firm], held: Iterable[tuple[str, str, str]] = ()) -> None:
        """`held`: (system, ref, entity) of records that only keep their place."""
        self._firms = {firm.profile.ref: firm for firm in sorted(firms, key=lambda one: one.profile.ref)}
        self._by_system: defaultdict[str, list[Firm]] = defaultdict(list)
        self._of_entity: defaultdict[str, list[Firm]] = defaultdict(list)
        self._held: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._entity_of: dict[str, str | None] = {}
        self._buckets: dict[str, Mapping[str, Sequence[str]]] = {}
        self._rarities: dict[tuple[str, str], Rarity] = {}
        for ref, firm in self._firms.items():
            self._by_system[firm.system].append(firm)
            self._entity_of[ref] = firm.entity
            if firm.entity is not None:
                self._of_entity[firm.entity].append(firm)
        for system, ref, entity in held:
            self._held[entity].append((system, ref))
            self._entity_of[ref] = entity

    def refs(self) -> Collection[str]:
        """See :class:`Books`."""
        return self._entity_of

    def groups(self, refs: Collection[str]) -> Iterable[Group]:
        """See :class:`Books`."""
        done: set[str] = set()
        for ref in refs:
            if ref not in self._entity_of:
                continue
            entity = self._entity_of[ref]
            if entity is None:
                yield Group((self._firms[ref],))
            elif entity not in done:
                done.add(entity)
                yield Group(tuple(self._of_entity.get(entity, ())), tuple(self._held.get(entity, ())))

    def bearers(self, system: str, wanted: Collection[str]) -> Mapping[str, Sequence[str]]:
        """See :class:`Books`."""
        del wanted
        found = self._buckets.get(system)
        if found is None:
            made: defaultdict[str, list[str]] = defaultdict(list)
            for firm in self._by_system[system]:
                for key in keys(firm.profile):
                    made[key].append(firm.profile.ref)
            found = self._buckets[system] = dict(made)
        return found

    def taken(self, refs: Collection[str], system: str) -> AbstractSet[str]:
        """See :class:`Books`."""
        return {ref for ref in refs if (entity := self._entity_of[ref]) is not None and self._has(entity, system)}

    def size(self, system: str) -> int:
        """See :class:`Books`."""
        return len(self._by_system[system])

    def rarity(self, left: str, right: str) -> Rarity:
        """See :class:`Books`."""
        found = self._rarities.get((left, right))
        if found is None:
            both = [*self._by_system[left], *self._by_system[right]]
            found = self._rarities[left, right] = Rarity(firm.profile for firm in both)
        return found

    def _has(self, entity: str, system: str) -> bool:
        return any(firm.system == system for firm in self._of_entity.get(entity, ())) or any(
            one == system for one, _ in self._held.get(entity, ())
        )
