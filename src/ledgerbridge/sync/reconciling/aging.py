"""The aging table as of any day, from the books of that day, streamed customer by customer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from ledgerbridge.reconciler.aging import AgingSums, AgingTable, Buckets, Debtor, Grouping, OpenEntry
from ledgerbridge.store import Tx

from .books import directory, every_customer
from .debtors import Debtors
from .rules import Rules


def open_items(
    tx: Tx, rules: Rules, as_of: date, *, only: Collection[str] | None = None
) -> Iterator[tuple[Debtor, list[OpenEntry]]]:
    """Every customer with anything open on the day: documents and unapplied cash, in the order of their accounts."""
    debtors = Debtors(tx, rules.lead, rules.base_currency)
    who = directory(tx, rules.lead, None if only is None else frozenset(only))
    for books in every_customer(tx, rules, who, as_of):
        entries = sorted(books.open_entries(), key=lambda entry: (entry.currency, entry.due_on or entry.on, entry.id))
        if entries:
            yield debtors.of(books.account), entries


def aging(
    tx: Tx,
    rules: Rules,
    as_of: date,
    *,
    buckets: Buckets | None = None,
    grouping: Grouping = Grouping.CUSTOMER,
    only: Collection[str] | None = None,
) -> AgingTable:
    """The table; memory grows with its rows."""
    sums = AgingSums(as_of, buckets or rules.buckets, grouping)
    for debtor, entries in open_items(tx, rules, as_of, only=only):
        sums.add(debtor, entries)
    return sums.table()
