"""What an explanation says about a payment, exchange differences, and open items from canonical records."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from allocation_cases import DAY, item, paid
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.errors import MoneyError
from ledgerbridge.model.invoice import Invoice, Reference, ReferenceKind, TaxInvoiceNumber
from ledgerbridge.model.party import DocumentRef, PartyRef
from ledgerbridge.model.payment import Payment, PaymentKind
from ledgerbridge.reconciler.allocation import (
    DEFAULT_PASSES,
    Outcome,
    Rule,
    allocate,
    explain,
    open_item,
    realised_fx,
    receipt,
)


def test_an_ambiguous_payment_shows_its_candidates_and_every_pass() -> None:
    result = allocate([item("I1", 1000), item("I2", 1000)], [paid("P1", 1000)])
    told = explain(result, "P1")
    assert told.left_minor == 1000
    assert tuple(look.rule for look in told.looks) == DEFAULT_PASSES
    (note,) = [look.note for look in told.looks if look.note is not None]
    assert (note.rule, note.outcome, note.candidates) == (Rule.UNIQUE_AMOUNT, Outcome.AMBIGUOUS, (("I1",), ("I2",)))
    assert "unique_amount: ambiguous: I1 | I2" in told.lines()
    assert "reference: nothing fits" in told.lines()


def test_a_settled_payment_shows_what_settled_it_and_what_was_not_reached() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",))]
    told = explain(allocate(items, [paid("P1", 1000, "XS2026010001")]), "P1")
    assert told.left_minor == 0
    assert [look.rule for look in told.looks if look.matches] == [Rule.REFERENCE]
    assert "reference: settled I1 1000 (exact; text named XS2026010001)" in told.lines()
    assert "sums: not reached: used up before" in told.lines()


def test_a_text_that_does_not_add_up_is_told() -> None:
    items = [item("I1", 1000, numbers=("XS2026010001",)), item("I2", 800, numbers=("XS2026010002",))]
    lines = explain(allocate(items, [paid("P1", 1700, "XS2026010001、XS2026010002")]), "P1").lines()
    assert any(line.startswith("reference: not_adding_up: I1 + I2") for line in lines)


def test_a_payment_that_took_no_part_cannot_be_explained() -> None:
    with pytest.raises(ValueError, match="'P9' took no part"):
        explain(allocate([], []), "P9")


def test_exchange_difference_is_exact_with_its_residual() -> None:
    found = realised_fx(100_001, "USD", "CNY", item_rate=Decimal("7.1234"), payment_rate=Decimal("7.2001"))
    # 1000.01 USD: 7123.471234 and 7200.172001 yuan
    assert (found.booked_minor, found.received_minor, found.difference_minor) == (712_347, 720_017, 7_670)
    assert found.residual == Fraction("7670.0767") - 7670


def test_exchange_difference_between_exponents_and_of_a_credit_note() -> None:
    yen = realised_fx(12_345, "JPY", "CNY", item_rate=Decimal("0.0476"), payment_rate=Decimal("0.0480"))
    assert (yen.booked_minor, yen.received_minor) == (58_762, 59_256)
    back = realised_fx(-12_345, "JPY", "CNY", item_rate=Decimal("0.0476"), payment_rate=Decimal("0.0480"))
    assert back.difference_minor == -yen.difference_minor


def test_the_last_part_closes_the_base_amount() -> None:
    found = realised_fx(333, "USD", "CNY", item_rate=Decimal(7), payment_rate=Decimal(7), item_base_left_minor=2_330)
    assert (found.booked_minor, found.difference_minor, found.residual) == (2_330, 1, Fraction(-1))


@given(
    st.integers(-(10**12), 10**12),
    st.decimals("0.0001", 99, places=4),
    st.decimals("0.0001", 99, places=4),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_booked_plus_residual_is_the_exact_difference(
    amount: int, item_rate: Decimal, payment_rate: Decimal, currency: str
) -> None:
    found = realised_fx(amount, currency, "CNY", item_rate=item_rate, payment_rate=payment_rate)
    unit = {"USD": Fraction(1), "JPY": Fraction(100), "KWD": Fraction(1, 10)}[currency]
    assert found.difference_minor + found.residual == amount * (Fraction(payment_rate) - Fraction(item_rate)) * unit
    assert abs(found.residual) <= 1


@pytest.mark.parametrize(
    ("currency", "rate"), [("USD", "0"), ("USD", "-1"), ("USD", "NaN"), ("CNY", "1.01"), ("ZZZ", "2")]
)
def test_a_rate_that_is_none_is_refused(currency: str, rate: str) -> None:
    with pytest.raises(MoneyError):
        realised_fx(1, currency, "CNY", item_rate=Decimal(rate), payment_rate=Decimal(1))


def test_canonical_records_become_open_items_and_receipts() -> None:
    invoice = Invoice(
        number="XS1", customer=PartyRef(code="C1"), issued_on=DAY, due_on=date(2026, 4, 1), currency="CNY", total_minor=500,
        tax_invoices=(TaxInvoiceNumber(code="3200261130", number="12028482"),),
        references=(Reference(kind=ReferenceKind.ORDER, number="DD1"),), reverses=DocumentRef(number="XS0"),
    )  # fmt: skip
    one = open_item("e1", invoice, open_minor=300)
    assert one.numbers == ("XS1", "12028482", "320026113012028482")
    assert (one.references, one.amount_minor, one.open_minor, one.reverses) == (("DD1",), 500, 300, "XS0")
    assert open_item("e1", invoice, reverses="e0").reverses == "e0"
    payment = Payment(
        number="SK1", received_on=DAY, currency="CNY", amount_minor=980, fee_minor=20, kind=PaymentKind.ACCEPTANCE_BILL,
        remittance_text="货款XS1",
    )  # fmt: skip
    money = receipt("p1", payment)
    assert (money.to_apply_minor, money.text, money.kind) == (1000, "货款XS1", PaymentKind.ACCEPTANCE_BILL)
