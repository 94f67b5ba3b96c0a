"""A whole world, read over a socket and mapped, is what the holding says: to the fen, record by record, in either AR module."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from yonyou_bip_desk import CNY_ID, connector, inbound

from ledgerbridge.mapping.apply import Mapped
from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice, InvoiceKind, ReferenceKind
from ledgerbridge.model.payment import Allocation, Payment
from ledgerbridge.sandbox.web import serve
from ledgerbridge.sandbox.world import Holding, SystemName, make_world
from ledgerbridge.sandbox.world import facts as world
from ledgerbridge.sandbox.yonyou_bip.app import create

_KINDS = {
    world.InvoiceKind.INVOICE: "invoice",
    world.InvoiceKind.CREDIT_NOTE: "credit_note",
    world.InvoiceKind.OPENING_BALANCE: "opening_balance",
    world.InvoiceKind.OTHER_RECEIVABLE: "adjustment",
}


@dataclass(frozen=True)
class Told:
    """What the connector and its mappings make of a holding, by external id."""

    family: str
    holding: Holding
    customers: dict[str, Customer]
    invoices: dict[str, Invoice]
    payments: dict[str, Payment]
    allocations: dict[str, Allocation]
    notices: list[str]


def read_world(
    seed: int, family: str, *, customers: int = 60, switches: dict[str, Any] | None = None, **settings: Any
) -> Told:
    """Pull everything and map it; nothing may be unreadable, unmapped or doubled, and the keys must be those of the records."""
    holding = make_world(seed=seed, customers=customers, months=6, systems=(SystemName.YONYOU_BIP,)).holdings[
        SystemName.YONYOU_BIP
    ]
    emulator = create(switches={"ar_family": family, **(switches or {})})
    emulator.load(holding)
    found: dict[Kind, dict[str, Any]] = {}
    notices: list[str] = []
    with serve(emulator) as running, connector(running, **settings) as bip:
        for kind in Kind:
            of_kind = found.setdefault(kind, {})
            for page in bip.pull(kind, cursor=None, limit=100):
                assert page.unreadable == ()
                for raw in page.records:
                    mapped = inbound(kind, raw.wire_type)(raw.payload())
                    assert isinstance(mapped, Mapped), (
                        f"{raw.wire_type} {raw.external_id}: {mapped} {raw.body.decode()}"
                    )
                    assert raw.external_id not in of_kind
                    of_kind[raw.external_id] = mapped.value
                    notices += [str(notice) for notice in mapped.notices]
            assert sorted(key for page in bip.keys(kind) for key in page) == sorted(of_kind)
        assert running.failures == []
    return Told(family, holding, *(found[kind] for kind in Kind), notices)


CASES = [
    pytest.param((1, "efi", {}), id="seed 1, EFI"),
    pytest.param((7, "fi", {}), id="seed 7, fi"),
    pytest.param(
        (20260131, "efi", {"red_amounts": "positive", "void_form": "terminated"}), id="seed 20260131, EFI, red unsigned"
    ),
    pytest.param((20260131, "fi", {"red_amounts": "positive"}), id="seed 20260131, fi, red unsigned"),
]


@pytest.fixture(scope="module", params=CASES)
def told(request: pytest.FixtureRequest) -> Told:
    seed, family, switches = request.param
    return read_world(seed, family, switches=switches, ar_family="auto", credit_currency_id=CNY_ID)


def assert_same(found: Counter[Any], expected: Counter[Any]) -> None:
    """Equal, shown by what is in one of them only."""
    assert sorted(map(str, found - expected)) == sorted(map(str, expected - found))
    assert found.total() == expected.total() > 0


def codes(told: Told) -> dict[str, str]:
    """The code of the record that stands for each customer: the first, where it was entered twice."""
    first: dict[str, str] = {}
    for one in told.holding.companies:
        first.setdefault(one.key, one.code)
    return first


def named(told: Told, external_id: str | None) -> str | None:
    return None if external_id is None else told.customers[external_id].code


def test_every_customer_is_there_with_all_that_the_archive_holds(told: Told) -> None:
    expected = Counter(
        (
            one.code,
            one.name.strip(),
            one.short_name or None,
            one.class_code,
            one.industry,
            one.currency,
            one.credit_limit if one.currency == "CNY" else None,
            one.credit_days,
            "disabled" if one.disabled_on else "active",
            one.salesperson_code,
            one.bank_account,
            one.bank_name,
            one.contact or None,
            one.address or None,
            one.email or None,
        )
        for one in told.holding.companies
    )
    found = Counter(
        (
            one.code,
            one.name,
            one.short_name or None,
            one.category,
            one.industry,
            one.currency,
            one.credit_limit_minor,
            one.credit_days,
            str(one.status),
            one.sales_owner,
            one.bank_accounts[0].account,
            one.bank_accounts[0].bank,
            one.contacts[0].name or None,
            one.addresses[0].street or None,
            one.email,
        )
        for one in told.customers.values()
    )
    assert_same(found, expected)


def test_credit_codes_are_there_or_said_to_be_wrong(told: Told) -> None:
    held = Counter(one.credit_code for one in told.holding.companies if one.credit_code)
    found = Counter(one.credit_code for one in told.customers.values() if one.credit_code)
    wrong = [text for text in told.notices if text.startswith("credit_code")]
    assert found - held == Counter()
    assert (held - found).total() == len(wrong)
    # the world dials a few numbers that nobody can have
    assert [text for text in told.notices if text not in wrong and "telephone number" not in text] == []


def test_every_invoice_is_there_to_the_fen(told: Told) -> None:
    code_of = codes(told)
    numbers = {one.key: one.number for one in told.holding.invoices}
    fi = told.family == "fi"
    expected = Counter(
        (
            one.number,
            _KINDS[one.kind],
            code_of[one.company],
            one.issued_on,
            one.due_on,
            one.currency,
            one.gross,
            one.net,
            one.tax,
            one.base_gross,
            one.rate.normalize(),
            str(one.status),
            one.open_amount
            if one.status is world.Status.APPROVED or (fi and one.status is world.Status.DRAFT)
            else None,
            one.order_number or None,
            None if fi else one.contract_number or None,
            one.tax_invoice_number or None,
            one.remark or None,
            len(one.lines) or 1,
        )
        for one in told.holding.invoices
    )
    assert numbers
    found = Counter(
        (
            one.number,
            str(one.kind),
            named(told, one.customer.external_id),
            one.issued_on,
            one.due_on,
            one.currency,
            one.total_minor,
            one.net_minor,
            one.tax_minor,
            one.base_total_minor,
            one.exchange_rate.normalize() if one.exchange_rate else None,
            str(one.status),
            one.open_minor if str(one.status) != "void" else None,
            reference(one, ReferenceKind.ORDER),
            reference(one, ReferenceKind.CONTRACT),
            one.tax_invoices[0].number if one.tax_invoices else None,
            one.remark,
            len(one.lines or ()),
        )
        for one in told.invoices.values()
    )
    assert_same(found, expected)


def reference(one: Invoice, kind: ReferenceKind) -> str | None:
    found = [ref.number for ref in one.references if ref.kind is kind]
    assert len(found) <= 1
    return found[0] if found else None


def test_the_lines_add_up_to_their_invoice(told: Told) -> None:
    held = Counter(
        (
            line.item_code,
            line.quantity.normalize(),
            line.unit_price_net.normalize(),
            line.tax_rate.normalize(),
            line.gross,
        )
        for one in told.holding.invoices
        for line in one.lines
    )
    negative = Counter[Any]()
    found = Counter[Any]()
    for one in told.invoices.values():
        assert one.lines is not None
        sign = -1 if one.kind is InvoiceKind.CREDIT_NOTE else 1
        assert sum(abs(line.total_minor or 0) for line in one.lines) == sign * one.total_minor
        for line in one.lines:
            if line.item_code is None:
                negative[one.number] += 1
                continue
            total = line.total_minor or 0
            found[
                line.item_code,
                (line.quantity or 0).normalize() if line.quantity else None,
                line.unit_price.normalize() if line.unit_price else None,
                line.tax_rate.normalize() if line.tax_rate is not None else None,
                sign * abs(total),
            ] += 1
    assert_same(found, held)


def test_every_receipt_is_there_to_the_fen(told: Told) -> None:
    code_of = codes(told)
    expected = Counter(
        (
            one.number,
            str(one.kind),
            code_of[one.company] if one.company else None,
            one.received_on,
            one.currency,
            one.amount,
            one.fee or None,
            one.base_amount,
            one.rate.normalize(),
            str(one.status),
            one.method,
            one.own_account or None,
            one.payer_account or None,
            one.payer_name or None,
            one.remittance or None,
            one.bank_reference if one.kind is world.ReceiptKind.ACCEPTANCE_BILL else None,
        )
        for one in told.holding.receipts
    )
    found = Counter(
        (
            one.number,
            str(one.kind),
            named(told, one.customer.external_id if one.customer else None),
            one.received_on,
            one.currency,
            one.amount_minor,
            one.fee_minor or None,
            one.base_amount_minor,
            one.exchange_rate.normalize() if one.exchange_rate else None,
            str(one.status),
            one.method,
            one.our_account,
            one.payer_account,
            one.payer_name,
            one.remittance_text,
            one.bank_reference or None,
        )
        for one in told.payments.values()
    )
    assert_same(found, expected)


def test_what_is_open_of_a_receipt_is_what_nothing_was_applied_of(told: Told) -> None:
    held = {one.key for one in told.holding.invoices}
    expected = Counter(
        (one.number, one.amount + one.fee - sum(part.amount for part in one.applied if part.invoice in held))
        for one in told.holding.receipts
        if one.status is world.Status.APPROVED
    )
    found = Counter((one.number, one.open_minor) for one in told.payments.values() if str(one.status) == "approved")
    assert_same(found, expected)


def test_every_application_is_a_write_off(told: Told) -> None:
    numbers = {one.key: one.number for one in told.holding.invoices}
    expected = Counter(
        (one.number, numbers[part.invoice], one.currency, abs(part.amount), part.on, "approved")
        for one in told.holding.receipts
        for part in one.applied
        if part.invoice in numbers
    )
    found = Counter(
        (
            one.payment.number if one.payment else None,
            one.invoice.number,
            one.currency,
            one.amount_minor,
            one.allocated_on,
            str(one.status),
        )
        for one in told.allocations.values()
    )
    assert_same(found, expected)
    for one in told.allocations.values():
        assert one.payment is not None
        assert told.payments[one.payment.external_id or ""].number == one.payment.number
        assert told.invoices[one.invoice.external_id or ""].number == one.invoice.number


def test_balances_of_customers_are_those_of_the_holding(told: Told) -> None:
    code_of = codes(told)
    expected: Counter[tuple[str, str]] = Counter()
    for one in told.holding.invoices:
        if one.status is world.Status.APPROVED:
            expected[code_of[one.company], one.currency] += one.gross
    for money in told.holding.receipts:
        if money.status is world.Status.APPROVED and money.company:
            expected[code_of[money.company], money.currency] -= money.amount + money.fee
    found: Counter[tuple[str, str]] = Counter()
    for invoice in told.invoices.values():
        if str(invoice.status) == "approved":
            found[named(told, invoice.customer.external_id) or "", invoice.currency] += invoice.total_minor
    for payment in told.payments.values():
        if str(payment.status) == "approved" and payment.customer:
            key = named(told, payment.customer.external_id) or "", payment.currency
            found[key] -= payment.amount_minor + (payment.fee_minor or 0)
    assert dict(found) == dict(expected)
    assert len(found) > 10


@pytest.fixture(scope="module")
def sales() -> Told:
    return read_world(11, "efi", customers=30, invoices="sales_invoices", ar_family="efi")


def test_sales_invoices_in_the_place_of_receivables_say_the_same(sales: Told) -> None:
    wanted = (world.InvoiceKind.INVOICE, world.InvoiceKind.CREDIT_NOTE)
    code_of = codes(sales)
    numbers = {one.key: one.number for one in sales.holding.invoices}
    expected = Counter(
        (
            one.number,
            _KINDS[one.kind],
            code_of[one.company],
            one.issued_on,
            one.currency,
            one.gross,
            one.net,
            one.tax,
            one.base_gross,
            str(one.status),
            numbers[one.reverses] if one.reverses else None,
            len(one.lines) or 1,
        )
        for one in sales.holding.invoices
        if one.kind in wanted
    )
    found = Counter(
        (
            one.number,
            str(one.kind),
            named(sales, one.customer.external_id),
            one.issued_on,
            one.currency,
            one.total_minor,
            one.net_minor,
            one.tax_minor,
            one.base_total_minor,
            str(one.status),
            sales.invoices[one.reverses.external_id or ""].number if one.reverses else None,
            len(one.lines or ()),
        )
        for one in sales.invoices.values()
    )
    assert_same(found, expected)
