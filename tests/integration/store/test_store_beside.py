"""Two connections that read the same picture, and work shared between them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from ledgerbridge.store import Store, Tx, bulk
from ledgerbridge.store.tx import side_by_side

_COUNT = "SELECT count(*) FROM sweep_key"


def _add(store: Store, at: int) -> None:
    with store.writing(durable=False) as tx:
        bulk.run(tx, "INSERT INTO sweep_key (system, kind, external_id) VALUES ('erp', 'invoice', ?)", (str(at),))


def _counted(tx: Tx) -> int:
    return int(bulk.rows_of(tx, _COUNT, ())[0][0])


def _commit_at_every_second_begin(store: Store, times: int) -> None:
    """Whenever the second connection begins to read, after the first has: somebody else commits, `times` in all."""
    begun = iter(range(1, 1_000_000))
    left = iter(range(times))

    def begin(_: sa.Connection) -> None:
        if next(begun) % 2 == 0 and (at := next(left, None)) is not None:
            _add(store, at)

    event.listen(store._reader, "begin", begin)


def test_both_see_the_same_though_others_commit_meanwhile(tmp_path: Path) -> None:
    with Store.create(tmp_path / "a.db") as store:
        _commit_at_every_second_begin(store, 3)
        with store.reading(beside=True) as tx:
            assert tx.beside is not None
            assert _counted(Tx(tx.beside, sqlite=True)) == _counted(tx) == 3


def test_where_others_commit_all_the_time_one_connection_reads(tmp_path: Path) -> None:
    with Store.create(tmp_path / "a.db") as store:
        _commit_at_every_second_begin(store, 1_000_000)
        with store.reading(beside=True) as tx:
            assert tx.beside is None
            seen = _counted(tx)
            _add(store, -1)
            assert side_by_side(tx, [_counted, _counted]) == [seen, seen]


def test_what_is_committed_later_is_seen_by_neither(tmp_path: Path) -> None:
    with Store.create(tmp_path / "a.db") as store, store.reading(beside=True) as tx:
        assert tx.beside is not None
        _add(store, 1)
        assert side_by_side(tx, [_counted] * 4) == [0] * 4
        assert tx.beside.connection.driver_connection is not tx.connection.connection.driver_connection


def test_without_a_second_connection_all_is_done_by_the_one(tmp_path: Path) -> None:
    with Store.create(tmp_path / "a.db") as store, store.reading() as tx:
        assert tx.beside is None
        assert side_by_side(tx, [lambda here: here is tx, _counted]) == [True, 0]


def test_the_first_error_ends_both_and_the_connections_stay_of_use(tmp_path: Path) -> None:
    done = []

    def work(_: Tx, at: int) -> int:
        if at == 1:
            raise ValueError("broken")
        done.append(at)
        return at

    with Store.create(tmp_path / "a.db") as store:
        with store.reading(beside=True) as tx, pytest.raises(ValueError, match="broken"):
            side_by_side(tx, [partial(work, at=at) for at in range(1000)])
        assert len(done) < 1000
        with store.reading(beside=True) as tx:
            assert side_by_side(tx, [_counted, _counted]) == [0, 0]
