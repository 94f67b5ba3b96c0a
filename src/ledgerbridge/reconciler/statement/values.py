"""What a statement is built from: documents, money movements, write-offs, and what was applied to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import DifferenceKind, PaymentKind

LINE_MAX: Final = 500


def one_line(text: str) -> str:
    """One line of at most 500 characters, control characters and runs of blanks as one blank."""
    if len(text) <= LINE_MAX and text.isprintable() and "  " not in text and text == text.strip():
        return text  # nearly always: the only blank that is printable is the plain one
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return flat if len(flat) <= LINE_MAX else f"{flat[: LINE_MAX - 1]}…"


@dataclass(frozen=True, slots=True)
class Period:
    """Business dates, both included."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Document:
    """An approved receivable document: `amount_minor` is its gross, negative for a credit note.

    `reference` is what the customer knows it by (tax invoice, order); texts may be of any length and are cut for the line.
    """

    id: str
    number: str
    kind: InvoiceKind
    currency: str
    on: date
    amount_minor: int
    due_on: date | None = None
    reference: str = ""
    remark: str = ""
    base_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """An approved money movement: `amount_minor` reached our account (negative for a refund), a bank kept `fee_minor`.

    It lowers what the customer owes by both together.
    """

    id: str
    number: str
    kind: PaymentKind
    currency: str
    on: date
    amount_minor: int
    fee_minor: int = 0
    reference: str = ""
    remark: str = ""
    base_minor: int | None = None


@dataclass(frozen=True, slots=True)
class WriteOff:
    """A difference that was written off: `amount_minor` is what it does to the balance, negative when it lowers it."""

    id: str
    number: str
    currency: str
    on: date
    amount_minor: int
    difference: DifferenceKind
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """核销: `amount_minor` (positive) of what lowers the balance (`credit_id`) applied to what raised it (`debit_id`).

    It takes effect on `on`, but never before both of its documents exist.
    """

    debit_id: str
    credit_id: str
    amount_minor: int
    on: date


@dataclass(frozen=True, slots=True)
class Brought:
    """What is known of all that is dated before a period, without looking at it again: the balance at its beginning, and what is
    left of documents and money movements on its last day (nothing of those that are not named).
    """

    opening_minor: int
    left: Mapping[str, int]
