"""From planned field changes to a canonical record, new or laid over what the target says. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from ledgerbridge.mapping.canonical import CUSTOM, MODELS, Record
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import FieldChange
from ledgerbridge.model.plan import REFERENCE

_ID: Final = "external_id"


class CannotLay(Exception):
    """The planned values make no record of the kind; the text names every field at fault."""


def planned_values(fields: Iterable[FieldChange]) -> dict[str, Any]:
    """What the changes set, as a canonical record's JSON would nest it."""
    return laid_over({}, fields)


def laid_over(before: Mapping[str, JsonValue], fields: Iterable[FieldChange]) -> dict[str, Any]:
    """The JSON of a canonical record with the changed fields' `after` in place; `before` is left as it is."""
    root: dict[str, Any] = json.loads(json.dumps(before))
    for field in fields:
        steps = _steps(field.path)
        place = root
        for step in steps[:-1]:
            inner = place.get(step)
            if not isinstance(inner, dict):
                inner = place[step] = {}
            place = inner
        place[steps[-1]] = json.loads(json.dumps(field.after))
    return root


def as_record(kind: Kind, values: Mapping[str, JsonValue]) -> Record:
    """The record that canonical JSON says; CannotLay if it says none."""
    try:
        return MODELS[kind].model_validate_json(json.dumps(values))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        said = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults]
        raise CannotLay("; ".join(said)) from None


def entities_named(value: object) -> set[str]:
    """The ids of the entities that are named instead of the target's own records."""
    if isinstance(value, dict):
        found = {entity} if (entity := _entity(value.get(_ID))) is not None else set()
        return found.union(*(entities_named(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(entities_named(inner) for inner in value))
    return set()


def with_targets(value: Any, targets: Mapping[str, Mapping[str, JsonValue]]) -> Any:
    """`value` with every named entity replaced by how the target names its own record of it."""
    if isinstance(value, dict):
        entity = _entity(value.get(_ID))
        if entity is not None:
            return dict(targets[entity])
        return {name: with_targets(inner, targets) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_targets(inner, targets) for inner in value]
    return value


def _entity(external_id: object) -> str | None:
    if isinstance(external_id, str) and external_id.startswith(REFERENCE):
        return external_id.removeprefix(REFERENCE)
    return None


def _steps(path: str) -> list[str]:
    if path.startswith(f"{CUSTOM}."):  # a custom field's name may have dots of its own
        return [CUSTOM, path.removeprefix(f"{CUSTOM}.")]
    return path.split(".")
