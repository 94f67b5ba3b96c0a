"""Writing down what became of operations: state, attempt, gate, audit and the carrier's own books, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.model.base import Ref
from ledgerbridge.model.operation import DEAD_LETTERS, NotSent, Operation, OpState, Present
from ledgerbridge.store import Store, Tx, attempts, audit, gates, moves, to_us

from .gating import account, together
from .port import Carrier
from .rules import Rules
from .verdict import Circumstances, Verdict, of_sighting

OnMove = Callable[[Operation, OpState], None]
"""Told of every operation that was moved, as it is now, and of the state it was in. Called after the commit."""

ACTOR: Final = "ledgerbridge"
_AUDITED: Final = frozenset({OpState.CONFIRMED, OpState.UNCERTAIN, *DEAD_LETTERS})
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation in hand and how to judge it once the transaction is open. `looked`: by looking, not by sending."""

    operation: Operation
    judge: Callable[[Tx, datetime], Verdict]
    circumstances: Callable[[Tx, datetime], Circumstances]
    seen: Present | None = None
    looked: bool = False


class Books:
    """Books entries of one far side. What somebody else has taken over meanwhile is left alone, but for the evidence."""

    def __init__(self, store: Store, clock: Clock, rules: Rules, on_move: OnMove) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._on_move = on_move

    def book(self, carrier: Carrier, entries: Sequence[Entry]) -> None:
        """All entries in one transaction; if that fails, each in its own, so that one bad one does not hold up the others.

        An entry that cannot be booked is left for looking: nothing is forgotten. Raises when not even that can be stored; then
        the leases run out, and whoever comes next looks.
        """
        if not entries:
            return
        try:
            self._write(carrier, entries)
        except Exception:  # noqa: BLE001 (a carrier's books may fail in any way; told apart one by one below)
            _log.exception("booking failed", system=carrier.system, count=len(entries))
        else:
            return
        for entry in entries:
            try:
                self._write(carrier, [entry])
            except Exception as error:  # noqa: BLE001 (logged, and settled by looking)
                _log.exception("booking failed", system=carrier.system, operation=entry.operation.id)
                self._leave_for_looking(entry, error)

    def _write(self, carrier: Carrier, entries: Sequence[Entry]) -> None:
        moved: list[tuple[Operation, OpState]] = []
        with self._store.writing() as tx:
            gate = gates.locked(tx, carrier.system)
            now = moves.db_now(tx, self._clock)
            verdicts = [entry.judge(tx, now) for entry in entries]
            tallies = [verdict.tally for verdict in verdicts]
            after = gate
            for tally in tallies if entries[0].looked else [together(tallies)]:
                after = account(after, self._rules, to_us(now), tally)
            gates.put(tx, after)
            for entry, verdict in zip(entries, verdicts, strict=True):
                done = self._one(tx, carrier, entry, verdict, now)
                if done is not None and done.state is not entry.operation.state:
                    moved.append((done, entry.operation.state))
        if after.breaker is not gate.breaker:
            _log.warning("breaker opened", system=carrier.system, count=after.failures)
        if after.resume_us > gate.resume_us:
            wait_s = (after.resume_us - to_us(now)) // 1_000_000
            _log.warning("target paused", system=carrier.system, wait_s=wait_s, why=after.pause_why)
        for operation, before in moved:
            self._tell(operation, before)

    def _one(self, tx: Tx, carrier: Carrier, entry: Entry, verdict: Verdict, now: datetime) -> Operation | None:
        """Move one on; as it is then, or None if it is no longer ours."""
        held = entry.operation
        if not entry.looked:
            attempts.end(tx, held, now, verdict.outcome, code=verdict.code, excerpt=log.mask(verdict.why))
        elif verdict.to is not OpState.VERIFIED:
            attempts.looked(tx, held, now, verdict.outcome, excerpt=log.mask(verdict.why))
        sets = dict(verdict.sets)
        if sets.get("why"):
            sets["why"] = log.mask(str(sets["why"]))
        stays = verdict.to is held.state
        done = moves.touch(tx, held, now, **sets) if stays else moves.move(tx, held, verdict.to, now, **sets)
        if not done:
            _log.warning("operation lost", operation=held.id, fence=held.fence, outcome=verdict.outcome)
            return None
        after = replace(held, state=verdict.to, foreign=_foreign(held, sets.get("foreign_id")), why=sets.get("why"))
        if stays:
            return after
        if verdict.to is OpState.CONFIRMED:
            carrier.confirmed(tx, after, entry.seen)
        elif verdict.to is OpState.VERIFIED and entry.seen is not None:
            carrier.verified(tx, after, entry.seen)
        enter(tx, after, now)
        return after

    def _leave_for_looking(self, entry: Entry, error: Exception) -> None:
        """Something of ours failed after the far side was asked: only looking again can tell."""
        held = entry.operation
        why = f"it could not be booked: {type(error).__name__}"
        with self._store.writing() as tx:
            now = moves.db_now(tx, self._clock)
            if not entry.looked:
                attempts.end(tx, held, now, attempts.UNKNOWN, excerpt=why)
                moves.move(tx, held, OpState.UNCERTAIN, now, why=why)
                return
            verdict = of_sighting(held, NotSent(why), entry.circumstances(tx, now), self._rules)
            attempts.looked(tx, held, now, verdict.outcome, excerpt=why)
            if verdict.to is held.state:
                moves.touch(tx, held, now, **verdict.sets)
            else:
                moves.move(tx, held, verdict.to, now, **verdict.sets)

    def _tell(self, operation: Operation, before: OpState) -> None:
        fields = {
            "operation": operation.id,
            "system": operation.system,
            "kind": operation.change.kind,
            "from_state": before,
            "to_state": operation.state,
            "why": operation.why,
        }
        if operation.state in DEAD_LETTERS:
            _log.warning("operation needs a person", **fields)
        else:
            _log.debug("operation moved", **fields)
        self._on_move(operation, before)


def enter(tx: Tx, operation: Operation, at: datetime, *, actor: str = ACTOR) -> None:
    """The audit entry of a move that says something about the far side or asks for a person."""
    if operation.state not in _AUDITED:
        return
    details = {
        "key": operation.idem_key,
        "plan": operation.plan_id,
        "record": None if operation.foreign is None else str(operation.foreign),
        "write": f"{operation.change.action} {operation.system}/{operation.change.kind}/{operation.change.entity}",
        "approved_by": operation.approved_by,
        "why": operation.why,
    }
    action = f"operation {operation.state}"
    audit.append(tx, actor=actor, action=action, subject=f"operation/{operation.id}", details=details, at=at)


def _foreign(held: Operation, external_id: object) -> Ref | None:
    if external_id is None:
        return held.foreign
    return Ref(system=held.change.system, kind=held.change.kind, external_id=str(external_id))
