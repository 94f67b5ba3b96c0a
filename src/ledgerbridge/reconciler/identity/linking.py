"""Who is who between two systems, and twice in one: candidates, scores and assignment put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from .assignment import Assignment, Pair, assign
from .candidates import CandidateIndex
from .evidence import IdentityPolicy, Scored, Verdict
from .name import parts
from .profiles import Profile
from .rarity import Rarity
from .scoring import worth_showing
from .vocabulary import KNOWN, Vocabulary, learned

_SAMPLE: Final = 10_000


def vocabulary_of(names: Iterable[str], known: Vocabulary = KNOWN) -> Vocabulary:
    """`known` and the places and trades that the names of both systems show; parse all of them with the result.

    Of many names some thousands are enough: those with the smallest checksums, so that their order does not matter.
    """
    found = sorted({(crc32(name.encode("utf-8", "surrogatepass")), name) for name in names})[:_SAMPLE]
    return learned((parts(name, known).units for _, name in found), known)


def index_of(profiles: Iterable[Profile], policy: IdentityPolicy) -> CandidateIndex:
    """A new index with these records in."""
    index = CandidateIndex(policy)
    for profile in profiles:
        index.add(profile)
    return index


def matches(
    one: Profile,
    index: CandidateIndex,
    rarity: Rarity,
    policy: IdentityPolicy,
    *,
    without: AbstractSet[str] = frozenset(),
) -> tuple[Scored, ...]:
    """A record against those that exist: every candidate that is not "no", the best first. `one` is the left of each.

    `without`: refs of records that a person has refused for it.
    """
    found = [worth_showing(one, other, rarity, policy) for other in index.search(one, without)]
    return tuple(sorted([pair for pair in found if pair is not None], key=lambda pair: (-pair.score, pair.right)))


def link(
    lefts: Collection[Profile],
    rights: Collection[Profile],
    policy: IdentityPolicy,
    *,
    refused: AbstractSet[Pair] = frozenset(),
    accepted: AbstractSet[Pair] = frozenset(),
) -> Assignment:
    """Link two systems' records one to one; see :func:`.assignment.assign`. Refs must be unique in each system (ValueError)."""
    for side, profiles in (("left", lefts), ("right", rights)):
        if len({profile.ref for profile in profiles}) != len(profiles):
            raise ValueError(f"two {side} records have one ref; refs must be unique in a system")
    rarity = Rarity([*lefts, *rights])
    taken_left, taken_right = {left for left, _ in accepted}, {right for _, right in accepted}
    refusals: defaultdict[str, set[str]] = defaultdict(set)
    for left, right in refused:
        refusals[left].add(right)
    index = index_of((profile for profile in rights if profile.ref not in taken_right), policy)
    pairs = [
        pair
        for profile in lefts
        if profile.ref not in taken_left
        for pair in matches(profile, index, rarity, policy, without=refusals.get(profile.ref, frozenset()))
    ]
    return assign(pairs, policy, refused=refused, accepted=accepted)


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Records of one system that look like one firm. A suggestion: nothing is merged by it."""

    refs: tuple[str, ...]
    """Sorted; two or more."""
    pairs: tuple[Scored, ...]
    """The pairs that hold the group together, the best first."""
    certain: bool
    """Is every record sure to be the same as every other? If not, the group may be a chain of look-alikes."""


def duplicates(
    profiles: Collection[Profile],
    policy: IdentityPolicy,
    *,
    refused: AbstractSet[Pair] = frozenset(),
    likely_bits: float = 0.0,
) -> tuple[DuplicateGroup, ...]:
    """Groups of records within one system whose pairs have a score of at least `likely_bits`; order does not matter.

    `refused` holds pairs that a person has told apart, in either order.
    """
    rarity = Rarity(profiles)
    index = index_of(profiles, policy)
    apart: defaultdict[str, set[str]] = defaultdict(set)
    for one, another in refused:
        apart[one].add(another)
        apart[another].add(one)
    pairs: dict[Pair, Scored] = {}
    for profile in profiles:
        for other in index.search(profile, apart.get(profile.ref, frozenset())):
            left, right = sorted((profile, other), key=lambda one: one.ref)
            pair = left.ref, right.ref
            if pair in pairs:
                continue
            found = worth_showing(left, right, rarity, policy)
            if found is not None and (found.score >= likely_bits or found.by_code):
                pairs[pair] = found
    return _groups(pairs)


def _groups(pairs: dict[Pair, Scored]) -> tuple[DuplicateGroup, ...]:
    """Connected records."""
    head: dict[str, str] = {}

    def find(ref: str) -> str:
        while head.setdefault(ref, ref) != ref:
            head[ref] = head[head[ref]]
            ref = head[ref]
        return ref

    for left, right in sorted(pairs):
        one, other = sorted((find(left), find(right)))
        head[other] = one
    members: dict[str, list[str]] = {}
    for ref in sorted(head):
        members.setdefault(find(ref), []).append(ref)
    held: dict[str, list[Scored]] = {}
    for (left, _), found in pairs.items():
        held.setdefault(find(left), []).append(found)
    groups = []
    for top, refs in sorted(members.items()):
        inside = sorted(held[top], key=lambda pair: (-pair.score, pair.left, pair.right))
        sure = sum(pair.verdict is Verdict.SURE for pair in inside)
        groups.append(DuplicateGroup(tuple(refs), tuple(inside), certain=2 * sure == len(refs) * (len(refs) - 1)))
    return tuple(groups)
