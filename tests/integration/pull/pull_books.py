"""Invoices and customers as a made-up far side spells them, and how they are mapped: plain JSON, no mapping files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from pydantic import ValidationError

from ledgerbridge.mapping.canonical import canonical_bytes
from ledgerbridge.model.base import Frozen, Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.party import PartyRef
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw
from ledgerbridge.sync.decode import Accepted, Decoded, DecodeWith, LeftOut, Rejected

INVOICES = "fake_invoice"


def body(number: str, minor: Any = 10_000, *, currency: str = "CNY", party: str = "C1", **more: Any) -> bytes:
    return json.dumps({"number": number, "minor": minor, "currency": currency, "party": party, **more}).encode()


def map_invoice(raw: Raw) -> Decoded:
    """`minor` must be a whole number; `skip` leaves a record out; `memo` is read by no rule."""
    wire = raw.payload()
    if wire.get("skip"):
        return LeftOut(f"skip is {wire['skip']}")
    try:
        record = Invoice(
            number=wire["number"],
            customer=PartyRef(code=wire["party"]),
            issued_on=date(2026, 1, 31),
            currency=wire["currency"],
            total_minor=wire["minor"],
        )
    except ValidationError as error:
        return Rejected(
            tuple(
                Problem(field=str(e["loc"][0]), wire="minor", value="", rule="test/invoice:minor", why=e["msg"])
                for e in error.errors()
            )
        )
    return Accepted(record, canonical_bytes(record))


def map_invoice_leniently(raw: Raw) -> Decoded:
    """A mended mapping: an amount in words is nought; the remark is read from `memo`."""
    wire = dict(raw.payload())
    if not isinstance(wire["minor"], int):
        wire["minor"] = 0
    record = Invoice(
        number=wire["number"],
        customer=PartyRef(code=wire["party"]),
        issued_on=date(2026, 1, 31),
        currency=wire["currency"],
        total_minor=wire["minor"],
        remark=wire.get("memo", ""),
    )
    return Accepted(record, canonical_bytes(record))


def map_customer(raw: Raw) -> Decoded:
    record = Customer(code=raw.external_id, name=raw.payload()["name"])
    return Accepted(record, canonical_bytes(record))


def invoices(
    mapped: Callable[[Raw], Decoded] = map_invoice,
    fingerprint: str = "v1",
    leave_out: Callable[[Frozen], str | None] | None = None,
) -> DecodeWith:
    return DecodeWith({INVOICES: mapped}, fingerprint, leave_out)


def customers() -> DecodeWith:
    return DecodeWith({"fake_customer": map_customer}, "v1")


SYSTEM = "erp"
KIND = Kind.INVOICE
