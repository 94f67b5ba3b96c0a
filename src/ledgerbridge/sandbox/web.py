"""Serve an emulator over real loopback sockets: HTTP/1.1 with keep-alive, wire faults, and a side door for tests.

An emulator is anything with the shape of :class:`Emulator`. The side door lives under ``/__sandbox__/`` (see
:mod:`ledgerbridge.sandbox.control`) and is never part of what a vendor would serve.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from .books import Books
from .clock import SandboxClock
from .faults import Fault, FaultPlan

CONTROL_PREFIX = "/__sandbox__/"
BODY_MAX = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived. `headers` have lower-case names; `query` keeps the last value of a repeated name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str = ""

    def json(self) -> Any:
        """The body as JSON; ValueError if it is none."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as a URL-encoded form."""
        return dict(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """What to answer; :func:`json_response` builds the usual one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as a UTF-8 JSON body."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": "application/json;charset=UTF-8", **(headers or {})})


class Emulator(Protocol):
    """One vendor's far side. `name` is the connector's name (`yonyou_u8`, …)."""

    name: str
    books: Books
    faults: FaultPlan
    clock: SandboxClock
    switches: dict[str, Any]

    def handle(self, request: Request) -> Response:
        """Answer as the vendor would; called from many threads at once."""
        ...

    def is_write(self, request: Request) -> bool:
        """Whether this request would change the books (faults may be limited to writes)."""
        ...

    def seed(self, kind: str, count: int) -> list[str]:
        """Put `count` plain valid records of `customer`, `invoice` or `payment` on record; returns their ids."""
        ...

    def count(self, kind: str) -> int:
        """How many records of a kind exist, void ones included, deleted ones not."""
        ...

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """A person edits one record in the vendor's own screens: wire fields, new modification stamp."""
        ...

    def discard(self, kind: str, record_id: str) -> None:
        """A person deletes one record in the vendor's own screens."""
        ...


class _Abort(Exception):
    """Close the connection without another byte."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for the first one's ACK

    def _run(self) -> None:
        emulator = self.server.emulator
        request = self._read()
        if request.path.startswith(CONTROL_PREFIX):
            from .control import control

            self._write(control(emulator, request))
            return
        is_write = emulator.is_write(request)
        fault = emulator.faults.take_wire(request.path, is_write=is_write)
        if fault is Fault.CUT_BEFORE:
            raise _Abort
        if fault is Fault.HTTP_500:
            self._write(Response(500, b"Internal Server Error", {"Content-Type": "text/plain"}))
        elif fault is Fault.HTTP_503:
            self._write(Response(503, b"", {}))
        elif fault is Fault.HTML_PAGE:
            page = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body>maintenance</body></html>"
            self._write(Response(200, page, {"Content-Type": "text/html"}))
        elif fault is Fault.REDIRECT:
            self._write(Response(302, b"", {"Location": "https://attacker.invalid/steal"}))
        else:
            self._answer(emulator.handle(request), fault)

    def _answer(self, response: Response, fault: Fault | None) -> None:
        delay_s = self.server.emulator.faults.delay_s
        if fault is Fault.REPLY_LOST_AFTER_WRITE:
            raise _Abort
        if fault is Fault.SLOW:
            time.sleep(delay_s)
        if fault is Fault.HALF_BODY:
            self._head(response)
            self.wfile.write(response.body[: len(response.body) // 2])
            self.wfile.flush()
            raise _Abort
        if fault is Fault.DRIP:
            self._head(response)
            for offset in range(len(response.body)):
                self.wfile.write(response.body[offset : offset + 1])
                self.wfile.flush()
                time.sleep(delay_s / 20)
            return
        self._write(response)

    def _read(self) -> Request:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX:
            raise _Abort
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
            base_url=self.server.url,
        )

    def _head(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()

    def _write(self, response: Response) -> None:
        self._head(response)
        if response.body and self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(response.body)

    def _guarded(self) -> None:
        try:
            self._run()
        except _Abort:
            self.close_connection = True
            with contextlib.suppress(OSError):  # RST instead of FIN: what a crashed peer looks like
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception:  # noqa: BLE001 (a broken emulator must be seen as a defect of ours, not as a fault)
            _log.exception("the %s emulator failed", self.server.emulator.name)
            self.server.failures.append(self.path)
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _guarded  # noqa: N815 (names the base class looks for)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Silence: URLs carry tokens."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], emulator: Emulator) -> None:
        self.emulator = emulator
        self.failures: list[str] = []
        super().__init__(address, _Handler)
        host, port = self.server_address[:2]
        self.url = f"http://{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no news; anything else was logged where it happened."""


@dataclass(frozen=True, slots=True)
class Running:
    """A served emulator. `failures` lists the paths at which the emulator itself broke (a defect, never a fault)."""

    emulator: Emulator
    url: str
    failures: list[str]


@contextlib.contextmanager
def serve(emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """Serve `emulator` on a loopback port (0 = any free one) until the block ends."""
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(f"the sandbox listens on loopback only, not on {host}")
    server = _Server((host, port), emulator)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Running(emulator, server.url, server.failures)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
