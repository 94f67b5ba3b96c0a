"""`show` and `runs`: look at what is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind

from .main import Json, Session, WorkspaceOption, session
from .output import Exit, amount, table
from .words import word

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.store.copies import Copy

COPIES_MAX = 50


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("show")(show_record)
    runs = typer.Typer(help="What was run, and what became of it.", no_args_is_help=True)
    runs.command("list")(list_runs)
    runs.command("show")(show_run)
    app.add_typer(runs, name="runs")


def show_record(
    kind: Kind,
    record: Annotated[str, typer.Argument(help="An id, number or code, as any system knows it.")],
    system: Annotated[str | None, typer.Option("--system", "-s", help="Only this system's copies.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Also the record as the system sent it.")] = False,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Show all copies of a record side by side, and where each value came from."""
    from ledgerbridge.store import copies

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            found = copies.find(tx, record, system=system, kind=kind, limit=COPIES_MAX + 1)
        more, found = len(found) > COPIES_MAX, found[:COPIES_MAX]
        told = [_copy_as_plain(now, copy, raw=raw) for copy in found]

        def show(console: Console) -> None:
            if not told:
                console.print(word("nothing", now.out.language), markup=False)
            else:
                _side_by_side(console, now, told)

        now.out.result(told, show)
        if more:
            now.out.note(word("more_copies", now.out.language))
        if not told:
            raise typer.Exit(Exit.FINDINGS)


def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The latest runs, newest first."""
    from ledgerbridge.store import runs

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            found = runs.recent(tx, limit + 1)
        more, found = len(found) > limit, found[:limit]
        lang = now.out.language

        def show(console: Console) -> None:
            heads = [word(head, lang) for head in ("run", "action", "started", "finished", "status", "error")]
            rows = [
                (
                    run.run_id,
                    run.action,
                    local(now, run.started_at),
                    local(now, run.finished_at),
                    state_of(run, lang),
                    run.error,
                )
                for run in found
            ]
            table(console, word("runs_title", lang), heads, rows)
            if more:
                console.print(word("more_rows", lang), markup=False)

        now.out.result(found, show)


def show_run(
    run_id: Annotated[str, typer.Argument(help="A run's id, or its beginning.")],
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """One run with every certificate."""
    from ledgerbridge.store import runs

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            run = runs.get(tx, run_id)
            steps = runs.steps_of(tx, run.run_id) if run else []
        if run is None:
            raise ConfigError(f"there is no run {run_id!r}, or several begin so; `ledgerbridge runs list` shows them")
        lang = now.out.language

        def show(console: Console) -> None:
            console.print(f"{run.run_id} · {run.action} · {state_of(run, lang)}", markup=False)
            for step in steps:
                certificate = step.certificate
                verdict = word("ties" if certificate.ties else "does_not_tie", lang)
                title = (
                    f"{certificate.system} / {word(str(certificate.kind), lang)} · {word(step.step, lang)} · {verdict}"
                )
                heads = [
                    word("status", lang),
                    word("currency", lang),
                    ">" + word("records", lang),
                    ">" + word("amount", lang),
                ]
                rows: list[list[object]] = [
                    [word(str(t.bucket), lang), t.currency, t.records, amount(t.minor, t.currency)]
                    for t in certificate.tallies
                ]
                table(console, title, heads, rows)
                for reason, count in step.reasons.items():
                    console.print(f"  {count} × {reason}", markup=False)
                for fault in certificate.faults:
                    console.print(f"  {word('certificate', lang)}: {fault}", markup=False)
                if step.error:
                    console.print(f"  {word('error', lang)}: {step.error}", markup=False)

        now.out.result({"run": run, "steps": steps}, show)


def _copy_as_plain(now: Session, copy: Copy, *, raw: bool) -> dict[str, Any]:
    from ledgerbridge.mapping.reads import sources

    told: dict[str, Any] = {
        "system": copy.ref.system,
        "external_id": copy.ref.external_id,
        "object": copy.wire_type,
        "state": copy.state,
        "flawed": copy.flawed,
        "changed_at": copy.changed_at,
        "changed_run": copy.changed_run,
        "fields": json.loads(copy.canonical) if copy.canonical else {},
        "notices": json.loads(copy.notices_json) if copy.notices_json else [],
    }
    if copy.ref.system in now.app.workspace.tree.systems:
        told["read_from"] = sources(now.app.resolved_mapping(copy.ref.system, copy.ref.kind, copy.wire_type))
    if raw and copy.raw is not None:
        told["raw"] = copy.raw.decode("utf-8", errors="replace")
    return told


def _side_by_side(console: Console, now: Session, told: list[dict[str, Any]]) -> None:
    lang = now.out.language
    fields = list(dict.fromkeys(field for copy in told for field in copy["fields"]))
    heads = ["", word("field", lang), *(f"{copy['system']} {copy['external_id']}" for copy in told)]
    rows: list[list[object]] = [
        [
            "",
            word("state", lang),
            *(f"{word(str(copy['state']), lang)}{' !' if copy['flawed'] else ''}" for copy in told),
        ]
    ]
    rows += [
        [_mark(told, field), field.removesuffix("_minor"), *(_cell(copy, field) for copy in told)] for field in fields
    ]
    table(console, "", heads, rows)
    if any(row[0] for row in rows):
        console.print(f"≠ {word('differs', lang)}", markup=False)
    for copy in told:
        for notice in copy["notices"]:
            console.print(f"{copy['system']}: {notice['field']} ← {notice['wire']}: {notice['why']}", markup=False)
        if "raw" in copy:
            console.print(f"{copy['system']} {copy['object']}: {copy['raw']}", markup=False)


def _mark(told: list[dict[str, Any]], field: str) -> str:
    """Whether the systems that say something of a field say different things. Lists and references are each system's own."""
    said = {shown(copy["fields"], field) for copy in told if copy["fields"].get(field) not in (None, "")}
    plain = not any(isinstance(copy["fields"].get(field), dict | list) for copy in told)
    return "≠" if plain and len(said) > 1 else ""


def shown(fields: dict[str, Any], field: str) -> str:
    """One canonical field for people: amounts with the decimals of their currency."""
    value = fields[field]
    if value is None:
        return "∅"
    if field.endswith("_minor") and isinstance(value, int):
        name = (
            "base_currency"
            if field.startswith("base_")
            else "credit_currency"
            if field.startswith("credit_")
            else "currency"
        )
        currency = fields.get(name)
        return amount(value, currency) if currency else str(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(copy: dict[str, Any], field: str) -> str:
    if field not in copy["fields"]:
        return ""
    text = shown(copy["fields"], field)
    source = copy.get("read_from", {}).get(field)
    short = text if len(text) <= 60 else f"{text[:59]}…"
    return f"{short}  ← {source}" if source else short


def local(now: Session, moment: Any) -> str:
    """A moment in the company's zone, for people."""
    return "" if moment is None else moment.astimezone(now.app.zone).strftime("%Y-%m-%d %H:%M:%S")


def state_of(run: Any, lang: str) -> str:
    """A run's status in words."""
    return word(str(run.status), lang)
