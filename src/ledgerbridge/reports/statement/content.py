"""What every format says in the same words: the heading, a line's details, the balance, the slip."""

from __future__ import annotations

from datetime import timedelta

from ledgerbridge.model.statement import AgeBase, CustomerStatement, StatementEntry
from ledgerbridge.model.statement_look import RemittanceAccount, StatementLook

from .in_words import CURRENCY_NAMES, amount_in_words
from .words import WORDS, Language, difference_word, kind_word

NAMED_MAX = 4
"""How many documents a line names as applied before it says how many more there are; spreadsheets and JSON name all."""


def heading(statement: CustomerStatement, language: Language) -> list[tuple[str, str]]:
    """Whom, what and when, as pairs of a label and a text."""
    words = WORDS[language]
    return [
        (words["customer"], statement.customer.name),
        (words["number"], statement.number),
        (words["code"], statement.customer.code or "-"),
        (words["period"], f"{statement.first_day} – {statement.last_day}"),
        (words["currency"], currency_name(statement.currency, language)),
        (words["made_on"], str(statement.made_on)),
    ]


def currency_name(currency: str, language: Language) -> str:
    """人民币（CNY）, or the code alone."""
    name = CURRENCY_NAMES.get(currency)
    return f"{name}（{currency}）" if name and language is Language.ZH else currency


def kind_text(entry: StatementEntry, language: Language) -> str:
    """What a line is, with the reason of a write-off."""
    reason = difference_word(entry.difference, language)
    word = kind_word(entry.kind, language)
    if not reason:
        return word
    return f"{word}（{reason}）" if language is Language.ZH else f"{word} ({reason})"


def named_text(entry: StatementEntry, language: Language, named_max: int = NAMED_MAX) -> str:
    """Which documents a line was applied to or by; empty if none."""
    numbers = list(dict.fromkeys(part.number for part in entry.settlements))
    text = ("、" if language is Language.ZH else ", ").join(numbers[:named_max])
    if len(numbers) > named_max:
        count = len(numbers) if language is Language.ZH else len(numbers) - named_max
        text += " " + WORDS[language]["more"].format(count=count)
    return text


def details(statement: CustomerStatement, entry: StatementEntry, language: Language) -> str:
    """The details column of a narrow layout: reference, remark, fee, what it was applied to."""
    parts = [entry.reference, entry.remark if entry.remark != entry.reference else ""]
    if entry.fee_minor:
        parts.append(f"{WORDS[language]['fee']} {statement.shown(entry.fee_minor)}")
    if entry.settlements:
        parts.append(labelled(WORDS[language]["applied"], named_text(entry, language), language))
    return ("；" if language is Language.ZH else "; ").join(part for part in parts if part)


def labelled(label: str, text: str, language: Language) -> str:
    """A label and what it is about, with the language's colon."""
    return f"{label}：{text}" if language is Language.ZH else f"{label}: {text}"


def balance_lines(statement: CustomerStatement, language: Language) -> list[str]:
    """What stands under the closing balance: 大写金额 in the Chinese layout, and whose favour a credit balance is in."""
    words = WORDS[language]
    lines = []
    if language is Language.ZH:
        amount = amount_in_words(statement.closing_minor, statement.currency)
        lines.append(labelled(words["in_words"], amount, language))
    if statement.closing_minor < 0:
        amount = f"{statement.currency} {statement.shown(-statement.closing_minor)}"
        lines.append(labelled(words["closing"], f"{words['credit_balance']} {amount}", language))
    return lines


def aging_title(statement: CustomerStatement, language: Language) -> str:
    """账龄分析, by which date and as of which day."""
    words, aging = WORDS[language], statement.aging
    base = words["aging_due" if aging.base is AgeBase.DUE else "aging_document"]
    if language is Language.ZH:
        return f"{words['aging']}（{base}，{words['as_of']} {aging.as_of}）"
    return f"{words['aging']} ({base}, as of {aging.as_of})"


def account_text(account: RemittanceAccount, language: Language) -> str:
    """One account in one line."""
    words = WORDS[language]
    pairs = ((words["holder"], account.holder), (words["bank"], account.bank), (words["account"], account.account))
    return "　".join(labelled(label, text, language) for label, text in pairs if text)


def slip_lines(statement: CustomerStatement, look: StatementLook, language: Language) -> list[str]:
    """The reply slip's text above its blanks: to whom, what is confirmed, by when and where to."""
    words = WORDS[language]
    in_favour = statement.closing_minor < 0
    lines = [
        words["slip_to"].format(company=statement.company),
        words["slip_text_credit" if in_favour else "slip_text"].format(
            last_day=statement.last_day,
            number=statement.number,
            currency=statement.currency,
            closing=statement.shown(abs(statement.closing_minor)),
        ),
    ]
    asked = []
    if look.reply_days is not None:
        asked.append(words["reply_by"].format(day=statement.made_on + timedelta(days=look.reply_days)))
    if look.reply_to:
        asked.append(words["reply_to"].format(reply_to=look.reply_to))
    if asked:
        lines.append(
            ("；" if language is Language.ZH else ". ").join(asked) + ("。" if language is Language.ZH else ".")
        )
    return lines
