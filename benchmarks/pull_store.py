"""How fast pulled records are judged and stored: first load, full re-read, re-read with changes; rows/s, CPU, peak memory.

The pages are made beforehand and the mapping is a table look-up, so that neither fetching nor mapping is measured::

    python benchmarks/pull_store.py --rows 200000 --store /tmp/bench.db
    python benchmarks/pull_store.py --rows 200000 --store postgresql://user@host/empty_database

``--raw-upsert`` runs, in turn with it, a bare ``executemany`` upsert of the same rows into one SQLite table: the reference
to which the ratio is printed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ledgerbridge.connectors.base import Capabilities, Page
from ledgerbridge.mapping.canonical import canonical_bytes
from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.party import PartyRef
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.store import Store, runs, to_us
from ledgerbridge.sync.columns import columns_of
from ledgerbridge.sync.decode import Accepted, Stretch
from ledgerbridge.sync.pull import new_run_id
from ledgerbridge.sync.walk import walk

PAGE = 200
AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
WIRE = "saleinvoice"
FILLER = "货物或应税劳务、服务名称" * 12


class Prepared:
    """A connector whose pages are made on the fly from a template, cheaply; `round` changes every `every`-th record."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.capabilities = Capabilities(
            reads=frozenset(Kind), writes=frozenset(), wire_types={Kind.INVOICE: (WIRE,)}, page_size_max=PAGE
        )
        self.round, self.every = 0, 1

    def raw(self, at: int) -> Raw:
        version = self.round if at % self.every == 0 else 0
        number = f"XS-2026-{at:07d}"
        body = f'{{"code":"{number}","version":{version},"cust":"C{at % 5000:05d}","sum":"{at}.50","text":"{FILLER}"}}'.encode()
        order = 1_700_000_000_000 + at + version * 10**9
        return Raw(Kind.INVOICE, WIRE, f"10{at:010d}", body, digest_of(body), AT, order, AT)

    def pages(self) -> list[Page]:
        return [
            Page(
                records=tuple(self.raw(at) for at in range(start, min(start + PAGE, self.rows))),
                cursor=str(start + PAGE),
                last=start + PAGE >= self.rows,
            )
            for start in range(0, self.rows, PAGE)
        ]

    def pull(self, _kind: Kind, **_cursor_and_limit: object) -> Iterator[Page]:
        yield from self.made

    def prepare(self, round_: int, every: int = 1) -> None:
        self.round, self.every = round_, every
        self.made = self.pages()


class Prefab:
    """A decode that looks its answer up: what a mapping returns, without its cost."""

    fingerprint = "benchmark"

    def __init__(self, connector: Prepared) -> None:
        self.made: dict[bytes, Accepted] = {}
        self.connector = connector

    def prepare(self, wanted: Callable[[int], bool] = lambda _at: True) -> None:
        self.made = {}
        for page in self.connector.made:
            for raw in page.records:
                at = int(raw.external_id[2:])
                if not wanted(at):
                    continue
                record = Invoice(
                    number=f"XS-2026-{at:07d}",
                    customer=PartyRef(code=f"C{at % 5000:05d}", name=f"上海第{at % 5000}贸易有限公司"),
                    issued_on=date(2026, 1, 1 + at % 28),
                    due_on=date(2026, 3, 1 + at % 28),
                    currency="CNY" if at % 10 else "USD",
                    total_minor=at * 100 + 50 + self.connector.round,
                    open_minor=at * 100,
                    remark=FILLER,
                )
                self.made[raw.digest] = Accepted(record, canonical_bytes(record), columns=columns_of(record))

    def __call__(self, raw: Raw) -> Accepted:
        return self.made[raw.digest]

    def together(self, kind: Kind, raws: Sequence[Raw]) -> Stretch:
        found = [self.made[raw.digest] for raw in raws]
        columns = list(zip(*(each.columns for each in found), strict=True))
        return Stretch(kind, range(len(raws)), [each.canonical for each in found], columns, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--store", help="a new SQLite file (default: a temporary one) or an empty PostgreSQL database")
    parser.add_argument("--raw-upsert", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = options.store or str(Path(folder) / "bench.db")
        figures = run(where, options.rows)
        if options.raw_upsert:
            figures.append(raw_upsert(Path(folder) / "raw.db", options.rows))
    for figure in figures:
        if options.json:
            print(json.dumps(figure))
        else:
            print(
                f"{figure['case']:<34}{figure['rows_per_s']:>10,} rows/s{figure['wall_s']:>8.2f} s wall"
                f"{figure['cpu_s']:>8.2f} s CPU{figure['rss_growth_mib']:>7.1f} MiB more{figure['note']:>26}"
            )


def run(where: str, rows: int) -> list[dict[str, Any]]:
    connector = Prepared(rows)
    decode = Prefab(connector)
    figures = []
    with Store.create(where) as store:
        for case, round_, every, full in (
            ("first load", 0, 1, True),
            ("full re-read, nothing changed", 0, 1, True),
            ("full re-read, 1 in 100 changed", 1, 100, True),
            ("full re-read, all changed", 2, 1, True),
        ):
            connector.prepare(round_, every)
            decode.prepare(lambda at, every=every: at % every == 0 or every == 1)
            figures.append(timed(case, rows, store, connector, decode, full=full))
    return figures


def timed(case: str, rows: int, store: Store, connector: Any, decode: Any, *, full: bool) -> dict[str, Any]:
    run_id = new_run_id(store.clock)
    with store.writing() as tx:
        runs.begin(tx, run_id, "benchmark", to_us(store.clock.now()))
    gc.collect()
    gc.freeze()  # what was prepared is not the pull's, which holds a few pages at a time: it must not be walked by the collector
    before, wall, cpu = rss_mib(), time.perf_counter(), time.process_time()
    result = walk(store, connector, "erp", Kind.INVOICE, decode, run_id=run_id, limit=PAGE, full=full)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gc.unfreeze()
    if not result.certificate.ties or result.error or result.certificate.read != rows:
        raise SystemExit(f"{case}: {result}")
    buckets = ", ".join(f"{tally.bucket} {tally.records}" for tally in result.certificate.tallies)
    return {
        "case": case,
        "rows_per_s": round(rows / wall),
        "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3),
        "rss_growth_mib": round(max(0.0, rss_mib() - before), 1),
        "note": buckets[:25],
    }


def raw_upsert(path: Path, rows: int) -> dict[str, Any]:
    connector = Prepared(rows)
    connector.prepare(0)
    wall, cpu = time.perf_counter(), time.process_time()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        columns = ", ".join(f"c{at}" for at in range(15))
        database.execute(f"CREATE TABLE t (id TEXT PRIMARY KEY, hash BLOB, {columns}, body BLOB) WITHOUT ROWID")
        sql = (
            f"INSERT INTO t VALUES ({', '.join('?' * 18)}) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE hash <> excluded.hash"
        )
        for start in range(0, len(connector.made), 10):
            database.execute("BEGIN IMMEDIATE")
            batch = [
                (raw.external_id, raw.digest, *(f"{raw.external_id}" for _ in range(15)), raw.body)
                for page in connector.made[start : start + 10]
                for raw in page.records
            ]
            database.executemany(sql, batch)
            database.execute("COMMIT")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "case": "reference: raw executemany upsert",
        "rows_per_s": round(rows / wall),
        "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3),
        "rss_growth_mib": 0.0,
        "note": "SQLite, one table",
    }


def rss_mib() -> float:
    """What the process holds now, not its highest: that one includes making the pages."""
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return (
        pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        if pages
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )


if __name__ == "__main__":
    main()
