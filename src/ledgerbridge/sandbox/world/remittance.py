"""What customers write when they pay: references whole, cut, mistyped, glued to words, or none at all."""

from __future__ import annotations

import random
from typing import Final

from .names import full_width
from .sales import Sale

_WORDS: Final = ("货款", "付货款", "材料款", "往来款", "支付货款", "采购款")
_SEPARATORS: Final = ("、", ",", " ", "，", "/", ";")
_NAMED_MAX: Final = 6  # nobody types more numbers than this


def mistyped(rng: random.Random, number: str) -> str:
    """`number` with one digit doubled, missing, or swapped with its neighbour; the year and month stay readable."""
    tail = rng.randrange(len(number) - 5, len(number) - 1)
    draw = rng.random()
    if draw < 0.34:
        return number[: tail + 1] + number[tail] + number[tail + 1 :]
    if draw < 0.67 and number[tail] != number[tail + 1]:
        return number[:tail] + number[tail + 1] + number[tail] + number[tail + 2 :]
    return number[:tail] + number[tail + 1 :]


def _reference(rng: random.Random, sale: Sale) -> str:
    """How one document is named: its number, its tax invoice's number, or a part of either."""
    draw = rng.random()
    if sale.tax_invoice_number and draw < 0.25:
        number = sale.tax_invoice_number
        return number if draw < 0.15 or len(number) < 20 else number[-8:]
    if draw < 0.72:
        return sale.number
    if draw < 0.84:
        return sale.number[-9:]  # month and serial only
    if draw < 0.94:
        return mistyped(rng, sale.number)
    return sale.number[:2].lower() + sale.number[2:]


def remittance(rng: random.Random, sales: list[Sale]) -> str:
    """The text for a payment of `sales` (none: a payment in advance or of nobody knows what)."""
    named = [sale for sale in sales if sale.number][:_NAMED_MAX]
    draw = rng.random()
    if not named:
        return rng.choice(("预付款", "预付货款", "订金", "货款", ""))
    if draw < 0.10:
        return ""
    if draw < 0.22:
        return rng.choice(_WORDS)
    if draw < 0.34 and named[0].order_number:
        text = f"{rng.choice(('', '订单', '订单号'))}{named[0].order_number}"
        return text + rng.choice(("", "货款"))
    if draw < 0.40 and named[0].contract_number:
        return f"合同{named[0].contract_number}{rng.choice(('进度款', '货款', '尾款'))}"
    if draw < 0.44 and len(named) > 2:
        return f"{named[0].issued_on.month}月货款"
    if draw < 0.50 and len(named) > 1:
        first, last = named[0], named[-1]
        return f"{first.number}至{last.number}" if rng.random() < 0.3 else f"{first.number}等{len(sales)}张发票"
    references = [_reference(rng, sale) for sale in named]
    text = rng.choice(_SEPARATORS).join(references)
    draw = rng.random()
    if draw < 0.25:
        text = f"{rng.choice(_WORDS)}{text}"
    elif draw < 0.45:
        text = f"{text}{rng.choice(_WORDS)}"
    elif draw < 0.52:
        text = f"发票号:{text} 请查收"
    return full_width(text) if rng.random() < 0.06 else text


def refund_text(rng: random.Random, sale: Sale | None) -> str:
    """The text of our own payment back to a customer."""
    if sale is None:
        return rng.choice(("退多付货款", "退款", "多付退回"))
    return f"退货退款{sale.number}"
