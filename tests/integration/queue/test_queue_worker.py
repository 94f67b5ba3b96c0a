"""Workers as a whole: draining, stopping, batches, pauses, breakers, budgets, carriers that make mistakes, dead letters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from far_books import create, intent
from swift_carrier import SwiftCarrier

from ledgerbridge.clock import SystemClock
from ledgerbridge.errors import ActRefused
from ledgerbridge.model.change import Change
from ledgerbridge.model.operation import (
    Answer,
    Differs,
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
from ledgerbridge.queue import deadletters
from ledgerbridge.queue.engine import Engine
from ledgerbridge.queue.port import Terms
from ledgerbridge.queue.wakeup import InProcess
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, Tx, attempts, audit, gates, operations
from ledgerbridge.store.gates import Breaker
from ledgerbridge.testing.fakes import FakeClock

pytestmark = pytest.mark.usefixtures("hushed")


@pytest.fixture
def store(quick_store: Store) -> Store:
    """What the database does is tested on both engines beside this; here it is mostly about what the worker does."""
    return quick_store


class Scripted(SwiftCarrier):
    """Answers what it is told to, then well. `says` and `shows` are used up from the front, per operation asked for."""

    def __init__(self, says: Sequence[Answer | Exception] = (), shows: Sequence[Sighting] = (), **given: Any) -> None:
        super().__init__("erp", **given)
        self.says = list(says)
        self.shows = list(shows)
        self.well: list[str | None] = []
        self.checks = 0
        self.looks: list[int] = []
        self.books_fail: Callable[[Operation], bool] = lambda _operation: False
        self.booked: list[str] = []

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        answers = list(super().send(operations))
        for at in range(len(answers)):
            if self.says:
                said = self.says.pop(0)
                if isinstance(said, Exception):
                    raise said
                answers[at] = said
                if not isinstance(said, Unknown):
                    self.written.remove(operations[at].idem_key)
        return tuple(answers)

    def look(self, operation: Operation) -> Sighting:
        self.looks.append(operation.id)
        return self.shows.pop(0) if self.shows else super().look(operation)

    def check(self) -> str | None:
        self.checks += 1
        return self.well.pop(0) if self.well else None

    def confirmed(self, tx: Tx, operation: Operation, seen: Present | None) -> None:
        if self.books_fail(operation):
            raise ValueError("our books cannot take it")
        self.booked.append(operation.change.entity)


def add(store: Store, *changes: Change, plan: str = "p", approved_by: str | None = None) -> list[int]:
    with store.writing() as tx:
        intents = [intent(change) for change in changes]
        added = operations.add(tx, plan, intents, OpState.READY, store.clock.now(), approved_by=approved_by)
    return sorted(added.added.values())


def one(store: Store, operation_id: int) -> Operation:
    with store.reading() as tx:
        found = operations.get(tx, operation_id)
    assert found is not None
    return found


def outcomes(store: Store, operation_id: int) -> list[tuple[str, str | None]]:
    with store.reading() as tx:
        return [(tried.what, tried.outcome) for tried in attempts.of_operation(tx, operation_id)]


def worker(store: Store, clock: FakeClock, carrier: SwiftCarrier, **given: Any) -> Worker:
    return Worker(store, {carrier.system: carrier}, clock, seed=1, **given)


def test_draining_writes_and_reads_back_all_of_a_plan(either_store: Store, clock: FakeClock) -> None:
    store = either_store
    carrier = SwiftCarrier("erp", Terms(resend=True, batch_max=10))
    add(store, *(create(f"e{n}") for n in range(25)))
    moves: list[tuple[int, OpState]] = []
    done = worker(store, clock, carrier).drain("p", progress=lambda now, _before: moves.append((now.id, now.state)))
    assert done.states == {OpState.VERIFIED: 25}
    assert (done.waiting, done.next_at) == (0, None)
    assert carrier.batches == [10, 10, 5]
    assert len(moves) == 50
    assert clock.slept == []
    with store.reading() as tx:
        assert audit.verify(tx).fault is None
        assert audit.verify(tx).entries == 25


def test_several_threads_drain_the_same_without_doubling(either_store: Store) -> None:
    store = either_store
    carrier = SwiftCarrier("erp", Terms(resend=True, batch_max=3))
    add(store, *(create(f"e{n}") for n in range(40)))
    with_threads = Worker(store, {"erp": carrier}, SystemClock(), concurrency=4)
    store.clock = SystemClock()
    assert with_threads.drain("p").states == {OpState.VERIFIED: 40}
    assert len(carrier.written) == len(set(carrier.written)) == 40


def test_a_lost_answer_is_waited_for_and_settled_by_looking(either_store: Store, clock: FakeClock) -> None:
    store = either_store
    carrier = Scripted([Unknown("no answer")])
    (first,) = add(store, create("a"))
    begin = clock.now()
    assert worker(store, clock, carrier).drain("p").states == {OpState.VERIFIED: 1}
    assert clock.now() - begin >= timedelta(seconds=155)
    assert carrier.written == [create("a").key]
    assert outcomes(store, first) == [("send", "unknown"), ("look", "present")]


def test_draining_does_not_wait_longer_than_it_may(store: Store, clock: FakeClock) -> None:
    carrier = Scripted([Unknown("no answer")])
    add(store, create("a"), create("b"))
    done = worker(store, clock, carrier).drain("p", wait_s=60)
    assert done.states == {OpState.UNCERTAIN: 1, OpState.VERIFIED: 1}
    assert done.waiting == 1
    assert done.next_at == clock.now() + timedelta(seconds=155) - timedelta(seconds=sum(clock.slept))
    assert worker(store, clock, carrier).drain("p").states == {OpState.VERIFIED: 2}


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        (Rejected("the period is closed", "4711"), OpState.REJECTED, "the period is closed"),
        (Moved("changed by somebody"), OpState.CONFLICT, "changed by somebody"),
    ],
)
def test_a_dead_letter_says_why_and_holds_up_nobody(
    answer: Answer, state: OpState, why: str, store: Store, clock: FakeClock
) -> None:
    first, second = add(store, create("a"), create("b"))
    done = worker(store, clock, Scripted([answer])).drain("p")
    assert done.states == {state: 1, OpState.VERIFIED: 1}
    assert (one(store, first).why, one(store, second).state) == (why, OpState.VERIFIED)
    with store.reading() as tx:
        (entry,) = audit.entries(tx, subject=f"operation/{first}")
    assert (entry.action, entry.details["why"]) == (f"operation {state}", why)


@pytest.mark.parametrize("mistake", [RuntimeError("bug"), KeyError("x")])
def test_a_mistake_of_the_carrier_is_never_taken_for_not_sent(
    mistake: Exception, store: Store, clock: FakeClock
) -> None:
    (first,) = add(store, create("a"))
    carrier = Scripted([mistake])
    worker(store, clock, carrier).drain("p", wait_s=1)
    assert one(store, first).state is OpState.UNCERTAIN
    worker(store, clock, carrier).drain("p")
    assert one(store, first).state is OpState.VERIFIED
    assert carrier.written == [create("a").key]


def test_too_few_answers_leave_all_uncertain(store: Store, clock: FakeClock) -> None:
    class Short(SwiftCarrier):
        def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
            return super().send(operations)[:1]

    add(store, create("a"), create("b"))
    done = worker(store, clock, Short("erp", Terms(resend=True, batch_max=5))).drain("p", wait_s=1)
    assert done.states == {OpState.UNCERTAIN: 2}


def test_one_that_cannot_be_booked_does_not_hold_up_the_others(either_store: Store, clock: FakeClock) -> None:
    store = either_store
    carrier = Scripted(terms=Terms(resend=True, batch_max=5))
    carrier.books_fail = lambda operation: operation.change.entity == "b"
    add(store, create("a"), create("b"), create("c"))
    done = worker(store, clock, carrier).drain("p", wait_s=1)
    assert done.states == {OpState.VERIFIED: 2, OpState.UNCERTAIN: 1}
    carrier.books_fail = lambda _operation: False
    assert worker(store, clock, carrier).drain("p").states == {OpState.VERIFIED: 3}
    assert sorted(carrier.written) == sorted(create(name).key for name in "abc")


def test_a_pause_for_credits_is_waited_for_and_burns_nothing(store: Store, clock: FakeClock) -> None:
    first, second = add(store, create("a"), create("b"))
    carrier = Scripted([NotSent("waiting for credits until 02:10", 4000.0, paused=True)])
    done = worker(store, clock, carrier).drain("p", wait_s=60)
    assert done.states == {OpState.READY: 2}
    assert [one(store, n).tries for n in (first, second)] == [0, 0]
    with store.reading() as tx:
        (gate,) = gates.every(tx)
    assert gate.pause_why == "waiting for credits until 02:10"
    assert done.next_at == clock.now() + timedelta(seconds=4000)
    assert worker(store, clock, carrier).drain("p", wait_s=5000).states == {OpState.VERIFIED: 2}


def test_retry_after_holds_for_the_far_side_as_a_whole(store: Store, clock: FakeClock) -> None:
    add(store, create("a"), create("b"))
    carrier = Scripted([NotSent("busy", 40.0)])
    begin = clock.now()
    done = worker(store, clock, carrier).drain("p", wait_s=30)
    assert done.states == {OpState.READY: 2}
    worker(store, clock, carrier).drain("p")
    assert clock.now() - begin >= timedelta(seconds=40)


def test_a_far_side_that_is_away_is_left_alone_and_probed(store: Store, clock: FakeClock) -> None:
    ids = add(store, *(create(f"e{n}") for n in range(8)))
    carrier = Scripted([NotSent("no connection", target_down=True)] * 5)
    carrier.well = ["still away", "still away"]
    done = worker(store, clock, carrier).drain("p", wait_s=20)
    with store.reading() as tx:
        (gate,) = gates.every(tx)
    assert gate.breaker is Breaker.OPEN
    burnt = sum(one(store, n).tries for n in ids)
    assert burnt == 5
    assert done.states == {OpState.READY: 8}
    assert worker(store, clock, carrier).drain("p", wait_s=3600).states == {OpState.VERIFIED: 8}
    assert carrier.checks == 3
    assert sum(one(store, n).tries for n in ids) == 5 + 8


def test_retries_stay_within_their_budget(store: Store, clock: FakeClock) -> None:
    add(store, *(create(f"e{n}") for n in range(30)))
    carrier = Scripted([NotSent("busy inside")] * 30)
    begin = clock.now()
    worker(store, clock, carrier).drain("p", wait_s=1e6)
    assert clock.now() - begin >= timedelta(seconds=290), "thirty retries at once are too many"
    carrier.says = []
    with store.reading() as tx:
        assert operations.counts(tx, "p") == {OpState.VERIFIED: 30}


def test_rates_are_kept(store: Store, clock: FakeClock) -> None:
    add(store, *(create(f"e{n}") for n in range(10)))
    begin = clock.now()
    given = {"per_second": {"erp": 2.0}}
    worker(store, clock, SwiftCarrier("erp"), **given).drain("p")
    assert clock.now() - begin >= timedelta(seconds=(20 - 2) / 2)


def test_a_stop_gives_back_what_is_only_leased(store: Store, clock: FakeClock) -> None:
    (first,) = add(store, create("a"))
    asked = threading.Event()
    engine = Engine(store, {"erp": SwiftCarrier("erp")}, clock, owner="w", stop=asked.is_set)
    steps = engine.work("erp")
    next(steps)
    assert one(store, first).state is OpState.LEASED
    asked.set()
    assert list(steps) == []
    assert (one(store, first).state, one(store, first).tries) == (OpState.READY, 0)
    assert engine.run("erp") is False


def test_a_stop_finishes_what_is_being_sent(store: Store, clock: FakeClock) -> None:
    (first,) = add(store, create("a"))
    asked = threading.Event()
    engine = Engine(store, {"erp": SwiftCarrier("erp")}, clock, owner="w", stop=asked.is_set)
    steps = engine.work("erp")
    assert [next(steps), next(steps)] == ["took send", "wrote ahead"]
    asked.set()
    assert list(steps) == ["was answered"]
    assert one(store, first).state is OpState.CONFIRMED


def test_who_comes_too_late_to_send_puts_it_back(store: Store, clock: FakeClock) -> None:
    (first,) = add(store, create("a"))
    carrier = SwiftCarrier("erp")
    steps = Engine(store, {"erp": carrier}, clock, owner="w").work("erp")
    next(steps)
    next(steps)
    clock.advance(5.0)
    assert list(steps) == []
    assert carrier.written == []
    assert (one(store, first).state, one(store, first).tries) == (OpState.READY, 0)
    assert outcomes(store, first) == [("send", "not_sent")]


def test_threads_that_wait_are_woken_and_end_when_told_to(either_store: Store) -> None:
    store = either_store
    store.clock = SystemClock()
    carrier = SwiftCarrier("erp")
    stop, wakeup = threading.Event(), InProcess()
    serving = Worker(
        store, {"erp": carrier}, SystemClock(), wakeup=wakeup, concurrency=2, stop=stop.is_set, sweep_s=0.2
    )
    thread = threading.Thread(target=serving.run)
    thread.start()
    done = threading.Event()
    right = carrier.verified

    def verified(tx: Tx, operation: Operation, seen: Present) -> None:
        right(tx, operation, seen)
        if operation.change.entity == "b":
            done.set()

    carrier.verified = verified  # type: ignore[method-assign]
    ids = add(store, create("a"))
    wakeup.announce([("erp", ids[0])])
    add(store, create("b"))  # nobody says so: the sweep finds it
    assert done.wait(20)
    stop.set()
    wakeup.close()
    thread.join(20)
    assert not thread.is_alive()
    assert sorted(carrier.written) == sorted(create(name).key for name in "ab")


def test_a_worker_survives_trouble_with_the_database(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = add(store, create("a"))
    monkeypatch.setattr("ledgerbridge.queue.worker._TROUBLE_S", 0.0)
    right = Engine.due
    failures = [OSError("the disk is gone"), OSError("still gone")]
    stop = threading.Event()

    def due(self: Engine) -> list[str]:
        if failures:
            raise failures.pop()
        if one(store, first).state is OpState.VERIFIED:
            stop.set()
        return right(self)

    monkeypatch.setattr(Engine, "due", due)
    worker(store, clock, SwiftCarrier("erp"), stop=stop.is_set, sweep_s=0.01).run()
    assert one(store, first).state is OpState.VERIFIED


def test_what_needs_a_persons_approval_waits_for_it_and_goes_when_signed(store: Store, clock: FakeClock) -> None:
    terms = Terms(resend=False, unattended=False)
    (first,) = add(store, create("a"))
    (second,) = add(store, create("b"), plan="q", approved_by="amy")
    carrier = SwiftCarrier("erp", terms)
    assert worker(store, clock, carrier).drain().states == {OpState.REVIEW: 1}
    assert carrier.written == [create("b").key]
    deadletters.retry(store, clock, first, actor="bob", why="checked by telephone")
    worker(store, clock, carrier).drain()
    assert [one(store, n).state for n in (first, second)] == [OpState.VERIFIED] * 2
    assert one(store, first).approved_by == "bob"
    with store.reading() as tx:
        entries = [(entry.actor, entry.action) for entry in audit.entries(tx, subject=f"operation/{first}")]
    assert entries == [
        ("ledgerbridge", "operation review"),
        ("bob", "operation retried"),
        ("ledgerbridge", "operation confirmed"),
    ]


def test_a_retry_after_an_unknown_outcome_looks_first_and_sends_only_what_is_not_there(
    either_store: Store, clock: FakeClock
) -> None:
    store = either_store
    (first,) = add(store, create("a"))
    carrier = Scripted([Unknown("no answer")], shows=[Missing(), Missing()], terms=Terms(resend=False))
    worker(store, clock, carrier).drain()
    assert one(store, first).state is OpState.REVIEW
    assert deadletters.retry(store, clock, first, actor="bob", why="not in their books").state is OpState.UNCERTAIN
    carrier.written.clear()
    worker(store, clock, carrier).drain()
    assert one(store, first).state is OpState.VERIFIED
    assert carrier.written == [create("a").key]
    assert len(carrier.looks) == 3  # before the review, before the second sending, and to read it back


def test_a_retry_of_what_was_written_only_reads_it_back(store: Store, clock: FakeClock) -> None:
    (first,) = add(store, create("a"))
    carrier = Scripted(shows=[Differs("the amount is 5.00")])
    worker(store, clock, carrier).drain()
    assert (one(store, first).state, one(store, first).why) == (OpState.CONFLICT, "the amount is 5.00")
    assert deadletters.retry(store, clock, first, actor="bob", why="mended there").state is OpState.CONFIRMED
    worker(store, clock, carrier).drain()
    assert one(store, first).state is OpState.VERIFIED
    assert len(carrier.batches) == 1


def test_a_retry_of_what_was_refused_sends_it(store: Store, clock: FakeClock) -> None:
    (first,) = add(store, create("a"))
    carrier = Scripted([Rejected("closed")])
    worker(store, clock, carrier).drain()
    assert deadletters.retry(store, clock, first, actor="bob", why="the period is open again").state is OpState.READY
    worker(store, clock, carrier).drain()
    assert one(store, first).state is OpState.VERIFIED


def test_discarding_sets_aside_with_what_waits_for_it(store: Store, clock: FakeClock) -> None:
    with store.writing() as tx:
        need, wants = create("a"), create("b")
        operations.add(tx, "p", [intent(need), intent(wants, need)], OpState.READY, clock.now())
    carrier = Scripted([Rejected("closed")])
    done = worker(store, clock, carrier).drain("p")
    assert done.states == {OpState.REJECTED: 1, OpState.READY: 1}
    with store.reading() as tx:
        ids = {found.change.entity: found.id for found in operations.of_plan(tx, "p")}
    with pytest.raises(ActRefused, match="only conflict, rejected, review wait for people"):
        deadletters.discard(store, clock, ids["b"], actor="bob", why="x")
    gone, along = deadletters.discard(store, clock, ids["a"], actor="bob", why="not wanted")
    assert (gone.state, along) == (OpState.CANCELLED, [ids["b"]])
    with store.reading() as tx:
        assert operations.counts(tx, "p") == {OpState.CANCELLED: 2}
    with pytest.raises(ActRefused, match="there is no operation 99"):
        deadletters.retry(store, clock, 99, actor="bob", why="x")


def test_after_a_restore_nothing_is_sent_before_it_was_looked_for(store: Store, clock: FakeClock) -> None:
    carrier = SwiftCarrier("erp")
    first, second = add(store, create("a"), create("b"))
    carrier.written.append(create("a").key)  # sent in the hours that the restore has wiped out
    assert deadletters.restored(store, clock, actor="bob") == (1, 2)
    clock.advance(200)
    assert worker(store, clock, carrier).drain().states == {}
    assert carrier.batches == [1]
    assert [one(store, n).state for n in (first, second)] == [OpState.VERIFIED] * 2
    assert carrier.written.count(create("a").key) == 1
    third = add(store, create("c"), plan="q")[0]
    worker(store, clock, carrier).drain()
    assert outcomes(store, third) == [("send", "done")]


def test_secrets_in_reasons_are_masked(store: Store, clock: FakeClock) -> None:
    (first,) = add(store, create("a"))
    worker(store, clock, Scripted([Rejected("refused: access_token=abcdef123456 is void")])).drain()
    with store.reading() as tx:
        rows = tx.connection.execute(sa.text("SELECT why FROM operation UNION SELECT excerpt FROM attempt")).scalars()
        assert not [text for text in rows if "abcdef123456" in (text or "")]
    assert "•••" in (one(store, first).why or "")
