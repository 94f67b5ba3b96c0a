"""Invariant 1: a certificate ties only when every count made apart agrees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.base import Kind
from ledgerbridge.model.run import Bucket, Certificate
from ledgerbridge.store.runs import StepCounts
from ledgerbridge.sync.certificate import certificate

OPENING = {"CNY": (10, 1_000_00), "USD": (1, 50_00)}
CLOSING = {"CNY": (11, 1_150_00), "USD": (1, 50_00)}


def counts() -> StepCounts:
    """Two new (300.00), one changed (up by 50.00), one deleted (200.00), three same, one filtered, one quarantined."""
    return StepCounts(
        pages=1,
        read=9,
        tallies={
            (Bucket.NEW, "CNY"): (2, 300_00),
            (Bucket.CHANGED, "CNY"): (1, 150_00),
            (Bucket.SAME, "CNY"): (3, 90_00),
            (Bucket.FILTERED, ""): (1, 0),
            (Bucket.QUARANTINED, ""): (1, 0),
            (Bucket.DELETED, "CNY"): (1, 200_00),
        },
        effects={
            (Bucket.NEW, "CNY"): (2, 300_00),
            (Bucket.CHANGED, "CNY"): (0, 50_00),
            (Bucket.DELETED, "CNY"): (-1, -200_00),
        },
        opening=dict(OPENING),
        closing=dict(CLOSING),
    )


def drawn(found: StepCounts, **changed: object) -> Certificate:
    asked = {"totals": CLOSING, "recount": CLOSING, "complete": True, "handed_over": 9, **changed}
    return certificate("erp", Kind.INVOICE, found, **asked)  # type: ignore[arg-type]


def test_a_sound_step_ties_and_says_what_it_did() -> None:
    made = drawn(counts())
    assert made.ties
    assert (made.read, made.opening, made.closing, made.audited) == (9, OPENING, CLOSING, True)
    assert sum(tally.records for tally in made.tallies) == 9


def test_without_a_recount_it_is_not_audited_and_closes_by_the_running_totals() -> None:
    made = drawn(counts(), recount=None)
    assert made.ties
    assert not made.audited
    assert made.closing == CLOSING


def spoil_read(found: StepCounts) -> None:
    found.read += 1


def spoil_bucket(found: StepCounts) -> None:
    found.tallies[Bucket.SAME, "CNY"] = (2, 60_00)


def spoil_new(found: StepCounts) -> None:
    found.effects[Bucket.NEW, "CNY"] = (2, 299_99)


def spoil_changed(found: StepCounts) -> None:
    found.effects[Bucket.CHANGED, "CNY"] = (1, 50_00)


def spoil_deleted(found: StepCounts) -> None:
    found.effects[Bucket.DELETED, "CNY"] = (-2, -200_00)


def spoil_same(found: StepCounts) -> None:
    found.effects[Bucket.SAME, "CNY"] = (0, 1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_read, "10 records were read but the buckets hold 9"),
        (spoil_bucket, "9 records were read but the buckets hold 8"),
        (spoil_new, "bucket new holds 2 records / 300.00 but added 2 records / 299.99"),
        (spoil_changed, "bucket changed altered the number of live records by +1"),
        (spoil_deleted, "bucket deleted holds 1 records but took 2 out"),
        (spoil_same, "bucket same altered the books"),
    ],
)
def test_a_count_that_differs_is_a_fault_in_words(spoil: object, words: str) -> None:
    found = counts()
    spoil(found)  # type: ignore[operator]
    made = drawn(found)
    assert not made.ties
    assert any(words in fault for fault in made.faults), made.faults


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"handed_over": 10}, "handed over 10 records but 9 were stored"),
        (
            {"recount": {**CLOSING, "CNY": (11, 1_150_01)}},
            "the running total says 11 records / 1,150.00, the copies themselves",
        ),
        ({"recount": {"CNY": CLOSING["CNY"]}}, "USD: "),
    ],
    ids=["handed over", "one fen", "a currency gone"],
)
def test_what_the_database_says_must_agree(changed: dict[str, object], words: str) -> None:
    made = drawn(counts(), **changed)
    assert any(words in fault for fault in made.faults), made.faults


def test_what_others_did_between_the_transactions_belongs_to_the_opening() -> None:
    others = {"CNY": (12, 1_160_00), "USD": (1, 50_00)}
    made = drawn(counts(), totals=others, recount=others)
    assert made.ties
    assert made.opening["CNY"] == (11, 1_010_00)


@given(st.integers(-5, 5), st.integers(-500, 500))
def test_the_books_tie_exactly_when_nothing_is_off(records: int, minor: int) -> None:
    found = counts()
    found.effects[Bucket.FILTERED, "CNY"] = (records, minor)  # a record that left the books without being written
    assert drawn(found).ties == ((records, minor) == (0, 0))
