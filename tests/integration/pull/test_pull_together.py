"""Several systems in one run, several writers of one stream, and orderly stops."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import permutations

import pytest
from pull_books import KIND, SYSTEM, Scripted, body, buckets, customers, held, invoices, pulled, raw

from ledgerbridge.connectors.base import Connector, Page
from ledgerbridge.errors import BadReply, ConfigError, ConnectorError, NotAllowed, StaleRecord, StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.run import RunStatus
from ledgerbridge.store import Store, observed, runs, streams, to_us
from ledgerbridge.store.runs import StepCounts
from ledgerbridge.sync.judge import Judge, Scope
from ledgerbridge.sync.pull import PullResult, Source, StreamOrder, new_run_id, pull_all
from ledgerbridge.sync.stopping import asked_to_stop
from ledgerbridge.testing.fakes import FakeClock, FakeConnector


def far_side(system: str, count: int = 3) -> FakeConnector:
    far = FakeConnector(system)
    for at in range(count):
        far.put(KIND, str(at), body(str(at), at))
        far.put(Kind.CUSTOMER, f"C{at}", {"name": f"客户{at}"})
    return far


def source(far: FakeConnector) -> Source:
    orders = StreamOrder(Kind.CUSTOMER, customers()), StreamOrder(KIND, invoices())
    return Source(far.system, lambda: far, orders)


def ledger(store: Store, result: PullResult) -> runs.Run:
    with store.reading() as tx:
        found = runs.get(tx, result.run_id)
    assert found is not None
    return found


def test_several_systems_in_one_run(store: Store) -> None:
    fars = [far_side("erp"), far_side("crm")]
    result = pull_all(store, [source(far) for far in fars])
    assert (result.status, result.severity) == (RunStatus.OK, 0)
    found = ledger(store, result)
    assert (found.status, found.action, found.error) == (RunStatus.OK, "pull", None)
    assert {(one.system, one.kind.value, one.read) for one in found.certificates} == {
        (system, kind, 3) for system in ("erp", "crm") for kind in ("customer", "invoice")
    }
    by_stream = {(one.system, one.kind): one for one in found.certificates}
    assert by_stream == {(step.system, step.kind): step.certificate for step in result.steps}
    assert all(far.closed for far in fars)


def test_an_audit_on_demand_counts_anew_without_a_full_walk(store: Store) -> None:
    erp = far_side("erp")
    for audited in (False, True):
        orders = (StreamOrder(KIND, invoices(), audited=audited),)
        pull_all(store, [Source("erp", lambda: erp, orders)])
        (step,) = pull_all(store, [Source("erp", lambda: erp, orders)]).steps
        assert (step.certificate.audited, step.certificate.closing) == (audited, {"CNY": (3, 3)})


def test_a_failed_system_does_not_stop_the_others(store: Store) -> None:
    erp, crm = far_side("erp"), far_side("crm")
    erp.fail("pull", NotAllowed("the key was withdrawn", system="erp"))
    result = pull_all(store, [source(erp), source(crm)])
    assert (result.status, result.severity) == (RunStatus.PARTIAL, 1)
    assert [step.status.value for step in result.steps] == ["failed", "ok", "ok"]
    (skipped,) = result.failures
    assert (skipped.system, skipped.kind) == ("erp", KIND)
    assert "not tried, because the system failed before: the key was withdrawn" in str(skipped.error)
    assert [call for call in erp.log if call[0] == "pull"] == [("pull", "customer")]
    assert "the key was withdrawn" in str(ledger(store, result).error)


def test_a_failed_stream_does_not_stop_the_systems_others(store: Store) -> None:
    erp = far_side("erp")
    erp.fail("pull", BadReply("no JSON", system="erp"))
    result = pull_all(store, [source(erp)])
    assert [step.status.value for step in result.steps] == ["failed", "ok"]
    assert result.status is RunStatus.PARTIAL


@pytest.mark.parametrize("error", [ConfigError("no such secret"), ValueError("token=geheim")])
def test_a_connector_that_cannot_be_opened(store: Store, error: Exception) -> None:
    def refuse() -> AbstractContextManager[Connector]:
        raise error

    crm = far_side("crm")
    broken = Source("erp", refuse, (StreamOrder(KIND, invoices()),))
    result = pull_all(store, [broken, source(crm)])
    assert result.status is RunStatus.PARTIAL
    assert [(failure.system, failure.kind) for failure in result.failures] == [("erp", None)]
    assert "geheim" not in str(ledger(store, result).error)
    assert pull_all(store, [broken]).severity == 2


def test_something_in_quarantine_is_never_green(store: Store) -> None:
    erp = far_side("erp")
    erp.put(KIND, "bad", body("bad", "zwölf"))
    result = pull_all(store, [source(erp)])
    assert (result.status, result.severity, result.failures) == (RunStatus.PARTIAL, 1, ())


def test_a_store_that_fails_is_raised_and_noted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(observed, "write", fail)
    with pytest.raises(StoreError, match="the disk is full"):
        pull_all(store, [source(far_side("erp"))], run_id="r1")
    with store.reading() as tx:
        found = runs.get(tx, "r1")
    assert found is not None
    assert (found.status, found.error) == (RunStatus.FAILED, "the disk is full")


def test_run_ids_sort_by_time(clock: FakeClock) -> None:
    first = new_run_id(clock, token="ffffff")
    clock.advance(1)
    assert first == "20260302T010000-ffffff"
    assert new_run_id(clock) > first


class Interrupting(FakeConnector):
    """Somebody presses Ctrl-C, or a stop is asked for, before the n-th page."""

    def __init__(self, system: str, at: int, what: BaseException | threading.Event) -> None:
        super().__init__(system)
        self.at, self.what = at, what

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        for number, page in enumerate(super().pull(kind, cursor=cursor, limit=1)):
            if number == self.at:
                if isinstance(self.what, BaseException):
                    raise self.what
                self.what.set()
                self.at = 10**9
            yield page


@pytest.mark.parametrize("how", ["ctrl-c", "stop"])
def test_an_interrupted_run_ends_in_order_and_goes_on(store: Store, how: str) -> None:
    stop = threading.Event()
    erp = Interrupting("erp", 2, KeyboardInterrupt() if how == "ctrl-c" else stop)
    for at in range(50):
        erp.put(KIND, str(at), body(str(at), at))
    crm = far_side("crm")
    only = Source("erp", lambda: erp, (StreamOrder(KIND, invoices()),))
    result = pull_all(store, [only, source(crm)], stop=stop.is_set)
    assert (result.status, result.severity) == (RunStatus.INTERRUPTED, 3)
    (step,) = result.steps
    assert (step.interrupted, step.certificate.complete, step.certificate.ties) == (True, False, True)
    assert crm.log == []
    assert ledger(store, result).status is RunStatus.INTERRUPTED
    erp.at = 10**9
    again = pull_all(store, [only, source(crm)])
    assert again.status is RunStatus.OK
    assert len(held(store)) == 50
    assert step.certificate.read + again.steps[0].certificate.read == 50


def test_signals_ask_first_and_insist_then() -> None:
    called: list[int] = []
    before = signal.getsignal(signal.SIGTERM)
    with asked_to_stop(also=lambda: called.append(1)) as asked:
        assert not asked()
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked()
        assert called == [1]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_reader_takes_over_and_the_first_stops(store: Store) -> None:
    """The first is in the middle of its walk when the second begins; nothing is lost or doubled."""

    class Overtaken(Scripted):
        def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
            for number, page in enumerate(super().pull(kind, cursor=cursor, limit=limit)):
                yield page
                if number == 0:
                    first_is_stored.wait(10)
                    second.append(pulled(store, Scripted([raw("2"), raw("3", 33, order=2)])))

    first_is_stored = threading.Event()
    second: list[object] = []
    slow = Overtaken([raw("1")], [raw("2"), raw("3")])
    result = pulled(store, slow, group_rows=1, progress=lambda _progress: first_is_stored.set())
    assert isinstance(result.error, StaleRecord)
    assert "another run has begun to read this stream" in str(result.error)
    assert result.certificate.read == 1
    assert held(store) == {"1": ("live", 10_000, False), "2": ("live", 10_000, False), "3": ("live", 33, False)}
    with store.reading() as tx:
        assert streams.get(tx, SYSTEM, KIND).holder is None


def test_another_writer_between_two_pages_does_not_spoil_the_certificate(store: Store) -> None:
    """A record that the push side stores meanwhile becomes part of the opening."""

    def other(_progress: object) -> None:
        if len(held(store)) == 1:
            deliver(store, [raw("x", 500)])

    result = pulled(store, Scripted([raw("1", 100)], [raw("2", 50)]), group_rows=1, progress=other)
    assert result.certificate.faults == ()
    assert (result.certificate.opening, result.certificate.closing) == ({"CNY": (1, 500)}, {"CNY": (3, 650)})


def deliver(store: Store, records: list[Raw]) -> dict[str, int]:
    """Store records outside any walk."""
    counts = StepCounts()
    with store.writing(lock=observed.lock_of(SYSTEM, KIND)) as tx:
        judge = Judge(tx, Scope(SYSTEM, KIND, "other", to_us(store.clock.now()), invoices()), counts)
        judge.take(records)
        judge.close()
    return {bucket.value: records for (bucket, _), (records, _) in counts.tallies.items()}


def test_every_order_of_delivery_gives_the_same_copy(store: Store) -> None:
    forms = [raw("1", 1, order=1), raw("1", 2, order=2), raw("1", order=3, deleted=True), raw("1", 4, order=4)]
    for number, order in enumerate(permutations(forms)):
        named = [
            Raw(
                KIND, one.wire_type, f"{number:02d}", one.body, one.digest, one.fetched_at, one.order, None, one.deleted
            )
            for one in order
        ]
        for one in named:
            deliver(store, [one])
    assert set(held(store).values()) == {("live", 4, False)}
    assert len(held(store)) == 24


def test_writers_at_once_in_any_order_keep_the_newest(address: str) -> None:
    """Four connections deliver the same records in different orders at the same time."""
    forms = {order: [raw(str(at), order * 100 + at, order=order) for at in range(40)] for order in range(1, 9)}
    sequences = [range(1, 9), range(8, 0, -1), (3, 1, 4, 8, 5, 2, 6, 7), (8, 1, 7, 2, 6, 3, 5, 4)]
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(sequences))

    def run(sequence: tuple[int, ...]) -> None:
        try:
            with Store.open(address, clock=FakeClock()) as mine:
                barrier.wait(10)
                for order in sequence:
                    deliver(mine, forms[order])
        except BaseException as error:  # noqa: BLE001 (told to the main thread)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(tuple(sequence),)) for sequence in sequences]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store.open(address, clock=FakeClock()) as store:
        assert held(store) == {str(at): ("live", 800 + at, False) for at in range(40)}
        result = pulled(store, Scripted(forms[8]), full=True)
        assert (buckets(result), result.certificate.faults) == ({"same": 40}, ())


@pytest.mark.postgres
def test_both_engines_give_the_same_digest(sqlite_address: str, postgres_address: str) -> None:
    """Invariant 11, for the observed copies."""
    digests = []
    for address in (sqlite_address, postgres_address):
        with Store.open(address, clock=FakeClock()) as store:
            pulled(
                store,
                Scripted([raw("é", 1), raw("B", 2), raw("a", 3, currency="JPY"), raw("中", "x"), raw("q", skip="y")]),
            )
            pulled(store, Scripted([raw("a", order=2, deleted=True), raw("B", 9, order=2)]))
            digests.append(store.digest())
    assert digests[0] == digests[1]


def test_an_error_of_the_connector_class_is_kept(store: Store) -> None:
    error = ConnectorError("odd", system="erp", code="17", request_id="q1")
    result = pull_all(store, [Source("erp", lambda: far_failing(error), (StreamOrder(KIND, invoices()),))])
    assert "odd (code 17, request q1)" in str(ledger(store, result).error)


def far_failing(error: ConnectorError) -> FakeConnector:
    far = far_side("erp")
    far.fail("pull", error)
    return far
