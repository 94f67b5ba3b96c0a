"""What people do about operations that ended with them, and about a database that was put back to an earlier state."""

from __future__ import annotations

from dataclasses import replace

from ledgerbridge.clock import Clock
from ledgerbridge.errors import ActRefused
from ledgerbridge.model.operation import DEAD_LETTERS, Operation, OpState
from ledgerbridge.store import Store, Tx, attempts, audit, facts, moves, operations, to_us


def retry(store: Store, clock: Clock, operation_id: int, *, actor: str, why: str) -> Operation:
    """Let a dead letter go on, under its own key: it never becomes a second operation.

    What may have been written is looked for first, and only if it is not there is it sent once more, which `actor` hereby signs
    for; what is known to be written is read back again; what was never sent is sent. ActRefused for what is no dead letter.
    """
    with store.writing() as tx:
        held = _dead_letter(tx, operation_id)
        at = moves.db_now(tx, clock)
        to = _way_on(tx, held)
        sets = {
            "approved_by": actor,
            "signed": to is OpState.UNCERTAIN,
            "tries": 0,
            "looks": 0,
            "not_before_us": to_us(at),
            "sent_us": moves.Sql("CASE WHEN sent_us IS NULL THEN NULL ELSE ? END", (to_us(at),)),
            "why": None,
        }
        if not moves.move(tx, held, to, at, **sets):
            raise ActRefused(f"operation {operation_id} has gone on meanwhile")
        details = {"why": why, "from": held.state.value, "to": to.value, "key": held.idem_key, "plan": held.plan_id}
        subject = f"operation/{operation_id}"
        audit.append(tx, actor=actor, action="operation retried", subject=subject, details=details, at=at)
        return replace(held, state=to, approved_by=actor, why=None)


def discard(store: Store, clock: Clock, operation_id: int, *, actor: str, why: str) -> tuple[Operation, list[int]]:
    """Set a dead letter aside, and with it what waits for it: it, and the ids of those. ActRefused as for :func:`retry`.

    Nothing is written or taken back at the far side. Should a later plan want the same again, it is looked for first.
    """
    with store.writing() as tx:
        held = _dead_letter(tx, operation_id)
        at = moves.db_now(tx, clock)
        if not moves.move(tx, held, OpState.CANCELLED, at, why=why):
            raise ActRefused(f"operation {operation_id} has gone on meanwhile")
        along = operations.cancel_dependents(tx, [operation_id], at)
        details = {
            "why": why,
            "from": held.state.value,
            "key": held.idem_key,
            "plan": held.plan_id,
            "along": len(along),
        }
        subject = f"operation/{operation_id}"
        audit.append(tx, actor=actor, action="operation discarded", subject=subject, details=details, at=at)
        return replace(held, state=OpState.CANCELLED, why=why), along


def restored(store: Store, clock: Clock, *, actor: str) -> tuple[int, int]:
    """Say that the database was put back to an earlier state: (the new restore epoch, how many operations it is about).

    Whatever is unfinished is looked for before its first sending: it may have been sent in the hours that are gone.
    """
    with store.writing() as tx:
        at = moves.db_now(tx, clock)
        epoch = facts.restored(tx, to_us(at))
        ended = DEAD_LETTERS
        number = sum(count for state, count in operations.counts(tx).items() if state not in ended)
        details = {"epoch": epoch, "unfinished": number}
        audit.append(tx, actor=actor, action="database restored", subject="workspace", details=details, at=at)
        return epoch, number


def _dead_letter(tx: Tx, operation_id: int) -> Operation:
    held = operations.get(tx, operation_id)
    if held is None:
        raise ActRefused(f"there is no operation {operation_id}; `ledgerbridge ops list` shows them")
    if held.state not in DEAD_LETTERS:
        raise ActRefused(
            f"operation {operation_id} is {held.state}; only {', '.join(sorted(DEAD_LETTERS))} wait for people"
        )
    return held


def _way_on(tx: Tx, held: Operation) -> OpState:
    """Whether it is known to be written, may be, or was never sent, by the evidence of its attempts."""
    if held.state is OpState.REJECTED:
        return OpState.READY
    past = attempts.outcomes(tx, held.id)
    if past & {"done", "present"}:
        return OpState.CONFIRMED
    if attempts.UNKNOWN in past or "differs" in past:
        return OpState.UNCERTAIN
    return OpState.READY
