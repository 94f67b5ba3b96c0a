"""`plan`, `plans list|show|discard`: what would be written, before anything is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.plan import OPEN_STATES, PlanState

from .acting import As, acting
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, amount, table

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.model.money import Money
    from ledgerbridge.model.plan import Held, PlanHead
    from ledgerbridge.reports.plan_view import ShownRow
    from ledgerbridge.sync.planning import Made

Limit = Annotated[int, typer.Option(min=0, max=100_000, help="How many rows to list.")]
Plan = Annotated[str, typer.Argument(help="The plan's id, or the beginning of it.")]
Xlsx = Annotated[Path | None, typer.Option("--xlsx", help="Write it as a workbook, too.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("plan")(plan)
    group = next((one.typer_instance for one in app.registered_groups if one.name == "plans"), None)
    if group is None:
        group = typer.Typer(help="Plans: what would be written.", no_args_is_help=True)
        app.add_typer(group, name="plans")
    group.command("list")(list_plans)
    group.command("show")(show_plan)
    group.command("discard")(discard_plan)


def plan(
    flows: Annotated[list[str] | None, typer.Argument(help="Only these flows; default: all.")] = None,
    limit: Limit = 50,
    xlsx: Xlsx = None,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Link what is new, then say what each flow would write; writes nothing to any system."""
    from ledgerbridge.sync.planning import make_plan

    from .rounds import flows_ready

    with session(workspace, as_json) as now:
        ready = flows_ready(now.app, flows or ())
        if xlsx is not None and len(ready) > 1:
            raise ConfigError(
                "--xlsx writes one plan; name one flow, or use `ledgerbridge plans show PLAN --xlsx FILE`"
            )
        linked = now.app.link()
        actor = acting(now, as_name)
        made = [make_plan(now.app.store, rules, now.app.clock, actor=actor) for rules in ready]
        for one in made:
            if xlsx is not None and one.head is not None:
                _write(now, one.head, xlsx)
        pages = [None if one.head is None else _Page.of(now, one.head, limit) for one in made]
        told = {
            "doubts": linked.doubts,
            "plans": [_made_as_plain(one, page) for one, page in zip(made, pages, strict=True)],
        }

        def show(console: Console) -> None:
            for one, page in zip(made, pages, strict=True):
                _show_made(console, one, page, now.out.language)
            if linked.doubts:
                console.print(f"{linked.doubts} {_said('doubts', now.out.language)}", markup=False)

        now.out.result(told, show)
        raise typer.Exit(_exit(made))


def list_plans(
    flow: Annotated[str | None, typer.Option("--flow", "-f")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that nobody has approved yet.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 30,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The latest plans and where they stand."""
    from ledgerbridge.store import plans

    with session(workspace, as_json) as now:
        if flow is not None and flow not in now.app.workspace.tree.flows:
            raise ConfigError(
                f"there is no flow {flow!r}; there are {', '.join(now.app.workspace.tree.flows) or 'none'}"
            )
        with now.app.store.reading() as tx:
            found = plans.heads(tx, flow=flow, states=OPEN_STATES if open_only else None, limit=limit)

        def show(console: Console) -> None:
            lang = now.out.language
            heads = [_said(key, lang) for key in ("plan", "flow", "state", "changes", "conflicts", "held", "made_at")]
            table(
                console,
                _said("plans_title", lang),
                heads,
                [
                    (
                        one.plan_id,
                        one.flow,
                        _said(one.state.value, lang),
                        one.summary.changes,
                        one.summary.conflicts,
                        sum(one.summary.held.values()),
                        f"{one.made_at.astimezone(now.app.zone):%Y-%m-%d %H:%M}",
                    )
                    for one in found
                ],
            )

        now.out.result([_head_as_plain(one) for one in found], show)


def show_plan(
    plan: Plan,
    limit: Limit = 1000,
    xlsx: Xlsx = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """One plan: every change field by field, conflicts, and what is held back and why."""
    with session(workspace, as_json) as now:
        head = found_plan(now, plan)
        if xlsx is not None:
            _write(now, head, xlsx)
        page = _Page.of(now, head, limit)
        now.out.result(
            _head_as_plain(head) | page.as_plain(), lambda console: _show_plan(console, head, page, now.out.language)
        )


def discard_plan(
    plan: Plan,
    why: Annotated[str, typer.Option("--why", help="The reason; it goes into the audit log.")],
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Drop a plan that nobody has approved; nothing of it will be written. The next plan finds the same differences again."""
    from ledgerbridge.store import audit, operations, plans, to_us

    with session(workspace, as_json) as now:
        head = found_plan(now, plan)
        at = now.app.clock.now()
        if head.state not in OPEN_STATES:
            raise ConfigError(
                f"the plan {head.plan_id} is {head.state}; only one that nobody has approved can be dropped"
            )
        with now.app.store.writing(lock=plans.lock_of(head.flow)) as tx:
            plans.set_state(tx, head.plan_id, PlanState.DISCARDED, now_us=to_us(at))
            operations.cancel(tx, head.plan_id, at)
            audit.append(
                tx,
                actor=acting(now, as_name),
                action="plan discarded",
                subject=f"plan/{head.plan_id}",
                details={"flow": head.flow, "why": why},
                at=at,
            )
        now.out.result(
            {"discarded": head.plan_id}, lambda console: console.print(f"{head.plan_id}: discarded", markup=False)
        )


def found_plan(now: Session, start: str) -> PlanHead:
    """The one plan whose id begins so; ConfigError if there is none, or several."""
    from ledgerbridge.store import plans

    with now.app.store.reading() as tx:
        found = plans.find(tx, start)
    exact = [one for one in found if one.plan_id == start] or found
    if len(exact) != 1:
        several = f"several plans begin with {start!r}" if exact else f"there is no plan {start!r}"
        raise ConfigError(f"{several}; `ledgerbridge plans list` shows them")
    return exact[0]


class _Page:
    """What of a plan is listed: rows, conflicts and held records, each up to a limit."""

    def __init__(self, rows: Sequence[ShownRow], conflicts: Sequence[dict[str, Any]], held: Sequence[Held]) -> None:
        self.rows, self.conflicts, self.held = rows, conflicts, held

    @classmethod
    def of(cls, now: Session, head: PlanHead, limit: int) -> _Page:
        """Read it."""
        from ledgerbridge.reports.plan_view import conflict_values, rows
        from ledgerbridge.store import conflicts, plans

        base = now.app.workspace.tree.workspace.base_currency
        with now.app.store.reading() as tx:
            listed = list(islice(rows(tx, head.plan_id, base_currency=base), limit))
            keys = plans.conflict_keys(tx, head.plan_id)[:limit]
            cases = [case for key in keys if (case := conflicts.get(tx, key)) is not None]
            values = list(conflict_values(tx, [case.conflict for case in cases]))
            held = list(islice(plans.held(tx, head.plan_id), limit))
        met = [
            {"id": case.key, "record": case.title, "field": case.conflict.path, "agreed": a, "left": b, "right": c}
            for case, (a, b, c) in zip(cases, values, strict=True)
        ]
        return cls(listed, met, held)

    def as_plain(self) -> dict[str, Any]:
        """For machines."""
        return {"rows": self.rows, "conflicts": self.conflicts, "held": self.held}


def _exit(made: Sequence[Made]) -> Exit:
    open_ends = [one for one in made if one.head is None or one.head.summary.conflicts or one.head.summary.held]
    return Exit.FINDINGS if open_ends else Exit.OK


def _write(now: Session, head: PlanHead, path: Path) -> None:
    from ledgerbridge.reports.plan_xlsx import write_plan_xlsx

    base = now.app.workspace.tree.workspace.base_currency
    try:
        with now.app.store.reading() as tx:
            write_plan_xlsx(path, tx, head, language=now.out.language, base_currency=base)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _made_as_plain(one: Made, page: _Page | None) -> dict[str, Any]:
    told: dict[str, Any] = {"flow": one.flow, "not_ready": one.not_ready, "same": one.same}
    if one.head is None or page is None:
        return told
    return told | _head_as_plain(one.head) | page.as_plain()


def _head_as_plain(head: PlanHead) -> dict[str, Any]:
    return {
        "plan": head.plan_id,
        "flow": head.flow,
        "state": head.state,
        "why_waiting": head.why_waiting,
        "made_at": head.made_at,
        "summary": head.summary,
        "inputs": head.inputs,
        "undoes": head.undoes,
    }


def _show_made(console: Console, one: Made, page: _Page | None, lang: str) -> None:
    if one.head is None or page is None:
        console.print(f"{one.flow}: {_said('not_ready', lang)}: {one.not_ready}", markup=False)
        return
    _show_plan(console, one.head, page, lang, note=_said("same", lang) if one.same else "")


def _show_plan(console: Console, head: PlanHead, page: _Page, lang: str, *, note: str = "") -> None:
    summary = head.summary
    heads = [
        _said("action", lang),
        _said("system", lang),
        *(">" + _said(k, lang) for k in ("changes", "drift", "money")),
    ]
    title = f"{head.flow} · {head.plan_id} · {_said(head.state.value, lang)}" + (f" · {note}" if note else "")
    rows: list[list[object]] = [
        [_said(e.action.value, lang), e.system, e.changes, e.drift or "", _money(e.money)] for e in summary.effects
    ]
    table(console, title, heads, rows or [[_said("nothing_to_do", lang), "", "", "", ""]])
    facts = [f"{_said(name, lang)} {getattr(summary, name)}" for name in ("linked", "looked_at", "agreed", "conflicts")]
    facts.append(f"{_said('held', lang)} {sum(summary.held.values())}")
    console.print(" · ".join(facts), markup=False)
    for reason in head.why_waiting:
        console.print(f"{_said('why_waiting', lang)}: {reason}", markup=False)
    _show_rows(console, page.rows, lang)
    if page.conflicts:
        columns = ["id", *(_said(k, lang) for k in ("title", "field", "base", "left_value", "right_value"))]
        cells = [
            [c["id"][:12], *(c[k] for k in ("record", "field", "agreed", "left", "right"))] for c in page.conflicts
        ]
        table(console, _said("conflicts", lang), columns, cells)
        console.print(f"{_said('resolve_it', lang)} ID left|right|value|postpone", markup=False)
    if page.held:
        columns = [_said(k, lang) for k in ("system", "title", "reason", "fields", "detail")]
        cells = [[h.system, h.title, _said(h.reason.value, lang), ", ".join(h.fields), h.detail] for h in page.held]
        table(console, _said("held", lang), columns, cells)
    if len(page.rows) < summary.changes or len(page.held) < sum(summary.held.values()):
        console.print(_said("more", lang), markup=False)
    if summary.changes and head.state in OPEN_STATES:
        console.print(f"{_said('apply_it', lang)} {head.plan_id}", markup=False)


def _show_rows(console: Console, rows: Sequence[ShownRow], lang: str) -> None:
    if not rows:
        return
    keys = ("action", "system", "title", "field", "before", "after", "by")
    columns = ["#", *(_said(key, lang) for key in keys)]
    cells: list[list[object]] = []
    for row in rows:
        head: list[object] = [row.seq, _said(row.action.value, lang), row.system, row.title]
        if row.action.value == "update":
            for at, field in enumerate(row.fields):
                start = head if at == 0 else ["", "", "", ""]
                cells.append([*start, field.path, _short(field.before), _short(field.after), field.by])
        else:
            cells.append([*head, "", "", _money(row.money), row.because])
    table(console, "", columns, cells)


def _money(amounts: Sequence[Money]) -> str:
    return ", ".join(f"{amount(one.minor, one.currency)} {one.currency}" for one in amounts)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _said(key: str, lang: str) -> str:
    from ledgerbridge.reports.plan_words import said

    return said(key, lang)
