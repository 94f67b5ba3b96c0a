"""The queue's simulation at size: histories of kills, pauses, lost and late replies, torn commits and restored backups.

python -m tests.chaos.histories --minutes 10 [--first 1000] [--seeds 200000]
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ledgerbridge import log
from ledgerbridge.errors import StoreError
from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FakeClock

_QUEUE: Final = Path(__file__).resolve().parents[1] / "integration" / "queue"


def worlds() -> dict[str, Any]:
    """What kinds of histories there are, by name."""
    sys.path.insert(0, str(_QUEUE))
    import simulation
    from test_queue_simulation import RESTORED

    plain = {"K": simulation.K, "L": simulation.L, "N": simulation.N}
    torn = {f"{name}, torn commits": replace(world, torn=0.08) for name, world in plain.items()}
    return {**plain, **torn, "L, restored backup": RESTORED}


def campaign(first: int, seeds: int, minutes: float) -> int:
    """Each seed in each world in turn until the time is over; how many histories were bad."""
    every = worlds()
    import simulation
    from far_books import Broken

    tallies = {name: simulation.Tally() for name in every}
    played, bad = dict.fromkeys(every, 0), dict.fromkeys(every, 0)
    until = time.monotonic() + 60 * minutes
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="lb-histories-") as folder:
        clock = FakeClock()
        with Store.create(Path(folder) / "store.db", clock=clock) as store:
            for seed in range(first, first + seeds):
                for name, world in every.items():
                    if time.monotonic() > until:
                        break
                    played[name] += 1
                    try:
                        simulation.play(store, clock, seed, world, tallies[name])
                    except (Broken, StoreError) as error:
                        bad[name] += 1
                        print(f"{name}: seed {seed}: {error}", flush=True)
    print(f"{'world':<22} {'histories':>9} {'operations':>10} {'kills':>8} {'torn':>7} {'to people':>9} {'bad':>4}")
    for name, tally in tallies.items():
        print(
            f"{name:<22} {played[name]:>9} {tally.operations:>10} {tally.kills:>8} {tally.torn:>7} "
            f"{tally.to_people:>9} {bad[name]:>4}"
        )
    total, failed = sum(played.values()), sum(bad.values())
    print(f"{total} histories, {failed} bad: doubled, lost, stuck or not written down before")
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if any history was bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=1e9, help="no new history after so long")
    given = parser.parse_args(arguments)
    log.configure(level="error")
    logging.getLogger("ledgerbridge.queue").setLevel(logging.CRITICAL + 1)
    begun = time.monotonic()
    failed = campaign(given.first, given.seeds, given.minutes)
    print(f"{time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
