"""Detail rows that travel with their master: `data.details` of create and update (fxiaoke.md 3).

An absent `details` leaves rows untouched; a supplied list replaces that list, an empty one clears it [1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledgerbridge.sandbox.books import Row

from .people import Caller
from .refusal import illegal
from .schema import ObjectSpec
from .tenant import Tenant
from .values import accepted, check_required, check_unique

# What a detail row takes over from its master when it does not say it itself [inferred].
_INHERITED = (
    "account_id",
    "payment_time",
    "payment_term",
    "mc_currency",
    "mc_exchange_rate",
    "mc_exchange_rate_version",
)
_UNFINISHED = frozenset({"ineffective", "under_review"})


@dataclass(frozen=True, slots=True)
class DetailChange:
    """One wanted detail row: of `row_id`, or a new one."""

    row_id: str | None
    fields: Row


Details = dict[str, list[DetailChange]]


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One detail row to be written (`after`) or removed (`after` None), everything checked."""

    spec: ObjectSpec
    row_id: str
    before: Row | None
    after: Row | None

    def carry_out(self, tenant: Tenant, caller: Caller) -> None:
        """Write or remove it."""
        if self.after is None:
            tenant.books.remove(self.spec.api_name, self.row_id)
        else:
            tenant.save(self.spec, self.after, caller)

    def touched(self) -> list[tuple[str, Row | None]]:
        """Both states, for the arithmetic."""
        return [(self.spec.api_name, self.before), (self.spec.api_name, self.after)]


def wanted_details(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> Details:
    """The checked `data.details`, {} if absent. Refused 32000 for an object that is no detail of this one."""
    raw = body["data"].get("details")
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise illegal("data.details must be a map of detail api name to a list of rows")
    details: Details = {}
    for api_name, lines in raw.items():
        if api_name not in spec.details or not isinstance(lines, list):
            raise illegal(f"data.details.{api_name}: must be a list of rows of a detail object of {spec.api_name}")
        detail = tenant.spec(api_name)
        details[api_name] = []
        for line in lines:
            if not isinstance(line, dict):
                raise illegal(f"data.details.{api_name}: each row must be a map")
            fields = accepted(tenant, detail, line, caller)
            fields.pop(spec.details[api_name], None)
            details[api_name].append(DetailChange(line.get("_id"), fields))
    return details


def planned_details(
    tenant: Tenant, spec: ObjectSpec, master: Row, details: Details, caller: Caller
) -> list[PlannedRow]:
    """What the supplied lists mean for the detail rows of `master`; nothing is written, Refused if anything is bad."""
    planned = []
    for api_name, lines in details.items():
        detail = tenant.spec(api_name)
        live = {
            row["_id"]: row
            for one, row in tenant.details_of(spec, master["_id"])
            if one is detail and row["life_status"] != "invalid"
        }
        for line in lines:
            if line.row_id is not None and line.row_id not in live:
                raise illegal(f"data.details.{api_name}: {line.row_id} is no row of this record")
        kept = {line.row_id: line.fields for line in lines if line.row_id is not None}
        for row_id, row in live.items():
            planned.append(_changed(tenant, detail, row, kept.get(row_id), caller))
        for line in lines:
            if line.row_id is None:
                row = _new_row(tenant, spec, detail, master=master, fields=line.fields, caller=caller)
                planned.append(PlannedRow(detail, row["_id"], None, row))
    _check_unique_within(planned)
    return planned


def _changed(tenant: Tenant, detail: ObjectSpec, row: Row, fields: Row | None, caller: Caller) -> PlannedRow:
    """A live row with its new fields, or, left out of the list, made void or deleted (switch replacedDetails)."""
    before = dict(row)
    if fields is not None:
        row.update(fields)
        check_required(detail, row)
        check_unique(tenant, detail, row["_id"], fields)
        row = {name: value for name, value in row.items() if value is not None}
    elif tenant.switches["replacedDetails"] == "delete":
        return PlannedRow(detail, row["_id"], before, None)
    else:
        row["life_status_before_invalid"] = row["life_status"]
        row["life_status"] = "invalid"
        row["invalid_time"] = tenant.now_ms()
    tenant.stamp(row, caller)
    return PlannedRow(detail, row["_id"], before, row)


def _new_row(tenant: Tenant, spec: ObjectSpec, detail: ObjectSpec, *, master: Row, fields: Row, caller: Caller) -> Row:
    inherited = {name: master[name] for name in _INHERITED if name in detail.fields and name in master}
    complete = {**inherited, **fields, spec.details[detail.api_name]: master["_id"]}
    row = tenant.fresh_row(detail, complete, owner=caller.person, at_ms=tenant.now_ms())
    if master["life_status"] in _UNFINISHED:
        row["life_status"] = master["life_status"]
    check_required(detail, row)
    check_unique(tenant, detail, row["_id"], fields)
    return row


def _check_unique_within(planned: list[PlannedRow]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for change in planned:
        for name, field in change.spec.fields.items():
            if change.after is None or not field.unique or name not in change.after:
                continue
            key = (change.spec.api_name, name, str(change.after[name]))
            if key in seen:
                raise illegal(f"{key[0]}.{name} 重复 duplicate value {key[2]!r} in one call")
            seen.add(key)
