"""The files of a world: bank statements as two banks export them, and a salesperson's own lists.

XLSX and GB18030 bank statements speak from the bank's side: 贷 is money in, 借 is money out (finance-formats.md 5.0).
Column names are those of finance-formats.md 5.4.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from .amounts import EXPONENTS, to_text
from .facts import BankRow, Company, Holding, Invoice, InvoiceKind, SystemName, World
from .moments import SHANGHAI

_FIXED_STAMP: Final = datetime(2026, 1, 1)  # noqa: DTZ001 (the file's own property, so that the same world is the same file)
_KINDS: Final = {
    InvoiceKind.INVOICE: "发票",
    InvoiceKind.CREDIT_NOTE: "红字发票",
    InvoiceKind.OPENING_BALANCE: "期初",
    InvoiceKind.OTHER_RECEIVABLE: "其他应收",
}
_XLSX_HEADER: Final = (
    "交易日", "交易时间", "起息日", "交易类型", "借方金额", "贷方金额", "余额", "摘要", "流水号", "收(付)方名称",
    "收(付)方账号", "收(付)方开户行名", "业务参考号", "用途",
)  # fmt: skip
_CSV_HEADER: Final = (
    "交易时间", "借方发生额", "贷方发生额", "余额", "币种", "对方户名", "对方账号", "对方开户机构", "摘要", "用途", "交易流水号",
)  # fmt: skip
_CUSTOMER_HEADER: Final = (
    "客户编码", "客户名称", "简称", "统一社会信用代码", "省份", "城市", "地址", "联系人", "电话", "手机", "邮箱", "业务员",
    "信用额度", "账期(天)", "币种",
)  # fmt: skip
_INVOICE_HEADER: Final = (
    "发票号码", "税务发票号", "类型", "客户编码", "客户名称", "开票日期", "到期日", "币种", "不含税金额", "税额", "价税合计",
    "已收款", "未收款", "订单号", "备注",
)  # fmt: skip


def write_files(world: World, folder: Path) -> dict[str, Path]:
    """Write the files of the world's `BANK` and `SHEET` holdings into `folder` (made if need be); returns them by name.

    ``bank_<last four digits>``: one statement for each own account that has rows; the first account's bank exports XLSX,
    the others GB18030 CSV. ``sheet_customers`` (XLSX) and ``sheet_invoices`` (CSV, UTF-8 with BOM). Same world, same
    bytes. OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}
    bank = world.holdings.get(SystemName.BANK)
    if bank is not None:
        for index, (account, bank_name, currency) in enumerate(world.own_accounts):
            rows = [row for row in bank.bank_rows if row.account == account]
            if not rows:
                continue
            name = f"bank_{account[-4:]}"
            if index == 0:
                found[name] = folder / f"{name}.xlsx"
                _bank_xlsx(world, (account, bank_name, currency), rows, found[name])
            else:
                found[name] = folder / f"{name}.csv"
                _bank_csv(world, (account, bank_name, currency), rows, found[name])
    sheet = world.holdings.get(SystemName.SHEET)
    if sheet is not None:
        found["sheet_customers"] = folder / "客户清单.xlsx"
        _customers_xlsx(sheet.companies, found["sheet_customers"])
        found["sheet_invoices"] = folder / "开票清单.csv"
        _invoices_csv(sheet, found["sheet_invoices"])
    return found


def _local(row: BankRow) -> datetime:
    return row.booked_at.astimezone(SHANGHAI)


def _number(amount: int, currency: str) -> Decimal:
    """A cell's value; XLSX stores doubles, which hold every amount here to the minor unit."""
    return Decimal(amount).scaleb(-EXPONENTS[currency])


def _bank_xlsx(world: World, account: tuple[str, str, str], rows: Sequence[BankRow], path: Path) -> None:
    """A corporate statement as a workbook: a merged title, account lines, the table, a row of totals at its foot."""
    with xlsxwriter.Workbook(path, {"in_memory": True, "strings_to_numbers": False}) as book:
        book.set_properties({"created": _FIXED_STAMP})
        sheet = book.add_worksheet("交易明细")
        bold = book.add_format({"bold": True})
        money = book.add_format({"num_format": "#,##0.00" if EXPONENTS[account[2]] else "#,##0"})
        number, bank_name, currency = account
        sheet.merge_range(0, 0, 0, len(_XLSX_HEADER) - 1, f"{bank_name}账户交易明细", bold)
        sheet.write_string(1, 0, f"户名：{world.own_name}")
        sheet.write_string(1, 6, f"账号：{number}")
        sheet.write_string(2, 0, f"起止日期：{world.first_day:%Y%m%d} - {world.last_day:%Y%m%d}")
        sheet.write_string(2, 6, f"币种：{currency}")
        sheet.write_row(4, 0, _XLSX_HEADER, bold)
        line = 5
        for line, row in enumerate(rows, start=5):
            at = _local(row)
            sheet.write_string(line, 0, f"{at:%Y%m%d}")
            sheet.write_string(line, 1, f"{at:%H:%M:%S}")
            sheet.write_string(line, 2, f"{at:%Y%m%d}")
            sheet.write_string(line, 3, "网银" if row.amount > 0 else "转账")
            sheet.write_number(line, 5 if row.amount > 0 else 4, _number(abs(row.amount), row.currency), money)
            sheet.write_number(line, 6, _number(row.balance_after, row.currency), money)
            texts = (
                row.summary, row.serial, row.counterparty_name, row.counterparty_account, row.counterparty_bank, "", row.purpose,
            )  # fmt: skip
            for column, text in enumerate(texts, start=7):
                if text:
                    sheet.write_string(line, column, text)
        _totals(sheet, line + 1, rows, money)


def _totals(sheet: Worksheet, line: int, rows: Sequence[BankRow], money: object) -> None:
    paid, received = _sums(rows)
    sheet.write_string(line, 0, "合计")
    sheet.write_string(line, 3, f"共{len(rows)}笔")
    sheet.write_number(line, 4, _number(paid, rows[0].currency), money)
    sheet.write_number(line, 5, _number(received, rows[0].currency), money)


def _sums(rows: Iterable[BankRow]) -> tuple[int, int]:
    paid = received = 0
    for row in rows:
        if row.amount < 0:
            paid -= row.amount
        else:
            received += row.amount
    return paid, received


def _bank_csv(world: World, account: tuple[str, str, str], rows: Sequence[BankRow], path: Path) -> None:
    """Another bank's export: GB18030, newest row first, values ending in a tab, thousands separators, a foot line."""
    number, bank_name, currency = account
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([f"{bank_name} 账户明细查询\t"])
    writer.writerow([f"账号：{number}\t", f"户名：{world.own_name}\t", f"币种：{currency}\t"])
    writer.writerow([f"查询区间：{world.first_day:%Y/%m/%d}-{world.last_day:%Y/%m/%d}\t"])
    writer.writerow([f"{name}\t" for name in _CSV_HEADER])
    for row in reversed(rows):
        amount = f" {to_text(abs(row.amount), currency, thousands=True)}\t"
        writer.writerow(
            [
                f"{_local(row):%Y-%m-%d %H:%M:%S}\t",
                amount if row.amount < 0 else "-\t",
                amount if row.amount > 0 else "-\t",
                f" {to_text(row.balance_after, currency, thousands=True)}\t",
                f"{currency}\t",
                f"{row.counterparty_name}\t",
                f"{row.counterparty_account}\t",
                f"{row.counterparty_bank}\t",
                f"{row.summary}\t",
                f"{row.purpose}\t",
                f"{row.serial}\t",
            ]
        )
    paid, received = (to_text(amount, currency, thousands=True) for amount in _sums(rows))
    writer.writerow([f"合计 共{len(rows)}笔\t", f"{paid}\t", f"{received}\t", *["\t"] * (len(_CSV_HEADER) - 3)])
    path.write_bytes(text.getvalue().encode("gb18030"))


def _customers_xlsx(companies: Sequence[Company], path: Path) -> None:
    """A salesperson's own list: merged title, Chinese headers, codes as text with their zeros, a row of totals."""
    with xlsxwriter.Workbook(path, {"in_memory": True, "strings_to_numbers": False}) as book:
        book.set_properties({"created": _FIXED_STAMP})
        sheet = book.add_worksheet("客户清单")
        bold = book.add_format({"bold": True})
        sheet.merge_range(0, 0, 0, len(_CUSTOMER_HEADER) - 1, "客户清单（业务员自制）", bold)
        sheet.write_row(1, 0, _CUSTOMER_HEADER, bold)
        for line, one in enumerate(companies, start=2):
            texts = (
                one.code, one.name, one.short_name, one.credit_code or "", one.province, one.city, one.address, one.contact,
                one.phone, one.mobile, one.email, one.salesperson,
            )  # fmt: skip
            for column, text in enumerate(texts):
                if text:
                    sheet.write_string(line, column, text)
            if one.credit_limit is not None:
                sheet.write_number(line, 12, _number(one.credit_limit, one.currency))
            sheet.write_number(line, 13, one.credit_days)
            sheet.write_string(line, 14, one.currency)
        foot = 2 + len(companies)
        sheet.write_string(foot, 0, "合计")
        sheet.write_string(foot, 1, f"{len(companies)}户")
        limits = sum((_number(one.credit_limit or 0, one.currency) for one in companies), Decimal(0))
        sheet.write_number(foot, 12, limits)


def _invoices_csv(sheet: Holding, path: Path) -> None:
    """What the salesperson noted of each invoice; UTF-8 with BOM, dates as people type them."""
    names = {company.key: company for company in sheet.companies}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_INVOICE_HEADER)
    for index, one in enumerate(sheet.invoices):
        writer.writerow(_invoice_row(one, names[one.company], padded=index % 3 == 0))
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())


def _day(on: date | None, *, padded: bool) -> str:
    if on is None:
        return ""
    return on.isoformat() if padded else f"{on.year}/{on.month}/{on.day}"


def _invoice_row(one: Invoice, company: Company, *, padded: bool) -> list[str]:
    tax_number = (one.tax_invoice_code or "") + (one.tax_invoice_number or "")
    amounts = (one.net, one.tax, one.gross, one.gross - one.open_amount, one.open_amount)
    return [
        one.number,
        tax_number,
        _KINDS[one.kind],
        company.code,
        company.name,
        _day(one.issued_on, padded=padded),
        _day(one.due_on, padded=padded),
        one.currency,
        *(to_text(amount, one.currency, thousands=True) for amount in amounts),
        one.order_number,
        one.remark,
    ]
