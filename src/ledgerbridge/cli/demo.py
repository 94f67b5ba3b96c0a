"""`make demo`: the whole way on one machine: far sides, pull, import, certificates, reconciliation, reports, and its score."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .demo_score import read_truth, scored
from .main import main as command_line
from .output import Exit

START_SECONDS_MAX = 120
_Step = tuple[str, list[str], set[Exit]]


def run(arguments: list[str] | None = None) -> int:
    """Run the demo; 0 if every system was read, every certificate ties (records in quarantine are part of the story), and the
    reconciliation found every planted discrepancy and nothing else.
    """
    parser = argparse.ArgumentParser(prog="make demo", description="The whole way on one machine.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--customers", type=int, default=60)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--folder", type=Path, default=None, help="default: a new temporary folder")
    options = parser.parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="ledgerbridge-demo-"))
    os.environ["LEDGERBRIDGE_WORKSPACE"] = str(folder / "workspace")
    os.environ.setdefault("LEDGERBRIDGE_LOG__LEVEL", "error")  # the story, not the log; drop it to read the log lines
    with _sandbox(folder, options):
        return _story(folder)


def _story(folder: Path) -> int:
    files = folder / "files"
    banks = sorted(files.glob("bank_*"))
    workbook = next(path for path in banks if path.suffix == ".xlsx")
    text = next(path for path in banks if path.suffix == ".csv")
    steps: list[_Step] = [
        ("Is everything in place?", ["doctor"], {Exit.OK}),
        ("Read ERP, CRMs and sheets", ["pull"], {Exit.OK, Exit.FINDINGS}),
        ("Look at a bank workbook before importing it", _import(workbook, dry=True), {Exit.OK, Exit.FINDINGS}),
        ("Import the bank workbook", _import(workbook), {Exit.OK, Exit.FINDINGS}),
        ("Import a GBK text file of another bank", _import(text), {Exit.OK, Exit.FINDINGS}),
        ("Read again: nothing is new", ["pull"], {Exit.OK, Exit.FINDINGS}),
        ("What is on record now", ["status"], {Exit.OK, Exit.FINDINGS}),
    ]
    truth = read_truth(folder / "truth.json")
    planted = _planted(truth)
    if planted is not None:
        title = "One document in every system: a wrong amount was planted in one of them"
        steps.append((title, ["show", "invoice", planted], {Exit.OK}))
    steps += _reconciling(folder, truth)
    for title, command, expected in steps:
        print(f"\n── {title}\n$ ledgerbridge {' '.join(command)}", flush=True)
        code = command_line(command)
        if code not in expected:
            print(f"the demo stops here: exit code {code}", file=sys.stderr)
            return code
    perfect = _score(truth)
    print(_NEXT.format(workspace=folder / "workspace", truth=folder / "truth.json", files=files))
    return Exit.OK if perfect else Exit.FINDINGS


def _reconciling(folder: Path, truth: dict[str, Any]) -> list[_Step]:
    """Reconcile as of the world's last day, then all reports of that day and the month's statements."""
    day, month = str(truth["last_day"]), str(truth["last_day"])[:7]
    named = next((str(one["receipt_number"]) for one in reversed(truth["allocations"])), None)
    reports, statements = str(folder / "reports"), str(folder / "statements")
    steps: list[_Step] = [
        (
            "Reconcile: apply cash, read the bank, compare every system with the ERP",
            ["reconcile", "--as-of", day],
            {Exit.OK, Exit.FINDINGS},
        )
    ]
    if named is not None:
        steps.append(("Why did one payment go where it went?", ["match", "explain", named, "--as-of", day], {Exit.OK}))
    batch = ["statement", "batch", "--month", month, "--out", statements]
    return [
        *steps,
        ("Reports for finance", ["report", "all", "--as-of", day, "--out", reports], {Exit.OK}),
        ("The month's statements 对账单 of all customers, kept as they are sent", [*batch, "--freeze"], {Exit.OK}),
        ("What would be written, and why (nothing is)", ["plan"], {Exit.OK, Exit.FINDINGS}),
    ]


def _score(truth: dict[str, Any]) -> bool:
    """Judge the reconciliation by the sandbox's ground truth."""
    from ledgerbridge.bootstrap import open_app

    app = open_app()
    try:
        with app.store.reading() as tx:
            score = scored(tx, truth)
    finally:
        app.close()
    print("\n── The score against the sandbox's ground truth", *score.lines(), sep="\n", flush=True)
    return score.perfect


_NEXT = """
── Where to look next
  cd {workspace}
  ledgerbridge exceptions list             what a person must look at
  ledgerbridge aging                       what is owed, by age
  ledgerbridge quarantine list             what could not be read, and why
  ledgerbridge show customer 010002        all copies of a record side by side
  ledgerbridge runs list                   every run with its certificates
  ledgerbridge mapping show erp invoice    which wire field is which
  the files that were imported             {files}
  what is really true (planted errors)     {truth}
(The far sides of this demo are gone; `make sandbox` starts them again.)"""


def _planted(truth: dict[str, Any]) -> str | None:
    """The number of an invoice whose amount differs on purpose; None if the world is too small to hold one."""
    wanted = {"planted": "amount_differs", "kind_of_record": "invoice"}
    return next((str(row["record_number"]) for row in truth["planted"] if wanted.items() <= row.items()), None)


def _import(path: Path, *, dry: bool = False) -> list[str]:
    command = ["import", str(path), "--kind", "payment", "--system", "bank", "--as", "bank_statement"]
    return [*command, "--dry-run"] if dry else command


@contextmanager
def _sandbox(folder: Path, options: argparse.Namespace) -> Iterator[None]:
    """The sandbox in a process of its own, until the block ends."""
    numbers = ["--seed", str(options.seed), "--customers", str(options.customers), "--months", str(options.months)]
    command = [sys.executable, "-m", "ledgerbridge.cli.main", "sandbox", "--folder", str(folder), *numbers]
    print(f"$ ledgerbridge {' '.join(command[3:])}", flush=True)
    log = folder / "sandbox.log"
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 (our own interpreter)
        try:
            _wait(process, log)
            print(log.read_text("utf-8"), end="", flush=True)
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until:
        if "ready" in log.read_text("utf-8"):
            return
        if process.poll() is not None:
            sys.exit(f"the sandbox did not start:\n{log.read_text('utf-8')}")
        time.sleep(0.1)
    sys.exit(f"the sandbox was not ready within {START_SECONDS_MAX} s:\n{log.read_text('utf-8')}")


if __name__ == "__main__":
    sys.exit(run())
