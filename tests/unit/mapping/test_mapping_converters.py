from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from mapping_desk import CREDIT_CODE, outcome_of, problems, read

from ledgerbridge.mapping.apply import Mapped
from ledgerbridge.mapping.convert import CONVERTERS


def value_of(field: str, rule: dict[str, Any], wire: object, kind: str = "customer", **payload: Any) -> Any:
    value = read(kind, {field: {"wire": "w", **rule}}, {"w": wire, **payload})
    for name in field.split("."):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


def why(field: str, rule: dict[str, Any], wire: object, kind: str = "customer", **payload: Any) -> str:
    found = problems(kind, {field: {"wire": "w", **rule}}, {"w": wire, **payload})
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("field", "rule", "wire", "expected"),
    [
        pytest.param("code", {}, "\t C01\u3000\u00a0\ufeff", "C01", id="key trimmed"),
        pytest.param("code", {}, "0012", "0012", id="key keeps zeros"),
        pytest.param("code", {}, 9007199254740993, "9007199254740993", id="key from a large integer"),
        pytest.param("code", {}, Decimal("12.0"), "12", id="key from a whole decimal"),
        pytest.param(
            "short_name", {}, '=HYPERLINK("http://x","y")', '=HYPERLINK("http://x","y")', id="formula is data"
        ),
        pytest.param("short_name", {}, "甲　乙", "甲　乙", id="inner ideographic space stays"),
        pytest.param("short_name", {"args": {"fold": True}}, "a\r\n b\u3000\tc", "a b c", id="line folded"),
        pytest.param("short_name", {}, Decimal("1.50"), "1.5", id="line from a number"),
        pytest.param("remark", {}, "a\r\nb\rc ", "a\nb\nc", id="text line ends"),
        pytest.param("credit_days", {}, "30.0", 30, id="integer text"),
        pytest.param("credit_days", {}, Decimal("1E+2"), 100, id="integer exponent"),
        pytest.param("status", {}, "disabled", "disabled", id="enum"),
        pytest.param("status", {"values": {"1": "void", "*": "active"}}, 1, "void", id="table compares as text"),
        pytest.param("status", {"values": {"true": "void", "*": "active"}}, True, "void", id="table of a boolean"),
        pytest.param("status", {"values": {"1": "void", "*": "active"}}, "7", "active", id="table's other values"),
        pytest.param("opened_on", {}, "2026-03-31", "2026-03-31", id="date iso"),
        pytest.param("opened_on", {}, " 2026/3/1 ", "2026-03-01", id="date slash"),
        pytest.param("opened_on", {}, "2026.03.31", "2026-03-31", id="date dots"),
        pytest.param("opened_on", {}, "2026年3月31日", "2026-03-31", id="date chinese"),
        pytest.param("opened_on", {}, 20260331, "2026-03-31", id="date compact number"),
        pytest.param("opened_on", {}, "20260331235959", "2026-03-31", id="date compact with time"),
        pytest.param("opened_on", {}, "2026-03-31 23:59:59.7", "2026-03-31", id="date stamp"),
        pytest.param("opened_on", {}, "2026-03-31T23:59:59+00:00", "2026-04-01", id="date from an offset, in the zone"),
        pytest.param("opened_on", {}, "2026-03-31T15:59:59Z", "2026-03-31", id="date from Z, in the zone"),
        pytest.param("opened_on", {"args": {"form": "epoch_ms"}}, 1790784000000, "2026-10-01", id="date epoch ms"),
        pytest.param(
            "opened_on", {"args": {"form": "epoch_ms"}}, "1790783999999", "2026-09-30", id="date epoch ms text"
        ),
        pytest.param("opened_on", {"args": {"form": "epoch_s"}}, 1790784000, "2026-10-01", id="date epoch s"),
        pytest.param("opened_on", {"args": {"form": "excel"}}, 46112, "2026-03-31", id="date excel"),
        pytest.param("opened_on", {"args": {"form": "excel"}}, "46112.75", "2026-03-31", id="date excel with time"),
        pytest.param("opened_on", {"args": {"form": "excel"}}, 59, "1900-02-28", id="date excel before its leap day"),
        pytest.param("opened_on", {"args": {"form": "excel"}}, 61, "1900-03-01", id="date excel after its leap day"),
        pytest.param(
            "opened_on", {"args": {"form": "epoch_ms"}}, "2026-03-31", "2026-03-31", id="date text beside epoch"
        ),
        pytest.param("currency", {}, "人民币", "CNY", id="currency chinese"),
        pytest.param("currency", {}, " 港 币 ", "HKD", id="currency with blanks"),
        pytest.param("currency", {}, "rmb", "CNY", id="currency habit"),
        pytest.param("currency", {}, "ｕｓｄ", "USD", id="currency full width"),
        pytest.param("currency", {"args": {"names": {"越盾": "VND"}}}, "越盾", "VND", id="currency own name"),
        pytest.param("phone", {}, "13800138000", "+8613800138000", id="mobile"),
        pytest.param("phone", {}, "010-6234 5678", "+861062345678", id="landline"),
        pytest.param("phone", {}, "+852 2345 6789", "+85223456789", id="other country"),
        pytest.param("phone", {"args": {"region": "DE"}}, "030 901820", "+4930901820", id="other region"),
        pytest.param("email", {}, " Li.Si@EXAMPLE.com ", "Li.Si@example.com", id="email"),
        pytest.param("credit_code", {}, " 9111 0000-600037341l ", CREDIT_CODE, id="credit code"),
        pytest.param("sales_owner", {"convert": "list_of_one"}, ["1000"], "1000", id="list of one"),
        pytest.param("sales_owner", {"convert": "list_of_one"}, [], None, id="list of none"),
        pytest.param("sales_owner", {"convert": "lookup"}, {"id": "55", "name": "x"}, "55", id="lookup"),
        pytest.param("sales_owner", {"convert": "lookup"}, 5500000000101, "5500000000101", id="lookup of a bare id"),
        pytest.param(
            "sales_owner", {"convert": "lookup", "args": {"key": "code"}}, {"code": "A"}, "A", id="lookup by key"
        ),
        pytest.param("category", {"convert": "join"}, ["a", "", None, "b"], "a, b", id="join"),
        pytest.param(
            "custom.x", {}, Decimal("12345678901234567890123456789.5"), "12345678901234567890123456789.5", id="custom"
        ),
        pytest.param("custom.x", {}, {"a": [1]}, '{"a":[1]}', id="custom object"),
        pytest.param("custom.x", {}, False, False, id="custom false"),
        pytest.param("custom.x", {"convert": "boolean"}, "是", True, id="yes"),
        pytest.param("custom.x", {"convert": "boolean"}, "N", False, id="no"),
        pytest.param(
            "custom.x", {"convert": "datetime"}, "2026-03-31 08:00:00", "2026-03-31T00:00:00Z", id="moment in the zone"
        ),
        pytest.param(
            "custom.x",
            {"convert": "datetime", "args": {"form": "epoch_ms"}},
            1790784000001,
            "2026-09-30T16:00:00.001000Z",
            id="moment epoch",
        ),
    ],
)
def test_a_customer_value(field: str, rule: dict[str, Any], wire: object, expected: object) -> None:
    found = value_of(field, rule, wire)

    assert found == expected or str(found) == expected
    assert type(found) is type(expected) or isinstance(expected, str)


@pytest.mark.parametrize(
    ("field", "rule", "wire", "expected"),
    [
        pytest.param("net_minor", {}, "1000.5", 100050, id="text"),
        pytest.param("net_minor", {}, Decimal("1000.50000"), 100050, id="trailing zeros"),
        pytest.param("net_minor", {}, -7, -700, id="integer"),
        pytest.param("net_minor", {}, "-0.01", -1, id="less than one"),
        pytest.param("net_minor", {}, "1e3", 100000, id="exponent"),
        pytest.param("net_minor", {}, "0e50", 0, id="zero with an exponent"),
        pytest.param("net_minor", {}, "9999999999999.99", 999999999999999, id="largest"),
        pytest.param("net_minor", {"args": {"unit": "fen"}}, "12345", 12345, id="fen"),
        pytest.param("net_minor", {"args": {"unit": "wan"}}, "1.23456", 1234560, id="wan"),
        pytest.param("net_minor", {"args": {"round": "half_up"}}, "0.125", 13, id="half up"),
        pytest.param("net_minor", {"args": {"round": "half_even"}}, "0.125", 12, id="half even"),
        pytest.param("net_minor", {"args": {"round": "down"}}, "-0.129", -12, id="down"),
        pytest.param("net_minor", {"args": {"loose": True}}, "￥1,234,567.80元", 123456780, id="as people write"),
        pytest.param("net_minor", {"args": {"loose": True}}, "(1,234.00)", -123400, id="in brackets"),
        pytest.param("net_minor", {"args": {"loose": True}}, "１２．５０", 1250, id="full width"),
        pytest.param("net_minor", {"args": {"loose": True}}, "-¥5", -500, id="sign first"),
        pytest.param("net_minor", {"args": {"loose": True}}, "—", None, id="dash for nothing"),
        pytest.param("net_minor", {"args": {"absolute": True}}, "-3", 300, id="absolute"),
        pytest.param("exchange_rate", {}, "7.1000", "7.1", id="rate"),
        pytest.param("exchange_rate", {"args": {"per": 100}}, "4.85", "0.0485", id="rate per 100"),
        pytest.param("exchange_rate", {"args": {"direction": "inverse"}}, Decimal("0.125"), "8", id="rate inverse"),
        pytest.param("tax_invoices[]", {"fields": {"number": "."}}, ["26442000000012345678"], None, id="tax invoice"),
    ],
)
def test_an_invoice_value(field: str, rule: dict[str, Any], wire: object, expected: object) -> None:
    if field.endswith("[]"):
        assert read("invoice", {field: {"wire": "w", **rule}}, {"w": wire}).tax_invoices[0].number == wire[0]  # type: ignore[index]
        return
    found = value_of(field, rule, wire, "invoice")

    assert found == expected or str(found) == expected


@pytest.mark.parametrize(
    ("field", "rule", "wire", "words"),
    [
        pytest.param("net_minor", {}, "0.001", "0.001 CNY has more than 2 decimals", id="too exact"),
        pytest.param("net_minor", {}, 1.5, "binary float", id="float"),
        pytest.param("net_minor", {}, True, "true or false, not a number", id="bool"),
        pytest.param("net_minor", {}, [1], "a list, not a number", id="list"),
        pytest.param("net_minor", {}, "1,234.50", "grouping commas", id="grouping"),
        pytest.param("net_minor", {"args": {"loose": True}}, "1,23", "is no number", id="wrong grouping"),
        pytest.param("net_minor", {"args": {"loose": True}}, "(-5)", "is no number", id="two signs"),
        pytest.param("net_minor", {}, "NaN", "is no number", id="nan"),
        pytest.param("net_minor", {}, Decimal("NaN"), "not a finite number", id="decimal nan"),
        pytest.param("net_minor", {}, Decimal("Infinity"), "not a finite number", id="infinite"),
        pytest.param("net_minor", {}, "1" + "0" * 29, "beyond the largest amount", id="30 digits"),
        pytest.param(
            "net_minor", {}, "1." + "0" * 28 + "1", "more than 2 decimals", id="30 digits, 29 of them decimals"
        ),
        pytest.param("net_minor", {}, "1" * 61, "more than 60 digits", id="61 digits"),
        pytest.param("net_minor", {}, "1e999", "more than 60 digits", id="abyss"),
        pytest.param("net_minor", {}, Decimal("1e-999999"), "more than 60 digits", id="depth"),
        pytest.param("net_minor", {}, "10000000000000.01", "beyond the largest amount", id="just too large"),
        pytest.param("net_minor", {"args": {"unit": "fen"}}, "1.5", "more than 2 decimals", id="half a fen"),
        pytest.param("exchange_rate", {}, "0", "above zero", id="rate zero"),
        pytest.param("exchange_rate", {}, "-7", "above zero", id="rate negative"),
        pytest.param("due_on", {}, "2026-02-30", "no such day", id="no such day"),
        pytest.param("due_on", {}, "31.03.2026", "no date", id="unknown form"),
        pytest.param("due_on", {}, "2026-03-31T25:00:00", "no such day or time", id="no such hour"),
        pytest.param("due_on", {}, {"d": 1}, "an object, not a date", id="object for a date"),
        pytest.param("due_on", {"args": {"form": "epoch_ms"}}, 10**18, "too far away", id="year 33658"),
        pytest.param("due_on", {"args": {"form": "excel"}}, 60, "no date serial", id="29 February 1900"),
        pytest.param("salesperson", {}, "a\x00b", "U+0000", id="nul"),
        pytest.param("salesperson", {}, "a\x1bb", "U+001B", id="escape"),
        pytest.param("salesperson", {}, "a\nb", "more than one line", id="two lines"),
        pytest.param("salesperson", {}, 1.5, "binary float, not text", id="float for text"),
        pytest.param("salesperson", {}, {"a": 1}, "an object, not text", id="object for text"),
        pytest.param("salesperson", {"convert": "list_of_one"}, ["1", "2"], "2 values where one", id="two of one"),
        pytest.param("salesperson", {}, "x" * 501, "at most 500 characters", id="too long"),
        pytest.param("salesperson", {}, "\ud800", "as a unicode string", id="half a character"),
        pytest.param("remark", {}, "a\x00", "U+0000", id="nul in a text"),
        pytest.param("custom.x", {}, "a\x00", "U+0000", id="nul in a custom field"),
        pytest.param("custom.x", {}, 0.5, "binary float", id="float in a custom field"),
        pytest.param("status", {"values": {"1": "void"}}, "2", "not in the mapping's table of values (1)", id="table"),
        pytest.param("status", {}, "maybe", "none of draft, approved, void", id="enum"),
    ],
)
def test_a_bad_value_says_why(field: str, rule: dict[str, Any], wire: object, words: str) -> None:
    found = why(field, rule, wire, "invoice")

    assert found.startswith(f"{field}: ")
    assert words in found


@pytest.mark.parametrize(
    ("field", "wire", "words"),
    [
        pytest.param("code", Decimal("1.5"), "a number with decimals", id="code"),
        pytest.param("credit_days", "3.5", "no whole number", id="half a day"),
        pytest.param("credit_days", 4000, "less than or equal to 3650", id="days"),
        pytest.param("currency", "XYZ", "no ISO 4217", id="currency"),
        pytest.param("currency", 156, "no currency code", id="currency number"),
        pytest.param("phone", "123", "no telephone number", id="phone"),
        pytest.param("phone", "010-62345678 转 801", "telephone number", id="phone with words"),
        pytest.param("phone", "+86 10 62345678 ext. 801", "has an extension", id="extension"),
        pytest.param("email", "a@b.c; d@e.f", "not one e-mail address", id="two addresses"),
        pytest.param("credit_code", "91110000600037341M", "check character is wrong", id="check character"),
        pytest.param("credit_code", "110108123456789", "15 characters, not 18", id="old tax number"),
        pytest.param("credit_code", "9111000060003734IL", "stands where it may not", id="letter I"),
    ],
)
def test_a_bad_customer_value_says_why(field: str, wire: object, words: str) -> None:
    assert words in why(field, {}, wire)


def test_the_value_of_a_problem_is_printable_and_short() -> None:
    outcome = outcome_of("customer", {"email": {"wire": "w", "on_problem": "omit"}}, {"w": "a\x00\n\x1b" + "x" * 500})

    assert isinstance(outcome, Mapped)
    assert outcome.notices[0].value == "a\\x00\\x0a\\x1b" + "x" * 106 + "…"
    assert len(outcome.notices[0].value) == 120


@pytest.mark.parametrize(
    ("amounts", "currency", "rate"),
    [
        pytest.param({"base": "100.00", "doc": Decimal(100)}, "CNY", "1", id="equal"),
        pytest.param({"base": "710", "doc": "100"}, "USD", "7.1", id="foreign"),
        pytest.param({"base": "-710", "doc": "-100"}, "USD", "7.1", id="refund"),
        pytest.param({"base": "100", "doc": "300"}, "USD", "0.333333333333", id="endless quotient"),
        pytest.param({"base": "0", "doc": "0"}, "CNY", "None", id="zero"),
    ],
)
def test_currency_and_rate_of_two_amounts(amounts: dict[str, Any], currency: str, rate: str) -> None:
    args = {"base": "base", "document": "doc"}
    fields = {
        "currency": {"convert": "currency_of_amounts", "args": {**args, "otherwise": "USD"}},
        "exchange_rate": {"convert": "rate_of_amounts", "args": args},
    }
    record = read("invoice", fields, amounts)

    assert (record.currency, str(record.exchange_rate)) == (currency, rate)


@pytest.mark.parametrize("wire", [Decimal(10000008), Decimal("0.000000003"), Decimal("987654321.123")])
def test_a_rate_turned_round_fits_the_model(wire: Decimal) -> None:
    found = value_of("exchange_rate", {"args": {"direction": "inverse"}}, wire, "invoice")

    assert abs(found * wire - 1) < Decimal("1e-14")


def test_a_rate_beyond_all_sense_is_a_problem() -> None:
    found = why("exchange_rate", {"args": {"direction": "inverse"}}, Decimal("1e30"), "invoice")

    assert found == "exchange_rate: gives a rate too small to be one"


def test_a_currency_that_cannot_be_told_is_one_problem() -> None:
    fields = {
        "currency": {"convert": "currency_of_amounts", "args": {"base": "base", "document": "doc"}},
        "net_minor": "net",
    }
    found = problems("invoice", fields, {"base": "710", "doc": "100", "net": "1.00"})

    assert len(found) == 1
    assert found[0].startswith("currency: the currency cannot be told: base is 710 and doc is 100")


def test_amounts_wait_for_their_currency_wherever_it_stands() -> None:
    record = read("invoice", {"net_minor": "net"}, {"net": "1200", "total": "1200", "cur": "日元"})
    foreign = {"base_total_minor": "base", "base_currency": {"const": "CNY"}}

    assert (record.currency, record.net_minor) == ("JPY", 1200)
    assert read("invoice", foreign, {"cur": "JPY", "total": "100", "base": "4.85"}).base_total_minor == 485
    assert problems("invoice", {}, {"cur": "JPY", "total": "1.5"}) == ["total_minor: 1.5 JPY has more than 0 decimals"]


def test_a_credit_limit_without_a_currency_is_a_problem() -> None:
    fields = {"credit_limit_minor": "limit", "credit_currency": "limit_currency"}

    assert problems("customer", fields, {"limit": "5"}) == [
        "credit_limit_minor: is an amount without a currency: credit_currency is empty"
    ]


@pytest.mark.parametrize(
    ("args", "payload", "expected"),
    [
        pytest.param({}, {"rows": [{"a": "1.50"}, {"a": Decimal("2.25")}, {"a": 1}, {}, {"a": None}]}, 475, id="rows"),
        pytest.param({}, {"rows": [{"a": "0.005"}, {"a": "0.005"}]}, 1, id="exact as a whole"),
        pytest.param(
            {"plus": ["x"], "minus": ["y"]}, {"rows": [{"a": 10}], "x": "2", "y": "0.5"}, 1150, id="plus and minus"
        ),
        pytest.param({"absolute": True}, {"rows": [{"a": "-3"}, {"a": "2"}]}, 500, id="absolute"),
        pytest.param({"negate_if": {"red": [1]}}, {"rows": [{"a": "3"}], "red": "1"}, -300, id="negated"),
        pytest.param({}, {"rows": []}, None, id="no rows"),
        pytest.param({}, {"rows": [{"a": ""}]}, None, id="blank rows"),
    ],
)
def test_sums(args: dict[str, Any], payload: dict[str, Any], expected: int | None) -> None:
    fields = {"net_minor": {"wire": "rows[*].a", "convert": "sum_money", "args": args}}

    assert read("invoice", fields, payload).net_minor == expected


def test_a_sum_of_two_columns_is_money_in() -> None:
    rule = {"convert": "sum_money", "args": {"plus": ["收入"], "minus": ["支出"], "absolute": True}}
    fields = {"amount_minor": rule}

    assert read("payment", fields, {"收入": "", "支出": "-5.00"}).amount_minor == -500
    assert read("payment", fields, {"收入": "7", "支出": "0.00"}).amount_minor == 700
    assert problems("payment", fields, {"收入": "", "支出": ""}) == ["amount_minor: is empty, but required"]
    assert problems("payment", fields, {}) == ["amount_minor: is missing, but required"]


@pytest.mark.parametrize(
    ("args", "wire", "red", "expected"),
    [
        pytest.param({"negate_if": {"red": ["1", True]}}, "5", "1", -500, id="turned"),
        pytest.param({"negate_if": {"red": ["1", True]}}, "-5", True, 500, id="turned back"),
        pytest.param({"negate_if": {"red": ["1", True]}}, "5", "0", 500, id="left"),
        pytest.param({"negative_if": {"red": ["1"]}}, "5", 1, -500, id="made negative"),
        pytest.param({"negative_if": {"red": ["1"]}}, "-5", 1, -500, id="negative already"),
        pytest.param({"negative_if": {"red": {"is": "filled"}}}, "5", None, 500, id="not filled"),
    ],
)
def test_signs(args: dict[str, Any], wire: str, red: object, expected: int) -> None:
    fields = {"net_minor": {"wire": "net", "args": args, "write": "never"}}

    assert read("invoice", fields, {"net": wire, "red": red}).net_minor == expected


@pytest.mark.parametrize(
    ("convert", "wire", "expected"),
    [
        pytest.param("percent", "13", "0.13", id="percent"),
        pytest.param("percent", "13.00%", "0.13", id="percent sign"),
        pytest.param("percent", 0, "0", id="zero percent"),
        pytest.param("decimal", Decimal("0.1300"), "0.13", id="fraction"),
    ],
)
def test_tax_rates(convert: str, wire: object, expected: str) -> None:
    fields = {"lines[]": {"wire": "rows", "fields": {"tax_rate": {"wire": "r", "convert": convert}}}}

    assert str(read("invoice", fields, {"rows": [{"r": wire}]}).lines[0].tax_rate) == expected


def test_every_converter_has_a_test_or_a_default_that_is_tested() -> None:
    """The documentation and the registry name the same converters."""
    assert set(CONVERTERS) == {
        *("key", "line", "text", "enum", "boolean", "lookup", "list_of_one", "join", "custom"),
        *("integer", "decimal", "percent", "rate", "rate_of_amounts"),
        *("money", "sum_money", "currency", "currency_of_amounts"),
        *("date", "datetime"),
        *("phone", "email", "credit_code", "tax_invoice_number", "tax_invoice_code", "account"),
    }


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        pytest.param("2644200000001234567", "20 digits", id="19 digits"),
        pytest.param("1234567a", "20 digits", id="letter"),
    ],
)
def test_a_mistyped_tax_invoice_number_is_a_problem(wire: str, words: str) -> None:
    fields = {"tax_invoices[]": {"wire": "w", "fields": {"number": "."}}}

    assert words in problems("invoice", fields, {"w": [wire]})[0]
