"""The canonical model as mappings see it: its fields by path, and a record as the bytes that are hashed and stored."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, JsonValue, StringConstraints, TypeAdapter

from ledgerbridge.model.base import Key, Kind, Line, Text
from ledgerbridge.model.customer import Customer, Name
from ledgerbridge.model.invoice import Invoice, InvoiceLine, Quantity, TaxInvoiceNumber
from ledgerbridge.model.money import Currency, Rate
from ledgerbridge.model.party import BankAccount, CreditCode, Email, Phone
from ledgerbridge.model.payment import Allocation, Payment

Record: TypeAlias = "Customer | Invoice | Payment | Allocation"

MODELS: Final[Mapping[Kind, type[Record]]] = {
    Kind.CUSTOMER: Customer,
    Kind.INVOICE: Invoice,
    Kind.PAYMENT: Payment,
    Kind.ALLOCATION: Allocation,
}

CUSTOM: Final = "custom"

_CONVERTER_OF_TYPE: tuple[tuple[Any, str], ...] = (
    (Key, "key"),
    (Name, "key"),
    (Line, "line"),
    (Text, "text"),
    (Currency, "currency"),
    (Rate, "rate"),
    (Quantity, "decimal"),
    (CreditCode, "credit_code"),
    (Phone, "phone"),
    (Email, "email"),
    (date, "date"),
    (bool, "boolean"),
)
_CONVERTER_OF_FIELD: Mapping[tuple[type[BaseModel], str], str] = {
    (TaxInvoiceNumber, "number"): "tax_invoice_number",
    (TaxInvoiceNumber, "code"): "tax_invoice_code",
    (BankAccount, "account"): "account",
    (Payment, "payer_account"): "account",
}
_NO_DEFAULT: frozenset[tuple[type[BaseModel], str]] = frozenset(
    {(InvoiceLine, "tax_rate")}
)  # percent or fraction: say which


@dataclass(frozen=True, slots=True)
class CanonicalField:
    """One field that a rule can fill. `converter` is what a rule without one uses; None if it must say.

    `length_max`: the field takes every printable text of at most that length whose ends are not blank; None if it takes less.
    """

    path: str
    base: type
    converter: str | None
    nullable: bool
    has_default: bool
    blank_ok: bool
    enum: type[StrEnum] | None
    adapter: TypeAdapter[Any]
    length_max: int | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a model by path below it (``customer.code``), and its lists by name with the shape of an item.

    `objects`: the paths of nested objects → whether None may stand in their place.
    """

    fields: Mapping[str, CanonicalField]
    lists: Mapping[str, Shape]
    objects: Mapping[str, bool]
    required: frozenset[str]


@cache
def shape(model: type[BaseModel]) -> Shape:
    """What mappings may fill in `model`."""
    fields: dict[str, CanonicalField] = {}
    lists: dict[str, Shape] = {}
    objects: dict[str, bool] = {}
    hints = typing.get_type_hints(model, include_extras=True)
    for name, info in model.model_fields.items():
        if name == CUSTOM:
            continue
        hint, nullable = _without_none(hints[name])
        if typing.get_origin(hint) is tuple:
            lists[name] = shape(typing.get_args(hint)[0])
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            objects[name] = nullable
            for path, inner in shape(hint).fields.items():
                fields[f"{name}.{path}"] = replace(inner, path=f"{name}.{path}")
        else:
            fields[name] = _leaf(model, name, hint, nullable=nullable, has_default=not info.is_required())
    required = frozenset(name for name, info in model.model_fields.items() if info.is_required())
    return Shape(fields, lists, objects, required)


def _leaf(model: type[BaseModel], name: str, hint: Any, *, nullable: bool, has_default: bool) -> CanonicalField:
    base = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    enum = base if isinstance(base, type) and issubclass(base, StrEnum) else None
    converter = _CONVERTER_OF_FIELD.get((model, name)) or ("enum" if enum else None)
    if converter is None and (model, name) not in _NO_DEFAULT:
        converter = next((word for known, word in _CONVERTER_OF_TYPE if known == hint), None)
        if converter is None and base is int:
            converter = "money" if name.endswith("_minor") else "integer"
    return CanonicalField(
        path=name,
        base=str if enum else base,
        converter=converter,
        nullable=nullable,
        has_default=has_default,
        blank_ok=hint in (Line, Text),
        enum=enum,
        adapter=TypeAdapter(hint | None if nullable else hint),
        length_max=_length_max(hint) if hint in (Key, Name, Line, Text) else None,
    )


def _length_max(hint: Any) -> int | None:
    return next((part.max_length for part in hint.__metadata__ if isinstance(part, StringConstraints)), None)


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        arguments = [part for part in typing.get_args(hint) if part is not type(None)]
        if len(arguments) == 1 and len(typing.get_args(hint)) == 2:
            return arguments[0], True
    return hint, False


_CUSTOM_ADAPTER: TypeAdapter[Any] = TypeAdapter(str | int | bool | None)


def custom_field(name: str) -> CanonicalField:
    """The custom field `name`: any text, whole number or boolean."""
    return CanonicalField(f"{CUSTOM}.{name}", object, "custom", True, True, True, None, _CUSTOM_ADAPTER)


def json_schema(kind: Kind) -> dict[str, JsonValue]:
    """The JSON Schema of the canonical record, as it is stored."""
    schema: dict[str, JsonValue] = MODELS[kind].model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def as_json(value: Any) -> Any:
    """A field's value as :func:`canonical_bytes` spells it: days, decimals and words are text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def canonical_bytes(record: Record) -> bytes:
    """`record` as UTF-8 JSON: set fields only, in declared order, custom fields by name, decimals as text.

    Equal records of equal spelling of decimals give equal bytes; what comes out of a mapping is spelled in one way.
    """
    names = list(record.custom)
    if len(names) > 1 and names != sorted(names):
        record = record.model_copy(update={CUSTOM: {name: record.custom[name] for name in sorted(names)}})
    return record.__pydantic_serializer__.to_json(record, exclude_unset=True)


def from_canonical(kind: Kind, data: bytes) -> Record:
    """The record that :func:`canonical_bytes` wrote. ValidationError for anything else."""
    return MODELS[kind].model_validate_json(data)


def kind_of(record: Record) -> Kind:
    """The kind of a canonical record."""
    return next(kind for kind, model in MODELS.items() if type(record) is model)
