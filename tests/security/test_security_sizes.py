"""Inputs made to exhaust us: refused by a deliberate error, in little memory, and the next command works."""

from __future__ import annotations

import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ledgerbridge.cli.main import main
from ledgerbridge.errors import LedgerbridgeError
from ledgerbridge.mapping.yamltext import read_yaml
from ledgerbridge.model.wirejson import WireError, loads
from ledgerbridge.reports.decisions_xlsx import read_decisions

MEMORY_MAX = 700 * 1024 * 1024


@pytest.mark.parametrize("text", [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000])
def test_json_of_any_depth_is_refused_or_read_but_never_breaks(text: bytes) -> None:
    with pytest.raises(WireError):
        loads(text)


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [*{chr(97 + at)}, *{chr(97 + at)}]\n" for at in range(20)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LAUGHS, "anchors and aliases"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("!!python/object/apply:os.system [id]", "tags"),
        ("a: 1\n" * 300_000, "larger than"),
        ("? [a, b]\n: 1\n", "plain text"),
    ],
)
def test_a_mapping_is_small_plain_yaml(text: str, says: str) -> None:
    faults = read_yaml(text).faults
    assert says in " ".join(why for _, why in faults)


def limited(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process that may not take more memory than a small machine has."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))

    return subprocess.run(
        [sys.executable, "-m", "ledgerbridge.cli.main", *arguments, "-w", str(folder)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ledgerbridge.toml").write_text("", "utf-8")
    return tmp_path


def test_a_csv_with_twenty_thousand_columns_is_told_in_bounded_memory(workspace: Path) -> None:
    head = "客户编码,客户名称" + "," * 20_000
    (workspace / "wide.csv").write_text(f"{head}\n001,甲公司\n", "utf-8")
    ran = limited(workspace, "import", str(workspace / "wide.csv"), "-k", "customer", "-s", "list")
    assert ran.returncode in (0, 1, 2), ran.stderr[-500:]
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep", "a = " + "[" * 20_000),
        ("keys", ".".join(["a"] * 1_000) + " = 1"),
        ("nul", "name = '\x00'"),
    ],
)
def test_a_workspace_file_that_is_a_bomb_is_told(
    workspace: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "ledgerbridge.toml").write_text(text, "utf-8")
    assert main(["status", "-w", str(workspace)]) == 2
    assert "ledgerbridge.toml" in capsys.readouterr().err


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/workbook.xml", "<workbook/>")
        packed.writestr("xl/worksheets/sheet1.xml", "<a>" + " " * 60_000_000)


def _entity(path: Path) -> None:
    doctype = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><workbook>&e;</workbook>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/workbook.xml", doctype)
        packed.writestr("xl/worksheets/sheet1.xml", doctype)


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for at in range(3000):
            packed.writestr(f"xl/{at}", "")


def _climbs(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../../../../tmp/ledgerbridge-escaped", "x")
        packed.writestr("xl/workbook.xml", "<workbook/>")


def _text(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + b"\x00" * 100)


@pytest.mark.parametrize("make", [_bomb, _entity, _many, _climbs, _text])
def test_both_readers_of_workbooks_refuse_what_is_made_to_harm(
    workspace: Path, make: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace / "evil.xlsx"
    assert callable(make)
    make(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LedgerbridgeError):
        read_decisions(path)
    assert main(["import", str(path), "-k", "customer", "-s", "list", "-w", str(workspace)]) in (1, 2)
    assert main(["exceptions", "import", str(path), "-w", str(workspace)]) in (1, 2)
    said = capsys.readouterr()
    assert "root:" not in said.out + said.err
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024
    assert not Path("/tmp/ledgerbridge-escaped").exists()


@pytest.mark.parametrize("name", ["../../outside", "a/b", "..", "x" * 33, "", "a\x00"])
def test_an_imports_system_is_a_plain_name(workspace: Path, name: str) -> None:
    (workspace / "c.csv").write_text("客户编码,客户名称\n001,甲\n", "utf-8")
    assert main(["import", str(workspace / "c.csv"), "-k", "customer", "-s", name, "-w", str(workspace)]) == 2
    assert not (workspace / "ledgerbridge.db").exists()


@pytest.mark.parametrize("target", ["none/there/x.csv", "x.exe", "", "/proc/x.csv", "x\x00.csv"])
def test_a_file_that_cannot_be_written_is_told(workspace: Path, target: str) -> None:
    (workspace / "c.csv").write_text("客户编码,客户名称\n001,甲\n", "utf-8")
    assert main(["import", str(workspace / "c.csv"), "-k", "customer", "-s", "list", "-w", str(workspace)]) == 0
    to = target if target.startswith("/") else str(workspace / target)
    assert main(["export", "customer", "list", "--to", to, "-w", str(workspace)]) == 2


def test_a_secret_may_lie_anywhere_but_must_be_small_and_there(workspace: Path) -> None:
    """A reference may name any file (secret stores mount theirs outside); what is read is bounded and never shown."""
    (workspace / "big").write_text("canary" * 20_000, "utf-8")
    for name in ("../nowhere/secret", "/etc", "big", "a\x00b", "/dev/null"):
        quoted = name.replace("\x00", "\\u0000")
        settings = f'app_key = "k"\ntenant_id = "t"\napp_secret = {{ file = "{quoted}" }}'
        (workspace / "ledgerbridge.toml").write_text(
            f'[systems.erp]\nconnector = "yonyou_bip"\n[systems.erp.settings]\n{settings}\n', "utf-8"
        )
        assert main(["pull", "-w", str(workspace)]) in (2, 3), name
