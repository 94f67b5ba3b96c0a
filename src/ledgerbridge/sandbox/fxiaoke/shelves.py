"""Fast reading of large tables: sorted ids and value indexes beside the books, kept up with every change."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable

from ledgerbridge.sandbox.books import Books, Row

_LISTS_KEPT = 16


class WatchedBooks(Books):
    """Books that tell which rows changed since somebody last asked, so that indexes follow without a full scan."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: dict[str, set[str]] = {}
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """Grows with each :meth:`restore`, after which nothing remembered about any table holds."""
        return self._epoch

    def put(self, table: str, row_id: str, row: Row) -> None:
        """Insert or replace one row."""
        with self.lock:
            super().put(table, row_id, row)
            self._changed.setdefault(table, set()).add(row_id)

    def update(self, table: str, row_id: str, changes: Row) -> Row:
        """Overwrite some keys of one row and return the new row; KeyError if there is none."""
        with self.lock:
            self._changed.setdefault(table, set()).add(row_id)
            return super().update(table, row_id, changes)

    def remove(self, table: str, row_id: str) -> Row:
        """Take one row out and return it; KeyError if there is none."""
        with self.lock:
            self._changed.setdefault(table, set()).add(row_id)
            return super().remove(table, row_id)

    def restore(self, text: str) -> None:
        """Take back a state made by :meth:`Books.save`."""
        with self.lock:
            super().restore(text)
            self._changed.clear()
            self._epoch += 1

    def changed(self, table: str) -> set[str]:
        """The ids that were put, updated or removed since the last question about this table."""
        with self.lock:
            return self._changed.pop(table, set())

    def row(self, table: str, row_id: str) -> Row | None:
        """One row *without copying it*: to read, never to change."""
        with self.lock:
            return self._tables.get(table, {}).get(row_id)


class Shelf:
    """One table in order of `_id`. `revision` grows with each change; `late` holds rows that queries see later."""

    def __init__(self, books: WatchedBooks, table: str) -> None:
        self.revision = 0
        self.ids: list[str] = []
        self.late: dict[str, int] = {}
        self._books = books
        self._table = table
        self._epoch = -1
        self._indexes: dict[str, dict[str, set[str]]] = {}
        self._indexed_as: dict[str, dict[str, str]] = {}
        self._lists: OrderedDict[str, list[str]] = OrderedDict()

    def refresh(self) -> None:
        """Catch up with the books; call under the books' lock before reading anything here."""
        changed = self._books.changed(self._table)
        if self._epoch != self._books.epoch:
            self._epoch = self._books.epoch
            rows = self._books.peek(self._table)
            self.ids = sorted(row_id for row_id, _ in rows)
            self.late = {row_id: row["$visible_at"] for row_id, row in rows if "$visible_at" in row}
            self._indexes.clear()
            self._indexed_as.clear()
            self._moved()
        elif changed:
            for row_id in changed:
                self._follow(row_id)
            self._moved()

    def settle(self, now_ms: int) -> bool:
        """Whether some row is still to become visible; those that became so since the last call end cached lists."""
        due = [row_id for row_id, visible_at in self.late.items() if visible_at <= now_ms]
        for row_id in due:
            del self.late[row_id]
        if due:
            self._moved()
        return bool(self.late)

    def with_value(self, field: str, value: str) -> set[str]:
        """The ids of the rows whose text `field` equals `value` exactly."""
        if field not in self._indexes:
            self._indexes[field] = {}
            self._indexed_as[field] = {}
            for row_id in self.ids:
                self._enter(field, row_id)
        return set(self._indexes[field].get(value, ()))

    def remembered(self, key: str, make: Callable[[], list[str]]) -> list[str]:
        """A list of ids made once per `key` until the table changes; never change what is returned."""
        found = self._lists.get(key)
        if found is None:
            found = self._lists[key] = make()
            if len(self._lists) > _LISTS_KEPT:
                self._lists.popitem(last=False)
        else:
            self._lists.move_to_end(key)
        return found

    def _moved(self) -> None:
        self.revision += 1
        self._lists.clear()

    def _follow(self, row_id: str) -> None:
        row = self._books.row(self._table, row_id)
        place = bisect_left(self.ids, row_id)
        known = place < len(self.ids) and self.ids[place] == row_id
        if row is None and known:
            del self.ids[place]
        elif row is not None and not known:
            insort(self.ids, row_id)
        if row is not None and "$visible_at" in row:
            self.late[row_id] = row["$visible_at"]
        else:
            self.late.pop(row_id, None)
        for field, entries in self._indexed_as.items():
            before = entries.pop(row_id, None)
            if before is not None:
                self._indexes[field][before].discard(row_id)
            self._enter(field, row_id)

    def _enter(self, field: str, row_id: str) -> None:
        row = self._books.row(self._table, row_id)
        value = None if row is None else row.get(field)
        if isinstance(value, str):
            self._indexes[field].setdefault(value, set()).add(row_id)
            self._indexed_as[field][row_id] = value


class Shelves:
    """The shelves of all tables."""

    def __init__(self, books: WatchedBooks) -> None:
        self._books = books
        self._shelves: dict[str, Shelf] = {}

    def of(self, table: str) -> Shelf:
        """The shelf of one table, caught up with the books."""
        shelf = self._shelves.get(table)
        if shelf is None:
            shelf = self._shelves[table] = Shelf(self._books, table)
        shelf.refresh()
        return shelf
