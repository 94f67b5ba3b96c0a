"""A record that both sides have: the merge of its fields, and the updates that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from ledgerbridge.model.agreed import Base, Unset, Value
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.plan import Conflict, HeldReason, Take
from ledgerbridge.reconciler.merge import (
    CURRENCY_OF,
    REFERENCES,
    Decision,
    Record,
    Verdict,
    comparable,
    entity_of,
    merge,
    rule_for,
    said,
)

from .deciding import PERSON, Taken, taken
from .outcome import Decided, Desk, Targets, money_of, other_currency
from .parts import WHOLE, as_whole
from .rules import Copy, FlowRules, Side

_PLAIN: Final[frozenset[str]] = frozenset()
WEIGHTY: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.CUSTOMER: frozenset({"name", "credit_code", "currency", "credit_limit_minor", "status"}),
    Kind.INVOICE: frozenset(
        {
            "kind",
            "tax_invoices",
            "customer",
            "issued_on",
            "due_on",
            "currency",
            "total_minor",
            "net_minor",
            "tax_minor",
            "exchange_rate",
            "base_total_minor",
            "reverses",
            "status",
        }
    ),
    Kind.PAYMENT: frozenset(
        {
            "kind",
            "customer",
            "received_on",
            "currency",
            "amount_minor",
            "fee_minor",
            "exchange_rate",
            "base_amount_minor",
            "status",
            "allocations",
        }
    ),
}
"""What is reported where it differs and cannot be written, also when the sides meet for the first time: money, party, dates."""


@dataclass(slots=True)
class _Writes:
    """What one side is to be told: by unit the value as the other side spells it, and by which rule."""

    fields: dict[str, tuple[Value, str]] = field(default_factory=dict)
    drift: bool = True
    """Whether all of them only put back what the owner says."""
    because: dict[str, str] = field(default_factory=dict)
    """By unit the decision on an exception that it carries out."""


def update_both(desk: Desk, left: Copy, right: tuple[Copy, ...]) -> None:
    """Merge all fields of a pair, and plan what each side must be told. What people decided about exceptions goes before every
    rule of the flow; if that updates nothing by itself, there is nothing else.
    """
    assert left.record is not None
    rules, outcome = desk.rules, desk.outcome
    units = rules.units(left.wire_type, right[0].wire_type)
    one, other = left.record, _as_one(right, units)
    if rules.right.parts and "amount_minor" in units:
        one = as_whole(one)
    later = _later(desk, left, right)
    to_left, to_right = _Writes(), _Writes()
    decided_units = taken(desk, left, right, one, other, units)
    for unit, items in units.items():
        raw_left, raw_right = said(one, unit), said(other, unit)
        if unit in decided_units:
            _by_exception(unit, decided_units[unit], (raw_left, raw_right), (to_left, to_right))
            continue
        if not rules.flow.update:
            continue
        a = comparable(unit, raw_left, items)
        b = a if raw_left == raw_right else comparable(unit, raw_right, items)
        if a == b:
            if not isinstance(a, Unset):
                outcome.bases[unit] = Base(a, b)
            continue
        base = _base(outcome.bases.get(unit), unit, items)
        key = _conflict(desk, unit, base, a, b, left, right[0]).key if desk.subject.decided else ""
        decided = desk.subject.decided.get(key)
        if decided is not None:
            outcome.by_person.append(key)
            _by_person(desk, unit, decided, (a, b), (raw_left, raw_right), to_left, to_right)
            continue
        decision = merge(base, a, b, rule_for(rules.flow, unit, later))
        if decision.verdict is Verdict.AGREED or _may_stand(rules, unit, decision, base, (left, a), (right[0], b)):
            outcome.bases[unit] = Base(a, b)
        elif decision.verdict is Verdict.TAKE_LEFT:
            _take(to_right, unit, raw_left, decision)
        elif decision.verdict is Verdict.TAKE_RIGHT:
            _take(to_left, unit, raw_right, decision)
        elif decision.verdict is Verdict.CONFLICT:
            outcome.conflicts.append(_conflict(desk, unit, base, a, b, left, right[0]))
    _update(desk, rules.left, (left,), one, other, to_left, units)
    _update(desk, rules.right, right, other, one, to_right, units)


def _may_stand(
    rules: FlowRules,
    unit: str,
    decision: Decision,
    base: Base | None,
    left: tuple[Copy, Value],
    right: tuple[Copy, Value],
) -> bool:
    """Whether a difference that cannot be written is to be let stand instead of being reported.

    It is, if the side that should change never takes the field, or says nothing of it; and at first contact also if it is
    that side's own number, or carries neither money nor party nor date.
    """
    if decision.verdict not in (Verdict.TAKE_LEFT, Verdict.TAKE_RIGHT):
        return False
    to_right = decision.verdict is Verdict.TAKE_LEFT
    side, (copy, said_there) = (rules.right, right) if to_right else (rules.left, left)
    if unit in side.updates.get(copy.wire_type, _PLAIN):
        return False
    if unit not in side.writable(copy.wire_type) or isinstance(said_there, Unset):
        return True
    return base is None and unit not in WEIGHTY[rules.flow.kind]


def _base(base: Base | None, unit: str, items: frozenset[str]) -> Base | None:
    """In the form that is compared: what was noted after a write is spelled as the record was."""
    return None if base is None else Base(comparable(unit, base.left, items), comparable(unit, base.right, items))


def _take(writes: _Writes, unit: str, value: Value, decision: Decision) -> None:
    writes.fields[unit] = (value, decision.by)
    writes.drift = writes.drift and decision.drift


def _by_person(
    desk: Desk,
    unit: str,
    decided: Decided,
    forms: tuple[Value, Value],
    raws: tuple[Value, Value],
    to_left: _Writes,
    to_right: _Writes,
) -> None:
    """Carry out a decision on exactly these two values. What the person saw is the base, so that neither counts as changed
    once the decision is carried out.
    """
    by = f"{PERSON}{decided.who}"
    desk.outcome.bases[unit] = Base(*forms)
    left, right = raws
    if decided.take is Take.VALUE:
        left = right = decided.value
    for take, value, writes in ((Take.LEFT, left, to_right), (Take.RIGHT, right, to_left)):
        if decided.take not in (take, Take.VALUE) or (writes is to_left and not desk.rules.two_way):
            continue
        said_there = forms[writes is to_right]
        if comparable(unit, value, _PLAIN if not isinstance(value, list) else _names(value)) != said_there:
            writes.fields[unit] = (value, by)
            writes.drift = False


def _by_exception(unit: str, decided: Taken | None, raws: tuple[Value, Value], writes: tuple[_Writes, _Writes]) -> None:
    """Carry out a decision on an exception; a field whose decision is held back is left as it is on both sides."""
    if decided is None:
        return
    to_left, to_right = writes
    told, value = (to_left, raws[1]) if decided.to_left else (to_right, raws[0])
    told.fields[unit] = (value, decided.by)
    told.because[unit] = decided.because
    told.drift = False


def _names(items: list[JsonValue]) -> frozenset[str]:
    return frozenset(name for item in items if isinstance(item, dict) for name in item)


def _update(
    desk: Desk,
    side: Side,
    copies: tuple[Copy, ...],
    there: Record,
    source: Record,
    writes: _Writes,
    units: Mapping[str, frozenset[str]],
) -> None:
    """Plan the update of one side's record (or of each of its parts); hold what cannot be written."""
    if not writes.fields:
        return
    allowed = side.updates.get(copies[0].wire_type, _PLAIN)
    not_writable = tuple(unit for unit in writes.fields if unit not in allowed)
    if not_writable:
        desk.hold(HeldReason.NOT_WRITABLE, side, fields=not_writable)
    wanted = {unit: written for unit, written in writes.fields.items() if unit in allowed}
    stuck = "currency" in not_writable
    strange = tuple(
        unit
        for unit in wanted
        if other_currency(unit, there, source, wanted) or (stuck and (unit in CURRENCY_OF or unit == "exchange_rate"))
    )
    if strange:
        desk.hold(HeldReason.CURRENCY_DIFFERS, side, fields=strange)
    wanted = {unit: written for unit, written in wanted.items() if unit not in strange}
    needs: dict[str, None] = {}
    targets = desk.subject.right_targets if side is desk.rules.right else desk.subject.left_targets
    missing = tuple(unit for unit, (value, _) in wanted.items() if not _reachable(unit, value, targets, needs))
    if missing:
        reason = HeldReason.CUSTOMER_MISSING if "customer" in missing else HeldReason.INVOICE_MISSING
        desk.hold(reason, side, fields=missing)
    wanted = {unit: written for unit, written in wanted.items() if unit not in missing}
    if side.parts and len(copies) > 1:
        _update_parts(desk, side, copies, source, wanted, units, writes, tuple(needs))
    elif wanted:
        _draft(desk, side, copies[0], there, source, wanted, tuple(needs), writes)


def _update_parts(
    desk: Desk,
    side: Side,
    copies: tuple[Copy, ...],
    source: Record,
    wanted: Mapping[str, tuple[Value, str]],
    units: Mapping[str, frozenset[str]],
    writes: _Writes,
    needs: tuple[str, ...],
) -> None:
    """What all parts have in common is written to each that says otherwise; how much each settles is theirs alone, and while
    a person has yet to correct that, they go on saying what they add up to.
    """
    alone = {"amount_minor", "allocations", *(WHOLE if "amount_minor" in wanted else ())}
    apart = tuple(unit for unit in wanted if unit in alone)
    if apart:
        desk.hold(HeldReason.PARTS_DIFFER, side, fields=apart)
    for copy in copies:
        record = copy.record or {}
        own = {
            unit: (value, by)
            for unit, (value, by) in wanted.items()
            if unit not in apart
            and comparable(unit, said(record, unit), units[unit]) != comparable(unit, value, units[unit])
        }
        if own:
            _draft(desk, side, copy, record, source, own, needs, writes, part=copy.external_id)


def _draft(
    desk: Desk,
    side: Side,
    copy: Copy,
    there: Record,
    source: Record,
    wanted: Mapping[str, tuple[Value, str]],
    needs: tuple[str, ...],
    writes: _Writes,
    *,
    part: str = "",
) -> None:
    fields = tuple(
        FieldChange(path=unit, before=_json(said(there, unit)), after=_json(value), decided_by=by)
        for unit, (value, by) in wanted.items()
    )
    because = ", ".join(dict.fromkeys(writes.because[unit] for unit in wanted if unit in writes.because))
    currency = said(source if "currency" in wanted else there, "currency")
    change = Change(
        action=Action.UPDATE,
        system=side.system,
        kind=desk.rules.flow.kind,
        entity=desk.subject.entity,
        part=part,
        target=desk.ref(side, copy),
        expected=copy.version,
        fields=fields,
        needs=needs,
        because=because or ("its owner says otherwise" if writes.drift else "the sides differ"),
        money_effect=() if "currency" in wanted else money_of(fields, _json(currency)),
    )
    desk.draft(change, needs)


def _reachable(unit: str, value: Value, targets: Targets, needs: dict[str, None]) -> bool:
    """Whether the record that a reference leads to is there, or will be."""
    if unit not in REFERENCES or value is None:
        return True
    entity = entity_of(value)
    if entity is None:
        return False
    if entity in targets.there:
        return True
    key = targets.pending.get(entity)
    if key is not None:
        needs[key] = None
    return key is not None


def _as_one(copies: tuple[Copy, ...], units: Mapping[str, frozenset[str]]) -> Record:
    """A side's record; of parts one that says what they say together. Where parts contradict one another, it says that."""
    records = [copy.record or {} for copy in copies]
    if len(records) == 1:
        return records[0]
    whole: dict[str, JsonValue] = {}
    for unit in units:
        values = [said(record, unit) for record in records]
        if unit == "amount_minor":
            whole[unit] = sum(value for value in values if isinstance(value, int))
        elif unit == "allocations":
            whole[unit] = [item for value in values if isinstance(value, list) for item in value]
        else:
            told = [value for value in values if not isinstance(value, Unset)]
            same = all(value == told[0] for value in told) if told else True
            if told:
                whole[unit] = told[0] if same else {"parts": told}
    for path in ("currency", "base_currency"):
        if path in records[0]:
            whole.setdefault(path, records[0][path])
    return whole


def _later(desk: Desk, left: Copy, right: tuple[Copy, ...]) -> str | None:
    """The system whose record changed last; None if a system does not say when, or both in one moment."""
    moments = [copy.version.modified_at for copy in right]
    newest = max((moment for moment in moments if moment is not None), default=None)
    own = left.version.modified_at
    if own is None or newest is None or None in moments or own == newest:
        return None
    return desk.rules.left.system if own > newest else desk.rules.right.system


def _conflict(desk: Desk, unit: str, base: Base | None, left: Value, right: Value, at: Copy, other: Copy) -> Conflict:
    return Conflict(
        flow=desk.rules.name,
        kind=Kind(desk.rules.flow.kind),
        entity=desk.subject.entity,
        path=unit,
        left=desk.ref(desk.rules.left, at),
        right=desk.ref(desk.rules.right, other),
        base=_json(base.left) if base else None,
        base_known=base is not None,
        left_value=_json(left),
        right_value=_json(right),
    )


def _json(value: Value) -> JsonValue:
    return None if isinstance(value, Unset) else value
