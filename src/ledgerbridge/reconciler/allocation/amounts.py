"""Unique exact amount (pass 3): the only open document and the only payment of one amount."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from .naming import anchors
from .pool import Pool
from .values import Confidence, Outcome, Rule

_RULE: Final = Rule.UNIQUE_AMOUNT
_CONFIDENCE: Final = Confidence.MEDIUM
_EVIDENCE: Final = ("only open document of this amount", "only payment of this amount")


def by_amount(pool: Pool) -> bool:
    """Link payments and documents of one amount where each has no other candidate; all others of that amount stay.

    A document is a candidate if it was issued by the day of the payment. A payment in advance is never linked this way,
    but as another one that fits it stands in the way of the link. One document of the exact amount goes before sums of
    several.
    """
    opened, left, least = pool.open, pool.left, pool.least
    both = {amount for amount in left if amount >= least}.intersection(opened)
    if not both:
        return False
    documents: dict[int, list[int]] = {amount: [] for amount in both}
    for item, amount in enumerate(opened):
        if amount in both:
            documents[amount].append(item)
    payments: dict[int, list[int]] = {}
    for receipt, amount in enumerate(left):
        if amount in both:
            payments.setdefault(amount, []).append(receipt)
    settled = False
    for amount, receipts in payments.items():
        items = documents[amount]
        if len(receipts) == len(items) == 1 and _sure(pool, receipts[0], items[0]):
            pool.settle_one(_RULE, receipts[0], items[0], _EVIDENCE, _CONFIDENCE)
            settled = True
        else:
            settled = _untangle(pool, receipts, items) or settled
    return settled


def _sure(pool: Pool, receipt: int, item: int) -> bool:
    """The quick way for a pair without a rival: no text, no claim and no credit note to be looked at."""
    return (
        receipt not in pool.clues
        and item not in pool.claims
        and item not in pool.reversals
        and pool.issued[item] <= pool.last_day(receipt)
        and pool.by_amount(receipt)
    )


def _untangle(pool: Pool, receipts: list[int], items: list[int]) -> bool:
    """Settle the one pair of this amount that touches no other, if there is one; note the rest as ambiguous.

    `items` are in order of their day of issue, so that the candidates of each payment are the first few of them.
    """
    issued = [pool.issued[item] for item in items]
    counts: dict[int, int] = {}
    for receipt in receipts:
        found = anchors(pool, receipt) if receipt in pool.clues else None
        if found is not None and (found.docs or found.sets):
            continue  # its text asks for something else, or the references would have settled it
        count = bisect_right(issued, pool.last_day(receipt))
        if count:
            counts[receipt] = count
    settled = False
    for receipt, count in counts.items():
        if not pool.by_amount(receipt):
            continue
        sets = [(item,) for item in items[: min(count, pool.policy.sums.shown_max)]]
        if count > 1:
            pool.note(receipt, _RULE, Outcome.AMBIGUOUS, sets)
        elif len(counts) > 1 or pool.in_doubt(items[0], receipt):
            pool.note(receipt, _RULE, Outcome.CONTESTED, sets)
        else:
            pool.settle_one(_RULE, receipt, items[0], _EVIDENCE, _CONFIDENCE)
            settled = True
    return settled
