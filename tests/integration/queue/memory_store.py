"""A store in memory for simulations at size: the same statements on the same database engine, without files and pools.

One thread, one connection. What a disk, a second connection or a power cut would do is not its business: the simulation kills
between steps and tears commits by itself, and everything that a process would lose lies in its generators.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from ledgerbridge.clock import Clock
from ledgerbridge.store import Store, Tx

_STATEMENTS = 1024
"""That the driver keeps prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open(Tx):
    raw: sqlite3.Connection

    def cursor(self) -> Any:
        return self.raw.cursor()


class _ReadingCursor(sqlite3.Cursor):
    """Says that it may only read: switching that on and off would make SQLite prepare every statement anew."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute("SELECT 1" if sql == "PRAGMA query_only" else sql, parameters)


class _Reading(_Open):
    def cursor(self) -> Any:
        return self.raw.cursor(_ReadingCursor)


class MemoryStore(Store):
    """Begins as a copy of `template`, a database of this version; `afresh` makes it that again."""

    def __init__(self, template: Path, clock: Clock) -> None:
        self._template = sqlite3.connect(":memory:")
        with sqlite3.connect(template) as source:
            source.backup(self._template)
        self._raw = sqlite3.connect(":memory:", isolation_level=None, cached_statements=_STATEMENTS)
        engine = sa.create_engine("sqlite://", creator=lambda: self._raw, poolclass=StaticPool)
        self.url = engine.url
        self.clock = clock
        self.sqlite = True
        self._writer = self._reader = engine
        self._errors = (sa.exc.SQLAlchemyError, sqlite3.Error)
        self._turn = threading.Lock()
        self._writing = None
        self.afresh()
        connection = engine.connect()
        self._for_reading = _Reading(connection, sqlite=True, raw=self._raw)
        self._for_writing = _Open(connection, sqlite=True, raw=self._raw)

    def afresh(self) -> None:
        """Forget everything."""
        self._template.backup(self._raw)
        self._raw.execute("PRAGMA foreign_keys=ON")
        self._raw.execute("PRAGMA temp_store=MEMORY")

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """As any store's; no other transaction may be open."""
        with self.translated(), self._between("BEGIN", lambda raw: raw.execute("ROLLBACK")):
            yield self._for_reading

    @contextmanager
    def writing(self, *, lock: str | None = None, durable: bool = True) -> Iterator[Tx]:
        """As any store's; no other transaction may be open."""
        with self.translated(), self._between("BEGIN IMMEDIATE", self._writer.dialect.do_commit):
            yield self._for_writing

    @contextmanager
    def _between(self, begin: str, end: Callable[[Any], object]) -> Iterator[None]:
        self._raw.execute(begin)
        try:
            yield
            end(self._raw)
        finally:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
