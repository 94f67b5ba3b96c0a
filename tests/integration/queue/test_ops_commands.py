"""`ledgerbridge ops` and `restored` in this process, in a workspace with a few writes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from far_books import create, intent, update

from ledgerbridge.cli.main import main
from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import OpState, Rejected, Unknown
from ledgerbridge.queue.engine import Engine
from ledgerbridge.store import Store, audit, facts, operations

WORKSPACE = """
[workspace]
name = "测试公司"
actor = "wang"
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three writes: one refused, one whose outcome is unknown, one that waits for its turn."""
    from test_queue_worker import Scripted

    for name in [name for name in os.environ if name.startswith("LEDGERBRIDGE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "ledgerbridge.toml").write_text(WORKSPACE, "utf-8")
    with Store.create(tmp_path / "ledgerbridge.db") as store:
        clock = SystemClock()
        with store.writing() as tx:
            intents = [intent(create("a")), intent(update("u", "新名称")), intent(create("c"), create("a"))]
            operations.add(tx, "plan1", intents, OpState.READY, clock.now())
        carrier = Scripted([Rejected("会计期间已结账", "4711"), Unknown("no answer")])
        engine = Engine(store, {"erp": carrier}, clock, owner="w")
        assert engine.run("erp")
        assert engine.run("erp")
    return tmp_path


def run(workspace: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main([*arguments, "--json", "-w", str(workspace)])
    return code, json.loads(capsys.readouterr().out)


def test_dead_letters_come_first_and_make_it_a_finding(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(workspace, capsys, "ops", "list")
    assert code == 1
    assert told["counts"] == {"rejected": 1, "ready": 1, "uncertain": 1}
    assert [(one["id"], one["state"], one["needs_person"]) for one in told["operations"]] == [
        (1, "rejected", True),
        (3, "ready", False),
        (2, "uncertain", False),
    ]
    assert told["operations"][1]["waits_for"] == 1
    for given, expected in (
        (("--state", "ready"), [3]),
        (("--system", "crm"), []),
        (("--kind", "invoice"), []),
        (("--plan", "plan1", "--limit", "2"), [1, 3]),
    ):
        assert [one["id"] for one in run(workspace, capsys, "ops", "list", *given)[1]["operations"]] == expected


@pytest.mark.parametrize(("language", "words"), [("zh", "被拒绝, 需人工"), ("en", "refused: a person decides")])
def test_people_read_it_in_their_language(
    language: str, words: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = WORKSPACE + f'language = "{language}"\n'
    (workspace / "ledgerbridge.toml").write_text(text, "utf-8")
    assert main(["ops", "list", "-w", str(workspace)]) == 1
    shown = capsys.readouterr().out
    assert words in shown
    assert "会计期间已结账" in shown
    assert main(["ops", "show", "2", "-w", str(workspace)]) == 0
    shown = capsys.readouterr().out
    assert "新名称" in shown
    assert "unknown" in shown


def test_one_is_shown_with_what_it_changes_and_what_was_tried(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(workspace, capsys, "ops", "show", "1")
    assert code == 1
    assert told["change"]["fields"][0]["after"] == "a"
    assert [(tried["what"], tried["outcome"], tried["code"]) for tried in told["attempts"]] == [
        ("send", "rejected", "4711")
    ]
    assert main(["ops", "show", "99", "-w", str(workspace)]) == 2


def test_retrying_and_discarding_are_signed(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(workspace, capsys, "ops", "retry", "1", "--why", "the period is open again")
    assert (code, told) == (0, {"id": 1, "state": "ready"})
    assert run(workspace, capsys, "ops", "list")[0] == 0
    assert main(["ops", "retry", "1", "--why", "again", "-w", str(workspace)]) == 1
    assert "wait for people" in capsys.readouterr().err
    assert main(["ops", "discard", "2", "--why", " ", "-w", str(workspace)]) == 2
    capsys.readouterr()
    with Store.open(workspace / "ledgerbridge.db") as store, store.reading() as tx:
        last = list(audit.entries(tx, subject="operation/1"))[-1]
    assert (last.actor, last.action, last.details["why"]) == ("wang", "operation retried", "the period is open again")


def test_discarding_takes_along_what_waits_for_it(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(workspace, capsys, "ops", "discard", "1", "--why", "entered by hand", "--as", "li")
    assert (code, told) == (0, {"id": 1, "state": "cancelled", "along": [3]})
    code, told = run(workspace, capsys, "ops", "list")
    assert (code, told["counts"]) == (0, {"uncertain": 1})


def test_restored_is_counted_and_kept(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(workspace, capsys, "restored") == (0, {"epoch": 1, "unfinished": 2})
    assert run(workspace, capsys, "restored")[1]["epoch"] == 2
    with Store.open(workspace / "ledgerbridge.db") as store, store.reading() as tx:
        assert facts.restore_epoch(tx) == 2
        assert [entry.action for entry in audit.entries(tx, subject="workspace")] == ["database restored"] * 2
