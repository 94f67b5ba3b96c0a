"""The aging table as a workbook: a sheet of rows and totals per currency, and the open items behind them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ledgerbridge.model.money import Money
from ledgerbridge.model.statement import AgeBase
from ledgerbridge.reconciler.aging import AgingRow, AgingTable, Debtor, OpenEntry
from ledgerbridge.reports.statement.words import Language as StatementLanguage
from ledgerbridge.reports.statement.words import bucket_word

from .cell_styles import Styles, write_money
from .exception_words import Language
from .tables import SHEET_ROWS_MAX

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("应收账龄表", "Aging of receivables"),
    "items": ("未核销明细", "Open items"),
    "as_of": ("截止日", "As of"),
    "by_due": ("按到期日", "by due date"),
    "by_document": ("按单据日期", "by document date"),
    "made_at": ("生成时间", "Made at"),
    "customer": ("客户", "Customer"),
    "category": ("客户分类", "Class"),
    "salesperson": ("业务员", "Salesperson"),
    "customers": ("客户数", "Customers"),
    "currency": ("币种", "Currency"),
    "unapplied": ("未核销收款", "Unapplied cash"),
    "total": ("合计", "Total"),
    "overdue": ("其中逾期", "Of it overdue"),
    "oldest": ("最长账龄（天）", "Oldest (days)"),
    "code": ("客户编码", "Code"),
    "number": ("单号", "Number"),
    "on": ("日期", "Date"),
    "due_on": ("到期日", "Due"),
    "days": ("账龄（天）", "Age (days)"),
    "open": ("未核销金额", "Open"),
}
_HEAD: Final = {"bold": True, "bg_color": "#EEF0F3", "border": 1, "text_wrap": True, "align": "center"}
_CELL: Final = {"border": 1}
_SUM: Final = {"border": 1, "bold": True, "bg_color": "#EEF0F3"}


def write_aging(
    path: Path,
    table: AgingTable,
    entries: Iterable[tuple[Debtor, Iterable[OpenEntry]]],
    *,
    company: str,
    made_at: datetime,
    language: Language,
) -> int:
    """Write the table and the open items that it sums, in the order given; how many items it holds.

    Items beyond what a sheet takes go on in further sheets. Amounts are numbers in their currency's format, dates are dates.
    `made_at` is in the zone that it is to be shown in.
    """
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(path, options) as workbook:
        sheets = _Sheets(workbook, Styles(workbook), 0 if language == "zh" else 1, company, made_at)
        sheets.table(table, StatementLanguage(language))
        return sheets.items(table, entries)


class _Sheets:
    """The sheets of one workbook."""

    def __init__(self, workbook: Any, styles: Styles, at: int, company: str, made_at: datetime) -> None:
        self._workbook = workbook
        self._styles = styles
        self._at = at
        self._company = company
        self._made_at = made_at

    def _word(self, name: str) -> str:
        return _WORDS[name][self._at]

    def _page(self, name: str, widths: list[int], *, head_row: int) -> Any:
        sheet = self._workbook.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, head_row)
        sheet.freeze_panes(head_row + 1, 1)
        sheet.set_footer("&C&P / &N")
        return sheet

    def _heads(self, sheet: Any, row: int, heads: list[str]) -> None:
        sheet.set_row(row, 30)
        for column, head in enumerate(heads):
            sheet.write_string(row, column, head, self._styles.of(**_HEAD))

    def table(self, table: AgingTable, language: StatementLanguage) -> None:
        """Rows, then one line of totals per currency."""
        named = [
            bucket_word(bucket.bucket, table.base, language)
            for bucket in (table.totals[0].buckets if table.totals else ())
        ]
        heads = [
            self._word(table.grouping),
            self._word("currency"),
            *named,
            self._word("unapplied"),
            self._word("total"),
        ]
        heads += [self._word("overdue"), self._word("oldest"), self._word("customers")]
        widths = [34, 7, *[15] * len(named), 15, 16, 15, 10, 8]
        sheet = self._page(self._word("title"), widths, head_row=2)
        base = self._word("by_due" if table.base is AgeBase.DUE else "by_document")
        told = f"{self._word('as_of')} {table.as_of} · {base} · {self._word('made_at')} {self._made_at:%Y-%m-%d %H:%M}"
        sheet.write_string(0, 0, f"{self._company} {self._word('title')}", self._styles.of(bold=True, font_size=14))
        sheet.write_string(1, 0, told, self._styles.of(font_color="#555555"))
        self._heads(sheet, 2, heads)
        row = 3
        for line in table.rows:
            self._line(sheet, row, line, line.title, _CELL)
            row += 1
        if table.rows:
            sheet.autofilter(2, 0, row - 1, len(heads) - 1)
        for line in table.totals:
            self._line(sheet, row, line, self._word("total"), _SUM)
            row += 1

    def _line(self, sheet: Any, row: int, line: AgingRow, title: str, facts: dict[str, Any]) -> None:
        sheet.write_string(row, 0, title, self._styles.of(**facts))
        sheet.write_string(row, 1, line.currency, self._styles.of(**facts, align="center"))
        sums = [*(aged.amount_minor for aged in line.buckets), line.unapplied_minor, line.total_minor]
        column = 2
        for minor in sums:
            write_money(sheet, row, column, Money(minor=minor, currency=line.currency), self._styles, facts)
            column += 1
        if line.overdue_minor is None:
            sheet.write_string(row, column, "", self._styles.of(**facts))
        else:
            overdue = Money(minor=line.overdue_minor, currency=line.currency)
            write_money(sheet, row, column, overdue, self._styles, facts)
        oldest = "" if line.oldest_days is None else line.oldest_days
        sheet.write(row, column + 1, oldest, self._styles.of(**facts))
        sheet.write_number(row, column + 2, line.customers, self._styles.of(**facts))

    def items(self, table: AgingTable, entries: Iterable[tuple[Debtor, Iterable[OpenEntry]]]) -> int:
        """Every open item."""
        names = ("code", "customer", "number", "on", "due_on", "days", "currency", "open")
        count = row = 0
        sheet: Any = None
        for debtor, listed in entries:
            for entry in listed:
                if entry.open_minor == 0:
                    continue
                if sheet is None or row >= SHEET_ROWS_MAX:
                    number = "" if sheet is None else f" {count // SHEET_ROWS_MAX + 1}"
                    sheet = self._page(self._word("items") + number, [14, 34, 22, 12, 12, 10, 7, 18], head_row=0)
                    self._heads(sheet, 0, [self._word(name) for name in names])
                    row = 1
                self._item(sheet, row, table, debtor, entry)
                row += 1
                count += 1
        return count

    def _item(self, sheet: Any, row: int, table: AgingTable, debtor: Debtor, entry: OpenEntry) -> None:
        cell, day = self._styles.of(**_CELL), self._styles.of(**_CELL, num_format="yyyy-mm-dd", align="center")
        for column, text in enumerate((debtor.code, debtor.name, entry.number)):
            sheet.write_string(row, column, text, cell)
        start = entry.due_on if table.base is AgeBase.DUE else entry.on
        for column, found in ((3, entry.on), (4, entry.due_on)):
            if found is None:
                sheet.write_string(row, column, "", cell)
            else:
                sheet.write_datetime(row, column, found, day)
        if entry.money or start is None:
            sheet.write_string(row, 5, self._word("unapplied") if entry.money else "", cell)
        else:
            sheet.write_number(row, 5, (table.as_of - start).days, cell)
        sheet.write_string(row, 6, entry.currency, cell)
        write_money(sheet, row, 7, Money(minor=entry.open_minor, currency=entry.currency), self._styles, _CELL)
