"""The queue's simulation at size: histories of kills, pauses, lost and late replies, torn commits, restored backups, clocks that
are set wrong and machines that are switched off.

python -m tests.chaos.histories --minutes 10 [--first 1000] [--seeds 200000] [--jobs 2]
"""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ledgerbridge import log
from ledgerbridge.clock import SystemClock
from ledgerbridge.errors import StoreError
from ledgerbridge.store import Store, audit

_QUEUE: Final = Path(__file__).resolve().parents[1] / "integration" / "queue"
_TOGETHER: Final = 50
"""Seeds that one database sees before it is made afresh and its audit log is verified."""


@dataclass(slots=True)
class Share:
    """What one process played: histories, failures and totals by world; why the failures."""

    played: dict[str, int] = field(default_factory=dict)
    bad: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, tuple[int, ...]] = field(default_factory=dict)
    cpu_s: float = 0.0


def worlds() -> dict[str, Any]:
    """What kinds of histories there are, by name."""
    sys.path.insert(0, str(_QUEUE))
    import simulation
    from test_queue_clock_jumps import JUMPS
    from test_queue_simulation import RESTORED

    plain = {"K": simulation.K, "L": simulation.L, "N": simulation.N}
    torn = {f"{name}, torn commits": replace(world, torn=0.08) for name, world in plain.items()}
    restored = {"L, restored backup": RESTORED}
    jumping = {f"{name}, clock set": replace(world, jumps=JUMPS) for name, world in (plain | restored).items()}
    return {**plain, **torn, **restored, **jumping}


def play(template: Path, seeds: Sequence[int], until: float) -> Share:
    """Each of the seeds in each world, until it is that late by the monotonic clock."""
    log.configure(level="error")
    logging.getLogger("ledgerbridge.queue").setLevel(logging.CRITICAL + 1)
    every = worlds()
    import simulation
    from far_books import Broken
    from memory_store import MemoryStore
    from wrong_clock import WrongClock

    tallies = {name: simulation.Tally() for name in every}
    share = Share(dict.fromkeys(every, 0), dict.fromkeys(every, 0))
    store = MemoryStore(template, WrongClock())
    gc.collect()
    gc.freeze()
    gc.disable()
    begun_s = time.process_time()
    for turn, seed in enumerate(seeds, start=1):
        if time.monotonic() > until:
            break
        for name, world in every.items():
            share.played[name] += 1
            store.clock = clock = WrongClock()
            try:
                simulation.play(store, clock, seed, world, tallies[name])
            except (Broken, StoreError) as error:
                share.bad[name] += 1
                print(f"{name}: {error}", flush=True)
        if turn % _TOGETHER == 0:
            with store.reading() as tx:
                fault = audit.verify(tx).fault
            if fault is not None:
                share.bad["K"] += 1
                print(f"up to seed {seed}: the audit log does not verify: {fault}", flush=True)
            store.afresh()
            gc.collect()
    share.cpu_s = time.process_time() - begun_s
    share.tallies = {name: astuple(tally) for name, tally in tallies.items()}
    return share


def campaign(first: int, seeds: int, minutes: float, jobs: int = 1) -> int:
    """Each seed in each world in turn until the time is over; how many histories were bad."""
    begun = time.monotonic()
    until = begun + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="lb-histories-") as folder:
        template = Path(folder) / "store.db"
        Store.create(template, clock=SystemClock()).close()
        parts = [(template, range(first + number, first + seeds, jobs), until) for number in range(jobs)]
        if jobs == 1:
            shares = [play(*parts[0])]
        else:
            with multiprocessing.get_context("spawn").Pool(jobs) as pool:
                shares = pool.starmap(play, parts)
    return _tell(shares, time.monotonic() - begun)


def _tell(shares: Sequence[Share], seconds: float) -> int:
    heads = ("histories", "operations", "kills", "torn", "jumps", "restarts", "to people", "bad")
    print(f"{'world':<29} " + " ".join(f"{head:>10}" for head in heads))
    total = failed = 0
    for name in shares[0].played:
        played = sum(share.played[name] for share in shares)
        bad = sum(share.bad[name] for share in shares)
        sums = [sum(column) for column in zip(*(share.tallies[name] for share in shares), strict=True)]
        print(f"{name:<29} " + " ".join(f"{number:>10}" for number in (played, *sums, bad)))
        total, failed = total + played, failed + bad
    cpu_s = sum(share.cpu_s for share in shares)
    print(f"{total} histories, {failed} bad: doubled, lost, stuck or not written down before")
    print(f"{seconds:.0f} s, {total / seconds:.0f} histories/s; {total / cpu_s:.0f} per second of CPU")
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if any history was bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=1e9, help="no new seed after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args(arguments)
    return 1 if campaign(given.first, given.seeds, given.minutes, given.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
