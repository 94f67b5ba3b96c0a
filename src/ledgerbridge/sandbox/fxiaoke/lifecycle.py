"""作废, delete, recover, lock, and who owns a row (fxiaoke.md 3 and 8).

Removal is two-step: invalid puts a row into the recycle bin, delete ends it. Details follow their master.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault

from .arithmetic import settle
from .people import Caller
from .refusal import illegal
from .schema import ObjectSpec
from .tenant import Tenant
from .values import accepted, check_unique


def invalidate(tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/invalid``: one row by `object_data_id`, which must be one string [2+]."""
    row_id = data.get("object_data_id")
    if not isinstance(row_id, str):
        raise illegal("data.object_data_id must be one id")
    _check_can_be_void(spec, tenant.must_get(spec, row_id, caller))
    make_void(tenant, spec, row_id, caller)
    return {}


def invalidate_many(tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The custom objects' bulk path: `idList`, all or none unless the fault half_failed_batch strikes."""
    row_ids = _ids(data, "idList")
    for row_id in row_ids:
        _check_can_be_void(spec, tenant.must_get(spec, row_id, caller))
    for row_id in _batch(tenant, row_ids, caller):
        make_void(tenant, spec, row_id, caller)
    return _end_of_batch(tenant, row_ids, spec, "invalid")


def delete(tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/delete``: only rows already void, for good [2+]."""
    row_ids = _ids(data, "idList")
    for row_id in row_ids:
        if tenant.must_get(spec, row_id, caller)["life_status"] != "invalid":
            raise illegal(f"{spec.api_name} {row_id} 未作废 must be invalid before it is deleted")
    for row_id in _batch(tenant, row_ids, caller):
        remove(tenant, spec, row_id)
    return _end_of_batch(tenant, row_ids, spec, "gone")


def recover(tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/recover``: back from the recycle bin, with the details that went there together with the row."""
    row_ids = _ids(data, "idList")
    for row_id in row_ids:
        row = tenant.must_get(spec, row_id, caller)
        if row["life_status"] != "invalid":
            raise illegal(f"{spec.api_name} {row_id} is not invalid, nothing to recover")
        check_unique(tenant, spec, row_id, row)
    for row_id in _batch(tenant, row_ids, caller):
        _bring_back(tenant, spec, row_id, caller)
    return _end_of_batch(tenant, row_ids, spec, "alive")


def change_owner(tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/changeOwner``: `Data` (capital D [2+]) is a list of {objectDataId, ownerId:[one person]}."""
    wanted = data.get("Data")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
        raise illegal("data.Data 必填 must be a list of {objectDataId, ownerId}")
    moves: list[tuple[Row, list[str]]] = []
    for one in wanted:
        row = tenant.must_get(spec, one.get("objectDataId"), caller)
        owner = accepted(tenant, spec, {"owner": one.get("ownerId")}, caller).get("owner")
        if owner is None or len(owner) != 1:
            raise illegal(f"data.Data.ownerId of {row['_id']} must be a list of one person")
        if not row.get("owner"):
            raise illegal(f"{spec.api_name} {row['_id']} is in a pool 公海 and must be claimed first")  # [1]
        moves.append((row, owner))
    for row, owner in moves:
        _own(tenant, spec, row, owner, caller)
    return {}


def choose(tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """``data/choose``: the acting person claims accounts of a pool; the body's `objectIDs` is [inferred]."""
    rows = [tenant.must_get(spec, row_id, caller) for row_id in _ids(data, "objectIDs")]
    for row in rows:
        if row.get("owner"):
            raise illegal(f"{spec.api_name} {row['_id']} has an owner already")
    for row in rows:
        row["claimed_time"] = tenant.now_ms()
        _own(tenant, spec, row, [caller.person], caller)
    return {}


def set_lock(
    tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller, *, lock: bool
) -> dict[str, Any]:
    """``object/lock`` and ``unlock``: `dataIds`; `detailObjStrategy` 1 takes the details along [2+]."""
    rows = [tenant.must_get(spec, row_id, caller) for row_id in _ids(data, "dataIds")]
    strategy = data.get("detailObjStrategy", 0)
    if strategy not in (0, 1):
        raise illegal("data.detailObjStrategy must be 0 (self) or 1 (with details)")
    for row in rows:
        targets = [(spec, row)]
        if strategy == 1:
            targets += tenant.details_of(spec, row["_id"])
        for one_spec, one in targets:
            one["lock_status"] = "1" if lock else "0"
            if lock:
                one.update(lock_user=[caller.person], lock_time=tenant.now_ms())
            else:
                one.pop("lock_user", None)
                one.pop("lock_time", None)
            tenant.stamp(one, caller)
            tenant.save(one_spec, one, caller)
    return {}


def make_void(tenant: Tenant, spec: ObjectSpec, row_id: str, caller: Caller) -> None:
    """作废 of one row and its details, whatever its state; the checks are the callers'."""
    row = tenant.must_get(spec, row_id, caller)
    targets = [(spec, row), *tenant.details_of(spec, row_id)]
    for one_spec, one in targets:
        if one["life_status"] == "invalid":
            continue
        one.pop("$pending", None)
        one.update(life_status_before_invalid=one["life_status"], life_status="invalid", invalid_time=tenant.now_ms())
        if one is not row:
            one["$void_with"] = row_id
        tenant.stamp(one, caller)
        tenant.save(one_spec, one, caller)
    settle(tenant, [(one_spec.api_name, one) for one_spec, one in targets], written=row_id)


def remove(tenant: Tenant, spec: ObjectSpec, row_id: str) -> None:
    """Take one row and its details off the books for good."""
    targets = [*tenant.details_of(spec, row_id), (spec, tenant.books.get(spec.api_name, row_id))]
    for one_spec, one in targets:
        if one is not None:
            tenant.books.remove(one_spec.api_name, one["_id"])
    settle(tenant, [(one_spec.api_name, one) for one_spec, one in targets])


def _bring_back(tenant: Tenant, spec: ObjectSpec, row_id: str, caller: Caller) -> None:
    row = tenant.must_get(spec, row_id, caller)
    details = [(one, line) for one, line in tenant.details_of(spec, row_id) if line.get("$void_with") == row_id]
    for one_spec, one in [(spec, row), *details]:
        one["life_status"] = one.pop("life_status_before_invalid", "normal")
        one.pop("invalid_time", None)
        one.pop("$void_with", None)
        tenant.stamp(one, caller)
        tenant.save(one_spec, one, caller)
    settle(tenant, [(one_spec.api_name, one) for one_spec, one in [(spec, row), *details]], written=row_id)


def _own(tenant: Tenant, spec: ObjectSpec, row: Row, owner: list[str], caller: Caller) -> None:
    row["owner"] = owner
    if "owner_modified_time" in spec.fields:
        row["owner_modified_time"] = tenant.now_ms()
    tenant.stamp(row, caller)
    tenant.save(spec, row, caller)


def _check_can_be_void(spec: ObjectSpec, row: Row) -> None:
    """Only rows in normal can be invalidated [1]; locked ones refuse [1]."""
    if row["life_status"] != "normal":
        raise illegal(f"{spec.api_name} {row['_id']}: life_status {row['life_status']} cannot be invalidated")
    if row["lock_status"] == "1":
        raise illegal(f"{spec.api_name} {row['_id']} is locked 锁定")


def _ids(data: Mapping[str, Any], name: str) -> list[str]:
    found = data.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise illegal(f"data.{name} 必填 must be a list of ids")
    return list(dict.fromkeys(found))


def _batch(tenant: Tenant, row_ids: list[str], caller: Caller) -> list[str]:
    """All ids, or the first half of them when the fault strikes."""
    if len(row_ids) > 1 and tenant.faults.take(Fault.HALF_FAILED_BATCH, caller.path, is_write=True):
        return row_ids[: len(row_ids) // 2]
    return row_ids


def _end_of_batch(tenant: Tenant, row_ids: list[str], spec: ObjectSpec, wanted: str) -> dict[str, Any]:
    """{} if every row has come to the wanted state, else an error that names those which have not."""
    states = {row_id: tenant.books.row(spec.api_name, row_id) for row_id in row_ids}
    reached = {
        row_id: "gone" if row is None else "invalid" if row["life_status"] == "invalid" else "alive"
        for row_id, row in states.items()
    }
    left = [row_id for row_id in row_ids if reached[row_id] != wanted]
    if left:
        raise illegal(f"{spec.api_name}: part of the batch failed, not done: {', '.join(left)}")
    return {}
