"""The pure part of the YonBIP connector: sign-in, envelope, failure table, heads, merged records, cursors, bodies of writes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.connectors.yonyou_bip import YonyouBip, codec, codec_lists, codec_writes, cursor, records, resources
from ledgerbridge.connectors.yonyou_bip.settings import YonyouBipSettings
from ledgerbridge.connectors.yonyou_bip.signin import SignIn, signature
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    NotAllowed,
    NotSignedIn,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)
from ledgerbridge.model.raw import digest_of
from ledgerbridge.model.wirejson import WireError, loads
from ledgerbridge.testing.fakes import FakeClock

READ = Call("POST", "/yonbip/EFI/receivable/list")
DETAIL = Call("GET", "/yonbip/EFI/receivable/detail")
WRITE = Call("POST", "/yonbip/EFI/receivable/save", writes=True)
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def reply(body: object, status: int = 200) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(status, {"content-type": "application/json"}, content, "r-1", 0.0)


def settings(**given: Any) -> YonyouBipSettings:
    access = {"tenant_id": "t1", "app_key": "k1", "app_secret": "s3cret"}
    return YonyouBip.settings.model_validate({**access, **given})


# -- sign-in


def signing_in(flow: Any, *answers: object) -> tuple[list[Call], Signed]:
    calls = [next(flow)]
    try:
        for answer in answers:
            calls.append(flow.send(reply(answer)))
    except StopIteration as stop:
        return calls, stop.value
    raise AssertionError("the sign-in wants more answers")


ADDRESSES = {
    "code": "00000",
    "message": "ok",
    "data": {
        "gatewayUrl": "https://c2.yonyoucloud.com/iuap-api-gateway",
        "tokenUrl": "https://c2.yonyoucloud.com/iuap-api-auth/",
    },
}
TOKEN = {"code": "00000", "data": {"access_token": "yt+/=&%", "expire": 7200}}


def test_the_signature_is_over_sorted_names_and_values() -> None:
    plain = hmac.new(b"secret", b"appKeykeytimestamp1700000000000", hashlib.sha256).digest()
    assert signature("key", "1700000000000", "secret") == base64.b64encode(plain).decode()


def test_a_sign_in_asks_for_the_data_centre_once_and_signs_in_milliseconds() -> None:
    clock = FakeClock(NOW)
    one = SignIn(settings(), "erp", clock)
    calls, signed = signing_in(one.sign_in(), ADDRESSES, TOKEN)
    assert [call.path for call in calls] == [
        "https://apigateway.yonyoucloud.com/open-auth/dataCenter/getGatewayAddress",
        "https://c2.yonyoucloud.com/iuap-api-auth/open-auth/selfAppAuth/base/v1/getAccessToken",
    ]
    assert all(not call.signed_in and call.headers["Content-Type"] == "application/json" for call in calls)
    assert calls[1].query["timestamp"] == str(int(NOW.timestamp() * 1000))
    assert "s3cret" not in str(calls)
    assert (signed.query, signed.base_url) == (
        {"access_token": "yt+/=&%"},
        "https://c2.yonyoucloud.com/iuap-api-gateway",
    )
    assert signed.lifetime_s == 7200
    again, _ = signing_in(one.sign_in(), TOKEN)
    assert [call.path for call in again] == [calls[1].path]


def test_a_token_that_could_not_be_had_has_the_data_centre_asked_for_again() -> None:
    one = SignIn(settings(), "erp", FakeClock(NOW))
    signing_in(one.sign_in(), ADDRESSES, TOKEN)
    flow = one.sign_in()
    next(flow)
    flow.close()  # what the runner does when the call failed
    again = next(one.sign_in())
    assert "getGatewayAddress" in again.path


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"code": "500", "message": "tenant unknown"}, NotAllowed),
        ({"code": "10018"}, NotAllowed),
        ({"code": "00000"}, BadReply),
        ({"code": "00000", "data": {"gatewayUrl": "https://x"}}, BadReply),
        ({"message": "?"}, BadReply),
        ([], BadReply),
    ],
)
def test_a_sign_in_that_fails_says_how(answer: object, error: type[ConnectorError]) -> None:
    flow = SignIn(settings(), "erp", FakeClock(NOW)).sign_in()
    next(flow)
    with pytest.raises(error):
        flow.send(reply(answer))


def test_the_token_and_the_signature_are_encoded_exactly_once() -> None:
    seen: list[httpx.URL] = []

    def far(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        if "getAccessToken" in request.url.path:
            return httpx.Response(200, json=TOKEN)
        if "getGatewayAddress" in request.url.path:
            return httpx.Response(200, json=ADDRESSES)
        return httpx.Response(200, json={"code": "200", "data": []})

    from ledgerbridge.connectors.base import Surroundings

    with YonyouBip(settings(), Surroundings("erp", FakeClock(NOW)), transport=httpx.MockTransport(far)) as bip:
        bip.check()
    _, token, business = (parse_qs(urlsplit(str(url)).query, strict_parsing=True) for url in seen)
    assert business["access_token"] == ["yt+/=&%"]
    assert token["signature"] == [signature("k1", token["timestamp"][0], "s3cret")]
    assert "access_token=yt%2B%2F%3D%26%25" in str(seen[2])


def test_half_of_the_fixed_addresses_is_refused() -> None:
    with pytest.raises(ValueError, match="go together"):
        settings(gateway_url="https://c2.yonyoucloud.com/iuap-api-gateway")


# -- the failure table


@pytest.mark.parametrize("code", ["200", 200, "00000"])
def test_success_has_three_spellings(code: object) -> None:
    assert codec.judge("erp")(READ, reply({"code": code, "data": {}})) is None


@pytest.mark.parametrize(
    ("code", "read", "write"),
    [
        ("310001", NotSignedIn, NotSignedIn),
        (310036, NotSignedIn, NotSignedIn),
        ("310037", NotAllowed, NotAllowed),
        ("310031", NotAllowed, NotAllowed),
        ("310032", RateLimited, RateLimited),
        ("310039", RateLimited, RateLimited),
        (310046, RateLimited, RateLimited),
        ("310043", Unavailable, Unavailable),
        ("310071", Unavailable, OutcomeUnknown),
        ("310072", Unavailable, OutcomeUnknown),
        ("310504", Unavailable, OutcomeUnknown),
        ("999", Refused, Refused),
        ("1001", Refused, Refused),
        (0, Refused, Refused),
        ("310002", Refused, Refused),
        ("202", BadReply, OutcomeUnknown),
        ("10004", BadReply, type(None)),
        ("100004", BadReply, type(None)),
        ("777777", BadReply, BadReply),
    ],
)
def test_what_a_code_means(code: object, read: type[object], write: type[object]) -> None:
    answer = reply({"code": code, "message": "原因"})
    assert type(codec.judge("erp")(READ, answer)) is read
    assert type(codec.judge("erp")(WRITE, answer)) is write


def test_every_documented_code_is_in_the_table() -> None:
    documented = "310001 310036 310003 310005 310006 310002 310008 310015 310023 310037 310031 310038 310041 310047"
    documented += " 310032 310039 310042 310046 310043 310404 310405 310071 310072 310504 999 1001 1002 0"
    assert set(documented.split()) <= set(codec.FAILURES)


def test_the_vendors_words_and_finer_code_are_told() -> None:
    error = codec.judge("erp")(
        READ, reply({"code": "999", "message": "单据\n已审核", "displayCode": "YBP-7", "level": 0})
    )
    assert str(error) == "erp: refused: 单据 已审核 [YBP-7] (code 999)"


@pytest.mark.parametrize("code", ["999", "1002"])
def test_a_detail_that_is_not_there_is_an_answer(code: str) -> None:
    answer = reply({"code": code, "message": "deleted"})
    assert codec.judge("erp")(DETAIL, answer) is None
    assert codec.record_of(answer) is None


def test_plain_text_about_the_token_is_an_expired_token_and_other_text_is_not() -> None:
    judge = codec.judge("erp")
    assert isinstance(judge(READ, reply(b"access_token is invalid")), NotSignedIn)
    for page in (b"<html>token</html>", b"maintenance", b"token" + b" " * 5000):
        with pytest.raises(WireError):
            judge(READ, reply(page))


def test_an_answer_without_a_code() -> None:
    assert isinstance(codec.judge("erp")(READ, reply({"data": {}})), BadReply)
    assert codec.judge("erp")(READ, reply({"error": "?"}, 502)) is None, "the status says it"
    assert isinstance(codec.judge("erp")(READ, reply({"code": 310046}, 429)), RateLimited)


# -- lists


def page(**data: object) -> Reply:
    return reply({"code": "200", "data": data})


def test_a_page_has_rows_and_counts_in_either_spelling() -> None:
    read = codec_lists.read_page(
        page(recordCount="3", pageCount=2, recordList=[{"id": 1}, {"id": "2"}]), "erp", bare=False
    )
    assert (len(read.rows), read.row_count, read.page_count) == (2, 3, 2)
    one = codec_lists.read_page(page(recordCount=1, pageCount="1", recordList={"id": 1}), "erp", bare=False)
    assert len(one.rows) == 1
    empty = codec_lists.read_page(page(recordCount=0, pageCount=0, recordList=None), "erp", bare=False)
    assert empty.rows == ()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"recordList": []},
        {"recordList": [], "recordCount": "x", "pageCount": 1},
        {"recordCount": 2, "pageCount": 1},
    ],
    ids=["nothing", "no counts", "odd counts", "no rows"],
)
def test_a_page_that_lacks_something_is_no_page(data: Mapping[str, object]) -> None:
    with pytest.raises(BadReply):
        codec_lists.read_page(page(**data), "erp", bare=False)
    with pytest.raises(BadReply):
        codec_lists.read_page(reply({"code": "200"}), "erp", bare=False)


def row(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


@pytest.mark.parametrize(
    ("text", "record_id", "stamp"),
    [
        ('{"id":1900000000000000001,"pubts":"2026-03-05 10:11:12"}', "1900000000000000001", "2026-03-05 10:11:12"),
        ('{"id":"1900000000000000001","pubts":"2026-03-05 10:11:12.0"}', "1900000000000000001", "2026-03-05 10:11:12"),
        ('{"id":"1","modifyTime":"2026-03-05 10:11:12"}', "1", "2026-03-05 10:11:12"),
        ('{"id":"1","pubts":"yesterday"}', "1", ""),
        ('{"id":"1"}', "1", ""),
    ],
)
def test_the_head_of_a_row(text: str, record_id: str, stamp: str) -> None:
    entry = codec_lists.entry_of(row(text), resources.RECEIVABLE, "here")
    assert (entry.record_id, entry.stamp, entry.bad) == (record_id, stamp, None)


@pytest.mark.parametrize(
    "text", ['{"code":"1"}', '{"id":null}', '{"id":" "}', '{"id":1.5}', '{"id":{}}', "7", '"x"', "[1]"]
)
def test_a_row_that_is_no_record_is_kept_as_it_is(text: str) -> None:
    entry = codec_lists.entry_of(row(text), resources.RECEIVABLE, "here")
    assert entry.bad is not None
    assert entry.bad.body == text.encode()
    assert entry.bad.where == "here"


@given(st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)))  # noqa: DTZ001 (hypothesis wants naive ones)
def test_stamps_are_of_utc_plus_8(at: datetime) -> None:
    moment = at.replace(microsecond=0, tzinfo=UTC)
    stamp = codec_lists.written(moment)
    assert codec_lists.moment(stamp) == moment
    assert codec_lists.earlier(stamp, 60) == codec_lists.written(moment - timedelta(seconds=60))


@given(st.lists(st.dates(date(2025, 1, 1), date(2026, 12, 31)), max_size=40))
def test_day_ranges_cover_each_day_and_do_not_overlap(days: list[date]) -> None:
    ranges = codec_lists.day_ranges(days)
    assert all(any(begin <= day <= end for begin, end in ranges) for day in days)
    assert all(begin in days and end in days for begin, end in ranges)
    assert all((later[0] - earlier[1]).days > 7 for earlier, later in itertools.pairwise(ranges))


def test_list_calls_ask_as_each_list_wants() -> None:
    span = resources.Span("2026-03-01 00:00:00", "2026-03-02 00:00:00", match={"code": "A"})
    body = {one.wire_type: resources.list_call(one, span, 2, 50).json for one in (
        resources.MERCHANT, resources.RECEIVABLE, resources.ARVERIFYEVENT, resources.RECEIVEBILL, resources.ARVERIFY,
        resources.SALE_INVOICE,
    )}  # fmt: skip
    paging = {"pageIndex": 2, "pageSize": 50}
    between = {"field": "pubts", "op": "between", "value1": span.begin, "value2": span.end}
    code = {"field": "code", "op": "eq", "value1": "A"}
    ends = {"open_pubts_begin": span.begin, "open_pubts_end": span.end}
    assert body == {
        "merchant": {**paging, "code": "A", "pubts": span.begin},
        "receivable": {**paging, "isSum": True, "code": "A", "simple": ends},
        "arverifyevent": {**paging, "isSum": False, "code": "A", "simple": ends},
        "receivebill": {**paging, "isSum": True, "simpleVOs": [{"logicOp": "and", "conditions": [code, between]}]},
        "arverify": {**paging, "code": "A", **ends},
        "vouchersaleinvoice": {
            **paging, "isSum": True, "simpleVOs": [code, between], "queryOrders": [{"field": "id", "order": "asc"}],
        },
    }  # fmt: skip
    dated = resources.list_call(resources.OAR, resources.Span(first_day="2026-01-01"), 1, 200).json
    assert dated == {
        "pageIndex": 1,
        "pageSize": 200,
        "isSum": True,
        "simple": {"open_vouchdate_begin": "2026-01-01 00:00:00"},
    }


# -- records


@pytest.mark.parametrize("body", [b"{}", b'{"a":1}', b' {"a":1.10 } ', '{"名":"值"}'.encode()])
def test_merging_changes_no_byte_of_either(body: bytes) -> None:
    merged = records.with_key(body, "_x", [b'{"n":0.10}', b'{"n":2}'])
    found = loads(merged)
    assert isinstance(found, dict)
    assert found.pop("_x") == [{"n": Decimal("0.10")}, {"n": 2}]
    assert found == loads(body)
    assert body.strip()[:-1].rstrip() in merged
    assert b'"_x":[{"n":0.10},{"n":2}]' in merged


def test_balances_are_found_by_the_source_document() -> None:
    balances = records.Balances([codec_lists.DocumentHead(id="1", code="A"), codec_lists.DocumentHead(id=2, code="B")])
    for text in (
        '{"id":"e2","bizBillId":"9","srcBillId":1,"oriBalance":5}',
        '{"id":"e1","bizBillId":"1"}',
        '{"id":"e3","bizBillCode":"X","srcBillCode":"B"}',
        '{"id":"e4","bizBillId":"1","srcBillId":"7"}',  # of a document that arose from the first one
        '{"id":"e5","srcBillId":"7","srcBillCode":"B"}',
        '{"id":"e1","bizBillId":"1","oriBalance":7}',
        "[]",
    ):
        balances.take(row(text))
    first, second = balances.of("1")
    assert (json.loads(first)["oriBalance"], second) == (7, b'{"id":"e2","bizBillId":"9","srcBillId":1,"oriBalance":5}')
    assert [json.loads(one)["id"] for one in balances.of("2")] == ["e3"]


def test_only_our_own_key_is_our_key() -> None:
    key = "k" * 32
    ours = row(f'{{"id":1,"code":"A","extSystemCode":"ledgerbridge","extVouchCode":"{key}"}}')
    other = row(f'{{"id":2,"code":"B","extSystemCode":"other","extVouchCode":"{key}"}}')
    assert records.carrier(ours, key, "ledgerbridge") == "1"
    assert records.carrier(other, key, "ledgerbridge") == ""
    assert records.carrier(other, "B", "ledgerbridge") == "2"


def test_a_record_is_known_by_all_that_was_read() -> None:
    body = b'{"id":1900000000000000001,"pubts":"2026-03-05 10:11:12","n":1.10}'
    raw = records.raw_record(resources.RECEIVABLE, "1900000000000000001", body, "2026-03-05 09:00:00", NOW)
    assert (raw.body, raw.digest) == (body, digest_of(body))
    assert raw.modified_at == datetime(2026, 3, 5, 2, 11, 12, tzinfo=UTC)
    assert raw.order == int(raw.modified_at.timestamp())
    bare = records.raw_record(resources.OAR, "1", b'{"id":1}', "2026-03-05 09:00:00", NOW)
    assert (bare.order, bare.modified_at) == (None, datetime(2026, 3, 5, 1, tzinfo=UTC))


# -- cursors


def test_a_cursor_survives_its_text() -> None:
    state = cursor.State("receivable").listed("2026-03-05 10:00:00", 120).passed(("2026-03-04 10:00:00", "7"))
    assert cursor.load(cursor.dump(state), "receivable") == state
    assert cursor.load(cursor.dump(state), "oar") == cursor.State("oar")
    assert state.finished().since == "2026-03-05 09:58:00"


def test_a_walk_without_anything_new_stays_where_it_was() -> None:
    state = cursor.State("receivable", "2026-03-05 09:58:00")
    assert state.listed("", 120).finished() == state


@given(
    st.lists(st.tuples(st.integers(0, 400), st.text("123", min_size=1, max_size=2)), min_size=1, max_size=12), st.data()
)
def test_nothing_is_lost_when_a_walk_is_resumed(changes: list[tuple[int, str]], data: st.DataObject) -> None:
    """Records change while a walk is interrupted, some are visible late, within the overlap: each is read as it was last."""
    start = datetime(2026, 3, 5, tzinfo=UTC)
    world: dict[str, int] = {}
    read: dict[str, int] = {}
    for second, record in changes:
        world[record] = max(second, world.get(record, 0))
    late = data.draw(st.sets(st.sampled_from(sorted(world))))
    newest = max(world.values())
    hidden = {record for record in late if newest - world[record] <= 60}
    text: str | None = None
    for turn in range(3):
        begun = cursor.load(text, "x")
        state = begun
        visible = {record: at for record, at in world.items() if turn or record not in hidden}
        rows = sorted((codec_lists.written(start + timedelta(seconds=at)), record) for record, at in visible.items())
        rows = [place for place in rows if place[0] >= begun.begin]
        state = state.listed(max((place[0] for place in rows), default=""), 60)
        wanted = [place for place in rows if not begun.done(place)]
        stop = data.draw(st.integers(0, len(wanted))) if turn == 0 else len(wanted)
        for place in wanted[:stop]:
            read[place[1]] = world[place[1]]
            state = state.passed(place)
            text = cursor.dump(state)
        if stop == len(wanted):
            text = cursor.dump(state.finished())
        changed = data.draw(st.sets(st.sampled_from(sorted(world)))) if turn == 0 else set()
        for record in changed:
            newest += 0 if data.draw(st.booleans()) else 1
            world[record] = newest  # later, or in the very second that was read last
            read.pop(record, None)
    assert set(read) == set(world)


# -- bodies of writes


def test_a_receivable_is_completed() -> None:
    body = {
        "code": "A",
        "billDate": "2026-03-05 00:00:00",
        "customer": "9",
        "oriCurrencyCode": "USD",
        "exchangeRate": Decimal("7.1"),
        "oriTaxIncludedAmount": Decimal("100.01"),
        "_due": "2026-04-04 00:00:00",
    }
    made = codec_writes.document_body(
        settings(org_code="O1", receivable_bustype="AR01"), resources.RECEIVABLE, body, "k" * 32, "CNY"
    )
    [line] = made.pop("bodyItem")
    assert line == {
        "oriTaxIncludedAmount": Decimal("100.01"), "localTaxIncludedAmount": Decimal("710.07"),
        "grandsonItem": [{"issueNo": 1, "expireDate": "2026-04-04 00:00:00", "ratio": 100,
                          "oriTaxIncludedAmount": Decimal("100.01"), "localTaxIncludedAmount": Decimal("710.07")}],
    }  # fmt: skip
    assert made == {
        **{name: value for name, value in body.items() if name != "_due"},
        "financeOrgCode": "O1", "orgCode": "O1", "bustypeCode": "AR01", "objectType": 1, "direction": "1",
        "exchangeRateDate": "2026-03-05 00:00:00", "localTaxIncludedAmount": Decimal("710.07"),
        "extSystemCode": "ledgerbridge", "extVouchCode": "k" * 32, "resubmitCheckKey": "k" * 32, "_status": "Insert",
    }  # fmt: skip


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6), st.decimals("0.0001", "20000", places=4))
def test_base_amounts_of_lines_add_up_to_the_header(fen: list[int], rate: Decimal) -> None:
    lines = [{"oriSum": Decimal(one).scaleb(-2)} for one in fen]
    body = {
        "currency_code": "USD",
        "exchRate": rate,
        "oriSum": Decimal(sum(fen)).scaleb(-2),
        "oarDetail": lines,
        "vouchdate": "2026-03-05",
    }
    made = codec_writes.document_body(settings(), resources.OAR, body, "k", "CNY")
    assert sum(line["natSum"] for line in made["oarDetail"]) == made["natSum"]
    assert made["billdirection"] == (1 if sum(fen) < 0 else 2)


def test_nothing_is_sent_as_null() -> None:
    for resource in (resources.RECEIVABLE, resources.COLLECTION, resources.OAR, resources.RECEIVEBILL):
        shape = codec_writes.SHAPES[resource.wire_type]
        body = {shape.total: 5, shape.currency_code: "CNY", shape.date: "2026-03-05 00:00:00", "customer": "1"}
        text = json.dumps(codec_writes.document_body(settings(), resource, body, "k", "CNY"), default=str)
        assert "null" not in text
        assert '"_due"' not in text


@pytest.mark.parametrize(
    "data",
    [
        {"id": 7},
        [{"id": "7", "code": "A"}],
        {"count": 1, "sucessCount": 1, "failCount": 0, "messages": [], "infos": [{"id": "7"}]},
    ],
)
def test_the_id_of_what_was_written(data: object) -> None:
    assert codec_writes.written_id(reply({"code": 200, "data": data}), "erp") == "7"


@pytest.mark.parametrize("data", [None, {}, [], {"id": None}, {"infos": []}, "ok"])
def test_success_without_an_id_is_unknown(data: object) -> None:
    with pytest.raises(OutcomeUnknown):
        codec_writes.written_id(reply({"code": "200", "data": data}), "erp")


@pytest.mark.parametrize("messages", [["客户不存在", "second"], "客户不存在; second"])
def test_a_counted_failure_is_refused(messages: object) -> None:
    data = {"count": 1, "sucessCount": 0, "failCount": "1", "messages": messages, "infos": []}
    with pytest.raises(Refused, match="客户不存在; second"):
        codec_writes.done(reply({"code": "200", "data": data}), "erp")
