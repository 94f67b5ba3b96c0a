"""Invariant 7: every statement adds up, and one that does not cannot be built."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from statement_cases import PERIOD, Books, applied, document, long_books, random_books, receipt

from ledgerbridge.errors import StatementError
from ledgerbridge.model.payment import DifferenceKind
from ledgerbridge.model.statement import AgeBase, CustomerStatement, EntryKind, dump, load
from ledgerbridge.reconciler.aging import Buckets
from ledgerbridge.reconciler.statement import Applied, Document, Period, WriteOff, booked

SEEDS = st.integers(0, 10**9)
SIMPLE = Books(
    (
        document("I-0", "2026-09-10", 500_00, due_on=date(2026, 10, 10)),
        document("I-1", "2026-10-03", 1000_00, due_on=date(2026, 11, 2)),
        document("I-2", "2026-10-20", 300_00),
        document("C-1", "2026-10-21", -100_00),
    ),
    (receipt("P-1", "2026-10-15", 690_00, fee_minor=10_00), receipt("P-2", "2026-10-30", 50_00)),
    (
        applied("I-0", "P-1", 500_00),
        applied("I-1", "P-1", 200_00),
        Applied("erp/invoice/I-2", "erp/invoice/C-1", 100_00, date(2026, 10, 21)),
    ),
)


def signed(one: object) -> int:
    if isinstance(one, Document | WriteOff):
        return one.amount_minor
    return -(one.amount_minor + one.fee_minor)  # type: ignore[attr-defined]


def test_a_small_one_by_hand() -> None:
    made = SIMPLE.statement()
    assert (made.opening_minor, made.closing_minor) == (500_00, 950_00)
    assert [(entry.number, entry.balance_minor) for entry in made.entries] == [
        ("I-1", 1500_00),
        ("P-1", 800_00),
        ("I-2", 1100_00),
        ("C-1", 1000_00),
        ("P-2", 950_00),
    ]
    assert [(item.number, item.open_minor, item.age_days) for item in made.open_items] == [
        ("I-1", 800_00, -2),
        ("I-2", 200_00, None),
    ]
    assert [(item.number, item.open_minor) for item in made.unapplied] == [("P-2", -50_00)]
    assert {aged.bucket.name: aged.amount_minor for aged in made.aging.buckets if aged.items} == {
        "not_due": 800_00,
        "undated": 200_00,
    }
    assert [(part.number, part.amount_minor) for part in made.entries[1].settlements] == [
        ("I-0", 500_00),
        ("I-1", 200_00),
    ]
    assert made.entries[1].fee_minor == 10_00
    assert (made.debit_minor, made.credit_minor) == (1300_00, 850_00)


@given(SEEDS, st.sampled_from([AgeBase.DUE, AgeBase.DOCUMENT]))
def test_opening_and_lines_and_open_items_and_aging_agree(seed: int, base: AgeBase) -> None:
    books = random_books(seed)
    made = books.statement(buckets=Buckets(base=base))
    everything = [*books.documents, *books.receipts, *books.write_offs]
    assert made.opening_minor == sum(signed(one) for one in everything if one.on < PERIOD.first_day)
    assert made.closing_minor == sum(signed(one) for one in everything if one.on <= PERIOD.last_day)
    assert made.opening_minor + made.debit_minor - made.credit_minor == made.closing_minor
    left = [*made.open_items, *made.unapplied]
    assert sum(item.open_minor for item in left) == made.closing_minor == made.aging.total_minor
    assert load(dump(made)) == made


@given(SEEDS)
def test_the_order_of_what_is_given_changes_no_byte(seed: int) -> None:
    books = random_books(seed)
    chance = Random(seed)
    shuffled = Books(*(tuple(chance.sample(given, len(given))) for given in vars(books).values()))
    assert dump(books.statement()) == dump(shuffled.statement())


@given(SEEDS, st.integers(0, 40))
def test_two_periods_meet(seed: int, days: int) -> None:
    """The closing balance of one period is the opening balance of the next."""
    books = random_books(seed)
    cut = PERIOD.first_day + timedelta(days=days)
    first = books.statement(period=Period(date(2026, 1, 1), cut))
    second = books.statement(period=Period(cut + timedelta(days=1), date(2027, 1, 1)))
    whole = books.statement(period=Period(date(2026, 1, 1), date(2027, 1, 1)))
    assert first.opening_minor == 0
    assert first.closing_minor == second.opening_minor
    assert second.closing_minor == whole.closing_minor
    assert [*first.entries, *second.entries] == [] or len(first.entries) + len(second.entries) == len(whole.entries)


@given(SEEDS)
def test_what_happens_later_does_not_show(seed: int) -> None:
    books = random_books(seed)
    later = [one for one in (*books.documents, *books.receipts, *books.write_offs) if one.on > PERIOD.last_day]
    gone = {one.id for one in later}
    before = Books(
        tuple(one for one in books.documents if one.id not in gone),
        tuple(one for one in books.receipts if one.id not in gone),
        tuple(
            one for one in books.allocations if not {one.debit_id, one.credit_id} & gone and one.on <= PERIOD.last_day
        ),
        tuple(one for one in books.write_offs if one.id not in gone),
    )
    assert dump(before.statement()) == dump(books.statement())


def test_an_empty_one() -> None:
    made = Books().statement()
    assert (made.opening_minor, made.closing_minor, made.entries, made.open_items) == (0, 0, (), ())
    assert made.aging.total_minor == 0


def test_five_thousand_lines() -> None:
    made = long_books(5000).statement()
    assert len(made.entries) == 5000


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (("closing_minor",), ["opening + lines = 950.00 CNY", "the closing balance = 950.01 CNY", "-0.01"]),
        (("entries", 2, "balance_minor"), ["after I-2 is stated as 1,100.01 CNY", "give 1,100.00"]),
        (("open_items", 0, "open_minor"), ["open items and unapplied cash = 950.01 CNY", "closing balance = 950.00"]),
        (("aging", "buckets", 0, "amount_minor"), ["the aging total = 950.01 CNY", "closing balance = 950.00 CNY"]),
        (("aging", "unapplied_minor"), ["the aging total = 950.01 CNY"]),
    ],
    ids=["closing", "running", "open", "aging", "unapplied"],
)  # fmt: skip
def test_one_that_does_not_add_up_is_refused_and_both_sums_are_named(
    path: tuple[str | int, ...], names: list[str]
) -> None:
    content = json.loads(dump(SIMPLE.statement()))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] += 1
    with pytest.raises(StatementError) as caught:
        load(json.dumps(content).encode())
    for name in names:
        assert name in str(caught.value)


@given(SEEDS, st.randoms(use_true_random=False))
def test_no_single_amount_can_be_changed(seed: int, chance: Random) -> None:
    """Whatever one amount of a stored statement is changed, it can no longer be loaded."""
    made = random_books(seed, documents=8, receipts=6).statement()
    content = json.loads(dump(made))
    places = [(content, "opening_minor"), (content, "closing_minor"), (content["aging"], "unapplied_minor")]
    places += [(entry, key) for entry in content["entries"] for key in ("debit_minor", "credit_minor", "balance_minor")]
    places += [(item, "open_minor") for item in (*content["open_items"], *content["unapplied"])]
    places += [(aged, key) for aged in content["aging"]["buckets"] for key in ("amount_minor", "items")]
    place, key = chance.choice(places)
    place[key] += chance.choice([1, -1, 10**6])
    with pytest.raises(StatementError):
        load(json.dumps(content).encode())


def test_a_float_is_no_amount_and_unknown_fields_are_refused() -> None:
    content = json.loads(dump(SIMPLE.statement()))
    for change in ({"closing_minor": 95000.0}, {"surprise": 1}, {"schema_version": 2}):
        with pytest.raises(StatementError):
            load(json.dumps(content | change).encode())
    with pytest.raises(ValidationError):
        CustomerStatement.model_validate({**vars(SIMPLE.statement()), "opening_minor": 500_01})


@pytest.mark.parametrize(
    ("books", "says"),
    [
        (SIMPLE.having(documents=(*SIMPLE.documents, document("U", "2026-10-01", 1, currency="USD"))), "do not add"),
        (SIMPLE.having(documents=(*SIMPLE.documents, SIMPLE.documents[0])), "given twice"),
        (SIMPLE.having(allocations=(applied("I-9", "P-1", 1),)), "erp/invoice/I-9, which was not given"),
        (SIMPLE.having(allocations=(applied("I-1", "P-2", 50_01),)), "P-2 (5001 of 5000)"),
        (SIMPLE.having(allocations=(applied("C-1", "P-2", 1),)), "P-2 cannot be applied to C-1"),
        (SIMPLE.having(allocations=(applied("I-1", "P-2", -1),)), "positive amount"),
    ],
    ids=["currency", "twice", "unknown", "over", "sides", "negative"],
)
def test_input_that_cannot_add_up_is_refused_by_name(books: Books, says: str) -> None:
    with pytest.raises(StatementError) as caught:
        books.statement()
    assert says in str(caught.value)


@pytest.mark.parametrize("made_at", [datetime(2026, 11, 2), datetime(2026, 11, 2, tzinfo=timezone(timedelta(hours=8)))])  # noqa: DTZ001
def test_the_moment_it_was_made_is_in_utc(made_at: datetime) -> None:
    with pytest.raises(StatementError, match="must be in UTC"):
        SIMPLE.statement(made_at=made_at)


def test_ages_before_the_last_day_are_refused() -> None:
    with pytest.raises(StatementError, match="cannot be told"):
        SIMPLE.statement(as_of=date(2026, 10, 30))
    assert [item.age_days for item in SIMPLE.statement(as_of=date(2026, 11, 30)).open_items] == [28, None]


def test_an_allocation_waits_for_both_of_its_documents() -> None:
    """A prepayment applied to an invoice that is dated later is unapplied until then."""
    books = Books(
        (document("I", "2026-11-05", 70_00),), (receipt("P", "2026-10-05", 70_00),), (applied("I", "P", 70_00),)
    )
    assert [item.open_minor for item in books.statement().unapplied] == [-70_00]
    later = books.statement(period=Period(date(2026, 11, 1), date(2026, 11, 30)))
    assert (later.opening_minor, later.closing_minor, later.unapplied) == (-70_00, 0, ())
    assert later.entries[0].settlements[0].on == date(2026, 11, 5)


def test_texts_become_one_line() -> None:
    made = Books((document("I\n1", "2026-10-02", 1, remark="一\r\n\t二\x00 三" + "长" * 600),)).statement()
    assert made.entries[0].number == "I 1"
    assert made.entries[0].remark.startswith("一 二 三长")
    assert len(made.entries[0].remark) == 500
    for blank in (" 甲  乙", "甲 乙 ", "甲\u3000乙", "甲\u00a0乙", "甲\t乙", "甲 乙"):
        assert Books((document(blank, "2026-10-02", 1),)).statement().entries[0].number == "甲 乙"


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=6),
    st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=6),
)
def test_a_match_in_pairs_uses_exactly_its_shares(payments: list[int], items: list[int]) -> None:
    shares_p = [(f"p{at}", minor) for at, minor in enumerate(payments)]
    shares_i = [(f"i{at}", minor) for at, minor in enumerate(items)]
    gap = sum(items) - sum(payments)
    if gap:
        with pytest.raises(StatementError, match="no reason"):
            booked(id="m", on=PERIOD.first_day, currency="CNY", payments=shares_p, items=shares_i)
    made = booked(
        id="m",
        on=PERIOD.first_day,
        currency="CNY",
        payments=shares_p,
        items=shares_i,
        difference=DifferenceKind.DISCOUNT,
    )
    used: dict[str, int] = {}
    for one in made.allocations:
        used[one.debit_id] = used.get(one.debit_id, 0) + one.amount_minor
        used[one.credit_id] = used.get(one.credit_id, 0) - one.amount_minor
    expected = {**dict(shares_i), **{key: -minor for key, minor in shares_p}}
    if made.write_off:
        expected["m"] = made.write_off.amount_minor
    assert used == expected
    assert (made.write_off.amount_minor if made.write_off else 0) == -gap


def test_a_write_off_is_a_line_with_its_reason() -> None:
    match = booked(
        id="w",
        on=date(2026, 10, 9),
        currency="CNY",
        payments=[("erp/payment/P", 99_99)],
        items=[("erp/invoice/I", 100_00)],
        difference=DifferenceKind.ROUNDING,
        number="TZ-1",
    )
    assert match.write_off is not None
    made = Books(
        (document("I", "2026-10-02", 100_00),),
        (receipt("P", "2026-10-09", 99_99),),
        match.allocations,
        (match.write_off,),
    ).statement()
    assert (made.closing_minor, made.open_items, made.unapplied) == (0, (), ())
    off = next(entry for entry in made.entries if entry.kind is EntryKind.WRITE_OFF)
    assert (off.credit_minor, off.difference, off.settlements[0].number) == (1, DifferenceKind.ROUNDING, "I")
