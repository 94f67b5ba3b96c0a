"""Exact numbers from the wire: Decimal from a JSON number or a text, never from a float."""

from __future__ import annotations

import re
import unicodedata
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, localcontext
from typing import Any, Final

from .wire import BLANKS, BadValue, shape

DIGITS_MAX: Final = 60
"""More digits than any amount, rate or quantity has; beyond it a number is refused rather than computed with."""

EXACT: Final = Context(prec=DIGITS_MAX + 20, traps=[InvalidOperation, Inexact, Overflow])
"""Arithmetic that raises Inexact instead of dropping a digit."""

_LIMIT = Context(prec=DIGITS_MAX, traps=[InvalidOperation, Inexact, Overflow])

_USUAL = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_SIGNS = "¥￥$€£"
_NOTHING = frozenset("-—–－/")


def number(value: Any) -> Decimal | None:
    """The exact value of a JSON number or of a text that is one; None for a blank text. BadValue for all else."""
    if type(value) is str:
        if _USUAL.fullmatch(value):
            return Decimal(value)
        text = value.strip(BLANKS)
        if not text:
            return None
        if _NUMBER.fullmatch(text) is None:
            raise BadValue(_no_number(text))
        return _bounded(Decimal(text))
    if type(value) is Decimal:
        if not value.is_finite():
            raise BadValue("is not a finite number")
        return _bounded(value)
    if type(value) is int:
        return _bounded(Decimal(value))
    if isinstance(value, float):
        raise BadValue(
            "is a binary float, which holds no exact decimals: the connector has to read numbers as decimals"
        )
    raise BadValue(f"is {shape(value)}, not a number")


def _no_number(text: str) -> str:
    if "," in text:
        return "is no plain number: grouping commas are read only with args: {loose: true}"
    return "is no number"


def _bounded(value: Decimal) -> Decimal:
    if not value:
        return Decimal(0)
    try:
        if -DIGITS_MAX <= value.adjusted() <= DIGITS_MAX:
            return _LIMIT.plus(value)
    except DecimalException:
        pass
    raise BadValue(f"has more than {DIGITS_MAX} digits")


def loose_number(value: Any) -> Decimal | None:
    """As :func:`number`, and also as people and spreadsheets write amounts: grouped, with a currency sign, in brackets."""
    if type(value) is not str:
        return number(value)
    text = unicodedata.normalize("NFKC", value).strip(BLANKS)  # full-width digits and signs
    if not text or text in _NOTHING:
        return None
    negative = text[0] == "(" and text[-1] == ")"
    if negative:
        text = text[1:-1].strip(BLANKS)
    sign = ""
    if text[:1] in ("-", "+", "−"):
        sign, text = "-" if text[0] != "+" else "", text[1:].strip(BLANKS)
    text = text.lstrip(_SIGNS).removesuffix("元").strip(BLANKS)
    if text[:1] in ("-", "−") and not sign:
        sign, text = "-", text[1:]
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if _NUMBER.fullmatch(text) is None or text[0] in "+-" or (negative and sign):
        raise BadValue("is no number")
    result = _bounded(Decimal(text))
    return EXACT.minus(result) if negative or sign else result


def signed(value: Any) -> Decimal | None:
    """The number that a condition on a sign means, or None if it is none."""
    try:
        return loose_number(value)
    except BadValue:
        return None


def shifted(value: Decimal, places: int) -> Decimal:
    """`value` times ten to the power of `places`, exactly."""
    try:
        return EXACT.scaleb(value, places)
    except DecimalException:
        raise BadValue(f"has more than {DIGITS_MAX} digits") from None


def quotient(dividend: Decimal, divisor: Decimal, digits: int) -> Decimal:
    """The quotient to `digits` significant digits, half even."""
    with localcontext() as context:
        context.prec = digits
        return dividend / divisor
