"""What becomes of one entity in one flow."""

from __future__ import annotations

from ledgerbridge.model.base import Kind
from ledgerbridge.model.flow import VoidRule
from ledgerbridge.model.plan import HeldReason

from .creating import create_at, may_be_created
from .deciding import carried_out
from .outcome import Desk, Outcome, Subject, title_of
from .rules import Copy, FlowRules, Side
from .updating import update_both
from .voiding import VOID, is_dead, left_out, void_at


def plan_entity(rules: FlowRules, subject: Subject) -> Outcome:
    """Changes, conflicts and what is held of one entity; and what its sides agree on now. Depends on nothing else."""
    left = subject.left
    right = tuple(copy for copy in subject.right if copy.live) or subject.right
    record = next((copy.record for copy in (left, *right) if copy is not None and copy.record is not None), None)
    money = record.get("credit_currency" if rules.flow.kind is Kind.CUSTOMER else "currency") if record else None
    outcome = Outcome(
        bases=dict(subject.bases), title=title_of(record), currency=money if isinstance(money, str) else ""
    )
    desk = Desk(rules, subject, outcome)
    for side, copies in ((rules.left, (left,)), (rules.right, right)):
        if any(copy is not None and not copy.sound for copy in copies):
            desk.hold(HeldReason.IN_QUARANTINE, side, detail="what it said last could not be read")
            return outcome
    if subject.decisions and carried_out(desk, left, right):
        return outcome
    if left is None or not right:
        _on_one_side(desk, left, right)
    elif left_out(left) or any(left_out(copy) for copy in right):
        pass  # the mapping leaves it out: none of this flow's business
    else:
        _on_both_sides(desk, left, right)
    return outcome


def _on_one_side(desk: Desk, left: Copy | None, right: tuple[Copy, ...]) -> None:
    rules, flow = desk.rules, desk.rules.flow
    if left is not None and left.record is not None:
        side, record, allowed = rules.right, left.record, flow.create
        source = rules.left.system
    elif len(right) == 1 and right[0].record is not None:
        side, record, allowed = rules.left, right[0].record, rules.two_way and flow.create and flow.create_left
        source = rules.right.system
    else:
        return
    if allowed and side.creates and rules.fits(record) and may_be_created(flow.kind, record):
        create_at(desk, side, record, f"{source} has it, {side.system} has not")


def _on_both_sides(desk: Desk, left: Copy, right: tuple[Copy, ...]) -> None:
    rules = desk.rules
    if left.record is not None and not rules.fits(left.record):
        return
    left_dead = is_dead(left)
    right_dead = all(is_dead(copy) for copy in right)
    if left_dead and right_dead:
        return
    if left_dead:
        _void(desk, rules.right, tuple(copy for copy in right if not is_dead(copy)), _why_dead(left, rules.left))
    elif right_dead:
        desk.hold(HeldReason.VOID_ON_ONE_SIDE, rules.left, detail=_why_dead(right[0], rules.right))
    elif rules.flow.update or desk.subject.decisions:
        update_both(desk, left, tuple(copy for copy in right if not is_dead(copy)))


def _why_dead(copy: Copy, side: Side) -> str:
    return f"{'gone' if copy.gone else VOID} in {side.system}"


def _void(desk: Desk, side: Side, copies: tuple[Copy, ...], why: str) -> None:
    """Void it there as well, if the flow wants that and the system can; else a person decides."""
    if desk.rules.flow.void is not VoidRule.VOID or not side.can_void:
        wanted = desk.rules.flow.void is VoidRule.VOID
        detail = f"{why}; {side.system} cannot void it" if wanted else why
        desk.hold(HeldReason.VOID_ON_ONE_SIDE, side, detail=detail)
        return
    void_at(desk, side, copies, why)
