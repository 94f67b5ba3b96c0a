"""How rare the words of names are among the records at hand: a rare brand in common says more than a frequent one.

All weights are in bits: the binary logarithm of how much likelier something is when two records are the same firm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from math import log2
from typing import Final

from .places import Place
from .profiles import Profile

_BACKGROUND: Final = 2000.0
"""How many names the general knowledge below weighs as much as, so that short lists do not look sure."""
_CHARACTER: Final = 1 / 400
"""Share of one character among those that brands are made of, where nothing better is known."""
_WORD: Final = 1 / 4000
"""The same for a Latin word or a number of three or more characters."""
_FOLLOWERS: Final = 50.0
"""How many followers of a character the general share weighs as much as."""


RECORDS: Final = "#"
"""What every record counts once for in :func:`counted`."""
UNITS: Final = "N"
"""What every record counts for as often as its brand has units."""


def counted(profile: Profile) -> list[str]:
    """All that one record adds to the counts, as often as it does, so that they can be kept somewhere else.

    The first letter tells the kind.
    """
    units = profile.name.units
    found = [RECORDS, _brand_of(units), _trade_of(profile.name.trade), *([UNITS] * len(units))]
    found += [f"U{unit}" for unit in units]
    found += [_followers_of(units[at - 1], units[at]) for at in range(1, len(units))]
    found += [_place_of(place[:depth]) for place in profile.name.places for depth in range(1, len(place) + 1)]
    found += [f"X{fact}" for fact in _facts_of(profile)]
    return found


def _brand_of(units: tuple[str, ...]) -> str:
    return f"B{' '.join(units)}"


def _followers_of(before: str, unit: str) -> str:
    return f"F{before} {unit}"


def _place_of(place: Place) -> str:
    return f"P{'|'.join(place)}"


def _trade_of(trade: tuple[str, ...]) -> str:
    return f"T{' '.join(trade)}"


def _facts_of(profile: Profile) -> list[str]:
    return [*profile.phones, *profile.emails, *profile.domains, *profile.accounts]


class Rarity:
    """Counts over all records at hand, of both systems; order does not matter.

    Either all records are given at once, or counts that are kept elsewhere are asked for, with :meth:`know`, for each record
    before it is compared.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._brands: Counter[tuple[str, ...]] = Counter()
        self._units: Counter[str] = Counter()
        self._followers: Counter[tuple[str, str]] = Counter()
        self._places: Counter[Place] = Counter()
        self._trades: Counter[tuple[str, ...]] = Counter()
        self._facts: Counter[str] = Counter()
        total = 0
        for profile in profiles:
            total += 1
            name = profile.name
            self._brands[name.units] += 1
            self._trades[name.trade] += 1
            for place in name.places:
                for depth in range(1, len(place) + 1):
                    self._places[place[:depth]] += 1
            self._facts.update(_facts_of(profile))
        for units, seen in self._brands.items():
            for at, unit in enumerate(units):
                self._units[unit] += seen
                if at:
                    self._followers[units[at - 1], unit] += seen
        self._sum_up(total, self._units.total())

    @classmethod
    def kept(cls, seen: Callable[[str], int]) -> Rarity:
        """One that knows no record yet. `seen`: how often all records count for a text of :func:`counted`."""
        made = cls(())
        made._sum_up(seen(RECORDS), seen(UNITS))
        return made

    def know(self, profile: Profile, seen: Callable[[str], int]) -> None:
        """Ask for all counts that comparing this record may need. `seen` as for :meth:`kept`."""
        name = profile.name
        self._brands[name.units] = seen(_brand_of(name.units))
        self._trades[name.trade] = seen(_trade_of(name.trade))
        for at, unit in enumerate(name.units):
            self._units[unit] = seen(f"U{unit}")
            if at:
                before = name.units[at - 1]
                self._followers[before, unit] = seen(_followers_of(before, unit))
        for place in name.places:
            for depth in range(1, len(place) + 1):
                self._places[place[:depth]] = seen(_place_of(place[:depth]))
        for fact in _facts_of(profile):
            self._facts[fact] = seen(f"X{fact}")

    def _sum_up(self, total: int, units_total: int) -> None:
        self._total = total
        self._units_total = units_total
        self._known_brands: dict[tuple[str, ...], float] = {}
        self._known_texts: dict[tuple[str, ...], float] = {}
        self.prior = -log2(max(total, 2) / 2)
        """What speaks against any two records of two systems being one firm, before anything is compared."""

    def brand(self, units: tuple[str, ...]) -> float:
        """Bits that two records have this brand in common."""
        known = self._known_brands.get(units)
        if known is None:
            others = max(self._brands[units] - 2, 0)
            chance = (others + 1 + _BACKGROUND * 2 ** -self.text(units)) / (self._total + _BACKGROUND)
            known = self._known_brands[units] = -log2(min(chance, 1.0))
        return known

    def text(self, units: tuple[str, ...]) -> float:
        """Bits that two brands have this part in common, as a chain of units each of which makes the next likelier."""
        known = self._known_texts.get(units)
        if known is None:
            known = 0.0
            before = ""
            for unit in units:
                share = self._share(unit)
                if before:
                    seen = self._followers[before, unit]
                    share = (seen + _FOLLOWERS * share) / (self._units[before] + _FOLLOWERS)
                known -= log2(share)
                before = unit
            self._known_texts[units] = known
        return known

    def _share(self, unit: str) -> float:
        general = _WORD if len(unit) > 2 else _CHARACTER
        return (self._units[unit] + 1000 * general) / (self._units_total + 1000)

    def place(self, place: Place) -> float:
        """Bits that two names have this place in common; at most 10."""
        return -log2((self._places[place] + 4) / (self._total + 100) * 0.98 + 0.001)

    def trade(self, trade: tuple[str, ...]) -> float:
        """Bits that two names have this trade in common; at most 10."""
        return -log2((self._trades[trade] + 4) / (self._total + 100) * 0.98 + 0.001)

    def shared(self, fact: str) -> int:
        """How many records hold a phone number, mail address, domain or bank account."""
        return self._facts[fact]
