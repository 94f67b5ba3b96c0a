"""The books of the org, with what makes long lists and unique fields fast: orderings and indexes kept per table.

Both are built when first asked for; an ordering is dropped by any change of its table, an index follows every change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ledgerbridge.sandbox.books import Books, Row

Position = tuple[str, int]
"""Where a row stands in an ordering: its sort text ("" when sorting by id) and its id."""


def folded(value: object) -> str:
    """How two values of a unique field are compared: without regard to case and outer blanks."""
    return str(value).strip().casefold()


class RecordBooks(Books):
    """:class:`Books` that knows its orderings. Rows from :meth:`look` are not copies: to read, never to change."""

    def __init__(self) -> None:
        super().__init__()
        self._revisions: Counter[str] = Counter()
        self._epoch = 0
        self._orderings: dict[tuple[str, str], list[Position]] = {}
        self._indexes: dict[tuple[str, str], dict[str, list[str]]] = {}

    def revision(self, table: str) -> tuple[int, int]:
        """Differs after every change of the table."""
        with self.lock:
            return self._epoch, self._revisions[table]

    def look(self, table: str, row_id: str) -> Row | None:
        """One row without copying it, or None."""
        return self._tables.get(table, {}).get(row_id)

    def add_many(self, table: str, rows: Iterable[Row]) -> None:
        """Insert rows by their ``id`` without copying them: the caller gives them away."""
        with self.lock:
            held = self._tables.setdefault(table, {})
            for row in rows:
                held[row["id"]] = row
                self._learn(table, row["id"], row)
            self._changed(table)

    def put(self, table: str, row_id: str, row: Row) -> None:
        """Insert or replace one row."""
        with self.lock:
            self._unlearn(table, row_id)
            super().put(table, row_id, row)
            self._learn(table, row_id, row)
            self._changed(table)

    def update(self, table: str, row_id: str, changes: Row) -> Row:
        """Overwrite some keys of one row and return the new row; KeyError if there is none."""
        with self.lock:
            self._unlearn(table, row_id)
            row = super().update(table, row_id, changes)
            self._learn(table, row_id, row)
            self._changed(table)
            return row

    def remove(self, table: str, row_id: str) -> Row:
        """Take one row out and return it; KeyError if there is none."""
        with self.lock:
            self._unlearn(table, row_id)
            row = super().remove(table, row_id)
            self._changed(table)
            return row

    def restore(self, text: str) -> None:
        """Take back a state made by :meth:`save`."""
        with self.lock:
            super().restore(text)
            self._epoch += 1
            self._orderings.clear()
            self._indexes.clear()

    def ordering(self, table: str, key: str) -> list[Position]:
        """The positions of all rows, ascending by `key` (``id`` or a stamp) and then id; to read, never to change."""
        with self.lock:
            found = self._orderings.get((table, key))
            if found is None:
                rows = self._tables.get(table, {})
                if key == "id":
                    found = sorted(("", int(row_id)) for row_id in rows)
                else:
                    found = sorted((row[key], int(row_id)) for row_id, row in rows.items())
                self._orderings[table, key] = found
            return found

    def ids_by(self, table: str, field: str, value: object) -> list[str]:
        """The ids of the rows whose `field` equals `value` (see :func:`folded`), oldest first."""
        with self.lock:
            index = self._indexes.get((table, field))
            if index is None:
                index = self._indexes[table, field] = {}
                for row_id, row in self._tables.get(table, {}).items():
                    if row.get(field) is not None:
                        index.setdefault(folded(row[field]), []).append(row_id)
            return sorted(index.get(folded(value), ()), key=int)

    def _changed(self, table: str) -> None:
        self._revisions[table] += 1
        for key in [key for key in self._orderings if key[0] == table]:
            del self._orderings[key]

    def _learn(self, table: str, row_id: str, row: Row) -> None:
        for (of_table, field), index in self._indexes.items():
            if of_table == table and row.get(field) is not None:
                index.setdefault(folded(row[field]), []).append(row_id)

    def _unlearn(self, table: str, row_id: str) -> None:
        row = self._tables.get(table, {}).get(row_id)
        if row is None:
            return
        for (of_table, field), index in self._indexes.items():
            if of_table == table and row.get(field) is not None:
                index[folded(row[field])].remove(row_id)
