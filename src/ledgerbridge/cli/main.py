"""The command line's entry: options that every command shares, and errors turned into exit codes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ledgerbridge.errors import LedgerbridgeError, Stopped

from .output import Exit, Output, exit_code

if TYPE_CHECKING:
    from ledgerbridge.bootstrap import App

app = typer.Typer(
    name="ledgerbridge",
    help="Keep customers, invoices and payments the same in ERP, CRM and spreadsheets. 客户账互联与对账。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _several_commands() -> None:
    """Keeps typer from taking the only command of a module that has one for the whole command line."""


Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="The workspace's folder; default: the nearest above here.")
]


@dataclass(slots=True)
class Session:
    """One command's run: its workspace, built on demand, and its output."""

    app: App
    out: Output


@contextmanager
def session(workspace: Path | None, as_json: bool) -> Iterator[Session]:
    """Open the workspace, set up logging, and close everything at the end."""
    from ledgerbridge import log
    from ledgerbridge.bootstrap import open_app

    opened = open_app(workspace)
    settings = opened.workspace.tree
    log.configure(json=settings.log.json_lines, level=settings.log.level, secrets=opened.resolver.values)
    try:
        yield Session(opened, Output(as_json, settings.workspace.language))
    finally:
        opened.close()


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; this is the console script."""
    gc.set_threshold(_COLLECT_AT, *gc.get_threshold()[1:])
    sys.exit(main(arguments))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; never a traceback for a deliberate error."""
    given = sys.argv[1:] if arguments is None else arguments
    _register(given[0] if given else None)
    out = Output("--json" in given)
    try:
        result = app(args=given, standalone_mode=False)
        sys.stdout.flush()  # a pipe whose reader has gone must be noticed here, not while the interpreter ends
    except Stopped:
        return _interrupted(out)
    except LedgerbridgeError as error:
        out.error(type(error).__name__, str(error))
        return exit_code(error)
    except KeyboardInterrupt:
        return _interrupted(out)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has nowhere to go
        return Exit.OK
    except typer.Exit as stop:
        return stop.exit_code
    except Exception as error:  # noqa: BLE001 (told apart in _usage, which raises what it does not know)
        return _usage(error, out)
    return int(result or 0)


def _interrupted(out: Output) -> int:
    out.error("Interrupted", "interrupted; what was committed stands, the next run goes on from there")
    return 130


def _usage(error: Exception, out: Output) -> int:
    """Typer carries its own copy of click: its usage errors are known by what they can do."""
    if isinstance(error, typer.Abort):  # what click makes of a KeyboardInterrupt
        return _interrupted(out)
    show = getattr(error, "show", None)
    if show is not None and hasattr(error, "exit_code"):
        if out.as_json:
            out.error("UsageError", str(error.format_message()))  # type: ignore[attr-defined]
        else:
            show()
        return Exit.USAGE
    raise error


_MODULES: Final = (
    ("starting", ("init", "schema", "config")),
    ("checking", ("doctor",)),
    ("pulling", ("pull", "migrate")),
    ("files", ("import", "export")),
    ("looking", ("show", "runs")),
    ("standing", ("status",)),
    ("setaside", ("quarantine",)),
    ("reconciling", ("reconcile", "match")),
    ("statements", ("statement",)),
    ("aging", ("aging",)),
    ("reports", ("report",)),
    ("exceptions", ("exceptions",)),
    ("links", ("links",)),
    ("planning", ("plan", "plans")),
    ("conflicts", ("conflicts",)),
    ("mappings", ("mapping",)),
    ("ops", ("ops", "restored")),
    ("sandboxing", ("sandbox",)),
    ("serving", ("serve", "scheduler", "worker")),
    ("applying", ("apply", "sync", "undo", "plans")),  # last: it adds to groups of others
)
"""Modules with the commands and groups that each adds, in the order of the help."""

_COLLECT_AT: Final = 20_000
"""New objects between two looks of the garbage collector: modules that are being loaded make many, and all of them stay."""

_registered: set[str] = set()


def _register(command: str | None = None) -> None:
    """Add the modules of one command; all of them for one that is not known, or for none.

    To look at the signatures of every command takes longer than many a command itself.
    """
    wanted = {module for module, commands in _MODULES if command in commands} or {module for module, _ in _MODULES}
    if wanted <= _registered:
        return
    _registered.update(wanted)
    app.registered_commands.clear()
    app.registered_groups.clear()
    for module, _ in _MODULES:
        if module in _registered:
            import_module(f"{__package__}.{module}").register(app)


if __name__ == "__main__":
    run()
