"""What of a canonical record goes into columns: for show, set-based comparison and totals.

An enum's member is turned to text by ``str``, several times cheaper than its ``value``, on a path that every new record takes.
"""

from __future__ import annotations

from typing import NamedTuple

from ledgerbridge.model.base import Frozen
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.party import PartyRef
from ledgerbridge.model.payment import Allocation, Payment


class Columns(NamedTuple):
    """As in :class:`ledgerbridge.store.observed.Row`, in its order."""

    currency: str = ""
    amount_minor: int = 0
    open_minor: int | None = None
    number: str | None = None
    party_id: str | None = None
    party_code: str | None = None
    party_name: str | None = None
    credit_code: str | None = None
    business_on: str | None = None
    due_on: str | None = None
    doc_status: str | None = None
    doc_kind: str | None = None


NOTHING = Columns()


def columns_of(record: Frozen) -> Columns:
    """The columns of a canonical record; TypeError for what is none."""
    if isinstance(record, Invoice):
        return _invoice(record)
    if isinstance(record, Payment):
        return _payment(record)
    if isinstance(record, Customer):
        return Columns(
            number=record.code,
            party_code=record.code,
            party_name=record.name,
            credit_code=record.credit_code,
            business_on=record.opened_on.isoformat() if record.opened_on else None,
            doc_status=str(record.status),
        )
    if isinstance(record, Allocation):
        party = record.customer or _NOBODY
        return Columns(
            currency=record.currency,
            amount_minor=record.amount_minor,
            number=record.number,
            party_id=party.external_id,
            party_code=party.code,
            party_name=party.name,
            credit_code=party.credit_code,
            business_on=record.allocated_on.isoformat(),
            doc_status=str(record.status),
            doc_kind=str(record.difference) if record.difference else None,
        )
    raise TypeError(f"{type(record).__name__} is no canonical record")


_NOBODY = PartyRef()


def _invoice(record: Invoice) -> Columns:
    party = record.customer
    return Columns(
        record.currency,
        record.total_minor,
        record.open_minor,
        record.number,
        party.external_id,
        party.code,
        party.name,
        party.credit_code,
        record.issued_on.isoformat(),
        record.due_on.isoformat() if record.due_on else None,
        str(record.status),
        str(record.kind),
    )


def _payment(record: Payment) -> Columns:
    party = record.customer or _NOBODY
    return Columns(
        record.currency,
        record.amount_minor,
        record.open_minor,
        record.number,
        party.external_id,
        party.code,
        party.name or record.payer_name,
        party.credit_code,
        record.received_on.isoformat(),
        None,
        str(record.status),
        str(record.kind),
    )
