"""The leading system's books, customer by customer, with the cash applied: as it is stored where nothing has changed, else
worked out anew. So whoever reads them sees what the copies say now, whether a reconciliation has run since or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.ledger import Account
from ledgerbridge.reconciler.aging import OpenEntry
from ledgerbridge.store import Tx, allocations, books, ledgers
from ledgerbridge.store.allocations import AccountState, AppliedRow, Replacement
from ledgerbridge.store.books import BookRow, Said

from .cash import apply_cash, cash_input, document_id, pairs_of, payments_of
from .outcome import Cash, load_cash, summed
from .rules import Rules

_INVOICE: Final = Kind.INVOICE.value
_PAYMENT: Final = Kind.PAYMENT.value
_place: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class CustomerBooks:
    """One customer's records up to a day, and what of them is applied to what. `fresh`: worked out now, not as stored."""

    account: Account
    rows: Sequence[BookRow]
    digest: str
    applied: Sequence[AppliedRow]
    cash: Cash
    fresh: bool

    @property
    def entity(self) -> str:
        """The customer's id: its entity, or the account's key where it has none."""
        return self.account.entity or self.account.key

    def replacement(self) -> Replacement:
        """The same, to be stored."""
        state = AccountState(
            self.account.key, self.account.entity, self.account.name, self.digest, self.cash.dump()
        )  # fmt: skip
        return Replacement(state, self.applied)

    def open_entries(self) -> Iterator[OpenEntry]:
        """What is left of every document and money movement, by what it does to the balance; nothing left: left out."""
        left: dict[str, int] = {}
        for _, _, debit, credit, minor, *_ in self.applied:
            left[debit] = left.get(debit, 0) - minor
            left[credit] = left.get(credit, 0) + minor
        payments = []
        for row in self.rows:
            if row.kind == _INVOICE:
                own = document_id(_INVOICE, row.external_id)
                if rest := row.amount_minor + left.get(own, 0):
                    yield self._entry(own, row, rest, money=False)
            elif row.kind == _PAYMENT:
                payments.append(row)
        for whole in payments_of(payments):
            own = document_id(_PAYMENT, whole[0].external_id)
            worth = 0
            for row in whole:
                worth += row.amount_minor + (row.fee_minor or 0)
            if rest := left.get(own, 0) - worth:
                yield self._entry(own, whole[0], rest, money=True)

    def _entry(self, own: str, row: BookRow, rest: int, *, money: bool) -> OpenEntry:
        return OpenEntry(
            entity=self.entity,
            id=own,
            number=row.number or row.external_id,
            currency=row.currency,
            on=date.fromisoformat(row.on),
            open_minor=rest,
            due_on=date.fromisoformat(row.due_on) if row.due_on and not money else None,
            money=money,
        )


@dataclass(frozen=True, slots=True)
class Directory:
    """All customers of the leading system's records, in the order in which their books are read."""

    accounts: tuple[Account, ...]
    said: tuple[tuple[Said, int], ...]

    def __len__(self) -> int:
        return len(self.accounts)


def directory(tx: Tx, system: str, only: Collection[str] | None = None) -> Directory:
    """The customers that records of a system name; `only`: those of these account keys."""
    known = ledgers.accounts(tx, system)
    by_key: dict[str, Account] = {}
    ways: dict[str, list[Said]] = {}
    for said in books.said_of_customers(tx, system):
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
    )


def every_customer(tx: Tx, rules: Rules, who: Directory, as_of: date) -> Iterator[CustomerBooks]:
    """The books of these customers up to a day, in order, within the transaction; only one customer is held at a time."""
    stored = allocations.states(tx, rules.lead)
    kept = _Kept(tx, rules.lead, whole=len(who) > _FEW)
    listed = books.rows(tx, rules.lead, who.said, as_of, with_texts=not stored)  # then all will be worked out
    for place, group in groupby(listed, key=_place):
        account, rows = who.accounts[place], list(group)
        digest = _digest(rules, rows)
        state = stored.get(account.key)
        if state is not None and state.digest == digest:
            cash = load_cash(state.cash)
            if _in_force(cash, as_of):
                fresh = (state.entity_id, state.name) != (account.entity, account.name)
                yield CustomerBooks(account, rows, digest, kept.of(account.key), cash, fresh)
                continue
        yield worked_out(tx, rules, account, rows, as_of, digest)


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


class _Kept:
    """What is stored as applied: read along with the customers if they are many, else one by one."""

    def __init__(self, tx: Tx, system: str, *, whole: bool) -> None:
        self._tx, self._system = tx, system
        self._all = allocations.every(tx, system) if whole else None
        self._next: tuple[str, list[AppliedRow]] | None = None

    def of(self, account: str) -> list[AppliedRow]:
        """Ask in ascending order."""
        if self._all is None:
            return allocations.of_account(self._tx, self._system, account)
        while self._next is None or self._next[0] < account:
            found = next(self._all, None)
            if found is None:
                return []
            self._next = found
        return self._next[1] if self._next[0] == account else []


def _in_force(cash: Cash, as_of: date) -> bool:
    """Whether what is stored is what would be worked out for this day from the same records."""
    day = as_of.isoformat()
    return (cash.last_on is None or cash.last_on <= day) and (cash.next_on is None or cash.next_on > day)


def _digest(rules: Rules, rows: Sequence[BookRow]) -> str:
    parts = [part for row in rows for part in (f"{row.kind}/{row.external_id}\x1f".encode(), row.canonical_hash)]
    return hashlib.blake2b(rules.fingerprint + b"".join(parts), digest_size=16).hexdigest()
