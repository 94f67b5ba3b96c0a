"""Bank rows that name no customer: the payer and the documents found together, and payers learned on the way. Pure."""

from __future__ import annotations

from .matching import RowMatcher, match_rows
from .payers import account_key
from .policy import RowPolicy
from .values import (
    BankRow,
    Confirmed,
    LearnedPayer,
    Party,
    PartyItem,
    Reading,
    RowOutcome,
    RowResult,
    RowsResult,
    Said,
)

__all__ = [
    "BankRow",
    "Confirmed",
    "LearnedPayer",
    "Party",
    "PartyItem",
    "Reading",
    "RowMatcher",
    "RowOutcome",
    "RowPolicy",
    "RowResult",
    "RowsResult",
    "Said",
    "account_key",
    "match_rows",
]
