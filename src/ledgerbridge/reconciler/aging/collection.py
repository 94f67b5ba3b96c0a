"""Collection figures: how long money takes to come in, and how much of what was due came in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from ledgerbridge.model.reconciliation import CollectionLine

_TENTH: Final = Decimal("0.1")
_PERMILLE: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Movement:
    """One approved document or money movement by what it does to the balance: + raises it. `sale`: it is a sale on credit (an
    invoice or a credit note), not cash. `brought_in`: an opening balance, which is no sale of the period that it is dated in.
    """

    on: date
    minor: int
    sale: bool
    brought_in: bool = False


def collection(
    currency: str, movements: Iterable[Movement], first_day: date, last_day: date, overdue_minor: int
) -> CollectionLine:
    """The figures of one currency; give every movement up to the last day, and what is overdue on it."""
    opening = sales = received = 0
    for one in movements:
        if one.on > last_day:
            continue
        if one.on < first_day or one.brought_in:
            opening += one.minor
        elif one.sale:
            sales += one.minor
        else:
            received -= one.minor
    closing = opening + sales - received
    current = closing - overdue_minor
    days = (last_day - first_day).days + 1
    return CollectionLine(
        currency=currency,
        first_day=first_day,
        last_day=last_day,
        opening_minor=opening,
        sales_minor=sales,
        received_minor=received,
        closing_minor=closing,
        overdue_minor=overdue_minor,
        dso_days=_ratio(closing * days, sales, _TENTH),
        best_dso_days=_ratio(current * days, sales, _TENTH),
        collection_rate=_ratio(received, opening + sales, _PERMILLE),
        effectiveness=_ratio(received, opening + sales - current, _PERMILLE) if opening + sales > 0 else None,
    )


def _ratio(part: int, whole: int, step: Decimal) -> Decimal | None:
    return None if whole <= 0 else (Decimal(part) / Decimal(whole)).quantize(step, ROUND_HALF_UP)
