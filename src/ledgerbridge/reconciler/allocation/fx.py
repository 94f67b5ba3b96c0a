"""Realised exchange difference (汇兑损益) of a match: what the amount was booked at, and what the money was worth."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec

from ledgerbridge.errors import MoneyError
from ledgerbridge.model.money import exponent


class RealisedFx(msgspec.Struct, frozen=True):
    """In minor units of the base currency. A gain is positive.

    `residual` is the exact difference less the booked one: what rounding both sides to minor units hid, below one unit.
    """

    booked_minor: int
    """The settled amount at the document's rate."""
    received_minor: int
    """The same amount at the payment's rate."""
    difference_minor: int
    residual: Fraction


def realised_fx(
    amount_minor: int,
    currency: str,
    base_currency: str,
    *,
    item_rate: Decimal,
    payment_rate: Decimal,
    item_base_left_minor: int | None = None,
    payment_base_left_minor: int | None = None,
) -> RealisedFx:
    """The difference that settling `amount_minor` (minor units of `currency`, either sign) realises.

    Rates are units of base for one unit of `currency`. Each side is rounded half away from zero. When the amount is the
    last of a document or payment, give what is left of its own base amount: it then closes to zero in base as well, and
    the rounding of its earlier parts shows in the residual. MoneyError for an unknown currency or a rate that is not
    positive, or for two rates that are not 1 where both currencies are the same.
    """
    for rate in (item_rate, payment_rate):
        if not rate.is_finite() or rate <= 0:
            raise MoneyError(f"{rate} is no exchange rate: it must be positive")
        if currency == base_currency and rate != 1:
            raise MoneyError(f"{currency} is the base currency, its rate is 1, not {rate}")
    unit = Fraction(10 ** exponent(base_currency), 10 ** exponent(currency))
    booked_exact = amount_minor * Fraction(item_rate) * unit
    received_exact = amount_minor * Fraction(payment_rate) * unit
    booked = _rounded(booked_exact) if item_base_left_minor is None else item_base_left_minor
    received = _rounded(received_exact) if payment_base_left_minor is None else payment_base_left_minor
    return RealisedFx(booked, received, received - booked, received_exact - booked_exact - (received - booked))


def _rounded(value: Fraction) -> int:
    whole = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return whole if value >= 0 else -whole
