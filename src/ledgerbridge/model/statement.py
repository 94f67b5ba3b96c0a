"""The customer statement 对账单: one customer, one currency, one period. One that does not add up cannot be built.

Amounts are integer minor units of the statement's currency. A debit raises what the customer owes, a credit lowers it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from ledgerbridge.errors import StatementError

from .base import Frozen, Line
from .money import Currency, to_decimal
from .payment import DifferenceKind

SCHEMA: Final = 1
"""The version of the canonical JSON form. It grows when a stored form could no longer be read as it was meant."""

Side = Annotated[int, Field(ge=0)]
DocumentId = Annotated[str, Field(min_length=1, max_length=500)]
"""What one document is called among all documents and money movements of a customer, whatever system it came from."""


class EntryKind(StrEnum):
    """What a line of a statement is: the kinds of invoices and payments, and differences that were written off."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    OPENING_BALANCE = "opening_balance"
    ADJUSTMENT = "adjustment"
    RECEIPT = "receipt"
    REFUND = "refund"
    PREPAYMENT = "prepayment"
    ACCEPTANCE_BILL = "acceptance_bill"
    WRITE_OFF = "write_off"

    @property
    def is_money(self) -> bool:
        """Whether it is a money movement: what is left of one is unapplied cash, never part of the aging buckets."""
        return self in _MONEY


_MONEY: Final = frozenset({EntryKind.RECEIPT, EntryKind.REFUND, EntryKind.PREPAYMENT, EntryKind.ACCEPTANCE_BILL})


class AgeBase(StrEnum):
    """From which date the age of an open item counts."""

    DUE = "due"  # days past due; an item without a due date has a bucket of its own
    DOCUMENT = "document"  # days since the document's own date


class AgeBucket(Frozen):
    """A range of ages in days, both ends included; None: no end on that side. `undated`: items without a due date."""

    first: int | None = None
    last: int | None = None
    undated: bool = False

    @property
    def name(self) -> str:
        """A stable name without language: `not_due`, `1-30`, `>365`, `undated`."""
        if self.undated:
            return "undated"
        if self.last is None:
            return f">{(self.first or 0) - 1}"
        if self.first is None:
            return "not_due" if self.last == 0 else f"0-{self.last}"
        return f"{self.first}-{self.last}"

    def holds(self, age_days: int | None) -> bool:
        """Whether an item of this age (None: it has none) belongs here."""
        if age_days is None or self.undated:
            return age_days is None and self.undated
        return (self.first is None or self.first <= age_days) and (self.last is None or age_days <= self.last)


class Aged(Frozen):
    """What is open in one bucket; `items` says how many documents."""

    bucket: AgeBucket
    amount_minor: int
    items: Annotated[int, Field(ge=0)]


class Aging(Frozen):
    """The aging strip 账龄: open items by age on `as_of`, with unapplied cash beside them, never netted into a bucket."""

    base: AgeBase
    as_of: date
    buckets: tuple[Aged, ...]
    unapplied_minor: int
    """What is left of money movements: negative when the customer has paid what is not applied yet."""

    @property
    def total_minor(self) -> int:
        """All buckets and the unapplied cash: the closing balance."""
        return sum(aged.amount_minor for aged in self.buckets) + self.unapplied_minor


class Party(Frozen):
    """The customer as the statement names it."""

    entity: Annotated[str, Field(min_length=1, max_length=200)]
    code: Line = ""
    name: Line


class Settlement(Frozen):
    """核销: the part of a line that was applied to, or by, another document up to the last day. Always positive."""

    id: DocumentId
    number: Line
    amount_minor: Annotated[int, Field(gt=0)]
    on: date


class StatementEntry(Frozen):
    """One line: a document or a money movement of the period. `id` is unique among all documents of the customer.

    `balance_minor` is what the customer owes after it. `fee_minor` is the part of a receipt's credit that a bank kept.
    `base_minor` is the signed amount in the base currency, as the source has it; such amounts are shown, never added up.
    """

    id: DocumentId
    on: date
    kind: EntryKind
    number: Line
    reference: Line = ""
    due_on: date | None = None
    debit_minor: Side
    credit_minor: Side
    balance_minor: int
    fee_minor: Side = 0
    base_minor: int | None = None
    difference: DifferenceKind | None = None
    remark: Line = ""
    settlements: tuple[Settlement, ...] = ()

    @property
    def amount_minor(self) -> int:
        """What it does to the balance."""
        return self.debit_minor - self.credit_minor

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if self.debit_minor and self.credit_minor:
            raise ValueError(f"{self.number}: a line is a debit or a credit, not both")
        applied = sum(part.amount_minor for part in self.settlements)
        if applied > abs(self.amount_minor):
            raise ValueError(f"{self.number}: {applied} is applied of a line of {abs(self.amount_minor)}")
        return self


class StatementItem(Frozen):
    """What is left on the last day of a document (an open item) or of a money movement (unapplied cash).

    `amount_minor` and `open_minor` have the sign of what they do to the balance. `age_days` counts from the aging's base to
    its `as_of`; None without a due date, and for money.
    """

    id: DocumentId
    kind: EntryKind
    number: Line
    on: date
    due_on: date | None = None
    amount_minor: int
    open_minor: int
    age_days: int | None = None

    @model_validator(mode="after")
    def _part(self) -> Self:
        if self.open_minor * self.amount_minor <= 0 or abs(self.open_minor) > abs(self.amount_minor):
            raise ValueError(f"{self.number}: {self.open_minor} is no open part of {self.amount_minor}")
        return self


class CustomerStatement(Frozen):
    """A whole statement. It refuses to exist unless opening + Σ lines = closing = Σ open items + unapplied = aging total.

    `as_of` of the aging and the period's last day may differ; what is open is always that of the last day. The language is
    not part of it: it is chosen when it is rendered.
    """

    schema_version: Literal[1] = SCHEMA
    company: Line
    customer: Party
    currency: Currency
    base_currency: Currency | None = None
    first_day: date
    last_day: date
    opening_minor: int
    entries: tuple[StatementEntry, ...] = ()
    closing_minor: int
    open_items: tuple[StatementItem, ...] = ()
    unapplied: tuple[StatementItem, ...] = ()
    aging: Aging
    made_at: datetime
    """Aware UTC; the moment of the books, also the creation date of the files."""
    made_on: date
    """The same as a business date, in the company's zone; a reply is asked for within days of it."""

    @property
    def number(self) -> str:
        """What the statement is called in letters: customer, last day, currency."""
        return f"{self.customer.code or self.customer.entity}-{self.last_day:%Y%m%d}-{self.currency}"

    @property
    def debit_minor(self) -> int:
        """本期应收: Σ debits of the period."""
        return sum(entry.debit_minor for entry in self.entries)

    @property
    def credit_minor(self) -> int:
        """本期已收: Σ credits of the period."""
        return sum(entry.credit_minor for entry in self.entries)

    def shown(self, minor: int) -> str:
        """An amount for people, without the currency: 1,234.50."""
        return f"{to_decimal(minor, self.currency):,}"

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.first_day > self.last_day:
            raise ValueError(f"the period ends on {self.last_day}, before it starts on {self.first_day}")
        if self.made_at.utcoffset() != timedelta(0):
            raise ValueError("the moment it was made must be in UTC")
        self._running()
        self._open()
        self._aged()
        ids = [entry.id for entry in self.entries]
        if len(set(ids)) != len(ids):
            raise ValueError("a document stands on the statement twice")
        return self

    def _running(self) -> None:
        balance, day = self.opening_minor, self.first_day
        for entry in self.entries:
            balance += entry.amount_minor
            if entry.balance_minor != balance:
                raise ValueError(
                    f"the balance after {entry.number} is stated as {self.shown(entry.balance_minor)} {self.currency}, "
                    f"but the lines up to it give {self.shown(balance)}"
                )
            if not day <= entry.on <= self.last_day:
                raise ValueError(f"{entry.number} of {entry.on} is out of order or outside the period")
            day = entry.on
        self._same("opening + lines", balance, "the closing balance", self.closing_minor)

    def _open(self) -> None:
        for name, items, money in (("open item", self.open_items, False), ("unapplied cash", self.unapplied, True)):
            strange = [item.number for item in items if item.kind.is_money is not money or item.on > self.last_day]
            if strange:
                raise ValueError(f"{', '.join(strange)}: this is no {name} of the last day")
        left = sum(item.open_minor for item in self.open_items) + sum(item.open_minor for item in self.unapplied)
        self._same("open items and unapplied cash", left, "the closing balance", self.closing_minor)

    def _aged(self) -> None:
        self._same("the aging total", self.aging.total_minor, "the closing balance", self.closing_minor)
        cash = sum(item.open_minor for item in self.unapplied)
        self._same("unapplied cash of the aging", self.aging.unapplied_minor, "the unapplied cash", cash)
        for aged in self.aging.buckets:
            held = [item.open_minor for item in self.open_items if aged.bucket.holds(item.age_days)]
            self._same(f"bucket {aged.bucket.name}", aged.amount_minor, "its open items", sum(held))
            if aged.items != len(held):
                raise ValueError(f"bucket {aged.bucket.name} says {aged.items} items, there are {len(held)}")

    def _same(self, left: str, left_minor: int, right: str, right_minor: int) -> None:
        if left_minor != right_minor:
            raise ValueError(
                f"{self.customer.name}: {left} = {self.shown(left_minor)} {self.currency}, but {right} = "
                f"{self.shown(right_minor)} {self.currency}; the difference is {self.shown(left_minor - right_minor)}"
            )


def load(content: bytes) -> CustomerStatement:
    """A statement from its canonical JSON; StatementError if it is none, or does not add up."""
    try:
        return CustomerStatement.model_validate_json(content)
    except ValidationError as error:
        raise StatementError(f"this is no statement: {reasons(error)}") from None


def dump(statement: CustomerStatement) -> bytes:
    """The canonical JSON: keys in the order of the model, no blanks, UTF-8; the same statement gives the same bytes."""
    return statement.model_dump_json().encode()


def reasons(error: ValidationError) -> str:
    """What a model found wrong, in one line for people."""
    return "; ".join(str(fault["msg"]).removeprefix("Value error, ") for fault in error.errors(include_url=False))
