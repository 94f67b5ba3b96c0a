"""The emulator itself: one server for discovery, token service and business API of one YonBIP tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import FaultPlan
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.sandbox.world.facts import Holding

from . import loading, people, seeding
from .gate import PREFIX, ROUTES, Window, business, failure
from .ledger import Ledger, VersionedBooks
from .refusal import Refusal
from .signin import DISCOVERY_PATH, GATEWAY, OLD_TOKEN_PATH, TOKEN_PATH, Tokens, discovered, token_answer
from .switches import chosen
from .wire import dump


def credentials() -> dict[str, str]:
    """What the sandbox's tenant accepts: ``tenant_id``, ``app_key``, ``app_secret``, and ``org_code`` for saves."""
    return {
        "tenant_id": "sandboxtenant",
        "app_key": "sandbox-app-key",
        "app_secret": "sandbox-app-secret-0123456789abcdef",
        "org_code": "ORG01",
    }


class YonyouBipEmulator:
    """Satisfies :class:`ledgerbridge.sandbox.web.Emulator`; :meth:`load` takes in a world's holding.

    Kinds: ``customer``, ``invoice`` (receivables of the active family), ``payment`` (its receipts), ``allocation``
    (its write-offs), and for counting also ``sales_invoice`` and ``category``. Ids are decimal strings.
    """

    name = "yonyou_bip"

    def __init__(self, clock: SandboxClock, switches: dict[str, Any]) -> None:
        self.books: VersionedBooks = VersionedBooks()
        self.faults = FaultPlan()
        self.clock = clock
        self.switches = switches
        self._ledger = Ledger(self.books, clock, switches, self.faults)
        self._tokens = Tokens(clock)
        self._window = Window()

    def handle(self, request: Request) -> Response:
        """Answer as the vendor would; called from many threads at once."""
        path = request.path
        if path == DISCOVERY_PATH:
            return self._signing(request, "discovery")
        if path == TOKEN_PATH or (path == OLD_TOKEN_PATH and self.switches["old_token_path"]):
            return self._signing(request, "token")
        if path.startswith(GATEWAY + "/"):
            return business(self._ledger, self._tokens, self._window, request)
        return failure(self._ledger, Refusal("310404", "API does not exist", status=404))

    def _signing(self, request: Request, what: str) -> Response:
        try:
            if request.method != "GET":
                raise Refusal("310405", f"method {request.method} not allowed", status=405)  # noqa: TRY301 (one exit)
            if what == "discovery":
                data = discovered(request, credentials()["tenant_id"])
            else:
                data = token_answer(
                    request,
                    credentials=credentials(),
                    switches=self.switches,
                    clock=self.clock,
                    tokens=self._tokens,
                )
        except Refusal as refusal:
            return failure(self._ledger, refusal)
        body = {"code": "00000", "message": "成功", "data": data}
        return Response(200, dump(body), {"Content-Type": "application/json;charset=UTF-8"})

    def is_write(self, request: Request) -> bool:
        """Whether this request would change the books."""
        route = ROUTES.get(request.path[len(PREFIX) :]) if request.path.startswith(PREFIX) else None
        return route is not None and route.write

    def load(self, holding: Holding) -> None:
        """Put a world's holding on record, in the family that switch ``ar_family`` names."""
        with self.books.lock:
            loading.load(self._ledger, holding)

    def seed(self, kind: str, count: int) -> list[str]:
        """Put `count` plain valid records of customer, invoice, payment or allocation on record; returns their ids."""
        with self.books.lock:
            return seeding.seed(self._ledger, kind, count)

    def count(self, kind: str) -> int:
        """How many records of a kind exist, void ones included, deleted ones not."""
        return self.books.count(people.table_of(self._ledger, kind))

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """A person edits one record in the vendor's own screens: wire fields, new modification stamp."""
        with self.books.lock:
            people.touch(self._ledger, kind, record_id, changes)

    def discard(self, kind: str, record_id: str) -> None:
        """A person deletes one record in the vendor's own screens."""
        with self.books.lock:
            people.discard(self._ledger, kind, record_id)

    def write_off(self, payment_id: str, invoice_id: str, amount: str) -> str:
        """A person writes a receipt off against a receivable of the active family; returns the write-off's id."""
        with self.books.lock:
            return people.write_off(self._ledger, payment_id, invoice_id, amount)


def create(*, clock: SandboxClock | None = None, switches: Mapping[str, Any] | None = None) -> YonyouBipEmulator:
    """A fresh, empty tenant. `switches` override the defaults; ValueError for a name that is none."""
    return YonyouBipEmulator(clock or SandboxClock(), chosen(dict(switches or {})))
