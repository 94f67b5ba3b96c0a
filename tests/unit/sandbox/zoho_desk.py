"""A signed-in caller of the Zoho CRM emulator for its tests: builds requests, calls `handle`, reads the JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.sandbox.zoho_crm import create, credentials

START = datetime(2026, 10, 8, 2, 30, tzinfo=UTC)
NOW = "2026-10-08T10:30:00+08:00"
BASE = "http://127.0.0.1:1"
TOKEN_PATH = "/oauth/v2/token"


def parsed(response: Response) -> Any:
    return json.loads(response.body, parse_float=Decimal)


class Desk:
    def __init__(self, *, sign_in: bool = True, **switches: Any) -> None:
        self.emulator = create(clock=SandboxClock(START), switches=switches)
        self.books = self.emulator.books
        self.faults = self.emulator.faults
        self.clock = self.emulator.clock
        self.token = ""
        if sign_in:
            self.sign_in()

    def raw(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Response:
        return self.emulator.handle(Request(method, path, query or {}, headers or {}, body, BASE))

    def grant(self, **changes: str) -> Response:
        known = credentials()
        given = {name: known[name] for name in ("client_id", "client_secret", "refresh_token")}
        return self.raw("POST", TOKEN_PATH, {"grant_type": "refresh_token", **given, **changes})

    def sign_in(self) -> str:
        self.token = parsed(self.grant())["access_token"]
        return self.token

    def response(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        api: str = "/crm/v8/",
        **query: str,
    ) -> Response:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.raw(
            method, api + path, query, content, {"authorization": f"Zoho-oauthtoken {self.token}", **(headers or {})}
        )

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: str) -> Any:
        return parsed(self.response("GET", path, headers=headers, **query))

    def names(self, module: str = "Accounts", field: str = "Account_Name", **query: str) -> list[Any]:
        """The values of one field in a list, [] for 204 and 304."""
        headers = {"if-modified-since": query.pop("since")} if "since" in query else None
        response = self.response("GET", module, headers=headers, fields=field, **query)
        return [row[field] for row in parsed(response)["data"]] if response.status == 200 else []

    def insert(self, module: str, *records: dict[str, Any]) -> list[str]:
        """Insert records that must go through; returns their ids."""
        response = self.response("POST", module, {"data": list(records), "trigger": []})
        assert response.status == 201, response.body
        return [row["details"]["id"] for row in parsed(response)["data"]]

    def accounts(self, *names: str) -> list[str]:
        return self.insert("Accounts", *({"Account_Name": name} for name in names))

    def invoice(self, **changes: Any) -> dict[str, Any]:
        """A record that Invoices takes."""
        product = self.books.rows("Products")
        product_id = product[0]["id"] if product else self.insert("Products", {"Product_Name": "Bearing"})[0]
        line = {"Product_Name": {"id": product_id}, "Quantity": 2, "List_Price": 50}
        return {"Subject": "INV-1", "Invoiced_Items": [line], **changes}

    def coql(self, query: str) -> Response:
        return self.response("POST", "coql", {"select_query": query})

    def found(self, query: str) -> list[dict[str, Any]]:
        response = self.coql(query)
        return parsed(response)["data"] if response.status == 200 else []


def refusal(response: Response) -> tuple[int, str, Any]:
    body = parsed(response)
    assert body["status"] == "error"
    assert body["message"]
    return response.status, body["code"], body["details"]


def walk(desk: Desk, module: str = "Accounts", **query: str) -> list[list[str]]:
    """All pages by token, as ids."""
    pages: list[list[str]] = []
    token: str | None = None
    while True:
        more = {} if token is None else {"page_token": token}
        body = desk.get(module, fields="Modified_Time", **query, **more)
        pages.append([row["id"] for row in body["data"]])
        token = body["info"]["next_page_token"]
        if token is None:
            return pages
