"""Records as they go out: the fields asked for, in the reader's terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault

from . import wire
from .fields import Field, Module
from .org import BASE_CURRENCY, Call, Org
from .values import Show, shower

Record = dict[str, Any]
Renderer = Callable[[Row], Record]


def _constant(org: Org, name: str, row: Row) -> Any:
    """System keys that no field of the metadata stands for (zoho.md 12)."""
    if name == "$currency_symbol":
        held = org.currency(row.get("Currency") or BASE_CURRENCY)
        return held["symbol"] if held else None
    return {"$approval_state": "approved", "Locked__s": False, "Record_Status__s": "Available", "Tag": []}[name]


_CONSTANTS = ("Locked__s", "Record_Status__s", "Tag", "$approval_state", "$currency_symbol")


def list_fields(module: Module, names: Iterable[str]) -> list[str]:
    """The names of `names` that a list can show: known ones that are no subform (zoho.md 3), unknown ones left out."""
    known = {name for name, field in module.fields.items() if field.data_type != "subform"}
    return [name for name in dict.fromkeys(names) if name != "id" and (name in known or name in _CONSTANTS)]


def renderer(org: Org, module: Module, names: Iterable[str], *, cut: int | None = None) -> Renderer:
    """A function that shows one row with `names` and its id; long text is cut at `cut` characters (zoho.md 3 [1])."""
    constants: list[str] = []
    plain: list[str] = []
    shown: list[tuple[str, Show]] = []
    for name in names:
        field = module.fields.get(name)
        if name in _CONSTANTS:
            constants.append(name)
        elif field is not None:
            show = _shower(org, field, cut)
            if show is None:
                plain.append(name)
            else:
                shown.append((name, show))

    def show_row(row: Row) -> Record:
        record: Record = {"id": row["id"]}
        for name in plain:
            record[name] = row.get(name)
        for name, show in shown:
            record[name] = show(row.get(name))
        for name in constants:
            record[name] = _constant(org, name, row)
        return record

    return show_row


def _shower(org: Org, field: Field, cut: int | None) -> Show | None:
    if field.data_type == "textarea" and cut is not None:
        return lambda value: value[:cut] if isinstance(value, str) else value
    if field.data_type == "subform":
        return lambda rows: show_rows(org, field, rows)
    return shower(org, field)


def show_rows(org: Org, field: Field, rows: list[Row] | None) -> list[Record]:
    """The rows of a subform."""
    module = org.schema[field.target]
    show = renderer(org, module, [name for name in module.fields if name != "id"])
    return [show(row) for row in rows or ()]


def whole_record(org: Org, module: Module, row: Row, names: list[str] | None = None) -> Record:
    """A record as the single read shows it: all fields, subforms too (zoho.md 3), or `names` alone."""
    wanted = [*module.fields, "$approval_state", "$currency_symbol"] if names is None else names
    record = renderer(org, module, [name for name in dict.fromkeys(wanted) if name != "id"])(row)
    if module.subforms and names is None and org.switches["has_more_in_single"]:
        record["$has_more"] = {field.api_name: False for field in module.subforms}
    return record


def spoilt(call: Call, module: Module, records: list[Record]) -> list[Record]:
    """The records, one of them with a field of the wrong type if that fault is due."""
    fields = [module.fields[name] for name in (records[0] if records else ()) if name in module.fields]
    kinds = ("currency", "double", "date", "text", "picklist")
    target = next((field for kind in kinds for field in fields if field.data_type == kind), None)
    if target is None or not call.happens(Fault.MALFORMED_RECORD):
        return records
    middle = len(records) // 2
    broken = {**records[middle], target.api_name: {"malformed": [True, wire.Number("1E+2")]}}
    return [*records[:middle], broken, *records[middle + 1 :]]
