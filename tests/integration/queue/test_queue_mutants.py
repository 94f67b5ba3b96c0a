"""Planted mistakes: each of them must be found by the simulation, or the simulation proves nothing."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import simulation
from far_books import Broken
from simulation import FAULTS, K, L, N, World
from test_queue_simulation import RESTORED

from ledgerbridge.errors import StoreError
from ledgerbridge.model.operation import Differs, Missing, NotSent, Operation, OpState, Rejected, Unknown
from ledgerbridge.queue import engine, gating, verdict
from ledgerbridge.queue.port import Terms
from ledgerbridge.queue.rules import Rules
from ledgerbridge.store import Store, Tx, attempts, bulk, facts, gates, leases, moves, operations, to_us
from ledgerbridge.testing.fakes import FakeClock

SEEDS = 150
FOUND_BY = {"has_no_fence": 55, "looks_too_early_after_a_restore": 50, "takes_failed_looks_for_absence": 14}
"""Seeds that are tried first, because they have found these mistakes before; the others follow."""
Plant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, tuple[World, Plant]] = {}

OFTEN_LOST = FAULTS | {"reply lost": 0.3, "late": 0.15}
KILLED = World(terms=L.terms, merges=False, kill=0.12)
FROZEN = World(terms=L.terms, merges=False, pause=0.12)
LOSING = World(terms=L.terms, merges=False, faults=OFTEN_LOST)


def mutant(world: World) -> Callable[[Plant], Plant]:
    """Register a mistake, and the world in which it must show."""

    def enter(plant: Plant) -> Plant:
        MUTANTS[plant.__name__] = (world, plant)
        return plant

    return enter


def answered_otherwise(
    patch: pytest.MonkeyPatch, change: Callable[[Operation, Any, verdict.Verdict], verdict.Verdict]
) -> None:
    right = verdict.of_answer

    def wrong(sent: Operation, answer: Any, now: datetime, rules: Rules, rng: random.Random) -> verdict.Verdict:
        return change(sent, answer, right(sent, answer, now, rules, rng))

    patch.setattr(verdict, "of_answer", wrong)


def seen_otherwise(
    patch: pytest.MonkeyPatch, change: Callable[[Operation, Any, verdict.Verdict], verdict.Verdict]
) -> None:
    right = verdict.of_sighting

    def wrong(held: Operation, seen: Any, at: verdict.Circumstances, rules: Rules) -> verdict.Verdict:
        return change(held, seen, right(held, seen, at, rules))

    patch.setattr(verdict, "of_sighting", wrong)


@mutant(L)
def sends_again_after_a_timeout(patch: pytest.MonkeyPatch) -> None:
    answered_otherwise(
        patch,
        lambda _sent, answer, right: (
            replace(right, to=OpState.READY, sets={"not_before_us": 0, "why": "again"})
            if isinstance(answer, Unknown)
            else right
        ),
    )


@mutant(L)
def takes_a_timeout_for_success(patch: pytest.MonkeyPatch) -> None:
    answered_otherwise(
        patch,
        lambda sent, answer, right: (
            replace(right, to=OpState.CONFIRMED, sets={"foreign_id": f"X{sent.id}"})
            if isinstance(answer, Unknown)
            else right
        ),
    )
    seen_otherwise(
        patch,
        lambda held, _seen, right: (
            replace(right, to=OpState.VERIFIED, sets={}) if held.state is OpState.CONFIRMED else right
        ),
    )


@mutant(LOSING)
def looks_before_the_settle_window_is_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "_settled", lambda _held, _at: None)
    right = leases.write_ahead

    def wrong(tx: Tx, leased: Sequence[Operation], at: datetime, **given: Any) -> list[Operation]:
        return right(tx, leased, at, **(given | {"settle_s": 0.0}))

    patch.setattr(leases, "write_ahead", wrong)


@mutant(KILLED)
def forgets_what_was_being_sent(patch: pytest.MonkeyPatch) -> None:
    """As if `sent` had not been committed before the first byte: a dead worker's sendings look as if nothing had left."""
    patch.setattr(leases, "expire", expiring(lambda _state: OpState.READY))


@mutant(KILLED)
def never_takes_back_a_lease(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leases, "expire", lambda _tx, _at: (0, 0))


def expiring(to: Callable[[OpState], OpState]) -> Callable[[Tx, datetime], tuple[int, int]]:
    def expire(tx: Tx, at: datetime) -> tuple[int, int]:
        late = moves.Sql("lease_until_us <= ?", (to_us(at),))
        for state in (OpState.LEASED, OpState.SENT):
            fence = moves.Sql("fence + 1")
            moves.move_all(tx, state, to(state), at, late, fence=fence, not_before_us=to_us(at))
        for state in (OpState.CONFIRMED, OpState.UNCERTAIN):
            moves.claim(tx, state, late, owner=None, lease_until_us=None)
        return 0, 0

    return expire


@mutant(FROZEN)
def has_no_fence(patch: pytest.MonkeyPatch) -> None:
    def by_id_alone(held: Sequence[Operation]) -> moves.Sql:
        return moves.Sql(f"id IN ({', '.join('?' * len(held))})", tuple(one.id for one in held))

    patch.setattr(moves, "_held", by_id_alone)


@mutant(FROZEN)
def sends_however_late_it_has_become(patch: pytest.MonkeyPatch) -> None:
    right = engine.Engine.__init__

    def wrong(self: engine.Engine, *given: Any, **named: Any) -> None:
        right(self, *given, **named)
        self._rules = replace(self._rules, slack_s=1e9)

    def write_ahead(self: engine.Engine, leased: Sequence[Operation], terms: Terms) -> list[Operation]:
        if not leased:
            return []
        with self._store.writing() as tx:
            now = moves.db_now(tx, self._clock)
            deadline = now + timedelta(seconds=5)
            return leases.write_ahead(tx, leased, now, deadline=deadline, lease_s=60, settle_s=terms.settle_s)

    patch.setattr(engine.Engine, "__init__", wrong)
    patch.setattr(engine.Engine, "_write_ahead", write_ahead)


@mutant(K)
def takes_another_key_for_every_try(patch: pytest.MonkeyPatch) -> None:
    right = leases.write_ahead

    def wrong(tx: Tx, leased: Sequence[Operation], at: datetime, **given: Any) -> list[Operation]:
        return [replace(one, idem_key=f"{one.idem_key}/{one.tries}") for one in right(tx, leased, at, **given)]

    patch.setattr(leases, "write_ahead", wrong)


@mutant(K)
def ignores_what_must_come_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(operations, "_note_needs", noting_without_waiting(operations._note_needs))


def noting_without_waiting(right: Callable[..., None]) -> Callable[..., None]:
    def wrong(tx: Tx, *given: Any) -> None:
        right(tx, *given)
        bulk.run(tx, "UPDATE operation SET waits = 0", ())

    return wrong


@mutant(K)
def lets_go_of_dependents_too_early(patch: pytest.MonkeyPatch) -> None:
    right = moves._move

    def wrong(tx: Tx, source: OpState, to: OpState, at: datetime, where: moves.Sql, sets: dict[str, Any]) -> list[int]:
        moved = right(tx, source, to, at, where, sets)
        if to is OpState.CONFIRMED and moved:
            moves._let_go_of_dependents(tx, moved)
        return moved

    patch.setattr(moves, "_move", wrong)


@mutant(K)
def lets_writes_of_one_record_overtake(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leases, "_FREE", "1 = 1")


@mutant(RESTORED)
def ignores_the_restore_epoch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(facts, "restore_epoch", lambda _tx: 0)


@mutant(replace(RESTORED, faults={"late": 0.6}, kill=0.0, pause=0.0))
def looks_too_early_after_a_restore(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verdict, "_missing_before_sending", sending_at_once)


def sending_at_once(_held: Operation, at: verdict.Circumstances) -> verdict.Verdict:
    return verdict.Verdict(OpState.READY, "missing", {"epoch": at.epoch, "not_before_us": to_us(at.now)})


@mutant(replace(K, faults={"down": 0.3}))
def never_closes_the_breaker(patch: pytest.MonkeyPatch) -> None:
    right = gating.end_probe
    patch.setattr(gating, "end_probe", lambda gate, rules, now, **_: right(gate, rules, now, well=False))


@mutant(K)
def never_comes_back_from_a_pause(patch: pytest.MonkeyPatch) -> None:
    right = gating.account

    def wrong(gate: gates.Gate, rules: Rules, now_us: int, tally: gating.Tally) -> gates.Gate:
        after = right(gate, rules, now_us, tally)
        return replace(after, resume_us=now_us + 10**12) if tally.rest is not None else after

    patch.setattr("ledgerbridge.queue.booking.account", wrong)


@mutant(K)
def never_verifies(patch: pytest.MonkeyPatch) -> None:
    right = leases.claim_looks

    def wrong(tx: Tx, *given: Any, **named: Any) -> list[Operation]:
        return [one for one in right(tx, *given, **named) if one.state is not OpState.CONFIRMED]

    patch.setattr(leases, "claim_looks", wrong)


@mutant(N)
def sends_again_what_must_never_be(patch: pytest.MonkeyPatch) -> None:
    seen_otherwise(
        patch,
        lambda held, seen, right: (
            replace(right, to=OpState.READY, sets={"not_before_us": 0})
            if isinstance(seen, Missing) and held.state is OpState.UNCERTAIN
            else right
        ),
    )


@mutant(L)
def takes_failed_looks_for_absence(patch: pytest.MonkeyPatch) -> None:
    seen_otherwise(
        patch,
        lambda held, seen, right: (
            replace(right, to=OpState.READY, sets={"not_before_us": 0})
            if isinstance(seen, NotSent) and held.state is OpState.UNCERTAIN
            else right
        ),
    )


@mutant(World(terms=L.terms, merges=False, faults=FAULTS | {"rejected": 0.1}))
def sends_what_was_refused_again(patch: pytest.MonkeyPatch) -> None:
    answered_otherwise(
        patch,
        lambda _sent, answer, right: (
            replace(right, to=OpState.READY, sets={"not_before_us": 0}) if isinstance(answer, Rejected) else right
        ),
    )


@mutant(LOSING)
def takes_a_mistake_after_sending_for_not_sent(patch: pytest.MonkeyPatch) -> None:
    def answers(self: engine.Engine, carrier: Any, sent: Sequence[Operation]) -> list[Any]:
        try:
            return list(carrier.send(sent))
        except RuntimeError as error:
            return [NotSent(str(error))] * len(sent)

    patch.setattr(engine.Engine, "_answers", answers)


@mutant(World(terms=Terms(resend=True, unattended=False), approved_by=None))
def sends_without_the_approval_that_is_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine.Engine, "_hold_unapproved", lambda _self, leased, _terms: list(leased))


@mutant(K)
def writes_nothing_down_before_sending(patch: pytest.MonkeyPatch) -> None:
    def wrong(_self: engine.Engine, leased: Sequence[Operation], _terms: Terms) -> list[Operation]:
        return [replace(one, state=OpState.SENT) for one in leased]

    patch.setattr(engine.Engine, "_write_ahead", wrong)


@mutant(K)
def loses_the_reason_to_look(patch: pytest.MonkeyPatch) -> None:
    seen_otherwise(
        patch,
        lambda held, seen, right: (
            replace(right, to=OpState.CONFLICT, sets={"why": "?"})
            if isinstance(seen, Missing | Differs) and held.state is OpState.UNCERTAIN
            else right
        ),
    )


@mutant(KILLED)
def claims_are_for_ever(patch: pytest.MonkeyPatch) -> None:
    """The mistake that the simulation found first: who was looking and died kept the operation."""
    right = leases.expire

    def wrong(tx: Tx, at: datetime) -> tuple[int, int]:
        held = "SELECT id, owner, lease_until_us FROM operation WHERE lease_until_us IS NOT NULL AND state IN "
        rows = bulk.rows_of(tx, held + "('uncertain', 'confirmed')", ())
        found = right(tx, at)
        for operation_id, owner, until in rows:
            bulk.run(
                tx, "UPDATE operation SET owner = ?, lease_until_us = ? WHERE id = ?", (owner, until, operation_id)
            )
        return found

    patch.setattr(leases, "expire", wrong)


@contextlib.contextmanager
def planted(plant: Plant) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        yield


@pytest.mark.parametrize("name", MUTANTS)
def test_every_planted_mistake_is_found(name: str, quick_store: Store, clock: FakeClock) -> None:
    world, plant = MUTANTS[name]
    people = simulation.Tally()
    with planted(plant):
        for seed in (FOUND_BY.get(name, 0), *range(SEEDS)):
            try:
                simulation.play(quick_store, clock, seed, world, people)
            except (Broken, StoreError):
                return
            # What only makes work for people is found by how much of it there is: with keys that merge there is none.
            if world.merges and people.operations >= 75 and people.to_people / people.operations > 0.10:
                return
    pytest.fail(f"{name}: {SEEDS} runs and nobody noticed")


def test_there_are_at_least_twenty() -> None:
    assert len(MUTANTS) >= 20
    assert attempts.UNKNOWN == "unknown"
