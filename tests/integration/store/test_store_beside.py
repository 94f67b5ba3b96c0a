"""Two connections that read the same picture, and work shared between them."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest

from ledgerbridge.store import Store, Tx, bulk
from ledgerbridge.store.tx import side_by_side

_COUNT = "SELECT count(*) FROM sweep_key"


def _add(store: Store, at: int) -> None:
    with store.writing(durable=False) as tx:
        bulk.run(tx, "INSERT INTO sweep_key (system, kind, external_id) VALUES ('erp', 'invoice', ?)", (str(at),))


def _counted(tx: Tx) -> int:
    return int(bulk.rows_of(tx, _COUNT, ())[0][0])


def test_both_see_the_same_while_another_commits_all_the_time(tmp_path: Path) -> None:
    with Store.create(tmp_path / "a.db") as store:
        stop = threading.Event()
        commits = iter(range(1_000_000))

        def write() -> None:
            while not stop.is_set():
                _add(store, next(commits))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            seen = []
            for _ in range(150):
                with store.reading(beside=True) as tx:
                    first = _counted(tx)
                    if tx.beside is not None:
                        assert _counted(Tx(tx.beside, sqlite=True)) == first
                        seen.append(first)
        finally:
            stop.set()
            writer.join()
        assert len(set(seen)) > 1, "nothing was committed meanwhile: this proves nothing"


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
