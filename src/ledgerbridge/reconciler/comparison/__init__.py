"""The comparison of two ledgers: what differs, document by document, and why each customer's balance does. Pure."""

from __future__ import annotations

from .engine import compare_balances, differences, out_of_scope, unexplained
from .scope import Aspect, Scope, Tolerance
from .values import NOT_HELD, NOT_LINKED, TOLERATED, BalanceComparison, Cause, CauseBook, Difference, Effect

__all__ = [
    "NOT_HELD",
    "NOT_LINKED",
    "TOLERATED",
    "Aspect",
    "BalanceComparison",
    "Cause",
    "CauseBook",
    "Difference",
    "Effect",
    "Scope",
    "Tolerance",
    "compare_balances",
    "differences",
    "out_of_scope",
    "unexplained",
]
