"""Cash as it was applied, customer by customer: kept with a digest of what went in, so that who is unchanged is passed over."""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, groupby, repeat
from typing import Any, Final, NamedTuple

from . import bulk, carried
from .books import streamed
from .tables_books import allocation_result, book_account
from .tx import Tx

LOCK: Final = "allocations"
"""For ``Store.writing(lock=…)``."""
_CHUNK: Final = 1000


class AppliedRow(NamedTuple):
    """`amount_minor` (above 0) of what lowers the balance (`credit_id`) applied to what raised it (`debit_id`).

    Ids are `invoice/EXTERNAL ID`, `payment/EXTERNAL ID` or, for what is written off, `difference/…`. `evidence` is a JSON
    list of texts, on the first row of each match.
    """

    match_no: int
    currency: str
    debit_id: str
    credit_id: str
    amount_minor: int
    effective_on: str
    rule: str
    confidence: str
    difference: str
    limit_name: str | None
    evidence: str | None


class AccountState(NamedTuple):
    """A customer of the leading system as cash was applied. `cash` is JSON: sums and what is left, by payment."""

    account: str
    entity_id: str | None
    name: str | None
    digest: str
    cash: str


class Replacement(NamedTuple):
    """What a customer's cash application came to now, and what of its books is carried forward with it."""

    state: AccountState
    rows: Sequence[AppliedRow]
    carry: carried.Carry | None = None


_STATE: Final = ", ".join(AccountState._fields)
_ROW: Final = ", ".join(AppliedRow._fields)
_PLACES_SQLITE: Final = """
SELECT {columns} FROM json_each(?) k CROSS JOIN allocation_result a
WHERE a.system = ? AND a.account = k.value ->> 0 AND a.seq = k.value ->> 1 ORDER BY a.account, a.seq
"""
_PLACES_POSTGRES: Final = """
SELECT {columns} FROM json_array_elements(?::json) AS k (value) CROSS JOIN LATERAL (
    SELECT * FROM allocation_result a
    WHERE a.system = ? AND a.account = (k.value ->> 0) COLLATE "C" AND a.seq = (k.value ->> 1)::bigint OFFSET 0
) AS a ORDER BY a.account, a.seq
"""


def states(tx: Tx, system: str) -> dict[str, AccountState]:
    """Every customer of a system by account; grows with the customers."""
    rows = bulk.rows_of(tx, f"SELECT {_STATE} FROM book_account WHERE system = ? ORDER BY account", (system,))
    return {row[0]: AccountState._make(row) for row in rows}


def state_of(tx: Tx, system: str, account: str) -> AccountState | None:
    """One customer."""
    sql = f"SELECT {_STATE} FROM book_account WHERE system = ? AND account = ?"
    rows = bulk.rows_of(tx, sql, (system, account))
    return AccountState._make(rows[0]) if rows else None


def replace(tx: Tx, system: str, some: Sequence[Replacement]) -> None:
    """Put new results in the place of what these customers had. The caller holds :data:`LOCK`."""
    forget(tx, system, [one.state.account for one in some])
    bulk.insert(
        tx, book_account, ("system", *AccountState._fields), [(system, *one.state) for one in some]
    )  # fmt: skip
    rows = [row for one in some for row in one.rows]
    if rows:
        columns: dict[str, Sequence[Any] | bulk.Same] = {
            "system": bulk.Same(system),
            "account": list(chain.from_iterable(repeat(one.state.account, len(one.rows)) for one in some)),
            "seq": list(chain.from_iterable(range(len(one.rows)) for one in some)),
            **dict(zip(AppliedRow._fields, zip(*rows, strict=True), strict=True)),
        }
        bulk.insert_columns(tx, allocation_result, columns, len(rows))
    carried.write(tx, system, [one.carry for one in some if one.carry is not None])


def forget(tx: Tx, system: str, accounts: Collection[str]) -> None:
    """Remove what is kept of customers."""
    listed = list(accounts)
    for at in range(0, len(listed), _CHUNK):
        condition, parameter = bulk.among(tx, "account", listed[at : at + _CHUNK])
        for table in ("allocation_result", "book_account", *carried.TABLES):
            sql = f"DELETE FROM {table} WHERE {condition} AND system = ?"
            tx.cursor().execute(sql if tx.sqlite else sql.replace("?", "%s"), (parameter, system))


def every(tx: Tx, system: str) -> Iterator[tuple[str, list[AppliedRow]]]:
    """Customers with anything applied, in the order of their accounts, streamed."""
    sql = f"SELECT account, {_ROW} FROM allocation_result WHERE system = ? ORDER BY account, seq"
    found = streamed(tx, sql, (system,), name="ledgerbridge_allocations")
    for account, rows in groupby(found, key=lambda row: row[0]):
        yield account, [AppliedRow._make(row[1:]) for row in rows]


def of_account(tx: Tx, system: str, account: str) -> list[AppliedRow]:
    """What is applied in one customer."""
    sql = f"SELECT {_ROW} FROM allocation_result WHERE system = ? AND account = ? ORDER BY seq"
    return [AppliedRow._make(row) for row in bulk.rows_of(tx, sql, (system, account))]


def of_places(tx: Tx, system: str, places: Sequence[tuple[str, int]]) -> list[tuple[str, AppliedRow]]:
    """Single rows by (account, seq), with their accounts, in that order."""
    columns = f"a.account, {', '.join(f'a.{name}' for name in AppliedRow._fields)}"
    sql = (_PLACES_SQLITE if tx.sqlite else _PLACES_POSTGRES).format(columns=columns)
    return [(row[0], AppliedRow._make(row[1:])) for row in bulk.rows_of(tx, sql, (json.dumps(places), system))]


def digest(tx: Tx) -> str:
    """Of everything that was applied and why, in every system: equal books give equal digests on both engines."""
    hashed = hashlib.blake2b(digest_size=16)
    states_sql = f"SELECT system, {_STATE} FROM book_account ORDER BY system, account"
    rows_sql = f"SELECT system, account, seq, {_ROW} FROM allocation_result ORDER BY system, account, seq"
    for sql, name in ((states_sql, "ledgerbridge_digest_states"), (rows_sql, "ledgerbridge_digest_rows")):
        for row in streamed(tx, sql, (), name=name):
            hashed.update(repr(tuple(row)).encode())
    return hashed.hexdigest()
