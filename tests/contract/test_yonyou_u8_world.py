"""A whole world through the wire, the connector and the mappings, compared with what U8 holds of it, to the fen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from yonyou_u8_desk import connector

from ledgerbridge.bootstrap import built_in_mapping
from ledgerbridge.clock import SystemClock
from ledgerbridge.connectors.yonyou_u8 import YonyouU8
from ledgerbridge.mapping.apply import Context, Inbound, Mapped, Unmapped, compile_inbound
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw
from ledgerbridge.sandbox.launch import TENANTS
from ledgerbridge.sandbox.web import serve
from ledgerbridge.sandbox.world import Holding, SystemName, make_world
from ledgerbridge.sandbox.world.facts import Company, Invoice, InvoiceKind, Receipt, Status
from ledgerbridge.sandbox.yonyou_u8 import create
from ledgerbridge.testing.fakes import FakeClock

WORLDS = [(1, 60, 6), (2, 40, 4), (3, 40, 4)]
EXTENDED = dict(TENANTS["yonyou_u8"])
KINDS = {InvoiceKind.OTHER_RECEIVABLE: "adjustment"}


@cache
def holding(seed: int, customers: int, months: int) -> Holding:
    return make_world(seed=seed, customers=customers, months=months).holdings[SystemName.YONYOU_U8]


@contextmanager
def reading(held: Holding, switches: dict[str, Any]) -> Iterator[YonyouU8]:
    emulator = create(switches=switches)
    emulator.load(held)
    with serve(emulator) as running:
        with connector(running, clock=FakeClock(SystemClock().now())) as u8:
            yield u8
        assert running.failures == []


@cache
def mapping(kind: Kind, wire_type: str) -> Inbound:
    spec = built_in_mapping("yonyou_u8", f"{kind}.{wire_type}.yaml")
    assert spec is not None
    return compile_inbound(spec, Context(ZoneInfo("Asia/Shanghai"), "CNY", {}))


def pulled(u8: YonyouU8, kind: Kind, limit: int = 100) -> dict[str, Raw]:
    """Every record of a kind; each one once."""
    pages = list(u8.pull(kind, cursor=None, limit=limit))
    assert [page.unreadable for page in pages if page.unreadable] == []
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    records = [record for page in pages for record in page.records]
    found = {record.external_id: record for record in records}
    assert len(found) == len(records)
    return found


def mapped(records: dict[str, Raw]) -> dict[str, Any]:
    """The canonical records; none may be set aside."""
    outcomes = {name: mapping(raw.kind, raw.wire_type)(raw.payload()) for name, raw in records.items()}
    assert {name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, Mapped)} == {}
    return {name: outcome.value for name, outcome in outcomes.items() if isinstance(outcome, Mapped)}


def owners(held: Holding) -> dict[str, Company]:
    """The company that documents belong to: the first record of a customer held twice."""
    return {company.key: company for company in reversed(held.companies)}


def digits(number: str) -> str:
    return re.sub(r"^(86)?0?", "", re.sub(r"\D", "", number))


def usable(number: str) -> str:
    """The digits of a telephone number that can exist; the mapping leaves out the others."""
    return digits(number) if number and phonenumbers.is_valid_number(phonenumbers.parse(number, "CN")) else ""


def customer_facts(one: Company) -> dict[str, Any]:
    return {
        "code": one.code, "name": one.name.strip(" \u3000"), "short_name": one.short_name or None, "tax_number": one.credit_code,
        "category": one.class_code or "00", "industry": one.industry or None, "currency": one.currency,
        "limit": one.credit_limit, "limit_currency": one.currency, "contact": one.contact or None, "mobile": usable(one.mobile),
        "phone": usable(one.phone), "email": one.email.lower() or None,
        "addresses": [one.address, one.address] if one.address else [],
        "accounts": [(one.bank_name, one.bank_account)] if one.bank_account else [], "owner": one.salesperson_code,
        "status": "disabled" if one.disabled_on else "active", "opened_on": one.opened_on, "disabled_on": one.disabled_on,
        "remark": one.remark or None,
    }  # fmt: skip


def customer_read(one: Any) -> dict[str, Any]:
    contact = one.contacts[0] if one.contacts else None
    return {
        "code": one.code, "name": one.name, "short_name": one.short_name, "tax_number": one.tax_number, "category": one.category,
        "industry": one.industry, "currency": one.currency, "limit": one.credit_limit_minor,
        "limit_currency": one.credit_currency, "contact": contact.name if contact else None,
        "mobile": digits((contact and contact.mobile) or ""),
        "phone": digits(one.phone or ""), "email": one.email and one.email.lower(),
        "addresses": [address.street for address in one.addresses],
        "accounts": [(account.bank, account.account) for account in one.bank_accounts], "owner": one.sales_owner,
        "status": one.status.value, "opened_on": one.opened_on, "disabled_on": one.disabled_on, "remark": one.remark,
    }  # fmt: skip


def invoice_facts(one: Invoice, held: Holding) -> dict[str, Any]:
    owner = owners(held)[one.company]
    sale = one.kind is not InvoiceKind.OTHER_RECEIVABLE
    reverses = next((other.number for other in held.invoices if other.key == one.reverses), None)
    lines = [
        (line.item_code, line.unit, line.quantity, line.unit_price_net, line.net, line.tax, line.gross)
        for line in one.lines
    ]
    return {
        "number": one.number, "kind": KINDS.get(one.kind, one.kind.value), "customer": (owner.code, owner.code, owner.name),
        "issued_on": one.issued_on, "due_on": one.due_on, "currency": one.currency, "total": one.gross,
        "net": one.net if sale else None, "tax": one.tax if sale else None, "rate": one.rate, "base": ("CNY", one.base_gross),
        "tax_invoices": [(one.tax_invoice_code, one.tax_invoice_number)] if one.tax_invoice_number else [],
        "references": Counter(
            {("order", one.order_number): bool(one.order_number), ("contract", one.contract_number): bool(one.contract_number)}
        ), "reverses": reverses,
        "status": one.status.value, "salesperson": one.salesperson_code or None, "department": one.department_code or None,
        "lines": lines if sale and lines else None,
    }  # fmt: skip


def invoice_read(one: Any, *, with_lines: bool) -> dict[str, Any]:
    lines = [
        (line.item_code, line.unit, line.quantity, line.unit_price, line.net_minor, line.tax_minor, line.total_minor)
        for line in one.lines or ()
    ]
    return {
        "number": one.number, "kind": one.kind.value,
        "customer": (one.customer.external_id, one.customer.code, one.customer.name),
        "issued_on": one.issued_on, "due_on": one.due_on, "currency": one.currency, "total": one.total_minor,
        "net": one.net_minor, "tax": one.tax_minor, "rate": one.exchange_rate, "base": (one.base_currency, one.base_total_minor),
        "tax_invoices": [(tax.code, tax.number) for tax in one.tax_invoices],
        "references": Counter((reference.kind.value, reference.number) for reference in one.references),
        "reverses": one.reverses.number if one.reverses else None, "status": one.status.value, "salesperson": one.salesperson,
        "department": one.department, "lines": lines if with_lines else None,
    }  # fmt: skip


def receipt_facts(one: Receipt, held: Holding) -> dict[str, Any]:
    owner = owners(held)[one.company or ""]
    return {
        "number": one.number, "kind": one.kind.value, "customer": (owner.code, owner.code, owner.name),
        "payer": (one.payer_name or None, one.payer_account or None, one.payer_bank or None), "received_on": one.received_on,
        "currency": one.currency, "amount": one.amount, "fee": one.fee or None, "base": ("CNY", one.base_amount),
        "remittance": one.remittance or None, "bank_reference": one.bank_reference or None,
        "our_account": one.own_account or None,
        "status": one.status.value, "salesperson": owner.salesperson_code or None, "allocations": None,
    }  # fmt: skip


def receipt_read(one: Any) -> dict[str, Any]:
    return {
        "number": one.number, "kind": one.kind.value,
        "customer": (one.customer.external_id, one.customer.code, one.customer.name),
        "payer": (one.payer_name, one.payer_account, one.payer_bank), "received_on": one.received_on, "currency": one.currency,
        "amount": one.amount_minor, "fee": one.fee_minor, "base": (one.base_currency, one.base_amount_minor),
        "remittance": one.remittance_text, "bank_reference": one.bank_reference, "our_account": one.our_account,
        "status": one.status.value, "salesperson": one.salesperson, "allocations": one.allocations,
    }  # fmt: skip


def invoice_id(one: Invoice) -> str:
    table = "oughtreceive" if one.kind is InvoiceKind.OTHER_RECEIVABLE else "saleinvoice"
    return f"{table}:{one.number}"


@pytest.mark.parametrize(("seed", "customers", "months"), WORLDS)
def test_a_whole_world_is_read_to_the_fen(seed: int, customers: int, months: int) -> None:
    held = holding(seed, customers, months)
    with reading(held, EXTENDED) as u8:
        companies, invoices, receipts = (
            mapped(pulled(u8, kind)) for kind in (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT)
        )
    assert {name: customer_read(one) for name, one in companies.items()} == {
        one.code: customer_facts(one) for one in held.companies
    }
    expected = {invoice_id(one): invoice_facts(one, held) for one in held.invoices}
    read = {name: invoice_read(one, with_lines=bool(expected[name]["lines"])) for name, one in invoices.items()}
    assert read == expected
    assert {name: receipt_read(one) for name, one in receipts.items()} == {
        one.number: receipt_facts(one, held) for one in held.receipts
    }


def test_sums_per_currency_and_status_agree() -> None:
    """The same once more as a reconciliation would see it: independent of the comparison field by field."""
    held = holding(*WORLDS[0])
    with reading(held, EXTENDED) as u8:
        invoices, receipts = (mapped(pulled(u8, kind)).values() for kind in (Kind.INVOICE, Kind.PAYMENT))
    owed: Counter[tuple[str, str]] = Counter()
    paid: Counter[tuple[str, str]] = Counter()
    for invoice in invoices:
        owed[invoice.currency, invoice.status.value] += invoice.total_minor
    for receipt in receipts:
        paid[receipt.currency, receipt.status.value] += receipt.amount_minor + (receipt.fee_minor or 0)
    assert len(owed) > 4
    for one in held.invoices:
        owed[one.currency, one.status.value] -= one.gross
    for other in held.receipts:
        paid[other.currency, other.status.value] -= other.amount + other.fee
    assert +owed == -owed == Counter()
    assert +paid == -paid == Counter()


def test_a_standard_account_set_hides_void_documents_and_the_currency_of_receipts() -> None:
    """Without extra attributes: void documents are not there, drafts of sales invoices look approved, and a receipt in a foreign
    currency is set aside for exactly that reason. Nothing else differs.
    """
    held = holding(*WORLDS[0])
    with reading(held, {}) as u8:
        invoices, raw_receipts = mapped(pulled(u8, Kind.INVOICE)), pulled(u8, Kind.PAYMENT)
    shown = [one for one in held.invoices if one.status is not Status.VOID]
    assert len(shown) < len(held.invoices)
    assert sum(one.status is Status.DRAFT for one in shown) > 0
    assert {name: (one.total_minor, one.currency) for name, one in invoices.items()} == {
        invoice_id(one): (one.gross, one.currency) for one in shown
    }
    assert {one.status.value for name, one in invoices.items() if name.startswith("saleinvoice:")} == {"approved"}
    outcomes = {name: mapping(Kind.PAYMENT, "accept")(raw.payload()) for name, raw in raw_receipts.items()}
    approved = [one for one in held.receipts if one.status is not Status.VOID]
    assert outcomes.keys() == {one.number for one in approved}
    foreign = {one.number for one in approved if one.currency != "CNY"}
    set_aside = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Unmapped)}
    assert foreign
    assert set_aside.keys() == foreign
    for outcome in set_aside.values():
        assert [problem.field for problem in outcome.problems] == ["currency"]
        assert "the currency cannot be told" in outcome.problems[0].why
    totals = {name: one.value.amount_minor for name, one in outcomes.items() if isinstance(one, Mapped)}  # type: ignore[union-attr]
    assert totals == {one.number: one.amount for one in approved if one.currency == "CNY"}


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({"numbers": "string"}, id="numbers as text"),
        pytest.param({"numbers": "number"}, id="text as numbers"),
        pytest.param({"red_oughtreceive_sign": "negative"}, id="red vouchers with a sign"),
        pytest.param({"sort": "key_desc"}, id="lists the other way round"),
        pytest.param({"sort": "insertion", "rows_per_page_max": 7}, id="lists in no order, seven rows a page"),
        pytest.param(
            {"entries_in_lists": ["saleinvoicelist", "oughtreceivelist", "acceptlist"]}, id="lists with entries"
        ),
        pytest.param({"empty_as_error": False}, id="an empty list is a list"),
    ],
)
def test_tenants_that_differ_are_read_the_same(switches: dict[str, Any]) -> None:
    held = holding(2, 15, 2)
    with reading(held, {**EXTENDED, **switches}) as u8:
        invoices = mapped(pulled(u8, Kind.INVOICE))
        receipts = mapped(pulled(u8, Kind.PAYMENT))
        companies = mapped(pulled(u8, Kind.CUSTOMER))
    assert len(companies) == len(held.companies)
    assert {name: (one.total_minor, one.base_total_minor, one.exchange_rate) for name, one in invoices.items()} == {
        invoice_id(one): (one.gross, one.base_gross, Decimal(one.rate)) for one in held.invoices
    }
    assert {name: (one.amount_minor, one.fee_minor or 0, one.kind.value) for name, one in receipts.items()} == {
        one.number: (one.amount, one.fee, one.kind.value) for one in held.receipts
    }


def test_red_invoices_are_negative_though_a_tenant_shows_them_without_sign() -> None:
    held = holding(*WORLDS[0])
    with reading(held, {**EXTENDED, "red_saleinvoice_sign": "positive"}) as u8:
        invoices = mapped(pulled(u8, Kind.INVOICE))
    red = {invoice_id(one): (one.gross, one.net, one.tax, one.base_gross) for one in held.invoices if one.gross < 0}
    assert red
    read = {name: invoices[name] for name in red}
    assert {n: (one.total_minor, one.net_minor, one.tax_minor, one.base_total_minor) for n, one in read.items()} == red
