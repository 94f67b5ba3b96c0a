"""Money is exact, and there is no way from a float to it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import list_currencies
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ledgerbridge.errors import MoneyError
from ledgerbridge.model.currency import EXPONENTS
from ledgerbridge.model.money import MINOR_MAX, Currency, Money, exponent, to_decimal, to_minor, total

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(-MINOR_MAX, MINOR_MAX)


@given(minors, currencies)
def test_minor_units_survive_the_way_to_decimal_and_back(minor: int, currency: str) -> None:
    amount = to_decimal(minor, currency)
    assert to_minor(amount, currency) == minor
    assert -amount.as_tuple().exponent == exponent(currency)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1200.5", "CNY", 120050),
        ("1200.5000", "CNY", 120050),
        ("-0.01", "CNY", -1),
        ("7", "JPY", 7),
        ("1.234", "KWD", 1234),
        ("1E+3", "CNY", 100000),
    ],
)
def test_known_amounts(text: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(text), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "says"),
    [
        ("0.005", "CNY", "more than 2 decimals"),
        ("1.5", "JPY", "more than 0 decimals"),
        ("1E+400", "CNY", "beyond the largest"),
        ("123456789012345678901234567890", "CNY", "beyond the largest"),
        (f"1.{'0' * 60}1", "CNY", "too many digits"),
        ("NaN", "CNY", "no amount"),
        ("Infinity", "CNY", "no amount"),
        ("1", "RMB", "no ISO 4217"),
        ("1", "cny", "no ISO 4217"),
    ],
)
def test_amounts_that_cannot_be_held_are_refused(text: str, currency: str, says: str) -> None:
    with pytest.raises(MoneyError, match=says):
        to_minor(Decimal(text), currency)


def test_a_float_is_no_amount() -> None:
    with pytest.raises(TypeError):
        to_minor(1.5, "CNY")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        Money(minor=1.0, currency="CNY")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        Money(minor=True, currency="CNY")


@pytest.mark.parametrize(("text", "minor"), [("0.005", 1), ("0.0049", 0), ("-0.005", -1), ("2.675", 268)])
def test_rounding_is_half_up_and_only_on_request(text: str, minor: int) -> None:
    assert to_minor(Decimal(text), "CNY", rounded=True) == minor


def test_currencies_do_not_add() -> None:
    with pytest.raises(MoneyError, match="do not add"):
        Money.of("1", "CNY") + Money.of("1", "USD")


@given(st.lists(st.tuples(minors, st.sampled_from(["CNY", "USD", "JPY"]))))
def test_totals_are_per_currency(items: list[tuple[int, str]]) -> None:
    sums = total(Money(minor=minor, currency=currency) for minor, currency in items)
    for currency in {currency for _, currency in items}:
        assert sums[currency].minor == sum(minor for minor, c in items if c == currency)
    assert set(sums) == {currency for _, currency in items}


def test_our_codes_are_known_to_the_world() -> None:
    assert set(EXPONENTS) <= set(list_currencies())


def test_a_currency_is_checked() -> None:
    assert TypeAdapter(Currency).validate_python("CNY") == "CNY"
    with pytest.raises(ValidationError):
        TypeAdapter(Currency).validate_python("人民币")


def test_money_reads_well() -> None:
    assert str(Money.of("1234567.8", "CNY")) == "1,234,567.80 CNY"
