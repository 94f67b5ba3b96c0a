"""The three-way merge of one field: what both sides say, against what they last agreed on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ledgerbridge.model.agreed import Base, Unset, Value
from ledgerbridge.model.flow import LATEST, MANUAL, Direction, Flow

from .ownership import may_change, owners_of
from .values import says_no_more


class Verdict(StrEnum):
    """What becomes of a field."""

    REST = "rest"  # nothing changed since the sides agreed
    AGREED = "agreed"  # what they say now is the new base: they are one, or their difference may stand
    TAKE_LEFT = "take_left"  # the left value goes to the right
    TAKE_RIGHT = "take_right"
    CONFLICT = "conflict"  # a person decides


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, and the rule that led to it. `drift`: a change that its side may not make is put back."""

    verdict: Verdict
    by: str = ""
    drift: bool = False


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Who decides a field. `later`: the system whose record changed last, if that is known."""

    left: str
    right: str
    two_way: bool
    owners: tuple[str, ...]
    later: str | None = None


_REST: Final = Decision(Verdict.REST)
_AGREED: Final = Decision(Verdict.AGREED)
_STANDS: Final = Decision(Verdict.AGREED, "stands")


def rule_for(flow: Flow, unit: str, later: str | None = None) -> FieldRule:
    """The rule of one field of a flow."""
    return FieldRule(flow.left, flow.right, flow.direction is Direction.TWO_WAY, owners_of(flow, unit), later)


def merge(base: Base | None, left: Value, right: Value, rule: FieldRule) -> Decision:
    """What becomes of a field. Values are in the form of :func:`~.values.comparable`; `base` None: first contact.

    A field is written only if a side changed it since the sides last agreed (or never did), and never over what its owner
    says. A side that says nothing has not changed anything; emptiness prevails over a value only where it is a change.
    """
    if left == right or (_nothing(left) and _nothing(right)):
        return _REST if (isinstance(left, Unset) and isinstance(right, Unset)) or base == (left, right) else _AGREED
    if base is None:
        return _first(left, right, rule)
    by_left = not isinstance(left, Unset) and left != base.left
    by_right = not isinstance(right, Unset) and right != base.right
    if by_left and by_right:
        return _both(rule)
    if by_left:
        return _only_left(right, rule)
    if by_right:
        return _only_right(left, rule)
    return _REST


def _first(left: Value, right: Value, rule: FieldRule) -> Decision:
    """Nothing is known of how it was. What is empty or not said is filled; it never wipes out what the other side says."""
    if _nothing(right):
        fills = may_change(rule.owners, rule.left)
        return Decision(Verdict.TAKE_LEFT, f"fill:{rule.left}") if fills else _STANDS
    if _nothing(left):
        fills = rule.two_way and may_change(rule.owners, rule.right)
        return Decision(Verdict.TAKE_RIGHT, f"fill:{rule.right}") if fills else _STANDS
    if says_no_more(left, right) or says_no_more(right, left):
        return _STANDS
    return _both(rule)


def _nothing(value: Value) -> bool:
    return value is None or isinstance(value, Unset)


def _both(rule: FieldRule) -> Decision:
    """Both changed it, or they never agreed: the first owner that can tell."""
    for name in rule.owners:
        winner = rule.later if name == LATEST else name
        reason = f"latest:{winner}" if name == LATEST else f"owner:{winner}"
        if winner == rule.left:
            return Decision(Verdict.TAKE_LEFT, reason)
        if winner == rule.right:
            return Decision(Verdict.TAKE_RIGHT, reason) if rule.two_way else _STANDS
    return Decision(Verdict.CONFLICT)


def _only_left(right: Value, rule: FieldRule) -> Decision:
    if may_change(rule.owners, rule.left):
        return Decision(Verdict.TAKE_LEFT, f"only:{rule.left}")
    if not rule.two_way or isinstance(right, Unset):
        return _STANDS  # the right decides, and nothing is written to the left
    return Decision(Verdict.TAKE_RIGHT, f"drift:{rule.right}", drift=True)


def _only_right(left: Value, rule: FieldRule) -> Decision:
    if not may_change(rule.owners, rule.right):
        return _STANDS if isinstance(left, Unset) else Decision(Verdict.TAKE_LEFT, f"drift:{rule.left}", drift=True)
    if rule.two_way:
        return Decision(Verdict.TAKE_RIGHT, f"only:{rule.right}")
    if MANUAL in rule.owners and rule.right not in rule.owners:
        return Decision(Verdict.CONFLICT)
    return _STANDS
