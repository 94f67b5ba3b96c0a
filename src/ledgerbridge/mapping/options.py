"""Options: the names in ``${name}`` that a workspace may give other values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from .spec import OPTION_BASE_CURRENCY, MappingSpec

_USE = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")


def names_used(text: str) -> Iterator[str]:
    """The options that a text of a mapping uses."""
    return iter(_USE.findall(text))


def filled_in(value: Any, options: Mapping[str, JsonValue]) -> Any:
    """`value` with every ``${name}`` replaced, at all depths; alone in its text an option keeps its type.

    Names without a value stay as they are: the checks report them.
    """
    if isinstance(value, str):
        alone = _USE.fullmatch(value)
        if alone and alone[1] in options:
            return options[alone[1]]
        return _USE.sub(lambda match: _text(options, match), value)
    if isinstance(value, Mapping):
        return {filled_in(key, options): filled_in(part, options) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [filled_in(part, options) for part in value]
    return value


def _text(options: Mapping[str, JsonValue], match: re.Match[str]) -> str:
    return str(options[match[1]]) if match[1] in options else match[0]


def all_options(
    declared: Mapping[str, JsonValue], given: Mapping[str, JsonValue], base_currency: str
) -> dict[str, JsonValue]:
    """What each name stands for: the workspace's value, else the declared one. Undeclared names are of no effect."""
    return {name: given.get(name, default) for name, default in declared.items()} | {
        OPTION_BASE_CURRENCY: base_currency
    }


def to_data(spec: MappingSpec) -> dict[str, Any]:
    """`spec` as the file's own structure, ``x[]`` for lists; short forms spelled out."""
    data = spec.model_dump(by_alias=True, exclude_unset=True, exclude={"fields", "lists"})
    data["fields"] = {
        **{path: rule.model_dump(by_alias=True, exclude_unset=True) for path, rule in spec.fields.items()},
        **{f"{path}[]": rule.model_dump(by_alias=True, exclude_unset=True) for path, rule in spec.lists.items()},
    }
    return data


def from_data(data: Mapping[str, Any]) -> MappingSpec:
    """The mapping of a structure that is known to be sound."""
    fields = {path: rule for path, rule in data["fields"].items() if not path.endswith("[]")}
    lists = {path[:-2]: rule for path, rule in data["fields"].items() if path.endswith("[]")}
    return MappingSpec.model_validate({**data, "fields": fields, "lists": lists})


def with_options(spec: MappingSpec, given: Mapping[str, JsonValue], base_currency: str) -> MappingSpec:
    """`spec` with every option filled in. ValidationError if a value has no place where it is used."""
    values = all_options(spec.options, given, base_currency)
    data = to_data(spec)
    return from_data({key: part if key == "options" else filled_in(part, values) for key, part in data.items()})
