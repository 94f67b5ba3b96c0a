"""One pair of records: its evidence, its score, its verdict."""

from __future__ import annotations

from typing import Final

from .compare_facts import fact_evidence
from .compare_name import NEAR, OTHER, PART, SAME, NamePoints, name_evidence, name_points
from .evidence import Evidence, IdentityPolicy, Scored, Verdict
from .name import NameParts
from .profiles import Profile
from .rarity import Rarity

_DECIDING: Final = frozenset(["credit code", "key"])
_FIRM: Final = frozenset(["account", "organisation code", "email", "phone"])
"""Facts that make a misspelt name believable."""


_PERSON: Final = 3
"""Units of the longest name that may be a person's (张伟) or a mere brand."""


def score(left: Profile, right: Profile, rarity: Rarity, policy: IdentityPolicy) -> Scored:
    """How far two records speak for one firm. The same for (right, left), with the sides of the evidence swapped.

    A credit code or key in common decides, unless the names contradict it. What cannot be sure on principle (a branch and
    its parent, a brand alone, a misspelt brand with nothing else in common) is at most doubtful; ``held_back`` says why.
    """
    return _scored(left, right, name_points(left.name, right.name, rarity), rarity, policy)


def worth_showing(left: Profile, right: Profile, rarity: Rarity, policy: IdentityPolicy) -> Scored | None:
    """The same, or None for a "no"; quicker, as most candidates are one by their names already."""
    points = name_points(left.name, right.name, rarity)
    unlike = points.total + rarity.prior < policy.doubtful_bits - 0.1  # the points are not rounded yet
    if unlike and not ((left.has_facts and right.has_facts) or _seat_known(left, right) or _alias(left, right)):
        return None
    found = _scored(left, right, points, rarity, policy)
    return None if found.verdict is Verdict.NO else found


def _scored(left: Profile, right: Profile, points: NamePoints, rarity: Rarity, policy: IdentityPolicy) -> Scored:
    evidence = name_evidence(left.name, right.name, points)
    alias = _alias(left, right)
    if alias:
        evidence.append(alias)
    decided = False
    if (left.has_facts and right.has_facts) or _seat_known(left, right):
        facts = fact_evidence(left, right, rarity)
        decided = any(one.part in _DECIDING and one.finding == SAME for one in facts)
        evidence += facts
    evidence.append(Evidence("prior", "any two records", round(rarity.prior, 2)))
    total = round(sum([one.points for one in evidence]), 2)
    held_back = (
        _contradictions(left, right, points.relation, alias)
        if decided
        else _holds(left, right, points, evidence, policy)
    )
    if decided or total >= policy.sure_bits:
        verdict = Verdict.DOUBTFUL if held_back else Verdict.SURE
    else:
        verdict = Verdict.DOUBTFUL if total >= policy.doubtful_bits else Verdict.NO
    return Scored(left.ref, right.ref, total, verdict, tuple(evidence), held_back, decided)


def _seat_known(left: Profile, right: Profile) -> bool:
    return bool((left.seats and right.name.places) or (right.seats and left.name.places))


def _alias(left: Profile, right: Profile) -> Evidence | None:
    """A short name of one record that is the other's name or short name."""
    if not (left.aliases or right.aliases):
        return None
    both = (left.aliases & right.aliases) | (left.aliases & {right.name.text}) | (right.aliases & {left.name.text})
    return Evidence("short name", SAME, 3.0, min(both), min(both)) if both else None


def _contradictions(left: Profile, right: Profile, relation: str, alias: Evidence | None) -> tuple[str, ...]:
    """Why a code in common is not believed."""
    found = []
    if left.code and right.code and left.code != right.code:
        found.append("credit codes differ")
    if relation == OTHER and alias is None:
        found.append("names contradict")
    if left.name.branch != right.name.branch:
        found.append("branch")
    return tuple(found)


def _holds(
    left: Profile, right: Profile, points: NamePoints, evidence: list[Evidence], policy: IdentityPolicy
) -> tuple[str, ...]:
    """Why a pair without a code in common cannot be sure."""
    ours, theirs = left.name, right.name
    found = []
    if left.code and right.code:
        found.append("credit codes differ")
    if points.relation not in (SAME, NEAR, PART):
        found.append("names contradict" if points.relation == OTHER else "no brand")
    elif points.relation != SAME and not policy.misspelt_may_be_sure and not _confirmed(evidence):
        found.append("brands differ")
    if ours.branch != theirs.branch:
        found.append("branch")
    if ours.group != theirs.group:
        found.append("group")
    if _brief(ours) or _brief(theirs):
        if ours.text != theirs.text:
            found.append("short name only")
        elif not ours.places and not _confirmed(evidence):
            found.append("a name that many bear")
    if points.place_found == "different":
        found.append("places differ")
    if points.trade_found == "different":
        found.append("trades differ")
    return tuple(found)


def _brief(name: NameParts) -> bool:
    """May this be a person's name, or a mere brand?"""
    return name.bare and len(name.units) <= _PERSON


def _confirmed(evidence: list[Evidence]) -> bool:
    return any(one.part in _FIRM and one.finding == SAME and one.points >= 4 for one in evidence)
