"""A plan as a workbook: summary, creates, updates (before → after), voids, conflicts, what is held back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from ledgerbridge.model.change import Action
from ledgerbridge.model.money import Money
from ledgerbridge.model.plan import PlanHead
from ledgerbridge.store import Tx, conflicts, plans

from .cell_styles import Styles, write_money
from .plan_view import ShownRow, conflict_values, rows
from .plan_words import said
from .tables import SHEET_ROWS_MAX

_WIDTHS: Final = {
    "title": 42,
    "before": 34,
    "after": 34,
    "detail": 60,
    "fields": 60,
    "because": 30,
    "reason": 44,
    "base": 30,
    "left_value": 30,
    "right_value": 30,
    "money": 20,
}


def write_plan_xlsx(path: Path, tx: Tx, head: PlanHead, *, language: str, base_currency: str) -> int:
    """Write the workbook, row by row as the store gives them; how many changes it lists. OSError as the file system says.

    ValueError for a plan with more rows of one sort than a sheet holds.
    """
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    path.open("wb").close()  # a path that cannot be written is the file system's own error, and told before any work
    with xlsxwriter.Workbook(path, {**options, "strings_to_numbers": False}) as workbook:
        book = _Book(workbook, Styles(workbook), language)
        _summary(book, head)
        for action, name in ((Action.CREATE, "creates"), (Action.UPDATE, "updates"), (Action.VOID, "voids")):
            sheet = _Sheet(book, name, _COLUMNS[action])
            for row in rows(tx, head.plan_id, base_currency=base_currency, action=action):
                count += 1
                for cells in _cells(row, language):
                    sheet.add(cells)
            sheet.close()
        _conflicts(book, tx, head)
        _held(book, tx, head)
    return count


_COLUMNS: Final[dict[Action, tuple[str, ...]]] = {
    Action.CREATE: ("system", "kind", "title", "money", "needs", "fields"),
    Action.UPDATE: ("system", "kind", "title", "field", "before", "after", "by", "money"),
    Action.VOID: ("system", "kind", "title", "money", "because"),
}


def _cells(row: ShownRow, language: str) -> Iterable[Sequence[Any]]:
    head = [row.system, said(row.kind, language), row.title]
    money = row.money[0] if row.money else None
    if row.action is Action.CREATE:
        yield [*head, money, row.needs, "; ".join(f"{field.path} = {field.after}" for field in row.fields)]
    elif row.action is Action.VOID:
        yield [*head, money, row.because]
    else:
        for at, field in enumerate(row.fields):
            yield [*head, field.path, field.before, field.after, field.by, None if at else money]


class _Book:
    """A workbook in one language."""

    def __init__(self, workbook: Any, styles: Styles, language: str) -> None:
        self.workbook, self.styles, self.language = workbook, styles, language


class _Sheet:
    """A sheet with headings, filled row by row; texts stay text, amounts are numbers in their currency."""

    def __init__(self, book: _Book, name: str, columns: Sequence[str]) -> None:
        self._book, self._columns, self._at = book, columns, 0
        self._sheet = book.workbook.add_worksheet(said(name, book.language))
        bold = book.styles.of(bold=True, bg_color="#EEF2F7", border=1)
        for at, column in enumerate(columns):
            self._sheet.set_column(at, at, _WIDTHS.get(column, 16))
            self._sheet.write_string(0, at, said(column, book.language), bold)
        self._sheet.freeze_panes(1, 0)

    def add(self, cells: Sequence[Any]) -> None:
        """One row."""
        self._at += 1
        if self._at >= SHEET_ROWS_MAX:
            raise ValueError(f"a sheet holds {SHEET_ROWS_MAX:,} rows; use --json instead")
        for at, cell in enumerate(cells):
            if isinstance(cell, Money):
                write_money(self._sheet, self._at, at, cell, self._book.styles, {})
            elif isinstance(cell, int):
                self._sheet.write_number(self._at, at, cell, self._book.styles.of())
            elif cell not in (None, ""):
                self._sheet.write_string(self._at, at, str(cell), self._book.styles.of(num_format="@"))

    def close(self) -> None:
        """Let the headings filter what is there."""
        self._sheet.autofilter(0, 0, max(self._at, 1), len(self._columns) - 1)


def _summary(book: _Book, head: PlanHead) -> None:
    lang, summary = book.language, head.summary
    sheet = _Sheet(book, "summary", ("action", "system", "changes", "drift", "money"))
    for effect in summary.effects:
        first: Sequence[Any] = [said(effect.action.value, lang), effect.system, effect.changes, effect.drift]
        for at, money in enumerate(effect.money or (None,)):
            sheet.add([*(first if at == 0 else [None] * 4), money])
    facts = (
        ("plan", head.plan_id),
        ("flow", head.flow),
        ("state", said(head.state.value, lang)),
        ("made_at", f"{head.made_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("why_waiting", "; ".join(head.why_waiting)),
        ("linked", summary.linked),
        ("looked_at", summary.looked_at),
        ("agreed", summary.agreed),
        ("conflicts", summary.conflicts),
        ("held", sum(summary.held.values())),
    )
    sheet.add([])
    for name, value in facts:
        sheet.add([said(name, lang), value])
    sheet.close()


def _conflicts(book: _Book, tx: Tx, head: PlanHead) -> None:
    sheet = _Sheet(book, "conflicts", ("title", "field", "base", "left_value", "right_value", "owner", "state"))
    cases = [case for key in plans.conflict_keys(tx, head.plan_id) if (case := conflicts.get(tx, key)) is not None]
    values = conflict_values(tx, [case.conflict for case in cases])
    for case, (before, left, right) in zip(cases, values, strict=True):
        state = said(case.state.value, book.language)
        sheet.add([case.title, case.conflict.path, before, left, right, case.conflict.owner, state])
    sheet.close()


def _held(book: _Book, tx: Tx, head: PlanHead) -> None:
    sheet = _Sheet(book, "held", ("system", "kind", "title", "reason", "fields", "detail"))
    for one in plans.held(tx, head.plan_id):
        reason = said(one.reason.value, book.language)
        kind = said(one.kind.value, book.language)
        sheet.add([one.system, kind, one.title, reason, ", ".join(one.fields), one.detail])
    sheet.close()
