"""Invoices and customers as a made-up far side spells them, and how they are mapped: plain JSON, no mapping files."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from ledgerbridge.connectors.base import Page
from ledgerbridge.mapping.canonical import canonical_bytes
from ledgerbridge.model.base import Frozen, Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.party import PartyRef
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.store import Store, copies, runs, to_us
from ledgerbridge.sync.decode import Accepted, Decoded, DecodeWith, LeftOut, Rejected
from ledgerbridge.sync.pull import new_run_id
from ledgerbridge.sync.step import StepResult
from ledgerbridge.sync.walk import walk
from ledgerbridge.testing.fakes import EPOCH, FAKE_CAPABILITIES

SYSTEM = "erp"
KIND = Kind.INVOICE
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


def raw(
    external_id: str,
    minor: Any = 10_000,
    *,
    order: int | None = 1,
    deleted: bool = False,
    currency: str = "CNY",
    number: str | None = None,
    **more: Any,
) -> Raw:
    text = b"{}" if deleted else body(number or f"N-{external_id}", minor, currency=currency, **more)
    return Raw(KIND, INVOICES, external_id, text, digest_of(text), EPOCH, order, EPOCH, deleted)


class Scripted:
    """A connector that hands over exactly these pages, whatever the cursor; an exception among them is raised."""

    capabilities = FAKE_CAPABILITIES

    def __init__(self, *pages: Sequence[Raw | Unreadable] | BaseException, last: bool = True) -> None:
        self.pages = pages
        self.last = last
        self.asked: list[str | None] = []

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        self.asked.append(cursor)
        for at, items in enumerate(self.pages):
            if isinstance(items, BaseException):
                raise items
            yield Page(
                records=tuple(item for item in items if isinstance(item, Raw)),
                cursor=f"after-{at + 1}",
                last=self.last and at + 1 == len(self.pages),
                unreadable=tuple(item for item in items if isinstance(item, Unreadable)),
            )


def pulled(store: Store, connector: Any, decode: DecodeWith | None = None, **options: Any) -> StepResult:
    """One walk in a run of its own."""
    run_id = new_run_id(store.clock, token=uuid.uuid4().hex[:6])
    with store.writing() as tx:
        runs.begin(tx, run_id, "pull", to_us(store.clock.now()))
    options = {"limit": 100, "kind": KIND, **options}
    return walk(store, connector, SYSTEM, decode=decode or invoices(), run_id=run_id, **options)


def buckets(result: StepResult) -> dict[str, int]:
    found: dict[str, int] = {}
    for tally in result.certificate.tallies:
        found[tally.bucket.value] = found.get(tally.bucket.value, 0) + tally.records
    return found


def held(store: Store) -> dict[str, tuple[str, int, bool]]:
    """Every copy by id: state, amount, whether flawed."""
    with store.reading() as tx:
        return {
            copy.ref.external_id: (copy.state.value, copy.amount_minor, copy.flawed)
            for copy in copies.every(tx, SYSTEM, KIND, states=None)
        }


def digest(store: Store) -> str:
    with store.reading() as tx:
        return copies.digest(tx)
