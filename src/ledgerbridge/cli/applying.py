"""`apply`, `sync`, `undo`, `plans approve`: carry out what was planned, and take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.model.operation import FINAL, Operation, OpState
from ledgerbridge.model.plan import OPEN_STATES
from ledgerbridge.model.run import RunStatus

from .acting import As, acting
from .apply_words import said
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, progress, table

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.model.plan import Held, PlanHead
    from ledgerbridge.sync.applying import Applied
    from ledgerbridge.sync.syncing import FlowResult, SyncResult

Plan = Annotated[str, typer.Argument(help="The plan's id, or the beginning of it.")]
Unkeyed = Annotated[
    bool, typer.Option("--allow-unkeyed", help="Also creates of money that the far side could not tell from a repeat.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module; `approve` goes to the others of `plans`."""
    app.command("apply")(apply_plan)
    app.command("sync")(sync)
    app.command("undo")(undo_plan)
    group = next((one.typer_instance for one in app.registered_groups if one.name == "plans"), None)
    if group is None:
        group = typer.Typer(help="Plans: what would be written.", no_args_is_help=True)
        app.add_typer(group, name="plans")
    group.command("approve")(approve_plan)


def approve_plan(
    plan: Plan,
    allow_unkeyed: Unkeyed = False,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Let a plan be carried out, by `apply`, by the next `sync`, or by a worker; who and what goes into the audit log."""
    with session(workspace, as_json) as now:
        head = _approved(now, plan, acting(now, as_name), allow_unkeyed=allow_unkeyed)
        now.app.wake_workers(head.plan_id)
        text = said("approved_now" if head.state not in OPEN_STATES else head.state.value, now.out.language)
        now.out.result(
            {"plan": head.plan_id, "flow": head.flow, "state": head.state},
            lambda console: console.print(f"{head.plan_id}: {text}", markup=False),
        )


def apply_plan(
    plan: Plan,
    allow_unkeyed: Unkeyed = False,
    wait: Annotated[float | None, typer.Option(min=0, help="Seconds to wait for what comes due later.")] = None,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Approve a plan and carry out exactly that; may be repeated at any time and goes on where it was."""
    from ledgerbridge.sync.applying import carry_out

    with session(workspace, as_json) as now:
        head = _approved(now, plan, acting(now, as_name), allow_unkeyed=allow_unkeyed)
        wait_s = now.app.workspace.tree.apply.wait_s if wait is None else wait
        with (
            _stopping(now) as stop,
            now.app.worker(stop=stop) as worker,
            _moves(now, "apply", head.summary.changes) as moved,
        ):
            done = carry_out(now.app.store, worker, head.plan_id, wait_s=wait_s, progress=moved)
        now.out.result(applied_as_plain(done), lambda console: _show_applied(console, done, now.out.language))
        raise typer.Exit(exit_of(done))


def undo_plan(plan: Plan, as_name: As = None, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """Make the inverse of what a plan has written, as a plan of its own; writes nothing until that is applied."""
    from ledgerbridge.store import plans
    from ledgerbridge.sync.undoing import undo

    with session(workspace, as_json) as now:
        head = undo(now.app.store, plan, actor=acting(now, as_name), can_void=now.app.can_void)
        with now.app.store.reading() as tx:
            held = list(plans.held(tx, head.plan_id))
        plain = {
            "plan": head.plan_id,
            "undoes": head.undoes,
            "changes": head.summary.changes,
            "held": [one.model_dump(mode="json", exclude_defaults=True) for one in held],
        }
        now.out.result(plain, lambda console: _show_undo(console, head, held, now.out.language))
        if held:
            raise typer.Exit(Exit.FINDINGS)


def sync(
    flows: Annotated[list[str] | None, typer.Argument(help="Only these flows; default: all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, link and plan; write to no system.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything, not only what has changed.")] = False,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Read the systems, link, plan; carry out the plans of unattended flows that are within their caps, show the others."""
    from .rounds import run_round

    with session(workspace, as_json) as now:
        with _stopping(now) as stop, _moves(now, "sync", None) as moved:
            result = run_round(now.app, flows or (), full=full, dry_run=dry_run, on_move=moved, stop=stop)
        now.out.result(sync_as_plain(result), lambda console: _show_sync(console, result, now.out.language))
        raise typer.Exit(sync_exit(result))


def _approved(now: Session, plan: str, actor: str, *, allow_unkeyed: bool) -> PlanHead:
    from ledgerbridge.sync.applying import approve, found

    return approve(
        now.app.store,
        found(now.app.store, plan).plan_id,
        actor=actor,
        unkeyed=now.app.unkeyed,
        allow_unkeyed=allow_unkeyed,
        second_person=now.app.workspace.tree.apply.second_person,
    )


@contextmanager
def _stopping(now: Session) -> Iterator[Callable[[], bool]]:
    """The first signal asks for an orderly end and wakes whoever waits."""
    from ledgerbridge.clock import SystemClock
    from ledgerbridge.sync.stopping import asked_to_stop

    clock = now.app.clock
    with asked_to_stop(also=clock.interrupt.set if isinstance(clock, SystemClock) else None) as stop:
        yield stop


@contextmanager
def _moves(now: Session, label: str, total: int | None) -> Iterator[Callable[[Operation, OpState], None]]:
    """A bar over operations that have ended."""
    ended: set[int] = set()
    with progress(label, enabled=not now.out.as_json) as tick:

        def moved(operation: Operation, _before: OpState) -> None:
            if operation.state in FINAL:
                ended.add(operation.id)
                tick(len(ended), total)

        yield moved


def exit_of(done: Applied) -> Exit:
    """0: all is written and read back; 1: a person is needed; 3: a far side is, or something does not tie."""
    if done.faults or done.waiting:
        return Exit.UNAVAILABLE
    return Exit.FINDINGS if done.with_people or done.cancelled else Exit.OK


def sync_exit(result: SyncResult) -> Exit:
    """The exit code of a round: what could not be read first, then what was not written."""
    from .pulling import exit_of as pull_exit

    if pull_exit(result.pull) is Exit.UNAVAILABLE:
        return Exit.UNAVAILABLE
    done = [one for flow in result.flows for one in (*flow.resumed, *([flow.applied] if flow.applied else []))]
    if any(exit_of(one) is Exit.UNAVAILABLE for one in done):
        return Exit.UNAVAILABLE
    quiet = result.status is RunStatus.OK and all(not _open_ends(flow) for flow in result.flows)
    return Exit.OK if quiet else Exit.FINDINGS


def _open_ends(flow: FlowResult) -> bool:
    """Whether a flow has conflicts or held records that a person should look at."""
    return flow.head is not None and bool(flow.head.summary.conflicts or flow.head.summary.held)


def applied_as_plain(done: Applied) -> dict[str, Any]:
    """What became of a plan, for machines."""
    return {
        "plan": done.plan.plan_id,
        "flow": done.plan.flow,
        "state": done.plan.state,
        "planned": done.planned,
        "verified": done.verified,
        "waiting": done.waiting,
        "with_people": done.with_people,
        "cancelled": done.cancelled,
        "states": {state.value: number for state, number in sorted(done.states.items())},
        "faults": done.faults,
        "outstanding": done.outstanding,
        "next_at": done.next_at,
    }


def sync_as_plain(result: SyncResult) -> dict[str, Any]:
    """What a round did, for machines."""
    from .pulling import as_plain

    return {
        "run_id": result.run_id,
        "status": result.status,
        "pull": as_plain(result.pull),
        "linked": None if result.linked is None else result.linked.kinds,
        "flows": [
            {
                "flow": flow.flow,
                "status": flow.status,
                "plan": flow.head,
                "why_not": flow.why_not,
                "applied": None if flow.applied is None else applied_as_plain(flow.applied),
                "resumed": [applied_as_plain(one) for one in flow.resumed],
            }
            for flow in result.flows
        ],
    }


def _show_applied(console: Console, done: Applied, lang: str) -> None:
    title = f"{said('apply_title', lang)} {done.plan.plan_id} · {done.plan.flow} · {said(done.plan.state.value, lang)}"
    columns = [said("state", lang), f">{said('changes', lang)}"]
    rows = [(said(state.value, lang), number) for state, number in sorted(done.states.items())]
    table(console, title, columns, rows)
    if done.outstanding:
        heads = [said(key, lang) for key in ("system", "action", "title", "state", "why")]
        listed = [
            (one.system, said(one.action.value, lang), one.title, said(one.state.value, lang), one.why or "")
            for one in done.outstanding
        ]
        table(console, "", heads, listed)
        if len(done.outstanding) < done.planned - done.verified:
            console.print(said("more", lang), markup=False)
    for fault in done.faults:
        console.print(fault, markup=False)
    if done.waiting:
        due = f" ({said('next', lang)} {done.next_at:%Y-%m-%d %H:%M:%S} UTC)" if done.next_at else ""
        console.print(f"{said('goes_on', lang)} {done.plan.plan_id}{due}", markup=False)


def _show_undo(console: Console, head: PlanHead, held: Sequence[Held], lang: str) -> None:
    columns = [said(key, lang) for key in ("system", "action")] + [f">{said('changes', lang)}"]
    rows = [(effect.system, said(effect.action.value, lang), effect.changes) for effect in head.summary.effects]
    table(console, f"{said('undo_title', lang)} {head.plan_id} ← {head.undoes}", columns, rows)
    if held:
        heads = [said("system", lang), said("title", lang), said("why", lang)]
        table(console, said("cannot", lang), heads, [(one.system, one.title, one.detail) for one in held])
    if head.summary.changes:
        console.print(f"{said('apply_it', lang)} {head.plan_id}", markup=False)


def _show_sync(console: Console, result: SyncResult, lang: str) -> None:
    from .pulling import remarks

    heads = [said(key, lang) for key in ("flow", "plan")]
    heads += [f">{said(key, lang)}" for key in ("changes", "conflicts", "held")] + [said("result", lang)]
    table(console, f"{said('sync_title', lang)} {result.run_id}", heads, [_flow_row(one, lang) for one in result.flows])
    for line in remarks(result.pull, lang):
        console.print(line, markup=False)
    for flow in result.flows:
        for done in (*flow.resumed, *([flow.applied] if flow.applied else [])):
            if done.verified != done.planned:
                _show_applied(console, done, lang)


def _flow_row(flow: FlowResult, lang: str) -> list[object]:
    head = flow.head
    if head is None:
        return [flow.flow, "", "", "", "", flow.why_not or ""]
    summary = head.summary
    result = flow.why_not or said("nothing_to_do", lang)
    if flow.applied is not None:
        counts = sorted(flow.applied.states.items())
        result = ", ".join(f"{said(state.value, lang)} {number}" for state, number in counts)
    return [flow.flow, head.plan_id, summary.changes, summary.conflicts, sum(summary.held.values()), result]
