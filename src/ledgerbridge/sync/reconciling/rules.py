"""What a reconciliation goes by: who leads, what is compared, and all policies, as the workspace sets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from zoneinfo import ZoneInfo

from ledgerbridge.clock import DEFAULT_ZONE
from ledgerbridge.reconciler.aging import Buckets, CreditPolicy
from ledgerbridge.reconciler.allocation import Policy
from ledgerbridge.reconciler.bankrows import RowPolicy
from ledgerbridge.reconciler.comparison import Tolerance
from ledgerbridge.reconciler.exceptions.policy import ExceptionPolicy

CASH_RULES = 1
"""Grows with every change of what cash application makes of the same input, so that what is stored is worked out anew."""


@dataclass(frozen=True)
class Rules:
    """`lead`: the system whose books are reconciled. `partial`: systems that are meant to have only some customers.

    `unapplied_days`: how long money may lie unapplied before somebody should look. `collection_days`: the period of the
    collection figures, ending on the day of the reconciliation.
    """

    lead: str
    company: str
    partial: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    """Systems that are never compared: customers' own sheets, say."""
    tolerances: tuple[Tolerance, ...] = ()
    cash: Policy = field(default_factory=Policy)
    bank: RowPolicy = field(default_factory=RowPolicy)
    credit: CreditPolicy = field(default_factory=CreditPolicy)
    buckets: Buckets = field(default_factory=Buckets)
    exceptions: ExceptionPolicy = field(default_factory=ExceptionPolicy)
    unapplied_days: int = 30
    collection_days: int = 365
    report_credit: bool = True
    base_currency: str = "CNY"
    zone: ZoneInfo = DEFAULT_ZONE

    @cached_property
    def fingerprint(self) -> bytes:
        """Of all that decides how cash is applied; part of every customer's digest."""
        return blake2b(f"{CASH_RULES}/{self.cash.model_dump_json()}".encode(), digest_size=16).digest()
