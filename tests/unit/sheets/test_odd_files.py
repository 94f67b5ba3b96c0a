"""What people's files do that a reader must not take for something else: each a wrong amount or a lost row if it did."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from sheets_desk import payloads, sheets, walk

from ledgerbridge.connectors.sheets import bank
from ledgerbridge.connectors.sheets.columns import columns_of, missing
from ledgerbridge.connectors.sheets.reading import SKIP
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw

BANK = {"path": "bank.csv", "kind": "payment", "wire_type": "bank_statement"}
CUSTOMERS = {"path": "customers.csv", "kind": "customer"}


def bank_rows(folder: Path, text: str, **more: object) -> tuple[list[dict[str, object]], list[str], list[Raw]]:
    (folder / "bank.csv").write_text(text, encoding="utf-8")
    records, unreadable, _ = walk(sheets(folder, {**BANK, **more}), Kind.PAYMENT)
    return payloads(records), [item.why for item in unreadable], records


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["单据号", "金额", "税额", "价税合计"], {0: "number", 1: "net", 2: "tax", 3: "total"}),
        (["单据号", "价税合计", "税额", "金额"], {0: "number", 1: "total", 2: "tax", 3: "net"}),
        (["单据号", "金额"], {0: "number", 1: "total"}),
        (["invoice no", "amount"], {0: "number", 1: "total"}),
        (["单据号", "日期", "开票日期"], {0: "number", 2: "issued_on"}),
    ],
)
def test_the_best_word_heads_a_column_wherever_it_stands(headers: list[str], expected: dict[int, str]) -> None:
    assert columns_of(headers, "invoice_list", {}) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["交易日", "交易时间", "收入"], {0: "booked_at", 1: "booked_time", 2: "amount_in"}),
        (["交易时间", "记账日期", "收入"], {0: "booked_time", 1: "booked_at", 2: "amount_in"}),
        (["交易时间", "收入"], {0: "booked_at", 1: "amount_in"}),
    ],
)
def test_a_time_beside_a_date_is_the_time_of_day(headers: list[str], expected: dict[int, str]) -> None:
    assert columns_of(headers, "bank_statement", {}) == expected


def test_the_amount_before_tax_does_not_pass_for_the_total() -> None:
    found = columns_of(["单据号", "金额", "税额"], "invoice_list", {})
    assert missing(set(found.values()), "invoice_list") == ["total (价税合计)"]
    assert columns_of(["单据号", "金额", "税额"], "invoice_list", {"金额": "total"})[1] == "total"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234,567.80", "1234567.80"),
        ("（12.00）", "-12.00"),
        ("¥-12", "-12"),
        ("-￥1,200.00元", "-1200.00"),
        ("\u221212.5", "-12.5"),
        ("—", None),
    ],
)
def test_amounts_as_banks_print_them(text: str, amount: str | None) -> None:
    assert bank.number(text) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("text", ["12,50", "1.234,50", "1+2", "1,2345", "12元3", "١٢", "1e5"])
def test_what_is_no_amount_is_not_made_one(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        bank.number(text)


@pytest.mark.parametrize(
    ("rows", "amounts"),
    [
        pytest.param("贷,-100\n贷,500\n", ["-100", "500"], id="a reversal of money in"),
        pytest.param("借,-100\n借,500\n", ["100", "-500"], id="a reversal of money out"),
        pytest.param(
            "借,-100\n借,-500\n贷,7\n", ["-100", "-500", "7"], id="a file that prints all money out with a minus"
        ),
    ],
)
def test_reversals_keep_their_sign(tmp_path: Path, rows: str, amounts: list[str]) -> None:
    lines = [f"2026-03-0{day},{row}" for day, row in enumerate(rows.split(), start=1)]
    found, why, _ = bank_rows(tmp_path, "交易日期,借贷标志,交易金额\n" + "\n".join(lines) + "\n")
    assert why == []
    assert [row["signed_amount"] for row in found] == amounts


def test_two_accounts_in_one_file_with_the_same_serials_stay_apart(tmp_path: Path) -> None:
    rows = ("A1,1,2026-03-01,10,10", "A2,1,2026-03-01,20,20", "A1,2,2026-03-02,5,15", "A2,2,2026-03-02,5,25")
    text = "\n".join(["账号,流水号,交易日期,收入,余额", *rows])
    _, why, records = bank_rows(tmp_path, text)
    assert why == []  # each account has a chain of its own
    assert [raw.external_id for raw in records] == ["A1:1", "A2:1", "A1:2", "A2:2"]


def test_without_an_account_the_serial_alone_names_no_row(tmp_path: Path) -> None:
    ids = set()
    for amount in ("10", "20"):  # statements of two accounts whose serials both start at 1
        ids.add(bank_rows(tmp_path, f"流水号,交易日期,收入\n1,2026-03-01,{amount}\n")[2][0].external_id)
    assert len(ids) == 2


def test_a_fee_with_the_serial_of_its_transfer_keeps_its_id_in_whatever_order(tmp_path: Path) -> None:
    head, rows = "流水号,交易日期,支出\n", ["7,2026-03-01,1000", "7,2026-03-01,5"]
    found = [
        {row["signed_amount"]: row["_id"] for row in bank_rows(tmp_path, head + "\n".join(order), account="A")[0]}
        for order in (rows, rows[::-1])
    ]
    assert found[0] == found[1]
    assert len(set(found[0].values())) == 2


def test_a_row_that_stands_twice_with_its_serial_is_one_movement(tmp_path: Path) -> None:
    text = "流水号,交易日期,收入,余额\n7,2026-03-01,10,10\n7,2026-03-01,10,10\n8,2026-03-01,5,15\n"
    found, why, records = bank_rows(tmp_path, text, account="A")
    assert [row["_id"] for row in found] == ["A:7", "A:8"]
    assert why == []
    assert [dict(raw.payload())[SKIP] for raw in records if raw.external_id.startswith(SKIP)] == ["repeats line 2"]


@pytest.mark.parametrize(
    "title",
    [
        "户名：上海甲公司 账号：6222 0202 0000 1234 567 币种：美元",
        "查询账号:6222020200001234567,,,币种：美元",
        "Account No.: 6222020200001234567,Currency: 美元",
        "账号,6222020200001234567,币种,美元",
    ],
)
def test_account_and_currency_above_the_header_are_found(tmp_path: Path, title: str) -> None:
    found, _, _ = bank_rows(tmp_path, f"{title}\n交易日期,收入\n2026-03-01,10\n")
    assert (found[0]["account"], found[0]["currency"]) == ("6222020200001234567", "美元")


def test_an_account_above_the_header_that_excel_has_shortened_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["账号", 6222021234567890123], ["交易日期", "收入"], ["2026-03-01", 10]):
        book.active.append(row)
    book.save(tmp_path / "bank.xlsx")
    _, unreadable, _ = walk(sheets(tmp_path, {**BANK, "path": "bank.xlsx"}), Kind.PAYMENT)
    assert "--account" in unreadable[0].why


@pytest.mark.parametrize("name", ["总计科技有限公司", "Total Energies China", "合计商贸"])
def test_a_customer_whose_name_begins_like_a_totals_row_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "customers.csv").write_text(f"客户名称,信用额度\n{name},100\n", encoding="utf-8")
    assert [row["customer_name"] for row in payloads(walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)[0])] == [name]


@pytest.mark.parametrize(
    "word",
    ["合计", "总 计：", "本页小计", "合计金额（大写）：壹万元整", "Grand Total", "合计 共6笔", "合计：5笔", "Total:"],
)
def test_totals_rows_are_skipped_visibly(tmp_path: Path, word: str) -> None:
    (tmp_path / "customers.csv").write_text(f"客户名称,信用额度\n甲,100\n{word},100\n", encoding="utf-8")
    records = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)[0]
    assert len(payloads(records)) == 1
    assert [raw.external_id.startswith(SKIP) for raw in records] == [False, True]


def _book(path: Path, sheets_: dict[str, list[list[object]]], hidden: str = "") -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets_.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name == hidden:
            sheet.sheet_state = "hidden"
    book.save(path)


def test_a_second_sheet_with_a_table_is_told_until_one_is_named(tmp_path: Path) -> None:
    months = {month: [["客户编码", "客户名称"], [f"C{month}", "甲"]] for month in ("01", "02")}
    _book(tmp_path / "c.xlsx", {**months, "说明": [["随便"]]})
    file = {**CUSTOMERS, "path": "c.xlsx"}
    records, unreadable, _ = walk(sheets(tmp_path, file), Kind.CUSTOMER)
    assert [raw.external_id for raw in records] == ["C01"]
    assert ["02" in item.why and "sheet" in item.why for item in unreadable] == [True]
    both = sheets(tmp_path, {**file, "sheet": "01"}, {**file, "sheet": "02"})
    records, unreadable, _ = walk(both, Kind.CUSTOMER)
    assert [raw.external_id for raw in records] == ["C01", "C02"]
    assert unreadable == []


def test_a_hidden_sheet_is_read_only_if_it_is_named(tmp_path: Path) -> None:
    table = [["客户编码", "客户名称"], ["C1", "甲"]]
    _book(tmp_path / "c.xlsx", {"old": [table[0], ["C0", "旧"]], "now": table}, hidden="old")
    file = {**CUSTOMERS, "path": "c.xlsx"}
    records, unreadable, _ = walk(sheets(tmp_path, file), Kind.CUSTOMER)
    assert [raw.external_id for raw in records] == ["C1"]
    assert unreadable == []
    assert walk(sheets(tmp_path, {**file, "sheet": "old"}), Kind.CUSTOMER)[0][0].external_id == "C0"


def test_a_quotation_mark_that_is_never_closed_is_told_and_no_row_vanishes(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text('客户编码,客户名称\nC1,甲\nC2,"乙\nC3,丙\n', encoding="utf-8")
    records, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert records == []
    assert "never closed" in unreadable[0].why


def test_quotes_commas_and_line_ends_in_cells_and_kept_zeros(tmp_path: Path) -> None:
    text = '客户编码,客户名称,备注\r\n="007",甲,"他说""好""，\n第二行"\r\n\'-8,乙,\r\n'
    (tmp_path / "customers.csv").write_bytes(text.encode("utf-8"))
    rows = payloads(walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)[0])
    assert [row["customer_code"] for row in rows] == ["007", "-8"]
    assert rows[0]["remark"] == '他说"好"，\n第二行'


def test_utf_8_with_a_broken_character_is_not_read_as_something_else(tmp_path: Path) -> None:
    body = b"code,customername\n" + "C1,上海甲乙丙丁贸易有限公司\n".encode() * 3 + b"C2,\xe4\xb8\n"
    (tmp_path / "customers.csv").write_bytes(body)
    records, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert records == []
    assert "line 5" in unreadable[0].why


def test_edited_settings_make_an_unchanged_file_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客商代号,客户名称\nK1,甲\n", encoding="utf-8")
    _, _, cursor = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    mended = sheets(tmp_path, {**CUSTOMERS, "columns": {"客商代号": "customer_code"}})
    assert [raw.external_id for raw in walk(mended, Kind.CUSTOMER, cursor)[0]] == ["K1"]


def test_a_file_that_is_named_but_not_there_is_told(tmp_path: Path) -> None:
    _, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert ["there is no file customers.csv" in item.why for item in unreadable] == [True]
    assert walk(sheets(tmp_path, {**CUSTOMERS, "path": "*.csv"}), Kind.CUSTOMER)[1] == []


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").mkdir()
    _, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert "directory" in unreadable[0].why.lower()


def test_headers_that_look_like_our_own_marks_are_columns(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("客户编码,客户名称,_skip,_where\nC1,甲,x,y\n", encoding="utf-8")
    assert [row["customer_code"] for row in payloads(walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)[0])] == ["C1"]


@pytest.mark.parametrize("text", ["客户名称\n甲\n", "客户名称\n", "客户编码,客户名称\n\n,,\n  ,\u3000\nC1,甲\n"])
def test_one_column_no_rows_and_blank_rows_are_no_trouble(tmp_path: Path, text: str) -> None:
    (tmp_path / "customers.csv").write_text(text, encoding="utf-8")
    records, unreadable, _ = walk(sheets(tmp_path, CUSTOMERS), Kind.CUSTOMER)
    assert unreadable == []
    assert len(records) == text.count("甲")
