"""Deletion, the recycle bin and the list of deleted records: zoho.md 6."""

from __future__ import annotations

from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Response

from . import external, wire
from .fields import Module
from .lists import PER_PAGE_MAX, since_header
from .org import Call, Event, Org
from .values import record_name
from .writes import answer

IDS_MAX = 100
_DAY_S = 86_400
_TYPES = ("all", "recycle", "permanent")


def delete(call: Call, module: Module, raw_id: str | None) -> Response:
    """DELETE /{module}?ids=a,b or /{module}/{id}: 200, 207 or 400 with a result per record."""
    raw_ids = [raw_id] if raw_id is not None else _raw_ids(call)
    results = []
    with call.org.books.lock:
        for index, raw in enumerate(raw_ids):
            results.append(_delete_one(call, module, raw, len(raw_ids), index))
    return answer(call, results, good=200, mixed="mixed_delete_status")


def _raw_ids(call: Call) -> list[str]:
    text = call.request.query.get("ids")
    if text is None:
        raise wire.missing_param("ids")
    raw_ids = [part.strip() for part in text.split(",") if part.strip()]
    if not raw_ids:
        raise wire.missing_param("ids")
    if len(raw_ids) > IDS_MAX:
        raise wire.refused(400, "LIMIT_EXCEEDED", "ids limit exceeded", {"param_name": "ids", "limit": IDS_MAX})
    return raw_ids


def _delete_one(call: Call, module: Module, raw: str, total: int, index: int) -> dict[str, Any]:
    middle = (total + 1) // 2
    if total > 1 and index == middle and call.happens(Fault.HALF_FAILED_BATCH, is_write=True):
        call.half_failed = True
    if call.half_failed:
        return wire.problem("RECORD_LOCKED", "record is locked", {"id": raw})
    outside = external.of_call(call)
    record_id = outside.record_id(module, raw)
    if record_id is None or call.org.books.look(module.table, record_id) is None:
        return wire.problem("INVALID_DATA", "record not deleted", {"id": raw})
    bin_record(call.org, module, record_id, call.user_id)
    call.events.append(Event(module, "delete", record_id, {}))
    return {"code": "SUCCESS", "details": {"id": record_id}, "message": "record deleted", "status": "success"}


def bin_record(org: Org, module: Module, record_id: str, user_id: str) -> None:
    """Move a record to the recycle bin; KeyError if there is none."""
    row = org.books.remove(module.table, record_id)
    entry = {"id": record_id, "table": module.table, "row": row, "deleted_time": org.now(), "deleted_by": user_id}
    org.books.put("recycle_bin", record_id, {**entry, "purged_time": None})


def restore_record(org: Org, record_id: str) -> None:
    """Bring a record back from the recycle bin with its id (zoho.md 6); KeyError if it is not there."""
    entry = org.books.get("recycle_bin", record_id)
    if entry is None or _state(org, entry)[0] != "recycle":
        raise KeyError(f"no record {record_id} in the recycle bin")
    org.books.remove("recycle_bin", record_id)
    org.books.put(entry["table"], record_id, {**entry["row"], "Modified_Time": org.now()})


def purge_record(org: Org, record_id: str) -> None:
    """Delete a record of the recycle bin for good; KeyError if it is not there."""
    org.books.update("recycle_bin", record_id, {"purged_time": org.now()})


def _state(org: Org, entry: Row) -> tuple[str, str]:
    """``recycle``, ``permanent`` or ``unlisted``, and since when: both periods end by the clock."""
    now = org.now()
    bin_ends = wire.later(entry["deleted_time"], org.switches["recycle_days"] * _DAY_S)
    purged = entry["purged_time"] or (bin_ends if now >= bin_ends else None)
    if purged is None:
        return "recycle", entry["deleted_time"]
    listed_until = wire.later(purged, org.switches["permanent_days"] * _DAY_S)
    return ("unlisted" if now >= listed_until else "permanent"), purged


def deleted_list(call: Call, module: Module) -> Response:
    """GET /{module}/deleted: newest first; 204 when none."""
    org, wanted = call.org, call.request.query.get("type", "all")
    if wanted not in _TYPES:
        details = {"param_name": "type", "supported_values": list(_TYPES)}
        raise wire.refused(400, "PATTERN_NOT_MATCHED", "Please check whether the input values are correct", details)
    page, per_page = call.number("page", 1), call.number("per_page", PER_PAGE_MAX, highest=PER_PAGE_MAX)
    since = since_header(call)
    found: list[tuple[str, int, dict[str, Any]]] = []
    for record_id, entry in org.books.peek("recycle_bin"):
        state, moment = _state(org, entry)
        if entry["table"] != module.table or state == "unlisted" or wanted not in ("all", state):
            continue
        if since is None or moment > since:
            found.append((moment, int(record_id), _shown(org, module, entry, state, moment)))
    found.sort(key=lambda item: item[:2], reverse=bool(org.switches["deleted_newest_first"]))
    start = (page - 1) * per_page
    rows = [item[2] for item in found[start : start + per_page]]
    if not rows:
        return wire.nothing()
    info = {"per_page": per_page, "count": len(rows), "page": page, "more_records": len(found) > start + per_page}
    return wire.reply({"data": rows, "info": info})


def _shown(org: Org, module: Module, entry: Row, state: str, moment: str) -> dict[str, Any]:
    row = entry["row"]
    shown: dict[str, Any] = {
        "id": entry["id"],
        "display_name": record_name(module, row),
        "type": state,
        "deleted_time": org.local(moment),
        "deleted_by": org.user(entry["deleted_by"]),
        "created_by": org.user(row["Created_By"]),
    }
    if state == "permanent" and org.switches["purged_names_null"]:
        shown |= {"display_name": None, "deleted_by": None, "created_by": None}
    return shown
