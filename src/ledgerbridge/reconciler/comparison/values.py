"""What a comparison says: differences with their effects on balances, and balances with the causes of their gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ledgerbridge.model.exception import Finding

TOLERATED: Final = "tolerated"
"""Cause of what a tolerance let pass; followed by a colon and the tolerance's name."""
NOT_LINKED: Final = "customer_not_linked"
"""Cause of what stands under a customer that no link ties to the other system's: to be settled with the links."""
NOT_HELD: Final = "customer_not_held"
"""Cause of the documents of customers that the compared system is not meant to have."""


class Effect(NamedTuple):
    """What a difference does to one balance: compared minus leading, in minor units."""

    account: str
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between documents. `cause` is the finding's code, or one of the causes above, which are no findings.

    `effects` are none for what moves no balance, and several where a document stands under another customer or currency.
    """

    cause: str
    effects: tuple[Effect, ...]
    finding: Finding | None = None


class Cause(NamedTuple):
    """One line of why a balance differs: how many differences, and what they come to together."""

    name: str
    times: int
    minor: int


@dataclass(frozen=True, slots=True)
class BalanceComparison:
    """One customer's balance in one currency in both systems. Gap = sum of the causes + `unexplained_minor`, always.

    `account` is as in :class:`~ledgerbridge.model.ledger.Account`.
    """

    account: str
    currency: str
    leading_minor: int
    compared_minor: int
    causes: tuple[Cause, ...]

    @property
    def gap_minor(self) -> int:
        """Compared minus leading."""
        return self.compared_minor - self.leading_minor

    @property
    def unexplained_minor(self) -> int:
        """What no cause accounts for; zero unless documents were counted in a balance that were not compared."""
        return self.gap_minor - sum(cause.minor for cause in self.causes)


@dataclass(slots=True)
class CauseBook:
    """What all differences come to per balance and cause. Grows with the balances that differ, not with the documents."""

    lines: dict[tuple[str, str], dict[str, tuple[int, int]]] = field(default_factory=dict)

    def add(self, difference: Difference) -> None:
        """Note one difference."""
        for account, currency, minor in difference.effects:
            causes = self.lines.setdefault((account, currency), {})
            count, total = causes.get(difference.cause, (0, 0))
            causes[difference.cause] = (count + 1, total + minor)

    def causes(self, account: str, currency: str) -> tuple[Cause, ...]:
        """The causes of one balance's gap, the largest first."""
        found = [Cause(name, *line) for name, line in self.lines.get((account, currency), {}).items()]
        return tuple(sorted(found, key=lambda cause: (-abs(cause.minor), cause.name)))


def effects_of(moves: Iterable[tuple[tuple[str, str], int]]) -> tuple[Effect, ...]:
    """Moves of balances summed up, those that come to nothing left out; in the order in which balances are first named."""
    sums: dict[tuple[str, str], int] = {}
    for key, minor in moves:
        sums[key] = sums.get(key, 0) + minor
    return tuple(Effect(*key, minor) for key, minor in sums.items() if minor)
