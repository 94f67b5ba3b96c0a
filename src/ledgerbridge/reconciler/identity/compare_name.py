"""How far two names speak for one firm: brand, place, trade, form and branch, each weighed by how rare it is.

Two explanations compete with "the same firm": two firms that have nothing to do with one another, and sisters, two firms
of one owner or one fashion that share a brand. Against the first, every rare thing in common counts; against the second
the brand says nothing, and only place, trade and form do. The weights are shares seen in customer lists: one name in
eight leaves out its place, one in forty its trade, one in twelve has a character wrong.
"""

from __future__ import annotations

from math import log2
from operator import ne
from typing import Final, NamedTuple

from rapidfuzz.distance import Levenshtein
from rapidfuzz.fuzz import ratio

from .evidence import Evidence
from .name import NameParts
from .places import Place
from .rarity import Rarity
from .trades import Form

SAME, NEAR, PART, OTHER, ABSENT = "same", "near", "part", "different", "absent"

_DIFFERENT: Final = -12.0
_WRONG_CHARACTER: Final = log2(0.08)
_LOST_CHARACTER: Final = log2(0.03)
_LOST_WORD: Final = log2(0.09)
_OTHER_WORD: Final = -7.0
_WORDS_ALIKE: Final = 78.0
_SISTER: Final = 3.0
"""A pair with one brand is eight times as often one firm as it is two sisters, all else unknown."""
_RELATED_FORMS: Final = frozenset([Form.COMPANY, Form.JOINT_STOCK])


class NamePoints(NamedTuple):
    """What two names say: for each part what was found and its bits, not yet rounded."""

    relation: str
    """How the brands stand to one another: SAME, NEAR, PART, OTHER, ABSENT."""
    brand: float
    place_found: str
    place: float
    trade_found: str
    trade: float
    form_found: str
    form: float
    text: float
    sisters: float
    """What is lost because the two may be sisters."""

    @property
    def total(self) -> float:
        """All points."""
        return self.brand + self.place + self.trade + self.form + self.text + self.sisters


def name_points(left: NameParts, right: NameParts, rarity: Rarity) -> NamePoints:
    """The points of two names; the same for (right, left)."""
    relation, brand = _brand(left.units, right.units, rarity)
    place_found, place = _place(left.places, right.places, rarity)
    trade_found, trade = _trade(left.trade, right.trade, rarity)
    form_found, form = _form(left, right)
    text = 2.0 if left.text == right.text else 0.0
    if text and relation != SAME and left.units and right.units:  # a blank inside a Latin word parts it in two
        relation, brand = SAME, min(rarity.brand(left.units), rarity.brand(right.units)) - 0.3
    if relation == OTHER:  # another name altogether, as after a renaming, is one thing against the pair, not three
        place, trade = max(place, -2.0), max(trade, -2.0)
        return NamePoints(relation, brand, place_found, place, trade_found, trade, form_found, form, text, 0.0)
    against_sisters = _SISTER + form + text + _PLACE_SISTERS[place_found] + _TRADE_SISTERS[trade_found]
    if place_found == SAME and (trade_found == SAME or not (left.trade or right.trade)):
        against_sisters += 8.0
    against_strangers = brand + place + trade + form + text + rarity.prior
    sisters = -log2(1.0 + 2.0 ** (against_strangers - against_sisters))
    return NamePoints(relation, brand, place_found, place, trade_found, trade, form_found, form, text, sisters)


def name_evidence(left: NameParts, right: NameParts, points: NamePoints) -> list[Evidence]:
    """The same as evidence."""
    found = [Evidence("brand", points.relation, round(points.brand, 2), left.brand, right.brand)]
    if points.place_found != ABSENT:
        found.append(
            Evidence("place", points.place_found, round(points.place, 2), _shown(left.places), _shown(right.places))
        )
    if points.trade_found != ABSENT:
        found.append(
            Evidence("trade", points.trade_found, round(points.trade, 2), "".join(left.trade), "".join(right.trade))
        )
    if points.form:
        found.append(Evidence("form", points.form_found, points.form, _form_shown(left), _form_shown(right)))
    if points.text:
        found.append(Evidence("text", SAME, points.text, left.text, right.text))
    if points.relation != OTHER:
        found.append(Evidence("sisters", "possible", round(points.sisters, 2)))
    return found


_PLACE_SISTERS: Final = {SAME: 2.0, "inside": 1.0, "missing": 0.5, ABSENT: 1.5, "further": -1.0, "different": -8.0}
_TRADE_SISTERS: Final = {SAME: 2.0, "missing": -1.0, ABSENT: 1.0, "part": -5.0, "different": -7.0}


def _brand(left: tuple[str, ...], right: tuple[str, ...], rarity: Rarity) -> tuple[str, float]:
    if left == right:
        return (SAME, rarity.brand(left) - 0.3) if left else (ABSENT, 0.0)
    if not left or not right:
        return ABSENT, -4.0
    if len(left) == len(right):
        unlike = [*map(ne, left, right)]
        if unlike.count(True) == 1:
            return _one_wrong(left, right, unlike.index(True), rarity)
    ours, theirs = set(left), set(right)
    shared = ours & theirs
    if not shared or 2 * len(shared) < min(len(ours), len(theirs)):
        return OTHER, _DIFFERENT
    return _aligned(min(left, right), max(left, right), rarity)


def _one_wrong(left: tuple[str, ...], right: tuple[str, ...], at: int, rarity: Rarity) -> tuple[str, float]:
    """One character or word of equally many differs."""
    bits = rarity.text(left[:at]) + rarity.text(left[at + 1 :])
    if _alike(left[at], right[at]):
        return NEAR, bits + (rarity.text((left[at],)) + rarity.text((right[at],))) / 4 + _WRONG_CHARACTER
    if len(left) == 1 or (_is_number(left[at]) and _is_number(right[at])):
        return OTHER, _DIFFERENT  # 第一 and 第二: a number is not mistyped, it tells two firms apart
    return NEAR, bits + _WRONG_CHARACTER - log2(len(left))


def _is_number(unit: str) -> bool:
    return unit.isdigit() or unit in "一二三四五六七八九十"


def _alike(one: str, other: str) -> bool:
    """Latin words that are likely one word typed wrong."""
    return len(one) > 3 and len(other) > 3 and ratio(one, other) >= _WORDS_ALIKE


def _aligned(left: tuple[str, ...], right: tuple[str, ...], rarity: Rarity) -> tuple[str, float]:
    """Brands of different length: what they share, less the price of what one has and the other has not.

    Two or more characters missing at an end are likely a place or trade that no list knows.
    """
    bits = 0.0
    shared = longest = 0
    relation = NEAR
    for code in Levenshtein.opcodes(left, right):
        start, end, other_start, other_end = code.src_start, code.src_end, code.dest_start, code.dest_end
        size = max(end - start, other_end - other_start)
        at_end = end == len(left) and other_end == len(right)
        at_edge = at_end or (start == 0 and other_start == 0)
        if code.tag == "equal":
            bits += rarity.text(left[start:end])
            shared += size
            longest = max(longest, size)
        elif code.tag == "replace":
            if size == 1:
                bits += _WRONG_CHARACTER - log2(len(right))
            else:
                bits += _OTHER_WORD if at_edge and end - start > 1 else _DIFFERENT
                relation = PART
        elif size == 1:
            bits += _LOST_CHARACTER
        else:
            bits += _LOST_WORD if at_edge else _OTHER_WORD
            relation = PART
    if not shared or 2 * shared < min(len(left), len(right)):
        return OTHER, _DIFFERENT
    if longest < 2 and min(len(left), len(right)) > 1:
        bits -= 3.0
    return relation, max(bits, _DIFFERENT)


def _place(left: tuple[Place, ...], right: tuple[Place, ...], rarity: Rarity) -> tuple[str, float]:
    if left == right:
        return (SAME, rarity.place(left[0]) - 0.2) if left else (ABSENT, 0.0)
    if not left or not right:
        return "missing", -0.5
    if len(left) == len(right) == 1:
        return _two_places(left[0], right[0], rarity)
    return max((_two_places(one, other, rarity) for one in left for other in right), key=lambda found: found[::-1])


def _two_places(one: Place, other: Place, rarity: Rarity) -> tuple[str, float]:
    if one == other:
        return "further", rarity.place(one) - 4.0
    depth = min(len(one), len(other))
    if one[:depth] == other[:depth]:
        return "inside", rarity.place(one[:depth]) - 1.5
    return "different", -6.0 if "" in (one[0], other[0]) or one[:2] == other[:2] else -8.0


def _trade(left: tuple[str, ...], right: tuple[str, ...], rarity: Rarity) -> tuple[str, float]:
    if left == right:
        return (SAME, rarity.trade(left) - 0.2) if left else (ABSENT, 0.0)
    if not left or not right:
        return "missing", -3.0
    if set(left) <= set(right) or set(right) <= set(left):
        return "part", -3.0
    return "different", -7.0


def _form(left: NameParts, right: NameParts) -> tuple[str, float]:
    if left.branch != right.branch:
        return "branch", -6.0
    if left.group != right.group:
        return "group", -3.0
    if left.form is right.form or Form.UNKNOWN in (left.form, right.form):
        return SAME, 0.0
    if left.form in _RELATED_FORMS and right.form in _RELATED_FORMS:
        return "changed", -1.0
    return "different", -5.0


def _shown(places: tuple[Place, ...]) -> str:
    return "、".join("".join(place) for place in places)


def _form_shown(name: NameParts) -> str:
    return name.branch or (f"group {name.form}" if name.group else str(name.form))
