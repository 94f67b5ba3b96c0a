"""What a workspace says about exceptions: limits of money and age, who gets what, when two people must agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ledgerbridge.model.exception import Code
from ledgerbridge.model.money import exponent

MACHINE = "ledgerbridge"
"""The actor of what no person did."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Amounts in minor units per currency, and what holds for a currency that has none of its own.

    `other` is in whole units of that currency: 1000 is 1,000.00 dollars and 1,000 yen.
    """

    per_currency: Mapping[str, int] = field(default_factory=dict)
    other: int = 0

    def of(self, currency: str) -> int:
        """The limit of a currency in its minor units."""
        found = self.per_currency.get(currency)
        return self.other * 10 ** exponent(currency) if found is None else found


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """Who gets a finding that matches all that is given; what is empty matches everything.

    `customers` and `salespeople` may hold * and ?; a customer is matched by entity id or by name. `at_least` is in minor units
    per currency: where it is given, a finding without money or of another currency does not match.
    """

    owner: str
    codes: frozenset[Code] = frozenset()
    systems: frozenset[str] = frozenset()
    customers: tuple[str, ...] = ()
    salespeople: tuple[str, ...] = ()
    at_least: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExceptionPolicy:
    """Everything that decides without a person.

    A difference of at least `medium` (`high`) is of that severity; one that is older than `older_days` goes one up unless it is
    below `trifle`. A waiver of more than `waive_limit` needs a second person. What was settled and is still found after
    `settled_grace` is reopened. `owners`, if not empty, are the only ones that something may be given to.
    """

    trifle: Limits = field(default_factory=lambda: Limits(other=1))
    medium: Limits = field(default_factory=lambda: Limits(other=1_000))
    high: Limits = field(default_factory=lambda: Limits(other=50_000))
    older_days: int = 30
    waive_limit: Limits = field(default_factory=lambda: Limits({"CNY": 10_000}))
    settled_grace: timedelta = timedelta(days=30)
    rules: tuple[AssignmentRule, ...] = ()
    owners: frozenset[str] = frozenset()
