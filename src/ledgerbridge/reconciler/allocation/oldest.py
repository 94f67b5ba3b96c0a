"""Oldest first (pass 6): by policy alone, for what nothing else could settle."""

from __future__ import annotations

from typing import Final

from ledgerbridge.model.payment import DifferenceKind

from .pool import Pool
from .values import Confidence, Match, Rule

_RULE: Final = Rule.OLDEST_FIRST
_LOW: Final = Confidence.LOW
_EXACT: Final = DifferenceKind.EXACT
_PARTIAL: Final = DifferenceKind.PARTIAL
_EVIDENCE: Final = ("oldest open document, by policy",)


def by_oldest(pool: Pool) -> bool:
    """Apply the oldest money to the oldest documents, whatever the amounts, payments in advance included.

    Payments that a person must decide, and documents that such a payment or a text has a say in, are left alone.
    """
    items = [
        item
        for item, amount in enumerate(pool.open)
        if amount > 0 and item not in pool.claims and item not in pool.reversals
    ]
    if pool.policy.oldest_by_due:
        items.sort(key=lambda item: (pool.items[item].due_on or pool.items[item].issued_on, pool.items[item].id))
    before = len(pool.matches)
    opened, left = pool.open, pool.left
    at = 0
    for receipt, money in enumerate(left):
        if money <= 0 or receipt in pool.held:
            continue
        rest, payment = money, pool.receipts[receipt].id
        while rest and at < len(items):
            item = items[at]
            amount = min(rest, opened[item])
            rest -= amount
            opened[item] -= amount
            kind = _EXACT if rest == 0 == opened[item] and amount == money else _PARTIAL
            shares = ((payment, amount),), ((pool.items[item].id, amount),)
            pool.matches.append(Match(_RULE, pool.currency, *shares, kind, 0, _EVIDENCE, _LOW))
            if not opened[item]:
                at += 1
        left[receipt] = rest
        if 0 < rest < money:
            pool.met.add(receipt)
        if at == len(items):
            break
    return len(pool.matches) > before
