"""A signed-in caller of the Fxiaoke emulator for its tests: builds requests, calls `handle`, reads the envelope."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.fxiaoke.app import FxiaokeEmulator, create, credentials
from ledgerbridge.sandbox.web import Request

START = datetime(2026, 10, 8, 2, 30, tzinfo=UTC)
START_MS = 1_791_426_600_000
LEGACY_TOKEN = "/cgi/corpAccessToken/get/V2"
HEADER_TOKEN = "/oauth2.0/token"


class Desk:
    """`style` legacy signs in the body, header in the headers; `person` overrides the acting person."""

    def __init__(self, *, style: str = "legacy", person: str | None = None, **switches: Any) -> None:
        self.emulator: FxiaokeEmulator = create(clock=SandboxClock(START), switches=switches)
        self.style = style
        self.person = person
        self.keys: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.sign_in()

    def sign_in(self) -> dict[str, Any]:
        granted = credentials()
        body = {
            "appId": granted["app_id"],
            "appSecret": granted["app_secret"],
            "permanentCode": granted["permanent_code"],
        }
        if self.style == "legacy":
            answer = self.raw(LEGACY_TOKEN, body)
            self.keys = {
                "corpAccessToken": answer["corpAccessToken"],
                "corpId": answer["corpId"],
                "currentOpenUserId": self.person or granted["open_user_id"],
            }
        else:
            answer = self.raw(HEADER_TOKEN, body | {"grantType": "app_secret"})
            self.headers = {
                "authorization": f"Bearer {answer['accessToken']}",
                "x-fs-ea": answer["ea"],
                "x-fs-userid": self.person or granted["user_id"],
            }
        return answer

    def raw(self, path: str, body: object, headers: dict[str, str] | None = None, method: str = "POST") -> Any:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.emulator.handle(Request(method, path, {"thirdTraceId": "t-1"}, headers or {}, text))
        assert response.status == 200
        return json.loads(response.body)

    def call(self, path: str, body: dict[str, Any]) -> Any:
        return self.raw(path, {**self.keys, **body}, self.headers)

    def data(self, api_name: str, action: str, data: dict[str, Any], **root: Any) -> Any:
        prefix = "/cgi/crm/custom/v2/data/" if api_name.endswith("__c") else "/cgi/crm/v2/data/"
        return self.call(prefix + action, {**root, "data": {"dataObjectApiName": api_name, **data}})

    def query(self, api_name: str, *filters: tuple[str, str, list[Any]], **info: Any) -> Any:
        root = info.pop("root", {})
        beside = info.pop("beside", {})
        wanted = [{"field_name": name, "operator": op, "field_values": values} for name, op, values in filters]
        search = {"limit": 100, "offset": 0, "filters": wanted, **info}
        return self.data(api_name, "query", {"search_query_info": search, **beside}, **root)

    def found(self, api_name: str, *filters: tuple[str, str, list[Any]], **info: Any) -> list[dict[str, Any]]:
        answer = self.query(api_name, *filters, **info)
        assert answer["errorCode"] == 0, answer
        return list(answer["data"]["dataList"])

    def get(self, api_name: str, row_id: str, **root: Any) -> Any:
        answer = self.data(api_name, "get", {"objectDataId": row_id}, **root)
        assert answer["errorCode"] == 0, answer
        return answer["data"]

    def try_create(self, api_name: str, fields: dict[str, Any], details: object = None, **root: Any) -> Any:
        data: dict[str, Any] = {"object_data": {"dataObjectApiName": api_name, **fields}}
        if details is not None:
            data["details"] = details
        return self.data(api_name, "create", data, **root)

    def create(self, api_name: str, fields: dict[str, Any], details: object = None, **root: Any) -> str:
        answer = self.try_create(api_name, fields, details, **root)
        assert answer["errorCode"] == 0, answer
        return str(answer["dataId"])

    def update(self, api_name: str, row_id: str, fields: dict[str, Any], details: object = None, **root: Any) -> Any:
        data: dict[str, Any] = {"object_data": {"dataObjectApiName": api_name, "_id": row_id, **fields}}
        if details is not None:
            data["details"] = details
        return self.data(api_name, "update", data, **root)

    def account(self, name: str = "示例公司", **fields: Any) -> str:
        return self.create("AccountObj", {"name": name, **fields})

    def order(self, account: str, amount: str = "5000.00") -> str:
        return self.create("SalesOrderObj", {"account_id": account, "order_amount": amount})

    def payment(self, account: str, *lines: dict[str, Any], **fields: Any) -> str:
        header = {"account_id": account, "payment_time": 1_790_784_000_000, "payment_term": "4", **fields}
        return self.create("PaymentObj", header, {"OrderPaymentObj": list(lines)})

    def bill(self, account: str, name: str = "AR-1", amount: str = "113.00", **fields: Any) -> str:
        return self.create("ar_bill__c", {"name": name, "account__c": account, "amount__c": amount, **fields})


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["_id"] for row in rows]
