"""`init`, `config explain` and `schema`: what a new user asks first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind

from .main import Json, WorkspaceOption, session
from .output import Output, table

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("init")(init)
    app.command("schema")(schema)
    config = typer.Typer(help="The workspace's settings.", no_args_is_help=True)
    config.command("explain")(explain_setting)
    app.add_typer(config, name="config")


def init(
    folder: Annotated[Path, typer.Argument(help="Where; made if it is not there.")] = Path(), as_json: Json = False
) -> None:
    """Make a workspace: a commented ledgerbridge.toml, a folder for mappings, one for secrets."""
    from ledgerbridge.config.template import GITIGNORE, TEMPLATE
    from ledgerbridge.config.workspace import FILE_NAME

    path = folder / FILE_NAME
    if path.exists():
        raise ConfigError(f"{path} is there already; nothing was changed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mappings").mkdir(exist_ok=True)
        (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        path.write_text(TEMPLATE, encoding="utf-8")
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text(GITIGNORE, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot make a workspace in {folder}: {error.strerror}") from None

    def show(console: Console) -> None:
        console.print(f"made {path}{os.linesep}next: edit it, then run: ledgerbridge doctor", markup=False)

    Output(as_json).result({"workspace": folder.resolve(), "file": path}, show)


def explain_setting(
    key: Annotated[str, typer.Argument(help="A dotted key, e.g. database.url or systems.erp; default: all.")] = "",
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Show settings: what each does, what it is now, and where that came from."""
    from ledgerbridge.config.explain import explain

    with session(workspace, as_json) as now:
        found = explain(now.app.workspace, key)

        def show(console: Console) -> None:
            rows = [(item.key, "" if item.value is None else item.value, item.origin, item.what) for item in found]
            table(console, "", ("key", "value", "from", "what it does"), rows)

        now.out.result(found, show)


def schema(
    kind: Annotated[Kind, typer.Argument(help="customer, invoice, payment or allocation")],
    as_json: Json = True,  # noqa: ARG001 (a schema is JSON in any case; the option is there as on every command)
) -> None:
    """Print the JSON Schema of a canonical record."""
    from ledgerbridge.mapping.load import schema as json_schema

    Output(as_json=True).result(json_schema(kind), lambda _console: None)
