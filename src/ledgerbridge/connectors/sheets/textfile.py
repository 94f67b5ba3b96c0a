"""Read csv and tsv files: the encoding found by trying, never by guessing over errors; the delimiter by counting."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from ledgerbridge.errors import SourceFileError
from ledgerbridge.model.cells import unguarded

from .settings import FileSettings, SheetsSettings
from .workbook import EMPTY, Cell, Grid

_DELIMITERS = ("\t", ",", ";", "|")
_FIELD_MAX = 1024 * 1024
_END = "\x00end"  # no file holds a NUL: it is seen as a row of its own unless a quotation mark is open
_KEPT = re.compile(r'="([^"]*)"')


def decode(path: Path, data: bytes, encoding: str | None) -> str:
    """The file's text. A BOM decides; else UTF-8, then GB18030, each strictly; SourceFileError if none fits."""
    if data.startswith(b"\xef\xbb\xbf"):
        tries = ["utf-8-sig"]
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        tries = ["utf-16"]
    else:
        tries = [encoding] if encoding else ["utf-8", "gb18030"]
    for name in tries:
        try:
            text = data.decode(name)
        except UnicodeDecodeError as error:
            place, tried = error.start, name
            if name == "utf-8" and len(tries) > 1 and _is_broken_utf8(data):
                tries = ["utf-8"]
                break
            continue
        if "\x00" in text:
            raise SourceFileError(f"{path.name}: holds NUL characters; this is no text table")
        return text
    line = data[:place].count(b"\n") + 1
    raise SourceFileError(
        f"{path.name}: is not {' or '.join(tries)} text (line {line} breaks {tried}); "
        "save it as UTF-8, or set the file's encoding"
    )


def _is_broken_utf8(data: bytes) -> bool:
    """Whether text is UTF-8 but for few bytes: GB18030 would read nearly anything, and make nonsense of it."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    return broken * 10 <= sum(not character.isascii() for character in text) - broken


def read_text(path: Path, file: FileSettings, settings: SheetsSettings) -> Grid:
    """The cells of a csv or tsv file; SourceFileError says why a file is refused."""
    size = path.stat().st_size
    if size > settings.file_bytes_max:
        raise SourceFileError(f"{path.name}: {size:,} bytes, at most {settings.file_bytes_max:,}; split the file")
    text = decode(path, path.read_bytes(), file.encoding)
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise SourceFileError(f"{path.name}: this is a web page, no table; export it again as CSV or XLSX")
    if not text.strip():
        raise SourceFileError(f"{path.name}: the file is empty; export it again")
    csv.field_size_limit(_FIELD_MAX)
    grid: Grid = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=_delimiter(path, text)):
            cells += len(row)
            if cells > settings.cells_max:
                raise SourceFileError(f"{path.name}: more than {settings.cells_max:,} cells; split the file")
            if row == [_END]:
                return grid
            grid.append([Cell(_plain(value)) if value else EMPTY for value in row])
    except csv.Error as error:
        raise SourceFileError(f"{path.name}: cannot be read as a table: {error}") from None
    raise SourceFileError(
        f"{path.name}: a quotation mark is never closed, and takes everything behind it into one cell "
        f"(line {len(grid)}, or before it); mend it or export the file again"
    )


def _plain(value: str) -> str:
    """What a cell holds: ="007", by which exports keep a code's zeros, is 007; an apostrophe that guards text is dropped."""
    kept = _KEPT.fullmatch(value.strip())
    return kept.group(1) if kept else unguarded(value)


def _delimiter(path: Path, text: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    lines = [line for line in text.splitlines()[:60] if line.strip()]
    widths = {mark: sum(sorted((line.count(mark) for line in lines), reverse=True)[:20]) for mark in _DELIMITERS}
    # Chinese exports pad every comma-separated value with a tab: a tab counts only where it outnumbers the commas clearly
    if widths["\t"] and widths["\t"] <= widths[","] + len(lines):
        widths["\t"] = 0
    return max(_DELIMITERS, key=lambda mark: widths[mark]) if any(widths.values()) else ","
