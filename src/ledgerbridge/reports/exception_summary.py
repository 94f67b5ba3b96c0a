"""The first two sheets of an exception report: sums per kind, severity, owner and age, and what the gaps between systems are made
of; every customer with links to its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledgerbridge.model.exception import Code, ExceptionRecord, Severity
from ledgerbridge.model.money import Money
from ledgerbridge.model.reconciliation import ReconciliationSummary

from .cell_styles import Styles, write_money
from .exception_columns import View
from .exception_gaps import GapLine, gap_lines, gaps_note
from .exception_words import word

AGES: Final = ((0, 30), (31, 60), (61, 90), (91, 180), (181, None))
"""Days, both ends included; the last one is open-ended."""
_HEAD_ROWS: Final = 1
_LINKS_MAX: Final = 65_000
_TOTAL: Final = "#F2F2F2"
_OPEN: Final = "#F8CBAD"


@dataclass(slots=True)
class Sum:
    """How many, and how much per currency: signed, and without signs. None is the currency of what has no money."""

    count: int = 0
    per_currency: dict[str | None, list[int]] = field(default_factory=dict)

    def add(self, money: Money | None) -> None:
        """Count one more."""
        self.count += 1
        one = self.per_currency.setdefault(money.currency if money else None, [0, 0, 0])
        minor = money.minor if money else 0
        one[0] += 1
        one[1] += minor
        one[2] += abs(minor)


@dataclass(slots=True)
class Customer:
    """One customer's sums, and where its first row of each code stands."""

    name: str
    row: int
    total: Sum = field(default_factory=Sum)
    codes: dict[Code, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Sums:
    """What the first two sheets say, gathered while the rows are written."""

    count: int = 0
    sheets: dict[Code, str] = field(default_factory=dict)
    by_code: dict[Code, Sum] = field(default_factory=dict)
    by_severity: dict[Severity, Sum] = field(default_factory=dict)
    by_owner: dict[str | None, Sum] = field(default_factory=dict)
    by_age: dict[int, Sum] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)

    def add(self, record: ExceptionRecord, row: int, age: int) -> int:
        """Count a record that stands in `row` of its sheet; the row of its customer's line."""
        found = record.finding
        self.count += 1
        bucket = next(at for at, (_, last) in enumerate(AGES) if last is None or age <= last)
        owner = self.by_owner.setdefault(record.owner, Sum())
        for one in (
            self.by_code.setdefault(found.code, Sum()),
            self.by_severity.setdefault(record.severity, Sum()),
            self.by_age.setdefault(bucket, Sum()),
            owner,
        ):
            one.add(found.difference)
        key = found.customer or found.customer_name or ""
        fresh = Customer(found.customer_name or found.customer or "", len(self.customers) + _HEAD_ROWS)
        customer = self.customers.setdefault(key, fresh)
        customer.total.add(found.difference)
        first, count = customer.codes.get(found.code, (row, 0))
        customer.codes[found.code] = (first, count + 1)
        return customer.row


def write_summary(
    sheet: Any,
    styles: Styles,
    view: View,
    sums: Sums,
    *,
    company: str,
    made_at: datetime,
    reconciled: ReconciliationSummary | None,
) -> None:
    """The first sheet. The gaps are those of `reconciled`, whole, whichever exceptions the report was narrowed to."""
    lang = view.language
    for at, width in enumerate((36, 8, 10, 24, 24)):
        sheet.set_column(at, at, width)
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, f"{company} {word('title', lang)}", styles.of(bold=True, font_size=16))
    local = made_at.astimezone(view.zone)
    sheet.write_string(1, 0, f"{word('made_at', lang)}: {local:%Y-%m-%d %H:%M}", styles.of(font_color="#595959"))
    sheet.write_string(2, 0, word("how_to", lang), styles.of(font_color="#C55A11"))
    writer = _Writer(sheet, styles, lang, 4)
    if not sums.count:
        sheet.write_string(4, 0, word("nothing", lang), styles.of(bold=True))
        writer.row += 2
    else:
        _blocks(writer, sums)
    if reconciled is not None and reconciled.compared:
        writer.gaps(reconciled, view.zone, sums.sheets)
    sheet.protect()
    sheet.set_portrait()
    sheet.fit_to_pages(1, 0)


def _blocks(writer: _Writer, sums: Sums) -> None:
    """The exceptions of the report, counted in four ways."""
    lang = writer.language
    codes = [(word(code, lang), one, sums.sheets[code]) for code, one in sums.by_code.items()]
    writer.block("by_code", codes)
    severities = reversed(Severity)
    writer.block(
        "by_severity", [(word(s, lang), sums.by_severity[s], None) for s in severities if s in sums.by_severity]
    )
    owners = sorted(sums.by_owner.items(), key=lambda item: (item[0] is None, item[0] or ""))
    writer.block("by_owner", [(name or word("nobody", lang), one, None) for name, one in owners])
    writer.block("by_age", [(_age(at), sums.by_age[at], None) for at in sorted(sums.by_age)])


def write_customers(sheet: Any, styles: Styles, view: View, sums: Sums) -> None:
    """The second sheet: one line a customer, with a link to its first row of every code."""
    lang = view.language
    codes = list(sums.sheets)
    head = styles.of(bold=True, font_color="#FFFFFF", bg_color="#1F4E79", border=1, align="center", text_wrap=True)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 8)
    sheet.set_column(2, 2, 30)
    sheet.set_column(3, 2 + max(1, len(codes)), 13)
    sheet.set_row(0, 24)
    heads = [word("col_customer", lang), word("col_count", lang), word("col_worth", lang)]
    for at, text in enumerate([*heads, *(sums.sheets[code] for code in codes)]):
        sheet.write_string(0, at, text, head)
    facts = {"border": 1, "border_color": "#BFBFBF"}
    link = styles.of(**facts, font_color="#0563C1", underline=1, align="center")
    links = 0
    for customer in sums.customers.values():
        row = customer.row
        sheet.write_string(row, 0, customer.name or word("no_customer", lang), styles.of(**facts))
        sheet.write_number(row, 1, customer.total.count, styles.of(**facts))
        worth = "; ".join(_amounts(customer.total))
        sheet.write_string(row, 2, worth, styles.of(**facts, align="right"))
        for at, code in enumerate(codes, start=3):
            first, count = customer.codes.get(code, (0, 0))
            if not count:
                sheet.write_blank(row, at, None, styles.of(**facts))
            elif links < _LINKS_MAX:
                links += 1
                sheet.write_url(row, at, f"internal:'{sums.sheets[code]}'!A{first + 1}", link, str(count))
            else:
                sheet.write_number(row, at, count, styles.of(**facts, align="center"))
    sheet.freeze_panes(1, 1)
    if sums.customers:
        sheet.autofilter(0, 0, len(sums.customers), 2 + len(codes))
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True})
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _amounts(total: Sum) -> Iterable[str]:
    for currency, (_, _, worth) in sorted(total.per_currency.items(), key=lambda item: item[0] or ""):
        if currency is not None:
            yield str(Money(minor=worth, currency=currency))


def _age(bucket: int) -> str:
    first, last = AGES[bucket]
    return f">{first - 1}" if last is None else f"{first}-{last}"


@dataclass(slots=True)
class _Writer:
    """Blocks of the summary, one below the other."""

    sheet: Any
    styles: Styles
    language: str
    row: int

    def block(self, title: str, lines: Sequence[tuple[str, Sum, str | None]]) -> None:
        """A title, heads, and one line per label and currency; a label with a sheet's name is a link to it."""
        heads = [word(title, self.language)]
        heads += [word(f"col_{key}", self.language) for key in ("count", "currency", "net", "worth")]
        self._heads(heads)
        facts = {"border": 1, "border_color": "#BFBFBF"}
        for label, one, target in lines:
            currencies = sorted(one.per_currency.items(), key=lambda item: item[0] or "")
            for line, (currency, (count, net, worth)) in enumerate(currencies):
                if line:
                    self.sheet.write_blank(self.row, 0, None, self.styles.of(**facts))
                elif target is None:
                    self.sheet.write_string(self.row, 0, label, self.styles.of(**facts))
                else:
                    style = self.styles.of(**facts, font_color="#0563C1", underline=1)
                    self.sheet.write_url(self.row, 0, f"internal:'{target}'!A1", style, label)
                self.sheet.write_number(self.row, 1, count, self.styles.of(**facts))
                shown = currency or word("no_money", self.language)
                self.sheet.write_string(self.row, 2, shown, self.styles.of(**facts, align="center"))
                for at, minor in ((3, net), (4, worth)):
                    self._money(at, Money(minor=minor, currency=currency) if currency else None, facts)
                self.row += 1
        self.row += 1

    def gaps(self, reconciled: ReconciliationSummary, zone: ZoneInfo, sheets: Mapping[Code, str]) -> None:
        """What every gap between two systems is made of."""
        self.sheet.write_string(self.row, 0, word("gaps", self.language), self.styles.of(bold=True, font_size=12))
        note = gaps_note(reconciled, zone, self.language)
        self.sheet.write_string(self.row + 1, 0, note, self.styles.of(font_color="#595959"))
        self.row += 2
        for books in reconciled.compared:
            heads = [word(f"col_{key}", self.language) for key in ("count", "currency", "amount")]
            self._heads([f"{books.leading} / {books.compared}", *heads])
            for line in gap_lines(books, sheets, self.language):
                self._gap_line(line, books.currency)
            self.row += 1

    def _gap_line(self, line: GapLine, currency: str) -> None:
        facts: dict[str, Any] = {"border": 1, "border_color": "#BFBFBF"}
        if line.total:
            facts |= {"bold": True, "bg_color": _OPEN if line.open else _TOTAL}
        named = facts if line.total else facts | {"indent": 1}
        if line.sheet is None:
            self.sheet.write_string(self.row, 0, line.label, self.styles.of(**named))
        else:
            style = self.styles.of(**named, font_color="#0563C1", underline=1)
            self.sheet.write_url(self.row, 0, f"internal:'{line.sheet}'!A1", style, line.label)
        if line.times is None:
            self.sheet.write_blank(self.row, 1, None, self.styles.of(**facts))
        else:
            self.sheet.write_number(self.row, 1, line.times, self.styles.of(**facts))
        self.sheet.write_string(self.row, 2, currency, self.styles.of(**facts, align="center"))
        self._money(3, Money(minor=line.minor, currency=currency), facts)
        self.row += 1

    def _heads(self, heads: Sequence[str]) -> None:
        style = self.styles.of(bold=True, font_color="#FFFFFF", bg_color="#1F4E79", border=1, align="center")
        for at, text in enumerate(heads):
            self.sheet.write_string(self.row, at, text, style)
        self.row += 1

    def _money(self, at: int, money: Money | None, facts: dict[str, Any]) -> None:
        if money is None:
            self.sheet.write_blank(self.row, at, None, self.styles.of(**facts))
        else:
            write_money(self.sheet, self.row, at, money, self.styles, facts)
