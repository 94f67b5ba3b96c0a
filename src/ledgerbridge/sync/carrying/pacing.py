"""Keeping to the far side's limits without waiting inside a sending, and a sending to its deadline."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ledgerbridge.clock import Clock

_MINUTE_S = 60.0
T = TypeVar("T")


class Pace:
    """At most so many writes a minute, as the far side allows. Thread-safe."""

    def __init__(self, per_minute: int | None, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()

    def wait_s(self, writes: int) -> float:
        """Seconds until `writes` more are within the limit; 0 takes their places. More than a minute's worth go alone."""
        if self._per_minute is None:
            return 0.0
        with self._lock:
            now = self._clock.monotonic()
            while self._sent and self._sent[0] <= now - _MINUTE_S:
                self._sent.popleft()
            free = self._per_minute - len(self._sent)
            if writes <= free or not self._sent:
                self._sent.extend([now] * writes)
                return 0.0
            behind = self._sent[min(writes - free, len(self._sent)) - 1]
            return max(0.0, behind + _MINUTE_S - now)


class Overdue(Exception):
    """The work was not done in time; it may still be under way."""


class Bounded(Generic[T]):
    """Does one piece of work in a thread of its own and waits for it so long and no longer."""

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __call__(self, seconds: float) -> T:
        """The work's result, or its error; Overdue after `seconds`."""
        self._thread.start()
        self._thread.join(seconds)
        if self._error:
            raise self._error[0]
        if not self._result:
            raise Overdue
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 (handed to the caller, who waits for it)
            self._error.append(error)
