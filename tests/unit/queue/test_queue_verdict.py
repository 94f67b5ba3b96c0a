"""What answers and sightings lead to."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.operation import (
    TRANSITIONS,
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
from ledgerbridge.queue.port import Terms
from ledgerbridge.queue.rules import Rules, backoff, look_delay
from ledgerbridge.queue.verdict import Circumstances, of_answer, of_sighting
from ledgerbridge.store import from_us, to_us

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
RULES = Rules()
REF = Ref(system="erp", kind=Kind.CUSTOMER, external_id="D1")
CHANGE = Change(action=Action.CREATE, system="erp", kind=Kind.CUSTOMER, entity="a", because="new")
SENT = Operation(
    id=1,
    plan_id="p",
    idem_key=CHANGE.key,
    change=CHANGE,
    state=OpState.SENT,
    order_key="o",
    revision=1,
    fence=1,
    tries=1,
    looks=0,
    epoch=0,
    not_before=NOW,
    send_deadline=NOW - timedelta(seconds=200),
    foreign=None,
    why=None,
    sent_at=NOW - timedelta(seconds=205),
)
UNCERTAIN = replace(SENT, state=OpState.UNCERTAIN)
CONFIRMED = replace(SENT, state=OpState.CONFIRMED, foreign=REF)
LEASED = replace(SENT, state=OpState.LEASED, send_deadline=None)
ANSWERS = st.one_of(
    st.just(Done(REF)),
    st.builds(
        NotSent,
        st.just("no"),
        st.none() | st.floats(0, 1e6),
        st.booleans(),
        st.booleans(),
    ),
    st.just(Unknown("?")),
    st.just(Rejected("closed", "1")),
    st.just(Moved("changed")),
)
SIGHTINGS = st.one_of(
    st.just(Present(REF)),
    st.just(Missing()),
    st.just(Differs("amount", REF)),
    st.builds(NotSent, st.just("no"), st.none() | st.floats(0, 1e6), st.booleans(), st.booleans()),
)


def at(
    *, resend: bool = True, unknown: int = 1, resends_max: int = 5, restored: datetime | None = None
) -> Circumstances:
    terms = Terms(resend=resend, resends_max=resends_max)
    return Circumstances(NOW, terms, epoch=0 if restored is None else 1, restored_at=restored, unknown_sendings=unknown)


def wait_of(sets: dict[str, object]) -> float:
    found = sets["not_before_us"]
    assert isinstance(found, int)
    return (from_us(found) - NOW).total_seconds()


@given(answer=ANSWERS, tries=st.integers(1, 13), seed=st.integers())
def test_every_answer_leads_along_the_table_and_only_proof_leads_back(answer: Answer, tries: int, seed: int) -> None:
    found = of_answer(replace(SENT, tries=tries), answer, NOW, RULES, random.Random(seed))
    assert (OpState.SENT, found.to) in TRANSITIONS
    if found.to is OpState.READY:
        assert isinstance(answer, NotSent)
        assert 0 <= wait_of(found.sets) <= RULES.pause_max_s
    if isinstance(answer, Unknown):
        assert found.to is OpState.UNCERTAIN
        assert "not_before_us" not in found.sets  # the end of the settle window stands since before the sending


@given(
    held=st.sampled_from([UNCERTAIN, CONFIRMED, LEASED]),
    seen=SIGHTINGS,
    looks=st.integers(0, 6),
    resend=st.booleans(),
    unknown=st.integers(0, 8),
)
def test_every_sighting_leads_along_the_table(
    held: Operation, seen: Sighting, looks: int, resend: bool, unknown: int
) -> None:
    found = of_sighting(replace(held, looks=looks), seen, at(resend=resend, unknown=unknown), RULES)
    assert found.to is held.state or (held.state, found.to) in TRANSITIONS
    if found.to is held.state:
        assert "not_before_us" in found.sets, "it would be looked at without end"
    if held.state is OpState.UNCERTAIN and found.to is OpState.READY:
        assert isinstance(seen, Missing)
        assert resend
    if found.to is OpState.VERIFIED:
        assert isinstance(seen, Present)


def test_absent_counts_only_after_the_settle_window() -> None:
    early = replace(UNCERTAIN, send_deadline=NOW - timedelta(seconds=100))
    found = of_sighting(early, Missing(), at(), RULES)
    assert (found.to, wait_of(found.sets)) == (OpState.UNCERTAIN, 50)
    assert of_sighting(UNCERTAIN, Missing(), at(), RULES).to is OpState.READY


@pytest.mark.parametrize("held", [UNCERTAIN, CONFIRMED, replace(UNCERTAIN, state=OpState.LEASED)], ids=str)
def test_what_was_not_there_before_the_window_ended_is_looked_for_again(held: Operation) -> None:
    """However late it is written down: the worker may have slept in between, and what was sent may have appeared."""
    early = replace(at(), looked_at=NOW - timedelta(seconds=60))
    found = of_sighting(held, Missing(), early, RULES)
    back = OpState.READY if held.state is OpState.LEASED else held.state
    assert (found.to, wait_of(found.sets)) == (back, -50)
    assert "epoch" not in found.sets


def test_absent_and_not_to_be_repeated_is_for_a_person_unless_one_has_signed() -> None:
    assert of_sighting(UNCERTAIN, Missing(), at(resend=False), RULES).to is OpState.REVIEW
    assert of_sighting(replace(UNCERTAIN, signed=True), Missing(), at(resend=False), RULES).to is OpState.READY


def test_a_repeat_that_is_allowed_once_is_not_made_twice() -> None:
    assert of_sighting(UNCERTAIN, Missing(), at(resends_max=1, unknown=1), RULES).to is OpState.READY
    assert of_sighting(UNCERTAIN, Missing(), at(resends_max=1, unknown=2), RULES).to is OpState.REVIEW


def test_what_differs_or_stands_twice_is_a_conflict() -> None:
    for held in (UNCERTAIN, CONFIRMED, LEASED):
        assert of_sighting(held, Differs("two"), at(), RULES).to is OpState.CONFLICT


def test_what_was_confirmed_and_is_not_there_is_looked_for_again_once_the_window_is_over() -> None:
    early = replace(CONFIRMED, send_deadline=NOW - timedelta(seconds=10))
    found = of_sighting(early, Missing(), at(), RULES)
    assert (found.to, wait_of(found.sets)) == (OpState.CONFIRMED, 140)
    assert of_sighting(CONFIRMED, Missing(), at(), RULES).to is OpState.CONFLICT


def test_looks_in_vain_follow_the_schedule_and_end_with_a_person() -> None:
    waits = []
    held = UNCERTAIN
    while True:
        found = of_sighting(held, NotSent("no right to read"), at(), RULES)
        if found.to is OpState.REVIEW:
            break
        waits.append(wait_of(found.sets))
        held = replace(held, looks=found.sets["looks"])
    assert waits == [60, 300, 900, 3600]


def test_a_far_side_that_is_away_costs_no_look_and_no_person() -> None:
    held = replace(UNCERTAIN, looks=4)
    for seen in (NotSent("away", target_down=True), NotSent("no credits", paused=True)):
        found = of_sighting(held, seen, at(), RULES)
        assert found.to is OpState.UNCERTAIN
        assert "looks" not in found.sets


def test_after_a_restore_absent_counts_only_when_what_was_sent_before_has_settled() -> None:
    just_now = at(restored=NOW - timedelta(seconds=50))
    for held, stays in ((replace(LEASED, epoch=0), OpState.READY), (UNCERTAIN, OpState.UNCERTAIN)):
        found = of_sighting(held, Missing(), just_now, RULES)
        assert (found.to, wait_of(found.sets), "epoch" in found.sets) == (stays, 100, False)
    long_ago = at(restored=NOW - timedelta(seconds=500))
    found = of_sighting(replace(LEASED, epoch=0), Missing(), long_ago, RULES)
    assert (found.to, found.sets["epoch"]) == (OpState.READY, 1)


def test_a_pause_burns_no_try() -> None:
    paused = of_answer(replace(SENT, tries=12), NotSent("no credits", 7200, paused=True), NOW, RULES, random.Random(1))
    assert (paused.to, paused.sets["tries"], wait_of(paused.sets)) == (OpState.READY, 11, 7200)
    assert paused.tally.rest == timedelta(hours=2)
    assert paused.tally.why == "no credits"


def test_retry_after_is_kept_within_reason() -> None:
    for asked, kept in ((0.0, 1.0), (30.0, 30.0), (1e6, 3600.0)):
        found = of_answer(SENT, NotSent("busy", asked), NOW, RULES, random.Random(1))
        assert found.tally.rest == timedelta(seconds=kept)


@pytest.mark.parametrize(
    ("tries", "age_s", "to"),
    [(11, 10, OpState.READY), (12, 10, OpState.REVIEW), (3, 86_399, OpState.READY), (3, 86_401, OpState.REVIEW)],
)
def test_trying_ends_after_twelve_times_or_a_day(tries: int, age_s: float, to: OpState) -> None:
    held = replace(SENT, tries=tries, sent_at=NOW - timedelta(seconds=age_s))
    assert of_answer(held, NotSent("away", target_down=True), NOW, RULES, random.Random(1)).to is to


@given(tries=st.integers(0, 100), seed=st.integers())
def test_the_wait_between_tries_is_jittered_below_a_doubling_ceiling(tries: int, seed: int) -> None:
    wait = backoff(RULES, tries, random.Random(seed)).total_seconds()
    assert 0 <= wait <= min(900, 2 * 2 ** max(tries - 1, 0))


def test_tries_do_not_all_wait_alike() -> None:
    rng = random.Random(7)
    assert len({backoff(RULES, 5, rng) for _ in range(50)}) == 50
    assert max(backoff(RULES, 30, rng) for _ in range(200)) > timedelta(minutes=12)


def test_the_look_schedule_has_an_end() -> None:
    assert [look_delay(RULES, looks) is None for looks in range(1, 7)] == [False, False, False, False, True, True]
    assert to_us(NOW) > 0
