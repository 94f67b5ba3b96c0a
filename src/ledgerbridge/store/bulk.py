"""Many rows at once, past SQLAlchemy, which is two to three times slower here (PERFORMANCE.md 4).

SQLite: statements with many rows of VALUES, never ``executemany``. The driver lets go of the interpreter lock at every step of
a statement, so beside a thread that is busy (decoding pages, say) ``executemany`` waits for the lock once a row: measured,
227 rows/s against 21,000. PostgreSQL: COPY, straight in for rows that are new, by way of a temporary table for the others.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any
from zlib import crc32

import sqlalchemy as sa

from .tx import Tx

_BLOCKS = (512, 64, 8, 1)
"""Rows a statement on SQLite: few sizes, because each is a prepared statement that the connection keeps."""
_VARIABLES_MAX = 32_000

Row = Sequence[Any]


def insert(tx: Tx, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows that must be new; a key that exists is the database's error and undoes the transaction."""
    if not rows:
        return
    if tx.sqlite:
        _sqlite_blocks(tx, _insert_head(table.name, tuple(columns)) + "VALUES ", len(columns), rows, "")
    else:
        _copy(tx, f"{table.name} ({', '.join(columns)})", rows)


def upsert(tx: Tx, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows, or set all `columns` of those whose key (the first column) exists. No key twice among `rows`."""
    if not rows:
        return
    names = tuple(columns)
    head = _insert_head(table.name, names)
    tail = f" ON CONFLICT ({names[0]}) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    if tx.sqlite:
        _sqlite_blocks(tx, head + "VALUES ", len(names), rows, tail)
        return
    stage = _stage(tx, table, names, rows)
    cursor = tx.cursor()
    cursor.execute(f"{head} SELECT {', '.join(names)} FROM {stage}{tail}")
    cursor.execute(f"DELETE FROM {stage}")


def update(tx: Tx, table: sa.Table, columns: Sequence[str], rows: Sequence[Row], *, guard: str = "TRUE") -> int:
    """Set columns of existing rows by key (the first column) where `guard` holds (`t` the stored row, `v` the new one).

    How many rows were set. No key twice among `rows`.
    """
    if not rows:
        return 0
    names = tuple(columns)
    sets = ", ".join(f"{name} = v.{name}" for name in names[1:])
    where = f"t.{names[0]} = v.{names[0]} AND ({guard})"
    if tx.sqlite:
        # Not as WITH … UPDATE: the driver then does not say how many rows were set.
        named = ", ".join(f"column{at} AS {name}" for at, name in enumerate(names, 1))
        head = f"UPDATE {table.name} AS t SET {sets} FROM (SELECT {named} FROM (VALUES "
        return _sqlite_blocks(tx, head, len(names), rows, f")) AS v WHERE {where}")
    stage = _stage(tx, table, names, rows)
    cursor = tx.cursor()
    cursor.execute(f"UPDATE {table.name} AS t SET {sets} FROM {stage} AS v WHERE {where}")
    done = int(cursor.rowcount)
    cursor.execute(f"DELETE FROM {stage}")
    return done


def among(tx: Tx, column: str, values: Iterable[int | str]) -> tuple[str, Any]:
    """The condition "column is one of values" and its one parameter; the placeholder is the driver's."""
    if tx.sqlite:
        return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(list(values))
    return f"{column} = ANY(%s)", list(values)


def rows_of(tx: Tx, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a query, as the driver gives them; write placeholders as ``?``."""
    cursor = tx.cursor()
    cursor.execute(sql if tx.sqlite else sql.replace("?", "%s"), parameters)
    return cursor.fetchall()  # type: ignore[no-any-return]


def run(tx: Tx, sql: str, parameters: Sequence[Any]) -> int:
    """Carry out a statement; how many rows it touched. Write placeholders as ``?``."""
    cursor = tx.cursor()
    cursor.execute(sql if tx.sqlite else sql.replace("?", "%s"), parameters)
    return int(cursor.rowcount)


@lru_cache(maxsize=64)
def _insert_head(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) "


@lru_cache(maxsize=256)
def _placeholders(width: int, count: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * count)


def _sqlite_blocks(tx: Tx, head: str, width: int, rows: Sequence[Row], tail: str) -> int:
    cursor = tx.cursor()
    touched = at = 0
    for size in _BLOCKS:
        if size * width > _VARIABLES_MAX:
            continue
        while len(rows) - at >= size:
            block = rows[at : at + size]
            cursor.execute(f"{head}{_placeholders(width, size)}{tail}", tuple(chain.from_iterable(block)))
            touched += cursor.rowcount
            at += size
    return touched


def _copy(tx: Tx, target: str, rows: Sequence[Row]) -> None:
    with tx.cursor().copy(f"COPY {target} FROM STDIN") as copy:
        write = copy.write_row
        for row in rows:
            write(row)


def _stage(tx: Tx, table: sa.Table, columns: tuple[str, ...], rows: Sequence[Row]) -> str:
    """A temporary table of the connection with these columns, filled; emptied by its user and at commit."""
    listed = ", ".join(columns)
    name = f"stage_{table.name}_{crc32(listed.encode()):08x}"
    tx.cursor().execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {name} ON COMMIT DELETE ROWS AS SELECT {listed} FROM {table.name} WITH NO DATA"
    )
    _copy(tx, f"{name} ({listed})", rows)
    return name
