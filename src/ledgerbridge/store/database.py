"""The store itself: open, migrate, read, write."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import sqlalchemy as sa

from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.errors import StoreError

from . import engine as engines
from .tx import Tx

HEAD: Final = "0009"
"""The newest migration; known here so that opening a store need not load alembic."""
VERSION_TABLE: Final = "ledgerbridge_version"
MOVED: Final = "moved"
"""The version of a database whose content was taken over into another one; newer than any number, so no version opens it."""
_MIGRATE = "run `ledgerbridge migrate`"


class Store:
    """One database. `open` checks that it is ours and of this version; `create` makes or brings it up to date."""

    def __init__(self, url: sa.URL, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self.sqlite = url.get_backend_name() == "sqlite"
        make = engines.sqlite_engine if self.sqlite else engines.postgres_engine
        self._writer = make(url, writes=True)
        self._reader = make(url, writes=False)
        self._errors: tuple[type[BaseException], ...] = (sa.exc.SQLAlchemyError, self._writer.dialect.dbapi.Error)  # type: ignore[union-attr]
        self._turn = threading.Lock()
        self._writing: int | None = None

    @classmethod
    def open(cls, where: str | Path, *, clock: Clock | None = None) -> Self:
        """A store that is ready for use; StoreError (saying what to do) if it is missing, foreign, old or too new."""
        store = cls.at(where, clock=clock)
        try:
            store.check()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def at(cls, where: str | Path, *, clock: Clock | None = None) -> Self:
        """The same whatever its version; StoreError if a file is missing."""
        url = engines.address(where)
        if url.get_backend_name() == "sqlite":
            path = Path(str(url.database))
            if not path.is_file():
                raise StoreError(f"{path}: there is no database here; {_MIGRATE} to make one")
            engines.keep_private(path)
        return cls(url, clock or SystemClock())

    @classmethod
    def create(cls, where: str | Path, *, clock: Clock | None = None) -> Self:
        """Make the database, or bring an older one up to date, and open it."""
        url = engines.address(where)
        if url.get_backend_name() == "sqlite":
            engines.make_file(Path(str(url.database)))
        store = cls(url, clock or SystemClock())
        try:
            store.migrate()
        except BaseException:
            store.close()
            raise
        return store

    @property
    def shown(self) -> str:
        """Where the database is, without a password."""
        return engines.shown(self.url)

    def version(self) -> str | None:
        """The migration the database stands at; None for an empty one. StoreError for somebody else's database."""
        with self.reading() as tx:
            names = set(sa.inspect(tx.connection).get_table_names())
            if VERSION_TABLE in names:
                found = tx.connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()  # noqa: S608 (a constant)
                return None if found is None else str(found)
        if names:
            raise StoreError(
                f"{self.shown}: this database belongs to something else (it has a table {min(names)!r} and none of ours); "
                "give Ledgerbridge a database or schema of its own"
            )
        return None

    def check(self) -> None:
        """StoreError unless the database is ours and of exactly this version."""
        found = self.version()
        if found is None:
            raise StoreError(f"{self.shown}: the database has not been set up; {_MIGRATE}")
        if found == MOVED:
            raise StoreError(
                f"{self.shown}: this database was moved to {self._moved_to()}; set database.url to that one"
            )
        if found > HEAD:
            raise StoreError(
                f"{self.shown}: the database is of version {found}, made by a newer Ledgerbridge (this one knows {HEAD}); "
                "install that version, or restore a backup from before the upgrade"
            )
        if found != HEAD:
            raise StoreError(
                f"{self.shown}: the database is of version {found}, this Ledgerbridge needs {HEAD}; {_MIGRATE}"
            )

    def _moved_to(self) -> str:
        from . import facts

        with self.reading() as tx:
            return facts.every(tx).get("moved_to", "another one")

    def migrate(self) -> None:
        """Bring the database to this version, all or nothing. Safe to repeat, and to run from two processes at once."""
        if (found := self.version()) == HEAD:
            return
        if found is not None and found > HEAD:
            self.check()
        from . import migrate

        with self.writing(lock="migrate") as tx:
            migrate.upgrade(tx, HEAD, now=self.clock.now())

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """One consistent picture, taken at the first read. Never held across network calls."""
        with self.translated(), self._reader.connect() as connection, connection.begin():
            yield Tx(connection, self.sqlite)

    @contextmanager
    def writing(self, *, lock: str | None = None, durable: bool = True) -> Iterator[Tx]:
        """All of the block, or nothing. Never held across network calls.

        SQLite: one writer at a time, from the first statement. PostgreSQL: writers with the same `lock` take turns.
        `durable=False` lets a power cut undo the last such transactions, each as a whole, never a process's death; a later
        durable one makes all before it durable. It is for what can be read again: pages together with their cursor.
        """
        with self.translated():
            options = {engines.DURABLE: durable}
            if not self.sqlite:
                with self._writer.connect() as connection, connection.execution_options(**options).begin():
                    tx = Tx(connection, sqlite=False)
                    if lock is not None:
                        tx.take_turn(lock)
                    yield tx
                return
            with self._my_turn(), self._writer.connect() as connection, connection.execution_options(**options).begin():
                yield Tx(connection, sqlite=True)

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Threads of one process queue up here, where waiting costs nothing; SQLite itself would let them poll."""
        if self._writing == threading.get_ident():
            raise StoreError("a transaction is already open in this thread; writing inside it would wait for itself")
        with self._turn:
            self._writing = threading.get_ident()
            try:
                yield
            finally:
                self._writing = None

    def digest(self) -> str:
        """A hash of everything that the observed copies say: equal books give equal digests on both engines."""
        from . import copies

        with self.reading() as tx:
            return copies.digest(tx)

    def close(self) -> None:
        """Close every connection."""
        self._writer.dispose()
        self._reader.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the driver raises in the block, as a StoreError that names this database."""
        try:
            yield
        except self._errors as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"{self.shown}: {_explained(cause)}") from error


def _explained(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, sqlite3.OperationalError) and "locked" in text:
        return f"another process has been writing for more than {engines.BUSY_MS // 1000} s; try again when it is done"
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in text:
        return "this file is no SQLite database; name another file"
    if isinstance(error, sqlite3.OperationalError) and "full" in text:
        return "the disk is full; nothing of the last step was stored"
    return f"the database refused: {text}"
