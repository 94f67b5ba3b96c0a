"""Two books of one customer: sure matches, nothing guessed, and every fen of the gap has a cause."""

from __future__ import annotations

import io
from datetime import date, timedelta
from random import Random

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from statement_cases import CUSTOMER, MADE_AT, PERIOD, long_books, random_books

from ledgerbridge.errors import StatementError
from ledgerbridge.model.two_sided import SideEntry, SideMatch, SideRule, StatementSide, TwoSidedStatement
from ledgerbridge.reconciler.statement import match_sides, side_of, side_of_books, two_sided
from ledgerbridge.reconciler.statement.two_sided import folded
from ledgerbridge.reports.statement import Language
from ledgerbridge.reports.statement.two_sided import causes, two_sided_html, two_sided_xlsx


def line(key: str, number: str, minor: int, day: int | None = 10) -> SideEntry:
    on = None if day is None else PERIOD.first_day + timedelta(days=day - 1)
    return SideEntry(id=key, on=on, number=number, amount_minor=minor)


def side(name: str, entries: list[SideEntry], opening: int = 0) -> StatementSide:
    total = opening + sum(entry.amount_minor for entry in entries)
    return StatementSide(name=name, opening_minor=opening, entries=tuple(entries), closing_minor=total)


def both(left: StatementSide, right: StatementSide) -> TwoSidedStatement:
    return two_sided(
        customer=CUSTOMER,
        currency="CNY",
        first_day=PERIOD.first_day,
        last_day=PERIOD.last_day,
        left=left,
        right=right,
        made_at=MADE_AT,
    )


def found(left: list[SideEntry], right: list[SideEntry]) -> list[tuple[str, str, SideRule, int]]:
    return [
        ("+".join(match.left), "+".join(match.right), match.rule, match.difference_minor)
        for match in match_sides(left, right)
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "rule"),
    [
        ("INV-2026-0001", "inv2026 0001", SideRule.NUMBER),
        ("INV-2026-0001", "ＩＮＶ－２０２６－０００１", SideRule.NUMBER),
        ("INV-2026-0123", "INV-2026-123", SideRule.DAMAGED_NUMBER),
        ("INV-2026-0123", "INV-2026-00123", SideRule.DAMAGED_NUMBER),
        ("INV-2026-0123", "INV-2026-0132", SideRule.DAMAGED_NUMBER),
        ("INV-2026-0123", "60123", SideRule.DAMAGED_NUMBER),
        ("INV-2026-0123", "记-77", SideRule.DATE_AND_AMOUNT),
        ("", "", SideRule.DATE_AND_AMOUNT),
    ],
)
def test_how_numbers_find_one_another(ours: str, theirs: str, rule: SideRule) -> None:
    assert found([line("l", ours, 500)], [line("r", theirs, 500)]) == [("l", "r", rule, 0)]


def test_the_same_number_with_another_amount_is_a_match_with_a_difference() -> None:
    assert found([line("l", "A1", 500)], [line("r", "A1", 480)]) == [("l", "r", SideRule.NUMBER, 20)]


def test_a_number_booked_twice_is_one_match_that_says_so() -> None:
    assert found([line("l", "A1", 500)], [line("r", "A1", 500), line("s", "A1", 500)]) == [
        ("l", "r+s", SideRule.NUMBER, -500)
    ]


def test_a_credit_note_does_not_match_the_invoice_whose_number_it_bears() -> None:
    assert found([line("l", "A1", 500)], [line("r", "A1", -500)]) == []


def test_days_may_lie_apart_a_little() -> None:
    assert found([line("l", "", 500, 10)], [line("r", "", 500, 15)]) == [("l", "r", SideRule.NEAR_DATE_AND_AMOUNT, 0)]
    assert found([line("l", "", 500, 10)], [line("r", "", 500, 16)]) == []
    assert found([line("l", "", 500, None)], [line("r", "", 500, 16)]) == []


def test_ties_are_left_to_a_person() -> None:
    """Invariant 6."""
    two = [line("r", "X77", 500), line("s", "Y88", 500)]
    assert found([line("l", "Z99", 500)], two) == []
    assert found(two, [line("l", "Z99", 500)]) == []
    twins = [line("a", "INV-2026-0123", 500), line("b", "INV-2026-0132", 500)]
    assert found(twins, [line("r", "INV-2026-012", 500)]) == []
    assert found(twins, [line("r", "INV-2026-0133", 500)]) == []


def test_the_next_months_number_is_no_damaged_one() -> None:
    """The same rent every month: a number that differs in one digit is another document."""
    assert found([line("l", "FZ-2026-09", 500, 1)], [line("r", "FZ-2026-08", 500, 30)]) == []


def test_many_of_one_amount_are_not_searched() -> None:
    many = [line(f"l{at}", f"A{at:06d}", 500, at % 28 + 1) for at in range(1500)]
    others = [line(f"r{at}", "", 500, at % 28 + 1) for at in range(1500)]
    assert found(many, others) == []


@given(st.integers(0, 10**9), st.integers(-1000, 1000))
def test_every_fen_of_the_gap_has_a_cause(seed: int, opening: int) -> None:
    chance = Random(seed)
    ours = side_of(random_books(seed, documents=12, receipts=8).statement())
    theirs = []
    for entry in ours.entries:
        change = chance.random()
        if change < 0.2:
            continue
        minor = entry.amount_minor + (chance.randrange(-50, 50) if change < 0.4 else 0)
        number = entry.number[:-1] if 0.4 < change < 0.6 else entry.number
        theirs.append(SideEntry(id=f"r{len(theirs)}", on=entry.on, number=number, amount_minor=minor))
    theirs.append(line("only", "ONLY-THEIRS", 4242))
    made = both(ours, side("客户", theirs, opening))
    assert made.difference_minor == (
        made.opening_difference_minor
        + sum(entry.amount_minor for entry in made.unmatched_left)
        - sum(entry.amount_minor for entry in made.unmatched_right)
        + sum(match.difference_minor for match in made.matches)
    )
    shuffled = match_sides(chance.sample(ours.entries, len(ours.entries)), chance.sample(theirs, len(theirs)))
    assert set(shuffled) == set(made.matches)


def test_five_thousand_lines_against_themselves() -> None:
    ours = side_of(long_books(5000).statement())
    made = both(ours, ours.model_copy(update={"name": "客户"}))
    assert (made.difference_minor, made.unmatched_left, made.unmatched_right) == (0, (), ())


def test_a_side_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"客户: opening \+ lines = 600, but the closing balance is 601"):
        StatementSide(name="客户", opening_minor=100, entries=(line("a", "A", 500),), closing_minor=601)
    with pytest.raises(ValidationError, match="same id"):
        side("客户", [line("a", "A", 500), line("a", "B", 500)])


@pytest.mark.parametrize(
    ("match", "says"),
    [
        (SideMatch(left=("a",), right=("r",), rule=SideRule.NUMBER, difference_minor=1), "its lines differ by 0"),
        (SideMatch(left=("x",), right=("r",), rule=SideRule.NUMBER), "does not have: x"),
        (SideMatch(left=("a", "a"), right=("r",), rule=SideRule.NUMBER), "used by two"),
    ],
)
def test_a_match_that_is_not_so_is_refused(match: SideMatch, says: str) -> None:
    sound = both(side("我方", [line("a", "A", 5)]), side("客户", [line("r", "B", 5, 31)]))
    with pytest.raises(ValidationError, match=says):
        TwoSidedStatement.model_validate({**vars(sound), "matches": (match,)})


def test_folding() -> None:
    assert folded(" Inv－００１/二 ") == "inv001二"
    assert date(2026, 10, 10) == line("x", "", 1).on


def test_the_other_side_from_its_records() -> None:
    books = random_books(21, documents=12, receipts=8).having(write_offs=())
    facts = {
        "name": "客户",
        "currency": "CNY",
        "period": PERIOD,
        "documents": books.documents,
        "receipts": books.receipts,
    }
    theirs = side_of_books(**facts)  # type: ignore[arg-type]
    ours = books.having(allocations=()).statement()
    assert (theirs.opening_minor, theirs.closing_minor) == (ours.opening_minor, ours.closing_minor)
    made = both(side_of(ours), theirs)
    assert (made.difference_minor, made.unmatched_left, made.unmatched_right) == (0, (), ())
    stated = side_of_books(**facts, opening_minor=ours.opening_minor + 5)  # type: ignore[arg-type]
    assert both(side_of(ours), stated).opening_difference_minor == -5
    with pytest.raises(StatementError, match="the difference is -1"):
        side_of_books(**facts, closing_minor=ours.closing_minor + 1)  # type: ignore[arg-type]
    with pytest.raises(StatementError, match="do not add"):
        side_of_books(**facts | {"currency": "USD"})  # type: ignore[arg-type]


@pytest.mark.parametrize("language", Language)
def test_what_is_shown_explains_the_gap(language: Language) -> None:
    ours = side("我方公司", [line("a", "A1", 500), line("b", "=B2", 300), line("c", "C3", 40)], 7)
    theirs = side("<客户>", [line("r", "A1", 480), line("s", "X9", 99), line("t", "C3", 40)])
    made = both(ours, theirs)
    assert [(cause.name, cause.lines, cause.minor) for cause in causes(made)] == [
        ("opening_difference", 0, 7),
        ("only_ours", 1, 300),
        ("only_theirs", 1, -99),
        ("amounts_differ", 1, 20),
    ]
    assert sum(cause.minor for cause in causes(made)) == made.difference_minor == 228
    page = two_sided_html(made, language).decode()
    assert "&lt;客户&gt;" in page
    assert "2.28" in page
    content = two_sided_xlsx(made, language)
    assert content == two_sided_xlsx(made, language)
    book = openpyxl.load_workbook(io.BytesIO(content))
    summary, only_ours, only_theirs, differing, agreed = book.worksheets
    assert summary.cell(summary.max_row, 4).value == 2.28
    assert [cell.value for cell in only_ours[2]][1::2] == ["=B2", 3]
    assert [cell.value for cell in only_theirs[2]][1::2] == ["X9", 0.99]
    assert [cell.value for cell in differing[2]][3:] == [5, 4.8, 0.2]
    assert agreed.max_row == 2


def test_nothing_to_show() -> None:
    made = both(side("我方", []), side("客户", []))
    assert len(two_sided_html(made, Language.ZH)) > 500
    assert len(openpyxl.load_workbook(io.BytesIO(two_sided_xlsx(made, Language.EN))).worksheets) == 5
