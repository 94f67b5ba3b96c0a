"""Thousands of small histories with kills, pauses, lost and late replies; the far side's books say whether they went well.

`LEDGERBRIDGE_SEEDS` sets how many per class (default 25), `LEDGERBRIDGE_FIRST_SEED` where to begin. Each failure names its seed.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import simulation
import sqlalchemy as sa
from far_books import FarBooks, create, intent
from memory_store import MemoryStore
from simulation import K, L, N, World
from wrong_clock import WrongClock

from ledgerbridge.model.operation import OpState
from ledgerbridge.queue.port import Terms
from ledgerbridge.store import Store, audit, facts, moves, operations, to_us
from ledgerbridge.testing.fakes import FakeClock

SEEDS = int(os.environ.get("LEDGERBRIDGE_SEEDS", "25"))
FIRST = int(os.environ.get("LEDGERBRIDGE_FIRST_SEED", "0"))
ONCE_FAILED: dict[str, tuple[int, ...]] = {"K": (2, 6, 8, 9, 11), "L": (6, 8, 11, 101, 103), "N": (9, 10, 11)}
"""Seeds that found a mistake once: claims of dead workers that nobody took over."""
CLASSES = {"K": K, "L": L, "N": N}


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_twice_nothing_lost_nothing_stuck(name: str, quick_store: Store, clock: FakeClock) -> None:
    tally = simulation.Tally()
    for seed in (*ONCE_FAILED[name], *simulation.runs(FIRST, SEEDS)):
        simulation.play(quick_store, clock, seed, CLASSES[name], tally)
    assert tally.kills > SEEDS
    to_people = tally.to_people / tally.operations
    assert to_people < (0.10 if name != "N" else 0.6), f"{to_people:.1%} went to a person"
    with quick_store.reading() as tx:
        assert audit.verify(tx).fault is None


def test_a_run_follows_from_its_seed_alone(quick_store: Store, clock: FakeClock) -> None:
    def documents(far: FarBooks) -> list[tuple[str, str]]:
        return [(document.key, document.number) for document in far.documents]

    first = simulation.play(quick_store, clock, 4711, K)
    second = simulation.play(quick_store, clock, 4711, K)
    assert first.sendings == second.sendings
    assert documents(first) == documents(second)


def restore_half(store: Store) -> None:
    """Put the database back to before anything was sent, as a backup of before the machine was last started, and say so."""
    with store.writing() as tx:
        fresh = (
            "UPDATE operation SET state = 'ready', tries = 0, looks = 0, foreign_id = NULL, owner = NULL, "
            "lease_until_us = NULL, send_deadline_us = NULL, sent_us = NULL, ended_us = NULL, why = NULL, "
            "not_before_us = created_us, updated_us = created_us, "
            "waits = (SELECT count(*) FROM operation_need n WHERE n.operation_id = operation.id)"
        )
        tx.connection.execute(sa.text(fresh))
        tx.connection.execute(sa.text("DELETE FROM attempt"))
        tx.connection.execute(sa.text("DELETE FROM target_gate"))
        tx.connection.execute(sa.text("DELETE FROM workspace WHERE name = 'queue_clock'"))
        facts.restored(tx, to_us(moves.db_now(tx, store.clock)))


RESTORED = World(terms=Terms(resend=True, resends_max=1), merges=False, again=restore_half, remembers=False)


def test_a_restored_backup_sends_nothing_twice(quick_store: Store, clock: FakeClock) -> None:
    for seed in simulation.runs(FIRST, max(15, SEEDS // 3)):
        simulation.play(quick_store, clock, seed, RESTORED)


def plan_again(store: Store) -> None:
    """Plan what is planned once more: every key is known, nothing is added."""
    assert isinstance(store.clock, FakeClock)
    with store.writing() as tx:
        added = operations.add(
            tx, "again", [intent(create("a")), intent(create("b"))], OpState.READY, store.clock.now()
        )
        assert not added.added


def test_the_same_plan_again_doubles_nothing(quick_store: Store, clock: FakeClock) -> None:
    for seed in simulation.runs(FIRST, max(10, SEEDS // 4)):
        simulation.play(
            quick_store, clock, seed, World(K.terms, merges=False, again=plan_again, faults={"reply lost": 0.2})
        )


def test_what_no_person_has_approved_is_not_sent_where_it_must_be(quick_store: Store, clock: FakeClock) -> None:
    world = World(terms=Terms(resend=True, resends_max=1, unattended=False), merges=False, approved_by=None)
    tally = simulation.Tally()
    far = simulation.play(quick_store, clock, 1, world, tally)
    assert far.sendings == []
    with quick_store.reading() as tx:
        assert operations.counts(tx, "plan") == {OpState.REVIEW: 2, OpState.READY: 3}


@pytest.mark.parametrize("world", [*CLASSES.values(), RESTORED], ids=[*CLASSES, "restored"])
def test_in_memory_the_same_happens(world: World, quick_store: Store, sqlite_template: Path, clock: FakeClock) -> None:
    """The store of `python -m tests.chaos.histories` proves what a file would."""
    in_memory = MemoryStore(sqlite_template, clock)
    for store in (quick_store, in_memory):
        store.clock = WrongClock()
    torn = replace(world, torn=0.08)
    played = [simulation.play(store, store.clock, 4711, torn) for store in (quick_store, in_memory)]  # type: ignore[arg-type]
    assert played[0].sendings
    assert played[0].sendings == played[1].sendings
