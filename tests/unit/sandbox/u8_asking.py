"""Asks the U8 emulator without a socket: common parameters filled in, answers read with exact decimals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.sandbox.yonyou_u8 import create, credentials

NOON = datetime(2024, 5, 6, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
ACCESS = credentials()


class Asker:
    """A client of one emulator with a frozen clock and, unless told otherwise, a valid token."""

    def __init__(self, **switches: Any) -> None:
        self.clock = SandboxClock(NOON)
        self.u8 = create(clock=self.clock, switches=switches)
        self.token = ""

    def raw(self, method: str, path: str, query: dict[str, str], body: object = None) -> Response:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.u8.handle(Request(method, path, query, {}, content, "http://relay.example"))

    def sign_in(self) -> str:
        query = {name: ACCESS[name] for name in ("from_account", "app_key", "app_secret")}
        self.token = read(self.raw("GET", "/system/token", query))["token"]["id"]
        return self.token

    def common(self, **more: object) -> dict[str, str]:
        if not self.token:
            self.sign_in()
        common = {name: ACCESS[name] for name in ("from_account", "to_account", "app_key")}
        return {**common, "token": self.token, **{name: str(value) for name, value in more.items()}}

    def get(self, path: str, **query: object) -> dict[str, Any]:
        return read(self.raw("GET", path, self.common(**query)))

    def post(self, path: str, body: object, **query: object) -> dict[str, Any]:
        return read(self.raw("POST", path, self.common(**query), body))

    def trade(self) -> str:
        return self.get("/system/tradeid")["trade"]["id"]

    def add(self, resource: str, record: dict[str, Any], **query: object) -> dict[str, Any]:
        """A synchronous add under a fresh trade id."""
        names = {"sync": 1, **query}
        if "biz_id" not in names and "tradeid" not in names:
            names["tradeid"] = self.trade()
        return self.post(f"/api/{resource}/add", {resource: record}, **names)

    def customer(self, code: str = "C01", **more: Any) -> str:
        answer = self.add("customer", {"code": code, "name": f"{code} Ltd", "sort_code": "00", **more})
        assert answer["errcode"] == "0", answer
        return code

    def keys(self, name: str, key: str, /, **query: object) -> list[str]:
        """The keys of all pages of a list."""
        found: list[str] = []
        page, pages = 1, 1
        while page <= pages:
            answer = self.get(f"/api/{name}/batch_get", page_index=page, **query)
            if answer["errcode"] == "20002":
                return found
            assert answer["errcode"] == "0", answer
            found += [row[key] for row in answer[name]]
            page, pages = page + 1, int(answer["page_count"])
        return found


def read(response: Response) -> dict[str, Any]:
    content = json.loads(response.body, parse_float=Decimal)
    assert isinstance(content, dict)
    return content
