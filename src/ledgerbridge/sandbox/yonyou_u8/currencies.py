"""Currencies by the names U8 knows them by: the wire has names, never ISO codes (yonyou.md A6)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

BASE: Final = "人民币"
NAMES: Final = {
    "CNY": BASE,
    "USD": "美元",
    "EUR": "欧元",
    "JPY": "日元",
    "HKD": "港币",
    "GBP": "英镑",
    "AUD": "澳元",
    "CAD": "加元",
    "CHF": "瑞士法郎",
    "SGD": "新加坡元",
    "KRW": "韩元",
    "TWD": "新台币",
}
"""ISO 4217 code → U8 currency name. Of these only 人民币 is the sheet's; the rest is U8 custom [inferred]."""

_EXPONENTS: Final = {"JPY": 0, "KRW": 0}
_CENT: Final = Decimal("0.01")


def major(amount: int, currency: str) -> Decimal:
    """Minor units of an ISO currency as its major unit, exactly."""
    return Decimal(amount).scaleb(-_EXPONENTS.get(currency, 2))


def cents(value: Decimal) -> Decimal:
    """Rounded to two decimals, halves away from zero: how U8 keeps every amount [inferred]."""
    return value.quantize(_CENT, ROUND_HALF_UP)
