"""Lists and single records: filters, pages, and rows that move while they are read (yonyou.md A3, A4)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault, FaultPlan

from .ledger import CountedBooks
from .shapes import Filter, Match, Resource
from .wire import NO_MATCH, Refusal, day, envelope, to_decimal, wire_row

_CACHED_LISTS = 32
_FLAGS = {"true": "1", "false": "0"}

Test = Callable[[Row], bool]


@dataclass(slots=True)
class _Walk:
    """What is odd about one table until a reader starts again at its first page."""

    late: str | None = None  # key of a row that is not visible yet
    moved: str | None = None  # key of a row that went to the end
    doubled: str | None = None  # key of a row that stands twice


@dataclass(slots=True)
class Lists:
    """Answers `batch_get` and `get`. Filtered and sorted rows are kept until the table changes: a page costs a page."""

    books: CountedBooks
    faults: FaultPlan
    switches: Mapping[str, Any]
    _kept: OrderedDict[tuple[Any, ...], list[Row]] = field(default_factory=OrderedDict)
    _walks: dict[str, _Walk] = field(default_factory=dict)

    def page(self, resource: Resource, query: Mapping[str, str], path: str) -> dict[str, Any]:
        """The answer of a list call. Refusal: 20002 when nothing matches or the page lies behind the last one."""
        index, size = self._paging(query)
        with self.books.lock:
            if index == 1:
                self._walks.pop(resource.table, None)
            kept = self._matching(resource, query)
            if len(kept) > 1 and self.faults.take(Fault.LATE_STAMP, path):
                newest_first = sorted(kept, key=lambda row: (row[resource.stamp], row[resource.key]))
                self._walk(resource).late = str(newest_first[-2][resource.key])
            rows = self._as_walked(resource, kept)
            start = (index - 1) * size
            shown = rows[start : start + size]
            if shown and self.faults.take(Fault.DUPLICATED_ROW, path):
                self._walk(resource).doubled = str(shown[0][resource.key])
                rows = self._as_walked(resource, kept)
                shown = rows[start : start + size]
            if start + size < len(rows) and self.faults.take(Fault.PAGE_DRIFT, path):
                self._walk(resource).moved = str(shown[0][resource.key])
            if shown and "ModifyDate" in resource.fields and self.faults.take(Fault.TIED_STAMPS, path):
                self._tie(resource, shown)
            entries = resource.list_name in self.switches["entries_in_lists"]
            sent = [wire_row(resource, row, self.switches, entries=entries) for row in shown]
        if sent and self.faults.take(Fault.MALFORMED_RECORD, path):
            name, value = resource.damage
            sent[len(sent) // 2][name] = value
        if not sent and (rows or self.switches["empty_as_error"]):
            raise Refusal(NO_MATCH, "没有符合条件的数据")
        return envelope(
            page_index=str(index),
            rows_per_page=str(size),
            row_count=str(len(rows)),
            page_count=str(-(-len(rows) // size)),
            **{resource.list_name: sent},
        )

    def one(self, resource: Resource, query: Mapping[str, str], path: str) -> dict[str, Any]:
        """The answer of a `get`, vouchers with their lines. Refusal: 20002 when there is no such record."""
        key = query.get("id", "")
        if not key:
            raise Refusal(self.switches["errcode_parameter"], "缺少必填参数 id")
        row = self.books.get(resource.table, key)
        if row is None or self._is_hidden(row):
            raise Refusal(NO_MATCH, f"没有符合条件的数据: {key}")
        sent = wire_row(resource, row, self.switches, entries=True)
        if self.faults.take(Fault.MALFORMED_RECORD, path):
            name, value = resource.damage
            sent[name] = value
        return envelope(**{resource.table: sent})

    def _paging(self, query: Mapping[str, str]) -> tuple[int, int]:
        index = self._positive(query, "page_index", 1)
        size = self._positive(query, "rows_per_page", int(self.switches["rows_per_page_default"]))
        return index, min(size, int(self.switches["rows_per_page_max"]))

    def _positive(self, query: Mapping[str, str], name: str, default: int) -> int:
        text = query.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise Refusal(self.switches["errcode_parameter"], f"参数 {name} 必须是正整数")
        return int(text)

    def _is_hidden(self, row: Row) -> bool:
        return row.get("_status") == "void" and bool(self.switches["void_documents"] == "hidden")

    def _matching(self, resource: Resource, query: Mapping[str, str]) -> list[Row]:
        """The rows the filters let through, in the tenant's order. They are the books' own rows, not to be changed."""
        asked = {name.lower(): value for name, value in query.items() if value != ""}  # key casing is not uniform (A3)
        tests, used = self._tests(resource, asked)
        if not used:
            return self._all(resource)
        name = self._name(resource, used)
        kept = self._kept.get(name)
        if kept is None:
            kept = self._all(resource)
            for test in tests:
                kept = [row for row in kept if test(row)]
            self._keep(name, kept)
        return kept

    def _all(self, resource: Resource) -> list[Row]:
        """All visible rows of a table in the tenant's order. Kept by itself: copying the table is what costs."""
        name = self._name(resource, ())
        kept = self._kept.get(name)
        if kept is None:
            kept = [row for _, row in self.books.peek(resource.table)]
            if self.switches["void_documents"] == "hidden":
                kept = [row for row in kept if row.get("_status") != "void"]
            if self.switches["sort"] != "insertion":
                kept.sort(key=lambda row: str(row[resource.key]), reverse=self.switches["sort"] == "key_desc")
            self._keep(name, kept)
        return kept

    def _name(self, resource: Resource, used: tuple[tuple[str, str], ...]) -> tuple[Any, ...]:
        version = self.books.version(resource.table)
        return (resource.table, version, self.switches["sort"], self.switches["void_documents"], used)

    def _keep(self, name: tuple[Any, ...], rows: list[Row]) -> None:
        for stale in [each for each in self._kept if each[0] == name[0] and each[1] != name[1]]:
            del self._kept[stale]
        self._kept[name] = rows
        while len(self._kept) > _CACHED_LISTS:
            self._kept.popitem(last=False)

    def _tests(self, resource: Resource, asked: Mapping[str, str]) -> tuple[list[Test], tuple[tuple[str, str], ...]]:
        tests: list[Test] = []
        used: list[tuple[str, str]] = []
        for each in resource.filters:
            one_value = each.match in (Match.EQUAL, Match.KEYWORD)
            for name in [each.param] if one_value else [f"{each.param}_begin", f"{each.param}_end"]:
                value = asked.get(name.lower())
                if value is None:
                    continue
                try:
                    tests.append(_test(each, value, at_end=name.endswith("_end")))
                except ValueError as error:
                    raise Refusal(self.switches["errcode_parameter"], f"参数 {name} 格式错误: {error}") from None
                used.append((name, value))
        return tests, tuple(used)

    def _walk(self, resource: Resource) -> _Walk:
        return self._walks.setdefault(resource.table, _Walk())

    def _as_walked(self, resource: Resource, rows: list[Row]) -> list[Row]:
        """The rows as the reader of this walk sees them."""
        walk = self._walks.get(resource.table)
        if walk is None:
            return rows
        seen = [row for row in rows if row[resource.key] != walk.late]
        if walk.moved is not None:
            seen.sort(key=lambda row: row[resource.key] == walk.moved)  # stable: only that row changes its place
        if walk.doubled is not None:
            place = next((place for place, row in enumerate(seen) if row[resource.key] == walk.doubled), None)
            if place is not None:
                seen.insert(place, seen[place])
        return seen

    def _tie(self, resource: Resource, shown: list[Row]) -> None:
        """Give all records of a page the stamp of the newest; the row version only where the tenant's can tie."""
        tied: Row = {"ModifyDate": max(row["ModifyDate"] for row in shown)}
        if not self.switches["row_versions_unique"]:
            tied["timestamp"] = max(row["timestamp"] for row in shown)
        for row in shown:
            self.books.update(resource.table, str(row[resource.key]), tied)


def _test(wanted: Filter, value: str, *, at_end: bool) -> Test:
    """Whether a row passes; a row without the field passes no filter on it. Raises ValueError for an unreadable value."""
    name = wanted.field
    if wanted.match is Match.EQUAL:
        flag = _FLAGS.get(value.lower(), value)
        return lambda row: str(row.get(name, "")) in (value, flag)
    if wanted.match is Match.KEYWORD:
        return lambda row: value in str(row.get(name, ""))
    if wanted.match is Match.NUMBER_RANGE:
        bound = to_decimal(value)
        if at_end:
            return lambda row: name in row and row[name] <= bound
        return lambda row: name in row and row[name] >= bound
    if wanted.match is not Match.TEXT_RANGE:
        day(value[:10])
    length = len(value) if wanted.match is Match.STAMP_RANGE and at_end else None  # a day's end takes in the whole day
    if at_end:
        return lambda row: "" < (row.get(name) or "")[:length] <= value
    return lambda row: (row.get(name) or "") >= value
