"""`quarantine list|show|replay|discard`: records that could not be read or mapped."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind

from .main import Json, Session, WorkspaceOption, session
from .output import Exit, table
from .pulling import exit_of, report
from .words import word

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.store.quarantine import Entry


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    quarantine = typer.Typer(help="Records that could not be read or mapped.", no_args_is_help=True)
    quarantine.command("list")(list_entries)
    quarantine.command("show")(show_entry)
    quarantine.command("replay")(replay_entries)
    quarantine.command("discard")(discard_entry)
    app.add_typer(quarantine, name="quarantine")


def list_entries(
    system: Annotated[str | None, typer.Option("--system", "-s")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", "-k")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The open entries, each with its first reason."""
    from ledgerbridge.store import quarantine

    with session(workspace, as_json) as now:
        if system is not None:
            _check_known(now, system)
        with now.app.store.reading() as tx:
            found = quarantine.entries(tx, system=system, kind=kind, limit=limit + 1)
        more, found = len(found) > limit, found[:limit]
        lang = now.out.language

        def show(console: Console) -> None:
            heads = ["id", *(word(head, lang) for head in ("system", "kind", "record", "problem", "first_seen"))]
            rows = [
                (
                    e.id,
                    e.system,
                    word(str(e.kind), lang),
                    e.external_id or e.place,
                    _first(e),
                    f"{e.first_seen_at:%Y-%m-%d}",
                )
                for e in found
            ]
            table(console, word("quarantine_title", lang), heads, rows)
            if more:
                console.print(word("more_rows", lang), markup=False)

        now.out.result([_as_plain(entry) for entry in found], show)
        if found:
            raise typer.Exit(Exit.FINDINGS)


def show_entry(entry_id: str, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """One entry: the record as it was sent, and everything that is wrong with it."""
    with session(workspace, as_json) as now:
        entry = _entry(now, entry_id)
        lang = now.out.language

        def show(console: Console) -> None:
            place = entry.external_id or entry.place
            console.print(
                f"{entry.id} · {entry.system} / {word(str(entry.kind), lang)} · {entry.wire_type} · {place} · "
                f"{word(str(entry.state), lang)}",
                markup=False,
            )
            heads = [word("field", lang), "←", word("value", lang), word("problem", lang), word("rule", lang)]
            table(console, "", heads, [(p.field, p.wire, p.value, p.why, p.rule) for p in entry.problems])
            console.print(entry.raw.decode("utf-8", errors="replace"), markup=False)

        now.out.result(_as_plain(entry) | {"raw": entry.raw}, show)


def replay_entries(
    entry_ids: Annotated[list[str] | None, typer.Argument(help="Only these; default: all open ones.")] = None,
    system: Annotated[str | None, typer.Option("--system", "-s")] = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Map entries again, after the mapping or a table of values was mended; nothing is fetched."""
    from ledgerbridge.store import quarantine
    from ledgerbridge.sync.replaying import replay_all

    with session(workspace, as_json) as now:
        if system is not None:
            _check_known(now, system)
        wanted = [_entry(now, entry_id) for entry_id in entry_ids] if entry_ids else None
        result = replay_all(now.app.store, now.app.decode_stream, entries=wanted, system=system)
        report(now, result)
        code = exit_of(result)
        if code is Exit.OK and wanted is None:
            with now.app.store.reading() as tx:
                left = quarantine.open_counts(tx)
            code = Exit.FINDINGS if any(system in (None, name) for name, _ in left) else code
        raise typer.Exit(code)


def discard_entry(
    entry_id: str,
    why: Annotated[str, typer.Option("--why", help="The reason; it goes into the audit log.")],
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Set an entry aside for good, as long as the record is sent unchanged. Who did it and why is kept in the audit log."""
    from ledgerbridge.store import audit, quarantine, to_us

    with session(workspace, as_json) as now:
        entry = _entry(now, entry_id)
        at = now.app.clock.now()
        with now.app.store.writing() as tx:
            done = quarantine.discard(tx, entry.id, why=why, now_us=to_us(at))
            if done:
                details = {"why": why, "record": entry.external_id or entry.place or ""}
                subject = f"{entry.system}/{entry.kind}/{entry.id}"
                audit.append(
                    tx, actor=getpass.getuser(), action="quarantine discarded", subject=subject, details=details, at=at
                )
        if not done:
            raise ConfigError(f"{entry_id} is not open; it is {entry.state}")
        now.out.result({"discarded": entry.id}, lambda console: console.print(f"{entry.id}: set aside", markup=False))


def _check_known(now: Session, system: str) -> None:
    """ConfigError for a name that is neither configured nor was ever read: a misspelt one would look like success."""
    from ledgerbridge.store import streams

    with now.app.store.reading() as tx:
        known = {state.system for state in streams.every(tx)} | set(now.app.workspace.tree.systems)
    if system not in known:
        raise ConfigError(f"there is no system {system!r}; there are {', '.join(sorted(known)) or 'none'}")


def _entry(now: Session, entry_id: str) -> Entry:
    from ledgerbridge.store import quarantine

    with now.app.store.reading() as tx:
        entry = quarantine.get(tx, entry_id)
    if entry is None:
        raise ConfigError(f"there is no entry {entry_id!r}; `ledgerbridge quarantine list` shows them")
    return entry


def _first(entry: Entry) -> str:
    if not entry.problems:
        return ""
    more = f" (+{len(entry.problems) - 1})" if len(entry.problems) > 1 else ""
    first = entry.problems[0]
    return f"{first.field + ': ' if first.field else ''}{first.why}{more}"


def _as_plain(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "system": entry.system,
        "kind": entry.kind,
        "object": entry.wire_type,
        "record": entry.external_id,
        "place": entry.place,
        "state": entry.state,
        "problems": entry.problems,
        "first_seen_at": entry.first_seen_at,
        "last_seen_at": entry.last_seen_at,
        "times": entry.times,
        "run_id": entry.run_id,
    }
