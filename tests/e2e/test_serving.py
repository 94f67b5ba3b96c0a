"""`serve` as an operator runs it: a process that answers, runs its schedules and ends in order."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

TOML = """
[workspace]
name = "测试公司"

[serve]
pull = "* * * * *"

[systems.bank]
connector = "sheets"
[[systems.bank.settings.files]]
path = "customers.csv"
kind = "customer"

[systems.crm]
connector = "fxiaoke"
pull = []
[systems.crm.settings]
app_id = "FSAID_1"
app_secret = { env = "CRM_SECRET" }
permanent_code = { env = "CRM_CODE" }
acting_user = "1000"
webhook_secret = { env = "CRM_HOOK" }
"""
SECRETS = {"CRM_SECRET": "canary-secret-1", "CRM_CODE": "canary-secret-2", "CRM_HOOK": "canary-secret-3"}


@pytest.fixture
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ledgerbridge.toml").write_text(TOML, "utf-8")
    (tmp_path / "customers.csv").write_text("客户编码,客户名称\n001,甲公司\n", "utf-8")
    return tmp_path


@pytest.fixture
def process(workspace: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "ledgerbridge.cli.main", "serve", "-w", str(workspace), "--port", str(port)]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **SECRETS})
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def ask(port: int, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 (our own port)
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def until_it_answers(port: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            if ask(port, "/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail("it never became ready")


@pytest.mark.enable_socket
def test_it_answers_refuses_what_is_forged_and_ends_in_order(
    process: subprocess.Popen[str], port: int, workspace: Path
) -> None:
    until_it_answers(port, process)
    assert ask(port, "/healthz") == (200, b'{"ok": true, "status": "alive"}')
    metrics = ask(port, "/metrics")[1].decode()
    assert "ledgerbridge_process_silence_seconds" in metrics
    assert ask(port, "/hooks/crm", b"{}")[0] == 400
    assert ask(port, "/hooks/bank", b"{}")[0] == 404
    forged = {"objectApiName": "AccountObj", "objectId": "1", "timestamp": int(time.time() * 1000), "nonce": "n" * 12}
    assert ask(port, "/hooks/crm", json.dumps(forged).encode())[0] == 403
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events[0] == "serving"
    assert events[-1] == "stopped in order"
    assert "webhook refused" in events
    for secret in SECRETS.values():
        assert secret not in log
