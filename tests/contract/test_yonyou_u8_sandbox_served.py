"""The U8 emulator over a loopback socket: the wire, its faults and the side door."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlencode

import pytest

from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.yonyou_u8 import create, credentials

ACCESS = credentials()


@pytest.fixture
def running() -> Iterator[Running]:
    with serve(create()) as served:
        yield served
        assert served.failures == []


def _ask(running: Running, path: str, query: dict[str, str], body: object = None, method: str | None = None) -> Any:
    url = path if path.startswith("http") else f"{running.url}{path}?{urlencode(query)}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=content, method=method)  # noqa: S310 (loopback only)
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 (loopback only)
        assert reply.headers["Content-Type"] == "application/json;charset=UTF-8" or "__sandbox__" in path
        return json.loads(reply.read())


def _common(running: Running) -> dict[str, str]:
    token = _ask(running, "/system/token", {name: ACCESS[name] for name in ("from_account", "app_key", "app_secret")})
    common = {name: ACCESS[name] for name in ("from_account", "to_account", "app_key", "ds_sequence")}
    return {**common, "token": token["token"]["id"]}


def test_an_asynchronous_add_from_token_to_list(running: Running) -> None:
    common = _common(running)
    trade = _ask(running, "/system/tradeid", common)["trade"]["id"]
    body = {"customer": {"code": "C01", "name": "苏州甲有限公司", "sort_code": "00"}}
    answer = _ask(running, "/api/customer/add", {**common, "tradeid": trade}, body)
    polls = 0
    while "url" in answer:
        assert answer["url"].startswith(f"{running.url}/result?requestid=")
        assert polls < 20
        polls += 1
        answer = _ask(running, answer["url"], {})
    assert answer == {"errcode": "0", "errmsg": "", "id": "C01", "tradeid": trade}
    found = _ask(running, "/api/customer/batch_get", {**common, "name": "甲"})
    assert [row["code"] for row in found["customer"]] == ["C01"]


def test_a_lost_reply_is_found_again_by_its_biz_id(running: Running) -> None:
    common = _common(running)
    body = {"customer": {"code": "C01", "name": "甲", "sort_code": "00"}}
    query = {**common, "sync": "1", "biz_id": "mine-1"}
    fault = {"fault": "reply_lost_after_write", "path": "/api/customer/add"}
    _ask(running, "/__sandbox__/faults", {}, fault)
    with pytest.raises((RemoteDisconnected, ConnectionError, urllib.error.URLError)):
        _ask(running, "/api/customer/add", query, body)
    assert _ask(running, "/__sandbox__/count", {"kind": "customer"})["count"] == 1
    assert _ask(running, "/api/customer/add", query, body)["id"] == "C01"
    assert _ask(running, "/__sandbox__/count", {"kind": "customer"})["count"] == 1


def test_unknown_paths_are_not_found(running: Running) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _ask(running, "/api/customer/delete", _common(running), {})
    assert caught.value.code == 404
    caught.value.close()


def test_the_side_door_moves_time_seeds_touches_and_discards(running: Running) -> None:
    common = _common(running)
    ids = _ask(running, "/__sandbox__/seed", {}, {"kind": "invoice", "count": 6})["ids"]
    assert len(ids) == 6
    touch = {"kind": "invoice", "id": "saleinvoice:SXS00000001", "changes": {"memory": "改"}}
    assert _ask(running, "/__sandbox__/touch", {}, touch)["ok"] is True
    row = _ask(running, "/api/saleinvoice/get", {**common, "id": "SXS00000001"})["saleinvoice"]
    assert row["memory"] == "改"
    assert _ask(running, "/__sandbox__/discard", {}, {"kind": "invoice", "id": ids[0]})["ok"] is True
    assert _ask(running, "/__sandbox__/count", {"kind": "invoice"})["count"] == 5
    _ask(running, "/__sandbox__/clock", {}, {"advance_s": 7201})
    assert _ask(running, "/api/customer/batch_get", common)["errcode"] == "30001"
    _ask(running, "/__sandbox__/switches", {}, {"errcode_token": "40001"})
    assert _ask(running, "/api/customer/batch_get", common)["errcode"] == "40001"


def test_the_books_can_be_saved_and_put_back(running: Running) -> None:
    _ask(running, "/__sandbox__/seed", {}, {"kind": "customer", "count": 3})
    saved = _ask(running, "/__sandbox__/books", {})
    _ask(running, "/__sandbox__/seed", {}, {"kind": "customer", "count": 3})
    _ask(running, "/__sandbox__/books", {}, saved, "PUT")
    found = _ask(running, "/api/customer/batch_get", _common(running))
    assert found["row_count"] == "3"


def test_many_callers_at_once_add_each_record_once(running: Running) -> None:
    """Eight threads push the same twenty customers while others read: every one exists once, nothing breaks."""
    common = _common(running)
    problems: list[object] = []

    def push() -> None:
        for number in range(20):
            body = {"customer": {"code": f"C{number:02d}", "name": f"客户{number}", "sort_code": "00"}}
            answer = _ask(running, "/api/customer/add", {**common, "sync": "1", "biz_id": f"b{number}"}, body)
            if answer.get("id") != f"C{number:02d}":
                problems.append(answer)
            listed = _ask(running, "/api/customer/batch_get", {**common, "rows_per_page": "50"})
            if listed["errcode"] != "0":
                problems.append(listed)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert running.emulator.count("customer") == 20
