"""Records that are read together: their wire values by key, one column each, and what is known of each record meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import ValidationError

from ledgerbridge.model.currency import EXPONENTS

from .condition import compile_condition
from .path import parse
from .rules import Scope, alternatives
from .spec import Rule
from .wire import ABSENT, BadValue, Waiting
from .wire import UNSET as NOT_SAID

UNSET: Final = msgspec.UNSET
"""What stands in a column where a record says nothing: an encoder leaves such a field out."""


class Unusual(Exception):
    """Something that the long way has to look at."""


FAULTS: Final = (Unusual, BadValue, Waiting, ValidationError, UnicodeEncodeError, OverflowError)
"""What may be raised over one value, for which its record goes the long way."""


class Column(NamedTuple):
    """A plain value per item, UNSET where there is none. `full`: each of them says something."""

    values: Sequence[Any]
    full: bool


class Items:
    """What is read together: payloads, or the elements of a list in each of them.

    `owners`: the number of each item's record; `spoilt`: the records that are left to the long way.
    """

    __slots__ = ("_below", "_columns", "_roots", "_taken", "currencies", "elements", "owners", "spoilt")

    def __init__(
        self,
        elements: Sequence[Any],
        keys: Sequence[str],
        owners: Sequence[int],
        spoilt: set[int],
        currencies: dict[str, Column],
    ) -> None:
        """`keys`: what will be asked for. `currencies`: the canonical currencies of the records, as far as they are read."""
        self.elements, self.owners, self.spoilt, self.currencies = elements, owners, spoilt, currencies
        self._columns = _taken(elements, keys)
        self._below: dict[str, dict[str, Sequence[Any]]] = {}
        self._roots: list[dict[str, Any]] = []
        self._taken = 0

    def key(self, key: str) -> Sequence[Any]:
        """The values of a key, ABSENT where there are none."""
        return self._columns[key]

    def below(self, key: str, keys: Sequence[str]) -> dict[str, Sequence[Any]]:
        """The values of `keys` in the objects that are the values of `key`."""
        found = self._below.get(key)
        if found is None:
            objects = self._columns[key]
            plain = set(map(type, objects)) == {dict}
            found = _taken(objects if plain else [each if type(each) is dict else {} for each in objects], keys)
            self._below[key] = found
        return found

    def root(self, at: int) -> dict[str, Any]:
        """What is known of the record of an item: its currencies. Not to be changed."""
        if self._taken != len(self.currencies) or not self._roots:
            self._taken = len(self.currencies)
            records = max((len(column.values) for column in self.currencies.values()), default=0)
            self._roots = [{} for _ in range(records)]
            for name, column in self.currencies.items():
                for root, value in zip(self._roots, column.values, strict=True):
                    if value is not UNSET:
                        root[name] = value
        return self._roots[self.owners[at]] if self._roots else {}

    def two_decimals(self, name: str, start: int, end: int) -> bool:
        """Whether the currency `name` of the records of these items has two decimals."""
        column = self.currencies.get(name)
        if column is None or not column.full:
            return False
        values = (
            column.values if len(self.owners) == end - start else {column.values[at] for at in self.owners[start:end]}
        )
        return all(EXPONENTS.get(currency) == 2 for currency in set(values))

    def spoil(self, at: int) -> None:
        """Leave the record of an item to the long way."""
        self.spoilt.add(self.owners[at])

    def one_by_one(self, read: Callable[[Any, Any], Any]) -> Column:
        """The values that `read` makes of an element and its root."""
        made: list[Any] = []
        for at, element in enumerate(self.elements):
            try:
                value = read(element, self.root(at))
            except FAULTS:
                self.spoil(at)
                value = UNSET
            made.append(UNSET if value is NOT_SAID else value)
        return Column(made, all_say(made))


def _taken(elements: Sequence[Any], keys: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The columns of objects, all at once where every object has every key."""
    if not keys:
        return {}
    if not elements:
        return dict.fromkeys(keys, ())
    try:
        if len(keys) == 1:
            return {keys[0]: list(map(itemgetter(keys[0]), elements))}
        return dict(zip(keys, zip(*map(itemgetter(*keys), elements), strict=True), strict=True))
    except KeyError:
        return {key: [element.get(key, ABSENT) for element in elements] for key in keys}


def all_say(values: Iterable[Any]) -> bool:
    """Whether each plain value says something."""
    return all(value is not UNSET and value is not None and value != "" for value in values)


class Keys:
    """The keys that the rules of one level ask for, collected while they are compiled."""

    def __init__(self) -> None:
        self.own: dict[str, None] = {}
        self.below: dict[str, dict[str, None]] = {}

    def getter(self, rule: Rule, scope: Scope) -> Callable[[Items], Sequence[Any]]:
        """The wire values that count for `rule`, ABSENT where there are none."""
        get = self._path_getter(rule, scope)
        if rule.when is None:
            return get
        holds = compile_condition(rule.when, ignore_case=scope.ignore_case)
        return lambda items: [
            value if holds(element) else ABSENT for value, element in zip(get(items), items.elements, strict=True)
        ]

    def _path_getter(self, rule: Rule, scope: Scope) -> Callable[[Items], Sequence[Any]]:
        paths = [parse(path, ignore_case=scope.ignore_case) for path in rule.wire]
        path = paths[0] if len(paths) == 1 and not rule.empty else (0,)
        if path == ():
            return lambda items: items.elements
        if len(path) == 1 and isinstance(key := path[0], str):
            self.own.setdefault(key)
            return lambda items: items.key(key)
        if len(path) == 2 and isinstance(outer := path[0], str) and isinstance(inner := path[1], str):
            self.own.setdefault(outer)
            inners = self.below.setdefault(outer, {})
            inners.setdefault(inner)
            return lambda items: items.below(outer, tuple(inners))[inner]
        read = alternatives(rule, scope)
        return lambda items: list(map(read, items.elements))
