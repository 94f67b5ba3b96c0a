from __future__ import annotations

from typing import Any

import pytest
from fxiaoke_desk import START_MS, Desk, ids


def test_removal_is_two_steps() -> None:
    desk = Desk()
    row_id = desk.account()

    assert desk.data("AccountObj", "delete", {"idList": [row_id]})["errorCode"] == 32000
    assert desk.data("AccountObj", "invalid", {"object_data_id": row_id})["errorCode"] == 0
    assert desk.data("AccountObj", "delete", {"idList": [row_id]})["errorCode"] == 0
    gone = desk.data("AccountObj", "get", {"objectDataId": row_id})
    assert gone["errorCode"] == 32000
    assert "数据不存在" in gone["errorMessage"]
    assert desk.data("AccountObj", "recover", {"idList": [row_id]})["errorCode"] == 32000


def test_invalid_stamps_the_row_and_its_details_and_recover_reverses() -> None:
    desk = Desk()
    payment = desk.payment(desk.account(), {"payment_amount": "1"})
    desk.emulator.clock.advance(1)
    desk.data("PaymentObj", "invalid", {"object_data_id": payment})
    void = desk.get("PaymentObj", payment)
    line = desk.found("OrderPaymentObj", ("payment_id", "EQ", [payment]))[0]

    assert (void["life_status"], void["life_status_before_invalid"], void["version"]) == ("invalid", "normal", "2")
    assert void["invalid_time"] == void["last_modified_time"] == START_MS + 1000
    assert void["is_deleted"] is False
    assert line["life_status"] == "invalid"
    desk.data("PaymentObj", "recover", {"idList": [payment]})
    back = desk.get("PaymentObj", payment)
    assert (back["life_status"], back["version"]) == ("normal", "3")
    assert "life_status_before_invalid" not in back
    assert desk.get("OrderPaymentObj", line["_id"])["life_status"] == "normal"


def test_recover_leaves_lines_alone_that_were_void_before() -> None:
    desk = Desk()
    payment = desk.payment(desk.account(), {"payment_amount": "1"}, {"payment_amount": "2"})
    lines = desk.found("OrderPaymentObj", ("payment_id", "EQ", [payment]))
    desk.data("OrderPaymentObj", "invalid", {"object_data_id": lines[0]["_id"]})
    desk.data("PaymentObj", "invalid", {"object_data_id": payment})
    desk.data("PaymentObj", "recover", {"idList": [payment]})

    assert desk.get("OrderPaymentObj", lines[0]["_id"])["life_status"] == "invalid"
    assert desk.get("OrderPaymentObj", lines[1]["_id"])["life_status"] == "normal"


def test_delete_takes_the_details_along() -> None:
    desk = Desk()
    payment = desk.payment(desk.account(), {"payment_amount": "1"})
    desk.data("PaymentObj", "invalid", {"object_data_id": payment})
    desk.data("PaymentObj", "delete", {"idList": [payment]})

    assert desk.found("OrderPaymentObj") == []


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("invalid", {"object_data_id": ["a"]}),
        ("invalid", {"idList": ["a"]}),
        ("invalid", {"object_data_id": "f" * 24}),
        ("delete", {"idList": "a"}),
        ("delete", {"idList": []}),
        ("recover", {"object_data_id": "a"}),
        ("changeOwner", {"data": []}),
        ("changeOwner", {"Data": [{"objectDataId": "f" * 24, "ownerId": ["x"]}]}),
    ],
)
def test_wrongly_spelled_or_unknown_targets_are_refused(action: str, data: dict[str, Any]) -> None:
    assert Desk().data("AccountObj", action, data)["errorCode"] == 32000


def test_a_void_row_takes_no_update_and_no_second_void() -> None:
    desk = Desk()
    row_id = desk.account()
    desk.data("AccountObj", "invalid", {"object_data_id": row_id})

    assert desk.update("AccountObj", row_id, {"tel": "1"})["errorCode"] == 32000
    assert desk.data("AccountObj", "invalid", {"object_data_id": row_id})["errorCode"] == 32000


@pytest.mark.parametrize(("hide", "seen"), [(False, 2), (True, 1)])
def test_whether_queries_show_void_rows_is_a_switch(hide: bool, seen: int) -> None:
    desk = Desk(hideInvalid=hide)
    row_id = desk.account()
    desk.account()
    desk.data("AccountObj", "invalid", {"object_data_id": row_id})

    assert len(desk.found("AccountObj")) == seen
    assert len(desk.found("AccountObj", orders=[{"fieldName": "_id", "isAsc": True}])) == seen
    assert ids(desk.found("AccountObj", ("life_status", "EQ", ["invalid"]))) == [row_id]
    assert desk.get("AccountObj", row_id)["life_status"] == "invalid"


def test_bulk_invalidation_is_for_custom_objects() -> None:
    desk = Desk()
    account = desk.account()
    bills = [desk.bill(account, "AR-1"), desk.bill(account, "AR-2")]
    path = "/cgi/crm/custom/data/invalid"

    assert desk.call(path, {"data": {"dataObjectApiName": "AccountObj", "idList": [account]}})["errorCode"] == 32000
    assert desk.call(path, {"data": {"dataObjectApiName": "ar_bill__c", "idList": bills}})["errorCode"] == 0
    assert {desk.get("ar_bill__c", one)["life_status"] for one in bills} == {"invalid"}


def test_locked_rows_refuse_and_only_custom_ones_have_a_bypass() -> None:
    desk = Desk()
    account = desk.account()
    bill = desk.bill(account)
    for api_name, row_id in (("AccountObj", account), ("ar_bill__c", bill)):
        data = {"dataObjectApiName": api_name, "dataIds": [row_id], "detailObjStrategy": 0}
        assert desk.call("/cgi/crm/v2/object/lock", {"data": data})["errorCode"] == 0
        refused = desk.update(api_name, row_id, {"name": "x"})
        assert refused["errorCode"] == 32000
        assert "锁定" in refused["errorMessage"]
        assert desk.data(api_name, "invalid", {"object_data_id": row_id})["errorCode"] == 32000

    assert desk.update("AccountObj", account, {"name": "x"}, skipDataStatusValidate=True)["errorCode"] == 32000
    assert desk.update("ar_bill__c", bill, {"name": "x"}, skipDataStatusValidate=True)["errorCode"] == 0
    row = desk.get("ar_bill__c", bill)
    assert (row["lock_status"], row["lock_user"]) == ("1", [desk.keys["currentOpenUserId"]])
    data = {"dataObjectApiName": "ar_bill__c", "dataIds": [bill]}
    assert desk.call("/cgi/crm/v2/object/unlock", {"data": data})["errorCode"] == 0
    assert desk.update("ar_bill__c", bill, {"name": "y"})["errorCode"] == 0


@pytest.mark.parametrize(("strategy", "locked"), [(0, "0"), (1, "1")])
def test_locks_can_take_the_details_along(strategy: int, locked: str) -> None:
    desk = Desk()
    payment = desk.payment(desk.account(), {"payment_amount": "1"})
    data = {"dataObjectApiName": "PaymentObj", "dataIds": [payment], "detailObjStrategy": strategy}
    desk.call("/cgi/crm/v2/object/lock", {"data": data})

    assert desk.found("OrderPaymentObj")[0]["lock_status"] == locked


def test_change_owner_moves_a_row() -> None:
    desk = Desk(style="header")
    row_id = desk.account()
    data = {"Data": [{"objectDataId": row_id, "ownerId": ["1001"]}]}

    assert desk.data("AccountObj", "changeOwner", data)["errorCode"] == 0
    row = desk.get("AccountObj", row_id)
    assert (row["owner"], row["owner_department"], row["version"]) == (["1001"], "销售部", "2")


def test_a_pools_account_must_be_claimed_before_it_changes_hands() -> None:
    desk = Desk(style="header")
    row_id = desk.account(high_seas_id="pool-1")
    data = {"Data": [{"objectDataId": row_id, "ownerId": ["1001"]}]}

    assert "owner" not in desk.get("AccountObj", row_id)
    assert desk.data("AccountObj", "changeOwner", data)["errorCode"] == 32000
    assert desk.data("AccountObj", "choose", {"objectIDs": [row_id]})["errorCode"] == 0
    assert desk.get("AccountObj", row_id)["owner"] == ["1000"]
    assert desk.data("AccountObj", "changeOwner", data)["errorCode"] == 0


@pytest.mark.parametrize(("trigger", "status"), [({}, "under_review"), ({"triggerApprovalFlow": False}, "normal")])
def test_approval_holds_a_create_back(trigger: dict[str, bool], status: str) -> None:
    desk = Desk(approvalObjects=["PaymentObj"])
    account = desk.account()
    order = desk.order(account)
    details = {"OrderPaymentObj": [{"order_id": order, "payment_amount": "5"}]}
    payment = desk.create("PaymentObj", {"account_id": account, "payment_time": 0}, details, **trigger)

    assert desk.get("PaymentObj", payment)["life_status"] == status
    assert desk.get("PaymentObj", payment)["payment_amount"] == "5.00"
    assert desk.get("SalesOrderObj", order)["payment_amount"] == ("5.00" if status == "normal" else "0.00")


@pytest.mark.parametrize(("accept", "status", "paid"), [(True, "normal", "5.00"), (False, "ineffective", "0.00")])
def test_a_decision_ends_the_review_of_a_create(accept: bool, status: str, paid: str) -> None:
    desk = Desk(approvalObjects=["PaymentObj"])
    account = desk.account()
    order = desk.order(account)
    payment = desk.payment(account, {"order_id": order, "payment_amount": "5"})
    assert desk.update("PaymentObj", payment, {"remark": "x"})["errorCode"] == 32000
    desk.emulator.approve("PaymentObj", payment, accept=accept)

    assert desk.get("PaymentObj", payment)["life_status"] == status
    assert desk.get("SalesOrderObj", order)["payment_amount"] == paid
    with pytest.raises(ValueError, match="waits for no approval"):
        desk.emulator.approve("PaymentObj", payment)


@pytest.mark.parametrize(("accept", "remark", "amount"), [(True, "new", "9.00"), (False, "old", "5.00")])
def test_a_change_under_approval_keeps_its_last_accepted_image(accept: bool, remark: str, amount: str) -> None:
    desk = Desk()
    payment = desk.payment(desk.account(), {"payment_amount": "5"}, remark="old")
    desk.emulator.switches["approvalObjects"] = ["PaymentObj"]
    desk.update("PaymentObj", payment, {"remark": "new"}, {"OrderPaymentObj": [{"payment_amount": "9"}]})
    held = desk.get("PaymentObj", payment)

    assert (held["life_status"], held["remark"], held["version"]) == ("in_change", "old", "2")
    desk.emulator.approve("PaymentObj", payment, accept=accept)
    row = desk.get("PaymentObj", payment)
    assert (row["life_status"], row["remark"], row["payment_amount"]) == ("normal", remark, amount)
