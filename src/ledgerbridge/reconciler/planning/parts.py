"""A payment for a system that keeps one record per part of it: what the parts add up to, and what each says of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledgerbridge.reconciler.merge import Record

WHOLE: Final[Mapping[str, str]] = {
    "whole_minor": "amount_minor",
    "whole_fee_minor": "fee_minor",
    "base_whole_minor": "base_amount_minor",
}
"""What every part says of the whole payment, and what that is in a system that keeps it as one record."""


def as_whole(record: Record) -> Record:
    """A payment that is kept as one record, in the words of a system that keeps parts.

    `amount_minor` is what the parts must add up to: what reached us and what the bank kept. What the record does not say of
    the whole stays unsaid.
    """
    said = {part: record[one] for part, one in WHOLE.items() if one in record}
    amounts = (record.get("amount_minor"), record.get("fee_minor"))
    return {**record, **said, "amount_minor": sum(amount for amount in amounts if isinstance(amount, int))}
