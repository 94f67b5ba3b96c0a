"""`sandbox`: the emulated far sides on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("sandbox")(sandbox)


def sandbox(
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 1,
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 60,
    months: Annotated[int, typer.Option(min=1, max=120, help="How many months of business.")] = 6,
    port: Annotated[int, typer.Option(min=0, max=65000, help="The first port; 0: any free ones.")] = 0,
    folder: Annotated[Path, typer.Option(help="Where the files, the truth and sandbox.json go.")] = Path("sandbox"),
    only: Annotated[list[str] | None, typer.Option(help="Only these systems.")] = None,
) -> None:
    """Start emulators of Yonyou U8, YonBIP, Fxiaoke and Zoho CRM on loopback, with seeded business data, until Ctrl-C."""
    from ledgerbridge.sandbox.launch import run_forever

    run_forever(seed=seed, customers=customers, months=months, base_port=port, folder=folder, only=only or None)
