"""Money: PaymentObj with its lines, RefundObj with what it settles."""

from __future__ import annotations

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.fxiaoke.objects_money import PAYMENT_TERMS
from ledgerbridge.sandbox.world.facts import Applied, Receipt, ReceiptKind

from .board import Board, midnight, option, wire

RECEIPT_KIND = {
    ReceiptKind.RECEIPT: "option1",
    ReceiptKind.PREPAYMENT: "option2",
    ReceiptKind.REFUND: "option3",
    ReceiptKind.ACCEPTANCE_BILL: "option4",
}
_TERM_OF = {"网银转账": "网上银行"}


def load_receipt(board: Board, receipt: Receipt) -> None:
    """One money movement; ValueError if it settles a document that this CRM does not hold."""
    for part in receipt.applied:
        if part.invoice not in board.bills:
            raise ValueError(f"fxiaoke: receipt {receipt.number} settles {part.invoice}, which is not held")
    if receipt.company is not None and receipt.company not in board.accounts:
        raise ValueError(f"fxiaoke: receipt {receipt.number} is of customer {receipt.company}, who is not held")
    company = None if receipt.company is None else board.companies[receipt.company]
    owner = board.seller(company.salesperson_code if company else "")
    if receipt.kind is ReceiptKind.REFUND and board.tenant.switches["refundsAs"] == "RefundObj":
        _refund(board, receipt, owner)
    else:
        _payment(board, receipt, owner)


def _bank_facts(board: Board, receipt: Receipt) -> Row:
    return {
        "name": receipt.number,
        "account_id": None if receipt.company is None else board.accounts[receipt.company],
        "bank_fee__c": wire(receipt.fee, receipt.currency) if receipt.fee else None,
        "base_amount__c": wire(receipt.base_amount, "CNY"),
        "bank_reference__c": receipt.bank_reference or None,
        "payer_name__c": receipt.payer_name or None,
        "payer_account__c": receipt.payer_account or None,
        "payer_bank__c": receipt.payer_bank or None,
        "own_account__c": receipt.own_account or None,
        "remittance__c": receipt.remittance or None,
        **board.currency(receipt, receipt.received_on),
    }


def _term(name: str, receipt: Receipt) -> Row:
    return option(name, _TERM_OF.get(receipt.method, receipt.method), PAYMENT_TERMS)


def _payment(board: Board, receipt: Receipt, owner: str) -> None:
    fields: Row = {
        **_bank_facts(board, receipt),
        "payment_time": midnight(receipt.received_on),
        "payment_amount": wire(receipt.amount, receipt.currency),
        "receipt_kind__c": RECEIPT_KIND[receipt.kind],
        **_term("payment_term", receipt),
    }
    header = board.put("PaymentObj", fields, owner, receipt)
    shared: Row = {
        "payment_id": header["_id"],
        "account_id": fields["account_id"],
        "payment_time": fields["payment_time"],
        "payment_term": fields.get("payment_term"),
        **board.currency(receipt, receipt.received_on),
    }
    for part in receipt.applied:
        row: Row = {
            **shared,
            "order_id": board.order_of.get(part.invoice),
            "receivable__c": board.bills[part.invoice],
            "payment_amount": wire(part.amount, receipt.currency),
            "line_kind__c": "option1",
            "applied_on__c": midnight(part.on),
        }
        board.put("OrderPaymentObj", row, owner, receipt)
    unapplied = receipt.amount + receipt.fee - sum(part.amount for part in receipt.applied)
    for amount, kind in ((unapplied, "option2"), (-receipt.fee, "option3")):
        if amount:
            row = {**shared, "payment_amount": wire(amount, receipt.currency), "line_kind__c": kind}
            board.put("OrderPaymentObj", row, owner, receipt)


def _refund(board: Board, receipt: Receipt, owner: str) -> None:
    orders = {board.order_of.get(part.invoice) for part in receipt.applied}
    fields: Row = {
        **_bank_facts(board, receipt),
        "order_id": orders.pop() if len(orders) == 1 else None,
        "refunded_amount": wire(receipt.amount, receipt.currency),
        "refunded_time": midnight(receipt.received_on),
        **_term("refunded_method", receipt),
    }
    header = board.put("RefundObj", fields, owner, receipt)
    for part in receipt.applied:
        row = _refund_line(board, receipt, part)
        board.put("refund_line__c", row | {"refund__c": header["_id"]}, owner, receipt)


def _refund_line(board: Board, receipt: Receipt, part: Applied) -> Row:
    return {
        "receivable__c": board.bills[part.invoice],
        "sales_order__c": board.order_of.get(part.invoice),
        "amount__c": wire(part.amount, receipt.currency),
        "applied_on__c": midnight(part.on),
        **board.currency(receipt, receipt.received_on),
    }
