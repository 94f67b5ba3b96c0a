"""A database that fails under the write path: torn commits, connections ended at the server, another writer that holds on.

`LEDGERBRIDGE_SEEDS` and `LEDGERBRIDGE_FIRST_SEED` size the histories as in `test_queue_simulation.py`.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
import queue_process
import simulation
from far_books import create, intent
from simulation import K, L, N
from swift_carrier import SwiftCarrier
from torn_commits import terminate

from ledgerbridge.clock import SystemClock
from ledgerbridge.errors import StoreError
from ledgerbridge.model.operation import OpState
from ledgerbridge.queue.engine import Engine
from ledgerbridge.queue.port import Terms
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, audit, operations
from ledgerbridge.testing.fakes import FakeClock

pytestmark = pytest.mark.usefixtures("hushed")
SEEDS = int(os.environ.get("LEDGERBRIDGE_SEEDS", "3"))
FIRST = int(os.environ.get("LEDGERBRIDGE_FIRST_SEED", "0"))
CLASSES = {"K": K, "L": L, "N": N}
TORN = 0.08


@pytest.mark.parametrize("name", CLASSES)
def test_torn_commits_double_lose_and_strand_nothing(name: str, quick_store: Store, clock: FakeClock) -> None:
    tally = simulation.Tally()
    for seed in simulation.runs(FIRST, SEEDS):
        simulation.play(quick_store, clock, seed, replace(CLASSES[name], torn=TORN), tally)
    assert tally.torn >= SEEDS


@pytest.mark.postgres
def test_connections_that_end_at_a_commit_double_lose_and_strand_nothing(
    postgres_address: str, clock: FakeClock, hushed: None
) -> None:
    tally = simulation.Tally()
    count = max(1, SEEDS // 4)
    with Store.open(postgres_address, clock=clock) as store:
        for seed in simulation.runs(FIRST, count):
            simulation.play(store, clock, seed, replace(L, torn=2 * TORN, steps=50), tally)
    assert tally.torn >= count


@pytest.mark.postgres
def test_workers_outlive_connections_that_are_ended_at_any_moment(
    postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledgerbridge.queue.worker._TROUBLE_S", 0.02)
    count, ended, dice = 20, 0, random.Random(FIRST)
    carrier = SwiftCarrier("erp", Terms(resend=True, batch_max=2, settle_s=0.3, resends_max=100))
    rules = replace(queue_process.RULES, lease_s=0.6, slack_s=0.2)
    stop = threading.Event()
    with Store.open(postgres_address, clock=SystemClock()) as store:
        add(store, count)
        worker = Worker(
            store, {"erp": carrier}, SystemClock(), concurrency=3, rules=rules, sweep_s=0.05, stop=stop.is_set
        )
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            for _ in range(8):
                time.sleep(dice.uniform(0, 0.06))
                ended += terminate(store)
            deadline = time.monotonic() + 30
            while states(store) != {OpState.VERIFIED: count}:
                assert time.monotonic() < deadline, f"stuck with {states(store)}"
                time.sleep(0.05)
        finally:
            stop.set()
            thread.join(20)
        assert ended >= 5
        assert Counter(carrier.written) == Counter(create(f"e{n}").key for n in range(count))
        with store.reading() as tx:
            assert audit.verify(tx).fault is None


STEPS = {"nothing was taken": 0, "nothing was written ahead": 1, "it was not sent": 2, "the answer is there": 3}


@pytest.fixture
def impatient(sqlite_address: str, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> Iterator[Store]:
    monkeypatch.setattr("ledgerbridge.store.engine.BUSY_MS", 60)
    with Store.open(sqlite_address, clock=clock) as store:
        yield store


@pytest.mark.parametrize("done", STEPS.values(), ids=STEPS)
def test_another_writer_that_holds_on_is_named_and_nothing_is_done_twice(
    done: int, impatient: Store, clock: FakeClock
) -> None:
    store, carrier = impatient, SwiftCarrier("erp")
    add(store, 1)
    steps = Engine(store, {"erp": carrier}, clock, owner="w").work("erp")
    for _ in range(done):
        next(steps)
    other = sqlite3.connect(store.shown, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    if done == STEPS["it was not sent"]:
        next(steps)  # sending needs no database
    with pytest.raises(StoreError, match="another process has been writing for more than"):
        list(steps)
    other.execute("ROLLBACK")
    other.close()
    assert len(carrier.written) == (done >= STEPS["it was not sent"])
    Worker(store, {"erp": carrier}, clock).drain("p")
    assert states(store) == {OpState.VERIFIED: 1}
    assert carrier.written == [create("e0").key]


def add(store: Store, count: int) -> None:
    with store.writing() as tx:
        intents = [intent(create(f"e{n}")) for n in range(count)]
        operations.add(tx, "p", intents, OpState.READY, store.clock.now())


def states(store: Store) -> dict[OpState, int]:
    with store.reading() as tx:
        return operations.counts(tx, "p")
