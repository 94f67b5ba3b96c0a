"""Finding the few records that are worth comparing with one: an inverted index over what firms have in common."""

from __future__ import annotations

from collections import defaultdict
from heapq import nlargest
from math import log2
from typing import Final

from .evidence import IdentityPolicy
from .name import NameParts
from .profiles import Profile

_DECIDING: Final = frozenset("ck")
"""First letters of the keys that are searched by however many records have them in common."""


_FAR_LESS: Final = 0.3
"""Share of the first candidate's weight below which another one cannot be its rival."""


class CandidateIndex:
    """Records that can be searched for candidates, added to and removed from.

    What a search finds depends on the records that are in, never on the order in which they came. Work is proportional to
    the records that share a key with the one searched for; all pairs are never looked at.
    """

    def __init__(self, policy: IdentityPolicy) -> None:
        self._policy = policy
        self._profiles: dict[str, Profile] = {}
        self._buckets: defaultdict[str, list[str]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._profiles)

    def __contains__(self, ref: str) -> bool:
        return ref in self._profiles

    def add(self, profile: Profile) -> None:
        """Put a record in; one of the same ref is replaced."""
        if profile.ref in self._profiles:
            self.remove(profile.ref)
        self._profiles[profile.ref] = profile
        for key in keys(profile):
            self._buckets[key].append(profile.ref)

    def remove(self, ref: str) -> None:
        """Take a record out. KeyError if it is not in."""
        profile = self._profiles.pop(ref)
        for key in keys(profile):
            bucket = self._buckets[key]
            bucket.remove(ref)
            if not bucket:
                del self._buckets[key]

    def search(self, profile: Profile) -> tuple[Profile, ...]:
        """The records most likely to be the same firm, the likeliest first; never the one of the same ref.

        All that share a code, and of the others at most ``candidates_max`` and those that share as much as the last of
        them, less those that share far less than the first.
        """
        limit, total, buckets = self._policy.bucket_max, len(self._profiles) + 1, self._buckets
        weights: dict[str, float] = {}
        decided: set[str] = set()
        for key in keys(profile):
            bucket = buckets.get(key)
            if bucket is None:
                continue
            if key[0] in _DECIDING:
                decided.update(bucket)
            if len(bucket) > limit:
                continue
            weight = log2(total / len(bucket)) + 0.1
            for ref in bucket:
                weights[ref] = weights.get(ref, 0.0) + weight
        decided.discard(profile.ref)
        weights.pop(profile.ref, None)
        if weights:
            least = _FAR_LESS * max(weights.values())
            most = self._policy.candidates_max
            if len(weights) > most:
                least = max(least, nlargest(most, weights.values())[-1])
            weights = {ref: weight for ref, weight in weights.items() if weight >= least or ref in decided}
        for ref in decided:
            weights.setdefault(ref, 0.0)
        ranked = sorted(weights, key=lambda ref: (ref not in decided, -weights[ref], ref))
        return tuple([self._profiles[ref] for ref in ranked])


def keys(profile: Profile) -> list[str]:
    """What a record can be found by, each once. The first letter tells the kind."""
    found = _name_keys(profile.name)
    found.append(f"n{profile.name.text}")
    found += [f"n{alias}" for alias in profile.aliases]
    if profile.has_facts:
        found += [f"k{key}" for key in profile.keys]
        if profile.code:
            found.append(f"c{profile.code}")
        if profile.organisation:
            found.append(f"o{profile.organisation}")
        found += [f"p{phone}" for phone in profile.phones]
        found += [f"e{mail}" for mail in profile.emails]
        found += [f"d{domain}" for domain in profile.domains]
        found += [f"a{account}" for account in profile.accounts]
    return found


def _name_keys(name: NameParts) -> list[str]:
    """Brand; brand with place or trade; each of few characters with place or trade; each two neighbours of more."""
    units = name.units
    if not units:
        return []
    brand = "".join(units)
    contexts = ["".join(place[:2]) for place in name.places]
    if name.trade:
        contexts.append("".join(name.trade))
    found = {f"b{brand}"}
    found.update([f"w{brand}|{context}" for context in contexts])
    if len(units) <= 4:
        found.update([f"u{unit}|{context}" for unit in units for context in contexts])
    if len(units) > 2:
        found.update([f"g{units[at]}{units[at + 1]}" for at in range(len(units) - 1)])
    for unit in units:
        if len(unit) > 3:
            found.update((f"l{unit[:3]}", f"m{unit[-3:]}"))
    return list(found)
