from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.connectors._http.limits import BudgetUsedUp, CallBudget, Interrupted, Limit, pause
from ledgerbridge.testing.fakes import FakeClock


def times_of(budget: CallBudget, clock: FakeClock, interfaces: list[str]) -> list[float]:
    times = []
    for interface in interfaces:
        with budget.call(interface):
            times.append(clock.monotonic())
    return times


def test_no_limit_no_wait() -> None:
    clock = FakeClock()
    assert times_of(CallBudget({}, 4, clock), clock, ["a"] * 50) == [0.0] * 50
    assert clock.slept == []


@pytest.mark.parametrize(
    ("limits", "interfaces", "expected"),
    [
        pytest.param({"": Limit(2, 10)}, ["a", "b", "c", ""], [0, 0, 10, 10], id="overall"),
        pytest.param({"a": Limit(1, 10)}, ["a", "b", "b", "a"], [0, 0, 0, 10], id="one interface"),
        pytest.param({"*": Limit(1, 10)}, ["a", "b", "a"], [0, 0, 10], id="each by itself"),
        pytest.param({"*": Limit(1, 10), "b": Limit(2, 10)}, ["b", "b", "b"], [0, 0, 10], id="own before each"),
        pytest.param({"": Limit(3, 10), "a": Limit(1, 2)}, ["a", "a", "b", "b"], [0, 2, 2, 10], id="both"),
        pytest.param({"": Limit(2, 10)}, ["", "", ""], [0, 0, 10], id="the system's only interface"),
    ],
)
def test_windows(limits: dict[str, Limit], interfaces: list[str], expected: list[float]) -> None:
    clock = FakeClock()
    assert expected == times_of(CallBudget(limits, 4, clock), clock, interfaces)


@given(st.integers(1, 5), st.integers(1, 20), st.lists(st.floats(0, 9), min_size=1, max_size=40))
def test_no_stretch_ever_holds_more_than_the_limit(calls: int, per_s: int, gaps: list[float]) -> None:
    clock = FakeClock()
    budget = CallBudget({"": Limit(calls, per_s)}, 4, clock)
    times = []
    for gap in gaps:
        clock.advance(gap)
        times += times_of(budget, clock, [""])
    for index in range(len(times) - calls):
        assert times[index + calls] - times[index] >= per_s - 1e-6


def test_a_wait_longer_than_a_run_is_refused_at_once() -> None:
    clock = FakeClock()
    budget = CallBudget({"": Limit(1, 86_400)}, 4, clock)
    with budget.call(""):
        pass
    with pytest.raises(BudgetUsedUp, match="1 calls in 86400 s") as caught, budget.call(""):
        pass
    assert caught.value.wait_s == pytest.approx(86_400)
    assert clock.slept == []


def test_calls_in_flight_are_bounded() -> None:
    budget = CallBudget({}, 3, FakeClock())
    lock, now, most = threading.Lock(), 0, 0
    three_inside = threading.Barrier(3, timeout=5)

    def call(_: int) -> None:
        nonlocal now, most
        with budget.call(""):
            with lock:
                now += 1
                most = max(most, now)
            three_inside.wait()
            with lock:
                now -= 1

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(call, range(9)))
    assert most == 3


def test_a_failed_call_gives_its_place_back() -> None:
    budget = CallBudget({}, 1, FakeClock())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.call(""):
            raise ZeroDivisionError
    with budget.call(""):
        pass


class StoppedClock(FakeClock):
    """As a SystemClock whose `interrupt` is set: sleeping ends at once."""

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_an_interrupted_wait_is_no_wait() -> None:
    with pytest.raises(Interrupted):
        pause(StoppedClock(), 5)


@pytest.mark.parametrize(("calls", "per_s"), [(0, 1.0), (1, 0.0)])
def test_a_limit_that_allows_nothing_is_refused(calls: int, per_s: float) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        Limit(calls, per_s)
