"""The wake-up over a real RabbitMQ: it arrives, it may fail in every way, and the work is done all the same."""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import socket
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from far_books import create, intent
from swift_carrier import SwiftCarrier

from ledgerbridge.bootstrap import App
from ledgerbridge.clock import SystemClock
from ledgerbridge.config import workspace as workspaces
from ledgerbridge.model.operation import OpState
from ledgerbridge.queue.wakeup import Broker
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, facts, operations

kombu: Any = importlib.import_module("kombu")
pytestmark = pytest.mark.rabbitmq
URL = os.environ.get("LEDGERBRIDGE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")


@pytest.fixture(scope="session")
def rabbitmq() -> str:
    """A broker's address; without one the tests are skipped, but never in CI."""
    try:
        with kombu.Connection(URL, connect_timeout=3) as connection:
            connection.connect()
    except Exception as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no RabbitMQ at {urlsplit(URL).hostname}: {type(error).__name__}")
    return URL


@pytest.fixture
def prefix(rabbitmq: str) -> Iterator[str]:
    name = f"lb_test_{uuid.uuid4().hex[:10]}"
    yield name
    with kombu.Connection(rabbitmq) as connection:
        for queue in ("erp", "crm", "dead"):
            with contextlib.suppress(Exception):
                connection.default_channel.queue_delete(f"{name}.{queue}")


@pytest.fixture
def brokers(prefix: str) -> Iterator[Callable[..., Broker]]:
    made: list[Broker] = []

    def make(url: str = URL, *, listening: bool = True) -> Broker:
        broker = Broker(url, ["erp"], SystemClock(), prefix=prefix)
        made.append(broker)
        if listening:
            broker.listen()
            until(lambda: broker.state.connected)
        return broker

    yield make
    for broker in made:
        broker.close()


def until(what: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that must come to be; the bound only keeps a broken test from hanging."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def raw_publish(prefix: str, body: Any, **given: Any) -> None:
    with kombu.Connection(URL, transport_options={"confirm_publish": True}) as connection:
        producer = kombu.Producer(connection.default_channel, auto_declare=False)
        producer.publish(body, routing_key=f"{prefix}.erp", mandatory=True, **given)


def test_a_wake_up_reaches_another_process_in_waiting(brokers: Callable[..., Broker]) -> None:
    listener, speaker = brokers(), brokers(listening=False)
    speaker.announce([("erp", 4711)])
    until(lambda: listener.state.received == 1)
    assert speaker.state.published == 1
    assert speaker.state.failed == 0


def test_many_operations_are_one_handful_of_messages(brokers: Callable[..., Broker]) -> None:
    listener, speaker = brokers(), brokers(listening=False)
    speaker.announce(("erp", job) for job in range(1, 5000))
    until(lambda: listener.state.received == speaker.state.published)
    assert speaker.state.published == 8


def test_where_nobody_listens_the_loss_is_counted_and_the_next_is_sent(
    brokers: Callable[..., Broker], prefix: str
) -> None:
    listener, speaker = brokers(), brokers(listening=False)
    speaker.announce([("crm", 1), ("erp", 2)])  # no worker has ever served crm: there is no such queue
    assert speaker.state.failed == 1
    assert speaker.state.published == 1
    until(lambda: listener.state.received == 1)


@pytest.mark.parametrize(
    ("body", "given"),
    [
        ({"v": 1, "job": 1, "more": 1}, {"serializer": "json"}),
        ({"v": 2, "job": 1}, {"serializer": "json"}),
        ({"v": 1, "job": "1"}, {"serializer": "json"}),
        ({"v": 1, "job": 0}, {"serializer": "json"}),
        ({"v": True, "job": True}, {"serializer": "json"}),
        ([1], {"serializer": "json"}),
        (b"no json", {"content_type": "application/json", "content_encoding": "utf-8"}),
        (b"\x80\x04K\x01.", {"content_type": "application/x-python-serialize", "content_encoding": "binary"}),
        ('{"v":1,"job":1}' + " " * 5000, {"content_type": "application/json", "content_encoding": "utf-8"}),
    ],
)
def test_forged_messages_are_refused(
    body: Any, given: dict[str, Any], brokers: Callable[..., Broker], prefix: str
) -> None:
    listener = brokers()
    raw_publish(prefix, body, **given)
    raw_publish(prefix, {"v": 1, "job": 1}, serializer="json")
    until(lambda: listener.state.received == 1)
    assert listener.state.refused == 1
    with kombu.Connection(URL) as connection:  # kept for whoever wants to know, in the queue of the dead
        dead = connection.default_channel
        until(lambda: dead.basic_get(f"{prefix}.dead", no_ack=True) is not None)


def test_a_compressed_message_is_never_unpacked(
    brokers: Callable[..., Broker], prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked: list[object] = []

    def decompress(*given: object) -> bytes:
        unpacked.append(given)
        return b"{}"

    monkeypatch.setattr("kombu.message.decompress", decompress)
    listener = brokers()
    bomb = zlib.compress(b" " * 1_000_000)
    headers = {"compression": "application/x-gzip"}
    raw_publish(prefix, bomb, headers=headers, content_type="application/json", content_encoding="utf-8")
    until(lambda: listener.state.refused == 1)
    assert unpacked == []
    assert listener.state.connected


def test_a_dead_broker_costs_nothing_but_the_wake_up() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        broker = Broker(f"amqp://guest:guest@127.0.0.1:{taken.getsockname()[1]}//", ["erp"], SystemClock())
        broker.listen()
        broker.announce([("erp", 1)])
        broker.announce([("erp", 2)])  # within the pause after trouble: not even tried
        assert (broker.state.failed, broker.state.connected) == (2, False)
        broker.close()


class Wire:
    """A TCP proxy to the broker that can cut every connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname or "127.0.0.1", parts.port or 5672)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"amqp://guest:guest@127.0.0.1:{self._server.getsockname()[1]}//"
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        for pair in self._pairs:
            for side in pair:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._stopped.set()
        self.cut()
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            sides = [side for pair in self._pairs for side in pair]
            ready = select.select([self._server, *sides], [], [], 0.1)[0]
            for one in ready:
                if one is self._server:
                    self._pairs.append((self._server.accept()[0], socket.create_connection(self._to)))
                else:
                    self._pass_on(one)
        for pair in self._pairs:
            for side in pair:
                side.close()

    def _pass_on(self, one: socket.socket) -> None:
        pair = next((pair for pair in self._pairs if one in pair), None)
        if pair is None:  # the other side went in the same breath
            return
        other = pair[1] if one is pair[0] else pair[0]
        try:
            data = one.recv(65536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self._pairs.remove(pair)
        for side in pair:
            side.close()


def test_after_a_cut_both_sides_come_back(brokers: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledgerbridge.queue.wakeup._TROUBLE_S", 0.1)
    wire = Wire(URL)
    try:
        listener, speaker = brokers(wire.url), brokers(wire.url, listening=False)
        speaker.announce([("erp", 1)])
        until(lambda: listener.state.received == 1)
        wire.cut()
        until(lambda: not listener.state.connected)
        until(lambda: listener.state.connected)
        speaker.announce([("erp", 2)])  # over a connection that is dead without its knowing
        time.sleep(0.15)
        speaker.announce([("erp", 3)])
        until(lambda: listener.state.received >= 2)
        assert speaker.state.published >= 2
    finally:
        for broker in (listener, speaker):
            broker.close()
        wire.close()


def test_work_is_done_with_messages_without_them_and_across_a_cut(
    brokers: Callable[..., Broker], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three rounds: announced; not announced at all (the sweeper finds it); announced while the broker is cut off."""
    store.clock = SystemClock()
    wire = Wire(URL)
    listener, speaker = brokers(wire.url), brokers(listening=False)
    carrier = SwiftCarrier("erp")
    stop = threading.Event()
    worker = Worker(store, {"erp": carrier}, SystemClock(), wakeup=listener, stop=stop.is_set, sweep_s=0.3)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        for round_, announced in enumerate((True, False, True)):
            if round_ == 2:
                wire.cut()
            with store.writing() as tx:
                changes = [intent(create(f"{round_}-{n}")) for n in range(3)]
                added = operations.add(tx, f"p{round_}", changes, OpState.READY, store.clock.now())
            if announced:
                speaker.announce(("erp", job) for job in added.added.values())
            until(lambda plan=f"p{round_}": all_verified(store, plan))  # type: ignore[misc]
    finally:
        stop.set()
        listener.close()
        thread.join()
        wire.close()
    assert len(carrier.written) == len(set(carrier.written)) == 9


def all_verified(store: Store, plan: str) -> bool:
    with store.reading() as tx:
        return operations.counts(tx, plan) == {OpState.VERIFIED: 3}


def test_approving_a_plan_wakes_the_workers_of_other_processes(
    rabbitmq: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledgerbridge.toml").write_text('[queue]\nbroker = { env = "LB_TEST_BROKER" }\n', "utf-8")
    monkeypatch.setenv("LB_TEST_BROKER", rabbitmq)
    app = App(workspaces.load(tmp_path, {}))
    try:
        now = app.clock.now()
        with app.store.writing() as tx:
            operations.add(tx, "p1", [intent(create("1"))], OpState.READY, now)
            prefix = f"ledgerbridge.{facts.instance_id(tx)[:12]}"
        listener = Broker(rabbitmq, ["erp"], SystemClock(), prefix=prefix)
        listener.listen()
        try:
            until(lambda: listener.state.connected)
            app.wake_workers("p1")
            until(lambda: listener.state.received == 1)
            app.wake_workers("another")
        finally:
            listener.close()
            with kombu.Connection(rabbitmq) as connection:
                for queue in ("erp", "dead"):
                    connection.default_channel.queue_delete(f"{prefix}.{queue}")
    finally:
        app.close()
