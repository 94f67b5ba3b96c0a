"""Read an exception report back: the rows, what stands in their decision columns, and the cells beside them.

The file comes from outside: it is looked at by the same guard as any imported workbook (size, zip bombs, macros, document types)
and parsed in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from ledgerbridge.connectors.sheets.settings import SheetsSettings
from ledgerbridge.connectors.sheets.workbook import Cell, read_workbook
from ledgerbridge.errors import SourceFileError
from ledgerbridge.model.exception import ExceptionRecord, Remedy

from .exception_columns import COLUMNS, REOPEN, SETTLE, WAIVE, Shown, View
from .exception_words import word

_LANGUAGES: Final = ("zh", "en")
_CHOICES: Final = (*Remedy, SETTLE, WAIVE, REOPEN)


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One row of a report that came back. `place` is sheet and line, `cells` the text of every column by its key.

    `digest`, `choice_before` and `owner_before` are what the row was written with; None if its check cell is damaged.
    """

    place: str
    language: str
    id: str
    cells: Mapping[str, str | None]
    digest: str | None
    choice_before: str | None
    owner_before: str | None

    @property
    def choice(self) -> str | None:
        """The text of the decision column as a word of ours, or as it stands if it is none."""
        text = self.text("choice")
        return None if not text else _CHOICE_WORDS.get(text.casefold(), text)

    def text(self, key: str) -> str:
        """A cell's text without blanks around it, "" for an empty one."""
        return (self.cells.get(key) or "").strip()

    @property
    def is_edited(self) -> bool:
        """Whether a decision column says something else than it was written with."""
        changed = self.choice != self.choice_before or (self.text("owner") or None) != self.owner_before
        return changed or bool(self.text("note"))


_CHOICE_WORDS: Final = {word(key, language).casefold(): str(key) for key in _CHOICES for language in _LANGUAGES} | {
    str(key): str(key) for key in _CHOICES
}


def read_decisions(path: Path, settings: SheetsSettings | None = None) -> list[DecisionRow]:
    """All rows of a report. SourceFileError if the file is refused, or holds no sheet of an exception report."""
    if not path.is_file():
        raise SourceFileError(f"{path}: there is no such file")
    rows: list[DecisionRow] = []
    known = False
    for name, grid in read_workbook(path, None, settings or SheetsSettings()).items():
        found = _heads(grid[0]) if grid else None
        if found is not None:
            known = True
            rows += _rows(name, grid[1:], *found)
    if not known:
        raise SourceFileError(f"{path.name}: no sheet of an exception report; send back the file that `report` made")
    return rows


def _heads(row: list[Cell]) -> tuple[str, dict[str, int]] | None:
    """The language and where each column stands, if this is the head of a report's sheet."""
    texts = [(cell.text or "").strip() for cell in row]
    for language in _LANGUAGES:
        heads = {column.key: column.head(language) for column in COLUMNS}
        if all(heads[key] in texts for key in ("id", "seal", "choice")):
            return language, {key: texts.index(head) for key, head in heads.items() if head in texts}
    return None


def _rows(sheet: str, grid: list[list[Cell]], language: str, places: dict[str, int]) -> Iterator[DecisionRow]:
    for line, row in enumerate(grid, start=2):
        cells = {key: row[at].text if at < len(row) else None for key, at in places.items()}
        if not any((text or "").strip() for text in cells.values()):
            continue
        digest, choice, owner = _seal(cells.get("seal"))
        yield DecisionRow(f"{sheet}!{line}", language, (cells.get("id") or "").strip(), cells, digest, choice, owner)


def _seal(text: str | None) -> tuple[str | None, str | None, str | None]:
    parts = (text or "").split(";", 2)
    if len(parts) != 3 or not parts[0]:
        return None, None, None
    return parts[0], parts[1] or None, parts[2] or None


def differing(row: DecisionRow, record: ExceptionRecord, view: View) -> list[str]:
    """The fixed columns whose cell is not what the record shows: head, and the cell's and the record's text."""
    found = []
    for column in COLUMNS:
        if not column.fixed or column.editable or column.key in ("id", "seal"):
            continue
        shown = column.shown(record, view)
        cell = row.cells.get(column.key)
        if not _same(cell, shown) and not (column.key == "customer" and shown is None):
            found.append(f"{column.head(row.language)} {_told(cell)} ≠ {_told(shown)}")
    return found


def _same(cell: str | None, shown: Shown) -> bool:
    text = (cell or "").strip()
    if isinstance(shown, Decimal):
        try:
            return Decimal(text) == shown
        except InvalidOperation:
            return False
    if isinstance(shown, date):
        return text[:10] == shown.isoformat()
    return text == str(shown or "").strip()


def _told(value: Shown) -> str:
    return "∅" if value in (None, "") else f"{value}"
