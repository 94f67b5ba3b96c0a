"""When what runs: cron expressions in the company's zone, each fire time claimed once, and hints of webhooks in between."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind
from ledgerbridge.store import Store, fires, heartbeats, inbox
from ledgerbridge.store.fires import FireState

_MISSED_SHOWN = 1000
HINT_QUIET = timedelta(seconds=2)
"""A hint waits so long for others like it: a bulk edit at the far side sends hundreds within a second."""
HINT_HOLD = timedelta(minutes=1)
"""A job that failed is not started by hints again for so long; its schedule starts it all the same."""


class JobKind(StrEnum):
    """What a job does."""

    FLOW = "flow"
    PULL = "pull"
    SUBSCRIBE = "subscribe"
    RECONCILE = "reconcile"


@dataclass(frozen=True, slots=True)
class Job:
    """Something that runs by a schedule, by hints, or both. `name` is its flow's for a flow.

    `streams` are those that it reads: hints about one of them start it.
    """

    name: str
    kind: JobKind
    cron: str | None = None
    streams: frozenset[tuple[str, Kind]] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Start:
    """A job to be started now: for a fire time that was claimed, or because of hints that came until `hinted_until`."""

    job: Job
    fire_at: datetime | None = None
    hinted_until: datetime | None = None
    missed: int = 0


def check_cron(expression: str) -> str:
    """The expression itself; ConfigError if it is none or never fires."""
    try:
        next(CronSim(expression, datetime(2026, 1, 1)))  # noqa: DTZ001 (a test drive of the expression only)
    except (CronSimError, StopIteration) as error:
        raise ConfigError(
            f"{expression!r} is no cron expression of five fields, such as */15 8-20 * * mon-fri: {error}"
        ) from None
    return expression


def next_fire(expression: str, zone: ZoneInfo, after: datetime) -> datetime:
    """The first fire time after a moment, aware, in `zone`.

    Where clocks are put forward, a time that does not exist fires right after the gap; where they are put back, one that
    exists twice fires once (cronsim follows Debian's cron).
    """
    return next(CronSim(expression, after.astimezone(zone)))


def latest_due(expression: str, zone: ZoneInfo, after: datetime, now: datetime) -> tuple[datetime | None, int]:
    """The newest fire time in (after, now], and how many before it were passed over (counted up to a thousand)."""
    found: datetime | None = None
    passed = 0
    start = max(after, now - timedelta(days=400))
    for moment in CronSim(expression, start.astimezone(zone)):
        if moment > now:
            break
        passed += found is not None
        found = moment
        if passed > _MISSED_SHOWN:  # a machine that was off for long: jump to the last day
            return _last_within(expression, zone, now) or found, passed
    return found, passed


def _last_within(expression: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    found = None
    for moment in CronSim(expression, (now - timedelta(days=1)).astimezone(zone)):
        if moment > now:
            return found
        found = moment
    return found


class Scheduler:
    """Decides what starts; several of them, on several machines, may run over one store."""

    def __init__(self, store: Store, jobs: Sequence[Job], zone: ZoneInfo, process: str) -> None:
        self._store = store
        self._jobs = tuple(jobs)
        self._zone = zone
        self._process = process
        self._held: dict[str, datetime] = {}

    def tick(self, running: Collection[Job] = ()) -> list[Start]:
        """What is to start now. `running`: jobs that this process still runs.

        A fire time of a running job is claimed and skipped: it holds itself back. One of a job that reads a stream which a
        running job reads is left for later: two runs over one stream would only disturb each other.
        """
        now = self._store.clock.now()
        under_way = {job.name for job in running}
        taken = {stream for job in running for stream in job.streams}
        starts: list[Start] = []
        for job in self._jobs:
            if job.cron is None or (job.name not in under_way and job.streams & taken):
                continue
            start = self._due(job, job.cron, now, skip=job.name in under_way)
            if start is not None:
                starts.append(start)
                taken |= job.streams
        begun = under_way | {start.job.name for start in starts}
        return starts + self._hinted(now, begun, taken)

    def _due(self, job: Job, cron: str, now: datetime, *, skip: bool) -> Start | None:
        with self._store.reading() as tx:
            # A machine whose clock was ahead has claimed times to come; they stay claimed, but those before them are due.
            last = fires.latest(tx, job.name, until=now)
        if last is None:
            with self._store.writing() as tx:
                fires.claim(tx, job.name, now, self._process, now, state=FireState.FIRST_SEEN)
            return None
        due, missed = latest_due(cron, self._zone, last.at, now)
        if due is None:
            return None
        with self._store.writing() as tx:
            if not fires.claim(tx, job.name, due, self._process, now):
                return None
            if skip:
                fires.finish(tx, job.name, due, FireState.SKIPPED, "the run before it was still under way", now)
                return None
        return Start(job, fire_at=due, missed=missed)

    def _hinted(self, now: datetime, begun: set[str], taken: set[tuple[str, Kind]]) -> list[Start]:
        until = now - HINT_QUIET
        with self._store.reading() as tx:
            streams = inbox.waiting(tx, received_before=until)
        starts: list[Start] = []
        for job in self._jobs:
            about = bool(job.streams & streams) and not job.streams & taken
            if about and job.name not in begun and self._held.get(job.name, now) <= now:
                starts.append(Start(job, hinted_until=until))
                taken |= job.streams
        return starts

    def finished(self, start: Start, state: FireState, why: str | None) -> None:
        """Note how a started job ended; hints that it has followed are settled if it read their streams."""
        now = self._store.clock.now()
        if state in (FireState.FAILED, FireState.SKIPPED):
            self._held[start.job.name] = now + HINT_HOLD
        if start.missed:
            why = "; ".join(part for part in (why, f"{start.missed} fire times before it were missed") if part)
        with self._store.writing() as tx:
            if start.fire_at is not None:
                fires.finish(tx, start.job.name, start.fire_at, state, why, now)
            if start.hinted_until is not None and state in (FireState.DONE, FireState.FINDINGS):
                for system, kind in sorted(start.job.streams):
                    inbox.done(tx, system, kind, received_before=start.hinted_until, now=now)

    def tidy(self) -> None:
        """Close what dead processes left open, and forget what is old."""
        now = self._store.clock.now()
        with self._store.writing() as tx:
            fires.abandoned(tx, heartbeats.alive(tx, now) | {self._process}, now)
            fires.forget(tx, now - timedelta(days=90))
            inbox.forget(tx, now - timedelta(days=30))
