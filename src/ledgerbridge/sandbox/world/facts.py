"""The shapes of the business data: what really happened, and what each system holds of it.

Money is an integer of the currency's minor units (fen for CNY, yen for JPY); rates are :class:`~decimal.Decimal`,
units of the base currency (CNY) for one unit of the document's currency. Amounts of credit notes and refunds are
negative. Stamps are aware UTC; business dates are dates in Asia/Shanghai.

The balance of a customer in one currency, in any holding, at a day: the sum of `gross` of its approved invoices (every
kind) dated to that day, less the sum of `amount + fee` of its approved receipts dated to that day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class SystemName(StrEnum):
    """The far sides that the world is told to; `BANK` and `SHEET` become files."""

    YONYOU_U8 = "yonyou_u8"
    YONYOU_BIP = "yonyou_bip"
    FXIAOKE = "fxiaoke"
    ZOHO_CRM = "zoho_crm"
    SHEET = "sheet"
    BANK = "bank"


class InvoiceKind(StrEnum):
    """What a receivable document is."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    OPENING_BALANCE = "opening_balance"
    OTHER_RECEIVABLE = "other_receivable"


class ReceiptKind(StrEnum):
    """What a money movement is."""

    RECEIPT = "receipt"
    PREPAYMENT = "prepayment"
    REFUND = "refund"
    ACCEPTANCE_BILL = "acceptance_bill"


class Status(StrEnum):
    """Where a document stands in its own system."""

    DRAFT = "draft"
    APPROVED = "approved"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Company:
    """A customer as one system holds it. `key` is the same for the same real customer in every system.

    `credit_code` None: the system does not hold it. `credit_limit` is in minor units of `currency`. `payers` are
    other names its money comes from (affiliates, agents).
    """

    key: str
    code: str
    name: str
    short_name: str
    credit_code: str | None
    province: str
    city: str
    district: str
    address: str
    region_code: str
    phone: str
    mobile: str
    email: str
    contact: str
    bank_name: str
    bank_account: str
    class_code: str
    class_name: str
    industry: str
    salesperson_code: str
    salesperson: str
    credit_limit: int | None
    credit_days: int
    currency: str
    opened_on: date
    disabled_on: date | None
    remark: str
    created_at: datetime
    modified_at: datetime
    payers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; amounts in minor units of the invoice's currency, `gross` = `net` + `tax`.

    `tax_rate` is a fraction (``Decimal("0.13")`` for 13 %); `unit_price_net` is in major units (yuan), excluding tax.
    """

    item_code: str
    item_name: str
    unit: str
    quantity: Decimal
    unit_price_net: Decimal
    tax_rate: Decimal
    net: int
    tax: int
    gross: int


@dataclass(frozen=True, slots=True)
class Invoice:
    """A receivable document as one system holds it. `company` is a :attr:`Company.key`.

    The lines add up to `net`, `tax` and `gross`; `base_gross` is in CNY fen. `reverses` is the key of the document that
    a credit note reverses. `open_amount` is what is unpaid at the world's end: `gross` less all that this holding's
    receipts apply to it (negative for a credit note that nobody has used up yet); 0 for a void document.
    """

    key: str
    number: str
    tax_invoice_code: str | None
    tax_invoice_number: str | None
    kind: InvoiceKind
    company: str
    issued_on: date
    due_on: date | None
    currency: str
    rate: Decimal
    net: int
    tax: int
    gross: int
    base_gross: int
    open_amount: int
    order_number: str
    contract_number: str
    status: Status
    salesperson_code: str
    department_code: str
    remark: str
    created_at: datetime
    modified_at: datetime
    lines: tuple[Line, ...] = ()
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """A part of a receipt that settles one document; `invoice` is an :attr:`Invoice.key`, `amount` in minor units."""

    invoice: str
    amount: int
    on: date


@dataclass(frozen=True, slots=True)
class Receipt:
    """A money movement as one system holds it; refunds are negative. `fee` is what a bank kept of the customer's
    payment (it settles too): the bank shows `amount`, the customer meant `amount + fee`.

    `applied` never adds up to more than `amount + fee`; a part applied to a credit note is negative (it is netted).
    `company` None: only the bank knows of it, by payer name and account.
    """

    key: str
    number: str
    kind: ReceiptKind
    company: str | None
    payer_name: str
    payer_account: str
    payer_bank: str
    received_on: date
    currency: str
    rate: Decimal
    amount: int
    fee: int
    base_amount: int
    remittance: str
    method: str
    bank_reference: str
    own_account: str
    status: Status
    created_at: datetime
    modified_at: datetime
    applied: tuple[Applied, ...] = ()


@dataclass(frozen=True, slots=True)
class BankRow:
    """One line of the company's own bank statement; `amount` is signed, + is money in."""

    serial: str
    account: str
    booked_at: datetime
    currency: str
    amount: int
    balance_after: int
    counterparty_name: str
    counterparty_account: str
    counterparty_bank: str
    summary: str
    purpose: str
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Holding:
    """All that one system holds. The same `key` may stand twice where the system holds a customer twice; then `code`
    differs.
    """

    system: SystemName
    companies: tuple[Company, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    bank_rows: tuple[BankRow, ...] = ()


class PlantedKind(StrEnum):
    """Every kind of discrepancy that a later comparison must find."""

    MISSING = "missing"
    AMOUNT_DIFFERS = "amount_differs"
    TAX_DIFFERS = "tax_differs"
    CURRENCY_DIFFERS = "currency_differs"
    CUSTOMER_DIFFERS = "customer_differs"
    DATE_DIFFERS = "date_differs"
    STATUS_DIFFERS = "status_differs"
    DUPLICATE = "duplicate"
    VOIDED_ON_ONE_SIDE = "voided_on_one_side"
    TIMING = "timing"
    PAYMENT_TO_WRONG_CUSTOMER = "payment_to_wrong_customer"
    DUPLICATE_CUSTOMER = "duplicate_customer"
    BAD_CREDIT_CODE = "bad_credit_code"
    NAME_VARIANT = "name_variant"
    CREDIT_CODE_MISSING = "credit_code_missing"


@dataclass(frozen=True, slots=True)
class Planted:
    """One discrepancy put there on purpose: the ground truth.

    `kind_of_record` is `customer`, `invoice` or `payment`; `amount` is the money effect on the balance of `company` in
    `system`, in minor units of `currency`: its balance there less its true balance at the world's last day (0 where no
    balance moves). `finding` tells whether a comparison of the two systems is expected to report it (a name variant
    alone is noise, not a finding). One discrepancy that moves two balances (a wrong customer, a wrong currency) is two
    rows with the same kind and record, of which only the first is a finding. A record that `system` lacks has `held`
    ``absent``; one that only `system` holds has `expected` ``absent``.
    """

    planted: PlantedKind
    system: SystemName
    against: SystemName
    kind_of_record: str
    record_key: str
    record_number: str
    company: str | None
    currency: str
    amount: int
    expected: str
    held: str
    finding: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """What really happened (`truth`), what each system holds of it, and every difference between the two."""

    seed: int
    own_name: str
    own_credit_code: str
    own_accounts: tuple[tuple[str, str, str], ...]
    first_day: date
    last_day: date
    truth: Holding
    holdings: dict[SystemName, Holding] = field(default_factory=dict)
    planted: tuple[Planted, ...] = ()
