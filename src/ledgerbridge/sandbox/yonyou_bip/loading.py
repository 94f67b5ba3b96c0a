"""Takes in a world's holding: archives, sales invoices, receivables, receipts and their write-offs."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.world.facts import (
    Applied,
    Company,
    Holding,
    Invoice,
    InvoiceKind,
    Receipt,
    ReceiptKind,
    Status,
)

from . import writeoff
from .balances import CREDIT_TABLE
from .categories import new_category
from .documents import ZERO, Kind
from .ledger import Ledger
from .loading_documents import receipt_row, receivable_row, sales_row
from .merchants import new_customer
from .people import kinds_of
from .sales import TABLE as SALES_TABLE
from .wire import day, major, stamp, text_of


@dataclass(slots=True)
class _Placed:
    """Which ids the holding's keys got."""

    companies: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, str] = field(default_factory=dict)
    sales: dict[str, str] = field(default_factory=dict)


def load(ledger: Ledger, holding: Holding) -> None:
    """Put a holding on record in the active family. ValueError for a document of a customer the holding lacks."""
    receivable, receipt = kinds_of(ledger)
    placed = _Placed()
    for company in holding.companies:
        row_id = put_company(ledger, company)
        placed.companies.setdefault(company.key, row_id)  # held twice: documents go to the first
    for invoice in holding.invoices:
        _put_invoice(ledger, receivable, invoice, placed)
    paid: dict[str, int] = {}
    for money in holding.receipts:
        customer = None if money.company is None else _company_id(placed, money.company, money.number)
        row_id = put_receipt(ledger, receipt, money, customer)
        # netted credit notes first: they make room for what the receipt applies beyond its own amount
        for part in sorted(money.applied, key=lambda one: one.amount):
            if part.invoice in placed.invoices:  # what is not held here cannot be settled here
                paid[part.invoice] = paid.get(part.invoice, 0) + part.amount
                _apply(ledger, (receivable, receipt), money, part, placed.invoices[part.invoice], row_id)
        if money.status is Status.VOID:
            writeoff.settle_to(ledger, receipt, row_id, ZERO)
    for invoice in holding.invoices:
        if invoice.open_amount != invoice.gross - paid.get(invoice.key, 0):
            wanted = major(invoice.open_amount, invoice.currency)
            writeoff.settle_to(ledger, receivable, placed.invoices[invoice.key], wanted)


def _company_id(placed: _Placed, key: str, number: str) -> str:
    if key not in placed.companies:
        raise ValueError(f"document {number}: the holding has no company {key}")
    return placed.companies[key]


def _put_invoice(ledger: Ledger, kind: Kind, invoice: Invoice, placed: _Placed) -> None:
    customer = _company_id(placed, invoice.company, invoice.number)
    placed.invoices[invoice.key] = put_invoice(ledger, kind, invoice, customer)
    if invoice.kind in (InvoiceKind.INVOICE, InvoiceKind.CREDIT_NOTE):
        blue = placed.sales.get(invoice.reverses or "")
        row = sales_row(ledger, invoice, customer, blue)
        ledger.books.put(SALES_TABLE, row["id"], row)
        placed.sales[invoice.key] = row["id"]
        if blue and invoice.status is Status.APPROVED:
            ledger.books.update(SALES_TABLE, blue, {"isIssueRedInvoice": True})


def _apply(
    ledger: Ledger, kinds: tuple[Kind, Kind], money: Receipt, part: Applied, invoice_id: str, receipt_id: str
) -> None:
    amount = major(part.amount, money.currency)
    verify_type = writeoff.REFUND if money.kind is ReceiptKind.REFUND else writeoff.RECEIPT_TO_RECEIVABLE
    writeoff.record(
        ledger,
        debit=writeoff.Side(kinds[0], invoice_id, amount),
        credit=writeoff.Side(kinds[1], receipt_id, amount),
        on=day(part.on),
        verify_type=verify_type,
        at=stamp(money.modified_at),
        force=True,
    )


def put_company(ledger: Ledger, company: Company) -> str:
    """One customer with its class, details and credit line; returns its id."""
    class_id = ledger.books.find("category", "code", company.class_code)
    if class_id is None:
        class_id = new_category(ledger, company.class_code, company.class_name, stamp(company.created_at))["id"]
    row_id = ledger.new_id("merchant")
    row = {
        **new_customer(row_id, stamp(company.created_at)),
        "code": company.code,
        "name": {"simplifiedName": company.name},
        "shortname": {"simplifiedName": company.short_name},
        "customerClassId": class_id,
        "customerClassCode": company.class_code,
        "customerIndustryCode": company.industry,
        "regionCode": company.region_code,
        "address": {"simplifiedName": company.address},
        "countryName": "中国",
        "contactName": company.contact,
        "contactTel": company.phone,
        "email": company.email,
        "enterpriseName": company.name,
        "licenseType": 0,
        "stopStatus": company.disabled_on is not None,
        "modifyTime": stamp(company.modified_at),
        "pubts": stamp(company.modified_at),
        **_details(company),
    }
    if company.credit_code is not None:
        row["creditCode"] = company.credit_code
    ledger.books.put("merchant", row_id, row)
    if company.credit_limit is not None:
        line = {"currency": company.currency, "creditLine": text_of(major(company.credit_limit, company.currency))}
        ledger.books.put(CREDIT_TABLE, row_id, line)
    return row_id


def _details(company: Company) -> Row:
    """What only newBatchDetail shows (B7)."""
    invoice_info = {
        "title": company.name,
        "bankName": company.bank_name,
        "bankDotName": company.bank_name,
        "bankAccount": company.bank_account,
        "address": company.address,
        "telephone": company.phone,
        "receievInvoiceEmail": company.email,
        "isDefault": True,
    }
    if company.credit_code is not None:
        invoice_info["taxNo"] = company.credit_code
    return {
        "merchantAgentInvoiceInfos": [invoice_info],
        "merchantAgentFinancialInfos": [
            {
                "bankName": company.bank_name,
                "openBankName": company.bank_name,
                "bankAccount": company.bank_account,
                "bankAccountName": company.name,
                "currencyName": company.currency,
                "isDefault": True,
            }
        ],
        "merchantContactInfos": [
            {
                "fullName": company.contact,
                "mobile": company.mobile,
                "telePhone": company.phone,
                "email": company.email,
                "isDefault": True,
            }
        ],
        "merchantAddressInfos": [
            {
                "receiver": company.contact,
                "mobile": company.mobile,
                "regionCode": company.region_code,
                "address": company.address,
                "isDefault": True,
            }
        ],
        "merchantAppliedDetail": {
            "creditServiceDay": company.credit_days,
            "transactionCurrencyName": company.currency,
            "stopStatus": company.disabled_on is not None,
        },
        "principals": [{"professSalesmanCode": company.salesperson_code, "professSalesmanName": company.salesperson}],
    }


def put_invoice(ledger: Ledger, kind: Kind, invoice: Invoice, customer: str) -> str:
    """One receivable; returns its id."""
    row = receivable_row(ledger, kind, invoice, customer)
    ledger.books.put(kind.table, row["id"], row)
    return str(row["id"])


def put_receipt(ledger: Ledger, kind: Kind, money: Receipt, customer: str | None) -> str:
    """One receipt; returns its id."""
    row = receipt_row(ledger, kind, money, customer)
    ledger.books.put(kind.table, row["id"], row)
    return str(row["id"])
