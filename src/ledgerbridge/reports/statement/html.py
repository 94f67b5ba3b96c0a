"""A statement as one HTML file: nothing is loaded from elsewhere, everything is escaped, and it prints on A4."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from ledgerbridge.model.statement import AgeBase, CustomerStatement
from ledgerbridge.model.statement_look import StatementLook

from .content import account_text, aging_title, balance_lines, details, heading, kind_text, labelled, slip_lines
from .words import WORDS, Language, bucket_word, kind_word

STYLE: Final = """
:root{--line:#c9ccd1;--head:#eef0f3}
*{box-sizing:border-box}
body{font:14px/1.5 "PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",sans-serif;color:#1b1d21;
margin:24px auto;padding:0 20px;max-width:1000px}
header{display:flex;align-items:center;gap:12px}
header img{max-height:56px;max-width:180px}
header p{font-weight:bold;font-size:16px;margin:0}
h1{text-align:center;font-size:26px;margin:10px 0 14px}
h2{font-size:15px;margin:20px 0 6px}
dl{display:grid;grid-template-columns:max-content 1fr max-content 1fr;gap:3px 14px;margin:0 0 14px}
dt{color:#555}dd{margin:0;font-weight:bold;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{border:1px solid var(--line);padding:4px 7px;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:var(--head)}
td.d,th.d{white-space:nowrap}
td.w{min-width:9.5em}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
tr.b td{font-weight:bold}tr.f td{background:var(--head)}
.words{font-weight:bold;margin:10px 0 0}
.slip{border-top:2px dashed #888;margin-top:26px;padding-top:6px;break-inside:avoid}
.slip h2{text-align:center;font-size:18px}
.slip .blank{border-bottom:1px solid #444;height:26px}
.slip .signs{display:flex;justify-content:space-between;margin-top:22px;padding-right:90px}
@media print{body{margin:0;padding:0;max-width:none;font-size:11px}table{font-size:10px}thead{display:table-header-group}
tr{break-inside:avoid}@page{size:A4;margin:12mm}}
""".strip()

Row = tuple[Sequence[str], str]
"""Cells, and the classes of the row: b bold, f filled."""


def page(language: Language, title: str, body: str) -> bytes:
    """A whole file around a body that is HTML already."""
    lang = "zh-CN" if language is Language.ZH else "en"
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    ).encode()


def table(
    heads: Sequence[str],
    rows: Iterable[Row],
    amounts: Sequence[int] = (),
    whole: Sequence[int] = (),
    wide: Sequence[int] = (),
) -> str:
    """A table of texts; `amounts` are right-aligned columns, `whole` such as are never broken, `wide` have room for numbers."""
    kinds = ["n" if at in amounts else "d" if at in whole else "w" if at in wide else "" for at in range(len(heads))]
    marks = [f' class="{kind}"' if kind else "" for kind in kinds]
    lines = ['<div class="scroll"><table>', "<thead><tr>"]
    lines += [f"<th{mark}>{escape(head)}</th>" for head, mark in zip(heads, marks, strict=True)]
    lines.append("</tr></thead><tbody>")
    for cells, kind in rows:
        filled = "".join(f"<td{mark}>{escape(cell)}</td>" for cell, mark in zip(cells, marks, strict=True))
        lines.append(f'<tr class="{kind}">{filled}</tr>' if kind else f"<tr>{filled}</tr>")
    lines.append("</tbody></table></div>")
    return "\n".join(lines)


def html(statement: CustomerStatement, look: StatementLook, language: Language) -> bytes:
    """The file."""
    words = WORDS[language]
    parts = [_head(statement, look, language), _entries(statement, language), _balance(statement, language)]
    parts += [_aging(statement, language), _items(statement, language), _foot(statement, look, language)]
    if look.reply_slip:
        parts.append(_slip(statement, look, language))
    title = f"{words['title']} {statement.number} {statement.customer.name}"
    return page(language, title, "\n".join(part for part in parts if part))


def head(company: str, title: str, pairs: Iterable[tuple[str, str]], logo: bytes | None = None) -> str:
    """Company, title and facts."""
    image = ""
    if logo:
        kind = "png" if logo.startswith(b"\x89PNG") else "jpeg"
        image = f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(logo).decode()}">'
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in pairs)
    return f"<header>{image}<p>{escape(company)}</p></header>\n<h1>{escape(title)}</h1>\n<dl>{facts}</dl>"


def _head(statement: CustomerStatement, look: StatementLook, language: Language) -> str:
    return head(statement.company, WORDS[language]["title"], heading(statement, language), look.logo)


def _entries(statement: CustomerStatement, language: Language) -> str:
    words, shown = WORDS[language], statement.shown
    titles = [words[name] for name in ("on", "kind", "document", "details", "debit", "credit", "balance")]
    opening = shown(statement.opening_minor)
    rows: list[Row] = [((str(statement.first_day), "", words["opening"], "", "", "", opening), "b")]
    for entry in statement.entries:
        cells = (
            str(entry.on),
            kind_text(entry, language),
            entry.number,
            details(statement, entry, language),
            shown(entry.debit_minor) if entry.debit_minor or not entry.credit_minor else "",
            shown(entry.credit_minor) if entry.credit_minor else "",
            shown(entry.balance_minor),
        )
        rows.append((cells, ""))
    if not statement.entries:
        rows.append((("", "", words["no_lines"], "", "", "", ""), ""))
    totals = (shown(statement.debit_minor), shown(statement.credit_minor))
    rows.append((("", "", words["movement"], "", *totals, ""), "b"))
    closing = shown(statement.closing_minor)
    rows.append(((str(statement.last_day), "", words["closing"], "", "", "", closing), "b f"))
    return table(titles, rows, amounts=(4, 5, 6), whole=(0, 1), wide=(2,))


def _balance(statement: CustomerStatement, language: Language) -> str:
    return "\n".join(f'<p class="words">{escape(line)}</p>' for line in balance_lines(statement, language))


def _aging(statement: CustomerStatement, language: Language) -> str:
    words, aging = WORDS[language], statement.aging
    titles = [bucket_word(aged.bucket, aging.base, language) for aged in aging.buckets]
    minors = [*(aged.amount_minor for aged in aging.buckets), aging.unapplied_minor, aging.total_minor]
    heads = [*titles, words["unapplied"], words["total"]]
    row: Row = ([statement.shown(minor) for minor in minors], "")
    return f"<h2>{escape(aging_title(statement, language))}</h2>\n" + table(heads, [row], amounts=range(len(heads)))


def _items(statement: CustomerStatement, language: Language) -> str:
    items = [*statement.open_items, *statement.unapplied]
    if not items:
        return ""
    words, shown = WORDS[language], statement.shown
    by_due = statement.aging.base is AgeBase.DUE
    names = ("on", "kind", "document", "due_on", "amount", "open", "overdue" if by_due else "age")
    rows: list[Row] = []
    for item in items:
        age = "" if item.age_days is None or (by_due and item.age_days <= 0) else str(item.age_days)
        amounts = (shown(item.amount_minor), shown(item.open_minor))
        kind = kind_word(item.kind, language)
        rows.append(((str(item.on), kind, item.number, str(item.due_on or "-"), *amounts, age), ""))
    rows.append((("", "", words["total"], "", "", shown(statement.closing_minor), ""), "b f"))
    listed = table([words[name] for name in names], rows, amounts=(4, 5, 6), whole=(0, 3))
    return f"<h2>{escape(words['open_items'])}</h2>\n{listed}"


def _foot(statement: CustomerStatement, look: StatementLook, language: Language) -> str:
    words = WORDS[language]
    parts = []
    if accounts := look.accounts_for(statement.currency):
        parts.append(f"<h2>{escape(words['accounts'])}</h2>")
        parts += [f"<p>{escape(account_text(account, language))}</p>" for account in accounts]
    if look.contact:
        parts.append(f"<p>{escape(labelled(words['contact'], look.contact, language))}</p>")
    parts += [f"<p>{escape(line)}</p>" for line in (look.footer or words["footer"]).splitlines()]
    return "\n".join(parts)


def _slip(statement: CustomerStatement, look: StatementLook, language: Language) -> str:
    words = WORDS[language]
    lines = [f"<p>{escape(line)}</p>" for line in slip_lines(statement, look, language)]
    signs = "".join(f"<span>{escape(words[name])}</span>" for name in ("seal", "signed", "date"))
    return "\n".join(
        [
            f'<section class="slip"><h2>{escape(words["slip"])}</h2>',
            *lines[:2],
            f"<p>{escape(words['agree'])}</p>",
            f"<p>{escape(words['disagree'])} ____________________</p>",
            f"<p>{escape(words['why'])}</p>",
            '<div class="blank"></div><div class="blank"></div>',
            f'<div class="signs">{signs}</div>',
            *lines[2:],
            "</section>",
        ]
    )
