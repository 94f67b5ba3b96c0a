"""Which wire paths a mapping reads, and which of a payload it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from pydantic import JsonValue

from ledgerbridge.model.wirejson import WireValue

from .convert import CONVERTERS
from .options import with_options
from .path import EVERY, Path, parse
from .rules import wire_text
from .spec import Condition, Keys, MappingSpec, Rule

_Tree: TypeAlias = "dict[str, _Tree]"
_ALL = "\0all"  # a rule reads everything from here on


def rule_paths(rule: Rule) -> Iterator[str]:
    """Every wire path that a rule reads or decides by."""
    yield from rule.wire
    yield from rule.when or ()
    for case in rule.cases:
        yield from case.when
    for part in rule.first_of:
        yield from rule_paths(part)
    if rule.convert:
        args = CONVERTERS[rule.convert].args.model_validate(rule.args)
        yield from args.paths()
        for condition in args.conditions():
            yield from condition
    else:
        yield from _condition_paths(rule.args)


def _condition_paths(args: Mapping[str, Any]) -> Iterator[str]:
    """Paths in the arguments of a converter that goes without saying; only amounts have any."""
    for name in ("negate_if", "negative_if"):
        condition: Condition | None = args.get(name)
        yield from condition or ()


def all_paths(spec: MappingSpec) -> Iterator[Path]:
    """Every wire path from the top of a payload that `spec` reads or decides by."""
    fold = spec.keys is Keys.IGNORE_CASE
    for skip in spec.skip:
        yield from (parse(path, ignore_case=fold) for path in skip.when)
    for rule in spec.fields.values():
        yield from (parse(path, ignore_case=fold) for path in rule_paths(rule))
    for listed in spec.lists.values():
        for source in listed.items:
            inner = [parse(path, ignore_case=fold) for rule in source.fields.values() for path in rule_paths(rule)]
            inner += [parse(path, ignore_case=fold) for path in source.where or ()]
            if not source.wire:
                yield from inner
            for wire in source.wire:
                outer = parse(wire, ignore_case=fold)
                yield from ((*outer, EVERY, *path) for path in inner)


def top_keys_read(spec: MappingSpec) -> frozenset[str]:
    """The keys of a payload itself that `spec` reads."""
    return frozenset(path[0] for path in all_paths(spec) if path and isinstance(path[0], str))


def compile_untouched(spec: MappingSpec) -> Callable[[Mapping[str, WireValue]], tuple[str, ...]]:
    """What :func:`untouched` does, made ready once; the options of `spec` are filled in already."""
    fold = spec.keys is Keys.IGNORE_CASE
    tree: _Tree = {}
    for path in all_paths(spec):
        node = tree
        for step in path:
            if isinstance(step, str):
                node = node.setdefault(step, {})
        node[_ALL] = {}
    patterns = list(spec.ignore) + (list(spec.custom.match) if spec.custom else [])

    def untouched_of(payload: Mapping[str, WireValue]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for key, value in payload.items():
            _walk(key, value, tree, key, found, fold=fold)
        return tuple(
            sorted(path for path in found if not any(_matches(path, pattern, fold=fold) for pattern in patterns))
        )

    return untouched_of


def untouched(
    spec: MappingSpec, payload: Mapping[str, WireValue], options: Mapping[str, JsonValue] | None = None
) -> tuple[str, ...]:
    """Wire paths of `payload` that no rule reads, sorted, ``[*]`` for list elements; those under ``ignore`` are left out."""
    return compile_untouched(with_options(spec, options or {}, ""))(payload)


def _matches(path: str, pattern: str, *, fold: bool) -> bool:
    names = (path, path.partition(".")[0].partition("[")[0])
    return any(fnmatchcase(name.lower(), pattern.lower()) if fold else fnmatchcase(name, pattern) for name in names)


def _walk(key: str, value: WireValue, tree: _Tree, path: str, found: dict[str, None], *, fold: bool) -> None:
    node = tree.get(key.lower() if fold else key)
    if node is None:
        found[path] = None
        return
    if _ALL in node:
        return
    elements = value if isinstance(value, list) else [value]
    suffix = "[*]" if isinstance(value, list) else ""
    for element in elements:
        if isinstance(element, dict):
            for inner, below in element.items():
                _walk(inner, below, node, f"{path}{suffix}.{inner}", found, fold=fold)


def fields_read(spec: MappingSpec) -> frozenset[str]:
    """The canonical paths that `spec` can fill, lists by their name; ``custom.*`` if it takes custom fields by pattern."""
    return frozenset([*spec.fields, *spec.lists, *(["custom.*"] if spec.custom else [])])


def sources(spec: MappingSpec, *, whole_paths: bool = False) -> dict[str, str]:
    """For people: per canonical field (or, with `whole_paths`, per canonical path) the wire paths it is filled from."""
    told: dict[str, list[str]] = {}
    for path, rule in spec.fields.items():
        told.setdefault(path if whole_paths else path.partition(".")[0], []).append(wire_text(rule))
    for path, rule_list in spec.lists.items():
        name = path if whole_paths else path.removesuffix("[]")
        for item in rule_list.items:
            below = ", ".join(dict.fromkeys(wire_text(rule) for rule in item.fields.values() if not rule.is_const))
            told.setdefault(name, []).append(f"{' | '.join(item.wire)}: {below}" if item.wire else below)
    return {field: ", ".join(dict.fromkeys(texts)) for field, texts in told.items()}
