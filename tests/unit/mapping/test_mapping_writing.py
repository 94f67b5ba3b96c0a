from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from mapping_desk import CONTEXT, spec_of, written

from ledgerbridge.mapping.apply import MappedOut, Unmapped, compile_outbound
from ledgerbridge.model.customer import Customer, CustomerStatus
from ledgerbridge.model.invoice import DocumentStatus, Invoice, InvoiceKind, InvoiceLine, Reference, ReferenceKind
from ledgerbridge.model.party import Contact, PartyRef


def invoice(**parts: Any) -> Invoice:
    needed = {"number": "S1", "customer": PartyRef(code="C1"), "issued_on": date(2026, 3, 31), "currency": "CNY"}
    return Invoice(**{"total_minor": 113000, **needed, **parts})


def unmapped(kind: str, fields: dict[str, Any], record: Any, **head: Any) -> list[str]:
    result = compile_outbound(spec_of(kind, fields, **head), CONTEXT)(record, changed=None, creating=False)
    assert isinstance(result, Unmapped), result
    return [f"{one.field}: {one.why}" for one in result.problems]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"code"}, {"c"}, id="one"),
        pytest.param({"parent"}, {"p", "pn"}, id="object"),
        pytest.param({"parent.code"}, {"p"}, id="part of an object"),
        pytest.param({"contacts"}, {"who"}, id="list"),
        pytest.param({"contacts[0].name"}, {"who"}, id="part of an item"),
        pytest.param({"custom.region"}, {"r"}, id="custom"),
        pytest.param({"custom"}, {"r", "x_1"}, id="all custom"),
        pytest.param({"custom.x_1"}, {"x_1"}, id="custom by pattern"),
        pytest.param({"email"}, set(), id="without a rule"),
        pytest.param(set(), set(), id="nothing"),
        pytest.param(None, {"c", "p", "pn", "who", "r", "x_1"}, id="all"),
    ],
)
def test_only_what_changed_is_written(changed: set[str] | None, expected: set[str]) -> None:
    fields = {
        "code": "c",
        "parent.code": "p",
        "parent.name": "pn",
        "contacts[]": [{"name": "who"}],
        "custom.region": "r",
    }
    record = Customer(
        name="x",
        code="C",
        parent=PartyRef(code="P", name="PN"),
        contacts=(Contact(name="张"),),
        email="a@b.cn",
        custom={"region": "east", "x_1": "1", "y_1": "2"},
    )
    custom = {"match": ["x_*"], "write": "always"}

    assert set(written("customer", fields, record, changed=changed, custom=custom)) == expected


def test_when_rules_write() -> None:
    fields = {"code": {"wire": "c", "write": "create"}, "fax": {"wire": "f", "write": "never"}, "remark": "m"}
    record = Customer(name="x", code="C", fax="1", remark="r")

    assert written("customer", fields, record, creating=True) == {"c": "C", "m": "r"}
    assert written("customer", fields, record) == {"m": "r"}


def test_what_nobody_writes_is_told() -> None:
    outbound = compile_outbound(spec_of("customer", {"fax": {"wire": "f", "write": "never"}, "code": "c"}), CONTEXT)
    result = outbound(
        Customer(name="x", fax="1", code="C"), changed=frozenset({"fax", "email", "code"}), creating=False
    )

    assert isinstance(result, MappedOut)
    assert (result.body, result.left_out) == ({"c": "C"}, ("email", "fax"))
    assert outbound.writable(creating=False) == {"name", "code"}


def test_create_fields_are_writable_on_create_only() -> None:
    fields = {"code": {"wire": "c", "write": "create"}, "contacts[]": [{"name": "who"}], "status": {"const": "active"}}
    outbound = compile_outbound(spec_of("customer", fields, custom={"match": "x*", "write": "create"}), CONTEXT)

    assert outbound.writable(creating=True) == {"name", "code", "contacts", "custom.*"}
    assert outbound.writable(creating=False) == {"name", "contacts"}


@pytest.mark.parametrize(
    ("rule", "field", "value", "expected"),
    [
        pytest.param({"args": {"write_as": "number"}}, "code", "12", 12, id="code as a number"),
        pytest.param({"values": [[1, "void"], ["0", "active"]]}, "status", CustomerStatus.VOID, 1, id="table, number"),
        pytest.param(
            {"values": [[1, "void"], ["0", "active"]]}, "status", CustomerStatus.ACTIVE, "0", id="table, text"
        ),
        pytest.param(
            {"values": {"a": "void", "b": "void", "*": "void"}}, "status", CustomerStatus.VOID, "a", id="first of table"
        ),
        pytest.param({}, "status", CustomerStatus.DISABLED, "disabled", id="enum"),
        pytest.param({"args": {"write_as": "name"}}, "currency", "CNY", "人民币", id="currency name"),
        pytest.param(
            {"args": {"write_as": "name", "names": {"RMB": "CNY", "本币": "CNY"}}},
            "currency",
            "CNY",
            "RMB",
            id="own name",
        ),
        pytest.param({"args": {"form": "epoch_ms"}}, "opened_on", date(2026, 10, 1), 1790784000000, id="epoch ms"),
        pytest.param({"args": {"form": "compact"}}, "opened_on", date(2026, 10, 1), "20261001", id="compact"),
        pytest.param({"args": {"form": "stamp"}}, "opened_on", date(2026, 10, 1), "2026-10-01 00:00:00", id="stamp"),
        pytest.param({"args": {"form": "slash"}}, "opened_on", date(2026, 10, 1), "2026/10/01", id="slash"),
        pytest.param({"args": {"form": "excel"}}, "opened_on", date(2026, 3, 31), 46112, id="excel"),
        pytest.param({"args": {"write_as": "national"}}, "phone", "+8613800138000", "13800138000", id="mobile"),
        pytest.param({"args": {"write_as": "national"}}, "phone", "+861062345678", "01062345678", id="landline"),
        pytest.param({"args": {"write_as": "national"}}, "phone", "+85223456789", "+85223456789", id="foreign phone"),
        pytest.param({"convert": "lookup"}, "sales_owner", "55", {"id": "55"}, id="lookup"),
        pytest.param({"convert": "list_of_one"}, "sales_owner", "1000", ["1000"], id="list of one"),
        pytest.param({"convert": "join"}, "category", "a, b", ["a", "b"], id="join"),
        pytest.param({}, "credit_days", 30, 30, id="integer"),
        pytest.param({"args": {"write_as": "text"}}, "credit_days", 30, "30", id="integer as text"),
    ],
)
def test_a_customer_value(rule: dict[str, Any], field: str, value: object, expected: object) -> None:
    body = written("customer", {field: {"wire": "w", **rule}}, Customer(**{"name": "x", field: value}))

    assert body == {"w": expected}
    assert type(body["w"]) is type(expected)


@pytest.mark.parametrize(
    ("rule", "field", "value", "expected"),
    [
        pytest.param({}, "net_minor", 100050, Decimal("1000.50"), id="amount"),
        pytest.param({"args": {"write_as": "text"}}, "net_minor", -5, "-0.05", id="amount as text"),
        pytest.param({"args": {"unit": "fen"}}, "net_minor", 100050, 100050, id="fen"),
        pytest.param({"args": {"unit": "wan"}}, "net_minor", 1234560, Decimal("1.234560"), id="wan"),
        pytest.param({}, "exchange_rate", Decimal("7.1"), Decimal("7.1"), id="rate"),
        pytest.param(
            {"args": {"direction": "inverse"}}, "exchange_rate", Decimal(3), Decimal("0.333333333"), id="inverse"
        ),
        pytest.param({"args": {"per": 100}}, "exchange_rate", Decimal("0.0485"), Decimal("4.85"), id="per 100"),
    ],
)
def test_an_invoice_value(rule: dict[str, Any], field: str, value: object, expected: object) -> None:
    body = written("invoice", {field: {"wire": "w", **rule}}, invoice(**{field: value}))

    assert (body["w"], str(body["w"])) == (expected, str(expected))


def test_numbers_as_text_for_the_whole_mapping() -> None:
    body = written(
        "invoice",
        {"net_minor": "n", "exchange_rate": "r"},
        invoice(net_minor=0, exchange_rate=Decimal(7)),
        numbers="text",
    )

    assert body == {"n": "0.00", "r": "7"}


@pytest.mark.parametrize(
    ("rule", "field", "value", "words"),
    [
        pytest.param(
            {"args": {"write_as": "number"}}, "code", "012", "cannot be written as a number without loss", id="zeros"
        ),
        pytest.param(
            {"values": {"1": "void"}},
            "status",
            CustomerStatus.ACTIVE,
            "no wire value in the mapping's table",
            id="table",
        ),
        pytest.param({"args": {"write_as": "name"}}, "currency", "BTN", "has no known name", id="currency"),
        pytest.param(
            {"cases": [{"when": {"s": "x"}, "then": "void"}], "else": "active", "write": "always", "wire": []},
            "status",
            CustomerStatus.ACTIVE,
            "no case",
            id="case",
        ),
    ],
)
def test_what_cannot_be_written_is_a_problem(rule: dict[str, Any], field: str, value: object, words: str) -> None:
    found = unmapped("customer", {field: {"wire": "w", **rule}}, Customer(**{"name": "x", field: value}))

    assert len(found) == 1
    assert found[0].startswith(f"{field}: ")
    assert words in found[0]


def test_nested_bodies_rows_and_constants() -> None:
    fields = {
        "due_on": "terms.due",
        "salesperson": "team[0].who",
        "department": "rows[*].dept",
        "lines[]": {"wire": "rows", "fields": {"net_minor": "net", "quantity": "q"}},
    }
    record = invoice(
        due_on=date(2026, 4, 1),
        salesperson="张",
        department="D",
        lines=(InvoiceLine(net_minor=100, quantity=Decimal(2)), InvoiceLine(net_minor=200, quantity=None)),
    )
    send = {"record_type": "default__c", "head.status": {"value": "Insert", "write": "create"}}

    assert written("invoice", fields, record, creating=True, send=send) == {
        "terms": {"due": "2026-04-01"},
        "team": [{"who": "张"}],
        "rows": [{"net": Decimal("1.00"), "q": Decimal(2), "dept": "D"}, {"net": Decimal("2.00"), "dept": "D"}],
        "record_type": "default__c",
        "head": {"status": "Insert"},
    }
    assert written("invoice", fields, record, changed={"due_on"}, send=send) == {
        "terms": {"due": "2026-04-01"},
        "record_type": "default__c",
    }
    assert written("invoice", fields, record, changed={"remark"}, send=send) == {}


def test_a_field_inside_rows_does_not_replace_the_rows() -> None:
    fields = {"department": "rows[*].dept", "lines[]": {"wire": "rows", "fields": {"net_minor": "net"}}}
    record = invoice(department="D", lines=(InvoiceLine(net_minor=100),))
    outbound = compile_outbound(spec_of("invoice", fields), CONTEXT)

    alone = outbound(record, changed=frozenset({"department"}), creating=False)
    assert alone == MappedOut({}, (), ("department",))
    both = outbound(record, changed=frozenset({"department", "lines"}), creating=False)
    assert both == MappedOut({"rows": [{"net": Decimal("1.00"), "dept": "D"}]})


@pytest.mark.parametrize("changed", [{"net_minor"}, None])
def test_the_sign_follows_what_other_rules_would_write(changed: set[str] | None) -> None:
    fields = {
        "kind": {"cases": [{"when": {"red": ["1", True]}, "then": "credit_note"}], "else": "invoice"},
        "net_minor": {"wire": "net", "args": {"negate_if": {"RED": ["1"]}}},
        "tax_minor": {"wire": "tax", "args": {"negative_if": {"Red": ["1"]}}, "write": "create"},
    }
    credit = invoice(kind=InvoiceKind.CREDIT_NOTE, net_minor=-100, tax_minor=-13)
    plain = invoice(kind=InvoiceKind.INVOICE, net_minor=100, tax_minor=13)

    assert written("invoice", fields, credit, changed=changed, keys="ignore_case") == {"net": Decimal("1.00")}
    assert written("invoice", fields, plain, changed=changed, keys="ignore_case") == {"net": Decimal("1.00")}
    assert written("invoice", fields, credit, creating=True, keys="ignore_case")["tax"] == Decimal("0.13")
    assert unmapped(
        "invoice",
        {**fields, "tax_minor": {**fields["tax_minor"], "write": "always"}},
        invoice(kind=InvoiceKind.CREDIT_NOTE, tax_minor=13),
        keys="ignore_case",
    ) == ["tax_minor: is positive in a record whose amounts the mapping holds to be negative"]


def test_cases_write_what_they_look_for_if_asked_to() -> None:
    cases = {"cases": [{"when": {"st": ["3", "4"], "flag": True}, "then": "void"}], "else": "approved"}
    void = invoice(status=DocumentStatus.VOID)

    assert written("invoice", {"status": {**cases, "write": "always"}}, void) == {"st": "3", "flag": True}
    assert written("invoice", {"status": cases}, void) == {}


def test_the_first_rule_that_can_be_written_writes() -> None:
    parts = [
        {"convert": "currency_of_amounts", "args": {"base": "b", "document": "d"}},
        {"wire": "x", "write": "never"},
        "y",
    ]

    assert written("invoice", {"currency": {"first_of": parts}}, invoice()) == {"y": "CNY"}


def test_a_condition_on_a_written_rule() -> None:
    fields = {
        "status": {"wire": "st", "values": {"1": "approved", "2": "void"}},
        "remark": {"wire": "why", "when": {"st": ["2"]}, "write": "always"},
    }

    assert written("invoice", fields, invoice(status=DocumentStatus.VOID, remark="r")) == {"st": "2", "why": "r"}
    assert written("invoice", fields, invoice(status=DocumentStatus.APPROVED, remark="r")) == {"st": "1"}


SLOTS = {
    "references[]": [
        {"number": "any", "kind": {"wire": "any_kind"}},
        {"kind": {"const": "order"}, "number": "so"},
        {"kind": {"const": "delivery"}, "number": "dl"},
    ]
}
ORDER, DELIVERY, CONTRACT = (
    Reference(kind=kind, number=kind.value[0])
    for kind in (ReferenceKind.ORDER, ReferenceKind.DELIVERY, ReferenceKind.CONTRACT)
)


def test_items_find_their_header_fields_again() -> None:
    record = invoice(references=(DELIVERY, CONTRACT, ORDER))

    assert written("invoice", SLOTS, record) == {"so": "o", "dl": "d", "any": "c", "any_kind": "contract"}
    assert written("invoice", SLOTS, invoice(references=(ORDER,))) == {
        "so": "o",
        "dl": None,
        "any": None,
        "any_kind": None,
    }
    assert written("invoice", SLOTS, invoice(references=(ORDER,)), creating=True) == {"so": "o"}


def test_items_without_a_place_are_a_problem_or_a_notice() -> None:
    fields = {"references[]": {"items": [{"kind": {"const": "order"}, "number": "so"}]}}
    record = invoice(references=(ORDER, DELIVERY, CONTRACT))
    lenient = {"references[]": {**fields["references[]"], "on_problem": "omit"}}

    assert unmapped("invoice", fields, record) == [
        "references: has 2 item(s) for which this system has no place; the first is shown"
    ]
    assert written("invoice", lenient, record) == {"so": "o"}


def test_rows_carry_the_marks_by_which_they_are_known() -> None:
    rule = {"wire": "rows", "where": {"type": ["0", "9"]}, "fields": {"number": "n", "kind": {"const": "order"}}}

    assert written("invoice", {"references[]": rule}, invoice(references=(ORDER,))) == {
        "rows": [{"type": "0", "n": "o"}]
    }


def test_several_items_in_one_text() -> None:
    rule = {"wire": "orders", "split": ",;", "fields": {"number": ".", "kind": {"const": "order"}}}
    record = invoice(references=(ORDER, Reference(kind=ReferenceKind.ORDER, number="p")))

    assert written("invoice", {"references[]": rule}, record) == {"orders": "o,p"}
    del rule["split"]
    assert written("invoice", {"references[]": rule}, record) == {"orders": ["o", "p"]}


def test_a_bad_item_is_told_with_its_number() -> None:
    rule = {"wire": "rows", "fields": {"tax_rate": {"wire": "r", "convert": "percent", "args": {"places": 0}}}}
    record = invoice(lines=(InvoiceLine(tax_rate=Decimal("0.13")), InvoiceLine(tax_rate=Decimal("0.065"))))

    assert unmapped("invoice", {"lines[]": rule}, record) == ["lines[].tax_rate: has more than 0 decimals (item 2)"]


def test_an_unwritable_field_may_be_left_out_with_a_notice() -> None:
    spec = spec_of(
        "customer", {"code": {"wire": "c", "args": {"write_as": "number"}, "on_problem": "omit"}, "fax": "f"}
    )
    result = compile_outbound(spec, CONTEXT)(Customer(name="x", code="A1", fax="1"), changed=None, creating=False)

    assert isinstance(result, MappedOut)
    assert result.body == {"n": "x", "f": "1"}
    assert [(one.field, one.fatal) for one in result.notices] == [("code", False)]


def test_a_record_of_another_kind_is_a_mistake_of_the_caller() -> None:
    outbound = compile_outbound(spec_of("customer", {}), CONTEXT)

    with pytest.raises(TypeError, match="writes customer records, not invoice"):
        outbound(invoice(), changed=None, creating=True)


def test_custom_objects_go_back_as_objects() -> None:
    record = Customer(name="x", custom={"x_1": '{"a":[1.50]}', "x_2": "{not json", "x_3": None, "x_4": 7})

    assert written("customer", {}, record, custom={"match": "x_*", "write": "always"}) == {
        "x_1": {"a": [Decimal("1.50")]},
        "x_2": "{not json",
        "x_3": None,
        "x_4": 7,
    }
