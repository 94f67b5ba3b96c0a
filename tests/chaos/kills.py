"""kill -9 of real processes that write to served emulators, with faults on; afterwards the emulators' books are the judge.

python -m tests.chaos.kills --kills 50 [--seed 1] [--store postgresql://…] [--command apply|sync|worker]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ledgerbridge import log
from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import FINAL, OpState
from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.launch import Sandbox, start
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.store import Store, operations

from .ahead import ENVIRON

FLOWS: Final = ("customers_crm", "invoices_crm", "payments_crm")
TABLES: Final = {"customers_crm": "AccountObj", "invoices_crm": "ar_bill__c", "payments_crm": "PaymentObj"}
AHEAD_S: Final = 240.0
"""How far the clocks go on after a kill: past lease, settle window and the lock of the flow."""
RATES: Final = {
    Fault.REPLY_LOST_AFTER_WRITE: 0.03,
    Fault.CUT_BEFORE: 0.02,
    Fault.HALF_BODY: 0.02,
    Fault.HTTP_500: 0.02,
    Fault.HTTP_503: 0.02,
}
STARTS_MAX: Final = 60
"""Starts that a flow may need besides those that were killed: with faults on, some end with work left for later."""
_WORKER: Final = ("worker", "--port", "0", "--concurrency", "1")
_STILL_S: Final = 3.0
"""A worker under which nothing has moved for so long is waiting for something that is due later."""
_SWITCHES: Final = {"fxiaoke": {"ratePerPath": ""}}


@dataclass(slots=True)
class Toll:
    """What a campaign came to."""

    kills: int = 0
    starts: int = 0
    planned: int = 0
    created: int = 0
    faults: list[str] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    at: Counter[str] = field(default_factory=Counter)


class Tripwire:
    """Kills a process at its n-th write to an emulator: before it is carried out, or after and before the answer."""

    def __init__(self, emulator: Any) -> None:
        self._handle, self._is_write = emulator.handle, emulator.is_write
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._left = 0
        self._after = False
        emulator.handle = self.handle

    def arm(self, process: subprocess.Popen[bytes] | None, left: int, *, after: bool) -> None:
        """Kill `process` at the write after `left` more."""
        with self._lock:
            self._process, self._left, self._after = process, left, after

    def handle(self, request: Request) -> Response:
        """Stands before the emulator's own."""
        due = None
        if self._is_write(request):
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    due = self._process
        if due is not None and not self._after:
            due.send_signal(signal.SIGKILL)
        answer: Response = self._handle(request)
        if due is not None and self._after:
            due.send_signal(signal.SIGKILL)
        return answer


class Ward:
    """A sandbox, a workspace beside it, and processes that are killed."""

    def __init__(
        self, sandbox: Sandbox, folder: Path, seed: int, store: str | None, *, head: str = "", lines: str = ""
    ) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.rng = random.Random(seed)
        self.far = sandbox.running["fxiaoke"].emulator
        self.near = sandbox.running["yonyou_u8"].emulator
        self.toll = Toll()
        self.ahead_s = 0.0
        self.told = folder / "ahead"
        self.told.write_text("0", "ascii")
        self.wire = Tripwire(self.far)
        self.workspace = make_workspace(sandbox.settings_path, folder / "ws")
        self.store = store or str(self.workspace / "ledgerbridge.db")
        file = self.workspace / "ledgerbridge.toml"
        text = file.read_text("utf-8")
        systems, _, rest = text.partition("# A salesperson's own lists.")
        unattended = f'{lines}unattended = true\ncaps = {{ creates_max = 100000 }}\nkind = "'
        flows = rest[rest.index("[flows.") :].replace('kind = "', unattended)
        file.write_text(systems + _database(store) + head + flows, "utf-8")

    def process(self, *arguments: str, json_wanted: bool = True, quiet: bool = False) -> subprocess.Popen[bytes]:
        """One command of ours, its clock ahead. `quiet`: nobody reads what it says."""
        self.toll.starts += 1
        command = [sys.executable, "-m", "tests.chaos.ahead", *arguments, "-w", str(self.workspace)]
        command += ["--json"] if json_wanted else []
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGERBRIDGE_")}
        return subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
            env={**clean, ENVIRON: str(self.told)},
            cwd=Path(__file__).resolve().parents[2],
        )

    def run(self, *arguments: str) -> tuple[int, Any]:
        """To its end."""
        process = self.process(*arguments)
        out, err = process.communicate(timeout=300)
        try:
            return process.returncode, json.loads(out)
        except ValueError:
            raise AssertionError(f"{arguments} ended with {process.returncode}: {err.decode()[-2000:]}") from None

    def later(self, seconds: float = AHEAD_S) -> None:
        """Everybody's clocks go on. The file is replaced as a whole: somebody may be reading it."""
        self.ahead_s += seconds
        fresh = self.told.with_suffix(".new")
        fresh.write_text(str(self.ahead_s), "ascii")
        fresh.replace(self.told)
        for one in self.sandbox.running.values():
            one.emulator.clock.advance(seconds)

    def killed(self, command: str, flow: str, plan_id: str) -> bool:
        """Start a command and kill it at a write or at a moment; False if it ended before."""
        by_write = self.rng.random() < 0.8
        after = self.rng.random() < 0.5
        limit_s = 60.0 if by_write else self.rng.uniform(0.3, 2.5)
        if command == "worker":
            process = self.process(*_WORKER, json_wanted=False, quiet=True)
        else:
            process = self.process(*(("apply", plan_id, "--as", "li") if command == "apply" else ("sync", flow)))
        self.wire.arm(process if by_write else None, self.rng.randint(1, 2), after=after)
        try:
            if command == "worker":  # begins to work two seconds after its start, on two cores
                self._let_work(process, plan_id, limit_s if by_write else 2 * limit_s + 1)
            process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        self.wire.arm(None, 0, after=False)
        died = process.returncode == -signal.SIGKILL
        self.toll.kills += died
        if died:
            self.toll.at["a moment" if not by_write else "after a write" if after else "before a write"] += 1
        return died

    def _let_work(self, process: subprocess.Popen[bytes], plan_id: str, limit_s: float) -> None:
        """Until it is killed or its time is up. Once all writes have ended it is asked to stop; what is due later comes now."""
        until = time.monotonic() + limit_s
        with Store.open(self.store, clock=SystemClock()) as store:
            before: list[tuple[int, OpState, int]] = []
            since = time.monotonic()
            while process.poll() is None:
                if time.monotonic() > until:
                    process.kill()
                    return
                with store.reading() as tx:
                    now = [(one.id, one.state, one.fence) for one in operations.listing(tx, plan_id=plan_id)]
                if all(state in FINAL for _, state, _ in now):
                    process.terminate()
                    return
                if now != before:
                    before, since = now, time.monotonic()
                elif time.monotonic() - since > _STILL_S:
                    self.later(60.0)
                    since = time.monotonic()
                time.sleep(0.2)

    def carry(self, flow: str, command: str, kills: int) -> None:
        """Plan a flow, approve it, and carry it out with `kills` kills in between; then judge the emulator's books."""
        table = TABLES[flow]
        before = {row["_id"] for row in self.far.books.rows(table)}
        _, shown = self.run("sync", flow, "--dry-run")
        assert "flows" in shown, shown
        plan = shown["flows"][0]["plan"]
        assert plan is not None, shown["flows"][0]
        planned = {
            effect["action"]: effect["changes"] for effect in plan["summary"]["effects"] if effect["system"] == "crm"
        }
        self.run("plans", "approve", plan["plan_id"], "--as", "li")
        self.far.faults.schedule(self.rng.randrange(10**6), {str(fault): rate for fault, rate in RATES.items()})
        done = 0
        for _ in range(3 * kills + 5):
            if done >= kills:
                break
            died = self.killed(command, flow, plan["plan_id"])
            done += died
            self.later()
            if not died and self._ended(plan["plan_id"]):
                break
        self.toll.happened.update({str(fault): count for fault, count in self.far.faults.happened.items()})
        self.far.faults.clear()
        self.far.faults.happened.clear()
        last = self._to_the_end(plan["plan_id"])
        self._judge(flow, table, before, planned, last)

    def _ended(self, plan_id: str) -> bool:
        _, shown = self.run("plans", "show", plan_id)
        return shown["state"] in ("done", "ended")

    def _to_the_end(self, plan_id: str) -> Any:
        """Faults have stopped: within a few starts nothing may be left on its way."""
        for _ in range(STARTS_MAX):
            code, said = self.run("apply", plan_id, "--as", "li")
            if code in (0, 1):
                return said
            self.later()
        self.toll.faults.append(f"{plan_id} is not at its end after {STARTS_MAX} starts")
        return said

    def _judge(self, flow: str, table: str, before: set[str], planned: dict[str, int], last: Any) -> None:
        rows = [row for row in self.far.books.rows(table) if not row["is_deleted"]]
        made = [row for row in rows if row["_id"] not in before]
        self.toll.planned += planned.get("create", 0)
        self.toll.created += len(made)
        with_people = last["planned"] - last["verified"]
        if last["faults"] or with_people:
            self.toll.faults.append(
                f"{flow}: {last['verified']} of {last['planned']} verified; {last['outstanding'][:2]}"
            )
        if len(made) != planned.get("create", 0):
            self.toll.faults.append(f"{flow}: {planned.get('create', 0)} creates planned, {len(made)} on record")
        keys = Counter(row.get("erp_source_id__c") for row in made)
        twice = [key for key, count in keys.items() if key is None or count > 1]
        if twice:
            self.toll.faults.append(f"{flow}: on record twice or without our key: {twice[:3]}")
        self._judge_content(flow, made)

    def _judge_content(self, flow: str, made: list[Any]) -> None:
        """Each record once, with the ERP's own amounts."""
        own, name, amount = {
            "customers_crm": ("customer", "name", None),
            "invoices_crm": ("oughtreceive", "code", "amount"),
            "payments_crm": ("accept", "vouchcode", "amount"),
        }[flow]
        theirs = {"customers_crm": None, "invoices_crm": "amount__c", "payments_crm": "payment_amount"}[flow]
        there = Counter(row["name"] for row in made)
        tables = [own, *(table for table in self.near.books.tables() if table != own)]
        here = {str(row.get(name)): row for table in reversed(tables) for row in self.near.books.rows(table)}
        if flow == "invoices_crm":  # sales invoices have no total of their own: their lines add up to it
            here |= {row["invoiceno"]: {amount: _total(row)} for row in self.near.books.rows("saleinvoice")}
        doubled = [one for one, count in there.items() if count > 1]
        unknown = [one for one in there if one not in here]
        if doubled or unknown:
            self.toll.faults.append(f"{flow}: doubled {doubled[:3]}, unknown {unknown[:3]}")
        if amount is None or theirs is None:
            return
        wrong = [
            row["name"] for row in made
            if row["name"] in here and abs(Decimal(row[theirs])) != abs(Decimal(here[row["name"]][amount]))
        ]  # fmt: skip
        if wrong:
            self.toll.faults.append(f"{flow}: other amounts than the ERP: {wrong[:3]}")

    def at_rest(self) -> None:
        """The next round writes nothing, and every certificate ties."""
        state = self.far.books.save()
        for flow in FLOWS:
            code, said = self.run("sync", flow)
            if "pull" not in said:
                self.toll.faults.append(f"{flow}: at rest sync ended with {code}: {said}")
                continue
            for step in said["pull"]["steps"]:
                if step["certificate"]["faults"]:
                    self.toll.faults.append(f"{flow}: a certificate does not tie: {step['certificate']['faults']}")
            changes = sum(effect["changes"] for effect in said["flows"][0]["plan"]["summary"]["effects"])
            if changes:
                self.toll.faults.append(f"{flow}: {changes} changes planned at rest")
        if self.far.books.save() != state:
            self.toll.faults.append("something was written at rest")


def _total(invoice: Any) -> str:
    return str(sum((Decimal(str(line["sum"])) for line in invoice["entry"]), Decimal(0)))


def _database(store: str | None) -> str:
    return f'[database]\nurl = "{store}"\n\n' if store else ""


@contextmanager
def ward(folder: Path, *, seed: int, size: int, store: str | None = None, **more: str) -> Iterator[Ward]:
    """A U8 with `size` records of each kind that a Fxiaoke lacks."""
    with start(
        seed=seed,
        customers=2,
        months=1,
        folder=folder / "sandbox",
        only={"yonyou_u8", "fxiaoke"},
        planted_share=0.0,
        switches=_SWITCHES,
    ) as sandbox:
        emulator = sandbox.running["yonyou_u8"].emulator
        for kind in ("customer", "invoice", "payment"):
            emulator.seed(kind, size)
        yield Ward(sandbox, folder, seed, store, **more)
        assert sandbox.failures() == {}


def campaign(
    folder: Path, *, seed: int, kills: int, size: int, store: str | None = None, command: str = "apply",
    flows: Sequence[str] = FLOWS,
) -> Toll:  # fmt: skip
    """Kills spread over the flows; what they came to."""
    with ward(folder, seed=seed, size=size, store=store) as now:
        for place, flow in enumerate(flows):
            now.carry(flow, command, kills // len(flows) + (place < kills % len(flows)))
        if tuple(flows) == FLOWS:
            now.at_rest()
        return now.toll


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if the books are not as planned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=0, help="records of each kind; 0: as many as the kills need")
    parser.add_argument("--store", help="an empty PostgreSQL database; default: SQLite")
    parser.add_argument("--command", choices=("apply", "sync", "worker"), default="apply")
    given = parser.parse_args(arguments)
    log.configure(level="error")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lb-kills-") as name:
        toll = campaign(
            Path(name), seed=given.seed, kills=given.kills, size=given.size or given.kills + 5, store=given.store,
            command=given.command,
        )  # fmt: skip
    print(
        f"seed {given.seed}: {toll.kills} kills ({dict(toll.at)}) in {toll.starts} starts; faults {dict(toll.happened)}"
    )
    print(f"planned creates {toll.planned}, on record {toll.created}; {time.monotonic() - begun:.0f} s")
    for fault in toll.faults:
        print(f"seed {given.seed}: {fault}")
    return 1 if toll.faults else 0


if __name__ == "__main__":
    sys.exit(main())
