"""The cash application against a slow exhaustive oracle, and the laws that hold for every ledger."""

from __future__ import annotations

import random
from itertools import chain, combinations

from allocation_cases import assert_books_agree, item, left_of_items, left_of_payments, links, paid
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerbridge.model.payment import PaymentKind
from ledgerbridge.reconciler.allocation import (
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
from ledgerbridge.reconciler.allocation.subsets import PairTable, few, tried, whole

Ids = frozenset[str]

AMOUNTS_ONLY = Policy(
    passes=(Rule.UNIQUE_AMOUNT, Rule.SUMS),
    sums=SumLimits(whole_max=24, chance_ppm=None, shown_max=10_000),
    amount_alone_min_minor=0,
)


class Oracle:
    """Unique amounts and sums by trying every subset, written from the rules alone."""

    def __init__(self, items: list[OpenItem], receipts: list[Receipt]) -> None:
        self.items = {one.id: one for one in items}
        self.receipts = {one.id: one for one in receipts}
        self.matched: set[tuple[Rule, Ids, Ids]] = set()

    def run(self) -> set[tuple[Rule, Ids, Ids]]:
        while self.round():
            pass
        return self.matched

    def fits(self, receipt: Receipt, one: OpenItem) -> bool:
        return one.issued_on <= receipt.received_on

    def round(self) -> bool:
        self.held: set[str] = set()
        self.contested: set[str] = set()
        return self.follow(Rule.UNIQUE_AMOUNT, self.equal_pairs()) or self.follow(Rule.SUMS, self.sums())

    def equal_pairs(self) -> list[tuple[Ids, Ids]]:
        return [
            (frozenset({receipt.id}), frozenset({one.id}))
            for receipt in self.receipts.values()
            for one in self.items.values()
            if receipt.amount_minor == one.open_minor and self.fits(receipt, one)
        ]

    def sums(self) -> list[tuple[Ids, Ids]]:
        free = [one for one in self.receipts.values() if one.id not in self.held]
        found = []
        for receipt in free:
            candidates = [one for one in self.items.values() if self.fits(receipt, one)]
            for some in subsets(candidates):
                if sum(one.open_minor for one in some) == receipt.amount_minor:
                    found.append((frozenset({receipt.id}), frozenset(one.id for one in some)))
        for one in self.items.values():
            payers = [receipt for receipt in free if self.fits(receipt, one) and receipt.amount_minor < one.open_minor]
            for group in subsets(payers):
                if sum(receipt.amount_minor for receipt in group) == one.open_minor:
                    found.append((frozenset(receipt.id for receipt in group), frozenset({one.id})))
        return found

    def follow(self, rule: Rule, readings: list[tuple[Ids, Ids]]) -> bool:
        """Those that share nothing with another reading and nothing that is contested."""
        lone = []
        for payments, items in readings:
            others = [one for one in readings if one != (payments, items)]
            shares = any(payments & more or items & some for more, some in others)
            if shares or items & self.contested:
                self.held |= payments
            else:
                lone.append((payments, items))
        for payments, items in readings:
            if payments & self.held:
                self.contested |= items
        for payments, items in lone:
            self.matched.add((rule, payments, items))
            for one in payments:
                del self.receipts[one]
            for one in items:
                del self.items[one]
        return bool(lone)


def subsets(members: list) -> list[tuple]:  # type: ignore[type-arg]
    return list(chain.from_iterable(combinations(members, size) for size in range(2, len(members) + 1)))


amounts = st.integers(1, 30)
days = st.integers(0, 6)


@st.composite
def ledgers(draw: st.DrawFn, largest: int = 7) -> tuple[list[OpenItem], list[Receipt]]:
    """Small amounts, so that sums meet by chance all the time; some credit notes; dates before and after."""
    items = [
        item(f"I{at}", draw(amounts) * (-1 if draw(st.integers(0, 6)) == 0 else 1), day=draw(days))
        for at in range(draw(st.integers(0, largest)))
    ]
    receipts = [paid(f"P{at}", draw(amounts), day=draw(days)) for at in range(draw(st.integers(0, 5)))]
    return items, receipts


@settings(max_examples=400, deadline=None)
@given(ledgers())
def test_same_matches_as_the_exhaustive_oracle(ledger: tuple[list[OpenItem], list[Receipt]]) -> None:
    items, receipts = ledger
    assert links(allocate(items, receipts, policy=AMOUNTS_ONLY)) == Oracle(items, receipts).run()


@settings(max_examples=150, deadline=None)
@given(ledgers())
def test_a_larger_pool_searched_by_pairs_finds_what_the_oracle_finds_up_to_three(
    ledger: tuple[list[OpenItem], list[Receipt]],
) -> None:
    items, receipts = [one for one in ledger[0] if one.amount_minor > 0][:3], ledger[1][:3]
    by_pairs = AMOUNTS_ONLY.model_copy(
        update={"sums": SumLimits(whole_max=0, chance_ppm=None, shown_max=10_000, size_max=3)}
    )
    assert links(allocate(items, receipts, policy=by_pairs)) == Oracle(items, receipts).run()


EVERYTHING = Policy(
    passes=tuple(Rule),
    tolerances={"CNY": Tolerance(rounding_minor=1, fee_minor=2, deduction_minor=3, discount_ppm=50_000)},
    sums=SumLimits(many_to_many=True, chance_ppm=200_000),
    amount_alone_min_minor=2,
)
STRICT = Policy(amount_alone_min_minor=0, sums=SumLimits(many_to_many=True, chance_ppm=None))


@st.composite
def messy(draw: st.DrawFn) -> tuple[list[OpenItem], list[Receipt]]:
    """All kinds: names in texts, orders, reversals, refunds, advances, fees, part-paid documents, two currencies."""
    items = []
    for at in range(draw(st.integers(0, 9))):
        amount = draw(st.integers(1, 60)) * (-1 if draw(st.integers(0, 4)) == 0 else 1)
        opened = amount if draw(st.integers(0, 3)) else (abs(amount) // 2) * (1 if amount > 0 else -1)
        reverses = draw(st.sampled_from([None, *(one.id for one in items)])) if amount < 0 else None
        items.append(
            item(
                f"I{at}", amount, opened=opened, day=draw(days), numbers=(f"XS2026010{at:02d}7",), reverses=reverses,
                references=draw(st.sampled_from([(), ("DD26010011",), ("DD26010022",)])),
                currency=draw(st.sampled_from(["CNY", "CNY", "CNY", "USD"])),
            )
        )  # fmt: skip
    words = st.sampled_from(["", "货款", "DD26010011", *(one.numbers[0] for one in items), "XS202601007", "1007等2张"])
    receipts = []
    for at in range(draw(st.integers(0, 8))):
        amount = draw(st.integers(1, 90)) * (-1 if draw(st.integers(0, 5)) == 0 else 1)
        kind = None if amount < 0 else draw(st.sampled_from([None, None, PaymentKind.PREPAYMENT]))
        receipts.append(
            paid(
                f"P{at}", amount, draw(words) + "、" + draw(words), day=draw(days), kind=kind,
                fee=draw(st.integers(0, 2)) if amount > 0 else 0,
                currency=draw(st.sampled_from(["CNY", "CNY", "CNY", "USD"])),
            )
        )  # fmt: skip
    return items, receipts


def rest(result: Result, items: list[OpenItem], receipts: list[Receipt]) -> tuple[list[OpenItem], list[Receipt]]:
    """The same ledger after the matches."""
    open_items, money = left_of_items(result), left_of_payments(result)
    fields = {name: name for name in OpenItem.__struct_fields__}
    return (
        [
            OpenItem(**{**{f: getattr(one, f) for f in fields}, "open_minor": open_items.get(one.id, 0)})
            for one in items
        ],
        [
            Receipt(**{**{f: getattr(one, f) for f in Receipt.__struct_fields__}, "open_minor": money.get(one.id, 0)})
            for one in receipts
        ],
    )


@settings(max_examples=300, deadline=None)
@given(messy(), st.sampled_from([EVERYTHING, STRICT, Policy()]))
def test_books_agree_and_what_is_ambiguous_is_not_settled(
    ledger: tuple[list[OpenItem], list[Receipt]], policy: Policy
) -> None:
    items, receipts = ledger
    result = allocate(items, receipts, policy=policy)
    assert_books_agree(result, items, receipts)
    money = left_of_payments(result)
    for one in result.ambiguous:
        assert one.outcome in {Outcome.AMBIGUOUS, Outcome.CONTESTED, Outcome.UNPROVEN}
        assert money[one.payment_id] == one.left_minor != 0
    if Rule.TOLERANCE not in policy.passes or not policy.tolerances:
        assert all(match.difference_minor == 0 for match in result.matches)


@settings(max_examples=200, deadline=None)
@given(messy(), st.sampled_from([EVERYTHING, STRICT]), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    ledger: tuple[list[OpenItem], list[Receipt]], policy: Policy, rng: random.Random
) -> None:
    items, receipts = ledger
    expected = allocate(items, receipts, policy=policy)
    shuffled_items, shuffled_receipts = list(items), list(receipts)
    rng.shuffle(shuffled_items)
    rng.shuffle(shuffled_receipts)
    assert allocate(shuffled_items, shuffled_receipts, policy=policy) == expected


@settings(max_examples=200, deadline=None)
@given(messy(), st.sampled_from([EVERYTHING, STRICT, Policy()]))
def test_running_again_on_the_rest_allocates_nothing(
    ledger: tuple[list[OpenItem], list[Receipt]], policy: Policy
) -> None:
    items, receipts = ledger
    result = allocate(items, receipts, policy=policy)
    again = allocate(*rest(result, items, receipts), policy=policy)
    assert again.matches == ()
    assert again.findings == result.findings


# the searches themselves


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-9, 20).filter(bool), max_size=9), st.integers(-5, 60))
def test_the_search_for_sums_finds_every_one(values: list[int], target: int) -> None:
    def brute(low: int, high: int) -> set[tuple[int, ...]]:
        return {
            picks
            for size in range(low, high + 1)
            for picks in combinations(range(len(values)), size)
            if sum(values[at] for at in picks) == target
        }

    assert set(whole(values, target, size_min=1, steps_max=10**6).found) == brute(1, len(values))
    assert set(few(values, target, size_min=1, size_max=3, steps_max=10**6).found) == brute(1, 3)
    table = PairTable(values)
    for below in range(len(values) + 1):
        some = {picks for picks in brute(2, 3) if max(picks) < below}
        assert set(table.find(target, below, 3)) == some
        assert len(table.find(target, below, 3)) == len(some)
    assert (target in set(table.sums(3))) == bool(brute(2, 3))


def test_a_search_stops_at_its_budget_and_at_more_sets_than_anybody_reads() -> None:
    assert not whole([1] * 10, 5, size_min=1, steps_max=63).complete
    assert whole([3, 5, 9], 8, size_min=1, steps_max=6).complete
    many = whole([1] * 20, 10, size_min=1, steps_max=10**6)
    assert not many.complete
    assert not few([1] * 30, 3, size_min=1, size_max=3, steps_max=10**6).complete
    assert not few([1] * 30, 3, size_min=1, size_max=3, steps_max=464).complete


def test_how_many_sets_are_tried() -> None:
    assert [tried(4, 2), tried(4, 3), tried(4, 4), tried(4, 9), tried(1, 1), tried(0, 0)] == [6, 10, 11, 11, 0, 0]
