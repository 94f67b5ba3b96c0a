"""The launcher: serves every system filled with one world, writes what a user needs, resets, compares and stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ledgerbridge.sandbox.books import Books
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import Fault, FaultPlan
from ledgerbridge.sandbox.launch import VENDORS, run_forever, start
from ledgerbridge.sandbox.web import Request, Response, json_response
from ledgerbridge.sandbox.world import Holding, PlantedKind, SystemName


class TinyEmulator:
    """A far side that lists the names of its customers."""

    def __init__(self, name: str, clock: SandboxClock | None, switches: dict[str, Any] | None) -> None:
        self.name = name
        self.books = Books()
        self.faults = FaultPlan()
        self.clock = clock or SandboxClock()
        self.switches: dict[str, Any] = switches or {}

    def load(self, holding: Holding) -> None:
        assert holding.system == self.name
        for index, company in enumerate(holding.companies):
            self.books.put("customer", str(index), {"name": company.name})

    def handle(self, request: Request) -> Response:
        return json_response({"names": [row["name"] for row in self.books.rows("customer")]})

    def is_write(self, request: Request) -> bool:
        return False

    def seed(self, kind: str, count: int) -> list[str]:
        return []

    def count(self, kind: str) -> int:
        return self.books.count(kind)

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        self.books.update(kind, record_id, dict(changes))

    def discard(self, kind: str, record_id: str) -> None:
        self.books.remove(kind, record_id)


@pytest.fixture
def tiny_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in VENDORS:
        room = types.ModuleType(f"ledgerbridge.sandbox.{vendor}.app")
        room.create = (  # type: ignore[attr-defined]
            lambda *, clock=None, switches=None, vendor=vendor: TinyEmulator(vendor, clock, switches)
        )
        room.credentials = lambda vendor=vendor: {"app_key": f"key of {vendor}"}  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, room.__name__, room)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 (a loopback URL that the sandbox gave)
        return json.loads(reply.read())


def test_every_system_serves_what_it_holds(tiny_vendors: None, tmp_path: Path) -> None:
    with start(seed=4, customers=45, months=1, folder=tmp_path) as sandbox:
        assert tuple(sandbox.urls) == VENDORS
        for name, url in sandbox.urls.items():
            held = [one.name for one in sandbox.world.holdings[SystemName(name)].companies]
            assert get(url)["names"] == held
        assert sandbox.failures() == {}


def test_settings_and_truth_lie_ready_in_the_folder(tiny_vendors: None, tmp_path: Path) -> None:
    with start(seed=4, customers=45, months=1, folder=tmp_path / "new") as sandbox:
        settings = json.loads(sandbox.settings_path.read_text(encoding="utf-8"))
        assert {name: one["url"] for name, one in settings["systems"].items()} == sandbox.urls
        assert settings["systems"]["fxiaoke"]["credentials"] == {"app_key": "key of fxiaoke"}
        assert set(settings["files"]) == set(sandbox.files)
        assert all((sandbox.folder / path).is_file() for path in settings["files"].values())
        truth = json.loads((sandbox.folder / settings["truth"]).read_text(encoding="utf-8"))
        assert {one["planted"] for one in truth["planted"]} == set(PlantedKind)
        assert len(truth["planted"]) == len(sandbox.world.planted)


def test_without_a_folder_nothing_is_left_behind(tiny_vendors: None) -> None:
    with start(seed=4, customers=5, months=1) as sandbox:
        folder = sandbox.folder
        assert sandbox.truth_path.is_file()
    assert not folder.exists()


def test_only_the_named_systems_are_started(tiny_vendors: None) -> None:
    with start(seed=4, customers=5, months=1, only=["zoho_crm", "yonyou_u8"]) as sandbox:
        assert list(sandbox.urls) == ["yonyou_u8", "zoho_crm"]
        assert set(sandbox.world.holdings) == {
            SystemName.YONYOU_U8,
            SystemName.ZOHO_CRM,
            SystemName.SHEET,
            SystemName.BANK,
        }


def test_an_unknown_system_is_named(tiny_vendors: None) -> None:
    with (
        pytest.raises(ValueError, match="no system sap; it has yonyou_u8"),
        start(seed=4, customers=5, months=1, only=["sap"]),
    ):
        pass


def test_switches_and_the_clock_reach_the_emulators(tiny_vendors: None) -> None:
    clock = SandboxClock()
    with start(seed=4, customers=5, months=1, switches={"fxiaoke": {"lag": 3}}, clock=clock) as sandbox:
        assert sandbox.running["fxiaoke"].emulator.switches == {"lag": 3}
        assert sandbox.running["zoho_crm"].emulator.switches == {}
        assert sandbox.running["zoho_crm"].emulator.clock is clock


def test_compare_shows_what_changed_and_reset_takes_it_back(tiny_vendors: None, tmp_path: Path) -> None:
    with start(seed=4, customers=45, months=1, folder=tmp_path) as sandbox:
        assert not any(sandbox.compare().values())
        emulator = sandbox.running["fxiaoke"].emulator
        before = emulator.books.get("customer", "3")
        emulator.touch("customer", "3", {"name": "改名有限公司"})
        emulator.faults.fail_next(Fault.HTTP_500)
        saved = tmp_path / "later"
        assert set(sandbox.save(saved)) == set(VENDORS)
        changed = sandbox.compare()
        assert [name for name, found in changed.items() if found] == ["fxiaoke"]
        (difference,) = changed["fxiaoke"]
        assert (difference.row_id, difference.before) == ("3", before)
        assert difference.after == {"name": "改名有限公司"}
        assert not any(sandbox.compare(saved).values())
        sandbox.reset()
        assert not any(sandbox.compare().values())
        assert emulator.faults.pending == 0
        assert [name for name, found in sandbox.compare(saved).items() if found] == ["fxiaoke"]


def test_compare_with_a_folder_without_books_says_so(tiny_vendors: None, tmp_path: Path) -> None:
    with (
        start(seed=4, customers=5, months=1) as sandbox,
        pytest.raises(ValueError, match=r"no saved books of yonyou_u8 .* call save\(\)"),
    ):
        sandbox.compare(tmp_path)


def test_ports_close_when_the_block_ends_in_an_error(tiny_vendors: None) -> None:
    def broken() -> str:
        with start(seed=4, customers=5, months=1, only=["zoho_crm"]) as sandbox:
            urls.append(sandbox.urls["zoho_crm"])
            raise KeyError("stop")

    urls: list[str] = []
    with pytest.raises(KeyError):
        broken()
    with pytest.raises(OSError, match="refused"):
        get(urls[0])


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_real_emulator_takes_the_world_and_comes_back_to_it(vendor: str) -> None:
    with start(seed=11, customers=42, months=2, only=[vendor]) as sandbox:
        holding = sandbox.world.holdings[SystemName(vendor)]
        base = sandbox.urls[vendor]
        assert get(f"{base}/__sandbox__/count?kind=customer")["count"] == len(holding.companies)
        assert get(f"{base}/__sandbox__/count?kind=invoice")["count"] == len(holding.invoices)
        assert get(f"{base}/__sandbox__/count?kind=payment")["count"] > 0
        emulator = sandbox.running[vendor].emulator
        assert emulator.seed("customer", 2)
        assert sandbox.compare()[vendor]
        sandbox.reset()
        assert not sandbox.compare()[vendor]
        assert emulator.count("customer") == len(holding.companies)
        credentials = json.loads(sandbox.settings_path.read_text(encoding="utf-8"))["systems"][vendor]["credentials"]
        assert credentials
        assert all(isinstance(value, str) for value in credentials.values())
        assert sandbox.failures() == {}


def test_run_forever_says_where_it_listens_and_stops_when_interrupted(tiny_vendors: None, tmp_path: Path) -> None:
    said: list[str] = []
    before = signal.getsignal(signal.SIGTERM)

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("ready"):
            os.kill(os.getpid(), signal.SIGTERM)

    run_forever(seed=4, customers=5, months=1, folder=tmp_path, say=say)
    assert said[-2:] == ["stopping", "stopped"]
    assert sum("http://127.0.0.1:" in text for text in said) == len(VENDORS)
    assert signal.getsignal(signal.SIGTERM) is before


WORLD_DIGEST = """
import hashlib
from ledgerbridge.sandbox.world import make_world
print(hashlib.sha256(repr(make_world(seed=3, customers=60, months=2)).encode()).hexdigest())
"""


def test_the_world_is_the_same_in_every_process() -> None:
    digests = set()
    for hash_seed in ("0", "1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "America/New_York"}
        done = subprocess.run(
            [sys.executable, "-c", WORLD_DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1
