"""Wire values as every part of this room sees them: what is absent, blank or bad, and when two values are the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum
from typing import Final, TypeAlias

from ledgerbridge.model.problem import SHOWN_MAX
from ledgerbridge.model.wirejson import WireValue, dumps

WireDict: TypeAlias = Mapping[str, WireValue]


class Gap(Enum):
    """What stands where there is no value."""

    ABSENT = "absent"  # the wire says nothing
    UNSET = "unset"  # the canonical field is left out
    FAILED = "failed"  # the value was bad and has been reported


ABSENT: Final = Gap.ABSENT
UNSET: Final = Gap.UNSET
FAILED: Final = Gap.FAILED

BLANKS: Final = " \t\r\n\x0b\x0c\u00a0\u1680\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200C)))
"""What goes from both ends of a text: spaces of every width, tabs, line ends, the zero-width space and the byte order mark."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class BadValue(Exception):
    """A value that a rule cannot take; the message says why, for the person who will mend it."""


class Waiting(Exception):
    """A value that cannot be judged because another one, already reported, is bad."""


def shown(value: object) -> str:
    """`value` as one printable line of at most SHOWN_MAX characters."""
    if value is ABSENT or value is None:
        text = ""
    elif isinstance(value, str):
        text = value
    elif isinstance(value, dict | list):
        text = _json(value)
    else:
        text = str(value)
    text = _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text[: SHOWN_MAX * 2])
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 1]}…"


def _json(value: dict[str, WireValue] | list[WireValue]) -> str:
    try:
        return dumps(value)
    except TypeError:
        return repr(value)


def shape(value: object) -> str:
    """What `value` is, in a word for a message."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, float):
        return "a binary float"
    for kind, word in ((str, "text"), (int | Decimal, "a number"), (list, "a list"), (dict, "an object")):
        if isinstance(value, kind):
            return word
    return type(value).__name__


def blank(value: object) -> bool:
    """Whether a wire value says nothing: absent, null, blank text, an empty list or object. Zero and false say something."""
    if value is ABSENT or value is None:
        return True
    if isinstance(value, str):
        return not value.strip(BLANKS)
    return isinstance(value, list | dict) and not value


def plain(value: object) -> str | None:
    """The text by which values are compared: ``1``, ``"1"`` and ``1.0`` are the same; None for lists and objects."""
    if isinstance(value, str):
        return value.strip(BLANKS)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(tidy(value), "f") if value.is_finite() and abs(value.adjusted()) < 100 else str(value)
    return None


_TIDY = Context(prec=100, traps=[InvalidOperation, Inexact])


def tidy(value: Decimal) -> Decimal:
    """`value` without trailing zeros and exponent, so that equal numbers look the same. At most 100 digits."""
    text = str(value)
    if len(text) < 100 and (text.isdigit() or ("." in text and text[-1] != "0" and "E" not in text)):
        return value  # as nearly all are
    if value == value.to_integral_value():
        return Decimal(int(value))
    return value.normalize(_TIDY)
