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
    NotSignedIn,
    QuotaUsedUp,
    RateLimited,
    Refused,
    StoreError,
    Unavailable,
)

from .main import Json, Session, WorkspaceOption, session
from .output import Exit, exit_code, table
from .words import word

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: `check` and `advice` are keys of the table of words, `detail` what the check is about.

    `problem` is empty when it is well.
    """

    check: str
    system: str = ""
    detail: str = ""
    problem: str = ""
    advice: str = ""
    exit: Exit = Exit.OK

    def shown(self, lang: str) -> tuple[str, str, str]:
        """What was checked, what is wrong and what to do, in a language."""
        what = " ".join(filter(None, (f"{self.system}:" if self.system else "", word(self.check, lang), self.detail)))
        problem = word("not_tried", lang) if self.problem == NOT_TRIED else self.problem
        return what, problem, word(self.advice, lang) if self.advice else ""


NOT_TRIED = "not tried"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("doctor")(doctor)


def doctor(workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """Check settings, mappings, the database and every connection; changes nothing at the far sides."""
    with session(workspace, as_json) as now:
        lang = now.out.language
        findings = [_database(now)]
        for system in now.app.workspace.tree.systems:
            findings += [_mappings(now, system), _connection(now, system)]

        def show(console: Console) -> None:
            rows = [
                (what, problem or word("ok", lang), advice)
                for what, problem, advice in (finding.shown(lang) for finding in findings)
            ]
            table(console, "", [word(head, lang) for head in ("checked", "result", "what_to_do")], rows)

        # for machines the words stay the same whatever the language
        told = [
            dict(zip(("what", "problem", "advice"), f.shown("en"), strict=True)) | {"exit": f.exit} for f in findings
        ]
        now.out.result(told, show)
        if not now.app.workspace.tree.systems:
            now.out.note(f"{word('no_systems', lang)} {now.app.workspace.file}")
        raise typer.Exit(max(finding.exit for finding in findings))


def _database(now: Session) -> Finding:
    if now.app.database_is_missing:
        return Finding("database", advice="not_made_yet")
    try:
        return Finding("database", detail=now.app.store.shown)
    except StoreError as error:
        return Finding("database", problem=str(error), advice="do_migrate", exit=Exit.UNAVAILABLE)


def _mappings(now: Session, system: str) -> Finding:
    check = "settings_and_mappings"
    try:
        now.app.source(system, full=False, sweep=False)
    except LedgerbridgeError as error:
        return Finding(check, system, problem=str(error), advice="do_mend_file", exit=Exit.USAGE)
    return Finding(check, system)


def _connection(now: Session, system: str) -> Finding:
    check = "connection"
    try:
        with now.app.connector(system) as connector:
            connector.check()
    except ConfigError:
        return Finding(check, system, problem=NOT_TRIED, advice="do_mend_settings", exit=Exit.USAGE)
    except LedgerbridgeError as error:
        return Finding(check, system, problem=str(error), advice=_advice(error), exit=exit_code(error))
    return Finding(check, system)


_ADVICE: tuple[tuple[type[LedgerbridgeError], str], ...] = (
    (QuotaUsedUp, "do_wait_quota"),
    (RateLimited, "do_wait_minute"),
    (NotAllowed, "do_credentials"),
    (NotSignedIn, "do_credentials"),
    (Unavailable, "do_network"),
    (BadReply, "do_address"),
    (Refused, "do_read"),
)
"""What to do about an error, the more particular ones first."""


def _advice(error: LedgerbridgeError) -> str:
    return next((key for kind, key in _ADVICE if isinstance(error, kind)), "")
