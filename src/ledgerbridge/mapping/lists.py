"""Canonical objects and lists, compiled for reading from the rules of their parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ledgerbridge.model.problem import Problem

from .canonical import Shape
from .condition import compile_condition
from .path import getter, parse
from .rules import Leaf, Scope, Teller, compile_rule, inside
from .spec import Absent, ListRule, OnProblem, Rule, Source
from .wire import ABSENT, BLANKS, FAILED, UNSET, blank
from .wire import shape as shape_of

Steps = list[tuple[str, Leaf]]


def compile_fields(rules: Mapping[str, Rule], model: Shape, scope: Scope) -> Steps:
    """One step per field of the model; dotted paths are gathered into objects."""
    steps: dict[str, Leaf] = {}
    parts: dict[str, Steps] = {}
    for path, rule in rules.items():
        leaf = compile_rule(rule, model.fields[path], scope)
        name, _, below = path.partition(".")
        if not below:
            steps[name] = leaf
            continue
        if name not in parts:
            parts[name] = []
            steps[name] = _object(parts[name], nullable=model.objects[name])
        parts[name].append((below, leaf))
    return list(steps.items())


def _object(parts: Steps, *, nullable: bool) -> Leaf:
    """Unset if nothing is said about any part; None if every part is, where the model allows it."""

    def read(item: Any, root: Any, faults: list[Problem]) -> Any:
        made = {}
        said = failed = False
        for name, leaf in parts:
            value = leaf(item, root, faults)
            if value is UNSET:
                continue
            if value is FAILED:
                failed = True
                continue
            made[name] = value
            said = said or value is not None
        if failed and not said:
            return FAILED
        if not made:
            return UNSET
        return made if said or not nullable else None

    return read


def compile_list(name: str, rule: ListRule, item_shape: Shape, scope: Scope) -> Leaf:
    """A tuple of items, each a dict; UNSET if no source says anything."""
    prefix = f"{name}[]."
    teller = Teller(
        field=name,
        wire=" | ".join(path for source in rule.items for path in source.wire) or "(several fields)",
        rule=f"{scope.mapping}:{name}[]",
        fatal=rule.on_problem is OnProblem.QUARANTINE,
    )
    sources = [_source(name, source, item_shape, scope, prefix, teller) for source in rule.items]
    absent = () if (rule.absent or scope.absent) is Absent.EMPTY else UNSET

    def read(payload: Any, root: Any, faults: list[Problem]) -> Any:
        items: list[Any] = []
        own: list[Problem] = []
        said = False
        for source in sources:
            said = source(payload, root, own, items) or said
        if rule.distinct:
            items = [item for index, item in enumerate(items) if item not in items[:index]]
        if own:
            if teller.fatal:
                faults.extend(own)
                return tuple(items)  # the record is lost, but the model may know of more problems
            faults.extend(fault.model_copy(update={"fatal": False}) for fault in own)
            if any(fault.fatal for fault in own):
                return UNSET
        if rule.required and not items:
            faults.append(teller.problem(ABSENT, "has no items, but at least one is required"))
            return FAILED
        return tuple(items) if said else absent

    return read


SourceReader = Callable[[Any, Any, list[Problem], list[Any]], bool]
"""(payload, root, problems, items to add to) → whether the source says anything."""


def _source(name: str, source: Source, shape: Shape, scope: Scope, prefix: str, teller: Teller) -> SourceReader:
    if not source.wire:
        return _fixed_item(source, shape, inside(scope, prefix, lenient=True))
    return _elements(
        name,
        source,
        compile_fields(source.fields, shape, inside(scope, prefix, wire_prefix=f"{source.wire[0]}[*].")),
        scope,
        teller,
    )


def _fixed_item(source: Source, shape: Shape, scope: Scope) -> SourceReader:
    """One item made of header fields, unless none of them is filled."""
    told, needed = item_told(source), item_needs(shape)
    steps = compile_fields(source.fields, shape, scope)

    def read(payload: Any, root: Any, faults: list[Problem], items: list[Any]) -> bool:
        item: dict[str, Any] = {}
        said = filled = False
        for name, leaf in steps:
            value = leaf(payload, root, faults)
            if value is UNSET:
                continue
            if name in told:
                said = True
                filled = filled or says_something(value)
            if value is not FAILED and not (value is None and name in needed):
                item[name] = value
        if filled:
            items.append(item)
        return said

    return read


def item_told(source: Source) -> frozenset[str]:
    """The fields by which an item made of header fields says that it is there."""
    return frozenset(
        path.partition(".")[0] for path, rule in source.fields.items() if not (rule.is_const or rule.cases)
    )


def item_needs(item: Shape) -> frozenset[str]:
    """The fields that no item can be without."""
    return frozenset(path for path, field in item.fields.items() if not (field.nullable or field.has_default))


def says_something(value: Any) -> bool:
    """Whether a part of an item says something: of an object, at least one part."""
    if isinstance(value, dict):
        return any(says_something(part) for part in value.values())
    return value is not None and value is not FAILED and value != ""


def _elements(name: str, source: Source, steps: Steps, scope: Scope, teller: Teller) -> SourceReader:
    """One item per element of a wire list."""
    getters = [getter(parse(path, ignore_case=scope.ignore_case)) for path in source.wire]
    bare = all(rule.wire in ((), (".",)) for rule in source.fields.values())
    where = compile_condition(source.where, ignore_case=scope.ignore_case) if source.where else None
    apart = re.compile(f"[{re.escape(source.split)}]") if source.split else None

    def read(payload: Any, root: Any, faults: list[Problem], items: list[Any]) -> bool:
        found = first_filled(getters, payload)
        if found is ABSENT:
            return False
        elements = as_elements(found, apart, bare=bare)
        if elements is None:
            faults.append(teller.problem(found, f"is {shape_of(found)}, not a list"))
            return True
        for index, element in enumerate(elements):
            if not bare and not isinstance(element, dict):
                bad = teller.problem(element, f"is {shape_of(element)}, not an object")
                faults.append(_numbered(bad, name, len(items), index))
                continue
            if where is not None and not where(element):
                continue
            item: dict[str, Any] = {}
            before = len(faults)
            for part, leaf in steps:
                value = leaf(element, root, faults)
                if value is not UNSET and value is not FAILED:
                    item[part] = value
            if len(faults) > before:
                faults[before:] = [_numbered(fault, name, len(items), index) for fault in faults[before:]]
            items.append(item)
        return True

    return read


def first_filled(getters: Sequence[Callable[[Any], Any]], payload: Any) -> Any:
    """The first value that is not blank, else what the first path that is there says; ABSENT if none is."""
    found: Any = ABSENT
    for get in getters:
        value = get(payload)
        if not blank(value):
            return value
        if found is ABSENT:
            found = value
    return found


def as_elements(found: Any, apart: re.Pattern[str] | None, *, bare: bool) -> Sequence[Any] | None:
    """The elements that a wire value means, blank ones of a text or a list of texts left out; None if it is no list."""
    if blank(found):
        return ()
    if apart is not None:
        texts = found if isinstance(found, list) else [found]
        if not all(isinstance(text, str | int) for text in texts):
            return None
        return [part for text in texts for part in apart.split(str(text)) if part.strip(BLANKS)]
    if isinstance(found, dict):
        return (found,)
    if isinstance(found, list):
        flat = [inner for element in found for inner in (element if isinstance(element, list) else [element])]
        return [element for element in flat if not blank(element)] if bare else flat
    return [found] if bare else None


def _numbered(problem: Problem, name: str, position: int, element: int) -> Problem:
    """`problem` with the position of its item in the record, and, for people, the number of its element on the wire."""
    below = problem.field.removeprefix(f"{name}[]") if problem.field != name else ""
    return problem.model_copy(
        update={"field": f"{name}[{position}]{below}", "why": f"{problem.why} (item {element + 1})"}
    )
