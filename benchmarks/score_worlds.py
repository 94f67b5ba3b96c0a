"""How well whole worlds are reconciled, judged by their ground truth: recall, precision, wrong matches, payments by pass.

    python benchmarks/score_worlds.py --seeds 50                       # 40 customers, 5 months each
    python benchmarks/score_worlds.py --seeds 5 --customers 200 --months 12 --share 0.15

Every world is started as the sandbox starts it (four emulated vendors on loopback, files), pulled, linked by the machine,
reconciled as of its last day, and compared with what was planted. Recall and precision count discrepancies of documents;
`match %` is the share of payments that were applied without the ERP's word.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from ledgerbridge.bootstrap import App, open_app
from ledgerbridge.cli.demo_score import Score, read_truth, scored
from ledgerbridge.cli.reconciling import reconcile_now
from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.model.base import Kind
from ledgerbridge.sandbox import launch
from ledgerbridge.sync.importing import ImportedFile
from ledgerbridge.sync.pull import pull_all
from ledgerbridge.testing.fakes import FakeClock


def world(folder: Path, seed: int, customers: int, months: int, share: float | None) -> tuple[Score, bool]:
    """One world's score, and whether every gap between books is explained."""
    with launch.start(
        seed=seed, customers=customers, months=months, folder=folder / "sandbox", planted_share=share
    ) as running:
        workspace = make_workspace(running.settings_path, folder / "workspace")
        app = open_app(workspace, clock=FakeClock(datetime.now(UTC)))
        try:
            read_all(app, folder / "sandbox")
            done = reconcile_now(app, as_of=running.world.last_day)
            with app.store.reading() as tx:
                score = scored(tx, read_truth(folder / "sandbox" / "truth.json"))
            return score, not done.summary.unexplained
        finally:
            app.close()


def read_all(app: App, sandbox: Path) -> None:
    """Pull every system, and import every bank's file."""
    pull_all(app.store, [app.source(name, full=False, sweep=False) for name in app.workspace.tree.systems])
    for path in sorted((sandbox / "files").glob("bank_*")):
        options = {"wire_type": "bank_statement"}
        imported = ImportedFile(path, Kind.PAYMENT, options)
        pull_all(app.store, [app.import_source("bank", imported, None)], action="import")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--customers", type=int, default=40)
    parser.add_argument("--months", type=int, default=5)
    parser.add_argument("--share", type=float, default=None, help="share of documents that are wrong on purpose")
    options = parser.parse_args()
    totals: Counter[str] = Counter()
    passes: Counter[str] = Counter()
    began = time.perf_counter()
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            score, explained = world(Path(folder), seed, options.customers, options.months, options.share)
        totals.update(
            planted=score.planted.total(),
            missed=score.missed.total(),
            beside=score.extra.total(),
            found=score.found.total(),
            wrong=len(score.wrong),
            pairs=score.pairs.total(),
            payments=score.payments_all,
            matched=score.payments.total(),
            unexplained=not explained,
            perfect=score.perfect,
        )
        passes.update(score.payments)
        if not (score.perfect and explained):
            print(f"seed {seed}: not perfect, explained: {explained}", *score.lines(), sep="\n", flush=True)
    found = totals["planted"] - totals["missed"]
    print(
        f"{options.seeds} worlds of {options.customers} customers and {options.months} months, "
        f"{time.perf_counter() - began:.0f} s: {totals['perfect']} perfect, {totals['unexplained']} with an unexplained gap\n"
        f"recall {found / max(totals['planted'], 1):.4f} ({found} of {totals['planted']}), "
        f"precision {1 - totals['beside'] / max(totals['found'], 1):.4f} ({totals['beside']} beside)\n"
        f"wrong pairs {totals['wrong']} of {totals['pairs']}; match % "
        f"{100 * totals['matched'] / max(totals['payments'], 1):.1f} of {totals['payments']} payments: "
        + ", ".join(f"{rule} {100 * count / max(totals['payments'], 1):.1f}" for rule, count in passes.most_common())
    )


if __name__ == "__main__":
    main()
