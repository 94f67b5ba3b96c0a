"""Approve, apply, resume: exactly the plan, whatever happens on the way; on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from carrying_desk import SYSTEM, Desk, a_change, an_invoice

from ledgerbridge.connectors.base import SafetyClass
from ledgerbridge.errors import ActRefused, Refused, Unavailable
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.operation import OpState
from ledgerbridge.model.plan import PlanState
from ledgerbridge.store import Store, audit, plans
from ledgerbridge.sync.applying import approve, carry_out, result_of
from ledgerbridge.testing.fakes import FAKE_CAPABILITIES, FakeClock, reply_lost

BUYER = Ref(system=SYSTEM, kind=Kind.CUSTOMER, external_id="K-7")
LOOKUP = replace(
    FAKE_CAPABILITIES, safe_create=frozenset(), safety=dict.fromkeys(Kind, SafetyClass.LOOKUP)
)  # fmt: skip


@pytest.fixture
def desk(store: Store, clock: FakeClock) -> Desk:
    return Desk(store, clock)


def three(desk: Desk) -> list[Change]:
    """A customer to be created, an invoice of it that needs it, and an update of another customer."""
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电"})
    desk.pull(Kind.CUSTOMER)
    old, new = desk.entity(Kind.CUSTOMER, "ERP-7", at=BUYER), desk.entity(Kind.CUSTOMER, "ERP-8")
    customer = a_change(Action.CREATE, Kind.CUSTOMER, new, {"code": "010008", "name": "新客户"})
    fields = an_invoice("SI-1", new)
    invoice = a_change(Action.CREATE, Kind.INVOICE, desk.entity(Kind.INVOICE, "SI-1"), fields, needs=(customer.key,))
    update = a_change(Action.UPDATE, Kind.CUSTOMER, old, {"remark": "x"}, target=BUYER, expected=desk.expected(BUYER))
    return [customer, invoice, update]


def test_exactly_the_plan_is_written_and_read_back(desk: Desk) -> None:
    changes = three(desk)
    done = desk.apply(desk.plan(changes))
    assert done.states == {OpState.VERIFIED: 3}
    assert done.faults == ()
    assert done.plan.state is PlanState.DONE
    assert {write.change.key for write in desk.far.writes} == {change.key for change in changes}
    assert [write.change.model_dump_json() for write in sorted(desk.far.writes, key=lambda w: w.change.key)] == [
        change.model_dump_json() for change in sorted(changes, key=lambda c: c.key)
    ]
    assert desk.pull(Kind.CUSTOMER) == {"same": 2}
    assert desk.pull(Kind.INVOICE) == {"same": 1}


def test_applying_again_writes_nothing(desk: Desk) -> None:
    plan_id = desk.plan(three(desk))
    desk.apply(plan_id)
    again = desk.apply(plan_id)
    assert again.states == {OpState.VERIFIED: 3}
    assert len(desk.far.writes) == 3


def test_an_unapproved_plan_writes_nothing(fresh_desk: Desk) -> None:
    plan_id = fresh_desk.plan(three(fresh_desk))
    with pytest.raises(ActRefused, match="only an approved plan"):
        carry_out(fresh_desk.store, fresh_desk.worker(), plan_id)
    assert fresh_desk.far.writes == []


@pytest.mark.parametrize("state", [PlanState.DISCARDED, PlanState.SUPERSEDED])
def test_a_plan_that_was_put_away_cannot_be_approved(fresh_desk: Desk, state: PlanState) -> None:
    plan_id = fresh_desk.plan(three(fresh_desk))
    with fresh_desk.store.writing() as tx:
        plans.set_state(tx, plan_id, state, now_us=1)
    with pytest.raises(ActRefused, match=state.value):
        fresh_desk.apply(plan_id)


def test_an_interrupted_apply_goes_on_where_it_was(desk: Desk) -> None:
    plan_id = desk.plan(three(desk))
    approve(desk.store, plan_id, actor="li", unkeyed=desk.unkeyed)
    stopped = carry_out(desk.store, desk.worker(stop=lambda: len(desk.far.writes) >= 1), plan_id)
    assert stopped.waiting
    assert stopped.faults == ()
    assert stopped.plan.state is PlanState.APPROVED
    done = carry_out(desk.store, desk.worker(), plan_id)
    assert done.states == {OpState.VERIFIED: 3}
    assert len(desk.far.writes) == 3


def test_lost_replies_make_nothing_twice(desk: Desk) -> None:
    desk.far.fail("push", reply_lost(SYSTEM), times=3, done=True)
    done = desk.apply(desk.plan(three(desk)))
    assert done.states == {OpState.VERIFIED: 3}
    assert len(desk.far.records(Kind.CUSTOMER)) == 2
    assert len(desk.far.records(Kind.INVOICE)) == 1
    assert len(desk.far.writes) == 3


def test_writes_that_never_arrived_are_sent_again_under_the_same_key(desk: Desk) -> None:
    desk.far.fail("push", reply_lost(SYSTEM), times=2)
    done = desk.apply(desk.plan(three(desk)), actor="li")
    assert done.states == {OpState.VERIFIED: 3}
    assert len(desk.far.records(Kind.CUSTOMER)) == 2


def test_what_was_refused_or_has_moved_is_listed_and_the_rest_is_done(desk: Desk) -> None:
    changes = three(desk)
    plan_id = desk.plan(changes)
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "memo": "theirs"})
    desk.far.fail("push", Refused("no", system=SYSTEM, code="E7"))
    done = desk.apply(plan_id)
    by_title = {one.title: one for one in done.outstanding}
    assert by_title["record 3"].state is OpState.CONFLICT
    assert by_title["record 1"].state is OpState.REJECTED
    assert "no" in str(by_title["record 1"].why)
    assert done.faults == ()
    assert done.with_people >= 2
    assert [raw.payload()["memo"] for raw in desk.far.records(Kind.CUSTOMER)] == ["theirs"]


def test_a_far_side_that_is_down_leaves_the_plan_waiting(fresh_desk: Desk) -> None:
    plan_id = fresh_desk.plan(three(fresh_desk))
    fresh_desk.far.fail("push", Unavailable("down", system=SYSTEM), times=1000)
    fresh_desk.far.fail("check", Unavailable("down", system=SYSTEM), times=1000)
    done = fresh_desk.apply(plan_id)
    assert done.waiting == 3
    assert done.next_at is not None
    assert done.plan.state is PlanState.APPROVED


def test_the_flows_rules_approve_nothing_that_waits_for_a_person(fresh_desk: Desk) -> None:
    plan_id = fresh_desk.plan(three(fresh_desk), state=PlanState.WAITING, why=("over a cap",))
    with pytest.raises(ActRefused, match="over a cap"):
        approve(fresh_desk.store, plan_id, actor=None, unkeyed=fresh_desk.unkeyed)
    assert fresh_desk.apply(plan_id).states == {OpState.VERIFIED: 3}


def test_with_a_second_person_the_maker_cannot_approve(fresh_desk: Desk) -> None:
    plan_id = fresh_desk.plan(three(fresh_desk))
    with pytest.raises(ActRefused, match="another person"):
        fresh_desk.apply(plan_id, actor="wang", second_person=True)
    assert fresh_desk.apply(plan_id, actor="li", second_person=True).verified == 3


def test_money_without_a_key_is_only_created_when_a_person_allows_it(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(LOOKUP)
    plan_id = desk.plan(three(desk))
    with pytest.raises(ActRefused, match="1 at crm/invoice"):
        desk.apply(plan_id)
    assert desk.far.writes == []
    assert desk.apply(plan_id, allow_unkeyed=True).states == {OpState.VERIFIED: 3}


def test_who_approved_what_is_in_the_audit_log(fresh_desk: Desk) -> None:
    plan_id = fresh_desk.plan(three(fresh_desk))
    fresh_desk.apply(plan_id, actor="li")
    with fresh_desk.store.reading() as tx:
        acts = [(entry.actor, entry.action) for entry in audit.entries(tx, subject=f"plan/{plan_id}")]
    assert acts == [("wang", "plan made"), ("li", "plan approved")]


def test_a_change_without_an_operation_is_a_fault(fresh_desk: Desk) -> None:
    changes = three(fresh_desk)
    plan_id = fresh_desk.plan(changes)
    from ledgerbridge.store import tables_operations

    with fresh_desk.store.writing() as tx:
        tx.connection.execute(tables_operations.operation.delete())
    result = result_of(fresh_desk.store, plan_id)
    assert result.faults == ("3 of 3 planned changes have no operation",)
