"""Facts of this database: its instance id, when it was made, its restore epoch."""

from __future__ import annotations

import sqlalchemy as sa

from . import bulk
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


def restore_epoch(tx: Tx) -> int:
    """How often this database was restored from a backup; what was planned under an older one is looked for before it is sent."""
    return int(bulk.rows_of(tx, "SELECT value FROM workspace WHERE name = 'restore_epoch'", ())[0][0])


def restored(tx: Tx, at_us: int) -> int:
    """Note that the database was put back to an earlier state; the new restore epoch."""
    epoch = restore_epoch(tx) + 1
    put(tx, "restore_epoch", str(epoch))
    put(tx, "restored_us", str(at_us))
    return epoch


def restored_us(tx: Tx) -> int | None:
    """When that was last; None if never."""
    found = bulk.rows_of(tx, "SELECT value FROM workspace WHERE name = 'restored_us'", ())
    return int(found[0][0]) if found else None
