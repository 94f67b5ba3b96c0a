"""Writes: trade ids, one result per `tradeid` or `biz_id`, and the asynchronous form (yonyou.md A5).

A write with ``sync=0`` is put aside with its body and carried out later: when its poll count is used up, or when its
time has come, whichever is first. Until then no list shows it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.clock import SandboxClock

from .ledger import CountedBooks
from .wire import OK, REFUSED, STILL_RUNNING, Refusal, envelope, refusal_content

Carry = Callable[[str, str], str]
"""Carries out an action (`customer/add`) with a body text; returns the record's id, raises Refusal."""


@dataclass(frozen=True, slots=True)
class Operations:
    """The platform's record of writes, kept in the books: tables `trade`, `operation` and `running`."""

    books: CountedBooks
    clock: SandboxClock
    switches: Mapping[str, Any]
    carry: Carry

    def new_trade_id(self) -> str:
        """A trade id of the platform's own."""
        name = uuid.uuid4().hex
        self.books.put("trade", name, {"id": name})
        return name

    def need_trade(self, query: Mapping[str, str]) -> str:
        """The platform-issued trade id of a call; refused when missing or not issued here."""
        name = query.get("tradeid", "")
        if not name:
            raise Refusal(self.switches["errcode_parameter"], "缺少必填参数 tradeid")
        if self.books.get("trade", name) is None:
            raise Refusal(self.switches["errcode_parameter"], "tradeid 无效，请先调用 system/tradeid")
        return name

    def submit(self, action: str, body: str, query: Mapping[str, str], base_url: str) -> dict[str, Any]:
        """The answer to a write: the result, the stored result of an earlier one, or where to ask for it.

        Exactly one of `tradeid` and `biz_id` names the operation [2+]. A name that succeeded answers its stored result;
        one that is still running is refused with 30025; one that failed may be tried again [inferred].
        """
        trade_id, biz_id, sync = query.get("tradeid", ""), query.get("biz_id", ""), query.get("sync", "") or "0"
        if bool(trade_id) == bool(biz_id):
            raise Refusal(self.switches["errcode_parameter"], "tradeid 与 biz_id 必须且只能传一个")
        if sync not in ("0", "1"):
            raise Refusal(self.switches["errcode_parameter"], "参数 sync 只能为 0 或 1")
        if trade_id:
            self.need_trade(query)
        name = f"tradeid:{trade_id}" if trade_id else f"biz_id:{biz_id}"
        with self.books.lock:
            earlier = self._earlier(name, action)
            if earlier is not None:
                return earlier
            operation: Row = {
                "action": action,
                "body": body,
                "tradeid": trade_id or self.new_trade_id(),
                "polls_left": int(self.switches["async_polls"]),
                "due_at": (self.clock.now() + timedelta(seconds=self.switches["async_seconds"])).isoformat(),
                "request": uuid.uuid4().hex,
                "answer": None,
            }
            if sync == "1":
                return self._finish(name, operation)
            self.books.put("operation", name, operation)
            self.books.put("running", operation["request"], {"operation": name})
            self.books.put("request", operation["request"], {"operation": name})
            return self._ask_later(operation, base_url, OK)

    def direct(self, action: str, body: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a write that has no asynchronous form (verify, unverify); `tradeid` names it [1]."""
        trade_id = self.need_trade(query)
        name = f"tradeid:{trade_id}"
        with self.books.lock:
            earlier = self._earlier(name, action)
            if earlier is not None:
                return earlier
            return self._finish(name, {"action": action, "body": body, "tradeid": trade_id, "answer": None})

    def poll(self, request: str, base_url: str) -> dict[str, Any]:
        """The answer of the poll URL: `url` again while running, the result without `url` afterwards."""
        with self.books.lock:
            known = self.books.get("request", request)
            if known is None:
                raise Refusal(self.switches["errcode_parameter"], "requestid 无效")
            operation = self._step(known["operation"])
            if operation["answer"] is not None:
                return dict(operation["answer"])
            return self._ask_later(operation, base_url, str(self.switches["poll_running_errcode"]))

    def settle(self) -> None:
        """Carry out the asynchronous writes whose time has come."""
        if self.books.count("running") == 0:
            return
        with self.books.lock:
            for _, row in self.books.peek("running"):
                operation = self.books.get("operation", row["operation"])
                if operation is not None and datetime.fromisoformat(operation["due_at"]) <= self.clock.now():
                    self._finish(row["operation"], operation)

    def _earlier(self, name: str, action: str) -> dict[str, Any] | None:
        operation = self.books.get("operation", name)
        if operation is None:
            return None
        if operation["action"] != action:  # biz_id maps 1:1 to one record [1]
            raise Refusal(REFUSED, f"{name} 已用于 {operation['action']}")
        if operation["answer"] is None:
            operation = self._step(name)
            if operation["answer"] is None:
                raise Refusal(STILL_RUNNING, "相同的操作正在执行，请稍后")
        return dict(operation["answer"]) if operation["answer"]["errcode"] == OK else None

    def _step(self, name: str) -> Row:
        """One more look at an operation: it is carried out when the looks are used up."""
        operation = self.books.get("operation", name)
        if operation is None:
            raise Refusal(self.switches["errcode_parameter"], "requestid 无效")
        if operation["answer"] is None:
            if operation["polls_left"] > 0:
                return self.books.update("operation", name, {"polls_left": operation["polls_left"] - 1})
            self._finish(name, operation)
            operation = self.books.get("operation", name) or operation
        return operation

    def _finish(self, name: str, operation: Row) -> dict[str, Any]:
        try:
            record = self.carry(operation["action"], operation["body"])
            answer = envelope(id=record, tradeid=operation["tradeid"])
        except Refusal as refusal:
            answer = refusal_content(refusal)
        self.books.put("operation", name, {**operation, "body": "", "answer": answer})
        if "request" in operation and self.books.get("running", operation["request"]) is not None:
            self.books.remove("running", operation["request"])
        return answer

    def _ask_later(self, operation: Row, base_url: str, code: str) -> dict[str, Any]:
        content = envelope(
            url=f"{base_url}/result?requestid={operation['request']}", ping_after=str(self.switches["ping_after"])
        )
        if code != OK:
            content.update(errcode=code, errmsg="操作正在执行")
        return content
