"""Real `worker` processes whose servers are killed under them, or whose disk is full for a while; they go on by themselves.

By default a PostgreSQL and a RabbitMQ of their own are started, stopped, killed and started again while two workers write;
with --disk one worker has its SQLite database on a small file system that is filled up and freed. Afterwards the emulators'
books are the judge. python -m tests.chaos.outages --outages 9 [--seed 1] [--size 30] [--disk]
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from ledgerbridge import log
from ledgerbridge.clock import SystemClock
from ledgerbridge.errors import StoreError
from ledgerbridge.model.operation import FINAL, OpState
from ledgerbridge.store import Store, operations

from .databases import filled, small_disk
from .kills import FLOWS, TABLES, Ward, ward
from .servers import Postgres, Rabbit

_WORKER: Final = ("worker", "--port", "0", "--concurrency", "1")
_PATIENCE_S: Final = 240.0
_STILL_S: Final = 4.0
_DOWN_S: Final = 4.0
"""How long a server is away, at most."""

Outage = Callable[[], str]
"""Makes one, waits until it is over, and says what it was."""


@dataclass(slots=True)
class Beset:
    """A ward whose workers live through outages. `struck` counts those that came while something was left to write."""

    now: Ward
    outages: Sequence[Outage]
    struck: Counter[str] = field(default_factory=Counter)

    def carry(self, flow: str, hits: int, workers: int) -> None:
        """Plan and approve a flow, let workers write it, each outage after a further part of it, the first when they are at work;
        then judge the books.
        """
        now, table = self.now, TABLES[flow]
        before = {row["_id"] for row in now.far.books.rows(table)}
        _, shown = now.run("sync", flow, "--dry-run")
        plan = shown["flows"][0]["plan"]
        plan_id = plan["plan_id"]
        effects = plan["summary"]["effects"]
        planned = {effect["action"]: effect["changes"] for effect in effects if effect["system"] == "crm"}
        now.run("plans", "approve", plan_id, "--as", "li")
        total = sum(planned.values())
        with self._working(workers):
            for hit in range(hits):
                ended = self._until(plan_id, 1 + int((total - 1) * (hit + now.rng.random()) / hits))
                what = now.rng.choice(self.outages)()
                if not ended:
                    self.struck[what] += 1
            if not self._until(plan_id, total):
                now.toll.faults.append(f"{flow}: not at its end {_PATIENCE_S:.0f} s after the last outage")
        now._judge(flow, table, before, planned, now._to_the_end(plan_id))

    @contextmanager
    def _working(self, number: int) -> Iterator[None]:
        """Workers, which must all live to be asked to stop and then end well."""
        running = [self.now.process(*_WORKER, json_wanted=False, quiet=True) for _ in range(number)]
        try:
            yield
        finally:
            for one in running:
                if one.poll() is not None:
                    self.now.toll.faults.append(f"a worker ended by itself with {one.returncode}")
                one.send_signal(signal.SIGTERM)
            for one in running:
                try:
                    one.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    self.now.toll.faults.append("a worker does not stop")
                    one.kill()
                    one.wait()
                if one.returncode != 0:
                    self.now.toll.faults.append(f"a worker ended with {one.returncode}")

    def _until(self, plan_id: str, wanted: int) -> bool:
        """Wait until so many operations have ended; whether all have. What is due later comes at once: the clocks go on."""
        until, since = time.monotonic() + _PATIENCE_S, time.monotonic()
        before: list[tuple[int, OpState, int]] = []
        while time.monotonic() < until:
            now = self._rows(plan_id)
            ended = sum(state in FINAL for _, state, _ in now)
            if now and ended >= min(wanted, len(now)):
                return ended == len(now)
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > _STILL_S:
                self.now.later(60.0)
                since = time.monotonic()
            time.sleep(0.05)
        return False

    def _rows(self, plan_id: str) -> list[tuple[int, OpState, int]]:
        with (
            contextlib.suppress(StoreError),
            Store.open(self.now.store, clock=SystemClock()) as store,
            store.reading() as tx,
        ):
            return [(one.id, one.state, one.fence) for one in operations.listing(tx, plan_id=plan_id)]
        return []


def _away(server: Postgres | Rabbit, how: str, rng: random.Random) -> str:
    server.stop(how)
    time.sleep(rng.uniform(0.0, _DOWN_S))
    server.start()
    return f"{type(server).__name__} {how}"


def _no_room(now: Ward) -> str:
    with filled(now.workspace, now.rng):
        time.sleep(now.rng.uniform(1.0, 2 * _DOWN_S))
    return "full disk"


def campaign(folder: Path, *, seed: int, outages: int, size: int, disk: bool) -> Beset:
    """Outages spread evenly over the flows; then nothing may be left to write."""
    with contextlib.ExitStack() as closing:
        if disk:
            closing.enter_context(small_disk(folder / "ws"))
            now = closing.enter_context(ward(folder, seed=seed, size=size))
            beset = Beset(now, [partial(_no_room, now)])
        else:
            folder.chmod(0o755)
            postgres, rabbit = Postgres(folder / "postgres"), Rabbit(folder / "rabbit")
            closing.callback(postgres.close)
            closing.callback(rabbit.close)
            Store.create(postgres.url, clock=SystemClock()).close()
            (folder / "broker").write_text(rabbit.url, "ascii")
            head = f'[queue]\nbroker = {{ file = "{folder / "broker"}" }}\n\n'
            now = closing.enter_context(ward(folder, seed=seed, size=size, store=postgres.url, head=head))
            ways = [(server, how) for server in (postgres, rabbit) for how in server.stops]
            beset = Beset(now, [partial(_away, server, how, now.rng) for server, how in ways])
        for flow in FLOWS:
            beset.carry(flow, max(1, outages // len(FLOWS)), 1 if disk else 2)
        now.at_rest()
        return beset


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if the books are not as planned or a worker did not live through it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=30, help="records of each kind")
    parser.add_argument("--disk", action="store_true", help="a full disk under SQLite in place of servers that go away")
    given = parser.parse_args(arguments)
    log.configure(level="error")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lb-outages-") as name:
        beset = campaign(Path(name), seed=given.seed, outages=given.outages, size=given.size, disk=given.disk)
    toll = beset.now.toll
    print(f"seed {given.seed}: {beset.struck.total()} of {given.outages} outages in the middle: {dict(beset.struck)}")
    print(f"planned creates {toll.planned}, on record {toll.created}; {time.monotonic() - begun:.0f} s")
    for fault in toll.faults:
        print(f"seed {given.seed}: {fault}")
    return 1 if toll.faults else 0


if __name__ == "__main__":
    sys.exit(main())
