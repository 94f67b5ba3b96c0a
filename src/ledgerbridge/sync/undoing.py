"""Taking back what a plan wrote: its inverse, as a plan of its own that is shown, approved and applied like any other.

The image before is what the history of the observed copies kept when our own write was read back. An update is set back field
by field, expecting the record as our write left it; what we created is voided where the system can. A record that anybody has
edited since is left alone and listed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.money import Money
from ledgerbridge.model.operation import FINAL, Intent, Operation, OpState
from ledgerbridge.model.plan import Effect, Held, HeldReason, PlanHead, Planned, PlanState, Summary
from ledgerbridge.reconciler.planning import order_key
from ledgerbridge.store import Store, Tx, audit, copies, history, links, operations, plans, to_us
from ledgerbridge.store.copies import Copy
from ledgerbridge.store.observed import State

from .applying import MADE, found
from .carrying.agreeing import value_in
from .pull import new_run_id

CanVoid = Callable[[str, Kind], bool]
"""Whether a system can void records of a kind."""
UNDO = "undo"
"""What `decided_by` says of a field that is set back."""


@dataclass(slots=True)
class _Inverse:
    rows: list[Planned] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    needed_by: dict[str, list[str]] = field(default_factory=dict)


def undo(store: Store, plan_id: str, *, actor: str, can_void: CanVoid) -> PlanHead:
    """Store the inverse of what a plan has written, waiting for approval; what cannot be taken back is held in it.

    ActRefused if something of the plan is still under way, or nothing of it was written.
    """
    undone = found(store, plan_id)
    with store.writing(lock=plans.lock_of(undone.flow)) as tx:
        inverse = _inverse(tx, undone, can_void)
        if not inverse.rows and not inverse.held:
            raise ActRefused(f"nothing of the plan {undone.plan_id} was written, so that there is nothing to take back")
        now = store.clock.now()
        _make_way(tx, undone.flow, store)
        head = PlanHead(
            plan_id=new_run_id(store.clock),
            flow=undone.flow,
            state=PlanState.WAITING,
            made_at=now,
            why_waiting=(f"it takes back the plan {undone.plan_id}",),
            summary=_summary(inverse),
            digest=_digest(inverse),
            undoes=undone.plan_id,
        )
        plans.add(tx, head, inverse.rows, inverse.held)
        intents = [Intent(change=row.change, order_key=order_key(row.change), needs=row.needs) for row in inverse.rows]
        added = operations.add(tx, head.plan_id, intents, OpState.PLANNED, now)
        if len(added.added) != len(intents):
            raise ActRefused(f"a part of the plan {undone.plan_id} was taken back, or is being taken back, already")
        details: dict[str, JsonValue] = {"flow": head.flow, "undoes": undone.plan_id, "changes": len(intents)}
        audit.append(tx, actor=actor, action=MADE, subject=f"plan/{head.plan_id}", details=details, at=now)
    return head


def _inverse(tx: Tx, undone: PlanHead, can_void: CanVoid) -> _Inverse:
    """What came last is taken back first; what was needed by a create waits for that create's void."""
    titles = {row.change.key: row.title for row in plans.every_row(tx, undone.plan_id)}
    inverse = _Inverse()
    done = list(operations.of_plan(tx, undone.plan_id))
    for operation in reversed(done):
        if operation.state not in FINAL and operation.state is not OpState.PLANNED:
            raise ActRefused(
                f"the plan {undone.plan_id} is still being carried out (operation {operation.id} is {operation.state}); "
                f"`ledgerbridge apply {undone.plan_id}` goes on with it"
            )
        if operation.state is OpState.VERIFIED:
            _take_back(tx, inverse, operation, titles.get(operation.idem_key, ""), can_void)
    return inverse


def _take_back(tx: Tx, inverse: _Inverse, operation: Operation, title: str, can_void: CanVoid) -> None:
    change = operation.change
    ref = operation.foreign or change.target
    copy = copies.get(tx, ref) if ref is not None else None

    def hold(reason: HeldReason, detail: str) -> None:
        held = Held(
            kind=change.kind, entity=change.entity, ref=ref, reason=reason, system=change.system, title=title,
            fields=tuple(one.path for one in change.fields), detail=detail,
        )  # fmt: skip
        inverse.held.append(held)

    if change.action not in (Action.CREATE, Action.UPDATE):
        hold(HeldReason.CANNOT_UNDO, f"a {change.action} cannot be taken back")
    elif ref is None or copy is None or copy.state is not State.LIVE or copy.flawed:
        hold(HeldReason.EDITED_SINCE, "the record is gone, or cannot be read any more")
    elif _edited_since(copy, operation):
        hold(HeldReason.EDITED_SINCE, f"changed there since ({copy.changed_at:%Y-%m-%d %H:%M} UTC)")
    elif change.action is Action.CREATE:
        if can_void(change.system, change.kind):
            _void(inverse, operation, ref, copy, title)
        else:
            hold(HeldReason.CANNOT_UNDO, f"{change.system} cannot void a {change.kind}: a person does that there")
    else:
        _set_back(tx, inverse, operation, ref, copy, title, hold)


def _edited_since(copy: Copy, operation: Operation) -> bool:
    """Whether the copy says something else since our own write was read back.

    Reading it back is noted with the plan's id. A pull that came between the write and its reading back has stored the very
    same before; then the copy is older than the end of the operation.
    """
    if copy.changed_run == operation.plan_id:
        return False
    return operation.ended_at is None or copy.changed_at > operation.ended_at


def _void(inverse: _Inverse, operation: Operation, ref: Ref, copy: Copy, title: str) -> None:
    change = operation.change
    void = Change(
        action=Action.VOID,
        system=change.system,
        kind=change.kind,
        entity=change.entity,
        part=change.part,
        target=ref,
        expected=copy.version(),
        because=f"takes back its creation by the plan {operation.plan_id}",
        takes_back=change.key,
        money_effect=tuple(Money(minor=-one.minor, currency=one.currency) for one in change.money_effect),
    )
    needs = tuple(inverse.needed_by.get(change.key, ()))
    inverse.rows.append(Planned(seq=len(inverse.rows) + 1, change=void, title=title, needs=needs))
    for key in change.needs:
        inverse.needed_by.setdefault(key, []).append(void.key)


def _set_back(
    tx: Tx,
    inverse: _Inverse,
    operation: Operation,
    ref: Ref,
    copy: Copy,
    title: str,
    hold: Callable[[HeldReason, str], None],
) -> None:
    change = operation.change
    before = _image_before(tx, ref, operation)
    if before is None:
        hold(HeldReason.CANNOT_UNDO, "how the record was before is no longer known")
        return
    now: dict[str, Any] = json.loads(copy.canonical or b"{}")
    fields = tuple(
        FieldChange(path=one.path, before=value_in(now, one.path), after=value_in(before, one.path),
                    decided_by=UNDO)
        for one in change.fields
    )  # fmt: skip
    back = Change(
        action=Action.UPDATE,
        system=change.system,
        kind=change.kind,
        entity=links.resolve(tx, change.entity),
        target=ref,
        expected=copy.version(),
        fields=fields,
        because=f"takes back the plan {operation.plan_id}",
        takes_back=change.key,
        money_effect=tuple(Money(minor=-one.minor, currency=one.currency) for one in change.money_effect),
    )
    inverse.rows.append(Planned(seq=len(inverse.rows) + 1, change=back, title=title))


def _image_before(tx: Tx, ref: Ref, operation: Operation) -> dict[str, Any] | None:
    """The canonical record that our write found: the form that the change expected, or that the reading back replaced."""
    past = history.of(tx, ref)
    expected = operation.change.expected
    for one in past:
        ours = one.until_run == operation.plan_id
        if one.canonical is not None and (ours or (expected is not None and one.raw_hash.hex() == expected.digest)):
            found_before: dict[str, Any] = json.loads(one.canonical)
            return found_before
    return None


def _make_way(tx: Tx, flow: str, store: Store) -> None:
    """A flow has one open plan: the one before is replaced, as by any newer plan."""
    before = plans.open_of(tx, flow)
    if before is not None:
        now = store.clock.now()
        operations.cancel(tx, before.plan_id, now, "a newer plan took its place")
        plans.set_state(tx, before.plan_id, PlanState.SUPERSEDED, now_us=to_us(now))


def _summary(inverse: _Inverse) -> Summary:
    effects: dict[tuple[Action, str], tuple[int, dict[str, int]]] = {}
    for row in inverse.rows:
        change = row.change
        number, money = effects.get((change.action, change.system), (0, {}))
        for one in change.money_effect:
            money[one.currency] = money.get(one.currency, 0) + one.minor
        effects[change.action, change.system] = (number + 1, money)
    held: dict[str, int] = {}
    for left in inverse.held:
        held[left.reason.value] = held.get(left.reason.value, 0) + 1
    return Summary(
        looked_at=len(inverse.rows) + len(inverse.held),
        effects=tuple(
            Effect(
                action=action,
                system=system,
                changes=number,
                money=tuple(
                    Money(minor=minor, currency=currency) for currency, minor in sorted(money.items()) if minor
                ),
            )
            for (action, system), (number, money) in sorted(effects.items())
        ),
        held=held,
    )


def _digest(inverse: _Inverse) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    for value in (*(row.change for row in inverse.rows), *inverse.held):
        hashed.update(value.model_dump_json().encode())
    return hashed.hexdigest()
