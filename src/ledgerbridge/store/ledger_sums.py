"""What all live, approved documents of a kind come to, by what they say of their customer: the proof of every comparison."""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ledgerbridge.model.base import Kind

from . import bulk
from .ledger_ranges import Range, numbers_in_parts, sampled
from .tx import Tx

Sums = dict[tuple[Any, ...], int]
"""Minor units by id, code and name of the customer, the name only where there is neither of the others, and currency."""

_PARTS: Final = 8
"""SQLite sorts by customer to sum up: an eighth of a large ledger at a time stays in its cache, and costs less altogether."""
_SERVER: Final = {"jit": "off", "work_mem": "'64MB'", "parallel_setup_cost": "0", "parallel_tuple_cost": "0"}
"""PostgreSQL sums by hash, and has not always statistics to tell that workers are worth it."""


def summed_by_customer(tx: Tx, kind: Kind, systems: Sequence[str], settled: str, until: str) -> list[Sums]:
    """The sums of `settled`, an expression, for each of the systems; `until` is a further condition. Memory grows with the
    customers.
    """
    found: dict[str, Sums] = {system: {} for system in systems}
    for system, *key, minor in _summed(tx, kind, systems, settled, until):
        sums = found[system]
        customer = tuple(key)
        sums[customer] = sums.get(customer, 0) + int(minor)
    for system, sums in found.items():
        if any(party_id is None and code is None for party_id, code, *_ in sums):
            found[system] = {key: minor for key, minor in sums.items() if key[:2] != (None, None)}
            found[system] |= _by_name(tx, kind, system, settled, until)
    return list(found.values())


def _summed(tx: Tx, kind: Kind, systems: Sequence[str], settled: str, until: str) -> list[tuple[Any, ...]]:
    """System, id, code, None, currency and sum; what says nothing but a name under none of them."""
    select = f"SELECT system, party_id, party_code, NULL, currency, sum({settled}) FROM observed o"
    where = f"state = 'live' AND doc_status = 'approved'{until}"
    if not tx.sqlite:
        for name, value in _SERVER.items():
            bulk.run(tx, f"SET LOCAL {name} = {value}", ())
        among, listed = bulk.among(tx, "system", systems)
        grouped = "system, party_id, party_code, currency"
        sql = f"{select} WHERE {among} AND kind = ? AND {where} GROUP BY {grouped}"
        rows = bulk.rows_of(tx, sql, (listed, kind.value))
        for name in _SERVER:
            bulk.run(tx, f"SET LOCAL {name} TO DEFAULT", ())
        return rows

    def walk(system: str, part: Range | None) -> list[tuple[Any, ...]]:
        condition, given = ("number IS NULL", {}) if part is None else part.condition()
        # Without statistics SQLite would rather walk another index and read every row.
        sql = (
            f"{select} INDEXED BY ix_observed_number WHERE {condition} AND system = :system AND kind = :kind AND {where} "
            "GROUP BY party_id, party_code, currency"
        )
        cursor = tx.cursor()
        cursor.execute(sql, {"system": system, "kind": kind.value, **given})
        return cursor.fetchall()  # type: ignore[no-any-return]

    parts = [*numbers_in_parts([row[0] for row in sampled(tx, kind, systems)], _PARTS), None]
    return [row for part in parts for system in systems for row in walk(system, part)]


def _by_name(tx: Tx, kind: Kind, system: str, settled: str, until: str) -> Sums:
    sql = (
        f"SELECT party_name, currency, sum({settled}) FROM observed o WHERE system = ? AND kind = ? AND state = 'live' "
        f"AND doc_status = 'approved' AND party_id IS NULL AND party_code IS NULL{until} GROUP BY party_name, currency"
    )
    rows = bulk.rows_of(tx, sql, (system, kind.value))
    return {(None, None, name, currency): int(minor) for name, currency, minor in rows}
