"""The books of one system as cash application and statements read them: customer by customer, nothing held for long.

Only live, approved records count. The texts of a record are fetched apart and only for the customers that need them.
"""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, NamedTuple

from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import DocumentStatus

from . import bulk
from .tx import Tx

BOOK_KINDS: Final = (Kind.INVOICE, Kind.PAYMENT, Kind.ALLOCATION)
_FETCH: Final = 1000
_SERVER_MIB: Final = 64
_IN_KINDS: Final = "o.kind IN ('invoice', 'payment', 'allocation')"


class Said(NamedTuple):
    """What documents say of their customer: id, code, name; empty where they say nothing."""

    party_id: str
    code: str
    name: str


class BookRow(NamedTuple):
    """One document, money movement or write-off of a customer. `place` is that of the customer among those asked for.

    Amounts in minor units with their sign; `on` and `due_on` ISO dates.
    """

    place: int
    id: int
    kind: str
    external_id: str
    number: str | None
    part: str | None
    currency: str
    amount_minor: int
    fee_minor: int | None
    on: str
    due_on: str | None
    doc_kind: str | None
    canonical_hash: bytes
    canonical: bytes | None
    """Its text, where the rows were asked for with texts."""


def said_of_customers(tx: Tx, system: str) -> list[Said]:
    """All ways in which the records of a system name their customers; grows with the customers."""
    sql = f"""
        SELECT DISTINCT coalesce(o.party_id, ''), coalesce(o.party_code, ''), coalesce(o.party_name, '')
        FROM observed o WHERE o.system = ? AND {_IN_KINDS} AND o.state = 'live'
    """
    return [Said._make(row) for row in bulk.rows_of(tx, sql, (system,))]


def rows(
    tx: Tx, system: str, customers: Sequence[tuple[Said, int]], as_of: date, *, with_texts: bool = False
) -> Iterator[BookRow]:
    """The records dated up to `as_of` of all given customers, by place, kind and external id, streamed.

    `with_texts`: cheaper than :func:`texts` if most customers need theirs. `customers` are the ways in which documents name them,
    each with the place of the customer: several ways may share one.
    """
    if not customers:
        return
    if tx.sqlite:
        listed = "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)"
        parameters: list[Any] = [json.dumps([[*said, place] for said, place in customers])]
    else:
        listed = "SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::int[])"
        parameters = [list(column) for column in zip(*((*said, place) for said, place in customers), strict=True)]
    text, body = ("b.canonical", "JOIN observed_body b ON b.id = o.id") if with_texts else ("NULL", "")
    wanted = f"""
        s.party_id = coalesce(o.party_id, '') AND s.code = coalesce(o.party_code, '') AND s.name = coalesce(o.party_name, '')
        AND o.system = ? AND {_IN_KINDS} AND o.state = 'live' AND o.doc_status = '{DocumentStatus.APPROVED}'
        AND o.business_on <= ? ORDER BY s.place, o.kind, o.external_id
    """
    columns = f"""
        s.place, o.id, o.kind, o.external_id, o.number, o.part, o.currency, o.amount_minor, o.fee_minor, o.business_on,
        o.due_on, o.doc_kind, coalesce(o.canonical_hash, {"x''" if tx.sqlite else "''::bytea"}), {text}
    """
    if tx.sqlite:
        # SQLite sorts in memory here: only what the order goes by, never the rows; LIMIT keeps it from leaving the sorting
        # out, CROSS from changing the order. Without statistics of what is listed it would also walk the records once for
        # every customer.
        sql = f"""
            WITH said (party_id, code, name, place) AS MATERIALIZED ({listed}), sorted (place, id) AS MATERIALIZED (
                SELECT s.place, o.id FROM observed o CROSS JOIN said s WHERE {wanted} LIMIT -1
            )
            SELECT {columns} FROM sorted s CROSS JOIN observed o ON o.id = s.id {"CROSS " if body else ""}{body}
        """
    else:
        sql = f"""
            WITH said (party_id, code, name, place) AS MATERIALIZED ({listed})
            SELECT {columns} FROM observed o {body} JOIN said s ON {wanted}
        """
    found = streamed(tx, sql, (*parameters, system, as_of.isoformat()), name="ledgerbridge_books")
    yield from map(partial(tuple.__new__, BookRow), found)  # _make without a step of Python's for every row


def rows_by_id(tx: Tx, ids: Collection[int]) -> dict[int, BookRow]:
    """Records with their texts, by their own ids; the place of each is 0."""
    sql = f"""
        SELECT 0, o.id, o.kind, o.external_id, o.number, o.part, o.currency, o.amount_minor, o.fee_minor, o.business_on,
            o.due_on, o.doc_kind, coalesce(o.canonical_hash, {"x''" if tx.sqlite else "''::bytea"}), b.canonical
        FROM observed o JOIN observed_body b ON b.id = o.id WHERE
    """
    found: dict[int, BookRow] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), _FETCH):
        condition, parameter = bulk.among(tx, "o.id", wanted[at : at + _FETCH])
        found.update((row[1], BookRow._make(row)) for row in bulk.rows_of(tx, sql + condition, (parameter,)))
    return found


def numbers(tx: Tx, system: str, kind: Kind, external_ids: Collection[str]) -> dict[str, tuple[str | None, str]]:
    """Number and day (ISO) of records, by their external ids."""
    found: dict[str, tuple[str | None, str]] = {}
    wanted = sorted(external_ids)
    for at in range(0, len(wanted), _FETCH):
        condition, parameter = bulk.among(tx, "external_id", wanted[at : at + _FETCH])
        sql = f"SELECT external_id, number, business_on FROM observed WHERE {condition} AND system = ? AND kind = ?"
        found.update((row[0], row[1:]) for row in bulk.rows_of(tx, sql, (parameter, system, kind.value)))
    return found


def texts_of(tx: Tx, some: Sequence[BookRow]) -> dict[int, bytes]:
    """The canonical JSON of rows, by their copies' ids: as it was read with them, else read now."""
    read = {row.id: row.canonical for row in some if row.canonical is not None}
    return read or texts(tx, [row.id for row in some])


def texts(tx: Tx, ids: Collection[int]) -> dict[int, bytes]:
    """The canonical JSON of copies, by their own ids."""
    found: dict[int, bytes] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), _FETCH):
        condition, parameter = bulk.among(tx, "id", wanted[at : at + _FETCH])
        found.update(bulk.rows_of(tx, f"SELECT id, canonical FROM observed_body WHERE {condition}", (parameter,)))
    return found


class SeenPayment(NamedTuple):
    """A live, approved payment with its text, of whatever customer."""

    external_id: str
    canonical_hash: bytes
    currency: str
    amount_minor: int
    on: str
    party_id: str | None
    party_code: str | None
    party_name: str | None
    canonical: bytes


def payments(tx: Tx, system: str, first: date, last: date) -> Iterator[SeenPayment]:
    """All payments of a system received in a stretch of days, by external id, streamed."""
    sql = """
        SELECT o.external_id, o.canonical_hash, o.currency, o.amount_minor, o.business_on, o.party_id, o.party_code,
            o.party_name, b.canonical
        FROM observed o JOIN observed_body b ON b.id = o.id
        WHERE o.system = ? AND o.kind = 'payment' AND o.state = 'live' AND o.doc_status = 'approved'
            AND o.business_on BETWEEN ? AND ? ORDER BY o.external_id
    """
    given = (system, first.isoformat(), last.isoformat())
    for row in streamed(tx, sql, given, name="ledgerbridge_payments"):
        yield SeenPayment._make((row[0], bytes(row[1] or b""), *row[2:8], bytes(row[8])))


def streamed(tx: Tx, sql: str, parameters: Sequence[Any], *, name: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, some at a time. `name` must differ from that of any other query under way in the transaction."""
    if tx.sqlite:
        cursor = tx.cursor()
        cursor.execute(sql, parameters)
    else:
        driver: Any = tx.connection.connection.driver_connection
        cursor = driver.cursor(name=name)
        for setting in ("jit = off", f"work_mem = '{_SERVER_MIB}MB'"):
            bulk.run(tx, f"SET LOCAL {setting}", ())
        cursor.execute(sql.replace("?", "%s"), parameters)
    try:
        while found := cursor.fetchmany(_FETCH):
            yield from found
    finally:
        cursor.close()
