"""Which documents of one customer a row may mean: by what its text names, and by its amount. Sets only; no judgement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, product
from math import comb
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from ledgerbridge.reconciler.allocation.subsets import FOUND_MAX, few, whole

from .ledger import Ledger, View
from .numbers import CUT_MIN, DAMAGED_MIN, How, NumberTable, digits, undone
from .policy import RowPolicy
from .tokens import Token

_COMBINATIONS_MAX: Final = 128
_WHOLE_MAX: Final = 14
_RUN_MAX: Final = 200
_STEPS_MAX: Final = 60_000
_ENDS_MIN: Final = 5
_FEW: Final = 8
_PAIRS_MAX: Final = 2_000


class Hits(NamedTuple):
    """What one piece of text says about one customer's documents: the bits of each that it may mean."""

    token: Token
    docs: dict[int, tuple[How, float]]


def hits_of(customer: int, found: Sequence[Token], ledger: Ledger, close: Sequence[int]) -> list[Hits]:
    """What the text says about one customer; of the documents `close` also numbers damaged twice, or cut and damaged."""
    last = []
    for token in found:
        hits: dict[int, tuple[How, float]] = {}
        for way in token.ways:
            for at in way.docs:
                if ledger.owner[at] == customer and (at not in hits or hits[at][1] < way.bits):
                    hits[at] = way.how, way.bits
        if close and not token.named:
            for at, how, bits in _closely(token.key, close, ledger):
                if at not in hits or hits[at][1] < bits:
                    hits[at] = how, bits
        last.append(Hits(token, hits))
    return last


def _closely(key: str, docs: Sequence[int], ledger: Ledger) -> Iterator[tuple[int, How, float]]:
    """Documents whose number is two damages from `key`, or of whose number a part is one damage from it."""
    table = ledger.numbers
    core = "".join(filter(str.isdigit, key))
    forms = [(typed, undone(typed)) for typed in dict.fromkeys((key, core)) if digits(typed) >= CUT_MIN]
    ends = [typed for typed in dict.fromkeys((key, core)) if len(typed) >= _ENDS_MIN]
    for at in docs:
        for number in ledger.keys(at):
            if (edge := _at_edge(ends, number, table)) is not None:
                yield at, *edge
                continue
            for typed, near in forms:
                if typed != key and number[0].isalpha():
                    continue
                if len(typed) >= DAMAGED_MIN and OSA.distance(typed, number, score_cutoff=2) <= 2:
                    if number in near:
                        yield at, How.DAMAGED, table.bits(How.DAMAGED, 64, typed)
                    elif not near.isdisjoint(damages(number)):
                        yield at, How.TWICE_DAMAGED, table.bits(How.TWICE_DAMAGED, 64, typed)
                elif len(number) > len(typed) + 1 and any(number[-size:] in near for size in _sizes(typed)):
                    yield at, How.TWICE_DAMAGED, table.bits(How.TWICE_DAMAGED, table.ends(typed[-4:]) or 32, typed)


def _at_edge(ends: Sequence[str], number: str, table: NumberTable) -> tuple[How, float] | None:
    """How a number ends or begins with what was typed."""
    for typed in ends:
        if len(number) > len(typed):
            if number.endswith(typed):
                return How.TAIL, table.bits(How.TAIL, table.ends(typed), typed)
            if len(typed) >= CUT_MIN and number.startswith(typed):
                return How.CUT, table.bits(How.CUT, table.starts(typed), typed)
    return None


def _sizes(typed: str) -> range:
    return range(len(typed) - 1, len(typed) + 2)


def damages(number: str) -> set[str]:
    """All that a number can become by one damage: a digit lost, doubled, or two neighbours swapped."""
    found = set()
    for at in range(len(number)):
        if number[at].isdigit():
            found.add(number[:at] + number[at + 1 :])
            found.add(number[:at] + number[at] + number[at:])
            if at + 1 < len(number) and number[at + 1].isdigit():
                found.add(number[:at] + number[at + 1] + number[at] + number[at + 2 :])
    found.discard(number)
    return found


class Target(NamedTuple):
    """What documents must add up to, the lowest and highest total that fits, and the last day of issue (a day number)."""

    amount: int
    low: int
    high: int
    last_day: int


def fits(
    target: Target, hits: Sequence[Hits], view: View, docs: Sequence[int], ledger: Ledger, policy: RowPolicy, *, sums: bool
) -> dict[tuple[int, ...], float]:  # fmt: skip
    """Sets of documents worth judging, each with the ways in which a set of its kind could have been chosen.

    One document, or what the text names, must come within the bounds; sums that it does not name must be exact.
    `docs` are those of `view` issued in time; `sums`: search them at all.
    """
    opened = ledger.open
    found: dict[tuple[int, ...], float] = {}
    count = max(len(docs), 1)

    def keep(some: Sequence[int], ways: float | None = None) -> None:
        key = tuple(sorted(some))
        ways = float(comb(max(count, len(key)), len(key))) if ways is None else ways
        if key and (key not in found or found[key] > ways):
            found[key] = ways

    for at in view.near(target.low, target.high, target.last_day):
        keep((at,))
    named = list(_named_sets(hits, opened))
    for some in named:
        keep(some)
        for more in _with_others(some, target, view, docs, opened, searched=sums and len(named) <= _FEW, policy=policy):
            keep(more)
    for one in hits:
        shared = [at for at, (how, _) in one.docs.items() if how is How.SHARED and opened[at] > 0]
        if 1 < len(shared) <= policy.docs_max:
            for picks in _sums([opened[at] for at in shared], target.amount):
                keep([shared[at] for at in picks], float(2 ** min(len(shared), 40)))
            keep(shared, 2.0)
    if sums:
        for run in _runs(docs, opened, target.amount):
            keep(run, float(count * count))
        if count <= policy.docs_max:
            for picks in _sums([opened[at] for at in docs], target.amount):
                keep([docs[at] for at in picks])
        elif count <= _PAIRS_MAX:
            for pair in _pairs(docs, opened, target.amount):
                keep(pair)
    return found


def _with_others(
    some: tuple[int, ...], target: Target, view: View, docs: Sequence[int], opened: Sequence[int],
    *, searched: bool, policy: RowPolicy,
) -> Iterator[tuple[int, ...]]:  # fmt: skip
    """What the text names, with documents that it leaves out, or without some that it should not have named."""
    total = sum(opened[at] for at in some)
    if total < target.low:
        for at in view.near(target.low - total, target.high - total, target.last_day):
            if at not in some:
                yield (*some, at)
        if searched and len(docs) <= policy.docs_max:
            rest = [at for at in docs if at not in some]
            for picks in _sums([opened[at] for at in rest], target.amount - total):
                yield (*some, *(rest[at] for at in picks))
    elif total > target.high and 2 < len(some) <= _WHOLE_MAX:
        for picks in whole([opened[at] for at in some], target.amount, size_min=1, steps_max=_STEPS_MAX).found:
            yield tuple(some[at] for at in picks)


def _pairs(docs: Sequence[int], opened: Sequence[int], target: int) -> Iterator[tuple[int, int]]:
    """Two documents that add up; a few."""
    seen: dict[int, int] = {}
    found = 0
    for at in docs:
        other = seen.get(target - opened[at])
        if other is not None:
            yield other, at
            found += 1
            if found > FOUND_MAX:
                return
        seen.setdefault(opened[at], at)


def _named_sets(hits: Sequence[Hits], opened: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """For each piece of text one document that it may name, or all of an order; a piece that is unsure may be left out."""
    choices: list[list[tuple[int, ...]]] = []
    for one in hits:
        if not one.docs:
            continue
        ranked = sorted(one.docs, key=lambda at: (-one.docs[at][1], at))
        choice: list[tuple[int, ...]] = [(at,) for at in ranked[:8]]
        shared = tuple(at for at in ranked if one.docs[at][0] is How.SHARED and opened[at] > 0)
        if len(shared) > 1:
            choice.insert(0, shared[:_WHOLE_MAX])
        if one.docs[ranked[0]][0] not in (How.NAMED, How.SHARED):
            choice.append(())
        choices.append(choice)
    ways = 1
    kept: list[list[tuple[int, ...]]] = []
    for choice in sorted(choices, key=len):
        ways *= len(choice)
        kept.append(choice if ways <= _COMBINATIONS_MAX else choice[:1])
        ways = ways if ways <= _COMBINATIONS_MAX else ways // len(choice)
    seen = set()
    for chosen in product(*kept):
        some = tuple(sorted({at for part in chosen for at in part}))
        if some and some not in seen:
            seen.add(some)
            yield some


def _sums(amounts: list[int], target: int) -> list[tuple[int, ...]]:
    if len(amounts) <= _WHOLE_MAX:
        return whole(amounts, target, size_min=2, steps_max=_STEPS_MAX).found
    fitting = [at for at, amount in enumerate(amounts) if amount <= target]
    found = few([amounts[at] for at in fitting], target, size_min=2, size_max=3, steps_max=_STEPS_MAX).found
    return [tuple(fitting[at] for at in picks) for picks in found]


def _runs(docs: Sequence[int], amounts: Sequence[int], target: int) -> Iterator[Sequence[int]]:
    """Documents one after the other by date that add up: what was open up to a day, or from one to another."""
    if not 3 < len(docs) <= _RUN_MAX:
        return
    totals = {0: 0}
    for at, total in enumerate(accumulate(amounts[doc] for doc in docs), start=1):
        start = totals.get(total - target)
        if start is not None and at - start > 3:
            yield docs[start:at]
        totals[total] = at
