"""What two records say besides their names: codes, telephones, mail, accounts, contacts, addresses."""

from __future__ import annotations

import re
from math import log2
from typing import Final

from rapidfuzz.fuzz import ratio

from .evidence import Evidence
from .places import Place
from .profiles import Profile
from .rarity import Rarity

CODE_SAME: Final = 30.0
CODE_DIFFERENT: Final = -12.0
_NUMBER: Final = re.compile(r"[0-9]+")


def fact_evidence(left: Profile, right: Profile, rarity: Rarity) -> list[Evidence]:
    """Evidence of everything but the names. What only one of the two says is no evidence."""
    found = _codes(left, right)
    shared = left.keys & right.keys
    if shared:
        found.append(Evidence("key", "same", CODE_SAME, min(shared), min(shared)))
    for part, ours, theirs, bits in (
        ("account", left.accounts, right.accounts, 12.0),
        ("phone", left.phones, right.phones, 8.0),
        ("email", left.emails, right.emails, 9.0),
    ):
        found += _sets(part, ours, theirs, bits, rarity)
    if left.domains and right.domains and not left.emails & right.emails:
        found += _sets("mail domain", left.domains, right.domains, 6.0, rarity)
    if left.contacts and right.contacts:
        both = left.contacts & right.contacts
        found.append(
            Evidence(
                "contact",
                "same" if both else "different",
                4.0 if both else -0.5,
                _one(left.contacts),
                _one(right.contacts),
            )
        )
    found += _addresses(left, right)
    found += _seats(left, right)
    return found


def _codes(left: Profile, right: Profile) -> list[Evidence]:
    found = []
    for failing in {left.failing_code, right.failing_code} - {""}:
        found.append(Evidence("credit code", "fails its check", 0.0, left.failing_code, right.failing_code))
        del failing
        break
    if left.code and right.code:
        same = left.code == right.code
        found.append(
            Evidence(
                "credit code",
                "same" if same else "different",
                CODE_SAME if same else CODE_DIFFERENT,
                left.code,
                right.code,
            )
        )
    elif left.organisation and right.organisation:
        same = left.organisation == right.organisation
        found.append(
            Evidence("organisation code", "same" if same else "different", 12.0 if same else -10.0,
                     left.organisation, right.organisation)
        )  # fmt: skip
    return found


def _one(values: frozenset[str]) -> str:
    return min(values, default="")


def _sets(part: str, left: frozenset[str], right: frozenset[str], bits: float, rarity: Rarity) -> list[Evidence]:
    """In common: the rarer, the more. A number that many records hold is an agent's or a switchboard's."""
    if not left or not right:
        return []
    both = left & right
    if not both:
        return [Evidence(part, "different", -0.5, _one(left), _one(right))]
    best = min(both, key=lambda value: (rarity.shared(value), value))
    points = max(0.0, bits - 2 * log2(max(1.0, rarity.shared(best) / 2)))
    return [Evidence(part, "same", round(points, 2), best, best)]


def _addresses(left: Profile, right: Profile) -> list[Evidence]:
    if not left.addresses or not right.addresses:
        return []
    best: Evidence | None = None
    for ours in left.addresses:
        for theirs in right.addresses:
            alike = ratio(ours, theirs)
            numbers = _NUMBER.findall(ours), _NUMBER.findall(theirs)
            if alike >= 80 and numbers[0] and numbers[0] == numbers[1]:
                return [Evidence("address", "same", 6.0, ours, theirs)]
            if alike >= 70 and set(numbers[0]) & set(numbers[1]) and best is None:
                best = Evidence("address", "near", 2.0, ours, theirs)
    return [best] if best else [Evidence("address", "different", -0.5, left.addresses[0], right.addresses[0])]


def _seats(left: Profile, right: Profile) -> list[Evidence]:
    """The place in a name that the other record's addresses confirm or deny, where the names alone cannot tell."""
    if left.name.places and right.name.places:
        return []
    ours = frozenset(left.name.places) or left.seats
    theirs = frozenset(right.name.places) or right.seats
    if not ours or not theirs:
        return []
    agree = any(_within(one, other) for one in ours for other in theirs)
    shown = ["、".join("".join(place) for place in sorted(places)) for places in (ours, theirs)]
    return [Evidence("seat", "same" if agree else "different", 3.0 if agree else -2.0, shown[0], shown[1])]


def _within(one: Place, other: Place) -> bool:
    depth = min(len(one), len(other), 2)
    return one[:depth] == other[:depth]
