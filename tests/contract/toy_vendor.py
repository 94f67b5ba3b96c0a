"""A vendor small enough to be read in one sitting, and a sound connector for it over the real runner without sockets."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

import httpx
from pydantic import BaseModel

from ledgerbridge.clock import Clock
from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors._http.settings import HttpSettings
from ledgerbridge.connectors.base import Capabilities, DeleteStrategy, Outcome, Page, SafetyClass, Write
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    NotSignedIn,
    QuotaUsedUp,
    RateLimited,
    Refused,
    Unsupported,
)
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Raw, Receipt, Unreadable, digest_of
from ledgerbridge.model.wirejson import WireValue, dumps, loads
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import Fault, FaultPlan

KINDS = (Kind.CUSTOMER, Kind.INVOICE)
SECRET = "planted-app-secret-93b1"
OVERLAP_MS = 300_000
Row = dict[str, Any]


class ToyFar:
    """Rows by kind and id; every change stamps a row; deleted rows stay as tombstones in the list."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.faults = FaultPlan()
        self.clock = SandboxClock()
        self.rows: dict[str, dict[str, Row]] = {kind.value: {} for kind in KINDS}
        self.token = ""
        self.tokens: list[str] = []
        self.serial = 0
        self.late: list[str] = []

    def now_ms(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    def add(self, kind: str, row: Row) -> Row:
        with self.lock:
            self.serial += 1
            plain = {"id": f"{kind[0]}{self.serial:06}", "name": f"no. {self.serial}", "total": Decimal("10.50")}
            whole = {**plain, "rank": 3, **row, "stamp": self.now_ms()}
            self.rows[kind][whole["id"]] = whole
            return whole

    def seed(self, kind: str, count: int) -> list[str]:
        return [self.add(kind, {})["id"] for _ in range(count)]

    def count(self, kind: str) -> int:
        return sum(1 for row in self.rows[kind].values() if not row.get("deleted"))

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        with self.lock:
            self.rows[kind][record_id] |= {**changes, "stamp": self.now_ms()}

    def discard(self, kind: str, record_id: str) -> None:
        with self.lock:
            self.rows[kind][record_id] = {"id": record_id, "deleted": True, "stamp": self.now_ms()}

    def handle(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            path, write = request.url.path, request.method in ("POST", "PUT") and request.url.path != "/token"
            fault = self.faults.take_wire(path, is_write=write)
            if fault is Fault.CUT_BEFORE:
                raise httpx.RemoteProtocolError(f"cut at {request.url}")
            if fault in (Fault.HTTP_500, Fault.HTTP_503):
                return httpx.Response(500 if fault is Fault.HTTP_500 else 503)
            if fault is Fault.HTML_PAGE:
                return httpx.Response(200, text="<html>maintenance</html>")
            if fault is Fault.REDIRECT:
                return httpx.Response(302, headers={"Location": "https://attacker.invalid"})
            body = dumps(self.answer(request, write=write)).encode()
            if fault is Fault.REPLY_LOST_AFTER_WRITE:
                raise httpx.ReadError(f"lost at {request.url}")
            if fault is Fault.HALF_BODY:
                return httpx.Response(200, stream=HalfBody(body))
            return httpx.Response(200, content=body)

    def answer(self, request: httpx.Request, *, write: bool) -> Row:
        path, query = request.url.path, request.url.params
        if path == "/token":
            self.token = f"toy-token-{len(self.tokens):04}-{'x' * 12}"
            self.tokens.append(self.token)
            return {"code": 0, "token": self.token}
        if self.faults.take(Fault.TOKEN_EXPIRED, path, is_write=write):
            self.token = ""
        if not self.token or query.get("access_token") != self.token:
            return {"code": 401, "message": f"token {query.get('access_token')} is not known"}
        for fault, code in (
            (Fault.RATE_LIMITED, 429),
            (Fault.QUOTA_USED_UP, 430),
            (Fault.UNKNOWN_CODE, 987),
            (Fault.ERROR_IN_200, 1001),
        ):
            if self.faults.take(fault, path, is_write=write):
                return {"code": code, "message": f"you sent access_token={query.get('access_token')}"}
        _, kind, *rest = path.split("/")
        if request.method == "POST":
            return self.create(kind, loads(request.content)["rows"])  # type: ignore[call-overload,index]
        if request.method == "PUT":
            return self.update(kind, rest[0], loads(request.content))
        if rest:
            row = self.rows[kind].get(rest[0])
            return {"code": 0, "rows": [row] if row and not row.get("deleted") else []}
        if "key" in query:
            return {"code": 0, "rows": [row for row in self.rows[kind].values() if row.get("key") == query["key"]]}
        return self.listed(kind, query)

    def listed(self, kind: str, query: Mapping[str, str]) -> Row:
        after, limit = (int(query["since"]), query.get("after", "")), int(query["limit"])
        rows = sorted(self.rows[kind].values(), key=lambda row: (row["stamp"], row["id"]))
        if len(rows) > 1 and self.faults.take(Fault.TIED_STAMPS, kind):
            for row in rows:
                row["stamp"] = rows[-1]["stamp"]
        rows = [row for row in rows if (row["stamp"], row["id"]) > after]
        if len(rows) > 1 and self.faults.take(Fault.LATE_STAMP, kind):
            rows = rows[1:]  # it is there, and will be seen by whoever asks again
        part, more = rows[:limit], len(rows) > limit
        if more and self.faults.take(Fault.EMPTY_PAGE, kind):
            return {"code": 0, "rows": [], "more": True}
        if more and self.faults.take(Fault.PAGE_DRIFT, kind):
            rows[-1]["stamp"] = self.now_ms() + 1
        if part and self.faults.take(Fault.DUPLICATED_ROW, kind):
            part = [*part[: limit - 1], part[0]] if limit > 1 else part
            more = True
        if part and self.faults.take(Fault.MALFORMED_RECORD, kind):
            return {"code": 0, "rows": [{**part[0], "id": None}, *part[1:]], "more": more}
        return {"code": 0, "rows": part, "more": more}

    def create(self, kind: str, rows: list[Row]) -> Row:
        half = len(rows) > 1 and self.faults.take(Fault.HALF_FAILED_BATCH, kind, is_write=True)
        results = []
        for index, row in enumerate(rows):
            if half and index % 2:
                results.append({"code": 1001, "message": "refused"})
                continue
            there = [old for old in self.rows[kind].values() if old.get("key") == row["key"]]
            results.append({"code": 0, "id": (there[0] if there else self.add(kind, row))["id"]})
        return {"code": 0, "results": results}

    def update(self, kind: str, record_id: str, body: Any) -> Row:
        row = self.rows[kind][record_id]
        if body["if_stamp"] is not None and body["if_stamp"] != row["stamp"]:
            return {"code": 1002, "message": "somebody was faster"}
        self.touch(kind, record_id, body["fields"])
        return {"code": 0, "results": [{"code": 0, "id": record_id}]}


class HalfBody(httpx.SyncByteStream):
    """A body that breaks off in the middle."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body[: len(self.body) // 2]
        raise httpx.RemoteProtocolError("half a body")


def judge(_: Call, reply: Reply) -> ConnectorError | None:
    """The vendor's codes."""
    if reply.status != 200:
        return None
    answer = reply.json()
    assert isinstance(answer, dict)
    return error_of(answer)


def error_of(answer: Mapping[str, WireValue]) -> ConnectorError | None:
    code, words = answer["code"], str(answer.get("message"))
    kinds: dict[object, type[ConnectorError]] = {
        401: NotSignedIn,
        429: RateLimited,
        430: QuotaUsedUp,
        1001: Refused,
        1002: Refused,
    }
    return None if code == 0 else kinds.get(code, BadReply)(words, system="toy", code=str(code))


def sign_in() -> Generator[Call, Reply, Signed]:
    reply = yield Call("POST", "/token", json={"secret": SECRET}, signed_in=False)
    answer: Any = reply.json()
    return Signed(query={"access_token": answer["token"]})


class Toy:
    """The sound connector; the sabotaged ones of the tests override one step each."""

    kind_name: ClassVar[str] = "toy"
    settings: ClassVar[type[BaseModel]] = HttpSettings
    capabilities = Capabilities(
        reads=frozenset(KINDS),
        writes=frozenset(KINDS),
        wire_types={kind: (f"toy_{kind.value}",) for kind in KINDS},
        write_types={kind: f"toy_{kind.value}" for kind in KINDS},
        incremental=frozenset(KINDS),
        reports_deletions=frozenset(KINDS),
        deletes=dict.fromkeys(KINDS, DeleteStrategy.FEED),
        safe_create=frozenset(KINDS),
        conditional_update=frozenset(KINDS),
        voids=frozenset(KINDS),
        safety=dict.fromkeys(KINDS, SafetyClass.KEY),
        page_size_max=50,
        batch_size_max=10,
        calls_in_flight_max=8,
    )

    def __init__(self, far: ToyFar, clock: Clock) -> None:
        self.far, self.clock = far, clock
        self.runner = self.make_runner()

    def make_runner(self) -> Runner:
        return Runner(
            system="toy",
            base_url="https://toy.example",
            settings=HttpSettings(in_flight_max=8),
            judge=self.judge,
            sign_in=sign_in,
            clock=self.clock,
            transport=httpx.MockTransport(self.far.handle),
            secrets=[SECRET],
        )

    def judge(self, call: Call, reply: Reply) -> ConnectorError | None:
        return judge(call, reply)

    def check(self) -> None:
        self.rows("GET", "/customer/0")

    def rows(self, method: str, path: str, query: Mapping[str, str] | None = None) -> Any:
        answer: Any = self.runner.send(Call(method, path, query=query or {})).json()
        return answer["rows"]

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        self.allowed(kind)
        return self.walk(kind, self.first_position(cursor), self.page_size(limit))

    def first_position(self, cursor: str | None) -> tuple[int, str]:
        return (0, "") if cursor is None else (int(cursor) - OVERLAP_MS, "")

    def page_size(self, limit: int) -> int:
        return min(limit, self.capabilities.page_size_max)

    def walk(self, kind: Kind, position: tuple[int, str], limit: int) -> Iterator[Page]:
        more, empty = True, 0
        while more:
            query = {"since": str(position[0]), "after": position[1], "limit": str(limit)}
            answer: Any = self.runner.send(Call("GET", f"/{kind.value}", query=query)).json()
            more, rows = self.goes_on(answer), answer["rows"]
            empty = 0 if rows else empty + 1
            if empty > 3:
                raise BadReply("the list does not move", system="toy")
            if rows:
                position = (rows[-1]["stamp"], rows[-1]["id"] or position[1])
            records = [self.raw(kind, row) for row in rows if row["id"] is not None]
            bad = [Unreadable(kind, f"toy_{kind.value}", "?", b"{}", "no id") for row in rows if row["id"] is None]
            yield Page(tuple(records), self.cursor(position), last=not more, unreadable=tuple(bad))

    def cursor(self, position: tuple[int, str]) -> str:
        return str(max(0, position[0]))

    def goes_on(self, answer: Any) -> bool:
        return bool(answer["more"])

    def raw(self, kind: Kind, row: Row) -> Raw:
        body = self.body(row)
        stamp = datetime.fromtimestamp(row["stamp"] / 1000, UTC)
        deleted = bool(row.get("deleted"))
        wire_type = f"toy_{kind.value}"
        return Raw(
            kind, wire_type, row["id"], body, digest_of(body), self.clock.now(), row["stamp"], stamp, deleted=deleted
        )

    def body(self, row: Row) -> bytes:
        return dumps(row).encode()

    def get(self, ref: Ref) -> Raw | None:
        self.allowed(ref.kind)
        rows = self.rows("GET", f"/{ref.kind.value}/{ref.external_id}")
        return self.raw(ref.kind, rows[0]) if rows else None

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        self.allowed(kind)
        return tuple(self.raw(kind, row) for row in self.rows("GET", f"/{kind.value}", {"key": key}))

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        raise Unsupported(f"lists no keys of {kind}", system="toy")

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        if any(write.change.kind not in self.capabilities.writes for write in writes):
            return tuple(Unsupported("not written", system="toy") for _ in writes)
        creates = all(write.change.action is Action.CREATE for write in writes)
        call = self.create_call(writes) if creates else self.update_call(writes[0])
        try:
            answer: Any = self.send_write(call)
        except ConnectorError as error:
            return tuple(error for _ in writes)
        kind = writes[0].change.kind
        return tuple(error_of(result) or self.receipt(kind, result) for result in answer["results"])

    def send_write(self, call: Call) -> Any:
        return self.runner.send(call).json()

    def create_call(self, writes: Sequence[Write]) -> Call:
        rows: list[WireValue] = [{**write.body, "key": write.change.key} for write in writes]
        return Call("POST", f"/{writes[0].change.kind.value}", json={"rows": rows}, writes=True)

    def update_call(self, write: Write) -> Call:
        target, expected = write.change.target, write.change.expected
        assert target is not None
        stamp = expected.order if expected is not None else None
        fields = {"void": True} if write.change.action is Action.VOID else dict(write.body)
        body: dict[str, WireValue] = {"fields": fields, "if_stamp": stamp}
        return Call("PUT", f"/{target.kind.value}/{target.external_id}", json=body, writes=True)

    def receipt(self, kind: Kind, result: Any) -> Receipt:
        ref = Ref(system="toy", kind=kind, external_id=result["id"])
        return Receipt(ref, Version(digest="", order=None), None)

    def allowed(self, kind: Kind) -> None:
        if kind not in self.capabilities.reads:
            raise Unsupported(f"has no {kind}", system="toy")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.runner.close()
