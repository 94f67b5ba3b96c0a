"""Start a whole sandbox: the four vendors' emulators on loopback ports, filled with one seeded world, and its files.

Each vendor's room offers, in its module ``app``: ``create(*, clock=None, switches=None)`` for an emulator that can
``load`` a holding, and ``credentials()`` for the made-up keys it accepts. Rooms are imported when they are started.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol, cast

from .books import Books, Difference
from .clock import SandboxClock
from .web import Emulator, Running, serve
from .world import Holding, SystemName, World, make_world, truth_document, write_files

VENDORS: Final = ("yonyou_u8", "yonyou_bip", "fxiaoke", "zoho_crm")
LAST_DAY: Final = date(2026, 10, 31)
TENANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    # The U8 account set returns a receipt's currency and the documents' status, void ones included, as extra attributes: the
    # standard record has neither, and an installation can be extended (yonyou.md A6). Names as in the shipped mappings.
    "yonyou_u8": {"accept_currency_field": "currency_name", "status_field": "state", "void_documents": "shown"},
}
"""How a vendor's tenant is set up unless told otherwise: emulator switches that differ from the fact sheet's defaults."""
_SETTINGS: Final = "sandbox.json"
_TRUTH: Final = "truth.json"
_BOOKS: Final = "books"


class FilledEmulator(Emulator, Protocol):
    """An emulator that takes what its system holds of a world."""

    def load(self, holding: Holding) -> None:
        """Put the holding on record."""
        ...


class VendorModule(Protocol):
    """What ``ledgerbridge.sandbox.<vendor>.app`` offers."""

    def create(self, *, clock: SandboxClock | None = None, switches: dict[str, Any] | None = None) -> FilledEmulator:
        """A new emulator with empty books."""
        ...

    def credentials(self) -> dict[str, str]:
        """The made-up keys and secrets that the emulator accepts."""
        ...


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. `files` are the world's bank and sheet files, `truth_path` its ground truth as JSON."""

    world: World
    running: Mapping[str, Running]
    files: Mapping[str, Path]
    folder: Path

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each started system, by name."""
        return {name: one.url for name, one in self.running.items()}

    @property
    def truth_path(self) -> Path:
        """Where :func:`~ledgerbridge.sandbox.world.truth_document` was written."""
        return self.folder / _TRUTH

    @property
    def settings_path(self) -> Path:
        """The ``sandbox.json`` with URLs, made-up credentials and file names (relative to its folder)."""
        return self.folder / _SETTINGS

    def failures(self) -> dict[str, list[str]]:
        """The paths at which an emulator itself broke (a defect of the sandbox), for those that did."""
        return {name: list(one.failures) for name, one in self.running.items() if one.failures}

    def save(self, folder: Path) -> dict[str, Path]:
        """Write the books of every started system to `folder`, one JSON file each; :meth:`compare` and
        ``Books.restore`` read them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        found = {}
        for name, one in self.running.items():
            found[name] = folder / f"{name}.json"
            found[name].write_text(one.emulator.books.save(), encoding="utf-8")
        return found

    def reset(self) -> None:
        """Put every system's books back to what they were when the sandbox started; forget faults not yet happened."""
        for name, one in self.running.items():
            one.emulator.books.restore(self._baseline(self.folder / _BOOKS, name))
            one.emulator.faults.clear()

    def compare(self, folder: Path | None = None) -> dict[str, list[Difference]]:
        """What changed in each system's books since the start, or since :meth:`save` wrote `folder`.

        ValueError if `folder` has no books of a started system.
        """
        base = folder or self.folder / _BOOKS
        return {
            name: Books.differences(self._baseline(base, name), one.emulator.books.save())
            for name, one in self.running.items()
        }

    @staticmethod
    def _baseline(folder: Path, name: str) -> str:
        path = folder / f"{name}.json"
        if not path.is_file():
            raise ValueError(f"there are no saved books of {name} in {folder}: call save() with this folder first")
        return path.read_text(encoding="utf-8")


def _room(vendor: str) -> VendorModule:
    return cast("VendorModule", importlib.import_module(f"ledgerbridge.sandbox.{vendor}.app"))


@contextlib.contextmanager
def start(
    *,
    seed: int,
    customers: int,
    months: int,
    base_port: int = 0,
    only: Collection[str] | None = None,
    folder: Path | None = None,
    last_day: date = LAST_DAY,
    planted_share: float | None = None,
    switches: Mapping[str, dict[str, Any]] | None = None,
    clock: SandboxClock | None = None,
) -> Iterator[Sandbox]:
    """Serve the systems named in `only` (None: all four), filled with the world of `seed`, until the block ends.

    Each vendor has its own port: `base_port` plus its place in ``VENDORS``, or any free one with 0. `folder` gets
    ``sandbox.json``, ``truth.json``, ``files/`` and ``books/``; without one a temporary folder is used and removed at
    the end. `switches` are the emulators' own, by vendor, laid over ``TENANTS``. ValueError for an unknown system or an
    impossible world, OSError for a port that is taken or a folder that cannot be written.
    """
    wanted = list(VENDORS) if only is None else [name for name in VENDORS if name in only]
    unknown = sorted({*(only or ()), *(switches or {})} - set(VENDORS))
    if unknown:
        raise ValueError(f"the sandbox has no system {', '.join(unknown)}; it has {', '.join(VENDORS)}")
    systems = (*(SystemName(name) for name in wanted), SystemName.SHEET, SystemName.BANK)
    world = make_world(
        seed=seed, customers=customers, months=months, last_day=last_day, systems=systems, planted_share=planted_share
    )
    with contextlib.ExitStack() as stack:
        base = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ledgerbridge-sandbox-")))
        running: dict[str, Running] = {}
        credentials: dict[str, dict[str, str]] = {}
        for name in wanted:
            room = _room(name)
            emulator = room.create(clock=clock, switches={**TENANTS.get(name, {}), **(switches or {}).get(name, {})})
            emulator.load(world.holdings[SystemName(name)])
            port = base_port + VENDORS.index(name) if base_port else 0
            running[name] = stack.enter_context(serve(emulator, port=port))
            credentials[name] = room.credentials()
        sandbox = Sandbox(world, running, write_files(world, base / "files"), base)
        sandbox.save(base / _BOOKS)
        _write_json(sandbox.truth_path, truth_document(world))
        _write_json(sandbox.settings_path, _settings(sandbox, credentials))
        yield sandbox


def _settings(sandbox: Sandbox, credentials: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    world = sandbox.world
    return {
        "seed": world.seed,
        "first_day": world.first_day.isoformat(),
        "last_day": world.last_day.isoformat(),
        "own_name": world.own_name,
        "systems": {name: {"url": url, "credentials": dict(credentials[name])} for name, url in sandbox.urls.items()},
        "files": {name: path.relative_to(sandbox.folder).as_posix() for name, path in sandbox.files.items()},
        "truth": sandbox.truth_path.name,
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets while the block lasts; only the main thread can ask for that."""
    stop = threading.Event()
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def run_forever(
    *,
    seed: int,
    customers: int,
    months: int,
    base_port: int = 0,
    only: Collection[str] | None = None,
    folder: Path | None = None,
    last_day: date = LAST_DAY,
    planted_share: float | None = None,
    say: Callable[[str], None] = _say,
) -> None:
    """Start a sandbox, say where it listens, and serve until SIGINT or SIGTERM; then stop cleanly.

    Main thread only. Raises what :func:`start` raises.
    """
    with _stop_on_signal() as stop:
        say(f"making the world of seed {seed}: {customers} customers, {months} months up to {last_day}")
        with start(
            seed=seed,
            customers=customers,
            months=months,
            base_port=base_port,
            only=only,
            folder=folder,
            last_day=last_day,
            planted_share=planted_share,
        ) as sandbox:
            for name, url in sandbox.urls.items():
                say(f"{name:<12} {url}")
            say(f"files        {sandbox.folder / 'files'}")
            say(f"settings     {sandbox.settings_path}")
            say(f"truth        {sandbox.truth_path}")
            say("ready; stop with Ctrl-C")
            while not stop.wait(0.5):
                pass
            say("stopping")
    say("stopped")
