from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import respx

from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors._http.signin import SignedIn
from ledgerbridge.errors import BadReply, ConnectorError, NotAllowed, NotSignedIn, Unavailable
from ledgerbridge.testing.fakes import FakeClock

BASE = "https://api.vendor.example/v1"


class Vendor:
    """A far side that knows one token at a time and hands out the next one at `/token`."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.lock = threading.Lock()
        self.sign_ins = 0
        self.valid = "none"
        self.all_here: threading.Barrier | None = None
        router.post(f"{BASE}/token").mock(side_effect=self.token)
        router.route(host="api.vendor.example", path__startswith="/v1/data").mock(side_effect=self.data)

    def token(self, _: httpx.Request) -> httpx.Response:
        with self.lock:
            self.sign_ins += 1
            self.valid = f"token-number-{self.sign_ins}"
            return httpx.Response(200, json={"token": self.valid})

    def data(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            known = request.url.params.get("access_token") == self.valid
        if not known and self.all_here is not None:
            self.all_here.wait()
        return httpx.Response(200 if known else 401, json={"ok": known})


def flow() -> Generator[Call, Reply, Signed]:
    reply = yield Call("POST", "token", json={"secret": "s3cret-of-app"}, signed_in=False)
    answer = reply.json()
    if reply.status == 403:
        raise NotAllowed("the app secret is wrong", system="crm")
    assert isinstance(answer, dict)
    return Signed(query={"access_token": str(answer["token"])}, lifetime_s=1000)


@pytest.fixture
def vendor(far: respx.MockRouter) -> Vendor:
    return Vendor(far)


def test_the_first_call_signs_in_and_later_ones_do_not(vendor: Vendor, make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(sign_in=flow)
    assert runner.signed is None
    for _ in range(3):
        assert runner.send(Call("GET", "data")).status == 200
    assert vendor.sign_ins == 1
    assert runner.signed is not None
    assert runner.signed.query == {"access_token": "token-number-1"}


def test_eight_threads_with_one_expired_token_cost_one_sign_in(
    vendor: Vendor, make_runner: Callable[..., Runner]
) -> None:
    runner = make_runner(sign_in=flow, settings={"in_flight_max": 8})
    runner.send(Call("GET", "data"))
    vendor.valid = "another, by a restart of the vendor"
    vendor.all_here = threading.Barrier(8, timeout=5)  # nobody is refused before all have sent the old token

    def call(_: int) -> int:
        return runner.send(Call("GET", "data")).status

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(8))) == [200] * 8
    assert vendor.sign_ins == 2


def test_a_token_is_renewed_before_it_runs_out(
    vendor: Vendor, make_runner: Callable[..., Runner], clock: FakeClock
) -> None:
    runner = make_runner(sign_in=flow)
    runner.send(Call("GET", "data"))
    clock.advance(799)
    runner.send(Call("GET", "data"))
    assert vendor.sign_ins == 1
    clock.advance(2)
    runner.send(Call("GET", "data"))
    assert vendor.sign_ins == 2


def test_a_write_refused_for_its_token_is_replayed_once(
    vendor: Vendor, far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    runner = make_runner(sign_in=flow)
    runner.send(Call("GET", "data"))
    vendor.valid = "another"
    assert runner.send(Call("POST", "data", json={}, writes=True)).status == 200
    assert [call.request.method for call in far.calls if call.request.url.path == "/v1/data"] == [
        "GET",
        "POST",
        "POST",
    ]


def test_a_fresh_token_that_is_refused_ends_it(
    vendor: Vendor, far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    far.get(f"{BASE}/closed").respond(401, json={})
    with pytest.raises(NotSignedIn):
        make_runner(sign_in=flow).send(Call("GET", "closed"))
    assert vendor.sign_ins == 2


def test_the_words_of_a_refused_sign_in_show_no_secret(
    far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    far.post(f"{BASE}/token").respond(200, json={"says": "refused app_secret=s3cret of/app"})

    def refused() -> Generator[Call, Reply, Signed]:
        reply = yield Call("POST", "token", json={}, signed_in=False)
        answer = reply.json()
        assert isinstance(answer, dict)
        raise NotAllowed(f"refused (it says: {answer['says']})", system="crm", code="s3cret of/app")

    with pytest.raises(NotAllowed) as caught:
        make_runner(sign_in=refused, secrets=["s3cret of/app"]).send(Call("GET", "data"))
    assert "s3cret" not in f"{caught.value} {caught.value.code}"


def test_calls_that_need_no_token_get_none(
    vendor: Vendor, far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    route = far.get(f"{BASE}/open").respond(200, json={})
    make_runner(sign_in=flow).send(Call("GET", "open", signed_in=False))
    assert vendor.sign_ins == 0
    assert "access_token" not in str(route.calls.last.request.url)


def test_a_refused_sign_in_is_not_tried_by_every_thread(
    far: respx.MockRouter, make_runner: Callable[..., Runner], clock: FakeClock
) -> None:
    route = far.post(f"{BASE}/token").respond(403, json={})
    runner = make_runner(sign_in=flow)

    def call(_: int) -> type[ConnectorError]:
        with pytest.raises(ConnectorError) as caught:
            runner.send(Call("GET", "data"))
        assert caught.value.message == "the app secret is wrong"
        return caught.type

    with ThreadPoolExecutor(8) as pool:
        assert [NotAllowed] * 8 == list(pool.map(call, range(8)))
    assert route.call_count == 1
    clock.advance(60)
    call(0)
    assert route.call_count == 2


def test_threads_that_wait_for_a_sign_in_to_a_far_side_that_is_down_do_not_try_it_each(
    far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    waiting = threading.Barrier(4)
    asked = threading.Event()

    def down(_: httpx.Request) -> httpx.Response:
        asked.wait(5)
        raise httpx.ConnectError("down")

    route = far.post(f"{BASE}/token").mock(side_effect=down)
    runner = make_runner(sign_in=flow)

    def call(_: int) -> None:
        waiting.wait()
        with pytest.raises(Unavailable, match="no connection"):
            runner.send(Call("GET", "data"))

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, number) for number in range(4)]
        threading.Timer(0.2, asked.set).start()
        for one in calls:
            one.result()
    assert route.call_count == 3  # as often as one call is tried
    waiting = threading.Barrier(1)
    call(0)
    assert route.call_count == 6  # who comes later tries anew


def test_signing_in_is_tried_again_while_the_vendor_is_down(
    vendor: Vendor, far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    route = far.post(f"{BASE}/token").mock(
        side_effect=[httpx.Response(503), httpx.ConnectError("down"), httpx.Response(200, json={"token": "none"})]
    )
    assert make_runner(sign_in=flow).send(Call("GET", "data")).status == 200
    assert route.call_count == 3


def test_an_answer_to_signing_in_of_unknown_shape_is_a_bad_reply(
    far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    far.post(f"{BASE}/token").respond(200, json={"unexpected": 1})
    with pytest.raises(BadReply, match="unknown shape"):
        make_runner(sign_in=flow).send(Call("GET", "data"))


def test_calls_go_where_the_sign_in_says_if_that_is_allowed(
    far: respx.MockRouter, make_runner: Callable[..., Runner]
) -> None:
    def moved(to: str) -> Callable[[], Generator[Call, Reply, Signed]]:
        def run() -> Generator[Call, Reply, Signed]:
            yield Call("POST", "token", signed_in=False)
            return Signed(base_url=to)

        return run

    far.post(f"{BASE}/token").respond(200, json={})
    there = far.get("https://eu.vendor.example/v3/data").respond(200, json={})
    hosts = frozenset({"eu.vendor.example"})
    make_runner(sign_in=moved("https://eu.vendor.example/v3"), allowed_hosts=hosts).send(Call("GET", "data"))
    assert there.call_count == 1
    with pytest.raises(NotAllowed, match=r"attacker\.example is not among the hosts"):
        make_runner(sign_in=moved("https://attacker.example"), allowed_hosts=hosts).send(Call("GET", "data"))


def test_tokens_go_into_the_root_of_a_json_body(far: respx.MockRouter, make_runner: Callable[..., Runner]) -> None:
    def legacy() -> Generator[Call, Reply, Signed]:
        yield Call("POST", "token", signed_in=False)
        return Signed(json_root={"corpAccessToken": "T"}, headers={"X-Own": "1"})

    far.post(f"{BASE}/token").respond(200, json={})
    route = far.post(f"{BASE}/data").respond(200, json={})
    make_runner(sign_in=legacy).send(Call("POST", "data", json={"a": 1}))
    assert route.calls.last.request.content == b'{"a":1,"corpAccessToken":"T"}'
    assert route.calls.last.request.headers["X-Own"] == "1"


def test_an_old_token_is_good_while_renewing_fails() -> None:
    clock = FakeClock()
    answers: list[Signed | ConnectorError] = [Signed(lifetime_s=100), Unavailable("down", system="crm")]
    attempts = 0

    def perform() -> Signed:
        nonlocal attempts
        attempts += 1
        answer = answers[min(attempts, 2) - 1]
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    signed_in = SignedIn(perform, clock)
    first = signed_in.current()
    clock.advance(85)
    assert signed_in.current().signed is first.signed
    assert signed_in.current().signed is first.signed
    assert attempts == 2, "renewing early is not tried anew at every call"
    clock.advance(20)
    with pytest.raises(Unavailable):
        signed_in.current()
