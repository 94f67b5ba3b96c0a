"""The Fxiaoke emulator as the sandbox serves it; see the package's docstring for what stands for what."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any

from ledgerbridge.sandbox.books import Books
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import FaultPlan
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.sandbox.world.facts import Holding

from . import lifecycle, push, seeding, writing
from .gateway import ROUTES, Call, Gateway
from .limits import Limits
from .loading.holding import load_holding
from .people import ADMIN, FINANCE, PEOPLE, SALES, WHOLE_COMPANY, Caller, fsuid, person_row
from .refusal import Refused
from .schema import ObjectSpec
from .shelves import Shelves, WatchedBooks
from .signin import APP_ID, APP_SECRET, CORP_ID, EA, PERMANENT_CODE, SignIn
from .switches import switches_with
from .tenant import Tenant

ADMIN_MOBILE = "13800000001"
CLERK = "1001"
CLERK_MOBILE = "13800000002"
_SCREENS = Caller(ADMIN, path="/screens")


def credentials() -> dict[str, str]:
    """What a connector needs to sign in, in both styles.

    `app_id`, `app_secret`, `permanent_code`; `open_user_id` (legacy) and `user_id` (header) are one CRM administrator,
    `mobile` is that person's; `corp_id` and `ea` are told by the token call too.
    """
    return {
        "app_id": APP_ID,
        "app_secret": APP_SECRET,
        "permanent_code": PERMANENT_CODE,
        "open_user_id": fsuid(ADMIN),
        "user_id": ADMIN,
        "mobile": ADMIN_MOBILE,
        "corp_id": CORP_ID,
        "ea": EA,
    }


def create(*, clock: SandboxClock | None = None, switches: Mapping[str, Any] | None = None) -> FxiaokeEmulator:
    """A new tenant with an administrator and a clerk and no business data.

    `switches` change the defaults of :data:`ledgerbridge.sandbox.fxiaoke.switches.DEFAULTS`; ValueError for an unknown
    one.
    """
    return FxiaokeEmulator(clock or SandboxClock(), switches_with(switches))


class FxiaokeEmulator:
    """One tenant. Satisfies :class:`ledgerbridge.sandbox.web.Emulator`."""

    def __init__(self, clock: SandboxClock, switches: dict[str, Any]) -> None:
        books = WatchedBooks()
        self.name = "fxiaoke"
        self.books: Books = books
        self.faults = FaultPlan()
        self.clock = clock
        self.switches = switches
        self.tenant = Tenant(books, Shelves(books), self.faults, clock, switches)
        self._gateway = Gateway(self.tenant, SignIn(clock, switches, books), Limits(clock, switches))
        _found_company(self.tenant)

    @property
    def journal(self) -> deque[Call]:
        """The last calls with their `thirdTraceId`, newest last."""
        return self._gateway.journal

    def handle(self, request: Request) -> Response:
        """Answer as the gateway would; called from many threads at once."""
        return self._gateway.answer(request)

    def is_write(self, request: Request) -> bool:
        """Whether this request would change the books."""
        route = ROUTES.get(request.path)
        return route is not None and route.is_write

    def load(self, holding: Holding) -> None:
        """Put all that the world says this CRM holds on record; ValueError if it cannot be held exactly."""
        with self.books.lock:
            load_holding(self.tenant, holding)

    def seed(self, kind: str, count: int) -> list[str]:
        """Put `count` plain valid records of `customer`, `invoice` or `payment` on record; returns their `_id`."""
        spec = self._spec(kind)
        with self.books.lock:
            if spec.api_name == "AccountObj":
                return seeding.seed_customers(self.tenant, count)
            if spec.api_name == "PaymentObj":
                return seeding.seed_payments(self.tenant, count)
            return seeding.seed_invoices(self.tenant, count)

    def count(self, kind: str) -> int:
        """How many records of a kind exist, void ones included, deleted ones not."""
        return self.books.count(self._spec(kind).api_name)

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """A person edits one record: wire fields, new stamp. Also `owner`, and `life_status` ``invalid``/``normal``.

        The `payment_amount` of a payment with a single line is changed by changing that line, as a person would.
        KeyError for an unknown record, ValueError with the vendor's text for a change the vendor refuses.
        """
        spec = self._spec(kind)
        # The side door's JSON has floats for numbers; their shortest spelling is what was typed.
        fields = {name: repr(value) if isinstance(value, float) else value for name, value in changes.items()}
        owner, life_status = fields.pop("owner", None), fields.pop("life_status", None)
        data = {"dataObjectApiName": spec.api_name, "_id": record_id, **fields}
        with self.books.lock:
            self._must_exist(spec, record_id)
            try:
                if life_status == "normal":
                    lifecycle.recover(self.tenant, spec, {"idList": [record_id]}, _SCREENS)
                if fields or (owner is None and life_status is None):
                    details = self._edited_line(spec, record_id, fields)
                    body = {"data": {"object_data": data, "details": details}, "triggerApprovalFlow": False}
                    writing.update(self.tenant, spec, body, _SCREENS)
                if owner is not None:
                    moves = {"Data": [{"objectDataId": record_id, "ownerId": owner}]}
                    lifecycle.change_owner(self.tenant, spec, moves, _SCREENS)
                if life_status == "invalid":
                    lifecycle.invalidate(self.tenant, spec, {"object_data_id": record_id}, _SCREENS)
            except Refused as refused:
                raise ValueError(f"fxiaoke refuses the change: {refused}") from refused
        if life_status not in (None, "normal", "invalid"):
            raise ValueError(f"life_status can be set to normal or invalid, not {life_status!r}")

    def discard(self, kind: str, record_id: str) -> None:
        """A person invalidates and then deletes one record with its details; KeyError if there is none."""
        spec = self._spec(kind)
        with self.books.lock:
            self._must_exist(spec, record_id)
            lifecycle.make_void(self.tenant, spec, record_id, _SCREENS)
            lifecycle.remove(self.tenant, spec, record_id)

    def approve(self, api_name: str, record_id: str, *, accept: bool = True) -> None:
        """A person ends the approval of one row; ValueError if it waits for none."""
        with self.books.lock:
            try:
                writing.decide(self.tenant, self.tenant.spec(api_name), record_id, _SCREENS, accept=accept)
            except Refused as refused:
                raise ValueError(f"fxiaoke refuses the decision: {refused}") from refused

    def notification(
        self, event: str, kind: str, record_id: str, *, secret: str, path: str = "/webhooks/fxiaoke"
    ) -> Request:
        """The signed request that the tenant's script would post after `event` (fxiaoke.md 10); nothing is sent."""
        if event not in push.EVENTS:
            raise ValueError(f"{event!r} is no event; events are {', '.join(push.EVENTS)}")
        content: dict[str, str | int] = {
            "event": event,
            "objectApiName": self._spec(kind).api_name,
            "objectId": record_id,
            "timestamp": self.tenant.now_ms(),
            "nonce": secrets.token_hex(16),
        }
        return push.signed(content, secret=secret, path=path)

    def _spec(self, kind: str) -> ObjectSpec:
        names = {
            "customer": "AccountObj",
            "invoice": self.switches["receivableObject"],
            "payment": "PaymentObj",
        }
        if kind not in names:
            raise ValueError(f"{kind!r} is no kind; kinds are customer, invoice, payment")
        return self.tenant.spec(names[kind])

    def _edited_line(self, spec: ObjectSpec, record_id: str, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        """The single line of a payment with the header's new amount; None where that is not what is edited."""
        if spec.api_name != "PaymentObj" or "payment_amount" not in fields:
            return None
        details = self.tenant.details_of(spec, record_id)
        live = [line["_id"] for _, line in details if line["life_status"] != "invalid"]
        if len(live) != 1:
            return None
        return {"OrderPaymentObj": [{"_id": live[0], "payment_amount": fields["payment_amount"]}]}

    def _must_exist(self, spec: ObjectSpec, record_id: str) -> None:
        if self.books.get(spec.api_name, record_id) is None:
            raise KeyError(f"{spec.api_name} has no record {record_id}")


def _found_company(tenant: Tenant) -> None:
    """Departments, an administrator and a sales clerk, so that somebody can act."""
    departments = ((WHOLE_COMPANY, "全公司"), (FINANCE, "财务部"), (SALES, "销售部"))
    for number, name in departments:
        row: dict[str, Any] = {"_id": number, "name": name}
        if number != WHOLE_COMPANY:
            row["parent_id"] = [WHOLE_COMPANY]
        _keep(tenant, "DepartmentObj", row)
    _keep(tenant, PEOPLE, {"_id": ADMIN, **person_row(ADMIN, "系统管理员", ADMIN_MOBILE, FINANCE, admin=True)})
    _keep(tenant, PEOPLE, {"_id": CLERK, **person_row(CLERK, "销售内勤", CLERK_MOBILE, SALES)})


def _keep(tenant: Tenant, api_name: str, fields: dict[str, Any]) -> None:
    spec = tenant.spec(api_name)
    row = tenant.fresh_row(spec, fields, owner=ADMIN, at_ms=tenant.now_ms())
    tenant.books.put(api_name, row["_id"], row)
