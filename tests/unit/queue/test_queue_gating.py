"""Breaker, pause, slots and retry budget of a far side's gate."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.queue.gating import (
    Tally,
    account,
    admit,
    begin_probe,
    closed_until,
    end_probe,
    probe_is_due,
    retries_left,
    together,
)
from ledgerbridge.queue.rules import Rules
from ledgerbridge.store.gates import Breaker, Gate

S = 1_000_000
RULES = Rules()
FAILED, REACHED = Tally(failures=1), Tally(reached=1)


def after(*tallies: Tally, gate: Gate | None = None, at_us: int = 1000 * S) -> Gate:
    gate = gate or Gate("erp")
    for tally in tallies:
        gate = account(gate, RULES, at_us, tally)
    return gate


def test_five_failures_in_a_row_open_the_breaker() -> None:
    assert after(*[FAILED] * 4).breaker is Breaker.CLOSED
    assert after(*[FAILED] * 4, REACHED, *[FAILED] * 4).breaker is Breaker.CLOSED
    assert after(*[FAILED] * 5).breaker is Breaker.OPEN


def test_half_of_twenty_within_a_minute_open_it() -> None:
    mixed = [FAILED, REACHED] * 9
    assert after(*mixed).breaker is Breaker.CLOSED
    assert after(*mixed, REACHED, FAILED).breaker is Breaker.OPEN
    gate = after(*mixed)
    assert after(REACHED, FAILED, gate=gate, at_us=1061 * S).breaker is Breaker.CLOSED


def test_an_open_breaker_wants_one_probe_after_half_a_minute_then_ever_later() -> None:
    gate = after(*[FAILED] * 5)
    now = 1000 * S
    waits = []
    for _ in range(6):
        assert not probe_is_due(gate, (gate.probe_us or 0) - 1)
        assert closed_until(gate, now) == gate.probe_us
        waits.append(((gate.probe_us or 0) - now) // S)
        now = gate.probe_us or 0
        assert probe_is_due(gate, now)
        probing = begin_probe(gate, RULES, now)
        assert not probe_is_due(probing, now), "one prober at a time"
        assert probe_is_due(probing, now + 30 * S), "one that died is replaced"
        gate = end_probe(probing, RULES, now, well=False)
    assert waits == [30, 60, 120, 240, 300, 300]
    well = end_probe(begin_probe(gate, RULES, now), RULES, now, well=True)
    assert well.breaker is Breaker.CLOSED
    assert closed_until(well, now) is None
    assert after(*[FAILED] * 4, gate=well, at_us=now).breaker is Breaker.CLOSED


def test_a_pause_is_kept_the_longest_wins() -> None:
    gate = after(Tally(reached=1, rest=timedelta(seconds=60), why="credits"))
    gate = after(Tally(reached=1, rest=timedelta(seconds=5), why="busy"), gate=gate)
    assert closed_until(gate, 1000 * S) == 1060 * S
    assert gate.pause_why == "credits"
    assert closed_until(gate, 1060 * S) is None


@given(st.integers(1, 40), st.floats(0.1, 50), st.lists(st.integers(0, 3 * S), max_size=30))
def test_slots_never_let_through_more_than_the_rate(calls: int, rate: float, steps: list[int]) -> None:
    gate, now, begin, admitted = Gate("erp"), 1000 * S, 1000 * S, 0
    for step in steps:
        now += step
        if closed_until(gate, now) is None:
            gate = admit(gate, RULES, now, calls=calls, retries=0, per_second=rate)
            admitted += calls
    assert admitted <= (now - begin) / S * rate + calls + 1


def test_without_a_rate_there_are_no_slots() -> None:
    gate = admit(Gate("erp"), RULES, 5, calls=100, retries=0, per_second=None)
    assert closed_until(gate, 5) is None


def test_retries_are_a_tenth_of_the_requests_but_some_always() -> None:
    now = 1000 * S
    gate = Gate("erp")
    assert retries_left(gate, RULES, now) == 10
    gate = admit(gate, RULES, now, calls=1, retries=10, per_second=None)
    assert retries_left(gate, RULES, now) == 0
    gate = after(*[REACHED] * 500, gate=gate)
    assert retries_left(gate, RULES, now) == 40
    assert retries_left(gate, RULES, now + 300 * S) == 10


def test_one_call_of_many_operations_is_one_sign_of_life_or_one_failure() -> None:
    assert together([FAILED] * 100) == Tally(failures=1)
    assert together([FAILED, REACHED]) == Tally(reached=1)
    rests = [Tally(rest=timedelta(seconds=n), why=str(n)) for n in (1, 9, 3)]
    assert (together(rests).rest, together(rests).why) == (timedelta(seconds=9), "9")
    assert together([]) == Tally()
