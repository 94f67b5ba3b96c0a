"""Write a list as a file that opens as what it says: text stays text, no formula starts, and a crash leaves the old file."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ledgerbridge.model.cells import guarded, is_exact_number

from .columns import COLUMNS

_AMOUNTS = frozenset({"total", "net", "tax", "open", "amount", "fee", "credit_limit", "credit_days", "exchange_rate"})


def header(column: str, table_type: str) -> str:
    """The Chinese header that is written for one of our columns; other columns are headed by their own name."""
    words = COLUMNS[table_type].get(column)
    return words.split()[0] if words else column


def write_table(path: Path, table_type: str, columns: Sequence[str], body: Sequence[Mapping[str, str | None]]) -> None:
    """Replace `path` (.xlsx or .csv) by a table of `body`, atomically: readers see the old file or the new one, whole."""
    if path.suffix.lower() == ".csv":
        _replace(path, lambda temporary: _csv(temporary, table_type, columns, body))
    else:
        _replace(path, lambda temporary: _xlsx(temporary, table_type, columns, body))


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _csv(path: Path, table_type: str, columns: Sequence[str], body: Sequence[Mapping[str, str | None]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([guarded(header(column, table_type)) for column in columns])
    for row in body:
        writer.writerow([guarded(row.get(column) or "") for column in columns])
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())  # with a BOM, or Excel takes it for GBK


def _xlsx(path: Path, table_type: str, columns: Sequence[str], body: Sequence[Mapping[str, str | None]]) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(path, options) as workbook:
        sheet = workbook.add_worksheet()
        bold, text_format = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "@"})
        for at, column in enumerate(columns):
            sheet.write_string(0, at, header(column, table_type), bold)
        for line, row in enumerate(body, start=1):
            for at, column in enumerate(columns):
                value = row.get(column)
                if value is None:
                    continue
                if column in _AMOUNTS and is_exact_number(value):
                    sheet.write_number(
                        line, at, float(value)
                    )  # a cell's number is a double by its format; 15 digits are exact
                else:
                    sheet.write_string(line, at, value, text_format)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(body), 1), max(len(columns) - 1, 0))
