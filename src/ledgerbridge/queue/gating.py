"""Decisions about a far side's gate: breaker, pause, quota slots, retry budget. Pure functions over the stored row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ledgerbridge.store.gates import Breaker, Gate

from .rules import Rules

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Tally:
    """What a step has to tell the gate: `reached`, the far side answered; `failures`, it did not; `rest`, leave it alone so
    long, because of `why`.
    """

    reached: int = 0
    failures: int = 0
    rest: timedelta | None = None
    why: str | None = None


def together(tallies: Sequence[Tally]) -> Tally:
    """What one call with several operations has to tell: it reached the far side if any of them did; the longest rest."""
    reached = any(tally.reached for tally in tallies)
    failed = not reached and any(tally.failures for tally in tallies)
    resting = [tally for tally in tallies if tally.rest is not None]
    longest = max(resting, key=lambda tally: tally.rest or timedelta(), default=Tally())
    return Tally(int(reached), int(failed), longest.rest, longest.why)


def probe_is_due(gate: Gate, now_us: int) -> bool:
    """Whether an open breaker wants one cheap read. A prober that died is replaced: its turn runs out."""
    return gate.breaker is not Breaker.CLOSED and now_us >= (gate.probe_us or 0)


def closed_until(gate: Gate, now_us: int) -> int | None:
    """Until when nothing may be sent; None if it may."""
    if gate.breaker is not Breaker.CLOSED:
        return gate.probe_us or now_us
    wait = max(gate.resume_us, gate.next_slot_us)
    return wait if wait > now_us else None


def begin_probe(gate: Gate, rules: Rules, now_us: int) -> Gate:
    """Claim the probe for a while."""
    return replace(gate, breaker=Breaker.HALF_OPEN, probe_us=now_us + _us(rules.probe_after_s))


def end_probe(gate: Gate, rules: Rules, now_us: int, *, well: bool) -> Gate:
    """Close the breaker, or wait twice as long for the next probe."""
    if well:
        return replace(
            gate,
            breaker=Breaker.CLOSED,
            failures=0,
            probes=0,
            opened_us=None,
            probe_us=None,
            window_us=now_us,
            window_requests=0,
            window_failures=0,
        )
    probes = gate.probes + 1
    wait = min(rules.probe_after_max_s, rules.probe_after_s * 2 ** min(probes, 20))
    return replace(gate, breaker=Breaker.OPEN, probes=probes, probe_us=now_us + _us(wait))


def retries_left(gate: Gate, rules: Rules, now_us: int) -> int:
    """How many operations that were sent before may be sent again in this window."""
    gate = _budget(gate, rules, now_us)
    allowed = max(rules.budget_min, int(gate.budget_requests * rules.budget_share))
    return max(0, allowed - gate.budget_retries)


def admit(gate: Gate, rules: Rules, now_us: int, *, calls: int, retries: int, per_second: float | None) -> Gate:
    """Set apart what is about to be asked: `calls` use up quota slots (evenly spaced, GCRA), `retries` use up the budget."""
    if retries:
        gate = _budget(gate, rules, now_us)
        gate = replace(gate, budget_retries=gate.budget_retries + retries)
    if per_second is None:
        return gate
    slot = max(gate.next_slot_us, now_us) + int(calls * _SECOND_US / per_second)
    return replace(gate, next_slot_us=slot)


def account(gate: Gate, rules: Rules, now_us: int, tally: Tally) -> Gate:
    """Learn from what was asked; may open the breaker or begin a pause."""
    gate = _budget(gate, rules, now_us)
    if now_us - gate.window_us >= _us(rules.breaker_window_s):
        gate = replace(gate, window_us=now_us, window_requests=0, window_failures=0)
    gate = replace(
        gate,
        failures=0 if tally.reached else gate.failures + tally.failures,
        window_requests=gate.window_requests + tally.reached + tally.failures,
        window_failures=gate.window_failures + tally.failures,
        budget_requests=gate.budget_requests + tally.reached + tally.failures,
    )
    if tally.rest is not None:
        until = now_us + int(tally.rest.total_seconds() * _SECOND_US)
        if until > gate.resume_us:
            gate = replace(gate, resume_us=until, pause_why=tally.why)
    if gate.breaker is Breaker.CLOSED and tally.failures and _is_broken(gate, rules):
        probe_us = now_us + _us(rules.probe_after_s)
        gate = replace(gate, breaker=Breaker.OPEN, opened_us=now_us, probe_us=probe_us, probes=0)
    return gate


def _is_broken(gate: Gate, rules: Rules) -> bool:
    if gate.failures >= rules.breaker_failures:
        return True
    enough = gate.window_requests >= rules.breaker_requests_min
    return enough and gate.window_failures >= gate.window_requests * rules.breaker_share


def _budget(gate: Gate, rules: Rules, now_us: int) -> Gate:
    if now_us - gate.budget_us < _us(rules.budget_window_s):
        return gate
    return replace(gate, budget_us=now_us, budget_requests=0, budget_retries=0)


def _us(seconds: float) -> int:
    return int(seconds * _SECOND_US)
