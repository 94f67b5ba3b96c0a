"""`ops list|show|retry|discard` and `restored`: writes on their way out, and those that wait for a person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.operation import DEAD_LETTERS, UNFINISHED, Operation, OpState

from .acting import As, acting
from .apply_words import said
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, table
from .words import word

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.store.attempts import Attempt

Id = Annotated[int, typer.Argument(help="The operation's number, as `ops list` shows it.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it goes into the audit log.")]
_WORDS = {
    "ops_title": ("写操作", "Writes"),
    "plan": ("计划", "Plan"),
    "tries": ("次数", "Tries"),
    "due": ("下次处理", "Next due"),
    "before": ("原值", "Before"),
    "after": ("新值", "After"),
    "attempts": ("尝试记录", "Attempts"),
    "send": ("发送", "send"),
    "look": ("查询", "look-up"),
    "at": ("时间", "At"),
    "more": ("只列出前若干条, 用 --limit 显示更多", "Only the first ones are listed; --limit shows more"),
    "needs_person": ("条需人工处理", "wait for a person"),
    "also": ("随之取消", "taken back along with it"),
    "goes_on": ("将继续, 状态", "goes on as"),
    "epoch": ("恢复序号", "Restore epoch"),
    "looked_first": ("条未完成的写操作会先查询再发送", "unfinished writes will be looked for before they are sent"),
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    ops = typer.Typer(help="Writes on their way out, and those that wait for a person.", no_args_is_help=True)
    ops.command("list")(list_operations)
    ops.command("show")(show_operation)
    ops.command("retry")(retry_operation)
    ops.command("discard")(discard_operation)
    app.add_typer(ops, name="ops")
    app.command("restored")(restored)


def list_operations(
    state: Annotated[list[OpState] | None, typer.Option("--state", help="Only these; default: all unfinished.")] = None,
    system: Annotated[str | None, typer.Option("--system", "-s")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", "-k")] = None,
    plan: Annotated[str | None, typer.Option("--plan", help="Only those of this plan.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """What waits for a person first, then what is on its way. Exit code 1: something waits for a person."""
    from ledgerbridge.store import operations

    with session(workspace, as_json) as now:
        lang = now.out.language
        wanted = state or [*sorted(DEAD_LETTERS), *UNFINISHED]
        with now.app.store.reading() as tx:
            found: list[Operation] = []
            for one in wanted:
                left = limit + 1 - len(found)
                found += operations.listing(
                    tx, states=(one,), system=system, kind=kind, plan_id=plan, limit=max(left, 0)
                )
            numbers = operations.counts(tx)
        dead = sum(numbers.get(one, 0) for one in DEAD_LETTERS)
        more, found = len(found) > limit, found[:limit]

        def show(console: Console) -> None:
            titles = ("system", "record", "action", "state", "tries", "due", "why")
            rows = [
                (
                    one.id,
                    one.system,
                    f"{word(str(one.change.kind), lang)} {one.change.entity}",
                    said(one.change.action.value, lang),
                    said(one.state.value, lang),
                    one.tries,
                    ""
                    if one.state in DEAD_LETTERS or one.state is OpState.PLANNED
                    else f"{one.not_before:%Y-%m-%d %H:%M}Z",
                    one.why or "",
                )
                for one in found
            ]
            table(console, _word("ops_title", lang), ["id", *(_head(title, lang) for title in titles)], rows)
            if more:
                console.print(_word("more", lang), markup=False)
            if dead:
                console.print(f"{dead} {_word('needs_person', lang)}", markup=False)

        counted = {str(name): number for name, number in numbers.items()}
        now.out.result({"counts": counted, "operations": [_plain(one) for one in found], "more": more}, show)
        if dead:
            raise typer.Exit(Exit.FINDINGS)


def show_operation(operation_id: Id, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """One write: what it changes, and everything that was tried. Exit code 1: it waits for a person."""
    from ledgerbridge.store import attempts

    with session(workspace, as_json) as now:
        one = _operation(now, operation_id)
        lang = now.out.language
        with now.app.store.reading() as tx:
            tried = attempts.of_operation(tx, operation_id)

        def show(console: Console) -> None:
            head = (
                f"{one.id} · {said(one.change.action.value, lang)} {one.system} / {word(str(one.change.kind), lang)} "
            )
            console.print(f"{head}{one.change.entity} · {said(one.state.value, lang)}", markup=False)
            console.print(f"{_word('plan', lang)} {one.plan_id} · {one.change.because}", markup=False)
            if one.why:
                console.print(one.why, markup=False)
            fields = [(field.path, field.before, field.after, field.decided_by) for field in one.change.fields]
            names = [word("field", lang), _word("before", lang), _word("after", lang), word("rule", lang)]
            table(console, "", names, fields)
            rows = [_attempt_row(attempt, lang) for attempt in tried]
            table(
                console,
                _word("attempts", lang),
                [_word("at", lang), word("action", lang), "n", word("result", lang), said("why", lang)],
                rows,
            )

        now.out.result(_plain(one) | {"change": one.change, "attempts": [_attempt_plain(a) for a in tried]}, show)
        if one.state in DEAD_LETTERS:
            raise typer.Exit(Exit.FINDINGS)


def retry_operation(
    operation_id: Id, why: Why, as_name: As = None, workspace: WorkspaceOption = None, as_json: Json = False
) -> None:
    """Let one that waits for a person go on, signed by you. What may have been written is looked for before it is sent again."""
    from ledgerbridge.queue import deadletters

    with session(workspace, as_json) as now:
        actor = acting(now, as_name)
        one = deadletters.retry(now.app.store, now.app.clock, operation_id, actor=actor, why=_said(why))
        lang = now.out.language
        text = f"{one.id}: {_word('goes_on', lang)} {said(one.state.value, lang)}"
        now.out.result({"id": one.id, "state": one.state}, lambda console: console.print(text, markup=False))


def discard_operation(
    operation_id: Id, why: Why, as_name: As = None, workspace: WorkspaceOption = None, as_json: Json = False
) -> None:
    """Set one that waits for a person aside, with what needs it; nothing is undone at the far side."""
    from ledgerbridge.queue import deadletters

    with session(workspace, as_json) as now:
        actor = acting(now, as_name)
        one, along = deadletters.discard(now.app.store, now.app.clock, operation_id, actor=actor, why=_said(why))
        lang = now.out.language
        tail = f"; {_word('also', lang)}: {', '.join(map(str, along))}" if along else ""
        text = f"{one.id}: {said(one.state.value, lang)}{tail}"
        found = {"id": one.id, "state": one.state, "along": along}
        now.out.result(found, lambda console: console.print(text, markup=False))


def restored(as_name: As = None, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """Say that the database was restored from a backup: what is unfinished is looked for before it is sent."""
    from ledgerbridge.queue import deadletters

    with session(workspace, as_json) as now:
        epoch, number = deadletters.restored(now.app.store, now.app.clock, actor=acting(now, as_name))
        lang = now.out.language
        text = f"{_word('epoch', lang)} {epoch}; {number} {_word('looked_first', lang)}"
        now.out.result({"epoch": epoch, "unfinished": number}, lambda console: console.print(text, markup=False))


def _operation(now: Session, operation_id: int) -> Operation:
    from ledgerbridge.store import operations

    with now.app.store.reading() as tx:
        found = operations.get(tx, operation_id)
    if found is None:
        raise ConfigError(f"there is no operation {operation_id}; `ledgerbridge ops list` shows them")
    return found


def _said(why: str) -> str:
    if not why.strip():
        raise ConfigError("--why says nothing; say why, it is kept in the audit log")
    return why.strip()


def _word(key: str, language: str) -> str:
    zh, en = _WORDS[key]
    return en if language == "en" else zh


def _head(key: str, language: str) -> str:
    if key in _WORDS:
        return _word(key, language)
    return said(key, language) if key in {"system", "action", "state", "why"} else word(key, language)


def _attempt_row(attempt: Attempt, lang: str) -> tuple[str, ...]:
    outcome = attempt.outcome or "…"
    code = f" ({attempt.code})" if attempt.code else ""
    return (
        f"{attempt.started_at:%Y-%m-%d %H:%M:%S}Z",
        _word(attempt.what, lang),
        str(attempt.n),
        outcome + code,
        attempt.excerpt or "",
    )


def _attempt_plain(attempt: Attempt) -> dict[str, Any]:
    moments: dict[str, datetime | None] = {"started_at": attempt.started_at, "ended_at": attempt.ended_at}
    return moments | {
        "what": attempt.what,
        "n": attempt.n,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "excerpt": attempt.excerpt,
    }


def _plain(one: Operation) -> dict[str, Any]:
    return {
        "id": one.id,
        "plan": one.plan_id,
        "key": one.idem_key,
        "system": one.system,
        "kind": one.change.kind,
        "entity": one.change.entity,
        "action": one.change.action,
        "state": one.state,
        "needs_person": one.state in DEAD_LETTERS,
        "tries": one.tries,
        "looks": one.looks,
        "waits_for": one.waits,
        "not_before": one.not_before,
        "record": None if one.foreign is None else one.foreign,
        "approved_by": one.approved_by,
        "why": one.why,
        "updated_at": one.updated_at,
    }
