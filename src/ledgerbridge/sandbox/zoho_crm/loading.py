"""The world's business data as records of the CRM; the package's docstring lists the own fields that hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.world.facts import Company, Holding, Invoice, InvoiceKind, Line, Receipt, ReceiptKind, Status

from . import wire
from .derive import blank, work_out
from .org import EXPONENTS, PERSON, Org, put_currency, wire_rate

_CREATED, _APPROVED, _CANCELLED = 0, 1, 3  # places in the pick list of Invoices.Status
_STATUS_PLACES = {Status.DRAFT: _CREATED, Status.APPROVED: _APPROVED, Status.VOID: _CANCELLED}
_NO_LINES = {
    InvoiceKind.OPENING_BALANCE: ("OPENING", "Opening balance"),
    InvoiceKind.OTHER_RECEIVABLE: ("OTHER", "Other receivable"),
}
_METHODS = (
    ("承兑", "Bank acceptance bill"),
    ("汇票", "Bank acceptance bill"),
    ("支票", "Cheque"),
    ("现金", "Cash"),
    ("电汇", "Bank transfer"),
    ("网银", "Bank transfer"),
    ("转账", "Bank transfer"),
    ("汇款", "Bank transfer"),
)


@dataclass(slots=True)
class _Load:
    """What a load has made so far: ids by key, rows by table, external numbers that are taken."""

    org: Org
    as_of: date
    accounts: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, Row] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)

    def number(self, table: str, number: str) -> str | None:
        """`number` as ERP_Id; None where there is none or another record has it already."""
        if not number or (table, number) in self.taken or self.org.books.ids_by(table, "ERP_Id", number):
            return None
        self.taken.add((table, number))
        return number

    def add(self, table: str, values: Mapping[str, Any], created: datetime, modified: datetime) -> Row:
        """A new record of `table` with `values` in the books' form."""
        module = self.org.module_of(table)
        row = blank(self.org, module, PERSON)
        row |= {name: value for name, value in values.items() if name in module.fields}
        row |= {"Created_Time": wire.stamp(created), "Modified_Time": wire.stamp(modified), "Modified_By": PERSON}
        work_out(self.org, module, row, given=set(values))
        self.rows.setdefault(table, []).append(row)
        return row


def money(amount: int, currency: str) -> str:
    """Minor units as the exact text of the books."""
    return wire.number_text(Decimal(amount).scaleb(-EXPONENTS.get(currency, 2)))


def load(org: Org, holding: Holding) -> None:
    """Put a holding on record, in addition to what is there; what a tenant has no module for is left out."""
    tables = {module.table for module in org.schema.values()}
    holding = replace(holding, invoices=holding.invoices if "Invoices" in tables else ())
    state = _Load(org, _as_of(holding))
    _rates(org, holding)
    for company in holding.companies:
        _company(state, company)
    if "Products" in tables:
        _goods(state, (line for invoice in holding.invoices for line in invoice.lines), holding.invoices)
    paid_on = _paid_on(holding.receipts)
    for invoice in holding.invoices:
        row = _invoice(state, invoice, paid_on.get(invoice.key))
        state.invoices.setdefault(invoice.key, row)
    for invoice, row in zip(holding.invoices, state.rows.get("Invoices", []), strict=True):
        reversed_row = state.invoices.get(invoice.reverses or "")
        row["Reversed_Invoice"] = reversed_row["id"] if reversed_row else None
    for receipt in holding.receipts:
        _payments(state, receipt)
    with org.books.lock:
        for table, rows in state.rows.items():
            org.books.add_many(table, rows)


def _as_of(holding: Holding) -> date:
    """The last day that the holding knows of: what is due before it and open is overdue."""
    days = [invoice.issued_on for invoice in holding.invoices] + [receipt.received_on for receipt in holding.receipts]
    return max(days, default=date.min)


def _rates(org: Org, holding: Holding) -> None:
    """Each currency of the holding at the rate of its newest document."""
    newest: dict[str, tuple[date, Decimal]] = {}
    dated = [(invoice.currency, invoice.issued_on, invoice.rate) for invoice in holding.invoices]
    dated += [(receipt.currency, receipt.received_on, receipt.rate) for receipt in holding.receipts]
    for code, day, rate in dated:
        if code not in newest or newest[code][0] < day:
            newest[code] = (day, rate)
    for code, (_, rate) in sorted(newest.items()):
        put_currency(org, code, rate=wire_rate(org, rate))


def _company(state: _Load, company: Company) -> None:
    limit = company.credit_limit
    values = {
        "Account_Name": company.name,
        "Account_Type": "Customer",
        "Phone": company.phone or None,
        "Description": company.remark or None,
        "Billing_Street": company.address or None,
        "Billing_City": company.city or None,
        "Billing_State": company.province or None,
        "Billing_District": company.district or None,
        "Currency": company.currency,
        "ERP_Id": state.number("Accounts", company.code),
        "ERP_Code": company.code or None,
        "Credit_Code": company.credit_code or None,
        "Short_Name": company.short_name or None,
        "Email": company.email or None,
        "Mobile": company.mobile or None,
        "Region_Code": company.region_code or None,
        "Bank_Name": company.bank_name or None,
        "Bank_Account": company.bank_account or None,
        "Class_Code": company.class_code or None,
        "Class_Name": company.class_name or None,
        "Trade": company.industry or None,
        "Salesperson_Code": company.salesperson_code or None,
        "Salesperson": company.salesperson or None,
        "Credit_Limit": None if limit is None else money(limit, company.currency),
        "Credit_Days": company.credit_days,
        "Opened_On": company.opened_on.isoformat(),
        "Disabled_On": company.disabled_on.isoformat() if company.disabled_on else None,
        "Payer_Names": "\n".join(company.payers) or None,
    }
    row = state.add("Accounts", values, company.created_at, company.modified_at)
    state.accounts.setdefault(company.key, row["id"])
    if company.contact:
        person = {
            "Last_Name": company.contact,
            "Account_Name": row["id"],
            "Email": company.email or None,
            "Phone": company.phone or None,
            "Mobile": company.mobile or None,
            "Mailing_Street": company.address or None,
            "Mailing_City": company.city or None,
            "Mailing_State": company.province or None,
            "Currency": company.currency,
            "ERP_Id": state.number("Contacts", company.code),
        }
        state.add("Contacts", person, company.created_at, company.modified_at)


def _goods(state: _Load, lines: Iterable[Line], invoices: tuple[Invoice, ...]) -> None:
    """One product per item code, and one for each kind of document that has no lines."""
    first = min((invoice.created_at for invoice in invoices), default=None)
    if first is None:
        return
    goods = {line.item_code: (line.item_name, line.unit, line.tax_rate * 100) for line in lines}
    for invoice in invoices:
        if not invoice.lines:
            code, name = _stand_in(invoice)
            goods.setdefault(code, (name, "", Decimal(0)))
    for code, (name, unit, percent) in goods.items():
        values = {
            "Product_Name": name,
            "Product_Code": code,
            "Product_Active": True,
            "Usage_Unit": unit or None,
            "Tax_Rate_Percent": wire.number_text(percent),
            "ERP_Id": state.number("Products", code),
        }
        state.products[code] = state.add("Products", values, first, first)["id"]


def _stand_in(invoice: Invoice) -> tuple[str, str]:
    """The product of a document without lines: Zoho wants at least one (zoho.md 12)."""
    return _NO_LINES.get(invoice.kind, ("GOODS", "Goods and services"))


def _invoice(state: _Load, invoice: Invoice, paid_on: date | None) -> Row:
    code = invoice.currency
    statuses = state.org.switches["invoice_statuses"]
    paid = 0 if invoice.status is Status.VOID else invoice.gross - invoice.open_amount
    account = state.accounts.get(invoice.company)
    values = {
        "Subject": invoice.number,
        "Account_Name": account,
        "Invoice_Date": invoice.issued_on.isoformat(),
        "Due_Date": invoice.due_on.isoformat() if invoice.due_on else None,
        "Status": statuses[min(_STATUS_PLACES[invoice.status], len(statuses) - 1)],
        "Description": invoice.remark or None,
        "Currency": code,
        "Exchange_Rate": wire.number_text(Decimal(wire_rate(state.org, invoice.rate))),
        "Invoiced_Items": _lines(state, invoice),
        "ERP_Id": state.number("Invoices", invoice.number),
        "ERP_Invoice_Number": invoice.number,
        "ERP_Kind": str(invoice.kind),
        "ERP_Total": money(invoice.gross, code),
        "ERP_Net": money(invoice.net, code),
        "ERP_Tax": money(invoice.tax, code),
        "ERP_Rate": wire.number_text(invoice.rate),
        "ERP_Base_Total": money(invoice.base_gross, "CNY"),
        "Balance_Due": money(invoice.open_amount, code),
        "Paid_Amount": money(paid, code),
        "Payment_Status": _payment_status(invoice, state.as_of),
        "Last_Payment_Date": paid_on.isoformat() if paid_on else None,
        "Tax_Invoice_Code": invoice.tax_invoice_code or None,
        "Tax_Invoice_Number": invoice.tax_invoice_number or None,
        "ERP_Order_Number": invoice.order_number or None,
        "Contract_Number": invoice.contract_number or None,
        "Salesperson_Code": invoice.salesperson_code or None,
        "Department_Code": invoice.department_code or None,
    }
    return state.add("Invoices", values, invoice.created_at, invoice.modified_at)


def _payment_status(invoice: Invoice, as_of: date) -> str | None:
    if invoice.status is Status.VOID:
        return None
    if invoice.open_amount == 0:
        return "Paid"
    if invoice.due_on is not None and invoice.due_on < as_of:
        return "Overdue"
    return "Open" if invoice.open_amount == invoice.gross else "Partially paid"


def _lines(state: _Load, invoice: Invoice) -> list[Row]:
    """The rows of Invoiced_Items: ERP_Net, ERP_Tax and ERP_Gross are exact, Line_Tax carries the ERP's tax."""
    lines = invoice.lines
    if not lines:
        code, name = _stand_in(invoice)
        price = Decimal(money(invoice.net, invoice.currency))
        amounts = (invoice.net, invoice.tax, invoice.gross)
        lines = (Line(code, name, "", Decimal(1), price, Decimal(0), *amounts),)
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        percent, tax = wire.number_text(line.tax_rate * 100), money(line.tax, invoice.currency)
        rows.append(
            {
                "id": state.org.new_id(),
                "Product_Name": state.products.get(line.item_code),
                "Quantity": wire.number_text(line.quantity),
                "List_Price": wire.number_text(line.unit_price_net),
                "Discount": "0",
                "Line_Tax": [{"name": "VAT", "percentage": percent, "value": tax}],
                "Description": line.item_name,
                "Sequence_Number": number,
                "ERP_Item_Code": line.item_code,
                "ERP_Unit": line.unit or None,
                "ERP_Tax_Rate": percent,
                "ERP_Net": money(line.net, invoice.currency),
                "ERP_Tax": tax,
                "ERP_Gross": money(line.gross, invoice.currency),
            }
        )
    return rows


def _paid_on(receipts: tuple[Receipt, ...]) -> dict[str, date]:
    """The last day on which each invoice was paid, by its key."""
    found: dict[str, date] = {}
    for receipt in receipts:
        for part in receipt.applied if receipt.status is Status.APPROVED else ():
            found[part.invoice] = max(part.on, found.get(part.invoice, part.on))
    return found


def _payments(state: _Load, receipt: Receipt) -> None:
    """One record per part applied to an invoice that the CRM holds, one more for what is left."""
    code = receipt.currency
    shared = {
        "Name": receipt.number,
        "Account": state.accounts.get(receipt.company or ""),
        "Payment_Date": receipt.received_on.isoformat(),
        "Currency": code,
        "Exchange_Rate": wire.number_text(Decimal(wire_rate(state.org, receipt.rate))),
        "Method": _method(receipt),
        "Reference": receipt.bank_reference or None,
        "Status": {Status.APPROVED: "Posted", Status.VOID: "Reversed"}.get(receipt.status),
        "ERP_Receipt_Number": receipt.number,
        "Receipt_Kind": str(receipt.kind),
        "Receipt_Amount": money(receipt.amount, code),
        "Bank_Fee": money(receipt.fee, code),
        "ERP_Rate": wire.number_text(receipt.rate),
        "ERP_Base_Amount": money(receipt.base_amount, "CNY"),
        "Payer_Name": receipt.payer_name or None,
        "Payer_Account": receipt.payer_account or None,
        "Payer_Bank": receipt.payer_bank or None,
        "Own_Account": receipt.own_account or None,
        "Settlement": receipt.method or None,
        "Remark": receipt.remittance or None,
    }
    rest = receipt.amount + receipt.fee
    parts: list[tuple[str | None, int, str | None]] = []
    for applied in receipt.applied:
        row = state.invoices.get(applied.invoice)
        if row is not None:
            parts.append((row["id"], applied.amount, applied.on.isoformat()))
            rest -= applied.amount
    if rest or not parts:
        parts.append((None, rest, None))
    for number, (invoice_id, amount, on) in enumerate(parts, start=1):
        own = {"Invoice": invoice_id, "Amount": money(amount, code), "Applied_On": on}
        own["ERP_Id"] = state.number("Payments", receipt.number if len(parts) == 1 else f"{receipt.number}#{number}")
        state.add("Payments", {**shared, **own}, receipt.created_at, receipt.modified_at)


def _method(receipt: Receipt) -> str:
    if receipt.kind is ReceiptKind.ACCEPTANCE_BILL:
        return "Bank acceptance bill"
    return next((value for word, value in _METHODS if word in receipt.method), "Other")
