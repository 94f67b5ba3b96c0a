"""Facts of this database: its instance id, when it was made, its restore epoch."""

from __future__ import annotations

import sqlalchemy as sa

from .tables import workspace
from .tx import Tx


def every(tx: Tx) -> dict[str, str]:
    """All of them by name."""
    return {row.name: row.value for row in tx.connection.execute(sa.select(workspace))}


def instance_id(tx: Tx) -> str:
    """32 hexadecimal characters made with the database; a copy or restored backup has the same."""
    return every(tx)["instance_id"]


def put(tx: Tx, name: str, value: str) -> None:
    """Set one."""
    if tx.connection.execute(workspace.update().where(workspace.c.name == name).values(value=value)).rowcount == 0:
        tx.connection.execute(workspace.insert().values(name=name, value=value))
