"""SIGSTOP of a real `apply` at one of its writes; meanwhile hours pass and a second one carries on; then the first wakes.

The emulators' books are the judge, as in `kills`. python -m tests.chaos.freezes --freezes 20 [--seed 1] [--store postgresql://…]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ledgerbridge import log
from ledgerbridge.clock import SystemClock
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.store import Store

from .kills import FLOWS, TABLES, Ward, ward

NEWS: Final = {"customers_crm": "customer", "invoices_crm": "invoice", "payments_crm": "payment"}


class Pause:
    """Stops a process at its n-th write to an emulator: before it is carried out, or after and before the answer."""

    def __init__(self, emulator: Any) -> None:
        self._handle, self._is_write = emulator.handle, emulator.is_write
        self._lock = threading.Lock()
        self._victim: subprocess.Popen[bytes] | None = None
        self._left = 0
        self._after = False
        self.stopped = threading.Event()
        emulator.handle = self.handle

    def arm(self, victim: subprocess.Popen[bytes], left: int, *, after: bool) -> None:
        """Stop `victim` at the `left`-th write from now."""
        with self._lock:
            self._victim, self._left, self._after = victim, left, after
            self.stopped.clear()

    def handle(self, request: Request) -> Response:
        """Stands before the emulator's own."""
        due = None
        if self._is_write(request):
            with self._lock:
                self._left -= 1
                due = self._victim if self._left == 0 else None
        if due is not None and not self._after:
            self._stop(due)
        answer: Response = self._handle(request)
        if due is not None and self._after:
            self._stop(due)
        return answer

    def _stop(self, victim: subprocess.Popen[bytes]) -> None:
        victim.send_signal(signal.SIGSTOP)
        self.stopped.set()


class Sleeper:
    """A ward where one process after the other is stopped in its work. `ends` counts how those that woke ended."""

    def __init__(self, now: Ward) -> None:
        self.now = now
        self.pause = Pause(now.far)
        self.freezes = 0
        self.ends: Counter[str] = Counter()

    def freeze(self, flow: str) -> None:
        """Something new is planned and approved; who writes it is stopped, another finishes it, the first one wakes."""
        now, table = self.now, TABLES[flow]
        now.near.seed(NEWS[flow], 3)
        before = {row["_id"] for row in now.far.books.rows(table)}
        _, shown = now.run("sync", flow, "--dry-run")
        plan = shown["flows"][0]["plan"]
        effects = plan["summary"]["effects"]
        planned = {effect["action"]: effect["changes"] for effect in effects if effect["system"] == "crm"}
        now.run("plans", "approve", plan["plan_id"], "--as", "li")
        frozen = now.process("apply", plan["plan_id"], "--as", "li")
        self.pause.arm(frozen, now.rng.randint(1, 2), after=now.rng.random() < 0.5)
        try:
            until = time.monotonic() + 60
            while not self.pause.stopped.wait(0.05) and frozen.poll() is None and time.monotonic() < until:
                pass
            slept = self.pause.stopped.is_set()
            now.later(3600.0)
            last = now._to_the_end(plan["plan_id"]) if slept else None
            books = now.far.books.save()
            os.kill(frozen.pid, signal.SIGCONT)
            _, err = frozen.communicate(timeout=120)
        finally:
            frozen.kill()
            frozen.communicate()
        self.freezes += slept
        self.ends[f"exit {frozen.returncode}"] += slept
        if b"Traceback" in err or frozen.returncode < 0:
            now.toll.faults.append(f"who woke ended with {frozen.returncode}: {err.decode()[-600:]}")
        if slept and now.far.books.save() != books:
            now.toll.faults.append(f"{flow}: who woke has written, though another had finished")
        now._judge(flow, table, before, planned, last or now._to_the_end(plan["plan_id"]))


def campaign(folder: Path, *, seed: int, freezes: int, store: str | None) -> Sleeper:
    """Freezes in turn over the flows; then nothing may be left to write."""
    if store is not None:
        Store.create(store, clock=SystemClock()).close()
    with ward(folder, seed=seed, size=2, store=store) as now:
        for flow in FLOWS:
            now.carry(flow, "apply", 0)
        sleeper = Sleeper(now)
        for turn in range(freezes):
            sleeper.freeze(FLOWS[turn % len(FLOWS)])
        now.at_rest()
        return sleeper


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if the books are not as planned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freezes", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", help="an empty PostgreSQL database; default: SQLite")
    given = parser.parse_args(arguments)
    log.configure(level="error")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lb-freezes-") as name:
        sleeper = campaign(Path(name), seed=given.seed, freezes=given.freezes, store=given.store)
    toll = sleeper.now.toll
    print(f"seed {given.seed}: {sleeper.freezes} of {given.freezes} frozen at a write; who woke: {dict(sleeper.ends)}")
    print(f"planned creates {toll.planned}, on record {toll.created}; {time.monotonic() - begun:.0f} s")
    for fault in toll.faults:
        print(f"seed {given.seed}: {fault}")
    return 1 if toll.faults else 0


if __name__ == "__main__":
    sys.exit(main())
