"""All campaigns at the size that is asked for, with a table at the end; every failure prints its seed.

python -m tests.chaos --seeds 200 --edits 40 --customers 2000 --invoices 10000 --kills 50 [--store postgresql://…]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from . import converge, crowd, drift, kills


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
    parser.add_argument("--store", help="an empty PostgreSQL database for the kills; default: SQLite")
    parser.add_argument(
        "--server", help="a PostgreSQL server where databases may be made, for the crowd; default: left out"
    )
    given = parser.parse_args()
    seed = ["--first", str(given.first), "--seeds", str(given.seeds), "--edits", str(given.edits)]
    store = ["--store", given.store] if given.store else []
    sizes = ["--customers", str(given.customers), "--invoices", str(given.invoices), "--seed", str(given.first)]
    deaths = ["--kills", str(given.kills), "--seed", str(given.first), *store]
    parts: list[tuple[str, Callable[[], int]]] = [
        ("random edits, one following system", lambda: converge.main([*seed, "--systems", "1"])),
        ("random edits, two following systems", lambda: converge.main([*seed, "--systems", "2"])),
        ("drift", lambda: drift.main(sizes)),
        ("kill -9 of apply", lambda: kills.main([*deaths, "--command", "apply"])),
        ("kill -9 of sync", lambda: kills.main([*deaths, "--command", "sync"])),
    ]
    if given.server:
        parts.append(("two schedulers, four workers", lambda: crowd.main(["--server", given.server])))
    told: list[tuple[str, str, float]] = []
    for name, run in parts:
        print(f"== {name}", flush=True)
        begun = time.monotonic()
        told.append((name, "held" if run() == 0 else "FAILED", time.monotonic() - begun))
    if not given.server:
        told.append(("two schedulers, four workers", "skipped: no --server", 0.0))
    print()
    for name, outcome, seconds in told:
        print(f"{name:<40} {outcome:<22} {seconds:8.0f} s")
    return 1 if any(outcome == "FAILED" for _, outcome, _ in told) else 0


if __name__ == "__main__":
    sys.exit(main())
