"""Planted secrets through everything that the product does, as real processes over real sockets: found nowhere (invariant 10).

The far sides fail in every way they know, and answer every seventh request by repeating it whole: token, signature, password.
"""

from __future__ import annotations

import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.sandbox.launch import Sandbox, start

from . import canaries
from .conftest import Eavesdropper, Told

WRONG = {
    "erp_app_secret": 'kanarie-1/u8 &%41=+"ä金',
    "bip_app_secret": 'kanarie-2/bip &%42=+"ö金',
    "crm_app_secret": 'kanarie-3/fx &%43=+"ü金',
    "crm_permanent_code": 'kanarie-4/code &%44=+"ß金',
    "zoho_client_secret": 'kanarie-5/zoho &%45=+"é金',
    "zoho_refresh_token": 'kanarie-6/refresh &%46=+"è金',
}
DATABASE = "kanarie-7-database%2Fx"
BROKER = "kanarie-8-broker"
HOOK = "kanarie-9-webhook-secret"
FAULTS = (
    "cut_before",
    "half_body",
    "http_500",
    "html_page",
    "redirect",
    "token_expired",
    "unknown_code",
    "error_in_200",
)


@pytest.fixture
def sandbox(tmp_path: Path, ear: Eavesdropper) -> Iterator[Sandbox]:
    with start(seed=5, customers=4, months=1, folder=tmp_path / "sandbox") as running:
        ear.listen(running)
        yield running
    assert running.failures() == {}


@pytest.fixture
def told(sandbox: Sandbox, tmp_path: Path) -> Told:
    folder = make_workspace(sandbox.settings_path, tmp_path / "ws")
    (folder / "secrets" / "hook").write_text(HOOK, "utf-8")
    file = folder / "ledgerbridge.toml"
    more = 'webhook_secret = { file = "secrets/hook" }'
    text = file.read_text("utf-8").replace("[systems.crm.settings]", f"[systems.crm.settings]\n{more}")
    file.write_text(text + '\n[queue]\nbroker = { env = "LB_BROKER" }\n', "utf-8")
    broker = f"amqp://ledger:{BROKER}@127.0.0.1:1/books"
    return Told(folder, {"LEDGERBRIDGE_LOG__LEVEL": "debug", "LB_BROKER": broker})


def storm(sandbox: Sandbox, rate: float) -> None:
    for running in sandbox.running.values():
        running.emulator.faults.schedule(3, dict.fromkeys(FAULTS, rate))


def calm(sandbox: Sandbox) -> None:
    for running in sandbox.running.values():
        running.emulator.faults.clear()
        running.emulator.faults.schedule(3, {})


def nothing_shown(told: Told, secrets: dict[str, str], folder: Path) -> None:
    assert told.output
    assert told.command_lines
    for shown in [*told.output, *told.command_lines]:
        assert canaries.hits(secrets, shown) == []
    seen: set[str] = set()
    for place, content in canaries.files(folder, leave_out=["secrets"]):
        seen.add(place)
        assert canaries.hits(secrets, content) == [], place
    assert f"{folder}/ledgerbridge.toml" in seen


@pytest.mark.timeout(300)
def test_no_secret_is_shown_by_anything(sandbox: Sandbox, told: Told, ear: Eavesdropper, free_port: int) -> None:
    given = {path.name: path.read_text("utf-8") for path in (told.folder / "secrets").iterdir()}
    assert set(WRONG) <= set(given)
    for name, secret in WRONG.items():
        (told.folder / "secrets" / name).write_text(secret, "utf-8")
    ear.echo_every = 3
    assert told.tour(["doctor"], ["pull"]) == [3, 3]
    for name, secret in given.items():
        (told.folder / "secrets" / name).write_text(secret, "utf-8")

    ear.echo_every = 7
    storm(sandbox, 0.05)
    told.run("pull")
    calm(sandbox)
    ear.echo_every = 0
    codes = told.tour(["sync", "customers_zoho", "--json"], ["reconcile"], ["config", "explain"])
    assert set(codes) <= {0, 1}

    assert ear.echoed > 5
    out = told.folder / "out"
    out.mkdir()
    codes = told.tour(
        ["report", "all"],
        ["statement", "batch", "--month", "2026-10", "--format", "all", "--freeze"],
        ["aging"],
        ["exceptions", "report", "--to", str(out / "exceptions.xlsx")],
        ["export", "customer", "erp", "--raw", "--to", str(out / "raw.jsonl")],
        ["export", "customer", "zoho", "--to", str(out / "flat.xlsx")],
        ["quarantine", "list", "--json"],
        ["runs", "list", "--json"],
        ["ops", "list", "--json"],
    )
    assert set(codes) <= {0, 1}, list(zip(codes, told.output[-2:], strict=False))
    serving(told, free_port)

    secrets = {**given, **{f"wrong {name}": value for name, value in WRONG.items()}, **ear.issued}
    secrets |= {"broker": BROKER, "hook": HOOK}
    assert len(ear.issued) >= 4, "no token was ever given out: the check would look for nothing"
    nothing_shown(told, secrets, told.folder)
    for place, content in canaries.columns(f"sqlite:///{told.folder / 'ledgerbridge.db'}"):
        assert canaries.hits(secrets, content) == [], place


def serving(told: Told, port: int) -> None:
    """`serve` for a moment: a forged call that carries the secret itself, and a broker that is away."""
    process = told.start("serve", "--port", str(port))
    try:
        end = time.monotonic() + 60
        while answered(port, "/readyz") != 200:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "it never became ready"
            time.sleep(0.1)
        told.command_lines |= canaries.command_lines()
        assert answered(port, f"/hooks/crm?secret={HOOK}", b"{}", **{"X-Fx-Signature": HOOK}) == 400
        process.send_signal(signal.SIGTERM)
        assert told.ended(process) == 0
    finally:
        process.kill()
        process.wait()


def answered(port: int, path: str, body: bytes | None = None, **headers: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 (our own port)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.mark.postgres
def test_the_databases_password_is_shown_by_nothing(
    sandbox: Sandbox, told: Told, ear: Eavesdropper, postgres_address: str
) -> None:
    url = sa.make_url(postgres_address).set(password=DATABASE)
    addresses = {"HERE": url, "AWAY": url.set(port=1), "MISSING": url.set(database="lb_no_such_database")}
    ear.echo_every = 9
    codes = told.tour(
        ["HERE", "pull", "erp", "customer"],
        ["HERE", "status"],
        ["HERE", "config", "explain", "database", "--json"],
        ["AWAY", "status"],
        ["AWAY", "doctor", "--json"],
        ["MISSING", "status", "--json"],
        **{name: one.render_as_string(hide_password=False) for name, one in addresses.items()},
    )
    assert codes[2:] == [0, 3, 3, 3]
    secrets = {"database": DATABASE, **ear.issued}
    secrets |= {path.name: path.read_text("utf-8") for path in (told.folder / "secrets").iterdir()}
    nothing_shown(told, secrets, told.folder)
    for place, content in canaries.columns(sa.make_url(postgres_address).set(drivername="postgresql+psycopg")):
        assert canaries.hits(secrets, content) == [], place


@pytest.mark.parametrize("secret", ["abcdefgh", 'kanarie &%=+"金', "x" * 40])
def test_the_search_finds_every_spelling(secret: str) -> None:
    """The instrument itself: a secret in any spelling, also inside of longer base64, is found."""
    import base64

    for before in range(5):
        packed = base64.b64encode(b"u" * before + secret.encode() + b" and more")
        assert canaries.hits({"it": secret}, b"log " + packed + b" end"), before
    for spelling in canaries.spellings(secret):
        assert canaries.hits({"it": secret}, b"<" + spelling + b">")
    assert canaries.hits({"it": secret}, b"nothing of it") == []
