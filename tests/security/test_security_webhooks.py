"""Webhooks over a real socket: what is forged, replayed, oversized, doubled or slow leaves nothing but a line in the log."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waitress.server import create_server

from ledgerbridge.bootstrap import open_app
from ledgerbridge.cli.jobs import hinting_of
from ledgerbridge.store import Store
from ledgerbridge.web.service import BODY_BYTES_MAX, Web

TOML = """
[systems.crm]
connector = "fxiaoke"
[systems.crm.settings]
app_id = "FSAID_1"
app_secret = { env = "CRM_SECRET" }
permanent_code = { env = "CRM_CODE" }
acting_user = "1000"
webhook_secret = { env = "CRM_HOOK" }
webhook_secret_old = { env = "CRM_HOOK_OLD" }
"""
NEW, OLD = "the-new-webhook-secret", "the-old-webhook-secret"
Ask = Callable[..., bytes]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    (tmp_path / "ledgerbridge.toml").write_text(TOML, "utf-8")
    for name, value in {"CRM_SECRET": "s" * 20, "CRM_CODE": "c" * 20, "CRM_HOOK": NEW, "CRM_HOOK_OLD": OLD}.items():
        monkeypatch.setenv(name, value)
    with Store.create(tmp_path / "ledgerbridge.db") as made:
        yield made


@pytest.fixture
def port(store: Store, tmp_path: Path) -> Iterator[int]:
    app = open_app(tmp_path)
    web = Web(store, lambda: 0.0, lambda: None, lambda: b"", hinting_of(app))
    # as cli/serving.py starts it; a slow caller is cut off sooner, so that a test need not wait
    server: Any = create_server(
        web,
        host="127.0.0.1",
        port=0,
        threads=2,
        max_request_body_size=BODY_BYTES_MAX + 1,
        channel_timeout=1,
        cleanup_interval=1,
        connection_limit=20,
    )

    def answer() -> None:
        with contextlib.suppress(OSError):  # closing takes the sockets from under it, see cli/serving.py
            server.run()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield int(server.effective_port)
    server.close()
    thread.join(timeout=5)
    app.close()


@pytest.fixture
def ask(port: int) -> Ask:
    """Send these bytes; the answer, b"" if the connection was closed without one."""

    def send(content: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            line.sendall(content)
            answer = b""
            try:
                while part := line.recv(65536):
                    answer += part
                    if b"\r\n\r\n" in answer:
                        break
            except ConnectionResetError:
                return answer
            return answer

    return send


def push(nonce: str = "n" * 12, *, at: float | None = None) -> bytes:
    stamp = int((time.time() if at is None else at) * 1000)
    told = {
        "event": "object.updated",
        "objectApiName": "AccountObj",
        "objectId": "5f",
        "timestamp": stamp,
        "nonce": nonce,
    }
    return json.dumps(told).encode()


def signature(body: bytes, secret: str) -> str:
    told = json.loads(body)
    text = f"{told['timestamp']}.{told['nonce']}.".encode() + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def post(body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [
        "POST /hooks/crm HTTP/1.1",
        "Host: x",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1]) if answer else 0


def kept(store: Store) -> int:
    with store.reading() as tx:
        return int(tx.connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar_one())


def test_a_signed_push_is_kept_once_however_often_it_comes(ask: Ask, store: Store) -> None:
    body = push()
    for secret in (NEW, NEW, OLD):
        assert status(ask(post(body, f"X-Fx-Signature: {signature(body, secret)}"))) == 202
    assert kept(store) == 1


def test_what_is_forged_or_old_leaves_nothing(ask: Ask, store: Store) -> None:
    body, old = push(), push(at=time.time() - 3600)
    right = signature(body, NEW)
    attempts = {
        "no signature": post(body),
        "another secret": post(body, f"X-Fx-Signature: {signature(body, 'guess')}"),
        "another body": post(body.replace(b"5f", b"60"), f"X-Fx-Signature: {right}"),
        "an old push, well signed": post(old, f"X-Fx-Signature: {signature(old, NEW)}"),
        "an empty signature": post(body, "X-Fx-Signature: "),
        "two signatures, the second right": post(body, "X-Fx-Signature: 00", f"X-Fx-Signature: {right}"),
        "two signatures, the first right": post(body, f"X-Fx-Signature: {right}", "X-Fx-Signature: 00"),
        "underscores for dashes": post(body, f"X_Fx_Signature: {right}"),
    }
    assert {name: status(ask(attempt)) for name, attempt in attempts.items()} == dict.fromkeys(attempts, 403)
    assert kept(store) == 0


def test_requests_that_two_servers_could_read_differently_are_refused(ask: Ask, store: Store) -> None:
    body = push()
    right = f"X-Fx-Signature: {signature(body, NEW)}"
    attempts = [
        post(body, right, "Content-Length: 5"),
        post(body, right, "Transfer-Encoding: chunked"),
        post(body, right, "Transfer-Encoding: xchunked"),
        post(body, right).replace(b"Content-Length: ", b"Content-Length: +"),
        post(body, right).replace(b"Content-Length: ", b"Content-Length : "),
        post(body, right, "X-Folded: a\r\n b").replace(b"Host: x\r\n", b"Host: x\r\nbroken line\r\n"),
    ]
    for attempt in attempts:
        answer = ask(attempt)
        assert answer == b"" or status(answer) >= 400, (attempt[:200], answer[:200])
    assert kept(store) == 0


def test_a_body_over_the_limit_is_refused_unread(ask: Ask, store: Store) -> None:
    assert status(ask(post(b"", length=BODY_BYTES_MAX + 1))) == 413
    assert status(ask(post(b"{" * 100, length=100 * 1024**3))) == 413
    chunked = "POST /hooks/crm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status(ask(chunked.encode() + b"200000\r\n" + b"x" * 0x200000 + b"\r\n0\r\n\r\n")) >= 400
    assert kept(store) == 0


def test_a_deep_body_is_no_push_and_breaks_nothing(ask: Ask, store: Store) -> None:
    for body in (b"[" * 500_000, b'{"a":' * 100_000, b'{"timestamp": 1' + b"0" * 5000 + b"}", b"\xff\xfe", b"null"):
        assert status(ask(post(body, "X-Fx-Signature: 00"))) in (400, 403)
    assert kept(store) == 0
    body = push()
    assert status(ask(post(body, f"X-Fx-Signature: {signature(body, NEW)}"))) == 202


def test_slow_callers_do_not_keep_others_out(port: int, ask: Ask, store: Store) -> None:
    """More connections than there are threads, none of which sends its body: a proper push is answered all the same."""
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(6)]
    try:
        for line in slow:
            line.sendall(post(b"{", length=100))
        body = push()
        assert status(ask(post(body, f"X-Fx-Signature: {signature(body, NEW)}"))) == 202
        for line in slow:  # each is closed by the server, not by us
            line.settimeout(20)
            assert b"202" not in line.recv(4096)
    finally:
        for line in slow:
            line.close()
    assert kept(store) == 1


@pytest.mark.parametrize("path", ["/hooks/../hooks/crm", "/hooks/crm/", "/hooks/CRM", "/hooks/crm%00", "/hooks/erp"])
def test_other_paths_are_nothing(ask: Ask, store: Store, path: str) -> None:
    body = push()
    request = post(body, f"X-Fx-Signature: {signature(body, NEW)}").replace(b"/hooks/crm ", f"{path} ".encode())
    assert status(ask(request)) in (400, 404)
    assert kept(store) == 0
