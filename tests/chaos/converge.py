"""Two-way sync under random human edits: one seed, one company, one verdict; many seeds by command.

python -m tests.chaos.converge --seeds 1000 --edits 60 [--first 1] [--systems 2]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledgerbridge import log
from ledgerbridge.errors import RateLimited, Unavailable
from ledgerbridge.store import Store
from ledgerbridge.sync.syncing import SyncResult
from ledgerbridge.testing.fakes import FakeClock, reply_lost

from .edits import People
from .far_sides import Town
from .oracle import Oracle

REST_ROUNDS_MAX: Final = 2
"""After the last human edit so many rounds may still write."""
_FOLLOWERS: Final = ("crm", "shop")
FAILED_ONCE: Final = Path(__file__).with_name("seeds.txt")
"""Seeds that once showed a fault, `seed edits systems trouble` a line; they are tried for ever."""


@dataclass(slots=True)
class Verdict:
    """What one seed came to. `rounds_to_rest`: rounds after the last edit that still wrote."""

    seed: int
    rounds_to_rest: int = 0
    writes: int = 0
    late_writes: int = 0
    conflicts: int = 0
    held: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    faults: list[str] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)


@contextmanager
def fresh_stores() -> Iterator[Path]:
    """A folder (in memory where there is one) with an empty store to copy from."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="lb-chaos-") as name:
        folder = Path(name)
        Store.create(folder / "empty.db", clock=FakeClock()).close()
        yield folder


def run_seed(folder: Path, seed: int, *, edits: int, systems: int = 1, trouble: bool = True) -> Verdict:
    """Edits in bursts with rounds between and, with `trouble`, people and faults in the middle of rounds; then rest."""
    path = folder / f"{seed}-{systems}.db"
    shutil.copy(folder / "empty.db", path)
    clock = FakeClock()
    with Store.open(path, clock=clock) as store:
        verdict = Trial(Town(store, clock, _FOLLOWERS[:systems]), seed).run(edits, trouble=trouble)
    for left in folder.glob(f"{seed}-{systems}.db*"):
        left.unlink()
    return verdict


class Trial:
    """One company from its first round to its rest; `last` is its last round."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.people = People(town, seed)
        self.rng = self.people.rng
        self.oracle = Oracle(town)
        self.verdict = Verdict(seed)
        self.last: SyncResult | None = None

    def begin(self) -> None:
        """Fill the ERP's books; each flow runs for the first time."""
        self.people.fill(customers=5, invoices=5, payments=3)
        for name, rules in self.town.rules.items():
            self.oracle.strangers.discard((rules.right.system, rules.flow.kind))
            self.oracle.before_round()
            self.last = self.town.begin(name)
            self.oracle.after_round(self.last)

    def run(self, edits: int, *, trouble: bool) -> Verdict:
        """Bursts of edits with a round after each, then rest."""
        self.begin()
        left = edits
        while left > 0:
            burst = min(left, self.rng.randint(1, 8))
            left -= burst
            for _ in range(burst):
                self.people.edit()
            if trouble:
                self.trouble()
            self.round()
        return self.rest()

    def round(self) -> bool:
        """One round, judged; whether it wrote."""
        before = self.town.writes()
        self.oracle.before_round()
        result = self.town.round()
        self.oracle.after_round(result)
        self.last = result
        return self.town.writes() > before

    def trouble(self) -> None:
        """Plan faults and people's work for the middle of the next round."""
        for system, side in self.town.sides.items():
            roll = self.rng.random()
            after = self.rng.randrange(3)
            if roll < 0.15:
                side.fail("push", reply_lost(system), after=after, done=True)
            elif roll < 0.25:
                side.fail("push", reply_lost(system), after=after)
            elif roll < 0.35:
                side.fail("push", Unavailable("down", system=system), after=after, times=self.rng.randint(1, 3))
            elif roll < 0.4:
                side.fail("push", RateLimited("slow down", system=system), after=after)
            side.meanwhile = self._somebody if roll > 0.6 else None

    def _somebody(self) -> None:
        """While a round is under way."""
        if self.rng.random() < 0.3:
            self.people.edit()

    def _calm(self) -> None:
        for side in self.town.sides.values():
            side.meanwhile = None
            side.heal()

    def rest(self) -> Verdict:
        """Nobody edits any more: rounds until nothing is written, one more, and the judgement."""
        self._calm()
        verdict = self.verdict
        while self.round():
            verdict.rounds_to_rest += 1
            if verdict.rounds_to_rest > 2 * REST_ROUNDS_MAX:
                break
        if verdict.rounds_to_rest > REST_ROUNDS_MAX:
            verdict.faults.append(f"{verdict.rounds_to_rest} rounds after the last edit still wrote")
        before = self.town.writes()
        self.round()
        verdict.late_writes = self.town.writes() - before
        assert self.last is not None
        for flow in self.last.flows:
            if flow.head is None or flow.head.summary.changes:
                verdict.faults.append(f"{flow.flow}: the plan at rest is not empty: {flow.why_not or flow.head}")
            if flow.head is not None:
                verdict.conflicts += flow.head.summary.conflicts
                verdict.held.update(flow.head.summary.held)
        if verdict.late_writes:
            verdict.faults.append(f"{verdict.late_writes} writes at rest")
        self.oracle.at_rest(self.last)
        verdict.faults += self.oracle.faults
        verdict.compared = self.oracle.checked
        verdict.writes = self.town.writes()
        verdict.deeds = self.people.deeds
        return verdict


def failed_once() -> list[tuple[int, int, int]]:
    """The regression list: seed, edits, systems."""
    lines = [line.split("#")[0].split() for line in FAILED_ONCE.read_text("utf-8").splitlines()]
    return [(int(line[0]), int(line[1]), int(line[2])) for line in lines if line]


def campaign(seeds: Sequence[int], *, edits: int, systems: int, minutes: float = 1e9) -> list[Verdict]:
    """All seeds that fit into the time, one after the other; each failure is printed with its seed."""
    verdicts = []
    until = time.monotonic() + 60 * minutes
    with fresh_stores() as folder:
        for seed in seeds:
            if time.monotonic() > until:
                break
            try:
                verdict = run_seed(folder, seed, edits=edits, systems=systems)
            except Exception as error:  # noqa: BLE001 (a seed that breaks is a finding, with its number)
                verdict = Verdict(seed, faults=[f"{type(error).__name__}: {error}"])
            verdicts.append(verdict)
            for fault in verdict.faults[:5]:
                print(f"seed {seed} (edits {edits}, systems {systems}): {fault}", flush=True)
    return verdicts


def table(verdicts: Sequence[Verdict]) -> str:
    """The figures of a campaign."""
    rounds = Counter(verdict.rounds_to_rest for verdict in verdicts)
    failed = [verdict.seed for verdict in verdicts if verdict.faults]
    held: Counter[str] = Counter()
    for verdict in verdicts:
        held.update(verdict.held)
    return "\n".join(
        [
            f"seeds                     {len(verdicts)}",
            f"writes                    {sum(verdict.writes for verdict in verdicts)}",
            f"pairs compared at rest    {sum(verdict.compared for verdict in verdicts)}",
            f"rounds to rest            {', '.join(f'{number}: {rounds[number]} seeds' for number in sorted(rounds))}",
            f"writes at rest            {sum(verdict.late_writes for verdict in verdicts)}",
            f"conflicts open at rest    {sum(verdict.conflicts for verdict in verdicts)}",
            f"held at rest              {', '.join(f'{name} {count}' for name, count in held.most_common()) or 'nothing'}",
            f"failed seeds              {', '.join(map(str, failed[:40])) or 'none'}",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if any seed failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--edits", type=int, default=40)
    parser.add_argument("--systems", type=int, default=1, choices=(1, 2), help="systems that follow the ERP")
    parser.add_argument("--minutes", type=float, default=1e9, help="no new seed after so long")
    given = parser.parse_args(arguments)
    log.configure(level="error")
    start = time.monotonic()
    seeds = range(given.first, given.first + given.seeds)
    verdicts = campaign(seeds, edits=given.edits, systems=given.systems, minutes=given.minutes)
    print(table(verdicts))
    print(f"seconds                   {time.monotonic() - start:.0f}")
    return 1 if any(verdict.faults for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
