"""A `serve` that runs for long beside a sandbox where people edit and faults happen; it must not grow.

Its clock runs ahead: schedules fire every few seconds, and months pass, so that what is kept for days is forgotten.

python -m tests.chaos.soak --minutes 10 [--seed 1] [--store postgresql://…]
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from ledgerbridge import log
from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import FINAL, OpState
from ledgerbridge.store import Store, gates, operations

from .crowd import _shown
from .kills import FLOWS, RATES, Ward, ward

HOUSEKEEPING: Final = ("heartbeat", "flow_lock", "inbox", "target_gate", "fire")
ROUND_S: Final = 3.0
FIVE_DAYS_S: Final = 5 * 86_400.0
NO_CAPS: Final = "creates_max = 100000, updates_max = 100000, percent_max = 100"
"""A round that failed leaves more to the next one; past the caps that would wait for a person."""
IN_HAND: Final = "SELECT count(*) FROM operation WHERE lease_until_us IS NOT NULL"
GROWTH_MAX_MIB: Final = 16.0
"""How much more memory the last third may hold than the middle one, on average."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process and its housekeeping come to at a moment."""

    rss_mib: float
    files: int
    threads: int
    rows: dict[str, int]
    days: float


@dataclass(slots=True)
class Soak:
    """A ward, its `serve`, and what was seen of it."""

    now: Ward
    store: Store
    samples: list[Sample] = field(default_factory=list)
    edits: int = 0
    faults: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """The first plan of each flow is approved by a person."""
        for flow in FLOWS:
            plan_id = _shown(self.now, self.store, flow)
            self.now.run("apply", plan_id, "--as", "li")

    def run(self, process: subprocess.Popen[bytes], minutes: float) -> None:
        """Edits and fire times until the time is over."""
        self.now.far.faults.schedule(self.now.rng.randrange(10**6), {str(fault): rate for fault, rate in RATES.items()})
        until = time.monotonic() + 60 * minutes
        turn = 0
        while time.monotonic() < until:
            turn += 1
            self.edit()
            self.now.later(FIVE_DAYS_S if turn % 4 == 0 else 60.0)
            time.sleep(ROUND_S)
            if process.poll() is not None:
                self.faults.append(f"serve ended by itself with {process.returncode}")
                return
            self.samples.append(self.sample(process))
        self.now.far.faults.clear()

    def edit(self) -> None:
        """Somebody works in the ERP."""
        rng, near = self.now.rng, self.now.near
        for kind in rng.sample(("customer", "invoice", "payment"), rng.randint(0, 2)):
            near.seed(kind, 1)
            self.edits += 1
        for row in rng.sample(near.books.rows("customer"), 2):
            near.touch("customer", row["code"], {"abbrname": f"改名{rng.randrange(10**6)}"})
            self.edits += 1

    def sample(self, process: subprocess.Popen[bytes]) -> Sample:
        """From the kernel and from the database."""
        place = Path(f"/proc/{process.pid}")
        said = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        with self.store.reading() as tx:
            count: Any = sa.func.count()
            rows = {
                name: int(tx.connection.execute(sa.select(count).select_from(sa.table(name))).scalar_one())
                for name in HOUSEKEEPING
            }
        files = len(list((place / "fd").iterdir()))
        return Sample(
            int(said["VmRSS"].split()[0]) / 1024, files, int(said["Threads"]), rows, self.now.ahead_s / 86_400
        )

    def until_still(self, patience_s: float = 180.0) -> None:
        """Nothing fails any more: no operation may stay on its way. While somebody has one in hand the clock does not go ahead:
        on a busy machine it would take every lease away before its holder is done.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            with self.store.reading() as tx:
                states = operations.counts(tx)
                in_hand = tx.connection.execute(sa.text(IN_HAND)).scalar_one()
            if not {state for state, number in states.items() if number} - FINAL - {OpState.PLANNED}:
                return
            if not in_hand:
                self.now.later(120.0)
            time.sleep(ROUND_S)
        with self.store.reading() as tx:
            left = [(one.state.value, one.not_before, one.looks, one.why) for one in operations.unfinished(tx)]
            shut = gates.every(tx)
        at = SystemClock().now() + timedelta(seconds=self.now.ahead_s)
        self.faults.append(f"still on their way though nothing fails any more, at {at:%d %H:%M:%S}: {left[:8]} {shut}")

    def judge(self) -> None:
        """The last third against the middle one."""
        third = len(self.samples) // 3
        if third < 5:
            self.faults.append(f"{len(self.samples)} samples are too few to judge by")
            return
        middle, last = self.samples[third : 2 * third], self.samples[2 * third :]
        more = sum(one.rss_mib for one in last) / len(last) - sum(one.rss_mib for one in middle) / len(middle)
        if more > GROWTH_MAX_MIB:
            self.faults.append(f"{more:.1f} MiB more memory in the last third than in the middle one")
        for name in ("files", "threads"):
            most, before = (max(getattr(one, name) for one in part) for part in (last, middle))
            if most > before + 3:
                self.faults.append(f"{name} grew from {before} to {most}")
        for table in HOUSEKEEPING:
            most, before = (max(one.rows[table] for one in part) for part in (last, middle))
            bound = 1.25 * before if self.samples[2 * third].days > 100 or table != "fire" else float("inf")
            if most > bound + 2:
                self.faults.append(f"rows of {table} grew from {before} to {most}")

    def table(self) -> str:
        """Some of the samples."""
        lines = ["  days  MiB  files  threads  " + "  ".join(HOUSEKEEPING)]
        for one in self.samples[:: max(1, len(self.samples) // 12)] + self.samples[-1:]:
            rows = "  ".join(f"{one.rows[name]:>{len(name)}}" for name in HOUSEKEEPING)
            lines.append(f"{one.days:6.1f} {one.rss_mib:4.0f} {one.files:6} {one.threads:8}  {rows}")
        return "\n".join(lines)


def campaign(folder: Path, *, seed: int, minutes: float, store: str | None) -> Soak:
    """One long service; afterwards one more round writes nothing."""
    if store is not None:
        Store.create(store, clock=SystemClock()).close()
    schedule = 'schedule = "* * * * *"\n'
    with ward(folder, seed=seed, size=10, store=store, lines=schedule) as now:
        settings = now.workspace / "ledgerbridge.toml"
        settings.write_text(settings.read_text("utf-8").replace("creates_max = 100000", NO_CAPS), "utf-8")
        now.run("sync", FLOWS[0], "--dry-run")
        with Store.open(store or now.workspace / "ledgerbridge.db", clock=SystemClock()) as opened:
            soak = Soak(now, opened)
            soak.begin()
            process = now.process("serve", "--port", "0", json_wanted=False, quiet=True)
            try:
                soak.run(process, minutes)
                soak.until_still()
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=120)
                if process.returncode != 0:
                    soak.faults.append(f"serve ended with {process.returncode}")
            finally:
                process.kill()
                process.communicate()
            soak.judge()
            for flow in FLOWS:
                now.run("sync", flow)
            now.at_rest()
            soak.faults += now.toll.faults
            return soak


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if it grew, got stuck or left the books apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", help="an empty PostgreSQL database; default: SQLite")
    given = parser.parse_args(arguments)
    log.configure(level="error")
    with tempfile.TemporaryDirectory(prefix="lb-soak-") as name:
        soak = campaign(Path(name), seed=given.seed, minutes=given.minutes, store=given.store)
    print(soak.table())
    print(f"seed {given.seed}: {soak.edits} edits, {len(soak.samples)} rounds, {given.minutes:g} min")
    for fault in soak.faults:
        print(f"seed {given.seed}: {fault}")
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
