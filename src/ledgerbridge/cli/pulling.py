"""`pull` and `migrate`: read the far sides into the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.run import Bucket, RunStatus

from .acting import As, acting
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, amount, progress, table
from .words import word

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.sync.pull import PullResult, Source
    from ledgerbridge.sync.step import Progress, StepResult

_BUCKETS = tuple(Bucket)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("pull")(pull)
    app.command("migrate")(migrate)


def pull(
    system: Annotated[str | None, typer.Argument(help="Only this system; default: all.")] = None,
    kind: Annotated[Kind | None, typer.Argument(help="Only this kind; default: all.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything, not only what has changed.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Also look for records that have vanished.")] = False,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Read customers, invoices and payments into the store; every run ends with a completeness certificate."""
    with session(workspace, as_json) as now:
        names = [system] if system else list(now.app.workspace.tree.systems)
        if not names:
            raise ConfigError(f"{now.app.workspace.file} has no systems yet; add one, or import a file")
        kinds = [kind] if kind else None
        sources = [now.app.source(name, kinds, full=full, sweep=sweep) for name in names]
        result = carry_out(now, [now.app.settling(source) for source in sources], "pull")
        report(now, result)
        raise typer.Exit(exit_of(result))


def migrate(
    taken_from: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take over all that this SQLite database holds, and shut it."),
    ] = None,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Make the database, or bring it up to this version. Safe to repeat."""
    from ledgerbridge.store import Store

    with (
        session(workspace, as_json) as now,
        Store.create(now.app.database_url, clock=now.app.clock) as store,
    ):
        told: dict[str, Any] = {"database": store.shown, "version": store.version()}
        line = f"{store.shown}: version {store.version()}"
        if taken_from is not None:
            from ledgerbridge.store.moving import take_over

            rows = take_over(store, taken_from, actor=acting(now, as_name), clock=now.app.clock)
            told |= {"taken_over_from": str(taken_from), "rows": rows}
            line += f"\n{taken_from}: {sum(rows.values())} rows taken over and read back; this file is shut, keep or delete it"
        now.out.result(told, lambda console: console.print(line, markup=False))


def carry_out(now: Session, sources: Sequence[Source], action: str) -> PullResult:
    """Pull, with a progress bar at a terminal and an orderly end on the first signal."""
    from ledgerbridge import log
    from ledgerbridge.clock import SystemClock
    from ledgerbridge.sync.pull import forget_old_history, new_run_id, pull_all
    from ledgerbridge.sync.stopping import asked_to_stop

    clock = now.app.clock
    wake = clock.interrupt.set if isinstance(clock, SystemClock) else None
    run_id = new_run_id(clock)
    expected = known_totals(now, sources)
    done: dict[tuple[str, Kind], int] = {}
    store = now.app.store
    with (
        asked_to_stop(also=wake) as stop,
        progress(action, enabled=not now.out.as_json) as tick,
        log.bound(run_id=run_id),
    ):

        def told(step: Progress) -> None:
            if step.step != "pull":
                return
            stream = step.system, step.kind
            done[stream] = step.read
            if step.total is not None:
                expected[stream] = step.total
            tick(sum(done.values()), whole(expected, done))

        result = pull_all(store, sources, run_id=run_id, action=action, progress=told, stop=stop)
    forget_old_history(store, now.app.workspace.tree.pull.history_days)
    return result


def known_totals(now: Session, sources: Sequence[Source]) -> dict[tuple[str, Kind], int | None]:
    """How many records each stream will read as far as that is known: for one that is read in full, what is on record."""
    from ledgerbridge.store import totals

    with now.app.store.reading() as tx:
        books = totals.every(tx)
    expected: dict[tuple[str, Kind], int | None] = {}
    for source in sources:
        for order in source.streams:
            records = sum(count for count, _ in books.get((source.system, order.kind), {}).values())
            expected[source.system, order.kind] = records or None if order.full else None
    return expected


def whole(expected: dict[tuple[str, Kind], int | None], done: dict[tuple[str, Kind], int]) -> int | None:
    """The length of a progress bar; None while the size of any stream is not known, or was known wrongly."""
    if any(total is None or done.get(stream, 0) > total for stream, total in expected.items()):
        return None
    return sum(total or 0 for total in expected.values())


def exit_of(result: PullResult) -> Exit:
    """The exit code of a run: unreachable systems are told apart from findings."""
    from .output import exit_code

    errors = [failure.error for failure in result.failures] + [step.error for step in result.steps if step.error]
    if any(exit_code(error) is Exit.UNAVAILABLE for error in errors):
        return Exit.UNAVAILABLE
    return Exit.OK if result.status is RunStatus.OK else Exit.FINDINGS


def report(now: Session, result: PullResult) -> None:
    """Print what a run read: per stream the buckets, the totals on record, and whether its certificate ties."""
    lang = now.out.language

    def show(console: Console) -> None:
        heads = ("system", "kind", "read", *(str(bucket) for bucket in _BUCKETS), "totals", "certificate")
        columns = [("" if head in ("system", "kind", "certificate") else ">") + word(head, lang) for head in heads]
        rows = [_row(step, lang) for step in result.steps]
        table(console, f"{word('pull_title', lang)} {result.run_id} · {word(str(result.status), lang)}", columns, rows)
        for line in remarks(result, lang):
            console.print(line, markup=False)

    now.out.result(as_plain(result), show)


def as_plain(result: PullResult) -> dict[str, Any]:
    """A run's result for machines."""
    return {
        "run_id": result.run_id,
        "status": result.status,
        "steps": [
            {
                "system": step.system,
                "kind": step.kind,
                "step": step.step,
                "status": step.status,
                "seconds": str(round(step.seconds, 3)),
                "error": str(step.error) if step.error else None,
                "note": step.note,
                "filtered": step.reasons,
                "certificate": step.certificate,
                "ties": step.certificate.ties,
            }
            for step in result.steps
        ],
        "failures": [{"system": f.system, "kind": f.kind, "error": str(f.error)} for f in result.failures],
    }


def remarks(result: PullResult, lang: str) -> list[str]:
    """What a person should know besides the table: errors, faults of certificates, notes."""
    lines = []
    for step in result.steps:
        place = f"{step.system} / {word(str(step.kind), lang)}"
        lines += [f"{place}: {word('certificate', lang)}: {fault}" for fault in step.certificate.faults]
        if step.error is not None:
            lines.append(f"{place}: {word('error', lang)}: {step.error}")
        if step.note:
            lines.append(f"{place}: {word('note', lang)}: {step.note}")
    for failure in result.failures:
        kind = f" / {word(str(failure.kind), lang)}" if failure.kind else ""
        lines.append(f"{failure.system}{kind}: {word('error', lang)}: {failure.error}")
    quarantined = result.records(Bucket.QUARANTINED)
    if quarantined:
        lines.append(f"{word('see_quarantine', lang)}: ledgerbridge quarantine list")
    if result.status is RunStatus.INTERRUPTED:
        lines.append(word("goes_on", lang))
    return lines


def _row(step: StepResult, lang: str) -> list[object]:
    certificate = step.certificate
    totals = ", ".join(
        f"{amount(minor, currency)} {currency}"
        for currency, (_, minor) in sorted(certificate.closing.items())
        if currency
    )
    verdict = word("ties" if certificate.ties else "does_not_tie", lang)
    if not certificate.complete:
        verdict += f" · {word('incomplete', lang)}"
    name = word(str(step.kind), lang) + ("" if step.step == "pull" else f" ({word(step.step, lang)})")
    counts = [step.records(bucket) for bucket in _BUCKETS]
    return [step.system, name, certificate.read, *counts, totals, verdict]
