"""What of a canonical record goes into columns: for show, set-based comparison and totals.

An enum's member is turned to text by ``str``, several times cheaper than its ``value``, on a path that every new record takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ledgerbridge.mapping.apply import Clean
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


def columns_of_clean(kind: Kind, clean: Clean) -> list[Sequence[Any]]:
    """The same of records that were mapped together: one sequence for each of the columns, in their order."""
    columns = [[None] * len(clean.at) if path is None else clean.column(*path) for path in _PATHS[kind]]
    if kind is Kind.PAYMENT:
        at = Columns._fields.index("party_name")
        columns[at] = [name or payer for name, payer in zip(columns[at], clean.column("payer_name"), strict=True)]
    return columns


def _paths(model: type[Frozen], **paths: str) -> tuple[tuple[str, Any] | None, ...]:
    """The canonical path of each column, with what it says where a record says nothing; None for a column without path."""
    found: list[tuple[str, Any] | None] = []
    for name, nothing in Columns._field_defaults.items():
        path = paths.get(name)
        if path is None:
            found.append(None if nothing is None else ("", nothing))
        else:
            info = model.model_fields[path.partition(".")[0]]
            default = nothing if info.is_required() or info.default is None or "." in path else str(info.default)
            found.append((path, default))
    return tuple(found)


_PARTY: Final = {
    "party_id": "customer.external_id",
    "party_code": "customer.code",
    "party_name": "customer.name",
    "credit_code": "customer.credit_code",
}
_PATHS: Final[Mapping[Kind, tuple[tuple[str, Any] | None, ...]]] = {
    Kind.INVOICE: _paths(
        Invoice,
        currency="currency",
        amount_minor="total_minor",
        tax_minor="tax_minor",
        open_minor="open_minor",
        number="number",
        business_on="issued_on",
        due_on="due_on",
        doc_status="status",
        doc_kind="kind",
        **_PARTY,
    ),
    Kind.PAYMENT: _paths(
        Payment,
        currency="currency",
        amount_minor="amount_minor",
        fee_minor="fee_minor",
        open_minor="open_minor",
        number="number",
        part="part",
        business_on="received_on",
        doc_status="status",
        doc_kind="kind",
        **_PARTY,
    ),
    Kind.CUSTOMER: _paths(
        Customer,
        number="code",
        party_code="code",
        party_name="name",
        credit_code="credit_code",
        business_on="opened_on",
        doc_status="status",
    ),
    Kind.ALLOCATION: _paths(
        Allocation,
        currency="currency",
        amount_minor="amount_minor",
        number="number",
        business_on="allocated_on",
        doc_status="status",
        doc_kind="difference",
        **_PARTY,
    ),
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
