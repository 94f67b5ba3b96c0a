"""What U8's answers mean, by sample; and the row versions from which customers are read on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from u8_relay import Relay

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.yonyou_u8 import codec, codec_cursor
from ledgerbridge.connectors.yonyou_u8.settings import YonyouU8Settings
from ledgerbridge.connectors.yonyou_u8.signin import sign_in
from ledgerbridge.errors import (
    BadReply,
    NotAllowed,
    NotSignedIn,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)
from ledgerbridge.model.base import Kind
from ledgerbridge.model.wirejson import WireError

SETTINGS = YonyouU8Settings(from_account="f", to_account="t", app_key="k", app_secret="s-e-c-r-e-t-0001")  # type: ignore[arg-type]
ZONE = ZoneInfo("Asia/Shanghai")
READ = Call("GET", "/api/customer/get", interface="customer")
WRITE = Call("POST", "/api/accept/add", writes=True, interface="accept")
POLL = Call("GET", "https://api.yonyouup.com/result?requestid=1", interface=codec.POLL)
CUSTOMER, SALE, ACCEPT = (codec.RESOURCES[name] for name in ("customer", "saleinvoice", "accept"))


def reply(content: Any, status: int = 200) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return Reply(status, {}, body, "r1", 0.1)


def verdict(call: Call, content: Any, status: int = 200) -> Any:
    return codec.judge(SETTINGS, "erp")(call, reply(content, status))


@pytest.mark.parametrize(
    ("call", "code", "text", "expected"),
    [
        pytest.param(READ, "0", "", None, id="success"),
        pytest.param(READ, 0, "", None, id="success as a number"),
        pytest.param(READ, "20002", "没有数据", None, id="nothing found"),
        pytest.param(WRITE, "20002", "没有数据", BadReply, id="nothing found, by a write"),
        pytest.param(READ, "10001", "", Unavailable, id="platform failed"),
        pytest.param(WRITE, "10001", "", OutcomeUnknown, id="platform failed while writing"),
        pytest.param(READ, "20005", "业务员不存在", Refused, id="refused"),
        pytest.param(WRITE, "20005", "业务员不存在", Refused, id="write refused"),
        pytest.param(WRITE, "20001", "缺少参数", Refused, id="parameter missing"),
        pytest.param(READ, "30001", "", NotSignedIn, id="token by code"),
        pytest.param(READ, "40007", "Token 无效", NotSignedIn, id="token by text"),
        pytest.param(WRITE, "20005", "字段 token_no 的值非法", Refused, id="a field that is called token"),
        pytest.param(READ, "30002", "", NotAllowed, id="unknown application"),
        pytest.param(READ, "10029", "", RateLimited, id="too many calls"),
        pytest.param(WRITE, "10029", "", RateLimited, id="too many writes"),
        pytest.param(READ, "30025", "", Unavailable, id="running"),
        pytest.param(WRITE, "30025", "", OutcomeUnknown, id="running under the same key"),
        pytest.param(POLL, "30025", "", None, id="asked while running"),
        pytest.param(READ, "98765", "未知错误", BadReply, id="undocumented"),
        pytest.param(WRITE, "98765", "未知错误", BadReply, id="undocumented, by a write"),
        pytest.param(READ, None, "", BadReply, id="no code"),
    ],
)
def test_what_a_code_means(call: Call, code: Any, text: str, expected: type | None) -> None:
    found = verdict(call, {"errcode": code, "errmsg": text})
    assert type(found) is (expected or type(None))
    if found is not None and code is not None:
        assert found.code == str(code)


def test_a_refusal_says_what_u8_says() -> None:
    assert "业务员 007 不存在" in str(verdict(WRITE, {"errcode": "20005", "errmsg": "业务员 007\n不存在" + "。" * 999}))
    assert len(str(verdict(WRITE, {"errcode": "20005", "errmsg": "。" * 999}))) < 300


@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
def test_a_failed_http_status_is_left_to_the_runner(status: int) -> None:
    assert verdict(READ, b"<html>", status) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"0"', b'{"errcode": "0"'])
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(WireError):
        verdict(READ, body)


def test_codes_of_the_settings_replace_the_assumed_ones() -> None:
    settings = SETTINGS.model_copy(update={"token_codes": ("77",), "rate_limit_codes": ("78",)})
    judged = codec.judge(settings, "erp")
    assert isinstance(judged(READ, reply({"errcode": "77"})), NotSignedIn)
    assert isinstance(judged(READ, reply({"errcode": "78"})), RateLimited)
    assert isinstance(judged(READ, reply({"errcode": "30001"})), BadReply)


def page(**content: Any) -> codec.ListPage:
    return codec.read_list(reply({"errcode": "0", **content}), SALE, "erp")


def test_a_list_is_split_without_being_decoded() -> None:
    body = b'{"errcode":"0","row_count":"3","page_count":2,"saleinvoicelist":[{"a": 1.10 },{"invoiceno":"X"}]}'
    found = codec.read_list(reply(body), SALE, "erp")
    assert [bytes(row) for row in found.rows] == [b'{"a": 1.10 }', b'{"invoiceno":"X"}']
    assert (found.row_count, found.page_count) == (3, 2)


def test_a_list_is_found_whatever_the_casing_of_its_name() -> None:
    assert len(page(row_count="1", page_count="1", SaleInvoiceList=[{}]).rows) == 1


def test_nothing_found_is_an_empty_page() -> None:
    assert page(errcode="20002") == codec.ListPage((), 0, 0)
    assert page(row_count="0", page_count="0", saleinvoicelist=[]) == codec.ListPage((), 0, 0)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"saleinvoicelist": []},
        {"row_count": "1", "page_count": "1"},
        {"row_count": "1", "page_count": "1", "saleinvoicelist": {}},
        {"row_count": "many", "page_count": "1", "saleinvoicelist": []},
        {"row_count": "1", "page_count": "1", "customer": []},
    ],
    ids=str,
)
def test_a_list_that_says_success_and_is_none_is_a_bad_reply(content: dict[str, Any]) -> None:
    with pytest.raises(BadReply, match="without rows or counts"):
        page(**content)


def test_one_record() -> None:
    def one(**content: Any) -> bytes | None:
        found = codec.read_one(reply({"errcode": "0", **content}), SALE, "erp")
        return None if found is None else bytes(found)

    assert one(saleinvoice={"invoiceno": "X"}) == b'{"invoiceno": "X"}'
    assert one(SaleInvoice={"invoiceno": "X"}) == b'{"invoiceno": "X"}'
    assert one(errcode="20002") is None
    assert [one(saleinvoice=empty) for empty in (None, {}, [], "")] == [None] * 4
    with pytest.raises(BadReply, match="without its saleinvoice"):
        one(customer={})


def head(row: Any, resource: codec.Resource = CUSTOMER) -> Any:
    return codec.head(msgspec.Raw(json.dumps(row).encode()), resource, ZONE)


def test_the_head_of_a_row() -> None:
    found = head({"code": "C1", "timestamp": "104233", "ModifyDate": "2026-03-02 09:15:07.3"})
    assert (found.key, found.version, found.whole) == ("C1", 104233, True)
    assert found.modified_at == datetime(2026, 3, 2, 1, 15, 7, 300_000, tzinfo=UTC)
    assert found.modified_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("row", "key", "version"),
    [
        ({"code": 30021, "timestamp": 7}, "30021", 7),
        ({"CODE": "C1", "TimeStamp": "7"}, "C1", 7),
        ({"code": "C1", "timestamp": "0x00000000000007D1"}, "C1", None),
        ({"code": "C1", "timestamp": -3}, "C1", None),
        ({"code": "C1", "timestamp": {"v": 1}, "ModifyDate": 5}, "C1", None),
        ({"code": " C1 "}, "C1", None),
    ],
    ids=str,
)
def test_heads_with_odd_spellings(row: Any, key: str, version: int | None) -> None:
    found = head(row)
    assert (found.key, found.version) == (key, version)


@pytest.mark.parametrize(("entry", "whole"), [([], True), ([{}], True), ("damaged", False), (None, False), ({}, False)])
def test_a_voucher_is_whole_if_it_brings_a_list_of_entries(entry: Any, whole: bool) -> None:
    assert head({"invoiceno": "X", "entry": entry}, SALE).whole is whole
    assert not head({"invoiceno": "X"}, SALE).whole
    assert head({"invoiceno": "X", "Entry": [1], "InvoiceNo": None}, SALE).whole is False


@pytest.mark.parametrize("text", ["", None, "yesterday", "2026-13-01 00:00:00", "0001-01-01 00:00:00"])
def test_an_unreadable_stamp_is_none(text: str | None) -> None:
    assert codec.moment(text, ZONE) is None


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"define14": "k" * 32}, True),
        ({"Define14": "k" * 32}, True),
        ({"digest": "k" * 32}, False),
        ({"define14": "k" * 33}, False),
    ],
)
def test_a_row_holds_our_key_in_its_own_field_only(row: Any, found: bool) -> None:
    assert codec.holds(msgspec.Raw(json.dumps(row).encode()), "define14", "k" * 32) is found


# -- signing in


def signed_in(content: Any) -> Any:
    flow = sign_in(SETTINGS, "erp")
    call = next(flow)
    assert (call.path, call.signed_in) == ("/system/token", False)
    assert dict(call.query) == {"from_account": "f", "app_key": "k", "app_secret": "s-e-c-r-e-t-0001"}
    with pytest.raises(StopIteration) as stop:
        flow.send(reply(content))
    return stop.value.value


@pytest.mark.parametrize(
    ("token", "lifetime_s"),
    [
        ({"id": "T", "appKey": "k", "expiresIn": 600}, 600.0),
        ({"id": "T", "expiresIn": "600"}, 600.0),
        ({"id": "T"}, 7200.0),
        ({"id": "T", "expiresIn": 0}, 7200.0),
        ({"id": "T", "expiresIn": "soon"}, 7200.0),
    ],
    ids=str,
)
def test_a_token_is_won_with_its_lifetime(token: Any, lifetime_s: float) -> None:
    signed = signed_in({"errcode": "0", "errmsg": "", "token": token})
    assert (dict(signed.query), signed.lifetime_s) == ({"token": "T"}, lifetime_s)


def refused_sign_in(content: Any) -> Exception:
    flow = sign_in(SETTINGS, "erp")
    next(flow)
    with pytest.raises((NotAllowed, BadReply, ValueError)) as caught:
        flow.send(reply(content))
    return caught.value


def test_wrong_credentials_are_not_allowed_and_not_repeated() -> None:
    error = refused_sign_in({"errcode": "30002", "errmsg": "应用不存在或密钥错误"})
    assert isinstance(error, NotAllowed)
    assert "应用不存在或密钥错误" in str(error)
    assert "s-e-c-r-e-t" not in str(error)


@pytest.mark.parametrize("token", [None, {}, {"id": ""}, {"id": None}, "T", []], ids=str)
def test_success_without_a_token_is_a_bad_reply(token: Any) -> None:
    error = refused_sign_in({"errcode": "0", "token": token})
    assert isinstance(error, BadReply | msgspec.ValidationError)


def test_a_token_service_that_makes_no_sense_is_a_bad_reply_of_the_connector() -> None:
    relay = Relay()
    relay.token = []  # type: ignore[assignment]
    with relay.connector() as u8, pytest.raises(BadReply):
        u8.check()


# -- from which version customers are read on


@dataclass(frozen=True)
class Save:
    """A transaction that saves customer `code`: it gets its version at `at`, and all see it from `at + open_for` on (seconds)."""

    code: int
    at: float
    open_for: float


SAVES = st.lists(
    st.builds(Save, code=st.integers(0, 4), at=st.floats(0, 1_200), open_for=st.floats(0, 599)), max_size=15
)
START = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)


@given(saves=SAVES, walks=st.lists(st.floats(0, 2_000), max_size=10))
def test_no_save_is_missed_whenever_transactions_end(saves: list[Save], walks: list[float]) -> None:
    """Whatever the walks' times, the newest save of every customer has been seen by the end: transactions may stay open for up
    to ten minutes, and be seen in another order than their versions say.
    """
    ordered = sorted(saves, key=lambda save: save.at)
    seen: dict[int, int] = {}
    since = ""
    for moment in [*sorted(walks), 2_000.0]:
        started = START + timedelta(seconds=moment)
        newest: dict[int, int] = {}
        for version, save in enumerate(ordered, start=1):
            if save.at + save.open_for <= moment:
                newest[save.code] = max(version, newest.get(save.code, 0))
        listed = {code: version for code, version in newest.items() if version >= int(since or 0)}
        seen |= listed
        heads = [
            codec.Head(str(code), version, START + timedelta(seconds=ordered[version - 1].at), whole=True)
            for code, version in listed.items()
        ]
        since = codec_cursor.settled_since(heads, started, since, ZONE)
    final = {save.code: version for version, save in enumerate(ordered, start=1)}
    assert seen == final


def settled(*heads: tuple[int | None, str | None], so_far: str = "") -> str:
    found = [codec.Head("C", version, codec.moment(stamp, ZONE), whole=True) for version, stamp in heads]
    return codec_cursor.settled_since(found, START, so_far, ZONE)  # START is 12:00 in Shanghai


@pytest.mark.parametrize(
    ("heads", "so_far", "since"),
    [
        ([], "", ""),
        ([], "40", "40"),
        ([(30, "2026-03-01 08:00:00.0")], "40", "40"),
        ([(50, "2026-03-01 08:00:00.0")], "40", "51"),
        ([(50, "2026-03-05 11:49:59.0")], "", "51"),
        ([(50, "2026-03-05 11:50:01.0")], "", ""),
        ([(50, "2026-03-05 11:50:01.0"), (49, "2026-03-05 11:00:00.0")], "", "50"),
        ([(50, "2026-03-05 00:00:00.0")], "", ""),  # saved today, in an installation that keeps dates only
        ([(50, "2026-03-04 00:00:00.0")], "", "51"),
        ([(50, None), (None, "2026-03-01 08:00:00.0"), (51, "soon")], "", ""),
    ],
)
def test_what_is_settled(heads: list[tuple[int | None, str | None]], so_far: str, since: str) -> None:
    assert settled(*heads, so_far=so_far) == since


def test_filters_of_a_walk() -> None:
    assert codec_cursor.filters(CUSTOMER, "") == {}
    assert codec_cursor.filters(CUSTOMER, "51") == {"timestamp_begin": "51"}
    assert codec_cursor.filters(SALE, "2026-01-05") == {"date_begin": "2026-01-05"}
    assert codec_cursor.filters(ACCEPT, "2026-01-05") == {"vouchdate_begin": "2026-01-05"}


def test_ids_of_invoices_name_their_object() -> None:
    assert {name: each.external_id("1") for name, each in codec.RESOURCES.items() if each.kind is Kind.INVOICE} == {
        "saleinvoice": "saleinvoice:1",
        "oughtreceive": "oughtreceive:1",
    }
    assert (CUSTOMER.external_id("1"), ACCEPT.external_id("1")) == ("1", "1")
