"""Values of many records at a time: one column of wire values in, one of plain canonical values out.

A column is looked at as a whole (its texts joined and checked by one expression, or each of its values looked up in what was
converted before), which costs a third of looking at each value in Python. What is not of the commonest form is halved until
only the odd values are left; these go through the field's own converter and validator, and spoil their record if they fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, Final, TypeAlias

from .canonical import CanonicalField, as_json
from .convert import CONVERTERS
from .convert_money import MoneyArgs, Unit
from .convert_number import Direction, RateArgs
from .convert_text import LineArgs
from .quick_items import FAULTS, UNSET, Column, Items, Keys, Unusual, all_say
from .rules import Complaint, Scope, compile_rule, converter_of, literal, outcomes, takes_many
from .spec import Rule
from .wire import ABSENT, FAILED, Gap
from .wire import UNSET as NOT_SAID

_NOT_ALONE: Final = frozenset({"money", "sum_money", "join", "rate_of_amounts", "currency_of_amounts"})
"""Converters whose result depends on more than the value they are given."""
_LINES: Final = frozenset({"key", "line", "text"})
_AMOUNTS: Final = re.compile(r"(?:-?[0-9]{1,11}\.[0-9]{2} )*+").fullmatch
_DECIMALS: Final = re.compile(r"(?:(?!0(?:\.0*)? )(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})? )*+").fullmatch
"""Above zero, and in the one canonical spelling once zeros at the end of their decimals are gone."""
_EASY: Final = frozenset({str, int, NoneType, Gap})
"""Classes whose values equal no value of another of them, so that one dictionary holds them all (True and 1 are equal)."""
_TEXT_OR_GAP: Final = frozenset({str, NoneType, Gap})
_REMEMBERED_MAX: Final = 1024
_REMEMBERED_LENGTH_MAX: Final = 64
_HALVED_MIN: Final = 8
_BAD: Final = object()


Reader: TypeAlias = Callable[[Items], Column]
Fill: TypeAlias = Callable[[Any, Any, Any], Any]
"""(wire value, its element, root) → plain canonical value or UNSET; raises one of FAULTS."""
Usual: TypeAlias = Callable[[Sequence[Any], Items, int, int], "Sequence[Any] | None"]
"""(the values from one place to another, the items, both places) → plain values, none of them empty; None if one is unusual."""


def reader_of(rule: Rule, field: CanonicalField, scope: Scope, keys: Keys) -> Reader:
    """The column of a field by its rule."""
    if rule.is_const and rule.when is None and rule.const is not None:
        const = as_json(literal(field, rule.const))
        return lambda items: Column([const] * len(items.elements), const != "")
    if rule.is_const or rule.cases or rule.first_of or not rule.wire or takes_many(rule, field, scope):
        by_itself = _long_reader(rule, field, scope)
        return lambda items: items.one_by_one(by_itself)
    get = keys.getter(rule, scope)
    name = "" if rule.values is not None else rule.convert or field.converter or ""
    fill = _filler(rule, field, scope)
    usual = _usual(rule, name, field)
    others = _Remembered(fill) if name not in _NOT_ALONE else _Single(fill)

    def read(items: Items) -> Column:
        values = get(items)
        if usual is None:
            return others.column(values, items, 0)
        found = usual(values, items, 0, len(values))
        return Column(found, True) if found is not None else _with_gaps(values, items, usual, others)

    return read


def _with_gaps(values: Sequence[Any], items: Items, usual: Usual, others: _Single) -> Column:
    """A column of which some values are not of the usual form: perhaps only those that are not there."""
    if (size := len(values)) < _HALVED_MIN:
        return others.column(values, items, 0)
    texts = [value for value in values if value.__class__ is str]
    if len(texts) < size and texts and set(map(type, values)) <= _TEXT_OR_GAP:
        whole = [at for at, value in enumerate(values) if value.__class__ is str]
        part = Items(texts, (), [items.owners[at] for at in whole], items.spoilt, items.currencies)
        found = usual(texts, part, 0, len(texts))
        if found is not None:
            made: list[Any] = [UNSET] * size
            for at, text in zip(whole, found, strict=True):
                made[at] = text
            gaps = [at for at, value in enumerate(values) if value.__class__ is not str]
            for at, value in zip(gaps, others.column([values[at] for at in gaps], items, 0, gaps).values, strict=True):
                made[at] = value
            return Column(made, False)
    columns = list(_halves(values, items, usual, others, 0, size))
    return Column([value for column in columns for value in column.values], all(column.full for column in columns))


def _halves(
    values: Sequence[Any], items: Items, usual: Usual, others: _Single, start: int, end: int
) -> Iterable[Column]:
    """Columns that follow one another, the unusual values in as short ones as possible."""
    if end - start < _HALVED_MIN:
        yield others.column(values[start:end], items, start)
        return
    middle = (start + end) // 2
    for first, last in ((start, middle), (middle, end)):
        found = usual(values[first:last], items, first, last)
        if found is not None:
            yield Column(found, True)
        else:
            yield from _halves(values, items, usual, others, first, last)


class _Single:
    """Converts value by value."""

    def __init__(self, fill: Fill) -> None:
        self._fill = fill

    def column(self, values: Sequence[Any], items: Items, start: int, places: Sequence[int] | None = None) -> Column:
        """The plain values of wire values that belong to the items from `start` on, or to those at `places`."""
        made = []
        for at, value in zip(places or range(start, start + len(values)), values, strict=True):
            try:
                made.append(self._fill(value, items.elements[at], items.root(at)))
            except FAULTS:
                items.spoil(at)
                made.append(UNSET)
        return Column(made, all_say(made))


class _Remembered(_Single):
    """Converts values by themselves alone, each once as long as it is remembered."""

    def __init__(self, fill: Fill) -> None:
        super().__init__(fill)
        self._texts: dict[Any, Any] = {}
        self._numbers: dict[Any, Any] = {}  # apart, since 1 equals what no text does: true and the decimal 1.0
        self._full = True  # whether all that is remembered says something

    def column(self, values: Sequence[Any], items: Items, start: int, places: Sequence[int] | None = None) -> Column:
        """As of `_Single`."""
        try:
            return Column(list(map(self._texts.__getitem__, values)), self._full)
        except (KeyError, TypeError):
            if not set(map(type, values)) <= _EASY:
                return super().column(values, items, start, places)
        found: dict[Any, Any] = {}
        for value in set(values):
            memory = self._numbers if value.__class__ is int else self._texts
            found[value] = known = memory.get(value, _BAD)
            if known is not _BAD:
                continue
            try:
                found[value] = made = self._fill(value, None, {})
            except FAULTS:
                continue
            if value.__class__ is str and len(value) > _REMEMBERED_LENGTH_MAX:
                continue
            if len(memory) >= _REMEMBERED_MAX:
                memory.clear()
            memory[value] = made
            self._full = self._full and all_say((made,))
        made_of = list(map(found.__getitem__, values))
        if _BAD in found.values():
            for at, made in enumerate(made_of):
                if made is _BAD:
                    items.spoil(places[at] if places else start + at)
                    made_of[at] = UNSET
        return Column(made_of, all_say(found.values()) and _BAD not in found.values())


def _filler(rule: Rule, field: CanonicalField, scope: Scope) -> Fill:
    """From any wire value to the plain canonical one, by the field's own converter and validator."""
    convert, _ = converter_of(rule, field, scope)
    absent, empty = outcomes(rule, field, scope)
    none_ok = field.nullable or (scope.lenient and not field.has_default and "." not in field.path)
    validate = field.adapter.validator.validate_python

    def fill(value: Any, element: Any, root: Mapping[str, Any]) -> Any:
        if value is ABSENT:
            made = absent
        elif value is None:
            made = empty
        else:
            made = convert(value, element, root)
            made = empty if made is None else validate(made, strict=True)
        if type(made) is Complaint or (made is None and not none_ok):
            raise Unusual
        return UNSET if made is NOT_SAID else as_json(made)

    return fill


def _long_reader(rule: Rule, field: CanonicalField, scope: Scope) -> Callable[[Any, Any], Any]:
    """A rule of which there is no column: the function of the long way, its result checked."""
    leaf = compile_rule(rule, field, scope)
    validate = field.adapter.validator.validate_python

    def read(element: Any, root: Any) -> Any:
        faults: list[Any] = []
        value = leaf(element, root, faults)
        if faults or value is FAILED:
            raise Unusual
        return UNSET if value is NOT_SAID else as_json(validate(value, strict=True))

    return read


def _usual(rule: Rule, name: str, field: CanonicalField) -> Usual | None:
    """How columns of the commonest form are read, of which it is known that the model takes them; None if there is none."""
    if rule.values is not None or not name:
        return None
    args = CONVERTERS[name].args.model_validate(rule.args)
    if name in _LINES and field.length_max is not None and not (isinstance(args, LineArgs) and args.fold):
        return _texts(field.length_max)
    if isinstance(args, MoneyArgs) and name == field.converter == "money":
        if args.negate_if or args.negative_if or args.absolute or args.unit is not Unit.YUAN:
            return None
        return _amounts(args.currency_of(field.path))
    direct = not isinstance(args, RateArgs) or (args.direction is Direction.DIRECT and args.per == 1)
    return _decimals if name in ("decimal", "rate") and name == field.converter and direct else None


def _texts(length_max: int) -> Usual:
    """Printable lines with nothing to strip: of printable characters none but the plain space is blank."""

    def usual(values: Sequence[Any], _items: Items, _start: int, _end: int) -> Sequence[Any] | None:
        try:
            joined = " ".join(values)
        except TypeError:
            return None
        if not joined or not joined.isprintable() or joined[0] == " " or joined[-1] == " " or "  " in joined:
            return None
        return values if max(map(len, values)) <= length_max else None

    return usual


def _amounts(currency: str) -> Usual:
    """Amounts with two decimals, of currencies that have as many."""

    def usual(values: Sequence[Any], items: Items, start: int, end: int) -> Sequence[Any] | None:
        try:
            joined = " ".join(values)
        except TypeError:
            return None
        if not joined or not _AMOUNTS(joined + " ") or not items.two_decimals(currency, start, end):
            return None
        minor = list(map(int, joined.replace(".", "").split(" ")))
        return minor if len(minor) == len(values) else None

    return usual


def _decimals(values: Sequence[Any], _items: Items, _start: int, _end: int) -> Sequence[Any] | None:
    try:
        joined = " ".join(values)
    except TypeError:
        return None
    if not joined or not _DECIMALS(joined + " ") or joined.count(" ") != len(values) - 1:
        return None
    if "0 " not in joined and joined[-1] != "0":
        return values
    return [value.rstrip("0").rstrip(".") if value[-1] == "0" and "." in value else value for value in values]
