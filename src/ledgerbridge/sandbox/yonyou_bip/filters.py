"""The filters that lists take (yonyou.md B5): named ranges, ``simpleVOs``, and equality on a few fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row

from .refusal import check_failed, wrong_format, wrong_type
from .wire import NUMBERS, decimal_of

Test = Callable[[Row, int], bool]
"""Whether row `n` of a document (its header where n is -1) is asked for."""

_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")


def header_value(row: Row, field: str, _: int) -> Any:
    """A field of the header."""
    return row.get(field)


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range as a list names it. `place` is ``top`` (of the body) or ``simple`` (the object in it).

    `op` is egt, elt or lt. A `stamp` must have a time of day; a date may, and an upper bound without one means the
    whole day.
    """

    name: str
    field: str
    op: str
    place: str = "top"
    stamp: bool = False
    value: Callable[[Row, str, int], Any] = header_value


def span(
    name: str,
    field: str,
    *,
    place: str = "top",
    stamp: bool = False,
    value: Callable[[Row, str, int], Any] = header_value,
) -> tuple[Bound, Bound]:
    """``open_<name>_begin`` and ``open_<name>_end``, both inclusive (documented for EFI, elsewhere [inferred])."""
    return (
        Bound(f"open_{name}_begin", field, "egt", place, stamp, value),
        Bound(f"open_{name}_end", field, "elt", place, stamp, value),
    )


def given(body: Mapping[str, Any], place: str, name: str) -> Any:
    """The value of a filter where it may stand: at the top, or in ``simple`` as an object or a dotted key."""
    if place == "top":
        return body.get(name)
    simple = body.get("simple")
    if isinstance(simple, dict) and name in simple:
        return simple[name]
    return body.get(f"simple.{name}")


def tests_of(
    body: Mapping[str, Any], bounds: tuple[Bound, ...], *, simple_vos: bool, equality: list[str]
) -> tuple[list[Test], list[Any]]:
    """The tests that a list body asks for, and a key that is the same for the same tests.

    Raises Refusal 310015 for a malformed stamp, 310023 and 1001 for a malformed ``simpleVOs``.
    """
    tests: list[Test] = []
    key: list[Any] = []
    for bound in bounds:
        value = given(body, bound.place, bound.name)
        if value in (None, ""):
            continue
        tests.append(_bounded(bound, _checked(bound, value)))
        key.append((bound.name, bound.op, value))
    for field in equality:
        for place in ("top", "simple"):
            value = given(body, place, field)
            if value not in (None, "") and not isinstance(value, (dict, list)):
                tests.append(_equal(field, str(value)))
                key.append((field, str(value)))
    if simple_vos and body.get("simpleVOs"):
        conditions = _flattened(body["simpleVOs"])
        tests.extend(_condition(condition) for condition in conditions)
        key.append(repr(conditions))
    return tests, key


def _checked(bound: Bound, value: object) -> str:
    pattern = _STAMP if bound.stamp else _DAY
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise wrong_format(bound.name, "yyyy-MM-dd HH:mm:ss")
    if len(value) == 10 and bound.op == "elt":
        return f"{value} 23:59:59"
    return value


def _bounded(bound: Bound, limit: str) -> Test:
    read, field = bound.value, bound.field
    if bound.op == "egt":
        return lambda row, n: (read(row, field, n) or "") >= limit
    if bound.op == "lt":
        return lambda row, n: "" < (read(row, field, n) or "") < limit
    return lambda row, n: "" < (read(row, field, n) or "") <= limit


def _equal(field: str, wanted: str) -> Test:
    return lambda row, _: str(row.get(field, "")) == wanted


def _flattened(conditions: object) -> list[Row]:
    """Both documented shapes: a flat list of conditions, and groups ``{"logicOp":"and","conditions":[…]}``."""
    if not isinstance(conditions, list):
        raise wrong_type("simpleVOs", "an array")
    flat: list[Row] = []
    for item in conditions:
        if not isinstance(item, dict):
            raise wrong_type("simpleVOs", "an array of objects")
        if "conditions" in item:
            if item.get("logicOp", "and") != "and":
                raise check_failed(f"simpleVOs: logicOp {item['logicOp']!r} is not supported, use and")
            flat.extend(_flattened(item["conditions"]))
        else:
            flat.append(item)
    return flat


def _comparable(field: str, value: object) -> Any:
    if field in NUMBERS:
        return decimal_of(value)
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _condition(condition: Row) -> Test:
    field, op = condition.get("field"), condition.get("op")
    if not isinstance(field, str) or not isinstance(op, str):
        raise check_failed("simpleVOs: each condition needs field and op")
    first, second = condition.get("value1"), condition.get("value2")
    if op in ("is_null", "is_not_null"):
        return lambda row, _: (row.get(field) in (None, "")) is (op == "is_null")
    if op in ("in", "nin"):
        if not isinstance(first, list):
            raise check_failed(f"simpleVOs: {op} needs an array in value1")
        members = {_comparable(field, item) for item in first}
        return lambda row, _: (_comparable(field, row.get(field)) in members) is (op == "in")
    low, high = _comparable(field, first), _comparable(field, second)
    if low is None or (op == "between" and high is None):
        raise check_failed(f"simpleVOs: {op} on {field} needs a value")
    compare = _OPERATORS.get(op)
    if compare is None:
        raise check_failed(f"simpleVOs: unknown op {op!r}")

    def test(row: Row, _: int) -> bool:
        value = _comparable(field, row.get(field))
        return value is not None and compare(value, low, high)

    return test


_OPERATORS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "eq": lambda value, low, _: value == low,
    "neq": lambda value, low, _: value != low,
    "lt": lambda value, low, _: value < low,
    "gt": lambda value, low, _: value > low,
    "elt": lambda value, low, _: value <= low,
    "egt": lambda value, low, _: value >= low,
    "between": lambda value, low, high: low <= value <= high,
    "like": lambda value, low, _: str(low).strip("%") in str(value),
    "leftlike": lambda value, low, _: str(value).endswith(str(low).lstrip("%")),
    "rightlike": lambda value, low, _: str(value).startswith(str(low).rstrip("%")),
}


def order_of(body: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """``queryOrders`` as (field, descending); Refusal 310023 if it is malformed."""
    orders = body.get("queryOrders") or []
    if not isinstance(orders, list):
        raise wrong_type("queryOrders", "an array")
    found = []
    for item in orders:
        if not isinstance(item, dict) or not isinstance(item.get("field"), str):
            raise wrong_type("queryOrders", "an array of {field, order}")
        found.append((item["field"], str(item.get("order", "asc")).lower() == "desc"))
    return found


def sort_key(row: Row, field: str) -> tuple[bool, Decimal, str]:
    """How rows compare by one field: missing first, numbers by value, the rest as text."""
    value = row.get(field)
    if value is None:
        return (False, Decimal(0), "")
    number = decimal_of(value) if field in NUMBERS else None
    return (True, number, "") if number is not None else (True, Decimal(0), str(value))
