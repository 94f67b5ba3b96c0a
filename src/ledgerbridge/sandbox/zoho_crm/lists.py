"""GET /{module} and GET /{module}/{id}: zoho.md 3."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Response

from . import external, wire
from .fields import Module
from .org import SYNC_USER, Call, Org
from .show import list_fields, renderer, spoilt, whole_record
from .stock import Position
from .tokens import Walk, binding, open_token, seal

PER_PAGE_MAX = 200
DISCRETE_MAX = 2000
FIELDS_MAX = 50
SORTS = ("id", "Created_Time", "Modified_Time")
_TIES_MAX = 450


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list asks for. `since` is the books' form of If-Modified-Since; `walk` is set for a page by token."""

    fields: tuple[str, ...]
    page: int
    per_page: int
    sort_by: str
    descending: bool
    view: str | None
    ids: tuple[str, ...] | None
    since: str | None
    walk: Walk | None
    bound: str


def views(module: Module) -> dict[str, tuple[str, str]]:
    """The custom views of a module: id -> (name, what they show)."""
    return {f"{module.id[:-3]}9{n:02}": pair for n, pair in enumerate((("All", "all"), ("Mine", "own")), start=1)}


def list_records(call: Call, module: Module) -> Response:
    """One page of a module; 204 if empty, 304 if nothing changed since If-Modified-Since."""
    query = _list_query(call, module)
    with call.org.books.lock:
        positions = _selection(call.org, module, query)
        disturbed = _tie if query.page == 1 else _drift
        positions = disturbed(call, module, query, positions)
        return _page(call, module, query, positions)


def _list_query(call: Call, module: Module) -> ListQuery:
    given, org = call.request.query, call.org
    names = [name.strip() for name in given.get("fields", "").split(",") if name.strip()]
    if not names:
        raise wire.missing_param("fields")
    if len(names) > FIELDS_MAX and org.switches["too_many_fields_refused"]:
        raise wire.refused(
            400, "LIMIT_EXCEEDED", "fields limit exceeded", {"param_name": "fields", "limit": FIELDS_MAX}
        )
    token = given.get("page_token")
    if token is not None and "page" in given:
        raise _ambiguous("page", "page_token")
    if "cvid" in given and "sort_by" in given:
        raise _ambiguous("cvid", "sort_by")
    sort_by, order = given.get("sort_by", "id"), given.get("sort_order", "desc")
    if sort_by not in SORTS:
        raise wire.bad_param("sort_by")
    if order not in ("asc", "desc"):
        raise wire.bad_param("sort_order")
    if "cvid" in given and given["cvid"] not in views(module):
        raise wire.bad_param("cvid")
    page = call.number("page", 1)
    per_page = call.number("per_page", PER_PAGE_MAX, highest=PER_PAGE_MAX)
    if token is None and page * per_page > DISCRETE_MAX:
        message = f"You have reached the limit of {DISCRETE_MAX} records: use page_token"
        raise wire.refused(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, {"limit": DISCRETE_MAX})
    since = since_header(call)
    bound = binding(call.request.path, given, since)
    walk = None if token is None else open_token(token, bound=bound, user=call.user_id, now=org.now())
    return ListQuery(
        fields=tuple(names[:FIELDS_MAX]),
        page=page if walk is None else walk.page,
        per_page=per_page,
        sort_by=sort_by,
        descending=order == "desc",
        view=views(module)[given["cvid"]][1] if "cvid" in given else None,
        ids=_ids(call, module),
        since=since,
        walk=walk,
        bound=bound,
    )


def _ambiguous(first: str, second: str) -> wire.Refused:
    details = {"ambiguity_due_to": [{"param_name": first}, {"param_name": second}]}
    return wire.refused(400, "AMBIGUITY_DURING_PROCESSING", "ambiguity during processing", details)


def since_header(call: Call) -> str | None:
    """If-Modified-Since as the books write it; 400 INVALID_DATA for a header that is no time."""
    text = call.request.headers.get("if-modified-since")
    if text is None:
        return None
    found = wire.parse_header_stamp(text)
    if found is None:
        raise wire.refused(400, "INVALID_DATA", "invalid data", {"header_name": "If-Modified-Since"})
    return found


def _ids(call: Call, module: Module) -> tuple[str, ...] | None:
    text = call.request.query.get("ids")
    if text is None:
        return None
    raw = [part.strip() for part in text.split(",") if part.strip()]
    if not raw or len(raw) > call.org.switches["ids_max"]:
        raise wire.bad_param("ids")
    outside = external.of_call(call)
    return tuple(found for part in raw if (found := outside.record_id(module, part)) is not None)


def _selection(org: Org, module: Module, query: ListQuery) -> list[Position]:
    """The positions of all rows that the query means, ascending; kept until the table changes."""
    ordering = org.books.ordering(module.table, query.sort_by)
    if query.since is None and query.view != "own" and query.ids is None:
        return ordering
    key = (module.table, org.books.revision(module.table), query.sort_by, query.since, query.view, query.ids)
    found = org.selections.get(key)
    if found is None:
        found = _filtered(org, module, query, ordering)
        org.keep(key, found)
    return found


def _filtered(org: Org, module: Module, query: ListQuery, ordering: list[Position]) -> list[Position]:
    books, table = org.books, module.table
    found = ordering
    if query.since is not None:  # strictly later, whole seconds (zoho.md 3 [inferred])
        by_time = books.ordering(table, "Modified_Time")
        tail = by_time[bisect_right(by_time, (query.since, 1 << 80)) :]
        wanted = {row_id for _, row_id in tail}
        found = tail if query.sort_by == "Modified_Time" else [item for item in ordering if item[1] in wanted]
    if query.ids is not None:
        wanted = {int(row_id) for row_id in query.ids}
        found = [item for item in found if item[1] in wanted]
    if query.view == "own":
        found = [item for item in found if (books.look(table, str(item[1])) or {}).get("Owner") == SYNC_USER]
    return found


def _start(org: Org, query: ListQuery, positions: list[Position]) -> int:
    """How many rows, in the order of reading, come before this page."""
    if query.walk is None:
        return (query.page - 1) * query.per_page
    if query.walk.after is None or org.switches["page_token_walk"] == "offset":
        return query.walk.served
    if query.descending:
        return len(positions) - bisect_left(positions, query.walk.after)
    return bisect_right(positions, query.walk.after)


def _page(call: Call, module: Module, query: ListQuery, positions: list[Position]) -> Response:
    org = call.org
    start, size = _start(org, query, positions), query.per_page
    hidden = _held_back(call, module, query)
    wanted = size + 2  # one more to know of more, one in case a row is held back
    if query.descending:
        top = max(len(positions) - start, 0)
        window = positions[max(top - wanted, 0) : top][::-1]
    else:
        window = positions[start : start + wanted]
    window = [item for item in window if str(item[1]) != hidden]
    page, more = window[:size], len(window) > size
    if not page:
        return wire.nothing(304 if query.since is not None and query.page == 1 else 204)
    page, more, shown = _repeat(call, query, page, more)
    rows = [row for _, row_id in shown if (row := org.books.look(module.table, str(row_id))) is not None]
    show = renderer(org, module, list_fields(module, query.fields), cut=org.switches["rich_text_cut"])
    records = spoilt(call, module, [show(row) for row in rows])
    served = (query.walk.served if query.walk else (query.page - 1) * size) + len(page)
    ahead = Walk(
        bound=query.bound,
        user=call.user_id,
        expires=wire.later(org.now(), org.switches["page_token_life_s"]),
        page=query.page + 1,
        served=served,
        after=page[-1],
        hidden=hidden,
    )
    return wire.reply({"data": records, "info": _info(org, query, len(records), ahead if more else None)})


def _info(org: Org, query: ListQuery, count: int, ahead: Walk | None) -> dict[str, Any]:
    info: dict[str, Any] = {
        "call": False,
        "per_page": query.per_page,
        "count": count,
        "page": query.page,
        "sort_by": query.sort_by,
        "sort_order": "desc" if query.descending else "asc",
        "email": False,
        "more_records": ahead is not None,
    }
    if ahead is not None:
        info["next_page_token"] = seal(ahead)
        info["previous_page_token"] = None
        info["page_token_expiry"] = org.local(ahead.expires)
    elif org.switches["null_page_tokens"]:
        info |= {"next_page_token": None, "previous_page_token": None, "page_token_expiry": None}
    return info


def _repeat(
    call: Call, query: ListQuery, page: list[Position], more: bool
) -> tuple[list[Position], bool, list[Position]]:
    """The page, whether more follow, and what is shown of it: one row twice if that fault is due and nothing is lost.

    A short page shows its first row again. A full page by token shows the last row of the page before and leaves its
    own last row to the next page; a full page by number has no way to do so and stays as it is.
    """
    if len(page) < query.per_page:
        return page, more, [*page, page[0]] if call.happens(Fault.DUPLICATED_ROW) else page
    before = query.walk.after if query.walk else None
    if before is None or len(page) < 2 or not call.happens(Fault.DUPLICATED_ROW):
        return page, more, page
    return page[:-1], True, [before, *page[:-1]]


def _held_back(call: Call, module: Module, query: ListQuery) -> str | None:
    """The row that stays unseen in this walk: the newest one with an earlier stamp than the last, if the fault is due."""
    if query.walk is not None:
        return query.walk.hidden
    by_time = call.org.books.ordering(module.table, "Modified_Time")
    place = bisect_left(by_time, (by_time[-1][0], 0)) - 1 if by_time else -1
    if query.page > 1 or place < 0 or (query.since is not None and by_time[place][0] <= query.since):
        return None
    return str(by_time[place][1]) if call.happens(Fault.LATE_STAMP) else None


def _tie(call: Call, module: Module, query: ListQuery, positions: list[Position]) -> list[Position]:
    """Many of the newest rows get one modification stamp, if that fault is due."""
    by_time = call.org.books.ordering(module.table, "Modified_Time")
    if len(by_time) < 2 or not call.happens(Fault.TIED_STAMPS):
        return positions
    newest = by_time[-1][0]
    for _, row_id in by_time[-_TIES_MAX:]:
        call.org.books.update(module.table, str(row_id), {"Modified_Time": newest})
    return _selection(call.org, module, query)


def _drift(call: Call, module: Module, query: ListQuery, positions: list[Position]) -> list[Position]:
    """A row that was read already changes now and moves to the newest end, if that fault is due."""
    if not positions or not call.happens(Fault.PAGE_DRIFT):
        return positions
    row_id = str(positions[-1 if query.descending else 0][1])
    changes = {"Modified_Time": max(call.org.now(), wire.later(positions[-1][0], 1) if positions[-1][0] else "")}
    call.org.books.update(module.table, row_id, changes)
    return _selection(call.org, module, query)


def read_record(call: Call, module: Module, raw_id: str) -> Response:
    """One record with its subforms; 204 for an id that is unknown or deleted, 400 for one that is no number."""
    row = find_row(call, module, raw_id)
    if row is None:
        gone = raw_id in {row_id for row_id, _ in call.org.books.peek("recycle_bin")}
        if call.org.switches["deleted_id_status" if gone else "unknown_id_status"] == 204:
            return wire.nothing()
        raise wire.refused(400, "INVALID_DATA", "the id given seems to be invalid", {"resource_path_index": 1})
    since = since_header(call)
    if since is not None and row["Modified_Time"] <= since:
        return wire.nothing(304)
    names = [name.strip() for name in call.request.query.get("fields", "").split(",") if name.strip()]
    record = whole_record(call.org, module, row, names[:FIELDS_MAX] or None)
    return wire.reply({"data": spoilt(call, module, [record])})


def find_row(call: Call, module: Module, raw_id: str) -> Row | None:
    """The record that the path names, by id or by an external id; 400 for an id that is no number."""
    outside = external.of_call(call)
    if not outside.names_records(module) and not (raw_id.isascii() and raw_id.isdigit()):
        raise wire.refused(400, "INVALID_DATA", "invalid data", {"resource_path_index": 1})
    record_id = outside.record_id(module, raw_id)
    return None if record_id is None else call.org.books.look(module.table, record_id)


def count_records(call: Call, module: Module, matches: Callable[[Row], bool] | None) -> Response:
    """GET /{module}/actions/count."""
    rows = call.org.books.peek(module.table)
    return wire.reply({"count": len(rows) if matches is None else sum(1 for _, row in rows if matches(row))})
