from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from fxiaoke_desk import START_MS, Desk

from ledgerbridge.sandbox.fxiaoke.app import create, credentials
from ledgerbridge.sandbox.web import Emulator

KINDS = [("customer", "AccountObj"), ("invoice", "ar_bill__c"), ("payment", "PaymentObj")]


def test_it_is_an_emulator() -> None:
    emulator: Emulator = create()

    assert emulator.name == "fxiaoke"
    assert all(credentials().values())


@pytest.mark.parametrize(("kind", "api_name"), KINDS)
def test_seeded_records_are_counted_and_readable(kind: str, api_name: str) -> None:
    desk = Desk()
    made = desk.emulator.seed(kind, 3)
    more = desk.emulator.seed(kind, 2)

    assert desk.emulator.count(kind) == 5
    assert len({*made, *more}) == 5
    rows = [desk.get(api_name, row_id) for row_id in (*made, *more)]
    assert len({row["name"] for row in rows}) == 5
    assert {row["life_status"] for row in rows} == {"normal"}


@pytest.mark.parametrize(("kind", "api_name"), KINDS)
def test_seeded_records_would_be_accepted_by_the_api(kind: str, api_name: str) -> None:
    desk = Desk()
    row = desk.get(api_name, desk.emulator.seed(kind, 1)[0])
    writable = {name: value for name, value in row.items() if not name.endswith("__r")}

    assert desk.try_create(api_name, writable)["errorCode"] == 0


def test_seeded_amounts_add_up() -> None:
    desk = Desk()
    bill = desk.get("ar_bill__c", desk.emulator.seed("invoice", 7)[-1])
    payment = desk.get("PaymentObj", desk.emulator.seed("payment", 3)[-1])
    lines = desk.found("OrderPaymentObj", ("payment_id", "EQ", [payment["_id"]]))

    assert (bill["net_amount__c"], bill["tax_amount__c"], bill["amount__c"]) == ("700.00", "91.00", "791.00")
    assert [line["payment_amount"] for line in lines] == [payment["payment_amount"]] == ["3.50"]


@pytest.mark.parametrize(("kind", "api_name"), KINDS)
def test_touch_is_a_persons_edit(kind: str, api_name: str) -> None:
    desk = Desk()
    row_id = desk.emulator.seed(kind, 1)[0]
    desk.emulator.clock.advance(9)
    desk.emulator.touch(kind, row_id, {"name": "改名"})
    row = desk.get(api_name, row_id)

    assert (row["name"], row["version"], row["last_modified_time"]) == ("改名", "2", START_MS + 9000)


def test_touch_can_void_recover_and_hand_over() -> None:
    desk = Desk(style="header")
    row_id = desk.emulator.seed("customer", 1)[0]
    desk.emulator.touch("customer", row_id, {"tel": "1", "life_status": "invalid"})
    void = desk.get("AccountObj", row_id)
    desk.emulator.touch("customer", row_id, {"life_status": "normal", "owner": ["1001"]})
    back = desk.get("AccountObj", row_id)

    assert (void["life_status"], void["tel"]) == ("invalid", "1")
    assert (back["life_status"], back["owner"]) == ("normal", ["1001"])
    assert desk.emulator.count("customer") == 1


@pytest.mark.parametrize("value", [1234567890123.45, "1234567890123.45"], ids=["float", "text"])
def test_touch_changes_amounts_exactly_also_of_a_payment_with_one_line(value: object) -> None:
    desk = Desk()
    bill, payment = desk.emulator.seed("invoice", 1)[0], desk.emulator.seed("payment", 1)[0]
    desk.emulator.touch("invoice", bill, {"amount__c": value})
    desk.emulator.touch("payment", payment, {"payment_amount": value})

    assert desk.get("ar_bill__c", bill)["amount__c"] == "1234567890123.45"
    assert desk.get("PaymentObj", payment)["payment_amount"] == "1234567890123.45"
    assert desk.found("OrderPaymentObj")[0]["payment_amount"] == "1234567890123.45"


@pytest.mark.parametrize(("mode", "read"), [("keep", ""), ("null", None)])
def test_whether_empty_text_stays_apart_from_null_is_a_switch(mode: str, read: str | None) -> None:
    desk = Desk(emptyText=mode)
    row_id = desk.emulator.seed("customer", 1)[0]
    desk.emulator.touch("customer", row_id, {"tel": "", "erp_source_id__c": ""})
    row = desk.get("AccountObj", row_id, includeNull=True)

    assert row["tel"] == read
    assert row["erp_source_id__c"] is None
    assert desk.found("AccountObj", ("tel", "IS", []))


def test_limits_survive_a_clock_set_back() -> None:
    desk = Desk(ratePerPath="1/20s")
    assert len(desk.found("AccountObj")) == 0
    desk.emulator.clock.advance(-3600)

    assert desk.query("AccountObj")["errorCode"] == 0
    assert desk.query("AccountObj")["errorCode"] == 30004


def test_touch_refuses_what_a_person_could_not_do() -> None:
    emulator = create()
    row_id = emulator.seed("customer", 1)[0]

    with pytest.raises(ValueError, match="nowhere__c"):
        emulator.touch("customer", row_id, {"nowhere__c": "x"})
    with pytest.raises(KeyError, match="AccountObj"):
        emulator.touch("customer", "f" * 24, {"name": "x"})
    with pytest.raises(ValueError, match="in_change"):
        emulator.touch("customer", row_id, {"life_status": "in_change"})
    with pytest.raises(ValueError, match="kinds are"):
        emulator.touch("order", row_id, {})


@pytest.mark.parametrize(("kind", "api_name"), KINDS)
def test_discard_takes_a_record_away_for_good(kind: str, api_name: str) -> None:
    desk = Desk()
    row_id = desk.emulator.seed(kind, 2)[0]
    desk.emulator.discard(kind, row_id)

    assert desk.emulator.count(kind) == 1
    assert desk.data(api_name, "get", {"objectDataId": row_id})["errorCode"] == 32000
    with pytest.raises(KeyError):
        desk.emulator.discard(kind, row_id)


def test_restored_books_are_read_as_they_were() -> None:
    desk = Desk()
    first = desk.emulator.seed("customer", 2)
    saved = desk.emulator.books.save()
    desk.emulator.seed("customer", 2)
    desk.emulator.books.restore(saved)

    assert desk.emulator.count("customer") == 2
    assert {row["_id"] for row in desk.found("AccountObj")} == set(first)


def test_a_notification_is_signed_over_stamp_nonce_and_raw_body() -> None:
    desk = Desk()
    row_id = desk.emulator.seed("payment", 1)[0]
    request = desk.emulator.notification("object.created", "payment", row_id, secret="s3cret")
    body = json.loads(request.body)
    signed = f"{body['timestamp']}.{body['nonce']}.".encode() + request.body

    assert request.method == "POST"
    assert set(body) == {"event", "objectApiName", "objectId", "timestamp", "nonce"}
    assert (body["objectApiName"], body["objectId"], body["timestamp"]) == ("PaymentObj", row_id, START_MS)
    assert request.headers["x-fx-signature"] == hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    other = desk.emulator.notification("object.created", "payment", row_id, secret="s3cret")
    assert json.loads(other.body)["nonce"] != body["nonce"]
    with pytest.raises(ValueError, match="events are"):
        desk.emulator.notification("object.moved", "payment", row_id, secret="s3cret")
