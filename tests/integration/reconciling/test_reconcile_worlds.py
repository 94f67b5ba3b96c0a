"""Whole worlds, linked by the machine and reconciled by command: everything planted is found, nothing else, no money misplaced;
and every command that reads what came of it.

``LEDGERBRIDGE_RECONCILE_SEEDS=50`` judges that many further worlds instead of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest

from ledgerbridge.bootstrap import open_app
from ledgerbridge.cli.demo_score import Score, read_truth, scored
from ledgerbridge.cli.main import main
from ledgerbridge.cli.reconciling import reconcile_now
from ledgerbridge.cli.sandboxing import make_workspace
from ledgerbridge.model.base import Kind
from ledgerbridge.sandbox import launch
from ledgerbridge.store import allocations, copies
from ledgerbridge.sync.importing import ImportedFile
from ledgerbridge.sync.pull import pull_all
from ledgerbridge.testing.fakes import FakeClock

pytestmark = pytest.mark.xdist_group("reconcile_world")  # one world for all
SEEDS = int(os.environ.get("LEDGERBRIDGE_RECONCILE_SEEDS", "1"))
DAY = "2026-10-31"
Run = Callable[..., tuple[int, Any]]


class Reconciled(NamedTuple):
    """A world that was read and reconciled; its far sides are gone."""

    workspace: Path
    truth: dict[str, Any]
    score: Score


def reconciled(folder: Path, seed: int, customers: int, months: int) -> Reconciled:
    with launch.start(seed=seed, customers=customers, months=months, folder=folder / "sandbox") as running:
        workspace = make_workspace(running.settings_path, folder / "workspace")
        app = open_app(workspace, clock=FakeClock(datetime.now(UTC)))
        try:
            pull_all(app.store, [app.source(name, full=False, sweep=False) for name in app.workspace.tree.systems])
            for path in sorted((folder / "sandbox" / "files").glob("bank_*")):
                imported = ImportedFile(path, Kind.PAYMENT, {"wire_type": "bank_statement"})
                pull_all(app.store, [app.import_source("bank", imported, None)], action="import")
            summary = reconcile_now(app, as_of=running.world.last_day).summary
            assert not summary.unexplained
            truth = read_truth(folder / "sandbox" / "truth.json")
            with app.store.reading() as tx:
                return Reconciled(workspace, truth, scored(tx, truth))
        finally:
            app.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Reconciled:
    return reconciled(tmp_path_factory.mktemp("world"), seed=21, customers=20, months=3)


@pytest.fixture
def command(world: Reconciled, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the world's workspace: its exit code and its JSON document."""
    monkeypatch.setenv("LEDGERBRIDGE_LOG__LEVEL", "error")
    monkeypatch.setenv("LEDGERBRIDGE_WORKSPACE", str(world.workspace))

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def judge(score: Score) -> None:
    assert score.planted, "nothing was planted: this proves nothing"
    assert score.pairs.total() > 10, "hardly anything was applied: this proves nothing"
    assert score.perfect, "\n".join(score.lines())


def test_everything_planted_is_found_nothing_else_and_no_money_is_misplaced(world: Reconciled) -> None:
    judge(world.score)


@pytest.mark.parametrize("seed", range(400, 400 + SEEDS))
def test_and_so_in_other_worlds(tmp_path: Path, seed: int) -> None:
    judge(reconciled(tmp_path, seed, customers=30, months=4).score)


def test_the_score_sees_what_is_missed_beside_and_misplaced(world: Reconciled) -> None:
    """The judge itself: with one planted row taken away and one added, it is no longer content."""
    app = open_app(world.workspace)
    try:
        seen = [one for one in world.truth["planted"] if one["system"] == "fxiaoke" and one["record_number"]]
        row = next(one for one in seen if one["finding"] and one["kind_of_record"] == "invoice")
        others = [one for one in world.truth["planted"] if one is not row]
        invented = {**row, "record_number": "XS0"}
        kept = [one for one in world.truth["allocations"] if one["invoice_number"] != _paid(world)]
        with app.store.reading() as tx:
            judged = scored(tx, {**world.truth, "planted": [*others, invented], "allocations": kept})
    finally:
        app.close()
    assert [key[3] for key in judged.missed] == ["XS0"]
    assert [key[3] for key in judged.extra] == [row["record_number"]]
    assert judged.wrong
    assert not judged.perfect


def _paid(world: Reconciled) -> str:
    """A document that a payment names, so that the machine has applied it."""
    counts = [one for one in world.truth["allocations"] if one["currency"] == "CNY"]
    app = open_app(world.workspace)
    try:
        with app.store.reading() as tx:
            numbers = {f"invoice/{one.ref.external_id}": one.number for one in copies.every(tx, "erp", Kind.INVOICE)}
            rows = [row for _, found in allocations.every(tx, "erp") for row in found]
    finally:
        app.close()
    applied = {numbers.get(row.debit_id) for row in rows if row.credit_id.startswith("payment/")}
    return next(str(one["invoice_number"]) for one in counts if one["invoice_number"] in applied)


def test_reconcile_again_by_command(command: Run, world: Reconciled) -> None:
    code, told = command("reconcile", "--as-of", DAY)
    assert code == 1, "there are findings"
    assert told["customers_worked_out"] == 0
    assert all(scope["new"] == scope["gone"] == 0 for scope in told["scopes"])
    assert set(told["banks"]) == {"bank"}
    code, told = command("reconcile", "--as-of", "2026-09-15")
    assert not told["recorded"]
    code, told = command("reconcile", "--customer", "no such customer")
    assert code == 1
    assert told["error"] == "ActRefused"


def test_explain_by_command(command: Run, world: Reconciled) -> None:
    number = world.truth["allocations"][0]["receipt_number"]
    code, told = command("match", "explain", number, "--as-of", DAY)
    assert code == 0
    assert told["payments"][0]["passes"]
    serial = next(one["bank_serial"] for one in world.truth["allocations"] if one["bank_serial"])
    code, told = command("match", "explain", serial)
    assert (code, told["bank_rows"][0]["outcome"]) == (0, "booked")
    assert command("match", "explain", "SK404")[0] == 1


def test_aging_and_reports_by_command(command: Run, world: Reconciled, tmp_path: Path) -> None:
    code, told = command("aging", "--as-of", DAY, "--by", "salesperson", "--xlsx", str(tmp_path / "a.xlsx"))
    assert code == 0
    assert (tmp_path / "a.xlsx").stat().st_size > 5_000
    totals = {row["currency"]: row["total_minor"] for row in told["totals"]}
    held = world.truth["systems"]["yonyou_u8"]["balances"]
    assert {key: minor for key, minor in totals.items() if minor} == {key: m for key, m in held.items() if m}
    assert command("aging", "--xlsx", "a.txt")[0] == 2
    code, told = command("report", "all", "--as-of", DAY, "--out", str(tmp_path / "reports"))
    assert code == 0
    assert len(told["files"]) == 6
    assert all(Path(path).stat().st_size > 100 for path in told["files"])
    told = command("exceptions", "report", "--to", str(tmp_path / "e.xlsx"), "--customer", "nobody")[1]
    assert told["exceptions"] == 0
    for path in (tmp_path / "e.xlsx", next((tmp_path / "reports").glob("exceptions-*.xlsx"))):
        rows = list(openpyxl.load_workbook(path)["汇总"].iter_rows(max_col=4, values_only=True))
        gaps, sums = ([row[2:] for row in rows if row[0] == label] for label in ("差额", "原因合计"))
        assert gaps == sums
        assert any(gap[1] for gap in gaps), "no gap: this proves nothing"


def test_statements_by_command(command: Run, world: Reconciled, tmp_path: Path) -> None:
    held = world.truth["systems"]["yonyou_u8"]["balances"]
    code, made = command("statement", "batch", "--month", "2026-10", "--format", "json", "--out", str(tmp_path))
    sums: dict[str, int] = {}
    for row in made:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["closing_minor"]
    assert code == 0
    assert {key: minor for key, minor in sums.items() if minor} == {key: minor for key, minor in held.items() if minor}
    whom = made[0]["customer"]
    period = ["--from", "2026-09-01", "--to", DAY, "--format", "all", "--freeze"]
    code, first = command("statement", "make", whom, *period, "--out", str(tmp_path / "1"), "--as", "李会计")
    assert code == 0
    code, second = command("statement", "make", whom, *period, "--out", str(tmp_path / "2"), "--as", "王会计")
    assert first[0]["frozen"] == second[0]["frozen"], "nothing has changed: the copy that was sent stands"
    copy_id = first[0]["frozen"]
    code, _ = command("statement", "remake", copy_id, "--format", "all", "--out", str(tmp_path / "3"))
    assert code == 0
    for path in map(Path, first[0]["files"]):
        again = [(tmp_path / folder / path.name).read_bytes() for folder in ("2", "3")]
        assert [path.read_bytes()] * 2 == again
    assert copy_id in {row["id"] for row in command("statement", "list")[1]}
    assert command("statement", "show", copy_id)[1]["frozen_by"] == "李会计"
    assert command("statement", "diff", copy_id)[0] == 0
    assert command("statement", "show", "ffffffff")[0] == 1
    assert command("statement", "make", whom, "--month", "2026-13")[0] == 2
    assert command("statement", "make", whom)[0] == 2
    assert command("statement", "make", "no such customer", "--month", "2026-10")[0] == 1
    currency = ["--currency", made[0]["currency"]]
    code, told = command(
        "statement", "compare", whom, "--theirs", "crm", "--month", "2026-10", "--out", str(tmp_path), *currency
    )
    assert code == 1, "the CRM holds all customers, so that the sides differ"
    assert sum(cause["minor"] for cause in told["causes"]) == told["difference_minor"]


def test_for_people_too(world: Reconciled, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGERBRIDGE_LOG__LEVEL", "error")
    monkeypatch.setenv("LEDGERBRIDGE_WORKSPACE", str(world.workspace))
    assert main(["reconcile", "--as-of", DAY]) == 1
    shown = capsys.readouterr().out
    assert "按附言单号" in shown
    assert "erp ↔ crm" in shown
    assert "未解释" in shown
    assert main(["aging", "--as-of", DAY]) == 0
    assert "应收账龄" in capsys.readouterr().out


def test_without_any_data_commands_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "empty"
    assert main(["init", str(folder)]) == 0
    for command in (["reconcile"], ["aging"], ["statement", "batch", "--month", "2026-10"]):
        capsys.readouterr()
        assert main([*command, "--workspace", str(folder), "--json"]) == 2
        assert "no systems yet" in json.loads(capsys.readouterr().out)["message"]
