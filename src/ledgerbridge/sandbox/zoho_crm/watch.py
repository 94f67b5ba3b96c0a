"""Notification channels: zoho.md 8. A post is put into the org's outbox once; nothing is sent, nothing is repeated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.web import Response

from . import wire
from .external import plain_id
from .fields import Module
from .org import Call, Event, Org, Post

TOKEN_MAX = 50
_ACTIONS = ("create", "edit", "delete", "all")
_BY_OPERATION = {"insert": "create", "update": "edit", "delete": "delete"}
_SUBSCRIBED = "Successfully subscribed for actions-watch of the given module"


def enable(call: Call) -> Response:
    """POST /actions/watch: new channels, 201."""
    return _answer(call, [_enable(call, item, n) for n, item in enumerate(_items(call))], good=201)


def replace(call: Call) -> Response:
    """PUT /actions/watch: existing channels anew."""
    results = []
    for index, item in enumerate(_items(call)):
        missing = _unknown_channel(call, item, index)
        results.append(missing or _enable(call, item, index))
    return _answer(call, results, good=200)


def change(call: Call) -> Response:
    """PATCH /actions/watch: the keys given replace those of existing channels; ``_delete_events`` drops them."""
    results = []
    for index, item in enumerate(_items(call)):
        missing = _unknown_channel(call, item, index)
        if missing is not None:
            results.append(missing)
            continue
        held = call.org.books.get("watch", str(item["channel_id"])) or {}
        if item.get("_delete_events") is True:
            call.org.books.remove("watch", held["channel_id"])
            results.append(_success(call, held, "Successfully un-subscribed for actions-watch of the given module"))
        else:
            given = {key: value for key, value in item.items() if not key.startswith("_")}
            kept = {**held["given"], "channel_expiry": call.org.local(held["expires"])}
            results.append(_enable(call, {**kept, **given}, index))
    return _answer(call, results, good=200)


def listing(call: Call) -> Response:
    """GET /actions/watch?channel_id=&module=: live channels, one row per channel and module; 204 when none."""
    org, given = call.org, call.request.query
    rows = []
    for channel in _live(org):
        if "channel_id" in given and channel["channel_id"] != given["channel_id"]:
            continue
        for module in _modules(org, channel["events"]):
            if given.get("module", module.api_name) == module.api_name:
                rows.append(_listed(org, channel, module))
    if not rows:
        return wire.nothing()
    info = {"per_page": 200, "count": len(rows), "page": 1, "more_records": False}
    return wire.reply({"watch": rows, "info": info})


def disable(call: Call) -> Response:
    """DELETE /actions/watch?channel_ids=a,b."""
    text = call.request.query.get("channel_ids", "")
    ids = [part.strip() for part in text.split(",") if part.strip()]
    if not ids:
        raise wire.missing_param("channel_ids")
    results = []
    for channel_id in ids:
        held = call.org.books.get("watch", channel_id)
        if held is None:
            results.append(wire.problem("INVALID_DATA", "the channel id given seems to be invalid", {"id": channel_id}))
        else:
            call.org.books.remove("watch", channel_id)
            results.append(_success(call, held, "Successfully un-subscribed for actions-watch of the given module"))
    return _answer(call, results, good=200)


def _items(call: Call) -> list[dict[str, Any]]:
    items = call.object("watch")["watch"]
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        details = {"expected_data_type": "jsonarray", "api_name": "watch", "json_path": "$.watch"}
        raise wire.refused(400, "INVALID_DATA", "invalid data", details)
    return items


def _bad(
    index: int, name: str, code: str = "INVALID_DATA", message: str = "invalid data", **more: Any
) -> dict[str, Any]:
    return wire.problem(code, message, {"api_name": name, "json_path": f"$.watch[{index}].{name}", **more})


def _unknown_channel(call: Call, item: dict[str, Any], index: int) -> dict[str, Any] | None:
    channel_id = plain_id(item.get("channel_id"))
    if channel_id is not None and call.org.books.look("watch", channel_id) is not None:
        return None
    return _bad(index, "channel_id", message="the channel id given seems to be invalid")


def _enable(call: Call, item: dict[str, Any], index: int) -> dict[str, Any]:
    """Check one channel and keep it."""
    org = call.org
    if item.get("channel_id") is None and org.switches["channel_id_required"]:
        return _bad(index, "channel_id", "MANDATORY_NOT_FOUND", "required field not found")
    given_id = item.get("channel_id")
    channel_id = plain_id(given_id if given_id is not None else org.books.next_serial("channel", 1_000_000_068_001))
    if channel_id is None:
        return _bad(index, "channel_id", expected_data_type="long")
    if not isinstance(item.get("notify_url"), str) or not item["notify_url"].startswith(("http://", "https://")):
        missing = item.get("notify_url") is None
        code = ("MANDATORY_NOT_FOUND", "required field not found") if missing else ("INVALID_DATA", "invalid data")
        return _bad(index, "notify_url", *code)
    token = item.get("token")
    if token is not None and (not isinstance(token, str) or len(token) > TOKEN_MAX):
        return _bad(index, "token", maximum_length=TOKEN_MAX)
    events = item.get("events")
    wrong = _wrong_event(org, events)
    if wrong is not None:
        return (
            _bad(index, wrong) if events else _bad(index, "events", "MANDATORY_NOT_FOUND", "required field not found")
        )
    names, too_many = _conditions(org, item.get("notification_condition"))
    if too_many:
        return _bad(index, "notification_condition", "LIMIT_EXCEEDED", "limit exceeded")
    expires = _expiry(org, item.get("channel_expiry"))
    if expires is None:
        return _bad(index, "channel_expiry", expected_data_type="datetime")
    row: Row = {
        "channel_id": channel_id,
        "events": list(events or ()),
        "expires": expires,
        "token": token,
        "notify_url": item["notify_url"],
        "values": item.get("return_affected_field_values") is True,
        "fields": names,
        "given": {key: value for key, value in item.items() if key != "channel_expiry"},
    }
    org.books.put("watch", channel_id, row)
    return _success(call, row, _SUBSCRIBED)


def _wrong_event(org: Org, events: Any) -> str | None:
    """Where the list of events is wrong, None where it is right."""
    if not isinstance(events, list) or not events:
        return "events"
    for number, event in enumerate(events):
        name, _, action = str(event).partition(".")
        module = org.schema.get(name)
        if module is None or module.is_subform or action not in _ACTIONS:
            return f"events[{number}]"
    return None


def _conditions(org: Org, given: Any) -> tuple[dict[str, list[str]] | None, bool]:
    """Fields by module whose edits alone are told, and whether there are too many (zoho.md 8 [1])."""
    if not given:
        return None, False
    found: dict[str, list[str]] = {}
    try:
        for condition in given if isinstance(given, list) else [given]:
            names = found.setdefault(condition["module"]["api_name"], [])
            names += _condition_fields(condition["field_selection"])
    except (KeyError, TypeError, AttributeError) as error:
        details = {"api_name": "notification_condition", "json_path": "$.watch[*].notification_condition"}
        raise wire.refused(400, "INVALID_DATA", "invalid data", details) from error
    return found, any(len(names) > org.switches["watch_fields_max"] for names in found.values())


def _condition_fields(selection: dict[str, Any]) -> list[str]:
    names = [str(selection["field"]["api_name"])] if selection.get("field") else []
    for part in selection.get("group") or ():
        names += _condition_fields(part)
    return names


def _expiry(org: Org, given: Any) -> str | None:
    """When a channel ends: as asked for up to a week ahead, an hour from now where missing or further ahead."""
    now = org.now()
    default = wire.later(now, org.switches["watch_default_s"])
    if given is None:
        return default
    wanted = wire.parse_stamp(given) if isinstance(given, str) else None
    if wanted is None or wanted <= now:
        return None
    return default if wanted > wire.later(now, org.switches["watch_days_max"] * 86_400) else wanted


def _modules(org: Org, events: Iterable[str]) -> list[Module]:
    names = dict.fromkeys(event.partition(".")[0] for event in events)
    return [org.schema[name] for name in names if name in org.schema]


def _live(org: Org) -> list[Row]:
    now = org.now()
    return [row for _, row in org.books.peek("watch") if row["expires"] > now]


def _event_of(call: Call, channel: Row, module: Module) -> dict[str, Any]:
    return {
        "channel_expiry": call.org.local(channel["expires"]),
        "resource_uri": f"{call.org.base_url}/crm/v8/{module.api_name}",
        "resource_id": module.id,
        "resource_name": module.api_name,
        "channel_id": channel["channel_id"],
    }


def _success(call: Call, channel: Row, message: str) -> dict[str, Any]:
    events = [_event_of(call, channel, module) for module in _modules(call.org, channel["events"])]
    return {"code": "SUCCESS", "details": {"events": events}, "message": message, "status": "success"}


def _listed(org: Org, channel: Row, module: Module) -> dict[str, Any]:
    return {
        "notify_on_related_action": False,
        "channel_expiry": org.local(channel["expires"]),
        "return_affected_field_values": channel["values"],
        "resource_uri": f"{org.base_url}/crm/v8/{module.api_name}",
        "resource_id": module.id,
        "notify_url": channel["notify_url"],
        "resource_name": module.api_name,
        "fields": None,
        "notification_condition": channel["given"].get("notification_condition"),
        "channel_id": channel["channel_id"],
        "events": [event for event in channel["events"] if event.partition(".")[0] == module.api_name],
        "token": channel["token"],
    }


def _answer(call: Call, results: list[dict[str, Any]], *, good: int) -> Response:
    well = sum(1 for result in results if result["status"] == "success")
    status = good if well == len(results) else 400 if well == 0 else int(call.org.switches["mixed_status"])
    return wire.reply({"watch": results}, status)


def announce(org: Org, events: list[Event]) -> None:
    """Put one post per channel, module and operation of a call into the outbox, with all the ids it touched."""
    groups: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        groups.setdefault((event.module.api_name, event.operation), []).append(event)
    for (name, operation), group in groups.items():
        for channel in _live(org):
            told = [event for event in group if _concerns(channel, event)]
            if told:
                body = _notification(org, channel, name, operation, told)
                headers = {"Content-Type": "application/json"}
                org.outbox.append(Post(channel["notify_url"], wire.dumps(body).encode(), headers))


def _concerns(channel: Row, event: Event) -> bool:
    name = event.module.api_name
    if not {f"{name}.{_BY_OPERATION[event.operation]}", f"{name}.all"} & set(channel["events"]):
        return False
    limited = (channel["fields"] or {}).get(name)
    return event.operation != "update" or not limited or bool(set(limited) & set(event.changed))


def _notification(org: Org, channel: Row, name: str, operation: str, events: list[Event]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "server_time": int(datetime.fromisoformat(org.now()).timestamp()) * 1000,
        "module": name,
        "operation": operation,
        "ids": [event.record_id for event in events],
        "channel_id": channel["channel_id"],
        "token": channel["token"],
        "resource_uri": f"{org.base_url}/crm/v8/{name}",
        "query_params": {},
        "affected_fields": [{event.record_id: sorted(event.changed)} for event in events if operation == "update"],
    }
    if channel["values"]:
        body["affected_values"] = [{"record_id": event.record_id, "values": event.changed} for event in events]
    return body
