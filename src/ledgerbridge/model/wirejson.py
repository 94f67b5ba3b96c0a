"""JSON as the other side spelled it, to the last digit: decimals stay decimals, integers stay integers of any size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

import jiter

WireValue: TypeAlias = "None | bool | int | Decimal | str | list[WireValue] | dict[str, WireValue]"


class WireError(ValueError):
    """Text that is no JSON, or holds a number that is none."""


def loads(text: bytes) -> WireValue:
    """Decode UTF-8 JSON; numbers with a point or an exponent become Decimal. NaN, Infinity and repeated keys are refused.

    Raises WireError, which says where but never quotes the text.
    """
    try:
        return jiter.from_json(  # type: ignore[no-any-return]
            text, allow_inf_nan=False, float_mode="decimal", cache_mode="keys", catch_duplicate_keys=True
        )
    except ValueError as error:
        raise WireError(str(error)) from None


def dumps(value: WireValue | Mapping[str, WireValue]) -> str:
    """Encode; ``dumps(loads(t))`` keeps every digit of `t`. A float raises TypeError."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def _write(value: object, parts: list[str]) -> None:
    if value is None or isinstance(value, bool | str):
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, int):
        parts.append(str(int(value)))
    elif isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError("a JSON number must be finite")
        parts.append(str(value))
    elif isinstance(value, Mapping):
        parts.append("{")
        for index, (key, item) in enumerate(value.items()):
            parts.append(f"{',' if index else ''}{json.dumps(str(key), ensure_ascii=False)}:")
            _write(item, parts)
        parts.append("}")
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        parts.append("[")
        for index, item in enumerate(value):
            if index:
                parts.append(",")
            _write(item, parts)
        parts.append("]")
    else:
        raise TypeError(f"{type(value).__name__} does not go on the wire")
