from __future__ import annotations

from typing import Any

import pytest
from fxiaoke_desk import START_MS, Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerbridge.sandbox.fxiaoke.tenant import local_midnight


def test_create_answers_data_id_at_the_root_and_fills_system_fields() -> None:
    desk = Desk()
    answer = desk.try_create("AccountObj", {"name": "示例公司", "object_describe_api_name": "AccountObj"})

    row = desk.get("AccountObj", answer["dataId"])

    assert "data" not in answer
    assert row["create_time"] == row["last_modified_time"] == START_MS
    assert (row["life_status"], row["lock_status"], row["version"], row["is_deleted"]) == ("normal", "0", "1", False)
    assert row["record_type"] == "default__c"
    assert row["owner"] == row["created_by"] == [desk.keys["currentOpenUserId"]]
    assert row["owner_department"] == "财务部"
    assert not [name for name in row if name.startswith("$")]


def test_the_sheets_sample_creates_a_payment_with_its_line() -> None:
    desk = Desk()
    account = desk.account()
    order = desk.order(account)
    fields = {
        "account_id": account,
        "payment_time": 1_790_784_000_000,
        "payment_term": "4",
        "owner": [desk.keys["currentOpenUserId"]],
    }
    answer = desk.try_create(
        "PaymentObj",
        fields,
        {"OrderPaymentObj": [{"order_id": order, "payment_amount": "1200.50"}]},
        triggerApprovalFlow=False,
        triggerWorkFlow=False,
        includeDetailIds=True,
    )

    assert answer["errorCode"] == 0
    payment = desk.get("PaymentObj", answer["dataId"])
    line = desk.get("OrderPaymentObj", answer["detailIds"]["OrderPaymentObj"][0])
    sold = desk.get("SalesOrderObj", order)
    assert payment["payment_amount"] == "1200.50"
    assert (line["payment_id"], line["account_id"], line["payment_term"]) == (answer["dataId"], account, "4")
    assert (sold["payment_amount"], sold["receivable_amount"], sold["account_id__r"]) == (
        "1200.50",
        "3799.50",
        "示例公司",
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 32000),
        ({"name": ""}, 32000),
        ({"name": 5}, 500),
        ({"name": ["甲"]}, 500),
        ({"name": "甲", "account_type": "终端客户"}, 32000),
        ({"name": "甲", "account_type": 2}, 500),
        ({"name": "甲", "credit_limit__c": "12.345"}, 32000),
        ({"name": "甲", "credit_limit__c": "many"}, 32000),
        ({"name": "甲", "credit_limit__c": "Infinity"}, 32000),
        ({"name": "甲", "credit_limit__c": {"v": 1}}, 500),
        ({"name": "甲", "credit_limit__c": True}, 500),
        ({"name": "甲", "opened_on__c": "2026-10-08"}, 500),
        ({"name": "甲", "opened_on__c": 1.5}, 500),
        ({"name": "甲", "biz_reg_name": "true"}, 500),
        ({"name": "甲", "parent_account_id": "nowhere"}, 201112011),
        ({"name": "甲", "parent_account_id": 7}, 500),
        ({"name": "甲", "owner": "1000"}, 500),
        ({"name": "甲", "owner": ["nobody"]}, 32000),
        ({"name": "甲", "data_own_department": ["7"]}, 32000),
        ({"name": "甲", "nowhere__c": "x"}, 32000),
        ({"name": "甲", "mc_currency": None}, 32000),
        ({"name": "甲", "mc_currency": "XYZ"}, 32000),
        ({"name": "甲", "object_describe_api_name": "ContactObj"}, 32000),
    ],
)
def test_what_create_refuses_and_with_which_code(fields: dict[str, Any], code: int) -> None:
    desk = Desk()

    assert desk.try_create("AccountObj", fields)["errorCode"] == code
    assert desk.emulator.count("customer") == 0


def test_values_are_kept_as_the_vendor_reads_them_back() -> None:
    desk = Desk()
    row_id = desk.account(
        credit_limit__c=1200.5,
        credit_days__c=30,
        opened_on__c=START_MS,
        uniform_social_credit_code="91310000MA1FL0000X",
        address="上海市🀄 全角ＡＢＣ",
        tel="007",
        remark=None,
    )
    row = desk.get("AccountObj", row_id)

    assert (row["credit_limit__c"], row["credit_days__c"]) == ("1200.50", "30")
    assert row["opened_on__c"] == 1_791_388_800_000, "local midnight, the time part is ignored"
    assert (row["address"], row["tel"]) == ("上海市🀄 全角ＡＢＣ", "007")
    assert "remark" not in row


@given(st.integers(-(10**13), 10**13))
def test_local_midnight_is_the_start_of_a_day_in_china(ms: int) -> None:
    midnight = local_midnight(ms)

    assert 0 <= ms - midnight < 86_400_000
    assert (midnight + 8 * 3_600_000) % 86_400_000 == 0


def test_read_only_fields_and_companions_are_ignored() -> None:
    desk = Desk()
    ignored = {"_id": "x", "version": "9", "life_status": "invalid", "account_type__r": "x", "create_time": 5}
    row = desk.get("AccountObj", desk.account(**ignored))
    account = desk.account()
    order = desk.create("SalesOrderObj", {"account_id": account, "order_amount": "1", "payment_amount": "9"})

    assert row["_id"] != "x"
    assert (row["version"], row["life_status"], row["create_time"]) == ("1", "normal", START_MS)
    assert desk.get("SalesOrderObj", order)["payment_amount"] == "0.00"


def test_unknown_fields_can_be_ignored() -> None:
    assert Desk(unknownFields="ignore").account(nowhere__c="x")


def test_time_and_author_can_be_specified_only_with_the_flags() -> None:
    desk = Desk(style="header")
    fields = {"name": "甲", "create_time": 5, "created_by": ["1001"]}
    row = desk.get("AccountObj", desk.create("AccountObj", fields, hasSpecifyTime=True, hasSpecifyCreatedBy=True))

    assert (row["create_time"], row["created_by"], row["last_modified_time"]) == (5, ["1001"], START_MS)


def test_auto_numbers_are_the_systems() -> None:
    desk = Desk()
    account = desk.account()
    payment = desk.payment(account, {"payment_amount": "1", "name": "mine"}, name="RC-1")
    line = desk.found("OrderPaymentObj", ("payment_id", "EQ", [payment]))[0]
    unnamed = desk.payment(account, {"payment_amount": "1"})

    assert desk.get("PaymentObj", payment)["name"] == "RC-1"
    assert line["name"].startswith("PD20261008-")
    assert desk.get("PaymentObj", unnamed)["name"].startswith("PM20261008-")


@pytest.mark.parametrize("api_name", ["AccountObj", "ar_bill__c", "PaymentObj", "RefundObj"])
def test_the_source_id_is_unique_per_object(api_name: str) -> None:
    desk = Desk()
    account = desk.account(erp_source_id__c="other")
    fields = {
        "AccountObj": {"name": "甲"},
        "ar_bill__c": {"name": "AR", "account__c": account, "amount__c": "1"},
        "PaymentObj": {"account_id": account, "payment_time": 0},
        "RefundObj": {"account_id": account, "refunded_amount": "1"},
    }[api_name] | {"erp_source_id__c": "U8-1"}
    first = desk.create(api_name, fields)
    again = desk.try_create(api_name, fields)
    second = desk.create(api_name, fields | {"erp_source_id__c": "U8-2"})

    assert again["errorCode"] == 32000
    assert "重复 duplicate" in again["errorMessage"]
    assert desk.update(api_name, second, {"erp_source_id__c": "U8-1"})["errorCode"] == 32000
    assert desk.update(api_name, first, {"erp_source_id__c": "U8-1"})["errorCode"] == 0


@pytest.mark.parametrize(("counts", "code"), [(True, 32000), (False, 0)])
def test_whether_a_void_row_holds_its_unique_value_is_a_switch(counts: bool, code: int) -> None:
    desk = Desk(uniqueCountsInvalid=counts)
    row_id = desk.account(erp_source_id__c="U8-1")
    desk.data("AccountObj", "invalid", {"object_data_id": row_id})

    assert desk.try_create("AccountObj", {"name": "乙", "erp_source_id__c": "U8-1"})["errorCode"] == code


def test_duplicate_search_runs_only_when_asked_for() -> None:
    desk = Desk()
    desk.account("甲")
    data = {"object_data": {"dataObjectApiName": "AccountObj", "name": "甲"}}
    asked = desk.data("AccountObj", "create", {**data, "optionInfo": {"isDuplicateSearch": True}})

    assert asked["errorCode"] == 32000
    assert "duplicate" in asked["errorMessage"]
    assert desk.data("AccountObj", "create", data)["errorCode"] == 0


def test_update_changes_supplied_fields_only_and_counts_versions() -> None:
    desk = Desk()
    row_id = desk.account(tel="1", remark="x")
    desk.emulator.clock.advance(2)

    assert desk.update("AccountObj", row_id, {"remark": None, "version": "1"})["errorCode"] == 0
    row = desk.get("AccountObj", row_id)
    assert (row["tel"], row["version"], row["last_modified_time"]) == ("1", "2", START_MS + 2000)
    assert "remark" not in row
    assert desk.update("AccountObj", row_id, {"name": None})["errorCode"] == 32000
    assert desk.update("AccountObj", "f" * 24, {"tel": "2"})["errorCode"] == 32000


def test_version_can_be_a_number() -> None:
    desk = Desk(versionForm="number")

    assert desk.get("AccountObj", desk.account())["version"] == 1


def test_update_refuses_another_owner_unless_the_tenant_ignores_it() -> None:
    for mode, code in (("reject", 32000), ("ignore", 0)):
        desk = Desk(style="header", ownerOnUpdate=mode)
        row_id = desk.account()

        assert desk.update("AccountObj", row_id, {"owner": ["1001"]})["errorCode"] == code
        assert desk.update("AccountObj", row_id, {"owner": ["1000"]})["errorCode"] == 0
        assert desk.get("AccountObj", row_id)["owner"] == ["1000"]


def _lines(desk: Desk, payment: str) -> dict[str, tuple[str, str]]:
    rows = desk.found("OrderPaymentObj", ("payment_id", "EQ", [payment]))
    return {row["_id"]: (row["payment_amount"], row["life_status"]) for row in rows}


def test_absent_details_stay_a_supplied_list_replaces() -> None:
    desk = Desk()
    payment = desk.payment(desk.account(), {"payment_amount": "1"}, {"payment_amount": "2"})
    kept, left_out = sorted(_lines(desk, payment), key=lambda one: _lines(desk, payment)[one])

    desk.update("PaymentObj", payment, {"remark": "x"})
    assert set(_lines(desk, payment)) == {kept, left_out}
    lines = [{"_id": kept, "payment_amount": "5"}, {"payment_amount": "7"}]
    assert desk.update("PaymentObj", payment, {}, {"OrderPaymentObj": lines})["errorCode"] == 0

    now = _lines(desk, payment)
    assert now[kept] == ("5.00", "normal")
    assert now[left_out] == ("2.00", "invalid")
    assert len(now) == 3
    assert desk.get("PaymentObj", payment)["payment_amount"] == "12.00"


def test_an_empty_list_clears_and_replaced_rows_can_be_deleted() -> None:
    desk = Desk(replacedDetails="delete")
    payment = desk.payment(desk.account(), {"payment_amount": "1"})
    desk.update("PaymentObj", payment, {}, {"OrderPaymentObj": []})

    assert _lines(desk, payment) == {}


def test_details_on_update_can_be_ignored() -> None:
    desk = Desk(updateDetails="ignore")
    payment = desk.payment(desk.account(), {"payment_amount": "1"})
    desk.update("PaymentObj", payment, {}, {"OrderPaymentObj": []})

    assert len(_lines(desk, payment)) == 1


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"SalesOrderProductObj": []}, 32000),
        ({"OrderPaymentObj": {}}, 32000),
        ({"OrderPaymentObj": ["x"]}, 32000),
        ({"OrderPaymentObj": [{}]}, 32000),
        ([], 32000),
        ({"OrderPaymentObj": [{"payment_amount": "1", "order_id": "nowhere"}]}, 201112011),
        ({"OrderPaymentObj": [{"payment_amount": "1", "_id": "f" * 24}]}, 32000),
    ],
)
def test_bad_details_leave_no_header_behind(details: Any, code: int) -> None:
    desk = Desk()
    account = desk.account()
    payment = desk.payment(account, {"payment_amount": "1"})
    before = desk.emulator.books.save()

    fields = {"account_id": account, "payment_time": 0}
    assert desk.try_create("PaymentObj", fields, details)["errorCode"] == code
    assert desk.update("PaymentObj", payment, {"remark": "y"}, details)["errorCode"] == code
    changed = {one.table for one in desk.emulator.books.differences(before, desk.emulator.books.save())}
    assert changed == set()


def test_a_tenant_may_want_lines_with_every_payment() -> None:
    desk = Desk(paymentNeedsLines=True)

    answer = desk.try_create("PaymentObj", {"account_id": desk.account(), "payment_time": 0})

    assert answer["errorCode"] == 32000


def test_the_orders_account_must_be_the_payments() -> None:
    desk = Desk()
    one, other = desk.account("甲"), desk.account("乙")
    order = desk.order(other)
    fields = {"account_id": one, "payment_time": 0}
    lines = {"OrderPaymentObj": [{"order_id": order, "payment_amount": "1"}]}
    invoice = {"account_id": one, "order_id": order}

    assert desk.try_create("PaymentObj", fields, lines)["errorCode"] == 32000
    assert desk.try_create("InvoiceApplicationObj", invoice)["errorCode"] == 32000
    payment = desk.payment(one, {"payment_amount": "1"})
    line = {"payment_id": payment, "order_id": order, "payment_amount": "1"}
    assert desk.try_create("OrderPaymentObj", line)["errorCode"] == 32000


def test_order_arithmetic() -> None:
    desk = Desk()
    account = desk.account()
    order = desk.order(account, "1000.00")
    payment = desk.payment(account, {"order_id": order, "payment_amount": "400.10"}, {"payment_amount": "5"})
    desk.create(
        "InvoiceApplicationObj",
        {"account_id": account},
        {"InvoiceApplicationLinesObj": [{"order_id": order, "invoiced_amount": "300.30"}]},
    )
    desk.create("RefundObj", {"account_id": account, "order_id": order, "refunded_amount": "-50.05"})
    desk.create("ReturnedGoodsInvoiceObj", {"order_id": order, "returned_goods_inv_amount": "20"})
    desk.create("PaymentPlanObj", {"order_id": order, "plan_payment_amount": "600"})
    row = desk.get("SalesOrderObj", order)

    assert desk.get("PaymentObj", payment)["payment_amount"] == "405.10"
    assert row["payment_amount"] == "400.10"
    assert row["refund_amount"] == "50.05"
    assert row["returned_goods_amount"] == "20.00"
    assert row["receivable_amount"] == "629.95"
    assert (row["invoice_amount"], row["no_invoice_amount"]) == ("300.30", "699.70")
    assert row["plan_payment_amount"] == "600.00"
    assert row["version"] == "1", "the parent is not bumped"
    desk.data("PaymentObj", "invalid", {"object_data_id": payment})
    assert desk.get("SalesOrderObj", order)["payment_amount"] == "0.00"
    assert desk.get("PaymentObj", payment)["payment_amount"] == "405.10", "a void header keeps its amount"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6))
def test_totals_are_exact_to_the_fen(fen: list[int]) -> None:
    desk = Desk(ratePerPath="")
    account = desk.account()
    order = desk.order(account, "0")
    lines = [{"order_id": order, "payment_amount": f"{one // 100}.{one % 100:02d}"} for one in map(abs, fen)]
    payment = desk.payment(account, *lines)
    total = sum(abs(one) for one in fen)

    expected = f"{total // 100}.{total % 100:02d}"
    assert desk.get("PaymentObj", payment)["payment_amount"] == expected
    assert desk.get("SalesOrderObj", order)["payment_amount"] == expected


def test_a_foreign_line_counts_at_the_rates_of_its_order() -> None:
    desk = Desk()
    account = desk.account()
    usd = {"mc_currency": "USD", "mc_exchange_rate": "7.000000"}
    order = desk.create("SalesOrderObj", {"account_id": account, "order_amount": "100", **usd})
    desk.payment(account, {"order_id": order, "payment_amount": "70.00"})

    assert desk.get("SalesOrderObj", order)["payment_amount"] == "10.00"
    assert desk.get("SalesOrderObj", order)["mc_functional_currency"] == "CNY"


def test_bump_parent_stamps_the_order() -> None:
    desk = Desk(bumpParent=True)
    account = desk.account()
    order = desk.order(account)
    desk.emulator.clock.advance(5)
    desk.payment(account, {"order_id": order, "payment_amount": "1"})
    row = desk.get("SalesOrderObj", order)

    assert (row["version"], row["last_modified_time"]) == ("2", START_MS + 5000)
    assert row["last_modified_by"] == ["-10000"]


def test_without_multi_currency_there_are_no_currency_fields() -> None:
    desk = Desk(multiCurrency=False)

    assert not [name for name in desk.get("AccountObj", desk.account()) if name.startswith("mc_")]
    assert desk.try_create("AccountObj", {"name": "甲", "mc_currency": "CNY"})["errorCode"] == 32000
