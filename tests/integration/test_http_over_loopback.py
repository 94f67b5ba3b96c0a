"""The runner over real sockets: certificates, deadlines, connections, and the faults of the wire."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors._http.settings import HttpSettings
from ledgerbridge.errors import BadReply, ConnectorError, NotAllowed, OutcomeUnknown, Unavailable
from ledgerbridge.sandbox.books import Books
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import FaultPlan
from ledgerbridge.sandbox.web import Request, Response, Running, json_response, serve
from ledgerbridge.testing.fakes import FakeClock
from ledgerbridge.testing.fault_suite import open_sockets, wait_for

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}'
READ = Call("GET", "/data")
WRITE = Call("POST", "/data", json={"a": 1}, writes=True)


def judge(_: Call, reply: Reply) -> ConnectorError | None:
    if reply.status == 200:
        reply.json()
    return None


@contextlib.contextmanager
def raw_server(answer: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Each connection is handed to `answer` on a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5)
            if context is not None:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    answer(wrapped)
            else:
                answer(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=one, args=(connection,)))
            threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


def answer_ok(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(OK)


def runner_for(url: str, **settings: Any) -> Runner:
    facts = {"allow_plain_http": True, "retries": 1, **settings}
    return Runner(system="erp", base_url=url, settings=HttpSettings(**facts), judge=judge)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
def test_a_certificate_of_an_unknown_authority_is_refused_once_and_explained(authority: trustme.CA, call: Call) -> None:
    clock = FakeClock()
    with raw_server(answer_ok, tls(authority, "localhost", "127.0.0.1")) as port:
        settings = HttpSettings(private_network=True)
        runner = Runner(system="erp", base_url=f"https://127.0.0.1:{port}", settings=settings, judge=judge, clock=clock)
        with runner, pytest.raises(NotAllowed, match=r"certificate of 127\.0\.0\.1 does not verify: .*http\.ca_file"):
            runner.send(call)
    assert clock.slept == []


def test_a_certificate_of_our_own_authority_is_accepted(authority: trustme.CA, ca_file: Path) -> None:
    with (
        raw_server(answer_ok, tls(authority, "127.0.0.1")) as port,
        runner_for(f"https://127.0.0.1:{port}", ca_file=ca_file) as runner,
    ):
        assert runner.send(READ).json() == {"ok": True}


def test_a_certificate_of_another_name_is_refused(authority: trustme.CA, ca_file: Path) -> None:
    with (
        raw_server(answer_ok, tls(authority, "other.example")) as port,
        runner_for(f"https://127.0.0.1:{port}", ca_file=ca_file) as runner,
        pytest.raises(NotAllowed, match="does not verify: IP address mismatch"),
    ):
        runner.send(READ)


@pytest.mark.parametrize("part", ["head", "body"])
@pytest.mark.parametrize(("call", "kind"), [(READ, Unavailable), (WRITE, OutcomeUnknown)], ids=["read", "write"])
def test_a_dripping_answer_ends_at_the_deadline(part: str, call: Call, kind: type[ConnectorError]) -> None:
    """Each read comes in time; httpx alone would wait for ever."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        if part == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with (
        raw_server(drip) as port,
        runner_for(f"http://127.0.0.1:{port}", total_deadline_s=0.4, read_timeout_s=0.3) as runner,
    ):
        started = time.monotonic()
        with pytest.raises(kind, match="no complete answer in time"):
            runner.send(call)
        assert 0.3 < time.monotonic() - started < 1.5
        stop.set()


def test_nobody_listening_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        runner_for(f"http://127.0.0.1:{port}") as runner,
        pytest.raises(Unavailable, match=r"no connection \(Connection refused\)"),
    ):
        runner.send(WRITE)


def test_loopback_is_refused_where_nobody_allowed_it() -> None:
    with raw_server(answer_ok) as port:
        runner = Runner(system="erp", base_url=f"https://localhost:{port}", settings=HttpSettings(), judge=judge)
        with runner, pytest.raises(NotAllowed, match="not public"):
            runner.send(READ)


class Vendor:
    """Answers everything with a list, and remembers the connections."""

    name = "toy"

    def __init__(self) -> None:
        self.books, self.faults, self.clock, self.switches = Books(), FaultPlan(), SandboxClock(), {}
        self.writes = 0

    def handle(self, request: Request) -> Response:
        self.writes += self.is_write(request)
        return json_response({"rows": list(range(200))})

    def is_write(self, request: Request) -> bool:
        return request.method == "POST"

    def seed(self, kind: str, count: int) -> list[str]:
        raise NotImplementedError

    def count(self, kind: str) -> int:
        return self.writes

    def touch(self, kind: str, record_id: str, changes: Any) -> None:
        raise NotImplementedError

    def discard(self, kind: str, record_id: str) -> None:
        raise NotImplementedError


@pytest.fixture
def served() -> Iterator[Running]:
    with serve(Vendor()) as running:
        running.emulator.faults.delay_s = 0.01
        yield running


@pytest.mark.parametrize(
    ("fault", "read", "write", "done"),
    [
        ("cut_before", Unavailable, OutcomeUnknown, 0),
        ("reply_lost_after_write", Unavailable, OutcomeUnknown, 1),
        ("half_body", Unavailable, OutcomeUnknown, 1),
        ("slow", None, None, 1),
        ("drip", None, None, 1),
        ("http_500", Unavailable, OutcomeUnknown, 0),
        ("http_503", Unavailable, OutcomeUnknown, 0),
        ("html_page", BadReply, OutcomeUnknown, 0),
        ("redirect", BadReply, OutcomeUnknown, 0),
    ],
)
def test_faults_of_the_wire(
    served: Running, fault: str, read: type[ConnectorError] | None, write: type[ConnectorError] | None, done: int
) -> None:
    def end(call: Call) -> type[ConnectorError] | None:
        served.emulator.faults.fail_next(fault)
        try:
            runner.send(call)
        except ConnectorError as error:
            return type(error)
        return None

    with runner_for(served.url) as runner:
        assert end(READ) is read
        assert end(WRITE) is write
    assert served.emulator.count("") == done
    assert served.failures == []


def test_reads_share_connections_and_every_write_has_its_own() -> None:
    peers: list[tuple[str, int]] = []

    def keep_alive(connection: socket.socket) -> None:
        peers.append(connection.getpeername())
        while connection.recv(65536):
            connection.sendall(OK)

    with raw_server(keep_alive) as port, runner_for(f"http://127.0.0.1:{port}") as runner:
        for _ in range(3):
            runner.send(READ)
        assert len(peers) == 1
        for _ in range(3):
            runner.send(WRITE)
        assert len(peers) == 4


def test_closing_leaves_no_socket_of_ours(served: Running) -> None:
    before = open_sockets()

    def new() -> list[socket.socket]:
        return [one for one in open_sockets() if one not in before]

    with runner_for(served.url) as runner:
        assert len(list(runner.send_all([READ] * 8, in_flight=4))) == 8
        runner.send(WRITE)
        assert new()
    assert wait_for(new) == []


def test_the_environments_proxy_and_netrc_are_not_used(
    served: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login planted password planted\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    seen: list[dict[str, str]] = []
    handle = served.emulator.handle

    def remember(request: Request) -> Response:
        seen.append(dict(request.headers))
        return handle(request)

    monkeypatch.setattr(served.emulator, "handle", remember)
    with runner_for(served.url) as runner:
        runner.send(READ)
    assert "authorization" not in seen[0]
