"""One piece of work at a time: take, write ahead, send, book; or take, look, book; or probe a far side that was away.

Every piece is a generator that stops between its steps. :meth:`Engine.run` goes straight through; tests let several engines
take turns, drop one at any step (a kill) or leave one lying (a pause), with the very code that runs in earnest.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.errors import StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Answer, Missing, NotSent, Operation, OpState, Present, Sighting, Unknown
from ledgerbridge.store import Store, Tx, attempts, facts, from_us, gates, leases, moves, steady, to_us

from . import gating, verdict
from .booking import Books, Entry, OnMove, enter
from .port import Carrier, Terms
from .rules import Rules

Steps = Generator[str, None, bool]
"""The names of the steps; in the end whether there was something to do."""
_log = log.get(__name__)
_CAUTIOUS = Terms(resend=False, unattended=False)
"""What holds where a carrier cannot say: a person decides."""


class Task(Enum):
    """What was taken in hand."""

    PROBE = "probe"
    LOOK = "look"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Taken:
    """It, and the operations it is about."""

    task: Task
    operations: tuple[Operation, ...] = ()


class Engine:
    """Does the work of one worker thread. `owner` names it; `per_second` are the call quotas of far sides, if any.

    `stop`: once it is true nothing more is taken or sent; what is being sent is finished.
    """

    def __init__(
        self,
        store: Store,
        carriers: Mapping[str, Carrier],
        clock: Clock,
        *,
        owner: str,
        rules: Rules | None = None,
        rng: random.Random | None = None,
        per_second: Mapping[str, float] | None = None,
        stop: Callable[[], bool] = lambda: False,
        on_move: OnMove = lambda _operation, _before: None,
    ) -> None:
        self._store = store
        self._carriers = dict(carriers)
        self._clock = clock
        self.owner = owner
        self._rules = rules or Rules()
        self._rng = rng or random.Random()
        self._per_second = dict(per_second or {})
        self._stop = stop
        self._sendings = 0
        self._books = Books(store, clock, self._rules, on_move)

    @property
    def systems(self) -> list[str]:
        """The far sides that this worker serves."""
        return sorted(self._carriers)

    def now(self) -> datetime:
        """What time it is for operations."""
        with self._store.reading() as tx:
            return moves.db_now(tx, self._clock)

    def due(self) -> list[str]:
        """The far sides for which something may be due, after taking back what others have held too long."""
        with self._store.reading() as tx:
            now = moves.db_now(tx, self._clock)
            if not (leases.expired(tx, now) or steady.strays(tx, self._clock)):
                return leases.due(tx, self.systems, now)
        with self._store.writing() as tx:
            steady.follow(tx, self._clock)
            now = moves.db_now(tx, self._clock)
            back, doubtful = leases.expire(tx, now)
            due = leases.due(tx, self.systems, now)
        if back or doubtful:
            _log.warning("leases expired", resolved=back, uncertain=doubtful)
        return due

    def next_moment(self) -> datetime | None:
        """When there may be something to do, gates considered; None if time alone brings nothing."""
        with self._store.reading() as tx:
            now_us = to_us(moves.db_now(tx, self._clock))
            shut = {gate.system: gating.closed_until(gate, now_us) for gate in gates.every(tx)}
            found: list[datetime] = []
            for system in self.systems:
                first = leases.next_due(tx, [system])
                if first is not None:
                    until = shut.get(system)
                    found.append(first if until is None else max(first, from_us(until)))
        return min(found) if found else None

    def run(self, system: str) -> bool:
        """One piece of work for a far side, if there is one; whether there was."""
        steps = self.work(system)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return bool(end.value)

    def work(self, system: str) -> Steps:
        """The same step by step. StoreError if the database fails; the lease then runs out, and whoever comes next looks."""
        carrier = self._carriers[system]
        if self._stop():
            return False
        mark = self._clock.monotonic()
        taken = self._take(carrier)
        if taken is None:
            return False
        yield f"took {taken.task.value}"
        if taken.task is Task.PROBE:
            yield from self._probe(carrier)
        elif taken.task is Task.LOOK:
            yield from self._look(carrier, taken.operations, mark)
        else:
            yield from self._send(carrier, taken.operations)
        return True

    def _take(self, carrier: Carrier) -> Taken | None:
        system, rules = carrier.system, self._rules
        with self._store.writing() as tx:
            gate = gates.locked(tx, system)
            now = moves.db_now(tx, self._clock)
            now_us = to_us(now)
            if gating.probe_is_due(gate, now_us):
                gates.put(tx, gating.begin_probe(gate, rules, now_us))
                return Taken(Task.PROBE)
            if gating.closed_until(gate, now_us) is not None:
                return None
            taken = self._claim(tx, carrier, now, gating.retries_left(gate, rules, now_us))
            if taken is None:
                return None
            retries = sum(one.tries > 0 for one in taken.operations) if taken.task is Task.SEND else 0
            calls = 1 if taken.task is Task.SEND else len(taken.operations)
            per_second = self._per_second.get(system)
            admitted = gating.admit(gate, rules, now_us, calls=calls, retries=retries, per_second=per_second)
            if admitted != gate:
                gates.put(tx, admitted)
            return taken

    def _claim(self, tx: Tx, carrier: Carrier, now: datetime, retries_left: int) -> Taken | None:
        """What to do next. Looking settles what others wait for; after a few sendings it goes first, so that it is done for
        several at a time and yet is never put off for long.
        """
        look_first = self._sendings >= self._rules.looks_at_once
        ways = (self._claim_looks, self._claim_ready) if look_first else (self._claim_ready, self._claim_looks)
        for way in ways:
            taken = way(tx, carrier, now, retries_left)
            if taken is not None:
                self._sendings = self._sendings + 1 if taken.task is Task.SEND else 0
                return taken
        return None

    def _claim_looks(self, tx: Tx, carrier: Carrier, now: datetime, _retries_left: int) -> Taken | None:
        limit, lease_s = self._rules.looks_at_once, self._rules.lease_s
        looks = leases.claim_looks(tx, carrier.system, self.owner, now, lease_s=lease_s, limit=limit)
        return Taken(Task.LOOK, tuple(looks)) if looks else None

    def _claim_ready(self, tx: Tx, carrier: Carrier, now: datetime, retries_left: int) -> Taken | None:
        epoch = facts.restore_epoch(tx)
        ready = leases.lease(
            tx,
            carrier.system,
            self.owner,
            now,
            lease_s=self._rules.lease_s,
            batch_max=lambda kind, action: self._terms(carrier, kind, action).batch_max,
            retries_max=retries_left,
            epoch=epoch,
            look_first_max=self._rules.looks_at_once,
        )
        if not ready:
            return None
        return Taken(Task.LOOK if ready[0].epoch < epoch else Task.SEND, tuple(ready))

    def _probe(self, carrier: Carrier) -> Steps:
        try:
            why = carrier.check()
        except Exception as error:  # noqa: BLE001 (a carrier's mistake; logged, and never taken for success)
            _log.exception("carrier failed", system=carrier.system, step="check")
            why = type(error).__name__
        yield "probed"
        with self._store.writing() as tx:
            gate = gates.locked(tx, carrier.system)
            now_us = to_us(moves.db_now(tx, self._clock))
            gates.put(tx, gating.end_probe(gate, self._rules, now_us, well=why is None))
        if why is None:
            _log.info("breaker closed", system=carrier.system)
        else:
            _log.info("target still away", system=carrier.system, why=why)
        return True

    def _send(self, carrier: Carrier, leased: Sequence[Operation]) -> Steps:
        change = leased[0].change
        terms = self._terms(carrier, change.kind, change.action)
        allowed = self._hold_unapproved(leased, terms)
        if self._stop():
            self._give_back(allowed, "the worker was asked to stop")
            return True
        mark = self._clock.monotonic()
        sent = self._write_ahead(allowed, terms)
        if not sent:
            return True
        yield "wrote ahead"
        if self._clock.monotonic() - mark >= self._rules.slack_s:
            self._give_back(sent, "the worker came too late to send")
            return True
        answers = self._answers(carrier, sent)
        yield "was answered"
        self._books.book(carrier, [self._sent_entry(carrier, *pair) for pair in zip(sent, answers, strict=True)])
        return True

    def _hold_unapproved(self, leased: Sequence[Operation], terms: Terms) -> list[Operation]:
        """Money where a repeat cannot be ruled out is only sent when a person has approved it."""
        if terms.unattended:
            return list(leased)
        unapproved = [one for one in leased if one.approved_by is None]
        if unapproved:
            with self._store.writing() as tx:
                now = moves.db_now(tx, self._clock)
                moved = moves.move_held(tx, unapproved, OpState.REVIEW, now, why=verdict.NEEDS_A_PERSON)
                for one in unapproved:
                    if one.id in moved:
                        enter(tx, replace(one, state=OpState.REVIEW, why=verdict.NEEDS_A_PERSON), now)
        return [one for one in leased if one.approved_by is not None]

    def _write_ahead(self, leased: Sequence[Operation], terms: Terms) -> list[Operation]:
        """Commit to sending. If the commit itself fails, nothing was sent, whichever way it went: so it is put back."""
        if not leased:
            return []
        try:
            with self._store.writing() as tx:
                now = moves.db_now(tx, self._clock)
                deadline = now + timedelta(seconds=self._rules.slack_s)
                lease_s = self._rules.lease_s
                return leases.write_ahead(tx, leased, now, deadline=deadline, lease_s=lease_s, settle_s=terms.settle_s)
        except StoreError:
            self._give_back(leased, "the database failed before sending")
            self._give_back([replace(one, state=OpState.SENT) for one in leased], "the database failed before sending")
            raise

    def _give_back(self, held: Sequence[Operation], why: str) -> None:
        if not held:
            return
        with self._store.writing() as tx:
            leases.give_back(tx, held, moves.db_now(tx, self._clock), why)

    def _answers(self, carrier: Carrier, sent: Sequence[Operation]) -> list[Answer]:
        """Whatever a carrier does wrong may have happened after a byte had left."""
        try:
            answers = list(carrier.send(sent))
        except Exception as error:  # noqa: BLE001 (a carrier's mistake; logged, and never taken for success)
            _log.exception("carrier failed", system=carrier.system, step="send", count=len(sent))
            return [Unknown(f"sending failed: {type(error).__name__}")] * len(sent)
        if len(answers) != len(sent):
            _log.error("carrier failed", system=carrier.system, step="send", count=len(answers), expected=len(sent))
            return [Unknown("the answers do not fit what was sent")] * len(sent)
        return answers

    def _look(self, carrier: Carrier, held: Sequence[Operation], mark: float) -> Steps:
        entries: list[Entry] = []
        for at, one in enumerate(held):
            if self._stop() or self._clock.monotonic() - mark > self._rules.lease_s / 2:
                self._give_back(held[at:], one.why or "")
                break
            looked_at = self.now()
            entries.append(self._seen_entry(carrier, one, self._sighting(carrier, one), looked_at))
            yield "looked"
        self._books.book(carrier, entries)
        return True

    def _sighting(self, carrier: Carrier, held: Operation) -> Sighting:
        try:
            return carrier.look(held)
        except Exception as error:  # noqa: BLE001 (a carrier's mistake; logged, and never taken for success)
            _log.exception("carrier failed", system=carrier.system, step="look", operation=held.id)
            return NotSent(f"looking failed: {type(error).__name__}")

    def _sent_entry(self, carrier: Carrier, sent: Operation, answer: Answer) -> Entry:
        return Entry(
            sent,
            lambda _tx, now: verdict.of_answer(sent, answer, now, self._rules, self._rng),
            lambda tx, now: self._circumstances(tx, carrier, sent, now),
        )

    def _seen_entry(self, carrier: Carrier, held: Operation, seen: Sighting, looked_at: datetime) -> Entry:
        def circumstances(tx: Tx, now: datetime) -> verdict.Circumstances:
            return replace(self._circumstances(tx, carrier, held, now), looked_at=looked_at)

        def known(tx: Tx, now: datetime) -> verdict.Circumstances:
            if isinstance(seen, Missing):
                return circumstances(tx, now)
            return verdict.Circumstances(now, _CAUTIOUS, held.epoch)  # only what is not there asks for more

        return Entry(
            held,
            lambda tx, now: verdict.of_sighting(held, seen, known(tx, now), self._rules),
            circumstances,
            seen if isinstance(seen, Present) else None,
            looked=True,
        )

    def _circumstances(self, tx: Tx, carrier: Carrier, held: Operation, now: datetime) -> verdict.Circumstances:
        restored = facts.restored_us(tx)
        return verdict.Circumstances(
            now=now,
            terms=self._terms(carrier, held.change.kind, held.change.action),
            epoch=facts.restore_epoch(tx),
            restored_at=None if restored is None else from_us(restored),
            unknown_sendings=attempts.unknown_sendings(tx, held.id) if held.state is OpState.UNCERTAIN else 0,
        )

    def _terms(self, carrier: Carrier, kind: Kind, action: Action) -> Terms:
        try:
            return carrier.terms(kind, action)
        except Exception:  # noqa: BLE001 (a carrier's mistake; logged, a person decides)
            _log.exception("carrier failed", system=carrier.system, step="terms", kind=kind)
            return _CAUTIOUS
