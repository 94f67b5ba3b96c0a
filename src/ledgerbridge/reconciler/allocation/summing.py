"""Sums (pass 4): one payment for several documents, several payments for one document, two or three for two or three.

All readings are collected first; one is followed only if none of its payments and documents occurs in another, no text
claims its documents, and the search for others was complete.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate, combinations
from typing import Final, NamedTuple

from .naming import NO_ANCHORS, Anchors, anchors, believable, search
from .pool import Pool
from .subsets import FOUND_MAX, PairTable, Picks, few, tried, whole
from .values import Confidence, Outcome, Rule


class _Edge(NamedTuple):
    """One reading: these payments, whole, are these documents, whole."""

    receipts: tuple[int, ...]
    items: tuple[int, ...]


_RULE: Final = Rule.SUMS
_MEDIUM: Final = Confidence.MEDIUM
_EVIDENCE: Final = {
    (False, False): ("named document and payment are equal",),
    (False, True): ("the only documents found that add up to the payment",),
    (True, False): ("the only payments found that add up to the document",),
    (True, True): ("the only payments and documents found that add up to the same",),
}


class _Unproven(Exception):
    """The step budget has ended."""


class _Sums:
    """The readings of one round."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.limits = pool.policy.sums
        least = pool.least  # a few fen left open would make any sum fit
        self.items = [item for item, amount in enumerate(pool.open) if amount >= least or -amount >= least]
        self.issued = [pool.issued[item] for item in self.items]
        self.amounts = [pool.open[item] for item in self.items]
        self.credits = -sum([amount for amount in self.amounts if amount < 0])
        self.totals = [0, *accumulate(self.amounts)]
        self.edges: dict[_Edge, None] = {}
        self.unsure: set[int] = set()  # receipts whose search ended early
        self.selects = bool(self.limits.whole_max) or self.limits.chance_ppm is not None
        self._steps_max = self.limits.steps_max
        self._table: PairTable | None = None

    def table(self) -> PairTable:
        """Pair sums of the oldest open documents, made when first needed."""
        if self._table is None:
            count = min(len(self.items), self.limits.candidates_max)
            self._spend(count * (count - 1) // 2)
            self._table = PairTable(self.amounts[:count])
        return self._table

    def reach(self, payments: int, size_max: int) -> frozenset[int] | None:
        """All sums that any payment could be, where so many `payments` share one window that listing them is cheaper than
        searching for each; None where it is not, or where every payment has candidates of its own.
        """
        count = min(len(self.items), self.limits.candidates_max)
        if self.selects or not self.limits.oldest_window or payments * count <= tried(count, min(size_max, count)):
            return None
        self._spend(tried(count, min(size_max, count)))
        return frozenset(self.table().sums(size_max)).union(self.totals)

    def _spend(self, steps: int) -> None:
        pool = self.pool
        pool.steps_now += steps
        if pool.steps_now > self._steps_max:
            raise _Unproven

    def add(self, receipt: int, readings: list[tuple[int, ...]]) -> None:
        """Keep the readings of one payment, but for those in which a document and what takes it back cancel out."""
        for items in readings:
            if not self.pool.nets_itself(items):
                self.edges[_Edge((receipt,), tuple(sorted(items)))] = None

    def of_items(self, receipt: int) -> None:
        """One payment whose text asks for nothing: documents issued by its day, of any sign."""
        pool, limits = self.pool, self.limits
        target = pool.left[receipt]
        count = bisect_right(self.issued, pool.last_day(receipt))
        if count < 2:
            return
        if count > limits.candidates_max:
            if self.totals[count] == target and not pool.reversals:
                self.add(receipt, [tuple(self.items[:count])])  # all that was open on that day
                return
            if not limits.oldest_window:
                pool.note(receipt, Rule.SUMS, Outcome.TOO_MANY, detail=f"{count} open documents")
                return
            count = limits.candidates_max
        if self.selects:
            most = target + self.credits
            fitting = [at for at in range(count) if self.amounts[at] <= most]
            fits = len(fitting)
            span = sum(abs(self.amounts[at]) for at in fitting)
            if fits <= limits.whole_max and believable(pool, fits, tried(fits, fits), span):
                self._whole(receipt, fitting, target)
                return
            if not believable(pool, fits, tried(fits, limits.size_max), span):
                pool.note(receipt, Rule.SUMS, Outcome.BY_CHANCE, detail=f"{fits} open documents")
                return
        table = self._table or self.table()
        self._spend(count)
        found = table.find(target, count, limits.size_max)
        if found:
            self._keep(receipt, found)

    def _whole(self, receipt: int, fitting: list[int], target: int) -> None:
        budget = self.limits.steps_max - self.pool.steps_now
        amounts = [self.amounts[at] for at in fitting]
        result = whole(amounts, target, size_min=2, steps_max=budget)
        if not result.steps:
            raise _Unproven
        self.pool.steps_now += result.steps
        self._keep(receipt, [tuple(fitting[at] for at in picks) for picks in result.found])

    def _keep(self, receipt: int, found: list[Picks]) -> None:
        if len(found) > FOUND_MAX:
            self.unsure.add(receipt)
        self.add(receipt, [tuple(self.items[at] for at in picks) for picks in found])

    def of_named(self, receipt: int, found: Anchors) -> None:
        """One payment whose text names some of its documents: these, and others that make up the rest."""
        pool = self.pool
        if not all(found.sets):
            return  # it asks for what is not open
        target = pool.left[receipt] - sum(pool.open[item] for item in found.docs)
        count = bisect_right(self.issued, pool.last_day(receipt))
        candidates = [
            item for item in self.items[:count] if item not in found.docs and pool.open[item] <= target + self.credits
        ]
        result = search(pool, candidates, target, size_min=1)
        if isinstance(result, Outcome):
            pool.note(receipt, Rule.SUMS, result, detail=f"{len(candidates)} open documents")
            return
        if not result.steps:
            raise _Unproven
        if not result.complete:
            self.unsure.add(receipt)
        clue = pool.clues[receipt]
        readings = []
        for picks in result.found:
            items = [candidates[at] for at in picks]
            if found.met(items) and clue.count in {None, len(found.docs) + len(items)}:
                readings.append((*found.docs, *items))
        self.add(receipt, readings)

    def of_payments(self, receipts: list[int]) -> None:
        """Several payments for one document, all received from its day of issue on."""
        pool, limits = self.pool, self.limits
        received = [pool.received[receipt] for receipt in receipts]
        for item in self.items:
            target = pool.open[item]
            if target < 0:
                continue
            start = bisect_left(received, pool.issued[item] - pool.policy.early_days)
            if len(receipts) - start > limits.candidates_max:
                continue
            payers = [receipt for receipt in receipts[start:] if pool.left[receipt] < target]
            amounts = [pool.left[receipt] for receipt in payers]
            count, span = len(amounts), sum(amounts)
            if count < 2 or span < target:
                continue
            budget = limits.steps_max - pool.steps_now
            if count <= limits.whole_max and believable(pool, count, tried(count, count), span):
                result = whole(amounts, target, size_min=2, steps_max=budget)
            elif believable(pool, count, tried(count, limits.size_max), span):
                result = few(amounts, target, size_min=2, size_max=limits.size_max, steps_max=budget)
            else:
                continue
            if not result.steps:
                raise _Unproven
            pool.steps_now += result.steps
            for picks in result.found:
                self.edges[_Edge(tuple(payers[at] for at in picks), (item,))] = None
            if not result.complete:
                self.unsure.update(payers)

    def of_many(self, receipts: list[int]) -> None:
        """Two or three payments for two or three documents, none of which has, or may have, a reading of another form."""
        pool, limits = self.pool, self.limits
        busy = {receipt for edge in self.edges for receipt in edge.receipts}
        taken = {item for edge in self.edges for item in edge.items} | set(pool.claims)
        payers = [receipt for receipt in receipts if receipt not in busy and receipt not in pool.notes]
        items = [
            item for item in self.items if pool.open[item] > 0 and item not in taken and item not in pool.reversals
        ]
        if not 2 <= len(payers) <= limits.many_max or not 2 <= len(items) <= limits.many_max:
            return
        sets = tried(len(payers), min(3, len(payers))) * tried(len(items), min(3, len(items)))
        amounts = [pool.open[item] for item in items]
        if not believable(pool, len(items), sets, sum(amounts)):
            return
        table = PairTable(amounts)
        for chosen in _small_sets(payers):
            self._spend(len(items))
            total = sum(pool.left[receipt] for receipt in chosen)
            first_day = min(pool.last_day(receipt) for receipt in chosen)
            for picks in table.find(total, len(items), 3):
                edge = _Edge(chosen, tuple(items[at] for at in picks))
                if all(pool.issued[item] <= first_day for item in edge.items) and not self._splits(edge):
                    self.edges[edge] = None

    def _splits(self, edge: _Edge) -> bool:
        """Whether a part of the payments is itself a part of the documents: then it is two readings, not one."""
        pool = self.pool
        paid = {sum(pool.left[one] for one in some) for some in _proper_parts(edge.receipts)}
        return any(sum(pool.open[one] for one in some) in paid for some in _proper_parts(edge.items))


def _small_sets(members: list[int]) -> Iterator[tuple[int, ...]]:
    for size in (2, 3):
        yield from combinations(members, size)


def _proper_parts(members: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for size in range(1, len(members)):
        yield from combinations(members, size)


def by_sums(pool: Pool) -> bool:
    """Follow every reading that is the only one for all that take part in it; note the others."""
    if not any(pool.open) or not any(pool.left):
        return False
    sums = _Sums(pool)
    free: list[int] = []
    proven = True
    try:
        payers = pool.payers()
        reach = sums.reach(len(payers), pool.policy.sums.size_max)
        for receipt in payers:
            found = anchors(pool, receipt) if receipt in pool.clues else None
            if found is not None and (found.docs or found.sets):
                sums.of_named(receipt, found)
            else:
                free.append(receipt)
                if reach is None or pool.left[receipt] in reach:
                    sums.of_items(receipt)
        if pool.policy.sums.of_payments:
            sums.of_payments(free)
        if pool.policy.sums.many_to_many:
            sums.of_many(free)
    except _Unproven:
        proven = False
        detail = f"the budget of {pool.policy.sums.steps_max} steps ended before all sums were tried"
        for receipt in pool.payers():
            pool.note(receipt, Rule.SUMS, Outcome.TOO_MANY, detail=detail)
    return _follow(pool, sums, proven=proven)


def _follow(pool: Pool, sums: _Sums, *, proven: bool) -> bool:
    if not sums.edges:
        return False
    uses: dict[int, int] = {}
    readings: dict[int, list[_Edge]] = {}
    for edge in sums.edges:
        for item in edge.items:
            uses[item] = uses.get(item, 0) + 1
        for receipt in edge.receipts:
            readings.setdefault(receipt, []).append(edge)
    verdicts = {edge: _verdict(pool, sums, edge, uses, readings, proven=proven) for edge in sums.edges}
    for receipt, edges in readings.items():
        outcome = Outcome.AMBIGUOUS if len(edges) > 1 else verdicts[edges[0]]
        if outcome is not None:
            others = [pool.receipts[one].id for one in edges[0].receipts if one != receipt]
            detail = "together with " + ", ".join(others) if others else ""
            shown = [one.items for one in edges[: pool.policy.sums.shown_max]]
            pool.note(receipt, Rule.SUMS, outcome, shown, detail)
    lone = [edge for edge, verdict in verdicts.items() if verdict is None]
    for edge in lone:
        _settle(pool, edge)
    return bool(lone)


def _verdict(
    pool: Pool, sums: _Sums, edge: _Edge, uses: dict[int, int], readings: dict[int, list[_Edge]], *, proven: bool
) -> Outcome | None:
    """Why a reading is not followed; None: it is."""
    for receipt in edge.receipts:
        if len(readings[receipt]) > 1:
            return Outcome.CONTESTED
        for item in edge.items:
            if uses[item] > 1 or pool.in_doubt(item, receipt):
                return Outcome.CONTESTED
    return None if proven and sums.unsure.isdisjoint(edge.receipts) else Outcome.UNPROVEN


def _settle(pool: Pool, edge: _Edge) -> None:
    evidence: tuple[str, ...]
    evidence, confidence = _EVIDENCE[len(edge.receipts) > 1, len(edge.items) > 1], _MEDIUM
    for receipt in edge.receipts:
        found = anchors(pool, receipt) if receipt in pool.clues else NO_ANCHORS
        if found.docs or found.sets:
            evidence += pool.clues[receipt].evidence
            confidence = Confidence.HIGH
            pool.met.add(receipt)
    pool.settle_whole(_RULE, edge.receipts, edge.items, evidence, confidence)
