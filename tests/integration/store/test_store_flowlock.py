"""One run of a flow at a time, and a dead holder holds nothing for long."""

from __future__ import annotations

import threading

import pytest

from ledgerbridge.store import Store, flowlock
from ledgerbridge.sync.flowguard import FlowBusy, only_run
from ledgerbridge.testing.fakes import FakeClock


def test_a_second_run_is_refused_until_the_first_has_ended(store: Store) -> None:
    with only_run(store, "invoices", "a", "run-1") as lost:
        with pytest.raises(FlowBusy, match="run-1"), only_run(store, "invoices", "b", "run-2"):
            pytest.fail("two runs of one flow")
        with only_run(store, "customers", "b", "run-3"):
            assert not lost()
    with only_run(store, "invoices", "b", "run-2") as lost:
        assert not lost()


def test_a_silent_holder_is_taken_to_be_gone(store: Store, clock: FakeClock) -> None:
    with store.writing() as tx:
        flowlock.take(tx, "invoices", "dead", "run-1", clock.now())
    clock.advance(flowlock.HELD_FOR.total_seconds())
    with only_run(store, "invoices", "b", "run-2"), store.writing() as tx:
        assert not flowlock.renew(tx, "invoices", "dead", "run-1", clock.now())
        flowlock.release(tx, "invoices", "dead", "run-1")
        held = flowlock.current(tx, "invoices")
        assert held is not None
        assert held.run_id == "run-2"


def test_renewing_holds_on(store: Store, clock: FakeClock) -> None:
    with store.writing() as tx:
        flowlock.take(tx, "invoices", "a", "run-1", clock.now())
    clock.advance(60)
    with store.writing() as tx:
        assert flowlock.renew(tx, "invoices", "a", "run-1", clock.now())
    clock.advance(60)
    with store.writing() as tx:
        assert flowlock.take(tx, "invoices", "b", "run-2", clock.now()).holder == "a"


def test_an_error_lets_the_flow_go(store: Store) -> None:
    def broken() -> None:
        with only_run(store, "invoices", "a", "run-1"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    with store.reading() as tx:
        assert flowlock.current(tx, "invoices") is None


def test_of_many_at_once_one_runs(store: Store) -> None:
    ready, won, refused = threading.Barrier(4), [], []
    over = threading.Event()

    def run(number: int) -> None:
        ready.wait()
        try:
            with only_run(store, "invoices", f"w{number}", f"run-{number}"):
                won.append(number)
                over.wait(10)
        except FlowBusy:
            refused.append(number)
            if len(refused) == 3:
                over.set()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(refused) == 3
