"""The leading system's books, customer by customer, with the cash applied: as it is stored where nothing has changed, else
worked out anew. So whoever reads them sees what the copies say now, whether a reconciliation has run since or not.

Where what was carried forward still holds, no record is read: cost follows the open items of customers at rest, and the records
of those in whose books something has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import chain, groupby
from operator import itemgetter
from typing import Final, Generic, TypeVar

from ledgerbridge.model.ledger import Account
from ledgerbridge.reconciler.aging import OpenEntry
from ledgerbridge.store import Tx, allocations, book_marks, books, carried, ledgers
from ledgerbridge.store.allocations import AccountState, AppliedRow, Replacement
from ledgerbridge.store.books import BookRow, Said
from ledgerbridge.store.carried import Carry

from .carrying import CARRY_RULES, Item, Moved, carry_of, load_items, moved_by, open_items
from .cash import apply_cash, cash_input, pairs_of
from .outcome import Cash, load_cash, summed
from .rules import Rules

_T = TypeVar("_T")
_place: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class CarriedBooks:
    """One customer's books of a day as they were carried forward: what is open, without the records behind it."""

    account: Account
    cash: Cash
    items: Sequence[Item]

    @property
    def entity(self) -> str:
        """The customer's id: its entity, or the account's key where it has none."""
        return self.account.entity or self.account.key

    def open_entries(self) -> Iterator[OpenEntry]:
        """What is left of every document and money movement, by what it does to the balance; nothing left: left out."""
        return _entries(self.entity, self.items)


@dataclass(frozen=True)
class CustomerBooks:
    """One customer's records up to a day, and what of them is applied to what. `fresh`: worked out now, not as stored.

    `marks` is what the customer's records must still bear for this to hold (empty where the system is not watched), `later_on`
    the first day (ISO) after this one of which it has a record, if that was asked for.
    """

    account: Account
    rows: Sequence[BookRow]
    digest: str
    applied: Sequence[AppliedRow]
    cash: Cash
    fresh: bool
    marks: str = ""
    later_on: str | None = None

    @property
    def entity(self) -> str:
        """The customer's id: its entity, or the account's key where it has none."""
        return self.account.entity or self.account.key

    def replacement(self, carry: Carry | None = None) -> Replacement:
        """The same, to be stored."""
        state = AccountState(
            self.account.key, self.account.entity, self.account.name, self.digest, self.cash.dump()
        )  # fmt: skip
        return Replacement(state, self.applied, carry)

    def carry(self) -> Carry | None:
        """What of it is carried forward, of books that were read with their later days; None if they do not prove."""
        last, cash = max(row.on for row in self.rows), self.cash
        before = [on for on in (self.later_on, cash.next_on) if on is not None]
        return carry_of(
            self.account.key,
            self.rows,
            self._moved,
            self.applied,
            marks=self.marks,
            from_on=max(last, cash.last_on or last),
            before_on=min(before, default=None),
        )

    def open_entries(self) -> Iterator[OpenEntry]:
        """What is left of every document and money movement, by what it does to the balance; nothing left: left out."""
        return _entries(self.entity, open_items(self._moved))

    @cached_property
    def _moved(self) -> dict[str, Moved]:
        return moved_by(self.rows, self.applied)


Books = CustomerBooks | CarriedBooks


def _entries(entity: str, items: Sequence[Item]) -> Iterator[OpenEntry]:
    for one in items:
        yield OpenEntry(entity, one.id, one.number, one.currency, one.on, one.open_minor, one.due_on, one.money)


@dataclass(frozen=True, slots=True)
class Directory:
    """All customers of the leading system's records, in the order in which their books are read."""

    accounts: tuple[Account, ...]
    said: tuple[tuple[Said, int], ...]
    stamps: dict[int, list[object]] = field(default_factory=dict)
    """Of a watched system: by a customer's place, how its records name it and with what stamps."""

    def __len__(self) -> int:
        return len(self.accounts)

    def marks(self, rules: Rules, place: int) -> str:
        """What must still be the same for what is stored of a customer to hold; empty: nothing that is known."""
        if place not in self.stamps:
            return ""
        text = repr(self.stamps[place]).encode()
        return hashlib.blake2b(CARRY_RULES + rules.fingerprint + text, digest_size=16).hexdigest()


def directory(tx: Tx, system: str, only: Collection[str] | None = None) -> Directory:
    """The customers that records of a system name; `only`: those of these account keys."""
    known = ledgers.accounts(tx, system)
    by_key: dict[str, Account] = {}
    ways: dict[str, list[Said]] = {}
    stamps = book_marks.stamps(tx, system) if book_marks.watched(tx, system) else {}
    for said in stamps or books.said_of_customers(tx, system):
        account = known.account(said.party_id or None, said.code or None, said.name or None)
        if only is not None and account.key not in only:
            continue
        name = known.entities.get(account.key, account.name) or said.code or said.party_id or None
        if account.key not in by_key or (account.entity is None and (name or "") < (by_key[account.key].name or "")):
            by_key[account.key] = Account(account.key, account.entity, name)
        ways.setdefault(account.key, []).append(said)
    keys = sorted(by_key)
    return Directory(
        tuple(by_key[key] for key in keys),
        tuple((said, place) for place, key in enumerate(keys) for said in sorted(ways[key])),
        {place: [(*said, *stamps[said]) for said in sorted(ways[key])] for place, key in enumerate(keys)}
        if stamps
        else {},
    )


def every_customer(tx: Tx, rules: Rules, who: Directory, as_of: date, *, ahead: bool = False) -> Iterator[Books]:
    """The books of these customers up to a day, in order, within the transaction; only one customer is held at a time.

    They come as they were carried forward where that holds for the day. `ahead`: the others know of their later days, so that
    they can be carried forward.
    """
    stored = allocations.states(tx, rules.lead)
    resting = at_rest(tx, rules, who, stored, as_of)
    if not resting:
        yield from _in_full(tx, rules, who, stored, as_of, (), ahead=ahead)
        return
    whole = len(who) > _FEW
    kept = _Beside(carried.items(tx, rules.lead) if whole else None, lambda key: carried.items_of(tx, rules.lead, key))
    waiting = iter(resting)
    place = next(waiting, None)
    others = _in_full(tx, rules, who, stored, as_of, resting, ahead=ahead)
    for other in chain(others, (None,)):
        while place is not None and (other is None or who.accounts[place].key < other.account.key):
            account = who.accounts[place]
            cash = load_cash(stored[account.key].cash)
            yield CarriedBooks(account, cash, load_items(kept.of(account.key) or "[]"))
            place = next(waiting, None)
        if other is not None:
            yield other


def in_full(tx: Tx, rules: Rules, who: Directory, as_of: date) -> Iterator[CustomerBooks]:
    """The same with all records of every one of these customers."""
    return _in_full(tx, rules, who, allocations.states(tx, rules.lead), as_of, (), ahead=False)


def anew(tx: Tx, rules: Rules, who: Directory, as_of: date, *, but: Collection[int]) -> Iterator[CustomerBooks]:
    """The same, worked out now whatever is stored, of all but those at some places; they can be carried forward."""
    return _in_full(tx, rules, who, {}, as_of, but, ahead=True)


def at_rest(tx: Tx, rules: Rules, who: Directory, stored: dict[str, AccountState], as_of: date) -> dict[int, None]:
    """The places of the customers of whom what was carried forward holds on the day, in order."""
    if not who.stamps:
        return {}
    day = as_of.isoformat()
    found: dict[int, None] = {}
    standings = carried.standings(tx, rules.lead)
    for place, account in enumerate(who.accounts):
        one, state = standings.get(account.key), stored.get(account.key)
        if (
            one is not None
            and state is not None
            and one.from_on <= day
            and (one.before_on is None or day < one.before_on)
            and (state.entity_id, state.name) == (account.entity, account.name)
            and one.marks == who.marks(rules, place)
        ):
            found[place] = None
    return found


def _in_full(
    tx: Tx,
    rules: Rules,
    who: Directory,
    stored: dict[str, AccountState],
    as_of: date,
    but: Collection[int],
    *,
    ahead: bool,
) -> Iterator[CustomerBooks]:
    """The books of customers with their records, all but those at some places."""
    system, day = rules.lead, as_of.isoformat()
    said = [(one, place) for one, place in who.said if place not in but] if but else who.said
    whole = len(said) > _FEW
    kept = _Beside(
        allocations.every(tx, system) if whole else None, lambda key: allocations.of_account(tx, system, key)
    )
    until = date.max if ahead else as_of
    listed = books.rows(tx, system, said, until, with_texts=not stored)  # then all will be worked out
    for place, group in groupby(listed, key=_place):
        account, rows = who.accounts[place], list(group)
        later_on = None
        if ahead:
            later_on = min((row.on for row in rows if row.on > day), default=None)
            rows = rows if later_on is None else [row for row in rows if row.on <= day]
            if not rows:
                continue
        digest, marks = _digest(rules, rows), who.marks(rules, place)
        state = stored.get(account.key)
        if state is not None and state.digest == digest:
            cash = load_cash(state.cash)
            if _in_force(cash, as_of):
                fresh = (state.entity_id, state.name) != (account.entity, account.name)
                applied = kept.of(account.key) or []
                yield CustomerBooks(account, rows, digest, applied, cash, fresh, marks, later_on)
                continue
        made = worked_out(tx, rules, account, rows, as_of, digest)
        yield replace(made, marks=marks, later_on=later_on) if marks else made


def worked_out(
    tx: Tx, rules: Rules, account: Account, rows: Sequence[BookRow], as_of: date, digest: str = ""
) -> CustomerBooks:
    """The same for one customer, with the cash applied now."""
    given = cash_input(rows, books.texts_of(tx, rows), as_of)
    result = apply_cash(given, rules.cash)
    applied = pairs_of(result, given)
    cash = summed(result, given, applied)
    return CustomerBooks(account, rows, digest or _digest(rules, rows), applied, cash, fresh=True)


_FEW = 20


class _Beside(Generic[_T]):
    """What is stored of customers: read along with them if they are many, else one by one."""

    def __init__(self, every: Iterator[tuple[str, _T]] | None, single: Callable[[str], _T]) -> None:
        self._every, self._single = every, single
        self._next: tuple[str, _T] | None = None

    def of(self, account: str) -> _T | None:
        """Ask in ascending order."""
        if self._every is None:
            return self._single(account)
        while self._next is None or self._next[0] < account:
            self._next = next(self._every, None)
            if self._next is None:
                return None
        return self._next[1] if self._next[0] == account else None


def _in_force(cash: Cash, as_of: date) -> bool:
    """Whether what is stored is what would be worked out for this day from the same records."""
    day = as_of.isoformat()
    return (cash.last_on is None or cash.last_on <= day) and (cash.next_on is None or cash.next_on > day)


def _digest(rules: Rules, rows: Sequence[BookRow]) -> str:
    parts = [part for row in rows for part in (f"{row.kind}/{row.external_id}\x1f".encode(), row.canonical_hash)]
    return hashlib.blake2b(rules.fingerprint + b"".join(parts), digest_size=16).hexdigest()
