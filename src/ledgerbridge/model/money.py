"""Exact money: integer minor units of an ISO 4217 currency; :class:`~decimal.Decimal` only at the edges.

There is no way from a float to money here: a float is refused wherever an amount is expected.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from ledgerbridge.errors import MoneyError

from .base import Frozen
from .currency import EXPONENTS

MINOR_MAX: Final = 10**15
"""The largest amount of one record, in minor units (ten trillion yuan). Sums of 9,000 such still fit 64 bits."""

_EXACT = decimal.Context(prec=60, traps=[decimal.InvalidOperation, decimal.Inexact])


def exponent(currency: str) -> int:
    """Decimals of an ISO 4217 code; MoneyError for a code that is none."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise MoneyError(f"{currency!r} is no ISO 4217 currency code") from None


def _known(currency: str) -> str:
    if currency not in EXPONENTS:
        raise ValueError(f"{currency!r} is no ISO 4217 currency code")
    return currency


Currency = Annotated[str, AfterValidator(_known)]
Minor = Annotated[int, Field(ge=-MINOR_MAX, le=MINOR_MAX)]
Rate = Annotated[Decimal, Field(gt=0, max_digits=24)]


def to_minor(amount: Decimal, currency: str, *, rounded: bool = False) -> int:
    """`amount` in minor units of `currency`.

    More decimals than the currency has are a MoneyError unless they are zeros, or `rounded` asks for half-up rounding;
    so is an amount that is not finite or beyond :data:`MINOR_MAX`. A float raises TypeError.
    """
    if not isinstance(amount, Decimal):
        raise TypeError(f"an amount must be a Decimal, not {type(amount).__name__}")
    if not amount.is_finite():
        raise MoneyError(f"{amount} is no amount")
    places = exponent(currency)
    if amount.adjusted() + places > 16:  # far beyond MINOR_MAX: refuse before making a huge integer
        raise MoneyError(f"{_short(amount)} {currency} is beyond the largest amount of one record")
    try:
        shifted = amount.scaleb(places, _EXACT)
    except decimal.Inexact:
        raise MoneyError(f"{_short(amount)} {currency} has too many digits to be read exactly") from None
    whole = shifted.to_integral_value(decimal.ROUND_HALF_UP)
    if whole != shifted and not rounded:
        raise MoneyError(f"{_short(amount)} {currency} has more than {places} decimals")
    minor = int(whole)
    if abs(minor) > MINOR_MAX:
        raise MoneyError(f"{_short(amount)} {currency} is beyond the largest amount of one record")
    return minor


def to_decimal(minor: int, currency: str) -> Decimal:
    """`minor` units as a Decimal with exactly the currency's decimals: 120050 CNY is Decimal('1200.50')."""
    return Decimal(minor).scaleb(-exponent(currency), _EXACT)


def _short(amount: Decimal) -> str:
    text = str(amount)
    return text if len(text) <= 40 else f"{text[:37]}…"


class Money(Frozen):
    """An amount of one currency. Amounts of different currencies never add."""

    minor: int
    currency: Currency

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """From a decimal amount; MoneyError if it is not a whole number of minor units."""
        try:
            return cls(minor=to_minor(Decimal(amount), currency), currency=currency)
        except decimal.InvalidOperation:
            raise MoneyError(f"{amount!r} is no amount") from None

    @property
    def amount(self) -> Decimal:
        """With exactly the currency's decimals."""
        return to_decimal(self.minor, self.currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(minor=self.minor + other.minor, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(minor=self.minor - other.minor, currency=self.currency)

    def __neg__(self) -> Money:
        return Money(minor=-self.minor, currency=self.currency)

    def __str__(self) -> str:
        return f"{self.amount:,} {self.currency}"

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise MoneyError(f"{self.currency} and {other.currency} do not add")


def total(amounts: Iterable[Money]) -> dict[str, Money]:
    """Sums per currency."""
    sums: dict[str, int] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, 0) + money.minor
    return {currency: Money(minor=minor, currency=currency) for currency, minor in sums.items()}
