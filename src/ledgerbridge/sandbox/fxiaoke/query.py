"""The filters of a query: ten pairs of operators over the describe types (fxiaoke.md 4).

Values are lists; numbers and numeric strings both occur. Negated operators match empty fields too: stated for N, taken
over for the others [inferred].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ledgerbridge.sandbox.books import Row

from .people import Caller, number_of
from .refusal import illegal
from .schema import DECIMAL_TYPES, FILE_TYPES, LIST_TYPES, PEOPLE_TYPES, TIME_TYPES, Field, ObjectSpec
from .tenant import Tenant

Predicate = Callable[[Row], bool]

_COMPARING: dict[str, Callable[[Any, Sequence[Any]], bool]] = {
    "EQ": lambda value, wanted: value == wanted[0],
    "GT": lambda value, wanted: value > wanted[0],
    "GTE": lambda value, wanted: value >= wanted[0],
    "LT": lambda value, wanted: value < wanted[0],
    "LTE": lambda value, wanted: value <= wanted[0],
    "IN": lambda value, wanted: value in wanted,
    "BETWEEN": lambda value, wanted: wanted[0] <= value <= wanted[1],  # ends inclusive [inferred]
    "LIKE": lambda value, wanted: wanted[0] in str(value),
    "STARTWITH": lambda value, wanted: str(value).startswith(wanted[0]),
    "ENDWITH": lambda value, wanted: str(value).endswith(wanted[0]),
}
_LISTING: dict[str, Callable[[Sequence[Any], Sequence[Any]], bool]] = {
    "EQ": lambda values, wanted: wanted[0] in values,
    "IN": lambda values, wanted: any(one in wanted for one in values),
    "LIKE": lambda values, wanted: any(wanted[0] in str(one) for one in values),
    "CONTAINS": lambda values, wanted: set(wanted) <= set(values),
    "HASANYOF": lambda values, wanted: bool(set(wanted) & set(values)),
}
_NEGATED = {"N": "EQ", "NIN": "IN", "NLIKE": "LIKE", "NBETWEEN": "BETWEEN", "NHASANYOF": "HASANYOF"}
_TEXTUAL = frozenset({"LIKE", "STARTWITH", "ENDWITH"})
_COUNTS = {"BETWEEN": 2, "IN": None, "CONTAINS": None, "HASANYOF": None}  # how many values; one unless named here
_INDEXED_NAMES = frozenset(
    {"name", "account_no", "invoice_no", "bank_reference__c", "tax_invoice_no__c", "order_no__c"}
)


@dataclass(frozen=True, slots=True)
class Filter:
    """One checked filter; values are in stored form, or decimals for numbers and times."""

    field: Field
    operator: str
    values: tuple[Any, ...]

    def predicate(self) -> Predicate:
        """Whether a row passes."""
        name = self.field.api_name
        if self.operator in ("IS", "ISN"):
            is_wanted_empty = self.operator == "IS"
            return lambda row: (row.get(name) in (None, "", [])) is is_wanted_empty
        operator = _NEGATED.get(self.operator, self.operator)
        negated = self.operator in _NEGATED
        is_list = self.field.type in LIST_TYPES
        test: Callable[[Any, Sequence[Any]], bool] = _LISTING[operator] if is_list else _COMPARING[operator]
        values = self.values
        convert = Decimal if self.field.type in DECIMAL_TYPES and operator not in _TEXTUAL else None

        def passes(row: Row) -> bool:
            value = row.get(name)
            if value in (None, "", []):
                return negated
            return test(convert(value) if convert else value, values) is not negated

        return passes

    @property
    def index_values(self) -> tuple[str, ...] | None:
        """The exact texts an index can be asked for, None where only a scan helps."""
        indexed = self.field.unique or self.field.target is not None or self.field.api_name in _INDEXED_NAMES
        if self.operator in ("EQ", "IN") and indexed and self.field.type not in LIST_TYPES:
            return self.values
        return None


def parsed_filters(tenant: Tenant, spec: ObjectSpec, raw: object, caller: Caller) -> list[Filter]:
    """The checked filters of `search_query_info.filters`; Refused 32000 for anything wrong with one."""
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise illegal("search_query_info.filters must be a list")
    return [_parsed(tenant, spec, one, caller) for one in raw]


def _parsed(tenant: Tenant, spec: ObjectSpec, raw: object, caller: Caller) -> Filter:
    if not isinstance(raw, Mapping):
        raise illegal("each filter must be a map of field_name, operator, field_values")
    name, operator, values = raw.get("field_name"), raw.get("operator"), raw.get("field_values")
    field = spec.fields.get(name) if isinstance(name, str) else None
    if field is None:
        raise illegal(f"filter: {spec.api_name} has no field_name {name!r}")
    known = {*_COMPARING, *_LISTING, *_NEGATED, "IS", "ISN"}
    if not isinstance(operator, str) or operator not in known:
        raise illegal(f"filter on {name}: unknown operator {operator!r}")
    if operator in ("IS", "ISN"):
        return Filter(field, operator, ())
    if not isinstance(values, list):
        raise illegal(f"filter on {name}: field_values must be a list")
    plain = _NEGATED.get(operator, operator)
    if plain not in (_LISTING if field.type in LIST_TYPES else _COMPARING) or field.type in FILE_TYPES:
        raise illegal(f"filter on {name}: operator {operator} does not fit a {field.type} field")
    wanted_count = _COUNTS.get(plain, 1)
    if not values or (wanted_count is not None and len(values) != wanted_count):
        raise illegal(f"filter on {name}: {operator} takes {wanted_count or 'one or more'} field_values")
    return Filter(field, operator, tuple(_value(tenant, field, plain, one, caller) for one in values))


def _value(tenant: Tenant, field: Field, operator: str, raw: object, caller: Caller) -> Any:
    if isinstance(raw, (list, dict)) or raw is None:
        raise illegal(f"filter on {field.api_name}: {raw!r} is no plain value")
    text = str(raw)
    if operator in _TEXTUAL:
        return text
    if field.type == "true_or_false":
        if text.lower() not in ("true", "false"):
            raise illegal(f"filter on {field.api_name}: {text!r} is neither true nor false")
        return text.lower() == "true"
    if field.type in PEOPLE_TYPES:
        return number_of(tenant.books, caller, text) or "$nobody"  # an id in the other style's form fits no row
    if field.type in DECIMAL_TYPES or field.type in TIME_TYPES:
        try:
            amount = Decimal(text)
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            raise illegal(f"filter on {field.api_name}: {text!r} is no number")
        return amount
    return text.lower() if field.api_name == "_id" else text
