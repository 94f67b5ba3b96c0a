"""Addressing, tokens and the platform's own failures (yonyou.md A1 to A3)."""

from __future__ import annotations

import pytest
from u8_asking import ACCESS, Asker, read

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Request
from ledgerbridge.sandbox.yonyou_u8 import create

TOKEN_QUERY = {name: ACCESS[name] for name in ("from_account", "app_key", "app_secret")}


def test_token_answer_has_the_shape_of_the_sheet() -> None:
    answer = read(Asker().raw("GET", "/system/token", TOKEN_QUERY))
    assert answer["errcode"] == "0"
    assert answer["errmsg"] == ""
    assert set(answer) == {"errcode", "errmsg", "token"}
    assert answer["token"]["expiresIn"] == 7200
    assert answer["token"]["appKey"] == ACCESS["app_key"]
    assert answer["token"]["id"]


def test_casing_of_the_app_key_in_the_token_is_a_switch() -> None:
    answer = read(Asker(token_app_key_name="appkey").raw("GET", "/system/token", TOKEN_QUERY))
    assert set(answer["token"]) == {"id", "appkey", "expiresIn"}


@pytest.mark.parametrize("name", ["from_account", "app_key", "app_secret"])
def test_token_needs_every_parameter(name: str) -> None:
    query = {key: value for key, value in TOKEN_QUERY.items() if key != name}
    answer = read(Asker().raw("GET", "/system/token", query))
    assert answer["errcode"] == "20001"
    assert name in answer["errmsg"]


@pytest.mark.parametrize("name", ["from_account", "app_key", "app_secret"])
def test_token_is_refused_to_strangers(name: str) -> None:
    response = Asker().raw("GET", "/system/token", {**TOKEN_QUERY, name: "wrong"})
    assert response.status == 200
    assert read(response)["errcode"] == "30002"
    assert ACCESS["app_secret"] not in response.body.decode()


def test_token_lasts_exactly_its_lifetime() -> None:
    asker = Asker()
    asker.sign_in()
    asker.clock.advance(7199)
    assert asker.get("/api/customerclass/batch_get")["errcode"] == "0"
    asker.clock.advance(1)
    answer = asker.get("/api/customerclass/batch_get")
    assert answer["errcode"] == "30001"
    assert "token" in answer["errmsg"]


def test_lifetime_and_token_code_are_switches() -> None:
    asker = Asker(token_seconds=60, errcode_token="40001")
    asker.sign_in()
    asker.clock.advance(61)
    assert asker.get("/api/customer/batch_get")["errcode"] == "40001"


def test_several_tokens_are_valid_at_once_unless_switched() -> None:
    asker = Asker()
    first = asker.sign_in()
    asker.sign_in()
    asker.token = first
    assert asker.get("/api/customerclass/batch_get")["errcode"] == "0"
    asker.u8.switches["new_token_ends_old"] = True
    asker.sign_in()
    asker.token = first
    assert asker.get("/api/customerclass/batch_get")["errcode"] == "30001"


@pytest.mark.parametrize("name", ["from_account", "to_account", "app_key", "token"])
def test_common_parameters_are_required(name: str) -> None:
    asker = Asker()
    query = asker.common()
    del query[name]
    answer = read(asker.raw("GET", "/api/customer/batch_get", query))
    assert answer["errcode"] == "20001"
    assert name in answer["errmsg"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("from_account", "30002"),
        ("to_account", "30002"),
        ("app_key", "30002"),
        ("token", "30001"),
        ("ds_sequence", "20001"),
    ],
)
def test_wrong_common_parameters_are_refused(name: str, code: str) -> None:
    asker = Asker()
    asker.customer()
    assert asker.get("/api/customer/batch_get", **{name: "99"})["errcode"] == code


def test_the_token_travels_in_the_query_even_for_posts() -> None:
    asker = Asker()
    asker.sign_in()
    body = {"customer": {"code": "C1", "name": "A", "sort_code": "00"}, "token": asker.token}
    query = {name: value for name, value in asker.common(sync=1, biz_id="b").items() if name != "token"}
    assert read(asker.raw("POST", "/api/customer/add", query, body))["errcode"] == "20001"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/unknown/batch_get",
        "/api/saleinvoice/batch_get",
        "/api/oughtreceive/batch_get",
        "/api/accept/batch_get",
        "/api/saleinvoicelist/get",
        "/api/customer/delete",
        "/api/saleinvoice/delete",
        "/api/oughtreceive/delete",
        "/api/accept/delete",
        "/api/saleinvoice/edit",
        "/api/saleinvoice/update",
        "/api/oughtreceive/edit",
        "/api/accept/edit",
        "/api/saleinvoice/verify",
        "/api/customer/verify",
        "/api/writeoff/batch_get",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_published_is_not_found(method: str, path: str) -> None:
    asker = Asker()
    assert asker.raw(method, path, asker.common(), {}).status == 404


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/customer/get"), ("GET", "/api/customer/add")])
def test_the_wrong_method_is_refused(method: str, path: str) -> None:
    asker = Asker()
    assert asker.raw(method, path, asker.common(), {}).status == 405


def test_trade_ids_are_the_platforms_own_and_differ() -> None:
    asker = Asker()
    answer = asker.get("/system/tradeid")
    assert answer["errcode"] == "0"
    assert answer["trade"]["id"] != asker.get("/system/tradeid")["trade"]["id"]


def test_rate_limit_is_off_until_switched_on() -> None:
    asker = Asker()
    asker.sign_in()
    codes = {asker.get("/api/customerclass/batch_get")["errcode"] for _ in range(50)}
    assert codes == {"0"}
    asker.u8.switches.update(rate_limit_per_s=2, rate_limit_http=429)
    replies = [asker.raw("GET", "/api/customerclass/batch_get", asker.common()) for _ in range(3)]
    assert [(reply.status, read(reply)["errcode"]) for reply in replies] == [(200, "0"), (200, "0"), (429, "10029")]
    asker.clock.advance(1)
    assert asker.get("/api/customerclass/batch_get")["errcode"] == "0"


@pytest.mark.parametrize(
    ("fault", "path", "code"),
    [
        (Fault.RATE_LIMITED, "/api/customerclass/batch_get", "10029"),
        (Fault.UNKNOWN_CODE, "/api/customerclass/batch_get", "98765"),
        (Fault.ERROR_IN_200, "/api/customerclass/batch_get", "10001"),
        (Fault.ERROR_IN_200, "/system/tradeid", "10001"),
    ],
)
def test_platform_failures_come_once_with_http_200(fault: Fault, path: str, code: str) -> None:
    asker = Asker()
    asker.sign_in()
    asker.u8.faults.fail_next(fault, path=path)
    response = asker.raw("GET", path, asker.common())
    assert (response.status, read(response)["errcode"]) == (200, code)
    assert asker.get(path)["errcode"] == "0"


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.ERROR_IN_200, "20005"), (Fault.UNKNOWN_CODE, "98765"), (Fault.RATE_LIMITED, "10029")]
)
def test_a_failed_write_writes_nothing(fault: Fault, code: str) -> None:
    asker = Asker()
    asker.sign_in()
    asker.u8.faults.fail_next(fault, writes_only=True)
    answer = asker.add("customer", {"code": "C1", "name": "A", "sort_code": "00"}, biz_id="b1")
    assert answer["errcode"] == code
    assert asker.u8.count("customer") == 0
    assert asker.add("customer", {"code": "C1", "name": "A", "sort_code": "00"}, biz_id="b1")["id"] == "C1"


def test_a_token_that_expired_early_stays_dead() -> None:
    asker = Asker()
    asker.sign_in()
    asker.u8.faults.fail_next(Fault.TOKEN_EXPIRED)
    assert asker.get("/api/customerclass/batch_get")["errcode"] == "30001"
    assert asker.get("/api/customerclass/batch_get")["errcode"] == "30001"
    asker.sign_in()
    assert asker.get("/api/customerclass/batch_get")["errcode"] == "0"


@pytest.mark.parametrize("user", [{}, {"user_id": "demo"}, {"password": "x"}, "demo"], ids=repr)
def test_login_needs_user_and_password(user: object) -> None:
    asker = Asker()
    assert asker.post("/api/user/login_v2", {"user": user}, tradeid=asker.trade())["errcode"] == "20001"


def test_login_checks_the_password_and_needs_a_trade_id() -> None:
    asker = Asker()
    right = {"user_id": ACCESS["user_id"], "password": ACCESS["password"]}
    wrong = {**right, "password": "nope"}
    assert asker.post("/api/user/login_v2", {"user": wrong}, tradeid=asker.trade())["errcode"] == "20005"
    assert asker.post("/api/user/login_v2", {"user": right})["errcode"] == "20001"
    assert asker.post("/api/user/login_v2", {"user": right}, tradeid=asker.trade())["errcode"] == "0"


def test_only_real_writes_count_as_writes() -> None:
    u8 = create()
    writes = [
        (method, path)
        for method in ("GET", "POST")
        for path in (
            "/api/customer/add",
            "/api/customer/edit",
            "/api/accept/verify",
            "/api/accept/get",
            "/api/user/login_v2",
        )
        if u8.is_write(Request(method, path, {}, {}, b""))
    ]
    assert writes == [
        ("POST", "/api/customer/add"),
        ("POST", "/api/customer/edit"),
        ("POST", "/api/accept/verify"),
    ]


def test_a_misspelt_switch_is_named() -> None:
    with pytest.raises(ValueError, match="no switch rows_per_page_maximum"):
        create(switches={"rows_per_page_maximum": 1})


def test_switches_of_two_emulators_are_apart() -> None:
    one, other = create(), create()
    one.switches["entries_in_lists"].append("acceptlist")
    assert other.switches["entries_in_lists"] == []
