"""Sales invoices and credit (yonyou.md B7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bip_desk import Desk

AT = "sd/vouchersaleinvoice"


def invoice(
    customer: str, *, net: str = "100.00", tax: str = "13.00", gross: str = "113.00", **more: Any
) -> dict[str, Any]:
    money = {"oriMoney": net, "oriTax": tax, "oriSum": gross, "natMoney": net, "natTax": tax, "natSum": gross}
    return {
        "orgId": "ORG01",
        "invoiceSrcSystem": "OPENAPI",
        "agentId": customer,
        "invAgentId": customer,
        "currency": "CNY",
        "exchangeRateType": "01",
        "natCurrency": "CNY",
        "vouchdate": "2026-10-01",
        "source": "OPENAPI",
        "invDirection": 2,
        "invoiceType": "1",
        "exchRate": 1,
        **money,
        "saleInvoiceDetails": [{"productCode": "P1", "qty": 2, "taxRate": 13, **money}],
        "_status": "Insert",
        **more,
    }


def test_save_detail_and_list_agree() -> None:
    desk = Desk()
    customer = desk.new_customer()
    saved = desk.data(f"{AT}/save", {"data": invoice(customer)})
    answer = desk.call(f"{AT}/detail", id=str(saved["id"]))
    detail = answer["data"]

    assert answer["code"] == 200  # a number here, text on the save
    assert desk.call(f"{AT}/detail", id="1")["code"] == "999"
    assert str(detail["id"]) == saved["id"]
    assert (detail["oriSum"], detail["natTax"], detail["invDirection"]) == (Decimal("113.00"), Decimal("13.00"), 2)
    assert (detail["currency_code"], detail["agentName"]) == ("CNY", "客户C1")
    assert "agentCode" not in detail
    row = desk.rows(f"{AT}/list")[0]
    assert row["saleInvoiceDetails"]["oriSum"] == Decimal("113.00")  # nested, not flattened
    assert "saleInvoiceDetails" not in desk.rows(f"{AT}/list", {"isSum": True})[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"invoiceType": None}, "310008"),
        ({"agentId": "1"}, "1002"),
        ({"currency": "XXX"}, "1002"),
        ({"oriSum": "114.00"}, "1001"),
        ({"oriSum": "113.001"}, "1001"),
        ({"oriSum": "a lot"}, "310023"),
        ({"invDirection": 3}, "1001"),
        ({"invDirection": 1}, "1001"),  # red invoices are below zero
        ({"saleInvoiceDetails": "x"}, "310023"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_wrong_invoice_is_refused(changes: dict[str, Any], code: str) -> None:
    desk = Desk()
    customer = desk.new_customer()

    assert desk.call(f"{AT}/save", {"data": invoice(customer, **changes)})["code"] == code
    assert desk.books.count("sd_invoice") == 0


def test_approved_invoices_can_neither_be_edited_nor_deleted() -> None:
    desk = Desk()
    saved = desk.data(f"{AT}/singleSave", {"data": invoice(desk.new_customer())})
    desk.data(f"{AT}/audit", {"data": {"id": saved["id"]}})

    assert desk.call(f"{AT}/delete", {"data": {"id": saved["id"]}})["code"] == "999"
    update = {**invoice(saved["agentId"]), "id": saved["id"], "_status": "Update"}
    assert desk.call(f"{AT}/save", {"data": update})["code"] == "999"
    desk.data(f"{AT}/unaudit", {"data": {"id": saved["id"]}})
    update |= {"memo": "changed"}
    assert desk.data(f"{AT}/save", {"data": update})["memo"] == "changed"
    assert desk.data(f"{AT}/delete", {"data": [{"id": saved["id"]}]})["sucessCount"] == 1
    assert desk.books.count("sd_invoice") == 0


def test_red_makes_a_negative_invoice_that_names_the_blue_one() -> None:
    desk = Desk()
    blue = desk.data(f"{AT}/save", {"data": invoice(desk.new_customer())})
    assert desk.call(f"{AT}/red", {"data": {"id": blue["id"]}})["code"] == "999"
    desk.data(f"{AT}/audit", {"data": {"id": blue["id"]}})
    red_id = desk.data(f"{AT}/red", {"data": {"id": blue["id"]}})["id"]
    red = desk.data(f"{AT}/detail", id=red_id)

    assert (red["invDirection"], red["oriSum"], str(red["blueInvId"])) == (1, Decimal("-113.00"), blue["id"])
    assert red["saleInvoiceDetails"][0]["qty"] == -2
    now = desk.data(f"{AT}/detail", id=blue["id"])
    assert (now["businessState"], now["isIssueRedInvoice"]) == (4, True)


def test_red_amounts_may_come_unsigned() -> None:
    desk = Desk(red_amounts="positive")
    customer = desk.new_customer()
    red = desk.data(f"{AT}/save", {"data": invoice(customer, invDirection=1)})

    assert red["oriSum"] == Decimal("113.00")
    assert desk.books.get("sd_invoice", red["id"])["oriSum"] == "-113.00"


def test_credit_is_asked_by_customer_and_currency() -> None:
    desk = Desk()
    customer = desk.emulator.seed("customer", 1)[0]
    desk.approved("receivable", customer, "300.00")
    item = {"targetObjId": customer, "currencyId": "CNY", "creditQueryType": 0, "targetType": 0}
    found = desk.data("sd/credit/query", {"data": [item]})[0]

    assert (found["creditLine"], found["creditBalance"]) == (Decimal("100000.00"), Decimal("99700.00"))
    assert found["settingOverdueDays"] == 30
    assert "creditLine" not in desk.data("sd/credit/query", {"data": [{**item, "currencyId": "USD"}]})[0]
    assert desk.call("sd/credit/query", {"data": [{**item, "targetObjId": "1"}]})["code"] == "1002"
    assert desk.call("sd/credit/query", {"data": [{"targetObjId": customer}]})["code"] == "310008"
