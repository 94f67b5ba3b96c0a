"""One record of a write, checked field by field (zoho.md 5): the books' values, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledgerbridge.sandbox.books import Row

from . import wire
from .external import Outside, plain_id
from .fields import Field, Module
from .org import BASE_CURRENCY, Org
from .values import Unfit, accept_scalar, accept_taxes, json_type

Problem = dict[str, Any]
INVALID_ID = "the id given seems to be invalid"


@dataclass(slots=True)
class RowInput:
    """One row of a subform as given: `row_id` None for a new one, `delete` for one to be taken out."""

    row_id: str | None
    delete: bool
    values: dict[str, Any]


@dataclass(slots=True)
class Checked:
    """What a record gives: stored values of the fields that it names, rows by subform, and its problems."""

    values: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[RowInput]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def blame(self, code: str, message: str, name: str, path: str, **details: Any) -> None:
        """Note a problem of one field."""
        self.problems.append(wire.problem(code, message, {**details, "api_name": name, "json_path": path}))


def check_record(
    org: Org, outside: Outside, module: Module, item: Mapping[str, Any], path: str, current: Row | None
) -> Checked:
    """Check `item` against the fields of `module`; `current` is the record it changes, None for a new one."""
    checked = Checked()
    given_code = item.get("Currency")
    code = given_code if isinstance(given_code, str) else (current or {}).get("Currency", BASE_CURRENCY)
    for key, value in item.items():
        if key == "id" or key.startswith("$"):
            continue
        found = module.fields.get(key)
        if found is None:
            if not org.switches["unknown_fields_ignored"]:
                checked.blame("INVALID_DATA", "invalid data", key, f"{path}.{key}")
        elif found.read_only:
            if not org.switches["read_only_ignored"]:
                checked.blame("INVALID_DATA", "read only field", key, f"{path}.{key}")
        elif found.data_type == "subform":
            _check_rows(org, outside, (module, found), value, (f"{path}.{key}", code), current, checked)
        else:
            _check_field(org, outside, (module.api_name,), found, value, (f"{path}.{key}", code), checked)
    _check_mandatory(module, item, path, current is None, checked)
    return checked


def _check_field(
    org: Org,
    outside: Outside,
    where: tuple[str, ...],
    found: Field,
    value: Any,
    place: tuple[str, str],
    checked: Checked,
) -> None:
    path, code = place
    name = found.api_name
    if value is None:
        if org.switches["null_clears"]:
            checked.values[name] = None
        return
    try:
        if found.data_type == "lookup":
            checked.values[name] = _accept_lookup(org, outside, (*where, name), found, value, path)
        elif found.data_type == "ownerlookup":
            checked.values[name] = _accept_owner(org, value)
        elif found.data_type == "linetax":
            checked.values[name] = accept_taxes(value)
        else:
            checked.values[name] = accept_scalar(org, found, value, code)
    except Unfit as unfit:
        checked.blame("INVALID_DATA", unfit.message, name, path, **unfit.details)
    except _NoId:
        expected = [{"api_name": "id", "json_path": f"{path}.id"}]
        checked.blame("EXPECTED_FIELD_MISSING", "expected field missing", name, path, expected_fields=expected)


class _NoId(Exception):
    """A lookup without an id."""


def _accept_lookup(
    org: Org, outside: Outside, where: tuple[str, ...], found: Field, value: Any, path: str
) -> str | None:
    if not isinstance(value, dict):
        raise Unfit(expected_data_type="jsonobject")
    if value.get("id") is None:
        raise _NoId(path)
    target = org.schema.get(found.target)
    record_id = None if target is None else outside.lookup_id(where, target, value["id"])
    if target is None or record_id is None or org.books.look(target.table, record_id) is None:
        raise Unfit(INVALID_ID)
    return record_id


def _accept_owner(org: Org, value: Any) -> str:
    user_id = plain_id(value.get("id")) if isinstance(value, dict) else None
    if user_id is None or org.books.look("users", user_id) is None:
        raise Unfit(INVALID_ID)
    return user_id


def _check_rows(
    org: Org,
    outside: Outside,
    place: tuple[Module, Field],
    value: Any,
    at: tuple[str, str],
    current: Row | None,
    checked: Checked,
) -> None:
    """A subform: rows with an id change, rows without are new, ``_delete`` takes one out (zoho.md 5)."""
    parent, found = place
    path, code = at
    module = org.schema[found.target]
    if not isinstance(value, list):
        checked.blame("INVALID_DATA", "invalid data", found.api_name, path, expected_data_type=json_type(found))
        return
    known = {row["id"] for row in (current or {}).get(found.api_name) or ()}
    by_folded = {name.lower(): item for name, item in module.fields.items()}
    rows: list[RowInput] = []
    for number, given in enumerate(value):
        row_path = f"{path}[{number}]"
        if not isinstance(given, dict):
            checked.blame("INVALID_DATA", "invalid data", found.api_name, row_path, expected_data_type="jsonobject")
            continue
        row_id = None if given.get("id") is None else plain_id(given["id"])
        if given.get("id") is not None and row_id not in known:
            checked.blame("INVALID_DATA", INVALID_ID, "id", f"{row_path}.id")
            continue
        inner = Checked()
        for key, item in given.items():  # line keys are read without regard to case (zoho.md 12)
            line = by_folded.get(key.lower())
            if line is not None and not line.read_only:
                at_line = (f"{row_path}.{line.api_name}", code)
                _check_field(org, outside, (parent.api_name, found.api_name), line, item, at_line, inner)
        delete = "_delete" in given
        if row_id is None or not delete:
            _check_mandatory(module, inner.values, row_path, row_id is None, inner)
        checked.problems += inner.problems
        rows.append(RowInput(row_id, delete, inner.values))
    checked.rows[found.api_name] = rows


def _check_mandatory(module: Module, item: Mapping[str, Any], path: str, is_new: bool, checked: Checked) -> None:
    """A new record needs every mandatory field; a change may not empty one."""
    for name, found in module.fields.items():
        if not found.mandatory or any(problem["details"].get("api_name") == name for problem in checked.problems):
            continue
        if found.data_type == "subform":
            kept = [row for row in checked.rows.get(name, ()) if not row.delete]
            missing = is_new and not kept
        else:
            missing = is_new if name not in item else checked.values.get(name) is None and item[name] in (None, "")
        if missing:
            checked.blame("MANDATORY_NOT_FOUND", "required field not found", name, f"{path}.{name}")
