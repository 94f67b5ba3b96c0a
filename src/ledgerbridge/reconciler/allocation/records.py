"""Open items and receipts from the canonical records."""

from __future__ import annotations

from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.payment import Payment

from .values import OpenItem, Receipt


def open_item(
    item_id: str, invoice: Invoice, *, open_minor: int | None = None, reverses: str | None = None
) -> OpenItem:
    """An invoice as an open item under an id of the caller's.

    `open_minor` None: the whole total is open, whatever the system itself says is. A tax invoice with a code is known
    by its number and by code and number together. `reverses` is the id of the document taken back, if the caller knows
    it; otherwise the number that the invoice states.
    """
    numbers = [invoice.number]
    for tax in invoice.tax_invoices:
        numbers.append(tax.number)
        if tax.code is not None:
            numbers.append(tax.code + tax.number)
    if reverses is None and invoice.reverses is not None:
        reverses = invoice.reverses.number
    return OpenItem(
        id=item_id,
        numbers=tuple(dict.fromkeys(numbers)),
        references=tuple(dict.fromkeys(one.number for one in invoice.references)),
        kind=invoice.kind,
        amount_minor=invoice.total_minor,
        open_minor=invoice.total_minor if open_minor is None else open_minor,
        currency=invoice.currency,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        reverses=reverses,
    )


def receipt(receipt_id: str, payment: Payment, *, open_minor: int | None = None) -> Receipt:
    """A payment as a receipt under an id of the caller's; `open_minor` None: nothing of it is applied yet.

    The remark counts as text where the payer wrote none.
    """
    return Receipt(
        id=receipt_id,
        amount_minor=payment.amount_minor,
        fee_minor=payment.fee_minor or 0,
        open_minor=open_minor,
        currency=payment.currency,
        received_on=payment.received_on,
        kind=payment.kind,
        text=payment.remittance_text or payment.remark or "",
    )
