"""Many rows at once: what is stored is each row's own, however much the rows of one statement have in common."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ledgerbridge.store import Store, bulk
from ledgerbridge.store.tables import observed_history

COLUMNS = (
    "seq",
    "observed_id",
    "state",
    "raw_hash",
    "canonical_hash",
    "version_order",
    "raw",
    "from_us",
    "until_us",
    "until_run",
)
Row = tuple[Any, ...]


def rows_alike(number: int, *, odd_at: int | None = None, first: int = 1) -> list[Row]:
    """Rows that share every value but the key; the one at `odd_at` shares none, and has what the others lack."""
    alike = (7, "live", b"h" * 16, None, None, b"\x00\xff", 1, 2, "r1")
    odd = (8, "deleted", b"\x01", b"c", 2**62, None, 3, 4, "另一")
    return [(first + at, *(odd if at == odd_at else alike)) for at in range(number)]


def stored(store: Store) -> list[Row]:
    with store.reading() as tx:
        found = bulk.rows_of(tx, f"SELECT {', '.join(COLUMNS)} FROM observed_history ORDER BY seq", ())
    return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in found]


@pytest.mark.parametrize(
    ("number", "odd_at"), [(1, None), (2, 1), (31, 0), (33, 32), (256, None), (300, 255), (300, 299)]
)
def test_rows_that_share_values_keep_their_own(store: Store, number: int, odd_at: int | None) -> None:
    rows = rows_alike(number, odd_at=odd_at)
    with store.writing() as tx:
        bulk.insert(tx, observed_history, COLUMNS, rows)
    assert stored(store) == rows


def test_an_upsert_adds_and_sets_and_an_update_only_sets(store: Store) -> None:
    before = rows_alike(290, odd_at=3)
    again = rows_alike(300, odd_at=295, first=150)
    with store.writing() as tx:
        bulk.insert(tx, observed_history, COLUMNS, before)
        bulk.upsert(tx, observed_history, COLUMNS, again)
    expected = {row[0]: row for row in itertools.chain(before, again)}
    assert stored(store) == list(expected.values())
    changes: list[Row] = [(key, None, "filtered") for key in (*range(1, 290), 100_000)]
    with store.writing() as tx:
        done = bulk.update(tx, observed_history, ("seq", "raw", "state"), changes, guard="t.state = 'live'")
    live = {row[0] for row in expected.values() if row[2] == "live" and row[0] < 290}
    assert done == len(live) == 288
    assert {row[0] for row in stored(store) if row[2] == "filtered" and row[6] is None} == live
