"""How long a reconciliation takes, database to database, and how much memory: cash, comparison, exceptions, statements, aging.

    python benchmarks/reconcile.py                                           # 200,000 invoices, 180,000 payments, 5,000 customers
    python benchmarks/reconcile.py --customers 500 --invoices 20000 --payments 18000
    python benchmarks/reconcile.py --store postgresql://user@host/emptydatabase

Each step is timed alone and with the process's peak memory: the first reconciliation, a second with nothing new, one after
100 payments more, the aging table, and all statements of one month (built, not rendered). Half of the payments name their
document, the others have its amount, three documents' sum, or a part of it; a second system holds the same documents, one in a
thousand with another amount.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from ledgerbridge.model.base import Kind
from ledgerbridge.reconciler.statement import Period
from ledgerbridge.store import Store, bulk, observed
from ledgerbridge.store.observed import Body, Row, State, Writes
from ledgerbridge.store.tables_identity import link
from ledgerbridge.sync.reconciling import Rules, reconcile
from ledgerbridge.sync.reconciling.aging import aging
from ledgerbridge.sync.reconciling.statements import Asked, statements
from ledgerbridge.testing.fakes import FakeClock

FIRST, LAST = date(2026, 1, 1), date(2026, 9, 30)
NOW = datetime(2026, 9, 30, 4, tzinfo=UTC)
ROWS = 5_000
Made = tuple[str, dict[str, Any]]


def put(store: Store, system: str, kind: Kind, records: Iterator[Made]) -> None:
    while some := list(islice(records, ROWS)):
        writes = Writes(inserts=[_row(system, kind, external_id, fields) for external_id, fields in some])
        with store.writing(lock=observed.lock_of(system, kind), durable=False) as tx:
            observed.write(tx, system, kind, writes, now_us=1, run_id="r")


def _row(system: str, kind: Kind, external_id: str, fields: dict[str, Any]) -> tuple[Row, Body]:
    text = json.dumps(fields).encode()
    hashed = hashlib.blake2b(text, digest_size=16).digest()
    party = fields.get("customer", {}).get("external_id")
    document = kind is not Kind.CUSTOMER
    values: dict[str, Any] = dict.fromkeys(Row._fields)
    values |= {"system": system, "kind": kind.value, "external_id": external_id, "wire_type": "t"}
    values |= {"state": State.LIVE.value, "flawed": False, "raw_hash": hashed, "canonical_hash": hashed}
    values |= {"currency": fields.get("currency", ""), "number": fields.get("number") or fields.get("code")}
    values |= {"amount_minor": fields.get("total_minor", fields.get("amount_minor", 0)), "party_id": party}
    values |= {"party_name": fields.get("name"), "business_on": fields.get("issued_on") or fields.get("received_on")}
    values |= {"due_on": fields.get("due_on"), "doc_status": "approved" if document else "active"}
    values |= {"doc_kind": fields.get("kind"), "notices": 0, "first_seen_us": 1, "changed_us": 1, "changed_run": "r"}
    return Row(**values), Body(None, text, None)


def books(options: argparse.Namespace) -> tuple[list[Made], list[Made]]:
    """Invoices and payments; a payment settles documents of its own customer."""
    die = random.Random(1)
    days = (LAST - FIRST).days - 10
    invoices: list[Made] = []
    of_customer: list[list[Made]] = [[] for _ in range(options.customers)]
    for at in range(options.invoices):
        owner = die.randrange(options.customers)
        on = FIRST + timedelta(days=die.randrange(days))
        made: Made = (
            f"I{at:08}",
            {
                "number": f"XS2026{at:08}",
                "kind": "invoice",
                "customer": {"external_id": f"C{owner:06}"},
                "issued_on": on.isoformat(),
                "due_on": (on + timedelta(days=30)).isoformat(),
                "currency": "CNY",
                "total_minor": die.randrange(10_000, 90_000_000),
            },
        )
        invoices.append(made)
        of_customer[owner].append(made)
    payments: list[Made] = []
    for owner, mine in enumerate(of_customer):
        die.shuffle(mine)
        while mine and len(payments) < options.payments:
            payments.append(_payment(die, len(payments), owner, mine))
    return invoices, payments


def _payment(die: random.Random, at: int, owner: int, mine: list[Made]) -> Made:
    way = die.random()
    chosen = [mine.pop() for _ in range(min(3 if way > 0.95 else 1, len(mine)))]
    minor = sum(one[1]["total_minor"] for one in chosen)
    text = "货款" + chosen[0][1]["number"] if way < 0.5 else "货款"
    if 0.85 < way < 0.95:
        minor = minor // 2 + 1
    on = max(date.fromisoformat(one[1]["issued_on"]) for one in chosen) + timedelta(days=die.randrange(10))
    fields = {
        "number": f"SK2026{at:08}",
        "kind": "receipt",
        "customer": {"external_id": f"C{owner:06}"},
        "received_on": on.isoformat(),
        "currency": "CNY",
        "amount_minor": minor,
        "remittance_text": text,
    }
    return f"P{at:08}", fields


def fill(store: Store, options: argparse.Namespace) -> None:
    """Both systems' copies, and the customers' links."""
    invoices, payments = books(options)
    for system in ("erp", "crm"):
        customers = (
            (f"C{at:06}", {"code": f"C{at:06}", "name": f"客户{at}有限公司"}) for at in range(options.customers)
        )
        put(store, system, Kind.CUSTOMER, customers)
        rows = [
            (system, "customer", f"C{at:06}", "", f"{at:032x}", "key", "machine", 1) for at in range(options.customers)
        ]  # fmt: skip
        columns = ("system", "kind", "external_id", "part", "entity_id", "rule", "decided_by", "at_us")
        with store.writing() as tx:
            bulk.insert(tx, link, columns, rows)
    off = [
        (key, fields | {"total_minor": fields["total_minor"] + 100 * (at % 1000 == 0)})
        for at, (key, fields) in enumerate(invoices)
    ]
    for system, listed in (("erp", invoices), ("crm", off)):
        put(store, system, Kind.INVOICE, iter(listed))
        put(store, system, Kind.PAYMENT, iter(payments))


def measured(what: str, work: Callable[[], object]) -> object:
    began, cpu = time.perf_counter(), time.process_time()
    told = work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<46} {seconds:7.2f} s   CPU {cpu:6.2f} s   peak {peak:5.0f} MiB   {told}", flush=True)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--invoices", type=int, default=200_000)
    parser.add_argument("--payments", type=int, default=180_000)
    parser.add_argument("--store", default=None)
    parser.add_argument(
        "--only", choices=("fill", "measure"), help="one half, with --store: the memory is then that of measuring alone"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = options.store or str(Path(folder) / "bench.db")
        with Store.create(where, clock=FakeClock(NOW)) as store:
            if options.only != "measure":
                fill(store, options)
            if options.only != "fill":
                measure(store)


def measure(store: Store) -> None:
    rules, clock = Rules(lead="erp", company="我方公司"), FakeClock(NOW)

    def once() -> str:
        done = reconcile(store, rules, clock, linked=("erp", "crm"))
        by_pass = {line.rule: line.payments for line in done.summary.passes}
        return f"{done.anew} of {done.summary.customers} customers, {sum(done.found.values())} findings, {by_pass}"

    def again() -> str:
        clock.advance(60)
        return once()

    def more() -> str:
        extra = ((f"Q{at}", _payment(random.Random(at), 10**7 + at, at, [_NEW])[1]) for at in range(100))
        put(store, "erp", Kind.PAYMENT, extra)
        return again()

    def aged() -> str:
        with store.reading() as tx:
            return f"{len(aging(tx, rules, LAST).rows)} rows"

    def stated() -> str:
        period = Period(date(2026, 9, 1), LAST)
        with store.reading() as tx:
            made = lines = 0
            for one in statements(tx, rules, Asked(period), NOW):
                made, lines = made + 1, lines + len(one.entries)
        return f"{made} statements, {lines} lines"

    measured("first reconciliation", once)
    measured("again, nothing new", again)
    measured("after 100 payments more", more)
    measured("aging of all customers", aged)
    measured("statements of one month, all customers", stated)


_NEW: Made = ("", {"number": "", "total_minor": 12_345, "issued_on": "2026-09-01"})

if __name__ == "__main__":
    main()
