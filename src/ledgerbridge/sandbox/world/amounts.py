"""Exact money: rounding, minor units, exchange rates, and how amounts are written."""

from __future__ import annotations

import random
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

EXPONENTS: Final = {"CNY": 2, "USD": 2, "EUR": 2, "HKD": 2, "JPY": 0}
_RATE_AT_START: Final = {"USD": 71500, "EUR": 78200, "HKD": 9180, "JPY": 476}  # in 1/10 000 CNY
_RATE_UNIT: Final = 10_000


def divide_half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, halves away from zero; `denominator` is positive."""
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def base_amount(amount: int, currency: str, rate: Decimal) -> int:
    """`amount` in minor units of `currency` as CNY fen at `rate`, halves away from zero."""
    if currency == "CNY":
        return amount
    scaled = int(rate * _RATE_UNIT)
    return divide_half_up(amount * scaled * 100, _RATE_UNIT * 10 ** EXPONENTS[currency])


def to_minor(value: Decimal, currency: str) -> int:
    """A value in major units as minor units, halves away from zero."""
    return int((value * 10 ** EXPONENTS[currency]).to_integral_value(ROUND_HALF_UP))


def to_text(amount: int, currency: str, *, thousands: bool = False) -> str:
    """Minor units as people write them: ``-1234.50`` or ``-1,234.50``; yen without decimals."""
    exponent = EXPONENTS[currency]
    value = Decimal(amount).scaleb(-exponent)
    return f"{value:,.{exponent}f}" if thousands else f"{value:.{exponent}f}"


class Rates:
    """Exchange rates by month, four decimals, CNY for one unit; the same for a document and all that is booked with it.

    Drawn once for every month of the period and the two years before, so that opening balances have theirs.
    """

    def __init__(self, rng: random.Random, last_day: date, months: int) -> None:
        self._rates: dict[tuple[str, int], Decimal] = {}
        last_month = last_day.year * 12 + last_day.month - 1
        for currency in sorted(_RATE_AT_START):
            value = _RATE_AT_START[currency]
            for month in range(last_month - months - 24, last_month + 2):
                value += divide_half_up(value * rng.randint(-12, 12), 1000)
                self._rates[currency, month] = Decimal(value) / _RATE_UNIT

    def rate(self, currency: str, on: date) -> Decimal:
        """The rate of the month of `on`; 1 for CNY."""
        return Decimal(1) if currency == "CNY" else self._rates[currency, on.year * 12 + on.month - 1]
