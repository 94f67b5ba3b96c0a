"""A run with nothing new, process start to exit: ours and dlt in turn, over a store that has everything.

::

    python benchmarks/noop.py --venv /tmp/peers --repeat 9

Also what of ours goes to the libraries alone: the interpreter, and it with each library imported and nothing done; and the same
run in a process that is there already (``resident.py``), as a schedule of ``serve`` runs it. The medians count; with other work
on the machine the CPU column is the one to trust.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from pull_http import HERE, Taken, compile_ours, peer_python, run_one, serving, timed

IMPORTS = ("pass", "import pydantic.main", "import sqlalchemy", "import httpx", "import typer", "import yaml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000, help="what is in the store")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=20, help="of each in a process that is there already")
    parser.add_argument("--venv", type=Path, help="where the peers are installed; kept (default: a temporary folder)")
    options = parser.parse_args()
    compile_ours()
    with tempfile.TemporaryDirectory() as temporary, serving(options.rows) as url:
        folder = Path(temporary)
        peers = peer_python((options.venv or folder / "venv").absolute())
        run_one("ours", folder / "ours", url, peers, options.rows, "--full")
        run_one("dlt", folder / "dlt", url, peers, 0, "--new")
        taken: dict[str, list[Taken]] = {}
        for turn in range(options.repeat + 1):  # the first turn fills caches
            for name in ("ours", "dlt"):
                found = run_one(name, folder / name, url, peers, 0, "--new")
                taken.setdefault(name, []).extend([found] if turn else [])
            for code in IMPORTS:
                found = timed([sys.executable, "-c", code], folder)
                taken.setdefault(code, []).extend([found] if turn else [])
        rounds = str(options.rounds)
        again = {
            "ours": resident(sys.executable, folder / "ours", "ours", str(folder / "ours"), rounds),
            "dlt": resident(str(peers), folder / "dlt", "dlt", url, str(folder / "dlt"), rounds),
        }
    print(f"{'':<24}{'wall s':>9}{'CPU s':>9}{'x CPU of dlt':>14}")
    dlt = statistics.median(one.cpu_s for one in taken["dlt"])
    for name, runs in taken.items():
        wall, cpu = (statistics.median(part) for part in ([one.wall_s for one in runs], [one.cpu_s for one in runs]))
        print(f"{name:<24}{wall:>9.2f}{cpu:>9.3f}{cpu / dlt:>14.2f}")
    print("in a process that is there already:")
    for name, (wall, cpu) in again.items():
        print(f"{name:<24}{wall:>9.3f}{cpu:>9.3f}{cpu / again['dlt'][1]:>14.2f}")


def resident(python: str, place: Path, *arguments: str) -> tuple[float, float]:
    """Wall and CPU seconds of one round among many in one process."""
    wall, cpu = timed([python, str(HERE / "resident.py"), *arguments], place).out.split()
    return float(wall), float(cpu)


if __name__ == "__main__":
    main()
