"""`status`: what is on record, how old it is, and what waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from ledgerbridge.errors import LedgerbridgeError
from ledgerbridge.model.base import Kind

from .looking import local, state_of
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, amount, table
from .words import word

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.store.streams import StreamState


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("status")(status)


def status(workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """What is on record, what has not been read for too long, what waits in quarantine, and the audit log's soundness."""
    from ledgerbridge.store import audit, quarantine, runs, streams, totals

    from .standing_service import has_findings, service_of

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            states = {(state.system, state.kind): state for state in streams.every(tx)}
            books = totals.every(tx)
            waiting = quarantine.open_counts(tx)
            latest = runs.recent(tx, 1)
            chain = audit.verify(tx)
            service = service_of(tx, now)
        expected, faults = _expected(now)
        told = []
        for system, kind in sorted({*states, *expected}):
            book = books.get((system, kind), {})
            row = _stream(now, states.get((system, kind)), due=(system, kind) in expected)
            told.append(
                {
                    "system": system,
                    "kind": kind,
                    "records": sum(records for records, _ in book.values()),
                    "totals": {currency: minor for currency, (_, minor) in book.items() if currency},
                    **row,
                    "quarantined": waiting.get((system, kind), 0),
                }
            )
        document = {
            "database": now.app.store.shown,
            "streams": told,
            "faults": faults,
            "last_run": latest[0] if latest else None,
            "audit": {"entries": chain.entries, "fault": chain.fault},
            **service,
        }
        now.out.result(document, lambda console: _show(console, now, document))
        findings = faults or chain.fault is not None or any(row["quarantined"] or row["stale"] for row in told)
        findings = findings or has_findings(service)
        raise typer.Exit(Exit.FINDINGS if findings else Exit.OK)


def _expected(now: Session) -> tuple[set[tuple[str, Kind]], list[str]]:
    """The streams that a pull reads by the settings, and what is wrong with the settings of systems it cannot tell of."""
    found: set[tuple[str, Kind]] = set()
    faults = []
    for name, configured in now.app.workspace.tree.systems.items():
        try:
            found |= {(name, kind) for kind in configured.pull or now.app.capabilities(name).reads}
        except LedgerbridgeError as error:
            faults.append(str(error))
    return found, faults


def _stream(now: Session, state: StreamState | None, *, due: bool) -> dict[str, Any]:
    """How old a stream is. Only one that a pull reads (`due`) can be stale: an import is over when it is over."""
    from ledgerbridge.store import from_us

    complete = from_us(state.complete_us) if state and state.complete_us else None
    limit = timedelta(hours=now.app.workspace.tree.pull.stale_hours)
    return {
        "last_complete": complete,
        "last_full": from_us(state.full_us) if state and state.full_us else None,
        "reading_now": state.holder if state else None,
        "stale": due and (complete is None or now.app.clock.now() - complete > limit),
    }


def _show(console: Console, now: Session, document: dict[str, Any]) -> None:
    from .standing_service import show_service

    lang = now.out.language
    heads = ["system", "kind", "records", "totals", "last_pull", "quarantined"]
    rows = []
    for row in document["streams"]:
        sums = ", ".join(f"{amount(minor, currency)} {currency}" for currency, minor in sorted(row["totals"].items()))
        when = local(now, row["last_complete"]) or word("never", lang)
        rows.append(
            (
                row["system"],
                word(str(row["kind"]), lang),
                row["records"],
                sums,
                f"{when} !" if row["stale"] else when,
                row["quarantined"] or "",
            )
        )
    columns = [(">" if head in ("records", "totals", "quarantined") else "") + word(head, lang) for head in heads]
    table(console, f"{word('status_title', lang)} · {document['database']}", columns, rows)
    for row in document["streams"]:
        if row["stale"]:
            since = local(now, row["last_complete"])
            told = f"{word('stale', lang)} {since}" if since else word("never", lang)
            place = f"{row['system']} / {word(str(row['kind']), lang)}"
            console.print(f"{place}: {told}; ledgerbridge pull {row['system']} {row['kind']}", markup=False)
    for fault in document["faults"]:
        console.print(fault, markup=False)
    show_service(console, now, document)
    run = document["last_run"]
    if run is not None:
        console.print(f"{word('run', lang)} {run.run_id} · {run.action} · {state_of(run, lang)}", markup=False)
    if document["audit"]["fault"]:
        console.print(f"{word('audit_log', lang)}: {document['audit']['fault']}", markup=False)
