"""How many calls may be made: sliding windows per interface, and a bound on calls in flight; shared by all threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ledgerbridge.clock import Clock

OVERALL = ""
EACH = "*"
WAIT_MAX_S = 120.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` in any stretch of `per_s` seconds."""

    calls: int
    per_s: float

    def __post_init__(self) -> None:
        if self.calls < 1 or self.per_s <= 0:
            raise ValueError(f"a limit needs at least one call in a positive time, not {self.calls} in {self.per_s} s")


class BudgetUsedUp(Exception):
    """The next call would have to wait longer than a run should: `wait_s` seconds."""

    def __init__(self, limit: Limit, wait_s: float) -> None:
        super().__init__(
            f"our own limit of {limit.calls} calls in {limit.per_s:g} s is used up for another {wait_s:.0f} s"
        )
        self.wait_s = wait_s


class Interrupted(Exception):
    """The clock's sleep ended early: the process is being stopped."""


def pause(clock: Clock, seconds: float) -> None:
    """Wait on `clock`; Interrupted if the wait was cut short (SystemClock.interrupt)."""
    until = clock.monotonic() + seconds
    clock.sleep(seconds)
    if clock.monotonic() < until - max(0.05, seconds * 0.1):
        raise Interrupted


class CallBudget:
    """The calls that one system may be asked for.

    Keys of `limits`: ``""`` bounds all calls together; a name bounds the calls of that `Call.interface`; ``"*"`` bounds each
    interface that has no limit of its own, each by itself. What matches is enforced together. `in_flight` bounds
    the calls at the same time.
    """

    def __init__(
        self, limits: Mapping[str, Limit], in_flight: int, clock: Clock, *, wait_max_s: float = WAIT_MAX_S
    ) -> None:
        self._limits = dict(limits)
        self._clock = clock
        self._wait_max_s = wait_max_s
        self._lock = threading.Lock()
        self._windows: dict[str, deque[float]] = {}
        self._slots = threading.BoundedSemaphore(in_flight)

    @contextmanager
    def call(self, interface: str) -> Iterator[None]:
        """Hold one call's place; entering waits for it.

        Raises BudgetUsedUp without waiting when it would take longer than `wait_max_s`, Interrupted when stopped.
        """
        # The place in flight comes first: a call that has its place in the window is then sent at once, so that
        # the far side's window and ours agree.
        with self._slots:
            self._wait(interface)
            yield

    def _wait(self, interface: str) -> None:
        while True:
            with self._lock:
                wait_s, limit = self._reserve(interface)
            if limit is None:
                return
            if wait_s > self._wait_max_s:
                raise BudgetUsedUp(limit, wait_s)
            pause(self._clock, wait_s)

    def _reserve(self, interface: str) -> tuple[float, Limit | None]:
        """Take a place in every window, or say how long to wait for which limit and take none."""
        now = self._clock.monotonic()
        names = {OVERALL: self._limits.get(OVERALL)}
        if interface != OVERALL:
            names[interface] = self._limits.get(interface, self._limits.get(EACH))
        wait_s, blocking = 0.0, None
        windows = []
        for name, limit in names.items():
            if limit is None:
                continue
            window = self._windows.setdefault(name, deque(maxlen=limit.calls))
            windows.append(window)
            if len(window) == limit.calls and window[0] + limit.per_s - now > wait_s:
                wait_s, blocking = window[0] + limit.per_s - now, limit
        if blocking is None:
            for window in windows:
                window.append(now)
        return wait_s, blocking
