"""Statements as XLSX: amounts are numbers, every allocation has a row, and the sheets print on A4.

The same statement and look give the same bytes: creation date and properties come from the statement.
"""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from ledgerbridge.errors import StatementError
from ledgerbridge.model.money import exponent, to_decimal
from ledgerbridge.reports.tables import SHEET_ROWS_MAX

_EXACT_DIGITS: Final = 15
"""A cell's number is a double by the format's definition: so many digits are exact in it, longer amounts stay text."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A cell that is a number."""

    minor: int
    currency: str


ROW_HEIGHT_MAX: Final = 400
"""Points; the format allows 409."""
Cell = str | int | date | Amount | None


class Book:
    """A workbook in memory, with the formats that statements use."""

    def __init__(self, *, title: str, company: str, made_at: datetime) -> None:
        import xlsxwriter

        self._buffer = io.BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book = xlsxwriter.Workbook(self._buffer, options)
        self._book.set_properties({"title": title, "author": company, "created": made_at.replace(tzinfo=None)})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **properties: Any) -> Any:
        """One format per set of properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"font_name": "Microsoft YaHei", "font_size": 10, **properties})
        return self._formats[key]

    def sheet(self, name: str, widths: Sequence[float], footer: str, *, landscape: bool = False) -> Sheet:
        """A sheet that prints on A4, as wide as the page, with page numbers."""
        made = self._book.add_worksheet(name)
        made.set_paper(9)
        if landscape:
            made.set_landscape()
        made.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
        made.fit_to_pages(1, 0)
        made.set_footer(f"&C&9{footer}")
        made.hide_gridlines(2)
        for at, width in enumerate(widths):
            made.set_column(at, at, width)
        return Sheet(self, made, widths)

    def content(self) -> bytes:
        """The file."""
        self._book.close()
        return self._buffer.getvalue()


class Sheet:
    """A sheet that is written downwards; `row` is the next one."""

    def __init__(self, book: Book, made: Any, widths: Sequence[float]) -> None:
        self._book = book
        self.made = made
        self._widths = widths
        self.columns = len(widths)
        self.row = 0

    def text(
        self, text: str, *, first: int = 0, last: int | None = None, height: float | None = None, **style: Any
    ) -> None:
        """A text over the columns `first` to `last` (default: all), in a row of its own."""
        self.cell(first, text, last=self.columns - 1 if last is None else last, **style)
        if height is not None:
            self.made.set_row(self.row, height)
        self.row += 1

    def cell(self, first: int, text: str, *, last: int | None = None, **style: Any) -> None:
        """A text in the row in hand, over several columns if `last` is given."""
        shown = self._book.format(valign="vcenter", text_wrap=True, num_format="@", **style)
        if last is not None and last > first:
            self.made.merge_range(self.row, first, self.row, last, "", shown)
        self.made.write_string(self.row, first, text, shown)

    def image(self, content: bytes, *, height_px: float) -> None:
        """A picture at the left of the row in hand; ConfigError if it is none."""
        from .pdf_logo import logo_reader

        _, _, high = logo_reader(content)
        scale = height_px / high
        options = {"image_data": io.BytesIO(content), "x_scale": scale, "y_scale": scale, "x_offset": 2, "y_offset": 2}
        self.made.insert_image(self.row, 0, "logo", options)

    def head(self, titles: Sequence[str], *, repeat: bool = False, amounts: Sequence[int] = ()) -> None:
        """The head of a table; `repeat` prints it on every page."""
        for at, title in enumerate(titles):
            align = "right" if at in amounts else "left"
            self.cell(at, title, bold=True, border=1, border_color="#999999", bg_color="#EDEDED", align=align)
        if repeat:
            self.made.repeat_rows(self.row)
        self.row += 1

    def line(self, cells: Sequence[Cell], *, bold: bool = False, fill: bool = False, first: int = 0) -> None:
        """A row of a table, from column `first` on; StatementError beyond the last row that a sheet has."""
        if self.row >= SHEET_ROWS_MAX:
            raise StatementError(f"a sheet holds {SHEET_ROWS_MAX:,} rows; take PDF, HTML or JSON for this statement")
        style: dict[str, Any] = {"border": 1, "border_color": "#999999", "valign": "vcenter"}
        style |= {"bold": True} if bold else {}
        style |= {"bg_color": "#EDEDED"} if fill else {}
        lines = 1
        for at, cell in enumerate(cells, start=first):
            if isinstance(cell, Amount):
                self._amount(at, cell, style)
            elif isinstance(cell, date):
                shown = self._book.format(num_format="yyyy-mm-dd", align="left", **style)
                self.made.write_datetime(self.row, at, datetime(cell.year, cell.month, cell.day), shown)  # noqa: DTZ001
            elif isinstance(cell, int):
                self.made.write_number(self.row, at, cell, self._book.format(num_format="0", **style))
            elif cell:
                lines = max(lines, lines_of(cell, self._widths[at]))
                shown = self._book.format(num_format="@", text_wrap=True, **style)
                self.made.write_string(self.row, at, cell, shown)
            else:
                self.made.write_blank(self.row, at, None, self._book.format(**style))
        if lines > 1:
            self.made.set_row(self.row, min(lines * 14.5 + 2, ROW_HEIGHT_MAX))
        self.row += 1

    def _amount(self, at: int, cell: Amount, style: dict[str, Any]) -> None:
        places = exponent(cell.currency)
        if len(str(abs(cell.minor))) > _EXACT_DIGITS:
            shown = self._book.format(num_format="@", align="right", **style)
            self.made.write_string(self.row, at, f"{to_decimal(cell.minor, cell.currency):,}", shown)
            return
        number = "#,##0" + ("." + "0" * places if places else "") + "_ "
        value = float(to_decimal(cell.minor, cell.currency))
        self.made.write_number(self.row, at, value, self._book.format(num_format=number, align="right", **style))


def lines_of(text: str, width: float) -> int:
    """About how many lines a text takes in a column: not every program makes rows higher by itself.

    A Chinese character is as wide as two Latin ones, and words are not torn.
    """
    wide = sum(1.95 if unicodedata.east_asian_width(char) in "WFA" else 1.05 for char in text)
    return max(1, math.ceil(wide / (width - 0.7)))
