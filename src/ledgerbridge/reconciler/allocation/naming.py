"""References (pass 2) and part payments of a named document: what the remittance text says, confirmed by the amount."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, NamedTuple

from ledgerbridge.model.payment import PaymentKind

from .pool import Pool
from .references import Clue
from .subsets import Search, few, tried, whole
from .values import Confidence, Outcome, Rule

CHANCE_FREE: Final = 64
"""So few sets are judged by uniqueness alone; above, `chance_ppm` applies."""


class Anchors(NamedTuple):
    """What a receipt's text still demands: `docs` are named in full and open; of each of `sets` one is paid.

    An empty set cannot be met. `hints` may be met.
    """

    docs: tuple[int, ...] = ()
    sets: tuple[frozenset[int], ...] = ()
    hints: tuple[frozenset[int], ...] = ()

    def met(self, items: Iterable[int]) -> bool:
        """Whether documents (besides `docs`) satisfy every set."""
        chosen = frozenset(items)
        return all(one & chosen for one in self.sets)


NO_ANCHORS: Final = Anchors()
_RULE: Final = Rule.REFERENCE
_HIGH: Final = Confidence.HIGH


def anchors(pool: Pool, receipt: int) -> Anchors:
    """The demands of a receipt's text on the open documents: of its sign and, unless named in full, issued in time."""
    clue = pool.clues.get(receipt)
    if clue is None:
        return NO_ANCHORS  # most payments, in most passes
    refund, last_day = pool.left[receipt] < 0, pool.last_day(receipt)
    opened = pool.open
    docs = tuple([item for item in clue.named if opened[item] and (opened[item] < 0 or not refund)])
    if not (clue.groups or clue.weak or clue.hints):
        return Anchors(docs) if docs else NO_ANCHORS
    named = frozenset(clue.named)

    def open_ones(sets: tuple[frozenset[int], ...]) -> tuple[frozenset[int], ...]:
        return tuple(
            frozenset(
                item
                for item in one
                if pool.open[item] and (pool.open[item] < 0 or not refund) and pool.issued[item] <= last_day
            )
            for one in dict.fromkeys(sets)
            if not one & named
        )

    return Anchors(docs, open_ones((*clue.groups, *clue.weak)), tuple(one for one in open_ones(clue.hints) if one))


def believable(pool: Pool, count: int, sets: int, span: int) -> bool:
    """Whether one of `sets` sums of `count` amounts (together `span`) that fits is more than chance."""
    chance = pool.policy.sums.chance_ppm
    return chance is None or sets <= CHANCE_FREE or count < 2 or sets * 1_000_000 <= chance * span


def search(pool: Pool, candidates: list[int], target: int, *, size_min: int) -> Search | Outcome:
    """Sets of `candidates` (items) whose open amounts add up to `target`, as far as the policy's limits go.

    Positions in `candidates`. An outcome instead: nothing was tried, and why.
    """
    limits = pool.policy.sums
    amounts = [pool.open[item] for item in candidates]
    count, span = len(amounts), sum(map(abs, amounts))
    if count <= limits.whole_max and believable(pool, count, tried(count, count), span):
        result = whole(amounts, target, size_min=size_min, steps_max=limits.steps_max - pool.steps_now)
    elif count > limits.candidates_max:
        return Outcome.TOO_MANY
    elif believable(pool, count, tried(count, limits.size_max), span):
        steps = limits.steps_max - pool.steps_now
        result = few(amounts, target, size_min=size_min, size_max=limits.size_max, steps_max=steps)
    else:
        return Outcome.BY_CHANCE
    pool.steps_now += result.steps
    return result


class _Reading(NamedTuple):
    receipt: int
    items: tuple[int, ...]
    confidence: Confidence


def by_reference(pool: Pool) -> bool:
    """Settle receipts whose text names documents that add up to them, or to less: then the rest stays on the receipt.

    Only if there is one reading and no other text claims the same documents.
    """
    proposals: list[_Reading] = []
    rest_open: list[_Reading] = []
    for receipt, clue in pool.clues.items():
        if not pool.left[receipt] or receipt in pool.held:
            continue
        if clue.simple and pool.open[clue.named[0]] == pool.left[receipt]:
            proposals.append(_Reading(receipt, clue.named, _HIGH))  # most texts
            continue
        found = anchors(pool, receipt)
        if not found.docs and not any(found.sets) and receipt not in pool.met and _names_payable(pool, receipt, clue):
            pool.note(receipt, Rule.REFERENCE, Outcome.NAMES_SETTLED, [clue.named])
            continue
        readings, complete = _readings(pool, receipt, clue, found)
        if len(readings) == 1 and complete:
            items = readings.pop()
            sure = Confidence.HIGH if frozenset(items) <= {*found.docs, *(clue.span or ())} else Confidence.MEDIUM
            if sure is Confidence.HIGH or len(items) == 1 or not _others_equal(pool, receipt, items):
                proposals.append(_Reading(receipt, items, sure))
                continue
            pool.note(
                receipt, Rule.REFERENCE, Outcome.NOT_ADDING_UP, [items], "one of these has another payment's amount"
            )
        elif readings:
            outcome = Outcome.AMBIGUOUS if len(readings) > 1 else Outcome.UNPROVEN
            shown = sorted(readings)[: pool.policy.sums.shown_max]
            pool.note(receipt, Rule.REFERENCE, outcome, shown)
        elif _covers_named(pool, receipt, clue, found):
            rest_open.append(_Reading(receipt, found.docs, Confidence.HIGH))
        elif found.docs or found.sets:
            _not_adding_up(pool, receipt, found)
    if rest_open:
        silent = _unexplained(pool)
        for one in rest_open:
            if any(_may_have_paid(pool, silent, item, [one.receipt], pool.open[item]) for item in one.items):
                _not_adding_up(pool, one.receipt, Anchors(one.items))
            else:
                proposals.append(one)
    return _accept(pool, proposals)


def _not_adding_up(pool: Pool, receipt: int, found: Anchors) -> None:
    pool.claim(receipt, found.docs)
    named = (*found.docs, *(item for one in found.sets for item in one))
    detail = ", ".join(pool.clues[receipt].evidence)
    pool.note(receipt, Rule.REFERENCE, Outcome.NOT_ADDING_UP, [tuple(dict.fromkeys(named))], detail)


def _others_equal(pool: Pool, receipt: int, items: Iterable[int]) -> bool:
    """Whether another payment has just the amount of one of `items`: then a sum that an order's or a damaged number
    allows is not the only thing that fits.
    """
    amounts = {pool.open[item]: pool.issued[item] for item in items}
    first = bisect_left(pool.received, min(amounts.values()))
    return any(
        pool.left[other] in amounts and other != receipt and pool.received[other] >= amounts[pool.left[other]]
        for other in range(first, len(pool.left))
    )


def _names_payable(pool: Pool, receipt: int, clue: Clue) -> bool:
    """Whether the text names a document that such a payment can settle: for a refund, only credit notes."""
    return any(pool.left[receipt] > 0 or pool.items[item].amount_minor < 0 for item in clue.named)


def _readings(pool: Pool, receipt: int, clue: Clue, found: Anchors) -> tuple[set[tuple[int, ...]], bool]:
    """The sets of documents that the text may mean and that add up to the receipt, and whether these are all."""
    left = pool.left[receipt]
    target = left - sum(pool.open[item] for item in found.docs)
    if found.docs and target == 0 and not any(found.sets):
        return {found.docs}, True
    readings: set[tuple[int, ...]] = set()
    if clue.span:
        covered = tuple(sorted(item for item in clue.span if pool.open[item]))
        if covered and sum(pool.open[item] for item in covered) == left:
            readings.add(covered)
    complete = True
    for sets in ((*found.sets, *found.hints), found.sets):
        wanted = Anchors(found.docs, sets)
        if readings or not sets or not all(sets):
            continue
        members = {item for one in sets for item in one} - {*found.docs}
        most = target - sum(pool.open[item] for item in members if pool.open[item] < 0)
        candidates = sorted(item for item in members if pool.open[item] <= most)  # no other is in any sum
        result = search(pool, candidates, target, size_min=1)
        if isinstance(result, Outcome):
            continue
        shared = frozenset().union(*clue.groups)
        singles = sum(1 for one in sets if one not in clue.groups)
        for picks in result.found:
            items = [candidates[at] for at in picks]
            alone = sum(1 for item in items if item not in shared)
            counted = clue.count is None or clue.count == len(found.docs) + len(items)
            if wanted.met(items) and alone <= singles and counted and not pool.nets_itself(items):
                readings.add((*found.docs, *items))
        complete = complete and (result.complete or len(readings) > 1)
    return readings, complete


def _covers_named(pool: Pool, receipt: int, clue: Clue, found: Anchors) -> bool:
    """Whether all that the text says is some documents in full, and the money covers them as far as they are open."""
    if not found.docs or found.sets or clue.span or clue.count:
        return False
    amounts = [pool.open[item] for item in found.docs]
    return min(amounts) > 0 and sum(amounts) < pool.left[receipt]


def _accept(pool: Pool, proposals: list[_Reading]) -> bool:
    wanted: dict[int, int] = {}
    for proposal in proposals:
        for item in proposal.items:
            wanted[item] = wanted.get(item, 0) + 1
    settled = False
    for receipt, items, confidence in proposals:
        shared = max([wanted[item] for item in items]) > 1
        if shared or ((pool.claims or pool.reversals) and any(pool.in_doubt(item, receipt) for item in items)):
            pool.note(receipt, Rule.REFERENCE, Outcome.CONTESTED, [items])
            continue
        evidence = pool.clues[receipt].evidence
        pool.met.add(receipt)
        settled = True
        if len(items) == 1 and pool.open[items[0]] == pool.left[receipt]:
            pool.settle_one(_RULE, receipt, items[0], evidence, confidence)
            continue
        shares = [(item, pool.open[item]) for item in items]
        paid = sum(amount for _, amount in shares)
        if paid == pool.left[receipt]:
            pool.settle_whole(Rule.REFERENCE, (receipt,), items, evidence, confidence)
        else:
            pool.settle(Rule.REFERENCE, [(receipt, paid)], shares, evidence, confidence)
    return settled


def by_named_part(pool: Pool) -> bool:
    """Part payments: the text names one document in full and nothing else, and the payment is smaller.

    Several such payments of one document are all applied if together they do not exceed it.
    """
    payers: dict[int, list[int]] = {}
    for receipt, clue in pool.clues.items():
        left = pool.left[receipt]
        if not left or receipt in pool.held or clue.span or clue.count:
            continue
        found = anchors(pool, receipt)
        if len(found.docs) == 1 and not found.sets and (pool.open[found.docs[0]] > 0) == (left > 0):
            payers.setdefault(found.docs[0], []).append(receipt)
    silent = _unexplained(pool) if payers else []
    settled = False
    for item, receipts in payers.items():
        total = sum(pool.left[receipt] for receipt in receipts)
        others = pool.claims.get(item, set()) - set(receipts)
        trifle = min(abs(pool.left[receipt]) for receipt in receipts) < pool.policy.amount_alone_min_minor
        if (
            trifle
            or others
            or abs(total) > abs(pool.open[item])
            or _may_have_paid(pool, silent, item, receipts, abs(total))
        ):
            for receipt in receipts:
                pool.note(receipt, Rule.NAMED_PART, Outcome.CONTESTED, [(item,)])
            continue
        for receipt in receipts:
            left = pool.left[receipt]
            evidence = pool.clues[receipt].evidence
            pool.met.add(receipt)
            pool.settle(Rule.NAMED_PART, [(receipt, left)], [(item, left)], evidence, Confidence.HIGH)
        settled = True
    return settled


def _unexplained(pool: Pool) -> list[int]:
    """Money (in or back) that may have gone anywhere: its text names nothing, or speaks of more than it names in full.

    Not money in advance, nor what a text that was followed has left over.
    """
    found = []
    for receipt, left in enumerate(pool.left):
        if not left or receipt in pool.met:
            continue
        clue, wanted = pool.clues.get(receipt), anchors(pool, receipt)
        says_more = clue is not None and bool(wanted.sets or clue.count or clue.span)
        in_advance = pool.receipts[receipt].kind is PaymentKind.PREPAYMENT
        if says_more or not (wanted.docs or in_advance):
            found.append(receipt)
    return found


def _may_have_paid(pool: Pool, silent: list[int], item: int, receipts: list[int], total: int) -> bool:
    """Whether one of `silent` came before one of `receipts` and may have settled so much of `item` that less than `total`
    of it was left: all of it, or what is beyond the documents that its text names in full. A refund settles credit
    notes only, a receipt all but those.
    """
    rest, first, last = abs(pool.open[item]), bisect_left(pool.received, pool.issued[item]), max(receipts)
    for receipt in silent[bisect_left(silent, first) : bisect_left(silent, last)]:
        left = abs(pool.left[receipt])
        same_way = (pool.left[receipt] > 0) == (pool.open[item] > 0)
        if same_way and left + total > rest and receipt not in receipts:
            docs = anchors(pool, receipt).docs
            beyond = left - (0 if item in docs else abs(sum(pool.open[one] for one in docs)))
            if beyond > 0 and beyond + total > rest:
                return True
    return False
