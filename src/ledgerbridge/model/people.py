"""Names of people who act. They are what somebody said (``--as``), not proof of who it was."""

from __future__ import annotations

import unicodedata
from typing import Final

RESERVED: Final = frozenset({"rule", "machine"})
"""What acts of the machine are kept under; nobody acts under one of these."""
NAME_MAX: Final = 100


def as_name(text: str) -> str | None:
    """The name as it is kept: full-width letters folded, no blanks around it; None for what can be nobody's name."""
    folded = unicodedata.normalize("NFKC", text).strip()
    if not 0 < len(folded) <= NAME_MAX or not folded.isprintable() or folded.casefold() in RESERVED:
        return None
    return folded


def same_person(one: str, other: str) -> bool:
    """Whether two spellings are one name: case, width and blanks around it make no second person."""
    return _key(one) == _key(other)


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
