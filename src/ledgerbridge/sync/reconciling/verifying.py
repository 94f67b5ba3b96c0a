"""The proof of what is stored of the books: everything worked out from the documents once more, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ledgerbridge import log
from ledgerbridge.store import Store, Tx, allocations, book_marks, carried, observed
from ledgerbridge.store import books as book_rows
from ledgerbridge.store.allocations import Replacement

from .books import anew, at_rest, directory
from .rules import Rules

_LOG = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is stored otherwise than the documents say. `account` None: it is about no single customer."""

    account: str | None
    what: str


def verify(store: Store, rules: Rules, as_of: date) -> tuple[Fault, ...]:
    """What of the stored cash, and of what is carried forward to a day, is not what the documents give; reads everything.

    Nothing that was carried forward is believed afterwards, and what was wrong is forgotten: the next reconciliation makes it
    anew from the documents.
    """
    with store.reading() as tx:
        found = tuple(faults(tx, rules, as_of))
    for fault in found:
        _LOG.error("books_differ", account=fault.account, what=fault.what)
    with store.writing(lock=allocations.LOCK) as writing:
        allocations.forget(writing, rules.lead, {one.account for one in found if one.account is not None})
    watch(store, rules.lead, anew=True)
    return found


def watch(store: Store, system: str, *, anew: bool = False) -> None:
    """From the first reconciliation on, writers of copies say whose books they change. `anew`: from now on, forgetting what they
    said.
    """
    with store.reading() as tx:
        if book_marks.watched(tx, system) and not anew:
            return
    with store.writing(lock=book_marks.LOCK) as writing:
        locks = [observed.lock_of(system, kind) for kind in book_rows.BOOK_KINDS]
        book_marks.watch(writing, system, locks, anew=anew)


def faults(tx: Tx, rules: Rules, as_of: date) -> Iterator[Fault]:
    """The same without doing anything about it. Customers who are read as a whole anyway on that day are passed over."""
    system = rules.lead
    if not book_marks.watched(tx, system):
        return
    for what in book_marks.wrong(tx, system):
        yield Fault(None, what)
    stored, who = allocations.states(tx, system), directory(tx, system)
    resting = at_rest(tx, rules, who, stored, as_of)
    keys = {who.accounts[place].key for place in resting}
    for one in anew(tx, rules, who, as_of, but=frozenset(range(len(who))) - resting.keys()):
        key = one.account.key
        keys.discard(key)
        kept = Replacement(stored[key], allocations.of_account(tx, system, key), carried.of_account(tx, system, key))
        made = one.replacement(one.carry())
        if kept != made:
            parts = [name for name, old, new in zip(_PARTS, kept, made, strict=True) if old != new]
            yield Fault(key, f"{' and '.join(parts)} stored is not what the documents give")
    for key in sorted(keys):
        yield Fault(key, "something is carried forward and no document counts")


_PARTS = ("the result of cash application", "the allocations", "what is carried forward")
