"""Files through the command line, good and bad: each fault is told clearly, and the rest of the run is done."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from .conftest import Bench

CUSTOMERS = "客户编码,客户名称,统一社会信用代码\n001,上海甲贸易有限公司,91110000600037341L\n"


def import_customers(bench: Bench, name: str, *more: str) -> tuple[int, str]:
    ran = bench.run("import", name, "--kind", "customer", "--system", "list", *more)
    return ran.code, ran.out + ran.err


def test_a_good_file_is_imported_once_and_known_again(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS)
    first = bench.run("import", "c.csv", "-k", "customer", "-s", "list", "--json")
    again = bench.run("import", "c.csv", "-k", "customer", "-s", "list", "--json")
    assert (first.code, again.code) == (0, 0)
    buckets = [
        {tally["bucket"]: tally["records"] for tally in ran.json()["steps"][-1]["certificate"]["tallies"]}
        for ran in (first, again)
    ]
    assert buckets == [{"new": 1}, {"same": 1}]
    shown = bench.run("show", "customer", "001", "--json")
    assert shown.json()[0]["fields"]["name"] == "上海甲贸易有限公司"


def test_what_was_imported_is_taken_over_into_another_database(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS)
    assert import_customers(bench, "c.csv")[0] == 0
    settings = bench.folder / "ledgerbridge.toml"
    before = settings.read_text()
    settings.write_text(f'{before}\n[database]\nurl = "sqlite:///second.db"\n')
    moved = bench.run("migrate", "--from", "ledgerbridge.db", "--as", "anna", "--json")
    assert moved.code == 0, moved.err
    assert moved.json()["rows"]["observed"] == 1
    assert bench.run("show", "customer", "001", "--json").json()[0]["fields"]["name"] == "上海甲贸易有限公司"
    assert import_customers(bench, "c.csv")[0] == 0
    settings.write_text(before)
    refused = bench.run("status")
    assert refused.code == 3
    assert "was moved to" in refused.err


def test_a_dry_run_shows_rows_and_errors_and_stores_nothing(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS + "002,乙,91110000600037341M\n")
    ran = bench.run("import", "c.csv", "-k", "customer", "-s", "list", "--dry-run", "--json")
    assert ran.code == 1
    told = ran.json()
    assert (told["accepted"], told["rejected"]) == (1, 1)
    assert told["problems"][0]["where"].endswith("line 3")
    assert told["problems"][0]["field"] == "credit_code"
    assert bench.run("show", "customer", "001", "--json").json() == []


def test_a_wrong_credit_code_is_set_aside_and_comes_back_when_mended(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS + "002,乙,91110000600037341M\n")
    assert import_customers(bench, "c.csv")[0] == 1
    entry = bench.run("quarantine", "list", "--json").json()[0]
    assert entry["record"] == "002"
    assert entry["problems"][0]["field"] == "credit_code"
    assert "check character" in entry["problems"][0]["why"]
    bench.write("c.csv", CUSTOMERS + "002,乙,\n")
    assert import_customers(bench, "c.csv")[0] == 0
    assert bench.run("quarantine", "list", "--json").json() == []
    assert bench.run("show", "customer", "002", "--json").json()[0]["fields"]["name"] == "乙"


def test_a_discarded_record_stays_set_aside_and_is_audited(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS + "002,乙,91110000600037341M\n")
    import_customers(bench, "c.csv")
    entry = bench.run("quarantine", "list", "--json").json()[0]["id"]
    assert bench.run("quarantine", "discard", entry, "--why", "test customer").code == 0
    assert import_customers(bench, "c.csv")[0] == 0
    status = bench.run("status", "--json")
    assert status.json()["audit"] == {"entries": 1, "fault": None}


def test_a_thirty_digit_amount_is_set_aside_and_the_next_row_is_read(bench: Bench) -> None:
    bench.write(
        "i.csv",
        "单据号,客户名称,开票日期,价税合计\nI1,甲,2026-03-31,123456789012345678901234567890\nI2,甲,2026-03-31,11300.00\n",
    )
    ran = bench.run("import", "i.csv", "-k", "invoice", "-s", "list", "--json")
    assert ran.code == 1
    certificate = ran.json()["steps"][-1]["certificate"]
    assert certificate["closing"] == {"CNY": [1, 1130000]}
    why = bench.run("quarantine", "list", "--json").json()[0]["problems"][0]
    assert why["field"] == "total_minor"
    assert "largest amount" in why["why"]


def test_a_formula_in_a_name_is_data_and_is_exported_as_text(bench: Bench) -> None:
    bench.write("c.csv", '客户编码,客户名称\n001,"=HYPERLINK(""http://x"",""y"")"\n')
    assert import_customers(bench, "c.csv")[0] == 0
    assert bench.run("export", "customer", "list", "--to", "o.csv").code == 0
    assert "'=HYPERLINK" in (bench.folder / "o.csv").read_text("utf-8-sig")


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr(
            "xl/worksheets/sheet1.xml", '<sheetData><row r="200000"><c r="ALL200000"><v>1</v></c></row></sheetData>'
        )
    assert path.stat().st_size < 2048


def _truncated(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["客户编码", "客户名称"])
        sheet.write_row(1, 0, ["001", "甲"])
    path.write_bytes(path.read_bytes()[:-700])


def _web_page(path: Path) -> None:
    path.write_bytes(b"<!DOCTYPE html><html><body>please log in</body></html>")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(_bomb, "cells", id="2 KB zip bomb"),
        pytest.param(_truncated, "cut off or damaged", id="truncated"),
        pytest.param(_web_page, "no Excel workbook", id="web page"),
    ],
)
def test_refused_workbooks_say_why_and_what_to_do(bench: Bench, make: object, says: str) -> None:
    make(bench.folder / "bad.xlsx")  # type: ignore[operator]
    code, told = import_customers(bench, "bad.xlsx")
    assert code == 1
    listed = bench.run("quarantine", "list", "--json").json()
    assert says in listed[0]["problems"][0]["why"]
    assert "bad.xlsx" in str(listed[0]["place"]) + told


def test_a_file_in_no_known_encoding_is_refused(bench: Bench) -> None:
    bench.write("c.csv", "客户编码,客户名称\n001,".encode() + b"\xff\xff\n")
    assert import_customers(bench, "c.csv")[0] == 1
    assert "save it as UTF-8" in bench.run("quarantine", "list", "--json").json()[0]["problems"][0]["why"]


def test_one_refused_file_does_not_stop_the_others(bench: Bench) -> None:
    (bench.folder / "in").mkdir()
    _web_page(bench.folder / "in" / "a.xlsx")
    bench.write("in/b.csv", CUSTOMERS)
    bench.write(
        "ledgerbridge.toml",
        '[systems.list]\nconnector = "sheets"\n[[systems.list.settings.files]]\npath = "in/*"\nkind = "customer"\n',
    )
    ran = bench.run("pull", "--json")
    assert ran.code == 1
    assert ran.json()["steps"][-1]["certificate"]["closing"] == {"": [1, 0]}


def test_a_broken_mapping_is_refused_with_file_and_line_before_anything_is_read(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS)
    bench.write(
        "ledgerbridge.toml",
        '[systems.list]\nconnector = "sheets"\n[[systems.list.settings.files]]\npath = "c.csv"\nkind = "customer"\n',
    )
    bench.write(
        "mappings/list/customer.customer_list.yaml",
        "fields:\n  nmae: customer_name\n  phone: {wire: phone, convert: fone}\n",
    )
    ran = bench.run("pull")
    assert ran.code == 2
    assert "customer.customer_list.yaml:2" in ran.err
    assert "customer.customer_list.yaml:3" in ran.err
    checked = bench.run("mapping", "check", "--json")
    assert checked.code == 2
    assert "nmae" in checked.json()[0]["fault"]


def test_a_mapping_file_that_nothing_reads_is_told(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS)
    bench.write(
        "ledgerbridge.toml",
        '[systems.list]\nconnector = "sheets"\n[[systems.list.settings.files]]\npath = "c.csv"\nkind = "customer"\n',
    )
    bench.write("mappings/list/customer.customers.yaml", "fields: {}\n")
    ran = bench.run("mapping", "check", "--json")
    assert ran.code == 2
    assert "no stream reads this file" in ran.json()[-1]["fault"]


def test_an_edited_mapping_is_applied_to_what_is_already_there(bench: Bench) -> None:
    bench.write("c.csv", "客户编码,客户名称,备注\n001,甲,重点客户\n")
    bench.write(
        "ledgerbridge.toml",
        '[systems.list]\nconnector = "sheets"\n[[systems.list.settings.files]]\npath = "c.csv"\nkind = "customer"\n',
    )
    assert bench.run("pull").code == 0
    bench.write("mappings/list/customer.customer_list.yaml", "fields:\n  category: remark\n  remark: null\n")
    ran = bench.run("pull", "--json")
    assert ran.code == 0
    assert ran.json()["steps"][0]["step"] == "remap"
    assert bench.run("show", "customer", "001", "--json").json()[0]["fields"]["category"] == "重点客户"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("pull", "erp"), "no system 'erp'"),
        (("import", "missing.csv", "-k", "customer", "-s", "x"), "no such file"),
        (("runs", "show", "nothing"), "no run"),
        (("quarantine", "show", "nothing"), "no entry"),
        (("config", "explain", "nothing"), "no setting"),
        (("export", "customer", "x", "--to", "x.pdf"), ".jsonl"),
        (("pull", "--no-such-option"), "No such option"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(bench: Bench, arguments: tuple[str, ...], says: str) -> None:
    ran = bench.run(*arguments)
    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_outside_a_workspace_one_is_told_what_to_do(bench: Bench) -> None:
    (bench.folder / "ledgerbridge.toml").unlink()
    ran = bench.run("status")
    assert ran.code == 2
    assert "ledgerbridge init" in ran.err


def test_a_new_workspace_is_sound(bench: Bench) -> None:
    assert bench.run("init", "new").code == 0
    inside = Bench(bench.folder / "new")
    assert inside.run("doctor").code == 0
    assert inside.run("init", ".").code == 2


def test_a_database_that_cannot_be_reached_exits_with_3(bench: Bench) -> None:
    ran = bench.run("status", LEDGERBRIDGE_DATABASE__URL="postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert ran.code == 3
    assert "Traceback" not in ran.err


def test_a_foreign_database_is_not_touched(bench: Bench) -> None:
    import sqlite3

    with sqlite3.connect(bench.folder / "other.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    ran = bench.run("status", LEDGERBRIDGE_DATABASE__URL="sqlite:///other.db")
    assert ran.code == 3
    assert "belongs to something else" in ran.err


def test_without_a_terminal_there_is_no_bar_and_no_colour(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS)
    ran = bench.run("import", "c.csv", "-k", "customer", "-s", "list")
    assert "\x1b" not in ran.out + ran.err


def test_english_is_a_setting_away(bench: Bench) -> None:
    bench.write("c.csv", CUSTOMERS)
    ran = bench.run("import", "c.csv", "-k", "customer", "-s", "list", LEDGERBRIDGE_WORKSPACE__LANGUAGE="en")
    assert "What was read" in ran.out
    assert "读取" not in ran.out
