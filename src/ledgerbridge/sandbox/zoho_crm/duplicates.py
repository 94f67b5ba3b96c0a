"""Unique fields and the duplicate check of an upsert: zoho.md 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import wire
from .check import Problem
from .fields import Module
from .org import Call, Org


def check_order(call: Call, module: Module) -> list[str]:
    """The fields by which an upsert looks for a record, in order.

    ``duplicate_check_fields`` first, then all other unique fields; without it the built-in field, then the unique ones.
    Raises 400 for a field that is neither.
    """
    unique = [field.api_name for field in module.unique_fields]
    named = call.body().get("duplicate_check_fields")
    if named is None:
        return [*([module.built_in] if module.built_in else []), *unique]
    if not isinstance(named, list) or not named:
        details = {"expected_data_type": "jsonarray", "api_name": "duplicate_check_fields"}
        raise wire.refused(400, "INVALID_DATA", "invalid data", {**details, "json_path": "$.duplicate_check_fields"})
    for index, name in enumerate(named):
        if name != module.built_in and name not in unique:
            details = {"api_name": "duplicate_check_fields", "json_path": f"$.duplicate_check_fields[{index}]"}
            supported = [name for name in (module.built_in, *unique) if name]
            raise wire.refused(400, "INVALID_DATA", "invalid data", {**details, "supported_values": supported})
    return [*named, *(name for name in unique if name not in named)]


def taken(
    org: Org, module: Module, values: Mapping[str, Any], path: str, own_id: str | None, *, is_new: bool
) -> list[Problem]:
    """DUPLICATE_DATA for each unique field whose value another record has."""
    names = [field.api_name for field in module.unique_fields]
    if is_new and org.switches["insert_checks_built_in"] and module.built_in:
        names.append(module.built_in)
    problems = []
    for name in names:
        if values.get(name) is None:
            continue
        others = [found for found in org.books.ids_by(module.table, name, values[name]) if found != own_id]
        if others:
            problems.append(refusal(org, module, name, path, others[0]))
    return problems


def refusal(org: Org, module: Module, name: str, path: str, record_id: str) -> Problem:
    """One DUPLICATE_DATA with the record that is in the way."""
    row = org.books.look(module.table, record_id) or {}
    details = {
        "api_name": name,
        "json_path": f"{path}.{name}",
        "id": record_id,
        "duplicate_record": {
            "id": record_id,
            "Owner": org.user(row.get("Owner", "")),
            "module": {"api_name": module.api_name, "id": module.id},
        },
        "more_records": False,
    }
    return wire.problem("DUPLICATE_DATA", "duplicate data", details)
