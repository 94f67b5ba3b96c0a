"""What all customers come to together: cash by pass, open items by age, collection figures. Grows with days and currencies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.reconciliation import AgedCurrency, AppliedCash, CollectionLine, PassLine
from ledgerbridge.model.statement import AgeBase, Aging
from ledgerbridge.reconciler.aging import (
    AgingSums,
    Buckets,
    Debtor,
    Grouping,
    Movement,
    OpenEntry,
    collection,
)
from ledgerbridge.reconciler.allocation import Rule
from ledgerbridge.store.book_marks import DaySum

from .books import Books, CustomerBooks
from .rules import Rules

_ALL = Debtor("", "")
"""Every customer: the sums of all must not hold every customer's id."""
_INVOICE: Final = Kind.INVOICE.value
_ALLOCATION: Final = Kind.ALLOCATION.value
_BROUGHT_IN: Final = InvoiceKind.OPENING_BALANCE.value


class Totals:
    """Takes customer after customer; then ask for the lines of the summary."""

    def __init__(self, rules: Rules, as_of: date) -> None:
        self.as_of = as_of
        self.customers = 0
        self._first_day = as_of - timedelta(days=rules.collection_days - 1)
        self._cash: dict[str, list[int]] = {}
        self._passes: dict[tuple[str, str], list[int]] = {}
        self._buckets = rules.buckets
        self._aging = AgingSums(as_of, rules.buckets, Grouping.CATEGORY)
        by_due = Buckets(rules.buckets.edges, AgeBase.DUE)
        self._late = AgingSums(as_of, by_due, Grouping.CATEGORY)
        self._moved: dict[tuple[str, str, bool, bool], int] = {}

    @property
    def applied(self) -> dict[str, int]:
        """Money explained so far, by currency."""
        return {currency: sums[2] for currency, sums in self._cash.items()}

    def add(self, books: Books, entries: Iterable[OpenEntry]) -> None:
        """One customer's cash and open entries."""
        self.customers += 1
        for currency, one in books.cash.tallies.items():
            sums = self._cash.setdefault(currency, [0] * 6)
            values = (one.payments, one.paid, one.applied, one.ambiguous, one.unapplied, one.full)
            for at, value in enumerate(values):
                sums[at] += value
        for done in books.cash.passes:
            line = self._passes.setdefault((done.rule, done.currency), [0, 0, 0])
            for at, count in enumerate((done.matches, done.payments, done.minor)):
                line[at] += count
        entries = list(entries)
        self._aging.add(_ALL, entries)
        self._late.add(_ALL, entries)

    def add_days(self, days: Iterable[DaySum]) -> None:
        """What all records of all customers move, by day."""
        for kind, currency, on, brought_in, minor in days:
            at_day = currency, on, kind is Kind.INVOICE, brought_in
            self._moved[at_day] = self._moved.get(at_day, 0) + minor

    def add_records(self, books: CustomerBooks) -> None:
        """What one customer's records move, where only some customers are looked at."""
        for row in books.rows:
            if row.kind == _ALLOCATION:
                continue
            sale = row.kind == _INVOICE
            minor = row.amount_minor if sale else -(row.amount_minor + (row.fee_minor or 0))
            at_day = row.currency, row.on, sale, row.doc_kind == _BROUGHT_IN
            self._moved[at_day] = self._moved.get(at_day, 0) + minor

    def passes(self) -> tuple[PassLine, ...]:
        """What each pass settled, in the order of the passes."""
        order = {rule.value: at for at, rule in enumerate(Rule)}
        return tuple(
            PassLine(rule=rule, currency=currency, matches=line[0], payments=line[1], minor=line[2])
            for (rule, currency), line in sorted(
                self._passes.items(), key=lambda pair: (pair[0][1], order.get(pair[0][0], 99))
            )
        )

    def cash(self) -> tuple[AppliedCash, ...]:
        """Every payment: applied, ambiguous or left."""
        return tuple(
            AppliedCash(
                currency=currency,
                payments=sums[0],
                paid_minor=sums[1],
                applied_minor=sums[2],
                ambiguous_minor=sums[3],
                unapplied_minor=sums[4],
                payments_applied=sums[5],
            )
            for currency, sums in sorted(self._cash.items())
        )

    def aging(self) -> tuple[AgedCurrency, ...]:
        """The strip of all customers together."""
        return tuple(
            AgedCurrency(
                currency=row.currency,
                aging=Aging(
                    base=self._buckets.base,
                    as_of=self.as_of,
                    buckets=row.buckets,
                    unapplied_minor=row.unapplied_minor,
                ),
            )
            for row in self._aging.table().totals
        )

    def collection(self) -> tuple[CollectionLine, ...]:
        """Sales, money in, DSO and the like over the period that ends on the day."""
        late = {row.currency: row.overdue_minor or 0 for row in self._late.table().totals}
        lines = []
        for currency, moved in groupby(sorted(self._moved.items()), key=lambda item: item[0][0]):
            movements = (
                Movement(date.fromisoformat(on), minor, sale=sale, brought_in=brought_in)
                for (_, on, sale, brought_in), minor in moved
            )
            lines.append(collection(currency, movements, self._first_day, self.as_of, late.get(currency, 0)))
        return tuple(lines)
