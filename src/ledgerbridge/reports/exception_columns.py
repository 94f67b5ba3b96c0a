"""The columns of an exception report: what each shows of a record, and how the row is known again when the file comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ledgerbridge.model.exception import ExceptionRecord, State
from ledgerbridge.model.money import to_decimal
from ledgerbridge.reconciler.exceptions.suggesting import remedies, suggested

from .exception_words import word

SETTLE: Final = "settle"
WAIVE: Final = "waive"
REOPEN: Final = "reopen"
_EVIDENCE_MAX: Final = 400

Shown = str | Decimal | date | int | None


@dataclass(frozen=True, slots=True)
class View:
    """For whom a report is made: language, the company's zone, and the day that ages are counted to."""

    language: str
    zone: ZoneInfo
    today: date


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `fixed`: what it shows changes only with the record, so that an edited cell can be told from a stale one."""

    key: str
    width: float
    shown: Callable[[ExceptionRecord, View], Shown]
    fixed: bool = True
    editable: bool = False
    centred: bool = False
    wraps: bool = False

    def head(self, language: str) -> str:
        """What stands above it."""
        return word(f"col_{self.key}", language)


def choice_of(record: ExceptionRecord) -> str | None:
    """What stands in the decision column of a record: what was decided, or how it ended."""
    if record.state is State.SETTLED:
        return SETTLE
    if record.state is State.WAIVED:
        return WAIVE
    if record.decision is not None and record.state in (State.OPEN, State.TAKEN):
        return record.decision.remedy
    return None


def choices(record: ExceptionRecord) -> tuple[str, ...]:
    """What may be chosen for a record."""
    return (*remedies(record.finding.code), SETTLE, WAIVE, REOPEN)


def seal(record: ExceptionRecord) -> str:
    """By what a row is known again: the record's digest, and what stood in the decision and owner columns."""
    return f"{record.row_digest};{choice_of(record) or ''};{record.owner or ''}"


def age_days(record: ExceptionRecord, view: View) -> int:
    """Days since the business date, or since it was first found."""
    since = record.finding.business_on or record.first_seen_at.astimezone(view.zone).date()
    return max(0, (view.today - since).days)


def state_word(record: ExceptionRecord, language: str) -> str:
    """The state, or that a waiver waits for a second person."""
    return word("waits_for_second" if record.waits_for_second else record.state, language)


def evidence_text(record: ExceptionRecord) -> str:
    """The evidence on one line."""
    parts = (f"{name}: {_plain(value)}" for name, value in sorted(record.finding.evidence.items()))
    text = "".join(mark if mark.isprintable() else " " for mark in "; ".join(parts))
    return text if len(text) <= _EVIDENCE_MAX else f"{text[: _EVIDENCE_MAX - 1]}…"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return "" if value is None else str(value)


def _difference(record: ExceptionRecord, _view: View) -> Decimal | None:
    money = record.finding.difference
    return to_decimal(money.minor, money.currency) if money else None


def _day(moment: datetime, view: View) -> date:
    return moment.astimezone(view.zone).date()


COLUMNS: Final = (
    Column("number", 17, lambda one, _: one.finding.number),
    Column("customer", 28, lambda one, _: one.finding.customer_name, wraps=True),
    Column("kind", 10, lambda one, view: word(one.finding.kind, view.language), centred=True),
    Column("business_on", 11, lambda one, _: one.finding.business_on),
    Column("age", 6, age_days, fixed=False),
    Column(
        "currency", 7, lambda one, _: one.finding.difference.currency if one.finding.difference else None, centred=True
    ),
    Column("difference", 18, _difference),
    Column("severity", 9, lambda one, view: word(one.severity, view.language), fixed=False, centred=True),
    Column("state", 12, lambda one, view: state_word(one, view.language), centred=True, wraps=True),
    Column("systems", 11, lambda one, _: " / ".join(one.finding.systems), centred=True),
    Column("fields", 11, lambda one, _: ", ".join(one.finding.fields)),
    Column("evidence", 34, lambda one, _: evidence_text(one), wraps=True),
    Column("suggested", 14, lambda one, view: word(suggested(one.finding), view.language)),
    Column("first_seen", 11, lambda one, view: _day(one.first_seen_at, view)),
    Column("choice", 16, lambda one, view: word(choice_of(one) or "", view.language), editable=True),
    Column("note", 24, lambda _one, _: None, editable=True, wraps=True),
    Column("owner", 10, lambda one, _: one.owner, editable=True),
    Column("named", 10, lambda _one, _: None, editable=True),
    Column("id", 19, lambda one, _: one.id),
    Column("seal", 12, lambda one, _: seal(one)),
)
"""In the order of the sheet; `seal` is hidden."""
