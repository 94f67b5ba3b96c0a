"""What people decided to do about exceptions, carried out by a flow: whatever its rules say, but never past its direction, its
filter, what can be written, or what a person changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from ledgerbridge.model.agreed import Unset, Value
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action
from ledgerbridge.model.exception import PlannedDecision
from ledgerbridge.model.plan import HeldReason
from ledgerbridge.reconciler.comparison.differing import shown
from ledgerbridge.reconciler.merge import Record, comparable, said

from .creating import create_at, may_be_created
from .outcome import TOTALS, Desk, other_currency
from .parts import WHOLE
from .rules import Copy, Side
from .voiding import is_dead, left_out, void_at

PERSON: Final = "person:"
"""How `decided_by` begins where a person decided."""
EXCEPTION: Final = "exception "
"""How `because` begins where a change carries out a decision on an exception."""
AMOUNTS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.CUSTOMER: frozenset({"credit_limit_minor", "credit_currency"}),
    Kind.INVOICE: frozenset(
        {"total_minor", "net_minor", "tax_minor", "currency", "base_total_minor", "base_currency", "exchange_rate"}
    ),
    Kind.PAYMENT: frozenset(
        {"amount_minor", "fee_minor", "currency", "base_amount_minor", "base_currency", "exchange_rate", *WHOLE}
    ),
}
"""Fields that are one statement about money: taken from one side together, or not at all."""
_SHOWN_AS_AMOUNT: Final = frozenset({*TOTALS, "tax_minor", "fee_minor"})
_FREE: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Taken:
    """A field that a person decided: `to_left` gets what the right says, or the other way round."""

    to_left: bool
    by: str
    because: str


def because_of(decision: PlannedDecision) -> str:
    """Why a change that carries out a decision is made; the same decision is not carried out twice."""
    return f"{EXCEPTION}{decision.exception}: {decision.remedy}"


def carried_out(desk: Desk, left: Copy | None, right: tuple[Copy, ...]) -> bool:
    """Plan the creates and voids that people decided, or hold them with the reason; True if there is nothing else to plan.

    Updates are held here where the sides cannot be compared; the others are :func:`taken`'s.
    """
    decisions = desk.subject.decisions
    for action, carry in ((Action.VOID, _void), (Action.CREATE, _create)):
        # the newest decides: two of one action on one side would be one change
        sides = {decision.system: decision for decision in decisions if decision.action is action}
        carried = [carry(desk, decision, left, right) for decision in sides.values()]
        if any(carried):
            return True
    for decision in decisions:
        if decision.action is Action.UPDATE:
            _hold_incomparable(desk, decision, left, right)
    return False


def _side_of(desk: Desk, decision: PlannedDecision) -> Side:
    """The side that is to be written to."""
    return desk.rules.left if decision.system == desk.rules.left.system else desk.rules.right


def _closed(desk: Desk, side: Side, decision: PlannedDecision, fields: tuple[str, ...] = ()) -> bool:
    """Whether the flow never writes to this side; then the decision is held."""
    if side is desk.rules.left and not desk.rules.two_way:
        detail = f"{because_of(decision)}: the flow is one_way and never writes to {side.system}"
        desk.hold(HeldReason.NOT_WRITABLE, side, fields=fields, detail=detail)
        return True
    return False


def _void(desk: Desk, decision: PlannedDecision, left: Copy | None, right: tuple[Copy, ...]) -> bool:
    side, because = _side_of(desk, decision), because_of(decision)
    there = right if side is desk.rules.right else (left,)
    named = {ref.external_id for ref in decision.refs if ref.system == decision.system}
    copies = tuple(
        copy
        for copy in there
        if copy is not None
        and copy.record is not None
        and not is_dead(copy)
        and (not named or copy.external_id in named)
    )
    if not copies:
        return False  # void or gone already
    if _closed(desk, side, decision):
        return True
    if not side.can_void:
        desk.hold(HeldReason.NOT_WRITABLE, side, detail=f"{because}: {side.system} cannot void it")
    elif any(_changed(copy, decision) for copy in copies):
        desk.hold(HeldReason.EDITED_SINCE, side, detail=f"{because}: changed after it was decided")
    else:
        void_at(desk, side, copies, because)
    return True


def _create(desk: Desk, decision: PlannedDecision, left: Copy | None, right: tuple[Copy, ...]) -> bool:
    side, because = _side_of(desk, decision), because_of(decision)
    there, source = (right, (left,)) if side is desk.rules.right else ((left,), right)
    if any(copy is not None for copy in there):
        return False  # it has one by now
    if _closed(desk, side, decision):
        return True
    records = [copy.record for copy in source if copy is not None and copy.record is not None]
    why = ""
    if len(records) != 1:
        why = f"{decision.source} has no record of it" if not records else f"{decision.source} keeps it in parts"
    elif not side.creates:
        why = f"nothing can be created in {side.system}"
    elif not desk.rules.fits(records[0]):
        why = "the flow's filter leaves it out"
    elif not may_be_created(desk.rules.flow.kind, records[0]):
        why = f"it is {records[0].get('status')} in {decision.source}"
    if why:
        desk.hold(HeldReason.NOT_WRITABLE, side, detail=f"{because}: {why}")
    else:
        create_at(desk, side, records[0], because)
    return True


def _hold_incomparable(desk: Desk, decision: PlannedDecision, left: Copy | None, right: tuple[Copy, ...]) -> None:
    side, because = _side_of(desk, decision), because_of(decision)
    if left is None or not right:
        detail = f"{because}: the two records are not linked"
        desk.hold(HeldReason.LINK_DOUBTFUL, side, fields=decision.fields, detail=detail)
    elif left_out(left) or any(left_out(copy) for copy in right):
        desk.hold(HeldReason.NOT_WRITABLE, side, fields=decision.fields, detail=f"{because}: the mapping leaves it out")
    elif left.record is not None and not desk.rules.fits(left.record):
        detail = f"{because}: the flow's filter leaves it out"
        desk.hold(HeldReason.NOT_WRITABLE, side, fields=decision.fields, detail=detail)


def taken(
    desk: Desk,
    left: Copy,
    right: tuple[Copy, ...],
    one: Record,
    other: Record,
    units: Mapping[str, frozenset[str]],
) -> dict[str, Taken | None]:
    """By unit what people decided; None: held, and to be left alone. `one` and `other` are what the sides say as a whole.

    Of two decisions on one field the newer one holds. Fields that agree are in order, whatever was decided.
    """
    found: dict[str, Taken | None] = {}
    for decision in reversed([each for each in desk.subject.decisions if each.action is Action.UPDATE]):
        money = AMOUNTS[desk.rules.flow.kind]
        groups = [frozenset({name}) for name in decision.fields if name not in money]
        if money.intersection(decision.fields):
            groups.append(money)
        for group in groups:
            named = frozenset(decision.fields) & group
            known = group & units.keys()
            differ = {
                unit
                for unit in known
                if comparable(unit, said(one, unit), units[unit]) != comparable(unit, said(other, unit), units[unit])
            }
            # a field that is not compared may differ all the same: its decision is never quietly dropped
            source, there = (other, one) if decision.system == desk.rules.left.system else (one, other)
            side = _side_of(desk, decision)
            writable = side.updates.get((left if side is desk.rules.left else right[0]).wire_type, _FREE)
            needed = {unit for unit in differ if unit in named or _belongs(unit, source, there, writable)}
            wanted = sorted(needed | (named - known))
            if not wanted or found.keys() & group:
                continue
            allowed = _may_be_taken(desk, decision, named, wanted, (left, right), (one, other))
            made = Taken(side is desk.rules.left, f"{PERSON}{decision.by}", because_of(decision)) if allowed else None
            found.update(dict.fromkeys(wanted, made))
    return found


def _belongs(unit: str, source: Record, there: Record, writable: Collection[str]) -> bool:
    """Whether a field must go along with the amount that was decided: not a rate or currency that the source does not say, nor
    what the target can neither be told nor says.
    """
    if not unit.endswith("_minor") and _empty(said(source, unit)):
        return False
    return unit in writable or not _empty(said(there, unit))


def _empty(value: Value) -> bool:
    return value is None or isinstance(value, Unset)


def _may_be_taken(
    desk: Desk,
    decision: PlannedDecision,
    named: Collection[str],
    wanted: list[str],
    copies: tuple[Copy, tuple[Copy, ...]],
    records: tuple[Record, Record],
) -> bool:
    """Whether all of `wanted` can be written as decided; if not, the whole of it is held."""
    side, because = _side_of(desk, decision), because_of(decision)
    leftwards = side is desk.rules.left
    left, right = (copies[0],), copies[1]
    source, there = (records[1], records[0]) if leftwards else records
    from_copies, to_copies = (right, left) if leftwards else (left, right)
    if _closed(desk, side, decision, tuple(wanted)):
        return False
    allowed = side.updates.get(to_copies[0].wire_type, _FREE) - set(desk.rules.flow.ignore)
    stuck = [unit for unit in wanted if unit not in allowed]
    silent = [unit for unit in wanted if _silent(unit, said(source, unit), named)]
    companions = [unit for unit in wanted if unit not in named]
    if stuck:
        reason, why = HeldReason.NOT_WRITABLE, f"{', '.join(stuck)} cannot be written to {side.system}"
    elif silent:
        reason, why = HeldReason.NOT_WRITABLE, f"{decision.source} does not say {', '.join(silent)}"
    elif any(other_currency(unit, there, source, wanted) for unit in wanted):
        reason, why = HeldReason.CURRENCY_DIFFERS, "the currency cannot be written along"
    elif len(to_copies) > 1 and "amount_minor" in wanted:
        reason, why = HeldReason.PARTS_DIFFER, f"{side.system} keeps it in parts"
    elif any(_moved_on(decision, unit, to_copies, decision.system) for unit in named):
        reason, why = HeldReason.EDITED_SINCE, f"{decision.system} was changed after it was decided"
    elif any(_moved_on(decision, unit, from_copies, decision.source) for unit in named):
        reason, why = HeldReason.EDITED_SINCE, f"{decision.source} was changed after it was decided"
    elif companions and any(_changed(copy, decision) for copy in to_copies):
        reason, why = HeldReason.EDITED_SINCE, f"{decision.system} was changed after it was decided"
    else:
        return True
    desk.hold(reason, side, fields=tuple(wanted), detail=f"{because}: {why}")
    return False


def _silent(unit: str, value: Value, named: Collection[str]) -> bool:
    """Whether the side that is to be followed does not say what would have to be written; an amount is never emptied."""
    return isinstance(value, Unset) or (value is None and (unit.endswith("_minor") or unit not in named))


def _changed(copy: Copy, decision: PlannedDecision) -> bool:
    seen_at = copy.version.seen_at
    return seen_at is not None and seen_at > decision.at


def _moved_on(decision: PlannedDecision, unit: str, copies: tuple[Copy, ...], system: str) -> bool:
    """Whether a side no longer says what the person saw. Where the exception did not show it: whether its record changed."""
    seen, now = decision.seen.get(system), _as_seen(unit, copies)
    if seen is not None and now is not None and unit in decision.fields:
        return seen != now
    return any(_changed(copy, decision) for copy in copies)


def _as_seen(unit: str, copies: tuple[Copy, ...]) -> str | None:
    """What a side says of a field, as evidence shows it; None if evidence shows it in another way.

    What a document counts by is shown with what the bank kept, and of parts together.
    """
    records = [copy.record or {} for copy in copies]
    if unit not in _SHOWN_AS_AMOUNT:
        value = records[0].get(unit)
        return value if isinstance(value, str) and len(records) == 1 else None
    currency = records[0].get("currency")
    amounts = [record.get(unit) for record in records]
    if unit in TOTALS:
        amounts += [record["fee_minor"] for record in records if record.get("fee_minor") is not None]
    if not isinstance(currency, str):
        return None
    whole = [amount for amount in amounts if isinstance(amount, int)]
    return shown(sum(whole), currency) if len(whole) == len(amounts) else None
