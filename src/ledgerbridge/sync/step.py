"""One step (pull, remap, replay, sweep) of one stream in one run: its books are opened, kept with each transaction, closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ledgerbridge.errors import ConnectorError, LedgerbridgeError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable
from ledgerbridge.model.run import Bucket, Certificate, RunStatus
from ledgerbridge.store import Store, Tx, observed, runs, streams, to_us, totals
from ledgerbridge.store.quarantine import QuarantineState
from ledgerbridge.store.runs import StepCounts

from .certificate import certificate
from .decode import Decode
from .judge import Judge, Scope


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come. `total` is what the far side says there is, if it says so."""

    system: str
    kind: Kind
    step: str
    pages: int
    read: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of one step. `error` is why it did not reach its end; `note` what a person should know besides."""

    step: str
    certificate: Certificate
    status: RunStatus
    error: LedgerbridgeError | None = None
    interrupted: bool = False
    note: str | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    pages: int = 0
    seconds: float = 0.0

    @property
    def system(self) -> str:
        """Whose stream it was."""
        return self.certificate.system

    @property
    def kind(self) -> Kind:
        """Of what kind."""
        return self.certificate.kind

    def records(self, bucket: Bucket) -> int:
        """How many records ended in a bucket."""
        return sum(tally.records for tally in self.certificate.tallies if tally.bucket is bucket)


@dataclass(slots=True)
class Step:
    """The books of a step under way. Made by :func:`begun`; `store_group` for each stretch, `finished` at the end."""

    store: Store
    system: str
    kind: Kind
    run_id: str
    step: str
    decode: Decode
    before: streams.StreamState
    started: float
    counts: StepCounts
    progress: Callable[[Progress], None] | None = None

    @contextmanager
    def group(
        self,
        *,
        anew: bool = False,
        keep_flaws: bool = False,
        settled_as: QuarantineState = QuarantineState.RESOLVED,
        durable: bool = False,
    ) -> Iterator[Group]:
        """A transaction of this step: what is judged in it, its counts and what else the caller writes stand or fall together."""
        counts = self.counts.copy()
        now_us = to_us(self.store.clock.now())
        with self.store.writing(lock=observed.lock_of(self.system, self.kind), durable=durable) as tx:
            streams.check_held(tx, self.system, self.kind, self.run_id)
            found = totals.of(tx, self.system, self.kind)
            counts.opening = _shifted(counts.opening, counts.closing, found)
            scope = Scope(self.system, self.kind, self.run_id, now_us, self.decode, anew, keep_flaws, settled_as)
            judge = Judge(tx, scope, counts)
            yield Group(tx, judge, counts, now_us)
            judge.close()
            counts.closing = totals.of(tx, self.system, self.kind)
            runs.save_counts(tx, self.run_id, self.step, self.system, self.kind, counts)
        self.counts = counts

    def tell(self, total: int | None = None) -> None:
        """Report how far the step has come."""
        if self.progress is not None:
            self.progress(Progress(self.system, self.kind, self.step, self.counts.pages, self.counts.read, total))

    def finished(
        self,
        *,
        complete: bool,
        handed_over: int | None = None,
        audited: bool = False,
        error: LedgerbridgeError | None = None,
        interrupted: bool = False,
        note: str | None = None,
        doubtful: bool = False,
        also: Callable[[Tx, int], None] | None = None,
    ) -> StepResult:
        """Draw up the certificate from what is stored, and close the step. `also` writes in the same transaction.

        `doubtful`: the note tells of something a person must look at, so the step is not green.

        What is stored is the truth, also where a commit's answer was lost. Wrong running totals are reported once, then
        put right.
        """
        now_us = to_us(self.store.clock.now())
        with self.store.writing(lock=observed.lock_of(self.system, self.kind)) as tx:
            counts = runs.counts_of(tx, self.run_id, self.step, self.system, self.kind)
            found = totals.of(tx, self.system, self.kind)
            recount = observed.live_totals(tx, self.system, self.kind) if audited else None
            drawn = certificate(
                self.system,
                self.kind,
                counts,
                totals=found,
                recount=recount,
                complete=complete,
                handed_over=handed_over if complete else None,
            )
            if recount is not None and recount != found:
                totals.put_right(tx, self.system, self.kind, recount)
            status = status_of(drawn, error=error, interrupted=interrupted, doubtful=doubtful)
            if also is not None:
                also(tx, now_us)
            said = "; ".join(text for text in (str(error) if error else "", note or "") if text) or None
            runs.end_step(tx, self.run_id, self.step, drawn, status, said, now_us)
            streams.release(tx, self.system, self.kind, self.run_id)
        seconds = self.store.clock.monotonic() - self.started
        return StepResult(
            self.step, drawn, status, error, interrupted, note, dict(counts.reasons), counts.pages, seconds
        )


@dataclass(slots=True)
class Group:
    """A transaction of a step."""

    tx: Tx
    judge: Judge
    counts: StepCounts
    now_us: int

    def take(self, records: Sequence[Raw], unreadable: Sequence[Unreadable] = (), *, pages: int = 1) -> None:
        """Judge records; they count as read here, apart from the buckets."""
        self.counts.pages += pages
        self.counts.read += len(records) + len(unreadable)
        self.judge.take(records, unreadable)


def begun(
    store: Store,
    system: str,
    kind: Kind,
    decode: Decode,
    *,
    run_id: str,
    step: str,
    progress: Callable[[Progress], None] | None = None,
    also: Callable[[Tx, streams.StreamState, int], None] | None = None,
) -> Step:
    """Take the stream over for this run and open the step's books. A run that held it and died is marked interrupted."""
    now_us = to_us(store.clock.now())
    started = store.clock.monotonic()
    with store.writing(lock=observed.lock_of(system, kind)) as tx:
        before = streams.take(tx, system, kind, run_id)
        if before.holder is not None and before.holder != run_id:
            runs.abandon(tx, before.holder, run_id, now_us)
        opening = totals.of(tx, system, kind)
        runs.begin_step(tx, run_id, step, system, kind, opening=opening, now_us=now_us)
        if also is not None:
            also(tx, before, now_us)
    counts = StepCounts(opening=opening, closing=dict(opening))
    return Step(store, system, kind, run_id, step, decode, before, started, counts, progress)


def status_of(
    drawn: Certificate, *, error: BaseException | None, interrupted: bool, doubtful: bool = False
) -> RunStatus:
    """How a step ended. What does not tie has failed; what stored nothing before an error has failed; quarantine is partial."""
    if drawn.faults:
        return RunStatus.FAILED
    if interrupted:
        return RunStatus.INTERRUPTED
    if error is not None:
        return RunStatus.PARTIAL if drawn.read else RunStatus.FAILED
    quarantined = any(tally.bucket is Bucket.QUARANTINED and tally.records for tally in drawn.tallies)
    return RunStatus.PARTIAL if quarantined or doubtful or not drawn.complete else RunStatus.OK


def translated(error: Exception, system: str) -> LedgerbridgeError:
    """An error as the ledger keeps it. What a connector should not raise is named by its type: its text may hold a secret."""
    if isinstance(error, LedgerbridgeError):
        return error
    made = ConnectorError(
        f"the connector failed with {type(error).__name__}; this is a defect to report", system=system
    )
    made.__cause__ = error
    return made


def _shifted(opening: runs.Sums, last: runs.Sums, found: runs.Sums) -> runs.Sums:
    """What others did to the books between two transactions of a step becomes part of its opening."""
    if last == found:
        return opening
    shifted = dict(opening)
    for currency in last.keys() | found.keys():
        old, new = last.get(currency, (0, 0)), found.get(currency, (0, 0))
        at = shifted.get(currency, (0, 0))
        shifted[currency] = (at[0] + new[0] - old[0], at[1] + new[1] - old[1])
    return shifted
