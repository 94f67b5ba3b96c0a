"""A page of a query: which rows, in what order, from where (fxiaoke.md 4).

The `_id` keyset over a large table must be fast: bounds on `_id` are taken out of the filters, the ids that pass the
rest are worked out once and kept until the table changes, and a page is a slice found by bisection.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row

from .people import PEOPLE, Caller
from .query import Filter, Predicate, parsed_filters
from .refusal import Refused, illegal
from .schema import DECIMAL_TYPES, ObjectSpec
from .tenant import Tenant

_BOUNDS = frozenset({"GT", "GTE", "LT", "LTE"})
# Rows of a query that names no order come newest first [inferred].
_USUAL_ORDER = (("last_modified_time", False),)


@dataclass(frozen=True, slots=True)
class Search:
    """One checked query. `orders` are (field, ascending)."""

    spec: ObjectSpec
    filters: tuple[Filter, ...]
    orders: tuple[tuple[str, bool], ...]
    limit: int
    offset: int
    fields: tuple[str, ...]
    wants_total: bool

    @property
    def is_keyset(self) -> bool:
        """Whether rows come in ascending `_id`."""
        return self.orders[0] == ("_id", True)


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page as they stand on record (never change them), and how many there are in all."""

    rows: list[Row]
    total: int


def parsed_search(
    tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller, *, is_light: bool = False
) -> Search:
    """The checked `data` of a query; light queries name their fields in `data.field_projection` [2+]."""
    info = data.get("search_query_info")
    if not isinstance(info, dict):
        raise illegal("data.search_query_info 必填 is required and must be a map")
    limit = _whole(info.get("limit", tenant.switches["defaultLimit"]), "limit")
    offset = _whole(info.get("offset", 0), "offset")
    if limit < 1 or limit > tenant.switches["maxLimit"]:
        raise Refused(15002, f"limit {limit} is out of range 1 to {tenant.switches['maxLimit']}")  # code [inferred]
    if offset > tenant.switches["maxOffset"]:
        raise Refused(10013, f"offset out of range {tenant.switches['maxOffset']}")
    if offset < 0 or offset % limit:
        raise Refused(15002, f"offset {offset} is not a multiple of limit {limit}")  # code [inferred]
    fields = data.get("field_projection") if is_light else info.get("fieldProjection")
    if fields is None:
        fields = []
    if not isinstance(fields, list) or not all(isinstance(one, str) for one in fields):
        raise illegal("the field projection must be a list of field names")
    return Search(
        spec,
        tuple(parsed_filters(tenant, spec, info.get("filters"), caller)),
        _orders(spec, info.get("orders")),
        limit,
        offset,
        tuple(fields),
        _wants_total(data, info),
    )


def page(tenant: Tenant, search: Search, caller: Caller) -> Page:
    """The rows of `search` that the caller may see."""
    shelf = tenant.shelf(search.spec.api_name)
    now_ms = tenant.now_ms()
    has_late_rows = shelf.settle(now_ms)
    bounds = [one for one in search.filters if search.is_keyset and _is_bound(one)]
    others = [one for one in search.filters if one not in bounds]
    if has_late_rows:
        ids = _matching(tenant, search, others, caller)
    elif not others and search.is_keyset and _sees_all(tenant, search, caller):
        ids = shelf.ids
    else:
        ids = shelf.remembered(_key(tenant, search, others, caller), lambda: _matching(tenant, search, others, caller))
    first, end = _cut(ids, bounds)
    wanted = ids[first + search.offset : min(first + search.offset + search.limit, end)]
    rows = []
    for row_id in wanted:
        row = tenant.books.row(search.spec.api_name, row_id)
        seen = None if row is None else tenant.seen_by_queries(row, now_ms)
        if seen is not None:
            rows.append(seen)
    return Page(rows, end - first)


def matching_ids(tenant: Tenant, search: Search, caller: Caller) -> list[str]:
    """The ids of every row that passes all filters, in order, whatever the page."""
    return _matching(tenant, search, list(search.filters), caller)


def _matching(tenant: Tenant, search: Search, filters: Sequence[Filter], caller: Caller) -> list[str]:
    spec = search.spec
    shelf = tenant.shelf(spec.api_name)
    now_ms = tenant.now_ms()
    tests: list[Predicate] = [one.predicate() for one in filters]
    candidates: Sequence[str] = shelf.ids
    for one in filters:
        if one.field.api_name == "_id" and one.operator in ("EQ", "IN"):
            candidates = sorted(set(one.values))
            break
        if one.index_values is not None and not shelf.late:
            found: set[str] = set().union(*(shelf.with_value(one.field.api_name, v) for v in one.index_values))
            candidates = sorted(found)
            break
    hides_void = tenant.switches["hideInvalid"] and all(one.field.api_name != "life_status" for one in filters)
    sees_all = caller.is_admin and spec.api_name != PEOPLE
    kept: list[tuple[str, Row]] = []
    for row_id in candidates:
        row = tenant.books.row(spec.api_name, row_id)
        seen = None if row is None else tenant.seen_by_queries(row, now_ms)
        if seen is None or (hides_void and seen["life_status"] == "invalid"):
            continue
        if (sees_all or tenant.may_see(spec, seen, caller)) and all(test(seen) for test in tests):
            kept.append((row_id, seen))
    if not search.is_keyset:
        _sort(spec, kept, search.orders)
    return [row_id for row_id, _ in kept]


def _sort(spec: ObjectSpec, kept: list[tuple[str, Row]], orders: tuple[tuple[str, bool], ...]) -> None:
    """Stable sorts from the least to the most important order; empty fields come last, ties in `_id` order."""
    for name, ascending in reversed(orders):
        decimal = spec.fields[name].type in DECIMAL_TYPES

        def value_of(entry: tuple[str, Row], name: str = name, decimal: bool = decimal) -> Any:
            value = entry[1][name]
            return Decimal(value) if decimal else str(value) if isinstance(value, list) else value

        filled = [entry for entry in kept if entry[1].get(name) is not None]
        empty = [entry for entry in kept if entry[1].get(name) is None]
        filled.sort(key=value_of, reverse=not ascending)
        kept[:] = filled + empty


def _cut(ids: list[str], bounds: Sequence[Filter]) -> tuple[int, int]:
    """Where the ids begin and end that lie within the `_id` bounds; `ids` is sorted if there are any bounds."""
    first, end = 0, len(ids)
    for one in bounds:
        value = one.values[0]
        if one.operator == "GT":
            first = max(first, bisect_right(ids, value))
        elif one.operator == "GTE":
            first = max(first, bisect_left(ids, value))
        elif one.operator == "LT":
            end = min(end, bisect_left(ids, value))
        else:
            end = min(end, bisect_right(ids, value))
    return first, max(first, end)


def _is_bound(one: Filter) -> bool:
    return one.field.api_name == "_id" and one.operator in _BOUNDS


def _sees_all(tenant: Tenant, search: Search, caller: Caller) -> bool:
    return caller.is_admin and search.spec.api_name != PEOPLE and not tenant.switches["hideInvalid"]


def _key(tenant: Tenant, search: Search, filters: Sequence[Filter], caller: Caller) -> str:
    parts = [[one.field.api_name, one.operator, [str(v) for v in one.values]] for one in filters]
    sees = [caller.person, caller.is_admin, tenant.switches["hideInvalid"], tenant.switches["personnelVisible"]]
    return json.dumps([parts, search.orders, sees])


def _orders(spec: ObjectSpec, raw: object) -> tuple[tuple[str, bool], ...]:
    if raw is None or raw == []:
        return _USUAL_ORDER
    if not isinstance(raw, list):
        raise illegal("search_query_info.orders must be a list")
    orders = []
    for one in raw:
        name = one.get("fieldName") if isinstance(one, dict) else None
        if name not in spec.fields:
            raise illegal(f"orders: {spec.api_name} has no fieldName {name!r}")
        orders.append((str(name), one.get("isAsc", True) is not False))
    return tuple(orders)


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(15002, f"{name} must be a whole number")
    return value


def _wants_total(data: Mapping[str, Any], info: Mapping[str, Any]) -> bool:
    """True by default; manuals name three flags (fxiaoke.md 4, name conflict)."""
    for place in (data, info):
        if "find_explicit_total_num" in place:
            return place["find_explicit_total_num"] is not False
        if "returnTotalNum" in place:
            return place["returnTotalNum"] in (1, 2)
        if "need_return_count_num" in place:
            return place["need_return_count_num"] is not False
    return True
