"""`aging`: what customers owe by age, as of any day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.model.statement import AgeBase
from ledgerbridge.reconciler.aging import Grouping

from .main import Json, Session, WorkspaceOption, session
from .output import amount, table
from .reconciling import AsOf, OneCustomer, business_day_of, day_of, rules_of

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from ledgerbridge.reconciler.aging import AgingTable


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("aging")(aging)


def aging(
    as_of: AsOf = None,
    by: Annotated[Grouping, typer.Option("--by", help="What one row is about.")] = Grouping.CUSTOMER,
    base: Annotated[AgeBase | None, typer.Option("--base", help="From when age counts; default: aging.base.")] = None,
    customer: OneCustomer = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="Also write a workbook with all open items.")] = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Open items by age, unapplied cash beside them, as of any business day."""
    from ledgerbridge.errors import ConfigError

    if xlsx is not None and xlsx.suffix.lower() != ".xlsx":
        raise ConfigError(f"{xlsx}: an aging workbook is an .xlsx file")
    with session(workspace, as_json) as now:
        day = business_day_of(now, day_of(as_of))
        made = aging_of(now, day, by=by, base=base, customer=customer, xlsx=xlsx)
        now.out.result(as_plain(made) | {"file": xlsx}, lambda console: _show(console, made, now.out.language, xlsx))


def aging_of(
    now: Session,
    day: date,
    *,
    by: Grouping,
    base: AgeBase | None = None,
    customer: str | None = None,
    xlsx: Path | None,
) -> AgingTable:
    """The table, and the workbook if one is asked for."""
    from ledgerbridge.reconciler.aging import Buckets
    from ledgerbridge.reports.aging_xlsx import write_aging
    from ledgerbridge.sync.exporting import replaced
    from ledgerbridge.sync.reconciling.aging import aging as made_of
    from ledgerbridge.sync.reconciling.aging import open_items
    from ledgerbridge.sync.reconciling.running import accounts_of

    rules = rules_of(now.app)
    buckets = Buckets(rules.buckets.edges, base or rules.buckets.base)
    with now.app.store.reading() as tx:
        only = None if customer is None else accounts_of(tx, rules, customer)
        made = made_of(tx, rules, day, buckets=buckets, grouping=by, only=only)
        if xlsx is not None:
            language: Any = now.out.language
            made_at = now.app.clock.now().astimezone(now.app.zone)
            items = open_items(tx, rules, day, only=only)
            company = rules.company
            replaced(
                xlsx,
                lambda path: write_aging(path, made, items, company=company, made_at=made_at, language=language),
            )
    return made


def as_plain(made: AgingTable) -> dict[str, Any]:
    """The table for machines."""

    def row(one: Any) -> dict[str, Any]:
        return {
            "key": one.key,
            "title": one.title,
            "currency": one.currency,
            "buckets": {aged.bucket.name: aged.amount_minor for aged in one.buckets},
            "unapplied_minor": one.unapplied_minor,
            "total_minor": one.total_minor,
            "overdue_minor": one.overdue_minor,
            "oldest_days": one.oldest_days,
            "customers": one.customers,
        }

    return {
        "as_of": made.as_of,
        "base": made.base,
        "by": made.grouping,
        "rows": [row(one) for one in made.rows],
        "totals": [row(one) for one in made.totals],
    }


def _show(console: Console, made: AgingTable, lang: str, xlsx: Path | None) -> None:
    from ledgerbridge.reports.reconciliation.words import word
    from ledgerbridge.reports.statement.words import Language, bucket_word

    language: Any = lang
    heads = [word("customers", language), word("currency", language)]
    if made.totals:
        heads += [">" + bucket_word(aged.bucket, made.base, Language(lang)) for aged in made.totals[0].buckets]
    heads += [">" + word("unapplied", language), ">" + word("total", language)]
    rows = []
    for one, title in [
        *((row, row.title or "-") for row in made.rows),
        *((row, word("total", language)) for row in made.totals),
    ]:
        shown = (*(aged.amount_minor for aged in one.buckets), one.unapplied_minor, one.total_minor)
        rows.append((title, one.currency, *(amount(minor, one.currency) for minor in shown)))
    base = word("by_due" if made.base is AgeBase.DUE else "by_document", language)
    table(console, f"{word('aging', language)} · {made.as_of} · {base}", heads, rows)
    if xlsx is not None:
        console.print(str(xlsx), markup=False)
