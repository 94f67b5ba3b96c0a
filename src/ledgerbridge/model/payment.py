"""The canonical money movement, and what of it settles which document."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from .base import Frozen, Key, Line, Text
from .customer import CustomValue
from .invoice import DocumentStatus
from .money import Currency, Minor, Rate
from .party import DocumentRef, PartyRef


class PaymentKind(StrEnum):
    """What a money movement is. Refunds carry negative amounts."""

    RECEIPT = "receipt"
    REFUND = "refund"
    PREPAYMENT = "prepayment"
    ACCEPTANCE_BILL = "acceptance_bill"


class DifferenceKind(StrEnum):
    """Why an allocation is not simply the whole of both sides."""

    EXACT = "exact"
    PARTIAL = "partial"
    FEE = "fee"
    DISCOUNT = "discount"
    ROUNDING = "rounding"
    FX = "fx"


class AllocatedTo(Frozen):
    """A part of a payment that its own system says settles a document; minor units of the payment's currency."""

    invoice: DocumentRef
    amount_minor: Minor
    allocated_on: date | None = None


class Payment(Frozen):
    """One money movement as one system describes it.

    `amount_minor` is what reached our account, + is money in. `fee_minor` is what a bank kept of the customer's payment.
    A bank row has no `customer`, only a payer. A system that keeps one record per part of a payment (Zoho) fills `part`;
    the parts of one `number` are one payment, whose amount and fee (`whole_minor`, `whole_fee_minor`, `base_whole_minor`) each
    may say, and the parts' amounts add up to both together.
    """

    number: Key
    part: Key | None = None
    kind: PaymentKind = PaymentKind.RECEIPT
    customer: PartyRef | None = None
    payer_name: Line | None = None
    payer_account: Line | None = None
    payer_bank: Line | None = None
    received_on: date
    posted_on: date | None = None
    currency: Currency
    amount_minor: Minor
    fee_minor: Annotated[int, Field(ge=0)] | None = None
    exchange_rate: Rate | None = None
    base_currency: Currency | None = None
    base_amount_minor: Minor | None = None
    whole_minor: Minor | None = None
    whole_fee_minor: Annotated[int, Field(ge=0)] | None = None
    base_whole_minor: Minor | None = None
    open_minor: Minor | None = None
    """What the system itself says is not yet applied."""
    remittance_text: Text | None = None
    method: Line | None = None
    bank_reference: Line | None = None
    our_account: Line | None = None
    status: DocumentStatus = DocumentStatus.APPROVED
    salesperson: Line | None = None
    department: Line | None = None
    allocations: tuple[AllocatedTo, ...] | None = None
    """None: the system says nothing about what the payment settles."""
    remark: Text | None = None
    custom: dict[str, CustomValue] = {}


class Allocation(Frozen):
    """核销: a payment, or a credit note, applied to a document, as a system with write-off records of its own says it.

    `amount_minor` is positive and in minor units of `currency`; a reversed write-off has status void.
    """

    number: Key
    payment: DocumentRef | None = None
    credit: DocumentRef | None = None
    invoice: DocumentRef
    customer: PartyRef | None = None
    currency: Currency
    amount_minor: Minor
    allocated_on: date
    difference: DifferenceKind | None = None
    status: DocumentStatus = DocumentStatus.APPROVED
    custom: dict[str, CustomValue] = {}
