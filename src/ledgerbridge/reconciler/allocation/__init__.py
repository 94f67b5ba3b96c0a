"""Cash application: which payment settles which document. Pure, per customer, in integer minor units."""

from __future__ import annotations

from .engine import allocate
from .explain import Explanation, Look, explain
from .fx import RealisedFx, realised_fx
from .policy import DEFAULT_PASSES, Policy, SumLimits, Tolerance
from .records import open_item, receipt
from .values import (
    Ambiguous,
    Confidence,
    Finding,
    FindingCode,
    GivenAllocation,
    Leftover,
    Match,
    Note,
    OpenItem,
    Outcome,
    Receipt,
    Result,
    Rule,
)

__all__ = [
    "DEFAULT_PASSES",
    "Ambiguous",
    "Confidence",
    "Explanation",
    "Finding",
    "FindingCode",
    "GivenAllocation",
    "Leftover",
    "Look",
    "Match",
    "Note",
    "OpenItem",
    "Outcome",
    "Policy",
    "RealisedFx",
    "Receipt",
    "Result",
    "Rule",
    "SumLimits",
    "Tolerance",
    "allocate",
    "explain",
    "open_item",
    "realised_fx",
    "receipt",
]
