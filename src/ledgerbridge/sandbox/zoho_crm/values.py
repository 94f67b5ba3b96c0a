"""One field's value: from the wire into the books, with the refusals of zoho.md 5, and back out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ledgerbridge.sandbox.books import Row

from . import wire
from .field_tables import NAME_FIELDS
from .fields import Field, Module
from .org import EXPONENTS, Org

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_NUMERIC = re.compile(r"-?\d+(\.\d+)?\Z")
_DIGITS_MAX = 16
_JSON_TYPES = {
    "currency": "double",
    "double": "double",
    "integer": "integer",
    "bigint": "string",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "subform": "jsonarray",
    "linetax": "jsonarray",
    "formula": "double",
}


class Unfit(Exception):
    """A value that a field does not take; `details` and `message` as zoho.md 5 has them."""

    def __init__(self, message: str = "invalid data", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


def json_type(field: Field) -> str:
    """The metadata's json_type of a field (zoho.md 16)."""
    return "jsonarray" if field.api_name == "Tag" else _JSON_TYPES.get(field.data_type, "string")


def places(currency: str | None) -> int:
    """Decimals of an amount; whole yen still has two in Zoho, so that nothing is lost."""
    return max(2, EXPONENTS.get(currency or "", 2))


def accept_scalar(org: Org, field: Field, value: Any, currency: str | None) -> Any:
    """The books' form of a wire value that is neither null, a lookup nor a list; raises :class:`Unfit`."""
    kind = field.data_type
    if kind in ("currency", "double"):
        return _accept_number(org, field, value, max(field.decimals, places(currency)))
    if kind in ("integer", "bigint"):
        return _accept_integer(field, value)
    if kind == "boolean":
        if not isinstance(value, bool):
            raise Unfit(expected_data_type="boolean")
        return value
    if not isinstance(value, str):
        raise Unfit(expected_data_type=kind if kind in ("date", "datetime", "email", "phone", "website") else "text")
    if kind == "date":
        return _accept_day(value)
    if kind == "datetime":
        found = wire.parse_stamp(value)
        if found is None:
            raise Unfit(expected_data_type="datetime")
        return found
    if kind == "picklist":
        return _accept_choice(org, field, value)
    if len(value) > field.length:
        raise Unfit(maximum_length=field.length)
    if kind == "email" and value and not _EMAIL.match(value):
        raise Unfit(expected_data_type="email")
    return value or None


def _accept_number(org: Org, field: Field, value: Any, decimals: int) -> str:
    if isinstance(value, str) and not org.switches["numeric_text_refused"] and _NUMERIC.match(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unfit(expected_data_type="double")
    try:
        number = wire.rounded(Decimal(value), decimals)
    except InvalidOperation:
        raise Unfit(maximum_length=_DIGITS_MAX) from None
    if len(str(abs(int(number)))) > _DIGITS_MAX:
        raise Unfit(maximum_length=_DIGITS_MAX)
    if field.api_name == "Exchange_Rate" and number <= 0:
        raise Unfit(expected_data_type="double")
    return wire.number_text(number)


def _accept_integer(field: Field, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(expected_data_type="integer" if field.data_type == "integer" else "bigint")
    if len(str(abs(value))) > field.length:
        raise Unfit(maximum_length=field.length)
    return value


def _accept_day(value: str) -> str:
    if not _DAY.match(value):
        raise Unfit(expected_data_type="date")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise Unfit(expected_data_type="date") from None


def choices(org: Org, field: Field) -> tuple[str, ...]:
    """The values of a pick list."""
    if field.api_name != "Currency":
        return field.values
    if org.switches["inactive_currency_refused"]:
        return org.active_currencies()
    return tuple(code for code, _ in org.books.peek("currencies"))


def _accept_choice(org: Org, field: Field, value: str) -> str | None:
    if value in ("", "-None-"):
        return None
    supported = choices(org, field)
    if value not in supported:
        raise Unfit(expected_data_type="picklist", supported_values=list(supported))
    return value


def accept_taxes(value: Any) -> list[Row]:
    """Line_Tax: a list of {name, percentage, value}; raises :class:`Unfit`."""
    if not isinstance(value, list):
        raise Unfit(expected_data_type="jsonarray")
    taxes = []
    for item in value:
        if not isinstance(item, dict):
            raise Unfit(expected_data_type="jsonobject")
        percentage, amount = item.get("percentage", 0), item.get("value")
        for number in (percentage, 0 if amount is None else amount):
            if isinstance(number, bool) or not isinstance(number, int | Decimal):
                raise Unfit(expected_data_type="double")
        tax: Row = {"name": str(item.get("name", ""))}
        try:
            tax["percentage"] = wire.number_text(wire.rounded(Decimal(percentage), 9))
            tax["value"] = None if amount is None else wire.number_text(wire.rounded(Decimal(amount), 2))
        except InvalidOperation:
            raise Unfit(maximum_length=_DIGITS_MAX) from None
        taxes.append(tax)
    return taxes


Show = Callable[[Any], Any]


def shower(org: Org, field: Field) -> Show | None:
    """How a stored value goes out; None where it goes out as it stands."""
    kind = field.data_type
    if kind in ("currency", "double", "formula"):
        return lambda value: None if value is None else wire.Number(value)
    if kind == "datetime":
        return lambda value: None if value is None else org.local(value)
    if kind == "ownerlookup":
        return lambda value: None if value is None else org.user(value, with_email=True)
    if kind == "lookup":
        return lambda value: show_lookup(org, field, value)
    if kind == "linetax":
        return lambda value: [show_tax(tax) for tax in value or ()]
    if kind == "bigint" and field.api_name != "id":
        return lambda value: None if value is None else str(value)
    return None


def show_tax(tax: Row) -> dict[str, Any]:
    """One line of Line_Tax."""
    numbers = {key: None if tax[key] is None else wire.Number(tax[key]) for key in ("percentage", "value")}
    return {"percentage": numbers["percentage"], "name": tax["name"], "id": None, "value": numbers["value"]}


def show_lookup(org: Org, field: Field, value: str | None) -> dict[str, Any] | None:
    """A lookup as {name, id}; null once the record it names is gone."""
    module = org.schema.get(field.target)
    row = org.books.look(module.table, value) if module is not None and value is not None else None
    return None if module is None or row is None else {"name": record_name(module, row), "id": value}


def record_name(module: Module, row: Row) -> str | None:
    """What a lookup or the recycle bin calls a record."""
    name = row.get(NAME_FIELDS[module.table])
    return None if name is None else str(name)
