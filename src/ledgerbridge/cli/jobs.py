"""The jobs of a workspace put together: which there are, what each reads, and how each is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ledgerbridge import log
from ledgerbridge.errors import ConnectorError
from ledgerbridge.model.run import RunStatus

if TYPE_CHECKING:
    from ledgerbridge.bootstrap import App
    from ledgerbridge.connectors.base import Hinting
    from ledgerbridge.model.base import Kind
    from ledgerbridge.store.fires import FireState
    from ledgerbridge.sync.scheduling import Job

PULL: Final = "pull"
SUBSCRIBE: Final = "subscribe"
RECONCILE: Final = "reconcile"
TURN_SECONDS: Final = 600.0
"""How long a job waits for another process that reads the same systems."""
RENEW_BEFORE: Final = timedelta(days=3, hours=12)
"""Half of the week that a subscription lasts at most (zoho.md 8)."""
_SUBSCRIBE_CRON: Final = "23 * * * *"
_log = log.get("ledgerbridge.serve")


def jobs_of(app: App) -> list[Job]:
    """What `serve` and `scheduler` start: flows with a schedule (or that hints are about), reading, subscriptions."""
    from ledgerbridge.sync.scheduling import Job, JobKind, check_cron
    from ledgerbridge.sync.syncing import kinds_to_read

    tree = app.workspace.tree
    jobs: list[Job] = []
    covered: set[tuple[str, Kind]] = set()
    for name, flow in tree.flows.items():
        reads = kinds_to_read([app.flow_rules(name)]).items()
        streams = frozenset((system, kind) for system, kinds in reads for kind in kinds)
        cron = check_cron(flow.schedule) if flow.schedule else None
        if cron is None:
            continue
        jobs.append(Job(name, JobKind.FLOW, cron, streams))
        covered |= streams
    rest = frozenset(stream for stream in _every_stream(app) if stream not in covered)
    if rest:
        cron = check_cron(tree.serve.pull) if tree.serve.pull else None
        if cron is not None or hinting_of(app):
            jobs.append(Job(PULL, JobKind.PULL, cron, rest))
    if tree.serve.public_url is not None:
        jobs.append(Job(SUBSCRIBE, JobKind.SUBSCRIBE, _SUBSCRIBE_CRON))
    if tree.serve.reconcile is not None:
        jobs.append(Job(RECONCILE, JobKind.RECONCILE, check_cron(tree.serve.reconcile)))
    return jobs


def _every_stream(app: App) -> list[tuple[str, Kind]]:
    return [
        (name, kind)
        for name, configured in app.workspace.tree.systems.items()
        for kind in sorted(configured.pull or app.capabilities(name).reads)
    ]


def hinting_of(app: App) -> dict[str, Hinting]:
    """The systems whose far sides may call us, with what understands their calls."""
    from ledgerbridge.connectors.base import Hinting

    found: dict[str, Hinting] = {}
    for name in app.workspace.tree.systems:
        connector = app.connector(name)
        if isinstance(connector, Hinting):
            found[name] = connector
    return found


def do(app: App, job: Job, stopping: Callable[[], bool]) -> tuple[FireState, str | None]:
    """Do a job; how it ended, and why if that needs saying. Errors are the caller's to note."""
    from ledgerbridge.sync.scheduling import JobKind

    match job.kind:
        case JobKind.FLOW:
            return _flow(app, job, stopping)
        case JobKind.PULL:
            return _pull(app, job, stopping)
        case JobKind.SUBSCRIBE:
            return subscribe(app)
        case JobKind.RECONCILE:
            return _reconcile(app, stopping)


def _flow(app: App, job: Job, stopping: Callable[[], bool]) -> tuple[FireState, str | None]:
    from ledgerbridge.store.fires import FireState
    from ledgerbridge.sync.flowguard import FlowBusy

    from .rounds import run_round

    try:
        with _turn(app, job, stopping):
            result = run_round(app, [job.name], stop=stopping)
    except FlowBusy as busy:
        return FireState.SKIPPED, str(busy)
    remarks = [remark for flow in result.flows for remark in flow.remarks]
    remarks += [str(failure.error) for failure in result.pull.failures]
    return _state(result.status), "; ".join(remarks) or None


def _pull(app: App, job: Job, stopping: Callable[[], bool]) -> tuple[FireState, str | None]:
    from ledgerbridge.store.fires import FireState
    from ledgerbridge.sync.flowguard import FlowBusy
    from ledgerbridge.sync.pull import new_run_id, pull_all

    by_system: dict[str, list[Kind]] = {}
    for system, kind in sorted(job.streams):
        by_system.setdefault(system, []).append(kind)
    try:
        with _turn(app, job, stopping):
            sources = [
                app.settling(app.source(name, kinds, full=False, sweep=False)) for name, kinds in by_system.items()
            ]
            result = pull_all(app.store, sources, run_id=new_run_id(app.clock), action="pull", stop=stopping)
    except FlowBusy as busy:
        return FireState.SKIPPED, str(busy)
    return _state(result.status), "; ".join(str(failure.error) for failure in result.failures) or None


def _reconcile(app: App, stopping: Callable[[], bool]) -> tuple[FireState, str | None]:
    from ledgerbridge.store.fires import FireState

    from .reconciling import reconcile_now

    done = reconcile_now(app, stop=stopping)
    found = sum(done.found.values())
    why = f"run {done.summary.run_id}: {found} exceptions" if found else None
    return (FireState.FINDINGS if found else FireState.DONE), why


def subscribe(app: App) -> tuple[FireState, str | None]:
    """Ask every far side that must be asked to call us, and renew what ends soon."""
    from ledgerbridge.connectors.base import Subscribing
    from ledgerbridge.store.fires import FireState

    url = app.workspace.tree.serve.public_url
    if url is None:
        return FireState.DONE, None
    faults = []
    for name in app.workspace.tree.systems:
        with app.connector(name) as connector:
            if not isinstance(connector, Subscribing):
                continue
            try:
                until = connector.subscribe(f"{url.rstrip('/')}/hooks/{name}", renew_before=RENEW_BEFORE)
            except ConnectorError as error:
                faults.append(str(error))
                continue
        _log.info("subscribed", system=name, until=until)
    return (FireState.FAILED, "; ".join(faults)) if faults else (FireState.DONE, None)


@contextmanager
def _turn(app: App, job: Job, stopping: Callable[[], bool]) -> Iterator[None]:
    """Hold the systems that a job reads, so that runs of other processes do not disturb it; FlowBusy after ten minutes."""
    from ledgerbridge.sync.flowguard import FlowBusy, only_run
    from ledgerbridge.sync.serving import process_name

    holder = process_name()
    until = time.monotonic() + TURN_SECONDS
    while True:
        with ExitStack() as held:
            try:
                for system in sorted({system for system, _ in job.streams}):  # in one order: nobody waits in a circle
                    held.enter_context(only_run(app.store, f"read {system}", holder, job.name))
            except FlowBusy:
                if stopping() or time.monotonic() > until:
                    raise
            else:
                yield
                return
        app.clock.sleep(2.0)


def _state(status: RunStatus) -> FireState:
    from ledgerbridge.store.fires import FireState

    match status:
        case RunStatus.OK:
            return FireState.DONE
        case RunStatus.PARTIAL:
            return FireState.FINDINGS
        case _:
            return FireState.FAILED
