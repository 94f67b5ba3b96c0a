"""Runs, streams, quarantine and key lists as the store keeps them."""

from __future__ import annotations

import pytest

from ledgerbridge.errors import StaleRecord
from ledgerbridge.model.base import Kind
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.model.run import Bucket, Certificate, RunStatus, Tally
from ledgerbridge.store import Store, keys, quarantine, runs, streams, to_us
from ledgerbridge.store.quarantine import QuarantineState
from ledgerbridge.store.runs import StepCounts
from ledgerbridge.testing.fakes import EPOCH, FakeClock

SYSTEM, KIND = "erp", Kind.INVOICE
NOW = to_us(EPOCH)
PROBLEM = Problem(field="total_minor", wire="sum", value="zwölf", rule="r", why="no amount")


def raw(external_id: str = "1", body: bytes = b"{}", order: int | None = 7) -> Raw:
    return Raw(KIND, "saleinvoice", external_id, body, digest_of(body), EPOCH, order, EPOCH)


def test_a_run_comes_back_with_its_certificates(store: Store) -> None:
    counts = StepCounts(
        1, 3, {(Bucket.NEW, "CNY"): (3, 300)}, {(Bucket.NEW, "CNY"): (3, 300)}, {"旧": 1}, {}, {"CNY": (3, 300)}
    )
    certificate = Certificate(
        system=SYSTEM,
        kind=KIND,
        read=3,
        tallies=(Tally(bucket=Bucket.NEW, currency="CNY", records=3, minor=300),),
        opening={},
        closing={"CNY": (3, 300)},
        audited=True,
        complete=True,
        faults=("ein Fehler",),
    )
    with store.writing() as tx:
        runs.begin(tx, "20261122T010203-aaaaaa", "pull", NOW)
        runs.begin_step(tx, "20261122T010203-aaaaaa", "pull", SYSTEM, KIND, opening={}, now_us=NOW)
        runs.save_counts(tx, "20261122T010203-aaaaaa", "pull", SYSTEM, KIND, counts)
        assert runs.counts_of(tx, "20261122T010203-aaaaaa", "pull", SYSTEM, KIND) == counts
        runs.end_step(tx, "20261122T010203-aaaaaa", "pull", certificate, RunStatus.FAILED, "because", NOW + 1)
        runs.end(tx, "20261122T010203-aaaaaa", RunStatus.FAILED, "because", NOW + 2)
        runs.begin(tx, "20261122T010203-bbbbbb", "pull", NOW + 5)
    with store.reading() as tx:
        found = runs.get(tx, "20261122T010203-a")
        assert found is not None
        assert (found.certificates, found.status, found.error) == ((certificate,), RunStatus.FAILED, "because")
        assert [run.run_id[-1] for run in runs.recent(tx)] == ["b", "a"]
        assert runs.get(tx, "20261122") is None, "two runs begin so"
        assert runs.get(tx, "2026112_") is None, "no wildcard"
        step = runs.steps_of(tx, found.run_id)[0]
    assert (step.step, step.pages, step.reasons) == ("pull", 1, {"旧": 1})


def test_a_stream_has_one_reader_at_a_time(store: Store) -> None:
    with store.writing() as tx:
        assert streams.take(tx, SYSTEM, KIND, "r1").holder is None
        streams.begin_walk(tx, SYSTEM, KIND, "r1", full=True, now_us=NOW)
        streams.advance(tx, SYSTEM, KIND, "r1", cursor="5", now_us=NOW)
    with store.writing() as tx:
        before = streams.take(tx, SYSTEM, KIND, "r2")
    assert (before.holder, before.cursor, before.full_walk) == ("r1", "5", True)
    with (
        pytest.raises(StaleRecord, match=r"another run has begun to read this stream; this one \(r1\) stops"),
        store.writing() as tx,
    ):
        streams.advance(tx, SYSTEM, KIND, "r1", cursor="6", now_us=NOW)
    with store.writing() as tx:
        streams.release(tx, SYSTEM, KIND, "r1")
        streams.advance(tx, SYSTEM, KIND, "r2", cursor="7", now_us=NOW)
        streams.release(tx, SYSTEM, KIND, "r2")
    with store.reading() as tx:
        state = streams.get(tx, SYSTEM, KIND)
        assert (state.cursor, state.holder) == ("7", None)
        assert streams.every(tx) == [state]
        assert streams.get(tx, "crm", KIND) == streams.StreamState("crm", KIND)


def sight(store: Store, found: Raw | Unreadable, at: int = 0) -> None:
    with store.writing() as tx:
        quarantine.sight(tx, SYSTEM, found, (PROBLEM,), now_us=NOW + at, run_id=f"r{at}")


def test_an_entry_is_seen_again_not_doubled(store: Store) -> None:
    sight(store, raw())
    sight(store, raw(body=b"[]"), 5)
    with store.reading() as tx:
        (entry,) = quarantine.entries(tx)
        assert quarantine.open_counts(tx) == {(SYSTEM, KIND): 1}
    assert (entry.times, entry.raw, entry.problems, entry.run_id) == (2, b"[]", (PROBLEM,), "r5")
    assert to_us(entry.last_seen_at) - to_us(entry.first_seen_at) == 5
    again = entry.as_raw()
    assert again is not None
    assert (again.order, again.modified_at, again.digest) == (7, EPOCH, digest_of(b"[]"))


def test_what_a_person_set_aside_opens_again_only_for_another_text(store: Store) -> None:
    sight(store, raw())
    entry_id = quarantine.id_of(SYSTEM, KIND, raw())
    with store.writing() as tx:
        assert quarantine.discard(tx, entry_id, why="test data", now_us=NOW)
        assert not quarantine.discard(tx, entry_id, why="again", now_us=NOW)
        assert quarantine.is_discarded(tx, entry_id, digest_of(b"{}"))
        assert not quarantine.is_discarded(tx, entry_id, digest_of(b"[]"))
    for body, state in ((b"{}", QuarantineState.DISCARDED), (b"[]", QuarantineState.OPEN)):
        sight(store, raw(body=body), 1)
        with store.reading() as tx:
            entry = quarantine.get(tx, entry_id)
        assert entry is not None
        assert entry.state is state
        assert entry.state_why == ("test data" if state is QuarantineState.DISCARDED else None)


def test_pieces_are_known_by_their_text_and_settled_by_a_full_walk(store: Store) -> None:
    sight(store, Unreadable(KIND, "t", "row 1", b"[1]", "no object"))
    sight(store, Unreadable(KIND, "t", "row 9", b"[1]", "no object"), 10)
    sight(store, Unreadable(KIND, "t", "row 2", b"\x00\xff[2]", "no object"))
    with store.writing() as tx:
        assert len(quarantine.entries(tx)) == 2
        assert quarantine.settle_unseen(tx, SYSTEM, KIND, since_us=NOW + 10, now_us=NOW + 20) == 1
        (left,) = quarantine.entries(tx)
    assert (left.raw, left.place, left.external_id, left.as_raw()) == (b"[1]", "row 9", None, None)


def test_entries_come_in_stretches(store: Store) -> None:
    for number in range(7):
        sight(store, raw(str(number)))
    with store.reading() as tx:
        first = quarantine.entries(tx, limit=4)
        rest = quarantine.entries(tx, after=first[-1].id, limit=4)
        assert len({entry.id for entry in first + rest}) == 7
        assert [entry.id for entry in quarantine.every(tx)] == [entry.id for entry in first + rest]


def test_listed_keys_are_compared_in_the_database(store: Store, clock: FakeClock) -> None:
    with store.writing() as tx:
        keys.add(tx, SYSTEM, KIND, ["1", "2", "2"])
        keys.add(tx, SYSTEM, KIND, ["2", "中"])
        keys.add(tx, "crm", KIND, ["x"])
        assert keys.listed(tx, SYSTEM, KIND) == 3
        assert (keys.held(tx, SYSTEM, KIND), keys.vanished_count(tx, SYSTEM, KIND)) == (0, 0)
        keys.clear(tx, SYSTEM, KIND)
        assert (keys.listed(tx, SYSTEM, KIND), keys.listed(tx, "crm", KIND)) == (0, 1)
