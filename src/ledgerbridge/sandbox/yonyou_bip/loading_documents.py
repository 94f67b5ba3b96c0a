"""A world's documents as rows of the books, in either family (yonyou.md B7)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.world.facts import Invoice, InvoiceKind, Receipt, ReceiptKind, Status

from .documents import OAR, QUICK_TYPES, RECEIVABLE, RECEIVEBILL, Kind
from .ledger import Ledger
from .sales import BLUE, RED
from .wire import BASE_CURRENCY, CURRENCIES, currency_facts, day, major, rounded, stamp, text_of, to_base

# EFI business types of receivables: code and name are [inferred]
_BUSTYPES = {
    InvoiceKind.INVOICE: ("AR01", "应收"),
    InvoiceKind.CREDIT_NOTE: ("AR01", "应收"),
    InvoiceKind.OTHER_RECEIVABLE: ("AR02", "其他应收"),
    InvoiceKind.OPENING_BALANCE: ("AR03", "期初应收"),
}
NEVER_DUE = "9999-12-31 00:00:00"


def _state(ledger: Ledger, kind: Kind, status: Status, approved_at: str) -> Row:
    """Where a document stands, in the family's own fields. Void as switch ``void_form`` says."""
    approved = status is not Status.DRAFT
    reversed_form = ledger.switches["void_form"] == "reversed"
    if kind.family == "efi":
        if status is Status.VOID and not reversed_form:
            return {"verifyState": 3, "effectState": 0}
        state: Row = {"verifyState": 2 if approved else 0, "effectState": int(approved)}
        if status is Status.VOID:
            state["writeOffState"] = "1"
    else:
        if status is Status.VOID and not reversed_form:
            return {"auditstatus": 2, "status": 2, "writeoffstatus": 2}
        state = {"auditstatus": 1 if approved else 2, "status": int(approved), "writeoffstatus": 2}
        if status is Status.VOID:
            state["redflag"] = True
    if approved:
        state["auditTime"] = approved_at
    return state


def _amounts(kind: Kind, values: Sequence[Decimal]) -> Row:
    """Net, tax and gross in document and base currency under the family's names."""
    names = (kind.net, kind.tax, kind.total, kind.local_net, kind.local_tax, kind.local_total)
    return {name: text_of(value) for name, value in zip(names, values, strict=True)}


def line_amounts(invoice: Invoice) -> list[tuple[Decimal, ...]]:
    """(net, tax, gross, base net, base tax, base gross) of each line. The base amounts add up to the invoice's
    `base_gross`: the last line takes what rounding leaves.
    """
    parts = [(line.net, line.tax, line.gross) for line in invoice.lines] or [(invoice.net, invoice.tax, invoice.gross)]
    left = major(invoice.base_gross, BASE_CURRENCY)
    found: list[tuple[Decimal, ...]] = []
    for number, part in enumerate(parts, 1):
        net, tax, gross = (major(value, invoice.currency) for value in part)
        base = left if number == len(parts) else to_base(gross, invoice.rate)
        base_tax = to_base(tax, invoice.rate)
        left -= base
        found.append((net, tax, gross, base - base_tax, base_tax, base))
    return found


def _sums(lines: Sequence[tuple[Decimal, ...]]) -> list[Decimal]:
    return [sum(column, Decimal(0)) for column in zip(*lines, strict=True)]


def _item(invoice: Invoice, number: int) -> Row:
    """What a line is about, in words that all families share."""
    if number >= len(invoice.lines):
        return {}
    line = invoice.lines[number]
    return {
        "taxRate": text_of(line.tax_rate * 100),  # percent
        "_code": line.item_code,
        "_name": line.item_name,
        "_unit": line.unit,
        "_quantity": text_of(line.quantity),
        "_price": text_of(line.unit_price_net),
        "_taxed": text_of((line.unit_price_net * (1 + line.tax_rate)).quantize(Decimal("0.000001")).normalize()),
    }


def _named(item: Row, **names: str) -> Row:
    """`item` with its shared words under a document's names; words without one there are left out."""
    return {names.get(key[1:], key) if key[0] == "_" else key: value for key, value in item.items()
            if key[0] != "_" or key[1:] in names}  # fmt: skip


def receivable_row(ledger: Ledger, kind: Kind, invoice: Invoice, customer: str) -> Row:
    """The receivable of one invoice; EFI with one instalment for each line."""
    currency_facts(invoice.currency)
    lines = line_amounts(invoice)
    sums = _sums(lines)
    at = day(invoice.issued_on)
    modified = stamp(invoice.modified_at)
    row: Row = {
        "id": ledger.new_id("document"),
        "code": invoice.number,
        kind.date: at,
        "customer": customer,
        kind.currency: CURRENCIES[invoice.currency][0],
        kind.rate: text_of(invoice.rate),
        **_amounts(kind, sums),
        **_state(ledger, kind, invoice.status, modified),
        "createTime": stamp(invoice.created_at),
        "modifyTime": modified,
        "pubts": modified,
    }
    due = None if invoice.due_on is None else day(invoice.due_on)
    red = invoice.gross < 0
    build = _efi_receivable if kind is RECEIVABLE else _oar
    build(row, invoice, due, red=red)
    row[kind.lines] = [
        _receivable_line(ledger, kind, row, invoice, number, amounts, due) for number, amounts in enumerate(lines)
    ]
    return {key: value for key, value in row.items() if value not in (None, "")}


def _efi_receivable(row: Row, invoice: Invoice, _: str | None, *, red: bool) -> None:
    row["exchangeRateDate"] = row["billDate"]
    row["direction"] = "-1" if red else "1"
    if invoice.kind in (InvoiceKind.OTHER_RECEIVABLE, InvoiceKind.OPENING_BALANCE):
        code, name = _BUSTYPES[invoice.kind]
        row |= {"bustype": code, "bustypeCode": code, "bustypeName": name}
    row |= {"invoiceNo": invoice.tax_invoice_number, "invoiceCode": invoice.tax_invoice_code, "remarks": invoice.remark}


def _oar(row: Row, invoice: Invoice, due: str | None, *, red: bool) -> None:
    base = 2 if invoice.kind is InvoiceKind.OTHER_RECEIVABLE else 1
    row |= {
        "accountdate": row["vouchdate"],
        "maturitydate": due,
        "billtype": base + 2 if red else base,
        "billdirection": RED if red else BLUE,
        "initflag": invoice.kind is InvoiceKind.OPENING_BALANCE,
        "invoiceno": invoice.tax_invoice_number,
        "orderno": invoice.order_number,
        "description": invoice.remark,
    }


def _receivable_line(
    ledger: Ledger, kind: Kind, row: Row, invoice: Invoice, number: int, amounts: tuple[Decimal, ...], due: str | None
) -> Row:
    item = _item(invoice, number)
    money = _amounts(kind, amounts)
    total, local = money[kind.total], money[kind.local_total]
    if kind is OAR:
        words = _named(item, code="material_code", quantity="qty", price="oriUnitPrice", taxed="oriTaxUnitPrice")
        line: Row = {"id": ledger.new_id("line"), "mainid": row["id"], **words, **money}
        if invoice.order_number:
            line["orderno"] = invoice.order_number
        return {**line, kind.open: total, kind.local_open: local}
    words = _named(
        item, code="materialCode", name="materialName", quantity="quantity", price="oriTaxExcludedPrice",
        taxed="oriTaxIncludedPrice",
    )  # fmt: skip
    line = {"id": ledger.new_id("line"), "headerId": row["id"], "rowNo": number + 1, **words, **money}
    for name, value in (("orderNo", invoice.order_number), ("contractNo", invoice.contract_number)):
        if value:
            line[name] = value
    line["grandsonItem"] = [
        {
            "issueNo": 1,
            "startDate": row[kind.date],
            "accountDate": row[kind.date],
            "expireDate": due or NEVER_DUE,
            "ratio": "100",
            kind.total: total,
            kind.local_total: local,
            kind.open: total,
            kind.local_open: local,
        }
    ]
    return line


def receipt_row(ledger: Ledger, kind: Kind, money: Receipt, customer: str | None) -> Row:
    """One receipt. What the bank kept settles too, so it is a line of its own (款项类型 手续费 [inferred]) and the header
    is `amount` + `fee`.
    """
    modified = stamp(money.modified_at)
    amount, fee = major(money.amount, money.currency), major(money.fee, money.currency)
    base, base_fee = major(money.base_amount, BASE_CURRENCY), to_base(fee, money.rate)
    zero = rounded(Decimal(0), money.currency)
    parts = [(amount, base, "advance" if money.kind is ReceiptKind.PREPAYMENT else "receivable")]
    if fee:
        parts.append((fee, base_fee, "fee"))
    row: Row = {
        "id": ledger.new_id("document"),
        "code": money.number,
        kind.date: day(money.received_on),
        "customer": customer,
        kind.currency: CURRENCIES[money.currency][0],
        kind.rate: text_of(money.rate),
        **_amounts(kind, (amount + fee, zero, amount + fee, base + base_fee, Decimal("0.00"), base + base_fee)),
        **_state(ledger, kind, money.status, modified),
        "createTime": stamp(money.created_at),
        "modifyTime": modified,
        "pubts": modified,
    }
    bill = money.bank_reference if money.kind is ReceiptKind.ACCEPTANCE_BILL else None
    if kind is RECEIVEBILL:
        row |= {
            "settlemode_name": money.method, "enterprisebankaccount_code": money.own_account,
            "customerbankaccount": money.payer_account, "customerbankaccount_name": money.payer_name,
            "invoiceno": bill, "description": money.remittance,
        }  # fmt: skip
    else:
        row |= {
            "exchangeRateDate": row[kind.date], "direction": "-1" if money.amount < 0 else "1",
            "settleModeName": money.method, "enterpriseBankAccountNo": money.own_account,
            "customerBankAccountNo": money.payer_account, "customerBankAccountName": money.payer_name,
            "settleState": 3 if money.status is Status.APPROVED else 0, "invoiceNo": bill, "remarks": money.remittance,
        }  # fmt: skip
    row[kind.lines] = [_receipt_line(ledger, kind, row, number, part) for number, part in enumerate(parts, 1)]
    return {key: value for key, value in row.items() if value not in (None, "")}


def _receipt_line(ledger: Ledger, kind: Kind, row: Row, number: int, part: tuple[Decimal, Decimal, str]) -> Row:
    total, local, purpose = text_of(part[0]), text_of(part[1]), part[2]
    code, name = QUICK_TYPES[purpose]
    line: Row = {"id": ledger.new_id("line"), kind.total: total, kind.local_total: local}
    line |= {kind.open: total, kind.local_open: local}
    if kind is RECEIVEBILL:
        return {**line, "mainid": row["id"], "quickType": code, "quickType_code": code, "quickType_name": name}
    quick = {"quickType": code, "quickTypeCode": code, "quickTypeName": name}
    return {**line, "headerId": row["id"], "rowNo": number, **quick}


def sales_row(ledger: Ledger, invoice: Invoice, customer: str, blue: str | None) -> Row:
    """The sales invoice behind a receivable, with the same code."""
    names = ("oriMoney", "oriTax", "oriSum", "natMoney", "natTax", "natSum")
    lines = line_amounts(invoice)
    modified = stamp(invoice.modified_at)
    void = invoice.status is Status.VOID
    row_id = ledger.new_id("document")
    row: Row = {
        "id": row_id,
        "code": invoice.number,
        "vouchdate": day(invoice.issued_on),
        "agentId": customer,
        "invAgentId": customer,
        "currency": CURRENCIES[invoice.currency][0],
        "exchRate": text_of(invoice.rate),
        **{name: text_of(value) for name, value in zip(names, _sums(lines), strict=True)},
        "invDirection": RED if invoice.gross < 0 else BLUE,
        "status": 2 if void else int(invoice.status is Status.APPROVED),
        "verifystate": 2 if invoice.status is not Status.DRAFT else 0,
        "businessState": 3 if void else 0,
        "isInvalidInvoice": void,
        "blueInvId": blue,
        "taxBillingStatus": 2 if invoice.tax_invoice_number else 1,
        "einvoiceNo": invoice.tax_invoice_code,
        "einvoiceHm": invoice.tax_invoice_number,
        "memo": invoice.remark,
        "createTime": stamp(invoice.created_at),
        "modifyTime": modified,
        "pubts": modified,
    }
    row["saleInvoiceDetails"] = [
        {
            "id": ledger.new_id("line"),
            "mainid": row_id,
            "lineno": number + 1,
            **_named(_item(invoice, number), code="productCode", name="productName", quantity="qty",
                     price="oriUnitPrice", taxed="oriTaxUnitPrice"),
            **{name: text_of(value) for name, value in zip(names, amounts, strict=True)},
            **({"orderNo": invoice.order_number} if invoice.order_number else {}),
        }
        for number, amounts in enumerate(lines)
    ]  # fmt: skip
    return {key: value for key, value in row.items() if value not in (None, "")}
