"""The aging table: open items of all customers by age, per customer, class or salesperson, one currency a row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from operator import add
from typing import Final

import msgspec

from ledgerbridge.model.statement import AgeBase, Aged

from .buckets import DEFAULT_BUCKETS, Buckets


class Grouping(StrEnum):
    """What one row of the table is about."""

    CUSTOMER = "customer"
    CATEGORY = "category"
    SALESPERSON = "salesperson"


@dataclass(frozen=True, slots=True)
class Debtor:
    """A customer as the table names it. `entity` is the customer's id; credit terms are None where none are agreed."""

    entity: str
    name: str
    code: str = ""
    category: str = ""
    salesperson: str = ""
    credit_limit_minor: int | None = None
    credit_currency: str | None = None
    credit_days: int | None = None


class OpenEntry(msgspec.Struct, frozen=True, gc=False):
    """What is left of one document or money movement on the day of the table: + is owed to us; unapplied cash is negative.

    `money`: it is cash that is not applied, which is shown beside the buckets and never netted into one.
    """

    entity: str
    id: str
    number: str
    currency: str
    on: date
    open_minor: int
    due_on: date | None = None
    money: bool = False


@dataclass(frozen=True, slots=True)
class AgingRow:
    """One row: `total_minor` is the sum of the buckets and of `unapplied_minor`. `overdue_minor` is what is past due (by due
    date; None where ages count from the document's date). `oldest_days`: days past due of the oldest open item.
    """

    key: str
    title: str
    currency: str
    buckets: tuple[Aged, ...]
    unapplied_minor: int
    overdue_minor: int | None
    oldest_days: int | None
    customers: int

    @property
    def total_minor(self) -> int:
        """What these customers owe."""
        return sum(aged.amount_minor for aged in self.buckets) + self.unapplied_minor


@dataclass(frozen=True, slots=True)
class AgingTable:
    """All rows by title and currency, and their sums by currency."""

    as_of: date
    base: AgeBase
    grouping: Grouping
    rows: tuple[AgingRow, ...]
    totals: tuple[AgingRow, ...]


class AgingSums:
    """Takes open entries one by one, so that only the rows are held; :meth:`table` gives what came together."""

    def __init__(self, as_of: date, buckets: Buckets = DEFAULT_BUCKETS, grouping: Grouping = Grouping.CUSTOMER) -> None:
        self._as_of = as_of
        self._buckets = buckets
        self._grouping = grouping
        self._rows: dict[tuple[str, str], _Sums] = {}

    def add(self, debtor: Debtor, entries: Iterable[OpenEntry]) -> None:
        """What is open of one customer."""
        key, title = self._group(debtor)
        edges, undated = self._buckets.edges, len(self._buckets.all) - 1
        by_due, today = self._buckets.base is AgeBase.DUE, self._as_of.toordinal()
        currency, sums = "", None
        for entry in entries:
            minor = entry.open_minor
            if not minor:
                continue
            if sums is None or entry.currency != currency:
                currency = entry.currency
                sums = self._sums(debtor.entity, key, title, currency)
            if entry.money:
                sums.unapplied += minor
                continue
            start = entry.due_on if by_due else entry.on
            if start is None:
                place = undated
            else:  # as `Buckets.age` and `Buckets.at` say, without their calls: all open items pass here
                age = today - start.toordinal()
                place = (0 if age <= 0 else bisect_left(edges, age) + 1) if by_due else bisect_left(edges, age)
                if minor > 0 and age > sums.oldest:
                    sums.oldest = age
            sums.minor[place] += minor
            sums.items[place] += 1

    def _sums(self, entity: str, key: str, title: str, currency: str) -> _Sums:
        sums = self._rows.get((key, currency))
        if sums is None:
            sums = self._rows[key, currency] = _Sums(title, len(self._buckets.all))
        sums.entities.add(entity)
        return sums

    def _group(self, debtor: Debtor) -> tuple[str, str]:
        match self._grouping:
            case Grouping.CUSTOMER:
                return debtor.entity, f"{debtor.code} {debtor.name}".strip()
            case Grouping.CATEGORY:
                return debtor.category, debtor.category
            case Grouping.SALESPERSON:
                return debtor.salesperson, debtor.salesperson

    def table(self) -> AgingTable:
        """Rows in the order of their titles (then keys and currencies), totals in the order of currencies."""
        keys = sorted(self._rows, key=lambda key: (self._rows[key].title, *key))
        totals: dict[str, _Sums] = {}
        for key in keys:
            totals.setdefault(key[1], _Sums("", len(self._buckets.all))).include(self._rows[key])
        return AgingTable(
            self._as_of,
            self._buckets.base,
            self._grouping,
            tuple(self._row(key, currency, self._rows[key, currency]) for key, currency in keys),
            tuple(self._row("", currency, totals[currency]) for currency in sorted(totals)),
        )

    def _row(self, key: str, currency: str, sums: _Sums) -> AgingRow:
        filled = tuple(
            Aged(bucket=bucket, amount_minor=minor, items=count)
            for bucket, minor, count in zip(self._buckets.all, sums.minor, sums.items, strict=True)
        )
        by_due = self._buckets.base is AgeBase.DUE
        late = sum(aged.amount_minor for aged in filled if aged.bucket.first is not None) if by_due else None
        oldest = None if sums.oldest == _NEVER else sums.oldest
        return AgingRow(key, sums.title, currency, filled, sums.unapplied, late, oldest, len(sums.entities))


_NEVER: Final = -(10**9)
"""Younger than any age: nothing is open."""


class _Sums:
    """One row in the making."""

    __slots__ = ("entities", "items", "minor", "oldest", "title", "unapplied")

    def __init__(self, title: str, buckets: int) -> None:
        self.title = title
        self.minor = [0] * buckets
        self.items = [0] * buckets
        self.unapplied = 0
        self.oldest = _NEVER
        self.entities: set[str] = set()

    def include(self, other: _Sums) -> None:
        """Add another row's sums."""
        self.minor = list(map(add, self.minor, other.minor))
        self.items = list(map(add, self.items, other.items))
        self.unapplied += other.unapplied
        self.oldest = max(self.oldest, other.oldest)
        self.entities |= other.entities


def aging_table(
    debtors: Iterable[tuple[Debtor, Iterable[OpenEntry]]],
    as_of: date,
    buckets: Buckets = DEFAULT_BUCKETS,
    grouping: Grouping = Grouping.CUSTOMER,
) -> AgingTable:
    """The table of these customers; the same for them in any order."""
    sums = AgingSums(as_of, buckets, grouping)
    for debtor, entries in debtors:
        sums.add(debtor, entries)
    return sums.table()
