"""`conflicts list|show|resolve`: fields that both sides changed and that nobody owns."""

from __future__ import annotations

import json
from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import JsonValue

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.plan import ConflictState, Take

from .acting import As, acting
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, table

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.store.conflicts import Case

_ALIASES = {"erp": Take.LEFT, "crm": Take.RIGHT}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Fields that both sides changed, for a person to decide.", no_args_is_help=True)
    group.command("list")(list_conflicts)
    group.command("show")(show_conflict)
    group.command("resolve")(resolve)
    app.add_typer(group, name="conflicts")


def list_conflicts(
    flow: Annotated[str | None, typer.Option("--flow", "-f")] = None,
    all_states: Annotated[bool, typer.Option("--all", help="Also those that are decided or gone.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 200,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """What waits for a decision, the oldest first; with both values and how long it has been waiting."""
    from ledgerbridge.store import conflicts

    with session(workspace, as_json) as now:
        states = tuple(ConflictState) if all_states else (ConflictState.OPEN, ConflictState.POSTPONED)
        with now.app.store.reading() as tx:
            found = conflicts.cases(tx, flow=flow, states=states, limit=limit)
        plain = _as_plain(now, found)

        def show(console: Console) -> None:
            lang = now.out.language
            keys = ("flow", "title", "field", "base", "left_value", "right_value", "owner", "age", "state")
            cells = [
                [
                    one["id"][:12],
                    *(one[key] for key in ("flow", "record", "field", "agreed", "left", "right", "owner", "days")),
                    _said(one["state"], lang),
                ]
                for one in plain
            ]
            table(console, _said("conflicts_title", lang), ["id", *(_said(key, lang) for key in keys)], cells)

        now.out.result(plain, show)
        if any(case.state is ConflictState.OPEN for case in found):
            raise typer.Exit(Exit.FINDINGS)


def show_conflict(conflict: str, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """One conflict: both records, both values, what was agreed before, what was decided."""
    with session(workspace, as_json) as now:
        (plain,) = _as_plain(now, [_found(now, conflict)])

        def show(console: Console) -> None:
            for key, value in plain.items():
                console.print(f"{key}: {'' if value is None else value}", markup=False)

        now.out.result(plain, show)


def resolve(
    conflict: Annotated[str, typer.Argument(help="The conflict's id, or the beginning of it.")],
    take: Annotated[str, typer.Argument(help="left (or erp), right (or crm), value, postpone; or a system's name.")],
    value: Annotated[str | None, typer.Option("--value", help="With `value`: JSON, or plain text.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="With `postpone`: a day, 2026-12-31.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="Why; it is kept with the decision.")] = None,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Decide; the next plan makes exactly that change. The decision holds for these two values only."""
    from ledgerbridge.store import audit, conflicts

    with session(workspace, as_json) as now:
        case = _found(now, conflict)
        chosen = _chosen(case, take)
        if (chosen is Take.VALUE) != (value is not None) or (chosen is Take.POSTPONE) != (until is not None):
            raise ConfigError("--value goes with `value`, --until with `postpone`, and neither with anything else")
        actor, at = acting(now, as_name), now.app.clock.now()
        put = _value(value)
        day = None if until is None else _day(now, until)
        details: dict[str, JsonValue] = {
            "take": chosen.value,
            "value": put,
            "until": until,
            "note": note,
            "left": case.conflict.left_value,
            "right": case.conflict.right_value,
        }
        with now.app.store.writing() as tx:
            decided = conflicts.decide(tx, case.key, chosen, who=actor, at=at, value=put, until=day, note=note)
            subject = f"{case.conflict.flow}/{case.conflict.entity}/{case.conflict.path}"
            audit.append(tx, actor=actor, action="conflict decided", subject=subject, details=details, at=at)
        (plain,) = _as_plain(now, [decided])
        now.out.result(
            plain,
            lambda console: console.print(
                f"{decided.key[:12]}: {_said(decided.state.value, now.out.language)} · "
                f"{_said('takes_effect', now.out.language)}",
                markup=False,
            ),
        )


def _chosen(case: Case, take: str) -> Take:
    """left, right, value, postpone; `erp` and `crm` for left and right, or the systems' own names."""
    names = {**_ALIASES, case.conflict.left.system: Take.LEFT, case.conflict.right.system: Take.RIGHT}
    names |= {one.value: one for one in Take}
    if take not in names:
        raise ConfigError(f"{take!r} is no decision; say one of {', '.join(sorted(names))}")
    return names[take]


def _value(text: str | None) -> JsonValue:
    """A float would be no exact amount: amounts are whole minor units, everything else is text."""
    if text is None:
        return None
    try:
        found: JsonValue = json.loads(text, parse_float=str)
    except ValueError:
        return text
    return found


def _day(now: Session, text: str) -> datetime:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 (a business day; its zone is the company's)
    except ValueError:
        raise ConfigError(f"{text!r} is no day, such as 2026-12-31") from None
    return datetime.combine(day, time(), now.app.zone)


def _found(now: Session, start: str) -> Case:
    from ledgerbridge.store import conflicts

    with now.app.store.reading() as tx:
        found = conflicts.find(tx, start)
    if len(found) != 1:
        several = f"several conflicts begin with {start!r}" if found else f"there is no conflict {start!r}"
        raise ConfigError(f"{several}; `ledgerbridge conflicts list` shows them")
    return found[0]


def _as_plain(now: Session, cases: list[Case]) -> list[dict[str, Any]]:
    from ledgerbridge.reports.plan_view import conflict_values

    with now.app.store.reading() as tx:
        values = list(conflict_values(tx, [case.conflict for case in cases]))
    return [
        {
            "id": case.key,
            "flow": case.conflict.flow,
            "record": case.title,
            "field": case.conflict.path,
            "agreed": before if case.conflict.base_known else None,
            "left": left,
            "right": right,
            "refs": [str(case.conflict.left), str(case.conflict.right)],
            "owner": case.conflict.owner,
            "state": case.state.value,
            "first_seen_at": case.first_seen_at,
            "days": (now.app.clock.now() - case.first_seen_at).days,
            "take": case.take,
            "value": case.value,
            "until": case.until,
            "who": case.who,
            "note": case.note,
        }
        for case, (before, left, right) in zip(cases, values, strict=True)
    ]


def _said(key: str, lang: str) -> str:
    from ledgerbridge.reports.plan_words import said

    return said(key, lang)
