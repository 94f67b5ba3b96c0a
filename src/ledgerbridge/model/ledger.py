"""What a comparison of two ledgers sees of a document: less than the canonical record, and its customer already resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from .base import Kind
from .invoice import DocumentStatus


class Account(NamedTuple):
    """Whose balance a document moves.

    `key` is the customer's entity, or, for a customer that is not linked, `system/…` with what the document says of it: such a
    key belongs to one system and never equals another's. `entity` is None then.
    """

    key: str
    entity: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerDocument:
    """An invoice or a payment of one system; several records of one payment may have been put together.

    `settled_minor` is what it moves the balance by, before status and day are looked at: an invoice's total, a payment's amount
    and fee together; negative for credit notes and refunds. `tax_minor`, `fee_minor`, `due_on` None: the system does not say.
    """

    kind: Kind
    external_ids: tuple[str, ...]
    number: str
    account: Account
    currency: str
    settled_minor: int
    business_on: date
    status: DocumentStatus
    tax_minor: int | None = None
    fee_minor: int | None = None
    due_on: date | None = None
    doc_kind: str | None = None
    entity: str | None = None
    part: str | None = None


class NumberGroup(NamedTuple):
    """All documents of one kind and number, in the leading and in the compared system."""

    kind: Kind
    number: str
    leading: Sequence[LedgerDocument]
    compared: Sequence[LedgerDocument]


Balances = dict[tuple[str, str], int]
"""By account key and currency, in minor units."""
