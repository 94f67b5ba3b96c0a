from __future__ import annotations

import gzip
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import respx

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.limits import Limit
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    QuotaUsedUp,
    RateLimited,
    Refused,
    Unavailable,
)
from ledgerbridge.testing.fakes import FakeClock

BASE = "https://api.vendor.example/v1"
URL = f"{BASE}/data"
READ = Call("GET", "data")
Make = Callable[..., Runner]


def test_a_reply_keeps_every_digit_and_names_its_headers_in_lower_case(
    far: respx.MockRouter, make_runner: Make
) -> None:
    far.get(URL).respond(200, content=b'{"n": 12345678901234567.89}', headers={"X-Thing": "1", "X-Request-Id": "abc"})
    reply = make_runner(request_id_headers=("x-trace", "x-request-id")).send(READ)
    assert reply.json() == {"n": Decimal("12345678901234567.89")}
    assert reply.headers["x-thing"] == "1"
    assert reply.request_id == "abc"


def test_without_a_vendors_request_id_there_is_ours(far: respx.MockRouter, make_runner: Make) -> None:
    far.get(URL).respond(200, json={})
    runner = make_runner()
    first, second = runner.send(READ).request_id, runner.send(READ).request_id
    assert len(first) == 32
    assert first != second


def test_query_headers_json_and_form_arrive(far: respx.MockRouter, make_runner: Make) -> None:
    route = far.route(url__startswith=URL).respond(200, json={})
    runner = make_runner()
    runner.send(Call("POST", "/data", query={"q": "应收 a&b"}, headers={"X-A": "1"}, json={"n": Decimal("1.10")}))
    sent = route.calls.last.request
    assert sent.url.params["q"] == "应收 a&b"
    assert sent.headers["x-a"] == "1"
    assert sent.headers["content-type"] == "application/json"
    assert sent.content == b'{"n":1.10}'
    runner.send(Call("POST", "data", form={"a": "ä b"}))
    assert route.calls.last.request.content == b"a=%C3%A4+b"
    with pytest.raises(ValueError, match="not both"):
        runner.send(Call("POST", "data", form={"a": "1"}, json={}))


def test_cookies_are_not_sent_back(far: respx.MockRouter, make_runner: Make) -> None:
    route = far.get(URL).respond(200, json={}, headers={"Set-Cookie": "session=1; Path=/"})
    runner = make_runner()
    runner.send(READ)
    runner.send(READ)
    assert "cookie" not in route.calls.last.request.headers


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(httpx.Response(500, text="oops"), id="500"),
        pytest.param(httpx.Response(503), id="503"),
        pytest.param(httpx.Response(408), id="408"),
        pytest.param(httpx.Response(429), id="429"),
        pytest.param(httpx.ConnectError("x"), id="refused"),
        pytest.param(httpx.ConnectTimeout("x"), id="connect time-out"),
        pytest.param(httpx.ReadTimeout("x"), id="silence"),
        pytest.param(httpx.ReadError("x"), id="reset"),
        pytest.param(httpx.RemoteProtocolError("x"), id="cut"),
        pytest.param(httpx.PoolTimeout("x"), id="pool"),
    ],
)
def test_a_read_survives_two_troubles_and_gives_up_at_the_third(
    far: respx.MockRouter, make_runner: Make, clock: FakeClock, trouble: httpx.Response | Exception
) -> None:
    good = httpx.Response(200, json={"ok": True})
    route = far.get(URL).mock(side_effect=[trouble, trouble, good])
    assert make_runner().send(READ).json() == {"ok": True}
    assert route.call_count == 3
    assert len(clock.slept) == 2
    assert all(0 < wait <= 10 for wait in clock.slept)

    route = far.get(URL).mock(side_effect=[trouble, trouble, trouble, good])
    with pytest.raises(Unavailable):
        make_runner().send(READ)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(404, "{}", BadReply, id="404"),
        pytest.param(400, "<html>", BadReply, id="400 page"),
        pytest.param(302, "", BadReply, id="redirect"),
        pytest.param(200, "<html>maintenance</html>", BadReply, id="200 page"),
        pytest.param(200, "", BadReply, id="200 empty"),
    ],
)
def test_what_no_codec_explains_is_a_bad_reply_and_not_tried_again(
    far: respx.MockRouter, make_runner: Make, status: int, body: str, kind: type[ConnectorError]
) -> None:
    route = far.get(URL).respond(status, text=body, headers={"Location": "https://attacker.example/?q=1"})
    with pytest.raises(kind) as caught:
        make_runner().send(READ)
    assert route.call_count == 1
    assert "attacker" not in str(caught.value)
    assert "maintenance" not in str(caught.value)


@pytest.mark.parametrize("status", [204, 304])
def test_no_content_is_a_success(far: respx.MockRouter, make_runner: Make, status: int) -> None:
    far.get(URL).respond(status)
    assert make_runner().send(READ).body == b""


def verdict_of(error: ConnectorError) -> Callable[[Call, Reply], ConnectorError]:
    return lambda _call, _reply: error


def test_quota_is_not_tried_again(far: respx.MockRouter, make_runner: Make, clock: FakeClock) -> None:
    route = far.get(URL).respond(200, json={})
    with pytest.raises(QuotaUsedUp):
        make_runner(judge=verdict_of(QuotaUsedUp("no calls left", system="crm"))).send(READ)
    assert route.call_count == 1
    assert clock.slept == []


def test_a_business_error_inside_http_200_is_raised_with_code_and_request_id(
    far: respx.MockRouter, make_runner: Make
) -> None:
    far.get(URL).respond(200, json={}, headers={"X-Request-Id": "r-9"})
    with pytest.raises(Refused, match="no such customer") as caught:
        make_runner(
            judge=verdict_of(Refused("no such customer", system="crm", code="1001")),
            request_id_headers=("x-request-id",),
        ).send(READ)
    assert (caught.value.code, caught.value.request_id) == ("1001", "r-9")


def test_retry_after_is_waited_for(far: respx.MockRouter, make_runner: Make, clock: FakeClock) -> None:
    in_9_s = format_datetime(clock.now() + timedelta(seconds=9 + 7), usegmt=True)
    far.get(URL).mock(
        side_effect=[
            httpx.Response(429, headers={"Retry-After": "7"}),
            httpx.Response(503, headers={"Retry-After": in_9_s}),
            httpx.Response(200, json={}),
        ]
    )
    make_runner().send(READ)
    assert clock.slept == [7.0, 9.0]


@pytest.mark.parametrize(
    ("header", "waits", "told"),
    [
        pytest.param("3600", [30.0], 3600.0, id="clamped"),
        pytest.param("0", [0.0, 0.0], 0.0, id="at once"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", [0.0, 0.0], 0.0, id="in the past"),
    ],
)
def test_a_rate_limit_that_stays_is_raised_with_its_wait(
    far: respx.MockRouter, make_runner: Make, clock: FakeClock, header: str, waits: list[float], told: float
) -> None:
    far.get(URL).respond(429, headers={"Retry-After": header})
    with pytest.raises(RateLimited) as caught:
        make_runner().send(READ)
    assert caught.value.retry_after_s == told
    assert clock.slept == waits, "and never past the deadline of the call"


def test_a_retry_after_of_nonsense_is_no_wait(far: respx.MockRouter, make_runner: Make) -> None:
    far.get(URL).respond(429, headers={"Retry-After": "soon"})
    with pytest.raises(RateLimited) as caught:
        make_runner().send(READ)
    assert caught.value.retry_after_s is None


def test_no_try_begins_after_the_deadline(far: respx.MockRouter, make_runner: Make, clock: FakeClock) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        clock.advance(25)
        return httpx.Response(503)

    route = far.get(URL).mock(side_effect=slow)
    with pytest.raises(Unavailable):
        make_runner(settings={"retries": 10, "total_deadline_s": 60}).send(READ)
    assert route.call_count <= 3


def test_an_interrupted_wait_ends_the_call(far: respx.MockRouter, make_runner: Make) -> None:
    class Stopped(FakeClock):
        def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)

    route = far.get(URL).respond(503)
    with pytest.raises(Unavailable, match="stopped while waiting"):
        make_runner(clock=Stopped()).send(READ)
    assert route.call_count == 1


def test_the_budget_spaces_calls_and_refuses_a_wait_longer_than_a_run(
    far: respx.MockRouter, make_runner: Make, clock: FakeClock
) -> None:
    far.get(URL).respond(200, json={})
    runner = make_runner(limits={"": Limit(2, 20)})
    for _ in range(5):
        runner.send(READ)
    assert clock.slept == [20.0, 20.0]
    runner = make_runner(limits={"": Limit(1, 86_400)})
    runner.send(READ)
    with pytest.raises(QuotaUsedUp, match="our own limit") as caught:
        runner.send(READ)
    assert caught.value.retry_after_s == pytest.approx(86_400)


class Body(httpx.SyncByteStream):
    """A body in pieces that lets time pass before each, and counts how far it was read."""

    def __init__(self, pieces: Iterator[bytes], clock: FakeClock, every_s: float = 0.0) -> None:
        self.pieces, self.clock, self.every_s, self.read = pieces, clock, every_s, 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.clock.advance(self.every_s)
            self.read += len(piece)
            yield piece


def answering(stream: httpx.SyncByteStream, headers: dict[str, str] | None = None) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, stream=stream, headers=headers))


def test_a_dripping_body_ends_at_the_deadline(make_runner: Make, clock: FakeClock) -> None:
    body = Body(iter([b" "] * 1000), clock, every_s=1.0)
    with pytest.raises(Unavailable, match="in time"):
        make_runner(transport=answering(body)).send(READ)
    assert body.read <= 62


def test_an_endless_body_is_cut_off(make_runner: Make, clock: FakeClock) -> None:
    body = Body((b" " * 1024 for _ in range(10_000)), clock)
    with pytest.raises(BadReply, match=r"larger than 4096 bytes \(http\.body_max_bytes\)"):
        make_runner(transport=answering(body), settings={"body_max_bytes": 4096}).send(READ)
    assert body.read <= 4096 + 1024


def test_a_gzip_bomb_never_unfolds(make_runner: Make) -> None:
    """All of it arrives at once, 50 kB for 50 MB."""
    bomb = gzip.compress(b" " * 50_000_000)
    runner = make_runner(
        transport=httpx.MockTransport(
            lambda _: httpx.Response(200, stream=httpx.ByteStream(bomb), headers={"Content-Encoding": "gzip"})
        ),
        settings={"body_max_bytes": 1_000_000},
    )
    tracemalloc.start()
    try:
        with pytest.raises(BadReply, match="larger than 1000000 bytes"):
            runner.send(READ)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("body", "encoding", "kind", "words"),
    [
        pytest.param(gzip.compress(b'{"a":1}'), "gzip", None, "", id="gzip"),
        pytest.param(b'{"a":1}', "identity", None, "", id="identity"),
        pytest.param(b'{"a":1}', "gzip", BadReply, "not", id="not gzip"),
        pytest.param(gzip.compress(b'{"a":1}')[:-9], "gzip", Unavailable, "complete", id="cut gzip"),
        pytest.param(gzip.compress(b'{"a":1}') + b"x", "gzip", BadReply, "something after", id="trailing bytes"),
        pytest.param(b"x", "br", BadReply, "encoded as 'br'", id="unasked"),
    ],
)
def test_encodings(
    make_runner: Make, clock: FakeClock, body: bytes, encoding: str, kind: type[ConnectorError] | None, words: str
) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Body(iter([body]), clock), headers={"Content-Encoding": encoding})

    runner = make_runner(transport=httpx.MockTransport(handler))
    if kind is None:
        assert runner.send(READ).json() == {"a": 1}
        return
    with pytest.raises(kind, match=words):
        runner.send(READ)


def test_reading_ahead_keeps_the_order(far: respx.MockRouter, make_runner: Make) -> None:
    first_may_end = threading.Event()

    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        if number == 0:
            assert first_may_end.wait(5)
        else:
            first_may_end.set()
        return httpx.Response(200, json=number)

    far.get(url__startswith=URL).mock(side_effect=page)
    replies = make_runner().send_all(Call("GET", "data", query={"page": str(n)}) for n in range(20))
    assert list(range(20)) == [reply.json() for reply in replies]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ledgerbridge-crm")]


def test_closing_early_stops_reading_ahead_and_leaves_no_thread(far: respx.MockRouter, make_runner: Make) -> None:
    route = far.get(url__startswith=URL).respond(200, json={})
    replies: Any = make_runner().send_all((Call("GET", "data") for _ in range(1000)), in_flight=3)
    next(replies)
    assert threads()
    replies.close()
    assert threads() == []
    assert route.call_count <= 4


@pytest.mark.parametrize("in_flight", [1, 4])
def test_the_first_error_in_order_ends_reading_ahead(far: respx.MockRouter, make_runner: Make, in_flight: int) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        return httpx.Response(404 if number in (3, 4) else 200, json=number)

    far.get(url__startswith=URL).mock(side_effect=page)
    calls = (Call("GET", "data", query={"page": str(n)}) for n in range(20))
    replies = make_runner().send_all(calls, in_flight=in_flight)
    seen = [next(replies).json() for _ in range(3)]
    with pytest.raises(BadReply, match="404"):
        next(replies)
    assert seen == [0, 1, 2]
    assert threads() == []


@pytest.mark.parametrize("in_flight", [1, 4])
def test_writes_are_not_read_ahead(far: respx.MockRouter, make_runner: Make, in_flight: int) -> None:
    route = far.post(URL).respond(200, json={})
    with pytest.raises(ValueError, match="a write must be sent by itself"):
        list(make_runner().send_all([Call("POST", "data", writes=True)], in_flight=in_flight))
    assert route.call_count == 0


def test_a_closed_runner_sends_nothing(far: respx.MockRouter, make_runner: Make) -> None:
    far.get(URL).respond(200, json={})
    with make_runner() as runner:
        runner.send(READ)
    runner.close()
    with pytest.raises(RuntimeError, match="closed"):
        runner.send(READ)
