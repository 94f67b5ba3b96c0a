"""`plan`, `plans`, `conflicts` and the workbook, in a workspace whose database was filled by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from plan_books import Books, customer, invoice

from ledgerbridge.cli.main import main
from ledgerbridge.cli.output import Exit
from ledgerbridge.model.base import Kind
from ledgerbridge.model.plan import HeldReason, PlanState, Take
from ledgerbridge.reports.plan_words import WORDS
from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FakeClock

Run = Callable[..., tuple[int, Any]]

WORKSPACE = """
[log]
level = "error"
[systems.erp]
connector = "yonyou_u8"
[systems.erp.settings]
from_account = "a"
to_account = "b"
app_key = "c"
app_secret = { env = "NO_SUCH_SECRET" }
[systems.crm]
connector = "fxiaoke"
[systems.crm.settings]
app_id = "FSAID_1"
app_secret = { env = "NO_SUCH_SECRET" }
permanent_code = { env = "NO_SUCH_SECRET" }
acting_user = "1001"
[flows.customers]
kind = "customer"
left = "erp"
right = "crm"
direction = "two_way"
owners = { category = ["manual"] }
[flows.invoices]
kind = "invoice"
left = "erp"
right = "crm"
"""


@pytest.fixture
def folder(tmp_path: Path, sqlite_address: str, clock: FakeClock) -> Path:
    Path(sqlite_address).rename(tmp_path / "ledgerbridge.db")
    (tmp_path / "ledgerbridge.toml").write_text(WORKSPACE, "utf-8")
    with Store.open(tmp_path / "ledgerbridge.db", clock=clock) as store:
        books = Books(store, clock, systems=("erp", "crm")).ready()
        code = "91320508MADA1Q33XX"
        books.put("erp", "C1", customer("C1", credit_code=code, category="01", remark="先付款"))
        books.put("crm", "a1", customer("C1", credit_code=code, category="02"))
        books.put("erp", "oughtreceive:1", invoice("1", "C1", 12_345, due_on=None))
        books.put("crm", "b1", invoice("1", "a1", 2_345))
        books.put("erp", "oughtreceive:2", invoice("2", "C1", 700))
        books.put("erp", "oughtreceive:3", invoice("3", "nobody", 700))
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, Any]:
        code = main([*arguments, "--workspace", str(folder), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return command


def test_plan_tells_every_change_conflict_and_what_is_held(run: Run) -> None:
    code, told = run("plan")
    assert code == Exit.FINDINGS
    customers, invoices = told["plans"]
    assert [(row["action"], row["system"]) for row in customers["rows"]] == [("update", "crm")]
    assert customers["rows"][0]["fields"] == [{"path": "remark", "before": "", "after": "先付款", "by": "fill:erp"}]
    assert [(one["field"], one["left"], one["right"]) for one in customers["conflicts"]] == [("category", "01", "02")]
    assert customers["why_waiting"] == ["first plan of the flow"]
    assert set(customers["inputs"]) == {"erp/customer", "crm/customer"}
    create, update = sorted(invoices["rows"], key=lambda row: row["action"])
    assert {"path": "customer", "before": "", "after": "C1 C1号精密机械有限公司", "by": "create"} in create["fields"]
    assert {"path": "total_minor", "before": "23.45", "after": "123.45", "by": "owner:erp"} in update["fields"]
    assert {e["action"]: e["money"] for e in invoices["summary"]["effects"]} == {
        "create": [{"minor": 700, "currency": "CNY"}],
        "update": [{"minor": 10_000, "currency": "CNY"}],
    }
    assert [one["reason"] for one in invoices["held"]] == ["customer_missing"]


def test_a_second_plan_that_says_the_same_is_the_same_plan(run: Run) -> None:
    _, first = run("plan", "invoices")
    code, second = run("plan", "invoices")
    assert code == Exit.FINDINGS
    assert [one["same"] for one in second["plans"]] == [True]
    assert second["plans"][0]["plan"] == first["plans"][0]["plan"]
    _, listed = run("plans", "list", "--open")
    assert [one["flow"] for one in listed] == ["invoices"]


def test_show_and_discard(run: Run) -> None:
    _, told = run("plan", "customers")
    plan = told["plans"][0]["plan"]
    code, shown = run("plans", "show", plan[:18])
    assert code == Exit.OK
    assert shown["rows"] == told["plans"][0]["rows"]
    assert run("plans", "discard", plan, "--why", "test")[0] == Exit.OK
    assert run("plans", "show", plan)[1]["state"] == "discarded"
    code, told = run("plans", "discard", plan, "--why", "again")
    assert (code, told["error"]) == (Exit.USAGE, "ConfigError")
    assert run("plans", "show", "nonsense")[0] == Exit.USAGE


@pytest.mark.parametrize(
    ("said", "take", "more", "after"),
    [
        ("erp", Take.LEFT, [], {"crm": "01"}),
        ("crm", Take.RIGHT, [], {"erp": "02"}),
        ("value", Take.VALUE, ["--value", "03"], {"erp": "3", "crm": "3"}),
        ("value", Take.VALUE, ["--value", '"03"'], {"erp": "03", "crm": "03"}),
    ],
)
def test_a_conflict_is_decided_and_planned(
    run: Run, said: str, take: Take, more: list[str], after: dict[str, str]
) -> None:
    run("plan", "customers")
    code, (open_one,) = run("conflicts", "list")
    assert code == Exit.FINDINGS
    assert open_one["days"] >= 0
    code, decided = run("conflicts", "resolve", open_one["id"][:12], said, *more, "--as", "wang")
    assert (code, decided["state"], decided["take"], decided["who"]) == (Exit.OK, "resolved", take.value, "wang")
    _, told = run("plan", "customers")
    fields = {
        row["system"]: field
        for row in told["plans"][0]["rows"]
        for field in row["fields"]
        if field["path"] == "category"
    }
    assert {field["by"] for field in fields.values()} == {"person:wang"}
    assert set(fields) == set(after)
    if not more or more[1].startswith('"'):
        assert {system: field["after"] for system, field in fields.items()} == after
    assert run("conflicts", "list")[0] == Exit.OK
    assert run("conflicts", "show", open_one["id"])[1]["left"] == "01"


def test_postponed_until_a_day_and_faulty_decisions(run: Run) -> None:
    run("plan", "customers")
    _, (one,) = run("conflicts", "list")
    for faulty in (["value"], ["left", "--value", "x"], ["postpone"], ["later"], ["postpone", "--until", "soon"]):
        assert run("conflicts", "resolve", one["id"], *faulty)[0] == Exit.USAGE
    code, told = run("conflicts", "resolve", one["id"], "postpone", "--until", "2999-01-01")
    assert (code, told["state"]) == (Exit.OK, "postponed")
    _, told = run("plan", "customers")
    assert told["plans"][0]["conflicts"] == []


def test_the_workbook_has_a_sheet_for_everything_and_amounts_are_numbers(run: Run, folder: Path) -> None:
    run("plan", "invoices", "--xlsx", str(folder / "plan.xlsx"))
    book = openpyxl.load_workbook(folder / "plan.xlsx")
    assert book.sheetnames == ["汇总", "新增", "修改", "作废", "冲突", "搁置"]
    created = list(book["新增"].values)[1]
    assert created[:4] == ("crm", "应收单据", "2", 7)
    updated = [row for row in list(book["修改"].values)[1:] if row[3] == "total_minor"]
    assert [row[4:7] for row in updated] == [("23.45", "123.45", "owner:erp")]
    assert list(book["搁置"].values)[1][2:4] == ("3", "对方没有该客户")
    run("plan", "customers")
    _, (plan,) = run("plans", "list", "--flow", "customers")
    run("plans", "show", plan["plan"], "--xlsx", str(folder / "customers.xlsx"))
    conflicts = list(openpyxl.load_workbook(folder / "customers.xlsx")["冲突"].values)[1]
    assert conflicts[1:5] == ("category", None, "01", "02")
    assert run("plan", "--xlsx", str(folder / "x.xlsx"))[0] == Exit.USAGE
    assert run("plan", "invoices", "--xlsx", str(folder / "none" / "x.xlsx"))[0] == Exit.USAGE


def test_people_read_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--workspace", str(folder)]) == Exit.FINDINGS
    text = capsys.readouterr().out
    for part in ("customers", "先付款", "对方没有该客户", "100.00 CNY", "ledgerbridge apply", "category"):
        assert part in text
    assert main(["plans", "list", "--workspace", str(folder)]) == Exit.OK
    assert main(["conflicts", "list", "--workspace", str(folder)]) == Exit.FINDINGS
    assert "02" in capsys.readouterr().out


def test_a_flow_that_cannot_work_says_why(run: Run, folder: Path) -> None:
    file = folder / "ledgerbridge.toml"
    for old, new, said in (
        ('owners = { category = ["manual"] }', 'owners = { nonsense = ["erp"] }', "no field 'nonsense'"),
        ('owners = { category = ["manual"] }', 'owners = { category = ["sap"] }', "'sap' is not one of"),
        ('right = "crm"', 'right = "zoho"', "not configured"),
    ):
        file.write_text(WORKSPACE.replace(old, new, 1), "utf-8")
        code, told = run("plan")
        assert code == Exit.USAGE
        assert said in told["message"]
    file.write_text(WORKSPACE, "utf-8")
    assert run("plan", "nonsense")[0] == Exit.USAGE


def test_everything_that_plans_tell_has_words() -> None:
    for value in (*HeldReason, *PlanState, Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT, "create", "update", "void"):
        assert all(WORDS[str(value)])
