"""The summary as one HTML file: nothing is loaded from elsewhere, everything is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from zoneinfo import ZoneInfo

from ledgerbridge.model.money import to_decimal
from ledgerbridge.model.reconciliation import AgedCurrency, ComparedBooks, ReconciliationSummary
from ledgerbridge.model.statement import AgeBase
from ledgerbridge.reports.exception_words import Language
from ledgerbridge.reports.statement.html import Row, head, page, table
from ledgerbridge.reports.statement.words import Language as StatementLanguage
from ledgerbridge.reports.statement.words import bucket_word

from .plots import Bar, bars, strip
from .words import word


def summary_html(summary: ReconciliationSummary, *, language: Language, zone: ZoneInfo) -> bytes:
    """The file: balances and causes first, then cash, ages, collection, exceptions. Moments are shown in `zone`."""
    say = _Say(language)
    verdict = say("some_unexplained" if summary.unexplained else "all_explained")
    facts = [
        (say("as_of"), summary.as_of.isoformat()),
        (say("leading"), summary.leading),
        (say("customers"), f"{summary.customers:,}"),
        (say("made_at"), summary.made_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")),
        (say("run"), summary.run_id),
    ]
    note = f"<p>{escape(say('partial'))}</p>" if summary.partial else ""
    parts = [
        head(summary.company, say("title"), facts),
        f'<p class="words">{escape(verdict)}</p>{note}',
        _compared(summary, say),
        _cash(summary, say),
        _aging(summary, say),
        _collection(summary, say),
        _exceptions(summary, say),
    ]
    return page(StatementLanguage(language), f"{say('title')} {summary.as_of}", "\n".join(parts))


class _Say:
    """Words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, name: str) -> str:
        return word(name, self.language)


def _money(minor: int, currency: str) -> str:
    return f"{to_decimal(minor, currency):,}"


def _section(title: str, *parts: str) -> str:
    return "\n".join([f"<h2>{escape(title)}</h2>", *(part for part in parts if part)])


def _caption(text: str) -> str:
    return f'<p class="words">{escape(text)}</p>\n'


def _table(say: _Say, heads: Sequence[str], rows: Sequence[Row], first_amount: int) -> str:
    if not rows:
        return f"<p>{escape(say('nothing'))}</p>"
    return table([say(name) for name in heads], rows, amounts=range(first_amount, len(heads)))


def _compared(summary: ReconciliationSummary, say: _Say) -> str:
    heads = (
        "systems",
        "currency",
        "leading_balance",
        "compared_balance",
        "gap",
        "causes_total",
        "unexplained",
        "customers_off",
    )
    rows: list[Row] = []
    for books in summary.compared:
        explained = books.gap_minor - books.unexplained_minor
        sums = (books.leading_minor, books.compared_minor, books.gap_minor, explained, books.unexplained_minor)
        cells = (f"{books.leading} / {books.compared}", books.currency, *(_money(one, books.currency) for one in sums))
        rows.append(((*cells, f"{books.customers_off:,}"), "b" if books.unexplained_minor else ""))
    plots = [_causes(books, say) for books in summary.compared if books.causes]
    return _section(say("compared"), _table(say, heads, rows, 2), *plots)


def _causes(books: ComparedBooks, say: _Say) -> str:
    title = f"{say('causes')}: {books.leading} / {books.compared}, {books.currency}"
    listed = [
        Bar(f"{say(line.cause)} ({line.times})", line.minor, _money(line.minor, books.currency))
        for line in books.causes
    ]
    if books.unexplained_minor:
        listed.append(Bar(say("unexplained"), books.unexplained_minor, _money(books.unexplained_minor, books.currency)))
    gap = _money(books.gap_minor, books.currency)
    return _caption(f"{title} · {say('gap')} {gap}") + bars(title, listed)


def _cash(summary: ReconciliationSummary, say: _Say) -> str:
    heads = ("currency", "payments", "paid", "applied", "ambiguous", "unapplied", "match_rate")
    rows: list[Row] = []
    for cash in summary.cash:
        sums = (cash.paid_minor, cash.applied_minor, cash.ambiguous_minor, cash.unapplied_minor)
        rate = _percent(Decimal(cash.payments_applied) / cash.payments) if cash.payments else "-"
        cells = (cash.currency, f"{cash.payments:,}", *(_money(one, cash.currency) for one in sums), rate)
        rows.append((cells, ""))
    plots = []
    for currency in sorted({line.currency for line in summary.passes}):
        of_currency = [line for line in summary.passes if line.currency == currency]
        listed = [
            Bar(f"{say(line.rule)} ({line.payments})", line.minor, _money(line.minor, currency)) for line in of_currency
        ]
        title = f"{say('passes')}, {currency}"
        plots.append(_caption(title) + bars(title, listed))
    return _section(say("cash"), _table(say, heads, rows, 1), *plots)


def _aging(summary: ReconciliationSummary, say: _Say) -> str:
    return _section(say("aging"), *(_aged(one, say) for one in summary.aging)) if summary.aging else ""


def _aged(one: AgedCurrency, say: _Say) -> str:
    aging, currency = one.aging, one.currency
    base = say("by_due" if aging.base is AgeBase.DUE else "by_document")
    title = f"{currency}, {base}, {aging.as_of}"
    language = StatementLanguage(say.language)
    named = [(bucket_word(aged.bucket, aging.base, language), aged) for aged in aging.buckets]
    listed = [Bar(name, aged.amount_minor, _money(aged.amount_minor, currency)) for name, aged in named if aged.items]
    rows: list[Row] = [((name, f"{aged.items:,}", _money(aged.amount_minor, currency)), "") for name, aged in named]
    rows.append(((say("unapplied"), "", _money(aging.unapplied_minor, currency)), ""))
    rows.append(((say("total"), "", _money(aging.total_minor, currency)), "b f"))
    return _caption(title) + strip(title, listed) + "\n" + _table(say, ("bucket", "items", "amount"), rows, 1)


def _collection(summary: ReconciliationSummary, say: _Say) -> str:
    if not summary.collection:
        return ""
    heads = (
        "currency",
        "period",
        "opening",
        "sales",
        "received",
        "closing",
        "overdue",
        "dso",
        "best_dso",
        "rate",
        "cei",
    )
    rows: list[Row] = []
    for line in summary.collection:
        sums = (line.opening_minor, line.sales_minor, line.received_minor, line.closing_minor, line.overdue_minor)
        days = [str(found) if found is not None else "-" for found in (line.dso_days, line.best_dso_days)]
        rates = [_percent(found) if found is not None else "-" for found in (line.collection_rate, line.effectiveness)]
        period = f"{line.first_day} – {line.last_day}"
        rows.append(((line.currency, period, *(_money(one, line.currency) for one in sums), *days, *rates), ""))
    return _section(say("collection"), _table(say, heads, rows, 2))


def _exceptions(summary: ReconciliationSummary, say: _Say) -> str:
    rows: list[Row] = []
    for line in summary.exceptions:
        money = _money(line.minor, line.currency) if line.currency else ""
        rows.append(((say(line.code), line.currency or "", f"{line.records:,}", f"{line.new:,}", money), ""))
    return _section(say("exceptions"), _table(say, ("kind", "currency", "records", "new", "amount"), rows, 2))


def _percent(part: Decimal) -> str:
    return f"{part * 100:.1f} %"
