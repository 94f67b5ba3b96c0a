"""Customer statements 对账单: built, compared with what was sent, and matched with the customer's own books. Pure."""

from __future__ import annotations

from .build import build_statement
from .delta import delta
from .from_matches import Booked, booked
from .two_sided import match_sides, side_of, side_of_books, two_sided
from .values import Applied, Brought, Document, Period, Receipt, WriteOff

__all__ = [
    "Applied",
    "Booked",
    "Brought",
    "Document",
    "Period",
    "Receipt",
    "WriteOff",
    "booked",
    "build_statement",
    "delta",
    "match_sides",
    "side_of",
    "side_of_books",
    "two_sided",
]
