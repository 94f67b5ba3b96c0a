"""The quick way through a mapping: one Python function written from its rules, for records in which nothing is unusual.

It gives what :func:`~ledgerbridge.mapping.inbound.compile_inbound` and the canonical model give, byte for byte, or nothing at
all. Nothing means: go the long way, which knows how to report, leave out and mend. So there is one place that explains what is
wrong with a record, and this one never has to. What it lets through satisfies the canonical model without being validated as a
whole: every value is either of a form that cannot fail (a printable line within its length, digits with two decimals) or has
been through the field's own validator.

Values that are converted by themselves alone (days, rates, words of a table) are remembered, up to a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from pydantic import TypeAdapter, ValidationError

from ledgerbridge.model.customer import CustomValue
from ledgerbridge.model.wirejson import WireValue

from .canonical import CanonicalField, as_json
from .converter import Read
from .inbound import Context, scope_of
from .options import with_options
from .quick_source import source_of
from .rules import Complaint, Leaf
from .spec import MappingSpec
from .wire import ABSENT, FAILED, UNSET, BadValue, Gap, Waiting


class Clean(NamedTuple):
    """A record without problems: its canonical bytes, and the same as plain JSON values, in which what is unset is missing."""

    canonical: bytes
    plain: dict[str, Any]


Quick: TypeAlias = Callable[[Mapping[str, WireValue]], "Clean | None"]
"""Maps one payload, or leaves it to the long way. Pure, and safe to call from several threads."""


class Unusual(Exception):
    """Something that the long way has to look at."""


_UNUSUAL = (Unusual, BadValue, Waiting, ValidationError, UnicodeEncodeError, OverflowError)
_REMEMBERED_MAX: Final = 1024
_REMEMBERED_LENGTH_MAX: Final = 64
_MISSING: Final = object()
_EASY: Final = frozenset({str, int, NoneType, Gap})
"""Classes whose values equal no value of another of them, so that one dictionary holds them all (True and 1 are equal)."""
_CUSTOM: Final[TypeAdapter[dict[str, CustomValue]]] = TypeAdapter(dict[str, CustomValue])
_encode = msgspec.json.Encoder().encode


def compile_quick(spec: MappingSpec, context: Context) -> Quick:
    """The quick way of `spec`, written and compiled once."""
    spec = with_options(spec, context.options, context.base_currency)
    written = source_of(spec, scope_of(spec, context), Pieces())
    namespace = written.names
    exec(compile(written.text, f"<{spec.name}>", "exec"), namespace)  # noqa: S102 (made of the rules; texts of theirs enter as values)
    made: Callable[[Any], dict[str, Any] | None] = namespace["made"]

    def quick(payload: Mapping[str, WireValue]) -> Clean | None:
        try:
            plain = made(payload if type(payload) is dict else dict(payload))
            return None if plain is None else Clean(_encode(plain), plain)
        except _UNUSUAL:
            return None

    return quick


class Pieces:
    """The functions that a written one calls."""

    constants: Final[Mapping[str, Any]] = {
        "ABSENT": ABSENT,
        "UNSET": UNSET,
        "FAILED": FAILED,
        "MISSING": _MISSING,
        "EASY": _EASY,
    }

    def filler(
        self, convert: Read, field: CanonicalField, ends: tuple[Any, Any], *, alone: bool, none_ok: bool
    ) -> tuple[Callable[[Any, Any, Any], Any], dict[Any, Any]]:
        """A function from any wire value to the plain canonical one or UNSET, and what it remembers.

        `ends`: what stands for an absent and for an empty value. `alone`: the result depends on nothing but the value.
        """
        absent, empty = ends
        validate = field.adapter.validator.validate_python
        remembered: dict[Any, Any] = {}

        def fill(value: Any, item: Any, root: Any) -> Any:
            if value is ABSENT:
                made = absent
            elif value is None:
                made = empty
            else:
                made = convert(value, item, root)
                made = empty if made is None else validate(made, strict=True)
            if type(made) is Complaint or (made is None and not none_ok):
                raise Unusual
            if made is not UNSET:
                made = as_json(made)
            if (
                alone
                and value.__class__ in _EASY
                and (value.__class__ is not str or len(value) <= _REMEMBERED_LENGTH_MAX)
            ):
                if len(remembered) >= _REMEMBERED_MAX:
                    remembered.clear()
                remembered[value] = made
            return made

        return fill, remembered

    def long_reader(self, leaf: Leaf, field: CanonicalField) -> Callable[[Any, Any], Any]:
        """A rule that is not written out: the function of the long way, its result checked."""
        validate = field.adapter.validator.validate_python

        def read(item: Any, root: Any) -> Any:
            faults: list[Any] = []
            value = leaf(item, root, faults)
            if faults or value is FAILED:
                raise Unusual
            return value if value is UNSET else as_json(validate(value, strict=True))

        return read

    def custom_reader(self, customs: Callable[[Any, dict[str, Any], list[Any]], None]) -> Callable[[Any, Any], Any]:
        """The custom fields, UNSET if there are none."""

        def read(item: Any, root: dict[str, Any]) -> Any:
            faults: list[Any] = []
            into = dict(root)
            customs(item, into, faults)
            if faults:
                raise Unusual
            found = into.get("custom", UNSET)
            return found if found is UNSET else _CUSTOM.validator.validate_python(found, strict=True)

        return read
