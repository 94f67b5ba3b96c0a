"""The words that names are parsed with: those we know, and those that the names themselves show to be places or trades."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .places import BRANDLIKE, PLACES, Place
from .trades import SPELLED_OUT, TRADES


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a parser knows. Any word may be missing: it then stays in the brand, and names still match by their characters."""

    places: Mapping[str, Place] = field(default_factory=lambda: PLACES)
    trades: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {**{word: (word,) for word in TRADES}, **SPELLED_OUT}
    )
    brandlike: frozenset[str] = BRANDLIKE
    """Places that are taken for such only before a brand."""

    longest_place: int = field(init=False)
    """Characters of the longest known place."""
    place_sizes: Mapping[str, tuple[int, ...]] = field(init=False, repr=False)
    """How long the known places of two or more characters are, longest first, by their first two."""
    trade_sizes: Mapping[str, tuple[int, ...]] = field(init=False, repr=False)
    """The same of the known trade words, by their last two."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "longest_place", max(map(len, self.places), default=0))
        object.__setattr__(self, "place_sizes", _sizes((word[:2], len(word)) for word in self.places))
        object.__setattr__(self, "trade_sizes", _sizes((word[-2:], len(word)) for word in self.trades))


def _sizes(words: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for pair, size in words:
        if size > 1:
            found[pair].add(size)
    return {pair: tuple(sorted(sizes, reverse=True)) for pair, sizes in found.items()}


KNOWN: Final = Vocabulary()
"""The words that ship with this package."""

HEADS: Final = (2, 3, 4)
TAILS: Final = (2, 3, 4, 5, 6)


def learned(
    brands: Iterable[tuple[str, ...]], known: Vocabulary, *, seen_min: int = 25, share_min: float = 0.0015
) -> Vocabulary:
    """`known` and the words that begin or end so many different brands that they must be places or trades.

    `brands` are the units that parsing with `known` left over (:attr:`.name.NameParts.units`); order and repetition do
    not matter. A word is learned if at least `seen_min` distinct brands, and at least `share_min` of them, begin or end
    with it and have two or more characters besides. In a short list nothing is frequent enough and nothing is learned.
    """
    distinct = set(brands)
    least = max(seen_min, share_min * len(distinct))
    heads: Counter[str] = Counter()
    tails: Counter[str] = Counter()
    for units in distinct:
        length = len(units)
        if length < 4 or any(len(unit) > 1 for unit in units):
            continue
        text = "".join(units)
        for size in HEADS:
            if size + 2 <= length:
                heads[text[:size]] += 1
        for size in TAILS:
            if size + 2 <= length:
                tails[text[-size:]] += 1
    return with_words(_whole(heads, least, at_end=False), _whole(tails, least, at_end=True), known)


def with_words(places: Iterable[str], trades: Iterable[str], known: Vocabulary = KNOWN) -> Vocabulary:
    """`known` and these words for places and trades; what is known already stays as it is."""
    more_places = {word: ("", word) for word in places if word not in known.places}
    more_trades = {word: (word,) for word in trades if word not in known.trades}
    return replace(known, places={**known.places, **more_places}, trades={**known.trades, **more_trades})


def learned_words(vocabulary: Vocabulary, known: Vocabulary = KNOWN) -> tuple[set[str], set[str]]:
    """The places and trades that a vocabulary has over those of `known`; :func:`with_words` puts them back."""
    return set(vocabulary.places) - set(known.places), set(vocabulary.trades) - set(known.trades)


def _whole(counts: Counter[str], least: float, *, at_end: bool) -> set[str]:
    """The frequent words that are not almost always part of one frequent longer word."""
    frequent = {word: seen for word, seen in counts.items() if seen >= least}
    parts = {
        (word[1:] if at_end else word[:-1])
        for word, seen in frequent.items()
        if seen >= 0.8 * frequent.get(word[1:] if at_end else word[:-1], seen * 2)
    }
    return set(frequent) - parts
