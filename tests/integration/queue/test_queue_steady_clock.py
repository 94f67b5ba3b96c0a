"""The time of operations on SQLite: even while the machine's clock is set, anew after the machine was started again."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from far_books import create, intent
from wrong_clock import WrongClock

from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import OpState
from ledgerbridge.store import Store, bulk, facts, gates, moves, operations, steady, to_us

HOUR = 3600 * 1_000_000


@pytest.fixture
def machine(quick_store: Store) -> WrongClock:
    clock = WrongClock()
    quick_store.clock = clock
    return clock


def add(store: Store, name: str, state: OpState) -> int:
    """An operation whose windows are open for another hour."""
    with store.writing() as tx:
        at = moves.db_now(tx, store.clock)
        added = operations.add(tx, name, [intent(create(name))], OpState.READY, at)
        (operation_id,) = added.added.values()
        sets = "state = ?, send_deadline_us = ?, not_before_us = ?, lease_until_us = ?"
        soon = to_us(at) + HOUR
        lease = soon if state in {OpState.LEASED, OpState.SENT} else None
        bulk.run(tx, f"UPDATE operation SET {sets} WHERE id = ?", (state.value, soon, soon, lease, operation_id))
    return operation_id


def windows(store: Store, operation_id: int) -> tuple[int, ...]:
    """For how long they are still open: not before, send deadline, lease."""
    with store.writing() as tx:
        now_us = to_us(moves.db_now(tx, store.clock))
        sql = "SELECT not_before_us, send_deadline_us, lease_until_us FROM operation WHERE id = ?"
        return tuple(value - now_us for value in bulk.rows_of(tx, sql, (operation_id,))[0] if value is not None)


def follow(store: Store) -> bool:
    with store.writing() as tx:
        strayed = steady.strays(tx, store.clock)
        steady.follow(tx, store.clock)
    return strayed


@pytest.mark.parametrize("jump_s", [-3600.0, 5.0, 86_400.0])
def test_no_window_ends_because_the_clock_is_set(quick_store: Store, machine: WrongClock, jump_s: float) -> None:
    held = add(quick_store, "a", OpState.SENT)
    machine.set_wrong(jump_s)
    machine.advance(10)
    assert not follow(quick_store), "something is under way"
    assert windows(quick_store, held) == (HOUR - 10_000_000,) * 3


@pytest.mark.parametrize("state", [OpState.READY, OpState.REVIEW, OpState.CONFLICT, OpState.REJECTED])
def test_the_clock_is_followed_when_nothing_is_under_way(
    quick_store: Store, machine: WrongClock, state: OpState
) -> None:
    waiting = add(quick_store, "a", state)
    with quick_store.writing() as tx:
        now_us = to_us(moves.db_now(tx, machine))
        gates.locked(tx, "erp")
        gates.put(tx, gates.Gate("erp", resume_us=now_us + HOUR, next_slot_us=now_us + 7))
        facts.restored(tx, now_us)
    machine.set_wrong(-7200.0)
    assert follow(quick_store)
    assert not follow(quick_store)
    assert windows(quick_store, waiting) == (HOUR, HOUR)
    with quick_store.reading() as tx:
        now_us = to_us(moves.db_now(tx, machine))
        assert now_us == to_us(machine.now())
        gate = gates.every(tx)[0]
        assert (gate.resume_us, gate.next_slot_us, gate.probe_us) == (now_us + HOUR, now_us + 7, None)
        assert facts.restored_us(tx) == now_us


def test_a_small_difference_is_let_be(quick_store: Store, machine: WrongClock) -> None:
    add(quick_store, "a", OpState.READY)
    machine.set_wrong(1.5)
    assert not follow(quick_store)


@pytest.mark.parametrize("wrong_s", [-7200.0, 0.0, 7200.0])
def test_after_another_start_windows_begin_anew_and_nobody_holds_anything(
    quick_store: Store, machine: WrongClock, wrong_s: float
) -> None:
    held, retried = add(quick_store, "a", OpState.SENT), add(quick_store, "b", OpState.REVIEW)
    with quick_store.writing() as tx:
        facts.restored(tx, to_us(moves.db_now(tx, machine)))
    machine.advance(100)
    machine.restart()
    machine.set_wrong(wrong_s)
    assert follow(quick_store)
    for one in (held, retried):
        not_before, deadline, *lease = windows(quick_store, one)
        assert not_before <= HOUR
        assert deadline == 0, "the settle window is counted from the first look"
        assert lease in ([], [0])
    with quick_store.reading() as tx:
        assert facts.restored_us(tx) == to_us(machine.now())


def test_a_reader_is_told_the_clock_until_somebody_writes(quick_store: Store, machine: WrongClock) -> None:
    machine.set_wrong(99.0)
    with quick_store.reading() as tx:
        assert moves.db_now(tx, machine) == machine.now()
        assert steady.strays(tx, machine)
    assert follow(quick_store)
    machine.set_wrong(0.0)
    with quick_store.reading() as tx:
        assert moves.db_now(tx, machine) - machine.now() == timedelta(seconds=99)


@pytest.mark.skipif(sys.platform != "linux", reason="the time since the start of the machine is known on Linux only")
def test_all_processes_of_a_machine_count_alike() -> None:
    asked = "from ledgerbridge.clock import SystemClock; print(*SystemClock().since_boot())"
    before = SystemClock().since_boot()
    boot, us = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    after = SystemClock().since_boot()
    assert before is not None
    assert after is not None
    assert before.boot == boot == after.boot
    assert before.us < int(us) < after.us


@pytest.mark.postgres
def test_on_postgresql_the_servers_clock_counts(postgres_address: str) -> None:
    clock = SystemClock()
    with Store.open(postgres_address, clock=clock) as store, store.writing() as tx:
        assert not steady.strays(tx, clock)
        steady.follow(tx, clock)
        assert moves.db_now(tx, clock).tzinfo is not None
        assert "queue_clock" not in facts.every(tx)
