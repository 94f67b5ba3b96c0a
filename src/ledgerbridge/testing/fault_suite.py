"""The checks of misfortune: what fails is said, what passes is survived, and nothing leaks."""

# A check is named by a whole sentence; a docstring would repeat it.
# ruff: noqa: D102

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledgerbridge.connectors.base import Connector, DeleteStrategy, Write
from ledgerbridge.errors import BadReply, ConnectorError, OutcomeUnknown, QuotaUsedUp, RateLimited
from ledgerbridge.model.base import Kind, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw, Receipt

from .fakes import FakeClock
from .hooks import (
    FAULTS,
    VENDOR_FAULTS,
    WIRE_FAULTS,
    WRITE_FAULTS,
    FarSide,
    Hooks,
    Walked,
    a_kind,
    captured_log,
    misses,
    must_have_happened,
    reads,
    said,
    walk,
    writes,
)
from .read_suite import EACH_KIND

PASSING = ("cut_before", "half_body", "slow", "drip", "http_500", "http_503", "rate_limited", "token_expired")
SPOILS_CONTENT = ("page_drift", "tied_stamps", "late_stamp", "malformed_record")
"""These change what is on record, or what is shown of it: another answer is the truth then."""
CANARY = "kanarienvogel 金丝雀 4711"


class FaultSuite(Hooks):
    """What holds when things go wrong."""

    @EACH_KIND
    @pytest.mark.parametrize("fault", VENDOR_FAULTS)
    def test_no_fault_of_the_vendor_loses_a_record(
        self, connector: Connector, far: FarSide, kind: Kind, fault: str
    ) -> None:
        """A walk under a fault either sees everything, or says so and can be resumed. What becomes visible late is seen by the
        next walk. What cannot be read is handed over as such.
        """
        reads(connector, kind)
        self.nothing_lost(connector, far, kind, fault)

    @pytest.mark.parametrize("fault", WIRE_FAULTS)
    def test_no_fault_of_the_wire_loses_a_record(self, connector: Connector, far: FarSide, fault: str) -> None:
        self.nothing_lost(connector, far, a_kind(connector.capabilities.reads), fault)
        must_have_happened(far, fault)

    def nothing_lost(self, connector: Connector, far: FarSide, kind: Kind, fault: str) -> None:
        """Walk under a fault, resume after an error, walk once more if something was late."""
        ids = self.seed(far, kind, 6)
        connector.check()
        self.order(far, fault, skip=1)
        walked = Walked()
        try:
            walk(connector, kind, limit=2, into=walked)
        except ConnectorError:
            far.faults.clear()
            walk(connector, kind, limit=2, cursor=walked.cursor, into=walked)
        far.faults.clear()
        if misses(ids, walked):
            walk(connector, kind, limit=2, cursor=walked.cursor, into=walked)
        lost = misses(ids, walked)
        assert len(lost) <= len(walked.unreadable), f"{lost} were lost by {fault}"

    @pytest.mark.parametrize("fault", PASSING)
    def test_a_passing_trouble_is_survived(self, connector: Connector, far: FarSide, fault: str) -> None:
        kind = a_kind(connector.capabilities.reads)
        ids = self.seed(far, kind, 3)
        connector.check()
        self.order(far, fault)
        walked = walk(connector, kind)
        must_have_happened(far, fault)
        assert misses(ids, walked) == []

    @pytest.mark.parametrize("call", ["check", "get", "find", "keys"])
    def test_no_fault_makes_a_question_lie(self, connector: Connector, far: FarSide, call: str) -> None:
        """Under each fault a call answers as it would without, or says that it cannot; afterwards it is well again."""
        kind = self.a_kind_for(connector, call)
        [one, *_] = self.seed(far, kind, 3)
        question = self.questions(connector, kind, one)[call]
        right = question()
        for fault in FAULTS:
            if fault not in self.absent_faults:
                self.order(far, fault)
                with contextlib.suppress(ConnectorError):
                    assert question() == right or fault in SPOILS_CONTENT, f"{call} was deceived by {fault}"
                far.faults.clear()
                assert question() == right, f"{call} did not recover from {fault}"
        if not far.faults.happened:
            pytest.skip(f"no fault befalls {call} at this far side")

    @EACH_KIND
    def test_no_fault_makes_an_update_lie(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        """Under each fault an update is done and confirmed, or not done and said so, or its outcome is unknown."""
        writes(connector, kind)
        reads(connector, kind)
        for fault in (*WIRE_FAULTS, *WRITE_FAULTS):
            if fault in self.absent_faults:
                continue
            [one] = self.seed(far, kind, 1)
            before = connector.get(self.ref(kind, one))
            assert before is not None
            write, number = self.an_update(kind, far, before), far.count(kind.value)
            if write is None:
                pytest.skip(f"a {kind} is not updated")
            self.order(far, fault, writes_only=True)
            [outcome] = connector.push([write])
            far.faults.clear()
            self.settle(far)
            after = connector.get(self.ref(kind, one))
            assert after is not None
            assert far.count(kind.value) == number, f"{fault}: an update made a record"
            if isinstance(outcome, Receipt):
                assert after.body != before.body, f"{fault}: confirmed and not done"
            elif not isinstance(outcome, OutcomeUnknown):
                assert after.body == before.body, f"{fault}: done, and the outcome says {outcome!r}"

    @EACH_KIND
    def test_no_fault_makes_a_void_lie(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        """Under each fault a void is done and confirmed, or not done and said so, or its outcome is unknown; what was not done
        is done by the next one.
        """
        writes(connector, kind)
        reads(connector, kind)
        if kind not in connector.capabilities.voids:
            pytest.skip(f"a {kind} is not voided")
        connector.check()
        for fault in (None, *WIRE_FAULTS, *WRITE_FAULTS):
            if fault in self.absent_faults:
                continue
            before = self.made(connector, far, kind)
            if fault is not None:
                self.order(far, fault, writes_only=True)
            [outcome] = connector.push([self.a_void(before)])
            far.faults.clear()
            self.settle(far)
            after = connector.get(self.ref(kind, before.external_id))
            done = after is None or after.body != before.body
            assert done or not isinstance(outcome, Receipt), f"{fault}: confirmed and not done"
            assert not done or isinstance(outcome, Receipt | OutcomeUnknown), f"{fault}: done, and it says {outcome!r}"
            assert done or fault is not None, f"a plain void ended in {outcome!r}"
            if not done:
                [again] = connector.push([self.a_void(before)])
                assert isinstance(again, Receipt), f"{fault}: the next void ended in {again!r}"
        assert far.faults.happened, "no fault befell a void"

    def test_a_rate_limit_that_stays_is_raised_with_its_wait(
        self, connector: Connector, far: FarSide, clock: FakeClock
    ) -> None:
        connector.check()
        before_s = sum(clock.slept)
        self.order(far, "rate_limited", count=100)
        error = self.error_of_reading(connector, far)
        must_have_happened(far, "rate_limited")
        assert isinstance(error, RateLimited)
        assert sum(clock.slept) - before_s <= self.wait_bound_s
        if self.says_retry_after:
            assert error.retry_after_s is not None

    def test_a_used_up_quota_is_not_waited_for(self, connector: Connector, far: FarSide, clock: FakeClock) -> None:
        connector.check()
        waits = len(clock.slept)
        self.order(far, "quota_used_up", count=100)
        error = self.error_of_reading(connector, far)
        must_have_happened(far, "quota_used_up")
        assert isinstance(error, QuotaUsedUp)
        assert clock.slept[waits:] == []

    def test_an_error_inside_http_200_is_an_error(self, connector: Connector, far: FarSide) -> None:
        connector.check()
        self.order(far, "error_in_200", count=100)
        error = self.error_of_reading(connector, far)
        must_have_happened(far, "error_in_200")
        assert error is not None, "an error that came with HTTP 200 was taken for data"

    @pytest.mark.parametrize("fault", ["unknown_code", "html_page", "redirect"])
    def test_what_the_vendors_contract_does_not_know_stops(
        self, connector: Connector, far: FarSide, clock: FakeClock, fault: str
    ) -> None:
        connector.check()
        waits = len(clock.slept)
        self.order(far, fault, count=100)
        error = self.error_of_reading(connector, far)
        must_have_happened(far, fault)
        assert isinstance(error, BadReply), f"{fault} must stop the connection, not end in {error!r}"
        assert clock.slept[waits:] == [], "it was tried again"

    def test_an_expired_token_costs_one_sign_in_also_with_eight_threads(
        self, connector: Connector, far: FarSide
    ) -> None:
        if not self.signs_in:
            pytest.skip("there is no sign-in")
        kind = a_kind(connector.capabilities.reads)
        [one] = self.seed(far, kind, 1)
        connector.get(self.ref(kind, one))
        together = threading.Barrier(8, timeout=10)

        def read(_: int) -> bool:
            together.wait()
            return connector.get(self.ref(kind, one)) is not None

        self.order(far, "token_expired")
        with captured_log() as captured, ThreadPoolExecutor(8) as pool:
            assert all(pool.map(read, range(8)))
        must_have_happened(far, "token_expired")
        assert self.sign_ins(far, captured.events) == 1

    def test_no_secret_or_body_appears_in_logs_or_messages_over_all_faults(
        self, connector: Connector, far: FarSide
    ) -> None:
        kind = a_kind(connector.capabilities.reads)
        [one, *_] = self.seed(far, kind, 2)
        text_field = self.facts[kind].text_field
        if text_field is not None:
            far.touch(kind.value, self.far_id(kind, one), {text_field: CANARY})
        shown = []
        with captured_log() as captured:
            for fault in FAULTS:
                if fault not in self.absent_faults:
                    shown += list(self.errors_under(connector, far, kind, fault))
        everything = captured.text + "\n".join(shown)
        for secret in [*self.secrets(far), CANARY]:
            for spelling in {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}:
                at = everything.find(spelling)
                assert at < 0, f"a secret or a body is shown: …{everything[max(0, at - 200) : at]}[here]"

    def test_closing_a_walk_early_stops_reading_ahead(self, connector: Connector, far: FarSide) -> None:
        kind = a_kind(connector.capabilities.reads)
        self.seed(far, kind, 6)
        before = self.worker_threads()
        pages = connector.pull(kind, cursor=None, limit=1)
        next(pages)
        close = getattr(pages, "close", None)
        assert callable(close), "a walk must be an iterator that can be closed"
        close()
        assert self.worker_threads() - before == set()

    def test_leaving_the_context_closes_every_socket(self, connector: Connector, far: FarSide) -> None:
        before = open_sockets()
        kind = a_kind(connector.capabilities.reads)
        self.seed(far, kind, 2)
        walk(connector, kind, limit=1)
        connector.__exit__(None, None, None)
        left = wait_for(lambda: [one for one in open_sockets() if one not in before])
        assert left == []

    # -- instruments of these checks

    def made(self, connector: Connector, far: FarSide, kind: Kind) -> Raw:
        """A record that was created by the connector, as it is read."""
        [receipt] = connector.push([self.a_write(kind, far)])
        assert isinstance(receipt, Receipt), f"a plain create ended in {receipt!r}"
        record = connector.get(receipt.ref)
        assert record is not None
        return record

    def a_void(self, record: Raw) -> Write:
        """The void of a record as it was read."""
        change = Change(
            action=Action.VOID,
            system=self.system,
            kind=record.kind,
            entity=record.external_id,
            target=self.ref(record.kind, record.external_id),
            expected=Version(digest=record.digest.hex(), order=record.order, modified_at=record.modified_at),
            because="the kit asks",
        )
        return Write(change, {})

    def a_kind_for(self, connector: Connector, call: str) -> Kind:
        """A kind that can be asked for in this way."""
        swept = [kind for kind, way in connector.capabilities.deletes.items() if way is DeleteStrategy.KEY_SWEEP]
        return a_kind(swept if call == "keys" else connector.capabilities.reads)

    def questions(self, connector: Connector, kind: Kind, one: str) -> Mapping[str, Callable[[], object]]:
        """The calls that only ask, each with an answer that can be compared."""

        def body(record: Raw | None) -> bytes | None:
            return None if record is None else record.body

        return {
            "check": connector.check,
            "get": lambda: body(connector.get(self.ref(kind, one))),
            "find": lambda: sorted(record.external_id for record in connector.find(kind, one)),
            "keys": lambda: {key for page in connector.keys(kind) for key in page},
        }

    def error_of_reading(self, connector: Connector, far: FarSide) -> ConnectorError | None:
        """What reading ends in; None if it ends well."""
        kind = a_kind(connector.capabilities.reads)
        self.seed(far, kind, 2)
        try:
            walk(connector, kind)
        except ConnectorError as error:
            return error
        return None

    def errors_under(self, connector: Connector, far: FarSide, kind: Kind, fault: str) -> Iterator[str]:
        """The texts of what reading and writing raise or return while `fault` goes on."""

        def push() -> None:
            written = sorted(connector.capabilities.writes)
            if written:
                for outcome in connector.push([self.a_write(written[0], far)]):
                    if isinstance(outcome, ConnectorError):
                        raise outcome

        steps: list[Callable[[], object]] = [connector.check, lambda: walk(connector, kind), push]
        for step in steps:
            far.faults.delay_s = 0.0
            far.faults.fail_next(fault, count=20)
            try:
                step()
            except ConnectorError as error:
                yield said(error)
            finally:
                far.faults.clear()

    def worker_threads(self) -> set[str]:
        """Threads that are not the emulator's."""
        return {one.name for one in threading.enumerate() if "process_request_thread" not in one.name}


def open_sockets() -> list[socket.socket]:
    """The open sockets of this process."""
    return [one for one in gc.get_objects() if isinstance(one, socket.socket) and one.fileno() != -1]


def wait_for(left: Callable[[], list[socket.socket]], within_s: float = 1.5) -> list[socket.socket]:
    """What is left when an emulator in this process has had time to close its own ends."""
    until = time.monotonic() + within_s
    while left() and time.monotonic() < until:
        time.sleep(0.02)
    return left()
