"""What looking finds, and what is kept of it; on both engines where the database matters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from carrying_desk import SYSTEM, Desk, a_change, an_invoice

from ledgerbridge.errors import RateLimited, Unavailable
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Differs, Done, Missing, NotSent, Operation, OpState, Present
from ledgerbridge.store import Store, copies, history, links
from ledgerbridge.sync.carrying.looking import Evidence
from ledgerbridge.testing.fakes import FakeClock, reply_lost

BUYER = Ref(system=SYSTEM, kind=Kind.CUSTOMER, external_id="K-7")
WIRE = {"no": "SI-1", "buyer": "K-7", "day": "2026-02-28", "cur": "CNY", "total": "113.00", "state": "1"}


@pytest.fixture
def desk(store: Store, clock: FakeClock) -> Desk:
    return Desk(store, clock)


def with_buyer(desk: Desk) -> str:
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "phone": "021-5888 0001"})
    desk.pull(Kind.CUSTOMER)
    return desk.entity(Kind.CUSTOMER, "ERP-7", at=BUYER)


def a_create(desk: Desk, **more: object) -> Operation:
    buyer = with_buyer(desk)
    entity = desk.entity(Kind.INVOICE, "SI-1")
    return desk.operation(a_change(Action.CREATE, Kind.INVOICE, entity, an_invoice("SI-1", buyer, **more)))


def an_update(desk: Desk, **fields: object) -> Operation:
    entity = with_buyer(desk)
    return desk.operation(
        a_change(Action.UPDATE, Kind.CUSTOMER, entity, fields, target=BUYER, expected=desk.expected(BUYER))
    )


def done(operation: Operation, answer: object, state: OpState = OpState.CONFIRMED) -> Operation:
    """The operation as it stands once its answer was stored."""
    from dataclasses import replace

    assert isinstance(answer, Done)
    return replace(operation, state=state, foreign=answer.ref)


def finish(desk: Desk, operation: Operation, seen: Present) -> None:
    """What the queue does with a sighting: two transactions, each repeated once as after a lost commit."""
    for step in (desk.carrier.confirmed, desk.carrier.confirmed, desk.carrier.verified, desk.carrier.verified):
        with desk.store.writing() as tx:
            step(tx, operation, seen)


# -- creates


def test_a_lost_create_that_never_arrived_is_missing(fresh_desk: Desk) -> None:
    operation = a_create(fresh_desk)
    assert fresh_desk.carrier.look(operation) == Missing()


def test_a_lost_create_is_found_by_our_key_and_linked(desk: Desk) -> None:
    operation = a_create(desk)
    desk.far.fail("push", reply_lost(SYSTEM), done=True)
    desk.carrier.send([operation])
    seen = desk.carrier.look(operation)
    assert isinstance(seen, Present)
    finish(desk, operation, seen)
    assert desk.linked(operation.change.entity) == [seen.ref.external_id]
    assert desk.agreed == [(operation.id, True), (operation.id, True)]


def test_what_was_written_comes_back_as_the_same(desk: Desk) -> None:
    operation = a_create(desk)
    [answer] = desk.carrier.send([operation])
    operation = done(operation, answer)
    seen = desk.carrier.look(operation)
    assert isinstance(seen, Present)
    finish(desk, operation, seen)
    assert desk.pull(Kind.INVOICE) == {"same": 1}
    with desk.store.reading() as tx:
        copy = copies.get(tx, seen.ref)
    assert copy is not None
    assert copy.changed_run == "plan-1"


def test_a_record_with_the_same_number_that_says_the_same_is_the_one(fresh_desk: Desk) -> None:
    operation = a_create(fresh_desk)
    fresh_desk.far.put(Kind.INVOICE, "SI-1", WIRE)  # found by its number: somebody typed it in
    assert isinstance(fresh_desk.carrier.look(operation), Present)


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        ({"total": "113.01"}, "total_minor"),
        ({"cur": "USD"}, "currency"),
        ({"buyer": "K-8"}, "customer"),
        ({"day": "2026-02-27"}, "issued_on"),
        ({"state": "0"}, "status"),
    ],
)
def test_a_record_that_differs_in_what_counts_is_no_confirmation(
    fresh_desk: Desk, wire: dict[str, str], field: str
) -> None:
    operation = a_create(fresh_desk)
    fresh_desk.far.put(Kind.INVOICE, "I-9", {**WIRE, **wire}, key=operation.change.key)
    seen = fresh_desk.carrier.look(operation)
    assert isinstance(seen, Differs)
    assert field in seen.why
    assert seen.ref is not None


def test_what_need_not_agree_is_reported_as_evidence(fresh_desk: Desk) -> None:
    operation = a_create(fresh_desk, remark="ours")
    fresh_desk.far.put(Kind.INVOICE, "I-9", {**WIRE, "memo": "another"}, key=operation.change.key)
    seen = fresh_desk.carrier.look(operation)
    assert isinstance(seen, Present)
    assert isinstance(seen.evidence, Evidence)
    assert seen.evidence.differs == ("remark",)


def test_two_records_are_a_conflict(fresh_desk: Desk) -> None:
    operation = a_create(fresh_desk)
    for external_id in ("I-8", "I-9"):
        fresh_desk.far.put(Kind.INVOICE, external_id, WIRE, key=operation.change.key)
    seen = fresh_desk.carrier.look(operation)
    assert isinstance(seen, Differs)
    assert "I-8, I-9" in seen.why


def test_a_record_of_another_entity_is_not_taken_for_ours(fresh_desk: Desk) -> None:
    operation = a_create(fresh_desk)
    fresh_desk.far.put(Kind.INVOICE, "SI-1", WIRE)
    other = Ref(system=SYSTEM, kind=Kind.INVOICE, external_id="SI-1")
    entity = fresh_desk.entity(Kind.INVOICE, "SI-77", at=other)
    seen = fresh_desk.carrier.look(operation)
    assert isinstance(seen, Differs)
    assert entity in seen.why


def test_a_record_that_cannot_be_read_is_no_confirmation(fresh_desk: Desk) -> None:
    operation = a_create(fresh_desk)
    fresh_desk.far.put(Kind.INVOICE, "I-9", {**WIRE, "total": "many"}, key=operation.change.key)
    assert isinstance(fresh_desk.carrier.look(operation), Differs)


def test_a_confirmed_record_that_vanished_is_a_conflict(fresh_desk: Desk) -> None:
    operation = a_create(fresh_desk)
    [answer] = fresh_desk.carrier.send([operation])
    operation = done(operation, answer)
    assert operation.foreign is not None
    fresh_desk.far.remove(Kind.INVOICE, operation.foreign.external_id)
    assert isinstance(fresh_desk.carrier.look(operation), Differs)


@pytest.mark.parametrize("error", [Unavailable("down", system=SYSTEM), RateLimited("slow", system=SYSTEM)])
def test_a_look_that_fails_says_nothing(fresh_desk: Desk, error: Unavailable) -> None:
    operation = a_create(fresh_desk)
    fresh_desk.far.fail("find", error)
    assert isinstance(fresh_desk.carrier.look(operation), NotSent)


def test_a_part_is_linked_when_it_is_read_back(desk: Desk) -> None:
    buyer = with_buyer(desk)
    entity = desk.entity(Kind.PAYMENT, "PR-1")
    fields = {
        "number": "PR-1",
        "customer": {"external_id": f"entity:{buyer}"},
        "received_on": "2026-02-28",
        "currency": "CNY",
        "amount_minor": 5_00,
    }
    operation = desk.operation(a_change(Action.CREATE, Kind.PAYMENT, entity, fields))
    [answer] = desk.carrier.send([operation])
    operation = done(operation, answer)
    with desk.store.writing() as tx:
        desk.carrier.confirmed(tx, operation, None)
    assert desk.linked(entity) == []
    assert operation.foreign is not None
    body = {**desk.far.records(Kind.PAYMENT)[0].payload(), "part": "P-1"}
    desk.far.put(Kind.PAYMENT, operation.foreign.external_id, body)
    seen = desk.carrier.look(operation)
    assert isinstance(seen, Present)
    finish(desk, operation, seen)
    with desk.store.reading() as tx:
        found = [one for one in links.refs_of(tx, (entity,))[entity] if one.system == SYSTEM]
    assert [one.part for one in found] == ["P-1"]


# -- updates


def test_an_update_that_did_not_happen_is_missing(fresh_desk: Desk) -> None:
    assert fresh_desk.carrier.look(an_update(fresh_desk, remark="ours")) == Missing()


def test_an_update_whose_reply_was_lost_is_present_and_leaves_its_image_before(desk: Desk) -> None:
    operation = an_update(desk, remark=(None, "ours"))
    desk.far.fail("push", reply_lost(SYSTEM), done=True)
    desk.carrier.send([operation])
    seen = desk.carrier.look(operation)
    assert isinstance(seen, Present)
    finish(desk, operation, seen)
    assert desk.pull(Kind.CUSTOMER) == {"same": 1}
    with desk.store.reading() as tx:
        before = history.of(tx, BUYER)
    assert len(before) == 1


def test_an_update_over_which_somebody_wrote_differs(fresh_desk: Desk) -> None:
    operation = an_update(fresh_desk, remark="ours")
    fresh_desk.carrier.send([operation])
    fresh_desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "memo": "theirs"})
    seen = fresh_desk.carrier.look(operation)
    assert isinstance(seen, Differs)
    assert "remark: planned ours, found theirs" in seen.why


def test_a_vanished_update_differs(fresh_desk: Desk) -> None:
    operation = an_update(fresh_desk, remark="ours")
    fresh_desk.far.remove(Kind.CUSTOMER, "K-7")
    assert isinstance(fresh_desk.carrier.look(operation), Differs)


# -- voids


def test_a_void_is_seen_by_status_or_by_absence(make_desk: Callable[[], Desk]) -> None:
    for gone in (False, True):
        desk = make_desk()
        entity = with_buyer(desk)
        change = a_change(Action.VOID, Kind.CUSTOMER, entity, target=BUYER, expected=desk.expected(BUYER))
        operation = desk.operation(change)
        assert desk.carrier.look(operation) == Missing()
        if gone:
            desk.far.remove(Kind.CUSTOMER, "K-7")
        else:
            desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "state": "0"})
        seen = desk.carrier.look(operation)
        assert isinstance(seen, Present)
        finish(desk, operation, seen)
        with desk.store.reading() as tx:
            copy = copies.get(tx, BUYER)
        assert copy is not None
        assert str(copy.state) == ("deleted" if gone else "live")
        assert desk.pull(Kind.CUSTOMER) == ({"deleted": 1} if gone else {"same": 1})


def test_a_record_that_was_changed_instead_of_voided_differs(fresh_desk: Desk) -> None:
    entity = with_buyer(fresh_desk)
    change = a_change(Action.VOID, Kind.CUSTOMER, entity, target=BUYER, expected=fresh_desk.expected(BUYER))
    fresh_desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "别的公司"})
    assert isinstance(fresh_desk.carrier.look(fresh_desk.operation(change)), Differs)
