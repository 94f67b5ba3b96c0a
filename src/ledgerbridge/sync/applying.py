"""Approving plans and carrying out what was approved: exactly that, resumable at any point, tied out at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from pydantic import JsonValue

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import DEAD_LETTERS, FINAL, Operation, OpState
from ledgerbridge.model.people import same_person
from ledgerbridge.model.plan import OPEN_STATES, PlanHead, Planned, PlanState
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, Tx, audit, moves, operations, plans, to_us

OUTSTANDING_MAX: Final = 500
"""Operations that are listed one by one; the counts hold for all."""
RULE: Final = "rule"
"""Who approved, in the audit log, where the flow's own rules did and no person."""
MADE: Final = "plan made"
"""The act by which the audit log knows who made a plan."""
_CHUNK: Final = 500
_CLOSED: Final = frozenset({PlanState.DISCARDED, PlanState.SUPERSEDED})
Unkeyed = Callable[[str, Kind], bool]
"""Whether a create of a kind at a system could be made twice: money without a key there (safety class L or N)."""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """An operation that has not ended well: where it stands and why."""

    operation: int
    system: str
    kind: Kind
    action: Action
    title: str
    state: OpState
    why: str | None


@dataclass(frozen=True, slots=True)
class Applied:
    """What has become of a plan. `states`: its changes by where they stand; `missing`: changes that have no operation.

    `outstanding`: those that are not verified, at most :data:`OUTSTANDING_MAX`. `next_at`: when something is due next.
    """

    plan: PlanHead
    planned: int
    states: dict[OpState, int] = field(default_factory=dict)
    missing: int = 0
    outstanding: tuple[Outstanding, ...] = ()
    next_at: datetime | None = None

    @property
    def verified(self) -> int:
        """How many changes were carried out and read back."""
        return self.states.get(OpState.VERIFIED, 0)

    @property
    def with_people(self) -> int:
        """How many need a person's decision."""
        return sum(self.states.get(state, 0) for state in DEAD_LETTERS)

    @property
    def cancelled(self) -> int:
        """How many were taken back before anything was sent."""
        return self.states.get(OpState.CANCELLED, 0)

    @property
    def waiting(self) -> int:
        """How many are still to be carried out, or to be settled by looking."""
        return sum(number for state, number in self.states.items() if state not in FINAL)

    @property
    def faults(self) -> tuple[str, ...]:
        """Every way in which what was planned is not what was done, is waiting or is in people's hands; empty if it ties."""
        found = []
        if self.missing:
            found.append(f"{self.missing} of {self.planned} planned changes have no operation")
        counted = self.verified + self.with_people + self.cancelled + self.waiting + self.missing
        if counted != self.planned:
            found.append(f"{self.planned} changes were planned, {counted} are accounted for")
        return tuple(found)


def approve(
    store: Store,
    plan_id: str,
    *,
    actor: str | None,
    unkeyed: Unkeyed,
    allow_unkeyed: bool = False,
    second_person: bool = False,
) -> PlanHead:
    """Let a plan's operations be sent; nothing happens if that was done before. `actor` None: the flow's rules approve it.

    ActRefused for a plan that was discarded or replaced by a newer one; for `actor` None where a person must approve; with
    `second_person` for whoever made the plan; and, unless `allow_unkeyed`, for creates of money at a system that cannot tell a
    repeat from a new record.
    """
    head = found(store, plan_id)
    with store.writing(lock=plans.lock_of(head.flow)) as tx:
        head = _head(tx, plan_id)
        if head.state in _CLOSED:
            raise ActRefused(f"the plan {plan_id} is {head.state}; plan again and apply that")
        if head.state not in OPEN_STATES:
            return head
        if actor is None and head.why_waiting:
            raise ActRefused(f"the plan {plan_id} waits for a person: {'; '.join(head.why_waiting)}")
        if second_person and actor is not None:
            _refuse_the_maker(tx, plan_id, actor)
        if not allow_unkeyed:
            _refuse_unkeyed(tx, plan_id, unkeyed)
        now = store.clock.now()
        head = plans.set_state(tx, plan_id, PlanState.APPROVED, now_us=to_us(now))
        released = operations.release(tx, plan_id, actor, moves.db_now(tx, store.clock))
        details: dict[str, JsonValue] = {"flow": head.flow, "digest": head.digest, "operations": len(released)}
        if allow_unkeyed:
            details["unkeyed"] = True
        audit.append(
            tx, actor=actor or RULE, action="plan approved", subject=f"plan/{plan_id}", details=details, at=now
        )
    return settled(store, plan_id)


def carry_out(
    store: Store,
    worker: Worker,
    plan_id: str,
    *,
    wait_s: float = 240.0,
    progress: Callable[[Operation, OpState], None] | None = None,
) -> Applied:
    """Work on an approved plan until all of it has ended or nothing more can be done now; what it came to.

    May be repeated at any time: it goes on where it was. ActRefused for a plan that nobody has approved.
    """
    head = found(store, plan_id)
    if head.state in OPEN_STATES | _CLOSED:
        raise ActRefused(f"the plan {plan_id} is {head.state}; only an approved plan is carried out")
    done = worker.drain(plan_id, wait_s=wait_s, progress=progress)
    settled(store, plan_id)
    return result_of(store, plan_id, next_at=done.next_at)


def settled(store: Store, plan_id: str) -> PlanHead:
    """Note that a plan is at its end, if all its operations are; the plan as it stands."""
    with store.writing(lock=plans.lock_of(found(store, plan_id).flow)) as tx:
        head = _head(tx, plan_id)
        if head.state not in (PlanState.APPROVED, PlanState.ENDED):
            return head
        states, missing = _tally(tx, plan_id)
        if missing or any(state not in FINAL for state in states):
            return head
        well = all(state is OpState.VERIFIED for state in states)
        end = PlanState.DONE if well else PlanState.ENDED
        return head if end is head.state else plans.set_state(tx, plan_id, end, now_us=to_us(store.clock.now()))


def result_of(store: Store, plan_id: str, *, next_at: datetime | None = None) -> Applied:
    """Where every change of a plan stands now."""
    listed: list[Outstanding] = []
    states: dict[OpState, int] = {}
    planned = missing = 0
    with store.reading() as tx:
        head = _head(tx, plan_id)
        for row, operation in _with_operations(tx, plan_id):
            planned += 1
            if operation is None:
                missing += 1
                continue
            states[operation.state] = states.get(operation.state, 0) + 1
            if operation.state is not OpState.VERIFIED and len(listed) < OUTSTANDING_MAX:
                listed.append(_as_outstanding(row, operation))
    return Applied(head, planned, states, missing, tuple(listed), next_at)


def found(store: Store, start: str) -> PlanHead:
    """The plan of this id, or the only one whose id begins so; ActRefused if there is none, or several."""
    with store.reading() as tx:
        head = plans.head(tx, start)
        several = [head] if head is not None else plans.find(tx, start, limit=3)
    if len(several) == 1:
        return several[0]
    if several:
        raise ActRefused(f"several plans begin with {start!r}: {', '.join(one.plan_id for one in several)} …")
    raise ActRefused(f"there is no plan {start!r}; `ledgerbridge plans list` shows all")


def _head(tx: Tx, plan_id: str) -> PlanHead:
    head = plans.head(tx, plan_id)
    if head is None:
        raise ActRefused(f"there is no plan {plan_id!r}; `ledgerbridge plans list` shows all")
    return head


def _refuse_the_maker(tx: Tx, plan_id: str, actor: str) -> None:
    made = [entry.actor for entry in audit.entries(tx, subject=f"plan/{plan_id}") if entry.action == MADE]
    if not made:
        raise ActRefused(f"nobody is on record as the maker of the plan {plan_id}; plan again (apply.second_person)")
    if any(same_person(one, actor) for one in made):
        raise ActRefused(f"{actor} made the plan {plan_id}; another person must approve it (apply.second_person)")


def _refuse_unkeyed(tx: Tx, plan_id: str, unkeyed: Unkeyed) -> None:
    risky: dict[str, int] = {}
    for row in plans.every_row(tx, plan_id, action=Action.CREATE):
        change = row.change
        if unkeyed(change.system, change.kind):
            place = f"{change.system}/{change.kind}"
            risky[place] = risky.get(place, 0) + 1
    if risky:
        said = ", ".join(f"{number} at {place}" for place, number in sorted(risky.items()))
        raise ActRefused(
            f"creates of money without a key that the far side would know again: {said}. One whose answer is lost is never "
            "repeated but goes to a person. Approve with --allow-unkeyed, or have a unique field for our key made there"
        )


def _with_operations(tx: Tx, plan_id: str) -> Iterator[tuple[Planned, Operation | None]]:
    rows = plans.every_row(tx, plan_id)
    while some := list(islice(rows, _CHUNK)):
        by_key = operations.by_key(tx, [row.change.key for row in some])
        yield from ((row, by_key.get(row.change.key)) for row in some)


def _tally(tx: Tx, plan_id: str) -> tuple[dict[OpState, int], int]:
    """The plan's changes by where they stand, and how many have no operation at all."""
    states: dict[OpState, int] = {}
    missing = 0
    for _, operation in _with_operations(tx, plan_id):
        if operation is None:
            missing += 1
        else:
            states[operation.state] = states.get(operation.state, 0) + 1
    return states, missing


def _as_outstanding(row: Planned, operation: Operation) -> Outstanding:
    change = row.change
    return Outstanding(
        operation.id, change.system, change.kind, change.action, row.title, operation.state, operation.why
    )
