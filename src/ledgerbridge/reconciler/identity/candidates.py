"""Finding the few records that are worth comparing with one: an inverted index over what firms have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from math import log2
from typing import Final

from .evidence import IdentityPolicy
from .name import NameParts
from .profiles import Profile

DECIDING: Final = frozenset("ck")
"""First letters of the keys that are searched by however many records have them in common."""


_WHOLE: Final = frozenset("tf")
"""Kinds that the whole name has in common: text, or brand and place and trade."""
_ROUGH: Final = frozenset("uglm")
"""Kinds that find misspelt brands; not searched by where the whole name is found as it is, for no misspelt one rivals it."""
_BESIDES: Final = frozenset("npedao")
"""Kinds that are not made of the parts of the name; each counts double, as a name is found by several keys at once."""
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

    def search(self, profile: Profile, without: AbstractSet[str] = frozenset()) -> tuple[Profile, ...]:
        """The records most likely to be the same firm, the likeliest first; never the one of the same ref.

        `without`: refs that are out of the question, as a person has refused them; as if they were not in.

        All that share a code, and of the others at most ``candidates_max`` and those that share as much as the last of
        them, less those that share far less than the first.
        """
        found = ranked(keys(profile), self._buckets, len(self._profiles), {profile.ref, *without}, self._policy)
        return tuple([self._profiles[ref] for ref in found])


def ranked(
    wanted: Sequence[str],
    buckets: Mapping[str, Sequence[str]],
    total: int,
    out: AbstractSet[str],
    policy: IdentityPolicy,
) -> list[str]:
    """The refs most likely to be the same firm as one that is found by `wanted`, the likeliest first; never one of `out`.

    `buckets`: who of `total` records bears a key, those of `out` among them: what is rare does not depend on who is free.
    """
    limit = policy.bucket_max
    weights: defaultdict[str, float] = defaultdict(float)
    decided: set[str] = set()
    settled = False
    for key in wanted:
        kind = key[0]
        if settled and kind in _ROUGH:
            continue
        bucket = buckets.get(key)
        if bucket is None:
            continue
        if kind in DECIDING:
            decided.update(bucket)
        size = len(bucket)
        if size > limit:
            continue
        if kind in _WHOLE and not settled:
            settled = any(ref not in out for ref in bucket)
        weight = log2((total + 1) / size) + 0.1
        if kind in _BESIDES:
            weight *= 2
        for ref in bucket:
            weights[ref] += weight
    if not out.isdisjoint(weights):
        weights = defaultdict(float, {ref: weight for ref, weight in weights.items() if ref not in out})
    decided = {ref for ref in decided if ref not in out}
    found = [*decided.difference(weights)]
    if weights:
        descending = sorted(weights.values(), reverse=True)
        least = max(_FAR_LESS * descending[0], descending[: policy.candidates_max][-1])
        found += [ref for ref, weight in weights.items() if weight >= least or ref in decided]
    return sorted(found, key=lambda ref: (ref not in decided, -weights[ref], ref))


def is_found_whole(
    wanted: Sequence[str], buckets: Mapping[str, Sequence[str]], out: Container[str], policy: IdentityPolicy
) -> bool:
    """Does one that is not in `out` bear the whole name, so that the rough keys need not be searched by?"""
    found = [buckets.get(key, ()) for key in wanted if key[0] in _WHOLE]
    return any(len(bucket) <= policy.bucket_max and not all(ref in out for ref in bucket) for bucket in found)


def rough_and_others(wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """The keys that find misspelt brands, and all the others."""
    return [key for key in wanted if key[0] in _ROUGH], [key for key in wanted if key[0] not in _ROUGH]


def keys(profile: Profile) -> list[str]:
    """What a record can be found by, each once; the first letter tells the kind. The rough ones are last."""
    name = profile.name
    found = [f"t{name.text}", f"n{name.text}"] if name.text else []
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
    if name.units:
        found += _name_keys(name)
    return found


def _name_keys(name: NameParts) -> list[str]:
    """Brand; brand with place or trade or both; each of few characters with place or trade; neighbours of more."""
    units = name.units
    brand = "".join(units)
    contexts = ["".join(place[:2]) for place in name.places]
    if name.trade:
        contexts.append("".join(name.trade))
    found = [f"b{brand}"]
    found += [f"w{brand}|{context}" for context in contexts]
    if len(contexts) > 1:
        found.append(f"f{brand}|{'|'.join(contexts)}")
    rough: list[str] = []
    if len(units) <= 4:
        rough += [f"u{unit}|{context}" for unit in units for context in contexts]
    if len(units) > 2:
        rough += [f"g{units[at]}{units[at + 1]}" for at in range(len(units) - 1)]
    if len(brand) > len(units):
        for unit in units:
            if len(unit) > 3:
                rough += (f"l{unit[:3]}", f"m{unit[-3:]}")
    found += dict.fromkeys(rough)
    return found
