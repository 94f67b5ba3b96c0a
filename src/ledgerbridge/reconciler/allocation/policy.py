"""What the allocation may do: passes, limits and named tolerances. Everything that loosens a rule is off or zero unless set."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from ledgerbridge.model.base import Frozen
from ledgerbridge.model.money import Currency

from .values import Rule

MinorLimit = Annotated[int, Field(ge=0, le=10**12)]


class Tolerance(Frozen):
    """By how much a payment of one currency may differ from what it settles; minor units, 0 allows nothing.

    Each limit has its own reason in the books and they never add up. Only `rounding_minor` also allows a payment to be
    larger than the documents.
    """

    rounding_minor: MinorLimit = 0
    """尾差: either way."""
    fee_minor: MinorLimit = 0
    """手续费: kept by a bank on the way."""
    deduction_minor: MinorLimit = 0
    """小额扣款: kept by the customer."""
    discount_ppm: Annotated[int, Field(ge=0, le=200_000)] = 0
    """现金折扣: parts per million of the documents' open amounts (20 000 is 2 %)."""
    discount_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    """A discount only for payments received at most so many days after the issue of every document; None: at any time."""


class SumLimits(Frozen):
    """How far sums of several documents or payments are searched.

    Up to `whole_max` candidates every subset is tried; with more of them, up to `candidates_max`, subsets of at most
    `size_max`. Beyond that nothing is tried, unless `oldest_window` lets the oldest `candidates_max` stand for all; nor
    does a number in a text that more documents share (a framework contract's) say anything.
    """

    size_max: Annotated[int, Field(ge=2, le=3)] = 3
    whole_max: Annotated[int, Field(ge=0, le=24)] = 16
    candidates_max: Annotated[int, Field(ge=2, le=400)] = 60
    oldest_window: bool = False
    steps_max: Annotated[int, Field(ge=0)] = 500_000
    """Per customer, currency and search; counted, never timed, so that the same input gives the same answer."""
    chance_ppm: Annotated[int, Field(ge=0)] | None = 1_000
    """Sums are not trusted where more than this is expected to fit by chance alone: subsets tried for one payment over
    the number of sums possible, in parts per million. None: always trusted when there is only one."""
    shown_max: Annotated[int, Field(ge=2)] = 8
    """How many readings of one ambiguous payment are kept."""
    of_payments: bool = True
    """Also several payments for one document."""
    many_to_many: bool = False
    """Two or three payments for two or three documents, when that is the only reading: the weakest of all sums."""
    many_max: Annotated[int, Field(ge=2, le=40)] = 12
    """With more open documents or payments than this, no many-to-many sum is searched."""


DEFAULT_PASSES: Final = tuple(rule for rule in Rule if rule is not Rule.OLDEST_FIRST)


class Policy(Frozen):
    """How one customer's cash is applied."""

    passes: tuple[Rule, ...] = DEFAULT_PASSES
    """In order of strength: a pass runs only while the ones before it find nothing more. Oldest first is in force only
    if it is named here."""
    tolerances: dict[Currency, Tolerance] = {}
    sums: SumLimits = SumLimits()
    early_days: Annotated[int, Field(ge=0, le=366)] = 0
    """How many days a payment may precede the issue of a document that it is linked to by anything but its full number."""
    amount_alone_min_minor: MinorLimit = 100
    """A smaller amount, or rest of an amount, links nothing by itself."""
    tail_min: Annotated[int, Field(ge=3, le=20)] = 4
    """The fewest last characters of a number that can stand for it (the amount must confirm)."""
    oldest_by_due: bool = True
    """Oldest first goes by due date (issue date where there is none) rather than by issue date."""

    def tolerance(self, currency: str) -> Tolerance:
        """The limits of a currency; all zero unless set."""
        return self.tolerances.get(currency, _NONE)


_NONE: Final = Tolerance()
