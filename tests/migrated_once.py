"""SQLite stores made in the tests: the migrations run once in a process, what they make is then written down again.

To run them takes a tenth of a second, and hundreds of tests want a store of their own. Everything around them stays: the
transaction, the lock, the instance id. The tests of the store itself, and every command that is a process of its own, run the
migrations each time.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

_MADE = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%%' ORDER BY rowid"


class MigratedOnce:
    """Stands in for ``alembic.command``."""

    def __init__(self) -> None:
        self._schema: dict[str, list[str]] = {}
        self._rows: dict[str, list[tuple[str, list[tuple[Any, ...]]]]] = {}

    def upgrade(self, config: Config, revision: str) -> None:
        """Bring the connection of `config` to `revision`; an empty SQLite database without running the migrations again."""
        connection: sa.Connection = config.attributes["connection"]
        if connection.dialect.name != "sqlite" or connection.exec_driver_sql(_MADE).first() is not None:
            command.upgrade(config, revision)
            return
        if revision not in self._schema:
            command.upgrade(config, revision)
            self._note(connection, revision)
            return
        for statement in self._schema[revision]:
            connection.exec_driver_sql(statement)
        for insert, rows in self._rows[revision]:
            connection.exec_driver_sql(insert, rows)

    def _note(self, connection: sa.Connection, revision: str) -> None:
        self._schema[revision] = [sql for _, sql in connection.exec_driver_sql(_MADE)]
        self._rows[revision] = []
        for table in sa.inspect(connection).get_table_names():
            found = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            if found:
                places = ", ".join("?" * len(found[0]))
                self._rows[revision].append((f"INSERT INTO {table} VALUES ({places})", [tuple(row) for row in found]))
