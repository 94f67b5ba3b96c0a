"""`report exceptions|summary|aging|unapplied|collection|all`: files for finance, and where they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ledgerbridge.errors import ActRefused, ConfigError

from .main import Json, Session, WorkspaceOption, session
from .output import plain
from .reconciling import AsOf, business_day_of, day_of, rules_of

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from ledgerbridge.model.reconciliation import ReconciliationSummary

Out = Annotated[Path | None, typer.Option("--out", help="The folder; default: `reports` in the workspace.")]
_UNAPPLIED: Final = ("customer", "number", "on", "currency", "left", "why", "pass", "candidates")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Reports as files.", no_args_is_help=True)
    for name, help_text in _HELP.items():
        group.command(name, help=help_text)(_command(name))
    app.add_typer(group, name="report")


_HELP: Final = {
    "exceptions": "The exception report: a workbook with a sheet per kind and columns to decide in.",
    "summary": "The last reconciliation on one page (HTML) and for machines (JSON).",
    "aging": "Open items by age, with every item: a workbook.",
    "unapplied": "Unapplied cash, each with why no pass settled it: a workbook.",
    "collection": "DSO and the other collection figures of the last reconciliation: JSON.",
    "all": "All of them.",
}


def _command(name: str) -> Callable[..., None]:
    def command(out: Out = None, as_of: AsOf = None, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
        with session(workspace, as_json) as now:
            folder = out or now.app.workspace.folder / "reports"
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"{folder} cannot be made: {error.strerror}") from None
            day = business_day_of(now, day_of(as_of))
            names = list(_MAKERS) if name == "all" else [name]
            files = [path for one in names for path in _MAKERS[one](now, folder, day)]
            now.out.result({"files": files}, lambda console: _say_where(console, files))

    return command


def _say_where(console: Console, files: list[Path]) -> None:
    for path in files:
        console.print(str(path), markup=False)


def _exceptions(now: Session, folder: Path, day: date) -> list[Path]:
    from ledgerbridge.reports.exception_columns import View
    from ledgerbridge.reports.exceptions_xlsx import write_exceptions
    from ledgerbridge.store import exceptions, reconciliations
    from ledgerbridge.sync.exporting import replaced

    target = folder / f"exceptions-{day}.xlsx"
    language: Any = now.out.language
    view = View(language, now.app.zone, day)
    company, made_at = rules_of(now.app).company, now.app.clock.now()
    with now.app.store.reading() as tx:
        latest = reconciliations.latest(tx, recorded=True)
        reconciled = latest.summary if latest else None
        found = exceptions.every(tx, exceptions.Wanted())
        replaced(
            target,
            lambda path: write_exceptions(
                path, found, view=view, company=company, made_at=made_at, reconciled=reconciled
            ),
        )
    return [target]


def _latest(now: Session) -> ReconciliationSummary:
    from ledgerbridge.store import reconciliations

    with now.app.store.reading() as tx:
        found = reconciliations.latest(tx)
    if found is None:
        raise ActRefused("nothing has been reconciled yet; run `ledgerbridge reconcile`")
    return found.summary


def _summary(now: Session, folder: Path, _day: date) -> list[Path]:
    from ledgerbridge.reports.reconciliation import summary_html

    summary = _latest(now)
    language: Any = now.out.language
    page = folder / f"reconciliation-{summary.as_of}.html"
    _write(page, summary_html(summary, language=language, zone=now.app.zone))
    data = folder / f"reconciliation-{summary.as_of}.json"
    _write(data, summary.model_dump_json(indent=2).encode())
    return [page, data]


def _aging(now: Session, folder: Path, day: date) -> list[Path]:
    from ledgerbridge.reconciler.aging import Grouping

    from .aging import aging_of

    target = folder / f"aging-{day}.xlsx"
    aging_of(now, day, by=Grouping.CUSTOMER, xlsx=target)
    return [target]


def _unapplied(now: Session, folder: Path, day: date) -> list[Path]:
    from ledgerbridge.reports.tables import write_xlsx
    from ledgerbridge.sync.exporting import replaced

    target = folder / f"unapplied-{day}.xlsx"
    replaced(target, lambda path: write_xlsx(path, _UNAPPLIED, _unapplied_rows(now, day), frozenset({"left"})))
    return [target]


def _unapplied_rows(now: Session, day: date) -> Iterator[Sequence[str | None]]:
    from ledgerbridge.model.money import to_decimal
    from ledgerbridge.sync.reconciling.books import directory, every_customer
    from ledgerbridge.sync.reconciling.debtors import Debtors

    rules = rules_of(now.app)
    with now.app.store.reading() as tx:
        debtors = Debtors(tx, rules.lead)
        for books in every_customer(tx, rules, directory(tx, rules.lead), day):
            for one in books.cash.waiting:
                candidates = " | ".join(" + ".join(ids) for ids in one.candidates)
                left = str(to_decimal(one.left_minor, one.currency))
                name = debtors.named(books.account.key)
                yield (name, one.number, one.on, one.currency, left, one.outcome or None, one.rule or None, candidates)


def _collection(now: Session, folder: Path, _day: date) -> list[Path]:
    summary = _latest(now)
    target = folder / f"collection-{summary.as_of}.json"
    document = {"as_of": summary.as_of, "lines": summary.collection}
    _write(target, json.dumps(plain(document), ensure_ascii=False, indent=2).encode())
    return [target]


_MAKERS: Final[dict[str, Callable[[Session, Path, date], list[Path]]]] = {
    "exceptions": _exceptions,
    "summary": _summary,
    "aging": _aging,
    "unapplied": _unapplied,
    "collection": _collection,
}


def _write(target: Path, content: bytes) -> None:
    from ledgerbridge.sync.exporting import replaced

    replaced(target, lambda path: path.write_bytes(content))
