"""What a scrape of ``/metrics`` shows: read from the store, so that any one process can be asked for the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from ledgerbridge.store import Store, conflicts, exceptions, fires, gates, heartbeats, operations, quarantine, streams
from ledgerbridge.store.tx import Tx, from_us

FRESH_SECONDS = 5.0
"""Scrapes within so many seconds are answered from one reading of the store."""


def metrics_of(store: Store, jobs: Callable[[], tuple[str, ...]]) -> Callable[[], bytes]:
    """What answers scrapes, in Prometheus' text format. `jobs`: the names of the scheduled jobs."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(store, jobs))
    held: tuple[float, bytes] | None = None

    def scrape() -> bytes:
        nonlocal held
        now = store.clock.monotonic()
        if held is None or now - held[0] > FRESH_SECONDS:
            held = now, generate_latest(registry)
        return held[1]

    return scrape


class _Collector:
    """Reads all of it within one picture of the store."""

    def __init__(self, store: Store, jobs: Callable[[], tuple[str, ...]]) -> None:
        self._store = store
        self._jobs = jobs

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering must not read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One gauge after the other."""
        now = self._store.clock.now()
        with self._store.reading() as tx:
            found = [*_reading(tx, now), *_writing(tx, now), *_people(tx), *_processes(tx, now, self._jobs())]
        yield from found


def _gauge(name: str, told: str, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ledgerbridge_{name}", told, labels=labels)


def _seconds(now: datetime, then: datetime) -> float:
    return (now - then).total_seconds()


def _reading(tx: Tx, now: datetime) -> Iterator[Metric]:
    age = _gauge("stream_age_seconds", "Since a stream was last read to its end.", ("system", "kind"))
    for state in streams.every(tx):
        if state.complete_us is not None:
            age.add_metric([state.system, state.kind.value], _seconds(now, from_us(state.complete_us)))
    yield age
    waiting = _gauge("quarantined_records", "Records that could not be read or mapped.", ("system", "kind"))
    for (system, kind), number in quarantine.open_counts(tx).items():
        waiting.add_metric([system, kind.value], number)
    yield waiting


def _writing(tx: Tx, now: datetime) -> Iterator[Metric]:
    states = _gauge("operations", "Writes that are not done, by where they stand.", ("state",))
    for state, number in operations.counts(tx).items():
        states.add_metric([state.value], number)
    yield states
    breaker = _gauge("target_open", "1 while nothing is sent to a system because it cannot be reached.", ("system",))
    pause = _gauge(
        "target_pause_seconds", "How long a system is still left alone (no calls left, Retry-After).", ("system",)
    )
    for gate in gates.every(tx):
        breaker.add_metric([gate.system], float(gate.breaker is not gates.Breaker.CLOSED))
        pause.add_metric([gate.system], max(0.0, -_seconds(now, from_us(gate.resume_us))))
    yield breaker
    yield pause


def _people(tx: Tx) -> Iterator[Metric]:
    found = _gauge("exceptions", "Exceptions that are open or taken.", ("code", "severity"))
    tallies: dict[tuple[str, str], int] = {}
    for count in exceptions.counts(tx, exceptions.Wanted()):
        key = count.code.value, count.severity.value
        tallies[key] = tallies.get(key, 0) + count.records
    for (code, severity), number in sorted(tallies.items()):
        found.add_metric([code, severity], number)
    yield found
    yield GaugeMetricFamily(
        "ledgerbridge_conflicts",
        "Fields that both sides changed, waiting for a person.",
        value=conflicts.open_count(tx),
    )


def _processes(tx: Tx, now: datetime, jobs: tuple[str, ...]) -> Iterator[Metric]:
    seen = _gauge("process_silence_seconds", "Since a serving process was last heard of.", ("process", "role"))
    for one in heartbeats.every(tx):
        seen.add_metric([one.process, one.role], _seconds(now, one.seen_at))
    yield seen
    good = _gauge("job_age_seconds", "Since a scheduled job last ended without failing.", ("job",))
    failed = _gauge("job_failed", "1 if the last run of a scheduled job failed.", ("job",))
    for job in jobs:
        last, then = fires.latest(tx, job), fires.last_good(tx, job)
        if then is not None:
            good.add_metric([job], _seconds(now, then))
        if last is not None:
            failed.add_metric([job], float(last.state is fires.FireState.FAILED))
    yield good
    yield failed
