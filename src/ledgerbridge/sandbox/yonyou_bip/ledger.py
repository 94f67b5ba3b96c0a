"""The tenant's records: the books with unique look-ups and versions, ids of 19 digits, and the far side's time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ledgerbridge.sandbox.books import Books, Row
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import FaultPlan

from .wire import stamp

ORG = {"id": "1500000000000000001", "code": "ORG01", "name": "本公司"}

# Where the ids of each kind begin; ids are 19-digit integers (yonyou.md B5) beyond what a double holds exactly.
_FIRST_IDS = {
    "category": 1700000000000000001,
    "merchant": 1800000000000000001,
    "document": 1900000000000000001,
    "line": 2100000000000000001,
    "event": 2200000000000000001,
    "clue": 2300000000000000001,
}
# A public event's id follows from its document's, so that both lists come in the same order.
EVENT_ID_OFFSET = 100000000000000000


class VersionedBooks(Books):
    """Books that count the changes of each table and look rows up by a field, so that nothing derived goes stale.

    Every door through which rows change is watched here, the side door's :meth:`restore` included.
    """

    def __init__(self) -> None:
        super().__init__()
        self._versions: Counter[str] = Counter()
        self._epoch = 0
        self._by_field: dict[tuple[str, str], dict[Any, str]] = {}

    def version(self, table: str) -> tuple[int, int]:
        """Differs after every change of the table."""
        with self.lock:
            return self._epoch, self._versions[table]

    def put(self, table: str, row_id: str, row: Row) -> None:
        """Insert or replace one row."""
        with self.lock:
            self._changing(table, row_id)
            super().put(table, row_id, row)
            self._changed(table, row_id)

    def update(self, table: str, row_id: str, changes: Row) -> Row:
        """Overwrite some keys of one row and return the new row; KeyError if there is none."""
        with self.lock:
            self._changing(table, row_id)
            row = super().update(table, row_id, changes)
            self._changed(table, row_id)
            return row

    def remove(self, table: str, row_id: str) -> Row:
        """Take one row out and return it; KeyError if there is none."""
        with self.lock:
            self._changing(table, row_id)
            row = super().remove(table, row_id)
            self._versions[table] += 1
            return row

    def restore(self, text: str) -> None:
        """Take back a state made by :meth:`save`."""
        with self.lock:
            super().restore(text)
            self._epoch += 1
            self._by_field.clear()

    def look(self, table: str, row_id: str) -> Row | None:
        """One row *without copying it*: to read fast, never to change."""
        with self.lock:
            return self._tables.get(table, {}).get(row_id)

    def find(self, table: str, field_name: str, value: object) -> str | None:
        """The id of a row whose field has this value, or None; the last one put if several have."""
        with self.lock:
            index = self._by_field.get((table, field_name))
            if index is None:
                index = {row[field_name]: row_id for row_id, row in self.peek(table) if row.get(field_name)}
                self._by_field[table, field_name] = index
            return index.get(value)

    def _changing(self, table: str, row_id: str) -> None:
        row = self.look(table, row_id)
        if row is None:
            return
        for (indexed, name), index in self._by_field.items():
            if indexed == table and index.get(row.get(name)) == row_id:
                del index[row[name]]

    def _changed(self, table: str, row_id: str) -> None:
        self._versions[table] += 1
        row = self._tables[table][row_id]
        for (indexed, name), index in self._by_field.items():
            if indexed == table and row.get(name):
                index[row[name]] = row_id


@dataclass(slots=True)
class Ledger:
    """All that a handler works with. Handlers run under ``books.lock``, so each call is atomic."""

    books: VersionedBooks
    clock: SandboxClock
    switches: dict[str, Any]
    faults: FaultPlan
    selections: dict[Any, list[tuple[str, int]]] = field(default_factory=dict)
    late: dict[str, set[str]] = field(default_factory=dict)
    seeded_for: list[str] = field(default_factory=list)

    def now(self) -> str:
        """The current stamp."""
        return stamp(self.clock.now())

    def today(self) -> str:
        """The current business date in UTC+8, as documents carry it."""
        return f"{self.now()[:10]} 00:00:00"

    def new_id(self, kind: str) -> str:
        """The next id of ``category``, ``merchant``, ``document``, ``line``, ``event`` or ``clue``."""
        return str(self.books.next_serial(kind, _FIRST_IDS[kind]))

    def taken(self, table: str, field_name: str, value: object) -> bool:
        """Whether a row has this value in this field."""
        return self.books.find(table, field_name, value) is not None

    def merchant(self, id_or_code: object, *, by: str = "id") -> Row | None:
        """A customer by id or code, not to be changed."""
        text = str(id_or_code)
        row_id = text if by == "id" else self.books.find("merchant", "code", text)
        return None if row_id is None else self.books.look("merchant", row_id)

    def changed(self, table: str, row_id: str, changes: Row, *, modified: bool = True) -> Row:
        """Write changes to one row with a new ``pubts`` (yonyou.md B8.3) and, unless told not to, ``modifyTime``."""
        now = self.now()
        stamps = {"pubts": now, "modifyTime": now} if modified else {"pubts": now}
        return self.books.update(table, row_id, {**changes, **stamps})
