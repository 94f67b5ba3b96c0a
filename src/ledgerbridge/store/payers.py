"""Bank rows and what became of them, and the payers learned on the way."""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from . import bulk
from .books import streamed
from .tables_books import bank_row
from .tx import Tx

_CHUNK: Final = 1000


class BankRowState(NamedTuple):
    """What became of one row of a bank. `outcome`: `booked` (as the payment `payment_id` of the leading system), `own` (money
    moved between our own accounts), or a :class:`ledgerbridge.reconciler.bankrows.RowOutcome`.

    `customer` is an account's key; `content` is JSON for people: the row, the readings, why.
    """

    external_id: str
    canonical_hash: bytes
    outcome: str
    payment_id: str | None
    customer: str | None
    content: str


class PayerRow(NamedTuple):
    """A payer's account or name (the other is empty) that has paid for a customer, and how that is known."""

    account: str
    name: str
    customer: str
    confirmed: str
    times: int


_FIELDS: Final = ", ".join(BankRowState._fields)


def known_rows(tx: Tx, system: str) -> Iterator[BankRowState]:
    """What is kept of a bank's rows, by external id, streamed."""
    sql = f"SELECT {_FIELDS} FROM bank_row WHERE system = ? ORDER BY external_id"
    for row in streamed(tx, sql, (system,), name="ledgerbridge_bank_rows"):
        yield BankRowState(row[0], bytes(row[1]), *row[2:])


def find_row(tx: Tx, external_id: str) -> list[tuple[str, BankRowState]]:
    """A row by its id, in whatever bank system: (system, row)."""
    sql = f"SELECT system, {_FIELDS} FROM bank_row WHERE external_id = ? ORDER BY system"
    rows = bulk.rows_of(tx, sql, (external_id,))
    return [(row[0], BankRowState(row[1], bytes(row[2]), *row[3:])) for row in rows]


def replace_rows(tx: Tx, system: str, rows: Sequence[BankRowState], *, gone: Collection[str], now_us: int) -> None:
    """Keep what became of rows; `gone` are ids of rows that the bank's statement no longer has."""
    listed = [*gone, *(row.external_id for row in rows)]
    for at in range(0, len(listed), _CHUNK):
        condition, parameter = bulk.among(tx, "external_id", listed[at : at + _CHUNK])
        sql = f"DELETE FROM bank_row WHERE {condition} AND system = ?"
        tx.cursor().execute(sql if tx.sqlite else sql.replace("?", "%s"), (parameter, system))
    columns = ("system", *BankRowState._fields, "read_us")
    bulk.insert(tx, bank_row, columns, [(system, *row, now_us) for row in rows])


def counts(tx: Tx) -> dict[tuple[str, str], int]:
    """How many rows there are by (system, outcome)."""
    sql = "SELECT system, outcome, count(*) FROM bank_row GROUP BY system, outcome ORDER BY system, outcome"
    return {(row[0], row[1]): int(row[2]) for row in bulk.rows_of(tx, sql, ())}


def learned(tx: Tx) -> list[PayerRow]:
    """All payers; grows with the customers and those who pay for them."""
    sql = "SELECT account, name, customer, confirmed, times FROM payer ORDER BY account, name, customer, confirmed"
    return [PayerRow._make(row) for row in bulk.rows_of(tx, sql, ())]


def learn(tx: Tx, rows: Sequence[PayerRow], *, now_us: int) -> None:
    """Keep payers; the times of one that is known are set anew, not added up."""
    sql = """
        INSERT INTO payer (account, name, customer, confirmed, times, seen_us) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (account, name, customer, confirmed) DO UPDATE SET times = excluded.times, seen_us = excluded.seen_us
    """
    for row in rows:
        bulk.run(tx, sql, (*row, now_us))
