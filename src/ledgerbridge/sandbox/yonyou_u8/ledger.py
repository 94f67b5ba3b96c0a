"""U8's own record keeping: books that know when a table changed, row versions, customers and people by code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledgerbridge.sandbox.books import Books, Row

from .wire import archive_stamp

DEFAULT_CLASSES = (("00", "无分类"), ("01", "国内客户"), ("02", "国外客户"))
DEFAULT_PERSON = "00001"
_FIRST_ROW_VERSION = 100_001


class CountedBooks(Books):
    """Books that count the changes of every table, so that sorted copies can be dropped when they are stale."""

    def __init__(self) -> None:
        super().__init__()
        self._changes: dict[str, int] = {}
        self._restored = 0

    def version(self, table: str) -> tuple[int, int]:
        """A value that differs after every change of the table."""
        with self.lock:
            return self._restored, self._changes.get(table, 0)

    def _changed(self, table: str) -> None:
        self._changes[table] = self._changes.get(table, 0) + 1

    def put(self, table: str, row_id: str, row: Row) -> None:
        """As :meth:`Books.put`."""
        with self.lock:
            super().put(table, row_id, row)
            self._changed(table)

    def update(self, table: str, row_id: str, changes: Row) -> Row:
        """As :meth:`Books.update`."""
        with self.lock:
            row = super().update(table, row_id, changes)
            self._changed(table)
            return row

    def remove(self, table: str, row_id: str) -> Row:
        """As :meth:`Books.remove`."""
        with self.lock:
            row = super().remove(table, row_id)
            self._changed(table)
            return row

    def restore(self, text: str) -> None:
        """As :meth:`Books.restore`."""
        with self.lock:
            super().restore(text)
            self._restored += 1


@dataclass(frozen=True, slots=True)
class Ledger:
    """The books with U8's rules for stamping archives."""

    books: CountedBooks

    def next_row_version(self) -> int:
        """The next value of the database's monotonic row version (`timestamp`, A4); one counter for all archives."""
        return self.books.next_serial("timestamp", _FIRST_ROW_VERSION)

    def put_customer(self, row: Row, at: datetime) -> None:
        """Insert or replace a customer, stamped as changed at `at`."""
        stamped = {**row, "ModifyDate": archive_stamp(at), "timestamp": self.next_row_version()}
        self.books.put("customer", str(row["code"]), stamped)

    def put_class(self, code: str, name: str) -> None:
        """Insert or rename a customer class; `rank` and `end_rank_flag` of all classes follow from the codes (A6)."""
        with self.books.lock:
            known = self.books.get("customerclass", code) or {}
            if known.get("name") != name:
                self.books.put(
                    "customerclass", code, {"code": code, "name": name, "timestamp": self.next_row_version()}
                )
            codes = [key for key, _ in self.books.peek("customerclass")]
            for key, row in self.books.peek("customerclass"):
                rank = 1 + sum(1 for other in codes if other != key and key.startswith(other))
                leaf = 0 if any(other != key and other.startswith(key) for other in codes) else 1
                if (row.get("rank"), row.get("end_rank_flag")) == (rank, leaf):
                    continue
                changes = {"rank": rank, "end_rank_flag": leaf}
                if "rank" in row:  # another class became its child or parent: a change like any other
                    changes["timestamp"] = self.next_row_version()
                self.books.update("customerclass", key, changes)

    def put_person(self, code: str, name: str, department: str = "") -> None:
        """Insert or replace one member of staff."""
        self.books.put("person", code, {"code": code, "name": name, "department": department})

    def edit_customer(self, code: str, changes: dict[str, Any], at: datetime) -> None:
        """Change some fields of a customer; KeyError if there is none."""
        stamp = {"ModifyDate": archive_stamp(at), "timestamp": self.next_row_version()}
        self.books.update("customer", code, {**changes, **stamp})

    def furnish(self) -> None:
        """What every fresh account set has: a few customer classes and one member of staff."""
        for code, name in DEFAULT_CLASSES:
            self.put_class(code, name)
        self.put_person(DEFAULT_PERSON, "张敏", "01")
