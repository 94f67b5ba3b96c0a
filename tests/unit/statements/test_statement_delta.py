"""A frozen statement stays; what is booked later, dated back, stands in its delta, and its amounts add up."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statement_cases import CUSTOMER, Books, applied, document, random_books, receipt

from ledgerbridge.errors import StatementError
from ledgerbridge.model.statement import CustomerStatement
from ledgerbridge.model.statement_delta import DeltaKind, DeltaLine, StatementDelta
from ledgerbridge.reconciler.statement import Period, delta

SEEDS = st.integers(0, 10**9)
SENT = Books(
    (
        document("I-0", "2026-09-10", 500_00),
        document("I-1", "2026-10-03", 1000_00),
        document("I-2", "2026-10-04", 20_00),
    ),
    (receipt("P-1", "2026-10-15", 300_00),),
    (applied("I-0", "P-1", 300_00),),
)


def changes(found: StatementDelta) -> list[tuple[DeltaKind, str, int, int]]:
    return [(line.kind, line.number, line.effect_minor, line.open_effect_minor) for line in found.lines]


def since(sent: Books, now: Books) -> StatementDelta:
    return delta(sent.statement(), now.statement())


def test_nothing_changed() -> None:
    found = since(SENT, SENT)
    assert found.is_empty
    assert found.before_minor == found.after_minor


def test_a_document_dated_back_into_the_period() -> None:
    late = document("I-9", "2026-10-30", 7_00)
    found = since(SENT, SENT.having(documents=(*SENT.documents, late)))
    assert changes(found) == [(DeltaKind.ADDED, "I-9", 7_00, 7_00)]
    assert found.after_minor - found.before_minor == 7_00


def test_a_document_dated_back_before_the_period() -> None:
    late = document("I-9", "2026-08-30", 7_00)
    found = since(SENT, SENT.having(documents=(*SENT.documents, late)))
    assert changes(found) == [(DeltaKind.BEFORE_PERIOD, "", 7_00, 0), (DeltaKind.REOPENED, "I-9", 0, 7_00)]


def test_a_voided_one_a_changed_one_and_a_moved_allocation() -> None:
    now = Books(
        (SENT.documents[0], document("I-1", "2026-10-05", 900_00, remark="改单")), SENT.receipts, (applied("I-1", "P-1", 300_00),)
    )  # fmt: skip
    found = since(SENT, now)
    assert changes(found) == [
        (DeltaKind.REOPENED, "I-0", 0, 300_00),
        (DeltaKind.REMOVED, "I-2", -20_00, -20_00),
        (DeltaKind.CHANGED, "I-1", -100_00, -400_00),
        (DeltaKind.REAPPLIED, "P-1", 0, 0),
    ]
    changed = found.lines[2]
    assert [(one.field, one.before, one.after) for one in changed.fields] == [
        ("on", "2026-10-03", "2026-10-05"),
        ("debit_minor", "100000", "90000"),
        ("remark", "", "改单"),
    ]
    assert [part.number for part in changed.settled_after] == ["P-1"]
    moved = found.lines[3]
    assert ([one.number for one in moved.settled_before], [one.number for one in moved.settled_after]) == (
        ["I-0"],
        ["I-1"],
    )


def test_what_is_dated_after_the_period_changes_nothing() -> None:
    assert since(SENT, SENT.having(documents=(*SENT.documents, document("I-9", "2026-11-01", 7_00)))).is_empty


@given(SEEDS, st.randoms(use_true_random=False))
def test_the_effects_sum_to_the_change_of_the_closing_balance(seed: int, chance: Random) -> None:
    """Whatever is taken out of the books (with its allocations) or left as it was."""
    now = random_books(seed, documents=12, receipts=8)
    gone = {one.id for one in (*now.documents, *now.receipts, *now.write_offs) if chance.random() < 0.3}
    then = Books(
        tuple(one for one in now.documents if one.id not in gone),
        tuple(one for one in now.receipts if one.id not in gone),
        tuple(one for one in now.allocations if not {one.debit_id, one.credit_id} & gone),
        tuple(one for one in now.write_offs if one.id not in gone),
    )
    sent, rebuilt = then.statement(), now.statement()
    found = delta(sent, rebuilt)
    assert sum(line.effect_minor for line in found.lines) == rebuilt.closing_minor - sent.closing_minor
    assert found.is_empty == (body(sent) == body(rebuilt))


def body(statement: CustomerStatement) -> object:
    return statement.model_dump(exclude={"made_at", "entries", "aging"}), [
        entry.model_dump(exclude={"balance_minor"}) for entry in statement.entries
    ]


def test_a_new_name_is_said() -> None:
    renamed = SENT.statement(customer=CUSTOMER.model_copy(update={"name": "杭州新名贸易有限公司"}))
    found = delta(SENT.statement(), renamed)
    assert [(one.field, one.after) for one in found.header] == [("customer.name", "杭州新名贸易有限公司")]
    assert not found.is_empty


def test_other_periods_and_customers_cannot_be_compared() -> None:
    for other in (
        SENT.statement(period=Period(date(2026, 10, 1), date(2026, 10, 30))),
        SENT.statement(customer=CUSTOMER.model_copy(update={"entity": "e-2"})),
    ):
        with pytest.raises(StatementError):
            delta(SENT.statement(), other)


def test_a_delta_that_does_not_add_up_cannot_be_built() -> None:
    sound = since(SENT, SENT.having(documents=SENT.documents[:2]))
    with pytest.raises(ValueError, match="closing balance changed by -2000"):
        StatementDelta.model_validate({**vars(sound), "lines": ()})
    half = DeltaLine(kind=DeltaKind.ADDED, effect_minor=-2000)
    with pytest.raises(ValueError, match="what is open changed by 0"):
        StatementDelta.model_validate({**vars(sound), "lines": (half,)})
