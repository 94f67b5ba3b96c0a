"""A record that one side has and the other has not: what would be created there, and what forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from ledgerbridge.model.agreed import Unset
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.plan import REFERENCE, HeldReason
from ledgerbridge.reconciler.merge import CURRENCY_OF, REFERENCES, Record, entity_of, said

from .outcome import Desk, Targets, money_of
from .parts import as_whole
from .rules import Side

CREATED: Final = "create"
"""What `decided_by` says of a field of a create: all that can be written goes along."""
_APPROVED: Final = "approved"
REST: Final = "rest"
"""The part of a payment that settles nothing."""

_Fields = dict[str, JsonValue]


def create_at(desk: Desk, side: Side, record: Record, because: str) -> None:
    """Plan the create of `record`, which the other side has, at `side`; or hold it with the reason."""
    subject, flow = desk.subject, desk.rules.flow
    if side.system in subject.doubtful:
        desk.hold(HeldReason.LINK_DOUBTFUL, side)
        return
    if side.system in subject.lookalikes:
        desk.hold(HeldReason.IN_QUARANTINE, side, detail=f"a record in quarantine of {side.system} may be this one")
        return
    in_parts = side.parts and flow.kind is Kind.PAYMENT
    record = as_whole(record) if in_parts else record
    targets = subject.right_targets if side is desk.rules.right else subject.left_targets
    wanted = {unit for unit in side.creates if unit not in flow.ignore and unit != "part"}
    # an amount is nothing without its currency, even where the target keeps that one by itself
    units = sorted(wanted | {CURRENCY_OF[unit] for unit in wanted if unit in CURRENCY_OF})
    fields = dict(_said(record, units))
    needed = _needed(desk, side, record, fields, targets)
    if needed is None:
        return
    needs, waits_for = needed
    if in_parts:
        _in_parts(desk, side, record, fields, because, needs)
        return
    _draft(desk, side, record, fields, because, needs, waits_for=waits_for)


def may_be_created(kind: Kind, record: Record) -> bool:
    """Documents go over once they are approved; customers unless they are void or disabled."""
    status = record.get("status")
    return status in (None, "active") if kind is Kind.CUSTOMER else status in (None, _APPROVED)


def _said(record: Record, units: list[str]) -> Iterator[tuple[str, JsonValue]]:
    """What a create carries: all that is said and not empty. A reference that leads nowhere is not said."""
    for unit in units:
        value = said(record, unit)
        if isinstance(value, Unset) or value is None or value in ("", [], {}):
            continue
        if unit in REFERENCES:
            entity = entity_of(value)
            if entity is None:
                continue
            value = {"external_id": f"{REFERENCE}{entity}"}
        yield unit, value


def _needed(
    desk: Desk, side: Side, record: Record, fields: _Fields, targets: Targets
) -> tuple[tuple[str, ...], dict[str, str]] | None:
    """The keys of the creates that must come first, and references within the kind; None if the record had to be held."""
    kind = desk.rules.flow.kind
    needs: dict[str, None] = {}
    waits_for: dict[str, str] = {}
    if kind is not Kind.CUSTOMER and "customer" in side.creates:
        customer = entity_of(said(record, "customer"))
        if customer is None or not _reach(customer, targets, needs):
            detail = "the document names none that is known" if customer is None else ""
            desk.hold(HeldReason.CUSTOMER_MISSING, side, fields=("customer",), detail=detail)
            return None
    for unit in [unit for unit in fields if unit in REFERENCES and unit != "customer"]:
        entity = entity_of(fields[unit])
        if entity is not None and not _reach(entity, targets, needs):
            if REFERENCES[unit] is kind:
                waits_for[unit] = entity
            else:
                del fields[unit]
    for invoice in _invoices(fields):
        if invoice is None or not _reach(invoice, targets, needs):
            desk.hold(HeldReason.INVOICE_MISSING, side, fields=("allocations",))
            return None
    return tuple(needs), waits_for


def _reach(entity: str, targets: Targets, needs: dict[str, None]) -> bool:
    """Whether an entity has a record there, or will have one (whose create is then needed first)."""
    if entity in targets.there:
        return True
    key = targets.pending.get(entity)
    if key is not None:
        needs[key] = None
    return key is not None


def _invoices(fields: _Fields) -> list[str | None]:
    allocations = fields.get("allocations")
    if not isinstance(allocations, list):
        return []
    return [entity_of(item.get("invoice")) for item in allocations if isinstance(item, dict)]


def _in_parts(desk: Desk, side: Side, record: Record, fields: _Fields, because: str, needs: tuple[str, ...]) -> None:
    """One create per document that the payment settles, and one for what is left: together the amount and the fee."""
    total = record["amount_minor"]
    assert isinstance(total, int)
    allocations = [item for item in _listed(fields.pop("allocations", None)) if isinstance(item, dict)]
    settled = 0
    parts: list[tuple[str, int, _Fields]] = []
    seen: dict[str, int] = {}
    for item in allocations:
        invoice, amount = entity_of(item.get("invoice")) or "", item.get("amount_minor")
        if not isinstance(amount, int) or (amount < 0) != (total < 0):
            desk.hold(HeldReason.PARTS_DIFFER, side, fields=("allocations",), detail="an allocation of the other sign")
            return
        seen[invoice] = seen.get(invoice, 0) + 1
        name = invoice if seen[invoice] == 1 else f"{invoice}#{seen[invoice]}"
        settled += amount
        parts.append((name, amount, {"allocations": [item]}))
    rest = total - settled
    if rest and (rest < 0) != (total < 0):
        desk.hold(HeldReason.PARTS_DIFFER, side, fields=("allocations",), detail="allocated more than was paid")
        return
    if rest or not parts:
        parts.append((REST, rest, {}))
    for name, amount, more in parts:
        _draft(desk, side, record, {**fields, **more, "amount_minor": amount}, because, needs, part=name)


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _draft(
    desk: Desk,
    side: Side,
    record: Record,
    fields: Mapping[str, JsonValue],
    because: str,
    needs: tuple[str, ...],
    *,
    part: str = "",
    waits_for: Mapping[str, str] | None = None,
) -> None:
    changes = tuple(FieldChange(path=unit, after=value, decided_by=CREATED) for unit, value in fields.items())
    change = Change(
        action=Action.CREATE,
        system=side.system,
        kind=desk.rules.flow.kind,
        entity=desk.subject.entity,
        part=part,
        fields=changes,
        needs=needs,
        because=because,
        money_effect=money_of(changes, record.get("currency")),
    )
    desk.draft(change, needs, waits_for)
