"""Keeping what customers are found by: the words their names show, their keys, and how common things are.

Only customers that changed are read. The words are learned again when there are twice as many names as last time, and by
another version of the parser; all customers are then keyed anew, a page at a time, so that a crash between loses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.reconciler.identity import IdentityPolicy, Profile, Vocabulary, profile, vocabulary_of
from ledgerbridge.reconciler.identity.candidates import keys
from ledgerbridge.reconciler.identity.rarity import counted
from ledgerbridge.reconciler.identity.vocabulary import learned_words, with_words
from ledgerbridge.store import Store, Tx, identity_work, link_index, link_work, links
from ledgerbridge.store.identity_work import CustomerRow
from ledgerbridge.store.link_index import Entry

_PARSER: Final = "1"
"""Raise it when names come apart in another way, or are found by other keys."""
_PAGE: Final = 2_000


Parsed = dict[tuple[int, bytes], Profile]
"""What customers say, by copy and its hash."""


def key(system: str, external_id: str) -> str:
    """A customer's ref, unique over all systems."""
    return f"{system}/{external_id}"


def profile_of(row: CustomerRow, words: Vocabulary) -> Profile:
    """What a customer says of itself. Its code counts as a key, which only pairs with the leading system use."""
    one = Customer.model_validate_json(row.canonical)
    codes = (f"code:{one.code}",) if one.code else ()
    return profile(key(row.system, row.external_id), one, keys=codes, vocabulary=words)


def keep_words(store: Store, systems: Sequence[str]) -> Vocabulary:
    """The words to parse names with."""
    with store.reading() as tx:
        known, seen, version = link_index.words(tx)
        total = sum(link_index.size(tx, system) for system in systems)
        if seen and version == _PARSER and total < 2 * seen:
            return with_words(known["place"], known["trade"])
        learned = vocabulary_of(link_index.names(tx))
    places, trades = learned_words(learned)
    found: link_index.Words = {"place": places, "trade": trades}
    with store.writing(lock=links.LOCK) as tx:
        if found != known or version != _PARSER:
            link_index.clear(tx)
            link_work.note_all(tx, Kind.CUSTOMER)
        link_index.keep_words(tx, found, total, _PARSER)
    return learned


def keep_keys(
    store: Store, systems: Sequence[str], words: Vocabulary, policy: IdentityPolicy, parsed: Parsed | None = None
) -> None:
    """Hold the keys of all customers that are to be looked at, as they are now; put what they say into `parsed`.

    Those that wait for a person and have something in common with what changed are to be looked at too from then on.
    """
    with store.reading() as tx:
        copies = [one.copy for one in link_work.every(tx, Kind.CUSTOMER, systems)]
    for at in range(0, len(copies), _PAGE):
        with store.writing(lock=links.LOCK) as tx:
            _keep(tx, systems, copies[at : at + _PAGE], words, policy, {} if parsed is None else parsed)


def _keep(
    tx: Tx, systems: Sequence[str], copies: Collection[int], words: Vocabulary, policy: IdentityPolicy, parsed: Parsed
) -> None:
    held = link_index.held(tx, copies)
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for place in identity_work.places(tx, copies):
        if place.live:
            ids[place.system].append(place.external_id)
    rows = [row for system, some in ids.items() for row in identity_work.customers(tx, system, ids=some)]
    same = {row.id for row in rows if row.id in held and held[row.id].canonical_hash == row.canonical_hash}
    old = [entry for copy, entry in held.items() if copy not in same]
    new = []
    for row in rows:
        if row.id not in same:
            parsed[row.id, row.canonical_hash] = one = profile_of(row, words)
            new.append(_entry(row, one))
    link_index.put(tx, old, new)
    changed = {found_by for entry in (*old, *new) for found_by in entry.found_by}
    if changed:
        link_work.note(tx, Kind.CUSTOMER, _neighbours(tx, systems, changed, policy))


def _entry(row: CustomerRow, one: Profile) -> Entry:
    found_by = sorted({link_index.key_of(text) for text in keys(one)})
    counts = sorted(link_index.key_of(text) for text in counted(one))
    return Entry(row.id, row.system, row.canonical_hash, tuple(found_by), tuple(counts))


def _neighbours(tx: Tx, systems: Sequence[str], changed: Collection[int], policy: IdentityPolicy) -> list[int]:
    """Waiting customers that are found by a key that changed, unless it is too common to search by in every system."""
    found = link_index.sharing(tx, changed, identity_work.waiting_customers(tx))
    shared = {one for some in found.values() for one in some}
    few: set[int] = set()
    for system in systems:
        borne = link_index.bearers(tx, system, shared, policy.bucket_max + 1)
        few.update(one for one, ids in borne.items() if len(ids) <= policy.bucket_max)
    return [copy for copy, some in found.items() if some & few]
