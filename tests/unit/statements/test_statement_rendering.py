"""Every format says what the statement says, byte for byte the same each time, and safely."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_cases import CUSTOMER, MADE_AT, Books, document, long_books, random_books, receipt

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.statement import CustomerStatement, EntryKind, load
from ledgerbridge.model.statement_look import RemittanceAccount, StatementLook
from ledgerbridge.model.two_sided import SideRule
from ledgerbridge.reports.statement import Format, Language, render, renderer
from ledgerbridge.reports.statement import words as word_tables
from ledgerbridge.reports.statement.pdf_fonts import MISSING, REGULAR, Writer, font

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LOOK = StatementLook(
    logo=base64.b64encode(PIXEL),
    accounts=(
        RemittanceAccount(holder="上海样板科技有限公司", bank="中国工商银行", account="0010 2345"),
        RemittanceAccount(account="USD-ONLY", currency="USD"),
    ),
    contact="财务部 李会计",
    reply_to="上海市静安区南京西路1号",
    reply_days=10,
)
SMALL = random_books(3, documents=12, receipts=8).statement()


def pages_of(content: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", content))


def drawn(content: bytes) -> bytes:
    """Every stream of a PDF, unpacked: where a character was drawn it is in one of the maps from codes to Unicode."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL)
    made = []
    for stream in streams:
        packed = base64.a85decode(stream.strip()[:-2]) if stream.strip().endswith(b"~>") else stream
        try:
            made.append(zlib.decompress(packed))
        except zlib.error:
            made.append(packed)
    return b"\n".join(made)


def cells_of(content: bytes) -> list[list[list[Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [[[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book]


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("language", Language)
def test_the_same_statement_gives_the_same_bytes(form: Format, language: Language) -> None:
    first = render(SMALL, form, LOOK, language)
    assert first == render(load(render(SMALL, Format.JSON, LOOK)), form, LOOK, language)


@pytest.mark.parametrize("form", Format)
def test_another_process_on_another_day_gives_the_same_bytes(form: Format, tmp_path: Path) -> None:
    """No clock, no hash seed, no environment takes part."""
    (tmp_path / "statement.json").write_bytes(render(SMALL, Format.JSON, LOOK))
    (tmp_path / "look.json").write_bytes(LOOK.model_dump_json().encode())
    program = (
        "import sys, pathlib, hashlib\n"
        "from ledgerbridge.model.statement import load\n"
        "from ledgerbridge.model.statement_look import StatementLook\n"
        "from ledgerbridge.reports.statement import Format, render\n"
        "folder, form = pathlib.Path(sys.argv[1]), Format(sys.argv[2])\n"
        "look = StatementLook.model_validate_json((folder / 'look.json').read_bytes())\n"
        "made = render(load((folder / 'statement.json').read_bytes()), form, look)\n"
        "print(hashlib.sha256(made).hexdigest())\n"
    )
    environment = {"PYTHONHASHSEED": "77", "SOURCE_DATE_EPOCH": "1000000000", "TZ": "America/New_York"}
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), form.value],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert run.stdout.strip() == hashlib.sha256(render(SMALL, form, LOOK)).hexdigest()


def test_every_font_is_within_the_pdf_and_every_character_can_be_copied_out() -> None:
    """What makes it right on a machine without Chinese fonts."""
    content = render(SMALL, Format.PDF, LOOK)
    fonts = re.findall(rb"/BaseFont /([\w+-]+)", content)
    assert fonts
    assert all(b"+KurintoSansSC" in name for name in fonts)
    assert content.count(b"/FontFile2") >= len(fonts)
    assert b"Helvetica" not in content
    mapped = drawn(content)
    for char in "客户对账单壹佰仟元":
        assert f"<{ord(char):04X}>".encode() in mapped.upper()


def test_dates_and_ids_of_the_pdf_come_from_the_statement() -> None:
    content = render(SMALL, Format.PDF, LOOK)
    assert content.count(b"D:20261102013000Z") == 2
    other = render(SMALL.model_copy(update={"made_at": datetime(2026, 12, 1, tzinfo=MADE_AT.tzinfo)}), Format.PDF, LOOK)
    ids = [re.search(rb"/ID \[<(\w{32})><(\w{32})>\]", made) for made in (content, other)]
    assert all(ids)
    assert ids[0][1] != ids[1][1]  # type: ignore[index]


def test_five_thousand_lines_as_pdf() -> None:
    made = long_books(5000).statement()
    content = render(made, Format.PDF, LOOK)
    assert 150 < pages_of(content) < 320
    assert len(content) < 3_000_000


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("language", Language)
def test_empty_one_line_credit_and_foreign(form: Format, language: Language) -> None:
    for made in (
        Books().statement(),
        Books((document("I", "2026-10-02", 1),)).statement(),
        Books((), (receipt("P", "2026-10-02", 99),)).statement(),
        random_books(5, documents=4, receipts=2, currency="JPY").statement(currency="JPY"),
        Books((document("大", "2026-10-02", 10**15),), ()).statement(customer=CUSTOMER.model_copy(update={"name": "长" * 480})),
    ):  # fmt: skip
        assert len(render(made, form, StatementLook(), language)) > 500


def test_characters_that_no_font_has_are_named() -> None:
    writer = Writer()
    assert writer.clean("吉𠮷\u200b\u202e\ufe0f 　\t中") == f"吉{MISSING} 　 中"
    assert list(writer.missing) == ["𠮷"]
    made = Books((document("𠮷", "2026-10-02", 1),)).statement()
    assert pages_of(render(made, Format.PDF, LOOK)) == 1
    assert "𠮷" in render(made, Format.HTML, LOOK).decode()


@given(st.text(max_size=80), st.floats(30, 200))
@settings(max_examples=60)
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: float) -> None:
    writer = Writer()
    lines = writer.wrapped(text, 8, width)
    used = font(REGULAR)
    assert all(used.width(line, 8) <= width + 0.01 for line in lines)
    assert "".join("".join(lines).split()) == "".join(writer.clean(text).split())
    short = writer.wrapped(text, 8, width, lines_max=2)
    assert len(short) <= 2
    assert short == lines or short[-1].endswith("…")


def test_a_workbook_holds_numbers_dates_and_all_allocations() -> None:
    made = random_books(11, documents=40, receipts=30).statement()
    sheet, opened, allocations, slip = cells_of(render(made, Format.XLSX, LOOK))
    flat = [row for row in sheet if isinstance(row[0], datetime)]
    assert [row[0].date() for row in flat[1:-1]] == [entry.on for entry in made.entries]
    assert [row[7] for row in flat] == [
        made.opening_minor / 100,
        *(e.balance_minor / 100 for e in made.entries),
        made.closing_minor / 100,
    ]
    assert opened[-1][5] == made.closing_minor / 100
    wanted = [(e.number, part.number, part.amount_minor / 100) for e in made.entries for part in e.settlements]
    assert wanted
    assert [(row[2], row[4], row[5]) for row in allocations[1:]] == wanted
    assert any("对账回执" in str(row[0]) for row in slip)


def test_a_workbook_keeps_texts_that_look_like_formulas_and_numbers_too_long_for_a_double() -> None:
    made = Books((document("=1+1", "2026-10-02", 10**15, remark="@SUM(A1)", reference="00012"),)).statement()
    sheet = cells_of(render(made, Format.XLSX, LOOK))[0]
    row = next(row for row in sheet if row[2] == "=1+1")
    assert (row[3], row[5], row[8]) == ("00012", "10,000,000,000,000.00", "@SUM(A1)")
    book = openpyxl.load_workbook(io.BytesIO(render(made, Format.XLSX, LOOK)))
    assert {cell.data_type for line in book.worksheets[0].iter_rows() for cell in line} <= {"s", "n", "d"}
    first = book.worksheets[0]
    assert (first.page_setup.paperSize, first.print_title_rows is not None) == (9, True)
    assert book.properties.created == MADE_AT.replace(tzinfo=None)


def test_amounts_in_the_base_currency_stand_beside_and_are_not_added() -> None:
    books = Books(
        (document("I", "2026-10-02", 100_00, currency="USD", base_minor=712_34), document("J", "2026-10-03", 1, currency="USD"))
    )  # fmt: skip
    made = books.statement(currency="USD", base_currency="CNY")
    sheet = cells_of(render(made, Format.XLSX, LOOK))[0]
    head = next(row for row in sheet if row[0] == "日期")
    column = [row[10] for row in sheet if isinstance(row[0], datetime)]
    assert (head[10], column) == ("本位币金额 CNY", [None, 712.34, None, None])
    assert all(len(row) == 10 for row in cells_of(render(SMALL, Format.XLSX, LOOK))[0])


def test_threads_do_not_mix_their_files() -> None:
    made = [random_books(seed, documents=10, receipts=5).statement() for seed in range(6)]
    alone = [render(one, Format.PDF, LOOK) for one in made]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda one: render(one, Format.PDF, LOOK), made * 2)) == alone * 2


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_one_file_and_nothing_in_it_runs() -> None:
    nasty = "<script>alert(1)</script>\"'&"
    books = Books((document(nasty, "2026-10-02", 5, remark=nasty, reference="<img src=x onerror=y>"),))
    made = books.statement(company=nasty, customer=CUSTOMER.model_copy(update={"name": nasty, "code": nasty}))
    look = LOOK.model_copy(update={"footer": nasty, "contact": nasty, "reply_to": nasty})
    page = Tags()
    page.feed(render(made, Format.HTML, look).decode())
    assert "script" not in page.tags
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert page.tags.count("img") == 1
    assert nasty in page.text


def test_the_page_says_what_the_statement_says() -> None:
    page = Tags()
    page.feed(render(SMALL, Format.HTML, LOOK).decode())
    for entry in SMALL.entries:
        assert entry.number in page.text
        assert SMALL.shown(entry.balance_minor) in page.text
    assert SMALL.shown(SMALL.aging.total_minor) in page.text
    assert not any("USD-ONLY" in text for text in page.text)
    assert any("2026-11-12" in text for text in page.text)


def test_both_languages_have_all_words() -> None:
    chinese, english = (word_tables.WORDS[language] for language in Language)
    assert set(chinese) == set(english)
    for key in chinese:
        named = [sorted(re.findall(r"\{\w+\}", table[key])) for table in (chinese, english)]
        assert named[0] == named[1], key
    for language in Language:
        assert all(word_tables.kind_word(kind, language) for kind in EntryKind)
        assert all(word_tables.rule_word(rule, language) for rule in SideRule)


def test_a_logo_that_is_no_image_is_refused() -> None:
    broken = StatementLook(logo=base64.b64encode(b"GIF87a, almost"))
    for form in (Format.PDF, Format.XLSX):
        with pytest.raises(ConfigError, match="cannot be read as an image"):
            render(SMALL, form, broken)


def test_what_makes_the_bytes_is_named() -> None:
    assert re.fullmatch(r"layout-\d+ reportlab-[\d.]+ weblate-fonts-[\d.]+ pillow-[\d.]+", renderer(Format.PDF))
    assert re.fullmatch(r"layout-\d+", renderer(Format.JSON))


GOLDEN = {
    "json": "8106163d0419e7d4096d5243a13942c6064f6a929df02a5cfebcbdb2c2af6b9c",
    "html": "d880b86533520b8e9d45a9f01d82ca3d2a4e698852e3275bbf07b19032a66d6e",
}


def golden_statement() -> CustomerStatement:
    books = Books(
        (document("I-1", "2026-10-03", 1000_00, due_on=date(2026, 11, 2), remark="货款"), document("C-1", "2026-10-21", -100_00)),
        (receipt("P-1", "2026-10-15", 690_00, fee_minor=10_00),),
    )  # fmt: skip
    return books.statement()


@pytest.mark.parametrize("form", sorted(GOLDEN))
def test_what_was_sent_years_ago_is_still_made_so(form: str) -> None:
    """A change of these digests changes copies that customers hold: raise LAYOUT with it."""
    made = render(golden_statement(), Format(form), LOOK)
    assert hashlib.sha256(made).hexdigest() == GOLDEN[form]
