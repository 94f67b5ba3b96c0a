"""query, get, the light queries, describe and list: everything that only reads (fxiaoke.md 3 and 4).

Also the faults that strike while pages are read; each is taken only where it can happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledgerbridge.sandbox.faults import Fault

from .paging import Page, Search, matching_ids, page, parsed_search
from .people import SYSTEM_ACTOR, Caller
from .presenting import presented
from .schema import ObjectSpec
from .tenant import Tenant

_TIED_MAX = 500


def query(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/query``: `data.dataList`, `offset`, `limit`, `total` (exact, or 0 if not wanted [2+])."""
    search = parsed_search(tenant, spec, body["data"], caller)
    return {"data": _answered(tenant, search, body, caller, recalculated=True)}


def find_simple(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/findSimple``: as query, computed fields not recalculated [2+]."""
    search = parsed_search(tenant, spec, body["data"], caller, is_light=True)
    return {"data": _answered(tenant, search, body, caller, recalculated=False)}


def find_one(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/findOne``: `data.objectData`, the first row or null [2+]; null for none is [inferred]."""
    search = parsed_search(tenant, spec, body["data"], caller, is_light=True)
    rows = _answered(tenant, search, body, caller, recalculated=False)["dataList"]
    return {"data": {"objectData": rows[0] if rows else None}}


def get(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/get``: the row in `data`, void rows included; always the newest state, whatever queries see."""
    row = tenant.must_get(spec, body["data"].get("objectDataId"), caller)
    return {"data": presented(tenant, spec, row, caller, include_null=body.get("includeNull") is True)}


def describe(tenant: Tenant, body: Mapping[str, Any]) -> dict[str, Any]:
    """``object/describe``: `apiName` at the root (legacy clients) or in `data` (manual) [2+]."""
    data = body.get("data")
    api_name = body.get("apiName") or (data.get("apiName") if isinstance(data, dict) else None)
    return {"data": {"describe": tenant.spec(api_name).described()}}


def object_list(tenant: Tenant) -> dict[str, Any]:
    """``object/list``: every object of the tenant [2+]."""
    return {
        "data": {
            "objects": [
                {
                    "describeApiName": spec.api_name,
                    "describeDisplayName": spec.label,
                    "defineType": "custom" if spec.is_custom else "package",
                    "isActive": True,
                }
                for spec in tenant.catalog.values()
            ]
        }
    }


def _answered(
    tenant: Tenant, search: Search, body: Mapping[str, Any], caller: Caller, *, recalculated: bool
) -> dict[str, Any]:
    found = page(tenant, search, caller)
    if found.total > 1 and tenant.faults.take(Fault.TIED_STAMPS, caller.path):
        _tie_stamps(tenant, search, caller)
        found = page(tenant, search, caller)
    rows = [
        presented(
            tenant,
            search.spec,
            row,
            caller,
            only=search.fields,
            include_null=body.get("includeNull") is True,
            recalculated=recalculated,
        )
        for row in found.rows
    ]
    rows = _spoiled(tenant, search, rows, caller)
    _drift(tenant, search, found, caller)
    total = found.total if search.wants_total else 0
    return {"dataList": rows, "offset": search.offset, "limit": search.limit, "total": total}


def _tie_stamps(tenant: Tenant, search: Search, caller: Caller) -> None:
    """Give the rows this query is after the latest of their stamps, so that all of them still pass its filters."""
    ids = matching_ids(tenant, search, caller)[:_TIED_MAX]
    stamps = [(tenant.books.row(search.spec.api_name, row_id) or {})["last_modified_time"] for row_id in ids]
    for row_id in ids:
        tenant.books.update(search.spec.api_name, row_id, {"last_modified_time": max(stamps)})


def _spoiled(tenant: Tenant, search: Search, rows: list[dict[str, Any]], caller: Caller) -> list[dict[str, Any]]:
    """malformed_record, duplicated_row and empty_page, in what goes out only."""
    if not rows:
        return rows
    is_in_walk = search.offset > 0 or any(one.field.api_name == "_id" for one in search.filters)
    if is_in_walk and tenant.faults.take(Fault.EMPTY_PAGE, caller.path):
        # By the sheet's stop rule (rows < limit) this is the end; only who asks again finds the rest.
        return []
    if tenant.faults.take(Fault.MALFORMED_RECORD, caller.path):
        _malform(search.spec, rows[len(rows) // 2])
    room = len(rows) < search.limit
    if (room or (search.is_keyset and search.offset == 0)) and tenant.faults.take(Fault.DUPLICATED_ROW, caller.path):
        # A full keyset page gives up its last row, which the next page then begins with; nothing is lost.
        rows = [rows[0], *rows][: search.limit]
    return rows


def _malform(spec: ObjectSpec, row: dict[str, Any]) -> None:
    """Put a value of a wrong JSON type into an amount, or into the name where there is none."""
    amounts = [name for name in row if name in spec.fields and spec.fields[name].type == "currency"]
    name = amounts[0] if amounts else "name"
    row[name] = {"value": row.get(name)}


def _drift(tenant: Tenant, search: Search, found: Page, caller: Caller) -> None:
    """page_drift: a row already read is saved again by someone, so that it moves behind the reader's back."""
    if not found.rows or found.total <= search.offset + search.limit:
        return
    if not tenant.faults.take(Fault.PAGE_DRIFT, caller.path):
        return
    row = tenant.books.get(search.spec.api_name, found.rows[0]["_id"])
    if row is not None:
        tenant.stamp(row, Caller(SYSTEM_ACTOR))
        tenant.save(search.spec, row, Caller(SYSTEM_ACTOR, path="/screens"))
