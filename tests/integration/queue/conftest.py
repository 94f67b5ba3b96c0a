"""A store in memory-backed files for simulations: one for all runs of a test."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FakeClock


@pytest.fixture
def hushed() -> Iterator[None]:
    """No log of the queue: thousands of simulated accidents are no news, and keeping them costs more than the runs."""
    logger = logging.getLogger("ledgerbridge.queue")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(before)


MEMORY = Path("/dev/shm")


@pytest.fixture
def quick_store(sqlite_template: Path, clock: FakeClock, hushed: None) -> Iterator[Store]:
    """A SQLite store whose commits cost no disk, where the machine allows it."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        path = Path(folder) / "store.db"
        shutil.copy(sqlite_template, path)
        with Store.open(path, clock=clock) as store:
            yield store


@pytest.fixture
def either_store(address: str, clock: FakeClock) -> Iterator[Store]:
    """A store on each engine, where a module's own `store` is of one kind."""
    with Store.open(address, clock=clock) as opened:
        yield opened
