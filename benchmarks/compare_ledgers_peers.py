"""Peers of ``compare_ledgers.py``, run by it in an environment of their own: datacompy on pandas frames, DuckDB in memory.

Both get the two ledgers from the SQLite store, ready in memory before the clock starts, customers already resolved to one key.
They say how many numbers stand on one side only or differ, and the sum of the amounts' differences.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
import warnings

warnings.simplefilter("ignore")
SELECT = """
SELECT number, currency, amount_minor, tax_minor, business_on, due_on, doc_status, doc_kind,
party_name AS customer
FROM observed WHERE kind = 'invoice' AND system = ?
"""
FIELDS = ("currency", "amount_minor", "tax_minor", "business_on", "due_on", "doc_status", "doc_kind", "customer")


def frames(path: str):  # type: ignore[no-untyped-def]  # noqa: ANN201 (pandas is not installed where this is checked)
    """The two ledgers as pandas frames; the customer's name, the same on both sides here, stands for the link."""
    import pandas as pd

    with sqlite3.connect(path) as connection:
        return [pd.read_sql(SELECT, connection, params=(system,)) for system in ("erp", "crm")]


def by_datacompy(path: str) -> dict[str, tuple[float, float]]:
    """Its comparison by number, then the rows that differ."""
    import datacompy

    left, right = frames(path)
    start, cpu = time.perf_counter(), time.process_time()
    compared = datacompy.PandasCompare(left, right, join_columns="number")
    only = len(compared.df1_unq_rows) + len(compared.df2_unq_rows)
    different = compared.all_mismatch()
    moved = int((different["amount_minor_df2"] - different["amount_minor_df1"]).sum())
    took = time.perf_counter() - start, time.process_time() - cpu
    check(only, len(different), moved, len(left))
    return {"differences": took}


def by_duckdb(path: str) -> dict[str, tuple[float, float]]:
    """One full join, the rows that differ fetched."""
    import duckdb

    database = duckdb.connect()
    for name, frame in zip(("l", "r"), frames(path), strict=True):
        database.register("given", frame)
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        database.unregister("given")
    differs = " OR ".join(f"l.{field} IS DISTINCT FROM r.{field}" for field in FIELDS)
    sql = f"""SELECT l.number, r.number, r.amount_minor - l.amount_minor FROM l FULL JOIN r ON l.number = r.number
        WHERE {differs}"""
    start, cpu = time.perf_counter(), time.process_time()
    rows = database.execute(sql).fetchall()
    only = sum(left is None or right is None for left, right, _ in rows)
    moved = sum(minor for _, _, minor in rows if minor is not None)
    took = time.perf_counter() - start, time.process_time() - cpu
    check(only, len(rows) - only, moved, database.execute("SELECT count(*) FROM l").fetchone()[0])
    return {"differences": took}


def check(only: int, different: int, moved: int, left: int) -> None:
    """A quarter of a thousandth is missing on each side, as much has another amount (by one), as much another status."""
    each = moved
    if (only, different) != (2 * each, 2 * each) or not 3990 <= left // each <= 4000:
        sys.exit(f"wrong answer: {only} on one side, {different} different, moved {moved} of {left}")


if __name__ == "__main__":
    result = {"datacompy": by_datacompy, "duckdb": by_duckdb}[sys.argv[1]](sys.argv[2])
    print(json.dumps(result | {"rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
