"""Thousands of records that two systems hold, and that drifted apart: two rounds agree, the third plan is empty.

python -m tests.chaos.drift --customers 2000 --invoices 10000 [--share 0.05] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledgerbridge import log
from ledgerbridge.model.base import Kind
from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FakeClock

from .converge import fresh_stores
from .edits import FIELDS, People
from .far_sides import LEAD, Town
from .oracle import Oracle

_FLOWS = ("customers_crm", "invoices_crm")
_SHARE = 0.05


@dataclass(slots=True)
class Figures:
    """What came of it. `drifted`: records that people edited; `changes`: per round what was planned; `seconds`: its time."""

    seed: int
    drifted: int = 0
    changes: list[int] = field(default_factory=list)
    conflicts: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def run_drift(folder: Path, *, seed: int, customers: int, invoices: int, share: float = _SHARE) -> Figures:
    """Two systems come together for the first time, agree, drift apart, and agree again. `share`: of the records, per side."""
    path = folder / f"drift-{seed}.db"
    shutil.copy(folder / "empty.db", path)
    clock = FakeClock()
    figures = Figures(seed)
    with Store.open(path, clock=clock) as store:
        town = Town(store, clock)
        people = People(town, seed)
        _fill(people, customers, invoices)
        oracle = Oracle(town)
        begun = time.monotonic()
        for name in _FLOWS:
            oracle.strangers.discard((town.rules[name].right.system, town.rules[name].flow.kind))
            oracle.before_round()
            oracle.after_round(town.begin(name))
        figures.seconds.append(time.monotonic() - begun)
        figures.drifted = _drift(people, random.Random(seed), share)
        for _ in range(3):
            oracle.before_round()
            begun, before = time.monotonic(), town.writes()
            result = town.round(_FLOWS)
            figures.seconds.append(time.monotonic() - begun)
            figures.changes.append(town.writes() - before)
            figures.conflicts.append(sum(one.head.summary.conflicts for one in result.flows if one.head))
            oracle.after_round(result)
        oracle.at_rest(result)
        figures.faults = oracle.faults
        if figures.changes[-1] or any(one.head is None or one.head.summary.changes for one in result.flows):
            figures.faults.append(f"the third plan is not empty: {figures.changes}")
    path.unlink()
    return figures


def _fill(people: People, customers: int, invoices: int) -> None:
    """Both systems have all customers; the invoices are the ERP's."""
    codes = [people.new_customer(LEAD) for _ in range(customers)]
    own = people.town.sides[LEAD].bodies(Kind.CUSTOMER)
    for code in codes:
        people.town.sides["crm"].put(Kind.CUSTOMER, f"crm-{code}", own[f"{LEAD}-{code}"])
    rng = people.rng
    for number in range(invoices):
        body: dict[str, Any] = {"no": f"XS{number:07}", "day": "2026-02-01", "cur": "CNY", "state": "1"}
        body |= {"buyer": f"{LEAD}-{rng.choice(codes)}", "total": f"{rng.randrange(1, 10**7)}.{rng.randrange(100):02}"}
        people.town.sides[LEAD].put(Kind.INVOICE, f"invoice-XS{number:07}", body)
    people.deeds.clear()


def _drift(people: People, rng: random.Random, share: float) -> int:
    """A share of the records is edited, on one side or on both, the same field or another."""
    done = 0
    for system, side in people.town.sides.items():
        for external_id, body in side.bodies(Kind.CUSTOMER).items():
            if rng.random() < share:
                name = rng.choice([one for one in FIELDS if one != "state"])
                side.put(Kind.CUSTOMER, external_id, {**body, name: people.value(name, str(body["code"]))})
                done += 1
        for external_id, body in side.bodies(Kind.INVOICE).items():
            if rng.random() < share:
                side.put(Kind.INVOICE, external_id, {**body, "total": f"{rng.randrange(1, 10**7)}.00"})
                done += 1
        people.town.clock.advance(60)
        assert done, system
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if the ledgers do not agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--invoices", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=_SHARE, help="of the records that people edit, on each side")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    log.configure(level="error")
    with fresh_stores() as folder:
        figures = run_drift(
            folder, seed=given.seed, customers=given.customers, invoices=given.invoices, share=given.share
        )
    first, *rounds = figures.seconds
    print(f"{given.customers} customers, {given.invoices} invoices, seed {given.seed}: first agreement {first:.0f} s")
    print(f"drifted {figures.drifted}; writes per round {figures.changes}; conflicts {figures.conflicts}")
    print(f"seconds per round {[round(one, 1) for one in rounds]}; peak {_peak_mib():.0f} MiB with the far sides")
    for fault in figures.faults[:20]:
        print(f"seed {given.seed}: {fault}")
    return 1 if figures.faults else 0


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
