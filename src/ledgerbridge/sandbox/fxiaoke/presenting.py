"""How a stored row goes out: person ids in the caller's form, names beside references, empty fields left out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ledgerbridge.sandbox.books import Row

from .people import PEOPLE, Caller
from .schema import PEOPLE_TYPES, REFERENCE_TYPES, ObjectSpec
from .tenant import Tenant

_FROM_OWNER = frozenset({"relevant_team", "owner_department"})


def presented(
    tenant: Tenant,
    spec: ObjectSpec,
    row: Row,
    caller: Caller,
    *,
    only: Collection[str] = (),
    include_null: bool = False,
    recalculated: bool = True,
) -> dict[str, Any]:
    """One row as the vendor sends it; `only` names the wanted fields (`_id` always comes), () all of them.

    Null fields are omitted unless `include_null` [1]; with `recalculated` off computed totals are those of the row's
    own last write (light queries [2+]).
    """
    names = [name for name in spec.fields if name in only or name == "_id"] if only else list(spec.fields)
    stale = {} if recalculated else row.get("$computed", {})
    out: dict[str, Any] = {}
    for name in names:
        value = _from_owner(tenant, name, row) if name in _FROM_OWNER else stale.get(name, row.get(name))
        if value is None:
            if include_null:
                out[name] = None
            continue
        field = spec.fields[name]
        if field.type in PEOPLE_TYPES:
            value = caller.outward(value)
        elif field.type in REFERENCE_TYPES and field.target is not None:
            target = tenant.books.row(field.target, value)
            if target is not None:
                out[f"{name}__r"] = target.get("name", "")
        elif name == "relevant_team":
            value = [{**one, "teamMemberEmployee": caller.outward(one["teamMemberEmployee"])} for one in value]
        elif name == "version" and tenant.switches["versionForm"] == "number":
            value = int(value)
        out[name] = value
        for companion in (f"{name}__o", f"{name}__r"):
            if companion in row:
                out[companion] = row[companion]
    return out


def _from_owner(tenant: Tenant, name: str, row: Row) -> Any:
    """What follows from the owner: the team (owner only) and the owner's department."""
    owner = row.get("owner")
    if not owner:
        return None
    if name == "relevant_team":
        return [{"teamMemberEmployee": owner, "teamMemberRole": "1", "teamMemberPermissionType": "2"}]
    departments = (tenant.books.row(PEOPLE, owner[0]) or {}).get("main_department", [])
    department = tenant.books.row("DepartmentObj", departments[0]) if departments else None
    return None if department is None else department["name"]
