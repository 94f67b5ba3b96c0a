"""A relay in this process: rows in lists that a test changes between two calls, and answers it makes up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx

from ledgerbridge.connectors.base import Surroundings
from ledgerbridge.connectors.yonyou_u8 import YonyouU8
from ledgerbridge.testing.fakes import FakeClock

Row = dict[str, Any]
NOON = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
KEYS = {"customer": "code", "saleinvoice": "invoiceno", "oughtreceive": "code", "accept": "vouchcode"}


class Relay:
    """Answers as A3 to A5 say. `calls` lists what was asked; `before` runs at each call and may change the rows;
    `answers` are given, in order, to posts and polls instead of an answer of its own.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {name: [] for name in KEYS}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[Any] = []
        self.answers: list[Any] = []
        self.refused: set[str] = set()
        self.before: Callable[[Relay], None] = lambda _: None
        self.token = {"id": "t" * 20, "appKey": "k", "expiresIn": 7200}
        self.claimed_pages = 0
        self.clock = FakeClock(NOON)

    def connector(self, **settings: Any) -> YonyouU8:
        given = {"from_account": "f", "to_account": "t", "app_key": "k", "app_secret": "s-e-c-r-e-t-0001"}
        checked = YonyouU8.settings.model_validate({**given, "calls_per_second": 100, **settings})
        return YonyouU8(checked, Surroundings("erp", self.clock), transport=httpx.MockTransport(self.handle))

    def handle(self, request: httpx.Request) -> httpx.Response:
        query = {name: values[-1] for name, values in parse_qs(request.url.query.decode()).items()}
        path = request.url.path
        if path == "/system/token":
            return httpx.Response(200, json={"errcode": "0", "errmsg": "", "token": self.token})
        self.calls.append((path, query))
        self.before(self)
        return httpx.Response(200, json=self.answer(request, path, query))

    def answer(self, request: httpx.Request, path: str, query: dict[str, str]) -> Any:
        if request.method == "POST" or path == "/result":
            self.bodies.append(json.loads(request.content) if request.content else None)
            return self.answers.pop(0)
        _, _, name, verb = path.split("/")
        if verb == "batch_get":
            return self.listed(name, query)
        if query["id"] in self.refused:
            return {"errcode": "20005", "errmsg": "单据已损坏"}
        found = [row for row in self.rows[name] if isinstance(row, dict) and row.get(KEYS[name]) == query["id"]]
        return {"errcode": "0", "errmsg": "", name: found[0] | {"entry": []}} if found else nothing()

    def listed(self, name: str, query: dict[str, str]) -> Any:
        table = name if name == "customer" else name.removesuffix("list")
        rows = self.rows[table]
        if "timestamp_begin" in query:
            rows = [row for row in rows if int(row["timestamp"]) >= int(query["timestamp_begin"])]
        size, page = int(query["rows_per_page"]), int(query["page_index"])
        shown = rows[(page - 1) * size : page * size]
        if not shown:
            return nothing()
        pages = max(-(-len(rows) // size), self.claimed_pages)
        counts = {"page_index": str(page), "row_count": str(len(rows)), "page_count": str(pages)}
        return {"errcode": "0", "errmsg": "", **counts, "rows_per_page": str(size), name: shown}

    def asked(self, verb: str) -> list[str]:
        """The pages or ids that were asked for."""
        wanted = "page_index" if verb == "batch_get" else "id"
        return [query[wanted] for path, query in self.calls if path.endswith(f"/{verb}")]


def nothing() -> Row:
    return {"errcode": "20002", "errmsg": "没有符合条件的数据"}


def customers(*codes: str, version: int = 1, saved: str = "2026-01-05 10:00:00.0") -> list[Row]:
    return [
        {"code": code, "name": code, "timestamp": str(version + place), "ModifyDate": saved}
        for place, code in enumerate(codes)
    ]
