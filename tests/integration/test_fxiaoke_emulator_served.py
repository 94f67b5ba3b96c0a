"""The Fxiaoke emulator over a loopback socket, also as an independent client from PyPI sees it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.fxiaoke.app import FxiaokeEmulator, create, credentials
from ledgerbridge.sandbox.web import Running, serve

VENDOR = "https://open.fxiaoke.com"


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(create()) as served:
        yield served
        assert served.failures == []


class _Caller:
    def __init__(self, running: Running) -> None:
        self._url = urlsplit(running.url)
        self._keys: dict[str, str] = {}
        granted = credentials()
        answer = self.post(
            "/cgi/corpAccessToken/get/V2",
            appId=granted["app_id"],
            appSecret=granted["app_secret"],
            permanentCode=granted["permanent_code"],
        )
        self._keys = {
            "corpAccessToken": answer["corpAccessToken"],
            "corpId": answer["corpId"],
            "currentOpenUserId": granted["open_user_id"],
        }

    def post(self, path: str, **body: Any) -> Any:
        with contextlib.closing(HTTPConnection(self._url.hostname or "", self._url.port)) as connection:
            headers = {"Content-Type": "application/json; charset=utf-8"}
            connection.request("POST", path, json.dumps({**self._keys, **body}).encode(), headers)
            response = connection.getresponse()
            assert response.status == 200
            return json.loads(response.read())

    def create(self, name: str, source_id: str) -> Any:
        data = {"dataObjectApiName": "AccountObj", "name": name, "erp_source_id__c": source_id}
        return self.post("/cgi/crm/v2/data/create", data={"object_data": data})


class _ToSandbox(HTTPAdapter):
    """Sends what was meant for the vendor's host to the emulator; the client itself stays as it was shipped."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._to = url

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        request.url = request.url.replace(VENDOR, self._to)
        return super().send(request, **more)


@pytest.fixture
def client(running: Running) -> Iterator[Any]:
    """`fxiaoke-python` 0.0.3, unmodified, signed in as the sandbox's administrator."""
    from fxiaoke.api import FxiaokeApi

    granted = credentials()
    api = FxiaokeApi.init(
        app_id=granted["app_id"],
        app_secret=granted["app_secret"],
        permanent_code=granted["permanent_code"],
        open_user_id=granted["open_user_id"],
    )
    api._session.requests.trust_env = False
    api._session.requests.mount(VENDOR, _ToSandbox(running.url))
    yield api
    api._session.requests.close()


def _emulator(running: Running) -> FxiaokeEmulator:
    assert isinstance(running.emulator, FxiaokeEmulator)
    return running.emulator


@pytest.mark.parametrize(("kind", "api_name"), [("customer", "AccountObj"), ("invoice", "ar_bill__c")])
def test_the_independent_client_walks_all_pages(client: Any, running: Running, kind: str, api_name: str) -> None:
    from fxiaoke.op_query import queryObj

    seeded = running.emulator.seed(kind, 25)

    cursor = queryObj(client, api_name).execute(limit=10)
    walked = [row["_id"] for row in cursor]

    assert sorted(walked) == sorted(seeded)
    assert cursor.total() == 25


def test_the_independent_client_filters_orders_and_projects(client: Any, running: Running) -> None:
    from fxiaoke.op_query import queryObj

    running.emulator.seed("customer", 3)

    cursor = queryObj(client, "AccountObj").execute(
        filters=[{"field_name": "account_no", "operator": "IN", "field_values": ["C000001", "C000003"]}],
        orders=[{"fieldName": "account_no", "isAsc": False}],
        fieldProjection=["account_no"],
    )

    assert [row["account_no"] for row in cursor] == ["C000003", "C000001"]


def test_the_independent_client_creates_gets_and_describes(client: Any, running: Running) -> None:
    from fxiaoke.baseObj import baseObj
    from fxiaoke.op_create import createObj
    from fxiaoke.op_get import getObj

    account = createObj(client, "AccountObj").execute({"name": "示例公司", "tel": "007"})["dataId"]
    payment = createObj(client, "PaymentObj").execute(
        {"account_id": account, "payment_time": 1_790_784_000_000, "payment_term": "4"},
        {"OrderPaymentObj": [{"payment_amount": "1200.50"}]},
    )["dataId"]
    bill = createObj(client, "ar_bill__c").execute({"name": "AR-1", "account__c": account, "amount__c": "113.00"})

    assert getObj(client, "AccountObj").execute(account)["tel"] == "007"
    assert getObj(client, "PaymentObj").execute(payment)["payment_amount"] == "1200.50"
    assert getObj(client, "ar_bill__c").execute(bill["dataId"])["account__c"] == account
    described = baseObj(client).describe("AccountObj")["describe"]
    assert described["fields"]["name"]["is_required"] is True
    assert running.emulator.count("payment") == 1


def test_the_independent_client_raises_on_any_error_code(client: Any) -> None:
    from fxiaoke.op_get import getObj

    with pytest.raises(RuntimeError, match="数据不存在"):
        getObj(client, "AccountObj").execute("f" * 24)


def test_the_independent_client_uses_one_token(client: Any, running: Running) -> None:
    from fxiaoke.op_query import queryObj

    for _ in range(3):
        queryObj(client, "AccountObj").execute()

    paths = [call.path for call in _emulator(running).journal]
    assert paths.count("/cgi/corpAccessToken/get/V2") == 1


def test_wire_faults_and_lost_replies(running: Running) -> None:
    caller = _Caller(running)
    running.emulator.faults.fail_next(Fault.REPLY_LOST_AFTER_WRITE, writes_only=True)

    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        caller.create("甲", "U8-1")

    assert running.emulator.count("customer") == 1
    again = caller.create("甲", "U8-1")
    assert again["errorCode"] == 32000
    assert "duplicate" in again["errorMessage"]


def test_concurrent_creates_of_one_key_make_one_record(running: Running) -> None:
    caller = _Caller(running)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda index: caller.create(f"甲{index}", "U8-1"), range(16)))

    assert sorted(answer["errorCode"] for answer in answers) == [0] + [32000] * 15
    assert running.emulator.count("customer") == 1
    assert len({answer["traceId"] for answer in answers}) == 16


def test_the_side_door_sets_switches_clock_and_seeds(running: Running) -> None:
    caller = _Caller(running)
    caller._keys = {}

    assert caller.post("/__sandbox__/switches", hideInvalid=True)["switches"]["hideInvalid"] is True
    made = caller.post("/__sandbox__/seed", kind="payment", count=2)["ids"]
    assert len(made) == 2
    assert caller.post("/__sandbox__/discard", kind="payment", id=made[0])["ok"] is True
    assert caller.post("/__sandbox__/clock", advance_s=7200)["ok"] is True
    assert running.emulator.count("payment") == 1
