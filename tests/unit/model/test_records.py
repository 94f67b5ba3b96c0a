"""Canonical records refuse what is wrong, and keep "not said" apart from "empty"."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import Invoice, InvoiceLine, TaxInvoiceNumber
from ledgerbridge.model.party import BankAccount, Contact, PartyRef
from ledgerbridge.model.payment import Payment

INVOICE: dict[str, Any] = {
    "number": "INV-1",
    "customer": PartyRef(code="C1"),
    "issued_on": date(2026, 3, 31),
    "currency": "CNY",
    "total_minor": 113000,
}


def test_a_field_that_was_not_said_is_told_from_one_that_is_empty() -> None:
    silent, empty = Customer(name="甲"), Customer(name="甲", short_name=None, fax="")
    assert "short_name" not in silent.model_dump(exclude_unset=True)
    assert empty.model_dump(exclude_unset=True) == {"name": "甲", "short_name": None, "fax": ""}


@pytest.mark.parametrize(
    ("model", "values"),
    [
        pytest.param(Customer, {"name": ""}, id="no name"),
        pytest.param(Customer, {"name": "   "}, id="blank name"),
        pytest.param(Customer, {"name": "a\x00b"}, id="NUL in a name"),
        pytest.param(Customer, {"name": "甲", "credit_code": "91110000600037341M"}, id="wrong check character"),
        pytest.param(Customer, {"name": "甲", "credit_code": "91110000600037341l"}, id="lower case credit code"),
        pytest.param(Customer, {"name": "甲", "phone": "021-62345678"}, id="phone not E.164"),
        pytest.param(Customer, {"name": "甲", "email": "a@b"}, id="no domain"),
        pytest.param(Customer, {"name": "甲", "credit_days": -1}, id="negative days"),
        pytest.param(Customer, {"name": "甲", "unknown": 1}, id="undeclared field"),
        pytest.param(Invoice, {**INVOICE, "total_minor": 1130.0}, id="float money"),
        pytest.param(Invoice, {**INVOICE, "total_minor": "113000"}, id="text money"),
        pytest.param(Invoice, {**INVOICE, "total_minor": 10**16}, id="too much money"),
        pytest.param(Invoice, {**INVOICE, "currency": "RMB"}, id="no ISO currency"),
        pytest.param(Invoice, {**INVOICE, "issued_on": "2026-03-31"}, id="text date"),
        pytest.param(Invoice, {**INVOICE, "exchange_rate": Decimal(0)}, id="zero rate"),
        pytest.param(Invoice, {**INVOICE, "exchange_rate": 7.1}, id="float rate"),
        pytest.param(Invoice, {**INVOICE, "number": "a\nb"}, id="two lines in a number"),
        pytest.param(TaxInvoiceNumber, {"number": "123456789"}, id="nine digits"),
        pytest.param(InvoiceLine, {"tax_rate": Decimal(13)}, id="percent as fraction"),
        pytest.param(BankAccount, {"account": ""}, id="empty account"),
        pytest.param(Contact, {"mobile": "13800000000"}, id="mobile without country"),
        pytest.param(
            Payment,
            {"number": "P1", "received_on": date(2026, 1, 1), "currency": "CNY", "amount_minor": 1, "fee_minor": -1},
            id="negative fee",
        ),
    ],
)
def test_what_is_wrong_is_refused(model: type[Any], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model(**values)


def test_a_sound_invoice_survives_json() -> None:
    invoice = Invoice(
        **INVOICE,
        exchange_rate=Decimal("7.123456"),
        lines=(InvoiceLine(quantity=Decimal("1.50"), tax_rate=Decimal("0.13"), net_minor=100000),),
    )
    assert Invoice.model_validate_json(invoice.model_dump_json(exclude_unset=True)) == invoice


def change(**more: Any) -> Change:
    given_facts: dict[str, Any] = {
        "action": Action.CREATE,
        "system": "crm",
        "kind": Kind.INVOICE,
        "entity": "e1",
        "because": "missing there",
        **more,
    }
    return Change(**given_facts)


FIELD = FieldChange(path="due_on", before=None, after="2026-04-30", decided_by="erp")


def test_a_create_has_one_key_for_ever_whatever_its_fields() -> None:
    assert change().key == change(fields=(FIELD,), because="something else").key
    assert change().key != change(entity="e2").key
    assert change().key != change(system="erp").key


def test_an_update_follows_its_content_and_its_starting_version() -> None:
    first = change(action=Action.UPDATE, fields=(FIELD,), expected=Version(digest="a"))
    assert first.key == change(action=Action.UPDATE, fields=(FIELD,), expected=Version(digest="a"), because="again").key
    assert first.key != change(action=Action.UPDATE, fields=(FIELD,), expected=Version(digest="b")).key
    other = FIELD.model_copy(update={"after": "2026-05-31"})
    assert first.key != change(action=Action.UPDATE, fields=(other,), expected=Version(digest="a")).key


@given(st.text(min_size=1, max_size=50))
def test_a_key_fits_every_vendors_field(entity: str) -> None:
    assert len(change(entity=entity).key) == 32
    assert change(entity=entity).key.isalnum()


def test_a_change_survives_json() -> None:
    made = change(
        fields=(FIELD,), target=Ref(system="crm", kind=Kind.INVOICE, external_id="1"), expected=Version(digest="x")
    )
    assert Change.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("system", ["", "ERP", "1erp", "a-b", "x" * 40])
def test_a_system_has_a_plain_name(system: str) -> None:
    with pytest.raises(ValidationError):
        Ref(system=system, kind=Kind.CUSTOMER, external_id="1")
