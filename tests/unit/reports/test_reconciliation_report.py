"""The summary of a reconciliation, and the aging workbook."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]
from pydantic import ValidationError

from ledgerbridge.model.exception import Code
from ledgerbridge.model.reconciliation import (
    AgedCurrency,
    AppliedCash,
    CauseLine,
    CollectionLine,
    ComparedBooks,
    ExceptionLine,
    PassLine,
    ReconciliationSummary,
)
from ledgerbridge.model.statement import AgeBase, Aging
from ledgerbridge.reconciler.aging import DEFAULT_BUCKETS, Debtor, Grouping, OpenEntry, aging_table
from ledgerbridge.reconciler.allocation import Rule
from ledgerbridge.reports.aging_xlsx import write_aging
from ledgerbridge.reports.reconciliation import summary_html
from ledgerbridge.reports.reconciliation.plots import Bar, bars, strip
from ledgerbridge.reports.reconciliation.words import word

TODAY = date(2026, 11, 22)
ZONE = ZoneInfo("Asia/Shanghai")


def books(**changes: Any) -> ComparedBooks:
    causes = (CauseLine(cause="missing", times=3, minor=150), CauseLine(cause="tolerated:fee", times=1, minor=-30))
    given = {
        "leading_minor": 1000,
        "compared_minor": 1120,
        "causes": causes,
        "unexplained_minor": 0,
        "customers_off": 2,
    }
    return ComparedBooks(leading="erp", compared="zoho", currency="CNY", **{**given, **changes})


def summary(**changes: Any) -> ReconciliationSummary:
    aging = Aging(
        base=AgeBase.DUE,
        as_of=TODAY,
        buckets=DEFAULT_BUCKETS.filled([(-3, 12_000), (40, 8_000), (None, 100)]),
        unapplied_minor=-2_000,
    )
    given: dict[str, Any] = {
        "run_id": "r1",
        "company": "甲 & <乙> 公司",
        "leading": "erp",
        "as_of": TODAY,
        "made_at": datetime(2026, 11, 22, 16, 30, tzinfo=UTC),
        "partial": False,
        "customers": 60,
        "compared": (books(),),
        "passes": (PassLine(rule="reference", currency="CNY", matches=2, payments=2, minor=900),),
        "cash": (
            AppliedCash(
                currency="CNY",
                payments=4,
                paid_minor=1000,
                applied_minor=900,
                ambiguous_minor=60,
                unapplied_minor=40,
                payments_applied=2,
            ),
        ),
        "aging": (AgedCurrency(currency="CNY", aging=aging),),
        "collection": (
            CollectionLine(
                currency="CNY",
                first_day=date(2026, 9, 1),
                last_day=TODAY,
                opening_minor=100,
                sales_minor=200,
                received_minor=150,
                closing_minor=150,
                overdue_minor=10,
                dso_days=Decimal("45.1"),
                best_dso_days=None,
                collection_rate=Decimal("0.500"),
                effectiveness=None,
            ),
        ),
        "exceptions": (ExceptionLine(code="missing", currency="CNY", records=3, minor=150, new=1),),
    }
    return ReconciliationSummary(**{**given, **changes})


@pytest.mark.parametrize("changes", [{"unexplained_minor": 1}, {"compared_minor": 1121}, {"causes": ()}])
def test_a_gap_without_its_causes_cannot_be_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="differ by"):
        books(**changes)


def test_cash_that_is_nowhere_cannot_be_built() -> None:
    with pytest.raises(ValidationError, match="are not the 1000 paid"):
        AppliedCash(
            currency="CNY",
            payments=1,
            paid_minor=1000,
            applied_minor=900,
            ambiguous_minor=60,
            unapplied_minor=39,
            payments_applied=0,
        )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_stands_alone_and_escapes_what_it_shows(language: Any) -> None:
    text = summary_html(summary(), language=language, zone=ZONE).decode()
    assert "甲 &amp; &lt;乙&gt; 公司" in text
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", text)
    assert "2026-11-23 00:30" in text, "moments are shown in the company's zone"
    for figure in ("1.20", "1.50", "-0.30", "9.00", "181.00", "50.0 %", "45.1"):
        assert figure in text
    assert word("all_explained", language) in text


def test_an_unexplained_fen_is_said_first() -> None:
    off = summary(compared=(books(compared_minor=1121, unexplained_minor=1),))
    assert off.unexplained
    text = summary_html(off, language="zh", zone=ZONE).decode()
    assert word("some_unexplained", "zh") in text
    assert text.count("0.01") >= 2


def test_a_summary_survives_json() -> None:
    assert ReconciliationSummary.model_validate_json(summary().model_dump_json()) == summary()


@pytest.mark.parametrize("name", [*Rule, *Code])
def test_every_pass_and_code_has_its_words(name: str) -> None:
    assert word(name, "zh") != name
    assert word(name, "en") != name
    assert word(f"{name}:x", "en").endswith(": x")


def test_plots_carry_their_figures_and_stay_in_their_frame() -> None:
    drawn = bars("t", [Bar("<a>", 10**18, "1"), Bar("b", -(10**17), "-0.1"), Bar("c", 0, "0")])
    assert "&lt;a&gt;" in drawn
    numbers = [(int(left), int(width)) for left, width in re.findall(r'<rect x="(\d+)" y="\d+" width="(\d+)"', drawn)]
    assert all(left >= 190 and left + width <= 760 for left, width in numbers)
    assert strip("t", [Bar("a", 0, "0"), Bar("b", -5, "-5")]) == ""
    parts = strip("t", [Bar("a", 1, "1"), Bar("b", 2, "2"), Bar("c", -1, "-1")])
    assert parts.count("<rect") == 5
    assert bars("t", []) == ""


def test_the_aging_workbook_sums_what_it_lists(tmp_path: Path) -> None:
    debtors = [
        (
            Debtor(f"e{who}", f"客户{who}", f"00{who}", "重点", "张三"),
            [
                OpenEntry(
                    f"e{who}",
                    f"{who}-{nr}",
                    f"I-{nr}" if nr else "=1+1",
                    "CNY",
                    TODAY - timedelta(days=40 * nr),
                    12_345 * (nr + 1) * (-1 if nr == 4 else 1),
                    None if nr == 3 else TODAY - timedelta(days=40 * nr - 30),
                    money=nr == 4,
                )
                for nr in range(5)
            ],
        )
        for who in range(3)
    ]
    table = aging_table(debtors, TODAY)
    path = tmp_path / "aging.xlsx"
    made = datetime(2026, 11, 22, 8, 0, tzinfo=ZONE)
    assert write_aging(path, table, debtors, company="甲公司", made_at=made, language="zh") == 15
    book = load_workbook(path)
    sheet, items = book.worksheets
    assert sheet.title == "应收账龄表"
    assert items["C2"].value == "=1+1"
    assert items["C2"].data_type == "s", "text never starts a formula"
    listed = [row[7] for row in items.iter_rows(min_row=2, values_only=True)]
    total = [row for row in sheet.iter_rows(min_row=4, values_only=True) if row[0] == "合计"]
    heads = [cell.value for cell in sheet[3]]
    assert len(listed) == 15
    assert sum(round(value * 100) for value in listed) == round(total[0][heads.index("合计")] * 100)
    assert items["D2"].value == datetime(2026, 11, 22)  # noqa: DTZ001 (a cell's date)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_empty_aging_workbook_opens(tmp_path: Path, language: Any) -> None:
    path = tmp_path / "empty.xlsx"
    table = aging_table([], TODAY, grouping=Grouping.SALESPERSON)
    assert (
        write_aging(path, table, [], company="甲", made_at=datetime(2026, 11, 22, tzinfo=ZONE), language=language) == 0
    )
    assert load_workbook(path).worksheets[0]["A1"].value.startswith("甲")
