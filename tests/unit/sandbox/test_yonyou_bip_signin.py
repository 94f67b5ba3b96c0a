"""Discovery, tokens, and the order of the gateway's checks (yonyou.md B1, B2, B3, B8.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl, quote

import pytest
from bip_desk import BASE, GATEWAY, Desk, parsed, signed_query

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.yonyou_bip.app import create, credentials
from ledgerbridge.sandbox.yonyou_bip.signin import DISCOVERY_PATH, OLD_TOKEN_PATH, TOKEN_PATH, signature

NEWLIST = "digitalModel/merchant/newlist"


def test_discovery_points_at_this_server() -> None:
    answer = parsed(Desk().raw("GET", DISCOVERY_PATH, {"tenantId": credentials()["tenant_id"]}))

    assert answer["code"] == "00000"
    assert answer["data"] == {"gatewayUrl": f"{BASE}/iuap-api-gateway", "tokenUrl": f"{BASE}/iuap-api-auth"}


def test_an_unknown_tenant_is_500_inside_200() -> None:
    response = Desk().raw("GET", DISCOVERY_PATH, {"tenantId": "nobody"})

    assert response.status == 200
    assert parsed(response)["code"] == "500"


def test_the_signature_is_the_documented_hmac() -> None:
    mac = hmac.new(b"s3cret", b"appKeykkktimestamp1700000000000", hashlib.sha256).digest()

    assert signature("kkk", "1700000000000", "s3cret") == base64.b64encode(mac).decode()


@pytest.mark.parametrize("path", [TOKEN_PATH, OLD_TOKEN_PATH], ids=["new-path", "old-path"])
def test_a_signed_request_gets_a_token_for_two_hours(path: str) -> None:
    desk = Desk()
    answer = parsed(desk.raw("GET", path, signed_query(desk.emulator)))

    assert answer["code"] == "00000"
    assert answer["data"]["expire"] == 7200


def test_a_token_must_be_url_encoded() -> None:
    desk = Desk()
    sent_plain = dict(parse_qsl(f"access_token={desk.token}"))
    sent_encoded = dict(parse_qsl(f"access_token={quote(desk.token, safe='')}"))

    assert parsed(desk.raw("POST", GATEWAY + NEWLIST, sent_plain, b"{}"))["code"] == "310036"
    assert parsed(desk.raw("POST", GATEWAY + NEWLIST, sent_encoded, b"{}"))["code"] == "200"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"appKey": "nobody"}, "10018"),
        ({"signature": "AAAA"}, "10019"),
        ({"timestamp": "1791426600"}, "10020"),  # seconds instead of milliseconds
        ({"timestamp": "1791426000000"}, "10020"),  # ten minutes old
        ({"timestamp": "soon"}, "10020"),
        ({"signature": ""}, "310008"),
    ],
    ids=["unknown-app", "bad-signature", "seconds", "stale", "no-number", "no-signature"],
)
def test_a_wrong_token_request_is_refused_inside_200(changes: dict[str, str], code: str) -> None:
    desk = Desk()
    response = desk.raw("GET", TOKEN_PATH, signed_query(desk.emulator, **changes))

    assert response.status == 200
    assert parsed(response)["code"] == code
    assert "data" not in parsed(response)


def test_a_doubly_encoded_signature_is_refused() -> None:
    desk = Desk()
    query = signed_query(desk.emulator)
    query["signature"] = quote(query["signature"], safe="")

    assert parsed(desk.raw("GET", TOKEN_PATH, query))["code"] == "10019"


def test_tenants_may_take_seconds_and_have_other_codes() -> None:
    desk = Desk(accept_seconds_timestamp=True, bad_signature_code="49999")

    assert parsed(desk.raw("GET", TOKEN_PATH, signed_query(desk.emulator, timestamp="1791426600")))["code"] == "00000"
    assert parsed(desk.raw("GET", TOKEN_PATH, signed_query(desk.emulator, signature="x")))["code"] == "49999"


def test_tokens_end_by_the_clock_and_several_are_valid_at_once() -> None:
    desk = Desk()
    first = desk.token
    desk.emulator.clock.advance(7000)
    second = desk.sign_in()

    assert first != second
    assert desk.call(NEWLIST, {}, access_token=first)["code"] == "200"
    desk.emulator.clock.advance(200)
    assert desk.call(NEWLIST, {}, access_token=first)["code"] == "310036"
    assert desk.call(NEWLIST, {}, access_token=second)["code"] == "200"


def test_a_token_in_a_header_is_not_accepted() -> None:
    desk = Desk()

    assert desk.call(NEWLIST, {}, access_token="")["code"] == "310001"


@pytest.mark.parametrize(
    ("method", "endpoint", "token", "body", "status", "code"),
    [
        ("POST", "no/such/route", "bad", b"not json", 404, "310404"),
        ("GET", "EFI/receivable/save", "", b"not json", 200, "310001"),
        ("GET", "EFI/receivable/save", "bad", b"not json", 200, "310036"),
        ("GET", "EFI/receivable/save", "good", b"not json", 405, "310405"),
        ("POST", "EFI/receivable/save", "good", b"not json", 200, "310002"),
        ("POST", "EFI/receivable/save", "good", b'{"a":NaN}', 200, "310002"),
        ("POST", "EFI/receivable/save", "good", b"{}", 200, "310008"),
        ("POST", "EFI/receivable/save", "good", b'{"data":{"direction":"9"}}', 200, "310008"),
        ("GET", "EFI/receivable/detail", "good", b"", 200, "310008"),
    ],
    ids=["route", "token-missing", "token-bad", "method", "json", "nan", "no-data", "required-first", "no-id"],
)
def test_checks_come_in_order(method: str, endpoint: str, token: str, body: bytes, status: int, code: str) -> None:
    desk = Desk()
    response = desk.raw(method, GATEWAY + endpoint, {"access_token": desk.token if token == "good" else token}, body)

    assert (response.status, parsed(response)["code"]) == (status, code)


def test_a_bad_token_may_answer_plain_text() -> None:
    desk = Desk(token_errors_as_text=True)
    response = desk.response(NEWLIST, {}, access_token="gone")

    assert response.status == 200
    assert b"token" in response.body
    assert response.headers["Content-Type"] == "text/plain"


def test_codes_are_text_or_number_by_endpoint() -> None:
    desk = Desk()

    assert desk.call("EFI/receivable/list", {})["code"] == "200"
    assert desk.call("fi/receivebill/list/v2", {})["code"] == 200


def test_failures_may_carry_display_codes() -> None:
    answer = Desk(display_codes=True).call("EFI/receivable/detail", id="1")

    assert (answer["code"], answer["level"]) == ("999", 0)
    assert answer["displayCode"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.TOKEN_EXPIRED, 200, "310036"),
        (Fault.RATE_LIMITED, 429, "310046"),
        (Fault.QUOTA_USED_UP, 200, "310039"),
        (Fault.UNKNOWN_CODE, 200, "399999"),
        (Fault.ERROR_IN_200, 200, "999"),
    ],
    ids=str,
)
def test_faults_in_the_vendors_words(fault: Fault, status: int, code: str) -> None:
    desk = Desk()
    desk.faults.fail_next(fault, path="merchant/newlist")
    first = desk.response(NEWLIST, {})

    assert (first.status, parsed(first)["code"]) == (status, code)
    if fault is Fault.TOKEN_EXPIRED:  # it stays expired: the call must sign in again
        assert desk.call(NEWLIST, {})["code"] == "310036"
        desk.sign_in()
    assert desk.call(NEWLIST, {})["code"] == "200"
    assert desk.faults.happened[fault] == 1


def test_the_limit_per_minute_is_per_api() -> None:
    desk = Desk(rate_limit_per_minute=2)
    codes = [desk.call(NEWLIST, {})["code"] for _ in range(3)]

    assert codes == ["200", "200", "310046"]
    assert desk.call("EFI/receivable/list", {})["code"] == "200"
    desk.emulator.clock.advance(60)
    assert desk.call(NEWLIST, {})["code"] == "200"


def test_forced_codes_and_missing_grants() -> None:
    desk = Desk(forced_code="310071", forced_endpoint="EFI/", not_granted=["sd/"])

    assert desk.call("EFI/receivable/list", {})["code"] == "310071"
    assert desk.call("sd/vouchersaleinvoice/list", {})["code"] == "310037"
    assert desk.call(NEWLIST, {})["code"] == "200"


def test_unknown_switches_are_refused() -> None:
    with pytest.raises(ValueError, match="has no switch typo"):
        create(switches={"typo": True})


def test_writes_are_known_as_such() -> None:
    desk = Desk()

    def write(endpoint: str) -> bool:
        from ledgerbridge.sandbox.web import Request

        return desk.emulator.is_write(Request("POST", GATEWAY + endpoint, {}, {}, b"{}", BASE))

    assert write("EFI/receivable/save")
    assert write("EFI/verify/relation/regClue")
    assert not write("EFI/receivable/list")
    assert not write("sd/credit/query")
    assert not write("no/such/route")
