"""Money back: refunds settle credit notes that nothing was netted with, or what earlier payments left over."""

from __future__ import annotations

from typing import NamedTuple

from .naming import anchors, believable
from .pool import Pool
from .subsets import few, tried, whole
from .values import Confidence, Outcome, Rule


class _Source(NamedTuple):
    """Something that a refund can pay back: a credit note or the rest of a payment, with its positive amount."""

    is_item: bool
    at: int
    amount: int


def by_refund(pool: Pool) -> bool:
    """Settle refunds with the only credit note or left-over payment of that amount, else with the only sum of them.

    What is paid back was there by the day of the refund; one source that two refunds fit is left to a person.
    """
    refunds = [
        refund for refund, left in enumerate(pool.left) if left < 0 and -left >= pool.least and refund not in pool.held
    ]
    if not refunds:
        return False
    credit_notes = [
        _Source(is_item=True, at=item, amount=-amount) for item, amount in enumerate(pool.open) if amount < 0
    ]
    unapplied = [
        _Source(is_item=False, at=receipt, amount=amount)
        for receipt, amount in enumerate(pool.left)
        if amount > 0 and receipt not in pool.held
    ]
    readings: dict[int, list[tuple[_Source, ...]]] = {}
    for refund in refunds:
        found = _readings(pool, refund, credit_notes, unapplied)
        if found:
            readings[refund] = found
    uses: dict[_Source, int] = {}
    for found in readings.values():
        for source in {source for sources in found for source in sources}:
            uses[source] = uses.get(source, 0) + 1
    lone = []
    for refund, found in readings.items():
        if len(found) > 1:
            pool.note_ids(refund, Rule.REFUND, Outcome.AMBIGUOUS, _ids(pool, found))
        elif any(uses[source] > 1 or (source.is_item and pool.in_doubt(source.at, refund)) for source in found[0]):
            pool.note_ids(refund, Rule.REFUND, Outcome.CONTESTED, _ids(pool, found))
        else:
            lone.append((refund, found[0]))
    for refund, sources in lone:
        payments = [(refund, pool.left[refund])]
        payments += [(source.at, source.amount) for source in sources if not source.is_item]
        items = [(source.at, -source.amount) for source in sources if source.is_item]
        pool.settle(Rule.REFUND, payments, items, ("only source of this amount before the refund",), Confidence.MEDIUM)
    return bool(lone)


def _readings(
    pool: Pool, refund: int, credit_notes: list[_Source], unapplied: list[_Source]
) -> list[tuple[_Source, ...]]:
    day, last_day, target = pool.received[refund], pool.last_day(refund), -pool.left[refund]
    wanted = anchors(pool, refund)
    sources = [one for one in credit_notes if one.amount <= target and pool.issued[one.at] <= last_day]
    if not wanted.docs and not wanted.sets:  # a text that names a credit note speaks of no payment
        sources += [one for one in unapplied if one.amount <= target and pool.received[one.at] <= day]
    singles = [(source,) for source in sources if source.amount == target]
    found = singles or _sums(pool, refund, sources, target)
    named = {*wanted.docs}
    return [
        sources
        for sources in found
        if wanted.met(source.at for source in sources if source.is_item)
        and named <= {source.at for source in sources if source.is_item}
    ][: pool.policy.sums.shown_max]


def _sums(pool: Pool, refund: int, sources: list[_Source], target: int) -> list[tuple[_Source, ...]]:
    limits = pool.policy.sums
    amounts = [source.amount for source in sources]
    count, span = len(amounts), sum(amounts)
    if count < 2 or span < target:
        return []
    budget = limits.steps_max - pool.steps_now
    if count <= limits.whole_max and believable(pool, count, tried(count, count), span):
        result = whole(amounts, target, size_min=2, steps_max=budget)
    elif count <= limits.candidates_max and believable(pool, count, tried(count, limits.size_max), span):
        result = few(amounts, target, size_min=2, size_max=limits.size_max, steps_max=budget)
    else:
        pool.note_ids(refund, Rule.REFUND, Outcome.TOO_MANY, detail=f"{count} credit notes and payments")
        return []
    pool.steps_now += result.steps
    if not result.complete:
        pool.note_ids(refund, Rule.REFUND, Outcome.UNPROVEN)
        return []
    return [tuple(sources[at] for at in picks) for picks in result.found]


def _ids(pool: Pool, found: list[tuple[_Source, ...]]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple((pool.items[source.at] if source.is_item else pool.receipts[source.at]).id for source in sources)
        for sources in found
    )
