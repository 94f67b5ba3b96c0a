"""`reconcile` and `match explain`: apply cash, read banks, compare the systems, and say why a payment went where it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .main import Json, Session, WorkspaceOption, session
from .output import Exit, amount, table

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.bootstrap import App
    from ledgerbridge.model.reconciliation import ReconciliationSummary
    from ledgerbridge.sync.reconciling import Progress, Reconciled, Rules
    from ledgerbridge.sync.reconciling.explaining import Explained

AsOf = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The business day; default: today.")
]
OneCustomer = Annotated[
    str | None, typer.Option("--customer", help="Only this one: a code, an id, or a part of the name.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("reconcile")(reconcile)
    match = typer.Typer(help="Why money went where it went.", no_args_is_help=True)
    match.command("explain")(explain)
    app.add_typer(match, name="match")


def reconcile(
    as_of: AsOf = None,
    customer: OneCustomer = None,
    full: Annotated[bool, typer.Option("--full", help="First prove all that is stored from the documents.")] = False,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Reconcile the leading system's books: cash application, banks, comparison with every other system, exceptions."""
    from ledgerbridge.sync.reconciling.verifying import verify

    with session(workspace, as_json) as now:
        faults = verify(now.app.store, rules_of(now.app), business_day_of(now, day_of(as_of))) if full else ()
        done = carry_out(now, as_of=day_of(as_of), customer=customer)
        summary = done.summary

        def show(console: Console) -> None:
            show_summary(console, summary, now.out.language)
            lang = now.out.language
            for fault in faults:
                console.print(f"{_said('fault', lang)} {fault.account or ''}: {fault.what}", markup=False)
            for system, counts in done.banks.items():
                told = ", ".join(f"{_said(outcome, lang)} {count}" for outcome, count in counts.items())
                console.print(f"{system}: {told}", markup=False)
            if not done.recorded:
                console.print(_said("look_back", lang), markup=False)

        now.out.result(as_plain(done) | {"faults": faults}, show)
        if faults or any(count for count in done.found.values()):
            raise typer.Exit(Exit.FINDINGS)


def explain(
    payment: Annotated[str, typer.Argument(help="A payment's number or id, or a bank row's reference or id.")],
    as_of: AsOf = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """What each pass saw of one payment, which documents would fit, and why they were not taken."""
    from ledgerbridge.sync.reconciling.explaining import explain_bank_row, explain_payment, must_be_found

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            found = explain_payment(tx, rules_of(now.app), payment, business_day_of(now, day_of(as_of)))
            rows = explain_bank_row(tx, payment)
        must_be_found(found or rows, payment)

        def show(console: Console) -> None:
            for one in found:
                facts = f"{one.number} · {one.on} · {amount(one.amount_minor, one.currency)} {one.currency}"
                console.print(f"{facts} · {one.customer}", markup=False)
                if one.text:
                    console.print(f"  “{one.text}”", markup=False)
                for line in one.lines():
                    console.print(f"  {line}", markup=False)
            for row in rows:
                _show_row(console, row, now.out.language)

        now.out.result({"payments": [_explained(one) for one in found], "bank_rows": rows}, show)


def carry_out(
    now: Session, *, as_of: date | None = None, customer: str | None = None, quiet: bool = False
) -> Reconciled:
    """Link and reconcile, telling how far it is, with an orderly end on the first signal."""
    from ledgerbridge.sync.stopping import asked_to_stop

    with asked_to_stop() as stop, _telling(enabled=not quiet) as tell:
        return reconcile_now(now.app, as_of=as_of, customer=customer, tell=tell, stop=stop)


def reconcile_now(app: App, **asked: Any) -> Reconciled:
    """Link what is new, then reconcile; `asked` is as :func:`ledgerbridge.sync.reconciling.reconcile` takes it."""
    from ledgerbridge.sync.reconciling import reconcile as run

    rules = rules_of(app)
    linked = app.link(stop=asked.get("stop")).systems
    return run(app.store, rules, app.clock, linked=linked, **asked)


def rules_of(app: App) -> Rules:
    """What a reconciliation of this workspace goes by."""
    from ledgerbridge.config.reconciling import rules_of as made

    return made(app.workspace, next(iter(app.identity_order), None))


def day_of(moment: datetime | None) -> date | None:
    """The day that an option named."""
    return None if moment is None else date(moment.year, moment.month, moment.day)


def business_day_of(now: Session, day: date | None) -> date:
    """The day that was named, else today in the company's zone."""
    from ledgerbridge.clock import business_day

    return day or business_day(now.app.clock.now(), now.app.zone)


def show_summary(console: Console, summary: ReconciliationSummary, lang: str) -> None:
    """Cash by pass, what the systems' gaps are made of, exceptions by kind with their money."""
    from ledgerbridge.reports.exception_words import WORDS
    from ledgerbridge.reports.reconciliation.words import word

    def say(key: str) -> str:
        return word(key, "zh" if lang == "zh" else "en")

    title = f"{say('title')} · {say('as_of')} {summary.as_of} · {say('customers')} {summary.customers:,}"
    heads = [say("rule"), say("currency"), ">" + say("matches"), ">" + say("payments"), ">" + say("applied")]
    rows: list[tuple[object, ...]] = [
        (_said(one.rule, lang), one.currency, one.matches, one.payments, amount(one.minor, one.currency))
        for one in summary.passes
    ]
    table(console, title, heads, rows)
    heads = [say("currency"), *(">" + say(key) for key in ("payments", "paid", "applied", "ambiguous", "unapplied"))]
    rows = [
        (
            one.currency,
            f"{one.payments_applied}/{one.payments}",
            *(
                amount(minor, one.currency)
                for minor in (one.paid_minor, one.applied_minor, one.ambiguous_minor, one.unapplied_minor)
            ),
        )
        for one in summary.cash
    ]
    table(console, say("cash"), heads, rows)
    keys = ("leading_balance", "compared_balance", "gap", "causes_total", "unexplained")
    heads = [say("systems"), say("currency"), *(">" + say(key) for key in keys), say("causes")]
    rows = []
    for books in summary.compared:
        minors = (
            books.leading_minor,
            books.compared_minor,
            books.gap_minor,
            sum(line.minor for line in books.causes),
            books.unexplained_minor,
        )
        causes = ", ".join(f"{say(line.cause)} {line.times}" for line in books.causes)
        shown = (amount(minor, books.currency) for minor in minors)
        rows.append((f"{books.leading} ↔ {books.compared}", books.currency, *shown, causes))
    table(console, say("compared"), heads, rows)
    heads = [say("cause"), say("currency"), ">" + say("times"), ">" + say("amount")]
    rows = [
        (
            WORDS[one.code][0 if lang == "zh" else 1] if one.code in WORDS else one.code,
            one.currency,
            one.records,
            amount(one.minor, one.currency) if one.currency else None,
        )
        for one in summary.exceptions
    ]
    table(console, say("exceptions"), heads, rows)


def as_plain(done: Reconciled) -> dict[str, Any]:
    """A reconciliation for machines."""
    return {
        **done.summary.model_dump(),
        "recorded": done.recorded,
        "customers_worked_out": done.anew,
        "banks": done.banks,
        "found": done.found,
        "scopes": [
            {
                "scope": one.scope,
                "found": one.found,
                "new": one.new,
                "changed": one.changed,
                "reopened": one.reopened,
                "gone": one.gone,
            }
            for one in done.exceptions
        ],
    }


def _explained(one: Explained) -> dict[str, Any]:
    return {
        "number": one.number,
        "customer": one.customer,
        "currency": one.currency,
        "amount_minor": one.amount_minor,
        "on": one.on,
        "text": one.text,
        "left_minor": one.explanation.left_minor if one.explanation else None,
        "passes": one.lines(),
    }


def _show_row(console: Console, row: dict[str, Any], lang: str) -> None:
    head = f"{row['system']} {row['number']} · {row['on']} · {row['amount']} {row['currency']} · {row['payer']}"
    console.print(head, markup=False)
    told = f"  {_said(row['outcome'], lang)} {row['payment'] or ''} {row.get('held_back', '')}"
    console.print(told.rstrip(), markup=False)
    for at, reading in enumerate(row.get("readings", ()), 1):
        items = " + ".join(reading["items"]) or "-"
        console.print(f"  {at}. {reading['customer']}: {items} ({reading['score']})", markup=False)
        console.print(f"     {'; '.join(reading['evidence'])}", markup=False)


@contextmanager
def _telling(*, enabled: bool) -> Iterator[Callable[[Progress], None]]:
    """Customers done and money explained, on standard error: a bar at a terminal, a line at the end in a pipe."""
    import sys

    if not enabled or not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("reconcile"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(progress: Progress) -> None:
            money = ", ".join(f"{amount(minor, code)} {code}" for code, minor in sorted(progress.applied.items()))
            bar.update(task, completed=progress.done, total=progress.total, description=money)

        yield tell


_WORDS = {
    "given": ("系统已核销", "given by the ERP"),
    "reversal": ("红冲", "reversal"),
    "reference": ("按附言单号", "reference"),
    "unique_amount": ("唯一金额", "unique amount"),
    "sums": ("组合金额", "sums"),
    "tolerance": ("容差", "tolerance"),
    "named_part": ("按单号部分付款", "named part"),
    "refund": ("退款", "refund"),
    "oldest_first": ("先到先销", "oldest first"),
    "booked": ("已入账", "booked"),
    "own": ("内部转账", "own transfer"),
    "matched": ("已识别到单据", "matched"),
    "customer": ("已识别客户", "customer known"),
    "doubtful": ("待人工判断", "doubtful"),
    "nothing": ("无法识别", "nothing speaks for anybody"),
    "customer_not_linked": ("客户未关联", "customer not linked"),
    "fault": ("库中结果与单据不符，已重新计算", "stored otherwise than the documents say, made anew"),
    "look_back": (
        "截止日早于已对账日期：只作查看，核销与异常保持不变",
        "a look back: stored cash and exceptions stay as they are",
    ),
}


def _said(key: str, lang: str) -> str:
    return _WORDS[key][0 if lang == "zh" else 1] if key in _WORDS else key
