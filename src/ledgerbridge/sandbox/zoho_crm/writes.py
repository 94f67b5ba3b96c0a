"""Insert, update and upsert: zoho.md 5. One call is one transaction of the books; each record has a result of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Response

from . import duplicates, external, wire
from .check import INVALID_ID, Checked, Problem, check_record
from .derive import blank, merged_rows, work_out
from .fields import Module
from .org import Call, Event
from .stock import folded
from .values import shower

BATCH_MAX = 100


@dataclass(slots=True)
class Target:
    """Which record an item of the call means: `record_id` None for a new one, `by` the field that found it."""

    record_id: str | None
    by: str | None = None
    problem: Problem | None = None


def insert(call: Call, module: Module) -> Response:
    """POST /{module}: 201, every record a new one."""
    items = _items(call)
    results = []
    with call.org.books.lock:
        for index, item in enumerate(items):
            results.append(_locked_out(call, items, index) or _write(call, module, item, index, Target(None)))
    return answer(call, results, good=201)


def update(call: Call, module: Module, raw_id: str | None) -> Response:
    """PUT /{module} (an id in each record) or PUT /{module}/{id}."""
    items = _items(call)
    if raw_id is not None:
        items = [{**item, "id": raw_id} for item in items[:1]]
    with call.org.books.lock:
        targets = [_named(call, module, item, index) for index, item in enumerate(items)]
        stale = _stale(call, module, targets)
        results = []
        for index, (item, target) in enumerate(zip(items, targets, strict=True)):
            results.append(
                stale.get(index) or _locked_out(call, items, index) or _write(call, module, item, index, target)
            )
    return answer(call, results, good=200)


def upsert(call: Call, module: Module) -> Response:
    """POST /{module}/upsert: each record updates the one that its keys find, or is new."""
    items = _items(call)
    order = duplicates.check_order(call, module)
    results = []
    with call.org.books.lock:
        stale = _stale(call, module, [_found(call, module, item, n, order) for n, item in enumerate(items)])
        seen: set[tuple[str, str]] = set()
        for index, item in enumerate(items):
            refusal = stale.get(index) or _locked_out(call, items, index)
            if refusal is None:
                target = _found(call, module, item, index, order)
                refusal = _second_of_key(call, module, item, index, target, seen)
            if refusal is not None:
                results.append(refusal)
                continue
            result = _write(call, module, item, index, target)
            if result["status"] == "success":
                result["action"] = "insert" if target.record_id is None else "update"
                result["duplicate_field"] = target.by
            results.append(result)
    return answer(call, results, good=200)


def _items(call: Call) -> list[dict[str, Any]]:
    items = call.object("data")["data"]
    if not isinstance(items, list):
        details = {"expected_data_type": "jsonarray", "api_name": "data", "json_path": "$.data"}
        raise wire.refused(400, "INVALID_DATA", "invalid data", details)
    if len(items) > BATCH_MAX:
        over: dict[str, Any] = {"api_name": "data", "limit": BATCH_MAX, "json_path": "$.data"}
        raise wire.refused(400, "LIMIT_EXCEEDED", f"only {BATCH_MAX} records are allowed in a call", over)
    if not items or not all(isinstance(item, dict) for item in items):
        details = {"expected_data_type": "jsonobject", "api_name": "data", "json_path": "$.data[0]"}
        raise wire.refused(400, "INVALID_DATA", "invalid data", details)
    trigger = call.body().get("trigger")
    if trigger is not None and not isinstance(trigger, list):
        details = {"expected_data_type": "jsonarray", "api_name": "trigger", "json_path": "$.trigger"}
        raise wire.refused(400, "INVALID_DATA", "invalid data", details)
    return items


def _named(call: Call, module: Module, item: Mapping[str, Any], index: int) -> Target:
    """The record that an update names by its id."""
    path = f"$.data[{index}].id"
    if item.get("id") is None:
        details = {"api_name": "id", "json_path": path}
        return Target(None, problem=wire.problem("MANDATORY_NOT_FOUND", "required field not found", details))
    outside = external.of_call(call)
    try:
        record_id = outside.record_id(module, item["id"])
    except wire.Refused:
        details = {"api_name": "id", "json_path": path}
        return Target(
            None, problem=wire.problem("INVALID_DATA", "The value of the external field is invalid.", details)
        )
    if record_id is None or call.org.books.look(module.table, record_id) is None:
        return Target(None, problem=wire.problem("INVALID_DATA", INVALID_ID, {"api_name": "id", "json_path": path}))
    return Target(record_id)


def _found(call: Call, module: Module, item: Mapping[str, Any], index: int, order: list[str]) -> Target:
    """The record that an upsert means: by its id if it has one, else by the first key that finds one."""
    if item.get("id") is not None:
        return _named(call, module, item, index)
    for name in order:
        if item.get(name) not in (None, ""):
            found = call.org.books.ids_by(module.table, name, item[name])
            if found:
                return Target(found[0], by=name)
    return Target(None)


def _second_of_key(
    call: Call, module: Module, item: Mapping[str, Any], index: int, target: Target, seen: set[tuple[str, str]]
) -> dict[str, Any] | None:
    """DUPLICATE_DATA for a key that an earlier record of this call had, where the tenant refuses that."""
    keys = {(f.api_name, folded(item[f.api_name])) for f in module.unique_fields if item.get(f.api_name) is not None}
    twice = sorted(keys & seen)
    seen |= keys
    if not twice or call.org.switches["same_key_updates"] or target.record_id is None:
        return None
    return duplicates.refusal(call.org, module, twice[0][0], f"$.data[{index}]", target.record_id)


def _stale(call: Call, module: Module, targets: list[Target]) -> dict[int, dict[str, Any]]:
    """Results for targets that changed after If-Unmodified-Since; 412 for the whole call, nothing written."""
    text = call.request.headers.get("if-unmodified-since")
    if text is None:
        return {}
    since = wire.parse_header_stamp(text)
    if since is None:
        raise wire.refused(400, "INVALID_DATA", "invalid data", {"header_name": "If-Unmodified-Since"})
    found = {}
    for index, target in enumerate(targets):
        row = None if target.record_id is None else call.org.books.look(module.table, target.record_id)
        if row is not None and row["Modified_Time"] > since:
            message = "The record has been modified after the time given"
            found[index] = wire.problem("ALREADY_MODIFIED", message, details_of(call, row))
    if found and call.org.switches["conditional_whole_call"]:
        raise wire.Refused(wire.reply({"data": list(found.values())}, 412))
    return found


def _locked_out(call: Call, items: list[dict[str, Any]], index: int) -> dict[str, Any] | None:
    """RECORD_LOCKED for the second half of a batch, if that fault is due (asked once, at the middle)."""
    middle = (len(items) + 1) // 2
    if len(items) < 2 or index < middle:
        return None
    if index == middle and call.happens(Fault.HALF_FAILED_BATCH, is_write=True):
        call.half_failed = True
    if not call.half_failed:
        return None
    return wire.problem("RECORD_LOCKED", "record is locked", {"json_path": f"$.data[{index}]"})


def _write(call: Call, module: Module, item: Mapping[str, Any], index: int, target: Target) -> dict[str, Any]:
    """Write one record, or say why not."""
    if target.problem is not None:
        return target.problem
    org, path = call.org, f"$.data[{index}]"
    current = None if target.record_id is None else org.books.get(module.table, target.record_id)
    checked = check_record(org, external.of_call(call), module, item, path, current)
    checked.problems += duplicates.taken(org, module, checked.values, path, target.record_id, is_new=current is None)
    if checked.problems:
        return _one_refusal(call, checked)
    row = current if current is not None else blank(org, module, call.user_id)
    row |= checked.values
    for name, rows in checked.rows.items():
        row[name] = merged_rows(org, row.get(name) or [], rows)
    given = set(checked.values)
    work_out(org, module, row, given=given)
    row["Modified_Time"] = org.now()
    row["Modified_By"] = call.user_id
    org.books.put(module.table, row["id"], row)
    changed = _changes(call, module, row, given | set(checked.rows))
    call.events.append(Event(module, "insert" if current is None else "update", row["id"], changed))
    details = details_of(call, row)
    if current is None:
        details["$approval_state"] = "approved"
    message = "record added" if current is None else "record updated"
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def _changes(call: Call, module: Module, row: Row, names: set[str]) -> dict[str, Any]:
    """The written fields in wire form, for notifications."""
    found: dict[str, Any] = {}
    for name in sorted(names):
        show = shower(call.org, module.fields[name])
        found[name] = row.get(name) if show is None else show(row.get(name))
    return found


def _one_refusal(call: Call, checked: Checked) -> dict[str, Any]:
    if len(checked.problems) == 1 or not call.org.switches["all_errors_of_a_record"]:
        return checked.problems[0]
    return wire.problem("MULTIPLE_OR_MULTI_ERRORS", "Multiple errors in the request", {"errors": checked.problems})


def details_of(call: Call, row: Row) -> dict[str, Any]:
    """Id, times and people of a record, as results show them."""
    org = call.org
    return {
        "id": row["id"],
        "Created_Time": org.local(row["Created_Time"]),
        "Modified_Time": org.local(row["Modified_Time"]),
        "Created_By": org.user(row["Created_By"]),
        "Modified_By": org.user(row["Modified_By"]),
    }


def answer(call: Call, results: list[dict[str, Any]], *, good: int, mixed: str = "mixed_status") -> Response:
    """Results in the order of the input; the status says whether all, some or none went through."""
    well = sum(1 for result in results if result["status"] == "success")
    otherwise = int(call.org.switches["refused_status" if well == 0 else mixed])
    status = good if well == len(results) else otherwise
    return wire.reply({"data": results}, status)
