"""A worker that is stopped (SIGSTOP) for longer than its lease, at each step of its work: when it wakes it writes nothing.

`LEDGERBRIDGE_FREEZES` says how often each step is tried (default 3).
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import freezing
import pytest
import queue_process
from far_books import create, intent
from test_queue_processes import Ledger, serving

from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import OpState
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, audit, bulk, operations

FREEZES = int(os.environ.get("LEDGERBRIDGE_FREEZES", "3"))
BEYOND_HELP = "before the request"
"""Between the last look at the clock and the first byte nobody can be fenced (RELIABILITY.md 1); the far side's key can."""


def frozen_and_woken(address: str, step: str) -> None:
    """One worker freezes at `step`, another takes over and finishes, the first wakes; all of it judged."""
    with (
        Store.open(address, clock=SystemClock()) as store,
        serving(Ledger(merges=step == BEYOND_HELP, calm=True)) as far,
    ):
        with store.writing() as tx:
            operations.add(tx, "p", [intent(create("a"))], OpState.READY, store.clock.now())
        port = far.server_address[1]
        frozen = multiprocessing.get_context("forkserver").Process(
            target=freezing.work_and_freeze, args=(address, port, step)
        )
        frozen.start()
        assert frozen.pid is not None
        try:
            wait_until_stopped(frozen.pid)
            time.sleep(queue_process.RULES.lease_s)
            carrier = queue_process.SocketCarrier(port)
            Worker(store, {"erp": carrier}, SystemClock(), rules=queue_process.RULES).drain("p")
            before = row(store)
            os.kill(frozen.pid, signal.SIGCONT)
            frozen.join(20)
            assert frozen.exitcode == 0, f"{step}: it ended with {frozen.exitcode}"
        finally:
            frozen.kill()
            frozen.join()
        assert before[0] == OpState.VERIFIED, f"{step}: left {before}"
        assert row(store) == before, f"{step}: who woke has written"
        assert far.documents == [create("a").key], f"{step}: {len(far.documents)} documents"
        with store.reading() as tx:
            assert audit.verify(tx).fault is None


def wait_until_stopped(pid: int) -> None:
    """Until the kernel says that it is stopped."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline, "it never came to its step"
        time.sleep(0.02)


def row(store: Store) -> tuple[object, ...]:
    """All that a state change would show in."""
    columns = "state, fence, tries, looks, owner, lease_until_us, foreign_id, why, updated_us, ended_us"
    with store.reading() as tx:
        return tuple(bulk.rows_of(tx, f"SELECT {columns} FROM operation", ())[0])


def preload() -> None:
    multiprocessing.get_context("forkserver").set_forkserver_preload(["queue_process", "freezing"])


def test_who_wakes_after_its_lease_writes_nothing(sqlite_template: Path, tmp_path: Path) -> None:
    preload()
    with ThreadPoolExecutor(len(freezing.STEPS)) as pool:
        for turn in range(FREEZES):
            addresses = [tmp_path / f"{turn}-{at}.db" for at in range(len(freezing.STEPS))]
            for path in addresses:
                shutil.copy(sqlite_template, path)
            list(pool.map(frozen_and_woken, map(str, addresses), freezing.STEPS))


@pytest.mark.postgres
@pytest.mark.parametrize("step", freezing.STEPS if FREEZES > 3 else ["wrote ahead"])
def test_the_same_over_postgresql(step: str, postgres_address: str) -> None:
    preload()
    frozen_and_woken(postgres_address, step)
