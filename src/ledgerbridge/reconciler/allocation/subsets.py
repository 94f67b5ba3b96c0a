"""Which of some amounts add up to a target: exact, complete within stated sizes, in counted steps. Integers only.

Small pools are searched whole by meeting in the middle (the sums of one half looked up among those of the other), larger
ones for two or three amounts by a table of pair sums. Never all combinations in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb, isqrt
from typing import Final, NamedTuple

Picks = tuple[int, ...]
"""Ascending positions in the list of amounts."""

FOUND_MAX: Final = 64
"""Nobody needs to know more sets than this: a search ends soon after."""


class Search(NamedTuple):
    """What was found, in how many steps. `complete`: nothing else of the asked sizes adds up."""

    found: list[Picks]
    steps: int
    complete: bool


def tried(count: int, size_max: int) -> int:
    """How many sets of two or more, up to `size_max`, there are of `count` amounts."""
    if size_max >= count:
        return int((1 << count) - 1 - count)
    return sum(comb(count, size) for size in range(2, size_max + 1))


def whole(amounts: Sequence[int], target: int, *, size_min: int, steps_max: int) -> Search:
    """Sets of any size from `size_min` on that add up to `target`; ``2 ** (n / 2)`` steps for each half.

    Those with the fewest amounts first, then in order of position; about :data:`FOUND_MAX` at most.
    """
    half = len(amounts) // 2
    steps = (1 << half) + (1 << (len(amounts) - half))
    if steps > steps_max:
        return Search([], 0, complete=False)
    left: dict[int, list[int]] = {}
    for mask, total in enumerate(_sums(amounts[:half])):
        left.setdefault(total, []).append(mask)
    masks: list[int] = []
    for mask, total in enumerate(_sums(amounts[half:])):
        if len(masks) > FOUND_MAX:
            break
        for other in left.get(target - total, ()):
            both = mask << half | other
            if both.bit_count() >= max(size_min, 1):
                masks.append(both)
    picks = sorted((_positions(mask) for mask in masks), key=lambda picks: (len(picks), picks))
    return Search(picks, steps, complete=len(masks) <= FOUND_MAX)


def _sums(amounts: Sequence[int]) -> list[int]:
    """The sum of every subset, by its bit mask."""
    sums = [0]
    for amount in amounts:
        sums += [total + amount for total in sums]
    return sums


def _positions(mask: int) -> Picks:
    return tuple(at for at in range(mask.bit_length()) if mask >> at & 1)


class PairTable:
    """The sums of all pairs of some amounts, made once and asked for many targets. ``n ** 2 / 2`` steps to make."""

    def __init__(self, amounts: Sequence[int]) -> None:
        self.amounts = amounts
        sums = [first + second for at, second in enumerate(amounts) for first in amounts[:at]]
        self._sums = sums
        self.steps = len(sums)
        self._one: dict[int, int] = dict(zip(sums, range(len(sums)), strict=True))
        self._all: dict[int, list[int]] = {}  # only for sums that several pairs have
        if len(self._one) < len(sums):
            for number, total in enumerate(sums):
                if self._one[total] != number or total in self._all:
                    self._all.setdefault(total, []).append(number)

    def sums(self, size_max: int) -> Iterator[int]:
        """Every sum of two (or three) of the amounts, some more than once."""
        yield from self._one
        if size_max >= 3:
            pairs = 0
            for third, amount in enumerate(self.amounts):
                yield from [amount + total for total in self._sums[:pairs]]  # those of the amounts before it
                pairs += third

    def _pairs(self, total: int) -> list[tuple[int, int]]:
        """Positions of all pairs of a sum, the smaller first."""
        if total in self._all:
            return [_pair(number) for number in self._all[total]]
        return [_pair(self._one[total])] if total in self._one else []

    def find(self, target: int, below: int, size_max: int) -> list[Picks]:
        """Sets of two (or three) amounts at positions under `below` that add up to `target`; `below` steps.

        More than :data:`FOUND_MAX` of them: there are others.
        """
        one = self._one
        found: list[Picks] = []
        if target in one:
            found += [pair for pair in self._pairs(target) if pair[1] < below]
        if size_max < 3:
            return found
        for third in [at for at, amount in enumerate(self.amounts[:below]) if target - amount in one]:
            found += [(*pair, third) for pair in self._pairs(target - self.amounts[third]) if pair[1] < third]
            if len(found) > FOUND_MAX:
                break
        return found


def _pair(number: int) -> tuple[int, int]:
    """The two positions behind the running number of a pair: (0, 1), (0, 2), (1, 2), (0, 3), …"""
    second = (1 + isqrt(1 + 8 * number)) // 2
    return number - second * (second - 1) // 2, second


def few(amounts: Sequence[int], target: int, *, size_min: int, size_max: int, steps_max: int) -> Search:
    """Sets of `size_min` to `size_max` (at most 3) amounts that add up to `target`, for a list searched only once."""
    count = len(amounts)
    steps = count * (count - 1) // 2 + count
    if steps > steps_max:
        return Search([], 0, complete=False)
    found: list[Picks] = [(at,) for at, amount in enumerate(amounts) if amount == target] if size_min <= 1 else []
    found += PairTable(amounts).find(target, count, size_max)
    return Search(found, steps, complete=len(found) <= FOUND_MAX)
