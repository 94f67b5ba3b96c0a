"""The U8 OpenAPI relay: routes, the order of checks, the vendor-spelled faults (yonyou.md A1 to A5).

Order of checks [inferred]: path (HTTP 404), method (HTTP 405), common parameters and token, call rate, then the call's
own parameters and body. Faults the platform can have here: RATE_LIMITED, TOKEN_EXPIRED, UNKNOWN_CODE, ERROR_IN_200
(10001 on reads, 20005 on writes; nothing is written) before any call; PAGE_DRIFT, TIED_STAMPS, LATE_STAMP,
DUPLICATED_ROW, MALFORMED_RECORD in lists. U8 has no call quota, no batch writes and no empty page inside a walk, so
QUOTA_USED_UP, HALF_FAILED_BATCH and EMPTY_PAGE never happen here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import Fault, FaultPlan
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.sandbox.world.facts import Holding

from .checks import Checks
from .gate import APP_KEY, APP_SECRET, EAI_USER, FROM_ACCOUNT, TO_ACCOUNT, USER_ID, USER_PASSWORD, Gate
from .ledger import CountedBooks, Ledger
from .lists import Lists
from .loading import load_holding
from .operations import Operations
from .screens import Screens
from .shapes import RESOURCES
from .switches import switch_settings
from .wire import PLATFORM_FAILED, REFUSED, Refusal, envelope, read_body, refusal_content, response

_WRITING = frozenset({"add", "edit", "verify", "unverify"})
_READING = frozenset({"batch_get", "get"})

Call = Callable[[Request], dict[str, Any]]


def _verbs(table: str) -> frozenset[str]:
    """What is published for a resource (A1, A5): no delete anywhere, no update of vouchers, invoices are not verified."""
    more = {"customer": {"edit"}, "oughtreceive": {"verify", "unverify"}, "accept": {"verify", "unverify"}}
    return frozenset({"get", "add"} | more.get(table, set()))


class YonyouU8Emulator:
    """One U8 account set behind the relay; answers from many threads at once."""

    def __init__(self, clock: SandboxClock, switches: dict[str, Any]) -> None:
        self.name = "yonyou_u8"
        self.books = CountedBooks()
        self.faults = FaultPlan()
        self.clock = clock
        self.switches = switches
        self.ledger = Ledger(self.books)
        self.gate = Gate(clock, switches)
        self.lists = Lists(self.books, self.faults, switches)
        self.checks = Checks(self.ledger, clock, switches)
        self.screens = Screens(self.ledger, clock, switches)
        self.operations = Operations(self.books, clock, switches, self._carry)
        self._routes = self._make_routes()
        self.ledger.furnish()

    def handle(self, request: Request) -> Response:
        """Answer as the relay would."""
        route = self._routes.get(request.path)
        if route is None:
            return response({"errcode": "404", "errmsg": "接口不存在"}, 404)
        method, call = route
        if request.method != method:
            return response({"errcode": "405", "errmsg": "请求方式错误"}, 405)
        try:
            self.operations.settle()
            return response(call(request))
        except Refusal as refusal:
            return response(refusal_content(refusal), refusal.status)

    def is_write(self, request: Request) -> bool:
        """Whether the call adds, edits or approves."""
        return request.method == "POST" and request.path.rpartition("/")[2] in _WRITING

    def load(self, holding: Holding) -> None:
        """Put the world's business data on record; :mod:`.loading` says how. Raises ValueError for what U8 cannot hold."""
        load_holding(self.ledger, holding, self.switches)

    def seed(self, kind: str, count: int) -> list[str]:
        """Put plain valid records on record. Ids: customer code, `vouchcode`, `saleinvoice:<no>`, `oughtreceive:<no>`."""
        return self.screens.seed(kind, count)

    def count(self, kind: str) -> int:
        """How many records of a kind exist, void ones included; asynchronous writes that are due are carried out first."""
        tables = self.screens.tables(kind)
        self.operations.settle()
        return sum(self.books.count(table) for table in tables)

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """A person edits one record (see :meth:`.screens.Screens.touch`)."""
        self.screens.touch(kind, record_id, changes)

    def discard(self, kind: str, record_id: str) -> None:
        """A person deletes one record."""
        self.screens.discard(kind, record_id)

    def _make_routes(self) -> dict[str, tuple[str, Call]]:
        routes: dict[str, tuple[str, Call]] = {
            "/system/token": ("GET", self._token),
            "/system/tradeid": ("GET", self._trade),
            "/api/user/login_v2": ("POST", self._login),
            "/result": ("GET", self._result),
        }
        for resource in RESOURCES.values():
            routes[f"/api/{resource.list_path}/batch_get"] = ("GET", self._list)
            for verb in _verbs(resource.table):
                call: dict[str, Call] = {"get": self._one, "edit": self._edit, "add": self._add}
                method = "GET" if verb in _READING else "POST"
                routes[f"/api/{resource.table}/{verb}"] = (method, call.get(verb, self._verify))
        return routes

    def _enter(self, request: Request, *, to_account: bool = True) -> None:
        """What every call but the token's and the poll's passes first."""
        self.gate.admit(request.query, to_account=to_account)
        if self.faults.take(Fault.TOKEN_EXPIRED, request.path, is_write=self.is_write(request)):
            raise self.gate.expire(request.query)
        self._platform(request)

    def _platform(self, request: Request) -> None:
        """The call rate and the platform's own failures."""
        self.gate.limit_rate()
        is_write = self.is_write(request)
        if self.faults.take(Fault.RATE_LIMITED, request.path, is_write=is_write):
            raise self.gate.too_fast()
        if self.faults.take(Fault.UNKNOWN_CODE, request.path, is_write=is_write):
            raise Refusal(self.switches["errcode_unknown"], "未知错误")
        if self.faults.take(Fault.ERROR_IN_200, request.path, is_write=is_write):
            if is_write:
                raise Refusal(REFUSED, "U8端返回错误: 单据保存失败")
            raise Refusal(PLATFORM_FAILED, "平台处理失败，请稍后重试")

    def _token(self, request: Request) -> dict[str, Any]:
        self._platform(request)
        return self.gate.issue(request.query)

    def _trade(self, request: Request) -> dict[str, Any]:
        self._enter(request, to_account=False)
        return envelope(trade={"id": self.operations.new_trade_id()})

    def _login(self, request: Request) -> dict[str, Any]:
        self._enter(request)
        trade_id = self.operations.need_trade(request.query)
        user = self.checks.unwrap("user", request.body.decode("utf-8", "replace"))
        return envelope(id=self.gate.log_in(request.query, user), tradeid=trade_id)

    def _result(self, request: Request) -> dict[str, Any]:
        self._platform(request)
        return self.operations.poll(request.query.get("requestid", ""), request.base_url)

    def _list(self, request: Request) -> dict[str, Any]:
        self._enter(request)
        name = request.path.split("/")[2]
        resource = next(each for each in RESOURCES.values() if each.list_path == name)
        return self.lists.page(resource, request.query, request.path)

    def _one(self, request: Request) -> dict[str, Any]:
        self._enter(request)
        return self.lists.one(RESOURCES[request.path.split("/")[2]], request.query, request.path)

    def _add(self, request: Request) -> dict[str, Any]:
        self._enter(request)
        body = self._text(request)
        return self.operations.submit(request.path.removeprefix("/api/"), body, request.query, request.base_url)

    def _edit(self, request: Request) -> dict[str, Any]:
        self._enter(request)
        with self.books.lock:
            return envelope(id=self.checks.edit_customer(self._text(request)))

    def _text(self, request: Request) -> str:
        """The body, which must be UTF-8 JSON before anything is put aside."""
        try:
            read_body(request.body)
            return request.body.decode("utf-8")
        except ValueError as error:
            raise Refusal(self.switches["errcode_parameter"], f"请求体不是有效的JSON: {error}") from None

    def _verify(self, request: Request) -> dict[str, Any]:
        """Approve or un-approve an AR voucher; a named approver must have logged in under this token [1]."""
        self._enter(request)
        body = self._text(request)
        table = request.path.split("/")[2]
        asked = self.checks.unwrap(table, body)
        if asked.get("person_code") and asked.get("user_id"):
            raise Refusal(self.switches["errcode_parameter"], "person_code 与 user_id 只能传一个")
        named = bool(asked.get("person_code") or asked.get("user_id"))
        if (named or self.switches["verify_needs_login"]) and self.gate.user_of(request.query) is None:
            raise Refusal(REFUSED, "请先调用 user/login_v2 登录，再指定审核人")
        return self.operations.direct(request.path.removeprefix("/api/"), body, request.query)

    def _carry(self, action: str, body: str) -> str:
        """Do what a write asks for; returns the record's key."""
        table, _, verb = action.partition("/")
        if verb == "add":
            return self.checks.add(RESOURCES[table], body)
        return self._approve(table, self.checks.unwrap(table, body), approved=verb == "verify")

    def _approve(self, table: str, asked: Mapping[str, Any], *, approved: bool) -> str:
        parameter = self.switches["errcode_parameter"]
        number = str(asked.get("voucher_code") or "")
        if not number:
            raise Refusal(parameter, "缺少必填参数 voucher_code")
        row = self.books.get(table, number)
        if row is None or row["_status"] == "void":
            raise Refusal(REFUSED, f"{table}: 单据 {number} 不存在")
        if table == "accept":
            kind = str(asked.get("voucher_type") or "")
            if not kind:
                raise Refusal(parameter, "缺少必填参数 voucher_type")
            if kind != row["vouchtype"]:
                raise Refusal(REFUSED, f"accept: 单据 {number} 的类型是 {row['vouchtype']}，不是 {kind}")
        if approved == (row["_status"] == "approved"):
            raise Refusal(REFUSED, f"{table}: 单据 {number} {'已审核' if approved else '未审核'}")
        who = str(asked.get("person_code") or asked.get("user_id") or EAI_USER)
        changes = {"_status": "approved" if approved else "draft", "_verifier": who if approved else ""}
        if table == "oughtreceive":
            changes["state"] = self.switches["state_verified" if approved else "state_open"]
        self.books.update(table, number, changes)
        return number


def create(*, clock: SandboxClock | None = None, switches: dict[str, Any] | None = None) -> YonyouU8Emulator:
    """A fresh, empty account set. `switches` overrides entries of :data:`.switches.DEFAULTS`; ValueError for others."""
    return YonyouU8Emulator(clock or SandboxClock(), switch_settings(switches))


def credentials() -> dict[str, str]:
    """What a client must know to get in; `user_id` and `password` are for `user/login_v2`."""
    return {
        "from_account": FROM_ACCOUNT,
        "to_account": TO_ACCOUNT,
        "app_key": APP_KEY,
        "app_secret": APP_SECRET,
        "ds_sequence": "1",
        "user_id": USER_ID,
        "password": USER_PASSWORD,
    }
