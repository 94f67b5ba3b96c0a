"""Canonical objects and lists from columns: an object for each item, a list for each record, as the rules of their parts say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice, repeat
from typing import Any

import msgspec

from .canonical import CUSTOM, Shape
from .condition import compile_condition
from .lists import as_elements, first_filled, item_needs, item_told
from .path import getter, parse
from .quick_columns import reader_of
from .quick_items import UNSET, Column, Items, Keys
from .rules import Scope, inside
from .spec import Absent, ListRule, Rule, Source
from .wire import ABSENT


def struct_of(name: str, fields: Sequence[str] | Mapping[str, Any]) -> Callable[..., Any]:
    """Holds an object until it is encoded, its fields in the model's order."""
    return msgspec.defstruct(name, [(field, Any, UNSET) for field in fields], gc=False)


class Member:
    """A field, or an object with its parts."""

    def __init__(self, name: str, rules: Mapping[str, Rule], model: Shape, scope: Scope, keys: Keys) -> None:
        self._name = name
        self._leaf = "" in rules
        if self._leaf:
            self._parts = {name: reader_of(rules[""], model.fields[name], scope, keys)}
            return
        paths = [path for path in model.fields if path.startswith(f"{name}.")]
        below = {path.partition(".")[2]: model.fields[path] for path in paths}
        self._parts = {
            part: reader_of(rules[part], field, scope, keys) for part, field in below.items() if part in rules
        }
        self._needed = [part for part, field in below.items() if not field.has_default]
        self._nullable = model.objects[name]
        self._struct = struct_of(name, self._parts)

    def column(self, items: Items, said: dict[str, Column]) -> Column:
        """Its values, the plain ones noted in `said` by path."""
        if self._leaf:
            found = said[self._name] = self._parts[self._name](items)
            return found
        columns = {part: read(items) for part, read in self._parts.items()}
        said.update({f"{self._name}.{part}": column for part, column in columns.items()})
        made: list[Any] = list(map(self._struct, *(column.values for column in columns.values())))
        whole = any(column.full for column in columns.values())
        if not whole:
            for at, row in enumerate(zip(*(column.values for column in columns.values()), strict=True)):
                if all(value is UNSET or value is None for value in row):
                    unset = all(value is UNSET for value in row)
                    made[at] = UNSET if unset else None if self._nullable else made[at]
        for part in self._needed:
            column = columns.get(part)
            if column is None or not column.full:
                values: Sequence[Any] = [UNSET] * len(made) if column is None else column.values
                for at, value in enumerate(values):
                    if value is UNSET and made[at] is not UNSET:
                        items.spoil(at)
        return Column(made, whole)


class ListOf:
    """A list of objects, from one source or several."""

    def __init__(self, name: str, rule: ListRule, item: Shape, scope: Scope, keys: Keys) -> None:
        mapped = {path.partition(".")[0] for source in rule.items for path in source.fields}
        names = [member for member in _names(item) if member in mapped]
        struct = struct_of(name, names)
        self._sources: list[_Elements | _FixedItem] = [
            (_Elements if source.wire else _FixedItem)(name, source, item, scope, keys, names, struct)
            for source in rule.items
        ]
        self._rule = rule
        self._empty = (rule.absent or scope.absent) is Absent.EMPTY

    def __call__(self, items: Items) -> Column:
        """The list of each record."""
        size = len(items.elements)
        said = [False] * size
        lists: list[list[Any]] = []
        for source in self._sources:
            found, told = source.lists(items)
            said = told if not lists else [one or other for one, other in zip(said, told, strict=True)]
            lists = found if not lists else [[*one, *other] for one, other in zip(lists, found, strict=True)]
        if self._rule.distinct:
            lists = [[each for at, each in enumerate(found) if each not in found[:at]] for found in lists]
        if self._rule.required:
            items.spoilt.update(at for at, found in enumerate(lists) if not found)
        if all(said):
            return Column(lists, True)
        return Column(
            [found if told else [] if self._empty else UNSET for found, told in zip(lists, said, strict=True)], False
        )


class _Part:
    """What both sources of a list share: the members of an item."""

    def __init__(
        self, source: Source, item: Shape, scope: Scope, keys: Keys, names: Sequence[str], struct: Callable[..., Any]
    ) -> None:
        rules = grouped(source.fields)
        self._members = {
            name: Member(name, rules[name], item, scope, keys) if name in rules else None for name in names
        }
        self._struct = struct
        self._required = item.required

    def made(self, columns: Mapping[str, Column | None], items: Items) -> list[Any]:
        """An item for each of `items`."""
        values = [
            column.values if (column := columns[name]) is not None else repeat(UNSET, len(items.elements))
            for name in self._members
        ]
        return list(map(self._struct, *values))

    def lacking(self, columns: Mapping[str, Column | None], size: int) -> set[int]:
        """The places of items that lack what no item can be without."""
        found: set[int] = set()
        for name in self._required:
            column = columns.get(name)
            if column is None:
                return set(range(size))
            if not column.full:
                found.update(at for at, value in enumerate(column.values) if value is UNSET)
        return found


class _Elements(_Part):
    """One item per element of a wire list."""

    def __init__(
        self,
        name: str,
        source: Source,
        item: Shape,
        scope: Scope,
        _keys: Keys,
        names: Sequence[str],
        struct: Callable[..., Any],
    ) -> None:
        fold = scope.ignore_case
        self._keys = Keys()
        scope = inside(scope, f"{name}[].", wire_prefix=f"{source.wire[0]}[*].")
        super().__init__(source, item, scope, self._keys, names, struct)
        getters = [getter(parse(path, ignore_case=fold)) for path in source.wire]
        self._get = getters[0] if len(getters) == 1 else lambda payload: first_filled(getters, payload)
        self._bare = all(rule.wire in ((), (".",)) for rule in source.fields.values())
        self._apart = re.compile(f"[{re.escape(source.split)}]") if source.split else None
        self._where = compile_condition(source.where, ignore_case=fold) if source.where else None

    def lists(self, items: Items) -> tuple[list[list[Any]], list[bool]]:
        """The items of each record, and whether it says anything of them."""
        found = list(map(self._get, items.elements))
        told = [value is not ABSENT for value in found]
        lists = [self._elements(value, at, items) for at, value in enumerate(found)]
        if self._where is not None:
            holds = self._where
            lists = [[each for each in elements if holds(each)] for elements in lists]
        counts = list(map(len, lists))
        flat = list(chain.from_iterable(lists))
        owners = list(chain.from_iterable(map(repeat, range(len(lists)), counts)))
        keys = () if self._bare else tuple(self._keys.own)
        inner = Items(flat, keys, owners, items.spoilt, items.currencies)
        ignored: dict[str, Column] = {}
        columns = {
            name: member.column(inner, ignored) if member is not None else None
            for name, member in self._members.items()
        }
        for at in self.lacking(columns, len(flat)):
            inner.spoil(at)
        made = iter(self.made(columns, inner))
        return [list(islice(made, count)) for count in counts], told

    def _elements(self, found: Any, at: int, items: Items) -> Sequence[Any]:
        if found is ABSENT:
            return ()
        if self._bare or self._apart or not (type(found) is list and found and type(found[0]) is dict):
            elements = as_elements(found, self._apart, bare=self._bare)
            if elements is None:
                items.spoil(at)
                return ()
            found = elements
        if not self._bare and set(map(type, found)) - {dict}:
            items.spoil(at)
            return ()
        return found  # type: ignore[no-any-return]


class _FixedItem(_Part):
    """One item made of header fields, unless none of them is filled."""

    def __init__(
        self,
        name: str,
        source: Source,
        item: Shape,
        scope: Scope,
        keys: Keys,
        names: Sequence[str],
        struct: Callable[..., Any],
    ) -> None:
        super().__init__(source, item, inside(scope, f"{name}[].", lenient=True), keys, names, struct)
        self._told, self._needs = item_told(source), item_needs(item)

    def lists(self, items: Items) -> tuple[list[list[Any]], list[bool]]:
        """The item of each record, in a list, and whether it says anything of it."""
        size = len(items.elements)
        ignored: dict[str, Column] = {}
        columns: dict[str, Column | None] = {
            name: member.column(items, ignored) if member is not None else None
            for name, member in self._members.items()
        }
        told = [column for name in self._told if (column := columns[name]) is not None]
        if any(column.full for column in told):
            said = filled = [True] * size
        else:
            rows = list(zip(*(column.values for column in told), strict=True)) or [()] * size
            said = [any(value is not UNSET for value in row) for row in rows]
            filled = [any(map(_says_something, row)) for row in rows]
        for name in self._needs:
            column = columns.get(name)
            if column is not None and not column.full:
                columns[name] = Column([UNSET if value is None else value for value in column.values], False)
        for at in self.lacking(columns, size):
            if filled[at]:
                items.spoil(at)
        made = self.made(columns, items)
        return [[each] if full else [] for each, full in zip(made, filled, strict=True)], said


def _says_something(value: Any) -> bool:
    """As :func:`~ledgerbridge.mapping.lists.says_something` of the same value as a record has it."""
    if isinstance(value, msgspec.Struct):
        return any(_says_something(getattr(value, name)) for name in value.__struct_fields__)
    return value is not UNSET and value is not None and value != ""


def grouped(rules: Mapping[str, Rule]) -> dict[str, dict[str, Rule]]:
    """Rules by the name of their field, then by the path below it ("" for the field itself); custom ones left out."""
    found: dict[str, dict[str, Rule]] = {}
    for path, rule in rules.items():
        name, _, below = path.partition(".")
        if name != CUSTOM:
            found.setdefault(name, {})[below] = rule
    return found


def _names(model: Shape) -> tuple[str, ...]:
    """The names of a model's fields and objects, in its order."""
    return tuple(dict.fromkeys(path.partition(".")[0] for path in model.fields))
