"""Which document bears which number, over all customers: looked up whole, by its end, by its start, and with a damage
undone, always by index. Nothing is assumed of how numbers are built.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from math import log2
from typing import Final, NamedTuple

from ledgerbridge.reconciler.allocation.references import compact, neighbourhood

Docs = tuple[int, ...]
"""Running numbers of documents."""

WHOLE_MIN: Final = 4
DAMAGED_MIN: Final = 7
CUT_MIN: Final = 6
EMBEDDED_MIN: Final = 6
_NEIGHBOURS: Final = 45
"""So many numbers does one damage make of one, about."""
_LETTER: Final = 3.0
_SURPRISE: Final = 8.0
_NAMED_SURPRISE: Final = 9.0
"""At most: another firm's numbers may look like ours."""


class How(StrEnum):
    """How a piece of text means a document."""

    NAMED = "named"  # its own number in full
    SHARED = "shared"  # an order's or contract's, or one that several documents bear
    TAIL = "tail"  # the last characters of its number
    CUT = "cut"  # its number without the last characters
    DAMAGED = "damaged"  # a digit missing, doubled or swapped
    TWICE_DAMAGED = "damaged twice"


COST: Final = {
    How.NAMED: 0.5,
    How.SHARED: 1.5,
    How.TAIL: 3.0,
    How.CUT: 5.0,
    How.DAMAGED: 5.0,
    How.TWICE_DAMAGED: 8.0,
}
"""Bits that it speaks less for a document, because numbers are seldom written so."""


class Found(NamedTuple):
    """The documents that one way of reading leads to, and the bits that each of them gains."""

    how: How
    docs: Docs
    bits: float


@lru_cache(maxsize=2_000)
def undone(key: str) -> frozenset[str]:
    """All numbers of which `key` is one damage away; the same few are asked for again and again."""
    return frozenset(neighbourhood(key))


def digits(key: str) -> int:
    """How many digits a compact number has."""
    return sum(map(str.isdigit, key))


class NumberTable:
    """All numbers of all documents. About 200 bytes a number; built once, never changed."""

    def __init__(self, numbers: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
        """`numbers`: of each document its own numbers and its references."""
        self._own: dict[str, int | list[int]] = {}
        self._shared: dict[str, list[int]] = {}
        count = 0
        for at, (own, shared) in enumerate(numbers):
            for number in own:
                if len(key := compact(number)) >= WHOLE_MIN and digits(key) >= 2:
                    _put(self._own, key, at)
            for number in shared:
                if len(key := compact(number)) >= WHOLE_MIN and digits(key) >= 2:
                    self._shared.setdefault(key, []).append(at)
            count = at + 1
        self.total = max(count, 2)
        every = self._own.keys() | self._shared.keys()
        self._sorted = sorted(every)
        self._reversed = sorted([key[::-1] for key in every])
        self._cores: dict[str, int | list[int]] = {}
        for key in self._own:
            core = "".join(filter(str.isdigit, key))
            if core != key and len(core) >= EMBEDDED_MIN:
                for at in self._docs(key):
                    _put(self._cores, core, at)
        lengths = {len(key) for key in (*self._own, *self._shared)} | {len(key) for key in self._cores}
        self._lengths = tuple(sorted([length for length in lengths if length >= EMBEDDED_MIN], reverse=True))

    def exact(self, key: str) -> Found | None:
        """The documents of a number in full."""
        own = self._own.get(key)
        if own is None and len(key) >= EMBEDDED_MIN:
            own = self._cores.get(key)
        if own is not None:
            docs = (own,) if isinstance(own, int) else tuple(own)
            return self._found(How.NAMED if len(docs) == 1 else How.SHARED, docs, key)
        shared = self._shared.get(key)
        return None if shared is None else self._found(How.SHARED, tuple(dict.fromkeys(shared)), key)

    def embedded(self, key: str) -> Iterator[tuple[int, int]]:
        """Where known numbers stand inside `key`, from left to right, the longest first, never overlapping."""
        start = 0
        while start < len(key):
            for length in self._lengths:
                part = key[start : start + length]
                if len(part) == length and (part in self._own or part in self._shared or part in self._cores):
                    yield start, start + length
                    start += length
                    break
            else:
                start += 1

    def damaged(self, key: str) -> Found | None:
        """The documents whose number is one damage away from `key`."""
        if len(key) < DAMAGED_MIN:
            return None
        docs: dict[int, None] = {}
        for near in undone(key):
            for table in (self._own, self._shared, self._cores):
                one = table.get(near)
                if one is not None:
                    docs.update(dict.fromkeys((one,) if isinstance(one, int) else one))
        return self._found(How.DAMAGED, tuple(sorted(docs)), key) if docs else None

    def tail(self, key: str, most: int) -> Found | None:
        """The documents with a number that ends with `key`; if more than `most` numbers do, none, but see :meth:`ends`."""
        return self._at_edge(How.TAIL, self._reversed, key[::-1], most, backwards=True)

    def cut(self, key: str, most: int) -> Found | None:
        """The documents with a number that begins with `key`."""
        return self._at_edge(How.CUT, self._sorted, key, most, backwards=False)

    def ends(self, key: str) -> int:
        """How many numbers end with `key`."""
        return _count(self._reversed, key[::-1])[1]

    def starts(self, key: str) -> int:
        """How many numbers begin with `key`."""
        return _count(self._sorted, key)[1]

    def bits(self, how: How, count: int, key: str) -> float:
        """What a document gains by `key` when `count` documents could be meant.

        Besides telling documents apart, a number that hits any at all is a surprise, the greater the longer it is and
        the fewer numbers there are: text of another kind seldom does.
        """
        reached = len(self._sorted) * (_NEIGHBOURS if how in (How.DAMAGED, How.TWICE_DAMAGED) else 1)
        known = min(digits(key), 30)
        surprise = log2(10.0) * known + _LETTER * min(len(key) - known, 3) - log2(reached + 1)
        surprise = min(max(surprise, 0.0), _NAMED_SURPRISE if how is How.NAMED else _SURPRISE)
        return max(log2(self.total / max(count, 1)) + surprise - COST[how], 0.0)

    def _at_edge(self, how: How, keys: list[str], part: str, most: int, *, backwards: bool) -> Found | None:
        first, count = _count(keys, part)
        if not 0 < count <= most:
            return None
        docs: dict[int, None] = {}
        for key in keys[first : first + count]:
            if len(key) > len(part):
                docs.update(dict.fromkeys(self._docs(key[::-1] if backwards else key)))
        return self._found(how, tuple(sorted(docs)), part) if docs else None

    def _docs(self, key: str) -> Docs:
        own = self._own.get(key)
        if own is None:
            return tuple(self._shared[key])
        return (own,) if isinstance(own, int) else tuple(own)

    def _found(self, how: How, docs: Docs, key: str) -> Found:
        return Found(how, docs, self.bits(how, len(docs), key))


def _put(table: dict[str, int | list[int]], key: str, at: int) -> None:
    held = table.setdefault(key, at)
    if isinstance(held, list):
        if held[-1] != at:
            held.append(at)
    elif held != at:
        table[key] = [held, at]


def _count(keys: list[str], start: str) -> tuple[int, int]:
    """The first of the sorted `keys` that begins with `start`, and how many do."""
    first = bisect_left(keys, start)
    return first, bisect_left(keys, start + "\U0010ffff") - first
