"""`exceptions report` and `exceptions import`: the workbook that finance decides in, out and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledgerbridge.model.exception import Code, ExceptionRecord

from .acting import As
from .exceptions import (
    AtLeast,
    Codes,
    Customer,
    Owner,
    Severities,
    States,
    System,
    Waiting,
    actor_of,
    narrowed,
)
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, table

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.reports.exception_columns import View
    from ledgerbridge.store import Tx
    from ledgerbridge.store.exceptions import Wanted
    from ledgerbridge.sync.exception_import import DecisionImport


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    group.command("report")(report)
    group.command("import")(import_file)


def report(
    target: Annotated[Path, typer.Option("--to", help="An .xlsx file; it is replaced as a whole or not at all.")],
    code: Codes = None,
    state: States = None,
    severity: Severities = None,
    owner: Owner = None,
    customer: Customer = None,
    system: System = None,
    min_amount: AtLeast = None,
    waiting: Waiting = False,
    language: Annotated[str | None, typer.Option("--language", help="zh or en; default: workspace.language.")] = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Write the exceptions into a workbook: summary, customers, a sheet per kind, with columns to decide in."""
    from ledgerbridge.errors import ConfigError
    from ledgerbridge.reports.exceptions_xlsx import write_exceptions
    from ledgerbridge.store import reconciliations
    from ledgerbridge.sync.exporting import replaced

    wanted = narrowed(code, state, severity, owner, customer, system, min_amount, waiting=waiting)
    if target.suffix.lower() != ".xlsx":
        raise ConfigError(f"{target}: an exception report is an .xlsx file")
    if language not in (None, "zh", "en"):
        raise ConfigError(f"{language!r} is no language of reports; zh or en")
    with session(workspace, as_json) as now:
        company, made_at = now.app.workspace.tree.workspace.name, now.app.clock.now()
        view = _view(now, language)
        with now.app.store.reading() as tx:
            found = _by_code(tx, wanted)
            latest = reconciliations.latest(tx, recorded=True)
            reconciled = latest.summary if latest else None
            count = replaced(
                target,
                lambda temporary: write_exceptions(
                    temporary, found, view=view, company=company, made_at=made_at, reconciled=reconciled
                ),
            )
        now.out.result(
            {"file": target, "exceptions": count}, lambda console: console.print(f"{target}: {count}", markup=False)
        )


def import_file(
    file: Annotated[Path, typer.Argument(help="A report that `exceptions report` made, filled in.")],
    yes: Annotated[bool, typer.Option("--yes", help="Carry it out; without it only shown.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Carry out the good rows though others are refused.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would happen; the default.")] = False,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Carry out what was decided in a report. Rows that changed since, or were edited elsewhere, are refused."""
    from ledgerbridge.sync.exception_import import import_decisions

    with session(workspace, as_json) as now:
        actor = actor_of(now, as_name)
        made = import_decisions(
            now.app.store, file, actor, _view(now, None), apply=yes and not dry_run, partial=partial
        )
        now.out.result(made, lambda console: _show(console, now, made))
        if made.refused:
            raise typer.Exit(Exit.FINDINGS)


def _view(now: Session, language: str | None) -> View:
    from ledgerbridge.clock import business_day
    from ledgerbridge.reports.exception_columns import View

    zone = now.app.zone
    return View(language or now.out.language, zone, business_day(now.app.clock.now(), zone))


def _by_code(tx: Tx, wanted: Wanted) -> Iterator[ExceptionRecord]:
    """In the order of the codes, which is that of the sheets."""
    from ledgerbridge.store import exceptions

    for code in Code:
        if not wanted.codes or code in wanted.codes:
            yield from exceptions.every(tx, replace(wanted, codes=(code,)))


def _show(console: Console, now: Session, made: DecisionImport) -> None:
    from ledgerbridge.reports.exception_words import word

    lang = now.out.language
    done = word("done" if made.applied else "would_happen", lang)
    console.print(f"{done}: {len(made.acts)} · {word('unchanged', lang)}: {made.unchanged}", markup=False)
    if made.acts:
        heads = [word(key, lang) for key in ("row", "col_number", "col_customer", "what", "text")]
        rows = []
        for one in made.acts:
            for event in one.events:
                told = [word(str(event.details.get(key) or ""), lang) for key in ("remedy", "owner", "named")]
                text = "; ".join(part for part in (*told, event.text) if part)
                rows.append((one.place, one.number, one.customer, word(event.act, lang), text))
        table(console, "", heads, rows)
    if made.refused:
        refused = [(one.place, one.why) for one in made.refused]
        table(
            console, f"{word('refused', lang)}: {len(made.refused)}", [word("row", lang), word("text", lang)], refused
        )
    elif made.acts and not made.applied:
        console.print(word("use_yes", lang), markup=False)
