"""Observed copies made by hand: customers and documents of named systems, written as a pull would."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.payment import Payment
from ledgerbridge.store import Store, observed
from ledgerbridge.store.observed import Body, Mark, Row, State, Writes
from ledgerbridge.sync.columns import columns_of

MODELS: dict[Kind, type[Customer | Invoice | Payment]] = {
    Kind.CUSTOMER: Customer,
    Kind.INVOICE: Invoice,
    Kind.PAYMENT: Payment,
}


@dataclass(frozen=True)
class Record:
    """A record to be put into the store; `fields` are the canonical record's."""

    ref: Ref
    fields: dict[str, Any]


def customer(system: str, external_id: str, name: str, **fields: Any) -> Record:
    return Record(Ref(system=system, kind=Kind.CUSTOMER, external_id=external_id), {"name": name, **fields})


def invoice(system: str, external_id: str, number: str, owner: str = "C1", **fields: Any) -> Record:
    said = {
        "number": number,
        "customer": {"external_id": owner},
        "issued_on": "2026-03-02",
        "currency": "CNY",
        "total_minor": 100_00,
    }
    return Record(Ref(system=system, kind=Kind.INVOICE, external_id=external_id), said | fields)


def payment(system: str, external_id: str, number: str, owner: str | None = "C1", **fields: Any) -> Record:
    said = {"number": number, "received_on": "2026-03-02", "currency": "CNY", "amount_minor": 100_00}
    if owner is not None:
        said["customer"] = {"external_id": owner}
    return Record(Ref(system=system, kind=Kind.PAYMENT, external_id=external_id), said | fields)


def put(store: Store, *records: Record) -> None:
    """Write new records, or what known ones say now."""
    by_stream: dict[tuple[str, Kind], list[Record]] = {}
    for record in records:
        by_stream.setdefault((record.ref.system, record.ref.kind), []).append(record)
    for (system, kind), some in by_stream.items():
        with store.writing(lock=observed.lock_of(system, kind)) as tx:
            known = observed.known(tx, system, kind, [one.ref.external_id for one in some])
            writes = Writes()
            for record in some:
                row, body = _row(record)
                before = known.get(record.ref.external_id)
                if before is None:
                    writes.inserts.append((row, body))
                else:
                    writes.replaced.append((before.id, row, body))
            observed.write(tx, system, kind, writes, now_us=2_000_000, run_id="r")


def delete(store: Store, refs: Iterable[Ref]) -> None:
    """The far sides say that these are gone."""
    for ref in refs:
        with store.writing(lock=observed.lock_of(ref.system, ref.kind)) as tx:
            known = observed.known(tx, ref.system, ref.kind, [ref.external_id])[ref.external_id]
            mark = Mark(known.id, State.DELETED.value, "gone", known.version_order, False, 3_000_000, "r")
            observed.write(tx, ref.system, ref.kind, Writes(marks=[mark]), now_us=3_000_000, run_id="r")


def _row(record: Record) -> tuple[Row, Body]:
    made = MODELS[record.ref.kind].model_validate(record.fields, strict=False)
    canonical = made.model_dump_json(exclude_unset=True).encode()
    hashed = hashlib.blake2b(canonical, digest_size=16).digest()
    row = Row(
        record.ref.system,
        record.ref.kind.value,
        record.ref.external_id,
        "t",
        State.LIVE.value,
        False,
        None,
        hashed,
        hashed,
        None,
        None,
        *columns_of(made),
        0,
        1_000_000,
        1_000_000,
        "r",
    )
    return row, Body(canonical, canonical, None)
