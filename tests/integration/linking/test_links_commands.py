"""`ledgerbridge links` in this process, in a workspace with a few records."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from linking_books import customer, invoice, put

from ledgerbridge.cli.main import main
from ledgerbridge.store import Store

NAME = "杭州江河泵业有限公司"
WORKSPACE = """
[workspace]
name = "测试公司"
actor = "wang"
[systems.crm]
connector = "fxiaoke"
[systems.erp]
connector = "yonyou_u8"
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("LEDGERBRIDGE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "ledgerbridge.toml").write_text(WORKSPACE, "utf-8")
    with Store.create(tmp_path / "ledgerbridge.db") as store:
        put(
            store,
            customer("erp", "1", NAME, code="010001"),
            customer("crm", "a", NAME),
            customer("crm", "b", NAME),
            customer("erp", "2", "宁波蓝海模具有限公司", code="010002", credit_code="91350211M000100Y46"),
            customer("crm", "c", "宁波蓝海模具有限公司", credit_code="91350211M000100Y46"),
            invoice("erp", "9", "XS1", "1"),
            invoice("erp", "8", "XS1", "2"),
        )
    return tmp_path


def run(workspace: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["links", *arguments, "--json", "-w", str(workspace)])
    return code, json.loads(capsys.readouterr().out)


def test_from_refresh_to_decisions(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(workspace, capsys, "refresh")
    assert (code, told["systems"], told["doubts"]) == (1, ["erp", "crm"], 2)
    code, waiting = run(workspace, capsys, "review")
    assert code == 1
    assert [(one["left"]["record"], one["right"]["record"]) for one in waiting] == [
        ("erp/customer/1", "crm/customer/a"),
        ("erp/customer/1", "crm/customer/b"),
    ]
    assert waiting[0]["in_words"] == "另有同样像的记录"
    assert waiting[0]["rivals"] == [{"record": "crm/customer/b", "number": None, "name": NAME}]
    code, told = run(workspace, capsys, "accept", "erp/010001", "crm/customer/a", "--why", "the same tax number")
    assert code == 0
    code, told = run(workspace, capsys, "show", "crm:a")
    assert (code, [one["record"] for one in told["records"]]) == (0, ["crm/customer/a", "erp/customer/1"])
    assert [(one["who"], one["verdict"]) for one in told["decisions"]] == [("wang", "accept")]
    assert run(workspace, capsys, "refresh")[0] == 0
    assert run(workspace, capsys, "review") == (0, [])


def test_refuse_split_merge_orphans(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(workspace, capsys, "refresh")
    assert run(workspace, capsys, "refuse", "erp/010001", "crm/customer/a", "--why", "no")[0] == 0
    assert run(workspace, capsys, "split", "crm/customer/c", "--as", "li")[0] == 0
    code, told = run(workspace, capsys, "refresh")
    assert told["doubts"] == 0, "with one refused the other is the only one"
    code, told = run(workspace, capsys, "show", "erp/010001")
    assert [one["record"] for one in told["records"]] == ["crm/customer/b", "erp/customer/1"]
    code, told = run(workspace, capsys, "merge", "erp/010002", "crm/customer/a")
    assert code == 0
    code, told = run(workspace, capsys, "orphans")
    assert (code, told["orphans"]) == (0, [])
    assert {"kind": "customer", "system": "crm", "records": 1} in told["alone"]


def test_errors_say_what_to_do(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(workspace, capsys, "show", "erp/010001")
    assert (code, told["error"]) == (1, "LinkError")
    assert "links refresh" in told["message"]
    assert "write system/kind/id" in run(workspace, capsys, "show", "nonsense")[1]["message"]
    assert "no record with the id or number" in run(workspace, capsys, "show", "erp/777")[1]["message"]
    assert "there is no record erp/customer/777" in run(workspace, capsys, "show", "erp/customer/777")[1]["message"]
    several = run(workspace, capsys, "show", "erp/XS1")[1]["message"]
    assert "2 records" in several
    assert "erp/invoice/9" in several
    assert run(workspace, capsys, "merge", "0" * 32, "1" * 32)[1]["message"].startswith("there is no entity")


def test_tables_in_both_languages(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["links", "refresh", "-w", str(workspace)])
    assert "待确认" in capsys.readouterr().out
    monkeypatch.setenv("LEDGERBRIDGE_WORKSPACE__LANGUAGE", "en")
    main(["links", "review", "-w", str(workspace)])
    assert "another record fits as well" in " ".join(capsys.readouterr().out.split())
    main(["links", "show", "erp/010002", "-w", str(workspace)])
    assert "credit code same" in " ".join(capsys.readouterr().out.split())
    main(["links", "orphans", "-w", str(workspace)])
    assert "Records that one system alone has" in capsys.readouterr().out


def test_a_leader_that_is_no_system_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = workspace / "ledgerbridge.toml"
    file.write_text(file.read_text("utf-8") + '[identity]\nlead = "sap"\n', "utf-8")
    code, told = run(workspace, capsys, "refresh")
    assert (code, told["error"]) == (2, "ConfigError")
    assert "identity.lead names the system 'sap'" in told["message"]
