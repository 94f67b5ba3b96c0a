"""RELIABILITY.md 5, row by row: what an end proves about a write."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import respx

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    OutcomeUnknown,
    QuotaUsedUp,
    RateLimited,
    Refused,
    Unavailable,
)
from ledgerbridge.testing.fakes import FakeClock

URL = "https://api.vendor.example/v1/data"
WRITE = Call("POST", "data", json={"a": 1}, writes=True)
Make = Callable[..., Runner]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        pytest.param(httpx.ConnectError("x"), Unavailable, id="refused"),
        pytest.param(httpx.ConnectTimeout("x"), Unavailable, id="connect time-out"),
        pytest.param(httpx.PoolTimeout("x"), Unavailable, id="pool time-out"),
        pytest.param(httpx.LocalProtocolError("x"), Unavailable, id="never valid"),
        pytest.param(httpx.ReadTimeout("x"), OutcomeUnknown, id="silence"),
        pytest.param(httpx.ReadError("x"), OutcomeUnknown, id="reset"),
        pytest.param(httpx.WriteError("x"), OutcomeUnknown, id="reset while sending"),
        pytest.param(httpx.WriteTimeout("x"), OutcomeUnknown, id="stalled while sending"),
        pytest.param(httpx.RemoteProtocolError("x"), OutcomeUnknown, id="cut"),
        pytest.param(httpx.Response(408), OutcomeUnknown, id="408"),
        pytest.param(httpx.Response(500, json={}), OutcomeUnknown, id="500"),
        pytest.param(httpx.Response(502, text="<html>"), OutcomeUnknown, id="502 page"),
        pytest.param(httpx.Response(503), OutcomeUnknown, id="503"),
        pytest.param(httpx.Response(429), OutcomeUnknown, id="429 nobody documented"),
        pytest.param(httpx.Response(404, json={}), OutcomeUnknown, id="404 nobody documented"),
        pytest.param(httpx.Response(200, text="<html>"), OutcomeUnknown, id="200 page"),
        pytest.param(httpx.Response(200, text='{"a":'), OutcomeUnknown, id="200 half a body"),
        pytest.param(httpx.Response(200, text=""), OutcomeUnknown, id="200 empty"),
    ],
)
def test_an_end_that_the_codec_does_not_explain(
    far: respx.MockRouter,
    make_runner: Make,
    clock: FakeClock,
    end: httpx.Response | Exception,
    kind: type[ConnectorError],
) -> None:
    route = far.post(URL).mock(side_effect=[end] * 3)
    with pytest.raises(ConnectorError) as caught:
        make_runner().send(WRITE)
    assert caught.type is kind
    assert route.call_count == 1, "a write is sent once"
    assert clock.slept == []


def judged(error: ConnectorError) -> Callable[[Call, Reply], ConnectorError]:
    return lambda _call, _reply: error


@pytest.mark.parametrize(
    ("status", "verdict", "kind"),
    [
        pytest.param(429, RateLimited("slow down", system="crm"), RateLimited, id="429 documented"),
        pytest.param(200, RateLimited("slow down", system="crm"), RateLimited, id="limit inside 200"),
        pytest.param(503, QuotaUsedUp("used up", system="crm"), QuotaUsedUp, id="quota documented"),
        pytest.param(200, Unavailable("locked, nothing done", system="crm"), Unavailable, id="busy inside 200"),
        pytest.param(503, Unavailable("down", system="crm"), OutcomeUnknown, id="503 called harmless"),
        pytest.param(408, Unavailable("down", system="crm"), OutcomeUnknown, id="408 called harmless"),
        pytest.param(400, Refused("no such customer", system="crm"), Refused, id="refused"),
        pytest.param(500, Refused("no such customer", system="crm"), Refused, id="documented refusal in 500"),
        pytest.param(200, BadReply("unknown code", system="crm", code="77"), OutcomeUnknown, id="unknown code"),
        pytest.param(200, OutcomeUnknown("timed out inside", system="crm"), OutcomeUnknown, id="unknown"),
    ],
)
def test_an_end_that_the_codec_explains(
    far: respx.MockRouter, make_runner: Make, status: int, verdict: ConnectorError, kind: type[ConnectorError]
) -> None:
    route = far.post(URL).respond(status, json={})
    with pytest.raises(ConnectorError) as caught:
        make_runner(judge=judged(verdict)).send(WRITE)
    assert caught.type is kind
    assert caught.value.code == verdict.code
    assert verdict.message in caught.value.message
    assert route.call_count == 1


def test_a_judge_that_breaks_leaves_the_outcome_of_a_write_unknown(far: respx.MockRouter, make_runner: Make) -> None:
    def broken(_: Call, reply: Reply) -> ConnectorError | None:
        return reply.json()["errors"]  # type: ignore[index,call-overload,return-value]

    far.post(URL).respond(200, json=[])
    with pytest.raises(OutcomeUnknown, match="unknown shape"):
        make_runner(judge=broken).send(WRITE)
    far.get(URL).respond(200, json=[])
    with pytest.raises(BadReply, match="unknown shape"):
        make_runner(judge=broken).send(Call("GET", "data"))


def test_a_body_too_large_leaves_the_outcome_of_a_write_unknown(far: respx.MockRouter, make_runner: Make) -> None:
    far.post(URL).respond(200, content=b" " * 5000)
    with pytest.raises(OutcomeUnknown, match="larger than"):
        make_runner(settings={"body_max_bytes": 1024}).send(WRITE)


def test_a_write_that_succeeds_is_a_reply(far: respx.MockRouter, make_runner: Make) -> None:
    far.post(URL).respond(201, json={"id": "7"})
    assert make_runner().send(WRITE).json() == {"id": "7"}


def test_a_place_that_is_not_allowed_is_refused_before_sending(far: respx.MockRouter, make_runner: Make) -> None:
    route = far.route().respond(200, json={})
    with pytest.raises(ConnectorError, match="nothing was sent"):
        make_runner().send(Call("POST", "https://elsewhere.example/x", json={}, writes=True))
    assert route.call_count == 0
