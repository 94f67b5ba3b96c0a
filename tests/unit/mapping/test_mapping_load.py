from __future__ import annotations

import pytest
from mapping_desk import CONTEXT, spec_of, text_of

from ledgerbridge.errors import MappingError
from ledgerbridge.mapping.apply import Mapped, compile_inbound
from ledgerbridge.mapping.load import load_mapping, overlay, schema
from ledgerbridge.model.base import Kind

GOOD = """\
name: toy/invoice.bill
revision: 3
connector: toy
kind: invoice
wire_type: bill
options: {due: due_date}
fields:
  number: no
  customer.code: {wire: cust, required: true}
  issued_on: day
  due_on: "${due}"
  currency: {wire: cur, default: "${base_currency}"}
  total_minor: total
  fax_never: null
""".replace("  fax_never: null\n", "")


def faults_of(text: str) -> list[str]:
    with pytest.raises(MappingError) as caught:
        load_mapping(text, "bill.yaml")
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_a_sound_file_loads() -> None:
    spec = load_mapping(GOOD, "bill.yaml")

    assert (spec.name, spec.revision, spec.kind, spec.wire_type) == ("toy/invoice.bill", 3, Kind.INVOICE, "bill")
    assert spec.fields["number"].wire == ("no",)


def test_every_fault_of_a_file_is_told_at_once_with_its_line() -> None:
    text = """\
name: toy/invoice.bill
revision: 0
connector: toy
kind: invoice
wire_type: bill
colour: red
fields:
  number: {wire: no, convert: kee}
  customer.cod: cust
  issued_on: {wire: day, args: {form: roman}}
  currency: {wire: cur, default: RMB}
  total_minor: {wire: "total[", required: true}
  status: {wire: st, values: {"1": aproved}}
  lines[]:
    wire: rows
    fields:
      net_minor: net
      tax_rate: rate
      colour: c
  due_on: {wire: due, requird: true}
  exchange_rate: {wire: "${rate_field}"}
"""
    faults = faults_of(text)

    expected = [
        (2, "revision: Input should be greater than or equal to 1"),
        (6, "unknown key 'colour'"),
        (8, "there is no converter 'kee'; did you mean 'key'?"),
        (9, "there is no canonical field 'customer.cod' in invoice; did you mean 'customer.code'?"),
        (10, "form: Input should be"),
        (11, "default: 'RMB' is no currency"),
        (12, "'total[' is no wire path"),
        (13, "values: 'aproved' is no status"),
        (18, "tax_rate needs a converter"),
        (19, "there is no canonical field 'colour' in lines[] of invoice"),
        (20, "unknown key 'requird'"),
        (21, "the option 'rate_field' is used but not declared"),
    ]
    assert [line for line, _ in expected] == [int(fault.split(":")[1]) for fault in faults]
    for (line, words), fault in zip(expected, faults, strict=True):
        assert f"bill.yaml:{line}: " in fault
        assert words in fault


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        pytest.param({"wire": "a", "const": "b"}, "found wire and const", id="two sources"),
        pytest.param({"required": True}, "found none", id="no source"),
        pytest.param(
            {"wire": "a", "values": {"1": "x"}, "convert": "line"}, "either a converter or a table", id="two ways"
        ),
        pytest.param({"wire": "a", "convert": "date"}, "makes date, but short_name holds str", id="type"),
        pytest.param({"wire": "a[*]", "convert": "join", "write": "always"}, "cannot be reversed", id="irreversible"),
        pytest.param({"convert": "line"}, "needs a wire path", id="no wire"),
        pytest.param({"wire": "a", "convert": "enum"}, "no fixed words", id="enum of text"),
        pytest.param({"wire": "a", "args": {"fold": 3}}, "fold: Input should be a valid boolean", id="args"),
        pytest.param({"wire": "."}, "element of a list", id="bare path outside a list"),
        pytest.param({"wire": "a", "values": {"1": 5}}, "values: 5 is no short_name", id="literal"),
        pytest.param({"wire": "a", "required": True, "on_problem": "omit"}, "does not go with a required", id="omit"),
        pytest.param(
            {"wire": "a", "when": {"wire": "x", "in": ["1"]}},
            "write the path as the key: {x: ['1']}",
            id="old condition",
        ),
        pytest.param({"wire": "a", "when": {"x": {"is": "big"}}}, "Input should be 'empty'", id="quality"),
        pytest.param({"first_of": [{"wire": "a", "default": "x"}]}, "parts of first_of", id="part with default"),
    ],
)
def test_a_rule_that_makes_no_sense_is_a_fault(rule: dict[str, object], why: str) -> None:
    with pytest.raises(MappingError, match=r"toy\.yaml:1: ") as caught:
        spec_of("customer", {"short_name": rule})
    assert why in str(caught.value)


def test_the_needed_fields_of_a_kind_need_rules() -> None:
    faults = faults_of(
        GOOD.replace("  issued_on: day\n", "").replace("  customer.code: {wire: cust, required: true}\n", "")
    )

    assert faults == [
        "bill.yaml:7: a record of kind invoice needs 'customer', which no rule fills",
        "bill.yaml:7: a record of kind invoice needs 'issued_on', which no rule fills",
    ]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        pytest.param("name: a\nname: b\n", 2, "'name' is there twice", id="repeated key"),
        pytest.param("a: &x 1\nb: *x\n", 1, "anchors and aliases", id="alias"),
        pytest.param("a: !!python/name:os.system x\n", 1, "tags", id="tag"),
        pytest.param("a: [1\nb: 2\n", 2, "no YAML", id="broken"),
        pytest.param("- a\n", 1, "keys and values", id="list"),
        pytest.param("", 1, "keys and values", id="nothing"),
        pytest.param("a: " + "[" * 40 + "]" * 40, 1, "nested too deeply", id="deep"),
    ],
)
def test_yaml_beyond_the_plain_is_refused(text: str, line: int, why: str) -> None:
    faults = faults_of(text)

    assert any(fault.startswith(f"bill.yaml:{line}: ") and why in fault for fault in faults), faults


def test_words_and_numbers_stay_what_they_look_like() -> None:
    text = GOOD + "  department: {wire: d, values: {010: yes, no: on, 0.10: off, 2026-01-01: NULL, 7: seven}}\n"
    table = dict(load_mapping(text, "bill.yaml").fields["department"].values or ())

    assert table == {"010": "yes", "no": "on", "0.10": "off", "2026-01-01": "NULL", 7: "seven"}


def test_two_rules_that_write_one_wire_field_are_a_fault() -> None:
    with pytest.raises(MappingError, match="short_name and category write the same wire field"):
        spec_of("customer", {"short_name": "a", "category": "a"})
    spec_of("customer", {"short_name": "a", "category": {"wire": "a", "write": "never"}})


def test_an_amount_needs_a_rule_for_its_currency() -> None:
    with pytest.raises(MappingError, match="currency is in 'credit_currency', which no rule fills"):
        spec_of("customer", {"credit_limit_minor": "limit"})
    spec_of("customer", {"credit_limit_minor": "limit", "credit_currency": {"const": "CNY"}})


def test_a_sign_that_depends_on_what_nobody_writes_is_a_fault() -> None:
    rule = {"wire": "net", "args": {"negate_if": {"red": ["1"]}}}
    with pytest.raises(MappingError, match="the sign depends on 'red'"):
        spec_of("invoice", {"net_minor": rule})
    spec_of("invoice", {"net_minor": rule, "kind": {"wire": "red", "values": {"1": "credit_note", "0": "invoice"}}})


def test_an_overlay_replaces_adds_and_removes_field_by_field() -> None:
    base = load_mapping(GOOD, "bill.yaml")

    spec = overlay(
        base, "fields:\n  due_on: null\n  number: {wire: code}\n  remark: note\noptions: {x: y}\n", "ws.yaml"
    )

    assert "due_on" not in spec.fields
    assert spec.fields["number"].wire == ("code",)
    assert spec.fields["remark"].wire == ("note",)
    assert base.fields["issued_on"] == spec.fields["issued_on"]
    assert spec.options == {"due": "due_date", "x": "y"}
    assert base.fingerprint != spec.fingerprint


def test_an_overlay_that_says_nothing_changes_nothing() -> None:
    base = load_mapping(GOOD, "bill.yaml")

    assert base.fingerprint == overlay(base, "connector: toy\n", "ws.yaml").fingerprint


def test_faults_of_an_overlay_are_told_with_its_own_lines() -> None:
    base = load_mapping(GOOD, "bill.yaml")
    text = "kind: payment\nfields:\n  numbr: x\n  remark: {wire: note, convert: nothing}\n  fax: null\n"

    with pytest.raises(MappingError) as caught:
        overlay(base, text, "ws.yaml")
    assert "ws.yaml:1: kind: the mapping underneath is for 'invoice', not 'payment'" in str(caught.value)
    assert "ws.yaml:5: there is no rule 'fax' to remove" in str(caught.value)

    with pytest.raises(MappingError) as caught:
        overlay(base, "fields:\n  numbr: x\n  remark: {wire: note, convert: nothing}\n  currency: null\n", "ws.yaml")
    message = str(caught.value)
    assert "ws.yaml:2: there is no canonical field 'numbr' in invoice; did you mean 'number'?" in message
    assert "ws.yaml:3: there is no converter 'nothing'" in message
    assert "ws.yaml on toy/invoice.bill: a record of kind invoice needs 'currency', which no rule fills" in message


def test_options_are_filled_in_from_the_workspace_else_from_the_file() -> None:
    spec = load_mapping(GOOD, "bill.yaml")
    payload = {
        "no": "1",
        "cust": "C",
        "day": "2026-03-01",
        "total": "1.00",
        "due_date": "2026-04-01",
        "frist": "2026-05-01",
    }

    from_file = compile_inbound(spec, CONTEXT)(payload)
    from_workspace = compile_inbound(spec, type(CONTEXT)(CONTEXT.zone, "USD", {"due": "frist"}))(payload)

    assert isinstance(from_file, Mapped)
    assert isinstance(from_workspace, Mapped)
    assert (str(from_file.value.due_on), from_file.value.currency) == ("2026-04-01", "CNY")  # type: ignore[union-attr]
    assert (str(from_workspace.value.due_on), from_workspace.value.currency) == ("2026-05-01", "USD")  # type: ignore[union-attr]


def test_the_fingerprint_follows_the_content() -> None:
    first = load_mapping(GOOD, "a.yaml")

    assert first.fingerprint == load_mapping(GOOD + "# a comment\n", "b.yaml").fingerprint
    assert first.fingerprint != load_mapping(GOOD.replace("number: no", "number: nr"), "a.yaml").fingerprint


@pytest.mark.parametrize("kind", list(Kind))
def test_the_schema_names_every_field(kind: Kind) -> None:
    described = schema(kind)

    properties = described["properties"]
    assert isinstance(properties, dict)
    assert {"customer": "credit_code", "invoice": "total_minor", "payment": "payer_name", "allocation": "difference"}[
        kind
    ] in properties


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    assert faults_of("a" * 1_000_001) == ["bill.yaml:1: is larger than 1000000 characters, which no mapping is"]


def test_unknown_kinds_do_not_stop_the_other_checks() -> None:
    faults = faults_of(text_of("invoice", {}).replace('"kind": "invoice"', '"kind": "bill"').replace('"toy"', '"Toy!"'))

    assert len(faults) == 2
