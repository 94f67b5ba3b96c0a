"""The two-sided statement as XLSX and HTML: first what explains the gap, then every line behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from ledgerbridge.model.two_sided import SideEntry, SideMatch, TwoSidedStatement

from .content import currency_name, labelled
from .html import Row, head, page, table
from .words import WORDS, Language, rule_word
from .workbook import Amount, Book, Cell, Sheet


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for the gap: its name (a key of the words), how many lines, and what it makes of the difference."""

    name: str
    lines: int
    minor: int


def causes(statement: TwoSidedStatement) -> list[Cause]:
    """Every reason why the closing balances differ; they sum to the difference, which the model proves."""
    ours, theirs, differing = statement.unmatched_left, statement.unmatched_right, _differing(statement)
    return [
        Cause("opening_difference", 0, statement.opening_difference_minor),
        Cause("only_ours", len(ours), sum(entry.amount_minor for entry in ours)),
        Cause("only_theirs", len(theirs), -sum(entry.amount_minor for entry in theirs)),
        Cause("amounts_differ", len(differing), sum(match.difference_minor for match in differing)),
    ]


def two_sided_html(statement: TwoSidedStatement, language: Language) -> bytes:
    """One file without anything loaded from elsewhere."""
    words, shown = WORDS[language], statement.shown
    rows: list[Row] = [((words["ours"], statement.left.name, shown(statement.left.closing_minor)), "")]
    rows.append(((words["theirs"], statement.right.name, shown(statement.right.closing_minor)), ""))
    rows.append(((words["difference"], "", shown(statement.difference_minor)), "b f"))
    parts = [head(statement.left.name, words["two_title"], _heading(statement, language))]
    parts.append(table(["", "", words["closing"]], rows, amounts=(2,)))
    why: list[Row] = [
        ((words[cause.name], str(cause.lines) if cause.lines else "", shown(cause.minor)), "")
        for cause in causes(statement)
    ]
    why.append(((words["explained"], "", shown(statement.difference_minor)), "b f"))
    parts.append(f"<h2>{escape(words['cause'])}</h2>")
    parts.append(table([words["cause"], words["count"], words["difference"]], why, amounts=(1, 2)))
    titles = [words[name] for name in ("on", "document", "remark", "amount")]
    for name, entries in (("only_ours", statement.unmatched_left), ("only_theirs", statement.unmatched_right)):
        listed: list[Row] = [
            ((str(entry.on or "-"), entry.number, entry.remark, shown(entry.amount_minor)), "") for entry in entries
        ]
        parts.append(f"<h2>{escape(words[name])}</h2>")
        parts.append(table(titles, listed or [((words["none"], "", "", ""), "")], amounts=(3,), whole=(0,)))
    paired: list[Row] = [
        ((pair.ours, pair.theirs, rule_word(pair.match.rule, language), *map(shown, pair.minors)), "")
        for pair in _pairs(statement, _differing(statement))
    ]
    parts.append(f"<h2>{escape(words['amounts_differ'])}</h2>")
    parts.append(table(_pair_titles(language), paired or [((words["none"], *[""] * 5), "")], amounts=(3, 4, 5)))
    agreed = len(statement.matches) - len(_differing(statement))
    parts.append(f"<p>{escape(labelled(words['matched'], str(agreed), language))}</p>")
    return page(language, f"{words['two_title']} {statement.customer.name}", "\n".join(parts))


def two_sided_xlsx(statement: TwoSidedStatement, language: Language) -> bytes:
    """A workbook: the summary, a sheet for each cause, and what agrees."""
    words = WORDS[language]
    title = f"{words['two_title']} {statement.customer.name}"
    book = Book(title=title, company=statement.left.name, made_at=statement.made_at)
    footer = words["page"].format(page="&P", pages="&N")
    _summary(book.sheet(words["summary"], (26, 34, 12, 20), footer), statement, language)
    for name, entries in (("only_ours", statement.unmatched_left), ("only_theirs", statement.unmatched_right)):
        _unmatched(book.sheet(words[name], (12, 26, 36, 18), footer), statement, entries, language)
    differing = _differing(statement)
    agreed = [match for match in statement.matches if not match.difference_minor]
    for name, matches in (("amounts_differ", differing), ("matched", agreed)):
        sheet = book.sheet(words[name], (30, 30, 30, 17, 17, 15), footer, landscape=True)
        sheet.head(_pair_titles(language), repeat=True, amounts=(3, 4, 5))
        sheet.made.freeze_panes(1, 0)
        for pair in _pairs(statement, matches):
            amounts = [Amount(minor, statement.currency) for minor in pair.minors]
            sheet.line([pair.ours, pair.theirs, rule_word(pair.match.rule, language), *amounts])
    return book.content()


def _summary(sheet: Sheet, statement: TwoSidedStatement, language: Language) -> None:
    words = WORDS[language]

    def amount(minor: int) -> Amount:
        return Amount(minor, statement.currency)

    sheet.text(words["two_title"], bold=True, font_size=16, align="center", height=28)
    for label, text in _heading(statement, language):
        sheet.cell(0, label)
        sheet.cell(1, text, last=3, bold=True)
        sheet.row += 1
    sheet.row += 1
    sheet.head(["", "", "", words["closing"]], amounts=(3,))
    sheet.line([words["ours"], statement.left.name, None, amount(statement.left.closing_minor)])
    sheet.line([words["theirs"], statement.right.name, None, amount(statement.right.closing_minor)])
    sheet.line([words["difference"], None, None, amount(statement.difference_minor)], bold=True, fill=True)
    sheet.row += 1
    sheet.head([words["cause"], "", words["count"], words["difference"]], amounts=(2, 3))
    for cause in causes(statement):
        sheet.line([words[cause.name], None, cause.lines or None, amount(cause.minor)])
    sheet.line([words["explained"], None, None, amount(statement.difference_minor)], bold=True, fill=True)


def _unmatched(sheet: Sheet, statement: TwoSidedStatement, entries: Sequence[SideEntry], language: Language) -> None:
    words = WORDS[language]
    sheet.head([words[name] for name in ("on", "document", "remark", "amount")], repeat=True, amounts=(3,))
    sheet.made.freeze_panes(1, 0)
    for entry in entries:
        on: date | None = entry.on
        cells: list[Cell] = [on, entry.number, entry.remark, Amount(entry.amount_minor, statement.currency)]
        sheet.line(cells)
    total = Amount(sum(entry.amount_minor for entry in entries), statement.currency)
    sheet.line([None, words["total"], None, total], bold=True, fill=True)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A match in texts; `minors` are ours, theirs and the difference."""

    match: SideMatch
    ours: str
    theirs: str
    minors: tuple[int, int, int]


def _pairs(statement: TwoSidedStatement, matches: Sequence[SideMatch]) -> Iterator[_Pair]:
    left = {entry.id: entry for entry in statement.left.entries}
    right = {entry.id: entry for entry in statement.right.entries}
    for match in matches:
        ours, theirs = [left[key] for key in match.left], [right[key] for key in match.right]
        sums = (sum(entry.amount_minor for entry in ours), sum(entry.amount_minor for entry in theirs))
        yield _Pair(match, _named(ours), _named(theirs), (*sums, match.difference_minor))


def _named(entries: Sequence[SideEntry]) -> str:
    return "、".join(" ".join(part for part in (str(entry.on or ""), entry.number) if part) for entry in entries)


def _differing(statement: TwoSidedStatement) -> list[SideMatch]:
    return [match for match in statement.matches if match.difference_minor]


def _pair_titles(language: Language) -> list[str]:
    words = WORDS[language]
    ours, theirs, amount = words["ours"], words["theirs"], words["amount"]
    gap = "" if language is Language.ZH else " "
    return [ours, theirs, words["rule"], f"{ours}{gap}{amount}", f"{theirs}{gap}{amount}", words["difference"]]


def _heading(statement: TwoSidedStatement, language: Language) -> list[tuple[str, str]]:
    words = WORDS[language]
    return [
        (words["customer"], statement.customer.name),
        (words["code"], statement.customer.code or "-"),
        (words["currency"], currency_name(statement.currency, language)),
        (words["period"], f"{statement.first_day} – {statement.last_day}"),
    ]
