"""Find the table in a sheet: the header row by its words, merged titles above it, totals below it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ledgerbridge.errors import SourceFileError

from .columns import columns_of, missing
from .settings import FileSettings
from .workbook import EMPTY, Cell, Grid

HEADER_SEARCH_ROWS = 60
_TOTALS = re.compile(
    r"(本页|本期|本月|本年|累计|借方|贷方)?(合计|总计|小计|累计|总笔数|合计笔数|(sub|grand)?total)"
    r"([\d.,:()¥$元笔条共项次圆角分整正零壹贰叁肆伍陆柒捌玖拾佰仟万亿-]|大写|小写|金额|笔数|余额|发生额|收入|支出|借方|贷方|人民币"
    r"|amount|debit|credit|count)*",
    re.IGNORECASE,
)
"""A totals row's first text, whole: a customer called 总计科技 or Total Energies is none."""
_BLANKS = "\t \u3000\u00a0\u200b\ufeff\r\n"
_FACT = re.compile(
    r"(?<!对方)(?P<account>账\s*[号户]|帐\s*[号户]|卡\s*号|account(?:\s*(?:no\.?|number))?)\s*:"
    r"\s*(?P<number>[0-9A-Za-z*][0-9A-Za-z*-]*(?: [0-9*]+)*)"
    r"|(?P<currency>币\s*[种别]|currency)\s*:\s*(?P<code>[^\s,，;；:：]+)",
    re.IGNORECASE,
)


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


def find_table(name: str, sheets: Mapping[str, Grid], file: FileSettings) -> tuple[Table, Grid, tuple[str, ...]]:
    """The first sheet's table that has all required columns, its sheet, and the names of other sheets that hold one too.

    SourceFileError says what was looked for and what the best row found lacks.
    """
    best: tuple[int, str] = (0, "no row holds any of the words we know")
    if file.header_row and all(file.header_row > len(grid) for grid in sheets.values()):
        longest = max((len(grid) for grid in sheets.values()), default=0)
        raise SourceFileError(f"{name}: there is no line {file.header_row} for a header, the table has {longest} lines")
    found: list[tuple[str, str, Grid, int]] = []
    for sheet, grid in sheets.items():
        where = f"{name}[{sheet}]" if sheet else name
        lines = [file.header_row] if file.header_row else range(1, min(len(grid), HEADER_SEARCH_ROWS) + 1)
        candidates = []
        for line in lines:
            if line > len(grid):
                continue
            known = _header(grid, line, file)
            lacks = missing(set(known.values()), file.table_type)
            if known and not lacks:
                candidates.append((len(known), -line))
            elif len(known) > best[0]:
                best = (len(known), f"line {line} comes nearest but lacks {', '.join(lacks)}")
        if candidates:
            found.append((sheet, where, grid, -max(candidates)[1]))
    if found:
        _, where, grid, line = found[0]
        others = tuple(sheet for sheet, *_ in found[1:])
        return _table(where, grid, line, file), grid, others
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
    columns = dict(known)
    taken = set(known.values())
    for at, cell in enumerate(grid[line - 1]):
        written = _text(cell.text).lstrip("_")  # names with _ in front are our own marks
        if at in known or not written:
            continue
        if written in known.values():
            written = f"{written} (column {at + 1})"
        if written in taken:
            raise SourceFileError(f"{where}: line {line} heads two columns {written!r}; rename one of them")
        taken.add(written)
        columns[at] = written
    columns = dict(sorted(columns.items()))
    facts = _facts(where, grid[: line - 1], file)
    return Table(where, line, columns, {key: value for key, value in facts.items() if value})


def _facts(where: str, above: Sequence[Sequence[Cell]], file: FileSettings) -> dict[str, str]:
    """The account and currency that the settings or the lines above the header name; the settings go first."""
    facts = {"account": file.account or "", "currency": file.currency or ""}
    for line, row in enumerate(above, start=1):
        for cell, after in zip(row, [*row[1:], EMPTY], strict=True):
            text = unicodedata.normalize("NFKC", _text(cell.text))
            hits = list(_FACT.finditer(text))
            beside = _FACT.fullmatch(f"{text.rstrip(':')}:{unicodedata.normalize('NFKC', _text(after.text))}")
            if beside and not hits:
                hits = [beside]
                if after.damaged and beside["account"] and not facts["account"]:
                    raise SourceFileError(
                        f"{where}: the account in line {line} is a number that Excel has shortened; "
                        "format the cell as text and enter it again, or name the account in the file's settings or by --account"
                    )
            for hit in hits:
                key, value = ("account", hit["number"]) if hit["account"] else ("currency", hit["code"])
                facts[key] = facts[key] or value.replace(" ", "")
    return facts


def _header(grid: Grid, line: int, file: FileSettings) -> dict[int, str]:
    return columns_of([_text(cell.text) for cell in grid[line - 1]], file.table_type, file.columns)


def _skip(texts: list[str], header: list[str]) -> str | None:
    first = next(text for text in texts if text)
    if _TOTALS.fullmatch(re.sub(r"\s+", "", unicodedata.normalize("NFKC", first))):
        return f"a totals row ({first})"
    if texts[: len(header)] == header:
        return "the header once more"
    return None


def _text(value: str | None) -> str:
    return "" if value is None else value.strip(_BLANKS)
