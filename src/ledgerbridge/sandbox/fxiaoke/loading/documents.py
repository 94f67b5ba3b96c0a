"""Receivables: the tenant's own object, the sales orders behind them, and the invoice applications 开票申请."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.world.facts import Invoice, InvoiceKind, Line, Status

from .board import Board, instant, midnight, plain, wire

BILL_KIND = {
    InvoiceKind.INVOICE: "option1",
    InvoiceKind.CREDIT_NOTE: "option2",
    InvoiceKind.OPENING_BALANCE: "option3",
    InvoiceKind.OTHER_RECEIVABLE: "option4",
}


def load_documents(board: Board, invoices: Sequence[Invoice]) -> None:
    """All receivables, with an order for each order number, customer and currency they name."""
    board.invoices.update({one.key: one for one in invoices})
    products: dict[str, str] = {}
    grouped: defaultdict[tuple[str, str, str], list[Invoice]] = defaultdict(list)
    for invoice in invoices:
        if invoice.company not in board.accounts:
            raise ValueError(f"fxiaoke: invoice {invoice.number} is of customer {invoice.company}, who is not held")
        if invoice.order_number:
            grouped[invoice.order_number, invoice.company, invoice.currency].append(invoice)
    for key, together in grouped.items():
        _order(board, key, together, products)
    for invoice in invoices:
        _bill(board, invoice)
    for invoice in invoices:
        _link_reversed(board, invoice)
        if invoice.kind in (InvoiceKind.INVOICE, InvoiceKind.CREDIT_NOTE):
            _application(board, invoice)


def _order(board: Board, key: tuple[str, str, str], together: list[Invoice], products: dict[str, str]) -> None:
    """The order that these documents bill: its amount is what they come to, void ones left out."""
    number, company, currency = key
    live = [one for one in together if one.status is not Status.VOID]
    counted = live or together
    first = min(together, key=lambda one: one.issued_on)
    status = Status.APPROVED if live else Status.VOID
    owner = board.seller(first.salesperson_code)
    invoiced = [one for one in live if one.status is Status.APPROVED]
    document = replace(first, status=status, modified_at=max(*(one.modified_at for one in together), first.created_at))
    fields: Row = {
        "name": number,
        "account_id": board.accounts[company],
        "order_time": midnight(first.issued_on),
        "order_amount": wire(sum(one.gross for one in counted), currency),
        "discount": "100.00",
        "order_status": "7",
        "invoice_status": "3" if len(invoiced) == len(counted) else "2" if invoiced else "1",
        "contract_no__c": first.contract_number or None,
        **board.currency(first, first.issued_on),
    }
    order = board.put("SalesOrderObj", fields, owner, document)
    board.orders[key] = order["_id"]
    for invoice in together:
        board.order_of[invoice.key] = order["_id"]
    for invoice in counted:
        for line in invoice.lines:
            row = _product_row(board, line, currency, order["_id"], products, invoice)
            board.put("SalesOrderProductObj", row | board.currency(invoice, first.issued_on), owner, document)


def _product_row(
    board: Board, line: Line, currency: str, order_id: str, products: dict[str, str], invoice: Invoice
) -> Row:
    product = products.get(line.item_code)
    if product is None:
        fields: Row = {"name": line.item_name, "product_code": line.item_code, "unit": line.unit}
        approved = replace(invoice, status=Status.APPROVED)
        product = products[line.item_code] = board.put("ProductObj", fields, board.seller(""), approved)["_id"]
    return {
        "order_id": order_id,
        "product_id": product,
        "quantity": plain(line.quantity),
        "product_price": plain(line.unit_price_net),
        "sales_price": plain(line.unit_price_net),
        "subtotal": wire(line.gross, currency),
        "order_product_amount": wire(line.gross, currency),
        "unit": line.unit,
    }


def _bill(board: Board, invoice: Invoice) -> None:
    currency = invoice.currency
    fields: Row = {
        "name": invoice.number,
        "account__c": board.accounts[invoice.company],
        "bill_kind__c": BILL_KIND[invoice.kind],
        "tax_invoice_code__c": invoice.tax_invoice_code,
        "tax_invoice_no__c": invoice.tax_invoice_number,
        "bill_date__c": midnight(invoice.issued_on),
        "due_date__c": midnight(invoice.due_on),
        "amount__c": wire(invoice.gross, currency),
        "net_amount__c": wire(invoice.net, currency),
        "tax_amount__c": wire(invoice.tax, currency),
        "base_amount__c": wire(invoice.base_gross, "CNY"),
        "open_amount__c": wire(invoice.open_amount, currency),
        "sales_order__c": board.order_of.get(invoice.key),
        "order_no__c": invoice.order_number or None,
        "contract_no__c": invoice.contract_number or None,
        "salesperson_code__c": invoice.salesperson_code or None,
        "department_code__c": invoice.department_code or None,
        "remark__c": invoice.remark or None,
        **board.currency(invoice, invoice.issued_on),
    }
    owner = board.seller(invoice.salesperson_code)
    row = board.put(board.tenant.switches["receivableObject"], fields, owner, invoice)
    board.bills[invoice.key] = row["_id"]


def _link_reversed(board: Board, invoice: Invoice) -> None:
    """A credit note points at what it reverses, if this CRM holds that."""
    if invoice.reverses in board.bills:
        receivable = board.tenant.switches["receivableObject"]
        board.tenant.books.update(
            receivable, board.bills[invoice.key], {"reverses__c": board.bills[invoice.reverses or ""]}
        )


def _application(board: Board, invoice: Invoice) -> None:
    """The application for the tax invoice, with one line per tax rate."""
    company = board.companies[invoice.company]
    owner = board.seller(invoice.salesperson_code)
    order_id = board.order_of.get(invoice.key)
    money = board.currency(invoice, invoice.issued_on)
    fields: Row = {
        "account_id": board.accounts[invoice.company],
        "order_id": order_id,
        "invoice_applied_amount": wire(invoice.gross, invoice.currency),
        "invoice_type": "1" if company.credit_code else "2",
        "invoice_date": midnight(invoice.issued_on),
        "invoice_no": invoice.tax_invoice_number,
        "invoice_title": company.name,
        "title_type": "2",
        "tax_id": company.credit_code,
        "account_bank": company.bank_name or None,
        "account_bank_no": company.bank_account or None,
        "submit_time": instant(invoice.created_at),
        "receivable__c": board.bills[invoice.key],
        **money,
    }
    header = board.put("InvoiceApplicationObj", fields, owner, invoice)
    by_rate: defaultdict[Decimal | None, list[int]] = defaultdict(lambda: [0, 0])
    for line in invoice.lines:
        by_rate[line.tax_rate][0] += line.gross
        by_rate[line.tax_rate][1] += line.tax
    if not by_rate:
        by_rate[None] = [invoice.gross, invoice.tax]
    for rate, (gross, tax) in by_rate.items():
        row: Row = {
            "invoice_id": header["_id"],
            "order_id": order_id,
            "invoiced_amount": wire(gross, invoice.currency),
            "tax_rate": None if rate is None else f"{rate * 100:.2f}",
            "tax_amount": wire(tax, invoice.currency),
            "invoice_date": midnight(invoice.issued_on),
            **money,
        }
        board.put("InvoiceApplicationLinesObj", row, owner, invoice)
