"""Saving receivables and receipts, their states, partial success and idempotency (yonyou.md B4, B6, B7, B8)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from bip_desk import NOW, Desk, efi, receivebill

from ledgerbridge.sandbox.faults import Fault

SAVE = "EFI/receivable/save"


def test_a_saved_receivable_is_a_draft_with_what_follows_from_its_lines() -> None:
    desk = Desk()
    customer = desk.new_customer()
    line = {"oriTaxIncludedAmount": "113.00", "oriTaxAmount": 13, "taxRate": 13, "quantity": 1}
    saved = desk.data(SAVE, {"data": efi(customer, bodyItem=[line], oriCurrencyCode="USD", exchangeRate=7.1234)})

    assert (saved["verifyState"], saved["effectState"], saved["direction"]) == (0, 0, "1")
    assert (saved["oriTaxExcludedAmount"], saved["oriTaxIncludedAmount"]) == (Decimal("100.00"), Decimal("113.00"))
    assert saved["localTaxIncludedAmount"] == Decimal("804.94")  # 113 * 7.1234 = 804.9442
    assert (saved["customerCode"], saved["customerName"], saved["oriCurrencyCode"]) == ("C1", "客户C1", "USD")
    assert saved["pubts"] == saved["createTime"] == NOW
    part = saved["bodyItem"][0]["grandsonItem"][0]
    assert (part["issueNo"], part["expireDate"][:10]) == (1, "9999-12-31")
    assert not [key for key in (*saved, *saved["bodyItem"][0], *part) if key.startswith("_")]
    assert desk.data("EFI/receivable/detail", id=saved["id"]) == saved
    assert desk.rows("EFI/arPublicEvent/list") == []  # only approved documents have an open balance


def test_nineteen_digit_amounts_survive_to_the_fen() -> None:
    desk = Desk()
    customer = desk.new_customer()
    body = json.dumps({"data": efi(customer)}).replace('"1130.00"', "12345678901234567.89").encode()
    response = desk.raw("POST", "/iuap-api-gateway/yonbip/" + SAVE, {"access_token": desk.token}, body)

    assert b'"oriTaxIncludedAmount":12345678901234567.89' in response.body


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exchangeRateDate": ""}, "310008"),
        ({"billDate": "01/10/2026"}, "310015"),
        ({"billDate": "2026-02-30"}, "310015"),
        ({"customer": "1", "customerCode": "C1"}, "1002"),  # an id wins over a code
        ({"oriCurrencyCode": "XYZ"}, "1002"),
        ({"financeOrgCode": "ORG99"}, "1002"),
        ({"direction": "2"}, "1001"),
        ({"direction": "-1"}, "1001"),  # a red document is below zero
        ({"objectType": 2}, "1001"),
        ({"exchangeRate": 0}, "1001"),
        ({"_status": "Update"}, "1001"),
        ({"extSystemCode": "LB"}, "1001"),
        ({"oriTaxIncludedAmount": "1.00"}, "1001"),
        ({"bodyItem": [{"oriTaxIncludedAmount": "1.001"}]}, "1001"),
        (
            {"bodyItem": [{"oriTaxIncludedAmount": "1.00", "oriTaxAmount": "0.50", "oriTaxExcludedAmount": "0.40"}]},
            "1001",
        ),
        ({"bodyItem": [{"oriTaxIncludedAmount": "1.00", "localTaxIncludedAmount": "7.00"}]}, "1001"),
        ({"bodyItem": [{"oriTaxIncludedAmount": "1.00", "grandsonItem": [{"oriTaxIncludedAmount": "0.5"}]}]}, "1001"),
        ({"bodyItem": [{}]}, "310008"),
        ({"bodyItem": {"a": 1}}, "310023"),
        ({"bodyItem": [{"oriTaxIncludedAmount": "ten"}]}, "310023"),
        ({"bodyItem": [{"oriTaxIncludedAmount": "1.00", "taxRate": "high"}]}, "310023"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_receivable_is_refused_and_leaves_nothing(changes: dict[str, Any], code: str) -> None:
    desk = Desk()
    customer = desk.new_customer()
    answer = desk.call(SAVE, {"data": {**efi(customer), **changes}})

    assert (answer["code"], desk.books.count("efi_receivable")) == (code, 0), answer


def test_a_disabled_customer_takes_no_documents() -> None:
    desk = Desk()
    customer = desk.new_customer()
    desk.data("digitalModel/merchant/stop", {"data": {"id": customer}})

    assert desk.call(SAVE, {"data": efi(customer)})["code"] == "1001"


@pytest.mark.parametrize(("switch", "sent"), [("negative", "-50.00"), ("positive", "50.00")])
def test_red_documents_are_kept_signed_and_shown_as_the_tenant_does(switch: str, sent: str) -> None:
    desk = Desk(red_amounts=switch)
    saved = desk.data(SAVE, {"data": efi(desk.new_customer(), sent, direction=-1)})

    assert (saved["direction"], saved["oriTaxIncludedAmount"]) == ("-1", Decimal(sent))
    assert saved["bodyItem"][0]["grandsonItem"][0]["oriTaxIncludedAmount"] == Decimal(sent)
    assert desk.books.get("efi_receivable", saved["id"])["oriTaxIncludedAmount"] == "-50.00"


def test_states_go_from_open_over_approving_to_approved_and_each_step_moves_pubts() -> None:
    desk = Desk()
    saved = desk.data("EFI/receivable/saveandsubmit", {"data": efi(desk.new_customer())})
    document = {"data": {"id": saved["id"]}}
    assert saved["verifyState"] == 1
    desk.emulator.clock.advance(5)
    approved = desk.data("EFI/receivable/audit", document)

    assert (approved["verifyState"], approved["pubts"]) == (2, "2026-10-08 10:30:05")
    detail = desk.data("EFI/receivable/detail", id=saved["id"])
    assert (detail["effectState"], detail["auditTime"]) == (1, "2026-10-08 10:30:05")
    assert desk.rows("EFI/receivable/list", {"open_auditTime_begin": "2026-10-08 10:30:05"})
    assert desk.call("EFI/receivable/delete", document)["code"] == "999"
    edit = {"data": [{"id": saved["id"], "code": saved["code"], "remarks": "x"}]}
    assert desk.data("EFI/receivable/batchupdate", edit)["failCount"] == 1
    desk.data("EFI/receivable/unaudit", document)
    assert desk.call("EFI/receivable/unsubmit", document)["code"] == "999"
    desk.data("EFI/receivable/delete", document)
    assert desk.call("EFI/receivable/detail", id=saved["id"])["code"] == "999"


def test_a_tenant_without_workflow_approves_on_submit() -> None:
    desk = Desk(submit_approves=True)

    assert desk.data("EFI/collection/saveandsubmit", {"data": efi(desk.new_customer())})["verifyState"] == 2


def test_an_action_on_an_outdated_version_is_refused() -> None:
    desk = Desk()
    saved = desk.data("EFI/collection/save", {"data": efi(desk.new_customer())})
    stale = {"data": [{"id": saved["id"], "pubts": "2026-10-08 10:29:59"}]}

    assert desk.data("EFI/collection/audit", stale)["failCount"] == 1
    fresh = {"data": [{"id": saved["id"], "pubts": saved["pubts"]}]}
    assert desk.data("EFI/collection/audit", fresh)["sucessCount"] == 1


def test_partial_success_keeps_code_200_as_in_the_sample() -> None:
    desk = Desk()
    good, bad = efi(desk.new_customer()), efi("9", code="BAD-1")
    data = desk.data("EFI/receivable/batchsave", {"data": [good, bad]})

    assert (data["count"], data["sucessCount"], data["failCount"]) == (2, 1, 1)
    assert data["messages"] == ["BAD-1: customer 9 unknown"]
    assert data["infos"][0]["id"] == desk.rows("EFI/receivable/list")[0]["id"]
    desk.emulator.switches["messages_as_text"] = True
    assert isinstance(desk.data("EFI/receivable/batchsave", {"data": [bad]})["messages"], str)


def test_a_half_failed_batch_saves_every_other_record() -> None:
    desk = Desk()
    customer = desk.new_customer()
    desk.faults.fail_next(Fault.HALF_FAILED_BATCH, path="batchsave")
    data = desk.data("EFI/receivable/batchsave", {"data": [efi(customer, code=f"R{n}") for n in range(4)]})

    assert [row["code"] for row in data["infos"]] == ["R0", "R2"]
    assert desk.books.count("efi_receivable") == 2


def test_batchupdate_changes_drafts_and_recomputes() -> None:
    desk = Desk()
    saved = desk.data(SAVE, {"data": efi(desk.new_customer())})
    item = {"id": saved["id"], "code": saved["code"], "remarks": "new"}
    line = {"id": saved["bodyItem"][0]["id"], "oriTaxIncludedAmount": "900.00"}
    data = desk.data("EFI/receivable/batchupdate", {"data": [{**item, "bodyItem": [line]}]})

    assert data["failCount"] == 0, data
    now = desk.data("EFI/receivable/detail", id=saved["id"])
    assert (now["remarks"], now["oriTaxIncludedAmount"], now["localTaxIncludedAmount"]) == ("new", 900, 900)
    assert now["bodyItem"][0]["id"] == line["id"]
    assert desk.data("EFI/receivable/batchupdate", {"data": [{"id": saved["id"]}]})["messages"] == [
        f"{saved['id']}: required parameter missing: code"
    ]


def test_codes_and_external_keys_are_unique() -> None:
    desk = Desk()
    customer = desk.new_customer()
    desk.data(SAVE, {"data": efi(customer, code="A1", extSystemCode="LB", extVouchCode="V1")})

    assert desk.call(SAVE, {"data": efi(customer, code="A1")})["code"] == "1001"
    again = desk.call(SAVE, {"data": efi(customer, extSystemCode="LB", extVouchCode="V1")})
    assert again["code"] == "1001"
    assert "already exists" in again["message"]
    desk.data(SAVE, {"data": efi(customer, extVouchCode="V1")})  # without the system it is not checked
    desk.data(SAVE, {"data": efi(customer, extSystemCode="LB", extVouchCode="V2")})
    assert desk.books.count("efi_receivable") == 3
    found = desk.rows("EFI/receivable/list", {"extSystemCode": "LB", "extVouchCode": "V1", "isSum": True})
    assert [row["code"] for row in found] == ["A1"]


def test_a_resubmit_key_replays_for_an_hour_and_then_names_only_the_id() -> None:
    desk = Desk()
    body = {"data": efi(desk.new_customer(), resubmitCheckKey="k" * 32)}
    first = desk.data(SAVE, body)
    desk.emulator.clock.advance(3599)

    assert desk.data(SAVE, body) == first
    desk.emulator.clock.advance(1)
    late = desk.call(SAVE, body)
    assert (late["code"], late["data"]) == ("10004", {"id": first["id"]})
    desk.emulator.switches["duplicate_code"] = "100004"
    assert desk.call(SAVE, body)["code"] == "100004"
    assert desk.books.count("efi_receivable") == 1
    other_api = desk.data("EFI/collection/save", body)  # unique per API, not across
    assert other_api["id"] != first["id"]
    assert desk.call(SAVE, {"data": efi("1", resubmitCheckKey="k" * 33)})["code"] == "310015"


def test_a_resubmit_key_of_a_failure_may_try_again() -> None:
    desk = Desk()
    customer = desk.new_customer()
    wrong = efi(customer, direction="7", resubmitCheckKey="K1")

    assert desk.call(SAVE, {"data": wrong})["code"] == "1001"
    assert desk.data(SAVE, {"data": {**wrong, "direction": "1"}})["id"]


def test_a_repeated_key_may_still_be_processing() -> None:
    desk = Desk(processing_replies=2)
    body = {"data": efi(desk.new_customer(), resubmitCheckKey="K1")}
    codes = [desk.call(SAVE, body)["code"] for _ in range(4)]

    assert codes == ["200", "202", "202", "200"]


@pytest.mark.parametrize("endpoint", ["EFI/receivable/batchsave", "fi/receivebill/save"])
def test_batch_saves_are_not_idempotent(endpoint: str) -> None:
    desk = Desk()
    customer = desk.new_customer()
    item = efi(customer) if endpoint.startswith("EFI") else receivebill(customer)
    body = {"data": [{**item, "resubmitCheckKey": "K1"}]}
    ids = {str(desk.data(endpoint, body)["infos"][0]["id"]) for _ in range(2)}

    assert len(ids) == 2


def test_fi_receipts_are_saved_approved_and_deleted_in_batches() -> None:
    desk = Desk(ar_family="fi")
    customer = desk.new_customer()
    info = desk.data("fi/receivebill/save", {"data": [receivebill(customer)]})["infos"][0]
    row = desk.rows("fi/receivebill/list/v2", {"isSum": True})[0]

    assert str(row["id"]) == info["id"]  # a number here, text on the save
    assert isinstance(row["id"], int)
    assert (row["oriSum"], row["balance"], row["localbalance"]) == (Decimal("500.00"),) * 3
    assert (row["auditstatus"], row["writeoffstatus"]) == (2, 2)
    item = {"id": info["id"], "pubts": info["pubts"]}
    assert desk.data("fi/receivebill/batchaudit", {"data": [item]})["sucessCount"] == 1
    assert desk.data("fi/receivebill/delete", {"data": [{"id": info["id"]}]})["failCount"] == 1
    desk.data("fi/receivebill/batchunaudit", {"data": [{"id": info["id"]}]})
    assert desk.data("fi/receivebill/delete", {"data": [{"id": info["id"]}]})["failCount"] == 0
    assert desk.books.count("fi_receivebill") == 0


def test_fi_saves_update_drafts() -> None:
    desk = Desk(ar_family="fi")
    customer = desk.new_customer()
    saved = desk.data("fi/receivebill/single/save", {"data": receivebill(customer)})
    update = receivebill(customer, "600.00", id=saved["id"], _status="Update", description="corrected")
    changed = desk.data("fi/receivebill/single/save", {"data": update})

    assert (changed["id"], changed["code"], changed["oriSum"]) == (saved["id"], saved["code"], Decimal("600.00"))
    assert desk.data("fi/receivebill/detail", id=saved["id"])["description"] == "corrected"
    assert desk.books.count("fi_receivebill") == 1


def test_fi_oar_shows_direction_and_balance() -> None:
    desk = Desk(ar_family="fi", fi_save_approves=True)
    customer = desk.new_customer()
    body = {
        "accentity_code": "ORG01", "vouchdate": "2026-10-01", "currency": "CNY", "exchRate": 1, "oriSum": -20,
        "natSum": -20, "customer_code": "C1", "billdirection": 1, "_status": "Insert",
        "oarDetail": [{"oriSum": -20, "natSum": -20, "_status": "Insert"}],
    }  # fmt: skip
    info = desk.data("fi/oar/save", {"data": [body]})["infos"][0]

    assert (info["billdirection"], info["balance"], info["auditstatus"]) == (1, -20, 1)
    detail = desk.data("fi/oar/detail", id=info["id"])
    assert (detail["id"], detail["customer"]) == (int(info["id"]), int(customer))
    row = desk.rows("fi/oar/list")[0]
    assert row["oarDetail_id"] == info["oarDetail"][0]["id"]
    assert (row["detail_oriSum"], row["detail_customer"], row["detail_pubts"]) == (-20, customer, NOW)
