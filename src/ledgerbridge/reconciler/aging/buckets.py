"""Which age belongs to which bucket, and what is open in each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from ledgerbridge.model.statement import AgeBase, AgeBucket, Aged


@dataclass(frozen=True)
class Buckets:
    """Ranges of ages. `edges` are the last days of all buckets but the open-ended one: rising whole numbers above 0.

    By due date there is a first bucket for what is not due yet (due on the day itself included) and a last one for what has
    no due date; by document date the first bucket begins at day 0 and every item has an age. ValueError for other edges.
    """

    edges: tuple[int, ...] = (30, 60, 90, 180, 365)
    base: AgeBase = AgeBase.DUE

    def __post_init__(self) -> None:
        rising = all(one < other for one, other in zip(self.edges, self.edges[1:], strict=False))
        if not self.edges or self.edges[0] < 1 or not rising:
            raise ValueError(f"aging buckets must end on rising days above 0, not on {list(self.edges)}")

    @cached_property
    def all(self) -> tuple[AgeBucket, ...]:
        """Every bucket in order; each age, and the lack of one, belongs to exactly one of them."""
        by_due = self.base is AgeBase.DUE
        firsts = [1 if by_due else None, *(edge + 1 for edge in self.edges)]
        ranges = [AgeBucket(first=first, last=last) for first, last in zip(firsts, [*self.edges, None], strict=True)]
        return (AgeBucket(last=0), *ranges, AgeBucket(undated=True)) if by_due else tuple(ranges)

    def age(self, *, on: date, due_on: date | None, as_of: date) -> int | None:
        """Days past due (negative before) or since the document's date; None where the base is a due date and there is none."""
        start = due_on if self.base is AgeBase.DUE else on
        return None if start is None else (as_of - start).days

    def at(self, age_days: int | None) -> int:
        """The place in `all` of an age."""
        if self.base is AgeBase.DOCUMENT:
            if age_days is None:
                raise ValueError("by document date every item has an age")
            return bisect_left(self.edges, age_days)
        if age_days is None:
            return len(self.all) - 1
        return 0 if age_days <= 0 else bisect_left(self.edges, age_days) + 1

    def filled(self, items: Iterable[tuple[int | None, int]]) -> tuple[Aged, ...]:
        """Every bucket with the sum and the number of (age in days, open minor units) in it."""
        sums = [0] * len(self.all)
        counts = [0] * len(self.all)
        for age_days, open_minor in items:
            at = self.at(age_days)
            sums[at] += open_minor
            counts[at] += 1
        return tuple(
            Aged(bucket=bucket, amount_minor=minor, items=count)
            for bucket, minor, count in zip(self.all, sums, counts, strict=True)
        )


DEFAULT_BUCKETS: Final = Buckets()
"""未到期, 1–30, 31–60, 61–90, 91–180, 181–365, over 365 days past due, and no due date (finance-formats.md 8.6)."""
