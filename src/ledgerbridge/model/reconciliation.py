"""The summary of one reconciliation: balances with the causes of their gaps, cash applied by pass, open items by age.

Every part adds up or cannot be built. Amounts are integer minor units of the currency named beside them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from .base import Frozen, Line, SystemId
from .money import Currency
from .statement import Aging

SCHEMA: Final = 1
"""The version of the canonical JSON form."""

Count = Annotated[int, Field(ge=0)]


class CauseLine(Frozen):
    """One cause of a gap: an exception's code, or what is no exception (`tolerated:…`, `customer_not_linked`, …)."""

    cause: Line
    times: Count
    minor: int


class ComparedBooks(Frozen):
    """What two systems say in one currency, all customers together. Refused unless the causes and `unexplained_minor`, its
    own line, make the gap.
    """

    leading: SystemId
    compared: SystemId
    currency: Currency
    leading_minor: int
    compared_minor: int
    causes: tuple[CauseLine, ...]
    unexplained_minor: int
    customers_off: Count
    """Customers whose balances differ."""

    @property
    def gap_minor(self) -> int:
        """Compared minus leading."""
        return self.compared_minor - self.leading_minor

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        causes = sum(line.minor for line in self.causes)
        if causes + self.unexplained_minor != self.gap_minor:
            raise ValueError(
                f"{self.leading} and {self.compared} differ by {self.gap_minor} {self.currency} (minor units), the causes "
                f"come to {causes} and {self.unexplained_minor} is unexplained"
            )
        return self


class PassLine(Frozen):
    """What one pass of cash application settled: `minor` is the money of the payments that it used."""

    rule: Line
    currency: Currency
    matches: Count
    payments: Count
    minor: int


class AppliedCash(Frozen):
    """All payments of one currency: what of them is applied, waits for a person, or is left. Refused unless it adds up."""

    currency: Currency
    payments: Count
    paid_minor: int
    applied_minor: int
    ambiguous_minor: int
    unapplied_minor: int
    payments_applied: Count
    """Payments that are applied to the last minor unit."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.applied_minor + self.ambiguous_minor + self.unapplied_minor != self.paid_minor:
            raise ValueError(
                f"{self.currency}: {self.applied_minor} applied, {self.ambiguous_minor} ambiguous and "
                f"{self.unapplied_minor} unapplied are not the {self.paid_minor} paid (minor units)"
            )
        return self


class ExceptionLine(Frozen):
    """How many exceptions of one code are open, and their signed sum in one currency (None: they carry no money)."""

    code: Line
    currency: Currency | None
    records: Count
    minor: int
    new: Count
    """Those found for the first time by this run."""


class CollectionLine(Frozen):
    """Collection figures of one currency over a period.

    `dso_days` (days sales outstanding, 应收账款周转天数): closing balance / sales of the period x days of the period.
    `best_dso_days`: the same for what is not overdue. `collection_rate` (回款率): what came in, of opening + sales.
    `effectiveness` (CEI): what came in, of opening + sales - what is not due yet. None where a divisor is not positive.
    """

    currency: Currency
    first_day: date
    last_day: date
    opening_minor: int
    sales_minor: int
    received_minor: int
    closing_minor: int
    overdue_minor: int
    dso_days: Decimal | None
    best_dso_days: Decimal | None
    collection_rate: Decimal | None
    effectiveness: Decimal | None


class AgedCurrency(Frozen):
    """The aging strip of all customers together in one currency."""

    currency: Currency
    aging: Aging


class ReconciliationSummary(Frozen):
    """What one reconciliation found. `partial`: only some customers were looked at, so that sums are theirs alone."""

    run_id: Line
    company: Line
    leading: SystemId
    as_of: date
    made_at: datetime
    partial: bool
    customers: Count
    compared: tuple[ComparedBooks, ...]
    passes: tuple[PassLine, ...]
    cash: tuple[AppliedCash, ...]
    aging: tuple[AgedCurrency, ...]
    collection: tuple[CollectionLine, ...]
    exceptions: tuple[ExceptionLine, ...]

    @property
    def unexplained(self) -> bool:
        """Whether any fen is without a cause."""
        return any(books.unexplained_minor for books in self.compared)
