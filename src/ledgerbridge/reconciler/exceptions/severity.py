"""How soon somebody should look: from money, age and kind of finding."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Final

from ledgerbridge.model.exception import Code, Severity

from .policy import ExceptionPolicy

RANK: Final = MappingProxyType({Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3})
_BY_RANK: Final = {rank: severity for severity, rank in RANK.items()}

AT_LEAST: Final = MappingProxyType(
    {
        Code.OUTCOME_UNKNOWN: Severity.HIGH,  # a write may or may not have happened: nobody else will find out
        Code.WRITES_FROZEN: Severity.HIGH,
        Code.BALANCE_UNEXPLAINED: Severity.MEDIUM,
        Code.ALLOCATION_FAULTY: Severity.MEDIUM,
        Code.REFUSED_BY_SYSTEM: Severity.MEDIUM,
        Code.CURRENCY_DIFFERS: Severity.MEDIUM,
        Code.CREDIT_EXCEEDED: Severity.MEDIUM,
    }
)
"""What is never less severe than this, whatever its amount."""


def severity_of(
    code: Code, minor: int | None, currency: str | None, since: date, today: date, policy: ExceptionPolicy
) -> Severity:
    """`minor` is the signed difference in minor units of `currency`, both None for a finding without money; `since` is the
    business date of the document, or the day it was first found.
    """
    rank, may_age = 1, True
    if minor is not None and currency is not None:
        worth = abs(minor)
        rank += (worth >= policy.medium.of(currency)) + (worth >= policy.high.of(currency))
        may_age = worth >= policy.trifle.of(currency)
    if may_age and (today - since).days > policy.older_days:
        rank += 1
    least = AT_LEAST.get(code)
    return _BY_RANK[min(3, max(rank, RANK[least] if least else 1))]
