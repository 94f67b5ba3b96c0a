"""What was loaded is read back through the API and compared with the world, to the fen."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from fxiaoke_desk import Desk

from ledgerbridge.sandbox.world import Holding, SystemName, World, make_world
from ledgerbridge.sandbox.world.amounts import EXPONENTS
from ledgerbridge.sandbox.world.facts import InvoiceKind, Receipt, ReceiptKind, Status

STATUS = {Status.DRAFT: "ineffective", Status.APPROVED: "normal", Status.VOID: "invalid"}


@cache
def _world() -> World:
    return make_world(seed=7, customers=60, months=6, systems=[SystemName.YONYOU_U8, SystemName.FXIAOKE])


@cache
def _desk(refunds_as: str = "RefundObj") -> Desk:
    desk = Desk(ratePerPath="", tokenCallsPerMinute=0, refundsAs=refunds_as)
    desk.emulator.load(_held())
    return desk


def _held() -> Holding:
    return _world().holdings[SystemName.FXIAOKE]


@cache
def _rows(api_name: str, refunds_as: str = "RefundObj") -> dict[str, dict[str, Any]]:
    desk, rows, last = _desk(refunds_as), {}, ""
    while True:
        bound = [("_id", "GT", [last])] if last else []
        page = desk.found(api_name, *bound, orders=[{"fieldName": "_id", "isAsc": True}])
        rows.update({row["_id"]: row for row in page})
        if len(page) < 100:
            return rows
        last = page[-1]["_id"]


def _minor(text: str, currency: str) -> int:
    value = Decimal(text).scaleb(EXPONENTS[currency])
    assert value == value.to_integral_value()
    return int(value)


def _day(ms: int) -> date:
    return datetime.fromtimestamp((ms + 8 * 3_600_000) / 1000, tz=UTC).date()


def _children(api_name: str, field: str, refunds_as: str = "RefundObj") -> dict[str, list[dict[str, Any]]]:
    grouped = defaultdict(list)
    for row in _rows(api_name, refunds_as).values():
        grouped[row[field]].append(row)
    return grouped


def test_the_world_of_these_tests_has_what_they_are_about() -> None:
    held = _held()

    assert {one.kind for one in held.invoices} >= {InvoiceKind.INVOICE, InvoiceKind.CREDIT_NOTE}
    assert {one.kind for one in held.receipts} >= {ReceiptKind.RECEIPT, ReceiptKind.REFUND, ReceiptKind.PREPAYMENT}
    assert len({one.currency for one in held.invoices}) > 1
    assert any(one.fee for one in held.receipts)
    assert {one.status for one in held.invoices} == set(Status)


def test_every_customer_is_an_account() -> None:
    rows = _rows("AccountObj")
    expected = sorted((one.name, one.code, one.credit_code or "") for one in _held().companies)

    found = sorted(
        (row["name"], row.get("account_no", ""), row.get("uniform_social_credit_code", "")) for row in rows.values()
    )
    assert found == expected
    assert not [row for row in rows.values() if "erp_source_id__c" in row]


def test_customers_keep_area_codes_limits_contacts_and_banks() -> None:
    by_name = {row["name"]: row for row in _rows("AccountObj").values()}
    banks = {row["account_id"]: row for row in _rows("AccountFinInfoObj").values()}
    contacts = {row["account_id"]: row for row in _rows("ContactObj").values()}
    for company in _held().companies:
        row = by_name[company.name]
        if company.region_code:
            assert row["district"] == company.region_code
            assert row["district__r"] == company.district
        limit = row.get("credit_limit__c")
        assert (None if limit is None else _minor(limit, company.currency)) == company.credit_limit
        assert _day(row["opened_on__c"]) == company.opened_on
        if company.contact:
            assert contacts[row["_id"]]["name"] == company.contact
        if company.bank_account:
            assert banks[row["_id"]]["account_bank_no"] == company.bank_account


def test_every_receivable_is_exact() -> None:
    accounts = _rows("AccountObj")
    names = defaultdict(set)
    for company in _held().companies:
        names[company.key].add(company.name)
    bills = sorted(_rows("ar_bill__c").values(), key=lambda row: (row["name"], row["amount__c"], row["create_time"]))
    by_number = defaultdict(list)
    for row in bills:
        by_number[row["name"]].append(row)

    assert len(bills) == len(_held().invoices)
    for invoice in _held().invoices:
        money = {
            name: _minor(row[f"{name}_amount__c" if name != "gross" else "amount__c"], row["mc_currency"])
            for row in by_number[invoice.number]
            for name in ("gross", "net", "tax", "open")
            if _is(row, invoice)
        }
        assert money == {
            "gross": invoice.gross,
            "net": invoice.net,
            "tax": invoice.tax,
            "open": invoice.open_amount,
        }
        row = next(row for row in by_number[invoice.number] if _is(row, invoice))
        assert accounts[row["account__c"]]["name"] in names[invoice.company]
        assert _minor(row["base_amount__c"], "CNY") == invoice.base_gross
        assert Decimal(row["mc_exchange_rate"]) == invoice.rate
        assert row.get("tax_invoice_no__c") == invoice.tax_invoice_number
        assert _day(row["bill_date__c"]) == invoice.issued_on
        assert (_day(row["due_date__c"]) if "due_date__c" in row else None) == invoice.due_on
        assert row["life_status"] == STATUS[invoice.status]
        assert row["last_modified_time"] == int(invoice.modified_at.timestamp() * 1000)


def _is(row: dict[str, Any], invoice: Any) -> bool:
    """A number held twice is told apart by amount, currency and stamp."""
    return (
        row["mc_currency"] == invoice.currency
        and _minor(row["amount__c"], invoice.currency) == invoice.gross
        and row["create_time"] == int(invoice.created_at.timestamp() * 1000)
    )


def test_a_credit_note_points_at_what_it_reverses() -> None:
    bills = _rows("ar_bill__c")
    numbers = {invoice.key: invoice.number for invoice in _held().invoices}
    notes = [one for one in _held().invoices if one.reverses in numbers]

    assert notes
    for note in notes:
        row = next(row for row in bills.values() if row["name"] == note.number and _is(row, note))
        assert bills[row["reverses__c"]]["name"] == numbers[note.reverses or ""]
        assert row["amount__c"].startswith("-")


def _expected_lines(receipt: Receipt) -> list[int]:
    unapplied = receipt.amount + receipt.fee - sum(part.amount for part in receipt.applied)
    return sorted([*(part.amount for part in receipt.applied), *filter(None, (unapplied, -receipt.fee))])


@pytest.mark.parametrize("refunds_as", ["RefundObj", "PaymentObj"])
def test_every_payment_and_its_lines_are_exact(refunds_as: str) -> None:
    rows = _rows("PaymentObj", refunds_as)
    lines = _children("OrderPaymentObj", "payment_id", refunds_as)
    kinds = set(ReceiptKind) - ({ReceiptKind.REFUND} if refunds_as == "RefundObj" else set())
    expected = [one for one in _held().receipts if one.kind in kinds]
    by_name = defaultdict(list)
    for row in rows.values():
        by_name[row["name"]].append(row)

    assert len(rows) == len(expected)
    for receipt in expected:
        row = next(
            row
            for row in by_name[receipt.number]
            if _minor(row["payment_amount"], row["mc_currency"]) == receipt.amount
            and row["create_time"] == int(receipt.created_at.timestamp() * 1000)
        )
        assert row["mc_currency"] == receipt.currency
        assert _minor(row.get("bank_fee__c", "0"), receipt.currency) == receipt.fee
        assert _minor(row["base_amount__c"], "CNY") == receipt.base_amount
        assert _day(row["payment_time"]) == receipt.received_on
        assert row["life_status"] == STATUS[receipt.status]
        amounts = sorted(_minor(line["payment_amount"], receipt.currency) for line in lines[row["_id"]])
        assert amounts == _expected_lines(receipt)
        assert {line["life_status"] for line in lines[row["_id"]]} <= {row["life_status"]}


def test_lines_settle_the_worlds_documents() -> None:
    bills, payments = _rows("ar_bill__c"), _rows("PaymentObj")
    numbers = {invoice.key: invoice.number for invoice in _held().invoices}
    expected = sorted(
        (receipt.number, numbers[part.invoice], part.amount, part.on)
        for receipt in _held().receipts
        if receipt.kind is not ReceiptKind.REFUND
        for part in receipt.applied
    )

    found = sorted(
        (
            payments[line["payment_id"]]["name"],
            bills[line["receivable__c"]]["name"],
            _minor(line["payment_amount"], line["mc_currency"]),
            _day(line["applied_on__c"]),
        )
        for line in _rows("OrderPaymentObj").values()
        if line["line_kind__c"] == "option1"
    )
    assert found == expected


def test_refunds_keep_their_sign_and_what_they_settle() -> None:
    bills = _rows("ar_bill__c")
    lines = _children("refund_line__c", "refund__c")
    numbers = {invoice.key: invoice.number for invoice in _held().invoices}
    refunds = {one.number: one for one in _held().receipts if one.kind is ReceiptKind.REFUND}

    assert len(_rows("RefundObj")) == len(refunds)
    for row in _rows("RefundObj").values():
        receipt = refunds[row["name"]]
        assert _minor(row["refunded_amount"], row["mc_currency"]) == receipt.amount < 0
        settled = sorted(
            (bills[one["receivable__c"]]["name"], _minor(one["amount__c"], receipt.currency))
            for one in lines[row["_id"]]
        )
        assert settled == sorted((numbers[part.invoice], part.amount) for part in receipt.applied)


def test_orders_and_applications_carry_the_invoices() -> None:
    orders = _rows("SalesOrderObj")
    bills = _rows("ar_bill__c")
    applied = _rows("InvoiceApplicationObj")
    by_application = _children("InvoiceApplicationLinesObj", "invoice_id")

    assert {row["name"] for row in orders.values()} == {
        one.order_number for one in _held().invoices if one.order_number
    }
    kinds = (InvoiceKind.INVOICE, InvoiceKind.CREDIT_NOTE)
    assert len(applied) == len([one for one in _held().invoices if one.kind in kinds])
    for row in applied.values():
        bill = bills[row["receivable__c"]]
        assert row["invoice_applied_amount"] == bill["amount__c"]
        assert sum(Decimal(one["invoiced_amount"]) for one in by_application[row["_id"]]) == Decimal(bill["amount__c"])
        assert sum(Decimal(one["tax_amount"]) for one in by_application[row["_id"]]) == Decimal(bill["tax_amount__c"])
        assert row["account_id"] == bill["account__c"]


def test_order_totals_follow_the_sheets_arithmetic() -> None:
    orders = _rows("SalesOrderObj")
    products = _children("SalesOrderProductObj", "order_id")
    bills = defaultdict(list)
    for row in _rows("ar_bill__c").values():
        if "sales_order__c" in row:
            bills[row["sales_order__c"]].append(row)
    paid = defaultdict(Decimal)
    for line in _rows("OrderPaymentObj").values():
        if "order_id" in line and line["life_status"] == "normal":
            paid[line["order_id"]] += Decimal(line["payment_amount"])

    for row_id, row in orders.items():
        live = [bill for bill in bills[row_id] if bill["life_status"] != "invalid"] or bills[row_id]
        assert Decimal(row["order_amount"]) == sum(Decimal(bill["amount__c"]) for bill in live)
        assert Decimal(row["payment_amount"]) == paid[row_id]
        owed = Decimal(row["order_amount"]) - Decimal(row["payment_amount"]) + Decimal(row["refund_amount"])
        assert Decimal(row["receivable_amount"]) == owed
        assert Decimal(row["no_invoice_amount"]) == Decimal(row["order_amount"]) - Decimal(row["invoice_amount"])
        if row["life_status"] == "normal":
            assert sum(Decimal(one["subtotal"]) for one in products[row_id]) == Decimal(row["product_amount"])


def test_foreign_documents_need_multi_currency() -> None:
    with pytest.raises(ValueError, match="multiCurrency"):
        Desk(multiCurrency=False).emulator.load(_held())


def test_a_receipt_for_a_document_nobody_holds_is_refused() -> None:
    held = _held()
    settled = {part.invoice for one in held.receipts for part in one.applied}
    fewer = tuple(one for one in held.invoices if one.key not in settled)

    with pytest.raises(ValueError, match="is not held"):
        Desk().emulator.load(Holding(held.system, held.companies, fewer, held.receipts))
