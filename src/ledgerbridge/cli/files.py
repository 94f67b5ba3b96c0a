"""`import` and `export`: one-off files in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind

from .looking import shown
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, plain, table
from .pulling import carry_out, exit_of, report
from .words import word

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("import")(import_file)
    app.command("export")(export)


def import_file(
    file: Annotated[Path, typer.Argument(help="xlsx, xls, csv or tsv.")],
    kind: Annotated[Kind, typer.Option("--kind", "-k", help="What the rows are.")],
    system: Annotated[str, typer.Option("--system", "-s", help="Under which system's name the records are kept.")],
    wire_type: Annotated[
        str | None, typer.Option("--as", help="customer_list, invoice_list, payment_list or bank_statement.")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", "-m", help="A mapping file laid over the built-in one; kept as this system's own."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The worksheet; default: the first with a header row.")] = None,
    account: Annotated[str | None, typer.Option(help="The bank account, if the file does not name it.")] = None,
    currency: Annotated[str | None, typer.Option(help="The currency, if the file does not name it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be stored; store nothing.")] = False,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Import one file: a preview and every row's errors with --dry-run, else stored like any pulled record."""
    from ledgerbridge.sync.importing import ImportedFile

    with session(workspace, as_json) as now:
        _check_name(now, system)
        options = {"sheet": sheet, "account": account, "currency": currency, "wire_type": wire_type}
        imported = ImportedFile(file, kind, {name: value for name, value in options.items() if value is not None})
        source = now.app.import_source(system, imported, mapping)
        if dry_run:
            preview(now, source, kind)
            return
        if mapping is not None:
            kept = now.app.keep_import_mapping(system, kind, wire_type, mapping)
            now.out.note(f"{word('mapping_kept', now.out.language)}: {kept}")
        result = carry_out(now, [source], f"import {file.name}")
        report(now, result)
        raise typer.Exit(exit_of(result))


def preview(now: Session, source: Any, kind: Kind) -> None:
    """Map every row and print the first ones, every problem with its line, and the counts; nothing is stored."""
    from ledgerbridge.sync.importing import looked_at

    seen = looked_at(source, kind)
    lang = now.out.language

    def show(console: Console) -> None:
        counts = [
            f"{word('would_store', lang)} {seen.accepted}",
            f"{word('would_quarantine', lang)} {seen.rejected}",
            f"{word('left_out', lang)} {sum(seen.left_out.values())}",
        ]
        told = f"{word('import_title', lang)}: {', '.join(counts)}"
        fields = sorted({field for row in seen.sample for field in row} - {"custom"}, key=seen.order)
        sample = [plain(row) for row in seen.sample]
        rows = [[_short(shown(row, field)) if field in row else "" for field in fields] for row in sample]
        table(console, told, [field.removesuffix("_minor") for field in fields], rows)
        heads = [word(head, lang) for head in ("where", "field", "value", "problem")]
        if seen.problems:
            table(console, "", heads, [(p.where, p.field, p.value, p.why) for p in seen.problems])
        if seen.problems_not_shown:
            console.print(f"+ {seen.problems_not_shown} {word('more_problems', lang)}", markup=False)
        for reason, count in seen.left_out.items():
            console.print(f"{count} × {reason}", markup=False)

    now.out.result(seen, show)
    if seen.problems:
        raise typer.Exit(Exit.FINDINGS)


def export(
    kind: Annotated[Kind, typer.Argument(help="What to export.")],
    system: Annotated[str, typer.Argument(help="Whose copies.")],
    target: Annotated[Path, typer.Option("--to", help=".jsonl (canonical records), .xlsx or .csv (tables).")],
    raw: Annotated[bool, typer.Option("--raw", help="The records as the system sent them (.jsonl only).")] = False,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Write the observed copies of a stream into a file; the file is replaced as a whole or not at all."""
    from ledgerbridge.sync.exporting import export_stream

    with session(workspace, as_json) as now:
        count = export_stream(now.app.store, system, kind, target, raw=raw)
        told = {"file": target, "records": count}
        name = word(str(kind), now.out.language)
        now.out.result(told, lambda console: console.print(f"{target}: {count} × {name}", markup=False))


def _check_name(now: Session, system: str) -> None:
    configured = now.app.workspace.tree.systems.get(system)
    if configured is not None and configured.connector != "sheets":
        raise ConfigError(
            f"{system} is the {configured.connector} system; rows of a file kept under its name would look like its own. "
            "Choose another name, such as the department that made the file"
        )


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
