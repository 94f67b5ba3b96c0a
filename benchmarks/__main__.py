"""Every benchmark by one command: which there are, what each shows, and running one, several or all.

::

    python benchmarks                              # the list
    python benchmarks pull                         # one line at full size, beside its peers
    python benchmarks noop slow --small            # several, at a size that takes about a minute each
    python benchmarks pull -- --repeat 3           # what follows -- goes to the script
    python benchmarks all --postgres postgresql://user@host:5432/postgres --rabbitmq amqp://user:password@host//

The peers of `peers.txt` are installed into a virtual environment of their own (`--venv`, default `.venv-peers` beside this
folder), those of `peers_names.txt` into another (the same name with `-names`), once, when the
first benchmark asks for them. Lines that need PostgreSQL are left out, and said to be, where none is
named. Exit code 1 if a benchmark failed.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv-peers"


@dataclass(frozen=True)
class Bench:
    """One line: its script with the arguments of the full and of the small size.

    `{venv}` and `{names}` are filled in, the environment of the peers and that of the peers in linking names, and the servers
    `{postgres}` and `{rabbitmq}`.
    """

    shows: str
    script: str
    full: str = ""
    small: str = ""

    def command(self, *, small: bool, places: dict[str, str]) -> list[str]:
        """The command line; empty if a server is needed that was not named."""
        given = shlex.split(self.small if small else self.full)
        try:
            return [sys.executable, str(HERE / self.script), *(part.format_map(places) for part in given)]
        except KeyError:
            return []

    def environments(self) -> list[str]:
        """Those of :data:`PEERS` that must be installed."""
        return [name for name in PEERS if f"{{{name}}}" in self.full]


PEERS = {"venv": HERE / "peers.txt", "names": HERE / "peers_names.txt"}
"""What is installed into which environment."""

BENCHES = {
    "pull": Bench(
        "first pull and full re-read into SQLite, memory and its growth, against dlt and httpx + orjson + executemany",
        "pull_http.py",
        "--venv {venv} --rows 20000 200000",
        "--venv {venv} --rows 5000 --reread 5000",
    ),
    "pull-postgres": Bench(
        "the same into PostgreSQL, against dlt",
        "pull_http.py",
        "--venv {venv} --rows 20000 200000 --without limit --postgres {postgres}",
        "--venv {venv} --rows 5000 --reread 5000 --without limit --postgres {postgres}",
    ),
    "noop": Bench(
        "a run with nothing new, process start to exit, against dlt",
        "noop.py",
        "--venv {venv}",
        "--venv {venv} --repeat 3",
    ),
    "slow": Bench(
        "pulling from a far side that takes 50 ms, 1, 4 and 8 calls in flight",
        "slow_answers.py",
        "--rows 20000 --repeat 3",
        "--rows 4000 --repeat 1",
    ),
    "push": Bench(
        "pushing 2,000 changes to a far side that takes 50 ms, in batches against one at a time",
        "push_batches.py",
        "--changes 2000 --repeat 3",
        "--changes 500 --single 30 --repeat 1",
    ),
    "store": Bench(
        "judging and storing alone, against a bare executemany upsert",
        "pull_store.py",
        "--rows 200000 --raw-upsert",
        "--rows 20000 --raw-upsert",
    ),
    "compare": Bench(
        "two ledgers of a million documents compared, against datacompy (pandas) and DuckDB in memory",
        "compare_ledgers.py",
        "--venv {venv}",
        "--venv {venv} --size 40000 --rounds 1",
    ),
    "allocate": Bench(
        "cash applied in memory: 200k x 180k, one customer with 22k documents, 1M x 1M, against Decimal loops",
        "allocate.py",
        "",
        "--customers 500 --rounds 1 --no-full",
    ),
    "finance": Bench(
        "cash database to database, aging, statements and aging of 30k invoices, ten times the history, against Decimal loops",
        "finance.py",
        "",
        "--customers 500 --entries 20000 --documents 3000 --rounds 1",
    ),
    "bank-rows": Bench(
        "damaged bank rows: precision, recall and F1 for each kind of damage",
        "bank_rows.py",
        "",
        "--customers 100 --documents 1000 --rows 200 --seeds 1",
    ),
    "reconcile": Bench(
        "a whole reconciliation, database to database",
        "reconcile.py",
        "",
        "--customers 500 --invoices 20000 --payments 18000",
    ),
    "link": Bench(
        "20k x 20k company names with noise, place and trade words known, then half of them, against splink and others",
        "link_names.py",
        "--size 20000 --peers {names}/bin/python",
        "--size 2000 --peers {names}/bin/python",
    ),
    "link-store": Bench(
        "linking over a store: customers by name and code, documents by number",
        "link_store.py",
        "",
        "--customers 2000 --documents 20000",
    ),
    "plan": Bench(
        "planning over a store of two linked systems",
        "plan.py",
        "",
        "--customers 2000 --invoices 20000",
    ),
    "queue": Bench(
        "the write path embedded: operations a second",
        "write_path.py",
        "--operations 2000",
        "--operations 200 --batch 50 --lease-rows 5000",
    ),
    "queue-postgres": Bench(
        "the write path over PostgreSQL and RabbitMQ, 1, 2 and 4 workers",
        "write_path.py",
        "--operations 4000 --postgres {postgres} --rabbitmq {rabbitmq}",
        "--operations 400 --batch 50 --lease-rows 5000 --postgres {postgres} --rabbitmq {rabbitmq}",
    ),
    "worlds": Bench(
        "recall, precision and wrong matches over whole worlds, against the sandbox's ground truth",
        "score_worlds.py",
        "",
        "--seeds 3",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    given, extra = (given[: given.index("--")], given[given.index("--") + 1 :]) if "--" in given else (given, [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, "all", []], metavar="NAME", help="none: list them")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--venv", type=Path, default=VENV, help="where the peers are installed; kept")
    parser.add_argument("--postgres", help="a server where databases may be made and dropped")
    parser.add_argument("--rabbitmq", help="a broker where queues may be made and dropped")
    options = parser.parse_args(given)
    if not options.names:
        for name, bench in BENCHES.items():
            print(f"{name:<16}{bench.shows} ({bench.script})")
        return 0
    folders = {
        "venv": options.venv.absolute(),
        "names": options.venv.absolute().with_name(f"{options.venv.name}-names"),
    }
    places = {name: str(folder) for name, folder in folders.items()}
    places |= {name: value for name in ("postgres", "rabbitmq") if (value := getattr(options, name))}
    failed = []
    for name in BENCHES if "all" in options.names else options.names:
        command = BENCHES[name].command(small=options.small, places=places)
        print(f"\n== {name}: {BENCHES[name].shows}", flush=True)
        if not command:
            print("left out: it needs a server; name it with --postgres (and --rabbitmq)")
            continue
        for environment in BENCHES[name].environments():
            install_peers(folders[environment], PEERS[environment])
        if subprocess.run([*command, *extra], check=False, cwd=HERE).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def install_peers(folder: Path, listed: Path) -> None:
    """Make an environment as the list of its packages says, unless it already is so."""
    stamp, wanted = folder / "peers.txt", listed.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"installing the peers into {folder}", flush=True)
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(listed)], check=True)
    stamp.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main())
