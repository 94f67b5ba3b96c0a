"""Conditions on wire values, compiled to functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from .number import signed
from .path import getter, many, parse
from .spec import Is, Test
from .wire import BLANKS, blank, plain

Holds: TypeAlias = Callable[[Any], bool]


def compile_condition(condition: Mapping[str, Test], *, ignore_case: bool) -> Holds:
    """Whether all tests hold for a payload (or an element of a list). For a path with ``[*]`` one value is enough."""
    parts = [_compile_test(path, test, ignore_case=ignore_case) for path, test in condition.items()]
    if len(parts) == 1:
        return parts[0]
    return lambda payload: all(part(payload) for part in parts)


def _compile_test(path: str, test: Test, *, ignore_case: bool) -> Holds:
    steps = parse(path, ignore_case=ignore_case)
    read = getter(steps)
    verdict = _verdict(test)
    if not many(steps):
        return lambda payload: verdict(read(payload))

    def any_of(payload: Any) -> bool:
        values = read(payload)
        return any(verdict(value) for value in values) if isinstance(values, list) else verdict(values)

    return any_of


def _verdict(test: Test) -> Callable[[Any], bool]:
    if test.quality is not None:
        return _QUALITIES[test.quality]
    listed = test.one_of if test.one_of is not None else test.none_of
    assert listed is not None
    texts = frozenset(plain(value) for value in listed if value is not None)
    with_blank = None in listed
    wanted = test.one_of is not None

    def among(value: Any) -> bool:
        if type(value) is str:
            text = value.strip(BLANKS)
            return (text in texts if text else with_blank) is wanted
        found = with_blank if blank(value) else plain(value) in texts
        return found is wanted

    return among


def _sign(value: Any) -> Decimal | None:
    return None if blank(value) else signed(value)


_QUALITIES: Mapping[Is, Callable[[Any], bool]] = {
    Is.EMPTY: blank,
    Is.FILLED: lambda value: not blank(value),
    Is.ZERO: lambda value: _sign(value) == 0,
    Is.NEGATIVE: lambda value: (_sign(value) or 0) < 0,
    Is.POSITIVE: lambda value: (_sign(value) or 0) > 0,
}
