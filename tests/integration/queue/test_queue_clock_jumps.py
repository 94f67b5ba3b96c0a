"""A machine's clock that jumps by up to an hour, ahead and back: leases and settle windows end early or late, nothing is doubled.

Not for a far side that merges no repeats and where one is allowed (class L): on SQLite a jump ahead ends the settle window, and
what arrives after it stands twice. PostgreSQL's clock is the server's. `LEDGERBRIDGE_SEEDS` sizes it (default 5).
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import simulation
from simulation import K, N
from wrong_clock import WrongClock

from ledgerbridge.store import Store

SEEDS = int(os.environ.get("LEDGERBRIDGE_SEEDS", "5"))
FIRST = int(os.environ.get("LEDGERBRIDGE_FIRST_SEED", "0"))
JUMPS = (-3600.0, -600.0, -1.0, 0.0, 1.0, 600.0, 3600.0)


@pytest.mark.parametrize("world", [K, N], ids=["K", "N"])
def test_a_clock_that_jumps_doubles_loses_and_strands_nothing(world: simulation.World, quick_store: Store) -> None:
    tally = simulation.Tally()
    clock = WrongClock()
    quick_store.clock = clock
    for seed in simulation.runs(FIRST, SEEDS):
        simulation.play(quick_store, clock, seed, replace(world, jumps=JUMPS), tally)
    assert tally.jumps > SEEDS
