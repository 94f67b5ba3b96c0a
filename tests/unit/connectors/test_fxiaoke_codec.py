"""Fxiaoke's codec on sample replies: verdicts, rows, cursors, calls, sign-in. No I/O."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.fxiaoke import codec
from ledgerbridge.connectors.fxiaoke.codec_calls import Calls, Query, among, equals, since
from ledgerbridge.connectors.fxiaoke.codec_cursor import Cursor, dump_cursor, legs_of, load_cursor, resumed
from ledgerbridge.connectors.fxiaoke.codec_records import Grouped, ParentHead, Resource, head, raw_record, read_rows
from ledgerbridge.connectors.fxiaoke.settings import FxiaokeSettings, LinkedObject
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
)
from ledgerbridge.model.base import Kind

NOW = datetime(2026, 3, 2, 15, 59, 30, tzinfo=UTC)  # half a minute before midnight in Shanghai
READ = Call("POST", "/cgi/crm/v2/data/query")
WRITE = Call("POST", "/cgi/crm/v2/data/create", writes=True)
LINES = LinkedObject(object="OrderPaymentObj", parent_field="payment_id")
PAYMENTS = Resource(Kind.PAYMENT, "PaymentObj", "PaymentObj", (LINES,), ("name",))
REFUNDS = Resource(Kind.PAYMENT, "RefundObj", "RefundObj", (), ("name",), main=False)


def settings(**changes: Any) -> FxiaokeSettings:
    plain = {"app_id": "FSAID_1", "app_secret": "s3cret-s3cret", "permanent_code": "p3rm", "acting_user": "1000"}
    return FxiaokeSettings.model_validate({**plain, **changes})


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    text = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(status, headers, text, "ours", 0.1)


def judged(call: Call, body: Any, status: int = 200, codes: tuple[int, ...] = ()) -> ConnectorError | None:
    return codec.judge(codes, "crm", lambda: NOW)(call, reply(body, status))


# -- verdicts


@pytest.mark.parametrize(
    ("code", "on_read", "on_write"),
    [
        (-1, Unavailable, OutcomeUnknown),
        (-2, Unavailable, OutcomeUnknown),
        (50009, Unavailable, OutcomeUnknown),
        (20005, NotSignedIn, NotSignedIn),
        (20016, NotSignedIn, NotSignedIn),
        (14001, RateLimited, RateLimited),
        (30004, RateLimited, RateLimited),
        (30002, QuotaUsedUp, QuotaUsedUp),
        *[(code, NotAllowed, NotAllowed) for code in (30003, 20021, 20022, 20020, 20006, 20015, 20017, 10006)],
        *[(code, Refused, Refused) for code in (15003, 20014, 20023, 11008, 20012, 30027)],
        *[(code, Refused, Refused) for code in (10001, 10013, 10015, 11001, 11018, 12004, 15002, 32000, 500)],
        (201112011, Refused, Refused),
        (987654321, BadReply, BadReply),  # which the runner makes an unknown outcome of a write
    ],
)
def test_each_code_means_what_the_sheet_says(
    code: int, on_read: type[ConnectorError], on_write: type[ConnectorError]
) -> None:
    body = {"errorCode": code, "errorMessage": "x", "traceId": "E-O.ea.1000-1"}
    for call, expected in ((READ, on_read), (WRITE, on_write)):
        error = judged(call, body)
        assert type(error) is expected
        assert (error.code, error.request_id) == (str(code), "E-O.ea.1000-1")


def test_success_is_zero_in_either_spelling() -> None:
    assert judged(READ, {"errorCode": 0}) is None
    assert judged(READ, {"errorCode": "0", "data": {}}) is None
    assert type(judged(READ, {"errorCode": "32000"})) is Refused


def test_the_texts_of_the_vendor_decide_nothing() -> None:
    assert judged(READ, {"errorCode": 0, "errorMessage": "the token is expired, quota used up"}) is None
    assert type(judged(READ, {"errorCode": 32000, "errorMessage": "OK success"})) is Refused


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b'"ok"', b"null"], ids=["page", "nothing", "list", "text", "null"]
)
def test_what_is_no_answer_of_this_api_names_the_setting_to_check(body: bytes) -> None:
    error = judged(READ, body)
    assert type(error) is BadReply
    assert "base_url" in str(error)


def test_an_answer_without_a_code_is_outside_the_contract() -> None:
    assert type(judged(READ, {"data": {}})) is BadReply
    assert type(judged(READ, {"errorCode": "many"})) is BadReply


def test_statuses_other_than_200_are_the_runners_business_but_a_redirect_is_explained() -> None:
    assert judged(READ, b"oops", 503) is None
    error = judged(READ, b"", 302)
    assert type(error) is BadReply
    assert error.code == "302"


def test_waits_are_those_of_the_vendor() -> None:
    quota, rate = judged(READ, {"errorCode": 30002}), judged(READ, {"errorCode": 30004})
    assert quota is not None
    assert quota.retry_after_s == 30.0
    assert rate is not None
    assert rate.retry_after_s is not None
    assert 2 <= rate.retry_after_s <= 20


def test_a_missing_right_is_told_apart_and_tenant_codes_become_refusals() -> None:
    assert "lacks a right" in str(judged(READ, {"errorCode": 20014, "errorMessage": "无此操作的数据权限"}))
    assert type(judged(WRITE, {"errorCode": 305030005}, codes=(305030005,))) is Refused


def test_a_very_long_text_is_cut() -> None:
    error = judged(READ, {"errorCode": 32000, "errorMessage": "长" * 5000})
    assert len(str(error)) < 400


def test_the_earlier_of_two_clocks_counts() -> None:
    theirs = reply({}, date="Mon, 02 Mar 2026 10:00:00 GMT")
    assert codec.served_at(theirs, NOW) == datetime(2026, 3, 2, 10, tzinfo=UTC)
    early = NOW - timedelta(days=1)
    assert codec.served_at(theirs, early) == early
    for nonsense in ("", "yesterday", "Mon, 99 Mar 2026 10:00:00 GMT"):
        assert codec.served_at(reply({}, date=nonsense), NOW) == NOW


# -- calls


def test_a_trace_id_is_drawn_at_each_reading() -> None:
    ids = iter(["a", "b", "c"])
    fresh = codec.Fresh(lambda: next(ids))
    assert [{**fresh}["thirdTraceId"], dict(fresh)["thirdTraceId"]] == ["a", "b"]
    assert list(fresh) == ["thirdTraceId"]
    assert len(fresh) == 1
    with pytest.raises(KeyError):
        fresh["other"]


def calls(**changes: Any) -> Calls:
    return Calls(settings(**changes), codec.Fresh(lambda: str(uuid.UUID(int=1))))


def test_a_page_is_asked_for_by_the_keyset_in_the_vendors_spelling() -> None:
    call = calls().query(Query("ar_bill__c", fields=("_id",)).where(since(5), among("x", ["1", "2"])), "abc", 100)
    assert call.path == call.interface == "/cgi/crm/custom/v2/data/query"
    assert not call.writes
    assert call.json == {
        "data": {
            "dataObjectApiName": "ar_bill__c",
            "find_explicit_total_num": False,
            "search_query_info": {
                "limit": 100,
                "offset": 0,
                "filters": [
                    {"field_name": "last_modified_time", "operator": "GTE", "field_values": ["5"]},
                    {"field_name": "x", "operator": "IN", "field_values": ["1", "2"]},
                    {"field_name": "_id", "operator": "GT", "field_values": ["abc"]},
                ],
                "orders": [{"fieldName": "_id", "isAsc": True}],
                "fieldProjection": ["_id"],
            },
        }
    }


def test_hidden_void_rows_are_asked_for_by_naming_every_status() -> None:
    call = calls(void_rows_hidden=True).query(Query("AccountObj").where(equals("name", "x")), "", 1)
    body: Any = call.json
    filters = body["data"]["search_query_info"]["filters"]
    assert filters[-1]["field_name"] == "life_status"
    assert filters[-1]["field_values"] == ["ineffective", "under_review", "normal", "in_change", "invalid"]
    assert "fieldProjection" not in body["data"]["search_query_info"]


@pytest.mark.parametrize(
    ("name", "prefix"), [("AccountObj", "/cgi/crm/v2/data/"), ("a__c", "/cgi/crm/custom/v2/data/")]
)
def test_preset_and_custom_objects_have_paths_of_their_own(name: str, prefix: str) -> None:
    made = calls()
    found = {
        "create": made.create(name, {"name": "x"}, {"d": []}),
        "update": made.update(name, "1", {"name": "x"}, None),
        "invalid": made.invalidate(name, "1"),
        "changeOwner": made.change_owner(name, "1", ["1000"]),
    }
    assert {verb: call.path for verb, call in found.items()} == {verb: prefix + verb for verb in found}
    assert all(call.writes for call in found.values())
    create: Any = found["create"].json
    assert create["triggerApprovalFlow"] is create["triggerWorkFlow"] is False
    assert create["data"]["object_data"] == {"dataObjectApiName": name, "object_describe_api_name": name, "name": "x"}
    assert create["data"]["details"] == {"d": []}
    update: Any = found["update"].json
    assert update["data"] == {"object_data": {"dataObjectApiName": name, "_id": "1", "name": "x"}}
    void: Any = found["invalid"].json
    assert void["data"] == {"dataObjectApiName": name, "object_data_id": "1"}
    owner: Any = found["changeOwner"].json
    assert owner["data"]["Data"] == [{"objectDataId": "1", "ownerId": ["1000"]}]


# -- rows


def rows(*texts: str) -> list[msgspec.Raw]:
    body = '{"errorCode":0,"data":{"dataList":[' + ",".join(texts) + "]}}"
    return read_rows(reply(body.encode()), "PaymentObj", "crm")


@pytest.mark.parametrize(
    "body",
    [
        {"errorCode": 0},
        {"errorCode": 0, "data": None},
        {"errorCode": 0, "data": {}},
        {"errorCode": 0, "data": {"dataList": {}}},
    ],
)
def test_success_without_rows_is_no_empty_page(body: Any) -> None:
    with pytest.raises(BadReply, match="without its dataList"):
        read_rows(reply(body), "PaymentObj", "crm")


def test_heads_of_new_and_old_rows() -> None:
    new, old, bare = rows(
        '{"_id":"68fa","last_modified_time":1790790001234,"version":"3","life_status":"invalid"}',
        '{"version":7,"_id":"9c0d6f3a5a1b4c0e8f7a6b5c4d3e2f10"}',
        '{"_id":"1","last_modified_time":null,"version":null}',
    )
    one, two, three = head(new), head(old), head(bare)
    assert one is not None
    assert two is not None
    assert three is not None
    assert (one.row_id, one.modified_ms, one.version, one.is_void) == ("68fa", 1790790001234, 3, True)
    assert (two.row_id, two.modified_ms, two.version, two.is_void) == (
        "9c0d6f3a5a1b4c0e8f7a6b5c4d3e2f10",
        None,
        7,
        False,
    )
    assert (three.modified_ms, three.version) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        '{"name":"x"}',
        '{"_id":null}',
        '{"_id":""}',
        '{"_id":7}',
        '{"_id":"a b"}',
        '{"_id":"中"}',
        "[]",
        '"x"',
        "null",
        "7",
    ],
)
def test_what_has_no_usable_id_is_no_record(text: str) -> None:
    assert head(rows(text)[0]) is None


def test_a_stamp_of_a_wrong_type_costs_the_stamp_and_not_the_record() -> None:
    found = head(rows('{"_id":"1","last_modified_time":{"x":1},"version":"v2","life_status":5}')[0])
    assert found is not None
    assert (found.row_id, found.modified_ms, found.version, found.life_status) == ("1", None, None, None)


def test_a_record_is_the_row_as_sent_with_its_linked_rows_at_the_end() -> None:
    master, plain, void = rows(
        '{"_id":"1", "amount": "0.00","n":1.10}',
        '{"_id":"2","payment_id":"1"}',
        '{"_id":"3","payment_id":"1","life_status":"invalid"}',
    )
    grouped = Grouped((LINES,))
    for row in (plain, void):
        at, parent = head(row), ParentHead(LINES).of(row)
        assert at is not None
        assert parent == "1"
        grouped.add("OrderPaymentObj", parent, row, at)
    assert grouped.body(master, "1") == (
        b'{"_id":"1", "amount": "0.00","n":1.10,"details":{"OrderPaymentObj":[{"_id":"2","payment_id":"1"}]},'
        b'"void_details":{"OrderPaymentObj":[{"_id":"3","payment_id":"1","life_status":"invalid"}]}}'
    )
    assert grouped.body(plain, "2") == b'{"_id":"2","payment_id":"1","details":{"OrderPaymentObj":[]}}'
    assert Grouped(()).body(master, "1") == bytes(master)


@pytest.mark.parametrize("text", ['{"_id":"1"}', '{"payment_id":null}', '{"payment_id":""}', '{"payment_id":5}', "[]"])
def test_a_linked_row_that_names_no_record_has_no_parent(text: str) -> None:
    assert ParentHead(LINES).of(rows(text)[0]) is None


def test_a_raw_record_keeps_bytes_version_and_stamp() -> None:
    [row] = rows('{"_id":"1","last_modified_time":1790790001234,"version":"3"}')
    at = head(row)
    assert at is not None
    raw = raw_record(REFUNDS, at, bytes(row), NOW)
    assert raw.external_id == "RefundObj:1"
    assert raw.order == 3
    assert raw.modified_at == datetime(2026, 9, 30, 17, 40, 1, 234000, tzinfo=UTC)


# -- cursors


def test_a_first_walk_reads_each_object_whole() -> None:
    assert [(leg.name, leg.from_ms) for leg in legs_of([PAYMENTS, REFUNDS], Cursor())] == [
        ("PaymentObj", None),
        ("RefundObj", None),
    ]


def test_a_later_walk_reads_what_changed_and_what_changed_beside_it() -> None:
    state = Cursor().started(NOW).finished([PAYMENTS, REFUNDS])
    began = int(NOW.timestamp() * 1000)
    legs = legs_of([PAYMENTS, REFUNDS], load_cursor(dump_cursor(state), "crm"))
    assert [(leg.name, leg.from_ms) for leg in legs] == [
        ("PaymentObj", began - 150_000),
        ("PaymentObj<OrderPaymentObj", began - 150_000),
        ("RefundObj", began - 150_000),
    ]
    assert legs[1].query.api_name == "OrderPaymentObj"


def test_an_object_read_in_another_form_is_read_whole_again() -> None:
    state = Cursor().started(NOW).finished([PAYMENTS])
    bare = Resource(Kind.PAYMENT, "PaymentObj", "PaymentObj", (), ("name",))
    assert [leg.from_ms for leg in legs_of([bare], state)] == [None]


def test_the_mark_moves_only_at_the_end_and_with_the_first_answer() -> None:
    state = Cursor(1000, ("PaymentObj(OrderPaymentObj)",)).started(NOW)
    later = state.started(NOW + timedelta(hours=1)).at("PaymentObj", "abc")
    assert load_cursor(dump_cursor(later), "crm") == later
    assert (later.since, later.next) == (1000, state.next)
    assert later.finished([PAYMENTS]).since == state.next


def test_a_walk_is_resumed_in_its_leg_and_begun_anew_where_that_leg_is_no_more() -> None:
    state = Cursor(None, (), 5, "RefundObj", "abc")
    assert resumed(legs_of([PAYMENTS, REFUNDS], state), state) == (1, state)
    assert resumed(legs_of([PAYMENTS], state), state) == (0, Cursor())


@pytest.mark.parametrize("text", ["", "7", "[]", "{}", '{"since":1,"read":[],"page":2}', "not json"])
def test_a_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadReply, match="no cursor of this connector"):
        load_cursor(text, "crm")
