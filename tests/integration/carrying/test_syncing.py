"""Rounds of a flow between two far sides in memory: shown first, then unattended within its caps, resumed, guarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from carrying_desk import CONTEXT, CUSTOMER, SYSTEM, VOIDING, Desk

from ledgerbridge.errors import BadReply, Unavailable
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.model.flow import Caps, Flow
from ledgerbridge.model.run import RunStatus
from ledgerbridge.queue.worker import Worker
from ledgerbridge.reconciler.planning import FlowRules
from ledgerbridge.store import Store, flowlock, runs
from ledgerbridge.sync.applying import approve
from ledgerbridge.sync.carrying import AgreedValues, SystemCarrier, WriteMaps
from ledgerbridge.sync.flowguard import FlowBusy
from ledgerbridge.sync.flowrules import SideMaps, flow_rules
from ledgerbridge.sync.linking import LinkResult, link_all
from ledgerbridge.sync.pull import Source, StreamOrder
from ledgerbridge.sync.syncing import FlowResult, SyncResult, Tools, sync_all
from ledgerbridge.sync.undoing import undo
from ledgerbridge.testing.fakes import FakeClock, FakeConnector

Flowing = Callable[..., "Pair"]


class Pair:
    """An ERP, a CRM and the flow of customers between them."""

    def __init__(self, store: Store, clock: FakeClock, **flow: Any) -> None:
        self.store, self.clock = store, clock
        self.crm = Desk(store, clock)
        self.erp = FakeConnector("erp", capabilities=VOIDING, clock=clock)
        spec: MappingSpec = CUSTOMER
        told = Flow.model_validate({"kind": "customer", "left": "erp", "right": SYSTEM, "unattended": True, **flow})
        sides = [SideMaps(system, VOIDING, (spec,), CONTEXT) for system in ("erp", SYSTEM)]
        self.rules: FlowRules = flow_rules("customers", told, *sides)
        self._rounds = 0
        self.undoing = {"customers": self.rules}

    def erp_has(self, code: str, name: str, **more: str) -> None:
        self.erp.put(Kind.CUSTOMER, code, {"code": code, "name": name, **more})

    def names(self) -> list[tuple[object, object]]:
        bodies = [raw.payload() for raw in self.crm.far.records(Kind.CUSTOMER)]
        return sorted((body["name"], body.get("memo")) for body in bodies)

    def round(self, **more: Any) -> tuple[SyncResult, FlowResult]:
        self._rounds += 1
        self.clock.advance(60)
        result = sync_all(
            self.store, self._sources(), [self.rules], self._tools(), run_id=f"sync-{self._rounds}", **more
        )
        return result, result.flows[0]

    def approve(self, one: FlowResult) -> None:
        assert one.head is not None
        approve(self.store, one.head.plan_id, actor="li", unkeyed=lambda _system, _kind: False)

    def _sources(self) -> list[Source]:
        orders = (StreamOrder(Kind.CUSTOMER, self.crm.decodes[Kind.CUSTOMER]),)
        return [Source("erp", lambda: self.erp, orders), Source(SYSTEM, lambda: self.crm.far, orders)]

    def _tools(self) -> Tools:
        def link(_stop: Callable[[], bool]) -> LinkResult:
            return link_all(self.store, ("erp", SYSTEM), self.clock)

        @contextmanager
        def worker(stop: Callable[[], bool]) -> Iterator[Worker]:
            maps = WriteMaps({Kind.CUSTOMER: CUSTOMER}, self.crm.decodes, CONTEXT)
            agree = AgreedValues(lambda name: self.undoing[name])
            carrier = SystemCarrier(SYSTEM, lambda: self.crm.far, self.store, maps, VOIDING, agree=agree)
            yield Worker(self.store, {SYSTEM: carrier}, self.clock, stop=stop, seed=1)

        return Tools(link, worker, lambda _system, _kind: False, "here", wait_s=600.0)


@pytest.fixture
def pair(store: Store, clock: FakeClock) -> Pair:
    return Pair(store, clock)


@pytest.fixture
def flowing(fresh_sqlite: Callable[[], Store]) -> Flowing:
    def make(**flow: Any) -> Pair:
        store = fresh_sqlite()
        clock = store.clock
        assert isinstance(clock, FakeClock)
        return Pair(store, clock, **flow)

    return make


def begun(pair: Pair) -> Pair:
    """The flow has run before: its first plan was shown, and a person approved it."""
    pair.erp_has("010001", "华泰机电")
    pair.erp_has("010002", "精工轴承")
    _, one = pair.round()
    pair.approve(one)
    pair.round()
    return pair


def test_the_first_plan_is_shown_and_what_was_approved_is_carried_on_by_the_next_round(pair: Pair) -> None:
    pair.erp_has("010001", "华泰机电")
    result, one = pair.round()
    assert one.applied is None
    assert "first plan" in str(one.why_not)
    assert result.status is RunStatus.PARTIAL
    assert pair.crm.far.writes == []
    pair.approve(one)
    result, one = pair.round()
    assert [done.verified for done in one.resumed] == [1]
    assert one.why_not is None
    assert result.status is RunStatus.OK
    assert pair.names() == [("华泰机电", None)]


def test_later_plans_are_carried_out_unattended_and_then_all_is_at_rest(pair: Pair) -> None:
    begun(pair)
    pair.erp_has("010002", "精工轴承", memo="月结")
    pair.erp_has("010003", "明日纸业")
    result, one = pair.round()
    assert one.applied is not None
    assert one.applied.verified == 2
    assert result.status is RunStatus.OK
    assert pair.names() == [("华泰机电", None), ("明日纸业", None), ("精工轴承", "月结")]
    writes = len(pair.crm.far.writes)
    for _ in range(2):
        result, one = pair.round()
        assert one.applied is None
        assert one.head is not None
        assert one.head.summary.changes == 0
        assert result.status is RunStatus.OK
    assert len(pair.crm.far.writes) == writes
    with pair.store.reading() as tx:
        run = runs.get(tx, result.run_id)
    assert run is not None
    assert (run.action, run.status) == ("sync", RunStatus.OK)
    assert len(run.certificates) == 2


def test_a_dry_run_writes_nothing(pair: Pair) -> None:
    begun(pair)
    pair.erp_has("010003", "明日纸业")
    writes = len(pair.crm.far.writes)
    _, one = pair.round(dry_run=True)
    assert one.head is not None
    assert one.head.summary.changes == 1
    assert "dry run" in str(one.why_not)
    assert len(pair.crm.far.writes) == writes


def test_over_a_cap_a_person_must_look(flowing: Flowing) -> None:
    pair = begun(flowing(caps=Caps(creates_max=1)))
    pair.erp_has("010003", "明日纸业")
    pair.erp_has("010004", "远东贸易")
    writes = len(pair.crm.far.writes)
    _, one = pair.round()
    assert "cap is 1" in str(one.why_not)
    assert len(pair.crm.far.writes) == writes


def test_an_attended_flow_is_only_shown(flowing: Flowing) -> None:
    pair = begun(flowing(unattended=False))
    pair.erp_has("010003", "明日纸业")
    _, one = pair.round()
    assert "not unattended" in str(one.why_not)


def test_a_stream_that_was_not_read_to_its_end_is_not_planned(flowing: Flowing) -> None:
    pair = begun(flowing())
    pair.erp_has("010003", "明日纸业")
    pair.crm.far.fail("pull", BadReply("odd", system=SYSTEM))
    result, one = pair.round()
    assert one.head is None
    assert "not read to its end" in str(one.why_not)
    assert result.status is not RunStatus.OK
    _, one = pair.round()
    assert one.applied is not None
    assert one.applied.verified == 1


def test_a_far_side_that_goes_down_while_writing_is_carried_on_later(flowing: Flowing) -> None:
    pair = begun(flowing())
    pair.erp_has("010003", "明日纸业")
    pair.crm.far.fail("push", Unavailable("down", system=SYSTEM), times=2)
    result, one = pair.round()
    if one.applied is not None and one.applied.waiting:
        assert result.status is RunStatus.PARTIAL
        _, one = pair.round()
    assert ("明日纸业", None) in pair.names()
    assert len(pair.names()) == 3


def test_a_flow_that_another_run_holds_is_left_alone(flowing: Flowing) -> None:
    pair = begun(flowing())
    pair.clock.advance(60)
    with pair.store.writing() as tx:
        flowlock.take(tx, "customers", "there", "sync-x", pair.clock.now())
    with pytest.raises(FlowBusy, match="sync-x"):
        pair.round()


def test_a_stop_ends_the_round_in_order(flowing: Flowing) -> None:
    pair = begun(flowing())
    pair.erp_has("010003", "明日纸业")
    calls = iter(range(1000))
    result = sync_all(
        pair.store, pair._sources(), [pair.rules], pair._tools(), run_id="stopped", stop=lambda: next(calls) > 3
    )
    assert result.status is RunStatus.INTERRUPTED
    with pair.store.reading() as tx:
        assert flowlock.current(tx, "customers") is None
    pair.round()
    assert len(pair.names()) == 3


def test_what_was_taken_back_is_not_written_again(pair: Pair) -> None:
    begun(pair)
    pair.erp_has("010002", "精工轴承", memo="月结")
    _, one = pair.round()
    assert one.applied is not None
    back = undo(pair.store, one.applied.plan.plan_id, actor="li", can_void=lambda _system, _kind: True)
    approve(pair.store, back.plan_id, actor="li", unkeyed=lambda _system, _kind: False)
    _, one = pair.round()
    assert [done.verified for done in one.resumed] == [1]
    assert ("精工轴承", None) in pair.names()
    _, one = pair.round()
    assert one.head is not None
    assert one.head.summary.changes == 0
    assert ("精工轴承", None) in pair.names()
