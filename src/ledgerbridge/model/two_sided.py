"""The two-sided statement: what two books say of one customer, in one currency, over one period.

The line that a controller wants is a theorem here: left.closing - right.closing = (left.opening - right.opening)
+ Σ unmatched left - Σ unmatched right + Σ differences of matches. A side that does not add up cannot be built.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Frozen, Line
from .money import Currency, to_decimal
from .statement import DocumentId, Party


class SideEntry(Frozen):
    """One side's line as read: interpretation lives in a match, never here.

    `amount_minor` is from our point of view on both sides: positive when the customer owes more by it.
    """

    id: DocumentId
    on: date | None
    number: Line
    amount_minor: int
    remark: Line = ""


class StatementSide(Frozen):
    """One side's books. Refuses to exist unless opening + Σ entries = closing."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Whose books: a company's name, or a file's."""
    opening_minor: int
    entries: tuple[SideEntry, ...] = ()
    closing_minor: int

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.opening_minor + sum(entry.amount_minor for entry in self.entries)
        if total != self.closing_minor:
            raise ValueError(
                f"{self.name}: opening + lines = {total}, but the closing balance is {self.closing_minor} (minor units); "
                f"the difference is {total - self.closing_minor}"
            )
        ids = [entry.id for entry in self.entries]
        if len(set(ids)) != len(ids):
            raise ValueError(f"{self.name}: two lines have the same id")
        return self


class SideRule(StrEnum):
    """Why lines of both sides are held to be the same."""

    NUMBER = "number"  # the same number
    DAMAGED_NUMBER = "damaged_number"  # one character off, or only its tail, and the same amount
    DATE_AND_AMOUNT = "date_and_amount"  # the only line of this day and amount on each side
    NEAR_DATE_AND_AMOUNT = "near_date_and_amount"  # the only line of this amount within some days on each side


class SideMatch(Frozen):
    """Left and right lines held to be the same; many to many. `difference_minor` is Σ left - Σ right."""

    left: tuple[DocumentId, ...] = Field(min_length=1)
    right: tuple[DocumentId, ...] = Field(min_length=1)
    rule: SideRule
    difference_minor: int = 0


class TwoSidedStatement(Frozen):
    """Refuses to exist unless each line is used at most once and each match's difference is that of its own lines."""

    customer: Party
    currency: Currency
    first_day: date
    last_day: date
    left: StatementSide
    right: StatementSide
    matches: tuple[SideMatch, ...] = ()
    made_at: datetime

    @property
    def unmatched_left(self) -> tuple[SideEntry, ...]:
        """Lines of ours that the other side does not have."""
        used = {key for match in self.matches for key in match.left}
        return tuple(entry for entry in self.left.entries if entry.id not in used)

    @property
    def unmatched_right(self) -> tuple[SideEntry, ...]:
        """Lines of theirs that we do not have."""
        used = {key for match in self.matches for key in match.right}
        return tuple(entry for entry in self.right.entries if entry.id not in used)

    @property
    def opening_difference_minor(self) -> int:
        """What was different before the period."""
        return self.left.opening_minor - self.right.opening_minor

    @property
    def difference_minor(self) -> int:
        """Ours less theirs on the last day."""
        return self.left.closing_minor - self.right.closing_minor

    def shown(self, minor: int) -> str:
        """An amount for people, without the currency: 1,234.50."""
        return f"{to_decimal(minor, self.currency):,}"

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name, side in (("left", self.left), ("right", self.right)):
            known = {entry.id for entry in side.entries}
            used = [key for match in self.matches for key in getattr(match, name)]
            if unknown := set(used) - known:
                raise ValueError(f"a match names lines that {side.name} does not have: {', '.join(sorted(unknown))}")
            if len(set(used)) != len(used):
                raise ValueError(f"a line of {side.name} is used by two matches")
        left = {entry.id: entry.amount_minor for entry in self.left.entries}
        right = {entry.id: entry.amount_minor for entry in self.right.entries}
        for match in self.matches:
            real = sum(left[key] for key in match.left) - sum(right[key] for key in match.right)
            if real != match.difference_minor:
                raise ValueError(f"a match states a difference of {match.difference_minor}; its lines differ by {real}")
        return self
