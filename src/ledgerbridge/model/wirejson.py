"""JSON as the other side spelled it, to the last digit: decimals stay decimals, integers stay integers of any size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import jiter
import msgspec

WireValue: TypeAlias = "None | bool | int | Decimal | str | list[WireValue] | dict[str, WireValue]"


_decode: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_FAULTS: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
_NESTED: Final = frozenset({dict, list})
_DEEP: Final = 200
"""Objects and lists within one another that :func:`loads` takes. Every object but the innermost has a colon."""


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


def objects(texts: Sequence[bytes]) -> list[dict[str, WireValue] | None]:
    """Decode JSON objects that are much alike, as :func:`loads` does and for half its cost; None where it has to judge.

    The decoder used here keeps the last of repeated keys. So each text must have as many colons as its value has keys: there
    are at least as many as keys are written, and a repeated one is written more often than the value has it. A text with more
    (a colon in a value will do) is left to :func:`loads`, and so is one that may be nested deeper than it allows.
    """
    try:
        decoded = list(map(_decode, texts))
    except _FAULTS:
        return [objects([text])[0] for text in texts] if len(texts) > 1 else [None]
    colons = [text.count(b":") for text in texts]
    lists = [text.count(b"[") for text in texts]
    if sum(colons) == _keys(decoded) and max(colons, default=0) + max(lists, default=0) < _DEEP:
        return list(decoded)
    return [
        value if colon == _keys([value]) and colon + listed < _DEEP else None
        for value, colon, listed in zip(decoded, colons, lists, strict=True)
    ]


def _keys(values: Sequence[dict[str, Any]]) -> int:
    """How many keys objects have in all; no more than they have, fewer where they are not all like the first."""
    total = sum(map(len, values))
    for key in [key for key, value in values[0].items() if type(value) in _NESTED] if values else ():
        below: list[dict[str, Any]] = []
        for value in values:
            inner = value.get(key)
            if type(inner) is dict:
                below.append(inner)
            elif type(inner) is list:
                below += [each for each in inner if type(each) is dict]
        total += _keys(below)
    return total


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
