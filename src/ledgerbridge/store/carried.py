"""What is carried forward of customers' books: open items, balances by month, and where the history behind them stands.

It is written together with the allocations that it belongs to (:func:`ledgerbridge.store.allocations.replace`), and counts for
nothing once the customer's marks (:mod:`ledgerbridge.store.book_marks`) say otherwise.
"""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from . import bulk
from .books import streamed
from .tables_books import book_carry, book_year
from .tx import Tx

TABLES: Final = ("book_year", "book_carry")
_PAGE: Final = 1_000


class Carry(NamedTuple):
    """A customer's books as they are from the business day `from_on` until before `before_on` (ISO; None: for good, as far as
    is known), while its `marks` stay the same. `items` is JSON; `years` has the months of each year as JSON.
    """

    account: str
    marks: str
    from_on: str
    before_on: str | None
    items: str
    years: Sequence[tuple[int, str]]


class Standing(NamedTuple):
    """When a carry counts."""

    marks: str
    from_on: str
    before_on: str | None


def write(tx: Tx, system: str, carries: Sequence[Carry]) -> None:
    """Keep carries of customers that have none."""
    columns = ("system", "account", "marks", "from_on", "before_on", "items")
    bulk.insert(tx, book_carry, columns, [(system, *one[:5]) for one in carries])
    years = [(system, one.account, year, months) for one in carries for year, months in one.years]
    bulk.insert(tx, book_year, ("system", "account", "year", "months"), years)


def standings(tx: Tx, system: str) -> dict[str, Standing]:
    """Of every customer with a carry; grows with the customers."""
    sql = "SELECT account, marks, from_on, before_on FROM book_carry WHERE system = ?"
    return {row[0]: Standing._make(row[1:]) for row in bulk.rows_of(tx, sql, (system,))}


def items(tx: Tx, system: str) -> Iterator[tuple[str, str]]:
    """The open items (JSON) of all customers, in the order of their accounts, streamed."""
    sql = "SELECT account, items FROM book_carry WHERE system = ? ORDER BY account"
    for row in streamed(tx, sql, (system,), name="ledgerbridge_carried"):
        yield row[0], row[1]


def items_of(tx: Tx, system: str, account: str) -> str:
    """The same of one customer that has a carry."""
    sql = "SELECT items FROM book_carry WHERE system = ? AND account = ?"
    return str(bulk.rows_of(tx, sql, (system, account))[0][0])


def years(tx: Tx, system: str, accounts: Collection[str], first: int, last: int) -> dict[str, list[tuple[int, str]]]:
    """The years from `first` to `last` of these customers, ascending; also the one before them where `first` has nothing."""
    found: dict[str, list[tuple[int, str]]] = {account: [] for account in accounts}
    listed = sorted(accounts)
    for at in range(0, len(listed), _PAGE):
        condition, parameter = bulk.among(tx, "y.account", listed[at : at + _PAGE])
        sql = f"""
            SELECT y.account, y.year, y.months FROM book_year y WHERE {condition} AND y.system = ? AND y.year <= ?
            AND y.year >= coalesce((SELECT max(z.year) FROM book_year z
                WHERE z.system = y.system AND z.account = y.account AND z.year <= ?), ?) ORDER BY y.account, y.year
        """
        for account, year, months in bulk.rows_of(tx, sql, (parameter, system, last, first, first)):
            found[account].append((year, months))
    return found


def of_account(tx: Tx, system: str, account: str) -> Carry | None:
    """All that is carried forward of one customer."""
    key = system, account
    sql = "SELECT account, marks, from_on, before_on, items FROM book_carry WHERE system = ? AND account = ?"
    found = bulk.rows_of(tx, sql, key)
    of_years = bulk.rows_of(
        tx, "SELECT year, months FROM book_year WHERE system = ? AND account = ? ORDER BY year", key
    )
    return Carry._make((*found[0], [(row[0], row[1]) for row in of_years])) if found else None
