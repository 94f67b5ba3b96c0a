"""Mapping files: YAML text → a checked mapping, and a workspace's overlay on a shipped one. No file is opened here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import JsonValue, ValidationError

from ledgerbridge.errors import MappingError
from ledgerbridge.model.base import Kind

from .canonical import json_schema
from .check import Fault, check_fields, like, said
from .options import all_options, filled_in, names_used, to_data
from .path import parse
from .spec import OPTION_BASE_CURRENCY, Head, ListRule, MappingSpec, Part, Rule
from .yamltext import Place, read_yaml

_HEAD_KEYS = frozenset(Head.model_fields)
T = TypeVar("T", bound=Part)

_FIXED = ("connector", "kind", "wire_type")


def load_mapping(text: str, source: str) -> MappingSpec:
    """The mapping of a file's `text`; `source` names the file in messages.

    Raises MappingError with every fault of the file, each as ``source:line: what is wrong``.
    """
    document = read_yaml(text)
    _stop_at(document.faults, source)
    return _checked(document.data, lambda place: f"{source}:{document.line(place)}", source)


def overlay(base: MappingSpec, text: str, source: str) -> MappingSpec:
    """`base` with what a workspace's file says instead, field by field; null removes a rule, or a head key's setting.

    `options` and `send` are replaced key by key. Raises MappingError as :func:`load_mapping`; faults that are not in the
    overlay itself are told of the mapping it lies on.
    """
    document = read_yaml(text)
    _stop_at(document.faults, source)
    data = to_data(base)
    faults: list[tuple[int, str]] = []
    own: set[Place] = set()
    for key, value in document.data.items():
        place: Place = (key,)
        if key in _FIXED:
            if value != str(data[key]):
                faults.append(
                    (document.line(place), f"{key}: the mapping underneath is for {str(data[key])!r}, not {value!r}")
                )
        elif key in ("fields", "options", "send"):
            if not isinstance(value, dict):
                faults.append((document.line(place), f"{key} has to be keys and values"))
                continue
            merged = dict(data.get(key, {}))
            for name, part in value.items():
                own.add((key, name))
                if key == "fields" and part is None and merged.pop(name, None) is None:
                    line = document.line((key, name))
                    faults.append((line, f"there is no rule {name!r} to remove{like(name, merged)}"))
                if part is not None or key != "fields":
                    merged[name] = part
            data[key] = merged
        else:
            own.add(place)
            if value is None and key in _HEAD_KEYS:
                data.pop(key, None)
            else:
                data[key] = value
    _stop_at(faults, source)

    def located(place: Place) -> str:
        mine = place[:1] in own or place[:2] in own
        return f"{source}:{document.line(place)}" if mine else f"{source} on {base.name}"

    return _checked(data, located, source)


def schema(kind: Kind) -> dict[str, JsonValue]:
    """The JSON Schema of the canonical record of `kind`: the fields that mappings fill."""
    return json_schema(kind)


def _stop_at(faults: list[tuple[int, str]], source: str) -> None:
    if faults:
        _fail([f"{source}:{line}: {text}" for line, text in sorted(faults)], source)


def _fail(lines: list[str], source: str) -> None:
    count = "1 fault" if len(lines) == 1 else f"{len(lines)} faults"
    raise MappingError("\n  ".join([f"the mapping {source} has {count}:", *lines]))


def _checked(data: Mapping[str, Any], located: Callable[[Place], str], source: str) -> MappingSpec:
    """The mapping of `data`, or MappingError with all that is wrong with it."""
    faults: list[Fault] = []
    head = _part(Head, {key: value for key, value in data.items() if key != "fields"}, (), faults)
    fields = data.get("fields")
    if not isinstance(fields, dict) or not fields:
        faults.append((("fields",), "the key 'fields' is missing, or holds no rules"))
        fields = {}
    faults.extend(_undeclared(data))
    declared = data.get("options")
    options = all_options(declared if isinstance(declared, dict) else {}, {}, "CNY")
    rules: dict[str, Rule] = {}
    lists: dict[str, ListRule] = {}
    for path, written in fields.items():
        value = filled_in(written, options)
        if path.endswith("[]"):
            found_list = _part(ListRule, value, ("fields", path), faults)
            if found_list is not None:
                lists[path[:-2]] = found_list
            continue
        found = _part(Rule, value, ("fields", path), faults)
        if found is not None:
            rules[path] = found
    known_kind = head if head is not None else _head_of_kind(data)
    if known_kind is not None:
        faults.extend(_head_paths(known_kind))
        faults.extend(check_fields(known_kind, rules, lists, named=frozenset(fields)))
    if faults:
        told = dict.fromkeys(f"{located(place)}: {text}" for place, text in faults)
        _fail(sorted(told, key=_by_line), source)
    plain = {path: rule for path, rule in fields.items() if not path.endswith("[]")}
    listed = {path[:-2]: rule for path, rule in fields.items() if path.endswith("[]")}
    return MappingSpec.model_validate({**data, "fields": plain, "lists": listed})


def _by_line(told: str) -> tuple[int, str]:
    parts = told.split(": ", 1)[0].rpartition(":")
    return (int(parts[2]) if parts[2].isdigit() else 0, told)


def _part(form: type[T], value: Any, place: Place, faults: list[Fault]) -> T | None:
    try:
        return form.model_validate(value)
    except ValidationError as error:
        faults.extend(said(error, place))
        return None


def _head_of_kind(data: Mapping[str, Any]) -> Head | None:
    """As much of a faulty head as the checks of the fields need."""
    try:
        return Head(name="?", revision=1, connector="x", kind=Kind(str(data.get("kind"))), wire_type="?")
    except ValueError:
        return None


def _undeclared(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Uses of options that nothing declares."""
    declared = data.get("options")
    known = {OPTION_BASE_CURRENCY, *(declared if isinstance(declared, dict) else {})}
    for place, text in _texts(data, ()):
        if place[:1] != ("options",):
            for name in names_used(text):
                if name not in known:
                    yield place, f"the option {name!r} is used but not declared under 'options'{like(name, known)}"


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(str(key), place)
            yield from _texts(part, (*place, str(key)))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _texts(part, (*place, index))


def _head_paths(head: Head) -> Iterator[Fault]:
    for index, skip in enumerate(head.skip):
        for path in skip.when:
            yield from _path_fault(path, ("skip", index))
    for path in head.send:
        yield from _path_fault(path, ("send", path))


def _path_fault(path: str, place: Place) -> Iterator[Fault]:
    try:
        parse(path)
    except ValueError as error:
        yield place, str(error)
