"""Open balances, clues and write-offs (yonyou.md B6, B7, B8.3, B8.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bip_desk import Desk, efi
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.yonyou_bip.refusal import Refusal

REGISTER = "EFI/verify/relation/regClue"
UNDO = "EFI/verify/relation/delete"


def clue(receipt: str, receivable: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "verifyType": 13,
        "financeOrg": "ORG01",
        "srcBill": {"billId": receipt, "amount": amount},
        "targetBill": {"billId": receivable, "amount": amount},
        "accDate": "2026-10-08 00:00:00",
        **more,
    }


def event(desk: Desk, side: str, document: str) -> dict[str, Any]:
    rows = desk.rows(f"EFI/{side}PublicEvent/list", {"isSum": True})
    return next(row for row in rows if row["bizBillId"] == document)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def pair(desk: Desk) -> tuple[str, str]:
    """(receipt of 600, receivable of 1000), both approved."""
    customer = desk.new_customer()
    return desk.approved("collection", customer, "600.00")["id"], desk.approved("receivable", customer, "1000.00")["id"]


def test_public_events_show_what_is_open(desk: Desk, pair: tuple[str, str]) -> None:
    receipt, receivable = pair
    found = event(desk, "ar", receivable)
    line = desk.rows("EFI/arPublicEvent/list")[0]

    assert (found["oriAmount"], found["oriBalance"], found["orgBalance"]) == (1000, 1000, 1000)
    assert found["srcBillCode"] == found["bizBillCode"] == desk.data("EFI/receivable/detail", id=receivable)["code"]
    assert (line["bodyItem_grandsonItem_oriBalance"], line["bodyItem_grandsonItem_balanceState"]) == (1000, "0")
    assert event(desk, "collection", receipt)["oriBalance"] == 600
    receivables = desk.rows("EFI/receivable/list")
    assert not [key for key in receivables[0] if "alance" in key]  # balances are on the events only (B6)


def test_a_clue_lowers_both_sides_makes_one_write_off_and_moves_pubts(desk: Desk, pair: tuple[str, str]) -> None:
    receipt, receivable = pair
    before = desk.data("EFI/receivable/detail", id=receivable)
    desk.emulator.clock.advance(60)
    answer = desk.data(REGISTER, [clue(receipt, receivable, "600.00")])

    assert answer["success"] is True
    assert (len(answer["data"]), answer["successCount"]) == (1, 1)
    assert event(desk, "ar", receivable)["oriBalance"] == 400
    line = desk.rows("EFI/collectionPublicEvent/list")[0]
    assert (line["bodyItem_oriBalance"], line["bodyItem_verifyAmount"], line["bodyItem_balanceState"]) == (0, 600, "1")
    debit, credit = desk.rows("EFI/arverifyevent/list")
    assert debit["id"] == credit["id"]
    assert debit["code"] == credit["code"]
    prefix = "bodyItem_grandsonItem_srcGrandson_event_"
    assert (debit[f"{prefix}srcBillId"], credit[f"{prefix}srcBillId"]) == (receivable, receipt)
    assert (debit[f"{prefix}srcBillType"], credit[f"{prefix}srcBillType"]) == ("receivable", "collection")
    assert (debit["verifyType"], debit["oriDAmount"], debit["oriCAmount"]) == (13, 600, 600)
    assert len(desk.rows("EFI/arverifyevent/list", {"isSum": True})) == 1
    after = desk.data("EFI/receivable/detail", id=receivable)
    assert (after["pubts"], after["modifyTime"]) == ("2026-10-08 10:31:00", before["modifyTime"])
    assert desk.rows("EFI/arverifyevent/list", {"open_busDate_begin": "2026-10-09"}) == []
    assert len(desk.rows("EFI/arverifyevent/list", {"simple": {"open_pubts_begin": after["pubts"]}})) == 2


def test_undoing_a_clue_restores_both_sides(desk: Desk, pair: tuple[str, str]) -> None:
    receipt, receivable = pair
    before = desk.books.save()
    clue_id = desk.data(REGISTER, [clue(receipt, receivable, "250.00")])["data"][0]
    assert desk.call("EFI/receivable/unaudit", {"data": {"id": receivable}})["code"] == "999"
    answer = desk.data(UNDO, {"relationIds": [clue_id, "5"]})

    assert (answer["success"], answer["data"], answer["failCount"]) == (False, [clue_id], 1)
    assert event(desk, "ar", receivable)["oriBalance"] == 1000
    assert event(desk, "collection", receipt)["oriBalance"] == 600
    assert desk.rows("EFI/arverifyevent/list") == []
    assert desk.books.differences(before, desk.books.save()) == []


def test_a_tenant_may_keep_undone_write_offs_marked() -> None:
    desk = Desk(undo_write_off="mark")
    customer = desk.new_customer()
    receipt, receivable = (desk.approved(kind, customer, "5.00")["id"] for kind in ("collection", "receivable"))
    clue_id = desk.data(REGISTER, [clue(receipt, receivable, "5.00")])["data"][0]
    desk.data(UNDO, {"relationIds": [clue_id]})

    assert {row["writeOffState"] for row in desk.rows("EFI/arverifyevent/list")} == {1}


def test_business_ids_make_registration_repeatable(desk: Desk, pair: tuple[str, str]) -> None:
    item = clue(*pair, "100.00", businessId="B1")
    first = desk.data(REGISTER, [item])["data"]

    assert desk.data(REGISTER, [item])["data"] == first
    assert event(desk, "ar", pair[1])["oriBalance"] == 900


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"srcBill": {"billId": "5", "amount": "1"}}, "does not exist"),
        ({"verifyType": 31}, "cannot be registered"),
        ({"verifyType": 12}, "does not exist"),
        ({"verifyType": 14}, "does not fit"),
        ({"accDate": "today"}, "accDate"),
        ({"accDate": ""}, "missing: accDate"),
        ({"financeOrg": "X"}, "organisation X"),
        ({"amount": "600.01"}, "only 600.00 open"),
        ({"amount": "-1"}, "positive"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_clue_fails_alone(desk: Desk, pair: tuple[str, str], changes: dict[str, Any], text: str) -> None:
    item = clue(*pair, changes.get("amount", "1.00")) | {
        key: value for key, value in changes.items() if key != "amount"
    }
    answer = desk.data(REGISTER, [item, clue(*pair, "2.00")])

    assert (answer["success"], answer["successCount"], answer["failCount"]) == (False, 1, 1)
    assert text in answer["messages"][0]
    assert event(desk, "ar", pair[1])["oriBalance"] == 998


def test_only_approved_documents_of_one_customer_and_currency_pair(desk: Desk, pair: tuple[str, str]) -> None:
    other = desk.approved("receivable", desk.new_customer("C2"), "10.00")["id"]
    draft = desk.data("EFI/receivable/save", {"data": efi(desk.books.look("efi_receivable", pair[1])["customer"])})[
        "id"
    ]
    foreign = efi(
        desk.books.look("efi_receivable", pair[1])["customer"], "10.00", oriCurrencyCode="USD", exchangeRate=7
    )
    dollars = desk.data("EFI/receivable/save", {"data": foreign})["id"]
    desk.data("EFI/receivable/audit", {"data": {"id": dollars}})
    answer = desk.data(REGISTER, [clue(pair[0], target, "1.00") for target in (other, draft, dollars)])

    assert [message.partition(": ")[2] for message in answer["messages"]] == [
        "the documents belong to different customers",
        f"targetBill: 应收单 {desk.books.look('efi_receivable', draft)['code']} is not approved",
        "currencies differ: CNY and USD",
    ]
    cross = clue(pair[0], dollars, "7.00", blnDifferentCurrency=True, targetBill={"billId": dollars, "amount": "1.00"})
    assert desk.data(REGISTER, [cross])["success"] is True
    row = desk.rows("EFI/arverifyevent/list")[0]
    assert (row["verifyCurrRule"], row["oriDAmount"], row["orgDAmount"], row["oriCAmount"]) == (1, 1, 7, 7)


def test_red_and_blue_receivables_write_each_other_off(desk: Desk) -> None:
    customer = desk.new_customer()
    blue = desk.approved("receivable", customer, "100.00")["id"]
    red = desk.approved("receivable", customer, "-30.00", red=True)["id"]
    answer = desk.data(REGISTER, [clue(red, blue, "30.00", verifyType=11)])

    assert answer["success"] is True, answer
    assert (event(desk, "ar", blue)["oriBalance"], event(desk, "ar", red)["oriBalance"]) == (70, 0)
    row = desk.rows("EFI/arverifyevent/list", {"isSum": True})[0]
    assert (row["verifyType"], row["oriDAmount"], row["oriCAmount"]) == (11, 30, -30)


def test_a_clue_may_name_a_row_and_an_instalment(desk: Desk) -> None:
    customer = desk.new_customer()
    parts = [{"issueNo": n, "oriTaxIncludedAmount": "50.00", "expireDate": f"2026-1{n}-01"} for n in (1, 2)]
    body = efi(customer, bodyItem=[{"oriTaxIncludedAmount": "100.00", "grandsonItem": parts}])
    saved = desk.data("EFI/receivable/save", {"data": body})
    desk.data("EFI/receivable/audit", {"data": {"id": saved["id"]}})
    receipt = desk.approved("collection", customer, "80.00")["id"]
    target = {"billId": saved["id"], "billRowId": saved["bodyItem"][0]["id"], "issueNo": 2, "amount": "20.00"}
    item = clue(receipt, saved["id"], "20.00", targetBill=target)
    assert desk.data(REGISTER, [item])["success"] is True

    lines = desk.rows("EFI/arPublicEvent/list")
    assert [(row["bodyItem_grandsonItem_issueNo"], row["bodyItem_grandsonItem_oriBalance"]) for row in lines] == [
        (1, Decimal("50.00")),
        (2, Decimal("30.00")),
    ]
    due = {"open_bodyItem.grandsonItem.expireDate_begin": "2026-12-01"}
    assert [row["bodyItem_grandsonItem_issueNo"] for row in desk.rows("EFI/arPublicEvent/list", due)] == [2]
    too_much = {**target, "amount": "31.00"}
    answer = desk.data(REGISTER, [clue(receipt, saved["id"], "31.00", targetBill=too_much)])
    assert "only 30.00 open" in answer["messages"][0]


def test_a_clue_may_only_register_intent() -> None:
    desk = Desk(clue_delay_seconds=60)
    customer = desk.new_customer()
    receipt, receivable = (desk.approved(kind, customer, "100.00")["id"] for kind in ("collection", "receivable"))
    desk.data(REGISTER, [clue(receipt, receivable, "70.00")])

    waiting = event(desk, "ar", receivable)
    assert (waiting["oriBalance"], waiting["oriOcupyAmount"]) == (100, 70)
    assert "only 30.00 open" in desk.data(REGISTER, [clue(receipt, receivable, "31.00")])["messages"][0]
    desk.emulator.clock.advance(60)
    done = event(desk, "ar", receivable)
    assert (done["oriBalance"], done["oriOcupyAmount"]) == (30, 0)
    second = desk.data(REGISTER, [clue(receipt, receivable, "30.00")])["data"]
    desk.data(UNDO, {"relationIds": second})
    desk.emulator.clock.advance(60)
    after = event(desk, "ar", receivable)
    assert (after["oriBalance"], after["oriOcupyAmount"]) == (30, 0)


def test_a_half_failed_registration_writes_off_every_other_pair(desk: Desk, pair: tuple[str, str]) -> None:
    desk.faults.fail_next(Fault.HALF_FAILED_BATCH, path="regClue")
    answer = desk.data(REGISTER, [clue(*pair, "1.00"), clue(*pair, "2.00")])

    assert (answer["successCount"], answer["failCount"]) == (1, 1)
    assert event(desk, "ar", pair[1])["oriBalance"] == 999


def test_fi_write_offs_have_a_row_for_each_document_and_lower_the_balances() -> None:
    desk = Desk(ar_family="fi")
    customer = desk.emulator.seed("customer", 1)[0]
    invoice, payment = desk.emulator.seed("invoice", 1)[0], desk.emulator.seed("payment", 1)[0]
    desk.emulator.clock.advance(60)
    event_id = desk.emulator.write_off(payment, invoice, "100.00")
    rows = desk.rows("fi/arverify/list", {"open_pubts_begin": "2026-10-08 10:31:00"})

    assert [(row["id"], row["billtype"], row["billid"], row["billamount"]) for row in rows] == [
        (event_id, 1, invoice, 100),
        (event_id, 7, payment, 100),
    ]
    assert [row.get("de_basebilltype_name") for row in rows] == ["应收事项", None]
    assert [row.get("cr_basebilltype_name") for row in rows] == [None, "收款单"]
    oar = desk.rows("fi/oar/list", {"isSum": True})[0]
    assert (oar["oriSum"], oar["balance"], oar["writeoffstatus"]) == (Decimal("114.13"), Decimal("14.13"), 3)
    assert oar["pubts"] == "2026-10-08 10:31:00"
    balance = desk.data("fi/ar/report/balance", {})
    assert [(row["customer"], row["balance"]) for row in balance] == [(customer, Decimal("0.00"))]
    with pytest.raises(Refusal, match="exceeds what is open"):
        desk.emulator.write_off(payment, invoice, "14.14")
    desk.emulator.write_off(payment, invoice, "14.13")
    assert desk.rows("fi/oar/list", {"isSum": True})[0]["writeoffstatus"] == 1
    desk.emulator.discard("allocation", event_id)
    assert desk.rows("fi/oar/list", {"isSum": True})[0]["balance"] == 100


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=4),
    st.lists(st.integers(1, 9000), min_size=1, max_size=6),
    st.sampled_from(["1", "7.1234", "0.0476"]),
)
def test_balances_never_lose_a_fen(lines: list[int], amounts: list[int], rate: str) -> None:
    """Whatever is written off and undone again, total less records is what is open, in both currencies."""
    desk = Desk()
    customer = desk.new_customer()
    items = [{"oriTaxIncludedAmount": f"{Decimal(value) / 100:.2f}"} for value in lines]
    body = efi(customer, bodyItem=items, oriCurrencyCode="USD", exchangeRate=float(rate))
    ids = {}
    for kind in ("receivable", "collection"):
        ids[kind] = desk.data(f"EFI/{kind}/save", {"data": body})["id"]
        desk.data(f"EFI/{kind}/audit", {"data": {"id": ids[kind]}})
    clues = []
    for number, cents in enumerate(amounts):
        item = clue(ids["collection"], ids["receivable"], f"{Decimal(cents) / 100:.2f}")
        clues += desk.data(REGISTER, [item])["data"]
        if number % 3 == 2 and clues:
            desk.data(UNDO, {"relationIds": [clues.pop(0)]})
    records = desk.rows("EFI/arverifyevent/list", {"isSum": True})
    found = event(desk, "ar", ids["receivable"])
    local = desk.data("EFI/receivable/detail", id=ids["receivable"])["localTaxIncludedAmount"]

    assert found["oriBalance"] == found["oriAmount"] - sum(row["oriDAmount"] for row in records)
    assert found["orgBalance"] == local - sum(row["orgDAmount"] for row in records)
    assert 0 <= found["oriBalance"] <= found["oriAmount"]
    assert len(records) == len(clues)
    if not found["oriBalance"]:
        assert found["orgBalance"] == 0
