"""A process that serves: starts jobs when they are due, says that it is alive, and ends in order."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.errors import LedgerbridgeError
from ledgerbridge.store import Store, heartbeats
from ledgerbridge.store.fires import FireState
from ledgerbridge.store.heartbeats import BEAT_SECONDS, Heartbeat

from .scheduling import Job, Scheduler, Start

_log = log.get("ledgerbridge.serve")
TICK_SECONDS = 1.0
TIDY_EVERY = timedelta(hours=1)

RunJob = Callable[[Job, Callable[[], bool]], tuple[FireState, str | None]]
"""Does a job; the second argument answers whether it is to stop. Says how it ended, and why if that needs saying."""


def process_name() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class Pulse:
    """Says in the database now and then that this process is there. A database that is away for a while ends nothing."""

    def __init__(self, store: Store, role: str, process: str) -> None:
        self._store = store
        self._one = Heartbeat(
            process, role, socket.gethostname(), os.getpid(), store.clock.now(), store.clock.now(), ""
        )
        self._next = 0.0

    def beat(self, doing: str) -> None:
        """Say it if it is time."""
        clock = self._store.clock
        if clock.monotonic() < self._next:
            return
        self._next = clock.monotonic() + BEAT_SECONDS
        one = self._one
        with self._store.writing() as tx:
            now = clock.now()
            heartbeats.beat(tx, Heartbeat(one.process, one.role, one.host, one.pid, one.started_at, now, doing))

    def leave(self) -> None:
        """Say that this process ends."""
        try:
            with self._store.writing() as tx:
                heartbeats.leave(tx, self._one.process)
        except LedgerbridgeError as error:
            _log.warning("heartbeat not withdrawn", error=str(error))


class Service:
    """The scheduler's loop. `at_once`: how many jobs run side by side in this process."""

    def __init__(self, scheduler: Scheduler, run: RunJob, pulse: Pulse, clock: Clock, *, at_once: int = 2) -> None:
        self._scheduler = scheduler
        self._run = run
        self._pulse = pulse
        self._clock = clock
        self._at_once = at_once
        self._running: dict[Job, Future[None]] = {}
        self._last_tick: float | None = None
        self._fault: str | None = None

    @property
    def silent_s(self) -> float | None:
        """Seconds since the loop last came round; None before its first time."""
        return None if self._last_tick is None else self._clock.monotonic() - self._last_tick

    @property
    def fault(self) -> str | None:
        """Why the loop cannot do its work now, e.g. that the database is away; None if it can."""
        return self._fault

    def loop(self, stop: threading.Event) -> None:
        """Until `stop` is set; then waits for the jobs under way, which are asked to stop as well."""
        next_tidy = self._clock.now()
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="job") as pool:
            while not stop.is_set():
                try:
                    self._pulse.beat(", ".join(sorted(job.name for job in self._running)))
                    if self._clock.now() >= next_tidy:
                        self._scheduler.tidy()
                        next_tidy = self._clock.now() + TIDY_EVERY
                    self._begin(pool, stop)
                    self._fault = None
                except LedgerbridgeError as error:
                    if self._fault is None:
                        _log.error("scheduler held up", error=str(error), error_type=type(error).__name__)
                    self._fault = str(error)
                self._last_tick = self._clock.monotonic()
                stop.wait(TICK_SECONDS)
        self._pulse.leave()

    def _begin(self, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        self._running = {job: future for job, future in self._running.items() if not future.done()}
        if len(self._running) >= self._at_once > 1:
            return  # fire times wait for a free place; the newest one is not lost
        for start in self._scheduler.tick(tuple(self._running)):
            _log.info("job started", name=start.job.name, kind=str(start.job.kind), missed=start.missed)
            self._running[start.job] = pool.submit(self._do, start, stop.is_set)

    def _do(self, start: Start, stopping: Callable[[], bool]) -> None:
        began = self._clock.monotonic()
        try:
            state, why = self._run(start.job, stopping)
        except LedgerbridgeError as error:
            state, why = FireState.FAILED, str(error)
        except Exception as error:  # noqa: BLE001 (a fault of ours must not end the service; logged with its frames)
            _log.exception("job broke", name=start.job.name)
            state, why = FireState.FAILED, f"{type(error).__name__}: {log.mask(str(error))}"
        seconds = round(self._clock.monotonic() - began, 3)
        _log.info("job ended", name=start.job.name, state=str(state), why=why or "", duration_s=seconds)
        try:
            self._scheduler.finished(start, state, why)
        except LedgerbridgeError as error:
            _log.error("job's end not noted", name=start.job.name, error=str(error))
