"""Any order of planning, approving, working, dying, waiting, failing and people's decisions keeps what the write path promises.

A trigger in the database writes down every change of an operation's row: what is judged is what was stored, whichever code
stored it. `LEDGERBRIDGE_EXAMPLES` and `LEDGERBRIDGE_STEPS` size it (default 8 of 30).
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from far_books import FarBooks, FarCarrier, create, intent, update
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from simulation import LIVENESS, K, L, N, World, clear, gap, unfinished

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.base import Kind
from ledgerbridge.model.operation import DEAD_LETTERS, TRANSITIONS, Intent, OpState
from ledgerbridge.queue import deadletters
from ledgerbridge.queue.engine import Engine, Steps
from ledgerbridge.store import Store, attempts, audit, bulk, operations
from ledgerbridge.testing.fakes import FakeClock

EXAMPLES: Final = int(os.environ.get("LEDGERBRIDGE_EXAMPLES", "8"))
STEPS: Final = int(os.environ.get("LEDGERBRIDGE_STEPS", "30"))
FATES: Final = (
    "ok", "ok", "reply lost", "request lost", "late", "refused", "busy", "paused", "bug after", "down", "rejected",
)  # fmt: skip
CLASSES: Final[dict[str, World]] = {"K": K, "L": L, "N": N}
WATCH: Final = (
    """CREATE TABLE watched (
        id INTEGER, was TEXT, is_now TEXT, fence_was INTEGER, fence INTEGER, tries_was INTEGER, tries INTEGER)""",
    """CREATE TRIGGER watch AFTER UPDATE ON operation BEGIN
        INSERT INTO watched VALUES (new.id, old.state, new.state, old.fence, new.fence, old.tries, new.tries); END""",
)


class Scripted(FarBooks):
    """The next fates are told to it, one a request; then all goes well."""

    def befalls(self) -> str:
        """The next one."""
        return self.fates.pop(0) if self.fates else "ok"

    fates: list[str]


def everything() -> dict[str, list[Intent]]:
    """Plans: three records, one that needs another, writes of one record one after the other."""
    a, b, c = create("a"), create("b"), create("c")
    invoice = create("i", kind=Kind.INVOICE)
    return {
        "p1": [intent(a), intent(invoice, a), intent(update("a", "x"), a)],
        "p2": [intent(b), intent(update("a", "y"))],
        "p3": [intent(c), intent(update("c", "z"), c)],
    }


class WritePath(RuleBasedStateMachine):
    """Two workers, people, and a far side that does what it is told to."""

    store: Store
    clock: FakeClock

    @initialize(name=st.sampled_from(sorted(CLASSES)), seed=st.integers(0, 100))
    def begin(self, name: str, seed: int) -> None:
        self.world = CLASSES[name]
        clear(self.store)
        with self.store.writing() as tx:
            tx.connection.execute(sa.text("DELETE FROM watched"))
        self.rng = random.Random(seed)
        self.far = Scripted(self.clock, self.rng, self.world.merges, self.world.searchable)
        self.far.fates = []
        self.carrier = FarCarrier("erp", self.far, self.store, self.world.terms)
        self.hands: list[tuple[Engine, Steps | None]] = [(self.worker(), None) for _ in range(2)]
        self.discarded: set[int] = set()
        self.restores = 0

    def worker(self) -> Engine:
        return Engine(self.store, {"erp": self.carrier}, self.clock, owner=f"w{self.rng.random()}", rng=self.rng)

    # -- what planners and approvers do

    @rule(plan=st.sampled_from(["p1", "p2", "p3"]), ready=st.booleans())
    def plan(self, plan: str, ready: bool) -> None:
        """Also again: what is known is not added, what was taken back stands again."""
        with self.store.writing() as tx:
            known = operations.by_key(tx, [one.change.key for one in everything()[plan]])
            state = OpState.READY if ready else OpState.PLANNED
            added = operations.add(
                tx, plan, everything()[plan], state, self.clock.now(), approved_by="amy" if ready else None
            )
        assert set(added.added) == {
            one.change.key for one in everything()[plan]
            if one.change.key not in known or known[one.change.key].state is OpState.CANCELLED
        }  # fmt: skip

    @rule(plan=st.sampled_from(["p1", "p2", "p3"]))
    def approve(self, plan: str) -> None:
        with self.store.writing() as tx:
            operations.release(tx, plan, "amy", self.clock.now())

    @rule(plan=st.sampled_from(["p1", "p2", "p3"]))
    def cancel(self, plan: str) -> None:
        with self.store.writing() as tx:
            self.discarded |= set(operations.cancel(tx, plan, self.clock.now()))

    # -- what workers, machines and far sides do

    @rule(which=st.integers(0, 1), steps=st.integers(1, 4))
    def work(self, which: int, steps: int) -> None:
        for _ in range(steps):
            self.step(which)

    def step(self, which: int) -> bool:
        engine, steps = self.hands[which]
        if steps is None:
            due = engine.due()
            if not due:
                return False
            steps = engine.work(due[0])
        try:
            next(steps)
        except StopIteration as end:
            self.hands[which] = (engine, None)
            return bool(end.value)
        self.hands[which] = (engine, steps)
        return True

    @rule(which=st.integers(0, 1))
    def die(self, which: int) -> None:
        self.hands[which] = (self.worker(), None)

    @rule(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=3))
    def befall(self, fates: list[str]) -> None:
        self.far.fates = fates

    @rule(seconds=st.sampled_from([1.0, 6.0, 61.0, 160.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # -- what people do

    def dead(self) -> list[int]:
        states = ", ".join(f"'{state}'" for state in DEAD_LETTERS)
        with self.store.reading() as tx:
            rows = bulk.rows_of(tx, f"SELECT id FROM operation WHERE state IN ({states}) ORDER BY id", ())
        return [row[0] for row in rows]

    @precondition(lambda self: self.dead())
    @rule(pick=st.integers(0, 20))
    def retry(self, pick: int) -> None:
        ids = self.dead()
        operation_id = ids[pick % len(ids)]
        self.far.refused.clear()  # what was refused has been mended before anybody tries again
        deadletters.retry(self.store, self.clock, operation_id, actor="bob", why="mended")

    @precondition(lambda self: self.dead())
    @rule(pick=st.integers(0, 20))
    def discard(self, pick: int) -> None:
        ids = self.dead()
        gone, along = deadletters.discard(self.store, self.clock, ids[pick % len(ids)], actor="bob", why="not wanted")
        self.discarded |= {gone.id, *along}

    @rule(operation_id=st.integers(1, 7))
    def meddle(self, operation_id: int) -> None:
        """Nobody may retry or discard what is not a dead letter."""
        if operation_id not in self.dead():
            for act in (deadletters.retry, deadletters.discard):
                with pytest.raises(ActRefused):
                    act(self.store, self.clock, operation_id, actor="bob", why="curious")

    @precondition(lambda self: self.restores < 2)
    @rule()
    def restored(self) -> None:
        self.restores += 1
        deadletters.restored(self.store, self.clock, actor="bob")

    # -- what must hold at every moment

    @invariant()
    def only_moves_of_the_table_under_a_fence_that_grows(self) -> None:
        with self.store.writing() as tx:
            rows = bulk.rows_of(
                tx, "SELECT id, was, is_now, fence_was, fence, tries_was, tries FROM watched ORDER BY rowid", ()
            )
            tx.connection.execute(sa.text("DELETE FROM watched"))
        for operation_id, was, now, fence_was, fence, tries_was, tries in rows:
            told = f"operation {operation_id}: {was} under {fence_was} became {now} under {fence}"
            assert was == now or (OpState(was), OpState(now)) in TRANSITIONS, told
            assert fence >= fence_was, told
            assert now != "leased" or fence > fence_was, f"{told}: taken without a new fence"
            assert (was, now) != ("leased", "sent") or (fence, tries) == (fence_was, tries_was + 1), told

    @invariant()
    def nothing_stands_twice(self) -> None:
        keys = [document.key for document in self.far.documents]
        assert len(keys) == len(set(keys)), f"{len(keys) - len(set(keys))} doubled"

    def nothing_left_that_was_not_written_down(self) -> None:
        with self.store.reading() as tx:
            for one in operations.listing(tx):
                written = sum(attempt.what == "send" for attempt in attempts.of_operation(tx, one.id))
                assert self.far.sendings.count(one.idem_key) <= written, f"operation {one.id}"

    # -- what must hold when nothing fails any more

    def teardown(self) -> None:
        if not hasattr(self, "far"):
            return
        self.far.fates, self.far.down_until = [], None
        stuck_at = self.clock.now() + LIVENESS
        stuck_at += max((gap(one[2], self.clock.now()) for one in self.moving()), default=stuck_at - stuck_at)
        while self.moving():
            assert self.clock.now() <= stuck_at, f"stuck though nothing fails any more: {self.moving()}"
            did = [self.step(which) for which in range(2)]
            if not any(did):
                at = self.hands[0][0].next_moment()
                self.clock.advance(1.0 if at is None else max(1.0, (at - self.clock.now()).total_seconds()))
        self.clock.advance(1000.0)
        self.far.settle_late()
        self.only_moves_of_the_table_under_a_fence_that_grows()
        self.nothing_stands_twice()
        self.nothing_left_that_was_not_written_down()
        self.everything_has_a_reason()

    def moving(self) -> list[tuple[int, str, int, str | None]]:
        """What must go on by itself: not what waits for an approval or behind what a person has in hand."""
        found = [one for one in unfinished(self.store) if one[1] != "planned"]
        blocked = self.blocked()
        return [one for one in found if not (one[1] == "ready" and one[0] in blocked)]

    def blocked(self) -> set[int]:
        """Ready creates of a record that a person must look at: none is created meanwhile."""
        with self.store.reading() as tx:
            every = list(operations.listing(tx))
        conflicts = {one.order_key for one in every if one.state is OpState.CONFLICT}
        return {one.id for one in every if one.change.action == "create" and one.order_key in conflicts}

    def everything_has_a_reason(self) -> None:
        with self.store.reading() as tx:
            every = list(operations.listing(tx))
            needs = bulk.rows_of(tx, "SELECT operation_id, needs_key FROM operation_need", ())
        by_key = {one.idem_key: one for one in every}
        for one in every:
            copies = self.far.count(one.idem_key)
            told = f"operation {one.id}, {one.state}, is {copies} times in the far side's books"
            assert one.state is not OpState.VERIFIED or copies == 1, told
            assert one.state is not OpState.CANCELLED or one.id in self.discarded, told
            assert one.state not in DEAD_LETTERS or one.why, f"{told}, and nobody says why"
            if one.state is OpState.READY:
                waits = [by_key[key].state for operation_id, key in needs if operation_id == one.id]
                assert one.id in self.blocked() or any(state is not OpState.VERIFIED for state in waits), told


@pytest.mark.timeout(max(120, EXAMPLES * STEPS // 4))
def test_whatever_happens_in_whatever_order(tmp_path: Path, sqlite_template: Path, hushed: None) -> None:
    memory = Path("/dev/shm")
    path = (memory if memory.is_dir() else tmp_path) / f"lb-machine-{os.getpid()}.db"
    shutil.copy(sqlite_template, path)
    clock = FakeClock()
    try:
        with Store.open(path, clock=clock) as store:
            with store.writing() as tx:
                for statement in WATCH:
                    tx.connection.execute(sa.text(statement))
            machine = type("Machine", (WritePath,), {"store": store, "clock": clock})
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
            with store.reading() as tx:
                assert audit.verify(tx).fault is None
    finally:
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()
