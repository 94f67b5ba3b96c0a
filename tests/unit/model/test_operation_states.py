"""The one transition table."""

from __future__ import annotations

from ledgerbridge.model.operation import DEAD_LETTERS, FINAL, TRANSITIONS, UNFINISHED, OpState

BY_PEOPLE = {(source, to) for source, to in TRANSITIONS if source in DEAD_LETTERS}
PLANNED_AGAIN = {(source, to) for source, to in TRANSITIONS if source is OpState.CANCELLED}
BY_ITSELF = TRANSITIONS - BY_PEOPLE - PLANNED_AGAIN


def after(state: OpState) -> set[OpState]:
    return {to for source, to in TRANSITIONS if source is state}


def test_every_state_is_unfinished_or_final() -> None:
    assert set(UNFINISHED) | FINAL == set(OpState)
    assert not set(UNFINISHED) & FINAL
    assert DEAD_LETTERS < FINAL


def test_nothing_leaves_verified() -> None:
    assert after(OpState.VERIFIED) == set()


def test_nothing_becomes_sent_but_what_was_leased() -> None:
    assert {source for source, to in TRANSITIONS if to is OpState.SENT} == {OpState.LEASED}


def test_what_is_uncertain_is_never_sent_or_leased_directly() -> None:
    assert after(OpState.UNCERTAIN) == {OpState.CONFIRMED, OpState.CONFLICT, OpState.READY, OpState.REVIEW}


def test_only_what_was_read_back_is_verified() -> None:
    assert {source for source, to in TRANSITIONS if to is OpState.VERIFIED} == {OpState.CONFIRMED}


def test_taking_back_is_for_what_is_not_under_way() -> None:
    sources = {source for source, to in TRANSITIONS if to is OpState.CANCELLED}
    assert sources == {OpState.PLANNED, OpState.READY, *DEAD_LETTERS}


def test_nothing_ends_by_itself_but_in_a_final_state_and_all_can_be_reached() -> None:
    for state in OpState:
        leads = {to for source, to in BY_ITSELF if source is state}
        assert bool(leads) is (state not in FINAL)
    reached = {OpState.PLANNED}
    while True:
        more = reached | {to for source, to in TRANSITIONS if source in reached}
        if more == reached:
            break
        reached = more
    assert reached == set(OpState)


def test_every_dead_letter_can_go_on_and_be_set_aside() -> None:
    for state in DEAD_LETTERS:
        assert OpState.CANCELLED in after(state)
        assert OpState.READY in after(state)
        assert OpState.VERIFIED not in after(state)
