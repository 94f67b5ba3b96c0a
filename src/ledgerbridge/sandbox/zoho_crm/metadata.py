"""What the org says of itself: org, users, currencies, modules, fields, related lists, views (zoho.md 11, 12, 16)."""

from __future__ import annotations

from typing import Any

from ledgerbridge.sandbox.web import Response

from . import wire
from .fields import Field, Module
from .lists import since_header, views
from .org import BASE_CURRENCY, ORG_ID, SYNC_USER, ZGID, Call, Org
from .values import choices, json_type

_BUILT = "2026-01-01T00:00:00+00:00"


def org_reply(call: Call) -> Response:
    """GET /org."""
    org = call.org
    base = org.currency(BASE_CURRENCY) or {}
    shown = {
        "id": ORG_ID,
        "zgid": ZGID,
        "company_name": "Sandbox Trading",
        "primary_email": org.books.rows("users")[0]["email"],
        "country_code": "CN",
        "time_zone": "Asia/Shanghai",
        "iso_code": BASE_CURRENCY,
        "currency": f"{base.get('name')} - {BASE_CURRENCY}",
        "currency_symbol": base.get("symbol"),
        "currency_locale": "zh_CN",
        "mc_status": bool(org.switches["multi_currency"]),
        "license_details": {"paid": org.switches["edition"] != "free", "paid_type": org.switches["edition"]},
    }
    return wire.reply({"org": [shown]})


def users_reply(call: Call) -> Response:
    """GET /users?type= and GET /users/{id}; 204 when none."""
    org = call.org
    wanted = call.request.query.get("type", "AllUsers")
    rows = org.books.rows("users")
    if len(call.parts) > 1:
        rows = [row for row in rows if row["id"] == call.parts[1]]
    elif wanted == "CurrentUser":
        rows = [row for row in rows if row["id"] == call.user_id]
    elif wanted == "AdminUsers":
        rows = [row for row in rows if row["profile"] == "Administrator"]
    elif wanted not in ("AllUsers", "ActiveUsers", "ActiveConfirmedUsers", "ConfirmedUsers"):
        rows = []
    if not rows:
        return wire.nothing()
    info = {"per_page": 200, "count": len(rows), "page": 1, "more_records": False}
    return wire.reply({"users": [_user(org, row) for row in rows], "info": info})


def _user(org: Org, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "full_name": row["full_name"],
        "email": row["email"],
        "zuid": row["id"][-9:],
        "status": "active",
        "confirm": True,
        "time_zone": "Asia/Shanghai",
        "offset": 28_800_000,
        "locale": "zh_CN",
        "language": "zh_CN",
        "country": "cn",
        "profile": {
            "name": row["profile"],
            "id": "550000000000026001" if row["id"] == SYNC_USER else "550000000000026002",
        },
        "role": {"name": "CEO", "id": "550000000000026005"},
        "created_time": org.local(_BUILT),
        "Modified_Time": org.local(_BUILT),
    }


def currencies_reply(call: Call) -> Response:
    """GET /org/currencies and /org/currencies/{id}; 204 when none: rates are strings of nine decimals."""
    org = call.org
    rows = org.books.rows("currencies") if org.switches["multi_currency"] else []
    if len(call.parts) > 2:
        rows = [row for row in rows if row["id"] == call.parts[2]]
    if not rows:
        return wire.nothing()
    return wire.reply({"currencies": [_currency(org, row) for row in rows]})


def _currency(org: Org, row: dict[str, Any]) -> dict[str, Any]:
    places = "0" if row["iso_code"] == "JPY" else "2"
    return {
        "id": row["id"],
        "iso_code": row["iso_code"],
        "name": f"{row['name']} - {row['iso_code']}",
        "symbol": row["symbol"],
        "exchange_rate": row["exchange_rate"],
        "is_base": row["is_base"],
        "is_active": row["is_active"],
        "prefix_symbol": True,
        "format": {"decimal_separator": "Period", "thousand_separator": "Comma", "decimal_places": places},
        "created_by": org.user(SYNC_USER),
        "modified_by": org.user(SYNC_USER),
        "created_time": org.local(row["created_time"]),
        "modified_time": org.local(row["modified_time"]),
    }


def modules_reply(call: Call) -> Response:
    """GET /settings/modules (304 if not later than If-Modified-Since) and /settings/modules/{name}."""
    since = since_header(call)
    if len(call.parts) > 2:
        return wire.reply({"modules": [_module(call.org, module_named(call.org, call.parts[2], 2))]})
    if since is not None and since >= _BUILT:
        return wire.nothing(304)
    return wire.reply({"modules": [_module(call.org, module) for module in call.org.schema.values()]})


def module_named(org: Org, name: str, index: int = 0) -> Module:
    """A module by its API name; 400 INVALID_MODULE otherwise (zoho.md 3)."""
    found = org.schema.get(name)
    if found is None:
        details = {"resource_path_index": index}
        raise wire.refused(400, "INVALID_MODULE", "the module name given seems to be invalid", details)
    return found


def _module(org: Org, module: Module) -> dict[str, Any]:
    editable = not module.is_subform
    return {
        "id": module.id,
        "api_name": module.api_name,
        "module_name": module.api_name,
        "singular_label": module.singular,
        "plural_label": module.api_name,
        "generated_type": module.kind,
        "api_supported": True,
        "creatable": editable,
        "editable": editable,
        "deletable": editable,
        "viewable": editable,
        "visible": editable,
        "status": "visible" if editable else "system_hidden",
        "per_page_record_count": 200,
        "sequence_number": int(module.id[-5:-3]),
        "modified_time": org.local(_BUILT),
        "modified_by": None,
        "profiles": [{"name": "Administrator", "id": "550000000000026001"}],
    }


def fields_reply(call: Call) -> Response:
    """GET /settings/fields?module= and /settings/fields/{id}?module=."""
    name = call.request.query.get("module")
    if not name:
        raise wire.missing_param("module")
    module = module_named(call.org, name)
    fields = list(module.fields.values())
    if len(call.parts) > 2:
        fields = [field for field in fields if field.id == call.parts[2]]
    if not fields:
        return wire.nothing()
    return wire.reply({"fields": [_field(call.org, module, field) for field in fields]})


def _field(org: Org, module: Module, field: Field) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": field.id,
        "api_name": field.api_name,
        "field_label": field.api_name.strip("_$").replace("_", " "),
        "display_label": field.api_name.strip("_$").replace("_", " "),
        "data_type": field.data_type,
        "json_type": json_type(field),
        "length": field.length,
        "system_mandatory": field.mandatory,
        "custom_field": field.own,
        "read_only": field.read_only,
        "field_read_only": field.read_only,
        "visible": True,
        "unique": {"casesensitive": False} if field.unique else {},
        "external": {"type": "org", "show": True} if field.external else None,
        "decimal_place": field.decimals or None,
        "lookup": {},
        "pick_list_values": [],
        "formula": {},
        "currency": {},
        "created_source": "default" if not field.own else "user",
        "operation_type": {"web_create": not field.read_only, "api_create": not field.read_only},
    }
    target = org.schema.get(field.target)
    target_id = target.id if target else f"{module.id[:-3]}999"
    if field.data_type == "lookup":
        shown["lookup"] = {
            "display_label": module.api_name,
            "api_name": module.api_name,
            "module": {"api_name": field.target, "id": target_id},
            "id": field.id,
        }
    elif field.data_type == "subform":
        shown["associated_module"] = {"module": field.target, "id": target_id}
    elif field.data_type == "picklist":
        shown["pick_list_values"] = [
            {"display_value": value, "actual_value": value, "id": f"{field.id}{number:02}", "sequence_number": number}
            for number, value in enumerate(("-None-", *choices(org, field)), start=1)
        ]
    elif field.data_type == "formula":
        shown["formula"] = {"return_type": "currency", "expression": None}
    if field.data_type in ("currency", "formula"):
        shown["currency"] = {"rounding_option": "round_half_up", "precision": field.decimals}
    return shown


def related_lists_reply(call: Call) -> Response:
    """GET /settings/related_lists?module=: every module that looks up to this one; 204 when none."""
    name = call.request.query.get("module")
    if not name:
        raise wire.missing_param("module")
    parent = module_named(call.org, name)
    found: list[dict[str, Any]] = []
    for module in call.org.schema.values():
        lookups = [field for field in module.fields.values() if field.target == name and field.data_type == "lookup"]
        if module.is_subform or not lookups:
            continue
        found.append(
            {
                "id": f"{parent.id[:-3]}8{len(found):02}",
                "api_name": module.api_name,
                "name": module.api_name,
                "display_label": module.api_name,
                "module": {"api_name": module.api_name, "id": module.id},
                "href": f"{name}/{{ENTITYID}}/{module.api_name}",
                "type": "default",
                "action": None,
                "sequence_number": len(found) + 1,
            }
        )
    return wire.reply({"related_lists": found}) if found else wire.nothing()


def views_reply(call: Call) -> Response:
    """GET /settings/custom_views?module=: the ids that ``cvid`` takes."""
    name = call.request.query.get("module")
    if not name:
        raise wire.missing_param("module")
    module = module_named(call.org, name)
    shown = [
        {
            "id": view_id,
            "name": f"{label} {module.api_name}",
            "system_name": f"{label.upper()}_{module.api_name.upper()}",
            "display_value": f"{label} {module.api_name}",
            "default": label == "All",
            "system_defined": True,
        }
        for view_id, (label, _) in views(module).items()
    ]
    info = {"per_page": 200, "count": len(shown), "page": 1, "more_records": False}
    return wire.reply({"custom_views": shown, "info": info})
