"""The world's data in U8: a reader of the wire alone gets every amount back to the fen."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from u8_asking import Asker

from ledgerbridge.sandbox.world.facts import (
    Company,
    Holding,
    Invoice,
    InvoiceKind,
    Line,
    Receipt,
    ReceiptKind,
    Status,
    SystemName,
)
from ledgerbridge.sandbox.yonyou_u8.loading import invoice_lines

AT = datetime(2024, 3, 1, 2, 30, 15, 700_000, tzinfo=UTC)
ISO = {"人民币": "CNY", "美元": "USD", "日元": "JPY", "欧元": "EUR"}
EXPONENT = {"CNY": 2, "USD": 2, "EUR": 2, "JPY": 0}

COMPANY = Company(
    key="K1", code="C001", name="苏州甲有限公司", short_name="甲", credit_code="91320594MA1N00001X", province="江苏省",
    city="苏州市", district="工业园区", address="江苏省苏州市星湖街1号", region_code="320594", phone="0512-1", mobile="138",
    email="a@b.example", contact="王芳", bank_name="工行", bank_account="622", class_code="0101", class_name="华东",
    industry="机械", salesperson_code="S1", salesperson="李", credit_limit=1_000_050, credit_days=30, currency="CNY",
    opened_on=date(2020, 1, 2), disabled_on=None, remark="", created_at=AT, modified_at=AT,
)  # fmt: skip
LINE = Line("I1", "泵", "台", Decimal(2), Decimal("50.00"), Decimal("0.13"), 10_000, 1_300, 11_300)
INVOICE = Invoice(
    key="I1", number="XS1", tax_invoice_code="3200", tax_invoice_number="00123456", kind=InvoiceKind.INVOICE, company="K1",
    issued_on=date(2024, 3, 1), due_on=date(2024, 3, 31), currency="CNY", rate=Decimal(1), net=10_000, tax=1_300,
    gross=11_300, base_gross=11_300, open_amount=0, order_number="SO1", contract_number="HT-1", status=Status.APPROVED,
    salesperson_code="S1", department_code="01", remark="备注", created_at=AT, modified_at=AT, lines=(LINE,),
)  # fmt: skip
RECEIPT = Receipt(
    key="R1", number="SK1", kind=ReceiptKind.RECEIPT, company="K1", payer_name="甲集团", payer_account="6222", payer_bank="农行",
    received_on=date(2024, 3, 5), currency="CNY", rate=Decimal(1), amount=9_800, fee=200, base_amount=9_800,
    remittance="付XS1", method="电汇", bank_reference="B1", own_account="1102", status=Status.APPROVED, created_at=AT,
    modified_at=AT,
)  # fmt: skip


def _loaded(*, switches: dict[str, Any] | None = None, **parts: Any) -> Asker:
    asker = Asker(**(switches or {}))
    parts = {"companies": (COMPANY,), **parts}
    asker.u8.load(Holding(SystemName.YONYOU_U8, **parts))
    return asker


def _minor(value: object, currency: str) -> int:
    amount = Decimal(str(value)).scaleb(EXPONENT[currency])
    assert amount == int(amount)
    return int(amount)


def _read_invoice(row: dict[str, Any]) -> tuple[Any, ...]:
    """(number, customer code, date, currency, net, tax, gross, base gross) of a sale invoice, from the wire."""
    currency = ISO[row["foreigncurrency"]]
    sums = {
        name: sum((Decimal(line[name]) for line in row["entry"]), Decimal(0))
        for name in ("originalmoney", "originaltax", "originalsum", "money", "tax", "sum")
    }
    assert sums["money"] + sums["tax"] == sums["sum"]
    net, tax, gross = (_minor(sums[name], currency) for name in ("originalmoney", "originaltax", "originalsum"))
    return row["invoiceno"], row["customercode"], row["date"], currency, net, tax, gross, _minor(sums["sum"], "CNY")


def test_a_customer_field_by_field() -> None:
    row = _loaded().get("/api/customer/get", id="C001")["customer"]
    assert row.pop("timestamp").isdigit()
    assert row == {
        "code": "C001", "name": "苏州甲有限公司", "abbrname": "甲", "sort_code": "0101", "domain_code": "320594",
        "industry": "机械", "address": "江苏省苏州市星湖街1号", "contact": "王芳", "phone": "0512-1", "mobile": "138",
        "devliver_site": "江苏省苏州市星湖街1号", "bank_open": "工行", "bank_acc_number": "622", "ccusexch_name": "人民币",
        "bcusdomestic": "1", "bcusoverseas": "0", "bserviceattribute": "0", "ccusmngtypecode": "999",
        "ccusmngtypename": "普通", "spec_operator": "S1", "spec_operator_name": "李", "seed_date": "2020-01-02 00:00:00.0",
        "ModifyDate": "2024-03-01 10:30:15.7", "tax_reg_code": "91320594MA1N00001X", "credit_amount": "10000.5",
        "email": "a@b.example",
    }  # fmt: skip


def test_a_disabled_customer_and_one_without_extras() -> None:
    bare = dataclasses.replace(
        COMPANY, credit_code=None, credit_limit=None, email="", disabled_on=date(2024, 2, 1), currency="USD"
    )
    row = _loaded(companies=(bare,)).get("/api/customer/get", id="C001")["customer"]
    assert row["end_date"] == "2024-02-01 00:00:00.0"
    assert (row["ccusexch_name"], row["bcusdomestic"], row["bcusoverseas"]) == ("美元", "0", "1")
    assert not {"tax_reg_code", "credit_amount", "email"} & set(row)


def test_customers_are_stamped_in_order_of_their_last_change() -> None:
    later = dataclasses.replace(COMPANY, code="C000", modified_at=datetime(2024, 4, 1, tzinfo=UTC))
    rows = _loaded(companies=(later, COMPANY)).get("/api/customer/batch_get")["customer"]
    stamps = {row["code"]: int(row["timestamp"]) for row in rows}
    assert stamps["C001"] < stamps["C000"]


def test_the_documents_of_a_customer_held_twice_belong_to_its_first_record() -> None:
    twin = dataclasses.replace(COMPANY, code="C000")
    asker = _loaded(companies=(COMPANY, twin), invoices=(INVOICE,))
    assert asker.keys("saleinvoicelist", "invoiceno", customercode="C001") == ["XS1"]


def test_an_invoice_field_by_field() -> None:
    row = _loaded(invoices=(INVOICE,)).get("/api/saleinvoice/get", id="XS1")["saleinvoice"]
    assert row == {
        "invoiceno": "XS1", "vouchertype": "26", "saletypecode": "01", "cstname": "普通销售", "date": "2024-03-01",
        "customercode": "C001", "ccusabbname": "甲", "customername": "苏州甲有限公司", "departmentcode": "01",
        "personcode": "S1", "cpersonname": "李", "foreigncurrency": "人民币", "currencyrate": "1", "taxrate": "13",
        "isnegative": 0, "dcreditstart": "2024-03-01", "icreditdays": 30, "dgatheringdate": "2024-03-31", "ccusbank": "工行",
        "ccusaccount": "622", "csocode": "SO1", "businesstype": "普通销售", "isfirst": 0, "maker": "demo", "memory": "备注",
        "define1": "HT-1", "define2": "3200", "define3": "00123456",
        "entry": [
            {"irowno": 1, "inventorycode": "I1", "unitid": "台", "quantity": 2, "originalprice": "50",
             "originaltaxedprice": "56.5", "originalmoney": "100", "originaltax": "13", "originalsum": "113", "money": "100",
             "tax": "13", "sum": "113"}
        ],
    }  # fmt: skip


def test_a_credit_note_is_a_red_invoice_that_names_what_it_reverses() -> None:
    minus = Line("I1", "泵", "台", Decimal(-1), Decimal("50.00"), Decimal("0.13"), -5_000, -650, -5_650)
    note = dataclasses.replace(
        INVOICE, key="I2", number="HZ1", kind=InvoiceKind.CREDIT_NOTE, net=-5_000, tax=-650, gross=-5_650, base_gross=-5_650,
        lines=(minus,), reverses="I1",
    )  # fmt: skip
    row = _loaded(invoices=(INVOICE, note)).get("/api/saleinvoice/get", id="HZ1")["saleinvoice"]
    assert (row["isnegative"], row["define10"]) == (1, "XS1")
    assert row["entry"][0]["quantity"] == -1
    assert _read_invoice(row)[4:] == (-5_000, -650, -5_650, -5_650)


@pytest.mark.parametrize("place", ["saleinvoice", "oughtreceive"])
def test_an_opening_balance(place: str) -> None:
    opening = dataclasses.replace(INVOICE, kind=InvoiceKind.OPENING_BALANCE, number="QC1", lines=(), remark="结转")
    asker = _loaded(invoices=(opening,), switches={"opening_balance_as": place})
    row = asker.get(f"/api/{place}/get", id="QC1")[place]
    if place == "saleinvoice":
        assert row["isfirst"] == 1
        assert _read_invoice(row)[4:] == (10_000, 1_300, 11_300, 11_300)
    else:
        assert row["digest"] == "期初 结转"
        assert (row["amount"], row["natamount"]) == (113, 113)


@pytest.mark.parametrize(("gross", "blue"), [(100_000, 1), (-100_000, 0)])
def test_another_receivable(gross: int, blue: int) -> None:
    base = gross * 71 // 10
    other = dataclasses.replace(
        INVOICE, kind=InvoiceKind.OTHER_RECEIVABLE, number="YS1", currency="USD", rate=Decimal("7.1"), gross=gross,
        base_gross=base, status=Status.DRAFT,
    )  # fmt: skip
    asker = _loaded(invoices=(other,))
    row = asker.get("/api/oughtreceive/get", id="YS1")["oughtreceive"]
    assert (row["bdebitcredit"], row["state"], row["define4"], row["define8"]) == (blue, "新增", "2024-03-31", "SO1")
    sign = 1 if row["bdebitcredit"] else -1
    assert _minor(row["amount"], "USD") * sign == gross
    assert _minor(row["natamount"], "CNY") * sign == base
    assert (row["entry"][0]["currency_name"], row["entry"][0]["currency_rate"]) == ("美元", Decimal("7.1"))
    assert asker.u8.count("invoice") == 1


def test_a_receipt_with_a_fee_field_by_field() -> None:
    asker = _loaded(receipts=(RECEIPT,))
    row = asker.get("/api/accept/get", id="SK1")["accept"]
    line = {"customercode": "C001", "personcode": "S1"}
    assert row == {
        "vouchcode": "SK1", "vouchdate": "2024-03-05", "vouchtype": "48", "customercode": "C001",
        "customername": "苏州甲有限公司", "customerabbname": "甲", "personcode": "S1", "personname": "李", "amount": 98,
        "originalamount": 98, "digest": "付XS1", "balancecode": "01", "balancename": "电汇", "oppositebankname": "农行",
        "oppositebankcode": "6222", "bankaccount": "1102", "define1": "B1", "define2": "甲集团",
        "entry": [
            {"type": 0, **line, "digest": "付XS1", "amount": 100, "originalamount": 100},
            {"type": 2, **line, "digest": "银行手续费", "amount": -2, "originalamount": -2},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "amount", "vouchtype", "entry_type"),
    [
        (ReceiptKind.RECEIPT, 70_000, "48", 0),
        (ReceiptKind.PREPAYMENT, 70_000, "48", 1),
        (ReceiptKind.ACCEPTANCE_BILL, 70_000, "48", 0),
        (ReceiptKind.REFUND, -70_000, "49", 0),
    ],
)
def test_kinds_of_receipts(kind: ReceiptKind, amount: int, vouchtype: str, entry_type: int) -> None:
    receipt = dataclasses.replace(
        RECEIPT,
        kind=kind,
        amount=amount,
        fee=0,
        currency="JPY",
        rate=Decimal("0.0476"),
        base_amount=amount * 476 // 100,
    )
    asker = _loaded(receipts=(receipt,), switches={"accept_currency_field": "define9"})
    row = asker.get("/api/accept/get", id="SK1")["accept"]
    sign = -1 if row["vouchtype"] == "49" else 1
    assert (row["vouchtype"], row["entry"][0]["type"], row["define9"]) == (vouchtype, entry_type, "日元")
    assert (_minor(row["originalamount"], "JPY") * sign, _minor(row["amount"], "CNY") * sign) == (
        amount,
        amount * 476 // 100,
    )
    assert row["amount"] == Decimal(3332)
    assert ("承兑" in row["balancename"]) == (kind is ReceiptKind.ACCEPTANCE_BILL)


def test_a_receipt_has_no_currency_unless_the_tenant_added_one() -> None:
    row = _loaded(receipts=(RECEIPT,)).get("/api/accept/get", id="SK1")["accept"]
    assert "人民币" not in row.values()


def test_void_documents_are_not_shown_unless_switched_and_still_counted() -> None:
    void = dataclasses.replace(INVOICE, number="XS2", key="I2", status=Status.VOID)
    asker = _loaded(invoices=(INVOICE, void))
    assert asker.keys("saleinvoicelist", "invoiceno") == ["XS1"]
    assert asker.get("/api/saleinvoice/get", id="XS2")["errcode"] == "20002"
    assert asker.u8.count("invoice") == 2
    asker.u8.switches.update(void_documents="shown", status_field="define9")
    assert asker.keys("saleinvoicelist", "define9") == ["审核", "作废"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"invoices": (INVOICE, INVOICE)}, "saleinvoice XS1 twice"),
        ({"receipts": (RECEIPT, RECEIPT)}, "accept SK1 twice"),
        ({"companies": (COMPANY, COMPANY)}, "customer C001 twice"),
        ({"companies": (), "invoices": (INVOICE,)}, "its customer K1"),
        ({"receipts": (dataclasses.replace(RECEIPT, company=None),)}, "document SK1: its customer None"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_u8_could_not_hold_is_named(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _loaded(**parts)


def test_another_systems_holding_is_refused() -> None:
    with pytest.raises(ValueError, match="zoho_crm's, not yonyou_u8's"):
        Asker().u8.load(Holding(SystemName.ZOHO_CRM))


def test_loading_twice_is_refused_not_merged() -> None:
    asker = _loaded()
    with pytest.raises(ValueError, match="C001 twice"):
        asker.u8.load(Holding(SystemName.YONYOU_U8, companies=(COMPANY,)))


@settings(deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(-(10**6), 10**6)), min_size=1, max_size=6),
    currency=st.sampled_from(["CNY", "USD", "JPY"]),
    rate=st.decimals("0.0001", "20", places=4),
    off=st.integers(-3, 3),
)
def test_line_amounts_add_up_to_the_document_in_both_currencies(
    parts: list[tuple[int, int]], currency: str, rate: Decimal, off: int
) -> None:
    rate = Decimal(1) if currency == "CNY" else rate
    lines = tuple(
        Line("I", "x", "台", Decimal(1), Decimal(1), Decimal("0.13"), net, tax, net + tax) for net, tax in parts
    )
    gross = sum(line.gross for line in lines)
    base = int((Decimal(gross).scaleb(-EXPONENT[currency]) * rate * 100).to_integral_value()) + off
    invoice = dataclasses.replace(INVOICE, currency=currency, rate=rate, gross=gross, base_gross=base, lines=lines)
    rows = invoice_lines(invoice)
    assert [_minor(row["originalmoney"], currency) for row in rows] == [line.net for line in lines]
    assert [_minor(row["originaltax"], currency) for row in rows] == [line.tax for line in lines]
    assert [_minor(row["originalsum"], currency) for row in rows] == [line.gross for line in lines]
    assert sum(_minor(row["sum"], "CNY") for row in rows) == base
    assert all(Decimal(row["money"]) + Decimal(row["tax"]) == Decimal(row["sum"]) for row in rows)


def test_seeded_records_are_valid_and_have_the_promised_ids() -> None:
    asker = Asker()
    customers, invoices, payments = (
        asker.u8.seed("customer", 3),
        asker.u8.seed("invoice", 10),
        asker.u8.seed("payment", 4),
    )
    assert [asker.u8.count(kind) for kind in ("customer", "invoice", "payment")] == [3, 10, 4]
    assert asker.keys("customer", "code") == customers
    assert asker.keys("acceptlist", "vouchcode") == payments
    found = [f"saleinvoice:{number}" for number in asker.keys("saleinvoicelist", "invoiceno")]
    found += [f"oughtreceive:{number}" for number in asker.keys("oughtreceivelist", "code")]
    assert sorted(invoices) == sorted(found)
    assert any(each.startswith("oughtreceive:") for each in invoices)
    again = asker.u8.seed("customer", 2)
    assert not set(again) & set(customers)


def test_seeded_documents_bring_a_customer_if_there_is_none() -> None:
    asker = Asker()
    asker.u8.seed("invoice", 5)
    assert asker.u8.count("customer") == 1
    (code,) = asker.keys("customer", "code")
    assert len(asker.keys("saleinvoicelist", "invoiceno", customercode=code)) == 4


def test_a_person_edits_a_customer() -> None:
    asker = _loaded()
    before = asker.get("/api/customer/get", id="C001")["customer"]
    asker.u8.touch("customer", "C001", {"phone": "1", "memo": None, "credit_amount": 5})
    after = asker.get("/api/customer/get", id="C001")["customer"]
    assert int(after["timestamp"]) > int(before["timestamp"])
    assert (after["phone"], after["ModifyDate"], after["credit_amount"]) == ("1", "2024-05-06 12:00:00.0", "5")


def test_a_person_edits_and_deletes_vouchers() -> None:
    asker = _loaded(invoices=(INVOICE,), receipts=(RECEIPT,))
    asker.u8.touch(
        "invoice", "saleinvoice:XS1", {"memory": "改", "entry": [{"originalsum": 9.5, "inventorycode": "I9"}]}
    )
    row = asker.get("/api/saleinvoice/get", id="XS1")["saleinvoice"]
    assert (row["memory"], row["entry"]) == ("改", [{"originalsum": "9.5", "inventorycode": "I9"}])
    asker.u8.touch("invoice", "saleinvoice:XS1", {"_status": "void"})
    assert asker.keys("saleinvoicelist", "invoiceno") == []
    asker.u8.discard("payment", "SK1")
    assert asker.u8.count("payment") == 0
    assert asker.u8.count("invoice") == 1
    asker.u8.discard("invoice", "saleinvoice:XS1")
    assert asker.u8.count("invoice") == 0


@pytest.mark.parametrize(
    ("kind", "record_id", "changes", "error"),
    [
        ("customer", "C9", {}, KeyError),
        ("invoice", "XS1", {}, KeyError),
        ("invoice", "saleinvoice:XS9", {}, KeyError),
        ("receipt", "SK1", {}, ValueError),
        ("customer", "C001", {"colour": "red"}, ValueError),
        ("customer", "C001", {"timestamp": 1}, ValueError),
        ("customer", "C001", {"code": "C002"}, ValueError),
        ("customer", "C001", {"credit_amount": "much"}, ValueError),
        ("invoice", "saleinvoice:XS1", {"_status": "gone"}, ValueError),
    ],
    ids=str,
)
def test_edits_that_no_screen_allows(
    kind: str, record_id: str, changes: dict[str, Any], error: type[Exception]
) -> None:
    asker = _loaded(invoices=(INVOICE,))
    with pytest.raises(error):
        asker.u8.touch(kind, record_id, changes)
