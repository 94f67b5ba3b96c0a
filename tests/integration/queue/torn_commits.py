"""Commits that fail: half of them before anything was stored, half of them after all was."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from ledgerbridge.store import Store

FULL: Final = "database or disk is full"
BROKEN: Final = "disk I/O error"


class Tearing:
    """Fails a share of a store's commits: SQLite's as a disk would, PostgreSQL's by ending the connection at the server.

    `torn` counts them. Without a chance no dice are thrown.
    """

    def __init__(self, store: Store, rng: random.Random, chance: float) -> None:
        self._dialect: Any = store._writer.dialect
        self._commit = self._dialect.do_commit
        self._store, self._rng, self._chance = store, rng, chance
        self.torn = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While this is open; the rest of the time the database is well."""
        if not self._chance:
            yield
            return
        self._dialect.do_commit = self._torn_commit
        try:
            yield
        finally:
            del self._dialect.do_commit

    def _torn_commit(self, connection: Any) -> None:
        fails = self._rng.random() < self._chance
        stores = self._rng.random() < 0.5
        if not fails:
            self._commit(connection)
            return
        self.torn += 1
        if self._store.sqlite:
            if stores:
                self._commit(connection)
            raise sqlite3.OperationalError(BROKEN if stores else FULL)
        if stores:  # the answer to the commit is what gets lost
            self._commit(connection)
        terminate(self._store, connection.driver_connection.info.backend_pid)
        connection.driver_connection.execute("SELECT 1") if stores else self._commit(connection)


def terminate(store: Store, pid: int | None = None) -> int:
    """End a connection of ours at the server, or all of them to this database; how many."""
    mine = "pid = %(pid)s" if pid is not None else "datname = current_database() AND application_name = 'ledgerbridge'"
    sql = f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE {mine}"
    url = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as admin:
        row = admin.execute(sql, {"pid": pid}).fetchone()
    return int(row[0]) if row else 0
