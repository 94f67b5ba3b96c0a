"""Numbers with rules of their own: unified social credit codes, legacy tax numbers, tax invoice numbers."""

from __future__ import annotations

import random
from datetime import date
from typing import Final

# finance-formats.md 8.1: alphabet without I O S V Z, weights 3^i mod 31
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS: Final = tuple(pow(3, i, 31) for i in range(17))
_VALUE: Final = {character: value for value, character in enumerate(_ALPHABET)}
# GB 11714: the organisation code inside has a check character of its own
_ORGANISATION: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_DRAW: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def check_character(first_17: str) -> str:
    """The last character of a unified social credit code."""
    total = sum(_VALUE[character] * weight for character, weight in zip(first_17, _WEIGHTS, strict=True))
    return _ALPHABET[(31 - total % 31) % 31]


def _organisation_check(first_8: str) -> str:
    total = sum(_ORGANISATION.index(c) * weight for c, weight in zip(first_8, _ORGANISATION_WEIGHTS, strict=True))
    return {10: "X", 11: "0"}.get(11 - total % 11) or str(11 - total % 11)


def organisation_code(rng: random.Random) -> str:
    """Nine characters with their check character, in the style of registrations since 2015 (`MA…`)."""
    return checked_organisation("MA" + "".join(rng.choices(_ORGANISATION_DRAW, k=6)))


def checked_organisation(first_8: str) -> str:
    """An organisation code: eight characters and their check character."""
    return first_8 + _organisation_check(first_8)


def credit_code(kind: str, region_code: str, organisation: str) -> str:
    """A valid unified social credit code; `kind` is authority and type, e.g. `91` for a company."""
    first_17 = kind + region_code + organisation
    return first_17 + check_character(first_17)


def is_valid_credit_code(code: str) -> bool:
    """Whether an 18-character code passes its check character."""
    return len(code) == 18 and all(c in _VALUE for c in code) and check_character(code[:17]) == code[17]


def spoilt_credit_code(rng: random.Random, code: str) -> str:
    """The code as someone mistyped it: never equal to `code`, never valid."""
    while True:
        position = rng.randrange(8, 17)
        if rng.random() < 0.5:
            typed = code[:position] + rng.choice(_ALPHABET) + code[position + 1 :]
        else:
            typed = code[: position - 1] + code[position] + code[position - 1] + code[position + 1 :]
        if typed != code and not is_valid_credit_code(typed):
            return typed


def legacy_tax_number(region_code: str, organisation: str) -> str:
    """Fifteen characters: region and organisation code, in use before 2015."""
    return region_code + organisation


def tax_invoice_number(issued_on: date, region: str, serial: int) -> str:
    """Twenty digits of a fully digital invoice: year, region, issuing channel, sequence (finance-formats.md 8.2)."""
    return f"{issued_on:%y}{region}2{serial:015d}"


def paper_invoice(issued_on: date, region: str, serial: int, *, special: bool) -> tuple[str, str]:
    """Code and number of a paper invoice: ten digits for a special one, twelve for an ordinary one, then eight."""
    year = f"{issued_on:%y}"
    code = f"{region}00{year}4130" if special else f"0{region}00{year}00104"
    return code, f"{serial % 100_000_000:08d}"
