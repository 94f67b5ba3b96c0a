"""Writing canonical lists: rows of a wire list, one text that holds several items, or fields of the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ledgerbridge.model.problem import Problem

from .canonical import Shape
from .path import parse, put
from .reverse import (
    Assignments,
    Entry,
    compile_entry,
    effective_list_write,
    is_bare,
    reversible_list,
)
from .rules import Scope, Teller, inside, literal
from .spec import Clear, ListRule, OnProblem, Source, Write
from .wire import UNSET, BadValue


class AssignList(Protocol):
    """Items → assignments, and what is wrong."""

    def __call__(
        self, items: Sequence[Any], root: Mapping[str, Any], /, *, creating: bool
    ) -> tuple[Assignments, list[Problem]]:
        """All of `items`, for a create or an update."""
        ...


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One list, ready to write. `fixed`: its items are header fields."""

    field: str
    assign: AssignList
    targets: tuple[str, ...]
    write: Write
    fixed: bool


def compile_list_entry(name: str, rule: ListRule, shape: Shape, scope: Scope) -> ListEntry:
    """The writing of a list; one that cannot be reversed assigns nothing."""
    teller = Teller(
        field=name,
        wire=" | ".join(path for source in rule.items for path in source.wire) or "(several fields)",
        rule=f"{scope.mapping}:{name}[]",
        fatal=rule.on_problem is OnProblem.QUARANTINE,
    )
    write = effective_list_write(rule, shape)
    fixed = all(not source.wire for source in rule.items)
    inner = inside(scope, f"{name}[].")
    if not reversible_list(rule, shape):
        return ListEntry(name, _nothing, (), Write.NEVER, fixed)
    if fixed:
        # a slot that takes any item must not take one that another slot is waiting for
        slots = sorted((_slot(source, shape, inner) for source in rule.items), key=lambda slot: -len(slot.constants))
        clear = rule.clear_with or Clear.NULL
        return ListEntry(name, _to_slots(slots, teller, clear), (), write, fixed=True)
    source = rule.items[0]
    return ListEntry(name, _to_rows(source, shape, inner, teller), (source.wire[0],), write, fixed=False)


def _nothing(_items: Sequence[Any], _root: Mapping[str, Any], *, creating: bool) -> tuple[Assignments, list[Problem]]:
    del creating
    return [], []


def _entries(source: Source, shape: Shape, scope: Scope) -> list[Entry]:
    found = (compile_entry(rule, shape.fields[path], scope) for path, rule in source.fields.items())
    return sorted(
        (entry for entry in found if entry is not None), key=lambda entry: (entry.late, entry.write != Write.NEVER)
    )


def _part(item: Any, path: str) -> Any:
    value = item
    for name in path.split("."):
        if value is None:
            return None
        if name not in value.model_fields_set:
            return UNSET
        value = getattr(value, name)
    return value


@dataclass(frozen=True, slots=True)
class _Slot:
    """The header fields that hold one item, and the constants by which it is known."""

    constants: Mapping[str, Any]
    entries: Sequence[Entry]

    def fits(self, item: Any) -> bool:
        return all(_part(item, path) == value for path, value in self.constants.items())


def _slot(source: Source, shape: Shape, scope: Scope) -> _Slot:
    constants = {path: literal(shape.fields[path], rule.const) for path, rule in source.fields.items() if rule.is_const}
    entries = [entry for entry in _entries(source, shape, scope) if entry.write is not Write.NEVER]
    return _Slot(constants, entries)


def _to_slots(slots: Sequence[_Slot], teller: Teller, clear: Clear) -> AssignList:
    def assign(items: Sequence[Any], root: Mapping[str, Any], *, creating: bool) -> tuple[Assignments, list[Problem]]:
        assignments: Assignments = []
        problems: list[Problem] = []
        left = list(items)
        for slot in slots:
            item = next((item for item in left if slot.fits(item)), None)
            if item is not None:
                left.remove(item)
            for entry in slot.entries:
                if entry.write is Write.CREATE and not creating:
                    continue
                value = None if item is None else _part(item, entry.field)
                if value is UNSET:
                    continue
                if value is None:
                    if not creating and clear is not Clear.OMIT:
                        assignments += [(target, None if clear is Clear.NULL else "") for target in entry.targets]
                    continue
                try:
                    assignments += entry.assign(value, {}, root)
                except BadValue as bad:
                    problems.append(entry.teller.problem(value, str(bad)))
        if left:
            why = f"has {len(left)} item(s) for which this system has no place; the first is shown"
            problems.append(teller.problem(left[0], why))
        return assignments, problems

    return assign


def _to_rows(source: Source, shape: Shape, scope: Scope, teller: Teller) -> AssignList:
    entries = _entries(source, shape, scope)
    target = source.wire[0]
    bare = is_bare(source)
    marks = [(path, test.one_of[0]) for path, test in (source.where or {}).items() if test.one_of]

    def row_of(item: Any, root: Mapping[str, Any], problems: list[Problem], number: int) -> Any:
        row: dict[str, Any] = {}
        written: dict[str, Any] = {}
        for path, value in marks:
            put(row, parse(path), value)
        for entry in entries:
            value = _part(item, entry.field)
            if value is UNSET or value is None:
                continue
            if entry.guard is not None and not entry.guard(written):
                continue
            try:
                assignments = entry.assign(value, written, root)
            except BadValue as bad:
                if entry.write is not Write.NEVER:
                    problem = entry.teller.problem(value, f"{bad} (item {number})")
                    problems.append(problem if teller.fatal else problem.model_copy(update={"fatal": False}))
                continue
            if bare:
                return assignments[0][1]
            for path, wire in assignments:
                put(written, parse(path, ignore_case=scope.ignore_case), wire)
                if entry.write is not Write.NEVER:
                    put(row, parse(path), wire)
        return row

    def assign(items: Sequence[Any], root: Mapping[str, Any], *, creating: bool) -> tuple[Assignments, list[Problem]]:
        del creating  # rows are written as a whole
        problems: list[Problem] = []
        rows = [row_of(item, root, problems, number) for number, item in enumerate(items, start=1)]
        if source.split:
            return [(target, source.split[0].join(str(row) for row in rows))], problems
        return [(target, rows)], problems

    return assign
