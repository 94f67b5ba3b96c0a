"""One rule, compiled for reading: a function from a payload to the canonical value, or to why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from ledgerbridge.model.problem import Problem

from .canonical import CanonicalField
from .condition import compile_condition
from .convert import CONVERTERS
from .converter import Read, Setting
from .path import getter, many, parse
from .spec import Absent, Numbers, OnProblem, Pick, Rule
from .wire import ABSENT, FAILED, UNSET, BadValue, Waiting, blank, plain, shape, shown

Leaf: TypeAlias = Callable[[Any, Any, list[Problem]], Any]
"""(payload or element, the canonical record so far, problems to add to) → value, None, UNSET or FAILED."""

_PLAIN_ERRORS = (BadValue, Waiting)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the rules of one mapping share. `lenient`: an empty value is no problem yet (an item that may not be made)."""

    mapping: str
    zone: ZoneInfo
    base_currency: str
    numbers: Numbers
    ignore_case: bool
    absent: Absent
    prefix: str = ""
    wire_prefix: str = ""
    lenient: bool = False

    def setting(self, field: CanonicalField, rule: Rule) -> Setting:
        """What the rule's converter is told."""
        return Setting(
            field=self.prefix + field.path,
            zone=self.zone,
            base_currency=self.base_currency,
            numbers=self.numbers,
            ignore_case=self.ignore_case,
            blank_ok=field.blank_ok and not rule.required and "default" not in rule.model_fields_set,
            enum=field.enum,
        )


@dataclass(frozen=True, slots=True)
class Complaint:
    """Stands where a value would be missing; `why` is what to report."""

    why: str


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes the problems of one rule."""

    field: str
    wire: str
    rule: str
    fatal: bool

    def problem(self, value: object, why: str) -> Problem:
        """The problem with `value`."""
        return Problem(
            field=self.field,
            wire=self.wire,
            value=shown(value),
            rule=self.rule,
            why=why,
            fatal=self.fatal,
        )


def wire_text(rule: Rule) -> str:
    """The wire paths of a rule, for people."""
    if rule.wire:
        return " | ".join(rule.wire)
    if rule.first_of:
        return " | ".join(wire_text(part) for part in rule.first_of)
    if rule.cases:
        return ", ".join(dict.fromkeys(path for case in rule.cases for path in case.when))
    if rule.is_const:
        return "(constant)"
    return ", ".join(dict.fromkeys(rule_args(rule, "").paths()))


def rule_args(rule: Rule, converter: str) -> Any:
    """The checked arguments of a rule's converter."""
    return CONVERTERS[rule.convert or converter].args.model_validate(rule.args)


def compile_rule(rule: Rule, field: CanonicalField, scope: Scope, *, quiet: bool = False) -> Leaf:
    """The reading of `rule`. `quiet`: no default and no complaint about missing values; another rule may have one."""
    path = scope.prefix + field.path
    fatal = rule.on_problem is OnProblem.QUARANTINE
    teller = Teller(path, scope.wire_prefix + wire_text(rule), f"{scope.mapping}:{path}", fatal)
    absent, empty = (UNSET, None) if quiet else outcomes(rule, field, scope)
    if rule.is_const:
        value = literal(field, rule.const)
        leaf: Leaf = lambda _item, _root, _faults: value  # noqa: E731 (one of several forms of the same thing)
    elif rule.cases:
        leaf = _cases(rule, field, scope)
    elif rule.first_of:
        leaf = _first_of([compile_rule(part, field, scope, quiet=True) for part in rule.first_of])
    else:
        if (key := _only_key(rule, scope)) and not (type(absent) is Complaint or type(empty) is Complaint):
            return _one_key(key, converter_of(rule, field, scope)[0], teller, absent, empty)
        leaf = _from_wire(rule, field, scope, teller)
    if rule.when is not None:
        leaf = _guarded(leaf, compile_condition(rule.when, ignore_case=scope.ignore_case))
    return _settled(leaf, absent, empty, teller)


def literal(field: CanonicalField, value: Any) -> Any:
    """A value written in a mapping as the canonical value it means. ValidationError if the field cannot hold it."""
    return field.adapter.validate_python(value)


def outcomes(rule: Rule, field: CanonicalField, scope: Scope) -> tuple[Any, Any]:
    """What an absent and what an empty wire value lead to."""
    if "default" in rule.model_fields_set:
        value = literal(field, rule.default)
        return value, value
    if scope.lenient:
        return (None if (rule.absent or scope.absent) is Absent.EMPTY else UNSET), None
    if rule.required or not (field.has_default or field.nullable):
        return Complaint("is missing, but required"), Complaint("is empty, but required")
    empty = None if field.nullable else UNSET
    return (empty if (rule.absent or scope.absent) is Absent.EMPTY else UNSET), empty


def _settled(leaf: Leaf, absent: Any, empty: Any, teller: Teller) -> Leaf:
    """`leaf` with what is to become of absent and empty values."""
    if absent is UNSET and empty is None:
        return leaf

    def read(item: Any, root: Any, faults: list[Problem]) -> Any:
        value = leaf(item, root, faults)
        if value is UNSET:
            value = absent
        elif value is None:
            value = empty
        if type(value) is Complaint:
            faults.append(teller.problem(ABSENT, value.why))
            return FAILED
        return value

    return read


def _guarded(leaf: Leaf, holds: Callable[[Any], bool]) -> Leaf:
    return lambda item, root, faults: leaf(item, root, faults) if holds(item) else UNSET


def _cases(rule: Rule, field: CanonicalField, scope: Scope) -> Leaf:
    branches = [
        (compile_condition(case.when, ignore_case=scope.ignore_case), literal(field, case.then)) for case in rule.cases
    ]
    otherwise = literal(field, rule.otherwise) if "otherwise" in rule.model_fields_set else UNSET

    def read(item: Any, _root: Any, _faults: list[Problem]) -> Any:
        for holds, value in branches:
            if holds(item):
                return value
        return otherwise

    return read


def _first_of(leaves: Sequence[Leaf]) -> Leaf:
    def read(item: Any, root: Any, faults: list[Problem]) -> Any:
        found: Any = UNSET
        for leaf in leaves:
            value = leaf(item, root, faults)
            if value is UNSET:
                continue
            if value is not None and value != "":
                return value
            found = value
        return found

    return read


def table_reader(rule: Rule, field: CanonicalField) -> Read:
    """The converter that a table of values is."""
    assert rule.values is not None
    table = {plain(key): literal(field, value) for key, value in rule.values if key != "*"}
    others = [literal(field, value) for key, value in rule.values if key == "*"]

    def read(value: Any, _item: Any, _root: Any) -> Any:
        text = plain(value)
        if text in table:
            return table[text]
        if blank(value):
            return None
        if others:
            return others[0]
        if text is None:
            raise BadValue(f"is {shape(value)}, not one of the values {', '.join(map(str, table))}")
        raise BadValue(f"is not in the mapping's table of values ({', '.join(map(str, table))})")

    return read


def takes_many(rule: Rule, field: CanonicalField, scope: Scope) -> bool:
    """Whether `rule` picks one of several values; a table and most converters take one only."""
    several = any(many(parse(path, ignore_case=scope.ignore_case)) for path in rule.wire)
    return several and not converter_of(rule, field, scope)[1]


def converter_of(rule: Rule, field: CanonicalField, scope: Scope) -> tuple[Read, bool]:
    """The reading of a wire value, and whether it takes all values of a path with ``[*]`` at once."""
    if rule.values is not None:
        return table_reader(rule, field), False
    name = rule.convert or field.converter
    assert name is not None
    converter = CONVERTERS[name]
    return converter.reader(converter.args.model_validate(rule.args), scope.setting(field, rule)), converter.whole


def _only_key(rule: Rule, scope: Scope) -> str | None:
    """The key of the payload itself that is all a rule looks at, as with nearly all rules."""
    if len(rule.wire) != 1 or rule.empty or rule.when is not None:
        return None
    path = parse(rule.wire[0], ignore_case=scope.ignore_case)
    return path[0] if len(path) == 1 and isinstance(path[0], str) else None


def _from_wire(rule: Rule, field: CanonicalField, scope: Scope, teller: Teller) -> Leaf:
    convert, _ = converter_of(rule, field, scope)
    if not rule.wire:
        return _from_args(convert, [scope_getter(path, scope) for path in rule_args(rule, "").paths()], teller)
    key = _only_key(rule, scope)
    if key is not None:
        return _one_key(key, convert, teller, UNSET, None)
    get = alternatives(rule, scope)
    if takes_many(rule, field, scope):
        return _picked(get, convert, rule.pick, teller)
    return _one_value(get, convert, teller)


def scope_getter(path: str, scope: Scope) -> Callable[[Any], Any]:
    """A reader of one wire path."""
    return getter(parse(path, ignore_case=scope.ignore_case))


def _one_key(key: str, convert: Read, teller: Teller, absent: Any, empty: Any) -> Leaf:
    """The commonest rule by far, with what stands for an absent and for an empty value."""

    def read(item: Any, root: Any, faults: list[Problem]) -> Any:
        value = item.get(key, ABSENT)
        if value is ABSENT:
            return absent
        if value is None:
            return empty
        try:
            value = convert(value, item, root)
        except _PLAIN_ERRORS as verdict:
            return _refused(verdict, item[key], teller, faults)
        return empty if value is None else value

    return read


def _one_value(get: Callable[[Any], Any], convert: Read, teller: Teller) -> Leaf:
    def read(item: Any, root: Any, faults: list[Problem]) -> Any:
        value = get(item)
        if value is ABSENT:
            return UNSET
        if value is None:
            return None
        try:
            return convert(value, item, root)
        except _PLAIN_ERRORS as verdict:
            return _refused(verdict, value, teller, faults)

    return read


def _refused(verdict: Exception, value: Any, teller: Teller, faults: list[Problem]) -> Any:
    if isinstance(verdict, BadValue):
        faults.append(teller.problem(value, str(verdict)))
    return FAILED


def _from_args(convert: Read, getters: Sequence[Callable[[Any], Any]], teller: Teller) -> Leaf:
    """A rule whose converter names its wire paths itself."""

    def read(item: Any, root: Any, faults: list[Problem]) -> Any:
        try:
            value = convert(ABSENT, item, root)
        except _PLAIN_ERRORS as verdict:
            return _refused(
                verdict, [raw for raw in (get(item) for get in getters) if raw is not ABSENT], teller, faults
            )
        return UNSET if value is None and all(get(item) is ABSENT for get in getters) else value

    return read


def alternatives(rule: Rule, scope: Scope) -> Callable[[Any], Any]:
    """A reader of the rule's wire paths: the first filled value; else what the first present one says.

    Values that the rule lists as `empty` are null.
    """
    getters = [scope_getter(path, scope) for path in rule.wire]
    nothing = frozenset(map(plain, rule.empty))

    def cleared(value: Any) -> Any:
        if isinstance(value, list):
            return [cleared(part) for part in value]
        return None if value is not ABSENT and plain(value) in nothing and not isinstance(value, dict) else value

    def get(item: Any) -> Any:
        found: Any = ABSENT
        for read in getters:
            value = read(item)
            if nothing:
                value = cleared(value)
            if not blank(value):
                return value
            if found is ABSENT:
                found = value
        return found

    if len(getters) == 1 and not nothing:
        return getters[0]
    return get


def _picked(get: Callable[[Any], Any], convert: Read, pick: Pick, teller: Teller) -> Leaf:
    """One value of several."""

    def chosen(values: list[Any]) -> Any:
        if pick is Pick.SAME:
            if any(value != values[0] for value in values):
                raise BadValue(f"has {len(set(map(str, values)))} different values where one belongs (see 'pick')")
            return values[0]
        if pick in (Pick.FIRST, Pick.LAST):
            return values[0 if pick is Pick.FIRST else -1]
        return min(values) if pick is Pick.MIN else max(values)

    def read(item: Any, root: Any, faults: list[Problem]) -> Any:
        raw = get(item)
        if raw is ABSENT:
            return UNSET
        values: list[Any] = []
        try:
            for value in raw if isinstance(raw, list) else [raw]:
                found = None if blank(value) else convert(value, item, root)
                if found is not None and found != "":
                    values.append(found)
            return chosen(values) if values else None
        except _PLAIN_ERRORS as verdict:
            return _refused(verdict, raw, teller, faults)

    return read


def inside(scope: Scope, prefix: str, *, wire_prefix: str = "", lenient: bool = False) -> Scope:
    """The scope of the items of a list."""
    return replace(scope, prefix=prefix, wire_prefix=wire_prefix, lenient=lenient)
