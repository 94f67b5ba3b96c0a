"""Reading: a vendor's record → the canonical record, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, JsonValue, ValidationError

from ledgerbridge.model.problem import Problem
from ledgerbridge.model.wirejson import WireValue

from .canonical import CUSTOM, MODELS, Record, custom_field, shape
from .condition import compile_condition
from .convert import CONVERTERS
from .convert_money import CURRENCY_FIELDS
from .lists import compile_fields, compile_list
from .options import with_options
from .path import folded
from .reads import top_keys_read
from .rules import Leaf, Scope, Teller, compile_rule, wire_text
from .spec import Custom, Keys, ListRule, MappingSpec, OnProblem, Rule
from .wire import ABSENT, FAILED, UNSET, BadValue, WireDict


@dataclass(frozen=True, slots=True)
class Context:
    """What a mapping needs to know of the workspace: the zone of its business days, the currency of its books, its options."""

    zone: ZoneInfo
    base_currency: str
    options: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record that was understood; `notices` are the faults for which fields were left out."""

    value: Record
    notices: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A record that was not understood, with every problem it has."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Filtered:
    """A record that is none of our business."""

    reason: str


Inbound: TypeAlias = Callable[[Mapping[str, WireValue]], "Mapped | Unmapped | Filtered"]
"""Maps one payload. Pure, and safe to call from several threads."""

_REPAIRS_MAX = 50  # each repair removes a field, so this ends sooner


def scope_of(spec: MappingSpec, context: Context) -> Scope:
    """What the rules of `spec` share in `context`."""
    return Scope(
        mapping=spec.name,
        zone=context.zone,
        base_currency=context.base_currency,
        numbers=spec.numbers,
        ignore_case=spec.keys is Keys.IGNORE_CASE,
        absent=spec.absent,
    )


def compile_inbound(spec: MappingSpec, context: Context) -> Inbound:
    """The reading of `spec`; all paths, converters and conditions are made ready once."""
    spec = with_options(spec, context.options, context.base_currency)
    scope = scope_of(spec, context)
    skips = [
        (compile_condition(skip.when, ignore_case=scope.ignore_case), Filtered(skip.because)) for skip in spec.skip
    ]
    steps = _steps(spec, scope)
    customs = compile_customs(spec, scope)
    finish = _finisher(spec)

    def inbound(payload: Mapping[str, WireValue]) -> Mapped | Unmapped | Filtered:
        faults: list[Problem] = []
        if scope.ignore_case:
            payload = _without_case(payload, faults, scope)
        elif type(payload) is not dict:
            payload = dict(payload)
        for holds, filtered in skips:
            if holds(payload):
                return filtered
        root: dict[str, Any] = {}
        for name, leaf in steps:
            value = leaf(payload, root, faults)
            if value is not UNSET:
                root[name] = value
        if customs is not None:
            customs(payload, root, faults)
        return finish(root, faults)

    return inbound


def _without_case(payload: WireDict, faults: list[Problem], scope: Scope) -> WireDict:
    clashes: list[tuple[str, str]] = []
    result = folded(payload, clashes)
    for low, key in clashes:
        why = f"the wire keys {key!r} and another spelling of {low!r} are both there and differ; which one counts is not known"
        faults.append(Teller("", key, f"{scope.mapping}:keys", fatal=True).problem(ABSENT, why))
    return result


def _steps(spec: MappingSpec, scope: Scope) -> list[tuple[str, Leaf]]:
    """All fields but custom ones, currencies first: amounts need them."""
    model = shape(MODELS[spec.kind])
    fields = {path: rule for path, rule in spec.fields.items() if not path.startswith(f"{CUSTOM}.")}
    ordered = {path: fields[path] for path in CURRENCY_FIELDS if path in fields} | fields
    steps = compile_fields(ordered, model, scope)
    for name, rule in spec.lists.items():
        steps.append((name, compile_list(name, rule, model.lists[name], scope)))
    return steps


def compile_customs(
    spec: MappingSpec, scope: Scope
) -> Callable[[WireDict, dict[str, Any], list[Problem]], None] | None:
    """The reading of the custom fields: into the record under construction, by name; None if the mapping has none."""
    named: list[tuple[str, Leaf]] = []
    for path, rule in spec.fields.items():
        if path.startswith(f"{CUSTOM}."):
            name = path.removeprefix(f"{CUSTOM}.")
            named.append((name, compile_rule(rule, custom_field(name), scope)))
    unnamed = _unnamed_customs(spec, spec.custom, scope) if spec.custom else None
    if not named and unnamed is None:
        return None

    def read(payload: WireDict, root: dict[str, Any], faults: list[Problem]) -> None:
        custom: dict[str, Any] = {}
        if unnamed is not None:
            unnamed(payload, custom, faults)
        for name, leaf in named:
            value = leaf(payload, root, faults)
            if value is not UNSET and value is not FAILED:
                custom[name] = value
        if custom:
            root[CUSTOM] = dict(sorted(custom.items()))

    return read


def _unnamed_customs(
    spec: MappingSpec, custom: Custom, scope: Scope
) -> Callable[[WireDict, dict[str, Any], list[Problem]], None]:
    """Wire fields that no rule reads and whose names match."""
    taken = top_keys_read(spec)
    convert = compile_custom_value(scope)
    verdicts: dict[str, bool] = {}

    def wanted(key: str) -> bool:
        if len(verdicts) > 10_000:  # keys made up by the far side, such as ids, must not fill the memory
            verdicts.clear()
        verdicts[key] = verdict = (
            key not in taken
            and any(fnmatchcase(key, pattern) for pattern in _cased(custom.match, scope))
            and not any(fnmatchcase(key, pattern) for pattern in _cased(custom.skip, scope))
        )
        return verdict

    def read(payload: WireDict, into: dict[str, Any], faults: list[Problem]) -> None:
        for key, value in payload.items():
            verdict = verdicts.get(key)
            if verdict is None:
                verdict = wanted(key)
            if verdict:
                convert(key, value, into, faults)

    return read


def _cased(patterns: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    return tuple(pattern.lower() for pattern in patterns) if scope.ignore_case else patterns


def compile_custom_value(scope: Scope) -> Callable[[str, WireValue, dict[str, Any], list[Problem]], None]:
    """Puts one wire value among the custom fields under its own name; one that cannot be held is left out with a notice."""
    convert = _custom_reader(scope)

    def put(key: str, value: WireValue, into: dict[str, Any], faults: list[Problem]) -> None:
        if value is None:
            into[key] = None
            return
        try:
            into[key] = convert(value, None, {})
        except BadValue as bad:
            field = f"{CUSTOM}.{key}"
            faults.append(Teller(field, key, f"{scope.mapping}:{CUSTOM}", fatal=False).problem(value, str(bad)))

    return put


def _custom_reader(scope: Scope) -> Callable[[Any, Any, Any], Any]:
    converter = CONVERTERS["custom"]
    return converter.reader(converter.args(), scope.setting(custom_field(""), Rule(wire=("",))))


def _finisher(spec: MappingSpec) -> Callable[[dict[str, Any], list[Problem]], Mapped | Unmapped]:
    """The one validation of the record that was built, and the verdict."""
    model: type[BaseModel] = MODELS[spec.kind]
    validate = model.__pydantic_validator__.validate_python
    rules: dict[str, Rule | ListRule] = {**spec.fields, **{f"{name}[]": rule for name, rule in spec.lists.items()}}
    for name, listed in spec.lists.items():
        for source in listed.items:
            rules |= {f"{name}[].{path}": rule for path, rule in source.fields.items()}

    def finish(root: dict[str, Any], faults: list[Problem]) -> Mapped | Unmapped:
        failed = {fault.field for fault in faults if fault.fatal}
        for _ in range(_REPAIRS_MAX):
            try:
                record: Any = validate(root)
            except ValidationError as error:
                dropped = [name for name, value in root.items() if value is FAILED]
                if dropped:
                    failed.update(dropped)
                    for name in dropped:
                        del root[name]
                    continue
                found = _problems(error, spec, rules, failed)
                faults.extend(problem for problem, _ in found)
                mended = [_without(root, place) for problem, place in found if not problem.fatal]
                if any(problem.fatal for problem in faults) or not any(mended):
                    return Unmapped(tuple(faults))
                continue
            if any(problem.fatal for problem in faults):
                return Unmapped(tuple(faults))
            return Mapped(record, tuple(faults))
        raise AssertionError("a record could not be repaired by leaving fields out")

    return finish


_Loc: TypeAlias = tuple[str | int, ...]


def _problems(
    error: ValidationError, spec: MappingSpec, rules: Mapping[str, Rule | ListRule], failed: set[str]
) -> list[tuple[Problem, _Loc]]:
    """What the model says against the record, in the mapping's terms, and the place of the rule concerned.

    That something is missing which failed before is not told twice.
    """
    found = []
    for fault in error.errors(include_url=False, include_context=False):
        loc = fault["loc"]
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
        missing = fault["type"] == "missing"
        if missing and any(_under(other, field) for other in failed):
            continue
        path, place = _rule_at(loc, rules)
        omit = place != () and rules[path].on_problem is OnProblem.OMIT
        why = (
            "is missing, but required" if missing else fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
        )
        teller = Teller(field, _wires(path, rules), f"{spec.name}:{path or field}", fatal=missing or not omit)
        found.append((teller.problem(ABSENT if missing else fault["input"], why), place))
    return found


def _under(path: str, ancestor: str) -> bool:
    return path == ancestor or path.startswith((f"{ancestor}.", f"{ancestor}["))


def _rule_at(loc: _Loc, rules: Mapping[str, Rule | ListRule]) -> tuple[str, _Loc]:
    """The most particular rule for a place in the record, and how much of the place it is for; () if there is none."""
    path = ""
    best: tuple[str, _Loc] = ("", ())
    for length, part in enumerate(loc, start=1):
        path = f"{path}[]" if isinstance(part, int) else f"{path}.{part}".removeprefix(".")
        if path in rules:
            best = (path, loc[:length])
    return best if best[1] else (path, ())


def _wires(path: str, rules: Mapping[str, Rule | ListRule]) -> str:
    rule = rules.get(path)
    if isinstance(rule, Rule):
        name, inside, below = path.partition("[].")
        listed = rules.get(f"{name}[]") if inside else None
        prefixes = [
            f"{source.wire[0]}[*]."
            for source in (listed.items if isinstance(listed, ListRule) else ())
            if source.wire and below in source.fields
        ]
        return (prefixes or [""])[0] + wire_text(rule)
    if isinstance(rule, ListRule):
        return " | ".join(wire for source in rule.items for wire in source.wire) or "(several fields)"
    parts = [wire_text(other) for name, other in rules.items() if _under(name, path) and isinstance(other, Rule)]
    return ", ".join(parts) or "(no rule)"


def _without(root: Any, place: _Loc) -> bool:
    """Take the value at `place` out, a list as a whole; whether there was one."""
    *way, last = place[:-1] if isinstance(place[-1], int) else place
    holder = root
    for part in way:
        holder = holder[part]
    return holder.pop(last, UNSET) is not UNSET
