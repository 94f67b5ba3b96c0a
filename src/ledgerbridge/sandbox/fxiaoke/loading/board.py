"""What loading keeps in mind: which row stands for which thing of the world, and how rows of the past are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.fxiaoke.arithmetic import add_up, remember_computed
from ledgerbridge.sandbox.fxiaoke.people import ADMIN, PEOPLE, SALES, person_row
from ledgerbridge.sandbox.fxiaoke.schema import Options
from ledgerbridge.sandbox.fxiaoke.tenant import DAY_MS, Tenant, millis
from ledgerbridge.sandbox.world.amounts import EXPONENTS
from ledgerbridge.sandbox.world.facts import Company, Invoice, Receipt, Status

LIFE_STATUS = {Status.DRAFT: "ineffective", Status.APPROVED: "normal", Status.VOID: "invalid"}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST_SELLER = 1100


@dataclass(slots=True)
class Board:
    """Ids by the world's keys. `accounts` names the first record of a customer entered twice."""

    tenant: Tenant
    accounts: dict[str, str] = field(default_factory=dict)
    companies: dict[str, Company] = field(default_factory=dict)
    staff: dict[str, str] = field(default_factory=dict)
    bills: dict[str, str] = field(default_factory=dict)
    orders: dict[tuple[str, str, str], str] = field(default_factory=dict)
    order_of: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)

    def put(self, api_name: str, fields: Row, owner: str, document: Company | Invoice | Receipt) -> Row:
        """A row of the past: stamps and life status are those of `document` (a company is always live)."""
        spec = self.tenant.spec(api_name)
        created, modified = millis(document.created_at), millis(document.modified_at)
        row = self.tenant.fresh_row(spec, fields, owner=owner, at_ms=created, is_old=True)
        row["last_modified_time"] = modified
        if modified > created:
            row["version"] = "2"
        if not isinstance(document, Company) and document.status is not Status.APPROVED:
            row["life_status"] = LIFE_STATUS[document.status]
            if document.status is Status.VOID:
                row["life_status_before_invalid"] = "normal"
                row["invalid_time"] = modified
        remember_computed(self.tenant, row)
        self.tenant.books.put(api_name, row["_id"], row)
        return row

    def seller(self, code: str, name: str = "") -> str:
        """The employee number of a salesperson, hired on first mention; the administrator for no code."""
        if not code:
            return ADMIN
        number = self.staff.get(code)
        if number is None:
            number = self.staff[code] = str(_FIRST_SELLER + len(self.staff) + 1)
            fields = {"_id": number, **person_row(number, name or code, "", SALES)}
            row = self.tenant.fresh_row(self.tenant.spec(PEOPLE), fields, owner=ADMIN, at_ms=self.tenant.now_ms())
            self.tenant.books.put(PEOPLE, number, row)
        return number

    def currency(self, document: Invoice | Receipt, on: date) -> Row:
        """The ``mc_*`` fields of a document; ValueError for foreign money in a tenant without multi-currency."""
        if not self.tenant.switches["multiCurrency"]:
            if document.currency != "CNY":
                raise ValueError(
                    f"fxiaoke: {document.number} is in {document.currency}, but the switch multiCurrency is off; "
                    "turn it on or load a world without foreign currency"
                )
            return {}
        return {
            "mc_currency": document.currency,
            "mc_exchange_rate": f"{document.rate:.6f}",
            "mc_exchange_rate_version": str(midnight(on)),
        }

    def add_up_all(self) -> None:
        """Work out every total once all rows are there."""
        for parent in ("SalesOrderObj", "PaymentObj", "InvoiceApplicationObj"):
            for row_id in list(self.tenant.shelf(parent).ids):
                add_up(self.tenant, parent, row_id)


def wire(minor: int, currency: str) -> str:
    """Minor units as the string with two decimals that the vendor keeps; exact, or ValueError."""
    if currency not in EXPONENTS:
        raise ValueError(f"fxiaoke: the sandbox knows no minor unit of currency {currency}")
    amount = Decimal(minor).scaleb(-EXPONENTS[currency])
    rounded = amount.quantize(Decimal("0.01"))
    if rounded != amount:
        raise ValueError(f"fxiaoke: {amount} {currency} has more than the two decimals a currency field keeps")
    return f"{rounded:f}"


def plain(value: Decimal) -> str:
    """A decimal with at most six places, as quantity and price fields keep it."""
    rounded = value.quantize(Decimal("0.000001"))
    if rounded != value:
        raise ValueError(f"fxiaoke: {value} has more than the six decimals the field keeps")
    return f"{rounded:f}"


def midnight(on: date | None) -> int | None:
    """A date as milliseconds of local midnight (GMT+8)."""
    return None if on is None else (on.toordinal() - _EPOCH_DAY) * DAY_MS - 8 * 3_600_000


def instant(at: datetime) -> int:
    """An aware instant in milliseconds."""
    return millis(at)


def option(name: str, label: str, options: Options) -> Row:
    """The field `name` set to the option with that label, or to ``other`` with the text in ``<name>__o``."""
    if not label:
        return {}
    value = next((one for one, text in options if text == label), None)
    return {name: value} if value is not None else {name: "other", f"{name}__o": label}
