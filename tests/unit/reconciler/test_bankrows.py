"""Bank rows without a customer: payer and documents found together, nothing guessed, payers learned."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest
from allocation_cases import item
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerbridge.model.payment import DifferenceKind
from ledgerbridge.reconciler.allocation import Tolerance
from ledgerbridge.reconciler.bankrows import (
    BankRow,
    Confirmed,
    LearnedPayer,
    Party,
    PartyItem,
    RowMatcher,
    RowOutcome,
    RowPolicy,
    RowResult,
    match_rows,
)

PARTIES = [
    Party(
        id="C1", names=("苏州恒泰精密机械有限公司",), accounts=("6222 0000 1111 2222",), codes=("91320500MA1N8YH20Q",)
    ),
    Party(id="C2", names=("无锡恒泰机械有限公司",)),
    Party(id="C3", names=("上海鑫瑞贸易有限公司", "Shanghai Xinrui Trading Co., Ltd.")),
    *(
        Party(id=f"D{at:03d}", names=(f"杭州{chr(0x5000 + 7 * at)}{chr(0x5600 + 11 * at)}科技有限公司",))
        for at in range(120)
    ),
]
ITEMS = [
    PartyItem("C1", item("A", 1_234_567, numbers=("XS20260100012",), references=("DD26010001",))),
    PartyItem("C1", item("B", 880_000, numbers=("XS20260100345",))),
    PartyItem("C2", item("C", 1_130_000, numbers=("XS20260207780",))),
    PartyItem("C3", item("D", 1_130_000, numbers=("INV-2026-000777",))),
    PartyItem("C3", item("E", 7_654_321, numbers=("INV-2026-000901",))),
    *(
        PartyItem(f"D{at:03d}", item(f"F{at:03d}", 10_000 + 7_919 * at, numbers=(f"XS202603{at * 37 + 1000:05d}",)))
        for at in range(120)
    ),
]
FEES = RowPolicy(tolerances={"CNY": Tolerance(fee_minor=5_000)})


def row(row_id: str, amount: int, **told: str) -> BankRow:
    return BankRow(id=row_id, amount_minor=amount, currency="CNY", received_on=date(2026, 4, 1), **told)  # type: ignore[arg-type]


def read(one: BankRow, policy: RowPolicy = FEES, learned: tuple[LearnedPayer, ...] = ()) -> RowResult:
    (found,) = match_rows([one], PARTIES, ITEMS, learned, policy).rows
    return found


def settled(found: RowResult) -> tuple[str, set[str]] | None:
    if found.outcome is not RowOutcome.MATCHED:
        return None
    assert found.best is not None
    return found.best.customer, {one for one, _ in found.best.items}


@pytest.mark.parametrize(
    ("amount", "name", "account", "text", "expected"),
    [
        pytest.param(1_234_567, "", "", "货款XS20260100012", {"A"}, id="number in full, nobody named"),
        pytest.param(1_234_567, "", "", "XS2026010012", {"A"}, id="a digit missing"),
        pytest.param(1_234_567, "", "", "XS202601000122", {"A"}, id="a digit doubled"),
        pytest.param(1_234_567, "", "", "XS20261000012", {"A"}, id="two swapped"),
        pytest.param(1_234_567, "", "", "付XS 2026 0100012款", {"A"}, id="split and glued"),
        pytest.param(2_114_567, "", "", "XS20260100012XS20260100345", {"A", "B"}, id="two run together"),
        pytest.param(2_114_567, "", "", "XS20260100012XS2026010345", {"A", "B"}, id="two run together, one damaged"),
        pytest.param(1_232_567, "", "", "XS20260100012", {"A"}, id="a fee kept"),
        pytest.param(1_234_567, "苏州恒泰精密机械有限公司", "", "货款", {"A"}, id="name and amount"),
        pytest.param(1_234_567, "恒泰精密机械（苏州）", "", "", {"A"}, id="name in other words"),
        pytest.param(1_234_567, "某某控股", "6222000011112222", "", {"A"}, id="account"),
        pytest.param(2_114_567, "苏州恒泰精密机械有限公司", "", "", {"A", "B"}, id="a sum"),
        pytest.param(7_654_321, "SHANGHAI XIN RUI TRADING CO LTD", "", "0901", {"E"}, id="name in Latin letters"),
        pytest.param(1_234_567, "王某", "", "代付苏州恒泰精密机械有限公司", {"A"}, id="the text names the customer"),
        pytest.param(500_000, "苏州恒泰精密机械有限公司", "", "XS20260100012", {"A"}, id="a part of what it names"),
        pytest.param(1_234_567, "", "", "", None, id="an amount alone"),
        pytest.param(1_130_000, "恒泰", "", "", {"C"}, id="a brand that two bear, of whom one has the amount"),
        pytest.param(4_242, "", "", "结息", None, id="money of nobody"),
    ],
)
def test_what_a_row_says(amount: int, name: str, account: str, text: str, expected: set[str] | None) -> None:
    found = settled(read(row("R", amount, payer_name=name, payer_account=account, text=text)))
    assert (found and found[1]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("FP2632200000012003683款", {"Q"}, id="glued to letters, a digit missing and two swapped"),
        pytest.param("DD2650-0448付货款", {"Q"}, id="an order's number, two swapped and a digit missing"),
        pytest.param("FP2632200999012003683款", None, id="another number"),
    ],
)
def test_a_number_damaged_twice_counts_with_the_amount(text: str, expected: set[str] | None) -> None:
    asked = item("Q", 13_268_960, numbers=("26322000000012003863",), references=("DD2605-04486",))
    others = [item(f"X{at}", 90_000 + 7 * at, numbers=(f"7{at:07d}",)) for at in range(2000)]
    (found,) = match_rows(
        [row("R", 13_268_960, text=text)], PARTIES, [PartyItem("C2", asked), *(PartyItem("C1", one) for one in others)]
    ).rows
    assert ((answer := settled(found)) and answer[1]) == expected


def test_two_readings_that_are_equally_good_are_both_shown_and_none_is_followed() -> None:
    twins = [*ITEMS, PartyItem("C1", item("Z", 1_130_000, numbers=("XS20260107770",)))]
    (found,) = match_rows([row("R", 1_130_000, payer_name="恒泰")], PARTIES, twins, policy=FEES).rows
    assert found.outcome is RowOutcome.DOUBTFUL
    assert {one.customer for one in found.candidates[:2]} == {"C1", "C2"}
    damaged = [*ITEMS, PartyItem("C1", item("Z", 1_234_567, numbers=("XS20260100112",)))]
    (found,) = match_rows([row("R", 1_234_567, text="XS2026010012")], PARTIES, damaged, policy=FEES).rows
    assert found.outcome is RowOutcome.CUSTOMER
    assert [set(dict(one.items)) for one in found.candidates[:2]] == [{"A"}, {"Z"}]


def test_a_match_shows_its_sums_and_its_runner_up() -> None:
    found = read(row("R", 1_232_567, payer_name="苏州恒泰精密机械有限公司", text="XS20260100012"))
    assert found.best is not None
    assert found.best.items == (("A", 1_234_567),)
    assert (found.best.total_minor, found.best.difference_minor) == (1_234_567, 2_000)
    assert (found.best.difference, found.best.limit) == (DifferenceKind.FEE, "fee_minor")
    assert found.best.score == round(sum(one.bits for one in found.best.evidence), 2)
    assert found.margin >= FEES.margin_bits
    assert found.runner_up is not None
    assert found.runner_up.score < found.best.score


def test_an_amount_alone_is_shown_and_held_back() -> None:
    found = read(row("R", 7_654_321))
    assert found.outcome is RowOutcome.DOUBTFUL
    assert found.best is not None
    assert [one for one, _ in found.best.items] == ["E"]
    assert found.held_back


def test_two_rows_for_one_document_are_both_left_to_a_person() -> None:
    rows = [row("R1", 1_234_567, text="XS20260100012"), row("R2", 1_234_567, text="XS20260100012")]
    found = match_rows(rows, PARTIES, ITEMS, policy=FEES)
    assert [one.outcome for one in found.rows] == [RowOutcome.CUSTOMER, RowOutcome.CUSTOMER]
    assert all(one.held_back for one in found.rows)
    assert found.learned == ()


def test_a_payer_is_learned_from_a_sure_row_and_used_for_another() -> None:
    sure = row("R2", 1_234_567, payer_name="南京天宇控股有限公司", payer_account="320200001", text="XS20260100012")
    bare = row("R1", 880_000, payer_name="南京天宇控股有限公司", payer_account="320200001", text="货款")
    assert settled(match_rows([bare], PARTIES, ITEMS, policy=FEES).rows[0]) is None
    both = match_rows([bare, sure], PARTIES, ITEMS, policy=FEES)
    assert [settled(one) for one in both.rows] == [("C1", {"B"}), ("C1", {"A"})]
    accounts = [one for one in both.learned if one.account]
    assert [(one.customer, one.account, one.confirmed, one.times) for one in accounts] == [
        ("C1", "320200001", Confirmed.MATCH, 2)
    ]
    later = match_rows([bare], PARTIES, ITEMS, both.learned, FEES)
    assert settled(later.rows[0]) == ("C1", {"B"})


def test_a_payer_for_several_customers_decides_nothing_by_itself() -> None:
    learned = tuple(LearnedPayer(customer=one, account="320200001", confirmed=Confirmed.PERSON) for one in ("C2", "C3"))
    assert settled(read(row("R", 1_130_000, payer_account="320200001"), learned=learned)) is None
    named = read(row("R", 1_130_000, payer_account="320200001", text="000777"), learned=learned)
    assert settled(named) == ("C3", {"D"})


def test_a_known_customer_needs_no_payer() -> None:
    found = read(row("R", 1_130_000, customer="C2"))
    assert settled(found) == ("C2", {"C"})
    nobody = read(row("R", 1_130_000, customer="unknown"))
    assert nobody.outcome is RowOutcome.NOTHING


def test_a_customer_may_be_sure_where_its_documents_are_not() -> None:
    found = read(row("R", 333, payer_name="苏州恒泰精密机械有限公司", payer_account="6222000011112222"))
    assert found.outcome is RowOutcome.CUSTOMER
    assert found.best is not None
    assert found.best.customer == "C1"


def test_a_settled_document_named_again_is_no_match() -> None:
    paid = [*ITEMS, PartyItem("C1", item("P", 999_999, opened=0, numbers=("XS20260107007",)))]
    one = row("R", 999_999, payer_name="苏州恒泰精密机械有限公司", text="XS20260107007")
    (found,) = match_rows([one], PARTIES, paid, policy=FEES).rows
    assert found.outcome is not RowOutcome.MATCHED


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="one id"):
        match_rows([row("R", 1), row("R", 2)], PARTIES, ITEMS)
    with pytest.raises(ValueError, match="above 0"):
        match_rows([row("R", -1)], PARTIES, ITEMS)
    with pytest.raises(ValueError, match="one id"):
        RowMatcher([*PARTIES, PARTIES[0]], ITEMS)
    with pytest.raises(ValueError, match="one id"):
        RowMatcher(PARTIES, [*ITEMS, ITEMS[0]])


names = st.sampled_from(
    ["", "苏州恒泰精密机械有限公司", "恒泰", "上海鑫瑞", "王某", *(one.names[0] for one in PARTIES[3:8])]
)
texts = st.sampled_from(
    ["", "货款", "XS20260100012", "XS2026010012", "0345", "INV-2026-000777、0901", "DD26010001", "7780"]
)
rows_drawn = st.lists(
    st.tuples(st.sampled_from([1_234_567, 880_000, 2_114_567, 1_130_000, 7_654_321, 500_000]), names, texts,
              st.sampled_from(["", "6222000011112222", "77001122"])),
    max_size=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(rows_drawn, st.randoms(use_true_random=False))
def test_no_document_is_settled_beyond_what_is_open_and_order_does_not_matter(
    drawn: list[tuple[int, str, str, str]], rng: random.Random
) -> None:
    rows = [
        row(f"R{at}", amount, payer_name=name, text=text, payer_account=account)
        for at, (amount, name, text, account) in enumerate(drawn)
    ]
    found = match_rows(rows, PARTIES, ITEMS, policy=FEES)
    used: Counter[str] = Counter()
    opened = {one.item.id: one.item.open_minor for one in ITEMS}
    for one, given_row in zip(found.rows, rows, strict=True):
        if one.outcome is RowOutcome.MATCHED:
            assert one.best is not None
            used.update(dict(one.best.items))
            applied = sum(amount for _, amount in one.best.items)
            if one.best.difference is DifferenceKind.PARTIAL:
                assert applied <= given_row.amount_minor
            else:
                assert applied - one.best.difference_minor == given_row.amount_minor
            assert all(amount > 0 for _, amount in one.best.items)
    assert all(amount <= opened[one] for one, amount in used.items())
    shuffled_rows, shuffled_items, shuffled_parties = list(rows), list(ITEMS), list(PARTIES)
    for some in (shuffled_rows, shuffled_items, shuffled_parties):
        rng.shuffle(some)
    assert match_rows(shuffled_rows, shuffled_parties, shuffled_items, policy=FEES) == found


def test_what_is_left_when_the_rounds_end_is_settled_by_the_next_call() -> None:
    rows = [
        row("R1", 1_234_567, text="XS20260100012"),
        row("R2", 500_000, payer_name=PARTIES[0].names[0], text="XS20260100345"),
    ]
    whole = match_rows(rows, PARTIES, ITEMS, policy=FEES)
    assert [settled(one) for one in whole.rows] == [("C1", {"A"}), ("C1", {"B"})]
    short = match_rows(rows, PARTIES, ITEMS, policy=FEES.model_copy(update={"rounds_max": 1}))
    assert [one.outcome for one in short.rows] == [RowOutcome.MATCHED, RowOutcome.CUSTOMER]
    assert short.rows[1].held_back
