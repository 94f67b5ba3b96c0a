"""Find the table in a sheet: the header row by its words, merged titles above it, totals below it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ledgerbridge.errors import SourceFileError

from .columns import column_of, missing
from .settings import FileSettings
from .workbook import Grid

HEADER_SEARCH_ROWS = 60
_TOTALS = re.compile(
    r"^(本页|本期|本月|本年|累计|借方|贷方)?(合计|总计|小计|累计|总笔数|合计笔数)|^(sub)?total\b", re.IGNORECASE
)
_BLANKS = "\t \u3000\u00a0\r\n"
_FACT = re.compile(r"^(账\s*号|帐\s*号|account(?:\s*(?:no|number))?|币\s*种|currency)\s*[:：]\s*(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A header row and what it heads. `columns` maps a column's index to our name or, unknown to us, its header as written;
    `facts` holds the account and currency that the lines above the header name; `header_line` counts from 1.
    """

    where: str
    header_line: int
    columns: Mapping[int, str]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row under the header. `values` by column name, blanks stripped, None for an empty cell; `skip` says why a row is
    no record; `damaged` names the columns whose numbers have lost digits.
    """

    line: int
    values: dict[str, str | None]
    skip: str | None
    damaged: tuple[str, ...]


def find_table(name: str, sheets: Mapping[str, Grid], file: FileSettings) -> tuple[Table, Grid]:
    """The first sheet's table that has all required columns.

    SourceFileError says what was looked for and what the best row found lacks.
    """
    best: tuple[int, str] = (0, "no row holds any of the words we know")
    for sheet, grid in sheets.items():
        where = f"{name}[{sheet}]" if sheet else name
        lines = [file.header_row] if file.header_row else range(1, min(len(grid), HEADER_SEARCH_ROWS) + 1)
        candidates = []
        for line in lines:
            if line > len(grid):
                raise SourceFileError(f"{where}: there is no line {line} for a header, the table has {len(grid)} lines")
            known = _header(grid, line, file)
            lacks = missing(set(known.values()), file.table_type)
            if known and not lacks:
                candidates.append((len(known), -line))
            elif len(known) > best[0]:
                best = (len(known), f"line {line} comes nearest but lacks {', '.join(lacks)}")
        if candidates:
            line = -max(candidates)[1]
            return _table(where, grid, line, file), grid
    raise SourceFileError(
        f"{name}: no header row of a {file.table_type} was found in the first {HEADER_SEARCH_ROWS} lines: {best[1]}; "
        "rename the headers, set header_row, or name them under columns in the file's settings"
    )


def rows(table: Table, grid: Grid) -> Iterator[TableRow]:
    """The rows under the header; empty ones are left out, totals and repeated headers are marked."""
    header = [_text(cell.text) for cell in grid[table.header_line - 1]]
    for index in range(table.header_line, len(grid)):
        cells = grid[index]
        texts = [_text(cell.text) for cell in cells]
        if not any(texts):
            continue
        values = {name: (texts[at] or None) if at < len(texts) else None for at, name in table.columns.items()}
        damaged = tuple(name for at, name in table.columns.items() if at < len(cells) and cells[at].damaged)
        yield TableRow(index + 1, values, _skip(texts, header), damaged)


def _table(where: str, grid: Grid, line: int, file: FileSettings) -> Table:
    known = _header(grid, line, file)
    columns: dict[int, str] = {}
    used: set[str] = set()
    for at, cell in enumerate(grid[line - 1]):
        written = _text(cell.text)
        name = known.get(at) or written
        if not name:
            continue
        if name in used:
            if at in known:
                name = written  # a second column of the same meaning is kept under its own words
            if name in used:
                raise SourceFileError(f"{where}: line {line} heads two columns {name!r}; rename one of them")
        used.add(name)
        columns[at] = name
    facts = {"account": file.account or "", "currency": file.currency or ""}
    for row in grid[: line - 1]:
        for cell, after in zip(row, [*row[1:], None], strict=True):
            text = _text(cell.text)
            hit = _FACT.match(text) or (after and _FACT.match(f"{text.rstrip(':：')}:{_text(after.text)}"))
            if hit:
                key = "currency" if hit.group(1)[0] in "币cC" else "account"
                facts[key] = facts[key] or hit.group(2)
    return Table(where, line, columns, {key: value for key, value in facts.items() if value})


def _header(grid: Grid, line: int, file: FileSettings) -> dict[int, str]:
    known: dict[int, str] = {}
    for at, cell in enumerate(grid[line - 1]):
        text = _text(cell.text)
        column = column_of(text, file.table_type, file.columns) if text else None
        if column and column not in known.values():
            known[at] = column
    return known


def _skip(texts: list[str], header: list[str]) -> str | None:
    first = next(text for text in texts if text)
    if _TOTALS.match(re.sub(r"\s+", "", unicodedata.normalize("NFKC", first))):
        return f"a totals row ({first})"
    if texts[: len(header)] == header:
        return "the header once more"
    return None


def _text(value: str | None) -> str:
    return "" if value is None else value.strip(_BLANKS)
