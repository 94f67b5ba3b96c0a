"""The lines of a gap: both balances, every cause whether it is an exception or not, their sum, and what is left."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledgerbridge.model.exception import Code
from ledgerbridge.model.reconciliation import CauseLine, ComparedBooks, ReconciliationSummary
from ledgerbridge.reports.exception_gaps import GapLine, gap_lines, gaps_note

CAUSES = (
    CauseLine(cause="missing", times=3, minor=-150),
    CauseLine(cause="timing", times=1, minor=40),
    CauseLine(cause="customer_not_linked", times=2, minor=9),
    CauseLine(cause="tolerated:尾差", times=4, minor=-3),
    CauseLine(cause="customer_not_held", times=1, minor=4),
)
SHEETS = {Code.MISSING: "单边缺失", Code.TIMING: "时间性差异", Code.BALANCE_UNEXPLAINED: "余额差异未解释"}


def books(unexplained: int = 0) -> ComparedBooks:
    return ComparedBooks(
        leading="erp",
        compared="crm",
        currency="CNY",
        leading_minor=1_000,
        compared_minor=900 + unexplained,
        causes=CAUSES,
        unexplained_minor=unexplained,
        customers_off=2,
    )


def test_every_cause_is_a_line_and_those_with_a_sheet_name_it() -> None:
    assert gap_lines(books(), SHEETS, "zh") == [
        GapLine("主账余额 (erp)", 1_000, total=True),
        GapLine("对方余额 (crm)", 900, total=True),
        GapLine("差额", -100, total=True),
        GapLine("单边缺失", -150, 3, "单边缺失"),
        GapLine("时间性差异", 40, 1, "时间性差异"),
        GapLine("客户未关联", 9, 2),
        GapLine("容差内: 尾差", -3, 4),
        GapLine("对方不含该客户", 4, 1),
        GapLine("原因合计", -100, 11, total=True),
        GapLine("未解释", 0, sheet="余额差异未解释", total=True),
    ]


def test_in_english_and_without_sheets() -> None:
    lines = gap_lines(books(), {}, "en")
    assert [line.label for line in lines] == [
        "Leading balance (erp)",
        "Compared balance (crm)",
        "Gap",
        "Missing",
        "Timing",
        "Customer not linked",
        "Within a tolerance: 尾差",
        "Customer not held there",
        "Causes together",
        "Unexplained",
    ]
    assert {line.sheet for line in lines} == {None}


@pytest.mark.parametrize("unexplained", [7, -7])
def test_what_no_cause_explains_stands_out_and_is_in_no_sum(unexplained: int) -> None:
    by = {line.label: line for line in gap_lines(books(unexplained), SHEETS, "zh")}
    assert by["原因合计"].minor == -100
    assert by["未解释"].minor == unexplained
    assert by["未解释"].open
    assert by["差额"].minor == by["原因合计"].minor + by["未解释"].minor


def test_the_note_says_of_which_reconciliation() -> None:
    empty: dict[str, Any] = dict.fromkeys(("passes", "cash", "aging", "collection", "exceptions"), ())
    summary = ReconciliationSummary(
        run_id="r",
        company="c",
        leading="erp",
        as_of=date(2026, 3, 31),
        made_at=datetime(2026, 3, 31, 16, 30, tzinfo=UTC),
        partial=False,
        customers=1_200,
        compared=(books(),),
        **empty,
    )
    note = gaps_note(summary, ZoneInfo("Asia/Shanghai"), "zh")
    assert note.startswith("截止日 2026-03-31; 生成时间 2026-04-01 00:30; 客户数 1,200. 差额 = 对方余额")
