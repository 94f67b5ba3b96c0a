"""The modules of the org and their fields: zoho.md 12 and 13, and the own fields that the package's docstring lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from .field_tables import MODULES, PICK_LISTS

ORG_ID_PREFIX = "5500000000000"


@dataclass(frozen=True, slots=True)
class Field:
    """One field as the metadata shows it. `target` is the API name of a lookup's or subform's module."""

    api_name: str
    data_type: str
    id: str
    length: int
    mandatory: bool = False
    unique: bool = False
    external: bool = False
    read_only: bool = False
    own: bool = False
    values: tuple[str, ...] = ()
    target: str = ""
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Module:
    """One module. `table` is its table in the books whatever its API name; `built_in` its built-in duplicate check."""

    api_name: str
    table: str
    id: str
    singular: str
    kind: str
    built_in: str
    scope: str
    fields: Mapping[str, Field]

    @property
    def is_subform(self) -> bool:
        """Whether its rows live inside records of another module."""
        return self.kind == "subform"

    @property
    def unique_fields(self) -> list[Field]:
        """The fields that do not allow duplicates."""
        return [field for field in self.fields.values() if field.unique]

    @property
    def subforms(self) -> list[Field]:
        """The fields that hold rows of a subform."""
        return [field for field in self.fields.values() if field.data_type == "subform"]


Schema = Mapping[str, Module]


def schema(switches: Mapping[str, Any]) -> Schema:
    """The modules by API name, as this tenant has them."""
    return _schema(
        bool(switches["multi_currency"]),
        str(switches["payments_module"]),
        tuple(switches["modules_missing"]),
        tuple(switches["invoice_statuses"]),
        bool(switches["invoice_needs_account"]),
        bool(switches["invoice_needs_items"]),
    )


@lru_cache(maxsize=32)
def _schema(
    multi_currency: bool,
    payments: str,
    missing: tuple[str, ...],
    statuses: tuple[str, ...],
    needs_account: bool,
    needs_items: bool,
) -> Schema:
    found: dict[str, Module] = {}
    for number, (table, facts) in enumerate(MODULES.items(), start=1):
        singular, kind, built_in, text = facts
        fields = {}
        for index, line in enumerate(text.strip().splitlines(), start=1):
            field = _field(table, f"{ORG_ID_PREFIX}{number:02}{index:03}", line.split(), payments)
            fields[field.api_name] = field
        if not multi_currency:
            fields.pop("Currency", None)
            fields.pop("Exchange_Rate", None)
        if table == "Invoices":
            fields["Status"] = replace(fields["Status"], values=statuses)
            fields["Account_Name"] = replace(fields["Account_Name"], mandatory=needs_account)
            fields["Invoiced_Items"] = replace(fields["Invoiced_Items"], mandatory=needs_items)
        name = payments if table == "Payments" else table
        if name in missing or (kind == "subform" and "Invoices" in missing):
            continue
        scope = "custom" if kind == "custom" else name.lower()
        found[name] = Module(name, table, f"{ORG_ID_PREFIX}{number:02}000", singular, kind, built_in, scope, fields)
    return found


_LENGTHS = {
    "text": 255,
    "textarea": 32000,
    "email": 100,
    "phone": 30,
    "website": 450,
    "picklist": 120,
    "autonumber": 50,
}
_LENGTHS |= {"currency": 16, "double": 16, "integer": 9, "bigint": 18, "boolean": 5, "date": 20, "datetime": 20}
_DECIMALS = {"currency": 2, "formula": 2, "double": 9}


def _field(table: str, field_id: str, words: list[str], payments: str) -> Field:
    """One line of a table: name, type, then a length, decimals, flags and ``->Module`` in any order."""
    name, data_type, *rest = words
    flags = {word for word in rest if word.isalpha()}
    target = next((word[2:] for word in rest if word.startswith("->")), "")
    return Field(
        api_name=name,
        data_type=data_type,
        id=field_id,
        length=next((int(word) for word in rest if word.isdigit()), _LENGTHS.get(data_type, 120)),
        mandatory="mandatory" in flags,
        unique="unique" in flags,
        external="external" in flags,
        read_only="readonly" in flags or data_type in ("formula", "autonumber"),
        own="own" in flags,
        values=PICK_LISTS.get(f"{table}.{name}", ()),
        decimals=next((int(word[1:]) for word in rest if word.startswith(".")), _DECIMALS.get(data_type, 0)),
        target=payments if target == "Payments" else target,
    )
