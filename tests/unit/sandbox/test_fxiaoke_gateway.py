from __future__ import annotations

import json

import pytest
from fxiaoke_desk import LEGACY_TOKEN, Desk

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.fxiaoke.app import create
from ledgerbridge.sandbox.web import Request

QUERY = "/cgi/crm/v2/data/query"
DATA = {"data": {"dataObjectApiName": "AccountObj", "search_query_info": {"limit": 1, "offset": 0}}}


def test_an_unknown_path_is_10006_inside_200() -> None:
    answer = Desk().call("/cgi/crm/v3/data/query", DATA)

    assert answer["errorCode"] == 10006
    assert "the request uri=[/cgi/crm/v3/data/query]" in answer["errorMessage"]


def test_only_post_is_a_call() -> None:
    assert Desk().raw(QUERY, DATA, method="GET")["errorCode"] == 10006


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"a":NaN}', b"\xff", b"null"], ids=repr)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    assert Desk().raw(QUERY, body)["errorCode"] == 10001


def test_every_answer_has_the_envelope() -> None:
    desk = Desk()
    for answer in (desk.call(QUERY, DATA), desk.call(QUERY, {"data": {}}), desk.raw("/nowhere", {})):
        assert {"errorCode", "errorMessage", "errorDescription", "traceId"} <= set(answer)
        assert isinstance(answer["errorCode"], int)


def test_third_trace_ids_are_logged_and_never_needed() -> None:
    desk = Desk()
    desk.call(QUERY, DATA)
    body = json.dumps({**desk.keys, **DATA}).encode()
    without = desk.emulator.handle(Request("POST", QUERY, {}, {}, body))

    assert json.loads(without.body)["errorCode"] == 0
    assert [call.third_trace_id for call in desk.emulator.journal][-2:] == ["t-1", None]


def test_a_hundred_calls_per_path_and_20_s() -> None:
    desk = Desk()
    codes = [desk.call(QUERY, DATA)["errorCode"] for _ in range(101)]

    assert codes == [0] * 100 + [30004]
    assert desk.call("/cgi/crm/v2/object/list", {})["errorCode"] == 0, "each path has its own count"
    desk.emulator.clock.advance(20)
    assert desk.call(QUERY, DATA)["errorCode"] == 0


def test_the_rate_and_its_code_are_switches() -> None:
    desk = Desk(ratePerPath="2/5s", rateLimitCode=14001)

    assert [desk.call(QUERY, DATA)["errorCode"] for _ in range(3)] == [0, 0, 14001]


def test_a_malformed_rate_is_a_defect_of_the_switch() -> None:
    with pytest.raises(ValueError, match="100/20s"):
        Desk(ratePerPath="often").call(QUERY, DATA)


def test_the_daily_quota_comes_back_at_midnight_in_china() -> None:
    desk = Desk(dailyQuota=2)  # 10:30 local
    codes = [desk.call(QUERY, DATA)["errorCode"] for _ in range(3)]
    desk.emulator.clock.advance(13.5 * 3600 - 1)
    desk.sign_in()
    before = desk.call(QUERY, DATA)["errorCode"]
    desk.emulator.clock.advance(1)

    assert (codes, before) == ([0, 0, 30002], 30002)
    assert desk.call(QUERY, DATA)["errorCode"] == 0


def test_nothing_purchased_is_30003() -> None:
    assert Desk(dailyQuota=0).call(QUERY, DATA)["errorCode"] == 30003


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.TOKEN_EXPIRED, 20016),
        (Fault.RATE_LIMITED, 30004),
        (Fault.QUOTA_USED_UP, 30002),
        (Fault.UNKNOWN_CODE, 987654321),
        (Fault.ERROR_IN_200, 32000),
    ],
)
def test_vendor_faults_happen_once_and_before_anything_is_done(fault: Fault, code: int) -> None:
    desk = Desk()
    desk.emulator.faults.fail_next(fault, path="/data/create")

    assert desk.try_create("AccountObj", {"name": "甲"})["errorCode"] == code
    assert desk.emulator.count("customer") == 0
    desk.sign_in()
    assert desk.try_create("AccountObj", {"name": "甲"})["errorCode"] == 0


def test_after_token_expired_the_token_call_gives_another_token() -> None:
    desk = Desk()
    old = desk.keys["corpAccessToken"]
    desk.emulator.faults.fail_next(Fault.TOKEN_EXPIRED)
    desk.call(QUERY, DATA)

    assert desk.call(QUERY, DATA)["errorCode"] == 20016
    assert desk.sign_in()["corpAccessToken"] != old


def test_the_fault_switch_counts_down() -> None:
    desk = Desk()
    desk.emulator.switches["fault"] = {"path": "/query", "code": -2, "count": 2}

    assert desk.call("/cgi/crm/v2/object/list", {})["errorCode"] == 0
    assert [desk.call(QUERY, DATA)["errorCode"] for _ in range(3)] == [-2, -2, 0]


def test_a_timeout_after_commit_has_done_its_work() -> None:
    desk = Desk()
    desk.emulator.switches["fault"] = {"path": "/create", "code": 50009, "after_commit": True}

    assert desk.try_create("AccountObj", {"name": "甲"})["errorCode"] == 50009
    assert desk.emulator.count("customer") == 1


@pytest.mark.parametrize(("code", "status", "kind"), [("HTTP_500", 500, "text/plain"), ("HTML_PAGE", 200, "text/html")])
def test_the_fault_switch_can_answer_without_json(code: str, status: int, kind: str) -> None:
    emulator = create(switches={"fault": {"path": "", "code": code}})

    response = emulator.handle(Request("POST", LEGACY_TOKEN, {}, {}, b"{}"))

    assert (response.status, response.headers["Content-Type"]) == (status, kind)


def test_an_unknown_switch_is_refused() -> None:
    with pytest.raises(ValueError, match="tokenTTL"):
        create(switches={"tokenTTL": 5})


@pytest.mark.parametrize(
    ("path", "api_name"),
    [
        ("/cgi/crm/v2/data/query", "ar_bill__c"),
        ("/cgi/crm/custom/v2/data/query", "AccountObj"),
        ("/cgi/crm/v2/data/query", "NowhereObj"),
        ("/cgi/crm/v2/data/create", "PersonnelObj"),
    ],
)
def test_the_path_must_fit_the_object(path: str, api_name: str) -> None:
    data = {"dataObjectApiName": api_name, "search_query_info": {}}
    if path.endswith("create"):
        data = {"object_data": {"dataObjectApiName": api_name, "name": "x"}}

    assert Desk().call(path, {"data": data})["errorCode"] == 32000


@pytest.mark.parametrize("action", ["query", "get", "create", "update"])
def test_the_old_custom_paths_still_answer(action: str) -> None:
    desk = Desk()
    bill = desk.bill(desk.account())
    fields = {"dataObjectApiName": "ar_bill__c", "name": "n", "account__c": desk.found("AccountObj")[0]["_id"]}
    body = {
        "query": {"dataObjectApiName": "ar_bill__c", "search_query_info": {"limit": 10, "offset": 0}},
        "get": {"dataObjectApiName": "ar_bill__c", "objectDataId": bill},
        "create": {"object_data": {**fields, "amount__c": "1"}},
        "update": {"object_data": {**fields, "_id": bill}},
    }[action]

    assert desk.call(f"/cgi/crm/custom/data/{action}", {"data": body})["errorCode"] == 0


def test_object_list_has_preset_and_custom_objects() -> None:
    objects = Desk().call("/cgi/crm/v2/object/list", {})["data"]["objects"]
    kinds = {one["describeApiName"]: one["defineType"] for one in objects}

    assert kinds["AccountObj"] == "package"
    assert kinds["ar_bill__c"] == "custom"
    assert set(objects[0]) == {"describeApiName", "describeDisplayName", "defineType", "isActive"}


@pytest.mark.parametrize("body", [{"apiName": "PaymentObj"}, {"data": {"apiName": "PaymentObj"}}], ids=["root", "data"])
def test_describe_takes_the_name_in_both_places(body: dict[str, object]) -> None:
    describe = Desk().call("/cgi/crm/v2/object/describe", {**body, "includeDetail": True})["data"]["describe"]
    fields = describe["fields"]

    assert describe["api_name"] == "PaymentObj"
    assert fields["payment_term"]["type"] == "select_one"
    assert {"label": "电汇", "value": "4"} in fields["payment_term"]["options"]
    assert fields["payment_amount"]["decimal_places"] == 2
    assert fields["account_id"]["is_required"] is True
    assert fields["erp_source_id__c"]["is_unique"] is True
    assert fields["erp_source_id__c"]["define_type"] == "custom"
    assert fields["payment_time"]["time_zone"] == "GMT+8"


def test_what_a_tenant_calls_its_things_is_switched() -> None:
    desk = Desk(
        receivableObject="object_ar12__c",
        sourceIdField="u8_id__c",
        creditCodeField="field_tax__c",
        multiCurrency=False,
        requiredFields={"AccountObj": ["tel"]},
    )
    account = desk.call("/cgi/crm/v2/object/describe", {"apiName": "AccountObj"})["data"]["describe"]["fields"]
    bill = desk.call("/cgi/crm/v2/object/describe", {"apiName": "object_ar12__c"})["data"]["describe"]["fields"]

    assert account["tel"]["is_required"] is True
    assert "field_tax__c" in account
    assert "uniform_social_credit_code" not in account
    assert bill["u8_id__c"]["is_unique"] is True
    assert "mc_currency" not in bill
    assert desk.try_create("AccountObj", {"name": "甲"})["errorCode"] == 32000
    assert desk.emulator.seed("invoice", 1)[0] in ids_of(desk, "object_ar12__c")


def ids_of(desk: Desk, api_name: str) -> list[str]:
    return [row["_id"] for row in desk.found(api_name)]


def test_writes_are_known_by_their_path() -> None:
    emulator = create()
    writes = ["v2/data/create", "v2/data/update", "custom/v2/data/delete", "v2/object/lock", "custom/data/invalid"]
    reads = ["v2/data/query", "custom/v2/data/findOne", "v2/object/describe", "v2/data/get"]

    assert all(emulator.is_write(Request("POST", f"/cgi/crm/{path}", {}, {}, b"")) for path in writes)
    assert not any(emulator.is_write(Request("POST", f"/cgi/crm/{path}", {}, {}, b"")) for path in reads)
