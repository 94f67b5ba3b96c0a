"""What may be written into a field: each describe type's JSON value, checked and brought to the stored form.

Codes (fxiaoke.md 5 [inferred] unless marked): wrong JSON type 500 [1], broken lookup 201112011 [1], anything else 32000.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ledgerbridge.sandbox.books import Row

from .people import Caller, number_of
from .refusal import Refused, illegal
from .schema import CHOICE_TYPES, DECIMAL_TYPES, FILE_TYPES, REFERENCE_TYPES, TEXT_TYPES, TIME_TYPES, Field, ObjectSpec
from .tenant import DAY_MS, Tenant, local_midnight

_COMPANION = re.compile(r"__(r|l|v|o|p|e|relation_ids)$")  # read-only companions (fxiaoke.md 6 [1])
_ENVELOPE = frozenset({"dataObjectApiName", "_id"})
_AMOUNT_MAX = Decimal("1e16")


def accepted(tenant: Tenant, spec: ObjectSpec, data: Mapping[str, Any], caller: Caller) -> Row:
    """The fields of `data` that a write stores, in stored form; None stands for a cleared field.

    Read-only fields and companions are left out; Refused for an unknown field (switch) or an unacceptable value.
    """
    named = data.get("object_describe_api_name", spec.api_name)
    if named != spec.api_name:
        raise illegal(f"object_describe_api_name {named!r} is not {spec.api_name}")
    stored: Row = {}
    for name, value in data.items():
        if name in _ENVELOPE or _COMPANION.search(name):
            continue
        field = spec.fields.get(name)
        if field is None:
            if tenant.switches["unknownFields"] == "reject":
                raise illegal(f"{spec.api_name} has no field {name}")
        elif not field.is_read_only:
            stored[name] = stored_value(tenant, spec, field, value, caller)
    return stored


def stored_value(tenant: Tenant, spec: ObjectSpec, field: Field, value: object, caller: Caller) -> Any:
    """One value in stored form, None for empty."""
    if value is None or value == "":
        if field.api_name.startswith("mc_"):
            raise illegal(f"{spec.api_name}.{field.api_name} may not be set to null")
        keeps = value == "" and field.type in TEXT_TYPES and tenant.switches["emptyText"] == "keep"
        return "" if keeps and not field.unique else None
    if field.type in TEXT_TYPES:
        return _text(spec, field, value)
    if field.type in DECIMAL_TYPES:
        return decimal_text(spec, field, value)
    if field.type in TIME_TYPES:
        return _time(spec, field, value)
    if field.type in CHOICE_TYPES:
        return _option(spec, field, _text(spec, field, value))
    if field.type in REFERENCE_TYPES:
        return _reference(tenant, spec, field, _text(spec, field, value))
    if field.type in FILE_TYPES:
        return _files(spec, field, value)
    return _LISTED[field.type](tenant, spec, field, value, caller)


def check_required(spec: ObjectSpec, row: Mapping[str, Any], *, only: frozenset[str] | None = None) -> None:
    """Refused 32000 if a required field of `row` is empty; `only` limits the check to these fields."""
    for name, field in spec.fields.items():
        if field.required and (only is None or name in only) and row.get(name) in (None, "", []):
            raise illegal(f"{spec.api_name}.{name} ({field.label}) 必填 is required")


def check_unique(tenant: Tenant, spec: ObjectSpec, row_id: str, fields: Mapping[str, Any]) -> None:
    """Refused 32000 重复 duplicate if another row has the value of a unique field."""
    for name, value in fields.items():
        field = spec.fields.get(name)
        if field is None or not field.unique or not value:
            continue
        for other in tenant.shelf(spec.api_name).with_value(name, value) - {row_id}:
            row = tenant.books.row(spec.api_name, other)
            if row is None or (row["life_status"] == "invalid" and not tenant.switches["uniqueCountsInvalid"]):
                continue
            raise illegal(f"{spec.api_name}.{name} 重复 duplicate value {value!r}, record {other} has it")


def wrong_type(spec: ObjectSpec, field: Field, wanted: str) -> Refused:
    """500: the JSON type of a value is not that of the field [1]."""
    return Refused(500, f"{spec.api_name}.{field.api_name}: the value of a {field.type} field must be {wanted}")


def decimal_text(spec: ObjectSpec, field: Field, value: object) -> str:
    """A decimal as the string the vendor keeps; JSON numbers are tolerated on write [2+]."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise wrong_type(spec, field, "a string with a number")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= _AMOUNT_MAX:
        raise illegal(f"{spec.api_name}.{field.api_name}: {str(value)[:40]!r} is no number the field can hold")
    rounded = amount.quantize(Decimal(1).scaleb(-field.decimals))
    if rounded != amount:
        raise illegal(f"{spec.api_name}.{field.api_name}: {value} has more than {field.decimals} decimals")
    return f"{rounded:f}"


def _text(spec: ObjectSpec, field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type(spec, field, "a string")
    return value


def _time(spec: ObjectSpec, field: Field, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(spec, field, "an integer of milliseconds")
    if field.type == "time" and not 0 <= value < DAY_MS:
        raise illegal(f"{spec.api_name}.{field.api_name}: {value} ms is no time of day")
    return local_midnight(value) if field.type == "date" else value


def _option(spec: ObjectSpec, field: Field, value: str) -> str:
    if value not in [one for one, _ in field.options]:
        raise illegal(f"{spec.api_name}.{field.api_name}: {value!r} is no option value of this field")
    return value


def _reference(tenant: Tenant, spec: ObjectSpec, field: Field, value: str) -> str:
    if field.target is None or tenant.books.row(field.target, value) is None:
        raise Refused(201112011, f"{spec.api_name}.{field.api_name}: {value!r} is no record of {field.target}")
    return value


def _strings(spec: ObjectSpec, field: Field, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise wrong_type(spec, field, "a list of strings")
    return value


def _people(tenant: Tenant, spec: ObjectSpec, field: Field, value: object, caller: Caller) -> list[str] | None:
    numbers = []
    for person in _strings(spec, field, value):
        number = number_of(tenant.books, caller, person)
        if number is None:
            raise illegal(f"{spec.api_name}.{field.api_name}: {person!r} is no person of this corp")
        numbers.append(number)
    return numbers or None


def _departments(tenant: Tenant, spec: ObjectSpec, field: Field, value: object, _: Caller) -> list[str] | None:
    for department in _strings(spec, field, value):
        if tenant.books.row("DepartmentObj", department) is None:
            raise illegal(f"{spec.api_name}.{field.api_name}: {department!r} is no department of this corp")
    return _strings(spec, field, value) or None


def _options(_: Tenant, spec: ObjectSpec, field: Field, value: object, __: Caller) -> list[str] | None:
    return [_option(spec, field, one) for one in _strings(spec, field, value)] or None


def _references(tenant: Tenant, spec: ObjectSpec, field: Field, value: object, _: Caller) -> list[str] | None:
    return [_reference(tenant, spec, field, one) for one in _strings(spec, field, value)] or None


def _boolean(_: Tenant, spec: ObjectSpec, field: Field, value: object, __: Caller) -> bool:
    if not isinstance(value, bool):
        raise wrong_type(spec, field, "true or false")
    return value


def _files(spec: ObjectSpec, field: Field, value: object) -> list[dict[str, Any]] | None:
    if not isinstance(value, list) or not all(isinstance(one, dict) and "path" in one for one in value):
        raise wrong_type(spec, field, "a list of maps with path, name, ext and size")
    return value or None


_LISTED: dict[str, Callable[[Tenant, ObjectSpec, Field, object, Caller], Any]] = {
    "employee": _people,
    "department": _departments,
    "select_many": _options,
    "object_reference_many": _references,
    "true_or_false": _boolean,
}
