"""The org: its books, its people, its currencies, and what one call to it knows of itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import Fault, FaultPlan
from ledgerbridge.sandbox.web import Request

from . import wire
from .fields import Module, Schema, schema
from .stock import RecordBooks

ORG_ID = "550000000000000600"
ZGID = "600"
SYNC_USER = "550000000000550001"
PERSON = "550000000000550002"
BASE_CURRENCY = "CNY"
FIRST_RECORD_ID = 550000000000101001  # above 2^53: an id read as a float shows
SELECTIONS_MAX = 16
FALLBACK_URL = "http://127.0.0.1:8080"

_USERS = (
    (SYNC_USER, "Sync", "User", "sync@sandbox.invalid", "Administrator"),
    (PERSON, "Li", "Wei", "li.wei@sandbox.invalid", "Standard"),
)
# code, name, symbol, rate: units of the currency for one CNY (zoho.md 11 [inferred]), active
_CURRENCIES = (
    ("CNY", "Chinese Yuan", "¥", "1.000000000", True),
    ("USD", "US Dollar", "$", "0.138888889", True),
    ("EUR", "Euro", "€", "0.127877238", True),
    ("HKD", "Hong Kong Dollar", "HK$", "1.086956522", True),
    ("JPY", "Japanese Yen", "JP¥", "20.833333333", True),
    ("GBP", "British Pound", "£", "0.108695652", False),
)
EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3}


@dataclass(frozen=True, slots=True)
class Post:
    """A POST that Zoho would send to an address of ours: a notification or the callback of a bulk job."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class Org:
    """One tenant's far side. `outbox` holds the posts that nobody has collected yet."""

    books: RecordBooks
    clock: SandboxClock
    faults: FaultPlan
    switches: dict[str, Any]
    base_url: str = FALLBACK_URL
    outbox: deque[Post] = field(default_factory=deque)
    selections: dict[tuple[Any, ...], list[tuple[str, int]]] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        """The modules as the switches have them now."""
        return schema(self.switches)

    def module_of(self, table: str) -> Module:
        """The module whose records are in `table`; ValueError if this tenant lacks it."""
        for module in self.schema.values():
            if module.table == table:
                return module
        raise ValueError(f"zoho_crm: this tenant has no module {table}")

    def now(self) -> str:
        """This moment as the books hold it."""
        return wire.stamp(self.clock.now())

    def local(self, stamp: str) -> str:
        """A moment as the reading user sees it."""
        return wire.local(stamp, self.switches["utc_offset"])

    def user(self, user_id: str, *, with_email: bool = False) -> dict[str, Any]:
        """A user as records show one."""
        row = self.books.look("users", user_id)
        name = row["full_name"] if row else "Deleted User"
        shown: dict[str, Any] = {"name": name, "id": user_id}
        if with_email and row:
            shown["email"] = row["email"]
        return shown

    def new_id(self) -> str:
        """The next record id."""
        return str(self.books.next_serial("record", FIRST_RECORD_ID))

    def currency(self, code: str) -> dict[str, Any] | None:
        """A currency of the org by its ISO code."""
        return self.books.look("currencies", code)

    def keep(self, key: tuple[Any, ...], positions: list[tuple[str, int]]) -> None:
        """Remember the rows that a query means; its key holds the table's revision, so that it cannot go stale."""
        while len(self.selections) >= SELECTIONS_MAX:
            del self.selections[next(iter(self.selections))]
        self.selections[key] = positions

    def active_currencies(self) -> tuple[str, ...]:
        """The ISO codes that records may use."""
        return tuple(code for code, row in self.books.peek("currencies") if row["is_active"])


def found_org(switches: dict[str, Any], clock: SandboxClock) -> Org:
    """A new org with its users and currencies and no records."""
    org = Org(RecordBooks(), clock, FaultPlan(), switches)
    for user_id, first, last, email, profile in _USERS:
        row = {"id": user_id, "first_name": first, "last_name": last, "full_name": f"{first} {last}"}
        org.books.put("users", user_id, {**row, "email": email, "profile": profile})
    for code, name, symbol, rate, active in _CURRENCIES:
        put_currency(org, code, rate=rate, name=name, symbol=symbol, active=active)
    return org


def put_currency(org: Org, code: str, *, rate: str, name: str = "", symbol: str = "", active: bool = True) -> None:
    """Add a currency or give one a new rate; `rate` as zoho.md 11 writes it, units per unit of the base currency."""
    held = org.currency(code)
    if held is not None:
        org.books.update("currencies", code, {"exchange_rate": rate, "modified_time": org.now()})
        return
    row = {
        "id": str(550000000000600000 + org.books.next_serial("currency")),
        "iso_code": code,
        "name": name or code,
        "symbol": symbol or code,
        "exchange_rate": rate,
        "is_base": code == BASE_CURRENCY,
        "is_active": active,
        "created_time": org.now(),
        "modified_time": org.now(),
    }
    org.books.put("currencies", code, row)


def wire_rate(org: Org, cny_per_unit: Decimal) -> str:
    """CNY for one unit as an Exchange_Rate of nine decimals, in the direction of the switch (zoho.md 11)."""
    if org.switches["rate_direction"] == "record_per_base":
        return f"{wire.rounded(1 / cny_per_unit, 9):f}"
    return f"{wire.rounded(cny_per_unit, 9):f}"


@dataclass(slots=True)
class Event:
    """One record that a call changed; `changed` maps the API names of the fields to their new wire values."""

    module: Module
    operation: str
    record_id: str
    changed: dict[str, Any]


@dataclass(slots=True)
class Call:
    """One authorised request; `parts` is the path after the version, `events` what it has changed so far.

    `half_failed` is set once the fault of that name has struck this call.
    """

    org: Org
    request: Request
    user_id: str
    parts: tuple[str, ...]
    events: list[Event] = field(default_factory=list)
    half_failed: bool = False
    _body: Any = None

    def body(self) -> Any:
        """The JSON body, whatever the content type says (zoho.md 5)."""
        if self._body is None:
            self._body = wire.loads(self.request.body)
        return self._body

    def object(self, key: str) -> dict[str, Any]:
        """The body as an object that has `key`; 400 otherwise."""
        body = self.body()
        if not isinstance(body, dict):
            raise wire.refused(400, "INVALID_DATA", "body", {"expected_data_type": "jsonobject"})
        if key not in body:
            details = {"api_name": key, "json_path": f"$.{key}"}
            raise wire.refused(400, "MANDATORY_NOT_FOUND", "required field not found", details)
        return body

    def number(self, name: str, default: int, *, highest: int | None = None) -> int:
        """A query parameter from 1 up; 400 INVALID_DATA, or clamped if the tenant does that (zoho.md 3)."""
        text = self.request.query.get(name)
        if text is None:
            return default
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if value >= 1 and (highest is None or value <= highest):
            return value
        if self.org.switches["bad_paging_refused"]:
            raise wire.bad_param(name)
        return highest if highest is not None and value > highest else default

    def happens(self, fault: Fault, *, is_write: bool = False) -> bool:
        """Whether a vendor fault is due here and now; asking uses it up."""
        return self.org.faults.take(fault, self.request.path, is_write=is_write)
