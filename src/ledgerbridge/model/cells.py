"""Text in spreadsheet cells: kept from starting a formula (ASVS 5 1.2.10), and found again."""

from __future__ import annotations

import re

_FORMULA = re.compile("^[ \u00a0\u3000]*[=+\\-@\t\r\n\x00＝＋－＠]")
_NUMBER = re.compile(r"^-?\d{1,15}(\.\d{1,6})?$")
_DIGITS_MAX = 15


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading apostrophe where it would. Numbers stay as they are."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.match(text) else text


def unguarded(text: str) -> str:
    """The text that :func:`guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def is_exact_number(text: str) -> bool:
    """Whether a cell's number keeps every digit of `text`: a plain decimal of at most 15 significant digits."""
    return bool(_NUMBER.match(text)) and len(text.strip("-").replace(".", "")) <= _DIGITS_MAX
