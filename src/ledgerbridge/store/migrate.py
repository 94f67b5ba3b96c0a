"""Run the migrations inside a transaction that is already open."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from .engine import APPLICATION_ID
from .tables import workspace
from .tx import Tx, to_us

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration; the scripts travel inside the package."""
    made = Config()
    made.set_main_option("script_location", "ledgerbridge.store:migrations")
    made.attributes["connection"] = connection
    return made


def scripts() -> ScriptDirectory:
    """The migrations that this version knows."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config())


def upgrade(tx: Tx, revision: str, *, now: datetime) -> None:
    """Bring the database to `revision` and give it its instance id if it has none. All or nothing."""
    command.upgrade(config(tx.connection), revision)
    if tx.sqlite:
        tx.connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    if tx.connection.execute(sa.select(workspace.c.value).where(workspace.c.name == "instance_id")).first() is None:
        facts = {"instance_id": uuid.uuid4().hex, "created_us": str(to_us(now)), "restore_epoch": "0"}
        tx.connection.execute(workspace.insert(), [{"name": name, "value": value} for name, value in facts.items()])
