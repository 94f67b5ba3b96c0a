"""`doctor`: check every connection, say what is wrong and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ledgerbridge.errors import (
    BadReply,
    ConfigError,
    LedgerbridgeError,
    NotAllowed,
    QuotaUsedUp,
    RateLimited,
    Refused,
    StoreError,
    Unavailable,
)

from .main import Json, Session, WorkspaceOption, session
from .output import Exit, exit_code, table

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `problem` is empty when it is well; `advice` says what to do."""

    what: str
    problem: str = ""
    advice: str = ""
    exit: Exit = Exit.OK


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("doctor")(doctor)


def doctor(workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """Check settings, mappings, the database and every connection; changes nothing at the far sides."""
    with session(workspace, as_json) as now:
        findings = [_database(now)]
        for system in now.app.workspace.tree.systems:
            findings += [_mappings(now, system), _connection(now, system)]

        def show(console: Console) -> None:
            rows = [(f.what, f.problem or "ok", f.advice) for f in findings]
            table(console, "", ("checked", "result", "what to do"), rows)

        now.out.result(findings, show)
        if not now.app.workspace.tree.systems:
            now.out.note(f"no system is configured yet in {now.app.workspace.file}")
        raise typer.Exit(max(finding.exit for finding in findings))


def _database(now: Session) -> Finding:
    try:
        shown = now.app.store.shown
    except StoreError as error:
        return Finding("database", str(error), "run `ledgerbridge migrate`, or mend database.url", Exit.UNAVAILABLE)
    return Finding(f"database {shown}")


def _mappings(now: Session, system: str) -> Finding:
    what = f"{system}: settings and mappings"
    try:
        now.app.source(system, full=False, sweep=False)
    except LedgerbridgeError as error:
        return Finding(what, str(error), "mend the file that is named", Exit.USAGE)
    return Finding(what)


def _connection(now: Session, system: str) -> Finding:
    what = f"{system}: connection"
    try:
        with now.app.connector(system) as connector:
            connector.check()
    except ConfigError:
        return Finding(what, "not tried", "mend the settings first", Exit.USAGE)
    except LedgerbridgeError as error:
        return Finding(what, str(error), _advice(error), exit_code(error))
    return Finding(what)


def _advice(error: LedgerbridgeError) -> str:
    if isinstance(error, QuotaUsedUp):
        return "wait until the quota returns, or buy more calls"
    if isinstance(error, RateLimited):
        return "try again in a minute; another program may use the same account"
    if isinstance(error, NotAllowed):
        return "check the credentials and rights of the application (docs/connectors)"
    if isinstance(error, Unavailable):
        return "check the address, the network and whether the far side is up"
    if isinstance(error, BadReply):
        return "check that the address is the API's and no web page or proxy"
    if isinstance(error, Refused):
        return "read what the far side says"
    return ""
