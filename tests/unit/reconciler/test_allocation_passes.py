"""Each pass of the cash application by example, and when it must not settle."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allocation_cases import DAY, assert_books_agree, item, left_of_items, left_of_payments, links, paid

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import DifferenceKind, PaymentKind
from ledgerbridge.reconciler.allocation import (
    Confidence,
    FindingCode,
    GivenAllocation,
    OpenItem,
    Outcome,
    Policy,
    Receipt,
    Result,
    Rule,
    SumLimits,
    Tolerance,
    allocate,
)

F = frozenset


def run(items: list[OpenItem], receipts: list[Receipt], policy: Policy | None = None, **more: object) -> Result:
    result = allocate(items, receipts, policy=policy or Policy(), **more)  # type: ignore[arg-type]
    assert_books_agree(result, items, receipts)
    return result


def outcomes(result: Result) -> dict[str, set[Outcome]]:
    return {one: {note.outcome for note in notes} for one, notes in result.notes.items()}


# 1 explicit allocations


def given(name: str, amount: int, *, on: str = "I1", payment: str | None = "P1", **more: object) -> GivenAllocation:
    fields = {"currency": "CNY", "allocated_on": DAY, **more}
    return GivenAllocation(id=name, item_id=on, amount_minor=amount, payment_id=payment, **fields)  # type: ignore[arg-type]


def test_a_given_allocation_is_followed_and_certain() -> None:
    result = run([item("I1", 1000), item("I2", 600)], [paid("P1", 600)], given=[given("A1", 600)])
    assert [(m.rule, m.payments, m.items, m.confidence, m.difference) for m in result.matches] == [
        (Rule.GIVEN, (("P1", 600),), (("I1", 600),), Confidence.CERTAIN, DifferenceKind.PARTIAL)
    ]
    assert result.findings == ()


def test_a_payment_nets_a_credit_note_in_its_given_lines() -> None:
    items = [item("I1", 1000), item("C1", -100)]
    result = run(items, [paid("P1", 900)], given=[given("A1", 1000), given("A2", -100, on="C1")])
    assert [(m.payments, set(m.items)) for m in result.matches] == [((("P1", 900),), {("I1", 1000), ("C1", -100)})]
    assert result.payments_left == result.items_left == ()


def test_a_credit_note_is_applied_to_a_document() -> None:
    items = [item("I1", 1000), item("C1", -400)]
    result = run(items, [], given=[given("A1", 400, payment=None, credit_id="C1")])
    assert left_of_items(result) == {"I1": 600}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param([given("A1", 700)], FindingCode.OVER_ALLOCATED, id="beyond the payment"),
        pytest.param([given("A1", 600, on="I2")], FindingCode.OVER_ALLOCATED, id="beyond the document"),
        pytest.param([given("A1", -10)], FindingCode.OVER_ALLOCATED, id="against the sign"),
        pytest.param([given("A1", 0)], FindingCode.OVER_ALLOCATED, id="nothing"),
        pytest.param([given("A1", 10, on="I9")], FindingCode.UNKNOWN_ITEM, id="unknown document"),
        pytest.param([given("A1", 10, payment="P9")], FindingCode.UNKNOWN_PAYMENT, id="unknown payment"),
        pytest.param([given("A1", 10, payment=None)], FindingCode.UNKNOWN_PAYMENT, id="no source"),
        pytest.param([given("A1", 10, payment=None, credit_id="C9")], FindingCode.UNKNOWN_ITEM, id="unknown credit"),
        pytest.param([given("A1", 10, on="U1")], FindingCode.CURRENCY_MISMATCH, id="document of another currency"),
        pytest.param([given("A1", 10, currency="USD")], FindingCode.CURRENCY_MISMATCH, id="its own currency"),
    ],
)
def test_a_given_allocation_that_cannot_be_true_is_a_finding(lines: list[GivenAllocation], code: FindingCode) -> None:
    items = [item("I1", 1000), item("I2", 500), item("U1", 500, currency="USD")]
    result = run(items, [paid("P1", 650)], given=lines)
    assert [(one.code, one.subject) for one in result.findings] == [(code, "A1")]
    assert result.matches == ()


def test_of_given_lines_that_together_exceed_a_payment_the_later_is_refused() -> None:
    lines = [given("A2", 400, on="I2", allocated_on=DAY + timedelta(days=1)), given("A1", 300)]
    result = run([item("I1", 1000), item("I2", 1000)], [paid("P1", 600)], given=lines)
    assert [(m.items) for m in result.matches] == [(("I1", 300),)]
    assert [one.subject for one in result.findings] == ["A2"]
    assert left_of_payments(result) == {"P1": 300}


# 红冲


def test_a_reversal_is_netted_with_the_document_it_names() -> None:
    items = [item("I1", 1000, numbers=("XS1001",)), item("C1", -1000, day=5, reverses="XS1001"), item("I2", 1000)]
    assert links(run(items, [])) == {(Rule.REVERSAL, F(), F({"I1", "C1"}))}


@pytest.mark.parametrize(
    ("note", "receipts"),
    [
        pytest.param(item("C1", -999, day=5, reverses="I1"), [], id="not exact"),
        pytest.param(item("C1", -1000, day=5), [], id="names nothing"),
        pytest.param(item("C1", -1000, day=5, reverses="I1"), [paid("P1", 7777, day=3)], id="money in between"),
        pytest.param(
            item("C1", -1000, day=5, reverses="I1"), [paid("P1", 7777, "付XS1001", day=9)], id="named by a text"
        ),
        pytest.param(item("C1", -1000, day=5, reverses="I1"), [paid("P1", 1000, day=9)], id="paid all the same"),
    ],
)
def test_a_reversal_is_not_netted_where_the_document_may_have_been_paid(
    note: OpenItem, receipts: list[Receipt]
) -> None:
    result = run([item("I1", 1000, numbers=("XS1001",)), note], receipts)
    assert Rule.REVERSAL not in {match.rule for match in result.matches}
    assert left_of_items(result)["C1"] == note.open_minor


def test_two_credit_notes_for_one_document_are_left_to_a_person() -> None:
    items = [item("I1", 1000), item("C1", -1000, day=5, reverses="I1"), item("C2", -1000, day=6, reverses="I1")]
    assert run(items, []).matches == ()


# 2 references


def test_named_documents_are_settled_when_they_add_up() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",)), item("I2", 500, numbers=("XS2026010002",)), item("I3", 1500)]
    result = run(items, [paid("P1", 1500, "货款XS2026010001、XS2026010002")])
    assert links(result) == {(Rule.REFERENCE, F({"P1"}), F({"I1", "I2"}))}
    assert result.matches[0].confidence is Confidence.HIGH
    assert result.matches[0].evidence == ("text named XS2026010001", "text named XS2026010002")


def test_a_name_beats_an_equal_amount() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",)), item("I2", 1000, numbers=("XS2026010002",))]
    assert links(run(items, [paid("P1", 1000, "XS2026010002")])) == {(Rule.REFERENCE, F({"P1"}), F({"I2"}))}


def test_two_payments_that_name_one_document_in_full_are_contested() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",))]
    result = run(items, [paid("P1", 1000, "XS2026010001"), paid("P2", 1000, "XS2026010001", day=31)])
    assert result.matches == ()
    assert {one.payment_id: one.outcome for one in result.ambiguous} == {
        "P1": Outcome.CONTESTED,
        "P2": Outcome.CONTESTED,
    }


def test_a_text_that_names_only_settled_documents_is_not_linked_by_amount() -> None:
    items = [item("I1", 1000, opened=0, numbers=("XS2026010001",)), item("I2", 1000)]
    result = run(items, [paid("P1", 1000, "XS2026010001")])
    assert result.matches == ()
    assert outcomes(result) == {"P1": {Outcome.NAMES_SETTLED}}


def test_a_text_that_names_another_currency_bars_the_payment() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",), currency="USD"), item("I2", 1000)]
    result = run(items, [paid("P1", 1000, "XS2026010001")])
    assert result.matches == ()
    assert [one.code for one in result.findings] == [FindingCode.NAMES_OTHER_CURRENCY]


def test_an_order_number_is_confirmed_by_the_amount_of_some_of_its_documents() -> None:
    items = [item("I1", 1000, references=("DD2601-00012",)), item("I2", 700, references=("DD2601-00012",))]
    text = "订单号DD2601-00012货款"
    assert links(run(items, [paid("P1", 700, text)])) == {(Rule.REFERENCE, F({"P1"}), F({"I2"}))}
    assert links(run(items, [paid("P1", 1700, text)])) == {(Rule.REFERENCE, F({"P1"}), F({"I1", "I2"}))}


def test_an_order_whose_documents_fit_in_two_ways_is_ambiguous() -> None:
    items = [item(name, amount, references=("DD9",)) for name, amount in (("I1", 300), ("I2", 200), ("I3", 100))]
    order = [item(one.id, one.amount_minor, references=("DD260100012",)) for one in items]
    result = run(order, [paid("P1", 300, "订单DD260100012")])
    assert result.matches == ()
    assert [set(one.candidates) for one in result.ambiguous] == [{("I1",), ("I2", "I3")}]


def test_more_money_than_the_named_document_leaves_the_rest_on_the_payment() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",))]
    result = run(items, [paid("P1", 1500, "XS2026010001")])
    assert left_of_payments(result) == {"P1": 500}
    assert result.matches[0].difference is DifferenceKind.PARTIAL


def test_more_money_than_the_named_document_waits_while_silent_money_may_have_paid_it() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",)), item("I2", 1000, numbers=("XS2026010002",))]
    late = paid("P2", 1500, "XS2026010001", day=20)
    assert run(items, [paid("P1", 900, day=10), late]).matches == ()
    assert left_of_payments(run(items, [paid("P1", 900, day=21), late])) == {"P1": 900, "P2": 500}
    explained = run(items, [paid("P1", 1200, "XS2026010002", day=10), late])
    assert left_of_payments(explained) == {"P1": 200, "P2": 500}


def test_a_range_of_numbers_is_followed_when_all_of_it_adds_up() -> None:
    items = [item(f"I{n}", 100 * n, numbers=(f"XS20260100{n:02d}",)) for n in range(1, 9)]
    result = run(items, [paid("P1", 200 + 300 + 400 + 500, "XS2026010002至XS2026010005")])
    assert links(result) == {(Rule.REFERENCE, F({"P1"}), F({"I2", "I3", "I4", "I5"}))}


# part payments


def test_a_part_payment_goes_to_the_document_it_names() -> None:
    result = run([item("I1", 1000, numbers=("XS2026010001",))], [paid("P1", 400, "XS2026010001进度款")])
    assert left_of_items(result) == {"I1": 600}
    assert [match.rule for match in result.matches] == [Rule.NAMED_PART]


def test_part_payments_that_exceed_their_document_are_contested() -> None:
    receipts = [paid("P1", 600, "XS2026010001"), paid("P2", 700, "XS2026010001")]
    result = run([item("I1", 1000, numbers=("XS2026010001",))], receipts)
    assert result.matches == ()
    assert {one.outcome for one in result.ambiguous} == {Outcome.CONTESTED}


def test_a_part_payment_waits_while_earlier_silent_money_may_have_paid_a_part() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",))]
    silent = paid("P1", 700, day=10)
    assert run(items, [silent, paid("P2", 400, "XS2026010001", day=20)]).matches == ()
    assert links(run(items, [silent, paid("P2", 400, "XS2026010001", day=5)])) == {
        (Rule.NAMED_PART, F({"P2"}), F({"I1"}))
    }


# 3 unique amount: invariant 6


def test_the_only_document_and_payment_of_an_amount_are_linked() -> None:
    result = run([item("I1", 1000), item("I2", 999)], [paid("P1", 1000), paid("P2", 555)])
    assert links(result) == {(Rule.UNIQUE_AMOUNT, F({"P1"}), F({"I1"}))}


@pytest.mark.parametrize(
    ("items", "receipts"),
    [
        pytest.param([item("I1", 1000), item("I2", 1000)], [paid("P1", 1000)], id="two documents"),
        pytest.param([item("I1", 1000)], [paid("P1", 1000), paid("P2", 1000)], id="two payments"),
        pytest.param([item("I1", 1000), item("I2", 1000)], [paid("P1", 1000), paid("P2", 1000)], id="two of both"),
        pytest.param(
            [item("I1", 1000)], [paid("P1", 1000), paid("P2", 1000, kind=PaymentKind.PREPAYMENT)], id="an advance too"
        ),
        pytest.param(
            [item("I1", 1000), item("I2", 600), item("I3", 400), item("I4", 1000)], [paid("P1", 1000)], id="a sum too"
        ),
        pytest.param(
            [item("I1", 1000, numbers=("XS2026010001",))],
            [paid("P1", 1000), paid("P2", 300, "XS2026010001", day=31), paid("P3", 800, "XS2026010001", day=31)],
            id="others name it",
        ),
    ],
)
def test_invariant_6_amount_alone_never_links_when_another_candidate_fits(
    items: list[OpenItem], receipts: list[Receipt]
) -> None:
    result = run(items, receipts)
    assert result.matches == ()
    assert any(one.payment_id == "P1" for one in result.ambiguous)


def test_invariant_6_holds_against_oldest_first() -> None:
    policy = Policy(passes=tuple(Rule))
    result = run([item("I1", 1000), item("I2", 1000), item("I3", 50_000)], [paid("P1", 1000), paid("P2", 700)], policy)
    assert links(result) == {(Rule.OLDEST_FIRST, F({"P2"}), F({"I3"}))}


def test_a_document_issued_after_the_payment_is_no_candidate() -> None:
    items = [item("I1", 1000, day=10), item("I2", 1000, day=40)]
    assert links(run(items, [paid("P1", 1000, day=30)])) == {(Rule.UNIQUE_AMOUNT, F({"P1"}), F({"I1"}))}
    assert run(items, [paid("P1", 1000, day=9)]).matches == ()
    assert run(items, [paid("P1", 1000, day=9)], Policy(early_days=1)).matches != ()


def test_a_payment_in_advance_is_not_linked_by_amount() -> None:
    result = run([item("I1", 1000)], [paid("P1", 1000, kind=PaymentKind.PREPAYMENT)])
    assert result.matches == ()
    assert outcomes(result) == {"P1": {Outcome.PREPAYMENT}}


def test_a_known_fee_settles_too() -> None:
    result = run([item("I1", 10_000)], [paid("P1", 9_985, fee=15)])
    assert [(m.payments, m.items) for m in result.matches] == [((("P1", 10_000),), (("I1", 10_000),))]


def test_a_trifle_links_nothing_by_itself() -> None:
    assert run([item("I1", 500, opened=3)], [paid("P1", 3)]).matches == ()


# 4 sums


def test_one_payment_settles_the_only_sum() -> None:
    items = [item("I1", 1100), item("I2", 2300), item("I3", 4700)]
    assert links(run(items, [paid("P1", 5800)])) == {(Rule.SUMS, F({"P1"}), F({"I1", "I3"}))}


def test_several_payments_settle_one_document() -> None:
    result = run([item("I1", 5000)], [paid("P1", 1800), paid("P2", 3200), paid("P3", 900)])
    assert links(result) == {(Rule.SUMS, F({"P1", "P2"}), F({"I1"}))}


def test_a_credit_note_takes_part_in_a_sum() -> None:
    items = [item("I1", 5000), item("C1", -700), item("I2", 9000)]
    assert links(run(items, [paid("P1", 4300)])) == {(Rule.SUMS, F({"P1"}), F({"I1", "C1"}))}


def test_two_sums_that_fit_one_payment_are_ambiguous() -> None:
    items = [item("I1", 1000), item("I2", 4000), item("I3", 2000), item("I4", 3000)]
    result = run(items, [paid("P1", 5000)])
    assert result.matches == ()
    (one,) = result.ambiguous
    assert set(one.candidates) == {("I1", "I2"), ("I3", "I4")}


def test_two_payments_whose_sums_share_a_document_are_contested() -> None:
    items = [item("I1", 1000), item("I2", 2500), item("I3", 4700)]
    result = run(items, [paid("P1", 3500), paid("P2", 7200)])
    assert result.matches == ()
    assert {one.outcome for one in result.ambiguous} == {Outcome.CONTESTED}


def test_documents_named_and_others_that_make_up_the_rest() -> None:
    items = [item("I1", 5000, numbers=("XS2026010001",)), item("C1", -700), item("I2", 1300)]
    result = run(items, [paid("P1", 4300, "XS2026010001")])
    assert links(result) == {(Rule.SUMS, F({"P1"}), F({"I1", "C1"}))}
    assert result.matches[0].confidence is Confidence.HIGH


def test_a_stated_number_of_documents_must_fit() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",)), item("I2", 3000), item("I3", 1800), item("I4", 1200)]
    result = run(items, [paid("P1", 4000, "XS2026010001等2张发票")])
    assert links(result) == {(Rule.SUMS, F({"P1"}), F({"I1", "I2"}))}


def test_a_found_sum_is_ambiguous_when_the_budget_ends_before_the_others_are_searched() -> None:
    items = [item(f"I{n}", 1000 + 7**n) for n in range(8)]
    target = items[2].amount_minor + items[5].amount_minor
    receipts = [paid("P1", target, day=30), paid("P2", 15_000, day=31)]
    assert links(run(items, receipts)) == {(Rule.SUMS, F({"P1"}), F({"I2", "I5"}))}
    result = run(items, receipts, Policy(sums=SumLimits(steps_max=20)))  # 16 for the first payment, 12 for the second
    assert result.matches == ()
    assert [(one.payment_id, one.outcome, one.candidates) for one in result.ambiguous] == [
        ("P1", Outcome.UNPROVEN, (("I2", "I5"),))
    ]


def test_so_many_sums_that_one_fits_by_chance_prove_nothing() -> None:
    items = [item(f"I{n:02d}", 1000 + n * n) for n in range(16)]
    target = items[3].amount_minor + items[9].amount_minor + items[14].amount_minor
    result = run(items, [paid("P1", target)])
    assert result.matches == ()
    assert outcomes(result) == {"P1": {Outcome.BY_CHANCE}}


def test_more_candidates_than_the_limit_are_not_searched() -> None:
    items = [item(f"I{n:02d}", 10**7 + 3**n) for n in range(12)]
    target = items[3].amount_minor + items[9].amount_minor
    limits = SumLimits(whole_max=4, candidates_max=10)
    refused = run(items, [paid("P1", target)], Policy(sums=limits))
    assert outcomes(refused) == {"P1": {Outcome.TOO_MANY}}
    window = limits.model_copy(update={"oldest_window": True})
    assert links(run(items, [paid("P1", target)], Policy(sums=window))) == {(Rule.SUMS, F({"P1"}), F({"I03", "I09"}))}


def test_many_to_many_only_when_asked_and_unique() -> None:
    items = [item("I1", 41_000), item("I2", 27_000)]
    receipts = [paid("P1", 30_000), paid("P2", 38_000)]
    assert run(items, receipts).matches == ()
    asked = Policy(sums=SumLimits(many_to_many=True))
    assert links(run(items, receipts, asked)) == {(Rule.SUMS, F({"P1", "P2"}), F({"I1", "I2"}))}
    twins = [paid("P1", 30_000), paid("P2", 38_000), paid("P3", 30_000)]
    assert run(items, twins, asked).matches == ()


# 5 tolerance

LOOSE = Policy(
    tolerances={
        "CNY": Tolerance(rounding_minor=5, fee_minor=50, deduction_minor=80, discount_ppm=20_000, discount_days=10)
    }
)


@pytest.mark.parametrize(
    ("short", "day", "expected"),
    [
        (5, 30, ("rounding_minor", DifferenceKind.ROUNDING)),
        (-5, 30, ("rounding_minor", DifferenceKind.ROUNDING)),
        (6, 30, ("fee_minor", DifferenceKind.FEE)),
        (80, 30, ("deduction_minor", DifferenceKind.DISCOUNT)),
        (200, 10, ("discount_ppm", DifferenceKind.DISCOUNT)),
        (200, 11, None),
        (201, 10, None),
        (-6, 30, None),
    ],
)
def test_a_difference_within_a_named_limit_is_an_explicit_line(
    short: int, day: int, expected: tuple[str, DifferenceKind] | None
) -> None:
    result = run([item("I1", 10_000), item("I2", 70_000)], [paid("P1", 10_000 - short, day=day)], LOOSE)
    found = [(m.rule, m.limit, m.difference, m.difference_minor) for m in result.matches]
    assert found == ([] if expected is None else [(Rule.TOLERANCE, *expected, short)])


def test_tolerances_are_zero_unless_set() -> None:
    for short in (-1, 1):
        assert run([item("I1", 10_000)], [paid("P1", 10_000 - short)]).matches == ()
        usd = [item("I1", 10_000, currency="USD")], [paid("P1", 10_000 - short, currency="USD")]
        assert run(*usd, LOOSE).matches == ()


def test_two_documents_within_a_tolerance_are_ambiguous() -> None:
    result = run([item("I1", 10_000), item("I2", 10_003)], [paid("P1", 9_999)], LOOSE)
    assert result.matches == ()
    assert {one.outcome for one in result.ambiguous} == {Outcome.AMBIGUOUS}


def test_a_named_document_within_a_tolerance() -> None:
    items = [item("I1", 10_000, numbers=("XS2026010001",)), item("I2", 10_003)]
    result = run(items, [paid("P1", 9_999, "XS2026010001")], LOOSE)
    assert links(result) == {(Rule.TOLERANCE, F({"P1"}), F({"I1"}))}
    assert result.matches[0].confidence is Confidence.HIGH


# refunds


def test_a_refund_settles_the_only_credit_note_of_its_amount() -> None:
    items = [item("C1", -800), item("C2", -900)]
    assert links(run(items, [paid("R1", -800)])) == {(Rule.REFUND, F({"R1"}), F({"C1"}))}


def test_a_refund_pays_back_what_an_earlier_payment_left() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",))]
    receipts = [paid("P1", 1500, "XS2026010001"), paid("R1", -500, "退多付货款", day=40)]
    result = run(items, receipts)
    assert (Rule.REFUND, F({"P1", "R1"}), F()) in links(result)
    assert result.payments_left == result.items_left == ()


def test_a_refund_with_two_sources_is_ambiguous() -> None:
    result = run([item("C1", -500)], [paid("P1", 500), paid("R1", -500, day=40)])
    assert result.matches == ()
    assert [set(one.candidates) for one in result.ambiguous] == [{("C1",), ("P1",)}]


def test_a_refund_never_precedes_its_source() -> None:
    assert run([item("C1", -500, day=41)], [paid("P1", 500, day=41), paid("R1", -500, day=40)]).matches == ()


def test_a_refund_that_names_its_credit_note() -> None:
    items = [item("C1", -500, numbers=("HZ2026010001",)), item("C2", -500)]
    assert links(run(items, [paid("R1", -500, "退货退款HZ2026010001")])) == {(Rule.REFERENCE, F({"R1"}), F({"C1"}))}


# 6 oldest first


def test_oldest_first_only_if_the_policy_says_so_by_due_date() -> None:
    items = [item("I1", 1000, day=0, due=60), item("I2", 800, day=5, due=20)]
    receipts = [paid("P1", 900), paid("P2", 150, kind=PaymentKind.PREPAYMENT)]
    assert run(items, receipts).matches == ()
    result = run(items, receipts, Policy(passes=tuple(Rule)))
    assert [(m.payments[0], m.items[0], m.confidence) for m in result.matches] == [
        (("P1", 800), ("I2", 800), Confidence.LOW),
        (("P1", 100), ("I1", 100), Confidence.LOW),
        (("P2", 150), ("I1", 150), Confidence.LOW),
    ]
    by_issue = run(items, receipts, Policy(passes=tuple(Rule), oldest_by_due=False))
    assert left_of_items(by_issue) == {"I2": 750}


# input


@pytest.mark.parametrize(
    ("items", "receipts", "code"),
    [
        ([item("I1", 5), item("I1", 6)], [], FindingCode.DUPLICATE_ID),
        ([item("I1", 5, currency="XXQ")], [], FindingCode.UNKNOWN_CURRENCY),
        ([item("I1", 5, opened=6)], [], FindingCode.OPEN_BEYOND_TOTAL),
        ([item("I1", 5, opened=-1)], [], FindingCode.WRONG_SIGN),
        ([item("I1", -5, kind=InvoiceKind.INVOICE)], [], FindingCode.WRONG_SIGN),
        ([item("I1", 5, kind=InvoiceKind.CREDIT_NOTE)], [], FindingCode.WRONG_SIGN),
        ([], [paid("P1", 5, kind=PaymentKind.REFUND)], FindingCode.WRONG_SIGN),
        ([], [paid("P1", -5, kind=PaymentKind.RECEIPT)], FindingCode.WRONG_SIGN),
        ([], [paid("P1", 5, opened=6)], FindingCode.OPEN_BEYOND_TOTAL),
    ],
)
def test_a_bad_record_is_a_finding_and_stops_nothing_else(
    items: list[OpenItem], receipts: list[Receipt], code: FindingCode
) -> None:
    result = allocate([*items, item("G1", 4321)], [*receipts, paid("G2", 4321)])
    assert {one.code for one in result.findings} == {code}
    assert links(result) == {(Rule.UNIQUE_AMOUNT, F({"G2"}), F({"G1"}))}


def test_currencies_never_meet() -> None:
    items = [item("I1", 1000), item("I2", 1000, currency="USD")]
    result = run(items, [paid("P1", 1000, currency="USD"), paid("P2", 1000, currency="EUR")])
    assert links(result) == {(Rule.UNIQUE_AMOUNT, F({"P1"}), F({"I2"}))}
