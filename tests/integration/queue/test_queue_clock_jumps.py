"""A machine's clock that jumps by up to an hour, ahead and back, a machine that is switched off and on: nothing is doubled, and
nothing takes longer than with a clock that is right.

`LEDGERBRIDGE_SEEDS` sizes it (default 5 per class).
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import simulation
from simulation import K, L, N
from test_queue_simulation import RESTORED
from wrong_clock import WrongClock

from ledgerbridge.store import Store

SEEDS = int(os.environ.get("LEDGERBRIDGE_SEEDS", "5"))
FIRST = int(os.environ.get("LEDGERBRIDGE_FIRST_SEED", "0"))
JUMPS = (-3600.0, -600.0, -1.0, 0.0, 1.0, 600.0, 3600.0)


@pytest.mark.parametrize("world", [K, L, N, RESTORED], ids=["K", "L", "N", "restored"])
def test_a_clock_that_jumps_doubles_loses_and_strands_nothing(world: simulation.World, quick_store: Store) -> None:
    tally = simulation.Tally()
    clock = WrongClock()
    quick_store.clock = clock
    for seed in simulation.runs(FIRST, SEEDS):
        simulation.play(quick_store, clock, seed, replace(world, jumps=JUMPS), tally)
    assert tally.jumps > SEEDS
