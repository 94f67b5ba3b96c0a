"""A whole world through emulator, socket, connector and mappings, compared with what the CRM holds, to the fen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from zoho_crm_desk import connected

from ledgerbridge.clock import DEFAULT_ZONE
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.mapping.apply import Context, Mapped, compile_inbound
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import DocumentStatus, Invoice
from ledgerbridge.model.payment import Payment
from ledgerbridge.sandbox.web import serve
from ledgerbridge.sandbox.world import Holding, SystemName, make_world
from ledgerbridge.sandbox.world.facts import Status
from ledgerbridge.sandbox.zoho_crm import create

SEEDS = (1, 7, 20260331)


def records(crm: ZohoCrm, kind: Kind, name: str) -> dict[str, Any]:
    """Every record of a kind, mapped, by its id; a record that the mapping refuses fails the test."""
    file = files("ledgerbridge.connectors.zoho_crm") / "mappings" / name
    inbound = compile_inbound(load_mapping(file.read_text("utf-8"), name), Context(DEFAULT_ZONE, "CNY", {}))
    found = {}
    for page in crm.pull(kind, cursor=None, limit=200):
        assert page.unreadable == ()
        for raw in page.records:
            outcome = inbound(raw.payload())
            assert isinstance(outcome, Mapped), f"{raw.external_id}: {outcome}"
            found[raw.external_id] = outcome.value
    return found


def spelled(name: str) -> str:
    """A name as mappings read it: blanks at both ends go, which people leave there."""
    return name.strip()


class Read:
    """A holding, and what was read of it."""

    def __init__(self, holding: Holding, crm: ZohoCrm) -> None:
        self.holding = holding
        self.customers: dict[str, Customer] = records(crm, Kind.CUSTOMER, "customer.Accounts.yaml")
        self.invoices: dict[str, Invoice] = records(crm, Kind.INVOICE, "invoice.Invoices.yaml")
        self.payments: dict[str, Payment] = records(crm, Kind.PAYMENT, "payment.Payments.yaml")


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed {seed}", scope="module")
def read(request: pytest.FixtureRequest) -> Iterator[Read]:
    world = make_world(seed=request.param, customers=60, months=6, systems=(SystemName.ZOHO_CRM,))
    emulator = create()
    emulator.load(world.holdings[SystemName.ZOHO_CRM])
    with serve(emulator) as running, connected(running, invoice_lines=True, contacts=True) as crm:
        yield Read(world.holdings[SystemName.ZOHO_CRM], crm)
        assert running.failures == []


def test_every_customer_comes_with_its_name_code_and_terms(read: Read) -> None:
    held = Counter(
        (
            one.code or None,
            spelled(one.name),
            one.currency,
            one.credit_limit,
            one.credit_days,
            one.opened_on,
            one.disabled_on,
        )
        for one in read.holding.companies
    )
    found = Counter(
        (one.code, one.name, one.currency, one.credit_limit_minor, one.credit_days, one.opened_on, one.disabled_on)
        for one in read.customers.values()
    )
    assert found == held
    assert Counter(one.tax_number for one in read.customers.values()) == Counter(
        one.credit_code or None for one in read.holding.companies
    )
    assert sum(1 for one in read.customers.values() if any(contact.name for contact in one.contacts)) == sum(
        1 for one in read.holding.companies if one.contact
    )


def test_every_invoice_comes_with_its_money_dates_status_and_customer(read: Read) -> None:
    names = {one.key: spelled(one.name) for one in reversed(read.holding.companies)}
    held = Counter(
        (
            one.number, str(one.kind).replace("other_receivable", "adjustment"), names[one.company], one.issued_on,
            one.due_on, one.currency, one.gross, one.net, one.tax, one.base_gross, one.open_amount,
            Decimal(one.rate).normalize(), str(one.status), one.tax_invoice_number or None, one.order_number or None,
        )
        for one in read.holding.invoices
    )  # fmt: skip
    found = Counter(
        (
            one.number, str(one.kind), one.customer.name, one.issued_on, one.due_on, one.currency, one.total_minor,
            one.net_minor, one.tax_minor, one.base_total_minor, one.open_minor,
            None if one.exchange_rate is None else one.exchange_rate.normalize(), str(one.status),
            one.tax_invoices[0].number if one.tax_invoices else None,
            next((ref.number for ref in one.references if ref.kind == "order"), None),
        )
        for one in read.invoices.values()
    )  # fmt: skip
    assert found == held
    assert {one.customer.external_id for one in read.invoices.values()} <= set(read.customers)


def test_credit_notes_name_what_they_reverse(read: Read) -> None:
    numbers = {one.key: one.number for one in read.holding.invoices}
    held = Counter((one.number, numbers.get(one.reverses)) for one in read.holding.invoices if one.reverses in numbers)
    found = Counter(
        (one.number, read.invoices[one.reverses.external_id or ""].number)
        for one in read.invoices.values()
        if one.reverses is not None
    )
    assert found == held


def test_lines_add_up_to_their_invoice(read: Read) -> None:
    for one in read.invoices.values():
        assert one.lines
        assert sum(line.total_minor or 0 for line in one.lines) == one.total_minor
        assert sum(line.net_minor or 0 for line in one.lines) == one.net_minor


def test_the_parts_of_a_receipt_are_the_receipt_and_settle_what_it_settled(read: Read) -> None:
    held_numbers = {one.key: one.number for one in read.holding.invoices}
    names = {one.key: spelled(one.name) for one in reversed(read.holding.companies)}
    held = Counter(
        (one.number, str(one.kind), names.get(one.company or ""), one.received_on, one.currency, str(one.status))
        for one in read.holding.receipts
    )
    first_parts = {}
    for record_id, one in read.payments.items():
        assert one.part == record_id
        first_parts.setdefault((one.number, one.customer and one.customer.external_id, one.received_on), one)
    found = Counter(
        (one.number, str(one.kind), one.customer and one.customer.name, one.received_on, one.currency, str(one.status))
        for one in first_parts.values()
    )
    assert set(found) == set(held)
    money: Counter[tuple[str, str]] = Counter()
    for receipt in read.holding.receipts:
        money[receipt.number, receipt.currency] += receipt.amount + receipt.fee
    read_money: Counter[tuple[str, str]] = Counter()
    for one in read.payments.values():
        read_money[one.number, one.currency] += one.amount_minor
    assert read_money == money
    applied = Counter(
        (receipt.number, held_numbers[part.invoice], part.amount, part.on)
        for receipt in read.holding.receipts
        for part in receipt.applied
        if part.invoice in held_numbers
    )
    allocated = Counter(
        (one.number, read.invoices[part.invoice.external_id or ""].number, part.amount_minor, part.allocated_on)
        for one in read.payments.values()
        for part in one.allocations or ()
    )
    assert allocated == applied


def test_every_customers_balance_is_the_holdings(read: Read) -> None:
    keys = {one.key: spelled(one.name) for one in reversed(read.holding.companies)}
    held: Counter[tuple[str | None, str]] = Counter()
    for invoice in read.holding.invoices:
        if invoice.status is Status.APPROVED:
            held[keys[invoice.company], invoice.currency] += invoice.gross
    for receipt in read.holding.receipts:
        if receipt.status is Status.APPROVED:
            held[keys[receipt.company or ""], receipt.currency] -= receipt.amount + receipt.fee
    found: Counter[tuple[str | None, str]] = Counter()
    for one in read.invoices.values():
        if one.status is DocumentStatus.APPROVED:
            found[one.customer.name, one.currency] += one.total_minor
    for payment in read.payments.values():
        if payment.status is DocumentStatus.APPROVED:
            assert payment.customer is not None
            found[payment.customer.name, payment.currency] -= payment.amount_minor
    assert {key: minor for key, minor in found.items() if minor} == {key: minor for key, minor in held.items() if minor}
