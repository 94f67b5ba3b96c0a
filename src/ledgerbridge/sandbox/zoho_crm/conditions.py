"""Conditions on records, shared by COQL, search criteria and bulk queries: a tree, compiled to a test of one row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ledgerbridge.sandbox.books import Row

from . import wire
from .fields import Field, Module
from .org import Org

Test = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """`path` is a field or a path through lookups; `values` are texts, Decimals, booleans."""

    path: str
    operator: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts joined by ``and`` or ``or``."""

    word: str
    parts: tuple[Condition | Joined, ...]


class BadPath(Exception):
    """A field that the module lacks, a value that does not fit it, or an operator that it does not know."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def getter(org: Org, module: Module, path: str) -> tuple[Callable[[Row], Any], Field]:
    """A function for the stored value at `path`, and the field it ends at; :class:`BadPath` if there is none."""
    first, _, rest = path.partition(".")
    field = module.fields.get(first)
    if field is None or field.data_type in ("subform", "linetax"):
        raise BadPath(path)
    if not rest:
        return (lambda row: row.get(first)), field
    if field.data_type == "ownerlookup" and rest == "id":
        return (lambda row: row.get(first)), field
    target = org.schema.get(field.target) if field.data_type == "lookup" else None
    if target is None:
        raise BadPath(path)
    inner, last = getter(org, target, rest)

    def follow(row: Row) -> Any:
        found = org.books.look(target.table, row[first]) if row.get(first) is not None else None
        return None if found is None else inner(found)

    return follow, last


def comparable(field: Field, value: Any, *, fold: bool = True) -> Any:
    """A stored value or a literal as something that compares; None stays None. Raises ValueError if it does not fit."""
    if value is None:
        return None
    kind = field.data_type
    if field.api_name == "id":
        return int(str(value))
    if kind in ("currency", "double", "formula", "integer", "bigint"):
        try:
            return Decimal(str(value))
        except InvalidOperation as error:
            raise ValueError(str(value)) from error
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        return {"true": True, "false": False}[str(value).lower()]
    text = str(value)
    if kind == "datetime":
        found = wire.parse_stamp(text)
        if found is None:
            raise ValueError(text)
        return found
    return text.casefold() if fold else text


def compiled(org: Org, module: Module, tree: Condition | Joined, *, fold: bool = True) -> Test:
    """A test of one row; :class:`BadPath` for a condition that means nothing here."""
    if isinstance(tree, Joined):
        tests = [compiled(org, module, part, fold=fold) for part in tree.parts]
        if tree.word == "and":
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)
    value_of, field = getter(org, module, tree.path)
    try:
        return _test(tree, value_of, field, fold)
    except (ValueError, KeyError, IndexError) as error:
        raise BadPath(tree.path) from error


def _test(tree: Condition, value_of: Callable[[Row], Any], field: Field, fold: bool) -> Test:
    operator = tree.operator
    if operator == "is null":
        return lambda row: value_of(row) is None
    if operator == "is not null":
        return lambda row: value_of(row) is not None
    if operator in ("like", "not like", "contains", "starts_with"):
        pattern = _pattern(operator, str(tree.values[0]))
        wanted = operator != "not like"
        return lambda row: (value := value_of(row)) is not None and (pattern.match(str(value)) is not None) is wanted
    literals = [comparable(field, value, fold=fold) for value in tree.values]
    compare = _comparison(operator, literals)
    if field.data_type == "datetime":  # stored in the form that compares
        return lambda row: (value := value_of(row)) is not None and compare(value)
    return lambda row: (value := comparable(field, value_of(row), fold=fold)) is not None and compare(value)


def _pattern(operator: str, text: str) -> re.Pattern[str]:
    if operator == "contains":
        parts = [".*", re.escape(text), ".*"]
    elif operator == "starts_with":
        parts = [re.escape(text), ".*"]
    else:
        parts = [".*" if piece == "%" else re.escape(piece) for piece in re.split("(%)", text)]
    return re.compile("".join(parts) + r"\Z", re.IGNORECASE | re.DOTALL)


def _comparison(operator: str, literals: list[Any]) -> Callable[[Any], bool]:
    if operator in ("in", "not in"):
        chosen, wanted = set(literals), operator == "in"
        return lambda value: (value in chosen) is wanted
    first = literals[0]
    if operator in ("between", "not between"):
        last, inside = literals[1], operator == "between"
        return lambda value: (first <= value <= last) is inside
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: bool(value == first),
        "!=": lambda value: bool(value != first),
        ">": lambda value: bool(value > first),
        "<": lambda value: bool(value < first),
        ">=": lambda value: bool(value >= first),
        "<=": lambda value: bool(value <= first),
    }
    return tests[operator]
