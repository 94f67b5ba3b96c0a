"""A customer statement as a workbook: the statement, what is open, and every allocation."""

from __future__ import annotations

from ledgerbridge.model.statement import AgeBase, CustomerStatement, StatementEntry
from ledgerbridge.model.statement_look import StatementLook

from .content import account_text, aging_title, balance_lines, heading, kind_text, labelled, named_text, slip_lines
from .words import WORDS, Language, bucket_word, kind_word
from .workbook import Amount, Book, Cell, Sheet, lines_of

_WIDTHS = (11, 11, 18, 22, 11, 14, 14, 15, 18, 20)
_AMOUNTS = (5, 6, 7)


def xlsx(statement: CustomerStatement, look: StatementLook, language: Language) -> bytes:
    """The file. ConfigError if the logo is no image."""
    words = WORDS[language]
    title = f"{words['title']} {statement.number}"
    book = Book(title=title, company=statement.company, made_at=statement.made_at)
    footer = words["page"].format(page="&P", pages="&N")
    widths = (*_WIDTHS, 15) if _base_currency(statement) else _WIDTHS
    sheet = book.sheet(words["title"], widths, footer, landscape=True)
    _head(sheet, statement, look, language)
    _entries(sheet, statement, language)
    _foot(sheet, statement, look, language)
    _open(book.sheet(words["open_items"], (12, 14, 24, 12, 17, 17, 11), footer), statement, language)
    _allocations(book.sheet(words["generated"], (12, 14, 24, 12, 24, 17), footer), statement, language)
    if look.reply_slip:
        _slip(book.sheet(words["slip"], (12,) * 8, footer), statement, look, language)
    return book.content()


def _base_currency(statement: CustomerStatement) -> str | None:
    """The base currency, if there is anything to show in it that the statement's own amounts do not say."""
    shown = any(entry.base_minor is not None for entry in statement.entries)
    return statement.base_currency if shown and statement.base_currency != statement.currency else None


def _head(sheet: Sheet, statement: CustomerStatement, look: StatementLook, language: Language) -> None:
    words = WORDS[language]
    if look.logo:
        sheet.image(look.logo, height_px=44)
        sheet.made.set_row(0, 38)
    sheet.text(statement.company, first=2 if look.logo else 0, bold=True, font_size=12)
    sheet.text(words["title"], bold=True, font_size=18, align="center", height=30)
    pairs = heading(statement, language)
    for (label, text), (other, more) in zip(pairs[::2], pairs[1::2], strict=True):
        sheet.cell(0, label)
        sheet.cell(1, text, last=4, bold=True)
        sheet.cell(5, other)
        sheet.cell(6, more, last=8, bold=True)
        if (lines := lines_of(text, sum(_WIDTHS[1:5]))) > 1:  # a merged cell does not grow by itself
            sheet.made.set_row(sheet.row, 15 * lines)
        sheet.row += 1
    sheet.row += 1


def _entries(sheet: Sheet, statement: CustomerStatement, language: Language) -> None:
    words, base = WORDS[language], _base_currency(statement)
    titles = ["on", "kind", "document", "reference", "due_on", "debit", "credit", "balance", "remark", "applied"]
    heads = [words[title] for title in titles] + ([f"{words['base']} {base}"] if base else [])
    sheet.head(heads, repeat=True, amounts=(*_AMOUNTS, 10))
    sheet.made.freeze_panes(sheet.row, 0)
    last: list[Cell] = [None] * (3 if base else 2)

    def amount(minor: int) -> Amount:
        return Amount(minor, statement.currency)

    first: list[Cell] = [statement.first_day, None, words["opening"], None, None, None, None]
    sheet.line([*first, amount(statement.opening_minor), *last], bold=True)
    for entry in statement.entries:
        cells = _cells(statement, entry, language)
        if base:
            cells.append(None if entry.base_minor is None else Amount(entry.base_minor, base))
        sheet.line(cells)
    if not statement.entries:
        sheet.line([None, None, words["no_lines"], *[None] * 5, *last])
    totals: list[Cell] = [amount(statement.debit_minor), amount(statement.credit_minor), None]
    sheet.line([None, None, words["movement"], None, None, *totals, *last], bold=True)
    closing: list[Cell] = [statement.last_day, None, words["closing"], None, None, None, None]
    sheet.line([*closing, amount(statement.closing_minor), *last], bold=True, fill=True)


def _cells(statement: CustomerStatement, entry: StatementEntry, language: Language) -> list[Cell]:
    words, remark = WORDS[language], entry.remark
    if entry.fee_minor:
        fee = f"{words['fee']} {statement.shown(entry.fee_minor)}"
        remark = f"{remark}；{fee}" if remark else fee
    debit, credit, balance = (
        Amount(minor, statement.currency) for minor in (entry.debit_minor, entry.credit_minor, entry.balance_minor)
    )
    return [
        entry.on,
        kind_text(entry, language),
        entry.number,
        entry.reference,
        entry.due_on,
        debit if entry.debit_minor or not entry.credit_minor else None,
        credit if entry.credit_minor else None,
        balance,
        remark,
        named_text(entry, language),
    ]


def _foot(sheet: Sheet, statement: CustomerStatement, look: StatementLook, language: Language) -> None:
    words = WORDS[language]
    for line in balance_lines(statement, language):
        sheet.text(line, bold=True)
    sheet.row += 1
    _aging(sheet, statement, language)
    sheet.row += 1
    if accounts := look.accounts_for(statement.currency):
        sheet.text(words["accounts"], bold=True)
        for account in accounts:
            sheet.text(account_text(account, language))
    if look.contact:
        sheet.text(labelled(words["contact"], look.contact, language))
    for paragraph in (look.footer or words["footer"]).splitlines():
        sheet.text(paragraph)


def _aging(sheet: Sheet, statement: CustomerStatement, language: Language) -> None:
    """One row a bucket: the number of buckets is the company's choice, that of the columns is not."""
    words, aging = WORDS[language], statement.aging
    sheet.text(aging_title(statement, language), bold=True)
    rows = [(bucket_word(aged.bucket, aging.base, language), aged.amount_minor) for aged in aging.buckets]
    rows += [(words["unapplied"], aging.unapplied_minor), (words["total"], aging.total_minor)]
    for at, (label, minor) in enumerate(rows):
        last = at == len(rows) - 1
        sheet.line([label, Amount(minor, statement.currency)], bold=last, fill=last, first=2)


def _slip(sheet: Sheet, statement: CustomerStatement, look: StatementLook, language: Language) -> None:
    words = WORDS[language]
    lines = slip_lines(statement, look, language)
    sheet.text(words["slip"], bold=True, font_size=14, align="center", height=24)
    for line in lines[:2]:
        sheet.text(line, height=16 * lines_of(line, 96) + 4)
    sheet.text(words["agree"], height=18)
    sheet.text(f"{words['disagree']} ____________________", height=18)
    sheet.text(words["why"], height=18)
    sheet.text("", height=40, bottom=1)
    for first, last, name in ((0, 2, "seal"), (3, 4, "signed"), (5, 7, "date")):
        sheet.cell(first, words[name], last=last)
    sheet.made.set_row(sheet.row, 30)
    sheet.row += 1
    for line in lines[2:]:
        sheet.text(line, height=16 * lines_of(line, 96) + 4)


def _open(sheet: Sheet, statement: CustomerStatement, language: Language) -> None:
    words, currency = WORDS[language], statement.currency
    age = "overdue" if statement.aging.base is AgeBase.DUE else "age"
    titles = ["on", "kind", "document", "due_on", "amount", "open", age]
    sheet.head([words[title] for title in titles], repeat=True, amounts=(4, 5, 6))
    sheet.made.freeze_panes(1, 0)
    for item in (*statement.open_items, *statement.unapplied):
        shown = item.age_days if item.age_days is not None and (age == "age" or item.age_days > 0) else None
        sheet.line(
            [
                item.on,
                kind_word(item.kind, language),
                item.number,
                item.due_on,
                Amount(item.amount_minor, currency),
                Amount(item.open_minor, currency),
                shown,
            ]
        )
    total = Amount(statement.closing_minor, currency)
    sheet.line([None, None, words["total"], None, None, total, None], bold=True, fill=True)


def _allocations(sheet: Sheet, statement: CustomerStatement, language: Language) -> None:
    """All of them, however many: the other formats name a few a line."""
    words = WORDS[language]
    titles = ["on", "kind", "document", "applied_on", "against", "applied_amount"]
    sheet.head([words[title] for title in titles], repeat=True, amounts=(5,))
    sheet.made.freeze_panes(1, 0)
    for entry in statement.entries:
        for part in entry.settlements:
            amount = Amount(part.amount_minor, statement.currency)
            kind = kind_word(entry.kind, language)
            sheet.line([entry.on, kind, entry.number, part.on, part.number, amount])
