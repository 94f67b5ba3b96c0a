"""Which pairs become links: one record of one system to at most one of the other, and no tie is ever guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import inf, log2

from .evidence import IdentityPolicy, Scored, Verdict

Pair = tuple[str, str]
"""Refs of a left and a right record."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pair as it stands among its rivals: the other pairs of its two records that were still open."""

    pair: Scored
    margin: float
    """By how much its score exceeds its best rival's, in bits; below 0 if the rival is better; infinite without one."""
    confidence: float
    """The score with the rivals' odds taken into account: a tie of two is at most 0."""
    reasons: tuple[str, ...] = ()
    """Why it is not linked; empty for a link."""
    rivals: tuple[str, ...] = ()
    """Refs of the records that the left or the right one could be instead, sorted."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What becomes of all pairs. `links` is one to one; no record of a link stands in `doubtful`."""

    links: tuple[Proposal, ...]
    doubtful: tuple[Proposal, ...]


def assign(
    pairs: Iterable[Scored],
    policy: IdentityPolicy,
    *,
    refused: AbstractSet[Pair] = frozenset(),
    accepted: AbstractSet[Pair] = frozenset(),
) -> Assignment:
    """Link the sure pairs that have no near rival; leave every other pair that is not "no" to people.

    `refused` pairs are never looked at again. The records of `accepted` pairs are taken: they are in no result. A record
    that is linked is no longer anybody's rival, so a link may free others; the result does not depend on the order.
    ValueError if a pair is both, if accepted pairs give a record two partners, or if a pair is scored twice.
    """
    _check(refused, accepted)
    taken_left, taken_right = {left for left, _ in accepted}, {right for _, right in accepted}
    field = _Field(
        pair
        for pair in pairs
        if pair.verdict is not Verdict.NO
        and (pair.left, pair.right) not in refused
        and pair.left not in taken_left
        and pair.right not in taken_right
    )
    links: list[Proposal] = []
    waiting = [pair for pair in field if pair.verdict is Verdict.SURE]
    while True:
        stands = [field.proposal(pair, policy) for pair in waiting if field.is_open(pair)]
        clear = [found for found in stands if not found.reasons]
        if not clear:
            break
        for found in clear:
            field.close(found.pair)
        links += clear
        waiting = [found.pair for found in stands if found.reasons]
    doubtful = [field.proposal(pair, policy) for pair in field if field.is_open(pair)]
    return Assignment(_ordered(links), _ordered(doubtful))


def _check(refused: AbstractSet[Pair], accepted: AbstractSet[Pair]) -> None:
    both = refused & accepted
    if both:
        raise ValueError(f"{min(both)} is both refused and accepted; take one of the two decisions back")
    for side, name in ((0, "left"), (1, "right")):
        seen: set[str] = set()
        for pair in sorted(accepted):
            if pair[side] in seen:
                raise ValueError(
                    f"the {name} record {pair[side]!r} is accepted with two partners; take one decision back"
                )
            seen.add(pair[side])


def _ordered(found: list[Proposal]) -> tuple[Proposal, ...]:
    return tuple(sorted(found, key=lambda one: (-one.confidence, one.pair.left, one.pair.right)))


class _Field:
    """All pairs by the records they touch, and which records are still open."""

    def __init__(self, pairs: Iterable[Scored]) -> None:
        self._by_left: defaultdict[str, list[Scored]] = defaultdict(list)
        self._by_right: defaultdict[str, list[Scored]] = defaultdict(list)
        self._all: dict[Pair, Scored] = {}
        self._linked_left: set[str] = set()
        self._linked_right: set[str] = set()
        for pair in pairs:
            if (pair.left, pair.right) in self._all:
                raise ValueError(f"the pair {pair.left!r}, {pair.right!r} is scored twice")
            self._all[pair.left, pair.right] = pair
            self._by_left[pair.left].append(pair)
            self._by_right[pair.right].append(pair)

    def __iter__(self) -> Iterator[Scored]:
        return iter(self._all.values())

    def is_open(self, pair: Scored) -> bool:
        """Is neither record linked?"""
        return pair.left not in self._linked_left and pair.right not in self._linked_right

    def close(self, pair: Scored) -> None:
        """Both records are linked."""
        self._linked_left.add(pair.left)
        self._linked_right.add(pair.right)

    def proposal(self, pair: Scored, policy: IdentityPolicy) -> Proposal:
        """How a pair stands now; `reasons` is empty exactly if it may be linked."""
        ours = [one for one in self._by_left[pair.left] if one is not pair and self.is_open(one)]
        theirs = [one for one in self._by_right[pair.right] if one is not pair and self.is_open(one)]
        rivals = ours + theirs
        best = max([one.score for one in rivals], default=-inf)
        crowd = max(sum([2.0**one.score for one in ours]), sum([2.0**one.score for one in theirs]))
        margin = round(pair.score - best, 2)
        reasons: list[str] = [*pair.held_back]
        if pair.score < policy.sure_bits and not pair.by_code:
            reasons.append("score too low")
        if pair.by_code and any(one.by_code for one in rivals):
            reasons.append("code held twice")
        elif margin < policy.margin_bits:
            reasons.append("better rival" if margin < 0 else "tie" if margin == 0 else "near tie")
        names = sorted({*(one.right for one in ours), *(one.left for one in theirs)})
        return Proposal(pair, margin, round(pair.score - log2(1 + crowd), 2), tuple(reasons), tuple(names))
