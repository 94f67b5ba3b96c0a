"""Take a SQLite store over into another database, whole, and shut the old one for good.

Everything goes along: copies with their ids, links, plans, operations under way, decisions, frozen statements, the audit chain.
Two stores that both think they are the one would write twice, so the old file is shut in the same breath: its version says that
it was moved, which no Ledgerbridge opens, and triggers refuse the writes of a process that had it open. It is shut before the
new one is committed: should the machine die in between, nothing is lost, and taking it over once more goes on.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import JsonValue

from ledgerbridge.clock import Clock
from ledgerbridge.errors import StoreError

from . import audit, bulk, facts, heartbeats
from .database import HEAD, MOVED, VERSION_TABLE, Store
from .schema import METADATA
from .tables import observed, observed_id, workspace
from .tx import Tx

_PAGE: Final = 2000
_TO: Final = "moved_to"
_VERSION: Final = "moved_version"
_SHUT: Final = """
CREATE TRIGGER IF NOT EXISTS moved_{word}_{table} BEFORE {word} ON {table}
BEGIN SELECT RAISE(ABORT, 'this database was moved to another one: end this process, it uses the old one'); END
"""


def take_over(target: Store, path: Path, *, actor: str, clock: Clock) -> dict[str, int]:
    """Fill `target`, which must be freshly made, with all that the SQLite file at `path` holds; how many rows each table has.

    The file is brought to this version first. What arrived is read back and compared, row by row, before anything is
    committed. StoreError, and nothing done, if the target holds something, a process says that it uses the file, the file
    was moved to somewhere else, or anything arrives otherwise than it was.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no database here to take over")
    if target.sqlite and Path(str(target.url.database)).resolve() == path.resolve():
        raise StoreError(f"{path}: this is the workspace's database already; set database.url to the new one first")
    with Store.at(path, clock=clock) as source:
        if source.version() != MOVED:
            source.migrate()
        # The inner one is committed first: the old file is shut before the new database is the truth.
        with target.writing(lock="migrate") as theirs, source.writing() as mine, target.translated():
            _ready(mine, source, target, clock)
            _must_be_empty(theirs, target)
            theirs.connection.execute(workspace.delete())
            counts = {table.name: _carry(mine, theirs, table) for table in METADATA.sorted_tables}
            bulk.run(
                theirs, "DELETE FROM workspace WHERE name IN (?, ?)", (_TO, _VERSION)
            )  # of a try that was cut short
            _go_on_counting(theirs)
            details: dict[str, JsonValue] = {"from": source.shown, "rows": sum(counts.values())}
            audit.append(
                theirs, actor=actor, action="database moved", subject="workspace", details=details, at=clock.now()
            )
            _shut(mine, target)
    return counts


def _ready(mine: Tx, source: Store, target: Store, clock: Clock) -> None:
    """StoreError if somebody uses the file, or if it went elsewhere."""
    said = facts.every(mine)
    if _TO in said and (said[_TO], said[_VERSION]) != (target.shown, HEAD):
        raise StoreError(f"{source.shown}: this database was moved to {said[_TO]} (version {said[_VERSION]})")
    if alive := sorted(heartbeats.alive(mine, clock.now())):
        raise StoreError(f"{source.shown}: {', '.join(alive)} still works on it; stop it, then try again")


def _must_be_empty(theirs: Tx, target: Store) -> None:
    for table in METADATA.sorted_tables:
        if table is not workspace and theirs.connection.execute(sa.select(sa.literal(1)).select_from(table)).first():
            raise StoreError(
                f"{target.shown}: there is something in it already ({table.name}); a database is taken over into an empty one"
            )


def _carry(mine: Tx, theirs: Tx, table: sa.Table) -> int:
    """Copy one table, and compare what arrived."""
    names = [column.name for column in table.columns]
    sent = hashlib.blake2b()
    rows = 0
    pages = _rows(mine, table, sent)
    while page := list(islice(pages, _PAGE)):
        bulk.insert(theirs, table, names, page)
        rows += len(page)
    arrived = hashlib.blake2b()
    found = sum(1 for _ in _rows(theirs, table, arrived))
    if (found, arrived.digest()) != (rows, sent.digest()):
        raise StoreError(f"{table.name}: {found} of {rows} rows arrived as they were; nothing was moved")
    return rows


def _rows(tx: Tx, table: sa.Table, into: Any) -> Iterator[tuple[Any, ...]]:
    """All rows in the order of their key, which is the same on both engines, streamed; each is hashed into `into`."""
    query = sa.select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_PAGE)
    for found in tx.connection.execute(query):
        row = tuple(found)
        into.update(repr(row).encode())
        yield row


def _go_on_counting(theirs: Tx) -> None:
    """New ids go on after those that were taken over."""
    if theirs.sqlite:
        return
    connection = theirs.connection
    last = connection.execute(sa.select(sa.func.max(observed.c.id))).scalar()
    connection.execute(sa.select(sa.func.setval(observed_id.name, (last or 0) + 1, False)))
    for table in METADATA.sorted_tables:
        for column in table.primary_key.columns:
            sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))).scalar()
            if sequence is not None:
                last = connection.execute(sa.select(sa.func.max(column))).scalar()
                connection.execute(sa.select(sa.func.setval(sequence, (last or 0) + 1, False)))


def _shut(mine: Tx, target: Store) -> None:
    facts.put(mine, _TO, target.shown)
    facts.put(mine, _VERSION, HEAD)
    bulk.run(mine, f"UPDATE {VERSION_TABLE} SET version_num = ?", (MOVED,))
    for table in METADATA.sorted_tables:
        if table is not workspace:
            for word in ("INSERT", "UPDATE", "DELETE"):
                bulk.run(mine, _SHUT.format(word=word, table=table.name), ())
