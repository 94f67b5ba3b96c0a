"""大写金额: the published examples, and back again for every amount."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.errors import MoneyError
from ledgerbridge.model.currency import EXPONENTS
from ledgerbridge.reports.statement.in_words import amount_in_words, parse_words


@pytest.mark.parametrize(
    ("minor", "words"),
    [
        (0, "人民币零元整"),
        (1, "人民币壹分"),
        (10, "人民币壹角整"),
        (11, "人民币壹角壹分"),
        (100, "人民币壹元整"),
        (101, "人民币壹元零壹分"),
        (1000, "人民币壹拾元整"),
        (140950, "人民币壹仟肆佰零玖元伍角整"),
        (600714, "人民币陆仟零柒元壹角肆分"),
        (32504, "人民币叁佰贰拾伍元零肆分"),
        (10700053, "人民币壹拾万柒仟元伍角叁分"),
        (168032, "人民币壹仟陆佰捌拾元叁角贰分"),
        (100000000, "人民币壹佰万元整"),
        (100010000, "人民币壹佰万零壹佰元整"),
        (100500000, "人民币壹佰万伍仟元整"),
        (10000000000, "人民币壹亿元整"),
        (10000000100, "人民币壹亿零壹元整"),
        (10001000000, "人民币壹亿零壹万元整"),
        (1234567890123, "人民币壹佰贰拾叁亿肆仟伍佰陆拾柒万捌仟玖佰零壹元贰角叁分"),
        (10**15, "人民币壹拾万亿元整"),
        (-140950, "人民币负壹仟肆佰零玖元伍角整"),
    ],
)
def test_examples(minor: int, words: str) -> None:
    assert amount_in_words(minor, "CNY") == words
    assert parse_words(words, "CNY") == minor


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (123456, "USD", "美元壹仟贰佰叁拾肆元伍角陆分"),
        (100, "JPY", "日元壹佰元整"),
        (1005, "KWD", "KWD壹元零伍厘"),
        (1050, "KWD", "KWD壹元零伍分"),
        (10001, "CLF", "CLF壹元零壹毫"),
        (11001, "CLF", "CLF壹元壹角零壹毫"),
    ],
)
def test_other_currencies(minor: int, currency: str, words: str) -> None:
    assert amount_in_words(minor, currency) == words
    assert parse_words(words, currency) == minor


@pytest.mark.parametrize(
    ("words", "minor"),
    [
        ("人民币壹拾万柒仟元零伍角叁分", 10700053),
        ("人民币壹拾万零柒仟元伍角叁分", 10700053),
        ("人民币伍拾圆正", 5000),
        ("人民币壹仟肆佰零玖元伍角", 140950),
    ],
)
def test_the_other_allowed_spellings_are_read(words: str, minor: int) -> None:
    assert parse_words(words, "CNY") == minor


AMOUNTS = st.one_of(
    st.integers(-(10**15), 10**15),
    st.integers(-(10**19) + 1, 10**19 - 1),
    st.lists(st.sampled_from("0001259"), min_size=1, max_size=18).map(lambda digits: int("".join(digits))),
)


@given(AMOUNTS, st.sampled_from(sorted(EXPONENTS)))
def test_there_and_back(minor: int, currency: str) -> None:
    assert parse_words(amount_in_words(minor, currency), currency) == minor


@given(AMOUNTS)
def test_what_no_form_may_show(minor: int) -> None:
    words = amount_in_words(minor, "CNY")
    assert "零零" not in words
    assert not re.search(r"零[拾佰仟万亿]", words)
    assert minor == 0 or "零元" not in words
    assert words.endswith(("元整", "角整", "分"))


@pytest.mark.parametrize("text", ["", "人民币", "人民币整", "壹元整", "人民币壹分壹角", "人民币1元", "人民币壹元壹厘"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_words(text, "CNY")


def test_limits() -> None:
    with pytest.raises(MoneyError, match="below"):
        amount_in_words(10**19, "CNY")
    with pytest.raises(MoneyError, match="no ISO 4217"):
        amount_in_words(1, "XXX")
