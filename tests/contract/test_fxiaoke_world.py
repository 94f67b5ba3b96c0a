"""A whole world, read over a socket and mapped, is what the holding says: to the fen, record by record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fxiaoke_side import connected, inbound

from ledgerbridge.mapping.apply import Mapped
from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice, InvoiceKind, ReferenceKind
from ledgerbridge.model.payment import Payment
from ledgerbridge.sandbox.fxiaoke.app import create
from ledgerbridge.sandbox.world import Holding, SystemName, make_world
from ledgerbridge.sandbox.world import facts as world
from ledgerbridge.testing.fakes import FakeClock

SEEDS = (1, 7, 20260131)
_KINDS = {
    world.InvoiceKind.INVOICE: "invoice",
    world.InvoiceKind.CREDIT_NOTE: "credit_note",
    world.InvoiceKind.OPENING_BALANCE: "opening_balance",
    world.InvoiceKind.OTHER_RECEIVABLE: "adjustment",
}


@dataclass(frozen=True)
class Told:
    """What the connector and its mappings make of a holding, by external id."""

    holding: Holding
    customers: dict[str, Customer]
    invoices: dict[str, Invoice]
    payments: dict[str, Payment]
    notices: list[str]


def _told(seed: int, *, auth_style: str = "header", **switches: Any) -> Told:
    holding = make_world(seed=seed, customers=60, months=6, systems=(SystemName.FXIAOKE,)).holdings[SystemName.FXIAOKE]
    emulator = create(switches={"ratePerPath": "", **switches})
    emulator.load(holding)
    found: dict[Kind, dict[str, Any]] = {}
    notices: list[str] = []
    with connected(emulator, FakeClock(datetime.now(UTC)), auth_style=auth_style) as connector:
        for kind in connector.capabilities.reads:
            of_kind = found.setdefault(kind, {})
            for page in connector.pull(kind, cursor=None, limit=100):
                assert page.unreadable == ()
                for raw in page.records:
                    mapped = inbound(kind, raw.wire_type)(raw.payload())
                    assert isinstance(mapped, Mapped), f"{raw.wire_type} {raw.external_id}: {mapped}"
                    assert raw.external_id not in of_kind
                    of_kind[raw.external_id] = mapped.value
                    notices += [str(notice) for notice in mapped.notices]
            assert sorted(key for page in connector.keys(kind) for key in page) == sorted(of_kind)
    return Told(holding, found[Kind.CUSTOMER], found[Kind.INVOICE], found[Kind.PAYMENT], notices)


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed {seed}")
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    return _told(request.param)


def assert_same(found: Counter[Any], expected: Counter[Any]) -> None:
    """Equal, shown by what is in one of them only."""
    assert sorted(map(str, found - expected)) == sorted(map(str, expected - found))
    assert found.total() == expected.total() > 0


def _name_of(told: Told, company: str | None) -> tuple[str | None, str] | None:
    """Code and name of the record that stands for a customer: the first, where it was entered twice."""
    held = next((one for one in told.holding.companies if one.key == company), None)
    return None if held is None else (held.code or None, held.name.strip())  # blanks at the ends go


def _named(told: Told, external_id: str | None) -> tuple[str | None, str] | None:
    if external_id is None:
        return None
    customer = told.customers[external_id]
    return customer.code, customer.name


def test_every_customer_is_there_with_all_that_the_crm_holds(told: Told) -> None:
    expected = Counter(
        (
            one.code or None,
            one.name.strip(),
            one.short_name or None,
            one.credit_code,
            one.currency,
            one.credit_limit,
            one.credit_days,
            one.opened_on,
            one.disabled_on,
            "disabled" if one.disabled_on else "active",
            one.bank_account or None,
            one.bank_name or None,
            one.contact or None,
            one.province or None,
            one.city or None,
            one.district or None,
            one.address or None,
            one.remark or None,
            one.class_code or None,
            one.industry or None,
            "\n".join(one.payers) or None,
        )
        for one in told.holding.companies
    )
    found = Counter(
        (
            one.code,
            one.name,
            one.short_name,
            one.tax_number,
            one.currency,
            one.credit_limit_minor,
            one.credit_days,
            one.opened_on,
            one.disabled_on,
            one.status.value,
            one.bank_accounts[0].account if one.bank_accounts else None,
            one.bank_accounts[0].bank if one.bank_accounts else None,
            one.contacts[0].name if one.contacts else None,
            one.addresses[0].province,
            one.addresses[0].city,
            one.addresses[0].district,
            one.addresses[0].street,
            one.remark,
            one.category,
            one.industry,
            one.custom.get("payer_names__c"),
        )
        for one in told.customers.values()
    )
    assert_same(found, expected)


def test_credit_codes_are_those_that_are_valid_and_the_others_are_said(told: Told) -> None:
    for one in told.customers.values():
        assert one.credit_code in (None, one.tax_number)
    bad = sum(1 for one in told.customers.values() if one.tax_number and one.credit_code is None)
    said = [notice for notice in told.notices if notice.startswith("credit_code")]
    assert len(said) == bad > 0


def test_every_invoice_is_there_to_the_fen(told: Told) -> None:
    numbers = {one.key: one.number for one in told.holding.invoices}
    expected = Counter(
        (
            one.number,
            _KINDS[one.kind],
            _name_of(told, one.company),
            one.issued_on,
            one.due_on,
            one.currency,
            one.gross,
            one.net,
            one.tax,
            one.base_gross,
            one.open_amount,
            one.rate,
            one.status.value,
            (one.tax_invoice_code, one.tax_invoice_number),
            (one.order_number or None, one.contract_number or None),
            numbers.get(one.reverses or ""),
            (one.salesperson_code or None, one.department_code or None, one.remark or None),
        )
        for one in told.holding.invoices
    )
    found = Counter(
        (
            one.number,
            one.kind.value,
            _named(told, one.customer.external_id),
            one.issued_on,
            one.due_on,
            one.currency,
            one.total_minor,
            one.net_minor,
            one.tax_minor,
            one.base_total_minor,
            one.open_minor,
            one.exchange_rate,
            one.status.value,
            (one.tax_invoices[0].code, one.tax_invoices[0].number) if one.tax_invoices else (None, None),
            (_reference(one, ReferenceKind.ORDER), _reference(one, ReferenceKind.CONTRACT)),
            told.invoices[one.reverses.external_id].number if one.reverses and one.reverses.external_id else None,
            (one.salesperson, one.department, one.remark),
        )
        for one in told.invoices.values()
    )
    assert_same(found, expected)


def _reference(invoice: Invoice, kind: ReferenceKind) -> str | None:
    return next((one.number for one in invoice.references if one.kind is kind), None)


def test_every_payment_and_refund_is_there_to_the_fen(told: Told) -> None:
    numbers = {one.key: one.number for one in told.holding.invoices}
    expected = Counter(
        (
            one.number,
            one.kind.value,
            _name_of(told, one.company),
            one.received_on,
            one.currency,
            one.amount,
            one.fee or None,
            one.base_amount,
            one.rate,
            one.status.value,
            (one.payer_name or None, one.payer_account or None, one.payer_bank or None),
            (one.remittance or None, one.bank_reference or None, one.own_account or None),
            {"网银转账": "网上银行"}.get(one.method, one.method) or None,
            tuple(sorted((numbers[part.invoice], part.amount, part.on) for part in one.applied)),
        )
        for one in map(_as_lines_stand, told.holding.receipts)
    )
    found = Counter(
        (
            one.number,
            one.kind.value,
            _named(told, one.customer.external_id if one.customer else None),
            one.received_on,
            one.currency,
            one.amount_minor,
            one.fee_minor,
            one.base_amount_minor,
            one.exchange_rate,
            one.status.value,
            (one.payer_name, one.payer_account, one.payer_bank),
            (one.remittance_text, one.bank_reference, one.our_account),
            one.method,
            tuple(sorted(_allocation(told, part) for part in one.allocations or ())),
        )
        for one in told.payments.values()
    )
    assert_same(found, expected)


def _as_lines_stand(receipt: world.Receipt) -> world.Receipt:
    """The lines of a void payment are void with it."""
    return replace(receipt, applied=()) if receipt.status is world.Status.VOID else receipt


def _allocation(told: Told, part: Any) -> tuple[str, int, Any]:
    invoice = told.invoices[part.invoice.external_id]
    assert part.invoice.number == invoice.number
    return invoice.number, part.amount_minor, part.allocated_on


def test_what_a_payment_settles_and_leaves_open_is_what_it_brought(told: Told) -> None:
    for one in told.payments.values():
        if one.status.value != "void" and one.amount_minor > 0:
            settled = sum(part.amount_minor for part in one.allocations or ())
            assert settled + (one.open_minor or 0) - (one.fee_minor or 0) == one.amount_minor


@pytest.mark.parametrize(
    "ways",
    [
        {"auth_style": "legacy"},
        {"idStyle": "32", "versionForm": "number"},
        {"refundsAs": "PaymentObj"},
        {"hideInvalid": False, "emptyText": "null"},
    ],
    ids=["legacy sign-in", "old ids", "refunds as payments", "no empty texts"],
)
def test_the_money_is_the_same_however_the_tenant_is_set_up(ways: dict[str, Any]) -> None:
    one, other = _told(7), _told(7, **ways)
    for kind in ("invoices", "payments"):
        sums = [Counter(_money(record) for record in getattr(told, kind).values()) for told in (one, other)]
        assert sums[0] == sums[1]


def _money(record: Invoice | Payment) -> tuple[Any, ...]:
    amount = record.total_minor if isinstance(record, Invoice) else record.amount_minor
    return record.number, record.kind.value, record.currency, amount, record.status.value


def test_invoice_applications_can_be_the_invoices() -> None:
    holding = make_world(seed=7, customers=60, months=6, systems=(SystemName.FXIAOKE,)).holdings[SystemName.FXIAOKE]
    emulator = create(switches={"ratePerPath": ""})
    emulator.load(holding)
    found = []
    with connected(
        emulator, FakeClock(datetime.now(UTC)), invoice_object="InvoiceApplicationObj", source_id_field=None
    ) as connector:
        connector.check()
        for page in connector.pull(Kind.INVOICE, cursor=None, limit=100):
            for raw in page.records:
                mapped = inbound(Kind.INVOICE, raw.wire_type)(raw.payload())
                assert isinstance(mapped, Mapped), str(mapped)
                found.append(mapped.value)
    held = [one for one in holding.invoices if one.kind in (world.InvoiceKind.INVOICE, world.InvoiceKind.CREDIT_NOTE)]
    assert Counter(
        (
            one.currency,
            one.total_minor,
            one.issued_on,
            one.status.value,
            one.kind is InvoiceKind.CREDIT_NOTE,
            one.tax_invoices[0].number if one.tax_invoices else None,
            sum(line.total_minor for line in one.lines),
        )
        for one in found
    ) == Counter(
        (
            one.currency,
            one.gross,
            one.issued_on,
            one.status.value,
            one.kind is world.InvoiceKind.CREDIT_NOTE,
            one.tax_invoice_number,
            one.gross if one.status is not world.Status.VOID else 0,
        )
        for one in held
    )
    assert all(one.net_minor + one.tax_minor == one.total_minor for one in found if one.status.value != "void")
