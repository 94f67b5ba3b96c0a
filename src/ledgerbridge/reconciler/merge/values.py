"""What a record says of each field that a flow compares, in a form in which equal things are equal.

Records are canonical JSON as it is stored: fields that the system says nothing about are left out. A *unit* is what is decided
as a whole: a plain field, a list, or a reference (``customer``, ``reverses``, ``parent``) with whatever the system says of it.
References must have been replaced by the entity they lead to (``{"external_id": "entity:ID"}``); one that leads nowhere says
nothing that could be compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Final, TypeAlias, cast

from pydantic import JsonValue

from ledgerbridge.model.agreed import UNSET, Unset, Value
from ledgerbridge.model.base import Kind
from ledgerbridge.model.plan import REFERENCE

Record: TypeAlias = "Mapping[str, JsonValue]"

REFERENCES: Final[Mapping[str, Kind]] = {
    "customer": Kind.CUSTOMER,
    "parent": Kind.CUSTOMER,
    "reverses": Kind.INVOICE,
    "invoice": Kind.INVOICE,
    "payment": Kind.PAYMENT,
    "credit": Kind.INVOICE,
}
"""Units, and fields of list items, that name another record."""

CURRENCY_OF: Final[Mapping[str, str]] = {
    "credit_limit_minor": "credit_currency",
    "total_minor": "currency",
    "net_minor": "currency",
    "tax_minor": "currency",
    "amount_minor": "currency",
    "fee_minor": "currency",
    "open_minor": "currency",
    "base_total_minor": "base_currency",
    "base_amount_minor": "base_currency",
    "whole_minor": "currency",
    "whole_fee_minor": "currency",
    "base_whole_minor": "base_currency",
}
"""In whose minor units an amount is."""

_ORDERED: Final = frozenset({"lines"})
_DECIMALS: Final = frozenset({"exchange_rate", "quantity", "unit_price", "tax_rate"})
_RATE_DIGITS: Final = 6
"""Significant digits by which exchange rates are compared: some systems only show amounts, from which rates are worked out."""
_CUSTOM: Final = "custom."


def said(record: Record, unit: str) -> Value:
    """What `record` says of `unit`, as it stands there; UNSET if nothing."""
    if unit.startswith(_CUSTOM):
        custom = record.get("custom")
        return custom.get(unit.removeprefix(_CUSTOM), UNSET) if isinstance(custom, dict) else UNSET
    return record.get(unit, UNSET)


def comparable(unit: str, value: Value, items: frozenset[str]) -> Value:
    """`value` in the form that is compared and kept as agreed: all that is empty is None, decimals have one spelling, list
    items are reduced to `items` (what both sides can say of one) and sorted where order has no meaning.
    """
    if isinstance(value, Unset):
        return UNSET
    if unit in REFERENCES:
        return _reference(value)
    if isinstance(value, list):
        listed = [_item(item, items) for item in value]
        found = cast("list[JsonValue]", [item for item in listed if item is not None])
        return (found if unit in _ORDERED else sorted(found, key=_text)) or None
    return _plain(unit, value)


def entity_of(value: Value) -> str | None:
    """The entity that a replaced reference leads to; None for none, or for a reference that was not replaced."""
    external_id = value.get("external_id") if isinstance(value, dict) else None
    if isinstance(external_id, str) and external_id.startswith(REFERENCE):
        return external_id.removeprefix(REFERENCE)
    return None


def says_no_more(less: Value, more: Value) -> bool:
    """Whether each item of one list stands in the other one, there perhaps with more said of it: said less, not otherwise."""
    if not isinstance(less, list) or not isinstance(more, list) or len(less) > len(more):
        return False
    left = list(more)
    for item in less:
        fits = next((at for at, other in enumerate(left) if _within(item, other)), None)
        if fits is None:
            return False
        del left[fits]
    return True


def _within(item: JsonValue, other: JsonValue) -> bool:
    if isinstance(item, dict) and isinstance(other, dict):
        return all(name in other and other[name] == value for name, value in item.items())
    return item == other


def _reference(value: JsonValue) -> Value:
    if not value:
        return None
    entity = entity_of(value)
    return UNSET if entity is None else {"external_id": f"{REFERENCE}{entity}"}


def _item(item: JsonValue, names: frozenset[str]) -> JsonValue:
    if not isinstance(item, dict):
        return _plain("", item)
    kept: dict[str, JsonValue] = {}
    for name, value in item.items():
        if name not in names:
            continue
        form = _reference(value) if name in REFERENCES else _plain(name, value)
        if form is not None and form is not False and not isinstance(form, Unset):
            kept[name] = form
    return kept or None


def _plain(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").strip()
        if name in _DECIMALS and text:
            return _decimal(text, _RATE_DIGITS if name == "exchange_rate" else None)
        return text or None
    return None if value in ([], {}) else value


def _decimal(text: str, digits: int | None = None) -> str:
    try:
        value = Decimal(text)
        return f"{(value if digits is None else Context(prec=digits).plus(value)).normalize():f}"
    except InvalidOperation:
        return text


def _text(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
