"""What a far side has on record: plain JSON rows in named tables. The oracle of every test reads these, never ours."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that two states of the books do not agree on; `before` or `after` is None where the row is missing."""

    table: str
    row_id: str
    before: Row | None
    after: Row | None


class Books:
    """Tables of rows by id, in order of insertion. Every method is atomic; :meth:`locked` spans several calls.

    Rows handed out are copies: nothing changes the books but :meth:`put`, :meth:`update` and :meth:`remove`.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._tables: dict[str, dict[str, Row]] = {}
        self._serials: dict[str, int] = {}

    def next_serial(self, name: str, start: int = 1) -> int:
        """A counter of its own per name: `start`, `start` + 1, …"""
        with self.lock:
            value = self._serials.get(name, start)
            self._serials[name] = value + 1
            return value

    def put(self, table: str, row_id: str, row: Row) -> None:
        """Insert or replace one row."""
        with self.lock:
            self._tables.setdefault(table, {})[row_id] = copy.deepcopy(row)

    def update(self, table: str, row_id: str, changes: Row) -> Row:
        """Overwrite some keys of one row and return the new row; KeyError if there is none."""
        with self.lock:
            row = self._tables[table][row_id]
            row.update(copy.deepcopy(changes))
            return copy.deepcopy(row)

    def remove(self, table: str, row_id: str) -> Row:
        """Take one row out and return it; KeyError if there is none."""
        with self.lock:
            return self._tables[table].pop(row_id)

    def get(self, table: str, row_id: str) -> Row | None:
        """A copy of one row, or None."""
        with self.lock:
            row = self._tables.get(table, {}).get(row_id)
            return None if row is None else copy.deepcopy(row)

    def peek(self, table: str) -> list[tuple[str, Row]]:
        """All rows of a table *without copying them*: to read fast, never to change."""
        with self.lock:
            return list(self._tables.get(table, {}).items())

    def rows(self, table: str, where: Callable[[Row], bool] | None = None) -> list[Row]:
        """Copies of the rows of a table that `where` accepts."""
        return [copy.deepcopy(row) for _, row in self.peek(table) if where is None or where(row)]

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self.lock:
            return len(self._tables.get(table, {}))

    def tables(self) -> Iterator[str]:
        """The names of the tables, sorted."""
        with self.lock:
            return iter(sorted(self._tables))

    def save(self) -> str:
        """The whole state as JSON text, which :meth:`restore` takes back."""
        with self.lock:
            return json.dumps({"tables": self._tables, "serials": self._serials}, ensure_ascii=False, sort_keys=True)

    def restore(self, text: str) -> None:
        """Take back a state made by :meth:`save`."""
        state = json.loads(text)
        with self.lock:
            self._tables = state["tables"]
            self._serials = state["serials"]

    @staticmethod
    def differences(before: str, after: str) -> list[Difference]:
        """What changed between two saved states, row by row."""
        old, new = json.loads(before)["tables"], json.loads(after)["tables"]
        found = []
        for table in sorted(set(old) | set(new)):
            left, right = old.get(table, {}), new.get(table, {})
            for row_id in sorted(set(left) | set(right)):
                if left.get(row_id) != right.get(row_id):
                    found.append(Difference(table, row_id, left.get(row_id), right.get(row_id)))
        return found
