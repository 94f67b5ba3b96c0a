"""Several workers taking turns step by step, killed and left lying anywhere, on one clock; judged by the far side's books.

It is the engine's own code and a real database. Everything follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from far_books import Broken, FarBooks, FarCarrier, create, intent, update
from torn_commits import Tearing
from wrong_clock import WrongClock

from ledgerbridge.errors import StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.operation import FINAL, Operation, OpState
from ledgerbridge.queue.engine import Engine, Steps
from ledgerbridge.queue.port import Terms
from ledgerbridge.queue.rules import Rules
from ledgerbridge.store import Store, attempts, bulk, from_us, moves, operations
from ledgerbridge.testing.fakes import FakeClock

FAULTS: Final = {
    "reply lost": 0.10,
    "late": 0.08,
    "request lost": 0.06,
    "refused": 0.06,
    "busy": 0.03,
    "paused": 0.02,
    "bug after": 0.03,
    "down": 0.02,
}
LIVENESS: Final = timedelta(seconds=150 + 15 * 60 + 60)
"""Settle, the longest back-off, and one lease that has to run out first."""
BACKOFF: Final = timedelta(minutes=15)
JUMP: Final = 0.03
"""How often, per step, a clock that may jump does."""
RESTART: Final = 0.01
"""How often, per step, a machine whose clock may jump is switched off and on."""


@dataclass(slots=True)
class World:
    """What a run is about. `terms` and `merges` make the safety class: K merges and resends, L resends once, N never."""

    terms: Terms = field(default_factory=lambda: Terms(resend=True, batch_max=2))
    merges: bool = True
    searchable: bool = True
    faults: dict[str, float] = field(default_factory=lambda: dict(FAULTS))
    kill: float = 0.04
    pause: float = 0.03
    torn: float = 0.0
    """The share of commits that fail, half of them after all was stored."""
    jumps: tuple[float, ...] = ()
    """By how many seconds the machine's clock may suddenly be wrong; the far side's stays right."""
    workers: int = 3
    approved_by: str | None = "amy"
    settled_rules: Rules = field(default_factory=Rules)
    steps: int = 110
    remembers: bool = True
    """False: the database was put back, so it cannot know of all sendings."""
    again: Callable[[Store], None] | None = None
    """Called once in the first half, with no worker alive: to restore an old copy, to plan the same again."""


K: Final = World(faults=FAULTS | {"frozen": 0.03})
L: Final = World(terms=Terms(resend=True, resends_max=1), merges=False)
N: Final = World(terms=Terms(resend=False), merges=False, searchable=False)


@dataclass(slots=True)
class Tally:
    """What runs added up to."""

    operations: int = 0
    kills: int = 0
    torn: int = 0
    jumps: int = 0
    restarts: int = 0
    to_people: int = 0


@dataclass(slots=True)
class Hand:
    """One worker: its engine, what it is in the middle of, and until when it lies frozen."""

    engine: Engine
    steps: Steps | None = None
    asleep_until: float = 0.0


def clear(store: Store) -> None:
    """Forget all operations, so that one store serves many runs."""
    with store.writing() as tx:
        for table in ("attempt", "operation_need", "operation", "target_gate"):
            tx.connection.execute(sa.text(f"DELETE FROM {table}"))
        tx.connection.execute(sa.text("DELETE FROM workspace WHERE name IN ('queue_clock', 'restored_us')"))


def play(store: Store, clock: FakeClock, seed: int, world: World, tally: Tally | None = None) -> FarBooks:
    """One run; Broken (naming the seed) for whatever the write path owes and did not keep."""
    try:
        return _play(store, clock, random.Random(seed), world, tally or Tally())
    except Broken as error:
        raise Broken(f"seed {seed}: {error}") from error


def _play(store: Store, clock: FakeClock, rng: random.Random, world: World, tally: Tally) -> FarBooks:
    clear(store)
    far = FarBooks(
        clock.truth if isinstance(clock, WrongClock) else clock, rng, world.merges, world.searchable, dict(world.faults)
    )
    carrier = FarCarrier("erp", far, store, world.terms)
    planned = plan(store, clock, world.approved_by)
    tally.operations += planned

    def engine() -> Engine:
        return Engine(store, {"erp": carrier}, clock, owner=f"w{rng.random()}", rules=world.settled_rules, rng=rng)

    hands = [Hand(engine()) for _ in range(world.workers)]
    tearing = Tearing(store, rng, world.torn)
    middle = rng.randrange(4, world.steps // 2)
    for step in range(world.steps):
        if step == middle and world.again is not None:
            hands = [Hand(engine()) for _ in range(world.workers)]
            world.again(store)
        hand = rng.choice(hands)
        dice = rng.random()
        if dice < world.kill:
            hand.engine, hand.steps = engine(), None
            tally.kills += 1
        elif dice < world.kill + world.pause:
            hand.asleep_until = clock.monotonic() + rng.uniform(0, 200)
        elif clock.monotonic() >= hand.asleep_until:
            _one_step_that_may_tear(hand, tearing)
        if world.jumps:
            assert isinstance(clock, WrongClock)
            if rng.random() < RESTART:
                clock.restart()
                hands = [Hand(engine()) for _ in range(world.workers)]
                tally.restarts += 1
            if rng.random() < JUMP:
                clock.set_wrong(rng.choice(world.jumps))
                tally.jumps += 1
        clock.advance(rng.choice((0, 0, 0.2, 1, 5, 30)))
    tally.torn += tearing.torn
    if isinstance(clock, WrongClock):
        clock.set_wrong(0.0)
    _end(store, clock, far, hands)
    _judge(store, far, world, tally)
    return far


def plan(store: Store, clock: FakeClock, approved_by: str | None) -> int:
    """Two customers, an invoice that needs the first, and two updates of the first one after the other."""
    a, b = create("a"), create("b")
    invoice = create("i", kind=Kind.INVOICE)
    intents = [intent(a), intent(b), intent(invoice, a), intent(update("a", "x"), a), intent(update("a", "y"), a)]
    with store.writing() as tx:
        at = moves.db_now(tx, clock)
        added = operations.add(tx, "plan", intents, OpState.READY, at, approved_by=approved_by)
    return len(added.added)


def _one_step_that_may_tear(hand: Hand, tearing: Tearing) -> None:
    """A step whose commits may fail; a worker that is told so goes on from the rows, as its process would."""
    before = tearing.torn
    try:
        with tearing.at_work():
            _one_step(hand)
    except StoreError:
        if tearing.torn == before:
            raise
        hand.steps = None


def _one_step(hand: Hand) -> bool:
    if hand.steps is None:
        due = hand.engine.due()
        if not due:
            return False
        hand.steps = hand.engine.work(due[0])
    try:
        next(hand.steps)
    except StopIteration as end:
        hand.steps = None
        return bool(end.value)
    return True


def _end(store: Store, clock: FakeClock, far: FarBooks, hands: list[Hand]) -> None:
    """Faults stop; whoever lies frozen wakes some time. What is still unfinished after LIVENESS is stuck."""
    far.chances = {}
    far.down_until = None
    now = hands[0].engine.now
    patience = LIVENESS + max((gap(one[2], now()) for one in unfinished(store)), default=timedelta())
    stuck_at = clock.monotonic() + patience.total_seconds()
    while unfinished(store):
        if clock.monotonic() > stuck_at:
            raise Broken(f"stuck though nothing fails any more: {unfinished(store)}")
        did = [_one_step(hand) for hand in hands if clock.monotonic() >= hand.asleep_until]
        if not any(did):
            moment = hands[0].engine.next_moment()
            waking = [hand.asleep_until - clock.monotonic() for hand in hands]
            wait = 1.0 if moment is None else (moment - now()).total_seconds()
            clock.advance(max(0.5, min([wait, *(nap for nap in waking if nap > 0)])))
    for hand in hands:  # the last of those who slept wake up and must find that it is over
        clock.advance(max(0.0, hand.asleep_until - clock.monotonic()))
        while _one_step(hand):
            pass
    far.clock.sleep(1000)
    far.settle_late()


def gap(not_before_us: int, now: datetime) -> timedelta:
    """How far ahead a pause of the far side has put off an operation: that is its right, not our being stuck."""
    return max(timedelta(), from_us(not_before_us) - now - BACKOFF)


def unfinished(store: Store) -> list[tuple[int, str, int, str | None]]:
    """Id, state, not_before and why of what is on its way and does not wait for another one."""
    ended = ", ".join(f"'{state}'" for state in FINAL)
    sql = f"SELECT id, state, not_before_us, why FROM operation WHERE state NOT IN ({ended}) AND waits = 0"
    with store.reading() as tx:
        return [(row[0], row[1], row[2], row[3]) for row in bulk.rows_of(tx, sql, ())]


def _judge(store: Store, far: FarBooks, world: World, tally: Tally) -> None:
    with store.reading() as tx:
        ended = list(operations.listing(tx))
        sql = f"SELECT operation_id, count(*) FROM attempt WHERE what = '{attempts.SEND}' GROUP BY operation_id"
        written = dict(bulk.rows_of(tx, sql, ()))
    for one in ended:
        copies = far.count(one.idem_key)
        if copies > 1:
            raise Broken(f"operation {one.id} stands {copies} times in the far side's books")
        if one.state is OpState.VERIFIED and copies != 1:
            raise Broken(f"operation {one.id} is verified and not in the far side's books")
        if one.state is OpState.REJECTED and copies:
            raise Broken(f"operation {one.id} is taken for refused and stands in the far side's books")
        if one.state is OpState.CANCELLED:
            raise Broken(f"operation {one.id} was taken back by nobody")
        if one.state is OpState.READY and not _blocked_by_dead_letter(one, ended):
            raise Broken(f"operation {one.id} waits for nothing that a person has in hand")
        tally.to_people += one.state in {OpState.REVIEW, OpState.CONFLICT}
        if world.remembers and far.sendings.count(one.idem_key) > written.get(one.id, 0):
            raise Broken(f"operation {one.id} was sent more often than was written down before")


def _blocked_by_dead_letter(one: Operation, ended: list[Operation]) -> bool:
    dead = {OpState.REVIEW, OpState.CONFLICT, OpState.REJECTED, OpState.READY}
    return any(other.state in dead for other in ended if other.id != one.id)


def runs(first: int, count: int) -> Iterator[int]:
    """Seeds, spread so that neighbouring counts share none of their dice."""
    yield from range(first, first + count)
