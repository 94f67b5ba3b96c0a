"""Every table there is: what migrations are compared with."""

from __future__ import annotations

from . import tables_books, tables_exceptions, tables_identity, tables_operations, tables_plans, tables_schedules
from .tables import METADATA

PARTS = (tables_identity, tables_plans, tables_operations, tables_schedules, tables_exceptions, tables_books)
"""The modules whose import declares the tables beside those of the pull side."""

__all__ = ["METADATA", "PARTS"]
