"""What people do in U8's own screens: plain records for tests, edits, deletions. No API reaches these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.clock import SandboxClock

from .checks import clean_value
from .currencies import BASE, cents
from .ledger import DEFAULT_PERSON, Ledger
from .shapes import ACCEPT, CUSTOMER, OUGHT_RECEIVE, RESOURCES, SALE_INVOICE, Resource
from .vouchers import accept, ought_receive, sale_invoice
from .wire import SHANGHAI, Refusal, archive_day, decimal_text

KINDS = {"customer": ("customer",), "invoice": ("saleinvoice", "oughtreceive"), "payment": ("accept",)}
"""Kind of record → the tables that hold it."""

_EVERY_FIFTH = 5  # of the seeded invoices every fifth is an 应收单
_SPREAD_DAYS = 60


@dataclass(frozen=True, slots=True)
class Screens:
    """Seeding, editing and deleting by hand."""

    ledger: Ledger
    clock: SandboxClock
    switches: Mapping[str, Any]

    def tables(self, kind: str) -> tuple[str, ...]:
        """The tables of a kind. Raises ValueError for an unknown one."""
        if kind not in KINDS:
            raise ValueError(f"yonyou_u8 has no records of kind {kind!r}; it has {', '.join(KINDS)}")
        return KINDS[kind]

    def seed(self, kind: str, count: int) -> list[str]:
        """Put plain valid records on record; returns their ids (:meth:`find` takes them). A customer comes first if
        there is none yet and a document needs one.
        """
        self.tables(kind)
        with self.ledger.books.lock:
            if kind == "customer":
                return [self._customer() for _ in range(count)]
            if self.ledger.books.count("customer") == 0:
                self._customer()
            owners = [row for _, row in self.ledger.books.peek("customer")]
            make = self._invoice if kind == "invoice" else self._payment
            return [make(owners) for _ in range(count)]

    def find(self, kind: str, record_id: str) -> tuple[Resource, str]:
        """The resource and key behind an id: a customer's code, a `vouchcode`, `saleinvoice:<no>`, `oughtreceive:<no>`.
        Raises KeyError if there is no such record.
        """
        tables = self.tables(kind)
        table, key = tables[0], record_id
        if kind == "invoice":
            table, _, key = record_id.partition(":")
            if table not in tables:
                raise KeyError(f"{record_id}: an invoice's id is saleinvoice:<no> or oughtreceive:<no>")
        if self.ledger.books.get(table, key) is None:
            raise KeyError(f"yonyou_u8 has no {table} {key}")
        return RESOURCES[table], key

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """Overwrite wire fields of one record; customers get a new stamp, vouchers have none (A4). `entry` replaces all
        lines; `_status` (`draft`, `approved`, `void`) is how a voucher is voided by hand. Raises KeyError, ValueError.
        """
        with self.ledger.books.lock:
            resource, key = self.find(kind, record_id)
            cleaned = {name: self._cleaned(resource, name, value) for name, value in changes.items()}
            if cleaned.get(resource.key, key) != key:
                raise ValueError(f"{resource.table}.{resource.key} is the key: it cannot be changed")
            if resource is CUSTOMER:
                self.ledger.edit_customer(key, cleaned, self.clock.now())
            else:
                self.ledger.books.update(resource.table, key, cleaned)

    def _cleaned(self, resource: Resource, name: str, value: object) -> Any:
        if name == "_status" and resource is not CUSTOMER:
            if value not in ("draft", "approved", "void"):
                raise ValueError(f"_status is draft, approved or void, not {value!r}")
            return value
        if name not in resource.fields or name in ("ModifyDate", "timestamp"):
            raise ValueError(f"{resource.table} has no field {name} that a person could edit")
        try:
            if name == "entry" and isinstance(value, list):
                return [{item: clean_value(resource, item, each) for item, each in line.items()} for line in value]
            return clean_value(resource, name, "" if value is None else value)
        except Refusal as refusal:
            raise ValueError(refusal.text) from None

    def discard(self, kind: str, record_id: str) -> None:
        """Delete one record; nothing is left that a list could show. Raises KeyError."""
        with self.ledger.books.lock:
            resource, key = self.find(kind, record_id)
            self.ledger.books.remove(resource.table, key)

    def _today(self) -> date:
        return self.clock.now().astimezone(SHANGHAI).date()

    def _number(self, table: str, prefix: str) -> tuple[int, str]:
        while True:
            serial = self.ledger.books.next_serial(f"seed:{table}")
            number = f"{prefix}{serial:08d}"
            if self.ledger.books.get(table, number) is None:
                return serial, number

    def _customer(self) -> str:
        serial, code = self._number("customer", "S")
        row: Row = {
            "code": code,
            "name": f"江苏示例贸易{serial:06d}有限公司",
            "abbrname": f"示例贸易{serial:06d}",
            "sort_code": "00",
            "domain_code": "32",
            "address": f"江苏省南京市玄武区中山路{serial}号",
            "contact": "王芳",
            "phone": f"025-8{serial % 10_000_000:07d}",
            "mobile": f"138{serial % 100_000_000:08d}",
            "bank_open": "中国工商银行南京分行",
            "bank_acc_number": f"4301{serial:015d}",
            "ccusexch_name": BASE,
            "bcusdomestic": "1",
            "bcusoverseas": "0",
            "bserviceattribute": "0",
            "ccusmngtypecode": "999",
            "spec_operator": DEFAULT_PERSON,
            "seed_date": archive_day(self._today()),
        }
        self.ledger.put_customer(row, self.clock.now())
        return code

    def _invoice(self, owners: list[Row]) -> str:
        serial = self.ledger.books.next_serial("seed:invoice")
        owner = owners[serial % len(owners)]
        on = (self._today() - timedelta(days=serial % _SPREAD_DAYS)).isoformat()
        if serial % _EVERY_FIFTH == 0:
            _, number = self._number("oughtreceive", "SYS")
            amount = decimal_text(Decimal(10_000 + serial * 37 % 900_000) / 100)
            line = {"cust_vendor_code": owner["code"], "natamount": amount, "digest": "代垫运费"}
            draft = {"cust_vendor_code": owner["code"], "amount": amount, "digest": "代垫运费", "date": on}
            row = ought_receive(draft | {"entry": [line], "personcode": DEFAULT_PERSON}, owner, on)
            self._put(OUGHT_RECEIVE, number, row | {"state": self.switches["state_verified"]})
            return f"oughtreceive:{number}"
        _, number = self._number("saleinvoice", "SXS")
        net = Decimal(50_000 + serial * 53 % 4_000_000) / 100
        tax = cents(net * Decimal("0.13"))
        item = {"inventorycode": "0101", "quantity": "1", "unitid": "台", "originalprice": decimal_text(net)}
        line = item | {"originalmoney": decimal_text(net), "originaltax": decimal_text(tax)}
        draft = {"customercode": owner["code"], "date": on, "taxrate": "13", "personcode": DEFAULT_PERSON}
        due = (date.fromisoformat(on) + timedelta(days=30)).isoformat()
        draft |= {"icreditdays": "30", "dcreditstart": on, "dgatheringdate": due, "csocode": f"SO{serial:08d}"}
        self._put(SALE_INVOICE, number, sale_invoice(draft | {"entry": [line]}, owner, on))
        return f"saleinvoice:{number}"

    def _payment(self, owners: list[Row]) -> str:
        serial, number = self._number("accept", "SSK")
        owner = owners[serial % len(owners)]
        on = (self._today() - timedelta(days=serial % _SPREAD_DAYS)).isoformat()
        amount = decimal_text(Decimal(20_000 + serial * 41 % 3_000_000) / 100)
        line = {"type": "0", "amount": amount, "originalamount": amount}
        head = {"vouchtype": "48", "customercode": owner["code"], "amount": amount, "originalamount": amount}
        head |= {"digest": f"货款 {serial}", "balancecode": "01", "balancename": "电汇", "vouchdate": on}
        self._put(ACCEPT, number, accept(head | {"entry": [line]}, owner, on))
        return number

    def _put(self, resource: Resource, number: str, row: Row) -> None:
        self.ledger.books.put(resource.table, number, {**row, resource.key: number, "_status": "approved"})
