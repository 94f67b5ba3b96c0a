"""What stands between the balances of two systems, line by line, so that the sum of the causes can be seen beside the gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ledgerbridge.model.exception import Code
from ledgerbridge.model.reconciliation import ComparedBooks, ReconciliationSummary

from .exception_words import Language, word
from .reconciliation.words import word as said


@dataclass(frozen=True, slots=True)
class GapLine:
    """One line: an amount in minor units, how many differences it is made of (None: it is no sum of differences), and the sheet
    that lists them. `total`: balances, gap and sums, as against causes; `open`: money that nothing explains.
    """

    label: str
    minor: int
    times: int | None = None
    sheet: str | None = None
    total: bool = False
    open: bool = False


def gap_lines(books: ComparedBooks, sheets: Mapping[Code, str], language: str) -> list[GapLine]:
    """Both balances, the gap, every cause, the sum of the causes, and what is unexplained.

    Causes that are no exceptions (tolerances, customers that are not linked or not held) are lines like the others.
    `sheets` names the sheet of each kind of exception that has one.
    """
    lang: Language = "en" if language == "en" else "zh"
    causes = [
        GapLine(said(line.cause, lang), line.minor, line.times, _sheet(line.cause, sheets)) for line in books.causes
    ]
    return [
        GapLine(f"{said('leading_balance', lang)} ({books.leading})", books.leading_minor, total=True),
        GapLine(f"{said('compared_balance', lang)} ({books.compared})", books.compared_minor, total=True),
        GapLine(said("gap", lang), books.gap_minor, total=True),
        *causes,
        GapLine(
            said("causes_total", lang),
            sum(line.minor for line in books.causes),
            sum(line.times for line in books.causes),
            total=True,
        ),
        GapLine(
            said("unexplained", lang),
            books.unexplained_minor,
            sheet=sheets.get(Code.BALANCE_UNEXPLAINED),
            total=True,
            open=books.unexplained_minor != 0,
        ),
    ]


def gaps_note(reconciled: ReconciliationSummary, zone: ZoneInfo, language: str) -> str:
    """Of which reconciliation the gaps are, and how they are counted: exceptions may have been settled since."""
    lang: Language = "en" if language == "en" else "zh"
    moment = f"{reconciled.made_at.astimezone(zone):%Y-%m-%d %H:%M}"
    facts = (
        f"{said('as_of', lang)} {reconciled.as_of}",
        f"{said('made_at', lang)} {moment}",
        f"{said('customers', lang)} {reconciled.customers:,}",
    )
    return f"{'; '.join(facts)}. {word('gap_is', language)}"


def _sheet(cause: str, sheets: Mapping[Code, str]) -> str | None:
    return next((name for code, name in sheets.items() if code == cause), None)
