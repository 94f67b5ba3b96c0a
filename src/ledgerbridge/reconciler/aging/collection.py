"""Collection figures: how long money takes to come in, and how much of what was due came in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Collection:
    """The figures of one currency over a period; every amount in minor units.

    `dso_days` (days sales outstanding, 应收账款周转天数): closing balance / sales of the period x days of the period.
    `best_dso_days`: the same for what is not overdue. `collection_rate` (回款率): what came in, of opening + sales.
    `effectiveness` (CEI): what came in, of opening + sales - what is not due yet. None where a divisor is not positive.
    """

    currency: str
    first_day: date
    last_day: date
    opening_minor: int
    sales_minor: int
    received_minor: int
    closing_minor: int
    overdue_minor: int
    dso_days: Decimal | None
    best_dso_days: Decimal | None
    collection_rate: Decimal | None
    effectiveness: Decimal | None


def collection(
    currency: str, movements: Iterable[Movement], first_day: date, last_day: date, overdue_minor: int
) -> Collection:
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
    return Collection(
        currency,
        first_day,
        last_day,
        opening,
        sales,
        received,
        closing,
        overdue_minor,
        _ratio(closing * days, sales, _TENTH),
        _ratio(current * days, sales, _TENTH),
        _ratio(received, opening + sales, _PERMILLE),
        _ratio(received, opening + sales - current, _PERMILLE) if opening + sales > 0 else None,
    )


def _ratio(part: int, whole: int, step: Decimal) -> Decimal | None:
    return None if whole <= 0 else (Decimal(part) / Decimal(whole)).quantize(step, ROUND_HALF_UP)
