"""Who acts: `--as`, else the setting `workspace.actor`, else the user of the operating system."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.people import NAME_MAX, as_name

from .main import Session

As = Annotated[str | None, typer.Option("--as", help="Who acts; default: workspace.actor, else the system's user.")]


def acting(now: Session, named: str | None) -> str:
    """The name under which an act is kept. ConfigError for one that nobody can have, or that acts of rules are kept under."""
    said = named if named is not None else now.app.workspace.tree.workspace.actor or getpass.getuser()
    name = as_name(said)
    if name is None:
        raise ConfigError(f"{said[:NAME_MAX]!r} can be nobody's name; say who acts with --as NAME")
    return name
