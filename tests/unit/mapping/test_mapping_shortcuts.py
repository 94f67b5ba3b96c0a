"""The short ways of values that are as usual give what the long ways give."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledgerbridge.errors import MoneyError
from ledgerbridge.mapping.convert import CONVERTERS
from ledgerbridge.mapping.converter import Setting
from ledgerbridge.mapping.path import getter
from ledgerbridge.mapping.wire import ABSENT, BadValue, tidy
from ledgerbridge.model.money import to_minor

_MONEY = CONVERTERS["money"]
_READ = _MONEY.reader(_MONEY.args(), Setting("total_minor", ZoneInfo("Asia/Shanghai"), "CNY"))
_AMOUNT = st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{0,5})?", fullmatch=True)


@given(_AMOUNT, st.sampled_from(["CNY", "JPY", "KWD"]))
@example("-0.5", "CNY")
@example("-00", "CNY")
@example("99999999999.99", "CNY")
@example("999999999999.9", "CNY")
@example("1.", "CNY")
def test_a_usual_amount_is_read_as_exactly_as_any(text: str, currency: str) -> None:
    try:
        expected: int | None = to_minor(Decimal(text), currency)
    except MoneyError:
        expected = None
    try:
        found = _READ(text, {}, {"currency": currency})
    except BadValue:
        found = None
    assert found == expected


@pytest.mark.parametrize("text", ["١٢.50", "1²", "1.5²", "--1", "-", ".", "1.2.3", "1_0", "+-1"])
def test_what_only_looks_like_an_amount_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        _READ(text, {}, {"currency": "CNY"})


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)
    | st.integers().map(Decimal)
)
@example(Decimal("1E+3"))
@example(Decimal("-0.00"))
@example(Decimal("1.5E-9"))
@example(Decimal("0.0000001"))
def test_tidy_numbers_are_equal_and_spelled_in_one_way(value: Decimal) -> None:
    found = tidy(value)
    assert found == value
    assert str(found) == str(tidy(Decimal(f"{value:f}" + ("0" if "." in f"{value:f}" else ".0"))))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": {"b": 1}}, 1, id="there"),
        pytest.param({"a": {"b": None}}, None, id="null"),
        pytest.param({"a": {}}, ABSENT, id="without the inner"),
        pytest.param({}, ABSENT, id="without the outer"),
        pytest.param({"a": "b"}, ABSENT, id="a text where an object belongs"),
        pytest.param("ab", ABSENT, id="a text"),
    ],
)
def test_a_path_of_two_keys(value: Any, expected: object) -> None:
    assert getter(("a", "b"))(value) is expected
