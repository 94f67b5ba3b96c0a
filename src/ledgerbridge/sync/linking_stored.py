"""The store as books to match customers in: all of them at once, or those that a matching comes across."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.reconciler.identity import IdentityPolicy, Profile, Rarity, Vocabulary
from ledgerbridge.reconciler.identity.books import Books, BooksInMemory, Firm, Group
from ledgerbridge.reconciler.identity.candidates import DECIDING
from ledgerbridge.reconciler.identity.rarity import RECORDS, UNITS, counted
from ledgerbridge.store import Tx, identity_work, link_index, links
from ledgerbridge.store.identity_work import CustomerRow, SilentLink

from .linking_keys import Parsed, key, profile_of

_SUMS: Final = (RECORDS, UNITS)


class Read:
    """What was read of customers, by ref: rows without their texts, and linked records without a live copy."""

    def __init__(self) -> None:
        self.rows: dict[str, CustomerRow] = {}
        self.silent: list[SilentLink] = []

    def firm(self, row: CustomerRow, words: Vocabulary, parsed: Parsed | None = None) -> Firm:
        """Take a row in; what it says is taken out of `parsed` if it is there."""
        said = parsed.pop((row.id, row.canonical_hash), None) if parsed else None
        said = said or profile_of(row, words)
        self.rows[said.ref] = row._replace(canonical=b"")
        return Firm(said, row.system, row.entity_id)


def all_books(tx: Tx, systems: Sequence[str], words: Vocabulary, read: Read, parsed: Parsed) -> Books:
    """All customers in memory: quicker where many are new."""
    firms = [read.firm(row, words, parsed) for system in systems for row in identity_work.customers(tx, system)]
    read.silent += identity_work.silent(tx, Kind.CUSTOMER)
    return BooksInMemory(
        firms, [(one.system, key(one.system, one.external_id), one.entity_id) for one in read.silent if not one.gone]
    )


class BooksInStore:
    """Customers as a matching asks for them, within one reading transaction. Work follows what is asked for."""

    whole = False

    def __init__(self, tx: Tx, words: Vocabulary, policy: IdentityPolicy, read: Read) -> None:
        self._tx, self._words, self._policy, self._read = tx, words, policy, read
        self._bearers: dict[tuple[str, str], tuple[str, ...]] = {}
        self._profiles: defaultdict[str, list[Profile]] = defaultdict(list)
        self._counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._rarities: dict[tuple[str, str], tuple[Rarity, list[int]]] = {}

    def refs(self) -> Collection[str]:
        """See :class:`~ledgerbridge.reconciler.identity.books.Books`; so with all that follow."""
        return ()

    def groups(self, refs: Collection[str]) -> Iterable[Group]:
        """See :meth:`refs`."""
        ids = _by_system(refs)
        entities = {
            entity_id
            for system, some in ids.items()
            for entity_id in links.entities_of(self._tx, system, Kind.CUSTOMER, some).values()
        }
        for held in links.refs_of(self._tx, entities).values():
            for one in held:
                ids[one.system].add(one.external_id)
        silent = identity_work.silent(self._tx, Kind.CUSTOMER, entities)
        self._read.silent += silent
        of_entity: defaultdict[str, list[Firm]] = defaultdict(list)
        alone = []
        for system in sorted(ids):
            for row in identity_work.customers(self._tx, system, ids=ids[system]):
                firm = self._read.firm(row, self._words)
                self._profiles[system].append(firm.profile)
                if firm.entity is None:
                    alone.append(firm)
                else:
                    of_entity[firm.entity].append(firm)
        places: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for kept in silent:
            if not kept.gone:
                places[kept.entity_id].append((kept.system, key(kept.system, kept.external_id)))
        for firm in alone:
            yield Group((firm,))
        for entity_id in sorted({*of_entity, *places}):
            firms = sorted(of_entity[entity_id], key=lambda firm: firm.profile.ref)
            yield Group(tuple(firms), tuple(places[entity_id]))

    def bearers(self, system: str, wanted: Collection[str]) -> Mapping[str, Sequence[str]]:
        """See :meth:`refs`."""
        new = {text: link_index.key_of(text) for text in wanted if (system, text) not in self._bearers}
        most = self._policy.bucket_max
        for limit in (None, most + 1):
            some = {text: code for text, code in new.items() if (text[0] in DECIDING) is (limit is None)}
            found = link_index.bearers(self._tx, system, some.values(), limit) if some else {}
            for text, code in some.items():
                ids = found.get(code, ())
                borne = () if limit is not None and len(ids) > most else ids
                self._bearers[system, text] = tuple(sorted(key(system, one) for one in borne))
        return {text: refs for text in wanted if (refs := self._bearers[system, text])}

    def taken(self, refs: Collection[str], system: str) -> AbstractSet[str]:
        """See :meth:`refs`."""
        found: set[str] = set()
        for own, ids in _by_system(refs).items():
            found.update(key(own, one) for one in identity_work.taken(self._tx, own, ids, system))
        return found

    def size(self, system: str) -> int:
        """See :meth:`refs`."""
        return link_index.size(self._tx, system)

    def rarity(self, left: str, right: str) -> Rarity:
        """See :meth:`refs`."""

        def seen(text: str) -> int:
            return self._counts[left].get(text, 0) + self._counts[right].get(text, 0)

        made = self._rarities.get((left, right))
        if made is None:
            self._count((left, right), _SUMS)
            made = self._rarities[left, right] = Rarity.kept(seen), [0, 0]
        rarity, done = made
        for at, system in enumerate((left, right)):
            new = self._profiles[system][done[at] :]
            done[at] += len(new)
            self._count((left, right), {text for one in new for text in counted(one)})
            for one in new:
                rarity.know(one, seen)
        return rarity

    def _count(self, systems: Sequence[str], texts: Collection[str]) -> None:
        for system in systems:
            counts = self._counts[system]
            new = {text: link_index.key_of(text) for text in texts if text not in counts}
            found = link_index.counts(self._tx, system, new.values()) if new else {}
            counts.update({text: found.get(code, 0) for text, code in new.items()})


def _by_system(refs: Iterable[str]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for ref in refs:
        system, _, external_id = ref.partition("/")
        found[system].add(external_id)
    return found
