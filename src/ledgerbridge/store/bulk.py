"""Many rows at once, past SQLAlchemy, which is two to three times slower here (PERFORMANCE.md 4).

SQLite: statements with many rows of VALUES, never ``executemany``. The driver lets go of the interpreter lock at every step of
a statement, so beside a thread that is busy (decoding pages, say) ``executemany`` waits for the lock once a row: measured,
227 rows/s against 21,000. A column that says the same in all rows of a statement is bound once: binding is half of what an insert
costs, and most of all for None and bytes, which the driver first tries to adapt. PostgreSQL: COPY, straight in for rows that
are new, by way of a temporary table for the others.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, NamedTuple
from zlib import crc32

import sqlalchemy as sa

from .tx import Tx

_BLOCKS = (256, 32, 1)
"""Rows a statement on SQLite: few sizes, because each is a prepared statement that the connection keeps, and one for each choice
of columns that say the same; no table has so many columns that the largest exceeds SQLite's 32,766 parameters."""

_TURNED = 2048
"""Rows that are turned into columns at once; a multiple of the largest block."""

_TYPES: dict[type[sa.types.TypeEngine[Any]], str] = {
    sa.BigInteger: "int8",
    sa.Integer: "int4",
    sa.Boolean: "bool",
    sa.Text: "text",
    sa.LargeBinary: "bytea",
}

Row = Sequence[Any]


class Same(NamedTuple):
    """A column that says the same in all rows."""

    value: Any


def insert(tx: Tx, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows that must be new; a key that exists is the database's error and undoes the transaction."""
    if not rows:
        return
    if tx.sqlite:
        _sqlite_blocks(tx, _insert_head(table.name, tuple(columns)) + "SELECT ", tuple(columns), rows, "")
    else:
        _copy(tx, table, table.name, tuple(columns), rows)


def insert_columns(tx: Tx, table: sa.Table, columns: Mapping[str, Sequence[Any] | Same], size: int) -> None:
    """The same of `size` rows given column by column."""
    if not size:
        return
    names = tuple(columns)
    if tx.sqlite:
        head = _insert_head(table.name, names) + "SELECT "
        _sqlite_columns(tx, head, names, list(columns.values()), size, "")
        return
    whole = [repeat(column.value, size) if isinstance(column, Same) else column for column in columns.values()]
    _copy(tx, table, table.name, names, zip(*whole, strict=True))


def upsert(tx: Tx, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows, or set all `columns` of those whose key (the first column) exists. No key twice among `rows`."""
    if not rows:
        return
    names = tuple(columns)
    head = _insert_head(table.name, names)
    tail = f" ON CONFLICT ({names[0]}) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    if tx.sqlite:
        _sqlite_blocks(tx, head + "SELECT ", names, rows, " WHERE TRUE" + tail)  # else ON would begin a join
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
        head = f"UPDATE {table.name} AS t SET {sets} FROM (SELECT "
        return _sqlite_blocks(tx, head, names, rows, f") AS v WHERE {where}")
    stage = _stage(tx, table, names, rows)
    cursor = tx.cursor()
    cursor.execute(f"UPDATE {table.name} AS t SET {sets} FROM {stage} AS v WHERE {where}")
    done = int(cursor.rowcount)
    cursor.execute(f"DELETE FROM {stage}")
    return done


def among(tx: Tx, column: str, values: Iterable[int | str]) -> tuple[str, Any]:
    """The condition "column is one of values" and its one parameter; the placeholder is the driver's."""
    listed = list(values)
    if tx.sqlite:
        return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(listed)
    if listed and all(type(value) is int for value in listed):
        # As text, because the driver makes an array item by item, in Python.
        return f"{column} = ANY(%s::bigint[])", f"{{{','.join(map(str, listed))}}}"
    return f"{column} = ANY(%s)", listed


def by_number(tx: Tx) -> str:
    """Behind a table `observed` that is looked up by number: without statistics SQLite would rather walk all that a system has of
    a kind. PostgreSQL chooses for itself.
    """
    return "INDEXED BY ix_observed_number" if tx.sqlite else ""


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


@lru_cache(maxsize=64)
def _selected(names: tuple[str, ...], same: tuple[bool | None, ...], count: int) -> str:
    """What follows SELECT for `count` rows; `same` of each column: True if it has one value, None if it has none."""
    numbers = iter(range(1, len(same) + 1))
    parts = ["NULL" if one is None else "?" if one else f"column{next(numbers)}" for one in same]
    width = sum(one is False for one in same)
    values = ", ".join([f"({', '.join('?' * width)})"] * count)
    return f"{', '.join(f'{part} AS {name}' for part, name in zip(parts, names, strict=True))} FROM (VALUES {values})"


def _sqlite_blocks(tx: Tx, head: str, names: tuple[str, ...], rows: Sequence[Row], tail: str) -> int:
    """Carry out `head`, a table of the columns `names`, and `tail`, for some rows at a time; how many rows were touched."""
    stretches = [rows[at : at + _TURNED] for at in range(0, len(rows), _TURNED)] if len(rows) > _TURNED else [rows]
    return sum(_sqlite_columns(tx, head, names, list(zip(*some, strict=True)), len(some), tail) for some in stretches)


def _sqlite_columns(
    tx: Tx, head: str, names: tuple[str, ...], columns: Sequence[Sequence[Any] | Same], size: int, tail: str
) -> int:
    """The same with the table's columns."""
    cursor = tx.cursor()
    told = [_same(column) for column in columns]
    once = [column.value for column in told if isinstance(column, Same) and column.value is not None]
    apart = [column for column in told if not isinstance(column, Same)]
    shape = tuple((None if column.value is None else True) if isinstance(column, Same) else False for column in told)
    touched = at = 0
    for rows in _BLOCKS:
        while size - at >= rows:
            values = zip(*(column[at : at + rows] for column in apart), strict=True)
            cursor.execute(f"{head}{_selected(names, shape, rows)}{tail}", (*once, *chain.from_iterable(values)))
            touched += cursor.rowcount
            at += rows
    return touched


def _same(column: Sequence[Any] | Same) -> Sequence[Any] | Same:
    if (
        isinstance(column, Same)
        or len(column) == 1
        or column[0] != column[-1]
        or column.count(column[0]) != len(column)
    ):
        return column
    return Same(column[0])


def _copy(tx: Tx, table: sa.Table, into: str, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Add rows to `into`, which has these columns of `table`. In binary: a record's texts are bytes, which text doubles."""
    with tx.cursor().copy(f"COPY {into} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_TYPES[type(table.c[name].type)] for name in columns])
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
    _copy(tx, table, name, columns, rows)
    return name
