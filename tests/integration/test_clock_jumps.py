"""The machine's clock is put an hour ahead or back, between runs and in the middle of one."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from test_faults_through_pull import FarSide, digest, far, pull, told

from ledgerbridge.bootstrap import App
from ledgerbridge.store import Store, fires
from ledgerbridge.sync.scheduling import Job, JobKind, Scheduler
from ledgerbridge.testing.fakes import FakeClock

__all__ = ["far"]
KINDS = ("customer", "invoice", "payment")
QUARTERS = Job("customers", JobKind.FLOW, "*/15 * * * *")


@pytest.mark.parametrize("seed", [1, 2])
def test_each_fire_time_is_claimed_once_and_none_is_held_up(store: Store, clock: FakeClock, seed: int) -> None:
    """Whatever the clock did, a quarter of an hour after it was put right the next time fires."""
    dice = random.Random(seed)
    schedulers = [Scheduler(store, [QUARTERS], ZoneInfo("Asia/Shanghai"), name) for name in ("one", "two")]
    fired: Counter[Any] = Counter()
    wrong_s = 0.0

    def tick() -> int:
        before = fired.total()
        for one in dice.sample(schedulers, 2):
            fired.update(start.fire_at for start in one.tick())
        return fired.total() - before

    for _ in range(60):
        to_s = dice.choice((-3600.0, 0.0, 0.0, 3600.0))
        clock.advance(to_s - wrong_s + dice.uniform(0, 600))
        wrong_s = to_s
        tick()
    assert fired
    assert max(fired.values()) == 1
    clock.advance(-wrong_s)
    for _ in range(5):  # what was claimed while the clock was ahead is not fired again
        clock.advance(15 * 60)
        tick()
    clock.advance(15 * 60)
    assert tick() == 1


def test_a_clock_that_was_a_year_ahead_stops_no_schedule(store: Store, clock: FakeClock) -> None:
    one = Scheduler(store, [QUARTERS], ZoneInfo("Asia/Shanghai"), "one")
    one.tick()
    clock.advance(366 * 86_400)
    assert len(one.tick()) == 1
    clock.advance(-366 * 86_400)
    one.tick()
    clock.advance(15 * 60)
    [start] = one.tick()
    assert start.fire_at is not None
    assert clock.now() - start.fire_at < timedelta(minutes=15)
    with store.reading() as tx:
        newest = fires.latest(tx, "customers", until=clock.now())
    assert newest is not None
    assert newest.at == start.fire_at


def test_no_cursor_loses_a_record(far: FarSide) -> None:
    disturbed = far.app("disturbed")
    emulator = far.running.emulator
    emulator.faults.delay_s = 0.0
    jumps = iter((3600.0, -7200.0, 7200.0, -3600.0))
    handle, left = emulator.handle, [0]

    def in_the_middle(request: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            shift(disturbed, next(jumps))
        return handle(request)

    pull(disturbed, far.vendor)
    emulator.handle = in_the_middle
    for turn in range(2):
        for kind in KINDS:
            emulator.seed(kind, 2)
        left[0] = 2 + turn  # so many requests into the run
        pull(disturbed, far.vendor)
        shift(disturbed, next(jumps))
        emulator.seed("invoice", 1)
        pull(disturbed, far.vendor)
    emulator.handle = handle
    assert next(jumps, None) is None, "the clock was not always moved in the middle of a run"
    pull(disturbed, far.vendor)
    undisturbed = far.app("undisturbed")
    pull(undisturbed, far.vendor)
    assert told(disturbed, far.vendor) == told(undisturbed, far.vendor)
    assert digest(disturbed) == digest(undisturbed)
    for app in (disturbed, undisturbed):
        app.close()


def shift(app: App, seconds: float) -> None:
    assert isinstance(app.clock, FakeClock)
    app.clock._at += timedelta(seconds=seconds)
