"""How long planning takes over a store of two linked systems, and how much memory.

    python benchmarks/plan.py --customers 20000 --invoices 200000 --changed 1
    python benchmarks/plan.py --store postgresql://user@host/emptydatabase

Steps, each in a process of its own, so that its peak memory is its own: the first plan of both flows (everything is compared
for the first time and agrees), one with nothing new, one after `--changed` per cent of the ERP's records were edited, and that
one again. Figures are of the whole process but its start; `changes` are what the plan holds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ledgerbridge import log
from ledgerbridge.bootstrap import built_in_mapping
from ledgerbridge.connectors.base import Capabilities
from ledgerbridge.mapping.apply import Context
from ledgerbridge.mapping.canonical import Record, canonical_bytes
from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.flow import Direction, Flow
from ledgerbridge.model.identity import entity_id_of
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.reconciler.planning import FlowRules
from ledgerbridge.store import Store, bulk, links, observed, streams
from ledgerbridge.store.observed import Body, Row, State, Writes
from ledgerbridge.store.tables_identity import entity
from ledgerbridge.sync.columns import columns_of
from ledgerbridge.sync.flowrules import SideMaps, flow_rules
from ledgerbridge.sync.planning import make_plan

TYPES = {
    "erp": {Kind.CUSTOMER: ("yonyou_u8", "customer"), Kind.INVOICE: ("yonyou_u8", "oughtreceive")},
    "crm": {Kind.CUSTOMER: ("fxiaoke", "AccountObj"), Kind.INVOICE: ("fxiaoke", "receivable")},
}
FLOWS = {
    "customers": Flow(kind=Kind.CUSTOMER, left="erp", right="crm", direction=Direction.TWO_WAY),
    "invoices": Flow(kind=Kind.INVOICE, left="erp", right="crm"),
}
STEPS = ("first plan", "nothing new", "changed", "changed, again")
_ROWS = 2_000


def records(system: str, kind: Kind, count: int, owners: int, *, every: int = 0) -> Iterator[tuple[str, Record]]:
    """All records of a stream; with `every`, only every such one, edited."""
    own = "" if system == "erp" else "K"
    for at in range(0, count, every or 1):
        more: dict[str, Any] = {"remark": f"edited {at}"} if every else {}
        if kind is Kind.CUSTOMER:
            more |= {
                "phone": f"+86512{at:08}",
                "fax": None,
                "email": f"c{at}@example.com",
                "credit_limit_minor": at * 100,
            }
            yield (
                f"{own}{at:06}",
                Customer(code=f"{at:06}", name=f"{at:06}号精密机械有限公司", short_name=f"{at:06}", **more),
            )
        else:
            yield (
                f"{own}{at:09}",
                Invoice.model_validate(
                    {
                        "number": f"XS{at:09}",
                        "customer": {"external_id": f"{own}{at % owners:06}"},
                        "issued_on": date(2024, 1, 1) + timedelta(days=at % 700),
                        "due_on": date(2024, 3, 1) + timedelta(days=at % 700),
                        "currency": "CNY",
                        "total_minor": 100 + at * (2 if every else 1),
                        "exchange_rate": 1,
                        "base_currency": "CNY",
                        "base_total_minor": 100 + at * (2 if every else 1),
                        "salesperson": f"{at % 40:04}",
                        **more,
                    },
                    strict=False,
                ),
            )


def put(store: Store, system: str, kind: Kind, given: Iterator[tuple[str, Record]], moment: int) -> None:
    """New copies, or newer ones of those that are there."""
    wire_type = TYPES[system][kind][1]
    while some := list(islice(given, _ROWS)):
        with store.writing(lock=observed.lock_of(system, kind)) as tx:
            known = observed.known(tx, system, kind, [external_id for external_id, _ in some])
            writes = Writes()
            for external_id, record in some:
                text = canonical_bytes(record)
                hashed = hashlib.blake2b(text, digest_size=16).digest()
                row = Row(
                    system, kind.value, external_id, wire_type, State.LIVE.value, False, None, hashed, hashed, None,
                    None, *columns_of(record), 0, moment, moment, "r",
                )  # fmt: skip
                body = Body(text, text, None)
                if external_id in known:
                    writes.replaced.append((known[external_id].id, row, body))
                else:
                    writes.inserts.append((row, body))
            observed.write(tx, system, kind, writes, now_us=moment, run_id="r")


def link(store: Store, kind: Kind, count: int, ids: str) -> None:
    """The same number, the same entity."""
    for start in range(0, count, _ROWS):
        numbers = range(start, min(start + _ROWS, count))
        named = [(f"{at:{ids}}", entity_id_of("erp", kind, f"{at:{ids}}")) for at in numbers]
        with store.writing() as tx:
            bulk.insert(tx, entity, ("entity_id", "kind", "created_us"), [(one, kind.value, 1) for _, one in named])
            for system, own in (("erp", ""), ("crm", "K")):
                rows = [
                    links.NewLink(system, kind.value, f"{own}{at}", "", one, "number", None, None, "machine", 1, None)
                    for at, one in named
                ]
                links.add(tx, rows)


def rules(name: str) -> FlowRules:
    """The rules that a workspace with U8 and Fxiaoke has."""
    flow = FLOWS[name]
    sides = []
    for system in (flow.left, flow.right):
        types = TYPES[system]
        kinds = frozenset(types)
        can = Capabilities(
            reads=kinds,
            writes=kinds,
            wire_types={kind: (types[kind][1],) for kind in kinds},
            write_types={kind: types[kind][1] for kind in kinds},
        )
        connector, wire_type = types[flow.kind]
        spec = built_in_mapping(connector, f"{flow.kind}.{wire_type}.yaml")
        assert spec is not None
        sides.append(SideMaps(system, can, (spec,), Context(ZoneInfo("Asia/Shanghai"), "CNY", {})))
    return flow_rules(name, flow, *sides)


def prepare(store: Store, customers: int, invoices: int) -> None:
    """Both systems' books, linked, read to their end."""
    counts = {Kind.CUSTOMER: (customers, "06"), Kind.INVOICE: (invoices, "09")}
    for kind, (count, ids) in counts.items():
        for system in TYPES:
            put(store, system, kind, records(system, kind, count, customers), 1)
        link(store, kind, count, ids)
    with store.writing() as tx:
        for kind in counts:
            for system in TYPES:
                streams.take(tx, system, kind, "r")
                bulk.run(tx, "UPDATE stream SET complete_us = 1 WHERE system = ? AND kind = ?", (system, kind.value))


def measured(store: Store, step: str) -> None:
    """Plan both flows and say what it took."""
    for name in FLOWS:
        made_by = rules(name)
        began, cpu = time.perf_counter(), time.process_time()
        made = make_plan(store, made_by, store.clock)
        seconds, cpu = round(time.perf_counter() - began, 2), round(time.process_time() - cpu, 2)
        assert made.head is not None
        told = {
            "step": step,
            "flow": name,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "same": made.same,
            "looked_at": made.head.summary.looked_at,
            "changes": made.head.summary.changes,
            "held": sum(made.head.summary.held.values()),
        }
        print(json.dumps(told), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--invoices", type=int, default=200_000)
    parser.add_argument("--changed", type=int, default=1, help="per cent of the ERP's records that are edited")
    parser.add_argument("--store", default=None, help="default: a SQLite file in a temporary folder")
    parser.add_argument("--step", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    log.configure(json=True, level="error")
    if options.step is not None:
        with Store.open(options.store) as store:
            measured(store, options.step)
        return
    with tempfile.TemporaryDirectory() as folder:
        where = options.store or str(Path(folder) / "store.db")
        began = time.perf_counter()
        with Store.create(where) as store:
            prepare(store, options.customers, options.invoices)
        print(json.dumps({"step": "prepared", "seconds": round(time.perf_counter() - began, 1)}), flush=True)
        for step in STEPS:
            if step == "changed":
                with Store.open(where) as store:
                    for kind, count in ((Kind.CUSTOMER, options.customers), (Kind.INVOICE, options.invoices)):
                        edited = records("erp", kind, count, options.customers, every=100 // options.changed)
                        put(store, "erp", kind, edited, 2)
            subprocess.run([sys.executable, __file__, "--store", where, "--step", step], check=True)


if __name__ == "__main__":
    main()
