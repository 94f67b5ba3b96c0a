"""Customers and customer classes (yonyou.md B3, B6, B7)."""

from __future__ import annotations

from typing import Any

import pytest
from bip_desk import NOW, Desk

AT = "digitalModel/merchant"
CLASSES = "digitalModel/custcategory"


def test_an_inserted_customer_comes_back_in_list_and_detail() -> None:
    desk = Desk()
    more = {
        "creditCode": "91320508000000014X",
        "merchantAgentInvoiceInfos": [{"title": "客户C1", "taxNo": "91320508000000014X", "isDefault": True}],
        "merchantAppliedDetail": {"creditServiceDay": 45},
    }
    customer = desk.new_customer(**more)
    row = desk.data(f"{AT}/newlist", {})[0]
    detail = desk.data(f"{AT}/newBatchDetail", [{"id": customer, "belongOrgCode": "ORG01"}])[0]

    assert row["name"] == {"simplifiedName": "客户C1"}
    assert (row["code"], row["stopStatus"], row["createTime"], row["pubts"]) == ("C1", False, NOW, NOW)
    assert "merchantAgentInvoiceInfos" not in row
    assert detail["merchantAgentInvoiceInfos"][0]["taxNo"] == "91320508000000014X"
    assert detail["merchantAppliedDetail"]["creditServiceDay"] == 45


@pytest.mark.parametrize(
    "changes",
    [
        {"code": ""},
        {"name": {"englishName": "only"}},
        {"createOrgCode": None},
        {"createOrgCode": "ORG99"},
        {"code": "C1"},
        {"customerClassCode": "nope"},
        {"merchantAgentInvoiceInfos": {"taxNo": "x"}},
    ],
    ids=str,
)
def test_a_failed_validation_is_code_0_as_a_number(changes: dict[str, Any]) -> None:
    desk = Desk()
    desk.new_customer()
    data = {"code": "C2", "name": {"simplifiedName": "二"}, "createOrgCode": "ORG01", **changes}
    answer = desk.call(f"{AT}/idempotent/newinsert", {"data": data})

    assert answer["code"] == 0
    assert answer["message"]
    assert desk.books.count("merchant") == 1


def test_inserts_are_idempotent_by_key() -> None:
    desk = Desk()

    assert desk.new_customer(resubmitCheckKey="K") == desk.new_customer(resubmitCheckKey="K")
    assert desk.books.count("merchant") == 1


def test_what_an_update_does_not_send_stays() -> None:
    desk = Desk()
    customer = desk.new_customer(email="a@example.com", merchantAppliedDetail={"creditServiceDay": 45, "payWay": 1})
    desk.emulator.clock.advance(2)
    update = {"id": customer, "name": {"englishName": "One"}, "merchantAppliedDetail": {"creditServiceDay": 60}}
    desk.data(f"{AT}/newupdate", {"data": update})
    detail = desk.data(f"{AT}/newBatchDetail", [{"code": "C1"}])[0]

    assert detail["name"] == {"simplifiedName": "客户C1", "englishName": "One"}
    assert (detail["email"], detail["merchantAppliedDetail"]) == (
        "a@example.com",
        {"creditServiceDay": 60, "payWay": 1},
    )
    assert (detail["createTime"], detail["pubts"]) == (NOW, "2026-10-08 10:30:02")
    assert desk.call(f"{AT}/newupdate", {"data": {"id": "1"}})["code"] == "1002"


def test_batch_detail_leaves_out_unknown_customers_and_the_id_wins() -> None:
    desk = Desk()
    one, two = desk.new_customer("C1"), desk.new_customer("C2")
    found = desk.data(f"{AT}/newBatchDetail", [{"id": one, "code": "C2"}, {"id": "1"}])

    assert [str(row["id"]) for row in found] == [one]
    assert desk.call(f"{AT}/newBatchDetail", [{"id": "1"}])["code"] == "999"
    assert desk.call(f"{AT}/newBatchDetail", [{}])["code"] == "310008"
    assert two != one


def test_stop_and_unstop_move_pubts() -> None:
    desk = Desk()
    customer = desk.new_customer()
    desk.emulator.clock.advance(1)
    desk.data(f"{AT}/stop", {"data": {"id": customer}})
    row = desk.data(f"{AT}/newlist", {})[0]

    assert (row["stopStatus"], row["pubts"]) == (True, "2026-10-08 10:30:01")
    assert desk.data(f"{AT}/stop", {"data": [{"id": customer}]})["failCount"] == 1
    desk.data(f"{AT}/unstop", {"data": {"id": customer}})
    assert desk.data(f"{AT}/newlist", {})[0]["stopStatus"] is False


def test_batch_delete_only_gives_a_key_and_spares_customers_with_documents() -> None:
    desk = Desk(async_delete_seconds=30)
    free, used = desk.new_customer("C1"), desk.new_customer("C2")
    desk.approved("receivable", used, "1.00")
    answer = desk.data(f"{AT}/batchdelete", {"data": [{"id": free}, {"id": used}]})

    assert set(answer) == {"asyncKey"}
    assert len(desk.data(f"{AT}/newlist", {})) == 2
    desk.emulator.clock.advance(30)
    assert [str(row["id"]) for row in desk.data(f"{AT}/newlist", {})] == [used]


def test_classes_are_a_flat_tree() -> None:
    desk = Desk()
    top = desk.data(f"{CLASSES}/idempotent/newinsert", {"data": {"code": "01", "name": {"simplifiedName": "企业"}}})
    leaf = {"code": "0101", "name": {"zh_CN": "大型企业", "en_US": "Large"}, "parent": top["id"]}
    assert desk.data(f"{CLASSES}/newbatchsave", {"data": [leaf, {"code": ""}]})["failCount"] == 1
    rows = desk.data(f"{CLASSES}/newtree", {})

    assert [(row["code"], row["level"], row.get("parent")) for row in rows] == [
        ("01", 1, None),
        ("0101", 2, rows[0]["id"]),
    ]
    assert isinstance(rows[0]["id"], int)
    assert rows[1]["name"] == {"simplifiedName": "大型企业", "englishName": "Large"}
    detail = desk.data(f"{CLASSES}/newdetailbyid", id=str(rows[1]["id"]))
    assert detail["name"] == {"zh_CN": "大型企业", "en_US": "Large"}


def test_a_class_is_changed_and_deleted_only_when_nothing_uses_it() -> None:
    desk = Desk()
    made = desk.data(f"{CLASSES}/idempotent/newinsert", {"data": {"code": "01", "name": {"simplifiedName": "企业"}}})
    customer = desk.new_customer(customerClassCode="01")
    assert str(desk.data(f"{AT}/newlist", {})[0]["customerClassId"]) == made["id"]
    desk.data(f"{CLASSES}/newupdate", {"data": {"id": made["id"], "name": {"simplifiedName": "公司"}}})
    assert desk.data(f"{CLASSES}/newtree", {})[0]["name"]["simplifiedName"] == "公司"

    desk.data(f"{CLASSES}/batchdelete", {"data": [{"id": made["id"]}]})
    assert len(desk.data(f"{CLASSES}/newtree", {})) == 1
    desk.data(f"{AT}/batchdelete", {"data": [{"id": customer}]})
    desk.data(f"{CLASSES}/newtree", {})
    desk.data(f"{CLASSES}/batchdelete", {"data": [{"id": made["id"]}]})
    assert desk.data(f"{CLASSES}/newtree", {}) == []


def test_class_stamps_are_inclusive_below_and_exclusive_above() -> None:
    desk = Desk()
    for code in ("01", "02"):
        desk.data(f"{CLASSES}/idempotent/newinsert", {"data": {"code": code, "name": {"simplifiedName": code}}})
        desk.emulator.clock.advance(60)

    def codes(**body: str) -> list[str]:
        return [row["code"] for row in desk.data(f"{CLASSES}/newtree", body)]

    assert codes(pubts="2026-10-08 10:31:00") == ["02"]
    assert codes(beganTime=NOW, endTime="2026-10-08 10:31:00") == ["01"]
