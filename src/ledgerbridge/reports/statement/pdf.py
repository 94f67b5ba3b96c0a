"""A statement as PDF, A4 upright. All fonts are within; the same statement and look give the same bytes."""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any, Final

from ledgerbridge.model.statement import AgeBase, CustomerStatement, StatementItem, dump
from ledgerbridge.model.statement_look import StatementLook

from .content import account_text, aging_title, balance_lines, details, heading, kind_text, labelled, slip_lines
from .pdf_flow import (
    BOTTOM,
    HEIGHT,
    LEADING,
    LEFT,
    PAD,
    RIGHT,
    SIZE,
    TOP,
    WIDTH,
    Column,
    Fill,
    Flow,
    Picture,
    Rule,
    Table,
    Text,
)
from .pdf_fonts import BOLD, REGULAR, Writer
from .words import WORDS, Language, bucket_word, kind_word

_LOGO_WIDTH: Final = 110.0
_LOGO_HEIGHT: Final = 34.0
_SLIP_HEIGHT: Final = 178.0
_ID: Final = re.compile(rb"/ID\s*\[<[0-9a-f]{32}><[0-9a-f]{32}>\]")


def pdf(statement: CustomerStatement, look: StatementLook, language: Language) -> bytes:
    """The file. ConfigError if the packages for PDF are not installed, or the logo is no image."""
    flow = Flow(Writer(), lambda flow: _running_head(flow, statement, language))
    _head(flow, statement, look, language)
    _entries(flow, statement, language)
    _balance(flow, statement, language)
    _aging(flow, statement, language)
    _items(flow, statement, language)
    _foot(flow, statement, look, language)
    if look.reply_slip:
        _slip(flow, statement, look, language)
    if flow.writer.missing:
        codes = ", ".join(f"U+{ord(char):04X}" for char in flow.writer.missing)
        flow.text(WORDS[language]["missing_glyphs"].format(codes=codes), size=7)
    return _drawn(flow, statement, language)


def _running_head(flow: Flow, statement: CustomerStatement, language: Language) -> None:
    """On every page but the first."""
    name = flow.writer.wrapped(f"{statement.company}　{statement.customer.name}", 7, RIGHT - LEFT - 210, lines_max=1)[0]
    flow.put(Text(LEFT, TOP - 6, name, 7))
    flow.right(RIGHT, TOP - 6, f"{WORDS[language]['title']}　{statement.number}", 7, width=200)
    flow.put(Rule(LEFT, TOP - 10, RIGHT, TOP - 10))
    flow.y = TOP - 16


def _head(flow: Flow, statement: CustomerStatement, look: StatementLook, language: Language) -> None:
    indent = 0.0
    if look.logo:
        from .pdf_logo import logo_reader

        image, wide, high = logo_reader(look.logo)
        scale = min(_LOGO_WIDTH / wide, _LOGO_HEIGHT / high)
        flow.put(Picture(LEFT, TOP - high * scale, wide * scale, high * scale, image))
        indent = wide * scale + 8
    lines = flow.writer.wrapped(statement.company, 11, RIGHT - LEFT - indent, bold=True, lines_max=2)
    for at, line in enumerate(lines):
        flow.put(Text(LEFT + indent, TOP - 12 - at * 14, line, 11, bold=True))
    flow.y = TOP - (_LOGO_HEIGHT if look.logo else max(len(lines) * 14.0, 18.0)) - 22
    flow.centred((LEFT + RIGHT) / 2, flow.y, WORDS[language]["title"], 18, bold=True)
    flow.y -= 12
    pairs = heading(statement, language)
    half, label = (RIGHT - LEFT) / 2, 74.0
    for left, right in zip(pairs[::2], pairs[1::2], strict=True):
        taken = 1
        for x, (name, text) in ((LEFT, left), (LEFT + half + 20, right)):
            flow.put(Text(x, flow.y - 11, flow.writer.clean(name), 8.5))
            room = half + 20 - label - 8 if x == LEFT else half - 20 - label
            shown = flow.writer.wrapped(text, 8.5, room, bold=True, lines_max=3)
            taken = max(taken, len(shown))
            for at, line in enumerate(shown):
                flow.put(Text(x + label, flow.y - 11 - at * 11.5, line, 8.5, bold=True))
        flow.y -= 3.5 + 11.5 * taken
    flow.space(7)


def _entries(flow: Flow, statement: CustomerStatement, language: Language) -> None:
    words = WORDS[language]
    columns = [
        Column(words["on"], 50),
        Column(words["kind"], 52),
        Column(words["document"], 92),
        Column(words["details"], RIGHT - LEFT - 50 - 52 - 92 - 3 * 70),
        *(Column(words[name], 70, amount=True) for name in ("debit", "credit", "balance")),
    ]
    balance = statement.opening_minor
    started = False

    def carry() -> tuple[list[str], list[str]] | None:
        shown = statement.shown(balance)
        rows = [["", "", words[name], "", "", "", shown] for name in ("carried", "brought")]
        return (rows[0], rows[1]) if started else None

    table = Table(flow, columns, carry)
    table.row([str(statement.first_day), "", words["opening"], "", "", "", statement.shown(balance)], bold=True)
    started = True
    for entry in statement.entries:
        table.row(
            [
                str(entry.on),
                kind_text(entry, language),
                entry.number,
                details(statement, entry, language),
                statement.shown(entry.debit_minor) if entry.debit_minor or not entry.credit_minor else "",
                statement.shown(entry.credit_minor) if entry.credit_minor else "",
                statement.shown(entry.balance_minor),
            ]
        )
        balance = entry.balance_minor
    if not statement.entries:
        table.row(["", "", words["no_lines"], "", "", "", ""])
    debit, credit = statement.shown(statement.debit_minor), statement.shown(statement.credit_minor)
    table.row(["", "", words["movement"], "", debit, credit, ""], bold=True)
    closing = statement.shown(statement.closing_minor)
    table.row([str(statement.last_day), "", words["closing"], "", "", "", closing], bold=True, fill=True)


def _balance(flow: Flow, statement: CustomerStatement, language: Language) -> None:
    flow.space(4)
    for line in balance_lines(statement, language):
        flow.text(line, size=9, bold=True)


def _aging(flow: Flow, statement: CustomerStatement, language: Language) -> None:
    words, aging = WORDS[language], statement.aging
    flow.space(8)
    flow.text(aging_title(statement, language), size=9, bold=True, keep=LEADING * 5)
    flow.space(3)
    titles = [bucket_word(aged.bucket, aging.base, language) for aged in aging.buckets]
    titles += [words["unapplied"], words["total"]]
    minors = [*(aged.amount_minor for aged in aging.buckets), aging.unapplied_minor, aging.total_minor]
    amounts = [statement.shown(minor) for minor in minors]
    columns = [
        Column(title, width, amount=True)
        for title, width in zip(titles, _strip_widths(flow, titles, amounts), strict=True)
    ]
    Table(flow, columns).row(amounts)


def _strip_widths(flow: Flow, titles: list[str], amounts: list[str]) -> list[float]:
    """Each column as wide as it needs, what is over shared out; all in proportion smaller where not all fit."""
    used = flow.writer.bold
    needs = [
        max(used.width(flow.writer.clean(title), SIZE), used.width(amount, SIZE)) + 2 * PAD
        for title, amount in zip(titles, amounts, strict=True)
    ]
    room = RIGHT - LEFT
    over = (room - sum(needs)) / len(needs)
    return [need + over if over >= 0 else need * room / sum(needs) for need in needs]


def _items(flow: Flow, statement: CustomerStatement, language: Language) -> None:
    words = WORDS[language]
    items = [*statement.open_items, *statement.unapplied]
    if not items:
        return
    flow.space(8)
    flow.text(words["open_items"], size=9, bold=True, keep=LEADING * 5)
    flow.space(3)
    by_due = statement.aging.base is AgeBase.DUE
    columns = [
        Column(words["on"], 56),
        Column(words["kind"], 74),
        Column(words["document"], RIGHT - LEFT - 56 - 74 - 60 - 50 - 2 * 84),
        Column(words["due_on"], 60),
        Column(words["amount"], 84, amount=True),
        Column(words["open"], 84, amount=True),
        Column(words["overdue" if by_due else "age"], 50, amount=True),
    ]
    table = Table(flow, columns)
    for item in items:
        table.row(
            [
                str(item.on),
                kind_word(item.kind, language),
                item.number,
                str(item.due_on or "-"),
                statement.shown(item.amount_minor),
                statement.shown(item.open_minor),
                _age(item, by_due=by_due),
            ]
        )
    table.row(["", "", words["total"], "", "", statement.shown(statement.closing_minor), ""], bold=True, fill=True)


def _age(item: StatementItem, *, by_due: bool) -> str:
    """Days overdue, nothing for what is not due; or plain days."""
    if item.age_days is None or (by_due and item.age_days <= 0):
        return ""
    return str(item.age_days)


def _foot(flow: Flow, statement: CustomerStatement, look: StatementLook, language: Language) -> None:
    words = WORDS[language]
    flow.space(6)
    if accounts := look.accounts_for(statement.currency):
        flow.text(words["accounts"], size=9, bold=True, keep=14)
        for account in accounts:
            flow.text(account_text(account, language), size=8.5, indent=8)
    if look.contact:
        flow.text(labelled(words["contact"], look.contact, language), size=8.5)
    for paragraph in (look.footer or words["footer"]).splitlines():
        flow.text(paragraph, size=8)


def _slip(flow: Flow, statement: CustomerStatement, look: StatementLook, language: Language) -> None:
    """The tear-off part, always on one page."""
    words = WORDS[language]
    flow.need(_SLIP_HEIGHT)
    flow.space(14)
    middle = (LEFT + RIGHT) / 2
    flow.put(Rule(LEFT, flow.y, middle - 40, flow.y, grey=0.4, dashed=True))
    flow.put(Rule(middle + 40, flow.y, RIGHT, flow.y, grey=0.4, dashed=True))
    flow.centred(middle, flow.y - 2.5, words["cut"], 7)
    flow.space(20)
    flow.centred(middle, flow.y, words["slip"], 12, bold=True)
    flow.space(6)
    lines = slip_lines(statement, look, language)
    for line in lines[:2]:
        flow.text(line, size=9)
    flow.text(words["agree"], size=9)
    flow.text(words["disagree"], size=9)
    blank = LEFT + flow.writer.regular.width(flow.writer.clean(words["disagree"]), 9) + 6
    flow.put(Rule(blank, flow.y, blank + 150, flow.y, grey=0.3))
    flow.text(words["why"], size=9)
    for _ in range(2):
        flow.space(15)
        flow.put(Rule(LEFT, flow.y, RIGHT, flow.y, grey=0.3))
    flow.space(18)
    for at, name in enumerate(("seal", "signed", "date")):
        flow.put(Text(LEFT + at * 180, flow.y, flow.writer.clean(words[name]), 9))
    for line in lines[2:]:
        flow.space(6)
        flow.text(line, size=8)


def _drawn(flow: Flow, statement: CustomerStatement, language: Language) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    options: dict[str, Any] = {"pageCompression": 1, "invariant": 1, "initialFontName": REGULAR}
    canvas = Canvas(buffer, pagesize=(WIDTH, HEIGHT), **options)
    words = WORDS[language]
    canvas.setTitle(f"{words['title']} {statement.number} {statement.customer.name}")
    canvas.setAuthor(statement.company)
    canvas.setCreator("Ledgerbridge")
    canvas.setProducer("Ledgerbridge")
    stamp = f"D:{statement.made_at:%Y%m%d%H%M%S}Z"
    canvas.setDateFormatter(lambda *_moment: stamp)
    for at, page in enumerate(flow.pages, start=1):
        _draw_page(canvas, page)
        canvas.setFont(REGULAR, 7.5)
        canvas.drawCentredString(WIDTH / 2, BOTTOM - 20, words["page"].format(page=at, pages=len(flow.pages)))
        canvas.showPage()
    canvas.save()
    digest = hashlib.blake2b(dump(statement), digest_size=16).hexdigest().encode()
    return _ID.sub(b"/ID [<" + digest + b"><" + digest + b">]", buffer.getvalue())


def _draw_page(canvas: Any, page: list[Text | Rule | Fill | Picture]) -> None:
    """Boxes and lines first, so that no text lies under them."""
    for op in page:
        if isinstance(op, Fill):
            canvas.setFillGray(op.grey)
            canvas.rect(op.x, op.y, op.width, op.height, stroke=0, fill=1)
    canvas.setLineWidth(0.4)
    for op in page:
        if isinstance(op, Rule):
            canvas.setStrokeGray(op.grey)
            canvas.setDash([3, 3] if op.dashed else [])
            canvas.line(op.x1, op.y1, op.x2, op.y2)
        elif isinstance(op, Picture):
            canvas.drawImage(op.image, op.x, op.y, op.width, op.height, mask="auto")
    canvas.setFillGray(0)
    text = canvas.beginText()
    last = None
    for op in page:
        if isinstance(op, Text):
            if (op.bold, op.size) != last:
                last = (op.bold, op.size)
                text.setFont(BOLD if op.bold else REGULAR, op.size)
            text.setTextOrigin(op.x, op.y)
            text.textOut(op.text)
    canvas.drawText(text)
