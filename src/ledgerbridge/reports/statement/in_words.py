"""大写金额: amounts in the characters that cannot be altered, by the rules for payment forms (finance-formats.md 8.4).

Where the rules leave a choice, a zero is written only if it must be, and 整 is written after 元 and 角, never after 分.
"""

from __future__ import annotations

import re
from typing import Final

from ledgerbridge.errors import MoneyError
from ledgerbridge.model.money import exponent

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("仟", "佰", "拾", "")
_FRACTIONS: Final = "角分厘毫"
_MINOR_MAX: Final = 10**19
"""Far beyond one document: totals of statements fit too."""

CURRENCY_NAMES: Final = {
    "CNY": "人民币",
    "USD": "美元",
    "EUR": "欧元",
    "HKD": "港币",
    "JPY": "日元",
    "GBP": "英镑",
    "TWD": "新台币",
    "MOP": "澳门元",
    "SGD": "新加坡元",
    "AUD": "澳大利亚元",
    "CAD": "加拿大元",
    "CHF": "瑞士法郎",
    "KRW": "韩元",
    "THB": "泰铢",
    "MYR": "马来西亚林吉特",
    "RUB": "俄罗斯卢布",
    "VND": "越南盾",
    "INR": "印度卢比",
    "NZD": "新西兰元",
    "SEK": "瑞典克朗",
    "DKK": "丹麦克朗",
    "NOK": "挪威克朗",
}
"""What stands in front; a currency that is not listed stands there by its ISO code."""


def amount_in_words(minor: int, currency: str) -> str:
    """`minor` units of a currency in capital Chinese figures: 140950 CNY is 人民币壹仟肆佰零玖元伍角整.

    MoneyError for an unknown currency and for more than 10^19 minor units.
    """
    places = exponent(currency)
    if abs(minor) >= _MINOR_MAX:
        raise MoneyError("an amount in words must be below 10^19 minor units")
    whole, fraction = divmod(abs(minor), 10**places)
    digits = f"{fraction:0{places}d}" if places else ""
    text = "负" if minor < 0 else ""
    if whole or not fraction:
        text += _whole(whole) + "元"
    gap = bool(whole)
    ends_with = "元"
    for digit, unit in zip(digits, _FRACTIONS, strict=False):
        if digit == "0":
            continue
        skipped = _FRACTIONS.index(unit) > (-1 if ends_with == "元" else _FRACTIONS.index(ends_with)) + 1
        text += ("零" if skipped and gap else "") + _DIGITS[int(digit)] + unit
        gap, ends_with = True, unit
    if ends_with in "元角":
        text += "整"
    return CURRENCY_NAMES.get(currency, currency) + text


def _whole(number: int) -> str:
    """Whole units; "" never: 0 is 零."""
    if number == 0:
        return "零"
    for size, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= size:
            high, low = divmod(number, size)
            text = _whole(high) + unit
            if low == 0:
                return text
            return text + ("零" if low < size // 10 else "") + _whole(low)
    return _four(number)


def _four(number: int) -> str:
    """1 to 9999; inner zeros, however many, are one 零."""
    text, gap = "", False
    for digit, place in zip(f"{number:04d}", _PLACES, strict=True):
        if digit == "0":
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[int(digit)] + place
        gap = False
    return text


_WHOLE: Final = rf"[{_DIGITS}拾佰仟万亿]+"


def parse_words(text: str, currency: str) -> int:
    """The minor units that a text says, optional zeros, 圆 and 整 or 正 either way; MoneyError if it says none."""
    places = exponent(currency)
    name = CURRENCY_NAMES.get(currency, currency)
    found = re.fullmatch(rf"{name}(负)?(?:({_WHOLE})[元圆])?((?:零?[{_DIGITS[1:]}][角分厘毫])*)[整正]?", text)
    if found is None or not (found[2] or found[3]):
        raise MoneyError(f"{text!r} is no amount of {currency} in words")
    minor = _number(found[2] or "零") * int(10**places)
    last = -1
    for digit, unit in re.findall(rf"([{_DIGITS[1:]}])([角分厘毫])", found[3]):
        at = _FRACTIONS.index(unit)
        if at <= last or at >= places:
            raise MoneyError(f"{text!r} is no amount of {currency} in words")
        minor += _DIGITS.index(digit) * int(10 ** (places - 1 - at))
        last = at
    return -minor if found[1] else minor


def _number(text: str) -> int:
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        high, found, low = text.rpartition(unit) if unit == "亿" else text.partition(unit)
        if found:
            return _number(high) * size + _number(low)
    total, digit = 0, 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS.index(char)
        else:
            total += digit * int(10 ** (3 - _PLACES.index(char)))
            digit = 0
    return total + digit
