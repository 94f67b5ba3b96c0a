"""What an answer or a sighting means for an operation: its next state and what to set beside. Pure, but for the dice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ledgerbridge.model.operation import (
    Answer,
    Differs,
    Done,
    Missing,
    Moved,
    NotSent,
    Operation,
    OpState,
    Present,
    Rejected,
    Sighting,
    Unknown,
)
from ledgerbridge.store import to_us

from .gating import Tally
from .port import Terms
from .rules import Rules, backoff, clamp_retry_after, look_delay

NEEDS_A_PERSON = "writes of this kind are only sent when a person has approved them"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`to`: the next state, the present one if it stays. `sets`: columns. `outcome`: the word for the attempt's row."""

    to: OpState
    outcome: str
    sets: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def why(self) -> str:
        """The reason that is stored, if any."""
        return str(self.sets.get("why") or "")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a verdict depends on besides the operation: the moment, the terms of such writes, the restore epoch and when it
    began, and how often this operation's outcome has stayed unknown. `looked_at`: when the look-up that is judged began; what
    was not there then may have appeared since.
    """

    now: datetime
    terms: Terms
    epoch: int
    restored_at: datetime | None = None
    unknown_sendings: int = 0
    looked_at: datetime | None = None

    def before(self, settled: datetime | None) -> bool:
        """Whether it was looked for too early for its absence to mean anything."""
        return settled is not None and (self.looked_at or self.now) < settled


def of_answer(sent: Operation, answer: Answer, now: datetime, rules: Rules, rng: random.Random) -> Verdict:
    """What follows from the answer to a sending. Whatever does not prove that nothing was sent leaves it uncertain."""
    match answer:
        case Done(ref):
            sets = {"foreign_id": ref.external_id, "not_before_us": to_us(now), "looks": 0, "why": None}
            return Verdict(OpState.CONFIRMED, "done", sets, tally=Tally(reached=1))
        case NotSent():
            return _not_sent(sent, answer, now, rules, rng)
        case Rejected(why, code):
            return Verdict(OpState.REJECTED, "rejected", {"why": why}, code, Tally(reached=1))
        case Moved(why):
            return Verdict(OpState.CONFLICT, "moved", {"why": why}, tally=Tally(reached=1))
        case Unknown(why):
            return Verdict(OpState.UNCERTAIN, "unknown", {"why": why}, tally=Tally(failures=1))


def _not_sent(sent: Operation, answer: NotSent, now: datetime, rules: Rules, rng: random.Random) -> Verdict:
    rest = None
    if answer.retry_after_s is not None or answer.paused:
        asked = rules.blocked_s if answer.retry_after_s is None else answer.retry_after_s
        rest = clamp_retry_after(rules, asked, paused=answer.paused)
    tally = Tally(reached=int(not answer.target_down), failures=int(answer.target_down), rest=rest, why=answer.why)
    if answer.paused and rest is not None:
        sets = {"tries": sent.tries - 1, "not_before_us": to_us(now + rest), "why": answer.why}
        return Verdict(OpState.READY, "paused", sets, tally=tally)
    began = sent.sent_at or now
    if sent.tries >= rules.tries_max or now - began > timedelta(seconds=rules.retry_for_s):
        why = f"tried {sent.tries} times, nothing was written: {answer.why}"
        return Verdict(OpState.REVIEW, "not_sent", {"why": why}, tally=tally)
    wait = max(backoff(rules, sent.tries, rng), rest or timedelta())
    return Verdict(OpState.READY, "not_sent", {"not_before_us": to_us(now + wait), "why": answer.why}, tally=tally)


def of_sighting(held: Operation, seen: Sighting, at: Circumstances, rules: Rules) -> Verdict:
    """What follows from looking: at one that is uncertain, one that is confirmed, or a leased one of before a restore."""
    match seen:
        case NotSent():
            return _could_not_look(held, seen, at.now, rules)
        case Differs(why, ref):
            sets: dict[str, Any] = {"why": why} | ({} if ref is None else {"foreign_id": ref.external_id})
            return Verdict(OpState.CONFLICT, "differs", sets, tally=Tally(reached=1))
        case Present(ref):
            sets = {"foreign_id": ref.external_id, "looks": 0, "not_before_us": to_us(at.now), "why": None}
            to = OpState.VERIFIED if held.state is OpState.CONFIRMED else OpState.CONFIRMED
            return Verdict(to, "present", sets, tally=Tally(reached=1))
        case Missing():
            if held.state is OpState.CONFIRMED:
                return _missing_though_done(held, at)
            if held.state is OpState.LEASED:
                return _missing_before_sending(held, at)
            return _missing_when_uncertain(held, at)


def _could_not_look(held: Operation, seen: NotSent, now: datetime, rules: Rules) -> Verdict:
    """A far side that is away as a whole costs nobody a look-up; anything else counts, until a person must help."""
    rest = None
    if seen.retry_after_s is not None or seen.paused:
        asked = rules.blocked_s if seen.retry_after_s is None else seen.retry_after_s
        rest = clamp_retry_after(rules, asked, paused=seen.paused)
    tally = Tally(reached=int(not seen.target_down), failures=int(seen.target_down), rest=rest, why=seen.why)
    back = OpState.READY if held.state is OpState.LEASED else held.state
    if seen.target_down or seen.paused:
        wait = max(rest or timedelta(), timedelta(seconds=rules.blocked_s))
        return Verdict(back, "could_not_look", {"not_before_us": to_us(now + wait)}, tally=tally)
    looks = held.looks + 1
    delay = look_delay(rules, looks)
    if delay is None:
        why = f"looked {looks} times in vain: {seen.why}"
        return Verdict(OpState.REVIEW, "could_not_look", {"looks": looks, "why": why}, tally=tally)
    sets = {"looks": looks, "not_before_us": to_us(now + max(delay, rest or timedelta())), "why": seen.why}
    return Verdict(back, "could_not_look", sets, tally=tally)


def _settled(held: Operation, at: Circumstances) -> datetime | None:
    """When a write that was lost is sure to have appeared, if it is ever to; None if nothing was sent.

    What was planned or looked for before a restore may have been sent in the hours that the restore has wiped out.
    """
    last: list[datetime] = [] if held.send_deadline is None else [held.send_deadline]
    if held.epoch < at.epoch and at.restored_at is not None:
        last.append(at.restored_at)
    return max(last) + timedelta(seconds=at.terms.settle_s) if last else None


def _missing_though_done(held: Operation, at: Circumstances) -> Verdict:
    """A search may lag behind: it is looked for once more after the settle window."""
    settled = _settled(held, at)
    if settled is not None and at.before(settled):
        return Verdict(OpState.CONFIRMED, "missing", {"not_before_us": to_us(settled)}, tally=Tally(reached=1))
    why = "the far side said it was written, and it is not there"
    return Verdict(OpState.CONFLICT, "missing", {"why": why}, tally=Tally(reached=1))


def _missing_before_sending(held: Operation, at: Circumstances) -> Verdict:
    """Planned before a restore, or taken back and planned again: now it may be sent like any other."""
    settled = _settled(held, at)
    if settled is not None and at.before(settled):
        return Verdict(OpState.READY, "missing", {"not_before_us": to_us(settled)}, tally=Tally(reached=1))
    sets = {"epoch": at.epoch, "looks": 0, "not_before_us": to_us(at.now)}
    return Verdict(OpState.READY, "missing", sets, tally=Tally(reached=1))


def _missing_when_uncertain(held: Operation, at: Circumstances) -> Verdict:
    """Absent counts only after the settle window; then the same key is sent again, if such writes may be."""
    settled = _settled(held, at)
    if settled is not None and at.before(settled):
        return Verdict(OpState.UNCERTAIN, "missing", {"not_before_us": to_us(settled)}, tally=Tally(reached=1))
    may = at.terms.resend and at.unknown_sendings <= at.terms.resends_max
    if may or held.signed:
        sets = {"epoch": at.epoch, "looks": 0, "not_before_us": to_us(at.now), "why": "not there: may be sent again"}
        return Verdict(OpState.READY, "missing", sets, tally=Tally(reached=1))
    times = "" if at.unknown_sendings <= 1 else f" after {at.unknown_sendings} sendings"
    why = f"not there{times}; sending it again could write it twice, a person must decide"
    return Verdict(OpState.REVIEW, "missing", {"looks": held.looks + 1, "why": why}, tally=Tally(reached=1))
