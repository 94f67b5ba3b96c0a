"""Alembic calls this to run migrations; the connection (and its transaction) always comes from ``store.migrate``."""

from __future__ import annotations

from alembic import context

from ledgerbridge.store.database import VERSION_TABLE
from ledgerbridge.store.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
