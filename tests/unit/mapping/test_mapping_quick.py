"""The quick way through a mapping gives what the long way and the model give, byte for byte, or leaves the record to them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mapping_desk import CONTEXT, CREDIT_CODE, NEEDED_PAYLOAD, spec_of

from ledgerbridge.bootstrap import built_in_mapping, built_in_mappings
from ledgerbridge.mapping.apply import (
    Context,
    Inbound,
    Mapped,
    Quick,
    canonical_bytes,
    compile_inbound,
    compile_quick,
    from_canonical,
)
from ledgerbridge.mapping.canonical import MODELS
from ledgerbridge.mapping.convert import CONVERTERS
from ledgerbridge.mapping.options import with_options
from ledgerbridge.mapping.reads import all_paths
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.model.wirejson import loads
from ledgerbridge.sync.columns import Columns, columns_of, columns_of_clean

CASES = Path(__file__).parents[2] / "cases"
CONNECTORS = ("yonyou_u8", "yonyou_bip", "fxiaoke", "zoho_crm", "sheets")

wire_values = st.sampled_from([
    None, "", " ", "\u3000", "0", 0, 1, -1, True, False, [], {}, [None], [[{}]], [{}], ["甲", "乙"], {"id": "7"}, {"id": None},
    "1", " 1 ", "12.50", "-12.50", "12.345", ".50", "1.", "00.10", "１２.50", "1,234.50", "1E+2", "0.000001", "0.0000001",
    "99999999999.99", "9999999999999.99", "99999999999999.99", "-0.00", "-0", "12.5", "12.500", "007", "²²²", "0.1300",
    Decimal("12.50"), Decimal("12.345"), Decimal(100), Decimal("1E+3"), Decimal("0E-9"), 10**17, 1774886400000,
    "2026-03-31", "2026/3/31", "20260331", "2026-02-30", "2026-03-31T23:30:00+00:00", "2026年3月1日", "1774886400000",
    "CNY", "USD", "JPY", "KWD", "人民币", "美元", "XYZ", "是", "否", "Y", "true", "approved", "invoice", "2", "9",
    "甲乙公司 ", "a\tb", "a\nb", "a\r\nb", "a\x00b", "a\x7fb", "\ufeffa\u200b", '"\\/\b', "é😀", "\ud800",
    "x" * 201, "x" * 501,
    CREDIT_CODE, "91110000600037341X", "13800138000", "+86 10 6234 5678", "a@B.cn", "12345678", "0" * 20, "13%", "13", "1.3",
])  # fmt: skip


def agrees(spec: MappingSpec, quick: Quick, inbound: Inbound, payload: Mapping[str, Any]) -> bool:
    """Whether the quick way took the payload; fails unless it then gave what the long way and the model give."""
    return agree(spec, quick, inbound, [payload]) == [True]


def agree(spec: MappingSpec, quick: Quick, inbound: Inbound, payloads: Sequence[Mapping[str, Any]]) -> list[bool]:
    """The same of payloads that are mapped together, for each of them."""
    before = copy.deepcopy(payloads)
    found = quick(payloads)
    assert payloads == before
    columns = columns_of_clean(spec.kind, found)
    assert {len(column) for column in columns} == {len(found.at)} == {len(found.canonical)}
    rows = [Columns(*row) for row in zip(*columns, strict=True)]
    for at, canonical, row in zip(found.at, found.canonical, rows, strict=True):
        outcome = inbound(payloads[at])
        assert isinstance(outcome, Mapped), (outcome, canonical)
        assert outcome.notices == ()
        assert canonical == canonical_bytes(outcome.value)
        record = from_canonical(spec.kind, canonical)
        assert record == outcome.value
        assert row == columns_of(record)
    return [at in found.at for at in range(len(payloads))]


@cache
def shipped() -> list[tuple[MappingSpec, Quick, Inbound, dict[str, Any]]]:
    """Every sample of every shipped mapping."""
    found = []
    for connector in CONNECTORS:
        for name in built_in_mappings(connector):
            spec = built_in_mapping(connector, name)
            assert spec is not None
            context = Context(ZoneInfo("Asia/Shanghai"), "CNY", {})
            spec = with_options(spec, {}, "CNY")
            ways = compile_quick(spec, context), compile_inbound(spec, context)
            samples = sorted((CASES / connector / spec.kind).glob("*.wire.json"))
            payloads = [loads(path.read_bytes()) for path in samples] or [{}]
            found += [(spec, *ways, payload) for payload in payloads if isinstance(payload, dict)]
    return found


def put(payload: dict[str, Any], path: tuple[Any, ...], value: Any, *, gone: bool) -> None:
    """Set (or take away) the value at a wire path, as far as the payload goes that way."""
    holder: Any = payload
    for step in path[:-1]:
        if isinstance(holder, dict) and isinstance(step, str):
            holder = holder.setdefault(step, {})
        elif isinstance(holder, list) and holder:
            holder = holder[0]
    if isinstance(holder, dict) and isinstance(path[-1], str):
        if gone:
            holder.pop(path[-1], None)
        else:
            holder[path[-1]] = value


@given(st.data())
def test_shipped_mappings_agree_on_samples_with_anything_changed(data: st.DataObject) -> None:
    spec, quick, inbound, sample = shipped()[data.draw(st.integers(0, len(shipped()) - 1))]
    payload = copy.deepcopy(sample)
    paths = sorted({path for path in all_paths(spec) if path}, key=repr)
    for path in data.draw(st.lists(st.sampled_from(paths), max_size=4)):
        put(payload, path, data.draw(wire_values), gone=data.draw(st.integers(0, 4)) == 0)
    agrees(spec, quick, inbound, payload)


def test_most_samples_of_shipped_mappings_take_the_quick_way() -> None:
    taken = [agrees(spec, quick, inbound, payload) for spec, quick, inbound, payload in shipped()]
    clean = [isinstance(out := inbound(payload), Mapped) and not out.notices for _, _, inbound, payload in shipped()]
    assert taken == clean


TOYS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "invoice",
        {
            "due_on": "due",
            "remark": "r",
            "net_minor": "net",
            "exchange_rate": "rate",
            "open_minor": {"wire": "o", "args": {"loose": True}},
        },
        {},
    ),
    (
        "invoice",
        {
            "net_minor": {"wire": ["net", "o"], "empty": ["0"]},
            "status": {"wire": "r", "values": {"1": "draft", "*": "approved"}},
        },
        {"absent": "empty"},
    ),
    (
        "invoice",
        {"kind": {"cases": [{"when": {"total": {"is": "negative"}}, "then": "credit_note"}], "else": "invoice"}},
        {},
    ),
    (
        "invoice",
        {"due_on": {"wire": "due", "default": "2026-01-31"}, "department": {"wire": "r", "when": {"o": "1"}}},
        {},
    ),
    (
        "invoice",
        {
            "remark": {"first_of": ["r", {"wire": "o", "convert": "line"}]},
            "net_minor": {"wire": "net", "args": {"negate_if": {"o": "2"}}, "write": "never"},
        },
        {},
    ),
    (
        "invoice",
        {
            "net_minor": {"convert": "sum_money", "args": {"plus": ["net"], "minus": ["o"]}},
            "tax_minor": {"wire": "r", "on_problem": "omit"},
        },
        {},
    ),
    (
        "invoice",
        {
            "customer.name": "r.name",
            "customer.credit_code": {"wire": "o", "on_problem": "omit"},
            "reverses.number": "net",
        },
        {},
    ),
    (
        "invoice",
        {
            "lines[]": {
                "wire": "rows",
                "fields": {
                    "item_name": "r",
                    "quantity": "o",
                    "unit_price": "net",
                    "tax_rate": {"wire": "due", "convert": "percent"},
                    "net_minor": "net",
                },
            }
        },
        {},
    ),
    (
        "invoice",
        {
            "lines[]": {
                "wire": ["rows", "r"],
                "where": {"o": {"is": "filled"}},
                "required": True,
                "fields": {"item_name": "r", "quantity": "o"},
            }
        },
        {"keys": "ignore_case"},
    ),
    ("invoice", {"tax_invoices[]": {"wire": "r", "split": ",;", "distinct": True, "fields": {"number": "."}}}, {}),
    ("invoice", {"tax_invoices[]": [{"number": "r", "code": "o"}, {"number": "net"}]}, {}),
    (
        "invoice",
        {
            "references[]": {
                "items": [
                    {"kind": {"const": "order"}, "number": "r"},
                    {"kind": {"wire": "o", "values": {"1": "contract"}}, "number": "net"},
                ],
                "absent": "empty",
            }
        },
        {},
    ),
    ("invoice", {"custom.a": "r", "custom.n": {"wire": "o", "convert": "integer"}}, {"custom": {"match": "d*"}}),
    (
        "customer",
        {
            "code": "r",
            "currency": "cur",
            "credit_currency": "o",
            "credit_limit_minor": "net",
            "credit_days": "due",
            "email": "total",
        },
        {},
    ),
    (
        "customer",
        {
            "contacts[]": [{"name": "r", "phone": "o", "primary": {"wire": "net", "convert": "boolean"}}],
            "parent.code": "due",
        },
        {"absent": "empty"},
    ),
    (
        "customer",
        {"bank_accounts[]": {"wire": "rows", "fields": {"account": "r", "currency": "o", "primary": {"const": False}}}},
        {},
    ),
    (
        "payment",
        {
            "payer_name": "r",
            "fee_minor": "net",
            "part": "o",
            "customer.code": "due",
            "base_currency": {"const": "CNY"},
            "base_amount_minor": "total",
        },
        {},
    ),
    (
        "payment",
        {
            "allocations[]": {
                "wire": "rows",
                "fields": {"invoice.number": "r", "amount_minor": "net", "allocated_on": "due"},
            }
        },
        {},
    ),
    (
        "allocation",
        {"payment.number": "r", "credit.number": "o", "status": {"wire": "due", "values": {"1": "void"}}},
        {},
    ),
]
KEYS = ("n", "no", "cust", "day", "cur", "total", "amount", "inv", "due", "r", "net", "rate", "o", "R", "dx", "dy")
rows = st.lists(st.dictionaries(st.sampled_from(("r", "o", "net", "due")), wire_values, max_size=4), max_size=3)


@cache
def toy(at: int) -> tuple[MappingSpec, Quick, Inbound]:
    kind, fields, head = TOYS[at]
    spec = spec_of(kind, fields, **head)
    return spec, compile_quick(spec, CONTEXT), compile_inbound(spec, CONTEXT)


@given(st.data())
def test_mappings_with_every_form_of_rule_agree_on_anything(data: st.DataObject) -> None:
    spec, quick, inbound = toy(data.draw(st.integers(0, len(TOYS) - 1)))
    payload: dict[str, Any] = dict(NEEDED_PAYLOAD[spec.kind])
    payload |= data.draw(st.dictionaries(st.sampled_from(KEYS), wire_values, max_size=5))
    if data.draw(st.booleans()):
        payload["rows"] = data.draw(rows | wire_values)
    agrees(spec, quick, inbound, payload)


@given(st.data())
def test_records_that_are_mapped_together_are_mapped_as_one_by_one(data: st.DataObject) -> None:
    spec, quick, inbound = toy(data.draw(st.integers(0, len(TOYS) - 1)))
    usual = dict(NEEDED_PAYLOAD[spec.kind])
    odd = st.dictionaries(st.sampled_from((*KEYS, "rows")), wire_values, max_size=3)
    lines = st.just({}) | st.fixed_dictionaries({"rows": rows})
    payloads = [
        usual | changed | more
        for changed, more in data.draw(st.lists(st.tuples(st.just({}) | odd, lines), max_size=20))
    ]
    assert agree(spec, quick, inbound, payloads) == [agrees(spec, quick, inbound, payload) for payload in payloads]


@given(st.text(), st.text(st.characters(max_codepoint=0x20FF), max_size=8))
@example("\x7f", "\x1f")
@example("a\u2028b", "</script>")
def test_texts_are_spelled_as_the_model_spells_them(remark: str, name: str) -> None:
    spec, quick, inbound = toy(0)
    payload = {**NEEDED_PAYLOAD["invoice"], "r": remark, "cust": name, "no": name}
    outcome = inbound(payload)
    assert agrees(spec, quick, inbound, payload) is isinstance(outcome, Mapped)


@given(st.from_regex(r"-?[0-9]{0,14}(\.[0-9]{0,5})?", fullmatch=True), st.sampled_from(["CNY", "JPY", "KWD", ""]))
def test_amounts_agree(text: str, currency: str) -> None:
    spec, quick, inbound = toy(0)
    payload = {**NEEDED_PAYLOAD["invoice"], "cur": currency, "total": text, "net": text, "rate": text}
    assert agrees(spec, quick, inbound, payload) is isinstance(inbound(payload), Mapped)


@given(st.data())
def test_amounts_agree_among_others_of_any_currency(data: st.DataObject) -> None:
    spec, quick, inbound = toy(0)
    amounts = st.sampled_from(["12.50", "-3.10", "0.00", "1.00", "1.00 2.00", "7", "1.234", "-0.00", "00.10", None])
    rare = st.sampled_from(["CNY"] * 6 + ["JPY", "KWD", None])
    payloads = [
        {**NEEDED_PAYLOAD["invoice"], "cur": currency, "total": total, "net": net, "rate": f"{at}.50"}
        for at, (currency, total, net) in enumerate(data.draw(st.lists(st.tuples(rare, amounts, amounts), max_size=30)))
    ]
    assert agree(spec, quick, inbound, payloads) == [isinstance(inbound(payload), Mapped) for payload in payloads]


def test_columns_of_any_length_are_not_torn_apart() -> None:
    """A value with a space in it must not count as two where a column is looked at as a whole."""
    spec, quick, inbound = toy(0)
    for odd in ("1.00 2.00", "12 7", "1.00 ", " "):
        payloads = [{**NEEDED_PAYLOAD["invoice"], "net": odd, "rate": odd, "no": f"A {odd}"} for _ in range(3)]
        payloads += [{**NEEDED_PAYLOAD["invoice"], "net": "1.00", "rate": "1.50"} for _ in range(20)]
        assert agree(spec, quick, inbound, payloads) == [isinstance(inbound(payload), Mapped) for payload in payloads]


def test_what_is_remembered_is_forgotten_before_it_grows() -> None:
    spec, quick, inbound = toy(0)
    for at in range(5000):
        number = {**NEEDED_PAYLOAD["invoice"], "due": f"{2000 + at % 3000}/1/1", "rate": f"{at + 1}.50"}
        assert quick([number]).canonical
    assert agrees(spec, quick, inbound, {**NEEDED_PAYLOAD["invoice"], "due": "2001/1/1", "rate": "2.50"})


def test_true_is_not_taken_for_one() -> None:
    """They are equal and hash alike, so a memory of values by themselves would mix them up."""
    spec, quick, inbound = toy(1)
    for status in (1, True, "1", Decimal(1), False, 0, None, 1):
        assert agrees(spec, quick, inbound, {**NEEDED_PAYLOAD["invoice"], "r": status})


@pytest.mark.parametrize("kind", Kind)
def test_no_model_has_checks_across_fields(kind: Kind) -> None:
    """The quick way checks field by field; a validator of a whole model would have to be carried out there too."""
    seen: list[Any] = [MODELS[kind]]
    for model in seen:
        assert not model.__pydantic_decorators__.model_validators
        assert not model.__pydantic_decorators__.field_validators
        for info in model.model_fields.values():
            seen += [part for part in _parts(info.annotation) if hasattr(part, "model_fields") and part not in seen]


def _parts(hint: Any) -> list[Any]:
    return [hint, *(inner for part in getattr(hint, "__args__", ()) for inner in _parts(part))]


def test_every_converter_is_known_to_depend_on_its_value_alone_or_not() -> None:
    """A converter that looks at more than its own value must not be remembered: add it to the list."""
    looks_around = {"money", "sum_money", "join", "rate_of_amounts", "currency_of_amounts"}
    alone = {
        "key",
        "line",
        "text",
        "enum",
        "boolean",
        "lookup",
        "list_of_one",
        "custom",
        "integer",
        "decimal",
        "percent",
    }
    alone |= {"rate", "currency", "date", "datetime", "phone", "email", "credit_code", "account"}
    alone |= {"tax_invoice_number", "tax_invoice_code"}
    assert set(CONVERTERS) == looks_around | alone
