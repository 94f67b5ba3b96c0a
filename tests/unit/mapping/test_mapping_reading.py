from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_desk import CONTEXT, CREDIT_CODE, outcome_of, problems, read, spec_of

from ledgerbridge.mapping.apply import Filtered, Mapped, Unmapped, compile_inbound, fields_read, untouched
from ledgerbridge.mapping.path import parse
from ledgerbridge.mapping.reads import sources
from ledgerbridge.model.invoice import InvoiceKind, Reference, ReferenceKind


def test_all_problems_of_a_record_are_told() -> None:
    fields = {
        "due_on": "due",
        "net_minor": "net",
        "lines[]": {"wire": "rows", "fields": {"net_minor": "net", "remark": "r"}},
    }
    payload = {
        "due": "soon",
        "net": "1.234",
        "rows": [{"net": "1"}, {"net": "x", "r": "y" * 501}],
        "no": "",
        "total": None,
    }
    outcome = outcome_of("invoice", fields, payload)

    assert isinstance(outcome, Unmapped)
    assert [(one.field, one.wire, one.value[:5]) for one in outcome.problems] == [
        ("number", "no", ""),
        ("total_minor", "total", ""),
        ("due_on", "due", "soon"),
        ("net_minor", "net", "1.234"),
        ("lines[1].net_minor", "rows[*].net", "x"),
        ("lines[1].remark", "rows[*].r", "yyyyy"),
    ]
    assert outcome.problems[0].rule == "toy/invoice.thing:number"
    assert all(one.fatal for one in outcome.problems)


def test_a_field_that_may_be_omitted_leaves_a_notice() -> None:
    fields = {"credit_code": {"wire": "tax", "on_problem": "omit"}, "fax": {"wire": "fax", "on_problem": "omit"}}
    outcome = outcome_of("customer", fields, {"tax": "91110000600037341M", "fax": "1" * 501})

    assert isinstance(outcome, Mapped)
    assert not {"credit_code", "fax"} & outcome.value.model_fields_set
    assert [(one.field, one.wire, one.fatal) for one in outcome.notices] == [
        ("credit_code", "tax", False),
        ("fax", "fax", False),
    ]


def test_an_omitted_part_of_an_item_leaves_the_item() -> None:
    fields = {
        "contacts[]": [{"name": "who", "phone": {"wire": "tel", "on_problem": "omit"}}],
        "addresses[]": {"wire": "places", "fields": {"street": {"wire": "s", "on_problem": "omit"}, "city": "c"}},
    }
    outcome = outcome_of("customer", fields, {"who": "张", "tel": "call me", "places": [{"s": "x" * 501, "c": "上海"}]})

    assert isinstance(outcome, Mapped)
    assert outcome.value.model_dump(exclude_unset=True, exclude={"name"}) == {
        "contacts": ({"name": "张"},),
        "addresses": ({"city": "上海"},),
    }
    assert [one.field for one in outcome.notices] == ["contacts[].phone", "addresses[0].street"]


def test_a_list_that_may_be_omitted_goes_as_a_whole() -> None:
    fields = {"bank_accounts[]": {"wire": "banks", "fields": {"account": "no"}, "on_problem": "omit"}}
    outcome = outcome_of("customer", fields, {"banks": [{"no": "62 22-01"}, {"no": ""}]})

    assert isinstance(outcome, Mapped)
    assert "bank_accounts" not in outcome.value.model_fields_set
    assert [one.field for one in outcome.notices] == ["bank_accounts[1].account"]
    assert read("customer", fields, {"banks": [{"no": "62 22-01"}]}).bank_accounts[0].account == "622201"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param({"a": "1", "b": "2"}, "1", id="first"),
        pytest.param({"b": "2"}, "2", id="second"),
        pytest.param({"a": " ", "b": "2"}, "2", id="first blank"),
        pytest.param({"a": {"x": "3"}, "b": None}, "3", id="by a deeper path"),
        pytest.param({"a": None, "b": ""}, None, id="all empty"),
    ],
)
def test_wire_alternatives(payload: dict[str, Any], expected: str | None) -> None:
    assert read("customer", {"code": ["a.x", "a", "b"]}, payload).code == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("a.b", "1", id="key"),
        pytest.param("rows[0].k", "x", id="first"),
        pytest.param("rows[1].k", "y", id="second"),
        pytest.param("rows[2].k", None, id="beyond"),
        pytest.param("rows[type=2].k", "y", id="by type"),
        pytest.param("rows[*].same", "s", id="all the same"),
        pytest.param("one[*].k", "z", id="object for a list"),
        pytest.param("one[0].k", "z", id="object for a list, by index"),
        pytest.param("`No.`", "dot", id="odd key"),
        pytest.param("收(付)方名称", "甲", id="chinese"),
        pytest.param("a.b.c", None, id="through a text"),
        pytest.param("a[0]", None, id="index of an object that holds no list"),
    ],
)
def test_paths(path: str, expected: str | None) -> None:
    payload = {
        "a": {"b": 1},
        "rows": [{"k": "x", "type": "1", "same": "s"}, {"k": "y", "type": 2, "same": "s"}],
        "one": {"k": "z"},
        "No.": "dot",
        "收(付)方名称": "甲",
    }
    if path == "a[0]":
        assert problems("customer", {"code": path}, payload) == ["code: is an object, not text"]
        return
    assert read("customer", {"code": path}, payload).code == expected


@pytest.mark.parametrize("path", ["", "a..b", ".a", "a.", "a[", "a[x]", "a[-1]", "a]b", "`a", "a[*"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no wire path"):
        parse(path)


@given(st.text(max_size=20))
def test_any_text_is_a_path_or_a_clear_refusal(text: str) -> None:
    try:
        steps = parse(text)
    except ValueError as error:
        refusal = str(error)
    else:
        assert steps or text == "."
        return
    assert "no wire path" in refusal


@pytest.mark.parametrize(
    ("pick", "expected"),
    [("first", "2026-05-01"), ("last", "2026-04-01"), ("min", "2026-03-01"), ("max", "2026-05-01")],
)
def test_picking_one_of_several(pick: str, expected: str) -> None:
    payload = {"rows": [{"due": "2026-05-01"}, {"due": None}, {"due": "2026-03-01"}, {"due": "2026-04-01"}]}
    fields = {"due_on": {"wire": "rows[*].due", "pick": pick, "write": "never"}}

    assert str(read("invoice", fields, payload).due_on) == expected


def test_several_values_have_to_agree() -> None:
    fields = {"due_on": "rows[*].due"}

    assert problems("invoice", fields, {"rows": [{"due": "2026-05-01"}, {"due": "2026-05-02"}]}) == [
        "due_on: has 2 different values where one belongs (see 'pick')"
    ]
    assert str(read("invoice", fields, {"rows": [{"due": "2026-05-01"}, {}]}).due_on) == "2026-05-01"


@pytest.mark.parametrize(
    ("condition", "payload", "holds"),
    [
        pytest.param({"a": "1"}, {"a": 1}, True, id="number as text"),
        pytest.param({"a": [1, True]}, {"a": "true"}, True, id="boolean as text"),
        pytest.param({"a": 1}, {"a": True}, False, id="one is not true"),
        pytest.param({"a": [None]}, {"a": " "}, True, id="null is blank"),
        pytest.param({"a": [None]}, {}, True, id="null is absent"),
        pytest.param({"a": {"not": ["1"]}}, {"a": "2"}, True, id="not"),
        pytest.param({"a": {"not": ["1"]}}, {}, True, id="not, absent"),
        pytest.param({"a": {"is": "empty"}}, {"a": []}, True, id="empty list"),
        pytest.param({"a": {"is": "filled"}}, {"a": 0}, True, id="zero is filled"),
        pytest.param({"a": {"is": "zero"}}, {"a": "0.00"}, True, id="zero"),
        pytest.param({"a": {"is": "zero"}}, {"a": ""}, False, id="blank is not zero"),
        pytest.param({"a": {"is": "negative"}}, {"a": "-1,000.00"}, True, id="negative"),
        pytest.param({"a": {"is": "positive"}}, {"a": "x"}, False, id="no number"),
        pytest.param({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, False, id="all must hold"),
        pytest.param({"r[*].t": "2"}, {"r": [{"t": 1}, {"t": 2}]}, True, id="one of several"),
    ],
)
def test_conditions(condition: dict[str, Any], payload: dict[str, Any], holds: bool) -> None:
    fields = {"kind": {"cases": [{"when": condition, "then": "credit_note"}], "else": "invoice"}}

    assert (read("invoice", fields, payload).kind is InvoiceKind.CREDIT_NOTE) is holds


def test_a_rule_with_a_condition_yields_nothing_unless_it_holds() -> None:
    fields = {
        "salesperson": {"wire": "who", "when": {"type": "1"}},
        "department": {"wire": "who", "when": {"type": "2"}},
    }
    record = read("invoice", fields, {"who": "张", "type": "1"})

    assert record.salesperson == "张"
    assert "department" not in record.model_fields_set


def test_the_first_rule_that_yields_something_counts() -> None:
    fields = {"currency": {"first_of": [{"wire": "iso"}, {"wire": "lines[0].cur"}, {"const": "HKD"}]}}

    assert read("invoice", fields, {"iso": "", "lines": [{"cur": "美元"}]}).currency == "USD"
    assert read("invoice", fields, {}).currency == "HKD"
    assert problems("invoice", fields, {"iso": "XXX"})[0].startswith("currency: is no ISO 4217")


def test_keys_without_case() -> None:
    fields = {"code": "ModifyCode", "contacts[]": {"wire": "Rows", "fields": {"name": "NAME"}}}
    record = read(
        "customer", fields, {"modifycode": "1", "ROWS": [{"Name": "张"}], "N": "x", "n": "x"}, keys="ignore_case"
    )

    assert (record.code, record.contacts[0].name) == ("1", "张")
    assert problems("customer", fields, {"A": "1", "a": "2"}, keys="ignore_case") == [
        ": the wire keys 'a' and another spelling of 'a' are both there and differ; which one counts is not known"
    ]


def test_skipped_rows_say_why() -> None:
    outcome = outcome_of(
        "invoice", {}, {"isfirst": 1, "no": None}, skip=[{"when": {"isfirst": ["1"]}, "because": "opening"}]
    )

    assert outcome == Filtered("opening")
    assert isinstance(outcome_of("invoice", {}, {}, skip=[{"when": {"isfirst": ["1"]}, "because": "opening"}]), Mapped)


def test_lists_from_header_fields() -> None:
    fields = {
        "references[]": [{"kind": {"const": "order"}, "number": "so"}, {"kind": {"const": "delivery"}, "number": "dl"}]
    }

    assert read("invoice", fields, {"so": "SO1", "dl": " "}).references == (
        Reference(kind=ReferenceKind.ORDER, number="SO1"),
    )
    assert read("invoice", fields, {"so": None}).references == ()
    assert "references" in read("invoice", fields, {"so": None}).model_fields_set
    assert "references" not in read("invoice", fields, {}).model_fields_set


def test_lists_from_one_text_and_from_several_places() -> None:
    fields = {
        "references[]": {
            "items": [
                {"wire": "orders", "split": ",，;", "fields": {"kind": {"const": "order"}, "number": "."}},
                {"wire": "rows", "where": {"t": ["0"]}, "fields": {"kind": {"const": "order"}, "number": "so"}},
            ],
            "distinct": True,
        }
    }
    rows = [{"so": "B", "t": 0}, {"so": "C", "t": "0"}, {"so": "D", "t": 1}]
    record = read("invoice", fields, {"orders": "A， B;;", "rows": rows})

    assert [one.number for one in record.references] == ["A", "B", "C"]


def test_nested_lists_are_flattened() -> None:
    fields = {"references[]": {"wire": "rows[*].subs", "fields": {"kind": {"const": "contract"}, "number": "n"}}}
    record = read("invoice", fields, {"rows": [{"subs": [{"n": 1}, {"n": 2}]}, {}, {"subs": {"n": 3}}]})

    assert [one.number for one in record.references] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param("text", "contacts: is text, not a list", id="text"),
        pytest.param(["a", {"n": "b"}], "contacts[0]: is text, not an object (item 1)", id="text among objects"),
    ],
)
def test_a_list_of_the_wrong_shape_is_a_problem(rows: object, words: str) -> None:
    fields = {"contacts[]": {"wire": "rows", "fields": {"name": "n"}}}

    assert problems("customer", fields, {"rows": rows}) == [words]


def test_parts_of_an_item_that_are_needed() -> None:
    fields = {"tax_invoices[]": [{"code": "c", "number": "n"}]}

    assert problems("invoice", fields, {"c": "1100000000"}) == ["tax_invoices[0].number: is missing, but required"]
    assert read("invoice", fields, {"c": "", "n": ""}).tax_invoices == ()


def test_custom_fields_by_name_and_by_pattern() -> None:
    fields = {"custom.region": "self_define1", "code": "self_define2"}
    payload = {f"self_define{number}": str(number) for number in range(1, 5)} | {"other": "x", "self_define9": None}
    record = read("customer", fields, payload, custom={"match": "self_*", "skip": ["*4"]})

    assert record.custom == {"region": "1", "self_define3": "3", "self_define9": None}
    assert list(record.custom) == sorted(record.custom)


def test_a_custom_field_that_cannot_be_held_is_left_out_with_a_notice() -> None:
    outcome = outcome_of("customer", {}, {"x_1": "a\x00b", "x_2": "ok"}, custom={"match": ["x_*"]})

    assert isinstance(outcome, Mapped)
    assert outcome.value.custom == {"x_2": "ok"}
    assert [(one.field, one.fatal) for one in outcome.notices] == [("custom.x_1", False)]


def test_untouched_paths() -> None:
    fields = {
        "total_minor": {"wire": "rows[*].sum", "convert": "sum_money"},
        "lines[]": {"wire": "rows", "fields": {"net_minor": "net"}},
        "customer.name": "cust.name",
        "customer.code": "cust.code",
        "net_minor": {"wire": "net", "args": {"negate_if": {"red": ["1"]}}, "write": "never"},
    }
    spec = spec_of("invoice", fields, ignore=["*__r"], custom={"match": ["define*"]})
    payload = {
        "no": "1",
        "rows": [{"sum": "1", "net": "1", "tax": "0"}, {"qty": 1}],
        "cust": {"code": "1", "id": 5},
        "red": "0",
        "net": "1",
        "extra": {"a": 1},
        "owner__r": "x",
        "define7": "y",
    }
    assert untouched(spec, payload) == ("cust.id", "extra", "rows[*].qty", "rows[*].tax")


def test_a_rule_that_reads_an_object_reads_all_of_it() -> None:
    spec = spec_of("customer", {"sales_owner": {"wire": "Owner", "convert": "lookup"}}, keys="ignore_case")

    assert untouched(spec, {"N": "x", "owner": {"id": "1", "name": "y"}, "Other": 1}) == ("Other",)


def test_what_a_mapping_reads_is_told() -> None:
    spec = spec_of(
        "invoice", {"custom.x": "y", "lines[]": {"wire": "r", "fields": {"net_minor": "n"}}}, custom={"match": "z*"}
    )

    assert {"number", "customer.code", "custom.x", "lines", "custom.*"} <= fields_read(spec)
    assert sources(spec)["lines"] == "r: n"
    assert sources(spec)["customer"] == "cust"


def test_a_mapping_reads_the_same_record_again_and_again() -> None:
    inbound = compile_inbound(spec_of("customer", {"credit_code": "c", "code": "d"}), CONTEXT)
    payload = {"n": "x", "c": CREDIT_CODE, "d": 1}

    assert inbound(payload) == inbound(payload)
    assert payload == {"n": "x", "c": CREDIT_CODE, "d": 1}
