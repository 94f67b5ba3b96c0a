"""Records that are void or gone, and the change that makes one void."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.money import Money
from ledgerbridge.reconciler.merge import Record, said

from .outcome import TOTALS, Desk
from .rules import Copy, Side

VOID: Final = "void"


def is_dead(copy: Copy) -> bool:
    """Whether a record is void or gone."""
    return copy.gone or (copy.record is not None and copy.record.get("status") == VOID)


def left_out(copy: Copy) -> bool:
    """Whether the mapping leaves a record out: none of any flow's business."""
    return not copy.live and not copy.gone


def void_at(desk: Desk, side: Side, copies: tuple[Copy, ...], because: str) -> None:
    """Plan to void these records of one side, which must be able to."""
    for copy in copies:
        change = Change(
            action=Action.VOID,
            system=side.system,
            kind=desk.rules.flow.kind,
            entity=desk.subject.entity,
            part=copy.external_id if side.parts else "",
            target=desk.ref(side, copy),
            expected=copy.version,
            because=because,
            money_effect=_taken_away(copy.record or {}),
        )
        desk.draft(change)


def _taken_away(record: Record) -> tuple[Money, ...]:
    currency: JsonValue = record.get("currency")
    amounts = [said(record, path) for path in TOTALS]
    return tuple(
        Money(minor=-amount, currency=currency)
        for amount in amounts
        if isinstance(amount, int) and amount and isinstance(currency, str)
    )
