"""The command line's entry: options that every command shares, and errors turned into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledgerbridge.errors import LedgerbridgeError

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
    sys.exit(main(arguments))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; never a traceback for a deliberate error."""
    _register()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        result = app(args=given, standalone_mode=False)
    except LedgerbridgeError as error:
        Output("--json" in given).error(error)
        return exit_code(error)
    except KeyboardInterrupt:
        print("interrupted; what was committed stands, the next run goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.OK
    except typer.Exit as stop:
        return stop.exit_code
    except Exception as error:  # noqa: BLE001 (told apart in _usage, which raises what it does not know)
        return _usage(error)
    return int(result or 0)


def _usage(error: Exception) -> int:
    """Typer carries its own copy of click: its usage errors are known by what they can do."""
    if isinstance(error, typer.Abort):
        print("aborted", file=sys.stderr)
        return Exit.USAGE
    show = getattr(error, "show", None)
    if show is not None and hasattr(error, "exit_code"):
        show()
        return Exit.USAGE
    raise error


def _register() -> None:
    if app.registered_commands:
        return
    from . import checking, files, looking, mappings, pulling, sandboxing, setaside, starting

    registrations: tuple[Callable[[typer.Typer], None], ...] = (
        starting.register,
        checking.register,
        pulling.register,
        files.register,
        looking.register,
        setaside.register,
        mappings.register,
        sandboxing.register,
    )
    for register in registrations:
        register(app)


if __name__ == "__main__":
    run()
