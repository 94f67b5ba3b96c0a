"""The sandbox's bank and sheet files, read back with other libraries and compared with the world they come from."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from ledgerbridge.sandbox.world import SystemName, World, make_world, write_files


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(seed=21, customers=130, months=4)


@pytest.fixture(scope="module")
def files(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_files(world, tmp_path_factory.mktemp("world"))


def minor(value: object, currency: str) -> int:
    text = str(value).strip().replace(",", "")
    return 0 if text in ("-", "") else int(Decimal(text).scaleb(0 if currency == "JPY" else 2))


def workbook_rows(path: Path) -> list[list[object]]:
    book = openpyxl.load_workbook(path)
    rows = [list(row) for row in book.active.iter_rows(values_only=True)]  # type: ignore[union-attr]
    book.close()
    return rows


def test_first_account_is_a_workbook_with_every_row_and_its_totals(world: World, files: dict[str, Path]) -> None:
    account = world.own_accounts[0][0]
    expected = [one for one in world.holdings[SystemName.BANK].bank_rows if one.account == account]
    rows = workbook_rows(files[f"bank_{account[-4:]}"])
    head = next(index for index, row in enumerate(rows) if row[0] == "交易日")
    assert head > 2
    names = rows[head]
    table = [dict(zip(names, row, strict=True)) for row in rows[head + 1 :]]
    *body, foot = table
    assert len(body) == len(expected)
    for row, one in zip(body, expected, strict=True):
        assert minor(row["贷方金额"] or 0, "CNY") - minor(row["借方金额"] or 0, "CNY") == one.amount
        assert minor(row["余额"], "CNY") == one.balance_after
        assert row["流水号"] == one.serial
        assert (row["收(付)方名称"] or "") == one.counterparty_name
        assert (row["收(付)方账号"] or "") == one.counterparty_account
    assert foot["交易日"] == "合计"
    assert minor(foot["贷方金额"], "CNY") == sum(one.amount for one in expected if one.amount > 0)
    assert minor(foot["借方金额"], "CNY") == -sum(one.amount for one in expected if one.amount < 0)


def test_other_accounts_are_gb18030_files_newest_row_first(world: World, files: dict[str, Path]) -> None:
    for account, _, currency in world.own_accounts[1:]:
        expected = [one for one in world.holdings[SystemName.BANK].bank_rows if one.account == account]
        text = files[f"bank_{account[-4:]}"].read_bytes().decode("gb18030")
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
        head = next(index for index, row in enumerate(rows) if "对方户名" in row)
        table = [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 : -1]]
        assert [row["交易流水号"] for row in table] == [one.serial for one in reversed(expected)]
        for row, one in zip(table, reversed(expected), strict=True):
            assert minor(row["贷方发生额"], currency) - minor(row["借方发生额"], currency) == one.amount
            assert minor(row["余额"], currency) == one.balance_after
            assert (row["对方户名"], row["用途"], row["摘要"]) == (one.counterparty_name, one.purpose, one.summary)
        foot = rows[-1]
        assert foot[0] == f"合计 共{len(expected)}笔"
        assert minor(foot[2], currency) == sum(one.amount for one in expected if one.amount > 0)


def test_values_are_padded_and_have_thousands_separators(world: World, files: dict[str, Path]) -> None:
    text = files[f"bank_{world.own_accounts[1][0][-4:]}"].read_bytes().decode("gb18030")
    assert "\t" in text
    assert any("," in cell and cell.strip().endswith(".00") for row in csv.reader(io.StringIO(text)) for cell in row)


def test_customer_list_keeps_leading_zeros_under_a_merged_title(world: World, files: dict[str, Path]) -> None:
    title, names, *body = workbook_rows(files["sheet_customers"])
    companies = world.holdings[SystemName.SHEET].companies
    assert str(title[0]).startswith("客户清单")
    assert names[:2] == ["客户编码", "客户名称"]
    assert [row[0] for row in body[:-1]] == [one.code for one in companies]
    assert all(str(row[0]).startswith("0") for row in body[:-1])
    assert [row[1] for row in body[:-1]] == [one.name for one in companies]
    assert body[-1][0] == "合计"
    limits = [minor(row[12] or 0, one.currency) for row, one in zip(body[:-1], companies, strict=True)]
    assert limits == [one.credit_limit or 0 for one in companies]
    assert Decimal(str(body[-1][12])) == sum(Decimal(str(row[12] or 0)) for row in body[:-1])


def test_invoice_list_has_a_byte_order_mark_and_every_invoice(world: World, files: dict[str, Path]) -> None:
    raw = files["sheet_invoices"].read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    invoices = world.holdings[SystemName.SHEET].invoices
    assert [row["发票号码"] for row in rows] == [one.number for one in invoices]
    for row, one in zip(rows, invoices, strict=True):
        assert minor(row["价税合计"], one.currency) == one.gross
        assert minor(row["不含税金额"], one.currency) + minor(row["税额"], one.currency) == one.gross
        assert minor(row["已收款"], one.currency) + minor(row["未收款"], one.currency) == one.gross
        assert row["开票日期"].replace("-", "/").split("/")[0] == str(one.issued_on.year)


def test_same_world_is_the_same_files(world: World, files: dict[str, Path], tmp_path: Path) -> None:
    again = write_files(world, tmp_path)
    assert {name: path.read_bytes() for name, path in again.items()} == {
        name: path.read_bytes() for name, path in files.items()
    }


def test_a_world_without_bank_and_sheet_writes_nothing(tmp_path: Path) -> None:
    world = make_world(seed=1, customers=3, months=1, systems=(SystemName.ZOHO_CRM,))
    assert write_files(world, tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
