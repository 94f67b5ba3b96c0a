"""Taking back what a plan wrote, and taking that back again; on both engines."""

from __future__ import annotations

import pytest
from carrying_desk import SYSTEM, Desk, a_change, an_invoice

from ledgerbridge.errors import ActRefused
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import OpState
from ledgerbridge.model.plan import HeldReason, PlanHead, PlanState
from ledgerbridge.store import Store, plans
from ledgerbridge.sync.undoing import undo
from ledgerbridge.testing.fakes import FakeClock

BUYER = Ref(system=SYSTEM, kind=Kind.CUSTOMER, external_id="K-7")


@pytest.fixture
def desk(store: Store, clock: FakeClock) -> Desk:
    return Desk(store, clock)


def take_back(desk: Desk, plan_id: str, *, voids: bool = True) -> PlanHead:
    return undo(desk.store, plan_id, actor="li", can_void=lambda _system, _kind: voids)


def an_update(desk: Desk) -> str:
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "memo": "before", "phone": "02158880001"})
    desk.pull(Kind.CUSTOMER)
    entity = desk.entity(Kind.CUSTOMER, "ERP-7", at=BUYER)
    fields = {"remark": ("before", "after"), "phone": ("+862158880001", "+862158880002")}
    change = a_change(Action.UPDATE, Kind.CUSTOMER, entity, fields, target=BUYER, expected=desk.expected(BUYER))
    return desk.plan([change])


def memo(desk: Desk) -> tuple[object, object]:
    body = desk.far.records(Kind.CUSTOMER)[0].payload()
    return body["memo"], body["phone"]


def test_an_update_is_set_back_field_by_field_and_forth_again(desk: Desk) -> None:
    plan_id = an_update(desk)
    desk.apply(plan_id)
    assert memo(desk) == ("after", "02158880002")
    back = take_back(desk, plan_id)
    assert back.state is PlanState.WAITING
    assert back.undoes == plan_id
    assert memo(desk) == ("after", "02158880002"), "an undo is a plan like any other: it waits for approval"
    assert desk.apply(back.plan_id).states == {OpState.VERIFIED: 1}
    assert memo(desk) == ("before", "02158880001")
    assert desk.pull(Kind.CUSTOMER) == {"same": 1}
    forth = take_back(desk, back.plan_id)
    assert desk.apply(forth.plan_id).states == {OpState.VERIFIED: 1}
    assert memo(desk) == ("after", "02158880002")


def test_it_works_though_a_pull_came_in_between(desk: Desk) -> None:
    plan_id = an_update(desk)
    desk.apply(plan_id)
    desk.clock.advance(60)
    desk.pull(Kind.CUSTOMER)
    back = take_back(desk, plan_id)
    assert desk.apply(back.plan_id).states == {OpState.VERIFIED: 1}
    assert memo(desk) == ("before", "02158880001")


def test_a_record_that_was_edited_since_is_held_back(desk: Desk) -> None:
    plan_id = an_update(desk)
    desk.apply(plan_id)
    desk.clock.advance(60)
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电集团", "memo": "after", "phone": "1"})
    desk.pull(Kind.CUSTOMER)
    back = take_back(desk, plan_id)
    assert back.summary.changes == 0
    with desk.store.reading() as tx:
        held = list(plans.held(tx, back.plan_id))
    assert [one.reason for one in held] == [HeldReason.EDITED_SINCE]


def test_an_edit_that_we_have_not_read_yet_is_not_overwritten_either(desk: Desk) -> None:
    plan_id = an_update(desk)
    desk.apply(plan_id)
    back = take_back(desk, plan_id)
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "memo": "theirs", "phone": "1"})
    assert desk.apply(back.plan_id).states == {OpState.CONFLICT: 1}
    assert memo(desk) == ("theirs", "1")


def a_create(desk: Desk) -> str:
    buyer, sale = desk.entity(Kind.CUSTOMER, "ERP-8"), desk.entity(Kind.INVOICE, "SI-1")
    customer = a_change(Action.CREATE, Kind.CUSTOMER, buyer, {"code": "010008", "name": "新客户"})
    fields = an_invoice("SI-1", buyer)
    invoice = a_change(Action.CREATE, Kind.INVOICE, sale, fields, needs=(customer.key,))
    return desk.plan([customer, invoice])


def test_creates_are_voided_where_the_system_can_what_needs_them_first(desk: Desk) -> None:
    plan_id = a_create(desk)
    assert desk.apply(plan_id).states == {OpState.VERIFIED: 2}
    back = take_back(desk, plan_id)
    with desk.store.reading() as tx:
        first, second = plans.every_row(tx, back.plan_id)
    assert [row.change.kind for row in (first, second)] == [Kind.INVOICE, Kind.CUSTOMER]
    assert {row.change.action for row in (first, second)} == {Action.VOID}
    assert second.needs == (first.change.key,)


def test_creates_are_listed_where_the_system_cannot_void(desk: Desk) -> None:
    plan_id = a_create(desk)
    desk.apply(plan_id)
    back = take_back(desk, plan_id, voids=False)
    with desk.store.reading() as tx:
        held = list(plans.held(tx, back.plan_id))
    assert [one.reason for one in held] == [HeldReason.CANNOT_UNDO] * 2
    assert back.summary.held == {"cannot_undo": 2}


def test_nothing_written_is_nothing_to_take_back(fresh_desk: Desk) -> None:
    with pytest.raises(ActRefused, match="nothing of the plan"):
        take_back(fresh_desk, an_update(fresh_desk))


def test_a_plan_under_way_is_not_taken_back(fresh_desk: Desk) -> None:
    from ledgerbridge.sync.applying import approve

    plan_id = an_update(fresh_desk)
    approve(fresh_desk.store, plan_id, actor="li", unkeyed=fresh_desk.unkeyed)
    with pytest.raises(ActRefused, match="still being carried out"):
        take_back(fresh_desk, plan_id)


def test_the_open_plan_of_the_flow_makes_way(fresh_desk: Desk) -> None:
    plan_id = an_update(fresh_desk)
    fresh_desk.apply(plan_id)
    entity = fresh_desk.entity(Kind.CUSTOMER, "ERP-9")
    waiting = fresh_desk.plan([a_change(Action.CREATE, Kind.CUSTOMER, entity, {"code": "9", "name": "九"})])
    take_back(fresh_desk, plan_id)
    with fresh_desk.store.reading() as tx:
        head = plans.head(tx, waiting)
    assert head is not None
    assert head.state is PlanState.SUPERSEDED
