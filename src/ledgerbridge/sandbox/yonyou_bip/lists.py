"""Lists (yonyou.md B5): selection, paging and the envelope, with the faults that belong to paging.

A selection is the sorted keys of what a body asks for. It is kept until its table changes, so that walking 200,000 rows
filters and sorts once, and only the page itself is turned into wire rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault

from .filters import Bound, order_of, sort_key, tests_of
from .ledger import Ledger
from .refusal import generic, wrong_type
from .wire import moment, stamp

Key = tuple[str, int]
_SELECTIONS_KEPT = 16


def _always(_: Row) -> bool:
    return True


def _header_only(_: Row) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class ListRule:
    """What one list does. `rows_of` says how many rows a record has in line mode (isSum false or absent), `show` makes
    the wire row of line `n`, or of the header where n is -1. `equal` are the fields it also filters by equality (None:
    all that the switch names). `spoiled` is the field that a malformed record breaks.
    """

    endpoint: str
    table: str
    show: Callable[[Ledger, Row, int], Row]
    bounds: tuple[Bound, ...] = ()
    default_size: int = 10
    size_max: int | None = None
    simple_vos: bool = False
    lined: bool = False
    summable: bool = True
    equal: frozenset[str] | None = None
    visible: Callable[[Row], bool] = _always
    rows_of: Callable[[Row], int] = _header_only
    spoiled: str = "code"
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page before it becomes an envelope."""

    rows: list[Row]
    index: int
    size: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.size)


def page_of(ledger: Ledger, rule: ListRule, body: Any) -> Page:
    """The page that `body` asks for; Refusal for a bad index, size or filter."""
    if not isinstance(body, dict):
        raise wrong_type("body", "an object")
    index = _positive(body, "pageIndex", 1)
    size = _capped(ledger, rule, _positive(body, "pageSize", rule.default_size))
    if index == 1:
        ledger.late.pop(rule.endpoint, None)
    keys = _selected(ledger, rule, body)
    page = keys[(index - 1) * size : index * size]
    if page:
        keys, page = _disturbed(ledger, rule, body, keys, page, index, size)
    rows = [rule.show(ledger, row, n) for row_id, n in page if (row := ledger.books.look(rule.table, row_id))]
    _spoil(ledger, rule, rows)
    if page and index * size < len(keys) and ledger.faults.take(Fault.PAGE_DRIFT, rule.endpoint):
        # someone edits a row just read: it leaves a closed pubts window, or goes to the end where pubts orders the
        # list, and every later row moves up by one
        ledger.changed(rule.table, page[0][0], {})
    return Page(rows, index, size, len(keys))


def answer(ledger: Ledger, rule: ListRule, body: Any) -> Any:
    """The `data` of a list answer: the usual envelope, or a bare array where the rule says so."""
    page = page_of(ledger, rule, body)
    if rule.bare:
        return page.rows
    records: Any = page.rows
    if ledger.switches["single_record_as_object"] and len(page.rows) == 1:
        records = page.rows[0]
    numbers: Row = {
        "pageIndex": page.index,
        "pageSize": page.size,
        "recordCount": page.total,
        "pageCount": page.count,
        "beginPageIndex": 1,
        "endPageIndex": max(page.count, 1),
    }
    if rule.endpoint in ledger.switches["text_paging_endpoints"]:
        numbers = {name: str(number) for name, number in numbers.items()}
    return {**numbers, "recordList": records}


def _positive(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise wrong_type(name, "a positive integer")
    return value


def _capped(ledger: Ledger, rule: ListRule, size: int) -> int:
    size_max = rule.size_max or int(ledger.switches["undocumented_page_cap"])
    if size <= size_max:
        return size
    if ledger.switches["page_size_over_cap"] == "clamp":
        return size_max
    raise generic(f"pageSize {size} exceeds the maximum {size_max}")


def _selected(ledger: Ledger, rule: ListRule, body: Mapping[str, Any]) -> list[Key]:
    equality = [name for name in ledger.switches["equality_filters"] if rule.equal is None or name in rule.equal]
    tests, asked = tests_of(body, rule.bounds, simple_vos=rule.simple_vos, equality=equality)
    orders = order_of(body) if rule.simple_vos else []
    by_line = rule.lined and not (rule.summable and _is_sum(body))
    order = str(ledger.switches["list_order"])
    hidden = ledger.late.get(rule.endpoint, set())
    key = (
        rule.endpoint,
        ledger.books.version(rule.table),
        json.dumps([asked, orders, by_line, order, sorted(hidden)], ensure_ascii=False, default=str),
    )
    kept = ledger.selections.get(key)
    if kept is not None:
        return kept
    rows = ((row_id, row) for row_id, row in ledger.books.peek(rule.table) if rule.visible(row))
    found = [
        (row_id, n)
        for row_id, row in rows
        if row_id not in hidden
        for n in (range(rule.rows_of(row)) if by_line else (-1,))
        if not tests or all(test(row, n) for test in tests)
    ]
    found.sort()  # ids all have 19 digits: as text they sort as numbers
    for field, descending in reversed([("pubts", False)] if order == "pubts" and not orders else orders):
        found.sort(key=lambda at, f=field: sort_key(ledger.books.look(rule.table, at[0]) or {}, f), reverse=descending)  # type: ignore[misc]
    if len(ledger.selections) >= _SELECTIONS_KEPT:
        ledger.selections.pop(next(iter(ledger.selections)))
    ledger.selections[key] = found
    return found


def _is_sum(body: Mapping[str, Any]) -> bool:
    value = body.get("isSum", False)
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise wrong_type("isSum", "a boolean")


def _disturbed(
    ledger: Ledger, rule: ListRule, body: Mapping[str, Any], keys: list[Key], page: list[Key], index: int, size: int
) -> tuple[list[Key], list[Key]]:
    """The faults that change which rows a page has."""
    ids = list(dict.fromkeys(row_id for row_id, _ in page))
    if ledger.faults.take(Fault.TIED_STAMPS, rule.endpoint):
        newest = _newest(ledger, rule, ids)
        for row_id in ids:
            ledger.books.update(rule.table, row_id, {"pubts": newest})
    elif ledger.faults.take(Fault.LATE_STAMP, rule.endpoint):
        # its transaction began before later stamps were given out and commits after they were read: it shows up at
        # the next walk, with the stamp it was given
        behind = timedelta(seconds=float(ledger.switches["late_stamp_seconds"]))
        newest = _newest(ledger, rule, [row_id for row_id, _ in keys])
        ledger.books.update(rule.table, ids[-1], {"pubts": stamp(moment(newest) - behind)})
        ledger.late.setdefault(rule.endpoint, set()).add(ids[-1])
    else:
        return keys, page
    keys = _selected(ledger, rule, body)
    return keys, keys[(index - 1) * size : index * size]


def _newest(ledger: Ledger, rule: ListRule, ids: list[str]) -> str:
    return max(str(row["pubts"]) for row_id in ids if (row := ledger.books.look(rule.table, row_id)))


def _spoil(ledger: Ledger, rule: ListRule, rows: list[Row]) -> None:
    """The faults that change what a page shows."""
    if rows and ledger.faults.take(Fault.DUPLICATED_ROW, rule.endpoint):
        rows.append(dict(rows[0]))
    if rows and ledger.faults.take(Fault.MALFORMED_RECORD, rule.endpoint):
        rows[len(rows) // 2][rule.spoiled] = {"unexpected": True}
