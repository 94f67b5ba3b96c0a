"""The YonBIP emulator over a real loopback socket: sign-in from nothing but its address, wire faults, side door."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.yonyou_bip.app import create, credentials
from ledgerbridge.sandbox.yonyou_bip.signin import signature


@pytest.fixture
def far() -> Iterator[Running]:
    with serve(create()) as running:
        yield running
        assert running.failures == []


def ask(url: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        content = None if body is None else json.dumps(body).encode()
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method or ("GET" if body is None else "POST"), target, body=content)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def signed_in(url: str) -> tuple[str, str]:
    """(gateway URL, URL-encoded token), found the way a client must find them."""
    granted = credentials()
    _, found = ask(f"{url}/open-auth/dataCenter/getGatewayAddress?tenantId={granted['tenant_id']}")
    timestamp = str(int(time.time() * 1000))
    query = urlencode(
        {
            "appKey": granted["app_key"],
            "timestamp": timestamp,
            "signature": signature(granted["app_key"], timestamp, granted["app_secret"]),
        }
    )
    _, token = ask(f"{found['data']['tokenUrl']}/open-auth/selfAppAuth/base/v1/getAccessToken?{query}")
    return found["data"]["gatewayUrl"], quote(token["data"]["access_token"], safe="")


def customer(code: str, key: str) -> dict[str, Any]:
    name = {"simplifiedName": f"客户{code}"}
    return {"data": {"code": code, "name": name, "createOrgCode": "ORG01", "resubmitCheckKey": key}}


def test_a_client_finds_its_way_from_the_address_alone(far: Running) -> None:
    gateway, token = signed_in(far.url)
    far.emulator.seed("customer", 2)

    assert gateway.startswith(far.url)
    status, answer = ask(f"{gateway}/yonbip/digitalModel/merchant/newlist?access_token={token}", {"pageSize": 10})
    assert (status, answer["code"], len(answer["data"])) == (200, "200", 2)


def test_a_lost_reply_of_a_save_is_found_again_by_its_key(far: Running) -> None:
    gateway, token = signed_in(far.url)
    url = f"{gateway}/yonbip/digitalModel/merchant/idempotent/newinsert?access_token={token}"
    far.emulator.faults.fail_next(Fault.REPLY_LOST_AFTER_WRITE, writes_only=True)

    with pytest.raises((http.client.HTTPException, OSError)):
        ask(url, customer("C1", "K1"))
    _, again = ask(url, customer("C1", "K1"))
    assert again["code"] == "200"
    assert far.emulator.count("customer") == 1


def test_one_key_from_many_threads_makes_one_record(far: Running) -> None:
    gateway, token = signed_in(far.url)
    url = f"{gateway}/yonbip/digitalModel/merchant/idempotent/newinsert?access_token={token}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(url, customer("C1", "K1"))[1]["data"][0]["id"], range(16)))

    assert len(set(answers)) == 1
    assert far.emulator.count("customer") == 1


def test_the_side_door_seeds_touches_and_restores(far: Running) -> None:
    door = f"{far.url}/__sandbox__/"
    gateway, token = signed_in(far.url)
    _, seeded = ask(f"{door}seed", {"kind": "invoice", "count": 1})
    _, books = ask(f"{door}books")
    ask(f"{door}touch", {"kind": "invoice", "id": seeded["ids"][0], "changes": {"oriTaxIncludedAmount": 200.55}})
    listing = f"{gateway}/yonbip/EFI/receivable/list?access_token={token}"

    assert ask(listing, {})[1]["data"]["recordList"][0]["oriTaxIncludedAmount"] == 200.55
    assert ask(f"{door}books", books, "PUT")[0] == 200
    assert ask(listing, {})[1]["data"]["recordList"][0]["oriTaxIncludedAmount"] == 114.13
    status, refused = ask(
        f"{door}touch", {"kind": "invoice", "id": seeded["ids"][0], "changes": {"oriTaxIncludedAmount": "much"}}
    )
    assert status == 400
    assert "must be a number" in refused["error"]
    assert ask(f"{door}switches", {"typo": 1})[0] == 400
