"""`exceptions list|show|assign|comment|settle|waive|reopen|decide`: what a person must look at, and what people do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.exception import Code, ExceptionRecord, Remedy, Severity, State

from .acting import As, acting
from .looking import local
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, amount, table

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.model.exception import Event
    from ledgerbridge.reconciler.exceptions.moving import Actor, Moved
    from ledgerbridge.store.exceptions import Wanted

Id = Annotated[str, typer.Argument(help="The exception's id, or the beginning of it.")]
Text = Annotated[str, typer.Option("--text", "-t", help="Kept with the act.")]
Codes = Annotated[list[Code] | None, typer.Option("--code", "-c", help="Only this kind; may be given again.")]
States = Annotated[list[State] | None, typer.Option("--state", help="Default: open and taken; may be given again.")]
Severities = Annotated[
    list[Severity] | None, typer.Option("--severity", help="Only this severity; may be given again.")
]
Owner = Annotated[str | None, typer.Option("--owner", help='Only this person\'s; "" for those of nobody.')]
Customer = Annotated[str | None, typer.Option("--customer", help="An entity id, or a part of the name.")]
System = Annotated[str | None, typer.Option("--system", "-s", help="Only where this system is involved.")]
AtLeast = Annotated[str | None, typer.Option("--min-amount", help="Only differences of at least this, either sign.")]
Waiting = Annotated[bool, typer.Option("--waiting", help="Only waivers that wait for a second person.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    from . import exception_files

    group = typer.Typer(help="What a person must look at, and what people do about it.", no_args_is_help=True)
    group.command("list")(list_exceptions)
    group.command("show")(show_exception)
    group.command("assign")(assign)
    group.command("comment")(comment)
    group.command("settle")(settle)
    group.command("waive")(waive)
    group.command("reopen")(reopen)
    group.command("decide")(decide)
    exception_files.register(group)
    app.add_typer(group, name="exceptions")


def list_exceptions(
    code: Codes = None,
    state: States = None,
    severity: Severities = None,
    owner: Owner = None,
    customer: Customer = None,
    system: System = None,
    min_amount: AtLeast = None,
    waiting: Waiting = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The exceptions that stand, the most severe first."""
    from ledgerbridge.reports.exception_columns import choice_of, state_word
    from ledgerbridge.reports.exception_words import word
    from ledgerbridge.store import exceptions

    wanted = narrowed(code, state, severity, owner, customer, system, min_amount, waiting=waiting)
    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            found = exceptions.listed(tx, wanted, limit=limit)
            total = exceptions.count(tx, wanted)
        lang = now.out.language

        def show(console: Console) -> None:
            if not found:
                console.print(word("nothing", lang), markup=False)
                return
            heads = ["severity", "code", "customer", "number", "currency", ">difference", "state", "owner", "choice"]
            columns = ["id", *(_head(head, lang) for head in heads)]
            rows = [
                (
                    one.id,
                    word(one.severity, lang),
                    word(one.finding.code, lang),
                    one.finding.customer_name,
                    one.finding.number,
                    *_money(one),
                    state_word(one, lang),
                    one.owner,
                    word(choice_of(one) or "", lang),
                )
                for one in found
            ]
            table(console, f"{word('title', lang)} · {total}", columns, rows)
            if total > len(found):
                console.print(word("more_rows", lang), markup=False)

        now.out.result({"total": total, "exceptions": [as_plain(one) for one in found]}, show)
        if total:
            raise typer.Exit(Exit.FINDINGS)


def show_exception(exception_id: Id, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """One exception: what was found, what can be done, and everything that happened to it."""
    from ledgerbridge.reconciler.exceptions.suggesting import remedies, suggested
    from ledgerbridge.reports.exception_columns import evidence_text, state_word
    from ledgerbridge.reports.exception_words import word
    from ledgerbridge.store import exceptions
    from ledgerbridge.sync.exceptions import one as found_by

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            one = found_by(tx, exception_id)
            happened = exceptions.events(tx, one.id)
        lang, found = now.out.language, one.finding

        def show(console: Console) -> None:
            console.print(f"{one.id} · {word(found.code, lang)} · {state_word(one, lang)}", markup=False)
            currency, worth = _money(one)
            facts = {
                "severity": word(one.severity, lang),
                "customer": found.customer_name or found.customer,
                "number": found.number,
                "kind": word(found.kind, lang),
                "business_on": found.business_on,
                "difference": f"{worth} {currency}" if currency else None,
                "systems": " / ".join(found.systems),
                "fields": ", ".join(found.fields),
                "evidence": evidence_text(one),
                "owner": one.owner,
                "suggested": word(suggested(found), lang),
                "choice": ", ".join(word(remedy, lang) for remedy in remedies(found.code)),
                "first_seen": local(now, one.first_seen_at),
            }
            rows = [(_head(key, lang), value) for key, value in facts.items() if value not in (None, "")]
            rows += [("", str(ref)) for ref in found.refs]
            table(console, "", ["", ""], rows)
            heads = [word(key, lang) for key in ("when", "person", "what", "text")]
            table(console, "", heads, [_event_row(now, event) for event in happened])

        document = as_plain(one) | {"events": happened, "remedies": remedies(found.code)}
        now.out.result(document, show)


def assign(
    exception_id: Id,
    owner: Annotated[str | None, typer.Argument(help="Who takes it; nobody: give it back.")] = None,
    text: Text = "",
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Give an exception to somebody, or back."""
    from ledgerbridge.reconciler.exceptions import moving

    _act(workspace, as_json, as_name, exception_id, lambda one, actor: moving.assign(one, owner, actor, text=text))


def comment(
    exception_id: Id,
    text: Annotated[str, typer.Argument(help="What is to be said.")],
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Say something about an exception."""
    from ledgerbridge.reconciler.exceptions import moving

    _act(workspace, as_json, as_name, exception_id, lambda one, actor: moving.comment(one, text, actor))


def settle(
    exception_id: Id, text: Text = "", as_name: As = None, workspace: WorkspaceOption = None, as_json: Json = False
) -> None:
    """Say that it has been dealt with; it comes back if it is found again and is worse."""
    from ledgerbridge.reconciler.exceptions import moving

    _act(workspace, as_json, as_name, exception_id, lambda one, actor: moving.settle(one, text, actor))


def waive(
    exception_id: Id,
    why: Annotated[str, typer.Option("--why", help="The reason; it goes into the audit log.")],
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day on which it holds.")
    ] = None,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Let it stand as it is. Above the limit a second person must waive it too."""
    from ledgerbridge.reconciler.exceptions import moving

    day = None if until is None else date(until.year, until.month, until.day)
    _act(workspace, as_json, as_name, exception_id, lambda one, actor: moving.waive(one, why, actor, until=day))


def reopen(
    exception_id: Id,
    why: Annotated[str, typer.Option("--why", help="The reason.")],
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Take back what was settled or waived, or a waiver that waits for its second person."""
    from ledgerbridge.reconciler.exceptions import moving

    _act(workspace, as_json, as_name, exception_id, lambda one, actor: moving.reopen(one, why, actor))


def decide(
    exception_id: Id,
    remedy: Annotated[Remedy | None, typer.Argument(help="What shall be done; none: withdraw the decision.")] = None,
    text: Text = "",
    field: Annotated[list[str] | None, typer.Option("--field", help="Only this field; may be given again.")] = None,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Decide what shall be done. What a plan can carry out stands in the next plan, which is approved as any other."""
    from ledgerbridge.reconciler.exceptions import moving

    fields = field or []
    _act(
        workspace,
        as_json,
        as_name,
        exception_id,
        lambda one, actor: moving.decide(one, remedy, actor, text=text, fields=fields),
    )


def _act(
    workspace: Any,
    as_json: bool,
    as_name: str | None,
    exception_id: str,
    move: Callable[[ExceptionRecord, Actor], Moved],
) -> None:
    from ledgerbridge.reports.exception_columns import state_word
    from ledgerbridge.sync.exceptions import act

    with session(workspace, as_json) as now:
        actor = actor_of(now, as_name)
        one = act(now.app.store, exception_id, lambda record: move(record, actor))
        told = f"{one.id}: {state_word(one, now.out.language)}"
        now.out.result(as_plain(one), lambda console: console.print(told, markup=False))


def actor_of(now: Session, as_name: str | None) -> Actor:
    """Who acts, under the workspace's rules."""
    from ledgerbridge.sync.exceptions import actor

    policy = now.app.workspace.tree.exceptions.policy()
    return actor(acting(now, as_name), now.app.clock.now(), policy, now.app.zone)


def narrowed(
    code: list[Code] | None,
    state: list[State] | None,
    severity: list[Severity] | None,
    owner: str | None,
    customer: str | None,
    system: str | None,
    min_amount: str | None,
    *,
    waiting: bool,
) -> Wanted:
    """The filters of a command; ConfigError for an amount that is none."""
    from ledgerbridge.store.exceptions import OPEN_STATES, Wanted

    try:
        at_least = None if min_amount is None else Decimal(min_amount)
    except InvalidOperation:
        at_least = Decimal("NaN")
    if at_least is not None and not (at_least.is_finite() and 0 <= at_least < 10**15):
        raise ConfigError(f"{min_amount!r} is no amount, such as 1000 or 0.50")
    return Wanted(
        codes=tuple(code or ()),
        states=tuple(state or OPEN_STATES),
        severities=tuple(severity or ()),
        owner=owner,
        customer=customer,
        system=system,
        at_least=at_least,
        waiting=waiting,
    )


def as_plain(one: ExceptionRecord) -> dict[str, object]:
    """An exception for ``--json``: the difference also as a decimal text."""
    from ledgerbridge.reconciler.exceptions.suggesting import suggested

    money = one.finding.difference
    return one.model_dump() | {
        "suggested": suggested(one.finding),
        "waits_for_second": one.waits_for_second,
        "difference": {"amount": str(money.amount), "currency": money.currency} if money else None,
    }


def _head(key: str, lang: str) -> str:
    from ledgerbridge.reports.exception_words import word

    bare = key.removeprefix(">")
    return key[: len(key) - len(bare)] + word(f"col_{bare}", lang)


def _money(one: ExceptionRecord) -> tuple[str, str]:
    money = one.finding.difference
    return (money.currency, amount(money.minor, money.currency)) if money else ("", "")


def _event_row(now: Session, event: Event) -> tuple[str, str, str, str]:
    from ledgerbridge.reports.exception_words import word

    lang = now.out.language
    what = word(event.act, lang)
    if event.from_state is not event.to_state:
        what += f" ({word(event.from_state, lang)} → {word(event.to_state, lang)})"
    parts = [word(event.why, lang) if event.why else "", event.text]
    parts += [f"{name}: {word(str(value), lang)}" for name, value in event.details.items() if value not in (None, [])]
    return local(now, event.at), event.actor, what, "; ".join(part for part in parts if part)
