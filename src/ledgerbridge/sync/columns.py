"""What of a canonical record goes into columns: for show, set-based comparison and totals.

An enum's member is turned to text by ``str``, several times cheaper than its ``value``, on a path that every new record takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ledgerbridge.model.base import Frozen, Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.party import PartyRef
from ledgerbridge.model.payment import Allocation, Payment


class Columns(NamedTuple):
    """As in :class:`ledgerbridge.store.observed.Row`, in its order."""

    currency: str = ""
    amount_minor: int = 0
    tax_minor: int | None = None
    fee_minor: int | None = None
    open_minor: int | None = None
    number: str | None = None
    part: str | None = None
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


def columns_of_json(kind: Kind, plain: Mapping[str, Any]) -> Columns:
    """The same of a record as JSON has it, in which what is unset is missing."""
    return _OF_JSON[kind](plain.get)


def _invoice_json(get: Callable[..., Any]) -> Columns:
    party = get("customer")
    return Columns(
        get("currency"),
        get("total_minor"),
        get("tax_minor"),
        None,
        get("open_minor"),
        get("number"),
        None,
        party.get("external_id"),
        party.get("code"),
        party.get("name"),
        party.get("credit_code"),
        get("issued_on"),
        get("due_on"),
        get("status", _INVOICE_STATUS),
        get("kind", _INVOICE_KIND),
    )


def _payment_json(get: Callable[..., Any]) -> Columns:
    party = get("customer") or {}
    return Columns(
        get("currency"),
        get("amount_minor"),
        None,
        get("fee_minor"),
        get("open_minor"),
        get("number"),
        get("part"),
        party.get("external_id"),
        party.get("code"),
        party.get("name") or get("payer_name"),
        party.get("credit_code"),
        get("received_on"),
        None,
        get("status", _PAYMENT_STATUS),
        get("kind", _PAYMENT_KIND),
    )


def _customer_json(get: Callable[..., Any]) -> Columns:
    return Columns(
        number=get("code"),
        party_code=get("code"),
        party_name=get("name"),
        credit_code=get("credit_code"),
        business_on=get("opened_on"),
        doc_status=get("status", _CUSTOMER_STATUS),
    )


def _allocation_json(get: Callable[..., Any]) -> Columns:
    party = get("customer") or {}
    return Columns(
        currency=get("currency"),
        amount_minor=get("amount_minor"),
        number=get("number"),
        party_id=party.get("external_id"),
        party_code=party.get("code"),
        party_name=party.get("name"),
        credit_code=party.get("credit_code"),
        business_on=get("allocated_on"),
        doc_status=get("status", _ALLOCATION_STATUS),
        doc_kind=get("difference"),
    )


def _default(model: type[Frozen], name: str) -> str:
    return str(model.model_fields[name].default)


_INVOICE_STATUS, _INVOICE_KIND = _default(Invoice, "status"), _default(Invoice, "kind")
_PAYMENT_STATUS, _PAYMENT_KIND = _default(Payment, "status"), _default(Payment, "kind")
_CUSTOMER_STATUS, _ALLOCATION_STATUS = _default(Customer, "status"), _default(Allocation, "status")
_OF_JSON: Mapping[Kind, Callable[[Callable[..., Any]], Columns]] = {
    Kind.INVOICE: _invoice_json,
    Kind.PAYMENT: _payment_json,
    Kind.CUSTOMER: _customer_json,
    Kind.ALLOCATION: _allocation_json,
}

_NOBODY = PartyRef()


def _invoice(record: Invoice) -> Columns:
    party = record.customer
    return Columns(
        record.currency,
        record.total_minor,
        record.tax_minor,
        None,
        record.open_minor,
        record.number,
        None,
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
        None,
        record.fee_minor,
        record.open_minor,
        record.number,
        record.part,
        party.external_id,
        party.code,
        party.name or record.payer_name,
        party.credit_code,
        record.received_on.isoformat(),
        None,
        str(record.status),
        str(record.kind),
    )
