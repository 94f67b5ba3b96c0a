"""Deletions found by comparing ids: only believed when the list is whole, plausible and confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pull_books import KIND, SYSTEM, body, buckets, held, invoices

from ledgerbridge.connectors.base import DeleteStrategy
from ledgerbridge.errors import Unavailable
from ledgerbridge.model.base import Kind
from ledgerbridge.model.run import Bucket, RunStatus
from ledgerbridge.store import Store, keys, runs, streams, to_us
from ledgerbridge.sync.pull import pull_stream
from ledgerbridge.sync.step import StepResult
from ledgerbridge.sync.sweep import SweepPolicy
from ledgerbridge.testing.fakes import FAKE_CAPABILITIES, FakeConnector

SWEPT = replace(
    FAKE_CAPABILITIES,
    deletes=dict.fromkeys(Kind, DeleteStrategy.KEY_SWEEP),
    reports_deletions=frozenset(),
    page_size_max=30,
)


class Forgetful(FakeConnector):
    """Its list of keys leaves out some that exist."""

    left_out: frozenset[str] = frozenset()

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        for page in super().keys(kind):
            yield tuple(key for key in page if key not in self.left_out)


@pytest.fixture
def far() -> Forgetful:
    made = Forgetful(SYSTEM, capabilities=SWEPT)
    for at in range(100):
        made.put(KIND, f"{at:03d}", body(str(at), at))
    return made


def swept(store: Store, far: FakeConnector, policy: SweepPolicy | None = None, run_id: str = "r") -> StepResult:
    with store.writing() as tx:
        runs.begin(tx, run_id, "pull", to_us(store.clock.now()))
    steps = pull_stream(store, far, SYSTEM, KIND, invoices(), run_id=run_id, with_sweep=True, sweep_policy=policy)
    assert [step.step for step in steps] == ["pull", "sweep"]
    return steps[-1]


def gone(store: Store) -> set[str]:
    return {key for key, (state, _, _) in held(store).items() if state == "deleted"}


def test_what_vanished_is_confirmed_and_marked(store: Store, far: Forgetful) -> None:
    assert swept(store, far).status is RunStatus.OK
    far.remove(KIND, "007")
    far.remove(KIND, "042")
    result = swept(store, far, run_id="s")
    assert (buckets(result), result.certificate.faults, result.note) == ({"deleted": 2}, (), None)
    assert gone(store) == {"007", "042"}
    assert result.certificate.closing == {"CNY": (98, 4950 - 49)}
    assert [detail for method, detail in far.log if method == "get"] == ["007", "042"]
    with store.reading() as tx:
        assert streams.get(tx, SYSTEM, KIND).sweep_us is not None
        assert keys.listed(tx, SYSTEM, KIND) == 0


def test_too_much_at_once_deletes_nothing(store: Store, far: Forgetful) -> None:
    swept(store, far)
    for at in range(21):
        far.remove(KIND, f"{at:03d}")
    result = swept(store, far, run_id="s")
    assert result.status is RunStatus.PARTIAL
    assert "21 of 100 records are missing from the far side's list (79 listed), more than the 20" in str(result.note)
    assert gone(store) == set()
    with store.reading() as tx:
        assert keys.listed(tx, SYSTEM, KIND) == 0
    allowed = swept(store, far, SweepPolicy(vanish_percent_max=30), run_id="t")
    assert (allowed.status, len(gone(store))) == (RunStatus.OK, 21)


def test_an_empty_list_deletes_nothing_however_few_there_are(store: Store) -> None:
    far = FakeConnector(SYSTEM, capabilities=SWEPT)
    far.put(KIND, "1", body("1"))
    swept(store, far)
    far.remove(KIND, "1")
    result = swept(store, far, run_id="s")
    assert (result.status, gone(store)) == (RunStatus.PARTIAL, set())
    assert "listed no records at all while 1 are held" in str(result.note)


def test_an_incomplete_list_deletes_nothing(store: Store, far: Forgetful) -> None:
    swept(store, far)
    far.remove(KIND, "007")
    far.fail("keys", Unavailable("dead", system=SYSTEM), after=2)
    result = swept(store, far, run_id="s")
    assert isinstance(result.error, Unavailable)
    assert (gone(store), result.certificate.complete) == (set(), False)


def test_a_confirmation_that_fails_deletes_nothing(store: Store, far: Forgetful) -> None:
    swept(store, far)
    far.remove(KIND, "007")
    far.remove(KIND, "008")
    far.fail("get", Unavailable("dead", system=SYSTEM), after=1)
    assert isinstance(swept(store, far, run_id="s").error, Unavailable)
    assert gone(store) == set()


def test_a_list_that_leaves_out_what_exists_is_not_believed(store: Store, far: Forgetful) -> None:
    swept(store, far)
    far.remove(KIND, "001")
    far.put(KIND, "002", body("2", 222))
    far.left_out = frozenset({"002", "090", "091"})
    result = swept(store, far, SweepPolicy(confirm_max=2), run_id="s")
    assert result.status is RunStatus.PARTIAL
    assert "left out 1 records that exist; only the 1 looked up and not found were marked deleted, 2 others" in str(
        result.note
    )
    assert buckets(result) == {"same": 1, "deleted": 1}
    assert gone(store) == {"001"}
    assert result.certificate.ties


def test_beyond_the_bound_the_rest_follows_a_sample_that_is_all_gone(store: Store, far: Forgetful) -> None:
    swept(store, far)
    for at in range(15):
        far.remove(KIND, f"{at:03d}")
    result = swept(store, far, SweepPolicy(confirm_max=3), run_id="s")
    assert (result.records(Bucket.DELETED), len(gone(store))) == (15, 15)
    assert len([1 for method, _ in far.log if method == "get"]) == 3


def test_it_comes_back_when_it_is_read_again(store: Store, far: Forgetful) -> None:
    swept(store, far)
    far.remove(KIND, "007")
    swept(store, far, run_id="s")
    far.put(KIND, "007", body("7", 7))
    swept(store, far, run_id="t")
    assert held(store)["007"] == ("live", 7, False)


@pytest.mark.parametrize("strategy", [DeleteStrategy.FEED, DeleteStrategy.VOID_FLAG, DeleteStrategy.NONE])
def test_other_strategies_are_not_swept(store: Store, strategy: DeleteStrategy) -> None:
    far = FakeConnector(SYSTEM, capabilities=replace(SWEPT, deletes={KIND: strategy}))
    far.put(KIND, "1", body("1"))
    with store.writing() as tx:
        runs.begin(tx, "r", "pull", 1)
    steps = pull_stream(store, far, SYSTEM, KIND, invoices(), run_id="r", with_sweep=True)
    assert [step.step for step in steps] == ["pull"]
