"""Absent, null, empty and zero stay four things, in both directions."""

from __future__ import annotations

from typing import Any

import pytest
from mapping_desk import CONTEXT, outcome_of, problems, read, spec_of, written

from ledgerbridge.mapping.apply import Mapped, MappedOut, Unmapped, compile_outbound
from ledgerbridge.model.customer import Customer, CustomerStatus
from ledgerbridge.model.invoice import Invoice
from ledgerbridge.model.party import Contact

UNSET = object()


def said(record: Any, field: str) -> Any:
    return getattr(record, field) if field in record.model_fields_set else UNSET


@pytest.mark.parametrize(
    ("payload", "text", "code", "days"),
    [
        pytest.param({}, UNSET, UNSET, UNSET, id="absent"),
        pytest.param({"t": None, "c": None, "d": None}, None, None, None, id="null"),
        pytest.param({"t": "", "c": "", "d": ""}, "", None, None, id="empty text"),
        pytest.param({"t": " \u3000\t", "c": "\u00a0", "d": " "}, "", None, None, id="blanks"),
        pytest.param({"t": "0", "c": 0, "d": 0}, "0", "0", 0, id="zero"),
        pytest.param({"t": 0, "c": "0", "d": "0"}, "0", "0", 0, id="zero the other way"),
    ],
)
def test_reading(payload: dict[str, Any], text: Any, code: Any, days: Any) -> None:
    record = read("customer", {"short_name": "t", "code": "c", "credit_days": "d"}, payload)

    assert (text, code, days) == (said(record, "short_name"), said(record, "code"), said(record, "credit_days"))


def test_absent_means_empty_where_the_vendor_omits_empty_fields() -> None:
    fields = {
        "short_name": "t",
        "code": {"wire": "c", "absent": "unknown"},
        "contacts[]": [{"name": "who"}],
        "status": "s",
    }
    record = read("customer", fields, {}, absent="empty")

    assert None is said(record, "short_name")
    assert UNSET is said(record, "code")
    assert said(record, "contacts") == ()
    assert UNSET is said(record, "status")
    assert CustomerStatus.ACTIVE is record.status
    assert UNSET is said(record, "email"), "a field without a rule stays unset"


def test_money_zero_is_not_nothing() -> None:
    fields = {"net_minor": "net", "tax_minor": "tax", "open_minor": "open"}
    record = read("invoice", fields, {"net": "0.00", "tax": None})

    assert (said(record, "net_minor"), said(record, "tax_minor"), said(record, "open_minor")) == (0, None, UNSET)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_default_stands_for_absent_and_for_empty(value: str | None) -> None:
    fields = {"category": {"wire": "cat", "default": "普通"}}

    assert read("customer", fields, {}).category == "普通"
    assert read("customer", fields, {"cat": value}).category == "普通"
    assert read("customer", fields, {"cat": "VIP"}).category == "VIP"


def test_required_fields_complain_about_absent_and_empty_differently() -> None:
    fields = {"code": {"wire": "c", "required": True}, "short_name": {"wire": "t", "required": True}}

    assert problems("customer", fields, {}) == [
        "code: is missing, but required",
        "short_name: is missing, but required",
    ]
    assert problems("customer", fields, {"c": "", "t": " "}) == [
        "code: is empty, but required",
        "short_name: is empty, but required",
    ]
    assert problems("customer", {}, {"n": ""}) == ["name: is empty, but required"]


def test_listed_values_mean_nothing() -> None:
    fields = {"due_on": {"wire": "due", "empty": ["9999-12-31", "/"]}, "open_minor": {"wire": "open", "empty": [0]}}
    record = read("invoice", fields, {"due": "9999-12-31", "open": "0"})

    assert (said(record, "due_on"), said(record, "open_minor")) == (None, None)
    assert str(read("invoice", fields, {"due": "2026-04-01"}).due_on) == "2026-04-01"


@pytest.mark.parametrize(
    ("payload", "parent"),
    [
        pytest.param({}, UNSET, id="absent"),
        pytest.param({"p": None, "pn": None}, None, id="all null"),
        pytest.param({"p": None}, None, id="what is said is null"),
        pytest.param({"p": "C0"}, {"code": "C0"}, id="filled"),
    ],
)
def test_an_object_of_which_nothing_is_said_is_unset(payload: dict[str, Any], parent: Any) -> None:
    found = said(read("customer", {"parent.code": "p", "parent.name": "pn"}, payload), "parent")

    assert parent == (found.model_dump(exclude_unset=True) if hasattr(found, "model_dump") else found)


def test_a_document_without_any_customer_is_a_problem() -> None:
    outcome = outcome_of("invoice", {}, {"cust": None})

    assert isinstance(outcome, Mapped)  # said to have none: kept, and for identity to judge
    assert problems("invoice", {"customer.code": {"wire": "other"}}, {}) == ["customer: is missing, but required"], (
        "nothing said at all"
    )


FIELDS = {"short_name": "t", "code": "c", "credit_days": "d"}


@pytest.mark.parametrize(
    ("clear_with", "expected"),
    [
        pytest.param("null", {"t": None, "c": None, "d": 0}, id="null"),
        pytest.param("text", {"t": "", "c": "", "d": 0}, id="text"),
        pytest.param("omit", {"d": 0}, id="omit"),
    ],
)
def test_writing_none_is_a_matter_of_the_vendor(clear_with: str, expected: dict[str, Any]) -> None:
    record = Customer(name="x", short_name=None, code=None, credit_days=0)

    assert expected == written("customer", FIELDS, record, clear_with=clear_with)


def test_writing_keeps_the_four_apart() -> None:
    assert written("customer", FIELDS, Customer(name="x")) == {}
    assert written("customer", FIELDS, Customer(name="x", short_name="", code=None, credit_days=0)) == {
        "t": "",
        "c": None,
        "d": 0,
    }


def test_a_create_leaves_empty_fields_out_where_absent_means_empty() -> None:
    record = Customer(name="x", short_name=None, credit_days=3, contacts=())
    fields = {**FIELDS, "contacts[]": [{"name": "who"}]}

    assert written("customer", fields, record, creating=True, absent="empty") == {"d": 3}
    assert written("customer", fields, record, absent="empty") == {"d": 3, "t": None, "who": None}


def test_what_cannot_be_cleared_is_told() -> None:
    spec = spec_of("customer", {"fax": {"wire": "f", "clear_with": "omit"}})
    result = compile_outbound(spec, CONTEXT)(Customer(name="x", fax=None), changed=frozenset({"fax"}), creating=False)

    assert isinstance(result, MappedOut)
    assert result.body == {}
    assert [notice.field for notice in result.notices] == ["fax"]


def test_lists_that_were_not_read_are_not_written() -> None:
    fields = {"lines[]": {"wire": "rows", "fields": {"net_minor": "net"}}, "currency": {"wire": "cur"}}
    invoice = read("invoice", fields, {"cur": "CNY"})

    assert None is invoice.lines
    assert "rows" not in written("invoice", fields, invoice)
    empty = Invoice.model_validate({**invoice.model_dump(exclude_unset=True), "lines": ()})
    assert written("invoice", fields, empty, changed={"lines"}) == {"rows": []}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param({}, UNSET, id="absent"),
        pytest.param({"rows": None}, (), id="null"),
        pytest.param({"rows": []}, (), id="empty"),
        pytest.param({"rows": {"who": "张"}}, (Contact(name="张"),), id="one object for a list"),
        pytest.param({"rows": [{"who": ""}]}, (Contact(name=""),), id="empty inside"),
    ],
)
def test_lists_absent_null_and_empty(rows: dict[str, Any], expected: Any) -> None:
    fields = {"contacts[]": {"wire": "rows", "fields": {"name": "who"}}}

    assert expected == said(read("customer", fields, rows), "contacts")


def test_a_create_without_its_required_fields_is_refused() -> None:
    spec = spec_of("customer", {"code": {"wire": "c", "required": True}})
    outbound = compile_outbound(spec, CONTEXT)

    refused = outbound(Customer(name="x"), changed=None, creating=True)
    assert isinstance(refused, Unmapped)
    assert [f"{one.field}: {one.why}" for one in refused.problems] == [
        "code: is needed to create the record, but empty"
    ]
    assert isinstance(outbound(Customer(name="x"), changed=None, creating=False), MappedOut)
