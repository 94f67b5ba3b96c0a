"""Two ledgers compared from the store, SQLite and PostgreSQL, against datacompy (pandas) and DuckDB, both in memory.

::

    python benchmarks/compare_ledgers.py --venv /tmp/peers                     # 1,000,000 documents on each side
    python benchmarks/compare_ledgers.py --size 200000 --rounds 3 --venv /tmp/peers

One document in a thousand differs: missing on the left, missing on the right, another amount, another status, a quarter
each. Every run is a process of its own, taking turns; `seconds` run from the open database (or the frames and tables that
are ready in memory: the peers' loading is not counted) to the answer, `RSS` is the highest resident memory of the whole
process, and every figure the median of the rounds. PostgreSQL is a server on the same machine with workers of its own,
whose CPU is not ours: wall alone.
Ours answers with every difference named, as a finding, its effects summed by customer (`differences`), and then
with the balances of all customers summed from all documents and the gap of each tied to its causes (`with balances`). The
peers compare the same eight columns, customers already resolved to one key; DuckDB's full join is the limit. datacompy,
pandas and duckdb are installed into a virtualenv of their own at first (--venv keeps it). PostgreSQL is skipped where there
is no server (--postgres).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ledgerbridge.model.base import Kind
from ledgerbridge.reconciler.comparison import Scope
from ledgerbridge.store import Store, bulk
from ledgerbridge.store.tables import observed
from ledgerbridge.store.tables_identity import link
from ledgerbridge.sync.comparing import comparing

HERE = Path(__file__).resolve().parent
CUSTOMERS = 5000
CHUNK = 20_000
COLUMNS = (
    "id", "system", "kind", "external_id", "wire_type", "state", "flawed", "raw_hash", "canonical_hash", "version_order",
    "currency", "amount_minor", "tax_minor", "number", "party_id", "party_code", "party_name", "business_on", "due_on",
    "doc_status", "doc_kind", "notices", "first_seen_us", "changed_us", "changed_run",
)  # fmt: skip


def party(system: str, customer: int) -> str:
    """A customer's id: a code in the ERP, a long hexadecimal one in the CRM."""
    return f"01{customer:06d}" if system == "erp" else f"5780000{customer:017x}"


def documents(system: str, size: int, first_id: int) -> Iterator[tuple[Any, ...]]:
    """One side's invoices; the right side differs in one of a thousand, in four ways."""
    for at in range(size):
        amount, status = at * 7919 % 10_000_000 + 1, "approved"
        way = at % 4000
        if way in {7, 3007} and (way == 7) is (system == "crm"):
            continue
        if system == "crm" and way == 1007:
            amount += 1
        if system == "crm" and way == 2007:
            status = "void"
        customer = at * 31 % CUSTOMERS
        on = f"2026-{at % 12 + 1:02d}-{at % 28 + 1:02d}"
        said = party(system, customer)
        hashed = at.to_bytes(16, "big")
        yield (
            first_id + at, system, "invoice", f"{system}-{at}", "saleinvoice", "live", False, hashed, hashed, at,
            "CNY", amount, amount * 13 // 113, f"XS2026{at:010d}", said, said if system == "erp" else None,
            f"苏州第{customer}电子有限公司", on, on, status, "invoice", 0, 1, 1, "20261101T000000-000000",
        )  # fmt: skip


def customers(system: str, first_id: int) -> Iterator[tuple[Any, ...]]:
    for at in range(CUSTOMERS):
        said, hashed = party(system, at), at.to_bytes(16, "big")
        yield (
            first_id + at, system, "customer", said, "customer", "live", False, hashed, hashed, at, "", 0, None,
            said if system == "erp" else None, None, None, f"苏州第{at}电子有限公司", None, None, "active", None, 0, 1, 1, "r",
        )  # fmt: skip


def fill(store: Store, size: int) -> None:
    """Two ledgers of `size` documents and their linked customers, as pulls would have left them."""
    for side, system in enumerate(("erp", "crm")):
        first_id = 1 + side * (size + CUSTOMERS)
        rows: list[tuple[Any, ...]] = []

        def flush(rows: list[tuple[Any, ...]] = rows) -> None:
            with store.writing(durable=False) as tx:
                bulk.insert(tx, observed, COLUMNS, rows)
            rows.clear()

        for row in documents(system, size, first_id):
            rows.append(row)
            if len(rows) == CHUNK:
                flush()
        rows += customers(system, first_id + size)
        flush()
        with store.writing() as tx:
            names = ("system", "kind", "external_id", "part", "entity_id", "rule", "decided_by", "at_us")
            links = [
                (system, "customer", party(system, at), "", f"E{at}", "code", "rule", 1) for at in range(CUSTOMERS)
            ]
            bulk.insert(tx, link, names, links)


def ours(address: str, size: int) -> dict[str, Any]:
    """One run from the store; the answer is checked against what was put there."""
    with Store.open(address) as store, store.reading() as tx:
        start, cpu = time.perf_counter(), time.process_time()
        under_way = comparing(tx, Scope("erp", "crm", (Kind.INVOICE,)))
        moved = 0
        for difference in under_way.differences():
            moved += sum(effect.minor for effect in difference.effects)
        first = time.perf_counter() - start, time.process_time() - cpu
        gap = unexplained = 0
        for balance in under_way.balances():
            gap += balance.gap_minor
            unexplained += abs(balance.unexplained_minor)
        both = time.perf_counter() - start, time.process_time() - cpu
    each = size // 4000
    expected = {"missing": 2 * each, "amount_differs": each, "void_on_one_side": each}
    if under_way.counts != expected or gap != moved or unexplained:
        raise SystemExit(f"wrong answer: {under_way.counts} instead of {expected}, gap {gap}, causes {moved}")
    return {"differences": first, "with balances": both}


@contextmanager
def postgres_database(server: str) -> Iterator[str | None]:
    """A database of our own on the server; None, with the reason said, where there is none."""
    if not server:
        yield None
        return
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    try:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
        connection = engine.connect()
    except (sa.exc.OperationalError, ModuleNotFoundError) as error:
        print(f"PostgreSQL skipped: {' '.join(str(error).split())[:120]}")
        yield None
        return
    name = f"lb_bench_{uuid.uuid4().hex[:8]}"
    with connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


def settle_postgres(address: str) -> None:
    """What autovacuum does soon after a first load."""
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def peers_python(folder: Path) -> str:
    """The interpreter that the peers are installed for."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    if subprocess.run([python, "-c", "import datacompy, duckdb, pandas"], check=False, capture_output=True).returncode:
        subprocess.run([python, "-m", "pip", "install", "-q", "datacompy", "duckdb", "pandas"], check=True)
    return str(python)


def measure(commands: dict[str, list[str]], rounds: int) -> dict[str, dict[str, list[Any]]]:
    """All contenders in turn; by contender, the seconds of each part and the RSS of each round."""
    found: dict[str, dict[str, list[Any]]] = {name: {} for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            for part, value in json.loads(done.stdout.splitlines()[-1]).items():
                found[name].setdefault(part, []).append(value)
    return found


def tell(found: dict[str, dict[str, list[Any]]]) -> None:
    """Medians, as a table of Markdown; the ratio is datacompy's time over the row's."""
    base = [statistics.median(one) for one in zip(*found["datacompy (pandas), in memory"]["differences"], strict=True)]
    print("| contender | part | wall s | CPU s | x datacompy, wall | x datacompy, CPU | peak RSS MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, parts in found.items():
        rss = statistics.median(parts["rss_mib"])
        for part, values in parts.items():
            if part != "rss_mib":
                wall, cpu = (statistics.median(one) for one in zip(*values, strict=True))
                times = f"{wall:.2f} | {cpu:.2f} | {base[0] / wall:.1f} | {base[1] / cpu:.1f}"
                if "PostgreSQL" in name:  # the work is done by the server, whose CPU is not ours
                    times = f"{wall:.2f} | | {base[0] / wall:.1f} | "
                print(f"| {name} | {part} | {times} | {rss:.0f} |", flush=True)


def in_this_process(work: Callable[[], dict[str, Any]]) -> None:
    """Do the work and say what it took, for the process that measures."""
    result = work()
    print(json.dumps(result | {"rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="documents on each side, a multiple of 4000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--venv", type=Path, help="where the peers are installed; kept (default: a temporary folder)")
    parser.add_argument(
        "--postgres", default="postgresql://root@127.0.0.1:5432/postgres", help="a server; '' to leave out"
    )
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        in_this_process(lambda: ours(options.work, options.size))
        return
    with tempfile.TemporaryDirectory() as temporary, postgres_database(options.postgres) as postgres:
        path = Path(temporary, "ledgers.db")
        me = [sys.executable, __file__, "--size", str(options.size), "--work"]
        commands = {"ours, SQLite": [*me, str(path)]}
        with Store.create(path) as store:
            fill(store, options.size)
        if postgres is not None:
            with Store.create(postgres) as store:
                fill(store, options.size)
            settle_postgres(postgres)
            commands["ours, PostgreSQL"] = [*me, postgres]
        python = peers_python(options.venv or Path(temporary, "peers"))
        for name, method in (("datacompy (pandas), in memory", "datacompy"), ("DuckDB, in memory (limit)", "duckdb")):
            commands[name] = [python, str(HERE / "compare_ledgers_peers.py"), method, str(path)]
        print(f"{options.size} documents on each side, {options.rounds} rounds")
        tell(measure(commands, options.rounds))


if __name__ == "__main__":
    main()
