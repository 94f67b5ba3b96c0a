"""Open items by age 账龄, credit used, and collection figures. Pure; dates are business dates in the company's zone."""

from __future__ import annotations

from .buckets import DEFAULT_BUCKETS, Buckets
from .collection import Movement, collection
from .credit import CreditPolicy, CreditStanding, credit_findings, standing
from .table import AgingRow, AgingSums, AgingTable, Debtor, Grouping, OpenEntry, aging_table

__all__ = [
    "DEFAULT_BUCKETS",
    "AgingRow",
    "AgingSums",
    "AgingTable",
    "Buckets",
    "CreditPolicy",
    "CreditStanding",
    "Debtor",
    "Grouping",
    "Movement",
    "OpenEntry",
    "aging_table",
    "collection",
    "credit_findings",
    "standing",
]
