"""Workers that are processes, killed with SIGKILL again and again; the far side's books are the judge.

`LEDGERBRIDGE_KILLS` says how many kills per engine (default 15).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import queue_process
from far_books import create, intent

from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import OpState
from ledgerbridge.store import Store, audit, operations

KILLS = int(os.environ.get("LEDGERBRIDGE_KILLS", "15"))
SEED = int(os.environ.get("LEDGERBRIDGE_FIRST_SEED", "0")) or random.randrange(10**6)
OPERATIONS = 20 + KILLS


class Ledger(ThreadingHTTPServer):
    """Takes every create as a new document: nothing here keeps a repeat from being one, unless it `merges` those of one key.
    Loses and delays replies, unless it is `calm`.
    """

    daemon_threads = True

    def __init__(self, *, merges: bool = False, calm: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.merges, self.calm = merges, calm
        self.dice = random.Random(SEED)
        self.lock = threading.Lock()
        self.documents: list[str] = []

    def enter(self, key: str) -> int:
        with self.lock:
            if self.merges and key in self.documents:
                return self.documents.index(key) + 1
            self.documents.append(key)
            return len(self.documents)


class Handler(BaseHTTPRequestHandler):
    server: Ledger

    def do_POST(self) -> None:
        key = self.path[1:]
        fate = 1.0 if self.server.calm else self.server.dice.random()
        if fate < 0.12:
            self.server.enter(key)  # and the answer is lost
            return
        if fate < 0.20:
            return  # the request was lost
        if fate < 0.30:
            time.sleep(0.2)  # applied late: whoever sent it may be dead by then
        self._reply(str(self.server.enter(key)))

    def do_GET(self) -> None:
        with self.server.lock:
            numbers = [str(at) for at, key in enumerate(self.server.documents, 1) if key == self.path[1:]]
        self._reply(numbers[0] if numbers else None)

    def _reply(self, number: str | None) -> None:
        body = json.dumps({"number": number}).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked was killed
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 (the base class's name)


@contextmanager
def serving(server: Ledger) -> Iterator[Ledger]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with serving(Ledger()) as server:
        yield server


def test_killing_workers_again_and_again_doubles_and_loses_nothing(address: str, ledger: Ledger) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["queue_process"])
    with Store.open(address, clock=SystemClock()) as store:
        with store.writing() as tx:
            intents = [intent(create(f"e{n}")) for n in range(OPERATIONS)]
            operations.add(tx, "p", intents, OpState.READY, store.clock.now())
        dice = random.Random(SEED)
        killed = 0
        workers: list[multiprocessing.process.BaseProcess] = []

        def start() -> None:
            made = processes.Process(target=queue_process.work, args=(address, ledger.server_address[1]))
            made.start()
            workers.append(made)

        try:
            for _ in range(3):
                start()
            while killed < KILLS:
                time.sleep(dice.uniform(0.02, 0.3))
                victim = workers.pop(dice.randrange(len(workers)))
                assert victim.pid is not None
                os.kill(victim.pid, signal.SIGKILL)
                victim.join()
                assert victim.exitcode == -signal.SIGKILL, "it had died before"
                killed += 1
                start()
            deadline = time.monotonic() + 60
            while counted(store) != {OpState.VERIFIED: OPERATIONS}:
                assert time.monotonic() < deadline, f"seed {SEED}: stuck with {counted(store)}"
                time.sleep(0.1)
        finally:
            for one in workers:
                one.kill()
                one.join()
        doubled = {key: n for key, n in Counter(ledger.documents).items() if n > 1}
        assert not doubled, f"seed {SEED}: written twice"
        assert len(ledger.documents) == OPERATIONS, f"seed {SEED}: lost"
        with store.reading() as tx:
            assert audit.verify(tx).fault is None


def counted(store: Store) -> dict[OpState, int]:
    with store.reading() as tx:
        return operations.counts(tx, "p")
