"""What changed since a statement was frozen: back-dated documents, changed amounts, moved allocations."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from .base import Frozen, Line
from .money import Currency
from .statement import DocumentId, EntryKind, Settlement


class DeltaKind(StrEnum):
    """What happened to one document since."""

    BEFORE_PERIOD = "before_period"  # the opening balance: something dated before the first day came, went or changed
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REAPPLIED = "reapplied"  # only what it settles, or is settled by, is another
    REOPENED = "reopened"  # not a line of the period; what is left of it is another


class FieldDelta(Frozen):
    """One field of a line, before and after, as text; amounts in minor units."""

    field: str
    before: str
    after: str


class DeltaLine(Frozen):
    """One document (or the opening balance). `effect_minor` is what it does to the closing balance.

    `open_effect_minor` is the change of what is left of it; 0 for the opening balance, whose documents have lines of their own.
    """

    kind: DeltaKind
    id: DocumentId | None = None
    entry_kind: EntryKind | None = None
    number: Line = ""
    on: date | None = None
    effect_minor: int = 0
    open_effect_minor: int = 0
    fields: tuple[FieldDelta, ...] = ()
    settled_before: tuple[Settlement, ...] = ()
    settled_after: tuple[Settlement, ...] = ()


class StatementDelta(Frozen):
    """All that changed. Its effects sum to the change of the closing balance, and so do the changes of what is open."""

    customer: str
    currency: Currency
    first_day: date
    last_day: date
    before_minor: int
    after_minor: int
    lines: tuple[DeltaLine, ...] = ()
    header: tuple[FieldDelta, ...] = ()
    """Changes of the company's or the customer's name or code."""

    @property
    def is_empty(self) -> bool:
        """Whether the frozen statement still says what the books say."""
        return not self.lines and not self.header

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        change = self.after_minor - self.before_minor
        effects = sum(line.effect_minor for line in self.lines)
        opened = sum(line.open_effect_minor for line in self.lines)
        if effects != change:
            raise ValueError(f"the changes sum to {effects}, the closing balance changed by {change} (minor units)")
        if opened != change:
            raise ValueError(f"what is open changed by {opened}, the closing balance by {change} (minor units)")
        return self
