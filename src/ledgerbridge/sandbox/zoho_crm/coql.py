"""POST /coql: zoho.md 4. A query sees every write at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.web import Response

from . import wire
from .conditions import BadPath, comparable, compiled, getter
from .coql_parser import Query, parse
from .fields import Module
from .lists import SORTS
from .org import Call, Org
from .show import spoilt
from .values import shower

LIMIT_DEFAULT = 200


def limit_of(text: object) -> int:
    """The LIMIT that a query names, for the credits (zoho.md 4); the default where it names none or is no query."""
    try:
        found = parse(text, pairs_required=False) if isinstance(text, str) else None
    except wire.Refused:
        found = None
    return LIMIT_DEFAULT if found is None or found.limit is None else found.limit


def coql(call: Call) -> Response:
    """Answer one query; 204 when nothing matches."""
    org = call.org
    source = call.object("select_query")["select_query"]
    if not isinstance(source, str):
        details = {"expected_data_type": "text", "api_name": "select_query", "json_path": "$.select_query"}
        raise wire.refused(400, "INVALID_DATA", "invalid data", details)
    query = parse(source, pairs_required=bool(org.switches["coql_pairs_required"]))
    module = org.schema.get(query.module)
    if module is None or module.is_subform:
        raise wire.refused(400, "INVALID_MODULE", "the module name given seems to be invalid", {})
    limit = LIMIT_DEFAULT if query.limit is None else query.limit
    _check_limits(org, query, limit)
    try:
        with org.books.lock:
            columns = [(name, _column(org, module, name)) for name in query.columns]
            rows = _rows(org, module, query, limit)
            records = [{"id": row["id"]} | {name: show(row) for name, show in columns} for row in rows[:limit]]
    except BadPath as bad:
        raise _invalid(bad.path) from bad
    if not records:
        return wire.nothing()
    info = {"count": len(records), "more_records": len(rows) > limit}
    return wire.reply({"data": spoilt(call, module, records), "info": info})


def _invalid(path: str) -> wire.Refused:
    return wire.refused(400, "INVALID_QUERY", "column given seems to be invalid", {"column_name": path})


def _check_limits(org: Org, query: Query, limit: int) -> None:
    switches = org.switches
    widest = max((len(part.values) for part in _leaves(query.where)), default=0)
    over = (
        ("LIMIT", limit, switches["coql_limit_max"]),
        ("OFFSET", query.offset + limit, switches["coql_rows_max"]),
        ("SELECT", len(query.columns), switches["coql_columns_max"]),
        ("WHERE", query.conditions, switches["coql_conditions_max"]),
        ("IN", widest, switches["coql_in_max"]),
        ("ORDER BY", len(query.order), 10),
    )
    for clause, count, most in over:
        if count > most:
            raise wire.refused(400, "LIMIT_EXCEEDED", f"{clause} limit exceeded", {"clause": clause, "limit": most})
    if limit < 1:
        raise wire.refused(400, "INVALID_DATA", "invalid data", {"clause": "LIMIT"})
    if len(set(query.columns)) < len(query.columns):
        twice = next(name for name in query.columns if query.columns.count(name) > 1)
        raise wire.refused(400, "DUPLICATE_DATA", "duplicate column", {"column_name": twice})


def _leaves(tree: Any) -> Iterator[Any]:
    if tree is None:
        return
    if hasattr(tree, "parts"):
        for part in tree.parts:
            yield from _leaves(part)
    else:
        yield tree


def _column(org: Org, module: Module, name: str) -> Callable[[Row], Any]:
    if name == "*":
        raise BadPath(name)
    value_of, field = getter(org, module, name)
    show = shower(org, field)
    if field.data_type in ("lookup", "ownerlookup") and not org.switches["coql_lookup_names"]:
        return lambda row: None if (value := value_of(row)) is None else {"id": value}
    return value_of if show is None else lambda row: show(value_of(row))


def _rows(org: Org, module: Module, query: Query, limit: int) -> list[Row]:
    """The rows of the page and one more if there is one."""
    test = None
    if query.where is not None:
        test = compiled(org, module, query.where, fold=bool(org.switches["coql_ignores_case"]))
    books, table = org.books, module.table
    simple = len(query.order) <= 1 and (not query.order or query.order[0][0] in SORTS)
    if simple and query.offset == 0:  # stop as soon as the page is full
        found: list[Row] = []
        for row in _ordered(org, module, query):
            if test is None or test(row):
                found.append(row)
                if len(found) > limit:
                    break
        return found
    key = ("coql", table, books.revision(table), query.where_text, query.order)
    kept = org.selections.get(key)
    if kept is None:
        rows = [row for row in _ordered(org, module, query) if test is None or test(row)]
        kept = [("", int(row["id"])) for row in (rows if simple else _sorted(org, module, query, rows))]
        org.keep(key, kept)
    window = kept[query.offset : query.offset + limit + 1]
    return [held for _, row_id in window if (held := books.look(table, str(row_id))) is not None]


def _ordered(org: Org, module: Module, query: Query) -> Iterator[Row]:
    """All rows by the one key that needs no sorting; newest id first where the query names no order."""
    key, descending = query.order[0] if len(query.order) == 1 and query.order[0][0] in SORTS else ("id", True)
    positions = org.books.ordering(module.table, key)
    for _, row_id in reversed(positions) if descending else positions:
        row = org.books.look(module.table, str(row_id))
        if row is not None:
            yield row


def _sorted(org: Org, module: Module, query: Query, rows: list[Row]) -> list[Row]:
    """Rows by several keys or by any field; nulls first in ascending order."""
    for path, descending in reversed(query.order):
        value_of, field = getter(org, module, path)

        def key(row: Row, value_of: Callable[[Row], Any] = value_of, field: Any = field) -> tuple[bool, Any]:
            value = comparable(field, value_of(row))
            return (False, "") if value is None else (True, value)

        rows = _stable(rows, key, descending)
    return rows


def _stable(rows: list[Row], key: Callable[[Row], tuple[bool, Any]], descending: bool) -> list[Row]:
    """Sorted, equal rows in the order they had; a null never meets a value of another type."""
    nulls = [row for row in rows if not key(row)[0]]
    valued = sorted((row for row in rows if key(row)[0]), key=lambda row: key(row)[1], reverse=descending)
    return [*valued, *nulls] if descending else [*nulls, *valued]
