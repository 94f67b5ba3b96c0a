"""How the two engines are opened, and what a transaction means on each (RELIABILITY.md 4)."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from ledgerbridge.errors import StoreError

APPLICATION_ID: Final = 0x4C42_5247
"""SQLite's `application_id` of our files: "LBRG"."""
BUSY_MS: Final = 15_000
PAGE_BYTES: Final = 16384
"""Of a new SQLite file. A copy's texts are about 1.5 kB, and each page is written twice, by way of the log: judging and storing a
first load took 1.9 s of CPU with SQLite's own 4096, 1.8 s with 8192 and 1.5 s with this, a re-read with few changes less as well
(benchmarks/pull_store.py, 40,000 records, two turns of each)."""
DURABLE: Final = "ledgerbridge_durable"
"""Execution option of a writer's connection: False asks for a commit that a power cut may undo as a whole."""


def address(where: str | Path) -> sa.URL:
    """The URL of a path (SQLite) or of a URL; StoreError for an engine that is not one of the two."""
    if isinstance(where, Path) or "://" not in where:
        return sa.URL.create("sqlite", database=str(where))
    try:
        url = sa.make_url(where)
    except sa.exc.ArgumentError:
        raise StoreError("the database address is no URL; write a path, or postgresql://user@host/name") from None
    backend = url.get_backend_name()
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"{shown(url)}: the store is SQLite (a path) or PostgreSQL (postgresql://…), not {backend}")
    if url.database in {None, "", ":memory:"} or str(url.database).startswith("file:"):
        raise StoreError("a SQLite store must be a plain file: it is read and written by several connections")
    return url


def shown(url: sa.URL) -> str:
    """The address without its password."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def make_file(path: Path) -> None:
    """Create the SQLite file if it is missing, readable by its owner alone (its -wal and -shm take after it)."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        keep_private(path)
    except OSError as error:
        raise StoreError(f"{path}: the database file cannot be made: {error.strerror}") from error


def keep_private(path: Path) -> None:
    """Take other people's rights off our own file."""
    found = path.stat()
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o600)


def sqlite_engine(url: sa.URL, *, writes: bool) -> sa.Engine:
    """Writers begin with BEGIN IMMEDIATE (a deferred one fails at once when it turns into a writer), readers with BEGIN."""
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_MS / 1000}, pool_size=8, max_overflow=16)

    @event.listens_for(engine, "connect")
    def _connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            f"page_size={PAGE_BYTES}",  # of a file that is being made; before its first page is written
        ):
            raw.execute(f"PRAGMA {pragma}")
        _use_wal(raw)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-8192",
            "wal_autocheckpoint=2000",
            *(() if writes else ("query_only=ON",)),
        ):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if writes:
            durable = connection.get_execution_options().get(DURABLE, True)
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(raw: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, which a new file needs once.

    Two that switch at the same moment each hold what the other waits for; SQLite then refuses one at once, whatever its
    busy timeout (sqlite.org/pragma.html#pragma_busy_timeout, "deadlock"), and the one refused has only to ask again.
    """
    give_up = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def postgres_engine(url: sa.URL, *, writes: bool) -> sa.Engine:
    """Writers READ COMMITTED, readers one unchanging picture (REPEATABLE READ, READ ONLY)."""
    try:
        engine = sa.create_engine(
            url,
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=16,
            connect_args={"connect_timeout": 10, "application_name": "ledgerbridge"},
            isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        )
    except ModuleNotFoundError:
        raise StoreError("PostgreSQL needs psycopg: install ledgerbridge[postgres]") from None

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if not writes:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        elif not connection.get_execution_options().get(DURABLE, True):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    return engine
