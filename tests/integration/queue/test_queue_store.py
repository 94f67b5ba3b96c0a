"""Operations in the database: added once, moved only along the table and under the fence, leased once, on both engines."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from far_books import create, intent, update

from ledgerbridge.errors import StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Change
from ledgerbridge.model.operation import FINAL, TRANSITIONS, Operation, OpState
from ledgerbridge.store import Store, Tx, attempts, bulk, gates, leases, moves, operations
from ledgerbridge.testing.fakes import FakeClock


def add(store: Store, *changes: Change, plan: str = "p", state: OpState = OpState.READY) -> operations.Added:
    with store.writing() as tx:
        return operations.add(tx, plan, [intent(change) for change in changes], state, store.clock.now())


def take(
    tx: Tx, store: Store, *, owner: str = "w", batch: int = 1, retries: int = 100, epoch: int = 0
) -> list[Operation]:
    gates.locked(tx, "erp")
    return leases.lease(
        tx,
        "erp",
        owner,
        store.clock.now(),
        lease_s=60,
        batch_max=lambda _kind, _action: batch,
        retries_max=retries,
        epoch=epoch,
        look_first_max=3,
    )


def ids(operations_: Sequence[Operation]) -> list[int]:
    return [one.id for one in operations_]


def put(store: Store, operation_id: int, state: str) -> None:
    """Set a state past the table, as no code of ours can."""
    with store.writing() as tx:
        tx.connection.execute(sa.text("UPDATE operation SET state = :s WHERE id = :i"), {"s": state, "i": operation_id})


def state_of(store: Store, operation_id: int) -> OpState:
    with store.reading() as tx:
        found = operations.get(tx, operation_id)
    assert found is not None
    return found.state


def test_a_key_that_is_known_is_not_stored_again(store: Store) -> None:
    first = add(store, create("a"), create("b"))
    assert len(first.added) == 2
    again = add(store, create("a"), create("c"), plan="q")
    assert list(again.added) == [create("c").key]
    assert again.known == {create("a").key: (first.added[create("a").key], OpState.READY)}


def test_a_dead_letter_is_told_apart_and_held(store: Store) -> None:
    one = add(store, create("a")).added[create("a").key]
    put(store, one, "review")
    again = add(store, create("a"), plan="q")
    assert again.held == {create("a").key: (one, OpState.REVIEW)}
    assert not again.added
    assert not again.known


def test_what_was_taken_back_can_be_planned_again_under_its_key(store: Store) -> None:
    one = add(store, create("a"), state=OpState.PLANNED).added[create("a").key]
    with store.writing() as tx:
        assert operations.cancel(tx, "p", store.clock.now()) == [one]
    again = add(store, create("a"), plan="q")
    assert again.added == {create("a").key: one}
    with store.reading() as tx:
        found = operations.get(tx, one)
    assert found is not None
    assert (found.state, found.plan_id, found.revision, found.epoch) == (OpState.READY, "q", 2, 0)


def test_what_was_sent_before_it_was_taken_back_is_looked_for_first(store: Store) -> None:
    one = add(store, create("a")).added[create("a").key]
    with store.writing() as tx:
        leased = take(tx, store)
        leases.write_ahead(tx, leased, store.clock.now(), deadline=store.clock.now(), lease_s=60, settle_s=150)
    put(store, one, "cancelled")
    add(store, create("a"), plan="q")
    with store.reading() as tx:
        found = operations.get(tx, one)
    assert found is not None
    assert found.epoch == operations.LONG_AGO


def test_the_database_itself_refuses_a_second_row_of_one_key(store: Store) -> None:
    add(store, create("a"))
    copy = "INSERT INTO operation (plan_id, idem_key, change, payload_hash, system, kind, action, entity, order_key, state, "
    copy += (
        "revision, fence, not_before_us, tries, looks, waits, epoch, signed, created_us, updated_us) SELECT plan_id, "
    )
    copy += "idem_key, change, payload_hash, system, kind, action, entity, order_key, state, revision, fence, not_before_us, "
    copy += "tries, looks, waits, epoch, signed, created_us, updated_us FROM operation"
    with pytest.raises(StoreError, match=r"(?i)unique"), store.writing() as tx:
        tx.connection.execute(sa.text(copy))


def test_the_database_itself_refuses_an_unknown_state(store: Store) -> None:
    one = add(store, create("a")).added[create("a").key]
    with pytest.raises(StoreError, match=r"(?i)check"):
        put(store, one, "finished")


def test_two_of_one_key_in_one_plan_are_a_mistake(store: Store) -> None:
    with pytest.raises(StoreError, match="same key"):
        add(store, create("a"), create("a"))


def test_a_need_that_is_no_operation_is_a_mistake(store: Store) -> None:
    with pytest.raises(StoreError, match="which is no operation"), store.writing() as tx:
        operations.add(tx, "p", [intent(create("b"), create("nobody"))], OpState.READY, store.clock.now())


def test_release_lets_go_and_names_who_approved(store: Store) -> None:
    one = add(store, create("a"), state=OpState.PLANNED).added[create("a").key]
    with store.writing() as tx:
        assert take(tx, store) == []
        assert operations.release(tx, "p", "amy", store.clock.now()) == [one]
        assert operations.release(tx, "p", "amy", store.clock.now()) == []
        taken = take(tx, store)
    assert [(done.id, done.approved_by, done.state, done.fence) for done in taken] == [(one, "amy", OpState.LEASED, 1)]


def test_taking_back_takes_along_what_needs_it_and_nothing_under_way(store: Store) -> None:
    with store.writing() as tx:
        now = store.clock.now()
        operations.add(tx, "p", [intent(create("a"))], OpState.READY, now)
        operations.add(tx, "q", [intent(create("b"), create("a"))], OpState.READY, now)
        operations.add(tx, "r", [intent(create("c"), create("b"))], OpState.PLANNED, now)
        assert len(operations.cancel(tx, "p", now)) == 3
        assert operations.counts(tx) == {}
    add(store, create("x"), plan="s")
    with store.writing() as tx:
        take(tx, store)
        assert operations.cancel(tx, "s", store.clock.now()) == []


def test_only_moves_of_the_table_are_made(store: Store) -> None:
    one = add(store, create("a")).added[create("a").key]
    for source, to in itertools.product(OpState, OpState):
        put(store, one, source.value)
        with store.reading() as tx:
            held = operations.get(tx, one)
        assert held is not None
        if (source, to) in TRANSITIONS:
            with store.writing() as tx:
                assert moves.move(tx, held, to, store.clock.now())
            assert state_of(store, one) is to
            with store.reading() as tx:
                found = operations.get(tx, one)
            assert found is not None
            assert (found.ended_at is not None) is (to in FINAL)
        else:
            with pytest.raises(StoreError, match=f"cannot go from {source} to {to}"), store.writing() as tx:
                moves.move(tx, held, to, store.clock.now())
            assert state_of(store, one) is source


def test_whoever_has_lost_the_fence_writes_nothing(store: Store, clock: FakeClock) -> None:
    add(store, create("a"))
    with store.writing() as tx:
        old = take(tx, store, owner="old")[0]
    clock.advance(61)
    with store.writing() as tx:
        assert leases.expired(tx, clock.now())
        assert leases.expire(tx, clock.now()) == (1, 0)
        new = take(tx, store, owner="new")[0]
        assert new.fence > old.fence
        now = clock.now()
        assert not leases.write_ahead(tx, [old], now, deadline=now, lease_s=60, settle_s=150)
        assert not moves.move(tx, old, OpState.READY, now)
        leases.give_back(tx, [old], now, "too late")
        assert leases.write_ahead(tx, [new], now, deadline=now, lease_s=60, settle_s=150)
    assert state_of(store, old.id) is OpState.SENT


def test_what_was_being_sent_when_its_worker_died_is_uncertain_until_the_settle_window_is_over(
    store: Store, clock: FakeClock
) -> None:
    one = add(store, create("a")).added[create("a").key]
    with store.writing() as tx:
        now = clock.now()
        leased = take(tx, store)
        leases.write_ahead(tx, leased, now, deadline=now + timedelta(seconds=5), lease_s=60, settle_s=150)
    clock.advance(61)
    with store.writing() as tx:
        assert leases.expire(tx, clock.now()) == (0, 1)
        assert leases.claim_looks(tx, "erp", "w", clock.now(), lease_s=60, limit=5) == []
        assert attempts.unknown_sendings(tx, one) == 1
    clock.advance(95)
    with store.writing() as tx:
        assert ids(leases.claim_looks(tx, "erp", "w", clock.now(), lease_s=60, limit=5)) == [one]
        assert leases.claim_looks(tx, "erp", "w", clock.now(), lease_s=60, limit=5) == []
    clock.advance(61)  # the one who looked died as well
    with store.writing() as tx:
        leases.expire(tx, clock.now())
        assert ids(leases.claim_looks(tx, "erp", "w", clock.now(), lease_s=60, limit=5)) == [one]


def test_writes_of_one_record_go_one_after_the_other(store: Store) -> None:
    first, second = update("a", "x"), update("a", "y")
    added = add(store, first, second)
    one, two = added.added[first.key], added.added[second.key]
    with store.writing() as tx:
        assert ids(take(tx, store, batch=10)) == [one]
        assert take(tx, store, batch=10) == []
    for state in ("sent", "uncertain", "confirmed"):
        put(store, one, state)
        with store.writing() as tx:
            assert take(tx, store) == []
    put(store, one, "verified")
    with store.writing() as tx:
        assert ids(take(tx, store)) == [two]


def test_where_a_person_must_look_at_a_record_none_is_created(store: Store) -> None:
    first, later = update("a", "x"), create("a")
    added = add(store, first, later, update("a", "z"))
    put(store, added.added[first.key], "conflict")
    with store.writing() as tx:
        assert ids(take(tx, store, batch=9)) == []
    put(store, added.added[later.key], "cancelled")
    with store.writing() as tx:
        assert ids(take(tx, store, batch=9)) == [added.added[update("a", "z").key]]


def test_needs_hold_until_verified(store: Store) -> None:
    need, other, wants = create("a"), create("o"), create("i", kind=Kind.INVOICE)
    with store.writing() as tx:
        all_of_them = [intent(need), intent(other), intent(wants, need, other)]
        added = operations.add(tx, "p", all_of_them, OpState.READY, store.clock.now()).added
    with store.writing() as tx:
        held = take(tx, store, batch=9)
        assert [one.idem_key for one in held] == [need.key, other.key]
        for one in held:
            assert moves.move(tx, one, OpState.CONFIRMED, store.clock.now())
            assert take(tx, store) == []
        for one in held:
            assert take(tx, store) == []
            assert moves.move(tx, replace(one, state=OpState.CONFIRMED), OpState.VERIFIED, store.clock.now())
        assert ids(take(tx, store)) == [added[wants.key]]
        late = operations.add(tx, "q", [intent(create("late"), need)], OpState.READY, store.clock.now())
        assert ids(take(tx, store)) == list(late.added.values())


def test_a_batch_is_of_one_kind_and_action(store: Store) -> None:
    changes = [create("a"), create("b"), create("i", kind=Kind.INVOICE), create("c"), update("z", "1")]
    add(store, *changes)
    with store.writing() as tx:
        assert [one.change.entity for one in take(tx, store, batch=2)] == ["a", "b"]
        assert [one.change.entity for one in take(tx, store, batch=9)] == ["i"]
        assert [one.change.entity for one in take(tx, store, batch=9)] == ["c"]
        assert [one.change.entity for one in take(tx, store, batch=9)] == ["z"]
        assert take(tx, store) == []


def test_what_was_sent_before_waits_when_the_retry_budget_is_used_up(store: Store) -> None:
    added = add(store, create("a"), create("b"), create("c"))
    with store.writing() as tx:
        tx.connection.execute(sa.text("UPDATE operation SET tries = 1 WHERE entity <> 'c'"))
        assert [one.change.entity for one in take(tx, store, batch=9, retries=0)] == ["c"]
        assert [one.change.entity for one in take(tx, store, batch=9, retries=1)] == ["a"]
    assert len(added.added) == 3


def test_a_change_that_was_tampered_with_goes_to_a_person(store: Store) -> None:
    one = add(store, create("a"), create("b")).added[create("a").key]
    with store.writing() as tx:
        tx.connection.execute(
            sa.text('UPDATE operation SET change = replace(change, \'"after":"a"\', \'"after":"z"\') WHERE id = :i'),
            {"i": one},
        )
        assert [taken.change.entity for taken in take(tx, store, batch=9)] == ["b"]
        found = operations.get(tx, one)
    assert found is not None
    assert (found.state, found.why) == (OpState.REVIEW, leases.SPOILT)


def test_no_operation_is_leased_twice_under_contention(store: Store) -> None:
    add(store, *(create(f"e{n}") for n in range(120)))
    taken: list[int] = []
    errors: list[BaseException] = []
    barrier = threading.Barrier(6)

    def work(name: str) -> None:
        try:
            barrier.wait()
            while True:
                with store.writing() as tx:
                    got = take(tx, store, owner=name, batch=3)
                if not got:
                    return
                taken.extend(ids(got))
        except BaseException as error:  # noqa: BLE001 (told to the main thread)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(taken) == len(set(taken)) == 120


def test_leasing_does_not_walk_over_what_cannot_go_yet(store: Store) -> None:
    """Of many rows that wait, none is looked at: the index holds them apart."""
    with store.writing() as tx:
        intents = [intent(create("a")), *(intent(create(f"e{n}"), create("a")) for n in range(3000))]
        operations.add(tx, "p", intents, OpState.READY, store.clock.now())
    with store.writing() as tx:
        assert len(take(tx, store, batch=10)) == 1
        analyse = "ANALYZE operation"
        tx.connection.exec_driver_sql(analyse)
    query = "SELECT o.id FROM operation o WHERE o.state = 'ready' AND o.system = 'erp' AND o.waits = 0 "
    query += f"AND o.not_before_us <= 99999999999999999 AND {leases._FREE} ORDER BY o.not_before_us, o.id LIMIT 1"
    explain = "EXPLAIN QUERY PLAN " if store.sqlite else "EXPLAIN "
    with store.reading() as tx:
        steps = " ".join(str(part) for row in bulk.rows_of(tx, explain + query, ()) for part in row)
    assert "ix_operation_open" in steps
    assert "ix_operation_order_key" in steps
    assert steps.count("ix_operation_open") == 1
    assert "B-TREE" not in steps
    assert "Sort" not in steps


def test_listing_filters_and_pages(store: Store) -> None:
    add(store, *(create(f"e{n}") for n in range(5)), create("i", kind=Kind.INVOICE))
    with store.reading() as tx:
        assert len(list(operations.listing(tx, states=(OpState.READY,), system="erp", kind=Kind.CUSTOMER))) == 5
        assert len(list(operations.listing(tx, states=(OpState.SENT, OpState.READY), limit=4))) == 4
        first = list(operations.listing(tx, plan_id="p", limit=2))
        rest = list(operations.listing(tx, plan_id="p", after=first[-1].id))
        assert len(rest) == 4
        assert [one.id for one in operations.of_plan(tx, "p")] == ids([*first, *rest])
        assert len(list(operations.unfinished(tx, kind=Kind.INVOICE))) == 1
        assert set(operations.by_key(tx, [create("e1").key, create("zz").key])) == {create("e1").key}
        assert operations.counts(tx) == operations.counts(tx, "p") == {OpState.READY: 6}
