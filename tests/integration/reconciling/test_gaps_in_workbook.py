"""The exception workbook shows what every gap is made of, and its rows add up to the minor unit."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from reconcile_books import DAY, NOW, RULES, Record, customer, invoice, put, rolled, run

from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import Code
from ledgerbridge.model.money import to_minor
from ledgerbridge.model.reconciliation import ComparedBooks
from ledgerbridge.reconciler.comparison import Tolerance
from ledgerbridge.reports.exception_columns import View
from ledgerbridge.reports.exceptions_xlsx import write_exceptions
from ledgerbridge.store import Store, exceptions, reconciliations
from ledgerbridge.store.exceptions import Wanted
from ledgerbridge.sync.reconciling import Rules

Row = tuple[str, int | None, int, str | None]
"""A line as it stands in the file: label, count, minor units, and where its link leads."""
TOLERANT = replace(RULES, tolerances=(Tolerance("尾差", "CNY", 5),))


def damaged(seed: int) -> list[Record]:
    """Books of the ERP, and what a CRM makes of them: documents missing, added, void, dated later, off by cents or by more, and
    a customer that nobody has linked.
    """
    die = random.Random(seed)
    ours = [*rolled(seed), *(_late(at) for at in range(3))]
    theirs: list[Record] = []
    for record in ours:
        fields = dict(record.fields)
        if record.kind is Kind.INVOICE:
            lot = die.random()
            if lot < 0.1:
                continue
            if lot < 0.2:
                fields["total_minor"] += die.choice((-3, 2, 5, 40_000))
            elif lot < 0.25:
                fields["status"] = "void"
            elif lot < 0.35 and fields["number"].startswith("LATE"):
                fields["issued_on"] = (DAY + timedelta(days=2)).isoformat()
        if record.kind is Kind.CUSTOMER and fields["code"] == "C05":
            fields |= {"code": "Z05", "name": "毫不相干"}
        theirs.append(replace(record, system="crm", fields=fields))
    theirs.append(invoice("ONLY-THERE", "C01", 12_345, "2026-02-01", system="crm"))
    late = invoice("LATE-THERE", "C02", 777, (DAY + timedelta(days=1)).isoformat(), system="crm")
    return [*ours, *theirs, invoice("LATE-THERE", "C02", 777, DAY.isoformat()), late]


def _late(at: int) -> Record:
    return invoice(f"LATE{at}", "C03", 1_000 + at, DAY.isoformat())


def workbook(store: Store, path: Path, language: str = "zh") -> Any:
    view = View(language, ZoneInfo("Asia/Shanghai"), DAY)
    with store.reading() as tx:
        latest = reconciliations.latest(tx, recorded=True)
        assert latest is not None
        found = (one for code in Code for one in exceptions.every(tx, Wanted(codes=(code,))))
        write_exceptions(path, found, view=view, company="我方", made_at=NOW, reconciled=latest.summary)
    return openpyxl.load_workbook(path)


def tables(book: Any, gap: str) -> dict[tuple[str, str], list[Row]]:
    """The tables of the summary sheet by pair of systems and currency, read from the cells alone."""
    found: dict[tuple[str, str], list[Row]] = {}
    at = ""
    for name, count, currency, money, _ in book.worksheets[0].iter_rows(max_col=5):
        if name.value and " / " in str(name.value):
            at = str(name.value)
        elif not name.value:
            at = ""
        elif at:
            assert money.data_type == "n"
            assert money.number_format.startswith(f"[${currency.value}] #,##0.00")
            minor = to_minor(Decimal(str(money.value)), str(currency.value))
            link = name.hyperlink.location if name.hyperlink else None
            found.setdefault((at, str(currency.value)), []).append((str(name.value), count.value, minor, link))
    assert found, f"no table with a line {gap}"
    return found


def judge(book: Any, compared: tuple[ComparedBooks, ...], words: tuple[str, str, str]) -> set[str]:
    """Every table adds up by itself and says what the reconciliation said; the labels of its causes."""
    shown = tables(book, words[0])
    assert set(shown) == {(f"{one.leading} / {one.compared}", one.currency) for one in compared}
    labels: set[str] = set()
    for one in compared:
        rows = shown[f"{one.leading} / {one.compared}", one.currency]
        ours, theirs, gap, *causes, total, left = rows
        assert [gap[0], total[0], left[0]] == list(words)
        assert gap[2] == theirs[2] - ours[2] == one.gap_minor
        assert sum(row[2] for row in causes) == total[2] == gap[2]
        assert left[2] == 0
        assert sum(row[1] or 0 for row in causes) == total[1]
        assert [(row[1], row[2]) for row in causes] == [(line.times, line.minor) for line in one.causes]
        for row in causes:
            assert (row[3] == f"'{row[0]}'!A1") is (row[0] in book.sheetnames)
        labels |= {row[0] for row in causes}
    return labels


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_of_every_table_add_up_to_the_gap(
    fresh_sqlite: Callable[[], Store], tmp_path: Path, seed: int
) -> None:
    with fresh_sqlite() as store:
        put(store, damaged(seed))
        done = run(store, rules=TOLERANT)
        assert any(one.gap_minor for one in done.summary.compared), "no gap: this proves nothing"
        labels = judge(workbook(store, tmp_path / "zh.xlsx"), done.summary.compared, ("差额", "原因合计", "未解释"))
        assert {"单边缺失", "时间性差异", "客户未关联", "容差内: 尾差"} <= labels
        english = workbook(store, tmp_path / "en.xlsx", "en")
        labels = judge(english, done.summary.compared, ("Gap", "Causes together", "Unexplained"))
        assert {"Missing", "Timing", "Customer not linked", "Within a tolerance: 尾差"} <= labels


def test_the_gaps_are_those_of_the_last_reconciliation_of_everybody(
    fresh_sqlite: Callable[[], Store], tmp_path: Path
) -> None:
    with fresh_sqlite() as store:
        put(store, damaged(1))
        whole = run(store, rules=TOLERANT).summary
        one = run(store, rules=TOLERANT, now=NOW + timedelta(hours=1), customer="C01").summary
        back = run(store, rules=TOLERANT, now=NOW + timedelta(hours=2), as_of=date(2026, 2, 1)).summary
        assert whole.compared not in (one.compared, back.compared)
        judge(workbook(store, tmp_path / "r.xlsx"), whole.compared, ("差额", "原因合计", "未解释"))


def test_gaps_without_any_exception_are_shown(fresh_sqlite: Callable[[], Store], tmp_path: Path) -> None:
    """All that differs is tolerated: there is nothing to decide, and a gap all the same."""
    rules: Rules = replace(TOLERANT, report_credit=False)
    ours = [customer("C1", "上海飞轮机械有限公司"), invoice("XS1", "C1", 10_000, DAY.isoformat())]
    with fresh_sqlite() as store:
        put(store, [*ours, *(replace(one, system="crm") for one in ours)])
        put(store, [invoice("XS1", "C1", 10_004, DAY.isoformat(), system="crm")])
        done = run(store, rules=rules)
        book = workbook(store, tmp_path / "r.xlsx")
        assert book["汇总"]["A5"].value == "没有异常"
        assert judge(book, done.summary.compared, ("差额", "原因合计", "未解释")) == {"容差内: 尾差"}
