"""A signed-in caller of the YonBIP emulator for its tests: builds requests, calls `handle`, reads the envelope."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.sandbox.yonyou_bip.app import YonyouBipEmulator, create, credentials
from ledgerbridge.sandbox.yonyou_bip.signin import TOKEN_PATH, signature

START = datetime(2026, 10, 8, 2, 30, tzinfo=UTC)  # 10:30:00 in UTC+8
NOW = "2026-10-08 10:30:00"
BASE = "http://127.0.0.1:1"
GATEWAY = "/iuap-api-gateway/yonbip/"


def parsed(response: Response) -> Any:
    return json.loads(response.body, parse_float=Decimal)


def signed_query(emulator: YonyouBipEmulator, **changes: str) -> dict[str, str]:
    granted = credentials()
    timestamp = str(int(emulator.clock.now().timestamp() * 1000))
    query = {
        "appKey": granted["app_key"],
        "timestamp": timestamp,
        "signature": signature(granted["app_key"], changes.get("timestamp", timestamp), granted["app_secret"]),
    }
    return {**query, **changes}


class Desk:
    def __init__(self, **switches: Any) -> None:
        self.emulator = create(clock=SandboxClock(START), switches=switches)
        self.books = self.emulator.books
        self.faults = self.emulator.faults
        self.token = ""
        self.sign_in()

    def raw(self, method: str, path: str, query: dict[str, str] | None = None, body: bytes = b"") -> Response:
        return self.emulator.handle(Request(method, path, query or {}, {}, body, BASE))

    def sign_in(self) -> str:
        answer = parsed(self.raw("GET", TOKEN_PATH, signed_query(self.emulator)))
        self.token = answer["data"]["access_token"]
        return self.token

    def response(self, endpoint: str, body: Any = None, **query: str) -> Response:
        method = "GET" if body is None else "POST"
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.raw(method, GATEWAY + endpoint, {"access_token": self.token, **query}, content)

    def call(self, endpoint: str, body: Any = None, **query: str) -> Any:
        """The whole envelope."""
        return parsed(self.response(endpoint, body, **query))

    def data(self, endpoint: str, body: Any = None, **query: str) -> Any:
        """The data of a call that must succeed."""
        answer = self.call(endpoint, body, **query)
        assert str(answer["code"]) == "200", answer
        return answer["data"]

    def rows(self, endpoint: str, body: Any = None) -> list[dict[str, Any]]:
        found = self.data(endpoint, {"pageSize": 100, **(body or {})})
        return found if isinstance(found, list) else found["recordList"]

    def new_customer(self, code: str = "C1", **more: Any) -> str:
        data = {"code": code, "name": {"simplifiedName": f"客户{code}"}, "createOrgCode": "ORG01", **more}
        made = self.data("digitalModel/merchant/idempotent/newinsert", {"data": data})
        return str(made[0]["id"])

    def approved(self, kind: str, customer: str, amount: str, *, red: bool = False) -> dict[str, Any]:
        """An approved EFI receivable or collection."""
        saved = self.data(f"EFI/{kind}/save", {"data": efi(customer, amount, direction="-1" if red else "1")})
        self.data(f"EFI/{kind}/audit", {"data": {"id": saved["id"]}})
        return saved


def efi(customer: str, amount: str = "1130.00", **more: Any) -> dict[str, Any]:
    """A valid body of an EFI save."""
    return {
        "financeOrgCode": "ORG01",
        "billDate": "2026-10-01 00:00:00",
        "bustypeCode": "AR01",
        "orgCode": "ORG01",
        "oriCurrencyCode": "CNY",
        "objectType": 1,
        "customer": customer,
        "exchangeRate": 1,
        "exchangeRateDate": "2026-10-01 00:00:00",
        "direction": "1",
        "bodyItem": [{"oriTaxIncludedAmount": amount}],
        "_status": "Insert",
        **more,
    }


def receivebill(customer: str, amount: str = "500.00", **more: Any) -> dict[str, Any]:
    """A valid body of a fi receipt save."""
    return {
        "accentity_code": "ORG01",
        "vouchdate": "2026-10-02 00:00:00",
        "tradetype": "REC01",
        "currency": "CNY",
        "exchangeRateType": "01",
        "exchRate": 1,
        "oriSum": amount,
        "natSum": amount,
        "customer": customer,
        "_status": "Insert",
        "ReceiveBill_b": [{"oriSum": amount, "natSum": amount, "quickType": "1", "_status": "Insert"}],
        **more,
    }
