"""Paging, filters and the faults of paging (yonyou.md B5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bip_desk import NOW, Desk, efi, parsed

from ledgerbridge.sandbox.faults import Fault

RECEIVABLES = "EFI/receivable/list"
NEWLIST = "digitalModel/merchant/newlist"


def stamped(desk: Desk, table: str, ids: list[str], *stamps: str) -> None:
    """Give records the stamps of the past."""
    for row_id, stamp in zip(ids, stamps, strict=True):
        desk.books.update(table, row_id, {"pubts": stamp, "modifyTime": stamp})


def test_the_envelope_of_a_page_as_in_the_sample() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 5)
    page = desk.data(RECEIVABLES, {"pageIndex": 2, "pageSize": 2, "isSum": True})

    assert {key: value for key, value in page.items() if key != "recordList"} == {
        "pageIndex": 2, "pageSize": 2, "recordCount": 5, "pageCount": 3, "beginPageIndex": 1, "endPageIndex": 3,
    }  # fmt: skip
    assert [row["id"] for row in page["recordList"]] == ids[2:4]
    row = page["recordList"][0]
    assert (row["direction"], row["verifyState"], row["pubts"]) == ("1", 2, NOW)
    assert row["billDate"].endswith(" 00:00:00")
    assert all(len(row_id) == 19 for row_id in ids)


def test_page_numbers_may_be_sent_and_answered_as_text() -> None:
    desk = Desk()
    desk.emulator.seed("customer", 3)
    page = desk.data("digitalModel/merchant/newlistrange", {"pageIndex": "2", "pageSize": "2"})

    assert (page["pageIndex"], page["pageSize"], page["pageCount"], page["recordCount"]) == ("2", "2", "2", "3")
    assert page["recordList"][0]["merchantApplyRanges"]


@pytest.mark.parametrize("body", [{"pageIndex": 0}, {"pageSize": "x"}, {"pageIndex": True}], ids=str)
def test_bad_page_numbers_have_the_wrong_type(body: dict[str, Any]) -> None:
    assert Desk().call(RECEIVABLES, body)["code"] == "310023"


def test_page_sizes_have_caps() -> None:
    desk = Desk()
    desk.emulator.seed("invoice", 3)

    assert desk.call(RECEIVABLES, {"pageSize": 501})["code"] == "999"
    assert desk.call(RECEIVABLES, {"pageSize": 500})["code"] == "200"
    assert desk.call(NEWLIST, {"pageSize": 5000})["code"] == "200"
    assert desk.call(NEWLIST, {"pageSize": 5001})["code"] == "999"
    desk.emulator.switches |= {"page_size_over_cap": "clamp"}
    assert desk.data(RECEIVABLES, {"pageSize": 501})["pageSize"] == 500


def test_a_single_record_may_come_as_an_object() -> None:
    desk = Desk(single_record_as_object=True)
    ids = desk.emulator.seed("invoice", 3)
    page = desk.data(RECEIVABLES, {"pageIndex": 2, "pageSize": 2})

    assert page["recordList"]["id"] == ids[2]
    assert isinstance(desk.data(RECEIVABLES, {"pageSize": 2})["recordList"], list)


def test_newlist_is_a_bare_array_of_500_at_most_by_default() -> None:
    desk = Desk()
    desk.emulator.seed("customer", 501)

    assert len(desk.data(NEWLIST, {})) == 500
    assert len(desk.data(NEWLIST, {"pageIndex": 2})) == 1
    assert desk.data(NEWLIST, {"pageIndex": 3}) == []


def test_ids_are_numbers_or_text_by_endpoint_and_keep_all_digits() -> None:
    desk = Desk()
    customer = desk.new_customer()
    sales = desk.response(NEWLIST, {}).body.decode()

    assert f'"id":{customer}' in sales
    assert int(customer) > 2**53
    saved = desk.data("EFI/receivable/save", {"data": efi(customer)})
    assert saved["customer"] == customer
    desk.emulator.switches["numeric_id_endpoints"] = []
    assert desk.rows(NEWLIST)[0]["id"] == customer


def test_line_mode_repeats_the_header_and_flattens_the_line() -> None:
    desk = Desk()
    customer = desk.new_customer()
    body = efi(
        customer, bodyItem=[{"oriTaxIncludedAmount": "10.00"}, {"oriTaxIncludedAmount": "20.50", "orderNo": "O2"}]
    )
    saved = desk.data("EFI/receivable/save", {"data": body})
    page = desk.data(RECEIVABLES, {})
    summed = desk.data(RECEIVABLES, {"isSum": True})

    assert (page["recordCount"], summed["recordCount"]) == (2, 1)
    assert [row["bodyItemOriTaxIncludedAmount"] for row in page["recordList"]] == [Decimal("10.00"), Decimal("20.50")]
    assert [row["oriTaxIncludedAmount"] for row in page["recordList"]] == [Decimal("30.50")] * 2
    second = page["recordList"][1]
    assert second["bodyItem_id"] == saved["bodyItem"][1]["id"]
    assert (second["bodyItemOrderNo"], second["bodyItemCustomer"], second["bodyItemPubts"]) == ("O2", customer, NOW)
    assert not any(key.startswith("bodyItem") for key in summed["recordList"][0])


def test_efi_ranges_include_both_ends() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 3)
    stamped(desk, "efi_receivable", ids, "2026-10-01 00:00:00", "2026-10-02 00:00:00", "2026-10-03 00:00:00")
    both = {"open_modifyTime_begin": "2026-10-01 00:00:00", "open_modifyTime_end": "2026-10-02 00:00:00"}

    assert [row["id"] for row in desk.rows(RECEIVABLES, both)] == ids[:2]
    in_simple = {"simple": {"open_pubts_begin": "2026-10-02 00:00:00"}}
    assert [row["id"] for row in desk.rows(RECEIVABLES, in_simple)] == ids[1:]
    dotted = {"simple.open_pubts_end": "2026-10-02 00:00:00"}
    assert [row["id"] for row in desk.rows(RECEIVABLES, dotted)] == ids[:2]


def test_a_filter_in_the_wrong_place_is_ignored() -> None:
    desk = Desk()
    desk.emulator.seed("invoice", 2)

    assert len(desk.rows(RECEIVABLES, {"open_pubts_begin": "2030-01-01 00:00:00"})) == 2
    assert len(desk.rows("fi/oar/list", {"simple": {"open_pubts_begin": "2030-01-01 00:00:00"}})) == 0


def test_stamps_must_have_the_documented_form_and_days_mean_whole_days() -> None:
    desk = Desk()
    desk.emulator.seed("invoice", 1)
    row = desk.rows(RECEIVABLES)[0]

    assert desk.call(RECEIVABLES, {"open_modifyTime_begin": "2026-10-01"})["code"] == "310015"
    assert desk.call(RECEIVABLES, {"open_modifyTime_begin": 1})["code"] == "310015"
    day = row["billDate"][:10]
    assert len(desk.rows(RECEIVABLES, {"open_billDate_begin": day, "open_billDate_end": day})) == 1


def test_merchant_stamps_are_inclusive_below_and_exclusive_above() -> None:
    desk = Desk()
    ids = desk.emulator.seed("customer", 3)
    stamped(desk, "merchant", ids, "2026-10-01 00:00:00", "2026-10-02 00:00:00", "2026-10-03 00:00:00")

    def found(**body: str) -> list[str]:
        return [str(row["id"]) for row in desk.data(NEWLIST, body)]

    assert found(pubts="2026-10-02 00:00:00") == ids[1:]
    assert found(beganTime="2026-10-01 00:00:00", endTime="2026-10-02 00:00:00") == ids[:1]
    desk.emulator.switches["merchant_end_inclusive"] = True
    assert found(beganTime="2026-10-01 00:00:00", endTime="2026-10-02 00:00:00") == ids[:2]


@pytest.mark.parametrize(
    ("op", "value1", "value2", "expected"),
    [
        ("eq", "2026-10-02 00:00:00", None, [1]),
        ("neq", "2026-10-02 00:00:00", None, [0, 2]),
        ("lt", "2026-10-02 00:00:00", None, [0]),
        ("gt", "2026-10-02 00:00:00", None, [2]),
        ("elt", "2026-10-02 00:00:00", None, [0, 1]),
        ("egt", "2026-10-02 00:00:00", None, [1, 2]),
        ("between", "2026-10-01 00:00:00", "2026-10-02 00:00:00", [0, 1]),
        ("in", ["2026-10-03 00:00:00"], None, [2]),
        ("nin", ["2026-10-03 00:00:00"], None, [0, 1]),
        ("like", "10-02", None, [1]),
        ("is_null", None, None, []),
    ],
    ids=lambda value: str(value)[:8],
)
@pytest.mark.parametrize("grouped", [True, False], ids=["grouped", "flat"])
def test_simple_vos_know_their_operators(op: str, value1: Any, value2: Any, expected: list[int], grouped: bool) -> None:
    desk = Desk(ar_family="fi")
    ids = desk.emulator.seed("payment", 3)
    stamped(desk, "fi_receivebill", ids, "2026-10-01 00:00:00", "2026-10-02 00:00:00", "2026-10-03 00:00:00")
    condition = {"field": "pubts", "op": op, "value1": value1, "value2": value2}
    body = {"simpleVOs": [{"logicOp": "and", "conditions": [condition]}] if grouped else [condition], "isSum": True}

    assert [str(row["id"]) for row in desk.rows("fi/receivebill/list/v2", body)] == [ids[at] for at in expected]


def test_simple_vos_compare_amounts_as_numbers_and_refuse_nonsense() -> None:
    desk = Desk(ar_family="fi")
    desk.emulator.seed("payment", 3)  # 114.13, 115.26, 116.39
    body = {"simpleVOs": [{"field": "oriSum", "op": "egt", "value1": 115.26}], "isSum": True}

    assert [row["oriSum"] for row in desk.rows("fi/receivebill/list/v2", body)] == [
        Decimal("115.26"),
        Decimal("116.39"),
    ]
    for wrong in ([{"field": "pubts", "op": "approx", "value1": "1"}], [{"op": "eq"}]):
        assert desk.call("fi/receivebill/list/v2", {"simpleVOs": wrong})["code"] == "1001"
    assert desk.call("fi/receivebill/list/v2", {"simpleVOs": "x"})["code"] == "310023"


def test_oar_has_no_change_filter_unless_the_tenant_has_one() -> None:
    desk = Desk(ar_family="fi")
    desk.emulator.seed("invoice", 2)
    body = {"simpleVOs": [{"field": "pubts", "op": "egt", "value1": "2030-01-01 00:00:00"}]}

    assert len(desk.rows("fi/oar/list", body)) == 2
    desk.emulator.switches["oar_change_filter"] = True
    assert desk.rows("fi/oar/list", body) == []


def test_equality_filters_are_a_switch() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 3)
    code = desk.books.get("efi_receivable", ids[1])["code"]

    assert [row["id"] for row in desk.rows(RECEIVABLES, {"code": code})] == [ids[1]]
    assert [row["id"] for row in desk.rows(RECEIVABLES, {"simple": {"code": code}})] == [ids[1]]
    desk.emulator.switches["equality_filters"] = []
    assert len(desk.rows(RECEIVABLES, {"code": code})) == 3


def test_sales_invoices_sort_by_query_orders_and_page_ten_by_default() -> None:
    desk = Desk()
    customer = desk.new_customer()
    from test_yonyou_bip_sales import invoice

    saved = [desk.data("sd/vouchersaleinvoice/save", {"data": invoice(customer, code=f"S{n:02d}")}) for n in range(12)]
    body = {"isSum": True, "queryOrders": [{"field": "code", "order": "desc"}]}
    page = desk.data("sd/vouchersaleinvoice/list", body)

    assert [row["code"] for row in page["recordList"]] == [row["code"] for row in reversed(saved)][:10]
    assert page["recordCount"] == "12"


def test_a_change_shows_in_the_next_page_at_once() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 3)
    assert len(desk.rows(RECEIVABLES)) == 3
    desk.emulator.discard("invoice", ids[0])
    assert [row["id"] for row in desk.rows(RECEIVABLES)] == ids[1:]
    saved = desk.books.save()
    desk.emulator.discard("invoice", ids[1])
    assert len(desk.rows(RECEIVABLES)) == 1
    desk.books.restore(saved)
    assert len(desk.rows(RECEIVABLES)) == 2


def test_page_drift_moves_the_rows_behind_a_changed_one() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 4)
    stamped(desk, "efi_receivable", ids, *["2026-10-01 00:00:00"] * 4)
    window = {"simple": {"open_pubts_end": "2026-10-02 00:00:00"}, "pageSize": 2, "isSum": True}
    desk.faults.fail_next(Fault.PAGE_DRIFT, path="receivable")

    first = desk.data(RECEIVABLES, {**window, "pageIndex": 1})
    second = desk.data(RECEIVABLES, {**window, "pageIndex": 2})

    assert [row["id"] for row in first["recordList"]] == ids[:2]
    assert (first["recordCount"], second["recordCount"]) == (4, 3)
    assert [row["id"] for row in second["recordList"]] == ids[3:]  # ids[2] was skipped
    assert desk.books.get("efi_receivable", ids[0])["pubts"] == NOW


def test_page_drift_where_stamps_order_the_list_moves_the_row_to_the_end() -> None:
    desk = Desk(list_order="pubts")
    ids = desk.emulator.seed("invoice", 3)
    stamped(desk, "efi_receivable", ids, *["2026-10-01 00:00:00"] * 3)
    desk.faults.fail_next(Fault.PAGE_DRIFT)
    desk.data(RECEIVABLES, {"pageSize": 2})

    assert [row["id"] for row in desk.rows(RECEIVABLES)] == [ids[1], ids[2], ids[0]]


def test_tied_stamps_put_one_stamp_on_a_page() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 3)
    stamped(desk, "efi_receivable", ids, "2026-10-01 00:00:00", "2026-10-02 00:00:00", "2026-10-03 00:00:00")
    desk.faults.fail_next(Fault.TIED_STAMPS)

    assert {row["pubts"] for row in desk.rows(RECEIVABLES)} == {"2026-10-03 00:00:00"}


def test_a_late_row_shows_up_at_the_next_walk_with_an_older_stamp() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 3)
    desk.faults.fail_next(Fault.LATE_STAMP)

    assert [row["id"] for row in desk.rows(RECEIVABLES)] == ids[:2]
    late = desk.rows(RECEIVABLES)
    assert [row["id"] for row in late] == ids
    assert late[2]["pubts"] == "2026-10-08 10:29:30"


def test_a_late_row_stays_hidden_on_the_later_pages_of_the_walk() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 4)
    desk.faults.fail_next(Fault.LATE_STAMP)
    walked = [
        row["id"]
        for index in (1, 2)
        for row in desk.data(RECEIVABLES, {"pageIndex": index, "pageSize": 2})["recordList"]
    ]

    assert walked == [ids[0], ids[2], ids[3]]


def test_malformed_and_duplicated_rows() -> None:
    desk = Desk()
    ids = desk.emulator.seed("invoice", 3)
    desk.faults.fail_next(Fault.MALFORMED_RECORD)
    rows = desk.rows(RECEIVABLES)
    assert isinstance(rows[1]["oriTaxIncludedAmount"], dict)
    assert isinstance(rows[0]["oriTaxIncludedAmount"], Decimal)

    desk.faults.fail_next(Fault.DUPLICATED_ROW)
    assert [row["id"] for row in desk.rows(RECEIVABLES)] == [*ids, ids[0]]
    assert [row["id"] for row in desk.rows(RECEIVABLES)] == ids


def test_retired_lists_answer_as_unknown_routes() -> None:
    desk = Desk(ar_family="fi", old_receivebill_list=False)
    response = desk.response("fi/receivebill/list", {})

    assert (response.status, parsed(response)["code"]) == (404, "310404")
