"""The command line against far sides over real sockets: what goes wrong there is told, and the rest of the run is done."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.sandbox.launch import Sandbox, start

from .conftest import Bench


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with start(seed=5, customers=6, months=1, folder=tmp_path / "sandbox") as running:
        yield running
    assert running.failures() == {}


@pytest.fixture
def connected(sandbox: Sandbox, tmp_path: Path) -> Bench:
    return Bench(make_workspace(sandbox.settings_path, tmp_path / "ws"))


def streams(document: dict[str, object]) -> dict[tuple[str, str], bool]:
    steps = document["steps"]
    assert isinstance(steps, list)
    return {(step["system"], step["kind"]): step["certificate"]["complete"] and step["ties"] for step in steps}


def test_everything_is_read_and_the_two_erps_agree_to_the_fen(connected: Bench) -> None:
    assert connected.run("doctor").code == 0
    ran = connected.run_apart("pull", "--json")
    assert ran.code in (0, 1)
    done = streams(ran.json())
    assert all(done.values())
    assert {system for system, _ in done} == {"erp", "bip", "crm", "zoho", "sheet"}
    closing = {(step["system"], step["kind"]): step["certificate"]["closing"] for step in ran.json()["steps"]}
    for kind in ("customer", "invoice", "payment"):
        assert closing["erp", kind] == closing["bip", kind]
    again = connected.run("pull", "--json")
    assert again.code == 0
    tallies = [tally["bucket"] for step in again.json()["steps"] for tally in step["certificate"]["tallies"]]
    assert set(tallies) <= {"same", "filtered", "quarantined"}


@pytest.mark.parametrize("path", ["/api/", "/system/token"])
def test_a_web_page_instead_of_json_is_told_and_the_other_systems_are_read(
    sandbox: Sandbox, connected: Bench, path: str
) -> None:
    sandbox.running["yonyou_u8"].emulator.faults.fail_next("html_page", path=path, count=1000)
    ran = connected.run("pull", "--json")
    assert ran.code == 3
    assert "no JSON" in next(step["error"] for step in ran.json()["steps"] if step["system"] == "erp")
    done = streams(ran.json())
    assert all(finished for (system, _), finished in done.items() if system != "erp")
    assert ("crm", "payment") in done


def test_a_far_side_that_is_down_is_told_and_the_other_systems_are_read(connected: Bench) -> None:
    text = (connected.folder / "ledgerbridge.toml").read_text("utf-8")
    lines = ['base_url = "http://127.0.0.1:1"' if line.startswith("base_url") else line for line in text.splitlines()]
    connected.write("ledgerbridge.toml", "\n".join(lines))
    ran = connected.run("pull", "--json")
    assert ran.code == 3
    assert "no connection" in ran.out
    assert streams(ran.json())["zoho", "invoice"]
    doctor = connected.run("doctor", "--json")
    assert doctor.code == 3
    problems = {finding["what"]: finding for finding in doctor.json()}
    assert "address" in problems["erp: connection"]["advice"]
    assert problems["zoho: connection"]["problem"] == ""


def test_a_wrong_secret_is_told_without_being_repeated(connected: Bench) -> None:
    connected.write("secrets/zoho_client_secret", "wrong-secret-canary-1")
    ran = connected.run("doctor", "--json")
    assert ran.code == 3
    told = {finding["what"]: finding for finding in ran.json()}["zoho: connection"]
    assert told["problem"]
    assert "canary" not in ran.out + ran.err


def test_no_secret_is_anywhere_after_a_storm_of_faults(sandbox: Sandbox, connected: Bench) -> None:
    rates = dict.fromkeys(
        (
            "cut_before",
            "half_body",
            "http_500",
            "html_page",
            "redirect",
            "token_expired",
            "unknown_code",
            "error_in_200",
        ),
        0.2,
    )
    for running in sandbox.running.values():
        running.emulator.faults.schedule(3, rates)
    secrets = [path.read_text("utf-8") for path in (connected.folder / "secrets").iterdir()]
    assert len(secrets) >= 5
    told = ""
    for _ in range(2):
        ran = connected.run("pull", LEDGERBRIDGE_LOG__LEVEL="debug")
        told += ran.out + ran.err
    assert any(running.emulator.faults.happened for running in sandbox.running.values())
    stored = b"".join(path.read_bytes() for path in connected.folder.glob("ledgerbridge.db*"))
    for secret in secrets:
        assert secret not in told
        assert secret.encode() not in stored
    for line in ran.err.splitlines():
        assert "access_token=" not in line
        if line.startswith("{"):
            assert {"timestamp", "level", "event"} <= set(json.loads(line))


class _Far(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def untrusted() -> Iterator[int]:
    """A TLS server whose certificate nobody vouches for; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), _Far)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_certificate_that_does_not_verify_is_told_with_what_to_do(bench: Bench, untrusted: int) -> None:
    bench.write("secrets/u8", "some-secret-value")
    bench.write(
        "ledgerbridge.toml",
        f"""
[systems.erp]
connector = "yonyou_u8"
[systems.erp.settings]
base_url = "https://127.0.0.1:{untrusted}"
from_account = "a"
to_account = "b"
app_key = "k"
app_secret = {{ file = "secrets/u8" }}
http = {{ private_network = true }}
""",
    )
    ran = bench.run("doctor", "--json")
    assert ran.code == 3
    problem = ran.json()[-1]["problem"]
    assert "does not verify" in problem
    assert "http.ca_file" in problem
    pulled = bench.run("pull")
    assert pulled.code == 3
    assert "does not verify" in pulled.out
