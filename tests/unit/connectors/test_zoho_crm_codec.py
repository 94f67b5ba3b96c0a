"""Zoho's replies: what they mean, and what of them is a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.zoho_crm import catalog, codec, codec_pages
from ledgerbridge.connectors.zoho_crm.settings import ZohoCrmSettings
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
from ledgerbridge.model.wirejson import WireError
from ledgerbridge.testing.fakes import FakeClock

READ = codec.list_call("Accounts", ("Account_Name",), size=200, since=None, token=None)
WRITE = Call("POST", "/crm/v8/Accounts/upsert", json={"data": []}, writes=True)
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, headers or {}, content, "r1", 0.01)


def error_body(code: str, **details: object) -> dict[str, object]:
    return {"code": code, "details": details, "message": "in Zoho's words", "status": "error"}


def judged(call: Call, answer: Reply, *, floor: int = 100) -> ConnectorError | None:
    return codec.judge(codec.Credits("crm", floor, FakeClock()), "crm")(call, answer)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "INVALID_TOKEN", NotSignedIn),
        (401, "AUTHENTICATION_FAILURE", NotSignedIn),
        (401, "OAUTH_SCOPE_MISMATCH", NotAllowed),
        (403, "NO_PERMISSION", NotAllowed),
        (400, "INVALID_MODULE", Unsupported),
        (400, "INVALID_DATA", Refused),
        (404, "INVALID_URL_PATTERN", Refused),
        (200, "INTERNAL_ERROR", Unavailable),
        (400, "ORG_SHARD_MOVING", BadReply),
    ],
)
def test_errors_of_a_whole_request(status: int, code: str, expected: type[ConnectorError]) -> None:
    found = judged(READ, reply(error_body(code), status))
    assert type(found) is expected
    assert found.code == code


def test_a_server_failure_leaves_a_write_unknown() -> None:
    assert type(judged(WRITE, reply(error_body("INTERNAL_ERROR")))) is OutcomeUnknown


def test_an_error_names_fields_and_rights_and_never_what_was_sent() -> None:
    body = error_body("NO_PERMISSION", permissions=["Crm_Implied_View_Invoices"], near="secret text")
    said = str(judged(READ, reply(body, 403)))
    assert "Crm_Implied_View_Invoices" in said
    assert "secret text" not in said


def test_a_missing_module_says_which_setting_to_look_at() -> None:
    call = codec.list_call("Zahlungen", ("Name",), size=200, since=None, token=None)
    said = str(judged(call, reply(error_body("INVALID_MODULE", resource_path_index=0), 400)))
    assert "/Zahlungen" in said
    assert "payments_module" in said


@pytest.mark.parametrize("body", [b"Too many requests", b'{"code":"TOO_MANY_REQUESTS"}'], ids=["no JSON", "JSON"])
@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
def test_429_is_a_rate_limit_with_and_without_json(call: Call, body: bytes) -> None:
    assert type(judged(call, reply(body, 429))) is RateLimited


@pytest.mark.parametrize(("left", "expected"), [("100", QuotaUsedUp), ("0", QuotaUsedUp), ("101", RateLimited)])
def test_429_with_few_credits_left_is_a_used_up_quota(left: str, expected: type[ConnectorError]) -> None:
    assert type(judged(READ, reply(b"", 429, {codec.CREDITS: left}))) is expected


def test_few_credits_stop_the_next_call_and_not_the_one_that_said_so() -> None:
    clock = FakeClock()
    credits_left = codec.Credits("crm", 100, clock)
    judge = codec.judge(credits_left, "crm")
    assert judge(WRITE, reply({"data": []}, 200, {codec.CREDITS: "99"})) is None
    with pytest.raises(QuotaUsedUp, match="credits_floor"):
        credits_left.demand()
    clock.advance(codec.CREDITS_HOLD_S)
    credits_left.demand()


def test_enough_credits_again_let_calls_through() -> None:
    credits_left = codec.Credits("crm", 100, FakeClock())
    credits_left.note(reply({}, 200, {codec.CREDITS: "99"}))
    credits_left.note(reply({}, 200, {codec.CREDITS: "100"}))
    credits_left.demand()


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_is_an_empty_list(status: int) -> None:
    assert judged(READ, reply(b"", status)) is None
    assert codec_pages.listed(reply(b"", status), "Accounts", "crm") == codec_pages.Listed()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"code":7}'], ids=["html", "a list", "a code that is a number"])
def test_what_is_no_known_form_is_no_json_of_ours(body: bytes) -> None:
    with pytest.raises(WireError):
        judged(READ, reply(body))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"info": {"more_records": False}},
        {"data": {}, "info": {"more_records": False}},
        {"data": [], "info": {}},
    ],
    ids=["nothing", "no info", "no data", "data is no list", "no word of more"],
)
def test_success_without_what_it_must_have_is_a_bad_reply(body: object) -> None:
    with pytest.raises(BadReply):
        codec_pages.listed(reply(body), "Accounts", "crm")


def test_records_keep_their_text_to_the_last_digit() -> None:
    text = b'{"id":"5500000000101","ERP_Total":1234567890123.450, "Modified_Time":"2026-03-02T09:15:00+08:00"}'
    page = codec_pages.listed(
        reply(b'{"data":[' + text + b'],"info":{"more_records":true,"next_page_token":"c85f"}}'), "Invoices", "crm"
    )
    assert (page.more, page.token) == (True, "c85f")
    head = codec_pages.head(page.rows[0])
    assert head is not None
    raw = codec_pages.raw_record(page.rows[0], catalog.INVOICES, head, NOW)
    assert raw.body == text
    assert raw.payload()["ERP_Total"] == Decimal("1234567890123.450")
    assert raw.modified_at == datetime(2026, 3, 2, 1, 15, tzinfo=UTC)
    assert raw.order == int(raw.modified_at.timestamp() * 1000)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (b'{"id":"55","Modified_Time":"2026-03-02T01:00:00Z"}', ("55", NOW)),
        (b'{"id":5500000000000001001}', ("5500000000000001001", None)),
        (b'{"id":"55","Modified_Time":{"malformed":[1]}}', ("55", None)),
        (b'{"id":"55","Modified_Time":"2026-03-02T01:00:00"}', ("55", None)),
        (b'{"id":"55","Modified_Time":"soon"}', ("55", None)),
        (b'{"id":""}', None),
        (b'{"id":null}', None),
        (b'{"id":"../5"}', None),
        (b'{"name":"no id"}', None),
        (b'"a text"', None),
        (b"null", None),
    ],
)
def test_the_head_of_a_row(row: bytes, expected: tuple[str, datetime | None] | None) -> None:
    found = codec_pages.head(msgspec.Raw(row))
    assert (None if found is None else (found.id, found.modified_at)) == expected


def test_a_deletion_names_the_record_and_has_no_order() -> None:
    row = msgspec.Raw(b'{"id":"55","display_name":null,"type":"permanent","deleted_time":"2026-03-02T09:00:00+08:00"}')
    raw = codec_pages.deletion(row, catalog.ACCOUNTS, NOW)
    assert raw is not None
    assert (raw.external_id, raw.deleted, raw.order, raw.modified_at) == ("55", True, None, NOW)
    assert codec_pages.deletion(msgspec.Raw(b'{"display_name":"x"}'), catalog.ACCOUNTS, NOW) is None


def test_contacts_go_into_their_customer_in_the_order_of_their_ids() -> None:
    contacts = [
        msgspec.Raw(b'{"id":"12","Last_Name":"B","Account_Name":{"id":"1","name":"x"}}'),
        msgspec.Raw(b'{"id":"2","Last_Name":"A","Account_Name":{"id":"1"}}'),
        msgspec.Raw(b'{"id":"3","Last_Name":"C","Account_Name":null}'),
        msgspec.Raw(b'{"id":"4","Account_Name":"broken"}'),
    ]
    found = codec_pages.by_account(contacts)
    assert {account: [number for number, _ in listed] for account, listed in found.items()} == {"1": [2, 12]}
    body = codec_pages.with_contacts(msgspec.Raw(b'{"id":"1","Limit":1.50}'), found["1"])
    assert body.startswith(b'{"id":"1","Limit":1.50,"Contacts":[{"id":"2",')
    assert [one["Last_Name"] for one in json.loads(body)["Contacts"]] == ["A", "B"]
    assert codec_pages.touched(contacts) == ("1",)


def test_metadata_tells_what_a_list_can_carry() -> None:
    fields = [
        {"api_name": "Subject", "data_type": "text"},
        {"api_name": "Invoiced_Items", "data_type": "subform"},
        {"api_name": "Team", "data_type": "multiuserlookup"},
    ]
    assert codec_pages.listable_fields(reply({"fields": fields}), "Invoices", "crm") == {"Subject"}


def access(**more: object) -> ZohoCrmSettings:
    given = {"client_id": "c", "client_secret": "secret", "refresh_token": "refresh"}
    return ZohoCrmSettings.model_validate({**given, **more})


@pytest.mark.parametrize("module", catalog.MODULES.values(), ids=lambda module: module.wire_type)
def test_the_usual_fields_fit_into_one_call_with_room_for_more(module: catalog.Module) -> None:
    assert len(catalog.wanted_fields(module, access())) <= 45
    assert len(set(module.usual)) == len(module.usual)


def test_fields_that_the_org_lacks_are_not_asked_for() -> None:
    chosen = catalog.fields_to_read(catalog.PAYMENTS, access(), {"Name", "Amount", "Other"}, "crm")
    assert chosen == ("Modified_Time", "Name", "Amount")


def test_settings_choose_fields() -> None:
    settings = access(fields={"Accounts": ["Account_Name"]}, extra_fields={"Accounts": ["Region__c"]})
    assert catalog.wanted_fields(catalog.ACCOUNTS, settings) == ("Modified_Time", "Account_Name", "Region__c")


def test_more_fields_than_a_call_takes_are_said_before_any_call() -> None:
    names = [f"Field_{number}" for number in range(50)]
    with pytest.raises(Unsupported, match="51 fields"):
        catalog.fields_to_read(catalog.ACCOUNTS, access(fields={"Accounts": names}), set(names), "crm")


@pytest.mark.parametrize("name", ["Bad-Name", "a b", "x;drop", "", "1st"])
def test_names_that_could_break_a_query_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="fields"):
        access(fields={"Accounts": [name]})


def test_quotes_do_not_end_a_literal() -> None:
    assert codec.quoted("O'Neil \\ Co") == r"'O\'Neil \\ Co'"


def test_conditions_are_bracketed_in_pairs() -> None:
    assert codec.any_of(["a"]) == "a"
    assert codec.any_of(["a", "b", "c"]) == "(a or (b or c))"
