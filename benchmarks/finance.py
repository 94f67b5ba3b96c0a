"""Cash, aging and statements at size, from the store and in memory, against plain Decimal loops.

::

    python benchmarks/finance.py                                   # all lines at full size
    python benchmarks/finance.py --lines cash --customers 500
    python benchmarks/finance.py --lines cash --postgres postgresql://root@127.0.0.1:5432/postgres

- ``cash``: 40 invoices and 36 payments a customer (``allocate.py``'s) read from SQLite, applied in four passes, every pair stored
  with its evidence; then the same as a whole reconciliation, with what is left recorded as exceptions, balances by age and all
  sums. The Decimal loop has its records in memory and stores nothing. The pairs must be the same. Then as many documents, of
  which one customer has a ninth.
- ``aging``: an aging table of open entries in memory, against a Decimal loop that makes the same table.
- ``documents``: aging, and all statements of a month, from a store with `--documents` invoices, by wall clock.
- ``history``: reconciling again, aging and statements over the same open items with ten times as many settled documents.

Every run is a process of its own; `--rounds` of them, in turns. CPU seconds of that process, medians; the garbage collector
is set as the command line sets it.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import allocate
from compare_ledgers import postgres_database, settle_postgres
from finance_books import LAST, cash_ledgers, fill_cash, fill_history, open_books

from ledgerbridge.reconciler.aging import AgingSums
from ledgerbridge.reconciler.statement import Period
from ledgerbridge.store import Store, allocations
from ledgerbridge.store.allocations import Replacement
from ledgerbridge.sync.reconciling import Rules, reconcile
from ledgerbridge.sync.reconciling.aging import aging
from ledgerbridge.sync.reconciling.books import directory, in_full
from ledgerbridge.sync.reconciling.statements import Asked, statements
from ledgerbridge.testing.fakes import FakeClock

NOW = datetime(2026, 12, 31, 4, tzinfo=UTC)
RULES = Rules(lead="erp", company="我方公司", cash=allocate.POLICY)
BATCH = 5_000
COLLECT_AT = 20_000
EDGES = (0, 30, 60, 90, 180, 365)
Told = dict[str, Any]


def work_cash(options: argparse.Namespace) -> Told:
    """Read, apply, store, as a reconciliation does it, in the same batches; nothing else."""
    with Store.open(options.store, clock=FakeClock(NOW)) as store:

        def apply() -> None:
            waiting: list[Replacement] = []
            with store.reading() as tx:
                for books in in_full(tx, RULES, directory(tx, RULES.lead), LAST):
                    waiting.append(books.replacement())
                    if sum(len(one.rows) for one in waiting) >= BATCH:
                        keep(store, waiting)
                keep(store, waiting)

        return stored(store, timed(apply)[1])


def keep(store: Store, waiting: list[Replacement]) -> None:
    with store.writing(lock=allocations.LOCK, durable=False) as tx:
        allocations.replace(tx, RULES.lead, waiting)
    waiting.clear()


def work_reconcile(options: argparse.Namespace) -> Told:
    with Store.open(options.store, clock=FakeClock(NOW)) as store:
        done, told = timed(lambda: reconcile(store, RULES, FakeClock(NOW), linked=("erp",)))
        assert done.anew == done.summary.customers
        return stored(store, told)


def stored(store: Store, told: Told) -> Told:
    """With the pairs that stand in the store now."""
    with store.reading() as tx:
        pairs = [
            (row.rule, row.credit_id.partition("/")[2], row.debit_id.partition("/")[2], row.amount_minor)
            for _, rows in allocations.every(tx, RULES.lead)
            for row in rows
        ]
    return told | {"answer": digest(pairs)}


def work_naive_cash(options: argparse.Namespace) -> Told:
    made = allocate.plain(cash_ledgers(options))
    links, told = timed(lambda: allocate.run_naive(made))
    pairs = [(rule, paid, item, int(amount * 100)) for rule, paid, on in links for item, amount in on]
    return told | {"answer": digest(pairs)}


def digest(rows: list[Any]) -> str:
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()


def work_aging(options: argparse.Namespace) -> Told:
    made = open_books(options.entries)

    def table() -> Any:
        sums = AgingSums(LAST)
        for debtor, entries in made:
            sums.add(debtor, entries)
        return sums.table()

    found, told = timed(table)
    rows = [
        (row.key, row.title, row.currency, [one.amount_minor for one in row.buckets], [one.items for one in row.buckets],
         row.unapplied_minor, row.overdue_minor, row.oldest_days, row.total_minor)
        for row in (*found.rows, *found.totals)
    ]  # fmt: skip
    return told | {"answer": digest(rows), "rows": options.entries}


def work_naive_aging(options: argparse.Namespace) -> Told:
    cent = Decimal("0.01")
    made = [
        (one.entity, one.name, [(x.currency, x.open_minor * cent, x.due_on, x.money) for x in entries])
        for one, entries in open_books(options.entries)
    ]
    found, told = timed(lambda: naive_aging(made))
    rows = [
        (key, title, currency, [int(one * 100) for one in sums["buckets"]], sums["items"], int(sums["unapplied"] * 100),
         int(sums["overdue"] * 100), sums["oldest"], int(sums["total"] * 100))
        for (key, currency), (title, sums) in found.items()
    ]  # fmt: skip
    return told | {"answer": digest(rows), "rows": options.entries}


def naive_aging(made: list[Any]) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """What somebody writes first: a dictionary of sums per customer and currency, and one of all."""
    found: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for customer, name, entries in made:
        for currency, amount, due, cash in entries:
            for key, title in ((customer, name), ("", "")):
                _, sums = found.setdefault((key, currency), (title, naive_row()))
                sums["total"] += amount
                if cash:
                    sums["unapplied"] += amount
                    continue
                days = None if due is None else (LAST - due).days
                at = 7 if days is None else sum(days > edge for edge in EDGES)
                sums["buckets"][at] += amount
                sums["items"][at] += 1
                if days is not None and days > 0:
                    sums["overdue"] += amount
                if days is not None and (sums["oldest"] is None or days > sums["oldest"]):
                    sums["oldest"] = days
    return found


def naive_row() -> dict[str, Any]:
    zero = Decimal(0)
    return {"buckets": [zero] * 8, "items": [0] * 8, "unapplied": zero, "overdue": zero, "total": zero, "oldest": None}


def work_reports(options: argparse.Namespace) -> Told:
    """Reconciled once, untimed; then again, aging and all statements of December."""
    rules = Rules(lead="erp", company="我方公司")
    with Store.open(options.store, clock=FakeClock(NOW)) as store:
        reconcile(store, rules, FakeClock(NOW), linked=("erp",))
        later = FakeClock(NOW + timedelta(minutes=1))
        done, again = timed(lambda: reconcile(store, rules, later, linked=("erp",)))
        assert not done.anew
        with store.reading() as tx:
            table, aged = timed(lambda: aging(tx, rules, LAST))
            period = Asked(Period(LAST.replace(day=1), LAST))
            made, stated = timed(lambda: sum(len(one.entries) for one in statements(tx, rules, period, NOW)))
        open_items = sum(one.items for row in table.totals for one in row.buckets)
    return {"again": again, "aging": aged, "statements": stated, "lines": made, "open": open_items}


def timed(work: Callable[[], Any]) -> tuple[Any, Told]:
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    told = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    return result, told | {"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


WORK = {
    "cash": work_cash,
    "reconcile": work_reconcile,
    "naive_cash": work_naive_cash,
    "aging": work_aging,
    "naive_aging": work_naive_aging,
    "reports": work_reports,
}


def run(work: str, options: argparse.Namespace, **other: object) -> Told:
    """One piece of work in a process of its own."""
    given = vars(options) | other | {"work": work}
    command = [sys.executable, __file__, "--work", work]
    command += [f"--{name}={given[name]}" for name in ("customers", "entries", "documents", "settled", "store")]
    command += ["--skewed"] if given["skewed"] else []
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def row(what: str, told: list[Told], against: list[Told] | None = None) -> None:
    cpu, rows = statistics.median(one["cpu"] for one in told), told[0]["rows"]
    rss = statistics.median(one["rss"] for one in told)
    theirs = ratio = ""
    if against is not None:
        slow = statistics.median(one["cpu"] for one in against)
        theirs, ratio = f"{slow:.2f}", f"{slow / cpu:.1f}"
    print(f"| {what} | {rows / cpu:,.0f} | {cpu:.2f} | {rss:.0f} | {theirs} | {ratio} |", flush=True)


def head() -> None:
    print("| what | rows/s | CPU s | peak RSS MiB | Decimal loop, CPU s | x |\n|---|---|---|---|---|---|", flush=True)


def in_turns(options: argparse.Namespace, ours: str, naive: str, **other: object) -> tuple[list[Told], list[Told]]:
    fast, slow = [], []
    for _ in range(options.rounds):
        fast.append(run(ours, options, **other))
        slow.append(run(naive, options, **other))
    if {one["answer"] for one in (*fast, *slow)} != {fast[0]["answer"]}:
        raise SystemExit(f"{ours}: the answers differ")
    return fast, slow


def line_cash(options: argparse.Namespace, folder: Path) -> None:
    names = {"cash": "read, apply, store", "reconcile": "whole reconciliation"}
    medians = {}
    for skewed in (False, True):
        options.skewed = skewed
        found: dict[str, list[Told]] = {"cash": [], "reconcile": [], "naive_cash": []}
        filled = folder / "filled.db"
        with Store.create(filled) as store:
            fill_cash(store, options)
        for _ in range(options.rounds):
            for work in names:
                found[work].append(run(work, options, store=shutil.copy(filled, folder / "work.db")))
            if not skewed:  # the loop goes quadratic with one large customer
                found["naive_cash"].append(run("naive_cash", options))
        filled.unlink()
        if len({one["answer"] for told in found.values() for one in told}) != 1:
            raise SystemExit("the pairs differ")
        for work, name in names.items():
            for one in found[work]:
                one["rows"] = 76 * options.customers
            medians[work, skewed] = statistics.median(one["cpu"] for one in found[work])
            row(f"{name}{', skewed' if skewed else ''}", found[work], found["naive_cash"] or None)
    print("skewed / even: " + ", ".join(f"{medians[one, True] / medians[one, False]:.2f}" for one in names))
    options.skewed = False
    with postgres_database(options.postgres) as server:
        if server is not None:
            with Store.create(server) as store:
                fill_cash(store, options)
            settle_postgres(server)
            told = run("cash", options, store=server) | {"rows": 76 * options.customers}
            row("read, apply, store, PostgreSQL (the client's CPU alone)", [told])


def line_aging(options: argparse.Namespace, _folder: Path) -> None:
    row(f"aging, {options.entries} entries in memory", *in_turns(options, "aging", "naive_aging"))


def reports(options: argparse.Namespace, folder: Path, settled: int) -> list[Told]:
    path = folder / f"reports-{settled}.db"
    given = argparse.Namespace(**vars(options) | {"settled": settled})
    with Store.create(path) as store:
        fill_history(store, given)
    return [run("reports", given, store=path) for _ in range(options.rounds)]


def tell_reports(name: str, told: list[Told]) -> dict[str, float]:
    found = {}
    for part in ("again", "aging", "statements"):
        found[part] = statistics.median(one[part]["cpu"] for one in told)
        wall = statistics.median(one[part]["wall"] for one in told)
        print(
            f"| {name}: {part} | {told[0]['open']} open items, {told[0]['lines']} lines | {wall:.2f} | {found[part]:.2f} |"
        )
    return found


def line_documents(options: argparse.Namespace, folder: Path) -> None:
    tell_reports(f"{options.documents} open invoices", reports(options, folder, 0))


def line_history(options: argparse.Namespace, folder: Path) -> None:
    short = tell_reports("history x 1", reports(options, folder, options.settled))
    long = tell_reports("history x 10", reports(options, folder, 10 * options.settled))
    print("x 10 over x 1: " + ", ".join(f"{part} {long[part] / short[part]:.2f}" for part in short))


LINES = {"cash": line_cash, "aging": line_aging, "documents": line_documents, "history": line_history}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", nargs="+", choices=list(LINES), default=list(LINES))
    parser.add_argument("--customers", type=int, default=5_000, help="cash: 40 invoices and 36 payments each")
    parser.add_argument("--entries", type=int, default=200_000, help="aging: open entries")
    parser.add_argument("--documents", type=int, default=30_000, help="documents and history: open invoices")
    parser.add_argument(
        "--settled", type=int, default=6, help="history: paid invoices a customer; then ten times as many"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--postgres", default="", help="cash: a server to make a database on")
    parser.add_argument("--work", choices=list(WORK), help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    parser.add_argument("--skewed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        gc.set_threshold(COLLECT_AT, *gc.get_threshold()[1:])
        print(json.dumps(WORK[options.work](options)))
        return
    head()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.lines:
            LINES[name](options, Path(folder))


if __name__ == "__main__":
    main()
