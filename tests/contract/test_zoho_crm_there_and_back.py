"""Canonical records written through the mappings, and read back, say the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from zoho_crm_desk import SYSTEM, connected

from ledgerbridge.bootstrap import built_in_mapping
from ledgerbridge.clock import DEFAULT_ZONE
from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.mapping.apply import Context, Mapped, MappedOut, compile_inbound, compile_outbound
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import DocumentStatus, Invoice, InvoiceKind, InvoiceLine, TaxInvoiceNumber
from ledgerbridge.model.party import Address, BankAccount, DocumentRef, PartyRef
from ledgerbridge.model.payment import AllocatedTo, Payment, PaymentKind
from ledgerbridge.model.raw import Receipt
from ledgerbridge.sandbox.web import serve
from ledgerbridge.sandbox.zoho_crm import ZohoCrmEmulator, create

CONTEXT = Context(DEFAULT_ZONE, "CNY", {})
FILES = {
    Kind.CUSTOMER: "customer.Accounts.yaml",
    Kind.INVOICE: "invoice.Invoices.yaml",
    Kind.PAYMENT: "payment.Payments.yaml",
}


class Desk:
    def __init__(self, far: ZohoCrmEmulator, crm: ZohoCrm) -> None:
        self.far = far
        self.crm = crm

    def spec(self, kind: Kind) -> Any:
        spec = built_in_mapping("zoho_crm", FILES[kind])
        assert spec is not None
        return spec

    def written(self, kind: Kind, record: Any) -> tuple[str, Any]:
        """The id and what is read back."""
        out = compile_outbound(self.spec(kind), CONTEXT)(record, changed=None, creating=True)
        assert isinstance(out, MappedOut), out
        entity = f"{kind} {record.code if kind is Kind.CUSTOMER else record.number}"
        change = Change(action=Action.CREATE, system=SYSTEM, kind=kind, entity=entity, because="a test")
        [receipt] = self.crm.push([Write(change, out.body)])
        assert isinstance(receipt, Receipt), receipt
        [raw] = self.crm.find(kind, change.key)
        outcome = compile_inbound(self.spec(kind), CONTEXT)(raw.payload())
        assert isinstance(outcome, Mapped), outcome
        return receipt.ref.external_id, outcome.value


@pytest.fixture
def desk() -> Iterator[Desk]:
    far = create()
    far.discard("invoice", far.seed("invoice", 1)[0])  # leaves a product behind
    with serve(far) as running:
        with connected(running, invoice_lines=True) as crm:
            yield Desk(far, crm)
        assert running.failures == []


def kept(sent: Any, back: Any, *, but: frozenset[str] = frozenset()) -> None:
    """Everything that was said is read back as it was said."""
    given = sent.model_fields_set - but
    assert {name: getattr(back, name) for name in given} == {name: getattr(sent, name) for name in given}


CUSTOMER = Customer(
    code="C-1",
    name="苏州恒远机械制造有限公司",
    short_name="恒远",
    tax_number=None,
    industry="机械",
    currency="CNY",
    credit_currency="CNY",
    credit_limit_minor=50_000_001,
    credit_days=60,
    phone="+8651262881234",
    email="a@example.invalid",
    addresses=(
        Address(purpose="main", country="中国", province="江苏省", city="苏州市", district="园区"),
    ),
    bank_accounts=(BankAccount(bank="工商银行", account="0012345678", primary=True),),
    opened_on=date(2019, 4, 1),
    remark="两行\n备注",
)  # fmt: skip


def test_a_customer(desk: Desk) -> None:
    _, back = desk.written(Kind.CUSTOMER, CUSTOMER)
    kept(CUSTOMER, back, but=frozenset({"tax_number"}))


def test_an_invoice_in_dollars_with_lines(desk: Desk) -> None:
    account, _ = desk.written(Kind.CUSTOMER, CUSTOMER)
    line = InvoiceLine(
        item_code="SEED-P", item_name="轴承", unit="件", quantity=Decimal(3), unit_price=Decimal("33.3333"),
        tax_rate=Decimal("0.13"), net_minor=10_000, tax_minor=1_300, total_minor=11_300,
    )  # fmt: skip
    invoice = Invoice(
        number="XS-1",
        kind=InvoiceKind.INVOICE,
        tax_invoices=(TaxInvoiceNumber(number="26322000000123456789"),),
        customer=PartyRef(external_id=account),
        issued_on=date(2026, 3, 5),
        due_on=date(2026, 5, 4),
        currency="USD",
        total_minor=11_300,
        net_minor=10_000,
        tax_minor=1_300,
        exchange_rate=Decimal("7.2345"),
        base_currency="CNY",
        base_total_minor=81_750,
        open_minor=1_300,
        status=DocumentStatus.APPROVED,
        salesperson="S003",
        lines=(line,),
    )
    _, back = desk.written(Kind.INVOICE, invoice)
    kept(invoice, back, but=frozenset({"customer", "tax_invoices"}))
    assert back.customer.external_id == account
    assert [one.number for one in back.tax_invoices] == ["26322000000123456789"]


def test_a_credit_note_and_a_part_of_a_receipt(desk: Desk) -> None:
    account, _ = desk.written(Kind.CUSTOMER, CUSTOMER)
    note = Invoice(
        number="HZ-1", kind=InvoiceKind.CREDIT_NOTE, customer=PartyRef(external_id=account), issued_on=date(2026, 3, 6),
        currency="CNY", total_minor=-5_000, open_minor=0, status=DocumentStatus.APPROVED,
        lines=(InvoiceLine(item_code="SEED-P", quantity=Decimal(-1), unit_price=Decimal(50), total_minor=-5_000),),
    )  # fmt: skip
    invoice_id, back = desk.written(Kind.INVOICE, note)
    kept(note, back, but=frozenset({"customer", "lines"}))  # Zoho fills in what a line leaves open
    assert [one.total_minor for one in back.lines] == [-5_000]
    part = AllocatedTo(invoice=DocumentRef(external_id=invoice_id), amount_minor=-5_000, allocated_on=date(2026, 3, 7))
    refund = Payment(
        number="SK-1", kind=PaymentKind.REFUND, customer=PartyRef(external_id=account), received_on=date(2026, 3, 7),
        currency="CNY", amount_minor=-5_000, exchange_rate=Decimal(1), method="电汇", bank_reference="0001",
        remittance_text="退款", status=DocumentStatus.APPROVED, allocations=(part,),
    )  # fmt: skip
    _, paid = desk.written(Kind.PAYMENT, refund)
    kept(refund, paid, but=frozenset({"customer", "allocations"}))
    [settled] = paid.allocations
    assert (settled.invoice.external_id, settled.amount_minor, settled.allocated_on) == (
        invoice_id, -5_000, date(2026, 3, 7)
    )  # fmt: skip
