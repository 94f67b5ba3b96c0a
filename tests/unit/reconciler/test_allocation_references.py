"""Numbers in remittance texts: taken out of messy words, and undone damages."""

from __future__ import annotations

import random
import string

import pytest
from allocation_cases import item, links, paid
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.reconciler.allocation import Outcome, Policy, Rule, allocate
from ledgerbridge.reconciler.allocation.references import Clue, NumberIndex, compact, neighbourhood, read

ITEMS = [
    item("A", 1000, numbers=("XS20260100012", "26322000000012023567"), references=("DD2601-00012", "HT-2026-0001")),
    item("B", 2000, numbers=("XS20260100345", "26322000000012029999"), references=("DD2601-00012",)),
    item("C", 4000, numbers=("XS20260207780", "12028482", "03200260010412028482")),
]
INDEX = NumberIndex(ITEMS)


def clue(text: str) -> Clue | None:
    return read(text, INDEX, ITEMS, tail_min=4, shared_max=60)


def named(text: str) -> str:
    found = clue(text)
    return "" if found is None else "".join(sorted(ITEMS[at].id for at in found.named))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("XS20260100012", "A", id="alone"),
        pytest.param("付货款XS20260100012请查收", "A", id="glued to words"),
        pytest.param("xs20260100012", "A", id="lower case"),
        pytest.param("ＸＳ２０２６０１０００１２", "A", id="full width"),
        pytest.param("XS 2026 0100012", "A", id="blanks inside"),
        pytest.param("XS-2026-0100012", "A", id="hyphens inside"),
        pytest.param("XS—20260100012", "A", id="dash inside"),
        pytest.param("发票26322000000012023567", "A", id="20 digits"),
        pytest.param("03200260010412028482", "C", id="code and number"),
        pytest.param("代码032002600104 号码12028482", "C", id="code, then number"),
        pytest.param("XS20260100012、XS20260100345", "AB", id="enumeration comma"),
        pytest.param("XS20260100012,XS20260100345", "AB", id="comma"),
        pytest.param("XS20260100012，XS20260100345；XS20260207780", "ABC", id="full-width comma and semicolon"),
        pytest.param("XS20260100012/XS20260100345", "AB", id="stroke"),
        pytest.param("XS20260100012 XS20260100345", "AB", id="blank"),
        pytest.param("XS20260100012XS20260100345", "AB", id="no gap at all"),
        pytest.param("XS20260100012-XS20260207780", "AC", id="hyphen between"),
        pytest.param("2632200000001202356726322000000012029999", "AB", id="40 digits in a row"),
        pytest.param("预付款", "", id="nothing"),
        pytest.param("2026年1月货款", "", id="a month"),
        pytest.param("电话13812345678", "", id="a telephone number"),
        pytest.param("XS20260100013", "", id="another number, one digit off"),
        pytest.param("", "", id="empty"),
    ],
)
def test_numbers_in_full(text: str, expected: str) -> None:
    assert named(text) == expected


def test_shared_numbers_are_groups() -> None:
    found = clue("订单号DD2601-00012货款")
    assert found is not None
    assert (found.named, found.groups) == ((), (frozenset({0, 1}),))
    contract = clue("合同HT－2026－0001尾款")
    assert contract is not None
    assert contract.groups == (frozenset({0}),)


def test_a_number_that_too_many_documents_share_says_nothing() -> None:
    items = [item(f"I{n:02d}", 1000 + 7 * n, references=("HT20260001",)) for n in range(61)]
    receipts = [paid("P1", 1014, "合同HT20260001")]
    assert {match.rule for match in allocate(items, receipts).matches} == {Rule.UNIQUE_AMOUNT}
    assert {match.rule for match in allocate(items[:60], receipts).matches} == {Rule.REFERENCE}


DAMAGES = [
    pytest.param("XS2026010012", "A", id="a digit missing"),
    pytest.param("XS202601000012", "A", id="a digit doubled"),
    pytest.param("XS20260010012", "A", id="two digits swapped"),
    pytest.param("260100012", "A", id="the front cut off"),
    pytest.param("XS202601003", "B", id="the end cut off"),
    pytest.param("12023567", "A", id="the last eight of a tax invoice number"),
    pytest.param("0345", "B", id="the last four"),
    pytest.param("2632200000001202999", "B", id="a digit of twenty missing"),
    pytest.param("XS20260208770", "", id="swapped, but not with the neighbour"),
    pytest.param("XS20260207781", "", id="another digit"),
    pytest.param("345", "", id="too short to mean anything"),
    pytest.param("XS2602778", "", id="two digits missing"),
]


@pytest.mark.parametrize(("typed", "expected"), DAMAGES)
def test_one_damage_is_undone_and_the_amount_must_confirm(typed: str, expected: str) -> None:
    found = clue(f"货款{typed}")
    meant = set() if found is None else {ITEMS[at].id for one in (*found.weak, *found.hints) for at in one}
    assert meant == set(expected)
    assert found is None or not found.named
    amount = {"A": 1000, "B": 2000, "C": 4000}.get(expected, 4000)
    rules = {match.rule for match in allocate(ITEMS, [paid("P1", amount, typed)]).matches}
    assert rules == ({Rule.REFERENCE} if expected else {Rule.UNIQUE_AMOUNT})
    odd = allocate(ITEMS, [paid("P1", 777, typed)])
    assert odd.matches == ()


def test_a_damage_that_fits_two_documents_is_settled_by_the_amount_or_not_at_all() -> None:
    # both are one missing digit away from what was typed
    twins = [item("A", 1000, numbers=("XS20260100112",)), item("B", 2000, numbers=("XS20260100122",))]
    typed = "XS2026010012"
    assert links(allocate(twins, [paid("P1", 2000, typed)])) == {(Rule.REFERENCE, frozenset({"P1"}), frozenset({"B"}))}
    same = [item("A", 1000, numbers=("XS20260100112",)), item("B", 1000, numbers=("XS20260100122",))]
    result = allocate(same, [paid("P1", 1000, typed)])
    assert result.matches == ()
    assert [(one.outcome, one.candidates) for one in result.ambiguous] == [(Outcome.AMBIGUOUS, (("A",), ("B",)))]


def test_a_damaged_number_means_one_document_never_several() -> None:
    twins = [item("A", 1000, numbers=("XS20260100112",)), item("B", 2000, numbers=("XS20260100122",))]
    result = allocate(twins, [paid("P1", 3000, "XS2026010012")], policy=Policy(passes=(Rule.REFERENCE,)))
    assert result.matches == ()
    both = allocate(twins, [paid("P1", 3000, "XS2026010012、0122")], policy=Policy(passes=(Rule.REFERENCE,)))
    assert links(both) == {(Rule.REFERENCE, frozenset({"P1"}), frozenset({"A", "B"}))}


def test_without_the_pass_no_text_is_read() -> None:
    policy = Policy(passes=(Rule.UNIQUE_AMOUNT,))
    assert links(allocate(ITEMS, [paid("P1", 2000, "XS20260100012")], policy=policy)) == {
        (Rule.UNIQUE_AMOUNT, frozenset({"P1"}), frozenset({"B"}))
    }


NUMBERS = st.text(string.digits, min_size=8, max_size=20)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_every_single_damage_is_in_the_neighbourhood(number: str, rng: random.Random) -> None:
    at = rng.randrange(len(number) - 1)
    missing = number[:at] + number[at + 1 :]
    doubled = number[: at + 1] + number[at:]
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    for typed in (missing, doubled, swapped):
        assert typed == number or number in neighbourhood(typed)


@given(NUMBERS, NUMBERS)
def test_only_one_damage_away(number: str, typed: str) -> None:
    if number in neighbourhood(typed):
        assert abs(len(number) - len(typed)) <= 1
        assert number != typed


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    found = clue(text)
    assert found is None or found.evidence


@given(
    st.lists(st.sampled_from(ITEMS), min_size=1, max_size=3, unique_by=lambda one: one.id), st.sampled_from("、,/ ;，")
)
def test_all_of_an_enumeration_are_found(chosen: list[object], separator: str) -> None:
    text = separator.join(one.numbers[0] for one in chosen)  # type: ignore[attr-defined]
    assert named(f"货款{text}") == "".join(sorted(one.id for one in chosen))  # type: ignore[attr-defined]


def test_compact_forms() -> None:
    assert [compact(one) for one in ("ht－2026/001", "XS1", "a b", "—")] == ["HT2026001", "XS1", "AB", ""]
