"""Tolerance (pass 5): payments that differ from their documents by an amount within a named limit."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from ledgerbridge.model.payment import DifferenceKind

from .naming import anchors
from .policy import Tolerance
from .pool import Pool
from .values import Confidence, Outcome, Rule


class _Fit(NamedTuple):
    receipt: int
    items: tuple[int, ...]
    limit: tuple[str, DifferenceKind]
    named: bool


def limit_for(
    tolerance: Tolerance, gap: int, total: int, days: int, *, fee_known: bool
) -> tuple[str, DifferenceKind] | None:
    """The limit that allows documents of `total` to be settled with `gap` less, and the reason it stands for.

    The narrowest reason goes first: rounding, fee, deduction, discount. `days` from the latest issue to the payment;
    with a fee that is known already no further fee is assumed.
    """
    if abs(gap) <= tolerance.rounding_minor:
        return "rounding_minor", DifferenceKind.ROUNDING
    if gap < 0:
        return None
    if gap <= tolerance.fee_minor and not fee_known:
        return "fee_minor", DifferenceKind.FEE
    if gap <= tolerance.deduction_minor:
        return "deduction_minor", DifferenceKind.DISCOUNT
    in_time = tolerance.discount_days is None or days <= tolerance.discount_days
    if in_time and gap * 1_000_000 <= tolerance.discount_ppm * total:
        return "discount_ppm", DifferenceKind.DISCOUNT
    return None


def by_tolerance(pool: Pool) -> bool:
    """Settle what its text names, or the only document in reach of its amount, with the difference written off.

    Only where no other payment is in reach of the same documents. Nothing at all while every limit is zero.
    """
    tolerance = pool.policy.tolerance(pool.currency)
    if tolerance == Tolerance():
        return False
    documents = sorted((amount, item) for item, amount in enumerate(pool.open) if amount > 0)
    fits: list[_Fit] = []
    for receipt, left in enumerate(pool.left):
        if left <= 0 or receipt in pool.held:
            continue
        found = anchors(pool, receipt)
        if found.docs or found.sets:
            fits += _named(pool, tolerance, receipt)
        elif pool.by_amount(receipt):
            fits += _near(pool, tolerance, receipt, documents)
    wanted: dict[int, int] = {}
    for fit in fits:
        for item in fit.items:
            wanted[item] = wanted.get(item, 0) + 1
    contested = [fit for fit in fits if any(wanted[item] > 1 or pool.in_doubt(item, fit.receipt) for item in fit.items)]
    for fit in contested:
        pool.note(fit.receipt, Rule.TOLERANCE, Outcome.CONTESTED, [fit.items])
    refused = {fit.receipt for fit in contested}
    lone = [fit for fit in fits if fit.receipt not in refused]
    for fit in lone:
        _settle(pool, fit)
    return bool(lone)


def _limit(pool: Pool, tolerance: Tolerance, receipt: int, items: tuple[int, ...]) -> tuple[str, DifferenceKind] | None:
    total = sum(pool.open[item] for item in items)
    gap = total - pool.left[receipt]
    if gap == 0:
        return None  # an exact reading that another pass has judged
    days = pool.received[receipt] - max(pool.issued[item] for item in items)
    return limit_for(tolerance, gap, total, days, fee_known=pool.receipts[receipt].fee_minor > 0)


def _named(pool: Pool, tolerance: Tolerance, receipt: int) -> list[_Fit]:
    clue, found = pool.clues[receipt], anchors(pool, receipt)
    items = {*found.docs}
    for one in found.sets:
        if len(one) != 1:
            return []
        items |= one
    if clue.span:
        items = {item for item in clue.span if pool.open[item]}
    if not items or clue.count not in {None, len(items)}:
        return []
    chosen = tuple(sorted(items))
    limit = _limit(pool, tolerance, receipt, chosen)
    return [] if limit is None else [_Fit(receipt, chosen, limit, named=True)]


def _near(pool: Pool, tolerance: Tolerance, receipt: int, documents: list[tuple[int, int]]) -> list[_Fit]:
    """The only document in reach; several are noted as ambiguous."""
    left = pool.left[receipt]
    below = max(tolerance.rounding_minor, tolerance.fee_minor, tolerance.deduction_minor)
    highest = max(left + below, left * 1_000_000 // (1_000_000 - tolerance.discount_ppm))
    start = bisect_left(documents, (left - tolerance.rounding_minor, -1))
    end = bisect_right(documents, (highest + 1, -1))
    fits = []
    for _, item in documents[start:end]:
        if pool.issued[item] <= pool.last_day(receipt):
            limit = _limit(pool, tolerance, receipt, (item,))
            if limit is not None:
                fits.append(_Fit(receipt, (item,), limit, named=False))
    if len(fits) > 1:
        shown = [fit.items for fit in fits[: pool.policy.sums.shown_max]]
        pool.note(receipt, Rule.TOLERANCE, Outcome.AMBIGUOUS, shown)
        return []
    return fits


def _settle(pool: Pool, fit: _Fit) -> None:
    items = [(item, pool.open[item]) for item in fit.items]
    left = pool.left[fit.receipt]
    evidence = [f"differs by {sum(amount for _, amount in items) - left}, within {fit.limit[0]}"]
    if fit.named:
        evidence += pool.clues[fit.receipt].evidence
        pool.met.add(fit.receipt)
    else:
        evidence.append("only document within the limits")
    confidence = Confidence.HIGH if fit.named else Confidence.MEDIUM
    pool.settle(Rule.TOLERANCE, [(fit.receipt, left)], items, tuple(evidence), confidence, limit=fit.limit)
