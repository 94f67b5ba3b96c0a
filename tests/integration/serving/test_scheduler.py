"""Schedules over a store: once each, whoever comes first; late ones once; hints in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from ledgerbridge.errors import StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.hint import Hint
from ledgerbridge.store import Store, fires, heartbeats, inbox
from ledgerbridge.store.fires import FireState
from ledgerbridge.sync.scheduling import Job, JobKind, Scheduler, Start
from ledgerbridge.sync.serving import Pulse, Service
from ledgerbridge.testing.fakes import FakeClock

ZONE = ZoneInfo("Asia/Shanghai")
EVERY_QUARTER = Job(
    "customers", JobKind.FLOW, "*/15 * * * *", frozenset({("erp", Kind.CUSTOMER), ("crm", Kind.CUSTOMER)})
)


def scheduler(store: Store, process: str = "one", *jobs: Job) -> Scheduler:
    return Scheduler(store, jobs or (EVERY_QUARTER,), ZONE, process)


def names(starts: list[Start]) -> list[str]:
    return [start.job.name for start in starts]


def test_a_new_schedule_does_not_fire_for_the_past(store: Store, clock: FakeClock) -> None:
    one = scheduler(store)
    assert one.tick() == []
    clock.advance(60)
    assert one.tick() == []
    clock.advance(15 * 60)
    assert names(one.tick()) == ["customers"]
    assert one.tick() == []


def test_two_schedulers_fire_once(store: Store, clock: FakeClock) -> None:
    one, two = scheduler(store, "one"), scheduler(store, "two")
    one.tick()
    fired = []
    for _ in range(8):
        clock.advance(15 * 60)
        fired += names(two.tick()) + names(one.tick())
    assert fired == ["customers"] * 8


def test_many_schedulers_at_one_moment_fire_once(store: Store, clock: FakeClock) -> None:
    scheduler(store).tick()
    clock.advance(15 * 60)
    started: list[str] = []
    lock, gate = threading.Lock(), threading.Barrier(4)

    def race(process: str) -> None:
        mine = scheduler(store, process)
        gate.wait()
        found = names(mine.tick())
        with lock:
            started.extend(found)

    threads = [threading.Thread(target=race, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert started == ["customers"]


def test_missed_times_fire_once_and_say_how_many(store: Store, clock: FakeClock) -> None:
    one = scheduler(store)
    one.tick()
    clock.advance(4 * 15 * 60)
    [start] = one.tick()
    assert start.missed == 3
    one.finished(start, FireState.DONE, None)
    with store.reading() as tx:
        found = fires.latest(tx, "customers")
        assert found is not None
        assert found.why == "3 fire times before it were missed"
        assert fires.last_good(tx, "customers") == clock.now()


def test_a_time_that_comes_while_the_job_runs_is_skipped_and_on_record(store: Store, clock: FakeClock) -> None:
    one = scheduler(store)
    one.tick()
    clock.advance(15 * 60)
    assert one.tick(running=(EVERY_QUARTER,)) == []
    with store.reading() as tx:
        found = fires.latest(tx, "customers")
    assert found is not None
    assert found.state is FireState.SKIPPED


def test_jobs_that_read_one_stream_take_turns_and_lose_no_time(store: Store, clock: FakeClock) -> None:
    invoices = Job("invoices", JobKind.FLOW, "*/15 * * * *", frozenset({("erp", Kind.CUSTOMER), ("erp", Kind.INVOICE)}))
    other = Job("bank", JobKind.PULL, "*/15 * * * *", frozenset({("bank", Kind.PAYMENT)}))
    one = scheduler(store, "one", EVERY_QUARTER, invoices, other)
    one.tick()
    clock.advance(15 * 60)
    assert names(one.tick()) == ["customers", "bank"]
    clock.advance(60)
    assert one.tick(running=(EVERY_QUARTER,)) == []
    assert names(one.tick()) == ["invoices"]


def test_what_a_dead_process_ran_is_closed(store: Store, clock: FakeClock) -> None:
    dead = scheduler(store, "dead")
    dead.tick()
    clock.advance(15 * 60)
    assert names(dead.tick()) == ["customers"]
    scheduler(store, "alive").tidy()
    with store.reading() as tx:
        found = fires.latest(tx, "customers")
    assert found is not None
    assert found.state is FireState.FAILED
    assert "has gone" in (found.why or "")


def test_the_newest_time_of_a_job_is_never_forgotten(store: Store, clock: FakeClock) -> None:
    one = scheduler(store)
    one.tick()
    for _ in range(3):
        clock.advance(15 * 60)
        [start] = one.tick()
        one.finished(start, FireState.DONE, None)
    clock.advance(100 * 86_400)
    with store.writing() as tx:
        assert fires.forget(tx, clock.now() - timedelta(days=90)) == 2
        newest = fires.latest(tx, "customers")
    assert newest is not None
    assert newest.state is FireState.DONE


def hint(event: str = "e1", system: str = "crm") -> Hint:
    return Hint(system=system, kind=Kind.CUSTOMER, external_ids=("1",), event_id=event)


def test_a_hint_starts_the_job_that_reads_its_stream_once_it_has_gone_quiet(store: Store, clock: FakeClock) -> None:
    one = scheduler(store)
    one.tick()
    with store.writing() as tx:
        assert inbox.add(tx, hint(), clock.now())
        assert not inbox.add(tx, hint(), clock.now()), "a replay is known"
    assert one.tick() == []
    clock.advance(3)
    [start] = one.tick()
    assert start.fire_at is None
    assert one.tick(running=(EVERY_QUARTER,)) == []
    with store.writing() as tx:
        assert inbox.add(tx, hint("e2"), clock.now())
    one.finished(start, FireState.DONE, None)
    clock.advance(3)
    assert names(one.tick()) == ["customers"], "a hint that came during the run is not settled by it"


def test_a_job_that_fails_is_not_hammered_by_its_hint(store: Store, clock: FakeClock) -> None:
    one = scheduler(store)
    one.tick()
    with store.writing() as tx:
        inbox.add(tx, hint(), clock.now())
    clock.advance(3)
    [start] = one.tick()
    one.finished(start, FireState.FAILED, "the CRM is away")
    clock.advance(3)
    assert one.tick() == []
    clock.advance(60)
    assert names(one.tick()) == ["customers"]


def serve(store: Store, clock: FakeClock, run: Callable[..., tuple[FireState, str | None]], rounds: int) -> Service:
    """A service that goes round so often; each round takes a minute."""
    stop = threading.Event()
    service = Service(scheduler(store), run, Pulse(store, "scheduler", "one"), clock)
    left = iter(range(rounds))

    def wait(_seconds: float) -> bool:
        clock.advance(60)
        for future in list(service._running.values()):
            future.result(timeout=10)
        if next(left, None) is None:
            stop.set()
        return stop.is_set()

    stop.wait = wait  # type: ignore[method-assign, assignment]
    service.loop(stop)
    return service


def test_the_service_runs_jobs_notes_their_end_and_leaves(store: Store, clock: FakeClock) -> None:
    done: list[str] = []

    def run(job: Job, _stopping: Callable[[], bool]) -> tuple[FireState, str | None]:
        done.append(job.name)
        return FireState.FINDINGS, "2 conflicts"

    serve(store, clock, run, 20)
    assert done == ["customers"]
    with store.reading() as tx:
        found = fires.latest(tx, "customers")
        assert found is not None
        assert (found.state, found.why) == (FireState.FINDINGS, "2 conflicts")
        assert heartbeats.every(tx) == []


@pytest.mark.parametrize("error", [StoreError("the disk is full"), ZeroDivisionError("a fault of ours")])
def test_a_job_that_breaks_ends_nothing_but_itself(store: Store, clock: FakeClock, error: Exception) -> None:
    calls: list[int] = []

    def run(_job: Job, _stopping: Callable[[], bool]) -> tuple[FireState, str | None]:
        calls.append(1)
        raise error

    serve(store, clock, run, 40)
    assert len(calls) == 2
    with store.reading() as tx:
        found = fires.latest(tx, "customers")
    assert found is not None
    assert found.state is FireState.FAILED
    assert str(error) in (found.why or "")


def test_a_process_that_is_silent_for_long_is_gone(store: Store, clock: FakeClock) -> None:
    pulse = Pulse(store, "worker", "w1")
    pulse.beat("sending")
    with store.reading() as tx:
        assert heartbeats.alive(tx, clock.now()) == {"w1"}
        [one] = heartbeats.every(tx)
        assert (one.role, one.doing) == ("worker", "sending")
    clock.advance(91)
    with store.reading() as tx:
        assert heartbeats.alive(tx, clock.now()) == frozenset()
    pulse.beat("idle")
    pulse.leave()
    with store.reading() as tx:
        assert heartbeats.every(tx) == []
