"""The sections `[reconcile]` and `[aging]` of the workspace file: how cash is applied, what is compared, when to look."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledgerbridge.model.base import SystemId
from ledgerbridge.model.money import Currency, to_minor

from .exceptions import Amount, Amounts

if TYPE_CHECKING:
    from ledgerbridge.reconciler.aging import Buckets, CreditPolicy
    from ledgerbridge.reconciler.allocation import Policy, Tolerance
    from ledgerbridge.reconciler.bankrows import RowPolicy
    from ledgerbridge.reconciler.comparison import Tolerance as Pass

# The rules themselves are imported where they are made: every command reads the settings, few reconcile.


class ToleranceSettings(BaseModel):
    """By how much a payment of one currency may differ from what it settles. Nothing is let pass unless it stands here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounding: Amount = Decimal(0)
    """尾差, either way."""
    fee: Amount = Decimal(0)
    """手续费 that a bank kept on the way."""
    deduction: Amount = Decimal(0)
    """小额扣款 that the customer kept."""
    discount_percent: Annotated[Amount, Field(le=20)] = Decimal(0)
    """现金折扣, in percent of what the documents come to."""
    discount_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    """The discount only for payments within so many days of every document's issue; unset: at any time."""

    def policy(self, currency: str) -> Tolerance:
        """The same in minor units."""
        from ledgerbridge.reconciler.allocation import Tolerance

        return Tolerance(
            rounding_minor=to_minor(self.rounding, currency),
            fee_minor=to_minor(self.fee, currency),
            deduction_minor=to_minor(self.deduction, currency),
            discount_ppm=int(self.discount_percent * 10_000),
            discount_days=self.discount_days,
        )


class ReconcileSettings(BaseModel):
    """How the leading system's books (`identity.lead`) are reconciled (docs/reconciling.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partial: tuple[SystemId, ...] | None = None
    """Systems that are meant to have only some customers, such as a salesperson's lists; unset: every `sheets` system."""
    apart: tuple[SystemId, ...] = ()
    """Systems that are compared with nobody, such as sheets that customers sent (`statement compare` reads them)."""
    passes: tuple[str, ...] | None = None
    """The passes of cash application in their order (docs/reconciling.md); unset: all but `oldest_first`, which is in force only
    if it stands here."""
    tolerances: dict[Currency, ToleranceSettings] = {}
    """Differences that cash application may write off, as [reconcile.tolerances.CNY] tables."""
    let_pass: Amounts = {}
    """Differences of amounts between two systems that are not reported, per currency."""
    unapplied_days: Annotated[int, Field(ge=0, le=3650)] = 30
    """Money that lies unapplied for so many days is an exception."""
    collection_days: Annotated[int, Field(ge=1, le=3660)] = 365
    """The period of the collection figures (DSO), which ends on the day of the reconciliation."""

    @model_validator(mode="after")
    def _exact(self) -> ReconcileSettings:
        for currency, one in self.tolerances.items():
            for limit in (one.rounding, one.fee, one.deduction):
                to_minor(limit, currency)
        for currency, limit in self.let_pass.items():
            to_minor(limit, currency)
        if self.passes is not None:
            self._checked(self.passes)
        return self

    @staticmethod
    def _checked(passes: tuple[str, ...]) -> None:
        from ledgerbridge.reconciler.allocation import Rule

        strange = [name for name in passes if name not in tuple(Rule)]
        if strange:
            raise ValueError(f"there is no pass {', '.join(strange)}; there are {', '.join(Rule)}")
        if len(set(passes)) != len(passes):
            raise ValueError("a pass stands twice")

    def cash(self) -> Policy:
        """How cash is applied."""
        from ledgerbridge.reconciler.allocation import DEFAULT_PASSES, Policy, Rule

        passes = DEFAULT_PASSES if self.passes is None else tuple(Rule(name) for name in self.passes)
        return Policy(passes=passes, tolerances=self._tolerances())

    def bank(self) -> RowPolicy:
        """How bank rows are read."""
        from ledgerbridge.reconciler.bankrows import RowPolicy

        return RowPolicy(tolerances=self._tolerances())

    def passed(self) -> tuple[Pass, ...]:
        """What a comparison lets pass."""
        from ledgerbridge.reconciler.comparison import Tolerance as Pass

        return tuple(
            Pass("let_pass", currency, to_minor(limit, currency)) for currency, limit in sorted(self.let_pass.items())
        )

    def _tolerances(self) -> dict[str, Tolerance]:
        return {currency: one.policy(currency) for currency, one in sorted(self.tolerances.items())}


class AgingSettings(BaseModel):
    """How open items are aged, and when a customer's credit is an exception."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: tuple[int, ...] = (30, 60, 90, 180, 365)
    """The last days of the buckets; the last bucket is open-ended."""
    base: Literal["due", "document"] = "due"
    """From when age counts: the due date, or the document's own."""
    alerts: bool = True
    """Report exceeded limits and overdue items as exceptions."""
    overdue_days: Annotated[int, Field(ge=1, le=3650)] = 1
    """From so many days past due on an item counts as overdue."""
    overdue_min: Amounts = {}
    """A customer whose overdue sum is less is not reported, per currency."""

    @model_validator(mode="after")
    def _sound(self) -> AgingSettings:
        rising = all(one < other for one, other in zip(self.days, self.days[1:], strict=False))
        if not self.days or self.days[0] < 1 or not rising:
            raise ValueError(f"aging.days must be rising days above 0, not {list(self.days)}")
        for currency, limit in self.overdue_min.items():
            to_minor(limit, currency)
        return self

    def buckets(self) -> Buckets:
        """The same, as the rules take it."""
        from ledgerbridge.model.statement import AgeBase
        from ledgerbridge.reconciler.aging import Buckets

        return Buckets(self.days, AgeBase(self.base))

    def credit(self) -> CreditPolicy:
        """When somebody should look."""
        from ledgerbridge.reconciler.aging import CreditPolicy

        floors = tuple((currency, to_minor(limit, currency)) for currency, limit in sorted(self.overdue_min.items()))
        return CreditPolicy(overdue_days_min=self.overdue_days, overdue_minor_min=floors)
