"""Fxiaoke's sign-in, settings, descriptions and payment lines. No I/O."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.fxiaoke import codec
from ledgerbridge.connectors.fxiaoke.codec_describe import read_describe
from ledgerbridge.connectors.fxiaoke.codec_lines import LinesDoNotFit, completed
from ledgerbridge.connectors.fxiaoke.settings import HOSTS, FxiaokeSettings, PaymentLines
from ledgerbridge.connectors.fxiaoke.signin import sign_in
from ledgerbridge.errors import BadReply, ConnectorError, NotAllowed


def settings(**changes: Any) -> FxiaokeSettings:
    plain = {"app_id": "FSAID_1", "app_secret": "s3cret-s3cret", "permanent_code": "p3rm", "acting_user": "1000"}
    return FxiaokeSettings.model_validate({**plain, **changes})


def reply(body: Any) -> Reply:
    text = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(200, {}, text, "ours", 0.1)


# -- payment lines

fen = st.integers(0, 10**12)


@given(total=fen, fee=fen, share=st.integers(0, 100))
def test_completed_lines_always_add_up_to_the_total(total: int, fee: int, share: int) -> None:
    settled = (total + fee) * share // 100
    payment = {"payment_amount": f"{Decimal(total) / 100:.2f}", "bank_fee__c": f"{Decimal(fee) / 100:.2f}"}
    given_lines: dict[str, Any] = {"OrderPaymentObj": [{"payment_amount": f"{Decimal(settled) / 100:.2f}"}]}
    done: Any = completed(PaymentLines(), payment, given_lines)["OrderPaymentObj"]
    assert sum(Decimal(line["payment_amount"]) for line in done) == Decimal(payment["payment_amount"])
    assert [line.get("line_kind__c") for line in done[1:]] == [
        *(["option2"] if settled != total + fee else []),
        *(["option3"] if fee else []),
    ]
    assert all(Decimal(line["payment_amount"]) != 0 for line in done[1:])


@pytest.mark.parametrize(
    ("payment", "lines"),
    [
        ({"payment_amount": "1.00"}, [{"payment_amount": "1.01"}]),
        ({"payment_amount": "much"}, []),
        ({"payment_amount": "NaN"}, []),
        ({"payment_amount": "1.00"}, "no list"),
        ({"payment_amount": "-1.00"}, [{"payment_amount": "-1.01"}]),
    ],
)
def test_lines_that_cannot_be_are_told(payment: Any, lines: Any) -> None:
    with pytest.raises(LinesDoNotFit):
        completed(PaymentLines(), payment, {"OrderPaymentObj": lines})


def test_a_payment_without_an_amount_is_left_alone() -> None:
    assert completed(PaymentLines(), {"name": "x"}, {}) == {}


# -- describe


def test_a_description_tells_options_and_leaves_out_what_is_not_in_use() -> None:
    fields = {
        "payment_term": {
            "label": "回款方式",
            "type": "select_one",
            "options": [{"label": "电汇", "value": "4"}, {"label": "?"}],
        },
        "erp_source_id__c": {
            "label": "来源",
            "type": "text",
            "is_unique": True,
            "is_required": True,
            "is_active": True,
        },
        "old__c": {"label": "旧", "type": "text", "is_active": False},
    }
    body = {"errorCode": 0, "data": {"describe": {"display_name": "回款", "fields": fields, "more": 1}}}
    facts = read_describe(reply(body), "PaymentObj", "crm")
    assert facts.label == "回款"
    assert facts.fields["payment_term"].options == {"4": "电汇"}
    assert (facts.fields["erp_source_id__c"].unique, facts.fields["payment_term"].unique) == (True, False)
    assert facts.missing(["old__c", "payment_term"]) == ["old__c"]
    with pytest.raises(BadReply):
        read_describe(reply({"errorCode": 0, "data": {}}), "PaymentObj", "crm")


# -- signing in


def signed(answers: list[Any], **changes: Any) -> tuple[Any, list[Call]]:
    flow = sign_in(settings(**changes), codec.Fresh(lambda: "t"), "crm")
    asked = [next(flow)]
    try:
        for answer in answers:
            asked.append(flow.send(reply(answer)))
    except StopIteration as stop:
        return stop.value, asked
    raise AssertionError("the sign-in wants another answer")


def test_the_header_style() -> None:
    answer = {"errorCode": 0, "accessToken": "T", "ea": "acme", "expiresIn": 7084, "openUserId": "FSCID_1"}
    won, asked = signed([answer])
    assert asked[0].path == "/oauth2.0/token"
    assert asked[0].json == {
        "appId": "FSAID_1",
        "appSecret": "s3cret-s3cret",
        "permanentCode": "p3rm",
        "grantType": "app_secret",
    }
    assert won.headers == {"authorization": "Bearer T", "x-fs-ea": "acme", "x-fs-userid": "1000"}
    assert (dict(won.json_root), won.lifetime_s) == ({}, 7084.0)


def test_the_legacy_style_by_a_mobile_number() -> None:
    answers = [
        {"errorCode": 0, "corpAccessToken": "T", "corpId": "FSCID_1", "expiresIn": 7084},
        {"errorCode": 0, "empList": [{"openUserId": "FSUID_9", "name": "x"}]},
    ]
    changes = {"auth_style": "legacy", "acting_user": None, "acting_mobile": "138"}
    won, asked = signed(answers, **changes)
    assert [call.path for call in asked] == ["/cgi/corpAccessToken/get/V2", "/cgi/user/getByMobile"]
    assert asked[1].json == {"mobile": "138", "corpAccessToken": "T", "corpId": "FSCID_1"}
    assert not any(call.signed_in for call in asked)
    assert won.json_root == {"corpAccessToken": "T", "corpId": "FSCID_1", "currentOpenUserId": "FSUID_9"}
    assert won.headers == {}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([{"errorCode": 10006, "traceId": "E-O.1"}], NotAllowed),
        ([{"errorCode": 0, "ea": "acme"}], BadReply),
        ([{"errorCode": 0, "accessToken": "", "ea": "acme"}], BadReply),
        ([b"<html>"], BadReply),
        ([[]], BadReply),
        ([{"errorCode": 0, "accessToken": "T", "ea": "acme"}, {"errorCode": 0, "empList": []}], NotAllowed),
        ([{"errorCode": 0, "accessToken": "T", "ea": "acme"}, {"errorCode": 0}], NotAllowed),
        ([{"errorCode": 0, "accessToken": "T", "ea": "acme"}, {"errorCode": 20012}], NotAllowed),
    ],
)
def test_a_sign_in_that_fails_says_why_and_shows_no_secret(answers: list[Any], expected: type[ConnectorError]) -> None:
    with pytest.raises(expected) as caught:
        signed(answers, acting_user=None, acting_mobile="138")
    assert "s3cret" not in str(caught.value)


# -- settings


@pytest.mark.parametrize("host", HOSTS)
def test_every_known_gateway_is_taken(host: str) -> None:
    assert settings(base_url=f"https://{host}").base_url == f"https://{host}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_url": "https://www.fxiaoke.com"}, "not the API gateway"),
        ({"acting_user": None}, "acting_user"),
        ({"acting_user": "FSUID_1"}, "an employee number"),
        ({"auth_style": "legacy"}, "FSUID_"),
        ({"calls_per_second": 6}, "calls_per_second"),
        ({"invoice_object": "no name"}, "invoice_object"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**changes)


def test_settings_never_show_a_secret_and_choose_lines_by_object() -> None:
    assert "s3cret" not in repr(settings())
    assert settings().invoice_linked == ()
    assert [one.object for one in settings(invoice_object="InvoiceApplicationObj").invoice_linked] == [
        "InvoiceApplicationLinesObj"
    ]
    assert settings(invoice_object="InvoiceApplicationObj", invoice_details=()).invoice_linked == ()
