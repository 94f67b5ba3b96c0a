"""What is compared with what, up to which day, and which differences are let pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import DocumentStatus
from ledgerbridge.model.ledger import LedgerDocument


class Aspect(StrEnum):
    """What may be left out of a comparison: none of these moves a balance."""

    TAX = "tax"
    FEE = "fee"
    DUE_DATE = "due_date"
    DOCUMENT_KIND = "document_kind"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """An amount or tax that differs by no more than `minor` units of `currency` is let pass under `name`."""

    name: str
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Scope:
    """The leading system (the ERP) and the one that is compared with it.

    `kinds`: only those that the compared system holds; balances are compared over these alone. `as_of`: documents dated later
    count on neither side; None: all count. `held`: entities of the customers that the compared system has, where it has only
    some of them; None: it should have all. `doubted`: pairs of customers (leading, compared) that may be the same and wait for a
    person: a document that stands under the one here and the other there says nothing new. Tolerances are zero unless named.
    """

    leading: str
    compared: str
    kinds: tuple[Kind, ...] = (Kind.INVOICE, Kind.PAYMENT)
    as_of: date | None = None
    tolerances: tuple[Tolerance, ...] = ()
    aspects: frozenset[Aspect] = field(default_factory=lambda: frozenset(Aspect))
    held: frozenset[str] | None = None
    doubted: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        if self.leading == self.compared:
            raise ValueError(f"a system is not compared with itself: {self.leading}")
        if wrong := set(self.kinds) - {Kind.INVOICE, Kind.PAYMENT}:
            raise ValueError(f"ledgers hold invoices and payments, not {', '.join(sorted(wrong))}")
        if any(one.minor < 0 for one in self.tolerances):
            raise ValueError("a tolerance is zero or more")

    def counts(self, document: LedgerDocument) -> bool:
        """Whether a document moves a balance: approved, and dated no later than the day."""
        return document.status is DocumentStatus.APPROVED and not self.later(document.business_on)

    def later(self, day: date) -> bool:
        """Whether a day lies after the one that is compared."""
        return self.as_of is not None and day > self.as_of

    def tolerated(self, currency: str, difference: int) -> str | None:
        """The name of the narrowest tolerance that lets a difference pass."""
        fitting = [one for one in self.tolerances if one.currency == currency and abs(difference) <= one.minor]
        return min(fitting, key=lambda one: (one.minor, one.name)).name if fitting else None
