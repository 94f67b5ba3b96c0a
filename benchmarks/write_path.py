"""How many writes a second the write path carries: leased, written ahead, sent, booked, read back and audited.

The far side answers at once, so this is the queue's own cost; real far sides allow a few calls a second. For each store and
number of workers the whole way of N creates is timed, from the first lease to the last one read back::

    python benchmarks/write_path.py --operations 4000
    python benchmarks/write_path.py --postgres postgresql://user@host/postgres --rabbitmq amqp://guest:guest@host//

SQLite: one process, one and two threads. PostgreSQL: 1, 2 and 4 worker processes, woken by RabbitMQ if it is given. A database
is made and dropped for each PostgreSQL run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from ledgerbridge.clock import SystemClock
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.operation import Answer, Done, Intent, Operation, OpState, Present, Sighting
from ledgerbridge.queue.port import Terms
from ledgerbridge.queue.wakeup import Broker
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, Tx, audit, operations


class Instant:
    """A far side that has always written it already."""

    system = "erp"

    def __init__(self, batch: int) -> None:
        self._terms = Terms(resend=True, batch_max=batch)

    def terms(self, kind: Kind, action: Action) -> Terms:  # noqa: ARG002
        return self._terms

    def check(self) -> str | None:
        return None

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        return tuple(Done(self._ref(one)) for one in operations)

    def look(self, operation: Operation) -> Sighting:
        return Present(self._ref(operation))

    def confirmed(self, tx: Tx, operation: Operation, seen: Present | None) -> None: ...

    def verified(self, tx: Tx, operation: Operation, seen: Present) -> None: ...

    def _ref(self, operation: Operation) -> Ref:
        return Ref(system="erp", kind=operation.change.kind, external_id=f"D{operation.id}")


def plan(store: Store, number: int) -> list[int]:
    def intent(at: int) -> Intent:
        fields = tuple(
            FieldChange(path=name, after=f"{name} {at}", decided_by="erp") for name in ("name", "code", "phone")
        )
        change = Change(
            action=Action.CREATE, system="erp", kind=Kind.CUSTOMER, entity=f"e{at}", fields=fields, because="new"
        )
        return Intent(change=change, order_key=f"erp/customer/e{at}")

    with store.writing() as tx:
        added = operations.add(tx, "bench", map(intent, range(number)), OpState.READY, store.clock.now())
    return list(added.added.values())


def verified(store: Store) -> int:
    with store.reading() as tx:
        return operations.counts(tx, "bench").get(OpState.VERIFIED, 0)


def work(address: str, batch: int, broker: str | None, prefix: str, ready: object, stop: object) -> None:
    with Store.open(address, clock=SystemClock()) as store:
        wakeup = None
        if broker is not None:
            wakeup = Broker(broker, ["erp"], SystemClock(), prefix=prefix)
            wakeup.listen()
            while not wakeup.state.connected:
                time.sleep(0.01)
        ready.release()  # type: ignore[attr-defined]
        Worker(
            store,
            {"erp": Instant(batch)},
            SystemClock(),
            wakeup=wakeup,
            stop=stop.is_set,  # type: ignore[attr-defined]
        ).run()
        if wakeup is not None:
            wakeup.close()


def embedded(number: int, batch: int, threads: int) -> tuple[float, float]:
    """Seconds by the wall clock, and of CPU time."""
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "bench.db") as store:
        plan(store, number)
        worker = Worker(store, {"erp": Instant(batch)}, SystemClock(), concurrency=threads)
        begin, cpu = time.perf_counter(), time.process_time()
        worker.drain("bench")
        took, used = time.perf_counter() - begin, time.process_time() - cpu
        check(store, number)
        return took, used


def scaled_out(server: str, broker: str | None, number: int, batch: int, workers: int) -> float:
    name = f"lb_bench_{uuid.uuid4().hex[:10]}"
    engine = sa.create_engine(sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    address = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    context = multiprocessing.get_context("forkserver")
    ready, stop = context.Semaphore(0), context.Event()
    given = (address, batch, broker, name, ready, stop)
    processes = []
    try:
        with Store.create(address) as store:
            processes = [context.Process(target=work, args=given) for _ in range(workers)]
            for process in processes:
                process.start()
            for _ in processes:
                ready.acquire()
            begin = time.perf_counter()
            ids = plan(store, number)
            planned = time.perf_counter()
            if broker is not None:
                speaker = Broker(broker, ["erp"], SystemClock(), prefix=name)
                speaker.announce(("erp", one) for one in ids)
                speaker.close()
            while verified(store) < number:
                time.sleep(0.05)
            took = time.perf_counter() - (planned if broker else begin)
            check(store, number)
            return took
    finally:
        stop.set()
        for process in processes:
            process.join()
        if broker is not None:
            forget_queues(broker, name)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        engine.dispose()


def forget_queues(broker: str, prefix: str) -> None:
    import kombu

    with kombu.Connection(broker) as connection:
        for queue in ("erp", "dead"):
            connection.default_channel.queue_delete(f"{prefix}.{queue}")


def check(store: Store, number: int) -> None:
    """A benchmark of something that went wrong is none."""
    with store.reading() as tx:
        assert operations.counts(tx, "bench") == {OpState.VERIFIED: number}
        found = audit.verify(tx)
        assert (found.fault, found.entries) == (None, number)


def leasing(rows: int) -> tuple[float, float]:
    """Milliseconds to take and give back one batch among few and among `rows` ready ones."""
    from ledgerbridge.queue.engine import Engine

    def median(store: Store) -> float:
        stop = False
        engine = Engine(store, {"erp": Instant(20)}, SystemClock(), owner="bench", stop=lambda: stop)
        times = []
        for _ in range(31):
            stop = False
            begin = time.perf_counter()
            steps = engine.work("erp")
            next(steps)
            times.append(time.perf_counter() - begin)
            stop = True
            list(steps)
        return sorted(times)[15] * 1000

    found = []
    for number in (100, rows):
        with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "bench.db") as store:
            plan(store, number)
            found.append(median(store))
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=4000)
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 50], help="creates in one call")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--postgres", help="a server on which databases may be made")
    parser.add_argument("--rabbitmq")
    parser.add_argument("--lease-rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows: list[dict[str, object]] = []

    def note(store: str, workers: int, batch: int, took: float, cpu: float | None = None) -> None:
        row: dict[str, object] = {"store": store, "workers": workers, "batch": batch}
        rows.append(row | {"per_second": round(given.operations / took), "cpu_s": cpu})
        if not given.json:
            spent = "" if cpu is None else f"  {cpu / given.operations * 1000:5.2f} ms of CPU each"
            pace = f"{given.operations / took:8,.0f} writes/s"
            print(f"{store:24} workers {workers}  batch {batch:3}  {pace}{spent}", flush=True)

    for batch in given.batch:
        for threads in (1, 2):
            note("sqlite, threads", threads, batch, *embedded(given.operations, batch, threads))
        if given.postgres:
            kind = "postgres + rabbitmq" if given.rabbitmq else "postgres, sweeping"
            for workers in given.workers:
                took = scaled_out(given.postgres, given.rabbitmq, given.operations, batch, workers)
                note(kind, workers, batch, took)
    if given.lease_rows:
        few, many = leasing(given.lease_rows)
        rows.append({"lease_ms_of_100": few, f"lease_ms_of_{given.lease_rows}": many})
        if not given.json:
            print(f"taking 20: {few:.2f} ms among 100 ready, {many:.2f} ms among {given.lease_rows:,}")
    if given.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
