"""The quick way through a mapping: many records at a time, column by column, for records in which nothing is unusual.

It gives what :func:`~ledgerbridge.mapping.inbound.compile_inbound` and the canonical model give, byte for byte, or nothing at
all. Nothing means: go the long way, which knows how to report, leave out and mend. So there is one place that explains what is
wrong with a record, and this one never has to. What it lets through satisfies the canonical model without being validated as a
whole: every value is either of a form that cannot fail (a printable line within its length, digits with two decimals) or has
been through the field's own validator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from pydantic import TypeAdapter

from ledgerbridge.model.customer import CustomValue
from ledgerbridge.model.wirejson import WireValue

from .canonical import CUSTOM, MODELS, shape
from .condition import compile_condition
from .convert_money import CURRENCY_FIELDS
from .inbound import Context, compile_customs, scope_of
from .options import with_options
from .path import folded
from .quick_items import FAULTS, UNSET, Column, Items, Keys, Unusual
from .quick_members import ListOf, Member, grouped, struct_of
from .rules import Scope
from .spec import MappingSpec

_CUSTOM: Final[TypeAdapter[dict[str, CustomValue]]] = TypeAdapter(dict[str, CustomValue])
_encode = msgspec.json.Encoder().encode


class Clean(NamedTuple):
    """The records without problems: their places among those that were given, and their canonical bytes in the same order."""

    at: Sequence[int]
    canonical: Sequence[bytes]
    columns: Mapping[str, Column]

    def column(self, path: str, default: Any = None) -> Sequence[Any]:
        """What they say in a field of the header by its canonical path (``customer.code``), days and words as text."""
        found = self.columns.get(path)
        if found is None:
            return [default] * len(self.at)
        return found.values if found.full else [default if value is UNSET else value for value in found.values]


Quick: TypeAlias = Callable[[Sequence[Mapping[str, WireValue]]], Clean]
"""Maps payloads, as many of them as it can. Pure, and safe to call from several threads."""


def compile_quick(spec: MappingSpec, context: Context) -> Quick:
    """The quick way of `spec`, made ready once."""
    spec = with_options(spec, context.options, context.base_currency)
    return _Record(spec, scope_of(spec, context)).read


class _Record:
    """A mapping's header fields and lists."""

    def __init__(self, spec: MappingSpec, scope: Scope) -> None:
        self._fold = scope.ignore_case
        self._skips = [compile_condition(skip.when, ignore_case=scope.ignore_case) for skip in spec.skip]
        self._keys = Keys()
        model = MODELS[spec.kind]
        top = shape(model)
        members: dict[str, tuple[Member | ListOf | Callable[[Items], Column], bool]] = {}
        rules = grouped(spec.fields)
        self._currencies = {
            name: Member(name, rules[name], top, scope, self._keys) for name in CURRENCY_FIELDS if name in rules
        }
        for name, info in model.model_fields.items():
            made: Member | ListOf | Callable[[Items], Column] | None = None
            if name in self._currencies:
                made = self._currencies[name]
            elif name in spec.lists:
                made = ListOf(name, spec.lists[name], top.lists[name], scope, self._keys)
            elif name == CUSTOM:
                made = _custom(spec, scope)
            elif name in rules:
                made = Member(name, rules[name], top, scope, self._keys)
            if made is not None:
                members[name] = (made, info.is_required())
        self._members = members
        self._possible = all(name in members for name in top.required)
        self._struct = struct_of(spec.kind, members)

    def read(self, payloads: Sequence[Mapping[str, WireValue]]) -> Clean:
        """Map payloads."""
        if not payloads or not self._possible:
            return Clean((), (), {})
        spoilt: set[int] = set()
        elements = [payload if type(payload) is dict else dict(payload) for payload in payloads]
        self._prepare(elements, spoilt)
        currencies: dict[str, Column] = {}
        items = Items(elements, tuple(self._keys.own), range(len(elements)), spoilt, currencies)
        said: dict[str, Column] = {}
        for name, member in self._currencies.items():
            currencies[name] = member.column(items, said)
        columns: list[Sequence[Any]] = []
        for name, (part, required) in self._members.items():
            if name in currencies:
                column = currencies[name]
            elif isinstance(part, Member):
                column = part.column(items, said)
            else:
                column = part(items)
            if required and not column.full:
                spoilt.update(at for at, value in enumerate(column.values) if value is UNSET)
            columns.append(column.values)
        return _clean(list(map(self._struct, *columns)), spoilt, said)

    def _prepare(self, elements: list[Any], spoilt: set[int]) -> None:
        """Put keys in one case, and leave out the records that are skipped."""
        if self._fold:
            for at, element in enumerate(elements):
                clashes: list[tuple[str, str]] = []
                elements[at] = folded(element, clashes)
                if clashes:
                    spoilt.add(at)
        for holds in self._skips:
            spoilt.update(at for at, element in enumerate(elements) if holds(element))


def _clean(records: list[Any], spoilt: set[int], said: dict[str, Column]) -> Clean:
    try:
        encoded: list[Any] = list(map(_encode, records))
    except FAULTS:
        encoded = []
        for at, record in enumerate(records):
            try:
                encoded.append(_encode(record))
            except FAULTS:
                encoded.append(None)
                spoilt.add(at)
    if not spoilt:
        return Clean(range(len(records)), encoded, said)
    keep = [at not in spoilt for at in range(len(records))]
    columns = {path: Column(list(compress(column.values, keep)), column.full) for path, column in said.items()}
    return Clean([at for at, kept in enumerate(keep) if kept], list(compress(encoded, keep)), columns)


def _custom(spec: MappingSpec, scope: Scope) -> Callable[[Items], Column] | None:
    """The custom fields; None if the mapping has none."""
    customs = compile_customs(spec, scope)
    if customs is None:
        return None
    validate = _CUSTOM.validator.validate_python

    def read(element: Any, root: dict[str, Any]) -> Any:
        faults: list[Any] = []
        into = dict(root)
        customs(element, into, faults)
        if faults:
            raise Unusual
        found = into.get(CUSTOM, UNSET)
        return found if found is UNSET else validate(found, strict=True)

    return lambda items: items.one_by_one(read)
