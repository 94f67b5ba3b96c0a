"""The part of `status` that tells of the service: processes, jobs, far sides that are left alone, writes that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .looking import local
from .main import Session
from .output import table
from .words import word

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.store import Tx


def service_of(tx: Tx, now: Session) -> dict[str, Any]:
    """What is on record of the service; `late` jobs and `lost` processes are findings."""
    from ledgerbridge.store import conflicts, fires, from_us, gates, heartbeats, operations
    from ledgerbridge.sync.scheduling import next_fire

    tree = now.app.workspace.tree
    moment = now.app.clock.now()
    crons = {name: flow.schedule for name, flow in tree.flows.items() if flow.schedule}
    crons |= {name: cron for name, cron in (("pull", tree.serve.pull), ("reconcile", tree.serve.reconcile)) if cron}
    jobs = []
    for name, cron in crons.items():
        last, good = fires.latest(tx, name), fires.last_good(tx, name)
        due = next_fire(cron, now.app.zone, last.at) if last is not None else None
        jobs.append(
            {
                "job": name,
                "schedule": cron,
                "last_good": good,
                "state": last.state if last is not None else None,
                "why": last.why if last is not None else None,
                "next": next_fire(cron, now.app.zone, moment),
                "late": due is not None and (moment - due).total_seconds() > LATE_SECONDS,
            }
        )
    alive = heartbeats.alive(tx, moment)
    processes = [
        {
            "process": one.process,
            "role": one.role,
            "seen": one.seen_at,
            "doing": one.doing,
            "lost": one.process not in alive,
        }
        for one in heartbeats.every(tx)
    ]
    held = [
        {
            "system": gate.system,
            "breaker": gate.breaker,
            "until": from_us(gate.resume_us) if from_us(gate.resume_us) > moment else None,
            "why": gate.pause_why,
        }
        for gate in gates.every(tx)
        if gate.breaker is not gates.Breaker.CLOSED or from_us(gate.resume_us) > moment
    ]
    return {
        "jobs": jobs,
        "processes": processes,
        "left_alone": held,
        "operations": {state.value: number for state, number in operations.counts(tx).items()},
        "conflicts": conflicts.open_count(tx),
    }


_STATES = {
    "first_seen": "first_seen_job",
    "running": "running",
    "done": "done",
    "findings": "findings",
    "failed": "failed",
    "skipped": "skipped",
}
LATE_SECONDS = 300
"""A fire time that nobody has claimed for so long has been missed."""


def has_findings(service: dict[str, Any]) -> bool:
    """Whether anything of it asks for somebody to look."""
    from ledgerbridge.model.operation import DEAD_LETTERS

    dead = any(service["operations"].get(state.value) for state in DEAD_LETTERS)
    failed = any(job["late"] or job["state"] == "failed" for job in service["jobs"])
    return dead or failed or any(one["lost"] for one in service["processes"])


def show_service(console: Console, now: Session, service: dict[str, Any]) -> None:
    """As tables and lines; nothing for what there is nothing of."""
    lang = now.out.language
    if service["jobs"]:
        columns = [word(head, lang) for head in ("job", "schedule", "last_good", "job_state", "next_run")]
        rows = [_job(now, job) for job in service["jobs"]]
        table(console, word("jobs_title", lang), columns, rows)
    for one in service["processes"]:
        said = word("lost" if one["lost"] else "alive", lang)
        doing = f" · {one['doing']}" if one["doing"] else ""
        console.print(f"{one['role']} {one['process']}: {said} ({local(now, one['seen'])}){doing}", markup=False)
    for one in service["left_alone"]:
        until = f" {word('until', lang)} {local(now, one['until'])}" if one["until"] else ""
        console.print(
            f"{one['system']}: {word('left_alone', lang)}{until}: {one['why'] or one['breaker']}", markup=False
        )
    if service["operations"]:
        counts = ", ".join(f"{state} {number}" for state, number in service["operations"].items())
        console.print(f"{word('writes_waiting', lang)}: {counts}; ledgerbridge ops list", markup=False)
    if service["conflicts"]:
        console.print(
            f"{word('conflicts_open', lang)}: {service['conflicts']}; ledgerbridge conflicts list", markup=False
        )


def _job(now: Session, job: dict[str, Any]) -> tuple[object, ...]:
    lang = now.out.language
    good = local(now, job["last_good"]) or word("never", lang)
    state = word(_STATES[str(job["state"])], lang) if job["state"] else ""
    if job["late"]:
        state = word("not_run_since", lang)
    told = f"{state}: {job['why']}" if job["why"] else state
    return job["job"], job["schedule"], good, told, local(now, job["next"])
