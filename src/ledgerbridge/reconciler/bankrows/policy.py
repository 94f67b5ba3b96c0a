"""Where the lines are drawn in reading bank rows, and how far the search goes."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from ledgerbridge.model.base import Frozen
from ledgerbridge.model.money import Currency
from ledgerbridge.reconciler.allocation import Tolerance


class RowPolicy(Frozen):
    """The default lines hold a precision of 0.995 on the damaged rows of ``benchmarks/bank_rows.py``."""

    margin_bits: Annotated[float, Field(gt=0)] = 5.0
    """By how much the best reading must exceed all others together: 5 bits are 32 to 1."""
    unnamed_margin_bits: Annotated[float, Field(gt=0)] = 6.5
    """The same where the text names no document: payer and amount alone, or a customer whose documents are not sure."""
    tolerances: dict[Currency, Tolerance] = {}
    """How much less (or, by rounding, more) than its documents a row may be; nothing unless set."""
    early_days: Annotated[int, Field(ge=0, le=366)] = 0
    """How many days a payment may precede the issue of a document that it does not name in full."""
    tail_min: Annotated[int, Field(ge=3, le=20)] = 4
    """The fewest last digits of a number that can stand for it."""
    common_max: Annotated[int, Field(ge=2)] = 40
    """A part of a number that more documents share leads to none of them; it still counts for those found otherwise."""
    names_max: Annotated[int, Field(ge=1)] = 6
    """How many customers of a like name are considered."""
    docs_max: Annotated[int, Field(ge=2)] = 100
    """With more open documents than this, sums of three are not searched."""
    close_max: Annotated[int, Field(ge=0)] = 60
    """With more open documents than this, texts are compared closely with the numbers of those alone whose amount fits."""
    shown_max: Annotated[int, Field(ge=2)] = 5
    """How many readings of an undecided row are kept."""
    rounds_max: Annotated[int, Field(ge=1)] = 8
    """How often what was learned is used on what is left."""

    def tolerance(self, currency: str) -> Tolerance:
        """The limits of a currency; all zero unless set."""
        return self.tolerances.get(currency, _NONE)


_NONE: Final = Tolerance()
