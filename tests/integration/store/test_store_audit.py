"""Invariant 13: who did what, append-only and chained."""

from __future__ import annotations

import threading

import pytest

from ledgerbridge.errors import StoreError
from ledgerbridge.store import Store, audit
from ledgerbridge.testing.fakes import FakeClock


def written(store: Store, clock: FakeClock, count: int) -> list[audit.AuditEntry]:
    made = []
    for number in range(count):
        clock.advance(1)
        with store.writing() as tx:
            made.append(
                audit.append(
                    tx, actor="王芳", action="approve", subject=f"plan/{number}", details={"n": number}, at=clock.now()
                )
            )
    return made


def test_entries_chain_and_come_back_as_written(store: Store, clock: FakeClock) -> None:
    made = written(store, clock, 3)
    with store.reading() as tx:
        assert list(audit.entries(tx)) == made
        assert list(audit.entries(tx, subject="plan/1")) == [made[1]]
        assert audit.verify(tx) == audit.AuditCheck(3, made[-1].hash)
        assert audit.head(tx) == (3, made[-1].hash)


def test_an_empty_log_verifies(store: Store) -> None:
    with store.reading() as tx:
        assert audit.verify(tx).fault is None
        assert audit.head(tx) is None


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_it(store: Store, clock: FakeClock, statement: str) -> None:
    written(store, clock, 1)
    with pytest.raises(StoreError, match="append-only"), store.writing() as tx:
        tx.connection.exec_driver_sql(statement)


def past_the_guard(store: Store, statement: str) -> None:
    with store.writing() as tx:
        if tx.sqlite:
            for word in ("UPDATE", "DELETE"):
                tx.connection.exec_driver_sql(f"DROP TRIGGER audit_keeps_{word}")
        else:
            tx.connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER ALL")
        tx.connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit SET actor = 'x' WHERE seq = 2", "entry 2 was changed"),
        ("UPDATE audit SET details = '{\"n\":7}' WHERE seq = 1", "entry 1 was changed"),
        ("UPDATE audit SET at_us = at_us + 1 WHERE seq = 3", "entry 3 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("UPDATE audit SET prev_hash = hash WHERE seq = 2", "entry 2 does not follow"),
        ("DELETE FROM audit WHERE seq = 3", "entries after 2 are missing"),
    ],
)
def test_a_change_past_the_guards_is_seen(store: Store, clock: FakeClock, statement: str, words: str) -> None:
    written(store, clock, 3)
    with store.reading() as tx:
        anchor = audit.head(tx)
    past_the_guard(store, statement)
    with store.reading() as tx:
        assert words in str(audit.verify(tx, anchor=anchor).fault)


def test_a_whole_chain_written_anew_is_seen_against_the_anchor(store: Store, clock: FakeClock) -> None:
    written(store, clock, 2)
    with store.reading() as tx:
        anchor = audit.head(tx)
    past_the_guard(store, "DELETE FROM audit")
    written(store, clock, 2)
    with store.reading() as tx:
        assert audit.verify(tx).fault is None
        assert "not the one whose hash was kept outside" in str(audit.verify(tx, anchor=anchor).fault)


def test_it_stands_or_falls_with_the_act(store: Store, clock: FakeClock) -> None:
    with pytest.raises(TypeError, match="holds no float"), store.writing() as tx:
        audit.append(tx, actor="a", action="b", subject="c", details={"n": [{"sum": 1.5}]}, at=clock.now())
    with store.reading() as tx:
        assert list(audit.entries(tx)) == []


def test_writers_at_once_make_one_chain(store: Store, clock: FakeClock) -> None:
    threads = [threading.Thread(target=written, args=(store, clock, 5)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as tx:
        check = audit.verify(tx)
    assert (check.entries, check.fault) == (20, None)
