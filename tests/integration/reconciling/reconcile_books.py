"""Books made by hand or by a seeded die: customers, documents, money, bank rows, written and linked as a pull would."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from ledgerbridge.model.base import Frozen, Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.payment import Allocation, Payment
from ledgerbridge.store import Store, observed
from ledgerbridge.store.observed import Body, Mark, Row, State, Writes
from ledgerbridge.sync.columns import columns_of
from ledgerbridge.sync.linking import link_all
from ledgerbridge.sync.reconciling import Reconciled, Rules, reconcile
from ledgerbridge.testing.fakes import FakeClock

DAY: Final = date(2026, 3, 31)
NOW: Final = datetime(2026, 3, 31, 4, tzinfo=UTC)
RULES: Final = Rules(lead="erp", company="我方公司")
MODELS: Final[dict[Kind, type[Frozen]]] = {
    Kind.CUSTOMER: Customer,
    Kind.INVOICE: Invoice,
    Kind.PAYMENT: Payment,
    Kind.ALLOCATION: Allocation,
}


@dataclass(frozen=True)
class Record:
    """A record of one system; `fields` are the canonical record's."""

    system: str
    kind: Kind
    external_id: str
    fields: dict[str, Any] = field(hash=False)


def customer(code: str, name: str, *, system: str = "erp", **said: Any) -> Record:
    return Record(system, Kind.CUSTOMER, code, {"code": code, "name": name, **said})


def invoice(number: str, owner: str, minor: int, on: str, *, system: str = "erp", **said: Any) -> Record:
    kind = "credit_note" if minor < 0 else "invoice"
    fields: dict[str, Any] = {"number": number, "kind": kind, "issued_on": on}
    fields |= {"customer": {"external_id": owner, "code": owner}}
    fields |= {"currency": "CNY", "total_minor": minor, **said}
    return Record(system, Kind.INVOICE, number, fields)


def payment(number: str, owner: str | None, minor: int, on: str, *, system: str = "erp", **said: Any) -> Record:
    kind = "refund" if minor < 0 else "receipt"
    fields: dict[str, Any] = {"number": number, "kind": kind, "received_on": on, "currency": "CNY"}
    if owner is not None:
        fields["customer"] = {"external_id": owner, "code": owner}
    return Record(system, Kind.PAYMENT, number, fields | {"amount_minor": minor, **said})


def allocation(number: str, of_payment: str, of_invoice: str, minor: int, on: str, owner: str) -> Record:
    fields: dict[str, Any] = {"number": number, "payment": {"external_id": of_payment}}
    fields |= {"invoice": {"external_id": of_invoice}}
    fields |= {"customer": {"external_id": owner, "code": owner}, "currency": "CNY", "amount_minor": minor}
    return Record("erp", Kind.ALLOCATION, number, fields | {"allocated_on": on})


def put(store: Store, records: Iterable[Record]) -> None:
    """Write new records, or what known ones say now."""
    by_stream: dict[tuple[str, Kind], list[Record]] = {}
    for record in records:
        by_stream.setdefault((record.system, record.kind), []).append(record)
    for (system, kind), some in by_stream.items():
        with store.writing(lock=observed.lock_of(system, kind)) as tx:
            known = observed.known(tx, system, kind, [one.external_id for one in some])
            writes = Writes()
            for record in some:
                row, body = _row(record)
                before = known.get(record.external_id)
                if before is None:
                    writes.inserts.append((row, body))
                else:
                    writes.replaced.append((before.id, row, body))
            observed.write(tx, system, kind, writes, now_us=2_000_000, run_id="r")


def delete(store: Store, *records: Record) -> None:
    """The far side says that these are gone."""
    for record in records:
        with store.writing(lock=observed.lock_of(record.system, record.kind)) as tx:
            known = observed.known(tx, record.system, record.kind, [record.external_id])[record.external_id]
            mark = Mark(known.id, State.DELETED.value, "gone", known.version_order, False, 3_000_000, "r")
            observed.write(tx, record.system, record.kind, Writes(marks=[mark]), now_us=3_000_000, run_id="r")


def run(store: Store, *, rules: Rules = RULES, now: datetime = NOW, **asked: Any) -> Reconciled:
    """Link and reconcile."""
    clock = FakeClock(now)
    linked = link_all(store, ("erp", "crm"), clock).systems
    return reconcile(store, rules, clock, linked=linked, **asked)


def rolled(seed: int, *, customers: int = 6, documents: int = 60) -> list[Record]:
    """Books as a die makes them: references, damaged ones, ties, part payments, fees, credit notes, refunds, two currencies."""
    die = random.Random(seed)
    codes = [f"C{at:02}" for at in range(customers)]
    found = [customer(code, f"第{at}客户有限公司{code}") for at, code in enumerate(codes)]
    open_now: list[tuple[str, str, int, str]] = []
    for at in range(documents):
        owner, currency = die.choice(codes), "USD" if die.random() < 0.15 else "CNY"
        on = (date(2026, 1, 5) + timedelta(days=at * 80 // documents)).isoformat()
        number = f"XS2026{at:05}"
        minor = die.choice((10_000, 20_000, die.randrange(1_000, 900_000)))
        if die.random() < 0.1:
            minor = -minor
        due = (date.fromisoformat(on) + timedelta(days=30)).isoformat() if die.random() < 0.8 else None
        found.append(invoice(number, owner, minor, on, currency=currency, due_on=due))
        if minor > 0:
            open_now.append((number, owner, minor, currency))
        if open_now and die.random() < 0.7:
            found.append(_paid(die, open_now, at, on))
    return found


def _paid(die: random.Random, open_now: list[tuple[str, str, int, str]], at: int, on: str) -> Record:
    number, owner, minor, currency = open_now.pop(die.randrange(len(open_now)))
    later = (date.fromisoformat(on) + timedelta(days=die.randrange(6))).isoformat()
    text = die.choice((f"货款{number}", "货款", f"付{number[-5:]}", ""))
    part = die.random() < 0.2
    paid = minor // 2 if part else minor
    fee = 500 if die.random() < 0.1 and paid > 1_000 else None
    said: dict[str, Any] = {"remittance_text": text, "currency": currency, "bank_reference": f"B{at:04}"}
    if fee is not None:
        said["fee_minor"] = fee
    if die.random() < 0.3:
        given = {"invoice": {"number": number}, "amount_minor": paid, "allocated_on": later}
        said["allocations"] = [given]
    return payment(f"SK2026{at:05}", owner, paid - (fee or 0), later, **said)


def _row(record: Record) -> tuple[Row, Body]:
    made = MODELS[record.kind].model_validate(record.fields, strict=False)
    canonical = made.model_dump_json(exclude_unset=True).encode()
    hashed = hashlib.blake2b(canonical, digest_size=16).digest()
    row = Row(
        record.system,
        record.kind.value,
        record.external_id,
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
