"""The canonical receivable document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from .base import Frozen, Key, Line, Text
from .customer import CustomValue
from .money import Currency, Minor, Rate
from .party import DocumentRef, PartyRef

Quantity = Annotated[Decimal, Field(max_digits=24)]


class InvoiceKind(StrEnum):
    """What a receivable document is. Credit notes (红字) carry negative amounts; 其他应收单 are adjustments."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    OPENING_BALANCE = "opening_balance"
    ADJUSTMENT = "adjustment"


class DocumentStatus(StrEnum):
    """Where a document stands: only approved ones count in a balance."""

    DRAFT = "draft"
    APPROVED = "approved"
    VOID = "void"


class ReferenceKind(StrEnum):
    """What a document refers to."""

    ORDER = "order"
    CONTRACT = "contract"
    DELIVERY = "delivery"
    SOURCE = "source"


class Reference(Frozen):
    """A number of another paper that a document names."""

    kind: ReferenceKind
    number: Key


class TaxInvoiceNumber(Frozen):
    """A Chinese tax invoice: 20 digits (数电票) without a code, or 8 digits with a code of 10 or 12 (finance-formats.md 8.2)."""

    code: Annotated[str, StringConstraints(pattern=r"^\d{10}(\d{2})?$")] | None = None
    number: Annotated[str, StringConstraints(pattern=r"^(\d{20}|\d{8})$")]


class InvoiceLine(Frozen):
    """One line; amounts in minor units of the invoice's currency."""

    item_code: Line | None = None
    item_name: Line | None = None
    unit: Line | None = None
    quantity: Quantity | None = None
    unit_price: Quantity | None = None
    """Without tax, in the document's currency; may have more decimals than the currency."""
    tax_rate: Annotated[Decimal, Field(ge=0, le=1, max_digits=12)] | None = None
    """A fraction: 0.13 for 13 %."""
    net_minor: Minor | None = None
    tax_minor: Minor | None = None
    total_minor: Minor | None = None
    remark: Line | None = None


class Invoice(Frozen):
    """One receivable document as one system describes it.

    `total_minor` includes tax (价税合计) and is what the customer owes by it; negative for a credit note. Rates are units of
    the base currency for one unit of the document's.
    """

    number: Key
    kind: InvoiceKind = InvoiceKind.INVOICE
    tax_invoices: tuple[TaxInvoiceNumber, ...] = ()
    customer: PartyRef
    issued_on: date
    due_on: date | None = None
    posted_on: date | None = None
    currency: Currency
    total_minor: Minor
    net_minor: Minor | None = None
    tax_minor: Minor | None = None
    exchange_rate: Rate | None = None
    base_currency: Currency | None = None
    base_total_minor: Minor | None = None
    """In minor units of `base_currency`."""
    open_minor: Minor | None = None
    """What the system itself says is still unpaid."""
    references: tuple[Reference, ...] = ()
    reverses: DocumentRef | None = None
    status: DocumentStatus = DocumentStatus.APPROVED
    salesperson: Line | None = None
    department: Line | None = None
    remark: Text | None = None
    lines: tuple[InvoiceLine, ...] | None = None
    """None: the lines were not read."""
    custom: dict[str, CustomValue] = {}
