"""`make demo`: the whole way on one machine: far sides, pull, import, certificates, and where to look next."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .main import main as command_line
from .output import Exit

START_SECONDS_MAX = 120


def run(arguments: list[str] | None = None) -> int:
    """Run the demo; 0 if every system was read and every certificate ties (records in quarantine are part of the story)."""
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
    steps = [
        ("Is everything in place?", ["doctor"], {Exit.OK}),
        ("Read ERP, CRMs and sheets", ["pull"], {Exit.OK, Exit.FINDINGS}),
        ("Look at a bank workbook before importing it", _import(workbook, dry=True), {Exit.OK, Exit.FINDINGS}),
        ("Import the bank workbook", _import(workbook), {Exit.OK, Exit.FINDINGS}),
        ("Import a GBK text file of another bank", _import(text), {Exit.OK, Exit.FINDINGS}),
        ("Read again: nothing is new", ["pull"], {Exit.OK, Exit.FINDINGS}),
        ("What is on record now", ["status"], {Exit.OK, Exit.FINDINGS}),
    ]
    planted = _planted(folder)
    if planted is not None:
        title = "One document in every system: a wrong amount was planted in one of them"
        steps.append((title, ["show", "invoice", planted], {Exit.OK}))
    for title, command, expected in steps:
        print(f"\n── {title}\n$ ledgerbridge {' '.join(command)}", flush=True)
        code = command_line(command)
        if code not in expected:
            print(f"the demo stops here: exit code {code}", file=sys.stderr)
            return code
    print(_NEXT.format(workspace=folder / "workspace", truth=folder / "truth.json", files=files))
    return 0


_NEXT = """
── Where to look next
  cd {workspace}
  ledgerbridge quarantine list             what could not be read, and why
  ledgerbridge show customer 010002        all copies of a record side by side
  ledgerbridge runs list                   every run with its certificates
  ledgerbridge mapping show erp invoice    which wire field is which
  the files that were imported             {files}
  what is really true (planted errors)     {truth}
(The far sides of this demo are gone; `make sandbox` starts them again.)"""


def _planted(folder: Path) -> str | None:
    """The number of an invoice whose amount differs on purpose; None if the world is too small to hold one."""
    planted = json.loads((folder / "truth.json").read_text("utf-8"))["planted"]
    wanted = {"planted": "amount_differs", "kind_of_record": "invoice"}
    return next((str(row["record_number"]) for row in planted if wanted.items() <= row.items()), None)


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
