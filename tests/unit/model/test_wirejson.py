"""Wire JSON keeps every digit."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.wirejson import WireError, dumps, loads

numbers = st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.integers()
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(alphabet=st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet=st.characters(exclude_categories=("Cs",))), inner),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_back(value: object) -> None:
    assert loads(dumps(value).encode()) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["12345678901234567.89", "0.10", "1900000000000000001", "123456789012345678901234567890", "1E+2", "-0.00"]
)
def test_every_digit_survives(text: str) -> None:
    assert dumps(loads(text.encode())) == text


def test_there_are_no_floats() -> None:
    assert isinstance(loads(b"1.5"), Decimal)
    with pytest.raises(TypeError):
        dumps({"a": 1.5})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "text", [b"NaN", b"Infinity", b"-Infinity", b'{"a":1,"a":2}', b"<html>", b"", b'{"a":', b'"\xff"', b"[" * 100_000]
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(WireError) as caught:
        loads(text)
    assert "html" not in str(caught.value)


@given(values)
def test_it_is_json_for_everybody(value: object) -> None:
    assert json.loads(dumps(value), parse_float=Decimal) == value  # type: ignore[arg-type]
