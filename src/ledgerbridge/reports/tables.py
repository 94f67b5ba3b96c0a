"""Flat tables as files: text stays text (no formula starts, no leading zero is lost), amounts are numbers."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from ledgerbridge.model.cells import guarded, is_exact_number

SHEET_ROWS_MAX = 1_048_576
"""Of the file format, header included; xlsxwriter drops what lies beyond without a word."""


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> int:
    """A CSV with a byte order mark, or Excel takes UTF-8 for GBK; how many rows."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([guarded(value or "") for value in row])
            count += 1
    return count


def write_xlsx(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]], numbers: Collection[str] = ()
) -> int:
    """A workbook with one sheet, header frozen and filtered; `numbers` names the columns written as numbers; how many rows.

    Raises ValueError for more rows than a sheet holds.
    A cell's number is a double by the format's definition; amounts of up to 15 digits are exact in it, longer ones stay text.
    """
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    count = 0
    with xlsxwriter.Workbook(path, options) as workbook:
        sheet = workbook.add_worksheet()
        bold, text = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "@"})
        money = workbook.add_format({"num_format": "#,##0.00##"})
        for at, column in enumerate(columns):
            sheet.write_string(0, at, column, bold)
            sheet.set_column(at, at, 18)
        for row in rows:
            count += 1
            if count >= SHEET_ROWS_MAX:
                raise ValueError(f"a sheet holds {SHEET_ROWS_MAX:,} rows; write .csv or .jsonl instead")
            for at, (column, value) in enumerate(zip(columns, row, strict=True)):
                if value is None:
                    continue
                if column in numbers and is_exact_number(value):
                    sheet.write_number(count, at, float(value), money)
                else:
                    sheet.write_string(count, at, value, text)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(count, 1), len(columns) - 1)
    return count
