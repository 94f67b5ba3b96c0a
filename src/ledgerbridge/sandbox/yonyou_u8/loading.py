"""The world's business data as U8 rows: what a U8 user would have keyed in (yonyou.md A6).

A reader gets every amount back to the fen, dates and references letter for letter. The sheet leaves these choices:

- An invoice or credit note is a `saleinvoice` (credit note: ``isnegative`` 1, quantities and amounts negative), another
  receivable an `oughtreceive` (red: ``bdebitcredit`` 0, amounts positive). An opening balance is a `saleinvoice` with
  ``isfirst`` 1, or an `oughtreceive` whose digest begins with 期初 (switch ``opening_balance_as``).
- An `oughtreceive` has no tax and no due date of its own: only gross amounts, the due date in ``define4`` (a date item).
- Line amounts in base currency are rounded one by one, the largest line takes the rest: they add up to `base_gross`.
- User-defined head items of documents: ``define1`` contract, ``define2`` / ``define3`` code and number of the tax
  invoice, ``define8`` order (only on `oughtreceive`; `saleinvoice` has ``csocode``), ``define10`` number of the
  document that a credit note reverses. Of receipts: ``define1`` bank reference, ``define2`` payer's name.
- A receipt's head is what the bank credited. A fee kept by the bank is an entry of type 2 with a negative amount beside
  the entry that settles receivables (type 0, advance: type 1), which is the full amount the customer meant.
- Refunds are ``vouchtype`` 49 with positive amounts. U8's open API has no write-off: `applied` is not told.
- Drafts and approved documents look alike except for `state` of the `oughtreceive`; void ones are not shown (switches
  ``status_field``, ``void_documents``).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.world.facts import (
    Company,
    Holding,
    Invoice,
    InvoiceKind,
    Line,
    Receipt,
    ReceiptKind,
    Status,
    SystemName,
)

from .currencies import NAMES, cents, major
from .ledger import Ledger
from .wire import archive_day, decimal_text

_HUNDRED = Decimal(100)


def load_holding(ledger: Ledger, holding: Holding, switches: Mapping[str, Any]) -> None:
    """Put all of a holding on record. Raises ValueError for one that U8 could not hold (another system's, a number
    twice, a document without a customer); documents before the bad one are on record then.
    """
    if holding.system is not SystemName.YONYOU_U8:
        raise ValueError(f"this holding is {holding.system}'s, not {SystemName.YONYOU_U8}'s")
    with ledger.books.lock:
        for code, name in sorted({(each.class_code, each.class_name) for each in holding.companies if each.class_code}):
            ledger.put_class(code, name)
        for company in holding.companies:
            if company.salesperson_code:
                ledger.put_person(company.salesperson_code, company.salesperson)
        by_key: dict[str, Company] = {}
        for company in sorted(holding.companies, key=lambda each: each.modified_at):
            _refuse_twice(ledger, "customer", company.code)
            ledger.put_customer(customer_row(company), company.modified_at)
        for company in holding.companies:  # documents belong to the first record of a customer held twice
            by_key.setdefault(company.key, company)
        numbers = {invoice.key: invoice.number for invoice in holding.invoices}
        for invoice in holding.invoices:
            owner = _owner(by_key, invoice.company, invoice.number)
            reverses = numbers.get(invoice.reverses or "", "")
            table, row = invoice_row(invoice, owner, reverses, switches)
            _refuse_twice(ledger, table, invoice.number)
            ledger.books.put(table, invoice.number, row)
        methods = {
            name: f"{1 + place:02d}" for place, name in enumerate(sorted({_method(r) for r in holding.receipts}))
        }
        for receipt in holding.receipts:
            row = receipt_row(receipt, _owner(by_key, receipt.company, receipt.number), methods, switches)
            _refuse_twice(ledger, "accept", receipt.number)
            ledger.books.put("accept", receipt.number, row)


def _refuse_twice(ledger: Ledger, table: str, key: str) -> None:
    if ledger.books.get(table, key) is not None:
        raise ValueError(f"U8 cannot hold {table} {key} twice: give the second one another number")


def _owner(by_key: Mapping[str, Company], key: str | None, number: str) -> Company:
    owner = by_key.get(key or "")
    if owner is None:
        raise ValueError(f"U8 cannot hold document {number}: its customer {key} is not in the holding")
    return owner


def customer_row(company: Company) -> Row:
    """A customer without its stamps."""
    domestic = company.currency == "CNY"
    return {
        "code": company.code,
        "name": company.name,
        "abbrname": company.short_name,
        "sort_code": company.class_code or "00",
        "domain_code": company.region_code,
        "industry": company.industry,
        "memo": company.remark,
        "address": company.address,
        "contact": company.contact,
        "phone": company.phone,
        "mobile": company.mobile,
        "devliver_site": company.address,
        "bank_open": company.bank_name,
        "bank_acc_number": company.bank_account,
        "ccusexch_name": NAMES.get(company.currency, company.currency),
        "bcusdomestic": "1" if domestic else "0",
        "bcusoverseas": "0" if domestic else "1",
        "bserviceattribute": "0",
        "ccusmngtypecode": "999",
        "ccusmngtypename": "普通",
        "spec_operator": company.salesperson_code,
        "spec_operator_name": company.salesperson,
        "seed_date": archive_day(company.opened_on),
        "end_date": archive_day(company.disabled_on) if company.disabled_on else "",
        "tax_reg_code": company.credit_code or "",
        "credit_amount": ""
        if company.credit_limit is None
        else decimal_text(major(company.credit_limit, company.currency)),
        "email": company.email,
    }


def invoice_row(invoice: Invoice, owner: Company, reverses: str, switches: Mapping[str, Any]) -> tuple[str, Row]:
    """The table a receivable document belongs to and its row there."""
    opening_apart = invoice.kind is InvoiceKind.OPENING_BALANCE and switches["opening_balance_as"] == "oughtreceive"
    if invoice.kind is InvoiceKind.OTHER_RECEIVABLE or opening_apart:
        return "oughtreceive", _ought_receive(invoice, owner, switches)
    return "saleinvoice", _sale_invoice(invoice, owner, reverses)


def _sale_invoice(invoice: Invoice, owner: Company, reverses: str) -> Row:
    rates = {line.tax_rate for line in invoice.lines}
    due = invoice.due_on
    return {
        "invoiceno": invoice.number,
        "vouchertype": "26",
        "saletypecode": "01",
        "cstname": "普通销售",
        "date": invoice.issued_on.isoformat(),
        "customercode": owner.code,
        "ccusabbname": owner.short_name,
        "customername": owner.name,
        "departmentcode": invoice.department_code,
        "personcode": invoice.salesperson_code,
        "cpersonname": owner.salesperson if owner.salesperson_code == invoice.salesperson_code else "",
        "foreigncurrency": NAMES.get(invoice.currency, invoice.currency),
        "currencyrate": decimal_text(invoice.rate),
        "taxrate": decimal_text(rates.pop() * _HUNDRED) if len(rates) == 1 else "",
        "isnegative": 1 if invoice.gross < 0 else 0,
        "dcreditstart": invoice.issued_on.isoformat(),
        "icreditdays": "" if due is None else str((due - invoice.issued_on).days),
        "dgatheringdate": due.isoformat() if due else "",
        "ccusbank": owner.bank_name,
        "ccusaccount": owner.bank_account,
        "csocode": invoice.order_number,
        "businesstype": "普通销售",
        "isfirst": 1 if invoice.kind is InvoiceKind.OPENING_BALANCE else 0,
        "maker": "demo",
        "memory": invoice.remark,
        "define1": invoice.contract_number,
        "define2": invoice.tax_invoice_code or "",
        "define3": invoice.tax_invoice_number or "",
        "define10": reverses,
        "entry": invoice_lines(invoice),
        "_status": invoice.status.value,
    }


def invoice_lines(invoice: Invoice) -> list[Row]:
    """The lines; a document without any gets one for its totals. Σ `originalsum` and Σ `sum` are exact."""
    lines = invoice.lines or (_total_line(invoice),)
    base = [cents(major(line.gross, invoice.currency) * invoice.rate) for line in lines]
    largest = max(range(len(lines)), key=lambda place: abs(lines[place].gross))
    base[largest] += major(invoice.base_gross, "CNY") - sum(base)
    rows = []
    for place, (line, base_gross) in enumerate(zip(lines, base, strict=True), 1):
        base_tax = cents(major(line.tax, invoice.currency) * invoice.rate)
        amounts = {
            "quantity": line.quantity,
            "originalprice": line.unit_price_net,
            "originaltaxedprice": (line.unit_price_net * (1 + line.tax_rate)).quantize(Decimal("0.000001")),
            "originalmoney": major(line.net, invoice.currency),
            "originaltax": major(line.tax, invoice.currency),
            "originalsum": major(line.gross, invoice.currency),
            "money": base_gross - base_tax,
            "tax": base_tax,
            "sum": base_gross,
        }
        row: Row = {"irowno": str(place), "inventorycode": line.item_code, "unitid": line.unit}
        rows.append(row | {name: decimal_text(value) for name, value in amounts.items()})
    return rows


def _total_line(invoice: Invoice) -> Line:
    sign = -1 if invoice.gross < 0 else 1
    price = abs(major(invoice.net, invoice.currency))
    rate = (Decimal(invoice.tax) / Decimal(invoice.net)).quantize(Decimal("0.01")) if invoice.net else Decimal(0)
    return Line("QC", "合计", "项", Decimal(sign), price, rate, invoice.net, invoice.tax, invoice.gross)


def _ought_receive(invoice: Invoice, owner: Company, switches: Mapping[str, Any]) -> Row:
    amount = decimal_text(major(abs(invoice.gross), invoice.currency))
    base = decimal_text(major(abs(invoice.base_gross), "CNY"))
    items = "、".join(line.item_name for line in invoice.lines)
    digest = invoice.remark or items
    if invoice.kind is InvoiceKind.OPENING_BALANCE and not digest.startswith("期初"):
        digest = f"期初 {digest}".strip()
    approved = invoice.status is Status.APPROVED
    entry = {
        "cust_vendor_code": owner.code,
        "cusabbname": owner.short_name,
        "deptcode": invoice.department_code,
        "personcode": invoice.salesperson_code,
        "digest": digest,
        "currency_name": NAMES.get(invoice.currency, invoice.currency),
        "currency_rate": decimal_text(invoice.rate),
        "amount": amount,
        "natamount": base,
        "bdebitcredit": 0 if invoice.gross >= 0 else 1,
    }
    return {
        "code": invoice.number,
        "date": invoice.issued_on.isoformat(),
        "state": switches["state_verified"] if approved else switches["state_open"],
        "bdebitcredit": 0 if invoice.gross < 0 else 1,
        "cust_vendor_code": owner.code,
        "cusname": owner.name,
        "cusabbname": owner.short_name,
        "deptcode": invoice.department_code,
        "personcode": invoice.salesperson_code,
        "amount": amount,
        "natamount": base,
        "digest": digest,
        "define1": invoice.contract_number,
        "define2": invoice.tax_invoice_code or "",
        "define3": invoice.tax_invoice_number or "",
        "define4": invoice.due_on.isoformat() if invoice.due_on else "",
        "define8": invoice.order_number,
        "entry": [entry],
        "_status": invoice.status.value,
    }


def _method(receipt: Receipt) -> str:
    if receipt.kind is ReceiptKind.ACCEPTANCE_BILL and "承兑" not in receipt.method:
        return "银行承兑汇票"
    return receipt.method


def receipt_row(receipt: Receipt, owner: Company, methods: Mapping[str, str], switches: Mapping[str, Any]) -> Row:
    """A receipt (48) or refund (49): head and entries in base currency (`amount`) and document currency."""
    amount, fee = major(abs(receipt.amount), receipt.currency), major(receipt.fee, receipt.currency)
    if receipt.kind is ReceiptKind.REFUND:
        fee = -fee
    base = major(abs(receipt.base_amount), "CNY")
    base_fee = cents(fee * receipt.rate)
    kind = "1" if receipt.kind is ReceiptKind.PREPAYMENT else "0"
    entries = [_accept_entry(kind, owner, receipt.remittance, amount + fee, base + base_fee)]
    if fee:
        entries.append(_accept_entry("2", owner, "银行手续费", -fee, -base_fee))
    row: Row = {
        "vouchcode": receipt.number,
        "vouchdate": receipt.received_on.isoformat(),
        "vouchtype": "49" if receipt.kind is ReceiptKind.REFUND else "48",
        "customercode": owner.code,
        "customername": owner.name,
        "customerabbname": owner.short_name,
        "personcode": owner.salesperson_code,
        "personname": owner.salesperson,
        "amount": decimal_text(base),
        "originalamount": decimal_text(amount),
        "digest": receipt.remittance,
        "balancecode": methods[_method(receipt)],
        "balancename": _method(receipt),
        "oppositebankname": receipt.payer_bank,
        "oppositebankcode": receipt.payer_account,
        "bankaccount": receipt.own_account,
        "define1": receipt.bank_reference,
        "define2": receipt.payer_name,
        "entry": entries,
        "_status": receipt.status.value,
    }
    if switches["accept_currency_field"]:
        row[switches["accept_currency_field"]] = NAMES.get(receipt.currency, receipt.currency)
    return row


def _accept_entry(kind: str, owner: Company, digest: str, amount: Decimal, base: Decimal) -> Row:
    return {
        "type": kind,
        "customercode": owner.code,
        "personcode": owner.salesperson_code,
        "digest": digest,
        "amount": decimal_text(base),
        "originalamount": decimal_text(amount),
    }
