"""`statement make|batch|list|show|remake|diff|compare`: customer statements 对账单."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ActRefused, ConfigError

from .acting import As
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, amount, table
from .reconciling import rules_of
from .statement_files import Form, formats, put, safe_name, write_all, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.model.statement import CustomerStatement
    from ledgerbridge.store import Tx
    from ledgerbridge.store.statements import OpenedCopy
    from ledgerbridge.sync.reconciling.statements import Asked


Customer = Annotated[str, typer.Argument(help="A customer's code, id, or a part of its name.")]
From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")]
To = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")]
Month = Annotated[str | None, typer.Option("--month", help="A whole month, such as 2026-10.")]
CurrencyOption = Annotated[str | None, typer.Option("--currency", help="Only this one; default: all that there are.")]
FormOption = Annotated[Form, typer.Option("--format", help="What files are made.")]
Out = Annotated[Path | None, typer.Option("--out", help="The folder; default: `statements` in the workspace.")]
Freeze = Annotated[bool, typer.Option("--freeze", help="Keep it as it is sent, for ever.")]
CopyId = Annotated[str, typer.Argument(help="A frozen copy's id, or the beginning of it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Customer statements 对账单.", no_args_is_help=True)
    group.command("make")(make)
    group.command("batch")(batch)
    group.command("list")(list_copies)
    group.command("show")(show)
    group.command("remake")(remake)
    group.command("diff")(diff)
    group.command("compare")(compare)
    app.add_typer(group, name="statement")


def make(
    customer: Customer,
    first: From = None,
    last: To = None,
    month: Month = None,
    currency: CurrencyOption = None,
    form: FormOption = Form.XLSX,
    out: Out = None,
    freeze: Freeze = False,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The statement of one customer over a period, a file for each currency and format."""
    with session(workspace, as_json) as now:
        asked = _asked(first, last, month, currency)
        with now.app.store.reading() as tx:
            found = list(_statements(now, tx, asked, only=[_one(now, tx, customer)]))
        if not found:
            raise ActRefused(
                f"there is nothing to say to {customer} of {asked.period.first_day}–{asked.period.last_day}"
            )
        _done(now, write_all(now, found, form, _folder(now, out), freeze=freeze, as_name=as_name))


def batch(
    first: From = None,
    last: To = None,
    month: Month = None,
    currency: CurrencyOption = None,
    form: FormOption = Form.XLSX,
    out: Out = None,
    freeze: Freeze = False,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The statements of all customers with a balance or any movement in the period."""
    with session(workspace, as_json) as now:
        asked = _asked(first, last, month, currency)
        with now.app.store.reading() as tx:
            found = _statements(now, tx, asked)
            written = write_all(now, found, form, _folder(now, out), freeze=freeze, as_name=as_name)
        _done(now, written)


def list_copies(
    customer: Annotated[str | None, typer.Option("--customer", help="Only this one's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 500,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The frozen copies, oldest first."""
    from ledgerbridge.store import statements

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            entity = None if customer is None else _one(now, tx, customer)
            found = statements.copies(tx, entity_id=entity, limit=limit)

        def show_all(console: Console) -> None:
            heads = ["id", *_heads(now, "customer", "currency", "period"), ">" + _heads(now, "closing")[0]]
            rows = [
                (
                    one.id,
                    one.customer_name,
                    one.currency,
                    f"{one.first_day}–{one.last_day}",
                    amount(one.closing_minor, one.currency),
                )
                for one in found
            ]
            table(console, "", heads, rows)

        now.out.result(found, show_all)


def show(copy_id: CopyId, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """A frozen copy: every line, and what was open."""
    with session(workspace, as_json) as now:
        kept = _opened(now, copy_id)
        told = kept.statement.model_dump(mode="json") | {"id": kept.copy.id, "frozen_by": kept.copy.frozen_by}
        now.out.result(told, lambda console: _show_statement(now, console, kept.statement))


def remake(
    copy_id: CopyId,
    form: FormOption = Form.XLSX,
    out: Out = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Make the files of a frozen copy again: the same bytes, or an error that says why not."""
    with session(workspace, as_json) as now:
        kept = _opened(now, copy_id)
        folder = _folder(now, out)
        files = [write_file(now, kept.statement, kept.look, one, folder, kept.copy.id) for one in formats(form)]
        _done(now, [(kept.statement, files, kept.copy.id)])


def diff(copy_id: CopyId, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """What has changed in the books since a statement was frozen; the copy itself stays as it is."""
    from ledgerbridge.reconciler.statement import delta
    from ledgerbridge.sync.reconciling.statements import statement_again

    with session(workspace, as_json) as now:
        kept = _opened(now, copy_id)
        with now.app.store.reading() as tx:
            again = statement_again(tx, rules_of(now.app), kept.statement, now.app.clock.now())
        found = delta(kept.statement, again)

        def show_delta(console: Console) -> None:
            currency = found.currency
            console.print(
                f"{kept.copy.id}: {amount(found.before_minor, currency)} → {amount(found.after_minor, currency)} {currency}",
                markup=False,
            )
            rows = [
                (
                    str(line.kind),
                    line.number,
                    line.on,
                    amount(line.effect_minor, currency),
                    amount(line.open_effect_minor, currency),
                    "; ".join(f"{one.field}: {one.before} → {one.after}" for one in line.fields),
                )
                for line in found.lines
            ]
            if rows:
                table(console, "", ["", *_heads(now, "items", "made_at"), ">±", ">±", ""], rows)

        now.out.result(found, show_delta)
        if not found.is_empty:
            raise typer.Exit(Exit.FINDINGS)


def compare(
    customer: Customer,
    theirs: Annotated[str, typer.Option("--theirs", help="The system under which their sheet was imported.")],
    first: From = None,
    last: To = None,
    month: Month = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Default: the base currency.")] = None,
    form: FormOption = Form.XLSX,
    out: Out = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Our statement beside the customer's own sheet: what both have, what only one has, what explains the gap."""
    from ledgerbridge.reports.statement.two_sided import causes, two_sided_html, two_sided_xlsx
    from ledgerbridge.reports.statement.words import Language
    from ledgerbridge.sync.reconciling.statements import beside_theirs

    with session(workspace, as_json) as now:
        code = currency or rules_of(now.app).base_currency
        asked = _asked(first, last, month, code)
        with now.app.store.reading() as tx:
            ours = list(_statements(now, tx, asked, only=[_one(now, tx, customer)]))
            if not ours:
                raise ActRefused(f"{customer} has no balance and no movement in {code} in this period")
            both = beside_theirs(tx, ours[0], theirs, theirs, now.app.clock.now())
        folder, language = _folder(now, out), Language(now.out.language)
        files = []
        for one, render in ((Form.XLSX, two_sided_xlsx), (Form.HTML, two_sided_html)):
            if form in (one, Form.ALL):
                files.append(put(folder, f"{safe_name(ours[0].number)}-{theirs}.{one}", render(both, language)))
        found = causes(both)

        def show_both(console: Console) -> None:
            gap = amount(both.difference_minor, code)
            console.print(
                f"{both.left.name} {amount(both.left.closing_minor, code)} · {both.right.name} "
                f"{amount(both.right.closing_minor, code)} · {gap} {code}",
                markup=False,
            )
            table(console, "", ["", ">#", ">±"], [(c.name, c.lines, amount(c.minor, code)) for c in found])
            for path in files:
                console.print(str(path), markup=False)

        told = {"difference_minor": both.difference_minor, "causes": found, "files": files, "statement": both}
        now.out.result(told, show_both)
        if both.difference_minor or both.unmatched_left or both.unmatched_right:
            raise typer.Exit(Exit.FINDINGS)


def _asked(first: datetime | None, last: datetime | None, month: str | None, currency: str | None) -> Asked:
    """The period; ConfigError for one that is none."""
    from ledgerbridge.model.money import exponent
    from ledgerbridge.reconciler.statement import Period
    from ledgerbridge.sync.reconciling.statements import Asked

    if currency is not None:
        exponent(currency)
    if month is not None and (first is None and last is None):
        if not (found := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)):
            raise ConfigError(f"{month!r} is no month, such as 2026-10")
        year, at = int(found[1]), int(found[2])
        return Asked(Period(date(year, at, 1), date(year, at, monthrange(year, at)[1])), currency)
    if month is not None or first is None or last is None:
        raise ConfigError("name the period: either --month 2026-10, or --from and --to")
    if first > last:
        raise ConfigError("the period ends before it begins")
    return Asked(Period(first.date(), last.date()), currency)


def _one(now: Session, tx: Tx, customer: str) -> str:
    """The account of the one customer that is meant; ActRefused if none or several are."""
    from ledgerbridge.sync.reconciling.debtors import Debtors
    from ledgerbridge.sync.reconciling.running import accounts_of

    rules = rules_of(now.app)
    keys = accounts_of(tx, rules, customer)
    if len(keys) > 1:
        names = Debtors(tx, rules.lead)
        listed = "; ".join(names.named(key) for key in keys[:5])
        raise ActRefused(f"{len(keys)} customers are called {customer!r} ({listed}); name one by its code")
    return keys[0]


def _statements(now: Session, tx: Tx, asked: Asked, only: list[str] | None = None) -> Iterator[CustomerStatement]:
    from ledgerbridge.sync.reconciling.statements import statements

    return statements(tx, rules_of(now.app), asked, now.app.clock.now(), only=only)


def _folder(now: Session, out: Path | None) -> Path:
    folder = out or now.app.workspace.folder / "statements"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}") from None
    return folder


def _opened(now: Session, prefix: str) -> OpenedCopy:
    """The frozen copy whose id begins so; ActRefused if there is none or more than one."""
    from ledgerbridge.store import statements

    with now.app.store.reading() as tx:
        found = statements.opened(tx, prefix)
        if found is None:
            like = [copy for copy in statements.copies(tx, limit=100_000) if copy.id.startswith(prefix)]
            if len(like) == 1:
                found = statements.opened(tx, like[0].id)
    if found is None:
        raise ActRefused(f"there is no one frozen statement {prefix!r}; `ledgerbridge statement list` shows them")
    return found


def _done(now: Session, written: list[tuple[CustomerStatement, list[Path], str | None]]) -> None:
    rows = [
        {
            "customer": one.customer.name,
            "currency": one.currency,
            "closing_minor": one.closing_minor,
            "files": files,
            "frozen": kept,
        }
        for one, files, kept in written
    ]

    def show_rows(console: Console) -> None:
        heads = [*_heads(now, "customers", "currency"), ">" + _heads(now, "closing")[0], "", ""]
        lines = [
            (one.customer.name, one.currency, one.shown(one.closing_minor), files[0].name if files else "", kept)
            for one, files, kept in written
        ]
        table(console, "", heads, lines)
        if written:
            console.print(str(written[0][1][0].parent), markup=False)

    now.out.result(rows, show_rows)


def _heads(now: Session, *keys: str) -> list[str]:
    from ledgerbridge.reports.reconciliation.words import WORDS

    at = 0 if now.out.language == "zh" else 1
    return [WORDS[key][at] if key in WORDS else ("客户", "Customer")[at] for key in keys]


def _show_statement(now: Session, console: Console, one: CustomerStatement) -> None:
    from ledgerbridge.reports.statement.words import Language, kind_word

    language: Any = Language(now.out.language)
    title = f"{one.number} · {one.customer.name} · {one.first_day}–{one.last_day} · {one.shown(one.opening_minor)}"
    rows = [
        (
            entry.on,
            kind_word(entry.kind, language),
            entry.number,
            one.shown(entry.debit_minor) if entry.debit_minor else None,
            one.shown(entry.credit_minor) if entry.credit_minor else None,
            one.shown(entry.balance_minor),
        )
        for entry in one.entries
    ]
    table(console, title, ["", "", "", ">+", ">-", ">" + _heads(now, "closing")[0]], rows)
    console.print(f"{one.shown(one.closing_minor)} {one.currency}", markup=False)
