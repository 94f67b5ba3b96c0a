"""X-EXTERNAL: values of an external field in place of record ids (zoho.md 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import wire
from .fields import Field, Module
from .org import Call, Org

_INVALID = "The value of the external field is invalid."


@dataclass(frozen=True, slots=True)
class Outside:
    """What the header of one call names, each a path like ``("Accounts", "ERP_Id")``."""

    org: Org
    paths: tuple[tuple[str, ...], ...]

    def names_records(self, module: Module) -> bool:
        """Whether records of `module` are named by an external field."""
        return self._field_of((module.api_name,)) is not None

    def record_id(self, module: Module, raw: Any) -> str | None:
        """The record id behind a value of the path, `ids` or a body; None if it can be none.

        Raises the 400 of zoho.md 5 for a value that no record has.
        """
        field = self._field_of((module.api_name,))
        if field is None:
            return plain_id(raw)
        found = self._resolve(module, field, raw)
        if found is None:
            raise wire.refused(400, "INVALID_DATA", _INVALID, {"resource_path_index": 1})
        return found

    def lookup_id(self, where: tuple[str, ...], target: Module, raw: Any) -> str | None:
        """The record id behind a lookup of a body; `where` is the path to it, as ``("Invoices", "Account_Name")``."""
        field = self._field_of(where) or self._field_of((target.api_name,))
        return plain_id(raw) if field is None else self._resolve(target, field, raw)

    def _field_of(self, start: tuple[str, ...]) -> str | None:
        return next((path[-1] for path in self.paths if path[:-1] == start), None)

    def _resolve(self, module: Module, field: str, raw: Any) -> str | None:
        found = self.org.books.ids_by(module.table, field, raw)
        return found[0] if found else None


def plain_id(raw: Any) -> str | None:
    """A record id given as a string or a number (the SDK sends numbers: zoho.md 5); None if it can be none."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0:
        return str(raw)
    return raw if isinstance(raw, str) and raw.isascii() and raw.isdigit() else None


def of_call(call: Call) -> Outside:
    """The external names of a call; 400 INVALID_DATA for a path that leads to no external field."""
    text = call.request.headers.get("x-external", "")
    paths = tuple(tuple(part.strip().split(".")) for part in text.split(",") if part.strip())
    for path in paths:
        field = _leads_to(call.org, path)
        if field is None or not field.external:
            raise wire.refused(
                400, "INVALID_DATA", "invalid data", {"header_name": "X-EXTERNAL", "value": ".".join(path)}
            )
    return Outside(call.org, paths)


def _leads_to(org: Org, path: tuple[str, ...]) -> Field | None:
    module = org.schema.get(path[0])
    for name in path[1:-1]:
        field = module.fields.get(name) if module else None
        module = org.schema.get(field.target) if field else None
    return module.fields.get(path[-1]) if module and len(path) > 1 else None
