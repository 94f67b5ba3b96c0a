from __future__ import annotations

from typing import Any

import pytest
from fxiaoke_desk import HEADER_TOKEN, LEGACY_TOKEN, Desk

from ledgerbridge.sandbox.fxiaoke.app import credentials

QUERY = "/cgi/crm/v2/data/query"
DATA = {"data": {"dataObjectApiName": "AccountObj", "search_query_info": {"limit": 1, "offset": 0}}}


def _keys() -> dict[str, str]:
    granted = credentials()
    return {
        "appId": granted["app_id"],
        "appSecret": granted["app_secret"],
        "permanentCode": granted["permanent_code"],
    }


def test_legacy_token_answer_has_the_sheets_members() -> None:
    answer = Desk().raw(LEGACY_TOKEN, _keys())

    assert answer["errorCode"] == 0
    assert answer["corpId"].startswith("FSCID_")
    assert answer["expiresIn"] == 7200
    assert answer["traceId"].startswith("E-O.")


def test_header_token_answer_holds_the_corp_id_under_open_user_id() -> None:
    answer = Desk().raw(HEADER_TOKEN, _keys() | {"grantType": "app_secret"})

    assert {"accessToken", "ea", "expiresIn", "appId", "openUserId"} <= set(answer)
    assert answer["openUserId"] == credentials()["corp_id"]


@pytest.mark.parametrize("name", ["appId", "appSecret", "permanentCode"])
@pytest.mark.parametrize("value", ["wrong", None], ids=["wrong", "missing"])
def test_a_wrong_or_missing_credential_is_10006(name: str, value: str | None) -> None:
    body: dict[str, Any] = {**_keys(), name: value}

    assert Desk().raw(LEGACY_TOKEN, body)["errorCode"] == 10006


def test_the_header_style_needs_its_grant_type() -> None:
    assert Desk().raw(HEADER_TOKEN, _keys())["errorCode"] == 10006


@pytest.mark.parametrize(
    ("age_s", "same", "left"),
    [(0, True, 7200), (6599, True, 601), (6600, False, 7200), (7199, False, 7200), (7201, False, 7200)],
)
def test_a_token_is_reused_until_6600_s_and_renewed_after(age_s: int, same: bool, left: int) -> None:
    desk = Desk()
    first = desk.keys["corpAccessToken"]
    desk.emulator.clock.advance(age_s)

    answer = desk.raw(LEGACY_TOKEN, _keys())

    assert (answer["corpAccessToken"] == first) is same
    assert answer["expiresIn"] == left


def test_the_old_token_stays_valid_to_its_own_end() -> None:
    desk = Desk()
    desk.emulator.clock.advance(6700)
    desk.raw(LEGACY_TOKEN, _keys())

    assert desk.call(QUERY, DATA)["errorCode"] == 0
    desk.emulator.clock.advance(500)
    assert desk.call(QUERY, DATA)["errorCode"] == 20016


def test_the_token_ttl_is_a_switch() -> None:
    desk = Desk(tokenTtl=60, tokenRenewBefore=5)
    desk.emulator.clock.advance(61)

    assert desk.call(QUERY, DATA)["errorCode"] == 20016


def test_ten_token_calls_a_minute_are_admitted() -> None:
    desk = Desk()
    codes = [desk.raw(LEGACY_TOKEN, _keys())["errorCode"] for _ in range(10)]

    assert codes == [0] * 9 + [30004]  # signing in was the first of the ten
    desk.emulator.clock.advance(60)
    assert desk.raw(LEGACY_TOKEN, _keys())["errorCode"] == 0


@pytest.mark.parametrize("style", ["legacy", "header"])
def test_both_styles_reach_the_same_business_path(style: str) -> None:
    assert Desk(style=style).call(QUERY, DATA)["errorCode"] == 0


def test_no_credentials_is_20017() -> None:
    assert Desk().raw(QUERY, DATA)["errorCode"] == 20017


def test_a_bad_token_is_20016_in_either_style() -> None:
    legacy, header = Desk(), Desk(style="header")
    legacy.keys["corpAccessToken"] = "0" * 32
    header.headers["authorization"] = "Bearer " + "0" * 32

    assert legacy.call(QUERY, DATA)["errorCode"] == 20016
    assert header.call(QUERY, DATA)["errorCode"] == 20016


def test_a_token_of_one_style_does_not_work_in_the_other() -> None:
    desk = Desk(style="header")
    answer = desk.raw(LEGACY_TOKEN, _keys())
    desk.headers["authorization"] = f"Bearer {answer['corpAccessToken']}"

    assert desk.call(QUERY, DATA)["errorCode"] == 20016


def test_mixed_credentials_are_refused() -> None:
    desk = Desk(style="header")
    body = {**DATA, "currentOpenUserId": credentials()["open_user_id"]}

    assert desk.call(QUERY, body)["errorCode"] == 10010


@pytest.mark.parametrize(
    ("style", "keys", "headers", "named"),
    [
        ("legacy", {"currentOpenUserId": ""}, {}, "currentOpenUserId"),
        ("header", {}, {"x-fs-userid": ""}, "x-fs-userid"),
    ],
    ids=["legacy", "header"],
)
def test_a_missing_acting_person_is_named(
    style: str, keys: dict[str, str], headers: dict[str, str], named: str
) -> None:
    desk = Desk(style=style)
    desk.keys.update(keys)
    desk.headers.update(headers)

    answer = desk.call(QUERY, DATA)

    assert answer["errorCode"] == 10010
    assert named in answer["errorMessage"]


@pytest.mark.parametrize(("style", "person"), [("legacy", "1000"), ("header", credentials()["open_user_id"])])
def test_a_person_in_the_other_styles_form_is_unknown(style: str, person: str) -> None:
    assert Desk(style=style, person=person).call(QUERY, DATA)["errorCode"] == 20012


@pytest.mark.parametrize(("allowed", "style", "code"), [("legacy", "legacy", 0), ("header", "header", 0)])
def test_auth_style_can_be_one_alone(allowed: str, style: str, code: int) -> None:
    desk = Desk(style=style, authStyle=allowed)
    other = HEADER_TOKEN if allowed == "legacy" else LEGACY_TOKEN

    assert desk.call(QUERY, DATA)["errorCode"] == code
    assert desk.raw(other, _keys() | {"grantType": "app_secret"})["errorCode"] == 10006


def test_person_ids_have_the_form_of_the_style() -> None:
    legacy, header = Desk(), Desk(style="header")
    row = legacy.get("AccountObj", legacy.account())
    other_id = header.account()

    assert row["owner"] == [credentials()["open_user_id"]]
    assert header.get("AccountObj", other_id)["owner"] == ["1000"]
    assert header.get("AccountObj", other_id, convertUserId=True)["owner"] == [credentials()["open_user_id"]]


def test_get_by_mobile_needs_no_acting_person() -> None:
    desk = Desk()
    del desk.keys["currentOpenUserId"]

    answer = desk.call("/cgi/user/getByMobile", {"mobile": credentials()["mobile"]})

    assert "data" not in answer
    assert answer["empList"][0]["openUserId"] == credentials()["open_user_id"]
    assert desk.call("/cgi/user/getByMobile", {"mobile": "13999999999"})["empList"] == []


def test_user_list_of_the_whole_company_has_everybody() -> None:
    desk = Desk()
    answer = desk.call("/cgi/user/list", {"departmentId": 999999, "fetchChild": True, "showDepartmentIdsDetail": True})
    sales = desk.call("/cgi/user/list", {"departmentId": 1001, "fetchChild": False})

    assert [user["name"] for user in answer["userList"]] == ["系统管理员", "销售内勤"]
    assert [user["isStop"] for user in answer["userList"]] == [False, False]
    assert answer["userList"][0]["departmentIds"] == [1000]
    assert [user["name"] for user in sales["userList"]] == ["销售内勤"]


def test_a_clerk_sees_own_rows_only() -> None:
    desk = Desk(style="header")
    admins, clerks = desk.account("甲"), desk.account("乙", owner=["1001"])
    desk.headers["x-fs-userid"] = "1001"

    assert [row["_id"] for row in desk.found("AccountObj")] == [clerks]
    assert desk.data("AccountObj", "get", {"objectDataId": admins})["errorCode"] == 20014
    assert desk.update("AccountObj", admins, {"tel": "1"})["errorCode"] == 20014
    assert desk.update("AccountObj", clerks, {"tel": "1"})["errorCode"] == 0


def test_even_an_administrator_does_not_see_all_personnel() -> None:
    assert [row["_id"] for row in Desk(style="header").found("PersonnelObj")] == ["1000"]
    assert len(Desk(style="header", personnelVisible="all").found("PersonnelObj")) == 2
