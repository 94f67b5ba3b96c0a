"""Whose books have changed: kept by the writers of copies themselves, in the same transaction, so that who reads the books need
not look through all records to find out.

A system is watched from its first reconciliation on (:func:`watch`): before that nothing of its books is carried forward, so
that a first load pays nothing. From then on every write of a record draws a new stamp for the customers that it concerned
before and after, and moves the sums of its day.
"""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import DocumentStatus, InvoiceKind

from . import bulk, facts
from .books import BOOK_KINDS, Said
from .tx import Tx

LOCK: Final = "books/watch"
"""For ``Store.writing(lock=…)`` around :func:`watch`."""
_FACT: Final = "books_watched/"
_KINDS: Final = frozenset(BOOK_KINDS)
_SAID: Final = "coalesce(party_id, ''), coalesce(party_code, ''), coalesce(party_name, '')"
_BROUGHT_IN: Final = f"coalesce(doc_kind, '') = '{InvoiceKind.OPENING_BALANCE}'"
_DAY: Final = "currency, business_on, brought_in, records, minor"
_HALF: Final = 1 << 32
_LAST_DAY: Final = "9999-12-31"
_COUNTS: Final = f"doc_status = '{DocumentStatus.APPROVED}' AND business_on IS NOT NULL"


class DaySum(NamedTuple):
    """What all records of a kind, dated on a day, do to all balances together: + raises them. `brought_in`: opening balances."""

    kind: Kind
    currency: str
    on: str
    brought_in: bool
    minor: int


_Day = tuple[str, str, bool]
"""Currency, business day (ISO), whether it is of opening balances."""
_NONE: Final = (0, 0)


@dataclass(slots=True)
class Held:
    """What some live copies come to: how many name a customer so, and what those that count move by day."""

    parties: dict[Said, int] = field(default_factory=dict)
    days: dict[_Day, tuple[int, int]] = field(default_factory=dict)
    """Records and minor units."""


def watched(tx: Tx, system: str) -> bool:
    """Whether the writers of a system's copies keep its marks."""
    return bool(bulk.rows_of(tx, "SELECT 1 FROM workspace WHERE name = ?", (_FACT + system,)))


def watch(tx: Tx, system: str, take_turn: Sequence[str], *, anew: bool = False) -> None:
    """Begin to keep marks of a system, from all its copies as they are. `take_turn`: the locks of its writers; those that write
    now are waited for, and whoever comes later sees that the system is watched. `anew`: even if it is watched already; all
    stamps change.
    """
    for lock in take_turn:
        tx.take_turn(lock)
    if watched(tx, system) and not anew:
        return
    for table in ("book_party", "book_day"):
        bulk.run(tx, f"DELETE FROM {table} WHERE system = ?", (system,))
    kinds = ", ".join(f"'{kind}'" for kind in BOOK_KINDS)
    sql = f"""
        INSERT INTO book_party (system, kind, party_id, party_code, party_name, records, stamp)
        SELECT system, kind, {_SAID}, count(*), ? FROM observed
        WHERE system = ? AND kind IN ({kinds}) AND state = 'live'
        GROUP BY system, kind, {_SAID}
    """
    bulk.run(tx, sql, (_stamp(), system))
    for kind in (Kind.INVOICE, Kind.PAYMENT):
        _write_days(tx, system, kind, _counted_days(tx, system, kind))
    facts.put(tx, _FACT + system, "1")


def held(tx: Tx, kind: Kind, ids: Sequence[int]) -> Held:
    """What these copies come to now."""
    found = Held()
    if not ids:
        return found
    condition, parameter = bulk.among(tx, "id", ids)
    sql = f"""
        SELECT {_SAID}, {_COUNTS}, currency, business_on, {_BROUGHT_IN}, amount_minor, coalesce(fee_minor, 0)
        FROM observed WHERE state = 'live' AND {condition}
    """
    for party_id, code, name, counts, currency, on, brought_in, minor, fee in bulk.rows_of(tx, sql, (parameter,)):
        party = Said(party_id, code, name)
        found.parties[party] = found.parties.get(party, 0) + 1
        if counts and kind is not Kind.ALLOCATION:
            day = currency, on, bool(brought_in)
            records, sum_minor = found.days.get(day, _NONE)
            found.days[day] = records + 1, sum_minor + (minor if kind is Kind.INVOICE else -(minor + fee))
    return found


def marking(tx: Tx, system: str, kind: Kind) -> bool:
    """Whether a write of this stream must be marked (:func:`held` before, :func:`mark` after)."""
    return kind in _KINDS and watched(tx, system)


def mark(tx: Tx, system: str, kind: Kind, before: Held, after: Held) -> None:
    """Copies that came to `before` come to `after` now. The caller holds the lock of the stream."""
    moved = [
        (*said, after.parties.get(said, 0) - before.parties.get(said, 0))
        for said in sorted(before.parties.keys() | after.parties.keys())
    ]
    if moved:
        each = "json_each(?) AS e" if tx.sqlite else "json_array_elements(?::json) AS e (value)"
        sql = f"""
            INSERT INTO book_party (system, kind, party_id, party_code, party_name, records, stamp)
            SELECT ?, ?, e.value ->> 0, e.value ->> 1, e.value ->> 2, CAST(e.value ->> 3 AS bigint), ? FROM {each} WHERE true
            ON CONFLICT (system, kind, party_id, party_code, party_name)
            DO UPDATE SET records = book_party.records + excluded.records, stamp = excluded.stamp
        """
        bulk.run(tx, sql, (system, kind.value, _stamp(), json.dumps(moved)))
    days: dict[_Day, tuple[int, int]] = {}
    for day in sorted(before.days.keys() | after.days.keys()):
        old, new = before.days.get(day, _NONE), after.days.get(day, _NONE)
        if old != new:
            days[day] = new[0] - old[0], new[1] - old[1]
    if days:
        condition, parameter = bulk.among(tx, "business_on", sorted({on for _, on, _ in days}))
        sql = f"SELECT {_DAY} FROM book_day WHERE {condition} AND system = ? AND kind = ?"
        for currency, on, brought_in, records, minor in bulk.rows_of(tx, sql, (parameter, system, kind.value)):
            if (day := (currency, on, bool(brought_in))) in days:
                days[day] = days[day][0] + records, days[day][1] + int(minor)
        _write_days(tx, system, kind, days)


def stamps(tx: Tx, system: str) -> dict[Said, list[tuple[str, int]]]:
    """By the ways in which live records of a watched system name their customers, the stamp of each kind in order."""
    sql = """
        SELECT party_id, party_code, party_name, kind, stamp FROM book_party WHERE system = ? AND records <> 0
        ORDER BY party_id, party_code, party_name, kind
    """
    found: dict[Said, list[tuple[str, int]]] = {}
    for party_id, code, name, kind, stamp in bulk.rows_of(tx, sql, (system,)):
        found.setdefault(Said(party_id, code, name), []).append((kind, stamp))
    return found


def day_sums(tx: Tx, system: str, until: str) -> Iterator[DaySum]:
    """The sums of all days of a watched system up to one (ISO) on which it has any record."""
    for kind in (Kind.INVOICE, Kind.PAYMENT):
        for day, (_, minor) in _kept_days(tx, system, kind, until).items():
            yield DaySum(kind, *day, minor)


def wrong(tx: Tx, system: str) -> Iterator[str]:
    """What the marks of a watched system say otherwise than its copies do; nothing if all is well. Reads every copy."""
    for kind in BOOK_KINDS:
        sql = f"""
            SELECT {_SAID}, count(*) FROM observed WHERE system = ? AND kind = ? AND state = 'live' GROUP BY {_SAID}
            EXCEPT SELECT party_id, party_code, party_name, records FROM book_party WHERE system = ? AND kind = ?
        """
        given = (system, kind.value) * 2
        for party_id, code, name, records in bulk.rows_of(tx, sql, given):
            yield f"{records} records of kind {kind} name {party_id}/{code}/{name}, which its mark does not say"
    for kind in (Kind.INVOICE, Kind.PAYMENT):
        counted, kept = _counted_days(tx, system, kind), _kept_days(tx, system, kind, _LAST_DAY)
        for day in sorted(counted.keys() | kept.keys()):
            if (is_so := counted.get(day, _NONE)) != (said := kept.get(day, _NONE)):
                yield f"{kind} of {day[1]} in {day[0]}: {said} records and minor units are kept, the records are {is_so}"


def _kept_days(tx: Tx, system: str, kind: Kind, until: str) -> dict[_Day, tuple[int, int]]:
    sql = f"SELECT {_DAY} FROM book_day WHERE system = ? AND kind = ? AND business_on <= ? AND records <> 0"
    found = bulk.rows_of(tx, sql, (system, kind.value, until))
    return {(row[0], row[1], bool(row[2])): (row[3], int(row[4])) for row in found}


def _counted_days(tx: Tx, system: str, kind: Kind) -> dict[_Day, tuple[int, int]]:
    """Summed by the database from the copies themselves, in two halves so that no sum leaves 64 bits."""
    minor = "amount_minor" if kind is Kind.INVOICE else "-(amount_minor + coalesce(fee_minor, 0))"
    high = f"(({minor}) / {_HALF})"
    sql = f"""
        SELECT currency, business_on, {_BROUGHT_IN}, count(*), sum({high}), sum(({minor}) - {high} * {_HALF}) FROM observed
        WHERE system = ? AND kind = ? AND state = 'live' AND {_COUNTS} GROUP BY 1, 2, 3
    """
    return {
        (row[0], row[1], bool(row[2])): (int(row[3]), int(row[4]) * _HALF + int(row[5]))
        for row in bulk.rows_of(tx, sql, (system, kind.value))
    }


def _write_days(tx: Tx, system: str, kind: Kind, days: dict[_Day, tuple[int, int]]) -> None:
    each = "json_each(?) AS e" if tx.sqlite else "json_array_elements(?::json) AS e (value)"
    sql = f"""
        INSERT INTO book_day (system, kind, {_DAY})
        SELECT ?, ?, e.value ->> 0, e.value ->> 1, CAST(e.value ->> 2 AS boolean), CAST(e.value ->> 3 AS bigint), e.value ->> 4
        FROM {each} WHERE true
        ON CONFLICT (system, kind, currency, business_on, brought_in)
        DO UPDATE SET records = excluded.records, minor = excluded.minor
    """
    listed = [(*day, records, str(minor)) for day, (records, minor) in days.items()]
    bulk.run(tx, sql, (system, kind.value, json.dumps(listed)))


def _stamp() -> int:
    return secrets.randbits(62)
