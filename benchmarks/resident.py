"""A run with nothing new in a process that already runs, as a schedule's are: our command, or dlt's pipeline, again and again.

Run by ``noop.py``: ``resident.py ours WORKSPACE ROUNDS`` with the Python that ledgerbridge is installed in,
``resident.py dlt URL FOLDER ROUNDS`` with the peers'. Prints the median of wall and of CPU seconds of a round; the first two
rounds, which load modules and fill caches, do not count. One without success ends it.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import sys
import time
from collections.abc import Callable


def ours(place: str) -> None:
    """``ledgerbridge pull`` in this process: the workspace is opened and closed each time."""
    from ledgerbridge.cli.main import main as command

    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = command(["pull", "--json", "--workspace", place])
    if code:
        raise SystemExit(said.getvalue())


def dlt(url: str, folder: str) -> None:
    """The pipeline of ``peer_dlt.py``, made anew each time, as its process makes it."""
    import peer_dlt

    sys.argv[1:] = [url, folder, "--new"]
    with contextlib.redirect_stdout(io.StringIO()):
        peer_dlt.main()


def main() -> None:
    name, *places, rounds = sys.argv[1:]
    contenders: dict[str, Callable[..., None]] = {"ours": ours, "dlt": dlt}
    once = contenders[name]
    taken: list[tuple[float, float]] = []
    for _ in range(int(rounds) + 2):
        wall, cpu = time.perf_counter(), sum(os.times()[:2])
        once(*places)
        taken.append((time.perf_counter() - wall, sum(os.times()[:2]) - cpu))
    walls, cpus = zip(*taken[2:], strict=True)
    print(statistics.median(walls), statistics.fmean(cpus))


if __name__ == "__main__":
    main()
