"""Numbers in what payers write: taking them out of messy text, and finding the documents they mean.

A text is folded (NFKC, upper case) and cut into runs of letters, digits and dashes. A run is looked up whole,
joined with its neighbour, cut into several known numbers, and then, only if it is no number as it stands, as the end of
one, as one whose last characters were cut off, or with one damage undone: a digit missing, doubled, or swapped with its
neighbour. Undoing a damage makes the neighbourhood of what was typed (some 150 strings) and looks each up, so the cost
never depends on how many numbers there are. A digit typed as another is no damage here: consecutive numbers differ by
just that.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from .values import OpenItem

_RUN: Final = re.compile(r"[A-Z0-9]+(?:[-_.#‐–—―−‒][A-Z0-9]+)*")
_JOINT: Final = re.compile(r"[ /\\.]{1,2}")
_NOT_ALNUM: Final = re.compile(r"[^A-Z0-9]+")
_DIGITS: Final = re.compile(r"[0-9]")
_UNTIL: Final = re.compile(r"\s*(?:至|到|~)\s*")
_COUNT: Final = re.compile(r"(?:等|共|计|合计)\s*([0-9]{1,3})\s*(?:张|笔|份|单|票)")
_DIGITS_MIN: Final = 3
_DAMAGED_MIN: Final = 7
_CUT_MAX: Final = 2
_GLUED_MAX: Final = 12


class How(StrEnum):
    """How sure a number in a text means a document."""

    NAMED = "named"  # the document's own number, in full
    SHARED = "shared"  # an order, a contract, or a number that several documents bear
    TAIL = "tail"  # the last characters of a number
    CUT = "cut"  # all but the last characters
    DAMAGED = "damaged"  # one damage undone


class Hit(msgspec.Struct, frozen=True, gc=False):
    """One number in a text and the documents (indices) that it may mean: all of them if SHARED, else one."""

    token: str
    how: How
    items: frozenset[int]


class Clue(msgspec.Struct, frozen=True, gc=False):
    """All that a text says about documents: indices into the pool's items.

    `named` are documents named in full; `groups` sets of which at least one is paid (an order's documents); `weak` sets
    of which one is meant. `hints` are as `weak`, from numbers so short that they may be anything else (a year, a day):
    they may lead to a document but never stand in the way of one. `span` is what "from … to …" covers, `count` the
    number of documents that the text states.
    """

    named: tuple[int, ...]
    groups: tuple[frozenset[int], ...]
    weak: tuple[frozenset[int], ...]
    hints: tuple[frozenset[int], ...]
    count: int | None
    span: frozenset[int] | None
    evidence: tuple[str, ...]
    simple: bool = False
    """It names one document in full and says nothing else."""


def folded(text: str) -> str:
    """Full-width forms folded (NFKC) and upper case."""
    return unicodedata.normalize("NFKC", text).upper()


def compact(number: str) -> str:
    """A number as it is compared: folded, letters and digits only. ``ht－2026/001`` is ``HT2026001``."""
    if number.isascii() and number.isalnum():
        return number.upper()
    return _NOT_ALNUM.sub("", folded(number))


class NumberIndex:
    """Which document bears which number, of one customer and one currency."""

    def __init__(self, items: Sequence[OpenItem]) -> None:
        self._own: dict[str, int | set[int]] = {}
        self._shared: dict[str, set[int]] = {}
        for at, item in enumerate(items):
            for number in item.numbers:
                key = compact(number)
                held = self._own.setdefault(key, at)
                if held != at:
                    self._own[key] = {*held, at} if isinstance(held, set) else {held, at}
            for number in item.references:
                self._shared.setdefault(compact(number), set()).add(at)
        self._own.pop("", None)
        self._shared.pop("", None)
        self._tails: dict[int, dict[str, set[int]]] = {}
        self._heads: dict[int, dict[str, set[int]]] = {}
        self._lengths: tuple[int, ...] = ()

    def knows(self, key: str) -> bool:
        """Whether a compact number is one of a document's own or shared ones."""
        return key in self._own or key in self._shared

    def exact(self, key: str) -> Hit | None:
        """The documents of a number in full; a document's own number goes before an order's."""
        own = self._own.get(key)
        if own is None:
            shared = self._shared.get(key)
            return None if shared is None else Hit(key, How.SHARED, frozenset(shared))
        if isinstance(own, set):
            return Hit(key, How.SHARED, frozenset(own))
        return Hit(key, How.NAMED, frozenset((own,)))

    def sole(self, key: str) -> int | None:
        """The only document with this number, if it is a document's own."""
        own = self._own.get(key)
        return own if isinstance(own, int) else None

    def glued(self, key: str) -> list[str]:
        """`key` as a row of two or more known numbers written without a gap; empty if it is none."""
        if not self._lengths:
            self._lengths = tuple(sorted({len(known) for known in (*self._own, *self._shared)}, reverse=True))
        shortest = self._lengths[-1] if self._lengths else 1
        if len(key) < 2 * max(shortest, _DIGITS_MIN) or len(key) > 400:
            return []
        return self._split(key, 0, _GLUED_MAX) or []

    def _split(self, key: str, start: int, parts: int) -> list[str] | None:
        if start == len(key):
            return []
        if parts == 0:
            return None
        for length in self._lengths:
            part = key[start : start + length]
            if len(part) == length >= _DIGITS_MIN and self.knows(part):
                rest = self._split(key, start + length, parts - 1)
                if rest is not None:
                    return [part, *rest]
        return None

    def weak(self, key: str, tail_min: int) -> Hit | None:
        """What a run that is no number may mean, in the order tail, damage, cut; all readings of one kind together."""
        if len(key) >= tail_min and len(_DIGITS.findall(key)) >= min(tail_min, len(key)):
            found = self._ends(self._tails, key, slice(-len(key), None))
            if found:
                return Hit(key, How.TAIL, frozenset(found))
        if len(key) < _DAMAGED_MIN or not _DIGITS.search(key):
            return None
        undone = {item for near in neighbourhood(key) for item in self._at(near)}
        if undone:
            return Hit(key, How.DAMAGED, frozenset(undone))
        found = self._ends(self._heads, key, slice(0, len(key)))
        return Hit(key, How.CUT, frozenset(found)) if found else None

    def _at(self, key: str) -> Iterable[int]:
        own = self._own.get(key)
        if own is None:
            return self._shared.get(key, ())
        return own if isinstance(own, set) else (own,)

    def _ends(self, kept: dict[int, dict[str, set[int]]], key: str, part: slice) -> set[int]:
        """Documents with an own number that is longer than `key` and equals it in `part`; made once per length."""
        length = len(key)
        table = kept.get(length)
        if table is None:
            table = kept[length] = {}
            longest = length + _CUT_MAX if kept is self._heads else 10**6
            for number in self._own:
                if length < len(number) <= longest:
                    table.setdefault(number[part], set()).update(self._at(number))
        return table.get(key, set())


def neighbourhood(typed: str) -> set[str]:
    """All numbers of which `typed` is one damage away: a digit of theirs missing, doubled, or two neighbours swapped."""
    found = set()
    for at in range(len(typed) + 1):
        head, tail = typed[:at], typed[at:]
        for digit in "0123456789":
            found.add(head + digit + tail)
    for at in range(len(typed) - 1):
        first, second = typed[at], typed[at + 1]
        if first == second:
            found.add(typed[:at] + typed[at + 1 :])
        elif first.isdigit() and second.isdigit():
            found.add(typed[:at] + second + first + typed[at + 2 :])
    found.discard(typed)
    return found


_Run = tuple[str, int, int]  # a compact number, and where it begins and ends


def _hits(text: str, runs: list[_Run], index: NumberIndex, tail_min: int) -> Iterator[tuple[Hit, int, int]]:
    """The runs of a folded text that mean documents, with where each begins and ends, in order."""
    at = 0
    while at < len(runs):
        key, start, end = runs[at]
        taken, hit = 1, index.exact(key)
        if hit is None and at + 1 < len(runs):
            taken, hit = _joined(text, runs, at, index)
            end = runs[at + taken - 1][2]
        at += taken
        if hit is not None:
            yield hit, start, end
            continue
        parts = index.glued(key)
        for part in parts:
            found = index.exact(part)
            assert found is not None
            yield found, start, end
        if not parts and len(_DIGITS.findall(key)) >= _DIGITS_MIN:
            hit = index.weak(key, tail_min)
            if hit is not None:
                yield hit, start, end


def _joined(text: str, runs: list[_Run], at: int, index: NumberIndex) -> tuple[int, Hit | None]:
    """A number that was typed with blanks or strokes inside: up to four runs together."""
    key = runs[at][0]
    for more in range(1, min(4, len(runs) - at)):
        if not _JOINT.fullmatch(text[runs[at + more - 1][2] : runs[at + more][1]]):
            break
        key += runs[at + more][0]
        hit = index.exact(key)
        if hit is not None:
            return more + 1, hit
    return 1, None


def read(text: str, index: NumberIndex, items: Sequence[OpenItem], *, tail_min: int, shared_max: int) -> Clue | None:
    """What a remittance text says about `items`; None if it names none of them.

    A number that may mean more than `shared_max` documents (that of a framework contract) says nothing.
    """
    text = folded(text)
    written = _RUN.findall(text)
    if len(written) == 1:  # most texts
        key = written[0] if written[0].isalnum() else compact(written[0])
        only = index.sole(key)
        if only is not None:
            return Clue((only,), (), (), (), None, None, (f"text named {key}",), simple=True)
    runs = [(compact(run.group()), *run.span()) for run in _RUN.finditer(text)]
    found = [one for one in _hits(text, runs, index, tail_min) if len(one[0].items) <= shared_max]
    if not found:
        return None
    count = _COUNT.search(text)
    named = tuple(dict.fromkeys(item for hit, _, _ in found if hit.how is How.NAMED for item in hit.items))
    span: set[int] | None = None
    for (first, _, end), (last, start, _) in itertools.pairwise(found):
        if _UNTIL.fullmatch(text[end:start]) and first.how is last.how is How.NAMED:
            span = (span or set()) | _between(first.token, last.token, items)
    unsure = [hit for hit, _, _ in found if hit.how not in {How.NAMED, How.SHARED}]
    return Clue(
        named=named,
        groups=tuple(dict.fromkeys(hit.items for hit, _, _ in found if hit.how is How.SHARED)),
        weak=tuple(hit.items for hit in unsure if len(hit.token) >= _DAMAGED_MIN),
        hints=tuple(hit.items for hit in unsure if len(hit.token) < _DAMAGED_MIN),
        count=int(count.group(1)) if count else None,
        span=frozenset(span) if span else None,
        evidence=tuple(dict.fromkeys(f"text {hit.how} {hit.token}" for hit, _, _ in found)),
    )


def _between(first: str, last: str, items: Sequence[OpenItem]) -> set[int]:
    """Documents with an own number of the same length and letters from `first` to `last`."""
    low, high = min(first, last), max(first, last)
    letters = _DIGITS.sub("", first)
    found = set()
    for at, item in enumerate(items):
        for number in item.numbers:
            key = compact(number)
            if len(key) == len(low) == len(high) and low <= key <= high and _DIGITS.sub("", key) == letters:
                found.add(at)
    return found
