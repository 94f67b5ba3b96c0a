"""One round of flows: read the systems, link, plan each flow in order, and carry out what may be carried out unattended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from ledgerbridge.errors import ActRefused, Stopped, StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.operation import Operation, OpState
from ledgerbridge.model.plan import OPEN_STATES, PlanHead, PlanState
from ledgerbridge.model.run import RunStatus
from ledgerbridge.queue.worker import Worker
from ledgerbridge.reconciler.planning import FlowRules
from ledgerbridge.store import Store, plans, runs, to_us

from .applying import Applied, Unkeyed, approve, carry_out, settled
from .flowguard import FlowBusy, only_run
from .linking import LinkResult
from .planning import Made, make_plan
from .pull import PullResult, Source, pull_all
from .step import Progress

Stop = Callable[[], bool]
NEEDED: Final[Mapping[Kind, tuple[Kind, ...]]] = {
    Kind.CUSTOMER: (Kind.CUSTOMER,),
    Kind.INVOICE: (Kind.CUSTOMER, Kind.INVOICE),
    Kind.PAYMENT: (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT),
}
"""Which kinds must have been read to plan one: documents name their customers, payments the documents they settle."""
_WORST: Final = (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.PARTIAL, RunStatus.OK)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a round needs besides the store: how to link, to work, to judge; made by ``bootstrap``.

    `worker` is entered only when there is something to write. `holder` names this process in the locks of flows.
    """

    link: Callable[[Stop], LinkResult]
    worker: Callable[[Stop], AbstractContextManager[Worker]]
    unkeyed: Unkeyed
    holder: str
    wait_s: float = 240.0


@dataclass(frozen=True, slots=True)
class FlowResult:
    """What a round did with one flow. `resumed`: an approved plan of an earlier run that was carried on first.

    `why_not`: why nothing was planned, or what was planned was not carried out; None if all that there was is done.
    """

    flow: str
    made: Made | None = None
    applied: Applied | None = None
    resumed: tuple[Applied, ...] = ()
    why_not: str | None = None

    @property
    def head(self) -> PlanHead | None:
        """The plan, if one was made."""
        return self.made.head if self.made else None

    @property
    def status(self) -> RunStatus:
        """Not green as long as something waits for a person or for a far side."""
        done = [*self.resumed, *([self.applied] if self.applied else [])]
        if any(one.faults for one in done):
            return RunStatus.FAILED
        open_ends = any(one.waiting or one.with_people for one in done)
        return RunStatus.PARTIAL if open_ends or self.why_not is not None else RunStatus.OK

    @property
    def remarks(self) -> list[str]:
        """What the ledger of runs keeps in words."""
        said = [f"{self.flow}: {self.why_not}"] if self.why_not else []
        for one in (*self.resumed, *([self.applied] if self.applied else [])):
            said += [f"{self.flow}: {fault}" for fault in one.faults]
            if one.waiting or one.with_people:
                counts = f"{one.with_people} need a person, {one.waiting} are on their way"
                said.append(f"{self.flow}: plan {one.plan.plan_id}: {counts}")
        return said


@dataclass(frozen=True, slots=True)
class SyncResult:
    """One round: what was read, linked, planned and written."""

    run_id: str
    status: RunStatus
    pull: PullResult
    linked: LinkResult | None
    flows: tuple[FlowResult, ...]


def kinds_to_read(flows: Sequence[FlowRules]) -> dict[str, tuple[Kind, ...]]:
    """Per system the kinds that these flows need, in the order of kinds."""
    found: dict[str, set[Kind]] = {}
    for rules in flows:
        for system in (rules.left.system, rules.right.system):
            found.setdefault(system, set()).update(NEEDED.get(rules.flow.kind, (rules.flow.kind,)))
    return {system: tuple(kind for kind in Kind if kind in kinds) for system, kinds in found.items()}


def sync_all(
    store: Store,
    sources: Sequence[Source],
    flows: Sequence[FlowRules],
    tools: Tools,
    *,
    run_id: str,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
    on_move: Callable[[Operation, OpState], None] | None = None,
    stop: Stop = lambda: False,
) -> SyncResult:
    """One round of `flows` (in their order) in one run of the ledger; `sources` must read what they need.

    A plan is carried out if its flow is unattended and nothing asks for a person; else it is shown and waits. A flow that
    another run holds is left out; FlowBusy if all are. With `dry_run` nothing is written to any system. After a stop, what
    was committed stands, and the next round goes on.
    """
    with ExitStack() as held:
        mine, results, lost = _held(store, flows, tools, run_id, held)

        def stopping() -> bool:
            return stop() or any(is_lost() for is_lost in lost)

        pulled = pull_all(store, sources, run_id=run_id, action="sync", progress=progress, stop=stopping)
        linked: LinkResult | None = None
        try:
            if pulled.status is not RunStatus.INTERRUPTED:
                linked = tools.link(stopping)
                unread = _unread(pulled)
                rounds = [_Round(store, rules, tools, stopping, on_move) for rules in mine]
                for one in _beside_another(rounds) if not dry_run else ():
                    one.compare(unread)
                for one in rounds:
                    if stopping():
                        break
                    results[one.rules.name] = one.run(unread, dry_run=dry_run)
        finally:
            interrupted = pulled.status is RunStatus.INTERRUPTED or len(results) < len(flows) or stopping()
            status = _end(store, run_id, pulled, list(results.values()), interrupted=interrupted)
    ordered = tuple(results[rules.name] for rules in flows if rules.name in results)
    return SyncResult(run_id, status, pulled, linked, ordered)


def _held(
    store: Store, flows: Sequence[FlowRules], tools: Tools, run_id: str, held: ExitStack
) -> tuple[list[FlowRules], dict[str, FlowResult], list[Stop]]:
    """The flows that are ours now; those of other runs with the reason."""
    mine: list[FlowRules] = []
    others: dict[str, FlowResult] = {}
    lost: list[Stop] = []
    busy: FlowBusy | None = None
    for rules in flows:
        try:
            lost.append(held.enter_context(only_run(store, rules.name, tools.holder, run_id)))
            mine.append(rules)
        except FlowBusy as error:
            busy = error
            others[rules.name] = FlowResult(rules.name, why_not=str(error))
    if busy is not None and not mine:
        raise busy
    return mine, others, lost


def _beside_another(rounds: Sequence[_Round]) -> Iterator[_Round]:
    """The flows that read the same of a leading system as a flow before them, which may write to it in two ways."""
    seen: set[tuple[str, Kind]] = set()
    for one in rounds:
        read = (one.rules.left.system, one.rules.flow.kind)
        if read in seen:
            yield one
        seen.add(read)


def _unread(pulled: PullResult) -> dict[tuple[str, Kind | None], str]:
    """The streams, and the systems (kind None), that were not read to their end this time, and why."""
    found: dict[tuple[str, Kind | None], str] = {}
    for step in pulled.steps:
        if (
            step.error is not None
            or not step.certificate.ties
            or (step.step == "pull" and not step.certificate.complete)
        ):
            found[step.system, step.kind] = str(
                step.error or "; ".join(step.certificate.faults) or "not read to its end"
            )
    found |= {(failure.system, failure.kind): str(failure.error) for failure in pulled.failures}
    return found


@dataclass(slots=True)
class _Round:
    """One flow in one round."""

    store: Store
    rules: FlowRules
    tools: Tools
    stop: Stop
    on_move: Callable[[Operation, OpState], None] | None

    def compare(self, unread: Mapping[tuple[str, Kind | None], str]) -> None:
        """Note what the two sides agree on as they were read, by a plan that the flow's turn replaces.

        What a flow before this one takes over from another following system would else look, where these two meet for the first
        time, like a difference between them, and the system that follows here would prevail with what nobody edited.
        """
        if self._not_read(unread) is None:
            with suppress(Stopped):
                make_plan(self.store, self.rules, self.store.clock, stop=self.stop)

    def run(self, unread: Mapping[tuple[str, Kind | None], str], *, dry_run: bool) -> FlowResult:
        name = self.rules.name
        resumed = () if dry_run else self._resumed()
        why = self._not_read(unread)
        if why is not None:
            return FlowResult(name, resumed=resumed, why_not=why)
        try:
            made = make_plan(self.store, self.rules, self.store.clock, stop=self.stop)
        except Stopped:
            return FlowResult(name, resumed=resumed, why_not="stopped before it was planned")
        if made.head is None:
            return FlowResult(name, made, resumed=resumed, why_not=made.not_ready)
        if made.head.state not in OPEN_STATES:  # there is nothing to do
            return FlowResult(name, made, resumed=resumed)
        why = "a dry run" if dry_run else self._not_unattended(made.head)
        if why is not None:
            return FlowResult(name, made, resumed=resumed, why_not=f"plan {made.head.plan_id} is shown only: {why}")
        try:
            approve(self.store, made.head.plan_id, actor=None, unkeyed=self.tools.unkeyed)
        except ActRefused as refused:
            return FlowResult(name, made, resumed=resumed, why_not=str(refused))
        return FlowResult(name, made, self._carried_out(made.head.plan_id), resumed)

    def _resumed(self) -> tuple[Applied, ...]:
        """Plans that were approved before and have not ended."""
        with self.store.reading() as tx:
            approved = plans.heads(tx, flow=self.rules.name, states=(PlanState.APPROVED,))
        open_ones = [head for head in approved if settled(self.store, head.plan_id).state is PlanState.APPROVED]
        return tuple(self._carried_out(head.plan_id) for head in open_ones)

    def _carried_out(self, plan_id: str) -> Applied:
        with self.tools.worker(self.stop) as worker:
            return carry_out(self.store, worker, plan_id, wait_s=self.tools.wait_s, progress=self.on_move)

    def _not_unattended(self, head: PlanHead) -> str | None:
        if head.why_waiting:
            return "; ".join(head.why_waiting)
        return None if self.rules.flow.unattended else "the flow is not unattended"

    def _not_read(self, unread: Mapping[tuple[str, Kind | None], str]) -> str | None:
        """Why one of the flow's streams is not up to date; a plan of old copies would be refused record by record."""
        kinds = NEEDED.get(self.rules.flow.kind, (self.rules.flow.kind,))
        for system in (self.rules.left.system, self.rules.right.system):
            for kind in (None, *kinds):
                if (system, kind) in unread:
                    place = system if kind is None else f"{system}/{kind}"
                    return f"{place} was not read to its end: {unread[system, kind]}"
        return None


def _end(
    store: Store, run_id: str, pulled: PullResult, results: Sequence[FlowResult], *, interrupted: bool
) -> RunStatus:
    """Close the run with the worst of its parts. A database that fails now has failed before: its own error is on its way."""
    statuses = {pulled.status, *(one.status for one in results), *([RunStatus.INTERRUPTED] if interrupted else [])}
    status = next(one for one in _WORST if one in statuses)
    said = [remark for one in results for remark in one.remarks]
    with store.reading() as tx:
        run = runs.get(tx, run_id)
    if run is not None and run.error:
        said.insert(0, run.error)
    try:
        with store.writing() as tx:
            runs.end(tx, run_id, status, "; ".join(said) or None, to_us(store.clock.now()))
    except StoreError:
        if not interrupted:
            raise
    return status
