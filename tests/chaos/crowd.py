"""Two schedulers and four workers over PostgreSQL and RabbitMQ, the broker cut in the middle: the same books as SQLite alone.

python -m tests.chaos.crowd --server postgresql://user@host/postgres [--broker amqp://…] [--size 20] [--seed 1]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg

from ledgerbridge import log
from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import FINAL, OpState
from ledgerbridge.model.plan import OPEN_STATES
from ledgerbridge.store import Store, flowlock, operations, plans

from .kills import FLOWS, TABLES, Ward, ward

BROKER: Final = "amqp://guest:guest@127.0.0.1:5672//"
_OF_THE_TENANT: Final = frozenset(
    {"create_time", "last_modified_time", "version", "erp_source_id__c", "account_no", "mc_exchange_rate_version"}
)
"""What the CRM numbers or stamps by itself."""
_TURN_S: Final = 2.0
_PATIENCE_S: Final = 420.0


class Proxy:
    """Stands between processes and a broker; :meth:`cut` drops everything and answers nobody for a while."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._down = threading.Event()
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """The broker is gone."""
        self._down.set()
        self.cuts += len(self._open)
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """The broker is back."""
        self._down.clear()

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._down.is_set():
                near.close()
                continue
            far = socket.create_connection(self._there)
            self._open |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                there.sendall(data)
        for one in (here, there):
            self._open.discard(one)
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def digest(now: Ward) -> str:
    """What the CRM's books say, but for what it numbers and stamps by itself."""
    names = {row["_id"]: row["name"] for table in TABLES.values() for row in now.far.books.rows(table)}
    rows = []
    for table in TABLES.values():
        for row in now.far.books.rows(table):
            said = {key: value for key, value in row.items() if not key.startswith("_") and key not in _OF_THE_TENANT}
            text = json.dumps(said, ensure_ascii=False, sort_keys=True)
            for own, name in names.items():
                text = text.replace(f'"{own}"', f'"{name}"')
            rows.append(f"{table} {text}")
    return hashlib.blake2b("\n".join(sorted(rows)).encode(), digest_size=8).hexdigest()


def later_edits(now: Ward) -> None:
    """What people do while all is running: new documents, customers renamed for short."""
    now.near.seed("invoice", 5)
    now.near.seed("payment", 3)
    for number, row in enumerate(now.near.books.rows("customer")[-4:]):
        now.near.touch("customer", row["code"], {"abbrname": f"改名{number}"})


def alone(folder: Path, *, seed: int, size: int) -> str:
    """One process after the other over SQLite."""
    with ward(folder, seed=seed, size=size) as now:
        for flow in FLOWS:
            now.carry(flow, "apply", 0)
        later_edits(now)
        for _ in range(2):
            for flow in FLOWS:
                now.run("sync", flow)
        assert not now.toll.faults, now.toll.faults
        return digest(now)


def together(folder: Path, url: str, broker: str, *, seed: int, size: int) -> tuple[str, dict[str, int]]:
    """Many processes over one PostgreSQL, woken by a broker that goes away and comes back."""
    there = urlsplit(broker)
    proxy = Proxy(there.hostname or "127.0.0.1", there.port or 5672)
    near = urlunsplit(there._replace(netloc=f"guest:guest@127.0.0.1:{proxy.port}"))
    folder.mkdir(parents=True)
    (folder / "broker").write_text(near, "ascii")
    head = f'[queue]\nbroker = {{ file = "{folder / "broker"}" }}\n\n'
    with ward(folder, seed=seed, size=size, store=url, head=head, lines='schedule = "* * * * *"\n') as now:
        with Store.open(url, clock=SystemClock()) as store, _crowd(now) as crowd:
            for flow in FLOWS:
                plan_id = _shown(now, store, flow)
                now.run("plans", "approve", plan_id, "--as", "li")
                if flow == FLOWS[1]:
                    proxy.cut()
                _until_still(now, store, f"the first plan of {flow}")
                proxy.mend()
            later_edits(now)
            for turn in range(4):
                if turn == 1:
                    proxy.cut()
                _next_minute(now, store)
                proxy.mend()
            assert all(one.poll() is None for one in crowd), "a process of the crowd has ended"
        facts = _facts(url)
        proxy.close()
        return digest(now), {**facts, "connections cut": proxy.cuts}


def _facts(url: str) -> dict[str, int]:
    """Who took part. Nothing that was planned may have ended in the hands of people."""
    with psycopg.connect(url) as connection:
        states: dict[str, int] = dict(
            connection.execute("SELECT state, count(*) FROM operation GROUP BY state").fetchall()
        )
        [fires] = connection.execute("SELECT count(*), count(DISTINCT claimed_by) FROM fire").fetchall()
    assert states.keys() <= {OpState.VERIFIED, OpState.CANCELLED}, states
    return {"verified": states.get(OpState.VERIFIED, 0), "fires": fires[0], "schedulers that fired": fires[1]}


@contextmanager
def _crowd(now: Ward) -> Iterator[list[subprocess.Popen[bytes]]]:
    commands = [("scheduler", "--port", "0")] * 2 + [("worker", "--port", "0", "--concurrency", "1")] * 4
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            running.append(now.process(*command, json_wanted=False, quiet=True))
        yield running
    finally:
        for one in running:
            one.send_signal(signal.SIGTERM)
        for one in running:
            try:
                one.wait(timeout=60)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


def _shown(now: Ward, store: Store, flow: str) -> str:
    """The open plan of a flow, made by hand or by a scheduler, whoever was first."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        now.run("sync", flow, "--dry-run")
        with store.reading() as tx:
            head = plans.open_of(tx, flow)
        if head is not None and head.state in OPEN_STATES and head.summary.changes:
            return head.plan_id
        time.sleep(_TURN_S)
    raise AssertionError(f"{flow} was not planned")


def _until_still(now: Ward, store: Store, what: str) -> None:
    """No flow is run and no operation is on its way. What is due later comes at once: the clocks go on."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        time.sleep(_TURN_S)
        with store.reading() as tx:
            held = [flow for flow in FLOWS if flowlock.current(tx, flow)]
            states = operations.counts(tx)
        moving = {state for state, number in states.items() if number and state not in FINAL | {OpState.PLANNED}}
        if not held and not moving:
            return
        if not held and moving <= {OpState.UNCERTAIN}:
            now.later(60.0)
    raise AssertionError(f"{what} did not come to an end: {states}")


def _next_minute(now: Ward, store: Store) -> None:
    """Let every schedule fire once, and wait until what it began has ended."""
    now.later(60.0)
    time.sleep(4 * _TURN_S)
    _until_still(now, store, "a round")


@contextmanager
def database(server: str) -> Iterator[str]:
    """A fresh PostgreSQL store, dropped at the end."""
    name = f"lb_crowd_{uuid.uuid4().hex[:10]}"
    parts = urlsplit(server)
    url = urlunsplit(parts._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            Store.create(url, clock=SystemClock()).close()
            yield url
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def main(arguments: Sequence[str] | None = None) -> int:
    """By command; 1 if the two differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="a PostgreSQL server where databases may be made")
    parser.add_argument("--broker", default=BROKER)
    parser.add_argument("--size", type=int, default=12, help="records of each kind")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    log.configure(level="error")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lb-crowd-") as name, database(given.server) as url:
        one = alone(Path(name) / "alone", seed=given.seed, size=given.size)
        other, facts = together(Path(name) / "together", url, given.broker, seed=given.seed, size=given.size)
    print(f"seed {given.seed}: alone {one}, together {other}; {facts}; {time.monotonic() - begun:.0f} s")
    if one != other:
        print(f"seed {given.seed}: the books differ")
    return 0 if one == other else 1


if __name__ == "__main__":
    sys.exit(main())
