"""Wire JSON keeps every digit."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledgerbridge.model.wirejson import WireError, dumps, loads, objects

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


records = st.lists(st.dictionaries(st.sampled_from(("a", "b:", "c")), values, max_size=3), min_size=1, max_size=5)
breaks = st.sampled_from([b"", b'"', b":", b",", b"{", b"}", b"]", b'"a":1,', b" ", b"\\", b"\xff", b"e5", b"."])


@given(records, st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60), breaks), max_size=3))
@example([{"a": {}}], [(0, 6, b'"c":1,"c":2')])
@example([{"a": [{"c": 1}]}, {"a": [{}]}], [(1, 7, b'"c":1,"c":2')])
def test_objects_are_read_together_as_one_by_one(values: list[object], edits: list[tuple[int, int, bytes]]) -> None:
    texts = [dumps(value).encode() for value in values]  # type: ignore[arg-type]
    for which, at, piece in edits:
        text = texts[which % len(texts)]
        texts[which % len(texts)] = text[:at] + piece + text[at:]
    for found, text in zip(objects(texts), texts, strict=True):
        if found is not None:
            assert repr(found) == repr(loads(text))


def test_usual_objects_are_read_together() -> None:
    texts = [
        f'{{"id": {at}, "of": {{"a": null}}, "rows": [{{"net": 1.50}}, {{"net": 2}}]}}'.encode() for at in range(9)
    ]
    assert objects(texts) == [loads(text) for text in texts]
    odd = [b'{"at": "12:30"}', b'{"id": 1, "id": 2}', b"[1]", b"{", b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}"]
    found = objects([*texts, *odd])
    assert found[:9] == [loads(text) for text in texts]
    assert found[9:] == [None] * len(odd)
    assert objects([]) == []
