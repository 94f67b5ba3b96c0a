"""What is wrong with a mapping whose form is right: unknown fields, converters that do not fit, writes that cannot be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import ValidationError

from .canonical import CUSTOM, MODELS, CanonicalField, Shape, custom_field, shape
from .convert import CONVERTERS
from .convert_money import MoneyArgs
from .path import parse
from .reverse import effective_list_write, effective_write, reversible, reversible_list, writing_parts
from .rules import literal
from .spec import Head, ListRule, OnProblem, Rule, Write
from .yamltext import Place

Fault: TypeAlias = "tuple[Place, str]"
"""Where in the file, and what is wrong."""


def said(error: ValidationError, place: Place) -> Iterator[Fault]:
    """Pydantic's faults in a mapping's terms."""
    for fault in error.errors(include_url=False, include_context=False):
        loc = tuple(part for part in fault["loc"] if not (isinstance(part, str) and ("[" in part or "-" in part)))
        here = (*place, *loc)
        if fault["type"] == "extra_forbidden":
            yield here, f"unknown key {str(loc[-1])!r}"
        elif fault["type"] == "missing":
            yield here, f"the key {str(loc[-1])!r} is missing"
        else:
            text = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            yield here, f"{loc[-1]}: {text}" if loc else text


def like(name: str, known: Iterable[str]) -> str:
    """A guess at what was meant."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def field_of(model: Shape, path: str, *, kind: str, top: bool) -> CanonicalField | str:
    """The canonical field of a path, or why there is none."""
    if top and path.startswith(f"{CUSTOM}."):
        name = path.removeprefix(f"{CUSTOM}.")
        return custom_field(name) if name else "custom needs a name: custom.region"
    if path in model.fields:
        return model.fields[path]
    if path in model.lists:
        return f"{path!r} is a list: write it as {path}[]"
    if path in model.objects:
        below = ", ".join(name for name in model.fields if name.startswith(f"{path}."))
        return f"{path!r} is an object: give rules for its parts ({below})"
    return f"there is no canonical field {path!r} in {kind}{like(path, [*model.fields, *model.lists])}"


def check_fields(
    head: Head, rules: Mapping[str, Rule], lists: Mapping[str, ListRule], *, named: frozenset[str]
) -> Iterator[Fault]:
    """Every fault of the rules, whose options are filled in.

    `rules` and `lists` are those whose form is right; `named` are all fields that the file has a rule for, ``x[]`` for lists.
    """
    model = shape(MODELS[head.kind])
    sound: dict[str, tuple[Rule, CanonicalField]] = {}
    for path, rule in rules.items():
        found = field_of(model, path, kind=head.kind, top=True)
        if isinstance(found, str):
            yield ("fields", path), found
            continue
        faults = list(check_rule(rule, found, ("fields", path), in_list=False))
        yield from faults
        if not faults:
            sound[path] = (rule, found)
            yield from _check_currency(rule, found, path, named)
    for name, listed in lists.items():
        place: Place = ("fields", f"{name}[]")
        if name not in model.lists:
            known = ", ".join(f"{other}[]" for other in model.lists) or "none"
            yield place, f"there is no canonical list {name!r} in {head.kind} (lists: {known})"
            continue
        yield from _check_list(head, name, listed, model.lists[name], place, named)
    for name in sorted(model.required):
        if not any(path == name or path.startswith(f"{name}.") for path in named):
            yield ("fields",), f"a record of kind {head.kind} needs {name!r}, which no rule fills"
    yield from _check_targets(head, sound, lists, model)


def _check_currency(rule: Rule, field: CanonicalField, path: str, named: frozenset[str]) -> Iterator[Fault]:
    for part in (rule, *rule.first_of):
        name = part.convert or field.converter
        if part.is_const or part.cases or part.first_of or part.values is not None or name is None:
            continue
        args = CONVERTERS[name].args.model_validate(part.args)
        if isinstance(args, MoneyArgs) and (source := args.currency_of(path)) not in named:
            yield ("fields", path), f"the amount's currency is in {source!r}, which no rule fills"


def check_rule(rule: Rule, field: CanonicalField, place: Place, *, in_list: bool) -> Iterator[Fault]:
    """The faults of one rule."""
    if rule.on_problem is OnProblem.OMIT and (rule.required or not (field.nullable or field.has_default)):
        yield place, "on_problem: omit does not go with a required field: the record cannot be without it"
    for path in rule.wire:
        yield from _check_path(path, place, bare=in_list)
    for condition in (rule.when, *(case.when for case in rule.cases)):
        for path in condition or ():
            yield from _check_path(path, place, bare=in_list)
    values = [("default", rule.default)] if "default" in rule.model_fields_set else []
    values += [("const", rule.const)] if rule.is_const else []
    values += [("then", case.then) for case in rule.cases]
    values += [("else", rule.otherwise)] if "otherwise" in rule.model_fields_set else []
    values += [("values", to) for _, to in rule.values or ()]
    for name, value in values:
        yield from _check_literal(name, value, field, place)
    if rule.values is not None and any(key is None for key, _ in rule.values):
        yield place, "null cannot stand in a table of values: use 'default'"
    for part in rule.first_of:
        if (
            part.required
            or part.write not in (None, Write.NEVER)
            or "default" in part.model_fields_set
            or part.first_of
        ):
            yield (
                place,
                "the parts of first_of take no required, default or first_of of their own, and no write but never",
            )
        yield from check_rule(part, field, (*place, "first_of"), in_list=in_list)
    if rule.wire or rule.convert:
        faults = list(_check_converter(rule, field, place))
        yield from faults
        if faults:
            return
    try:
        if rule.write not in (None, Write.NEVER) and not reversible(rule, field):
            yield place, "this rule cannot be reversed, so it cannot write: say 'write: never', or nothing"
    except (ValueError, KeyError):
        return  # its path or a part is bad, which is reported above


def _check_path(path: str, place: Place, *, bare: bool) -> Iterator[Fault]:
    try:
        if parse(path) == () and not bare:
            yield place, "'.' is an element of a list; outside lists a wire path names a key"
    except ValueError as error:
        yield place, str(error)


def _check_literal(name: str, value: Any, field: CanonicalField, place: Place) -> Iterator[Fault]:
    if value is None and name != "default":
        if not field.nullable:
            yield place, f"{name}: {field.path} cannot be null"
        return
    try:
        literal(field, value)
    except ValidationError as error:
        why = error.errors(include_url=False, include_context=False)[0]["msg"]
        yield place, f"{name}: {value!r} is no {field.path}: {why.removeprefix('Value error, ')}"


def _check_converter(rule: Rule, field: CanonicalField, place: Place) -> Iterator[Fault]:
    if rule.values is not None:
        return
    name = rule.convert or field.converter
    if name is None:
        yield place, f"{field.path} needs a converter: say convert: percent (13) or convert: decimal (0.13)"
        return
    if name not in CONVERTERS:
        yield place, f"there is no converter {name!r}{like(name, CONVERTERS)}"
        return
    converter = CONVERTERS[name]
    try:
        args = converter.args.model_validate(rule.args)
    except ValidationError as error:
        yield from said(error, (*place, "args"))
        return
    if not rule.wire and args.needs_wire():
        yield place, f"the converter {name!r} needs a wire path"
    if rule.wire and name in ("rate_of_amounts", "currency_of_amounts"):
        yield place, f"the converter {name!r} names its paths in args and takes no wire"
    for path in args.paths():
        yield from _check_path(path, place, bare=False)
    for condition in args.conditions():
        for path in condition:
            yield from _check_path(path, place, bare=False)
    if name == "enum" and field.enum is None:
        yield place, f"{field.path} has no fixed words; use line or key"
    elif field.enum is not None and name != "enum":
        yield (
            place,
            f"{field.path} has fixed words ({', '.join(field.enum)}): use a table of values, cases, or the converter enum",
        )
    elif converter.gives is not field.base and object not in (field.base, converter.gives):
        yield (
            place,
            f"the converter {name!r} makes {converter.gives.__name__}, but {field.path} holds {field.base.__name__}",
        )
    elif field.base is object and converter.gives not in (str, int, bool, object):
        yield place, f"a custom field holds text, whole numbers or booleans, not what {name!r} makes: use custom"


def _check_list(
    head: Head, name: str, listed: ListRule, item: Shape, place: Place, named: frozenset[str]
) -> Iterator[Fault]:
    sound = True
    for source in listed.items:
        for path in (*source.wire, *(source.where or ())):
            faults = list(_check_path(path, place, bare=path not in source.wire))
            sound = sound and not faults
            yield from faults
        for path, rule in source.fields.items():
            found = field_of(item, path, kind=f"{name}[] of {head.kind}", top=False)
            here: Place = (*place, "fields", path)
            if isinstance(found, str):
                sound = False
                yield here, found
                continue
            faults = list(check_rule(rule, found, here, in_list=bool(source.wire)))
            if not faults:
                faults = [(here, why) for _, why in _check_currency(rule, found, path, named)]
            sound = sound and not faults
            yield from faults
        needed = [path for path, part in item.fields.items() if not (part.nullable or part.has_default or "." in path)]
        for path in needed:
            if path not in source.fields:
                yield place, f"an item of {name}[] needs {path!r}, which no rule fills"
    if sound and listed.write not in (None, Write.NEVER) and not reversible_list(listed, item):
        yield place, "this list cannot be reversed, so it cannot be written: say 'write: never', or nothing"


def _check_targets(
    head: Head, sound: Mapping[str, tuple[Rule, CanonicalField]], lists: Mapping[str, ListRule], model: Shape
) -> Iterator[Fault]:
    """No two rules may write the same wire field, and what decides about a written value must be written or told too."""
    fold = head.keys == "ignore_case"
    owners: dict[tuple[Any, ...], str] = {}
    told = {parse(path, ignore_case=fold) for path in head.send}
    for path, (rule, field) in sound.items():
        if not reversible(rule, field):
            continue
        part = next((part for part in writing_parts(rule) if reversible(part, field)), rule)
        targets = [parse(wire, ignore_case=fold) for wire in part.wire[:1]]
        targets += [parse(wire, ignore_case=fold) for case in part.cases for wire in case.when]
        told.update(targets)
        if effective_write(rule, field) is Write.NEVER or rule.when is not None:
            continue
        for target in dict.fromkeys(targets):
            clash = next(
                (other for other in owners if other[: len(target)] == target or target[: len(other)] == other), None
            )
            if clash is not None and owners[clash] != path:
                yield (
                    ("fields", path),
                    f"{owners[clash]} and {path} write the same wire field: give one of them 'write: never'",
                )
            owners[target] = path
    for name, listed in lists.items():
        if name in model.lists and effective_list_write(listed, model.lists[name]) is not Write.NEVER:
            told.update(parse(wire, ignore_case=fold) for source in listed.items for wire in source.wire)
    for path, (rule, field) in sound.items():
        if effective_write(rule, field) is Write.NEVER or rule.cases or rule.first_of or rule.values is not None:
            continue
        conditions = CONVERTERS[rule.convert or field.converter or ""].args.model_validate(rule.args).conditions()
        for wire in (wire for condition in conditions for wire in condition):
            if not any(parse(wire, ignore_case=fold)[: len(known)] == known for known in told):
                yield (
                    ("fields", path),
                    f"the sign depends on {wire!r}, which no rule can tell when writing: say 'write: never'",
                )
