"""The lines of a new payment, completed so that they add up to its total. Pure.

The CRM makes the total of a payment the sum of its lines (fxiaoke.md 7 [inferred]).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ledgerbridge.model.wirejson import WireValue

from .settings import PaymentLines


class LinesDoNotFit(ValueError):
    """The lines settle more than the payment brought, or an amount is none."""


def completed(
    how: PaymentLines, payment: Mapping[str, WireValue], details: Mapping[str, WireValue]
) -> dict[str, WireValue]:
    """`details` with a line for the bank's fee and one for what settles nothing yet.

    total = Σ settling lines + unapplied − fee. A payment without an amount is left as it is. Raises LinesDoNotFit.
    """
    given = details.get(how.object) or []
    if not isinstance(given, list) or not all(isinstance(line, dict) for line in given):
        raise LinesDoNotFit(f"the lines in details.{how.object} must be a list of objects")
    if payment.get(how.amount_field) in (None, ""):
        return dict(details)
    total = _amount(payment, how.amount_field)
    fee = Decimal(0) if how.fee_field is None else _amount(payment, how.fee_field)
    settled = sum((_amount(line, how.amount_field) for line in given if isinstance(line, dict)), Decimal(0))
    rest = total + fee - settled
    if rest and total and (rest > 0) is not (total > 0):
        raise LinesDoNotFit(
            f"the lines settle {settled:f}, but the payment brought {total:f} and a fee of {fee:f} only"
        )
    lines: list[WireValue] = list(given)
    if rest:
        lines.append({how.amount_field: f"{rest:f}", **how.unapplied})
    if fee:
        lines.append({how.amount_field: f"{-fee:f}", **how.fee})
    return {**details, how.object: lines}


def is_negative(payment: Mapping[str, WireValue], field: str) -> bool:
    """Whether the payment takes money out. Raises LinesDoNotFit for an amount that is none."""
    return _amount(payment, field) < 0


def _amount(row: Mapping[str, WireValue], field: str) -> Decimal:
    value = row.get(field)
    if value is None or value == "":
        return Decimal(0)
    try:
        amount = Decimal(value) if isinstance(value, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise LinesDoNotFit(f"{field} is no amount")
    return amount
