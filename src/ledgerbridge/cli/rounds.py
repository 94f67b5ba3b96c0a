"""A round of flows put together from a workspace: for `sync` at the command line and for schedules."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ledgerbridge.errors import ConfigError

if TYPE_CHECKING:
    from ledgerbridge.bootstrap import App
    from ledgerbridge.model.operation import Operation, OpState
    from ledgerbridge.reconciler.planning import FlowRules
    from ledgerbridge.sync.pull import Source
    from ledgerbridge.sync.step import Progress
    from ledgerbridge.sync.syncing import SyncResult


def flows_ready(app: App, names: Sequence[str] = ()) -> list[FlowRules]:
    """The rules of the flows named (none: all that are configured), customers before what refers to them."""
    from ledgerbridge.sync.flowrules import in_order

    known = app.workspace.tree.flows
    if not known:
        raise ConfigError(f"{app.workspace.file} has no flows; docs/flows.md says how to write one")
    strangers = [name for name in names if name not in known]
    if strangers:
        raise ConfigError(f"{app.workspace.file} has no flow {strangers[0]!r}; it has {', '.join(known)}")
    wanted = {name: flow for name, flow in known.items() if not names or name in names}
    return [app.flow_rules(name) for name in in_order(wanted)]


def sources_of(app: App, flows: Sequence[FlowRules], *, full: bool = False) -> list[Source]:
    """What must be read before these flows are planned, as far as the systems have it."""
    from ledgerbridge.sync.syncing import kinds_to_read

    sources = []
    for system, kinds in kinds_to_read(flows).items():
        reads = app.capabilities(system).reads
        wanted = [kind for kind in kinds if kind in reads]
        sources.append(app.settling(app.source(system, wanted, full=full, sweep=False)))
    return sources


def run_round(
    app: App,
    names: Sequence[str] = (),
    *,
    run_id: str | None = None,
    full: bool = False,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
    on_move: Callable[[Operation, OpState], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> SyncResult:
    """One round of flows; see :func:`ledgerbridge.sync.syncing.sync_all`. FlowBusy if other runs hold all of them."""
    from ledgerbridge.sync.pull import new_run_id
    from ledgerbridge.sync.syncing import Tools, sync_all

    flows = flows_ready(app, names)
    tools = Tools(
        link=lambda stopping: app.link(stop=stopping),
        worker=lambda stopping: app.worker(stop=stopping),
        unkeyed=app.unkeyed,
        holder=f"{socket.gethostname()}/{os.getpid()}",
        wait_s=app.workspace.tree.apply.wait_s,
    )
    return sync_all(
        app.store,
        sources_of(app, flows, full=full),
        flows,
        tools,
        run_id=run_id or new_run_id(app.clock),
        dry_run=dry_run,
        progress=progress,
        on_move=on_move,
        stop=stop,
    )
