"""Two thousand histories of the queue in memory, in every kind of world: what `python -m tests.chaos.histories` plays at night.

`LEDGERBRIDGE_HISTORIES`: how many in each world; `LEDGERBRIDGE_FIRST_SEED`: where to begin. A failure names its seed.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
import simulation
from memory_store import MemoryStore
from tests.chaos.histories import worlds
from wrong_clock import WrongClock

from ledgerbridge.store import audit

HISTORIES = int(os.environ.get("LEDGERBRIDGE_HISTORIES", "182"))
FIRST = int(os.environ.get("LEDGERBRIDGE_FIRST_SEED", "0"))
TOGETHER = 50
"""Histories that one database sees."""
ONCE_FAILED = {"L, restored backup": (313143,)}
"""What was not there at a look-up was judged by when it was written down, by when the settle window had ended."""


@pytest.mark.parametrize("name", sorted(worlds()))
def test_nothing_is_doubled_lost_or_stuck(name: str, sqlite_template: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="ledgerbridge")
    world, tally = worlds()[name], simulation.Tally()
    store = MemoryStore(sqlite_template, WrongClock())
    for turn, seed in enumerate((*ONCE_FAILED.get(name, ()), *range(FIRST, FIRST + HISTORIES)), start=1):
        store.clock = clock = WrongClock()
        simulation.play(store, clock, seed, world, tally)
        if turn % TOGETHER == 0:
            with store.reading() as tx:
                assert audit.verify(tx).fault is None
            store.afresh()
    assert tally.kills > HISTORIES
