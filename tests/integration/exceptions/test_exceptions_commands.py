"""The commands of exceptions, from the command line's entry to the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from exception_cases import SCOPE, finding

from ledgerbridge.bootstrap import open_app
from ledgerbridge.cli import main as cli
from ledgerbridge.model.exception import Act, Code, Remedy, Severity, State, Why
from ledgerbridge.reports import exception_words
from ledgerbridge.reports.exception_columns import COLUMNS
from ledgerbridge.sync.exceptions import record

SETTINGS = """
[workspace]
name = "测试公司"
actor = "王芳"
[exceptions]
waive_limit = { CNY = "50.00" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ledgerbridge.toml").write_text(SETTINGS, "utf-8")
    app = open_app(tmp_path, environ={})
    found = [finding("A", "600.00"), finding("B", "20.00"), finding("C", None, code=Code.OVERDUE, fields=())]
    with app.store.writing() as tx:
        record(tx, SCOPE, found, app.clock.now())
    app.close()
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: str, text: bool = False) -> tuple[int, Any]:
        capsys.readouterr()
        tail = () if text else ("--json",)
        code = cli.main(["exceptions", *arguments, "--workspace", str(folder), *tail])
        out = capsys.readouterr().out
        return code, out if text else json.loads(out)

    return command


def ids(run: Any) -> dict[str, str]:
    _, listed = run("list")
    return {one["finding"]["number"]: one["id"] for one in listed["exceptions"]}


def test_the_list_is_narrowed_and_amounts_are_texts(run: Any) -> None:
    code, listed = run("list", "--min-amount", "100", "--system", "crm", "--customer", "海风", "--owner", "")
    assert (code, listed["total"]) == (1, 1)
    assert listed["exceptions"][0]["difference"] == {"amount": "600.00", "currency": "CNY"}
    assert run("list", "--state", "waived") == (0, {"total": 0, "exceptions": []})
    assert run("list", "--min-amount", "nan")[0] == 2
    assert "金额不符" in run("list", text=True)[1]


def test_acts_are_kept_under_who_did_them(run: Any) -> None:
    by = ids(run)
    assert run("assign", by["A"], "李雷")[1]["state"] == "taken"
    assert run("decide", by["A"][:8], "take_erp_amount", "--field", "total", "--as", "李雷")[0] == 0
    assert run("comment", by["A"], "已发邮件")[0] == 0
    assert run("waive", by["A"], "--why", "x")[1]["waits_for_second"] is True
    code, refused = run("waive", by["A"], "--why", "x")
    assert (code, refused["error"]) == (1, "ActRefused")
    assert run("waive", by["A"], "--why", "x", "--as", "张总")[1]["state"] == "waived"
    assert run("reopen", by["A"], "--why", "y")[1]["state"] == "open"
    assert run("settle", by["B"], "--text", "z")[1]["state"] == "settled"
    _, shown = run("show", by["A"])
    assert [(event["actor"], event["act"]) for event in shown["events"]] == [
        ("王芳", "assigned"),
        ("李雷", "decided"),
        ("王芳", "commented"),
        ("王芳", "waiver_asked"),
        ("张总", "waived"),
        ("王芳", "reopened"),
    ]
    assert "take_erp_amount" in shown["remedies"]
    text = run("show", by["A"], text=True)[1]
    assert "申请豁免" in text
    assert "已发邮件" in text
    assert run("show", "zz")[0] == 1


def test_a_report_goes_out_and_comes_back(run: Any, folder: Path) -> None:
    path = folder / "r.xlsx"
    assert run("report", "--to", str(path), "--code", "amount_differs")[1]["exceptions"] == 2
    assert run("import", str(path))[0] == 0
    book = openpyxl.load_workbook(path)
    page = book["金额不符"]
    heads = {str(cell.value): cell.column for cell in page[1]}
    page.cell(2, heads["处理"]).value = "询问客户"
    page.cell(3, heads["差异金额"]).value = 1
    book.save(path)
    code, shown = run("import", str(path), "--yes")
    assert (code, shown["applied"], len(shown["acts"]), len(shown["refused"])) == (1, False, 1, 1)
    assert "询问客户" in run("import", str(path), text=True)[1]
    code, done = run("import", str(path), "--yes", "--partial")
    assert (code, done["applied"]) == (1, True)
    assert run("list", "--state", "taken")[1]["total"] == 1
    assert run("report", "--to", str(folder / "r.csv"))[0] == 2
    assert run("report", "--to", str(path), "--language", "fr")[0] == 2
    assert run("import", str(folder / "none.xlsx"))[0] == 2


def test_everything_has_a_word_in_both_languages() -> None:
    keys: list[Any] = [*Code, *Remedy, *State, *Severity, *Act, *Why, *(f"col_{column.key}" for column in COLUMNS)]
    for key in keys:
        zh, en = exception_words.WORDS[str(key)]
        assert zh != en


def test_no_two_choices_and_no_two_sheets_share_a_name() -> None:
    for language in ("zh", "en"):
        choices = [exception_words.word(key, language) for key in (*Remedy, "settle", "waive", "reopen")]
        sheets = [exception_words.word(key, language) for key in (*Code, "summary", "by_customer", "choices")]
        assert len(set(choices)) == len(choices)
        assert len(set(sheets)) == len(sheets)
        assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in sheets)
