"""What was or is being written already keeps a change out of a plan: no write twice, no loop, no write beside an open one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ledgerbridge.model.agreed import Base, Unset
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.operation import DEAD_LETTERS, OpState
from ledgerbridge.model.plan import HeldReason
from ledgerbridge.reconciler.merge import comparable, said

from .outcome import Desk, Draft
from .rules import Copy, Side

CONFIRMED: Final = frozenset({OpState.CONFIRMED, OpState.VERIFIED})
UNFINISHED: Final = frozenset({OpState.READY, OpState.LEASED, OpState.SENT, OpState.UNCERTAIN, OpState.CONFIRMED})
"""Under way: approved, and not ended."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the operations say. `unfinished`: order keys with something under way; `by_key`: states of operations by the key
    of their change (`planned` only those of other flows' plans); `writes`: confirmed writes per order key within the window.
    """

    unfinished: frozenset[str] = frozenset()
    by_key: Mapping[str, OpState] = field(default_factory=dict)
    writes: Mapping[str, int] = field(default_factory=dict)


def order_key(change: Change) -> str:
    """Writes with the same one are carried out one after another: all to one entity in one system."""
    return f"{change.system}/{change.kind}/{change.entity}"


def admit(desk: Desk, traffic: Traffic) -> None:
    """Keep the drafts that may be planned; hold the others, each with its reason."""
    outcome = desk.outcome
    drafts, outcome.drafts = outcome.drafts, []
    told: set[tuple[HeldReason, str]] = set()
    for draft in drafts:
        side = desk.rules.left if draft.change.system == desk.rules.left.system else desk.rules.right
        reason = _against(desk, draft.change, traffic)
        if reason is None:
            outcome.drafts.append(draft)
        elif reason is HeldReason.ALREADY_WRITTEN and draft.change.action is Action.UPDATE:
            _accept_what_came_back(desk, draft, side)
        elif (reason, side.system) not in told:
            told.add((reason, side.system))
            desk.hold(reason, side, fields=tuple(one.path for one in draft.change.fields))


def _against(desk: Desk, change: Change, traffic: Traffic) -> HeldReason | None:
    """Why a change may not be planned; None if it may."""
    if order_key(change) in traffic.unfinished:
        return HeldReason.UNFINISHED
    state = traffic.by_key.get(change.key)
    if state in DEAD_LETTERS:
        return HeldReason.DEAD_LETTER
    if state in CONFIRMED:
        return HeldReason.ALREADY_WRITTEN
    if state is OpState.PLANNED:
        return HeldReason.PLANNED_ELSEWHERE
    if traffic.writes.get(order_key(change), 0) >= desk.rules.flow.writes_max:
        return HeldReason.FROZEN
    return None


def _accept_what_came_back(desk: Desk, draft: Draft, side: Side) -> None:
    """This very update was verified before, onto this very version: the record cannot hold what was written. What both sides
    say now is what they agree on, until one of them really changes.
    """
    copies = (desk.subject.left,) if side is desk.rules.left else desk.subject.right
    target = draft.change.target
    copy = next((one for one in copies if one and target and one.external_id == target.external_id), None)
    if copy is None or copy.record is None or desk.subject.left is None:
        return
    units = _units(desk, copy, side)
    for change in draft.change.fields:
        written = comparable(change.path, change.after, units.get(change.path, frozenset()))
        there = comparable(change.path, said(copy.record, change.path), units.get(change.path, frozenset()))
        if not isinstance(written, Unset):
            pair = (there, written) if side is desk.rules.left else (written, there)
            desk.outcome.bases[change.path] = Base(*pair)


def _units(desk: Desk, copy: Copy, side: Side) -> Mapping[str, frozenset[str]]:
    left = desk.subject.left
    other = desk.subject.right[0] if side is desk.rules.left else copy
    return desk.rules.units(left.wire_type, other.wire_type) if left is not None else {}
