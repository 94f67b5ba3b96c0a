from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator

import httpx
import pytest
import respx

from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.connectors._http.redaction import reason
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.errors import BadReply, ConnectorError, Unavailable
from ledgerbridge.testing.hooks import Captured, captured_log, said

BASE = "https://api.vendor.example/v1"
TOKEN = "token-won-at-sign-in-0815"
Make = Callable[..., Runner]


def sign_in() -> Generator[Call, Reply, Signed]:
    yield Call("POST", "token", json={"appSecret": "s3cret-of-app"}, signed_in=False)
    return Signed(query={"access_token": TOKEN}, headers={"Authorization": f"Bearer {TOKEN}-2"})


def logged(act: Callable[[], object]) -> tuple[Captured, str]:
    with captured_log() as captured:
        try:
            act()
        except ConnectorError as error:
            return captured, said(error)
    return captured, ""


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(httpx.Response(200, json={}), id="success"),
        pytest.param(httpx.Response(404, text=f"no {TOKEN}"), id="404"),
        pytest.param(httpx.Response(302, headers={"Location": f"https://x.example/?t={TOKEN}"}), id="redirect"),
        pytest.param(httpx.ConnectError(f"https://api.vendor.example/?access_token={TOKEN}"), id="connect"),
        pytest.param(httpx.ReadTimeout(f"https://api.vendor.example/?access_token={TOKEN}"), id="time-out"),
        pytest.param(httpx.Response(200, text=f"<html>{TOKEN}</html>"), id="page"),
    ],
)
@pytest.mark.parametrize("writes", [False, True])
def test_neither_log_nor_error_shows_a_secret(
    far: respx.MockRouter, make_runner: Make, end: httpx.Response | Exception, *, writes: bool
) -> None:
    far.post(f"{BASE}/token").respond(200, json={})
    far.route(path="/v1/data").mock(side_effect=[end] * 5)
    runner = make_runner(sign_in=sign_in, secrets=["s3cret-of-app"])
    call = Call("POST", "data", query={"customer": "北京甲公司"}, json={"memo": "body-canary"}, writes=writes)
    captured, error = logged(lambda: runner.send(call))
    assert captured.events, "there must be something to look at"
    for planted in (TOKEN, "s3cret-of-app", "body-canary", "北京甲公司", "%E5%8C%97", "attacker"):
        assert planted not in captured.text
        assert planted not in error


def test_a_vendors_message_that_quotes_the_token_is_masked(far: respx.MockRouter, make_runner: Make) -> None:
    far.post(f"{BASE}/token").respond(200, json={})
    far.get(url__startswith=f"{BASE}/data").respond(200, json={})

    def judge(_: Call, reply: Reply) -> ConnectorError | None:
        words = f"token {TOKEN}\r\nis not for you" + "x" * 2000
        return None if "/token" in str(_.path) or _.path == "token" else BadReply(words, system="crm", code=TOKEN)

    with pytest.raises(BadReply) as caught:
        make_runner(sign_in=sign_in, judge=judge).send(Call("GET", "data"))
    assert TOKEN not in said(caught.value)
    assert "\r" not in caught.value.message
    assert len(caught.value.message) < 600


def test_a_call_is_logged_with_these_facts_and_no_others(far: respx.MockRouter, make_runner: Make) -> None:
    far.post(f"{BASE}/data").respond(200, json={"a": 1}, headers={"X-Id": "r1"})
    runner = make_runner(request_id_headers=("x-id",))
    call = Call("POST", "data?secret=1", interface="invoices", json={}, writes=True)
    captured, _ = logged(lambda: runner.send(call))
    [event] = captured.events
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "level": "info",
        "event": "call answered",
        "logger": "ledgerbridge.connectors._http.runner",
        "system": "crm",
        "interface": "invoices",
        "method": "POST",
        "path": "data",
        "status": 200,
        "tries": 1,
        "elapsed_ms": 0,
        "bytes": 7,
        "request_id": "r1",
    }


def test_a_failure_says_its_kind_and_code(far: respx.MockRouter, make_runner: Make) -> None:
    far.get(f"{BASE}/data").respond(503, headers={"Retry-After": "3"})
    captured, _ = logged(lambda: make_runner().send(Call("GET", f"{BASE}/data")))
    names = [(event["event"], event.get("tries")) for event in captured.events]
    assert names == [
        ("call failed", 1),
        ("call tried again", 1),
        ("call failed", 2),
        ("call tried again", 2),
        ("call failed", 3),
    ]
    assert captured.events[0]["path"] == "/v1/data"
    assert captured.events[0]["error_type"] == "Unavailable"
    assert captured.events[0]["code"] == "503"
    assert captured.events[1]["wait_s"] == 3.0


@pytest.mark.parametrize("name", ["httpx", "httpcore"])
def test_the_loggers_that_write_urls_are_silenced(name: str) -> None:
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_the_reason_names_the_systems_words() -> None:
    error = httpx.ConnectError("to https://x/?token=1")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert reason(error) == "no connection (Connection refused)"
    assert reason(httpx.ReadTimeout("x")) == "no complete answer in time"


def test_context_reaches_the_threads_that_read_ahead(far: respx.MockRouter, make_runner: Make) -> None:
    from ledgerbridge import log

    far.get(f"{BASE}/data").respond(200, json={})
    with captured_log() as captured, log.bound(run_id="run-7"):
        list(make_runner().send_all([Call("GET", "data")] * 3))
    assert [event["run_id"] for event in captured.events] == ["run-7"] * 3
    assert "run-7" in json.dumps(captured.events)


def test_an_error_keeps_its_kind_when_it_is_cleaned(far: respx.MockRouter, make_runner: Make) -> None:
    far.get(f"{BASE}/data").mock(side_effect=httpx.ConnectError("x"))
    with pytest.raises(Unavailable) as caught:
        make_runner().send(Call("GET", "data"))
    assert str(caught.value) == "crm: api.vendor.example: no connection"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_reason_of_errors_that_are_each_others_context_is_found_and_ends() -> None:
    first, second = httpx.ConnectError("all attempts failed"), httpx.ConnectTimeout("too slow")
    first.__context__, second.__context__ = second, first
    assert reason(first) == "no connection"
    second.__context__ = ConnectionRefusedError(111, "Connection refused")
    assert reason(first) == "no connection (Connection refused)"
