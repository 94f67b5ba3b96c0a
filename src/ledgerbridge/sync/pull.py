"""Pulling: one stream with all its steps, or several systems in one run. One system's failure does not stop the others."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ledgerbridge.clock import Clock
from ledgerbridge.connectors.base import Connector
from ledgerbridge.errors import ConnectorError, LedgerbridgeError, NotAllowed, NotSignedIn, StoreError, Unavailable
from ledgerbridge.model.base import Kind
from ledgerbridge.model.run import Bucket, RunStatus
from ledgerbridge.store import Store, history, runs, to_us

from .decode import Decode
from .replay import brought_up_to_date
from .step import Progress, StepResult, translated
from .sweep import SweepPolicy, sweep
from .walk import walk

_COLLECT_AT: Final = 100_000
"""New objects between two looks of the garbage collector: with Python's own 700 a pull spends a tenth of its time there, and
with this one it holds no more memory."""
_WHOLE_SYSTEM = (NotAllowed, NotSignedIn, Unavailable)
"""Errors that would meet every further stream of the same system."""


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """One stream to be pulled. `full`: everything, not only what has changed. `sweep`: also look for what has vanished.

    `audited`: count the closing totals anew from the copies, as a full pull always does.
    """

    kind: Kind
    decode: Decode
    full: bool = False
    sweep: bool = False
    audited: bool = False
    sweep_policy: SweepPolicy | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One configured system. `connect` opens its connector; it is closed when its streams are done."""

    system: str
    connect: Callable[[], AbstractContextManager[Connector]]
    streams: tuple[StreamOrder, ...]
    page_size: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A stream that has no certificate because nothing was begun, and why. `kind` None: the whole system."""

    system: str
    kind: Kind | None
    error: LedgerbridgeError


@dataclass(frozen=True, slots=True)
class PullResult:
    """What a run did: every step of every stream, and what could not even begin."""

    run_id: str
    status: RunStatus
    steps: tuple[StepResult, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def severity(self) -> int:
        """0 all well; 1 partial (something in quarantine, a system gave up); 2 failed or does not tie; 3 interrupted."""
        return {RunStatus.OK: 0, RunStatus.PARTIAL: 1, RunStatus.INTERRUPTED: 3}.get(self.status, 2)

    def records(self, bucket: Bucket) -> int:
        """How many records ended in a bucket, over all steps."""
        return sum(step.records(bucket) for step in self.steps)


def new_run_id(clock: Clock, *, token: str | None = None) -> str:
    """An id that sorts by time and that a person can read out: `20261122T020037-3fa9c1`."""
    return f"{clock.now():%Y%m%dT%H%M%S}-{token or secrets.token_hex(3)}"


def pull_stream(
    store: Store,
    connector: Connector,
    system: str,
    kind: Kind,
    decode: Decode,
    *,
    run_id: str,
    limit: int | None = None,
    full: bool = False,
    with_sweep: bool = False,
    audited: bool = False,
    sweep_policy: SweepPolicy | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> tuple[StepResult, ...]:
    """Pull one stream within a run that was entered with ``store.runs.begin``; its steps in order.

    If the mapping was edited, the stored copies are mapped anew first (remap, replay). Then the walk; then, if asked for and
    the walk was completed, the sweep. `limit` is the page size (None: the largest the connector allows). Raises StoreError
    alone; everything else is in the results.
    """
    steps = brought_up_to_date(store, system, kind, decode, run_id=run_id, progress=progress, stop=stop)
    if steps and steps[-1].status in {RunStatus.FAILED, RunStatus.INTERRUPTED}:
        return steps
    size = connector.capabilities.page_size_max
    walked = walk(
        store,
        connector,
        system,
        kind,
        decode,
        run_id=run_id,
        limit=size if limit is None else min(limit, size),
        full=full,
        audited=audited,
        progress=progress,
        stop=stop,
    )
    steps = (*steps, walked)
    if not with_sweep or not walked.certificate.complete or walked.error is not None:
        return steps
    policy = sweep_policy
    swept = sweep(store, connector, system, kind, decode, run_id=run_id, policy=policy, progress=progress, stop=stop)
    return steps if swept is None else (*steps, swept)


def pull_all(
    store: Store,
    sources: Sequence[Source],
    *,
    run_id: str | None = None,
    action: str = "pull",
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> PullResult:
    """Pull several systems in one run of the ledger, one after another.

    An error of one stream is noted and the next one is tried, unless it concerns the system as a whole (it cannot be
    reached, refuses us); then its other streams are skipped. KeyboardInterrupt, and `stop` once it says so, end the run in
    order: what is stored stands, the status is interrupted. Raises StoreError alone.
    """
    run_id = run_id or new_run_id(store.clock)
    with store.writing() as tx:
        runs.begin(tx, run_id, action, to_us(store.clock.now()))
    steps: list[StepResult] = []
    failures: list[Failure] = []
    interrupted = False
    try:
        with _seldom_collected():
            for source in sources:
                if stop is not None and stop():
                    interrupted = True
                    break
                interrupted = _pull_source(store, source, run_id, steps, failures, progress, stop)
                if interrupted:
                    break
    except KeyboardInterrupt:
        interrupted = True
    except StoreError as error:
        _end_if_possible(store, run_id, error)
        raise
    status = RunStatus.INTERRUPTED if interrupted else run_status(steps, failures)
    with store.writing() as tx:
        runs.end(tx, run_id, status, _summary(steps, failures), to_us(store.clock.now()))
    return PullResult(run_id, status, tuple(steps), tuple(failures))


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let the garbage collector look more seldom as long as the block lasts; one that is off, or more patient, is left alone."""
    before = gc.get_threshold()
    gc.set_threshold(before[0] and max(before[0], _COLLECT_AT), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def forget_old_history(store: Store, days: int) -> int:
    """Remove earlier forms of records that ceased to hold more than `days` ago (the retention setting); how many."""
    with store.writing() as tx:
        return history.prune(tx, before=store.clock.now() - timedelta(days=days))


def run_status(steps: Sequence[StepResult], failures: Sequence[Failure]) -> RunStatus:
    """The status of a run from its parts: what does not tie fails it, all failed is failed, some failed is partial."""
    statuses = [step.status for step in steps] + [RunStatus.FAILED] * len(failures)
    if any(not step.certificate.ties for step in steps):
        return RunStatus.FAILED
    if RunStatus.INTERRUPTED in statuses:
        return RunStatus.INTERRUPTED
    if statuses and all(status is RunStatus.FAILED for status in statuses):
        return RunStatus.FAILED
    return RunStatus.OK if all(status is RunStatus.OK for status in statuses) else RunStatus.PARTIAL


def _pull_source(
    store: Store,
    source: Source,
    run_id: str,
    steps: list[StepResult],
    failures: list[Failure],
    progress: Callable[[Progress], None] | None,
    stop: Callable[[], bool] | None,
) -> bool:
    """Pull the streams of one system; whether the run was interrupted meanwhile."""
    try:
        with source.connect() as connector:
            for at, order in enumerate(source.streams):
                done = pull_stream(
                    store,
                    connector,
                    source.system,
                    order.kind,
                    order.decode,
                    run_id=run_id,
                    limit=source.page_size,
                    full=order.full,
                    with_sweep=order.sweep,
                    audited=order.audited,
                    sweep_policy=order.sweep_policy,
                    progress=progress,
                    stop=stop,
                )
                steps.extend(done)
                if any(step.interrupted for step in done):
                    return True
                failed = next((step.error for step in done if isinstance(step.error, _WHOLE_SYSTEM)), None)
                if failed is not None:
                    failures += [_skipped(source.system, later.kind, failed) for later in source.streams[at + 1 :]]
                    return False
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 (a connector that cannot be opened must not stop the other systems)
        failures.append(Failure(source.system, None, translated(error, source.system)))
    return False


def _skipped(system: str, kind: Kind, error: ConnectorError) -> Failure:
    made = ConnectorError(
        f"not tried, because the system failed before: {error.message}", system=system, code=error.code
    )
    made.__cause__ = error
    return Failure(system, kind, made)


def _summary(steps: Sequence[StepResult], failures: Sequence[Failure]) -> str | None:
    said = [f"{step.system}/{step.kind} {step.step}: {step.error}" for step in steps if step.error is not None]
    said += [f"{step.system}/{step.kind} {step.step}: {fault}" for step in steps for fault in step.certificate.faults]
    said += [f"{failure.system}: {failure.error}" for failure in failures]
    return "; ".join(said) or None


def _end_if_possible(store: Store, run_id: str, error: StoreError) -> None:
    """Note the failure if the database still takes it; the error itself is raised in any case."""
    try:
        with store.writing() as tx:
            runs.end(tx, run_id, RunStatus.FAILED, str(error), to_us(store.clock.now()))
    except StoreError as second:
        error.add_note(f"the run could not be closed either: {second}")
