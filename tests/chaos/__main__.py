"""All campaigns at the size that is asked for, with a table at the end; every failure prints its seed.

python -m tests.chaos --seeds 200 --edits 40 --customers 2000 --invoices 10000 --kills 50 [--server postgresql://…]
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from . import converge, crowd, databases, drift, freezes, histories, kills, mutants, soak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seeds", type=int, default=50, help="of random edits, with one and with two following systems"
    )
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--edits", type=int, default=40)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--invoices", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--hits", type=int, default=12, help="commands whose database fails")
    parser.add_argument("--freezes", type=int, default=3, help="commands that are stopped at a write")
    parser.add_argument(
        "--histories", type=int, default=300, help="seeds of the queue's simulation, in eleven worlds each"
    )
    parser.add_argument("--minutes", type=float, default=2, help="of soaking")
    parser.add_argument(
        "--server",
        help="a PostgreSQL server where databases may be made, for kills and the crowd; "
        "default: kills over SQLite, no crowd",
    )
    parser.add_argument("--broker", default=crowd.BROKER, help="the crowd's RabbitMQ")
    given = parser.parse_args()
    seed = ["--first", str(given.first), "--seeds", str(given.seeds), "--edits", str(given.edits)]
    sizes = ["--customers", str(given.customers), "--invoices", str(given.invoices), "--seed", str(given.first)]
    first = ["--seed", str(given.first)]
    deaths = ["--kills", str(given.kills), *first]
    parts: list[tuple[str, Callable[[], int]]] = [
        ("random edits, one following system", lambda: converge.main([*seed, "--systems", "1"])),
        ("random edits, two following systems", lambda: converge.main([*seed, "--systems", "2"])),
        ("drift", lambda: drift.main(sizes)),
        ("kill -9 of apply", lambda: _over(kills.main, [*deaths, "--command", "apply"], given.server)),
        ("kill -9 of sync", lambda: _over(kills.main, [*deaths, "--command", "sync"], given.server)),
        ("kill -9 of worker", lambda: _over(kills.main, [*deaths, "--command", "worker"], given.server)),
        ("failing databases", lambda: _over(databases.main, ["--hits", str(given.hits), *first], given.server)),
        ("frozen commands", lambda: _over(freezes.main, ["--freezes", str(given.freezes), *first], given.server)),
        ("histories of the queue", lambda: histories.main(["--seeds", str(given.histories)])),
        ("planted mistakes", lambda: mutants.main([])),
        ("soak", lambda: _over(soak.main, ["--minutes", str(given.minutes), *first], given.server)),
    ]
    if given.server:
        parts.append(
            ("two schedulers, four workers", lambda: crowd.main(["--server", given.server, "--broker", given.broker]))
        )
    told: list[tuple[str, str, float]] = []
    for name, run in parts:
        print(f"== {name}", flush=True)
        begun = time.monotonic()
        try:
            outcome = "held" if run() == 0 else "FAILED"
        except Exception:  # noqa: BLE001 (the other campaigns and the table are still wanted)
            traceback.print_exc()
            outcome = "FAILED"
        told.append((name, outcome, time.monotonic() - begun))
    if not given.server:
        told.append(("two schedulers, four workers", "skipped: no --server", 0.0))
    print()
    for name, outcome, seconds in told:
        print(f"{name:<40} {outcome:<22} {seconds:8.0f} s")
    return 1 if any(outcome == "FAILED" for _, outcome, _ in told) else 0


def _over(campaign: Callable[[Sequence[str]], int], arguments: Sequence[str], server: str | None) -> int:
    """Over a fresh database of the server, or over SQLite."""
    with crowd.database(server) if server else nullcontext() as url:
        return campaign([*arguments, *(["--store", url] if url else [])])


if __name__ == "__main__":
    sys.exit(main())
