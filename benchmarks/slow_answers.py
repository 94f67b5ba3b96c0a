"""A pull from a far side that takes 50 ms to answer: one call at a time against a budget of 4 and of 8 in flight, in turn.

::

    python benchmarks/slow_answers.py --rows 20000 --repeat 3

The time is that of the pull's step as its own result tells it, without the start of the process; wall clock only, since waiting
is what is measured. Every run reads all records into a fresh SQLite store.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from pull_http import compile_ours, ledgerbridge, serving, workspace

BUDGETS = (1, 4, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--delay-ms", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    compile_ours()
    took: dict[int, list[float]] = {budget: [] for budget in BUDGETS}
    again: dict[int, list[float]] = {budget: [] for budget in BUDGETS}
    with tempfile.TemporaryDirectory() as temporary, serving(options.rows, options.delay_ms) as url:
        for turn in range(options.repeat):
            for budget in BUDGETS:
                place = Path(temporary) / f"{turn}-{budget}"
                place.mkdir()
                workspace(place, url, in_flight=budget)
                for kept in (took, again):
                    result = json.loads(ledgerbridge("pull", place, "--full").out)
                    [step] = result["steps"]
                    if result["status"] != "ok" or step["certificate"]["read"] != options.rows:
                        raise SystemExit(f"a pull went wrong: {result}")
                    kept[budget].append(float(step["seconds"]))
    print(f"{'in flight':>10}{'first load s':>14}{'x one':>8}{'re-read s':>12}{'x one':>8}")
    for budget in BUDGETS:
        first, second = statistics.median(took[budget]), statistics.median(again[budget])
        ratios = statistics.median(took[1]) / first, statistics.median(again[1]) / second
        print(f"{budget:>10}{first:>14.2f}{ratios[0]:>8.1f}{second:>12.2f}{ratios[1]:>8.1f}")


if __name__ == "__main__":
    main()
