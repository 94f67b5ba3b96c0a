"""The pieces of a remittance text that may be numbers, each with the documents that it may mean.

A text is folded and cut into runs of letters and digits. Runs are tried whole, joined with their neighbours, and for
known numbers inside them; what remains is tried as a damaged, cut or shortened number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from ledgerbridge.reconciler.allocation.references import compact, folded

from .numbers import CUT_MIN, DAMAGED_MIN, Found, How, NumberTable, digits
from .policy import RowPolicy

_RUN: Final = re.compile(r"[A-Z0-9]+(?:[-_.#‐–—―−‒][A-Z0-9]+)*")
_GAP: Final = re.compile(r"[ /\\.\-_—]{1,3}")
_PIECE: Final = re.compile(r"[A-Z]*[0-9]+")
_CORE: Final = re.compile(r"[A-Z]*([0-9]+)[A-Z]*")
_DIGITS_MIN: Final = 3
_JOINED_MAX: Final = 5
_RUNS_MAX: Final = 40
_LONGEST: Final = 80
_TWO: Final = 2


class Token(NamedTuple):
    """One piece of text. `ways` are the readings of it over all customers, the surest first; none if it leads nowhere."""

    key: str
    ways: tuple[Found, ...]

    @property
    def named(self) -> bool:
        """Is it some document's number in full?"""
        return bool(self.ways) and self.ways[0].how in (How.NAMED, How.SHARED)


def tokens(text: str, table: NumberTable, policy: RowPolicy) -> tuple[Token, ...]:
    """The pieces of `text` that hold at least three digits, in order; the same piece only once."""
    text = folded(text)
    runs = [(compact(run.group()), *run.span()) for run in _RUN.finditer(text)][:_RUNS_MAX]
    found: dict[str, Token] = {}
    at = 0
    while at < len(runs):
        taken, token = _joined(text, runs, at, table, policy)
        at += taken
        for one in (token,) if token is not None else _inside(runs[at - 1][0], table, policy):
            found.setdefault(one.key, one)
    if (
        len(runs) == _TWO
        and not any(one.named for one in found.values())
        and _GAP.fullmatch(text[runs[0][2] : runs[1][1]])
    ):
        key = runs[0][0] + runs[1][0]  # one number with a gap, damaged more than once
        if len(key) <= _LONGEST:
            found.setdefault(key, Token(key, ()))
    return tuple(found.values())


def _joined(
    text: str, runs: list[tuple[str, int, int]], at: int, table: NumberTable, policy: RowPolicy
) -> tuple[int, Token | None]:
    """A number written with gaps: the most runs from `at` on that together are one, damaged if need be."""
    keys = [runs[at][0]]
    for more in range(1, min(_JOINED_MAX, len(runs) - at)):
        if not _GAP.fullmatch(text[runs[at + more - 1][2] : runs[at + more][1]]):
            break
        keys.append(keys[-1] + runs[at + more][0])
    for count in range(len(keys), 0, -1):
        whole = table.exact(keys[count - 1])
        if whole is not None:
            return count, Token(keys[count - 1], (whole,))
    for count in range(len(keys), 1, -1):
        parts = [runs[at + part][0] for part in range(count)]
        if len(keys[count - 1]) <= _LONGEST and all(table.exact(part) is None for part in parts):
            ways = tuple(_ways(keys[count - 1], table, policy))
            if ways:
                return count, Token(keys[count - 1], ways)
    return 1, None


def _inside(key: str, table: NumberTable, policy: RowPolicy) -> Iterator[Token]:
    """Numbers within one run: known ones, and what is left between them."""
    if digits(key) < _DIGITS_MIN:
        return
    spans = list(table.embedded(key)) if len(key) <= 10 * _LONGEST else []
    edges = [0, *(edge for span in spans for edge in span), len(key)]
    rests = [key[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    if len(spans) == 1 and any(0 < digits(rest) < _DIGITS_MIN for rest in rests):
        yield _number_in_number(key, key[slice(*spans[0])], table, policy)
        return
    for start, stop in spans:
        whole = table.exact(key[start:stop])
        assert whole is not None
        yield Token(key[start:stop], (whole,))
    for rest in rests:
        if digits(rest) >= _DIGITS_MIN:
            yield from _weak(rest, table, policy)


def _number_in_number(key: str, inner: str, table: NumberTable, policy: RowPolicy) -> Token:
    """A known number with a digit or two beside it: as likely another one that was typed wrong."""
    known = table.exact(inner)
    assert known is not None
    ways = list(_ways(key, table, policy))
    return Token(key, (*ways, Found(How.CUT, known.docs, table.bits(How.CUT, len(known.docs), inner))))


def _weak(key: str, table: NumberTable, policy: RowPolicy) -> Iterator[Token]:
    """A run that holds no number in full, as a whole or else by its pieces of letters and digits."""
    pieces = _PIECE.findall(key)
    for piece in [key] if len(pieces) < 2 else pieces:
        if digits(piece) < _DIGITS_MIN or len(piece) > _LONGEST:
            continue
        ways = tuple(_ways(piece, table, policy))
        halves = () if ways else _halves(piece, table, policy)
        yield from halves or (Token(piece, ways),)


def _halves(piece: str, table: NumberTable, policy: RowPolicy) -> tuple[Token, ...]:
    """Two damaged numbers written without a gap: the first way to cut them apart where both are one."""
    for at in range(DAMAGED_MIN, len(piece) - DAMAGED_MIN + 1):
        found = []
        for part in (piece[:at], piece[at:]):
            near = table.exact(part) or table.damaged(part)
            if near is None or len(near.docs) > policy.common_max:
                break
            found.append(Token(part, (near,)))
        if len(found) == 2:
            return tuple(found)
    return ()


def _ways(piece: str, table: NumberTable, policy: RowPolicy) -> Iterator[Found]:
    core = _CORE.fullmatch(piece)
    cores = [piece] if core is None or core.group(1) == piece else [piece, core.group(1)]
    for key in cores:
        found = table.damaged(key)
        if found is not None and len(found.docs) <= policy.common_max:
            yield found
        if digits(key) >= policy.tail_min and (tail := table.tail(key, policy.common_max)) is not None:
            yield tail
        if len(key) >= CUT_MIN and (cut := table.cut(key, policy.common_max)) is not None:
            yield cut
