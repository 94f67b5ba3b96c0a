"""The whole pull over HTTP: ours, dlt and the limit take turns at the same loopback server, every run a process of its own.

::

    python benchmarks/pull_http.py                        # 20,000 and 200,000 invoices: first load, re-read, nothing new
    python benchmarks/pull_http.py --rows 20000 --repeat 3 --venv /tmp/peers
    python benchmarks/pull_http.py --postgres postgresql://user@host:5432/postgres --without limit    # the same into PostgreSQL

`ours` is ``ledgerbridge pull`` in a workspace with the connector ``plain_books`` (found by its entry point like any package's).
`dlt` is its rest_api source into SQLite, merge by id, nesting 0. `limit` is httpx + orjson + executemany with nothing validated,
hashed or guarded. The last two columns say how many times as fast as that contender ours is; on a machine with other work the CPU
column is the one to trust. dlt, httpx and orjson are installed into a virtualenv of their own at first; --venv keeps it. All run
from compiled modules, as pip leaves them.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import importlib.util
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
import venv
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("dlt[postgres,sqlalchemy]", "httpx", "orjson")
INSTALLED = "import dlt.sources.rest_api, httpx, orjson, psycopg2, sqlalchemy"


@dataclass(frozen=True)
class Taken:
    """What one process took, from its start to its exit."""

    wall_s: float
    cpu_s: float
    rss_mib: float
    out: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000], help="sizes of the first load")
    parser.add_argument("--repeat", type=int, default=1, help="turns of each case; the median counts")
    parser.add_argument(
        "--reread", type=int, default=20_000, help="largest size at which dlt merges the same rows again"
    )
    parser.add_argument("--venv", type=Path, help="where the peers are installed; kept (default: a temporary folder)")
    parser.add_argument("--postgres", help="a server where databases may be made and dropped; default: SQLite")
    parser.add_argument("--without", choices=("dlt", "limit"), action="append", default=[], help="leave a peer out")
    options = parser.parse_args()
    if options.postgres and "limit" not in options.without:
        parser.error("the limit knows SQLite only: --without limit")
    compile_ours()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = [name for name in ("ours", "dlt", "limit") if name not in options.without]
        peers = peer_python((options.venv or folder / "venv").absolute()) if names != ["ours"] else Path(sys.executable)
        print(
            f"{'rows':>8} {'case':<22}{'who':<7}{'wall s':>9}{'CPU s':>8}{'rows/s':>10}{'RSS MiB':>9}{'x wall':>8}{'x CPU':>8}"
        )
        for rows in options.rows:
            with serving(rows) as url:
                databases: dict[Path, str] = {}
                try:
                    for case, results in cases(folder, peers, names, url, rows, options, databases):
                        show(rows, case, results)
                finally:
                    for database in databases.values():
                        on_postgres(options.postgres, f"DROP DATABASE {database} WITH (FORCE)")


def compile_ours() -> None:
    """What pip does when it installs a package; the peers in their virtualenv have it."""
    found = importlib.util.find_spec("ledgerbridge")
    assert found is not None
    for folder in (*(found.submodule_search_locations or ()), str(HERE / "plain_books")):
        compileall.compile_dir(folder, quiet=2)


def on_postgres(server: str, *statements: str) -> list[tuple[object, ...]]:
    """Carry out statements, each a transaction of its own; the rows of the last."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def cases(
    folder: Path,
    peers: Path,
    names: list[str],
    url: str,
    rows: int,
    options: argparse.Namespace,
    databases: dict[Path, str],
) -> Iterator[tuple[str, dict[str, list[Taken]]]]:
    """Each case with what each contender took; stores of the first load are those of the later cases.

    `databases`: on PostgreSQL the database of each place, made with its first use.
    """

    def load(name: str, place: Path, url: str, peers: Path, expected: int, how: str) -> Taken:
        database = None
        if options.postgres:
            if place not in databases:
                databases[place] = f"bench_{uuid.uuid4().hex[:12]}"
                on_postgres(options.postgres, f"CREATE DATABASE {databases[place]}")
            database = f"{options.postgres.rpartition('/')[0]}/{databases[place]}"
        return run_one(name, place, url, peers, expected, how, database)

    def digest(place: Path) -> str:
        return digest_of(
            place, f"{options.postgres.rpartition('/')[0]}/{databases[place]}" if options.postgres else None
        )

    first: dict[str, list[Taken]] = {name: [] for name in names}
    for turn in range(options.repeat):
        for name in names:
            place = folder / f"{name}-{rows}-{turn}"
            first[name].append(load(name, place, url, peers, rows, "--full"))
    yield "first load", first
    places = {name: folder / f"{name}-{rows}-0" for name in names}
    again: dict[str, list[Taken]] = {"ours": []}
    for _ in range(options.repeat):
        before = digest(places["ours"])
        again["ours"].append(load("ours", places["ours"], url, peers, rows, "--full"))
        if digest(places["ours"]) != before:
            raise SystemExit("a re-read of unchanged records wrote records")
    if "dlt" in names and rows <= options.reread:
        again["dlt"] = [load("dlt", places["dlt"], url, peers, rows, "--full")]
    if "limit" in names:
        again["limit"] = [load("limit", places["limit"], url, peers, rows, "--full") for _ in range(options.repeat)]
    yield "re-read, unchanged", again
    if "dlt" in names:  # its bookmark exists only where it was asked for one, which its first load was spared
        places["dlt"] = folder / f"dlt-new-{rows}"
        if rows > options.reread:
            names = [name for name in names if name != "dlt"]
        else:
            load("dlt", places["dlt"], url, peers, rows, "--new")
    nothing: dict[str, list[Taken]] = {name: [] for name in names if name != "limit"}
    for _ in range(max(3, options.repeat)):
        for name, taken in nothing.items():
            taken.append(load(name, places[name], url, peers, 0, "--new"))
    yield "nothing new", nothing


def run_one(
    name: str, place: Path, url: str, peers: Path, expected: int, how: str, database: str | None = None
) -> Taken:
    """One run of one contender into the store at `place`, or a PostgreSQL database. SystemExit if it failed or did not read
    every record.
    """
    place.mkdir(exist_ok=True)
    if name == "ours":
        if database and not (place / "ledgerbridge.toml").exists():
            workspace(place, url, database)
            ledgerbridge("migrate", place)
        workspace(place, url, database)
        taken = ledgerbridge("pull", place, *(["--full"] if how == "--full" else []))
        result = json.loads(taken.out)
        certificate = result["steps"][-1]["certificate"]
        if result["status"] != "ok" or not result["steps"][-1]["ties"] or certificate["read"] != expected:
            raise SystemExit(f"ours: {taken.out}")
        return taken
    worker = HERE / f"peer_{name}.py"
    taken = timed([str(peers), str(worker), url, str(place), how, *([database] if database else [])], place)
    if how == "--full" and int(taken.out.split()[-1]) != expected:
        raise SystemExit(f"{name}: {taken.out}")
    return taken


def ledgerbridge(command: str, place: Path, *options: str) -> Taken:
    """One command of ours in the workspace at `place`."""
    script = str(Path(sys.executable).parent / "ledgerbridge")
    return timed([script, command, "--json", "--workspace", str(place), *options], place)


def timed(command: list[str], place: Path) -> Taken:
    """Run a process to its end; what it used is the kernel's own account."""
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(HERE), str(place))),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with (place / "out").open("w+") as out, (place / "err").open("w+") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environ, cwd=place)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise SystemExit(
                f"{' '.join(command)} ended with {process.returncode}:\n{out.read()}\n{err.read()[-4000:]}"
            )
        return Taken(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, out.read())


def workspace(place: Path, url: str, database: str | None = None, in_flight: int = 4) -> None:
    """A workspace with one system, and what pip would leave of an installed connector package."""
    http = f"http = {{ allow_plain_http = true, in_flight_max = {in_flight} }}"
    settings = f'settings = {{ base_url = "{url}", {http} }}'
    text = f'[log]\nlevel = "warning"\n[systems.books]\nconnector = "plain_books"\n{settings}\n'
    if database:
        text += f'[database]\nurl = "{database}"\n'
    (place / "ledgerbridge.toml").write_text(text)
    told = place / "plain_books-1.dist-info"
    told.mkdir(exist_ok=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: plain-books\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[ledgerbridge.connectors]\nplain_books = plain_books:PlainBooks\n")


def digest_of(place: Path, database: str | None) -> str:
    """Of every record in the store with its texts and history, when and by which run it was written included."""
    made = hashlib.blake2b()
    tables = ("observed", "observed_body", "observed_history")
    if database:
        for table in tables:
            [(found,)] = on_postgres(
                database, f"SELECT md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM {table} t"
            )
            made.update(str(found).encode())
        return made.hexdigest()
    with closing(sqlite3.connect(place / "ledgerbridge.db")) as store:
        for table in tables:
            for row in store.execute(f"SELECT * FROM {table} ORDER BY 1"):
                made.update(repr(row).encode())
    return made.hexdigest()


@contextmanager
def serving(rows: int, delay_ms: int = 0) -> Iterator[str]:
    """The server as a process of its own; its URL."""
    command = [sys.executable, str(HERE / "server.py"), "--rows", str(rows), "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def peer_python(folder: Path) -> Path:
    """The interpreter of a virtualenv with the peers, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    if subprocess.run([python, "-c", INSTALLED], capture_output=True, check=False).returncode:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True, stdout=subprocess.DEVNULL)
    return python


def show(rows: int, case: str, results: dict[str, list[Taken]]) -> None:
    """One line a contender: medians, and how many times as fast as it ours is, by wall clock and by CPU time."""
    wall = {name: statistics.median(taken.wall_s for taken in runs) for name, runs in results.items()}
    cpu = {name: statistics.median(taken.cpu_s for taken in runs) for name, runs in results.items()}
    for name, runs in results.items():
        rss = max(taken.rss_mib for taken in runs)
        ratio = "" if name == "ours" else f"{wall[name] / wall['ours']:>8.2f}{cpu[name] / cpu['ours']:>8.2f}"
        rate = "" if case == "nothing new" else f"{rows / wall[name]:,.0f}"
        print(
            f"{rows:>8} {case:<22}{name:<7}{wall[name]:>9.2f}{cpu[name]:>8.2f}{rate:>10}{rss:>9.0f}{ratio}", flush=True
        )


if __name__ == "__main__":
    if importlib.util.find_spec("ledgerbridge") is None:
        raise SystemExit("run this with the Python that ledgerbridge is installed in")
    main()
