"""The checks of writing: nothing twice, nothing silently, nothing over somebody else's change."""

# A check is named by a whole sentence; a docstring would repeat it.
# ruff: noqa: D102

from __future__ import annotations

import pytest

from ledgerbridge.connectors.base import Connector, Outcome, Write
from ledgerbridge.errors import (
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Receipt

from .hooks import WIRE_FAULTS, WRITE_FAULTS, FarSide, Hooks, a_kind, must_have_happened, walk, writes
from .read_suite import EACH_KIND


class WriteSuite(Hooks):
    """What `push` and `find` promise."""

    @EACH_KIND
    def test_a_create_makes_one_record_that_can_be_read_and_found(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        writes(connector, kind)
        write, before = self.a_write(kind, far), far.count(kind.value)
        receipt = self.receipt(self.push(connector, write))
        assert receipt.ref.kind is kind
        assert receipt.ref.system == self.system
        assert far.count(kind.value) == before + 1
        if kind in connector.capabilities.reads:
            record = connector.get(receipt.ref)
            assert record is not None
            assert [record.external_id] == [one.external_id for one in connector.find(kind, self.find_key(write))]

    @EACH_KIND
    def test_one_key_one_record_however_often_pushed(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        writes(connector, kind)
        if kind not in connector.capabilities.safe_create:
            pytest.skip(f"a repeated create of a {kind} is not declared safe")
        write, before = self.a_write(kind, far), far.count(kind.value)
        outcomes = [self.push(connector, write) for _ in range(3)]
        assert far.count(kind.value) == before + 1
        refs = {outcome.ref for outcome in outcomes if isinstance(outcome, Receipt)}
        assert len(refs) == 1, f"one record, and its reference is {refs}"

    @EACH_KIND
    @pytest.mark.parametrize("fault", ["reply_lost_after_write", "half_body"])
    def test_a_create_whose_reply_is_lost_can_be_found_again(
        self, connector: Connector, far: FarSide, kind: Kind, fault: str
    ) -> None:
        writes(connector, kind)
        write, before = self.ready(connector, far, kind), far.count(kind.value)
        self.order(far, fault, writes_only=True)
        outcome = self.push(connector, write)
        must_have_happened(far, fault)
        assert isinstance(outcome, OutcomeUnknown)
        self.settle(far)
        assert far.count(kind.value) == before + 1
        if kind in connector.capabilities.reads:
            assert len(connector.find(kind, self.find_key(write))) == 1

    @EACH_KIND
    def test_a_create_that_never_arrived_is_not_found(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        writes(connector, kind)
        write, before = self.ready(connector, far, kind), far.count(kind.value)
        self.order(far, "cut_before", writes_only=True)
        outcome = self.push(connector, write)
        must_have_happened(far, "cut_before")
        assert isinstance(outcome, OutcomeUnknown | Unavailable)
        self.settle(far)
        assert far.count(kind.value) == before
        if kind in connector.capabilities.reads:
            assert connector.find(kind, self.find_key(write)) == ()

    @EACH_KIND
    @pytest.mark.parametrize("fault", WRITE_FAULTS)
    def test_no_fault_of_the_vendor_makes_a_second_record_or_a_false_receipt(
        self, connector: Connector, far: FarSide, kind: Kind, fault: str
    ) -> None:
        writes(connector, kind)
        self.one_record_at_most(connector, far, kind, fault)

    @pytest.mark.parametrize("fault", WIRE_FAULTS)
    def test_no_fault_of_the_wire_makes_a_second_record_or_a_false_receipt(
        self, connector: Connector, far: FarSide, fault: str
    ) -> None:
        self.one_record_at_most(connector, far, a_kind(connector.capabilities.writes), fault)

    def one_record_at_most(self, connector: Connector, far: FarSide, kind: Kind, fault: str) -> None:
        """One write makes one record at most, and a receipt is only given for a record that exists."""
        write, before = self.ready(connector, far, kind), far.count(kind.value)
        self.order(far, fault, writes_only=True)
        outcome = self.push(connector, write)
        must_have_happened(far, fault)
        self.settle(far)
        made = far.count(kind.value) - before
        assert made in (0, 1)
        assert isinstance(outcome, Receipt | ConnectorError)
        if isinstance(outcome, Receipt):
            assert made == 1
        if made == 1:
            assert isinstance(outcome, Receipt | OutcomeUnknown), f"a record was made, and the outcome says {outcome!r}"

    @EACH_KIND
    def test_an_unknown_code_leaves_the_outcome_unknown(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        assert isinstance(self.outcome_under(connector, far, kind, "unknown_code"), OutcomeUnknown)

    @EACH_KIND
    def test_an_error_inside_http_200_is_no_receipt(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        assert isinstance(self.outcome_under(connector, far, kind, "error_in_200"), ConnectorError)

    @EACH_KIND
    def test_a_rate_limit_is_the_outcome_and_nothing_was_done(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        writes(connector, kind)
        before = far.count(kind.value)
        assert isinstance(self.outcome_under(connector, far, kind, "rate_limited"), RateLimited)
        assert far.count(kind.value) == before

    @EACH_KIND
    def test_an_expired_token_is_renewed_and_the_write_done_once(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        writes(connector, kind)
        write, before = self.ready(connector, far, kind), far.count(kind.value)
        self.order(far, "token_expired", writes_only=True)
        outcome = self.push(connector, write)
        must_have_happened(far, "token_expired")
        assert isinstance(outcome, Receipt)
        assert far.count(kind.value) == before + 1

    @EACH_KIND
    def test_outcomes_come_in_the_order_of_the_writes(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        writes(connector, kind)
        batch = [self.a_write(kind, far) for _ in range(3)]
        before = far.count(kind.value)
        outcomes = connector.push(batch)
        assert len(outcomes) == 3
        assert far.count(kind.value) == before + 3
        assert len({self.receipt(outcome).ref for outcome in outcomes}) == 3
        if kind in connector.capabilities.reads:
            found = [connector.find(kind, self.find_key(write)) for write in batch]
            assert [one.external_id for records in found for one in records] == [
                self.receipt(outcome).ref.external_id for outcome in outcomes
            ]

    @EACH_KIND
    def test_a_batch_that_fails_by_half_says_which_half(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        writes(connector, kind)
        if connector.capabilities.batch_size_max < 2:
            pytest.skip("writes one record a call")
        batch = [self.a_write(kind, far) for _ in range(4)]
        connector.check()
        before = far.count(kind.value)
        self.order(far, "half_failed_batch", writes_only=True)
        outcomes = connector.push(batch)
        must_have_happened(far, "half_failed_batch")
        receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
        assert len(outcomes) == 4
        assert 0 < len(receipts) < 4
        assert far.count(kind.value) == before + len(receipts)
        assert not any(isinstance(outcome, OutcomeUnknown) for outcome in outcomes), "the reply told each one's end"

    @EACH_KIND
    def test_an_update_changes_one_record(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        writes(connector, kind)
        [one] = self.seed(far, kind, 1)
        record = walk(connector, kind).of(one)
        update = self.an_update(kind, far, record)
        if update is None:
            pytest.skip(f"a {kind} is not updated")
        before = far.count(kind.value)
        receipt = self.receipt(self.push(connector, update))
        assert receipt.ref == self.ref(kind, one)
        assert far.count(kind.value) == before
        assert walk(connector, kind).of(one).digest != record.digest

    @EACH_KIND
    def test_an_update_over_a_newer_version_is_refused(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        writes(connector, kind)
        if kind not in connector.capabilities.conditional_update:
            pytest.skip(f"an update of a {kind} over a newer version is not declared to be noticed")
        [one] = self.seed(far, kind, 1)
        update = self.an_update(kind, far, walk(connector, kind).of(one))
        text_field = self.facts[kind].text_field
        if update is None or text_field is None:
            pytest.fail(f"conditional_update is declared for {kind}; the check needs `an_update` and a `text_field`")
        far.clock.advance(2.0)
        far.touch(kind.value, self.far_id(kind, one), {text_field: "somebody was faster"})
        theirs = walk(connector, kind).of(one)
        outcome = self.push(connector, update)
        assert isinstance(outcome, Refused), f"refused it must be, not {outcome!r}"
        assert walk(connector, kind).of(one).digest == theirs.digest, "somebody else's change was overwritten"

    @EACH_KIND
    def test_a_write_of_a_kind_outside_the_capabilities_is_unsupported(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        if kind in connector.capabilities.writes:
            pytest.skip(f"writes {kind}")
        far.faults.fail_next("cut_before", count=100)
        write = self.foreign_write(kind)
        try:
            outcomes = connector.push([write])
        except Unsupported:
            outcomes = ()
        assert all(isinstance(outcome, Unsupported) for outcome in outcomes)
        assert not far.faults.happened["cut_before"], "a request was made"

    # -- instruments of these checks

    def ready(self, connector: Connector, far: FarSide, kind: Kind) -> Write:
        """A write to make; signed in already, so that a fault strikes the write itself."""
        connector.check()
        return self.a_write(kind, far)

    def push(self, connector: Connector, write: Write) -> Outcome:
        """The outcome of one write."""
        [outcome] = connector.push([write])
        return outcome

    def receipt(self, outcome: Outcome) -> Receipt:
        """The receipt that an outcome must be."""
        if not isinstance(outcome, Receipt):
            pytest.fail(f"a plain write ended in {outcome!r}: {outcome}")
        return outcome

    def outcome_under(self, connector: Connector, far: FarSide, kind: Kind, fault: str) -> Outcome:
        """The outcome of a create that met `fault`."""
        writes(connector, kind)
        write = self.ready(connector, far, kind)
        self.order(far, fault, writes_only=True)
        outcome = self.push(connector, write)
        must_have_happened(far, fault)
        return outcome

    def foreign_write(self, kind: Kind) -> Write:
        """A create of a kind that this connector does not write."""
        from ledgerbridge.model.change import Action, Change

        change = Change(action=Action.CREATE, system=self.system, kind=kind, entity="1", because="the kit asks")
        return Write(change, {})
