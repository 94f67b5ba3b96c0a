"""create and update, with detail rows, approval and the checks of fxiaoke.md 3, 6, 7 and 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledgerbridge.sandbox.books import Row

from .arithmetic import remember_computed, settle
from .details import DetailChange, Details, planned_details, wanted_details
from .people import Caller
from .refusal import illegal
from .schema import ObjectSpec
from .tenant import Tenant
from .values import accepted, check_required, check_unique


def create(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/create``: `dataId` at the root (and `detailIds` if asked for); all or nothing."""
    data = object_data(body)
    fields = accepted(tenant, spec, data, caller)
    details = wanted_details(tenant, spec, body, caller)
    _check_duplicate_search(tenant, spec, body, fields)
    fields.update(_specified(tenant, spec, body, caller))
    owner = (fields.get("owner") or [caller.person])[0]
    row = tenant.fresh_row(spec, fields, owner=owner, at_ms=tenant.now_ms())
    row["created_by"] = fields.get("created_by", [caller.person])
    row["last_modified_by"] = [caller.person]
    if spec.api_name == "AccountObj" and row.get("high_seas_id") and not fields.get("owner"):
        del row["owner"]  # a pool's account has no owner until it is claimed [1]
    if needs_approval(tenant, spec, body):
        row["life_status"] = "under_review"
    check_required(spec, row)
    check_unique(tenant, spec, row["_id"], fields)
    if spec.api_name == "PaymentObj" and not details.get("OrderPaymentObj") and tenant.switches["paymentNeedsLines"]:
        raise illegal("PaymentObj: details.OrderPaymentObj 必填 is required")
    _check_accounts(tenant, spec, row, details)
    planned = planned_details(tenant, spec, row, details, caller)
    remember_computed(tenant, row)
    tenant.save(spec, row, caller)
    for change in planned:
        change.carry_out(tenant, caller)
    settle(
        tenant, [(spec.api_name, row), *(pair for change in planned for pair in change.touched())], written=row["_id"]
    )
    answer: dict[str, Any] = {"dataId": row["_id"]}
    if body.get("includeDetailIds") is True:  # where the answer has them is not documented [inferred]
        answer["detailIds"] = {api: [one.row_id for one in planned if one.spec.api_name == api] for api in details}
    return answer


def update(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/update``: only supplied fields change; a supplied detail list replaces that list [1]."""
    data = object_data(body)
    row = tenant.must_get(spec, data.get("_id"), caller)
    # Only custom objects have the bypass [1]; whether it stands at the root or in `data` is not said, both work.
    skips_lock = spec.is_custom and True in (
        body.get("skipDataStatusValidate"),
        body["data"].get("skipDataStatusValidate"),
    )
    check_changeable(spec, row, skips_lock=skips_lock)
    fields = accepted(tenant, spec, data, caller)
    details = wanted_details(tenant, spec, body, caller)
    owner = fields.pop("owner", row.get("owner"))
    if owner != row.get("owner") and tenant.switches["ownerOnUpdate"] == "reject":
        raise illegal(f"{spec.api_name}.owner cannot be changed by update, use changeOwner")
    if tenant.switches["updateDetails"] == "ignore":
        details = {}
    check_required(spec, {**row, **fields}, only=frozenset(fields))
    check_unique(tenant, spec, row["_id"], fields)
    _check_accounts(tenant, spec, {**row, **fields}, details)
    if needs_approval(tenant, spec, body):
        row["$pending"] = {
            "fields": fields,
            "details": {api: [[one.row_id, one.fields] for one in lines] for api, lines in details.items()},
        }
        row["life_status"] = "in_change"
        tenant.stamp(row, caller)
        tenant.save(spec, row, caller)
        return {}
    apply_changes(tenant, spec, row, fields=fields, details=details, caller=caller)
    return {}


def apply_changes(tenant: Tenant, spec: ObjectSpec, row: Row, *, fields: Row, details: Details, caller: Caller) -> None:
    """Write accepted `fields` and details into `row` (a copy), which counts as one modification."""
    before = dict(row)
    for name, value in fields.items():
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value
    planned = planned_details(tenant, spec, row, details, caller)
    tenant.stamp(row, caller)
    remember_computed(tenant, row)
    tenant.save(spec, row, caller)
    for change in planned:
        change.carry_out(tenant, caller)
    pairs = [pair for change in planned for pair in change.touched()]
    settle(tenant, [(spec.api_name, before), (spec.api_name, row), *pairs], written=row["_id"])


def decide(tenant: Tenant, spec: ObjectSpec, row_id: str, caller: Caller, *, accept: bool) -> None:
    """End the approval of one row: a create becomes normal or ineffective, a held change is applied or dropped."""
    row = tenant.must_get(spec, row_id, caller)
    if row["life_status"] not in ("under_review", "in_change"):
        raise illegal(f"{spec.api_name} {row_id} waits for no approval, its life_status is {row['life_status']}")
    was_change = row["life_status"] == "in_change"
    pending = row.pop("$pending", {"fields": {}, "details": {}})
    row["life_status"] = "normal" if accept or was_change else "ineffective"
    if not accept:
        pending = {"fields": {}, "details": {}}
    details = {api: [DetailChange(*line) for line in lines] for api, lines in pending["details"].items()}
    apply_changes(tenant, spec, row, fields=pending["fields"], details=details, caller=caller)
    if not was_change:
        touched: list[tuple[str, Row | None]] = []
        for detail, line in tenant.details_of(spec, row_id):
            line["life_status"] = row["life_status"]
            tenant.stamp(line, caller)
            tenant.save(detail, line, caller)
            touched.append((detail.api_name, line))
        settle(tenant, touched, written=row_id)


def object_data(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data.object_data` of a create or update."""
    data = body.get("data")
    found = data.get("object_data") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise illegal("data.object_data 必填 is required and must be a map")
    return found


def needs_approval(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any]) -> bool:
    """Whether this write starts an approval flow: triggerApprovalFlow is true by default [2+]."""
    return spec.api_name in tenant.switches["approvalObjects"] and body.get("triggerApprovalFlow", True) is not False


def check_changeable(spec: ObjectSpec, row: Row, *, skips_lock: bool = False) -> None:
    """Refused 32000 for a void or unfinished row, or a locked one [1]."""
    if row["life_status"] in {"invalid", "in_change", "under_review"}:
        raise illegal(f"{spec.api_name} {row['_id']}: life_status {row['life_status']} does not allow this")
    if row["lock_status"] == "1" and not skips_lock:
        raise illegal(f"{spec.api_name} {row['_id']} is locked 锁定")


def _specified(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> Row:
    """System fields that a create may set when the root flags allow it [2+]."""
    data = object_data(body)
    fields: Row = {}
    if body.get("hasSpecifyTime") is True and isinstance(data.get("create_time"), int):
        fields["create_time"] = data["create_time"]
    if body.get("hasSpecifyCreatedBy") is True and data.get("created_by"):
        as_owner = accepted(tenant, spec, {"owner": data["created_by"]}, caller)
        fields["created_by"] = as_owner["owner"]
    return fields


def _check_duplicate_search(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], fields: Row) -> None:
    """查重, only where the caller asks for it: `optionInfo.isDuplicateSearch` or, custom, `checkDuplicateSearch`."""
    if spec.is_custom:
        asked = body.get("checkDuplicateSearch", False)
    else:
        options = body["data"].get("optionInfo", body.get("optionInfo"))
        asked = isinstance(options, dict) and options.get("isDuplicateSearch", False)
    names = tenant.switches["duplicateRules"].get(spec.api_name, ())
    if asked is not True or not names or not all(fields.get(name) for name in names):
        return
    hits = set.intersection(*(tenant.shelf(spec.api_name).with_value(name, fields[name]) for name in names))
    if hits:
        raise illegal(f"{spec.api_name} 重复 duplicate: {', '.join(sorted(hits))} has the same {', '.join(names)}")


def _check_accounts(tenant: Tenant, spec: ObjectSpec, row: Row, details: Details) -> None:
    """The account of a payment or invoice must be that of its orders (fxiaoke.md 7 [inferred])."""
    header = row
    if spec.api_name in ("OrderPaymentObj", "InvoiceApplicationLinesObj") and spec.master_field in row:
        master = spec.fields[spec.master_field].target or ""
        header = tenant.books.row(master, row[spec.master_field]) or {}
    elif spec.api_name not in ("PaymentObj", "InvoiceApplicationObj"):
        return
    orders = [row.get("order_id"), *(line.fields.get("order_id") for lines in details.values() for line in lines)]
    for order_id in filter(None, orders):
        order = tenant.books.row("SalesOrderObj", order_id) or {}
        if order.get("account_id") != header.get("account_id"):
            raise illegal(f"{spec.api_name}: order {order_id} belongs to another account than the document")
