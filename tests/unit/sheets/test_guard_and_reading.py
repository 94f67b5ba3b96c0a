"""Files as people send them: what is read, what is refused, and what each refusal says."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from sheets_desk import payloads, sheets, walk

from ledgerbridge.connectors.sheets.reading import SKIP
from ledgerbridge.errors import Unsupported
from ledgerbridge.model.base import Kind

BANK = {"path": "bank.xlsx", "kind": "payment", "wire_type": "bank_statement"}
CUSTOMERS = {"path": "customers.csv", "kind": "customer"}


def bank_file(path: Path, rows: list[list[object]]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("明细")
        sheet.merge_range(0, 0, 0, 7, "示例银行 账户交易明细")
        sheet.write_row(1, 0, ["账号：", "0200001234"])
        sheet.write_row(1, 4, ["币种：人民币"])
        sheet.write_row(
            2, 0, ["交易日", "流水号", "借方金额", "贷方金额", "余额", "摘要", "收（付）方名称", "收(付)方账号"]
        )
        for line, row in enumerate(rows, start=3):
            sheet.write_row(line, 0, row)


def test_a_bank_statement_with_title_facts_and_totals_is_read_by_its_header_words(tmp_path: Path) -> None:
    bank_file(
        tmp_path / "bank.xlsx",
        [
            ["20260331", "A001", "", "1,234.50", 2234.5, "货款INV001", "示例公司", "000123"],
            ["20260331", "A002", "34.50", "", 2200, "手续费", "", ""],
            ["合计", "", "34.50", "1,234.50"],
        ],
    )
    records, unreadable, _ = walk(sheets(tmp_path, BANK), Kind.PAYMENT)
    rows = payloads(records)
    assert unreadable == []
    assert [(row["serial"], row["signed_amount"]) for row in rows] == [("A001", "1234.50"), ("A002", "-34.50")]
    assert {(row["account"], row["currency"]) for row in rows} == {("0200001234", "人民币")}
    assert rows[0]["counterparty_account"] == "000123"
    skipped = [dict(raw.payload())[SKIP] for raw in records if raw.external_id.startswith(SKIP)]
    assert skipped == ["a totals row (合计)"]


def test_a_missing_row_breaks_the_balance_chain_and_is_told(tmp_path: Path) -> None:
    bank_file(
        tmp_path / "bank.xlsx",
        [["20260331", "A1", "", "10.00", 110, "", "", ""], ["20260331", "A3", "", "5.00", 135, "", "", ""]],
    )
    _, unreadable, _ = walk(sheets(tmp_path, BANK), Kind.PAYMENT)
    assert ["rows are missing" in item.why for item in unreadable] == [True]


def test_a_statement_that_runs_newest_first_has_a_sound_chain(tmp_path: Path) -> None:
    bank_file(
        tmp_path / "bank.xlsx",
        [["20260402", "A2", "", "5.00", 115, "", "", ""], ["20260331", "A1", "", "10.00", 110, "", "", ""]],
    )
    assert walk(sheets(tmp_path, BANK), Kind.PAYMENT)[1] == []


def test_two_equal_movements_without_serials_are_two_records(tmp_path: Path) -> None:
    text = "交易时间,贷方发生额,对方户名\n2026-03-31,100.00,甲\n2026-03-31,100.00,甲\n"
    (tmp_path / "bank.csv").write_text(text, encoding="utf-8")
    file = {**BANK, "path": "bank.csv", "account": "1"}
    ids = [raw.external_id for raw in walk(sheets(tmp_path, file), Kind.PAYMENT)[0]]
    assert len(set(ids)) == 2
    (tmp_path / "bank.csv").write_text(text + "2026-04-01,7.00,乙\n", encoding="utf-8")
    assert ids == [raw.external_id for raw in walk(sheets(tmp_path, file), Kind.PAYMENT)[0]][:2]


@pytest.mark.parametrize(
    ("encoding", "bom"), [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("gb18030", b""), ("utf-16-le", b"\xff\xfe")]
)
def test_encodings_are_found_by_trying(tmp_path: Path, encoding: str, bom: bytes) -> None:
    text = "客户编码\t,客户名称,税号\n00123\t,上海𠮷野家€贸易有限公司,\n"
    (tmp_path / "customers.csv").write_bytes(bom + text.encode(encoding))
    records, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert unreadable == []
    assert payloads(records)[0]["customer_name"] == "上海𠮷野家€贸易有限公司"
    assert payloads(records)[0]["customer_code"] == "00123"
    assert payloads(records)[0]["tax_number"] is None


def test_bytes_that_fit_no_encoding_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes("客户编码,客户名称\nC1,".encode() + b"\xff\xff\n")
    _, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert "line 2" in unreadable[0].why
    assert "save it as UTF-8" in unreadable[0].why


def test_leading_zeros_and_formulas_stay_text(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(
        '客户编码,客户名称\n007,"=HYPERLINK(""http://x"",""y"")"\n', encoding="utf-8"
    )
    row = payloads(walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)[0])[0]
    assert row["customer_code"] == "007"
    assert row["customer_name"] == '=HYPERLINK("http://x","y")'


def test_a_number_that_excel_has_damaged_is_set_aside(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "c.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["客户编码", "客户名称", "银行账号"])
        sheet.write_row(1, 0, ["C1", "甲公司", 6222021234567890123])
        sheet.write_row(2, 0, ["C2", "乙公司", "6222021234567890123"])
    records, unreadable, _ = walk(sheets(tmp_path, {**CUSTOMERS, "path": "c.xlsx"}), Kind.CUSTOMER)
    assert [row["customer_code"] for row in payloads(records)] == ["C2"]
    assert "line 2" in unreadable[0].where
    assert "15 digits" in unreadable[0].why


def test_a_code_that_stands_twice_with_other_values_is_told_and_an_equal_repeat_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客户编码,客户名称\nC1,甲\nC1,甲\nC1,乙\n", encoding="utf-8")
    records, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert [row["customer_name"] for row in payloads(records)] == ["甲"]
    assert [dict(raw.payload())[SKIP] for raw in records[1:]] == ["repeats line 2"]
    assert ["line 2" in item.why for item in unreadable] == [True]


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("客户编码,客户名称\nC1,甲\n", encoding="utf-8")
    connector = sheets(tmp_path, CUSTOMERS)
    _, _, cursor = walk(connector, Kind.CUSTOMER)
    assert walk(connector, Kind.CUSTOMER, cursor)[0] == []
    path.write_text("客户编码,客户名称\nC1,甲\nC2,乙\n", encoding="utf-8")
    assert len(walk(connector, Kind.CUSTOMER, cursor)[0]) == 2


def test_a_cursor_in_the_middle_of_a_file_reads_that_file_again(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客户编码,客户名称\nC1,甲\nC2,乙\nC3,丙\n", encoding="utf-8")
    connector = sheets(tmp_path, CUSTOMERS)
    first = next(connector.pull(Kind.CUSTOMER, cursor=None, limit=2))
    assert not first.last
    again = [
        raw.external_id for page in connector.pull(Kind.CUSTOMER, cursor=first.cursor, limit=2) for raw in page.records
    ]
    assert "C3" in again


def _zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)


SHEET = "xl/worksheets/sheet1.xml"
BOOK = {"xl/workbook.xml": b"<workbook/>"}


@pytest.mark.parametrize(
    ("members", "says"),
    [
        pytest.param({**BOOK, SHEET: b'<c r="ALL200000"/>'}, "column 1,000", id="far corner"),
        pytest.param({**BOOK, SHEET: b" " * 50_000_000}, "zip bomb", id="zip bomb"),
        pytest.param({**BOOK, SHEET: b'<!DOCTYPE x [<!ENTITY a "b">]><sheet/>'}, "document type", id="entity"),
        pytest.param({**BOOK, "xl/vbaProject.bin": b"x"}, "macros", id="macros"),
        pytest.param({"readme.txt": b"x"}, "holds no workbook", id="no workbook"),
    ],
)
def test_hostile_workbooks_are_refused_before_anything_parses_them(
    tmp_path: Path, members: dict[str, bytes], says: str
) -> None:
    _zip(tmp_path / "bank.xlsx", members)
    records, unreadable, _ = walk(sheets(tmp_path, BANK), Kind.PAYMENT)
    assert records == []
    assert says in unreadable[0].why
    assert "bank.xlsx" in unreadable[0].why


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"<!DOCTYPE html><html>login</html>", "no Excel workbook", id="web page"),
        pytest.param(b"PK\x03\x04rubbish", "cut off or damaged", id="rubbish"),
    ],
)
def test_files_that_are_no_workbooks_are_refused(tmp_path: Path, body: bytes, says: str) -> None:
    (tmp_path / "bank.xlsx").write_bytes(body)
    assert says in walk(sheets(tmp_path, BANK), Kind.PAYMENT)[1][0].why


def test_a_truncated_workbook_is_refused_and_the_next_file_is_read(tmp_path: Path) -> None:
    bank_file(tmp_path / "bank.xlsx", [["20260331", "A1", "", "10.00", 110, "", "", ""]])
    whole = (tmp_path / "bank.xlsx").read_bytes()
    (tmp_path / "a.xlsx").write_bytes(whole[: len(whole) // 2])
    records, unreadable, _ = walk(sheets(tmp_path, {**BANK, "path": "*.xlsx"}), Kind.PAYMENT)
    assert [raw.external_id for raw in records] == ["0200001234:A1"]
    assert "a.xlsx" in unreadable[0].where
    assert "damaged" in unreadable[0].why


def test_a_small_file_with_a_huge_sheet_is_stopped_by_the_size_limit(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客户编码,客户名称\n" + "C,x\n" * 1000, encoding="utf-8")
    connector = sheets(tmp_path, CUSTOMERS, cells_max=100)
    assert "more than 100 cells" in walk(connector, Kind.CUSTOMER)[1][0].why


def test_a_table_without_the_needed_columns_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客户编码,电话\nC1,1\n", encoding="utf-8")
    why = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)[1][0].why
    assert "line 1" in why
    assert "客户编码" in why or "customer_name" in why


def test_own_headers_can_be_named_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客商代号,客商全称\nC1,甲\n", encoding="utf-8")
    file = {**CUSTOMERS, "columns": {"客商代号": "customer_code", "客商全称": "customer_name"}}
    assert payloads(walk(sheets(tmp_path, file), Kind.CUSTOMER)[0])[0]["customer_name"] == "甲"


def test_a_kind_without_a_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(Unsupported):
        next(sheets(tmp_path, CUSTOMERS).pull(Kind.INVOICE, cursor=None, limit=1))


def test_the_cursor_is_plain_json(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客户编码,客户名称\nC1,甲\n", encoding="utf-8")
    assert set(json.loads(walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)[2])) == {"customers.csv|customer_list|"}
