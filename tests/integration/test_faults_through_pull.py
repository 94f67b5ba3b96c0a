"""Every fault of every far side, through the whole way: nothing lost, nothing doubled in the observed copies.

The judge is a second, undisturbed reading of the same far side into a fresh database: both must say the same, and every run on
the way must tie.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledgerbridge.bootstrap import App, open_app
from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.model.run import RunStatus
from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.world import SystemName, make_world
from ledgerbridge.store import copies
from ledgerbridge.sync.pull import PullResult, pull_all
from ledgerbridge.testing.fakes import FakeClock

VENDORS = {"yonyou_u8": "erp", "yonyou_bip": "bip", "fxiaoke": "crm", "zoho_crm": "zoho"}
UNHURRIED = {"fxiaoke": {"ratePerPath": ""}}
"""Our clock is one that nobody waits for: the vendor's own rate would never pass."""
READ_FAULTS = [
    fault
    for fault in Fault
    if fault not in {Fault.REPLY_LOST_AFTER_WRITE, Fault.HALF_FAILED_BATCH}  # these are about writes
]


@dataclass(frozen=True, slots=True)
class FarSide:
    """One vendor's emulator, filled and served."""

    vendor: str
    running: Running
    folder: Path

    def app(self, name: str) -> App:
        """A fresh workspace and database that is connected to it."""
        place = self.folder / name
        place.mkdir()
        room = importlib.import_module(f"ledgerbridge.sandbox.{self.vendor}.app")
        files = {"sheet_customers": "none.xlsx", "sheet_invoices": "none.csv"}
        systems = {self.vendor: {"url": self.running.url, "credentials": room.credentials()}}
        (place / "sandbox.json").write_text(
            json.dumps({"own_name": "测试", "systems": systems, "files": files}), encoding="utf-8"
        )
        return open_app(
            make_workspace(place / "sandbox.json", place / "ws"), environ={}, clock=FakeClock(datetime.now(UTC))
        )


@pytest.fixture(params=list(VENDORS))
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FarSide]:
    vendor = request.param
    world = make_world(seed=7, customers=8, months=2)
    room = importlib.import_module(f"ledgerbridge.sandbox.{vendor}.app")
    emulator = room.create(switches=UNHURRIED.get(vendor))
    emulator.load(world.holdings[SystemName(vendor)])
    with serve(emulator) as running:
        yield FarSide(vendor, running, tmp_path)
    assert running.failures == [], "the emulator itself broke"


def pull(app: App, vendor: str, *, full: bool = False) -> PullResult:
    result = pull_all(app.store, [app.source(VENDORS[vendor], full=full, sweep=False)])
    for step in result.steps:
        assert step.certificate.ties, step.certificate.faults
    return result


def digest(app: App) -> Any:
    with app.store.reading() as tx:
        return copies.digest(tx)


def told(app: App, vendor: str) -> dict[str, tuple[str, int]]:
    """What is on record, in words, for a failure that can be read."""
    found = {}
    for kind in app.capabilities(VENDORS[vendor]).reads:
        with app.store.reading() as tx:
            for copy in copies.every(tx, VENDORS[vendor], kind):
                found[f"{kind} {copy.ref.external_id}"] = (copy.currency, copy.amount_minor)
    return found


STAMP_GOES_BACK = {("yonyou_bip", Fault.LATE_STAMP)}
"""Here the emulator moves the stamp of a document that was read already back, together with its entry in the list of open
balances: the store's version guard takes no older version for news, so that only ids and amounts can be compared."""


@pytest.mark.parametrize("fault", READ_FAULTS, ids=str)
def test_no_fault_loses_or_doubles_a_record(far: FarSide, fault: Fault) -> None:
    disturbed = far.app("disturbed")
    far.running.emulator.faults.delay_s = 0.0
    far.running.emulator.faults.fail_next(fault, count=2, skip=4)
    first = pull(disturbed, far.vendor)
    far.running.emulator.faults.clear()
    again = pull(disturbed, far.vendor)
    if again.status is not RunStatus.OK or first.status is not RunStatus.OK:
        pull(disturbed, far.vendor, full=True)
    undisturbed = far.app("undisturbed")
    assert pull(undisturbed, far.vendor).status is not RunStatus.FAILED
    assert told(disturbed, far.vendor) == told(undisturbed, far.vendor)
    if (far.vendor, fault) not in STAMP_GOES_BACK:
        assert digest(disturbed) == digest(undisturbed)
    for app in (disturbed, undisturbed):
        app.close()


def test_a_seeded_storm_of_faults_changes_nothing_in_the_end(far: FarSide) -> None:
    rates = {fault.value: 0.04 for fault in READ_FAULTS if fault not in {Fault.SLOW, Fault.DRIP}}
    disturbed = far.app("disturbed")
    for seed in range(3):
        far.running.emulator.faults.schedule(seed, rates)
        pull(disturbed, far.vendor, full=seed == 1)
    far.running.emulator.faults.clear()
    final = pull(disturbed, far.vendor, full=True)
    assert far.running.emulator.faults.happened, "no fault happened: this proves nothing"
    undisturbed = far.app("undisturbed")
    clean = pull(undisturbed, far.vendor)
    assert final.status is clean.status
    assert told(disturbed, far.vendor) == told(undisturbed, far.vendor)
    assert digest(disturbed) == digest(undisturbed)
    for app in (disturbed, undisturbed):
        app.close()
