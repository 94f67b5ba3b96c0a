"""Whether and how one rule can be reversed: the canonical value → assignments to wire paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ledgerbridge.model.wirejson import WireValue

from .canonical import CanonicalField, Shape
from .condition import Holds, compile_condition
from .convert import CONVERTERS
from .converter import Args
from .path import EVERY, Path, many, parse
from .rules import Scope, Teller, literal, wire_text
from .spec import Clear, ListRule, OnProblem, Rule, Scalar, Source, Write
from .wire import BadValue

Assignments: TypeAlias = list[tuple[str, WireValue]]
"""Wire paths, as the mapping spells them, and what belongs there."""

Assign: TypeAlias = Callable[[Any, Any, Any], Assignments]
"""(canonical value, never None; wire fields as other rules write them; currencies of the record) → assignments."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule, ready to write. `targets`: the wire paths it writes. `late`: it looks at what other rules write."""

    field: str
    assign: Assign
    targets: tuple[str, ...]
    write: Write
    clear: Clear | None
    required: bool
    guard: Holds | None
    late: bool
    teller: Teller


def args_of(rule: Rule, field: CanonicalField) -> Args | None:
    """The arguments of the rule's converter; None if it has none."""
    name = rule.convert or field.converter
    return CONVERTERS[name].args.model_validate(rule.args) if name and rule.values is None else None


def reversible(rule: Rule, field: CanonicalField) -> bool:
    """Whether a canonical value tells what to write."""
    if rule.is_const:
        return False
    if rule.cases:
        return all(test.one_of for case in rule.cases for test in case.when.values())
    if rule.first_of:
        return any(reversible(part, field) for part in writing_parts(rule))
    if not rule.wire or not writable_path(rule.wire[0]):
        return False
    several = many(parse(rule.wire[0]))
    if rule.values is not None:
        return any(key != "*" for key, _ in rule.values) and not several
    converter = CONVERTERS[rule.convert or field.converter or ""]
    args = args_of(rule, field)
    assert args is not None
    return (
        converter.writer is not None
        and args.reversible()
        and not (several and (converter.whole or rule.pick != "same"))
    )


def writing_parts(rule: Rule) -> list[Rule]:
    """The parts of ``first_of`` that may be used for writing."""
    return [part for part in rule.first_of if part.write is not Write.NEVER]


def writable_path(text: str) -> bool:
    """Whether a value can be written at a wire path: rows are the first one or all of them."""
    return all(isinstance(step, str) or step in (0, EVERY) for step in parse(text))


def effective_write(rule: Rule, field: CanonicalField) -> Write:
    """When a rule writes, where it does not say so."""
    if rule.write is not None:
        return rule.write
    by_itself = not (rule.cases or rule.when is not None) and reversible(rule, field)
    return Write.ALWAYS if by_itself else Write.NEVER


def reversible_list(rule: ListRule, shape: Shape) -> bool:
    """Whether the items of a canonical list tell what to write."""

    def any_field(source: Source) -> bool:
        return any(effective_write(part, shape.fields[path]) is not Write.NEVER for path, part in source.fields.items())

    if all(not source.wire for source in rule.items):
        return any(any_field(source) for source in rule.items)
    if len(rule.items) != 1:
        return False
    source = rule.items[0]
    plain_path = writable_path(source.wire[0]) and not many(parse(source.wire[0]))
    where = all(test.one_of and test.one_of[0] is not None for test in (source.where or {}).values())
    return plain_path and where and any_field(source) and (not source.split or is_bare(source))


def is_bare(source: Source) -> bool:
    """Whether the elements of a list are values, not objects."""
    return all(rule.wire in ((), (".",)) for rule in source.fields.values())


def effective_list_write(rule: ListRule, shape: Shape) -> Write:
    """When a list is written, where its rule does not say so."""
    if rule.write is not None:
        return rule.write
    return Write.ALWAYS if reversible_list(rule, shape) else Write.NEVER


def compile_entry(rule: Rule, field: CanonicalField, scope: Scope) -> Entry | None:
    """The writing of `rule`; None if it cannot be reversed. Rules that do not write still tell conditions their values."""
    if not reversible(rule, field):
        return None
    assign, targets = _assigner(rule, field, scope)
    path = scope.prefix + field.path
    args = None if rule.cases or rule.first_of else args_of(rule, field)
    guard = compile_condition(rule.when, ignore_case=scope.ignore_case) if rule.when is not None else None
    return Entry(
        field=field.path,
        assign=assign,
        targets=targets,
        write=effective_write(rule, field),
        clear=rule.clear_with,
        required=rule.required,
        guard=guard,
        late=guard is not None or bool(args and args.conditions()),
        teller=Teller(path, wire_text(rule), f"{scope.mapping}:{path}", rule.on_problem is OnProblem.QUARANTINE),
    )


def _assigner(rule: Rule, field: CanonicalField, scope: Scope) -> tuple[Assign, tuple[str, ...]]:
    if rule.first_of:
        return _assigner(next(part for part in writing_parts(rule) if reversible(part, field)), field, scope)
    if rule.cases:
        return _from_cases(rule, field), tuple(dict.fromkeys(path for case in rule.cases for path in case.when))
    target = rule.wire[0]
    if rule.values is not None:
        return _from_table(rule.values, field, target), (target,)
    converter = CONVERTERS[rule.convert or field.converter or ""]
    args = args_of(rule, field)
    assert converter.writer is not None
    convert = converter.writer(args, scope.setting(field, rule))
    return (lambda value, written, root: [(target, convert(value, written, root))]), (target,)


def _from_cases(rule: Rule, field: CanonicalField) -> Assign:
    branches: list[tuple[Any, Assignments]] = []
    for case in rule.cases:
        firsts: Assignments = [(path, test.one_of[0]) for path, test in case.when.items() if test.one_of]
        branches.append((literal(field, case.then), firsts))

    def assign(value: Any, _written: Any, _root: Any) -> Assignments:
        for then, assignments in branches:
            if then == value:
                return assignments
        raise BadValue("has no case that says what to write for it")

    return assign


def _from_table(values: Sequence[tuple[Scalar, Scalar]], field: CanonicalField, target: str) -> Assign:
    table: Mapping[Any, Scalar] = {literal(field, to): key for key, to in reversed(values) if key != "*"}

    def assign(value: Any, _written: Any, _root: Any) -> Assignments:
        if value not in table:
            raise BadValue(f"has no wire value in the mapping's table ({', '.join(map(str, table))} have)")
        return [(target, table[value])]

    return assign


def list_prefix(path: Path) -> Path | None:
    """The keys before the first index of a path; None if it has none."""
    for position, step in enumerate(path):
        if not isinstance(step, str):
            return path[:position]
    return None
