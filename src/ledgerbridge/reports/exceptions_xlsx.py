"""The exception report as a workbook: summary, customers, one sheet per kind of exception with columns to decide in.

Rows stream: nothing but sums, customers and link targets is held, whatever their number. Text is always written as text, so
none starts a formula; amounts are numbers as long as a cell keeps every digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from ledgerbridge.model.exception import Code, ExceptionRecord, Severity
from ledgerbridge.model.money import Money
from ledgerbridge.model.reconciliation import ReconciliationSummary

from .cell_styles import Styles, write_money
from .exception_columns import COLUMNS, View, age_days, choices
from .exception_summary import Sums, write_customers, write_summary
from .exception_words import word
from .tables import SHEET_ROWS_MAX

LINKS_MAX: Final = 65_000
"""A sheet holds 65,530 links by the file format; rows beyond are written without."""
_COLOURS: Final = {Severity.HIGH: "#F8CBAD", Severity.MEDIUM: "#FCE4D6"}
_A3: Final = 8
_TWO_LINES: Final = 28
_AT: Final = {column.key: at for at, column in enumerate(COLUMNS)}


def write_exceptions(
    path: Path,
    records: Iterable[ExceptionRecord],
    *,
    view: View,
    company: str,
    made_at: datetime,
    reconciled: ReconciliationSummary | None = None,
) -> int:
    """Write the report; how many exceptions it holds.

    `records` must come with those of one code together, the ones to be seen first in front. The summary shows what the gaps of
    `reconciled` are made of, whatever `records` were narrowed to. ValueError if a code comes twice, or for more rows than a
    sheet holds.
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
        styles = Styles(workbook)
        summary = workbook.add_worksheet(word("summary", view.language))
        customers = workbook.add_worksheet(word("by_customer", view.language))
        sums = Sums()
        lists: list[tuple[Code, Sequence[str]]] = []
        for code, group in groupby(records, key=lambda one: one.finding.code):
            if code in sums.sheets:
                raise ValueError(f"the exceptions of {code} must come together")
            sums.sheets[code] = word(code, view.language)
            sheet = workbook.add_worksheet(sums.sheets[code])
            _Sheet(sheet, styles, view, sums, len(lists)).write(code, group, lists)
        _write_choices(workbook.add_worksheet(word("choices", view.language)), lists, view.language)
        write_summary(summary, styles, view, sums, company=company, made_at=made_at, reconciled=reconciled)
        write_customers(customers, styles, view, sums)
    return sums.count


@dataclass(slots=True)
class _Sheet:
    """One sheet of one code, being written. `place` is the column of its choices."""

    sheet: Any
    styles: Styles
    view: View
    sums: Sums
    place: int

    def write(self, code: Code, records: Iterator[ExceptionRecord], lists: list[tuple[Code, Sequence[str]]]) -> None:
        self._head()
        row = 0
        for row, record in enumerate(records, start=1):
            if row >= SHEET_ROWS_MAX:
                raise ValueError(f"a sheet holds {SHEET_ROWS_MAX:,} rows; narrow the report")
            if row == 1:
                lists.append((code, choices(record)))
            self._row(row, record)
        letter = chr(ord("A") + self.place)
        source = f"='{word('choices', self.view.language)}'!${letter}$1:${letter}${len(lists[-1][1])}"
        at = _AT["choice"]
        self.sheet.data_validation(1, at, row, at, {"validate": "list", "source": source})
        self.sheet.freeze_panes(1, 2)
        self.sheet.autofilter(0, 0, row, len(COLUMNS) - 1)
        self.sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})
        self.sheet.set_landscape()
        self.sheet.set_paper(_A3)
        self.sheet.set_margins(left=0.3, right=0.3, top=0.5, bottom=0.5)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(0)

    def _head(self) -> None:
        for at, column in enumerate(COLUMNS):
            self.sheet.set_column(at, at, column.width, None, {"hidden": True} if column.key == "seal" else {})
        self.sheet.set_row(0, 24)
        for at, column in enumerate(COLUMNS):
            colour = "#C55A11" if column.editable else "#1F4E79"
            head = self.styles.of(bold=True, font_color="#FFFFFF", bg_color=colour, border=1, align="center")
            self.sheet.write_string(0, at, column.head(self.view.language), head)

    def _row(self, row: int, record: ExceptionRecord) -> None:
        self.sheet.set_row(row, _TWO_LINES)
        customer_row = self.sums.add(record, row, age_days(record, self.view))
        for at, column in enumerate(COLUMNS):
            value = column.shown(record, self.view)
            facts: dict[str, Any] = {"border": 1, "border_color": "#BFBFBF", "text_wrap": column.wraps}
            if column.centred:
                facts["align"] = "center"
            if column.key == "severity" and record.severity in _COLOURS:
                facts["bg_color"] = _COLOURS[record.severity]
            if column.editable:
                facts |= {"locked": False, "bg_color": "#FFF2CC", "num_format": "@"}
            if column.key == "customer" and row <= LINKS_MAX:
                target = f"internal:'{word('by_customer', self.view.language)}'!A{customer_row + 1}"
                style = self.styles.of(**facts, font_color="#0563C1", underline=1)
                self.sheet.write_url(row, at, target, style, str(value or word("no_customer", self.view.language)))
            else:
                self._cell(row, at, value, record.finding.difference, facts)

    def _cell(self, row: int, at: int, value: object, money: Money | None, facts: dict[str, Any]) -> None:
        if value is None or value == "":
            self.sheet.write_blank(row, at, None, self.styles.of(**facts))
        elif isinstance(value, Decimal) and money is not None:
            write_money(self.sheet, row, at, money, self.styles, facts)
        elif isinstance(value, date):
            self.sheet.write_datetime(row, at, value, self.styles.of(**facts, num_format="yyyy-mm-dd", align="center"))
        elif isinstance(value, int):
            self.sheet.write_number(row, at, value, self.styles.of(**facts, num_format="0"))
        else:
            self.sheet.write_string(row, at, str(value), self.styles.of(**({"num_format": "@"} | facts)))


def _write_choices(sheet: Any, lists: Sequence[tuple[Code, Sequence[str]]], language: str) -> None:
    longest = max((len(offered) for _, offered in lists), default=0)
    for row in range(longest):
        for at, (_, offered) in enumerate(lists):
            if row < len(offered):
                sheet.write_string(row, at, word(offered[row], language))
    sheet.hide()
    sheet.protect()
