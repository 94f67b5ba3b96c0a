"""The workbook out and back: no edits make nothing, edits make exactly themselves, and what must be refused is."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from exception_cases import SCOPE, finding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledgerbridge.errors import SourceFileError
from ledgerbridge.model.exception import Act, Code, ExceptionRecord, Finding, Remedy, State
from ledgerbridge.model.money import Money
from ledgerbridge.reconciler.exceptions import moving
from ledgerbridge.reconciler.exceptions.policy import ExceptionPolicy
from ledgerbridge.reconciler.exceptions.suggesting import remedies
from ledgerbridge.reports.decisions_xlsx import read_decisions
from ledgerbridge.reports.exception_columns import COLUMNS, View
from ledgerbridge.reports.exception_words import word
from ledgerbridge.reports.exceptions_xlsx import write_exceptions
from ledgerbridge.store import Store, audit, exceptions
from ledgerbridge.store.exceptions import Wanted
from ledgerbridge.sync.exception_import import DecisionImport, import_decisions
from ledgerbridge.sync.exceptions import act, actor, record
from ledgerbridge.testing.fakes import EPOCH, FakeClock

ALL = Wanted(states=())
VIEW = View("zh", ZoneInfo("Asia/Shanghai"), date(2026, 3, 2))
PERSON = actor("王芳", EPOCH, ExceptionPolicy())
NASTY = '=HYPERLINK("http://x")'


def recorded(store: Store, *found: Finding) -> None:
    with store.writing() as tx:
        record(tx, SCOPE, found, store.clock.now())


def stored(store: Store) -> dict[str, ExceptionRecord]:
    """By document number."""
    with store.reading() as tx:
        return {str(one.finding.number): one for one in exceptions.every(tx, ALL)}


def report(store: Store, path: Path, view: View = VIEW) -> Path:
    with store.reading() as tx:
        write_exceptions(path, exceptions.every(tx, ALL), view=view, company="我的公司", made_at=EPOCH)
    return path


def edit(path: Path, document: str, /, **cells: Any) -> Path:
    """Type into the row of a document, as a person would."""
    book = openpyxl.load_workbook(path)
    page = book["金额不符"]
    heads = {str(cell.value): cell.column for cell in page[1]}
    for row in page.iter_rows(min_row=2):
        if row[0].value == document:
            for key, value in cells.items():
                page.cell(row[0].row, heads[word(f"col_{key}", "zh")]).value = value
    book.save(path)
    return path


def imported(store: Store, path: Path, **options: bool) -> DecisionImport:
    return import_decisions(store, path, PERSON, VIEW, **options)


def told(made: DecisionImport) -> list[tuple[str | None, list[Act]]]:
    return sorted((one.number, [event.act for event in one.events]) for one in made.acts)


def test_a_report_that_nobody_edited_does_nothing(store: Store, tmp_path: Path) -> None:
    recorded(
        store,
        finding("A", customer_name=NASTY, evidence={"note": "a\u0007b\nc", "list": [1, None, {"x": "y"}]}),
        finding("B", "123456789012.34"),
        finding("C", None, difference=Money(minor=10**15, currency="CNY")),  # too long for a number
        finding("0012", "-5.00", business_on=None, customer=None, customer_name=None),
        finding("Y", None, difference=Money(minor=-5, currency="JPY"), code=Code.UNKNOWN_PAYER, systems=(), fields=()),
        finding("N", None, code=Code.OVERDUE, evidence={}),
    )
    by = stored(store)
    act(store, by["A"].id, lambda one: moving.decide(one, Remedy.TAKE_ERP_AMOUNT, PERSON))
    act(store, by["B"].id, lambda one: moving.settle(one, "", PERSON))
    act(store, by["0012"].id, lambda one: moving.waive(one, "尾差", PERSON))
    act(store, by["C"].id, lambda one: moving.waive(one, "大额", PERSON))
    before = stored(store)
    for language in ("zh", "en"):
        made = imported(store, report(store, tmp_path / "r.xlsx", replace(VIEW, language=language)), apply=True)
        assert made == DecisionImport(6, 6, (), (), applied=True)
    assert stored(store) == before
    later = replace(VIEW, today=date(2026, 9, 1))  # ages have changed, nothing else
    assert import_decisions(store, tmp_path / "r.xlsx", PERSON, later).refused == ()


def test_edits_do_exactly_themselves_and_keep_who_decided(store: Store, tmp_path: Path) -> None:
    recorded(store, *(finding(name) for name in "ABCDEF"))
    act(store, stored(store)["F"].id, lambda one: moving.settle(one, "", PERSON))
    path = report(store, tmp_path / "r.xlsx")
    edit(path, "A", choice="以ERP金额为准", note="以ERP为准", named="李会计")
    edit(path, "B", choice="豁免", note="尾差", named="张总")
    edit(path, "C", owner="李雷")
    edit(path, "D", note="已问过客户")
    edit(path, "F", choice="重新打开", note="仍未更正", owner="李雷")
    shown = imported(store, path)
    expected = [
        ("A", [Act.DECIDED]),
        ("B", [Act.WAIVED]),
        ("C", [Act.ASSIGNED]),
        ("D", [Act.COMMENTED]),
        ("F", [Act.REOPENED, Act.ASSIGNED]),
    ]
    assert (told(shown), shown.unchanged, shown.applied) == (expected, 1, False)
    assert {one.state for one in stored(store).values()} == {State.OPEN, State.SETTLED}
    done = imported(store, path, apply=True)
    assert (told(done), done.refused, done.applied) == (expected, (), True)
    after = stored(store)
    assert after["A"].decision is not None
    assert (after["A"].decision.remedy, after["A"].decision.by, after["A"].decision.named) == (
        Remedy.TAKE_ERP_AMOUNT,
        "王芳",
        "李会计",
    )
    assert [after[name].state for name in "BCEF"] == [State.WAIVED, State.TAKEN, State.OPEN, State.TAKEN]
    with store.reading() as tx:
        (entry,) = audit.entries(tx, subject=f"exception/{after['B'].id}")
        assert (entry.actor, entry.details["named"], entry.details["text"]) == ("王芳", "张总", "尾差")
        assert audit.verify(tx).fault is None
    again = imported(store, path, apply=True)
    assert (again.acts, len(again.refused)) == ((), 5)  # the same file twice decides nothing twice


def test_the_second_person_may_be_the_one_who_brings_the_file(store: Store, tmp_path: Path) -> None:
    recorded(store, finding("A", "5000.00"))
    act(store, stored(store)["A"].id, lambda one: moving.waive(one, "客户破产", PERSON))
    path = edit(report(store, tmp_path / "r.xlsx"), "A", choice="豁免", note="同意", named="张总")
    assert "somebody else" in imported(store, path, apply=True).refused[0].why  # a typed name is no second person
    boss = actor("张总", EPOCH, ExceptionPolicy())
    assert import_decisions(store, path, boss, VIEW, apply=True).refused == ()
    assert stored(store)["A"].state is State.WAIVED


def test_a_stale_row_is_refused_with_what_changed(store: Store, tmp_path: Path) -> None:
    recorded(store, finding("A"), finding("B"))
    path = report(store, tmp_path / "r.xlsx")
    recorded(store, finding("A", "120.00"), finding("B", "90.00"))
    edit(path, "A", choice="等待")
    made = imported(store, path, apply=True)
    (refused,) = made.refused  # B is stale too, but nobody edited it
    assert refused.place == "金额不符!2"
    assert "has changed since" in refused.why
    assert "差异金额 100 ≠ 120.00" in refused.why
    assert not made.applied


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"difference": 90}, "edited outside the decision columns: 差异金额 90 ≠ 100.00"),
        ({"customer": "别的客户"}, "客户 别的客户 ≠ 青岛海风贸易有限公司"),
        ({"number": None, "choice": "等待"}, "单据号 ∅ ≠ A"),
        ({"business_on": date(2026, 2, 21)}, "业务日期 2026-02-21 ≠ 2026-02-20"),
        ({"choice": "随便"}, "'随便' is no decision"),
        ({"choice": "手工核销"}, "allocate does not fit amount_differs"),
        ({"choice": "豁免"}, "a waiver needs a reason"),
        ({"choice": "重新打开", "note": "x"}, "only what is settled or waived"),
        ({"seal": "x"}, "hidden check cell"),
        ({"id": "0000000000000000", "choice": "等待"}, "there is no exception 0000000000000000"),
        ({"id": None}, "the row has no id"),
        ({"owner": "李\n雷"}, "is no name of a person"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_of_the_file_happens(
    sqlite_address: str, tmp_path: Path, cells: dict[str, Any], why: str
) -> None:
    with Store.open(sqlite_address, clock=FakeClock()) as store:
        recorded(store, finding("A"), finding("B"))
        path = edit(edit(report(store, tmp_path / "r.xlsx"), "A", **cells), "B", choice="等待")
        made = imported(store, path, apply=True)
        assert [why in one.why for one in made.refused] == [True], made.refused
        assert (made.applied, stored(store)["B"].state) == (False, State.OPEN)
        partly = imported(store, path, apply=True, partial=True)
        assert (partly.applied, told(partly)) == (True, [("B", [Act.DECIDED])])


def test_only_known_people_where_the_settings_name_them(store: Store, tmp_path: Path) -> None:
    recorded(store, finding("A"))
    path = edit(report(store, tmp_path / "r.xlsx"), "A", owner="韩梅梅")
    strict = actor("王芳", EPOCH, ExceptionPolicy(owners=frozenset({"李雷"})))
    assert "exceptions.owners: 李雷" in import_decisions(store, path, strict, VIEW).refused[0].why
    assert imported(store, path).refused == ()


def test_a_row_that_stands_twice_is_refused(store: Store, tmp_path: Path) -> None:
    recorded(store, finding("A"))
    path = report(store, tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(path)
    page = book["金额不符"]
    page.append([cell.value for cell in page[2]])
    book.save(path)
    assert [one.place for one in imported(store, path).refused] == ["金额不符!2", "金额不符!3"]


def test_files_that_are_none_of_ours_are_refused(store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other.xlsx"
    book = openpyxl.Workbook()
    book.save(other)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    for path, why in (
        (other, "no sheet of an exception report"),
        (bomb, "zip bomb"),
        (tmp_path / "no.xlsx", "no such"),
    ):
        with pytest.raises(SourceFileError, match=why):
            imported(store, path)


EDITS = st.dictionaries(
    st.sampled_from(["N0", "N1", "N2", "N3"]),
    st.fixed_dictionaries(
        {},
        optional={
            "choice": st.sampled_from([word(one, "zh") for one in remedies(Code.AMOUNT_DIFFERS)]),
            "owner": st.sampled_from(["李雷", "韩梅梅"]),
            "note": st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20),
        },
    ),
    max_size=3,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_any_edits_make_exactly_those_acts(
    fresh_sqlite: Callable[[], Store], tmp_path: Path, edits: dict[str, dict[str, str]]
) -> None:
    with fresh_sqlite() as store:
        recorded(store, *(finding(f"N{at}") for at in range(4)))
        path = report(store, tmp_path / "r.xlsx")
        for number, cells in edits.items():
            edit(path, number, **cells)
        made = imported(store, path, apply=True)
        assert made.refused == ()
        expected = []
        for number, cells in sorted(edits.items()):
            acts = [Act.DECIDED] if "choice" in cells else [Act.COMMENTED] if "note" in cells else []
            acts += [Act.ASSIGNED] if "owner" in cells else []
            expected += [(number, acts)] if acts else []
        assert told(made) == expected
        for number, one in stored(store).items():
            cells = edits.get(number, {})
            assert (word(one.decision.remedy, "zh") if one.decision else None) == cells.get("choice")
            assert one.owner == cells.get("owner")
            assert one.state is (State.TAKEN if {"choice", "owner"} & set(cells) else State.OPEN)


def test_the_report_is_built_for_finance(store: Store, tmp_path: Path) -> None:
    recorded(
        store, finding("A", customer_name=NASTY), finding("B", "-7.50"), finding("C", code=Code.MISSING, fields=())
    )
    path = tmp_path / "r.xlsx"
    with store.reading() as tx:
        found = exceptions.every(tx, ALL)
        made_at = datetime(2026, 3, 2, 1, tzinfo=UTC)
        assert write_exceptions(path, found, view=VIEW, company="我的公司", made_at=made_at) == 3
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["汇总", "按客户", "金额不符", "单边缺失", "选项"]
    assert book["选项"].sheet_state == "hidden"
    page = book["金额不符"]
    heads = {str(cell.value): cell for cell in page[1]}
    assert page.freeze_panes == "C2"
    assert page.auto_filter.ref == f"A1:{page.cell(3, len(COLUMNS)).coordinate}"
    assert page.protection.sheet
    assert page.column_dimensions[heads["校验"].column_letter].hidden
    assert [cell.protection.locked for cell in page[2]] == [not column.editable for column in COLUMNS]
    (rule,) = page.data_validations.dataValidation
    assert (rule.type, rule.sqref.__str__()) == (
        "list",
        f"{heads['处理'].column_letter}2:{heads['处理'].column_letter}3",
    )
    amount = page.cell(3, heads["差异金额"].column)
    assert (amount.value, amount.number_format) == (-7.5, "[$CNY] #,##0.00;[Red]-[$CNY] #,##0.00")
    assert page.cell(2, heads["业务日期"].column).is_date
    customer = page.cell(2, heads["客户"].column)
    assert (customer.value, customer.data_type) == (NASTY, "s")
    assert customer.hyperlink.location == "'按客户'!A2"
    assert book["按客户"]["D2"].hyperlink.location == "'金额不符'!A2"
    summary = [[cell.value for cell in row] for row in book["汇总"].iter_rows(min_row=5)]
    assert ["金额不符", 2, "CNY", 92.5, 107.5] in summary


def test_an_empty_report_says_so(store: Store, tmp_path: Path) -> None:
    path = report(store, tmp_path / "r.xlsx")
    assert openpyxl.load_workbook(path)["汇总"]["A5"].value == "没有异常"
    with pytest.raises(SourceFileError):
        read_decisions(path)
