from __future__ import annotations

from datetime import date

import pytest

from ledgerbridge.model.base import Frozen
from ledgerbridge.model.customer import Customer
from ledgerbridge.model.invoice import DocumentStatus, Invoice, InvoiceKind
from ledgerbridge.model.party import DocumentRef, PartyRef
from ledgerbridge.model.payment import Allocation, Payment
from ledgerbridge.store.observed import Row
from ledgerbridge.sync.columns import Columns, columns_of

PARTY = PartyRef(external_id="77", code="C1", name="上海一鸣贸易有限公司", credit_code="91310000MA1K4BPU8U")
DAY, DUE = date(2026, 1, 31), date(2026, 3, 2)
RECORDS: list[tuple[Frozen, dict[str, object]]] = [
    (
        Invoice(
            number="XS-1",
            kind=InvoiceKind.CREDIT_NOTE,
            customer=PARTY,
            issued_on=DAY,
            due_on=DUE,
            currency="CNY",
            total_minor=-12_050,
            tax_minor=-1_386,
            open_minor=-50,
            status=DocumentStatus.VOID,
        ),
        {
            "currency": "CNY",
            "amount_minor": -12_050,
            "tax_minor": -1_386,
            "open_minor": -50,
            "number": "XS-1",
            "party_id": "77",
            "party_code": "C1",
            "party_name": PARTY.name,
            "credit_code": PARTY.credit_code,
            "business_on": "2026-01-31",
            "due_on": "2026-03-02",
            "doc_status": "void",
            "doc_kind": "credit_note",
        },
    ),
    (
        Payment(
            number="SK-1", part="7", payer_name="张三", received_on=DAY, currency="JPY", amount_minor=500, fee_minor=3
        ),
        {
            "currency": "JPY",
            "amount_minor": 500,
            "fee_minor": 3,
            "number": "SK-1",
            "part": "7",
            "party_name": "张三",
            "business_on": "2026-01-31",
            "doc_status": "approved",
            "doc_kind": "receipt",
        },
    ),
    (
        Customer(code="C1", name=str(PARTY.name), credit_code=PARTY.credit_code, credit_limit_minor=5),
        {
            "number": "C1",
            "party_code": "C1",
            "party_name": PARTY.name,
            "credit_code": PARTY.credit_code,
            "doc_status": "active",
        },
    ),
    (
        Allocation(number="HX-1", invoice=DocumentRef(number="XS-1"), currency="CNY", amount_minor=7, allocated_on=DAY),
        {
            "currency": "CNY",
            "amount_minor": 7,
            "number": "HX-1",
            "business_on": "2026-01-31",
            "doc_status": "approved",
        },
    ),
]


@pytest.mark.parametrize(("record", "expected"), RECORDS, ids=[type(record).__name__ for record, _ in RECORDS])
def test_columns_of_each_kind(record: Frozen, expected: dict[str, object]) -> None:
    columns = columns_of(record)
    assert columns == Columns(**expected)  # type: ignore[arg-type]
    assert all(type(value) in {str, int, type(None)} for value in columns), "the drivers' bulk paths want plain types"


def test_columns_stand_in_the_order_of_the_row() -> None:
    start = Row._fields.index(Columns._fields[0])
    assert Row._fields[start : start + len(Columns._fields)] == Columns._fields


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="PartyRef is no canonical record"):
        columns_of(PARTY)
