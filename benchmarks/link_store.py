"""How long linking takes over a store, and how much memory: customers by name and code, documents by number, in one run.

    python benchmarks/link_store.py --customers 20000 --documents 200000
    python benchmarks/link_store.py --store postgresql://user@host/emptydatabase

Five steps, each timed alone: the leading system's customers come, then the other system's; both systems' documents come; then
nothing is new, and then one customer and one document are. Memory is the process's peak after each step. Names are those of
``link_names.py``; two in five customers of the second system have a code in common with the first. One document in a
thousand is entered twice in the second system.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from link_names import Generator

from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.store import Store, links, observed
from ledgerbridge.store.observed import Body, Row, State, Writes
from ledgerbridge.sync.columns import columns_of
from ledgerbridge.sync.linking import link_all

ORDER = ("erp", "crm")
_ROWS = 2_000


def put(store: Store, system: str, kind: Kind, records: Iterator[tuple[str, Customer | Invoice]]) -> None:
    while some := list(islice(records, _ROWS)):
        writes = Writes()
        for external_id, record in some:
            text = record.model_dump_json(exclude_unset=True).encode()
            hashed = hashlib.blake2b(text, digest_size=16).digest()
            row = Row(
                system, kind.value, external_id, "t", State.LIVE.value, False, None, hashed, hashed, None, None,
                *columns_of(record), 0, 1, 1, "r",
            )  # fmt: skip
            writes.inserts.append((row, Body(text, text, None)))
        with store.writing(lock=observed.lock_of(system, kind)) as tx:
            observed.write(tx, system, kind, writes, now_us=1, run_id="r")


def customers(names: list[str], partners: dict[int, int], *, own: str) -> Iterator[tuple[str, Customer]]:
    """Every second customer of the other system has its partner's code, the others one of their own."""
    for at, name in enumerate(names):
        code = f"{own}{at:06}"
        if at % 2 and at in partners:
            code = f"{partners[at]:06}"
        yield f"{own}{at:06}", Customer(name=name, code=code)


def documents(count: int, owners: int, *, own: str) -> Iterator[tuple[str, Invoice]]:
    for at in range(count):
        said = {
            "number": f"XS{at:09}",
            "customer": {"external_id": f"{own}{at % owners:06}"},
            "issued_on": "2026-03-02",
            "currency": "CNY",
            "total_minor": 100 + at,
        }
        made = Invoice.model_validate(said, strict=False)
        yield f"{own}{at:09}", made
        if own and at % 1000 == 0:
            yield f"{own}{at:09}-2", made


def measured(what: str, work: Callable[[], object]) -> None:
    began, used = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"step": what, "seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "peak_mb": round(peak)}
    print(json.dumps(told), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--store", default=None, help="default: a SQLite file in a temporary folder")
    options = parser.parse_args()
    lefts, rights, truth = Generator(1).lists(options.customers)
    partners = {right: left for left, right in truth}
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.create(options.store or str(Path(folder) / "store.db")) as store,
    ):

        def link() -> None:
            result = link_all(store, ORDER, store.clock)
            print(json.dumps({one.kind.value: [one.new_entities, one.joined, one.doubts] for one in result.kinds}))

        def check() -> None:
            with store.reading() as tx:
                wrong = sum(
                    bool(pair.left and pair.right)
                    and partners.get(int(pair.right[0].external_id[1:])) != int(pair.left[0].external_id)
                    for pair in links.every_pair(tx, Kind.CUSTOMER, *ORDER)
                    if not pair.right or pair.right[0].external_id != "new"
                )
            print(json.dumps({"customers linked wrongly": wrong}))

        put(store, "erp", Kind.CUSTOMER, customers(lefts, {}, own=""))
        measured("customers of the leading system", link)
        put(store, "crm", Kind.CUSTOMER, customers(rights, partners, own="K"))
        measured("customers of the other system", link)
        put(store, "erp", Kind.INVOICE, documents(options.documents, len(lefts), own=""))
        put(store, "crm", Kind.INVOICE, documents(options.documents, len(rights), own="K"))
        measured("documents of both", link)
        measured("nothing new", link)
        put(store, "crm", Kind.CUSTOMER, iter([("new", Customer(name="杭州江河泵业有限公司", code="new"))]))
        put(store, "crm", Kind.INVOICE, documents(1, 1, own="Z"))
        measured("one customer and one document", link)
        check()


if __name__ == "__main__":
    main()
