"""What the carrier sends and answers; every answer that there is, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from carrying_desk import BLIND, SYSTEM, Desk, a_change, an_invoice

from ledgerbridge.connectors.base import SafetyClass
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    NotAllowed,
    NotSignedIn,
    OutcomeUnknown,
    QuotaUsedUp,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Done, Moved, NotSent, Operation, Rejected, Unknown
from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FAKE_CAPABILITIES, FakeClock

BUYER = Ref(system=SYSTEM, kind=Kind.CUSTOMER, external_id="K-7")


@pytest.fixture
def desk(store: Store, clock: FakeClock) -> Desk:
    return Desk(store, clock)


def with_buyer(desk: Desk) -> str:
    """The entity of a customer that the far side has as K-7, under its own code."""
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "phone": "021-5888 0001"})
    desk.pull(Kind.CUSTOMER)
    return desk.entity(Kind.CUSTOMER, "ERP-7", at=BUYER)


def a_create(desk: Desk, number: str = "SI-1", **more: object) -> Operation:
    buyer = with_buyer(desk)
    entity = desk.entity(Kind.INVOICE, number)
    return desk.operation(a_change(Action.CREATE, Kind.INVOICE, entity, an_invoice(number, buyer, **more)))


def an_update(desk: Desk, **fields: object) -> Operation:
    with_buyer(desk)
    change = a_change(Action.UPDATE, Kind.CUSTOMER, "e1", fields, target=BUYER, expected=desk.expected(BUYER))
    return desk.operation(change)


def test_a_create_is_written_in_the_targets_own_ids(desk: Desk) -> None:
    [answer] = desk.carrier.send([a_create(desk)])
    assert isinstance(answer, Done)
    [write] = desk.far.writes
    assert write.body == {
        "no": "SI-1", "buyer": "K-7", "buyer_code": "010007", "day": "2026-02-28", "cur": "CNY", "total": Decimal("113.00"),
        "state": "1",
    }  # fmt: skip


def test_an_update_writes_the_changed_fields_alone(desk: Desk) -> None:
    [answer] = desk.carrier.send([an_update(desk, phone="+862158880002", remark=None)])
    assert isinstance(answer, Done)
    [write] = desk.far.writes
    assert write.body == {"phone": "02158880002", "memo": None}
    assert write.change.expected is not None


def test_a_void_is_the_connectors_own_business(desk: Desk) -> None:
    with_buyer(desk)
    change = a_change(Action.VOID, Kind.CUSTOMER, "e1", target=BUYER, expected=desk.expected(BUYER))
    [answer] = desk.carrier.send([desk.operation(change)])
    assert isinstance(answer, Done)
    assert desk.far.writes[0].body == {}


ANSWERS = [
    (OutcomeUnknown("?", system="crm"), Unknown),
    (BadReply("?", system="crm"), Unknown),
    (ConnectorError("?", system="crm"), Unknown),
    (Refused("?", system="crm", code="E1"), Rejected),
    (Unsupported("?", system="crm"), Rejected),
    (Unavailable("?", system="crm"), NotSent),
    (RateLimited("?", system="crm", retry_after_s=9.0), NotSent),
    (QuotaUsedUp("?", system="crm", retry_after_s=900.0), NotSent),
    (NotSignedIn("?", system="crm"), NotSent),
    (NotAllowed("?", system="crm"), NotSent),
]


@pytest.mark.parametrize(("error", "answer"), ANSWERS, ids=[type(error).__name__ for error, _ in ANSWERS])
def test_every_outcome_of_a_connector_proves_what_the_table_says(
    fresh_desk: Desk, error: ConnectorError, answer: type
) -> None:
    fresh_desk.far.fail("push", error)
    [given] = fresh_desk.carrier.send([a_create(fresh_desk)])
    assert type(given) is answer
    if isinstance(given, NotSent):
        assert given.retry_after_s == error.retry_after_s
        assert given.paused is isinstance(error, QuotaUsedUp)
        assert given.target_down is not isinstance(error, RateLimited | QuotaUsedUp)


def test_a_connector_that_breaks_leaves_the_outcome_unknown(fresh_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_writes: object) -> None:
        raise RuntimeError("token=secret")

    monkeypatch.setattr(fresh_desk.far, "push", broken)
    [given] = fresh_desk.carrier.send([a_create(fresh_desk)])
    assert isinstance(given, Unknown)
    assert "secret" not in given.why


def test_outcomes_that_do_not_fit_the_writes_leave_all_unknown(
    fresh_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_desk.far, "push", lambda _writes: ())
    [given] = fresh_desk.carrier.send([a_create(fresh_desk)])
    assert isinstance(given, Unknown)


def test_what_cannot_be_mapped_is_rejected_by_its_fields_and_spoils_no_batch(fresh_desk: Desk) -> None:
    desk = fresh_desk
    good = a_create(desk)
    nobody = desk.entity(Kind.CUSTOMER, "ERP-8")  # not in the CRM
    entities = [desk.entity(Kind.INVOICE, f"SI-{n}") for n in (2, 3)]
    orphan = desk.operation(a_change(Action.CREATE, Kind.INVOICE, entities[0], an_invoice("SI-2", nobody)))
    wrong = {**an_invoice("SI-3", nobody), "issued_on": "no day", "customer": {"external_id": "K-7"}}
    odd = desk.operation(a_change(Action.CREATE, Kind.INVOICE, entities[1], wrong))
    answers = desk.carrier.send([orphan, good, odd])
    assert isinstance(answers[0], Rejected)
    assert "is not in crm yet" in answers[0].why
    assert isinstance(answers[1], Done)
    assert isinstance(answers[2], Rejected)
    assert "issued_on" in answers[2].why
    assert len(desk.far.writes) == 1


def test_a_field_that_the_mapping_does_not_write_rejects_the_update_as_a_whole(fresh_desk: Desk) -> None:
    [answer] = fresh_desk.carrier.send([an_update(fresh_desk, industry="电子", remark="x")])
    assert isinstance(answer, Rejected)
    assert "industry" in answer.why
    assert fresh_desk.far.writes == []


@pytest.mark.parametrize("looks", [True, False], ids=["the far side compares", "we compare"])
def test_a_moved_target_is_refused_and_not_overwritten(make_desk: Callable[..., Desk], looks: bool) -> None:
    desk = make_desk(FAKE_CAPABILITIES if looks else BLIND)
    operation = an_update(desk, remark="ours")
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "memo": "theirs"})
    [answer] = desk.carrier.send([operation])
    assert isinstance(answer, Moved)
    [raw] = desk.far.records(Kind.CUSTOMER)
    assert raw.payload()["memo"] == "theirs"


@pytest.mark.parametrize("looks", [True, False], ids=["the far side compares", "we compare"])
def test_a_target_that_says_it_already_is_done(make_desk: Callable[..., Desk], looks: bool) -> None:
    desk = make_desk(FAKE_CAPABILITIES if looks else BLIND)
    operation = an_update(desk, remark="the same")
    desk.far.put(Kind.CUSTOMER, "K-7", {"code": "010007", "name": "华泰机电", "memo": "the same"})
    [answer] = desk.carrier.send([operation])
    assert isinstance(answer, Done)


def test_a_vanished_target_has_moved_and_a_vanished_one_to_be_voided_is_void(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(BLIND)
    update = an_update(desk, remark="x")
    void = desk.operation(a_change(Action.VOID, Kind.CUSTOMER, "e1", target=BUYER, expected=update.change.expected))
    desk.far.remove(Kind.CUSTOMER, "K-7")
    assert [type(answer) for answer in desk.carrier.send([update, void])] == [Moved, Done]
    assert desk.far.writes == []


def test_a_target_that_cannot_be_read_first_is_not_written(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(BLIND)
    operation = an_update(desk, remark="x")
    desk.far.fail("get", Unavailable("down", system="crm"))
    [answer] = desk.carrier.send([operation])
    assert isinstance(answer, NotSent)
    assert answer.target_down
    assert desk.far.writes == []


def test_a_used_up_minute_is_no_write_and_no_fault(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(replace(FAKE_CAPABILITIES, requests_per_minute_max=2))
    buyer = with_buyer(desk)
    made = [
        desk.operation(
            a_change(Action.CREATE, Kind.INVOICE, desk.entity(Kind.INVOICE, number), an_invoice(number, buyer))
        )
        for number in ("SI-1", "SI-2", "SI-3")
    ]
    assert all(isinstance(answer, Done) for answer in desk.carrier.send(made[:2]))
    [answer] = desk.carrier.send(made[2:])
    assert isinstance(answer, NotSent)
    assert answer.paused
    assert answer.retry_after_s == pytest.approx(60.0)
    desk.clock.advance(60.0)
    [answer] = desk.carrier.send(made[2:])
    assert isinstance(answer, Done)
    assert len(desk.far.records(Kind.INVOICE)) == 3


@pytest.mark.parametrize(
    ("safety", "kind", "resend"),
    [
        (SafetyClass.KEY, Kind.PAYMENT, True),
        (SafetyClass.DRAFT, Kind.PAYMENT, True),
        (SafetyClass.LOOKUP, Kind.CUSTOMER, True),
        (SafetyClass.LOOKUP, Kind.PAYMENT, False),
        (SafetyClass.LOOKUP, Kind.INVOICE, False),
        (SafetyClass.NONE, Kind.CUSTOMER, False),
    ],
)
def test_only_what_a_far_side_can_tell_apart_is_ever_sent_again(
    make_desk: Callable[..., Desk], safety: SafetyClass, kind: Kind, resend: bool
) -> None:
    desk = make_desk(replace(FAKE_CAPABILITIES, safe_create=frozenset(), safety={kind: safety}))
    terms = desk.carrier.terms(kind, Action.CREATE)
    assert terms.resend is resend
    assert terms.unattended is (resend or kind is Kind.CUSTOMER)
    assert (terms.resends_max == 1) is (safety is SafetyClass.LOOKUP)
    assert desk.carrier.terms(kind, Action.UPDATE).resend


def test_the_check_says_why_a_far_side_is_down(fresh_desk: Desk) -> None:
    assert fresh_desk.carrier.check() is None
    fresh_desk.far.fail("check", Unavailable("no connection", system="crm"))
    assert "no connection" in str(fresh_desk.carrier.check())
