"""Real commands whose database fails under them: a full disk, another writer that holds on, connections ended at the server.

Afterwards the emulators' books are the judge, and every certificate ties. Without --store the database is SQLite on a small
file system in memory, which needs the right to mount one; with it, PostgreSQL.

python -m tests.chaos.databases --hits 30 [--seed 1] [--store postgresql://…]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from ledgerbridge import log
from ledgerbridge.clock import SystemClock
from ledgerbridge.store import Store

from .kills import FLOWS, TABLES, Ward, ward

BUSY: Final = "another process has been writing"
FULL: Final = "the disk is full"
TORN: Final = "the database refused"
_DISK_MB: Final = 12
_HELD_S: Final = 20.0
"""Longer than a writer's busy timeout."""
_TRIES_MAX: Final = 12


class Shaken:
    """A ward whose commands lose their database. `told` counts what commands said when it failed them."""

    def __init__(self, now: Ward, store: str | None, seed: int) -> None:
        self.now, self.store = now, store
        self.rng = random.Random(seed)
        self.told: Counter[str] = Counter()
        self.ended = 0
        self.database = next(iter(now.workspace.glob("**/*.db")), now.workspace / "ledgerbridge.db")

    def struck(self, *arguments: str, patient: bool = False) -> Any | None:
        """Run a command while its database fails; what it said, or None if it failed for that reason."""
        process = self.now.process(*arguments)
        with self._trouble(patient=patient):
            out, err = process.communicate(timeout=300)
        said = err.decode()
        expected = next((words for words in (BUSY, FULL, TORN, "database") if words in said), None)
        try:
            answer = json.loads(out)
        except ValueError:
            answer = None
        where = f"{arguments[0]} ended with {process.returncode}"
        if "Traceback" in said or process.returncode < 0 or answer is None:
            self.now.toll.faults.append(f"{where}: {said[-600:]}")
        elif answer.get("error") is not None:
            if process.returncode == 0 or answer["error"] != "StoreError" or expected is None:
                self.now.toll.faults.append(f"{where}: {answer}")
            self.told[f"{arguments[0]}: {expected}"] += 1
        else:
            return answer
        return None

    @contextmanager
    def _trouble(self, *, patient: bool) -> Iterator[None]:
        if self.store is not None:
            with self._cut():
                yield
        elif patient:
            with self._locked():
                yield
        else:
            with self._full():
                yield

    @contextmanager
    def _full(self) -> Iterator[None]:
        """The disk fills up soon after the command has begun, and is full until it has ended."""
        time.sleep(self.rng.uniform(0.0, 1.2))
        with filled(self.now.workspace, self.rng):
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Somebody opens the file with another program and writes for longer than anybody waits."""
        done = threading.Event()

        def hold() -> None:
            time.sleep(self.rng.uniform(0.3, 1.5))
            other = sqlite3.connect(self.database, timeout=30, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            done.wait(_HELD_S)
            other.execute("ROLLBACK")
            other.close()

        thread = threading.Thread(target=hold)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    @contextmanager
    def _cut(self) -> Iterator[None]:
        """The server ends our connections, one or two times, at moments that nobody chooses."""
        done = threading.Event()

        def cut() -> None:
            mine = (
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'ledgerbridge' "
            )
            with psycopg.connect(str(self.store), autocommit=True) as admin:
                for _ in range(self.rng.randint(1, 2)):
                    done.wait(self.rng.uniform(0.2, 1.5))
                    while not done.is_set():  # until there was one to end
                        row = admin.execute(mine + "AND datname = current_database()").fetchone()
                        self.ended += row[0] if row else 0
                        if row and row[0]:
                            break
                        done.wait(0.003)

        thread = threading.Thread(target=cut)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def carry(self, flow: str, hits: int) -> None:
        """Read, link and plan a flow, then write it, each with the database failing; then the emulator's books are judged."""
        now = self.now
        table = TABLES[flow]
        before = {row["_id"] for row in now.far.books.rows(table)}
        for at in range(hits):
            self.struck("sync", flow, "--dry-run", patient=at == 0 and flow == FLOWS[0])
            now.later()
        _, shown = now.run("sync", flow, "--dry-run")
        plan = shown["flows"][0]["plan"]
        planned = {
            effect["action"]: effect["changes"] for effect in plan["summary"]["effects"] if effect["system"] == "crm"
        }
        now.run("plans", "approve", plan["plan_id"], "--as", "li")
        for at in range(hits):
            self.struck("apply", plan["plan_id"], "--as", "li", patient=at == 0 and flow == FLOWS[1])
            now.later()
        now._judge(flow, table, before, planned, now._to_the_end(plan["plan_id"]))


@contextmanager
def filled(folder: Path, rng: random.Random) -> Iterator[None]:
    """The file system of `folder` has only a little room left, as long as this is open."""
    ballast = folder / "ballast"
    room = rng.randrange(0, 400_000)
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(65536)) == 65536:
            pass
    with ballast.open("r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - room))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of a few MB at `folder`. PermissionError where none may be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(folder)]
    made = subprocess.run(command, check=False, capture_output=True)
    if made.returncode:
        raise PermissionError(made.stderr.decode().strip())
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def campaign(
    folder: Path, *, seed: int, hits: int, size: int, store: str | None, flows: Sequence[str] = FLOWS
) -> Shaken:
    """Hits spread evenly over the flows, half while reading and planning and half while writing."""
    with contextlib.ExitStack() as closing:
        if store is None:
            closing.enter_context(small_disk(folder / "ws"))
        else:
            Store.create(store, clock=SystemClock()).close()
        now = closing.enter_context(ward(folder, seed=seed, size=size, store=store))
        shaken = Shaken(now, store, seed)
        for flow in flows:
            shaken.carry(flow, max(1, hits // len(flows) // 2))
        if tuple(flows) == FLOWS:
            now.at_rest()
        return shaken


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if the books are not as planned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=24, help="commands whose database fails")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=12, help="records of each kind")
    parser.add_argument("--store", help="an empty PostgreSQL database; default: SQLite on a small disk")
    given = parser.parse_args(arguments)
    log.configure(level="error")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lb-databases-") as name:
        shaken = campaign(Path(name), seed=given.seed, hits=given.hits, size=given.size, store=given.store)
    toll = shaken.now.toll
    print(f"seed {given.seed}: {toll.starts} starts; ended at the server {shaken.ended}; refused {dict(shaken.told)}")
    print(f"planned creates {toll.planned}, on record {toll.created}; {time.monotonic() - begun:.0f} s")
    for fault in toll.faults:
        print(f"seed {given.seed}: {fault}")
    return 1 if toll.faults else 0


if __name__ == "__main__":
    sys.exit(main())
