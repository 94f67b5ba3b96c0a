"""Lists, page tokens and single reads of the Zoho CRM emulator: zoho.md 3."""

from __future__ import annotations

from typing import Any

import pytest
from zoho_desk import NOW, Desk, parsed, refusal, walk

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.zoho_crm.lists import views


def test_fields_are_mandatory_and_id_always_comes_back() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("Acme")
    assert refusal(desk.response("GET", "Accounts")) == (400, "REQUIRED_PARAM_MISSING", {"param_name": "fields"})
    body = desk.get("Accounts", fields="Account_Name,No_Such_Field,Modified_Time")
    assert body["data"] == [{"id": record_id, "Account_Name": "Acme", "Modified_Time": NOW}]


def test_info_is_the_documented_one() -> None:
    desk = Desk()
    desk.accounts("A", "B")
    info = desk.get("Accounts", fields="Account_Name", per_page="1")["info"]
    assert info.pop("next_page_token")
    assert info == {
        "call": False,
        "per_page": 1,
        "count": 1,
        "page": 1,
        "sort_by": "id",
        "sort_order": "desc",
        "email": False,
        "more_records": True,
        "previous_page_token": None,
        "page_token_expiry": "2026-10-09T10:30:00+08:00",
    }
    last = desk.get("Accounts", fields="Account_Name")["info"]
    assert (last["more_records"], last["next_page_token"]) == (False, None)


def test_default_order_is_newest_id_first() -> None:
    desk = Desk()
    ids = desk.accounts("A", "B", "C")
    assert [row["id"] for row in desk.get("Accounts", fields="id")["data"]] == ids[::-1]
    assert [row["id"] for row in desk.get("Accounts", fields="id", sort_order="asc")["data"]] == ids


def test_lists_sort_by_modification() -> None:
    desk = Desk()
    first, second = desk.accounts("A", "B")
    desk.clock.advance(10)
    desk.emulator.touch("customer", first, {"Phone": "1"})
    assert desk.names(sort_by="Modified_Time", sort_order="asc") == ["B", "A"]
    assert desk.names(sort_by="Modified_Time") == ["A", "B"]
    assert desk.names(sort_by="Created_Time", sort_order="asc") == ["A", "B"]
    assert second > first


@pytest.mark.parametrize(
    ("query", "code", "details"),
    [
        ({"fields": ",".join(f"F{n}" for n in range(51))}, "LIMIT_EXCEEDED", {"param_name": "fields", "limit": 50}),
        ({"per_page": "201"}, "INVALID_DATA", {"param_name": "per_page"}),
        ({"per_page": "0"}, "INVALID_DATA", {"param_name": "per_page"}),
        ({"page": "x"}, "INVALID_DATA", {"param_name": "page"}),
        ({"page": "11"}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", {"limit": 2000}),
        ({"page": "21", "per_page": "100"}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", {"limit": 2000}),
        ({"sort_by": "Account_Name"}, "INVALID_DATA", {"param_name": "sort_by"}),
        ({"sort_order": "up"}, "INVALID_DATA", {"param_name": "sort_order"}),
        ({"cvid": "1"}, "INVALID_DATA", {"param_name": "cvid"}),
        ({"page_token": "made up"}, "INVALID_DATA", {"param_name": "page_token"}),
        ({"page_token": "bWFkZSB1cA.00"}, "INVALID_DATA", {"param_name": "page_token"}),
        ({"ids": ",".join("1" for _ in range(101))}, "INVALID_DATA", {"param_name": "ids"}),
    ],
)
def test_refused_parameters(query: dict[str, str], code: str, details: dict[str, Any]) -> None:
    desk = Desk()
    desk.accounts("A")
    assert refusal(desk.response("GET", "Accounts", **{"fields": "id", **query})) == (400, code, details)


@pytest.mark.parametrize("query", [{"page": "1", "page_token": "t"}, {"cvid": "1", "sort_by": "id"}])
def test_ambiguous_parameters(query: dict[str, str]) -> None:
    response = Desk().response("GET", "Accounts", fields="id", **query)
    assert refusal(response)[:2] == (400, "AMBIGUITY_DURING_PROCESSING")


def test_a_tenant_may_clamp_instead_of_refusing() -> None:
    desk = Desk(bad_paging_refused=False, too_many_fields_refused=False)
    desk.accounts("A")
    many = ",".join(["Account_Name", *(f"F{n}" for n in range(60))])
    body = desk.get("Accounts", fields=many, per_page="500", page="0")
    assert (body["info"]["per_page"], body["info"]["page"], body["data"][0]["Account_Name"]) == (200, 1, "A")


def test_unknown_module_and_subform_module() -> None:
    desk = Desk()
    assert refusal(desk.response("GET", "Deals", fields="id")) == (400, "INVALID_MODULE", {"resource_path_index": 0})
    assert refusal(desk.response("GET", "Invoiced_Items", fields="id"))[:2] == (400, "NOT_SUPPORTED")


def test_empty_list_is_204_without_a_body() -> None:
    response = Desk().response("GET", "Accounts", fields="id")
    assert (response.status, response.body, dict(response.headers)) == (204, b"", {})


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-10-08T10:29:59+08:00", ["Acme"]),
        ("2026-10-08T02:30:00Z", []),
        ("2026-10-08T10:30:01+08:00", []),
        ("Thu, 08 Oct 2026 02:29:59 GMT", ["Acme"]),
        ("Thu, 08 Oct 2026 02:30:00 GMT", []),
    ],
)
def test_if_modified_since_is_strictly_later(since: str, expected: list[str]) -> None:
    desk = Desk()
    desk.accounts("Acme")
    headers = {"if-modified-since": since}
    response = desk.response("GET", "Accounts", fields="Account_Name", headers=headers)
    if expected:
        assert [row["Account_Name"] for row in parsed(response)["data"]] == expected
    else:
        assert (response.status, response.body) == (304, b"")


def test_if_modified_since_that_is_no_time() -> None:
    response = Desk().response("GET", "Accounts", fields="id", headers={"if-modified-since": "yesterday"})
    assert refusal(response) == (400, "INVALID_DATA", {"header_name": "If-Modified-Since"})


def test_if_modified_since_keeps_the_asked_order() -> None:
    desk = Desk()
    old, *_ = desk.accounts("old", "a", "b")
    desk.clock.advance(60)
    desk.emulator.touch("customer", old, {"Phone": "1"})
    assert desk.names(since="2026-10-08T10:30:30+08:00") == ["old"]
    assert desk.names(since="2026-10-08T10:29:00+08:00", sort_by="id", sort_order="asc") == ["old", "a", "b"]
    assert desk.names(since="2026-10-08T10:29:00+08:00", sort_by="Modified_Time", sort_order="asc") == ["a", "b", "old"]


def test_lists_by_ids_and_by_view() -> None:
    desk = Desk()
    first, _, third = desk.accounts("A", "B", "C")
    desk.emulator.touch("customer", first, {"Owner": {"id": "550000000000550002"}})
    assert desk.names(ids=f"{first},{third},999") == ["C", "A"]
    all_view, mine = views(desk.emulator.org.schema["Accounts"])
    assert desk.names(cvid=mine) == ["C", "B"]
    assert desk.names(cvid=all_view) == ["C", "B", "A"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort_by", ["id", "Modified_Time", "Created_Time"])
def test_a_walk_by_token_sees_every_record_once(sort_by: str, order: str) -> None:
    desk = Desk()
    ids = desk.emulator.seed("customer", 2345)
    pages = walk(desk, sort_by=sort_by, sort_order=order)
    seen = [record_id for page in pages for record_id in page]
    assert seen == (ids if order == "asc" else ids[::-1])
    assert [len(page) for page in pages] == [200] * 11 + [145]


def test_pages_by_number_reach_two_thousand() -> None:
    desk = Desk()
    ids = desk.emulator.seed("customer", 2100)
    seen = [row["id"] for n in range(1, 11) for row in desk.get("Accounts", fields="id", page=str(n))["data"]]
    assert seen == ids[:99:-1]
    assert desk.get("Accounts", fields="id", page="10")["info"]["more_records"] is True


def test_a_page_token_is_bound_to_all_parameters() -> None:
    desk = Desk()
    desk.accounts("A", "B", "C")
    token = desk.get("Accounts", fields="Phone", per_page="1")["info"]["next_page_token"]
    same = {"fields": "Phone", "per_page": "1", "page_token": token}
    assert desk.response("GET", "Accounts", **same).status == 200
    for change in ({"fields": "Fax"}, {"per_page": "2"}, {"sort_order": "asc"}, {"ids": "1"}):
        response = desk.response("GET", "Accounts", **{**same, **change})
        assert refusal(response) == (400, "TOKEN_BOUND_DATA_MISMATCH", {"param_name": "page_token"}), change
    later = {"if-modified-since": "2026-10-08T02:30:00Z"}
    assert refusal(desk.response("GET", "Accounts", headers=later, **same))[1] == "TOKEN_BOUND_DATA_MISMATCH"
    assert refusal(desk.response("GET", "Contacts", **same))[1] == "TOKEN_BOUND_DATA_MISMATCH"


def test_a_page_token_goes_with_an_unchanged_since() -> None:
    desk = Desk()
    desk.accounts("A", "B", "C")
    since = {"if-modified-since": "2026-10-08T02:29:00Z"}
    token = desk.get("Accounts", headers=since, fields="id", per_page="2")["info"]["next_page_token"]
    assert len(desk.get("Accounts", headers=since, fields="id", per_page="2", page_token=token)["data"]) == 1


def test_a_page_token_lives_a_day() -> None:
    desk = Desk(token_life_s=10**6)
    desk.accounts("A", "B")
    query = {"fields": "id", "per_page": "1"}
    token = desk.get("Accounts", **query)["info"]["next_page_token"]
    desk.clock.advance(86_400)
    assert desk.response("GET", "Accounts", **query, page_token=token).status == 200
    desk.clock.advance(1)
    assert refusal(desk.response("GET", "Accounts", **query, page_token=token))[:2] == (400, "EXPIRED_VALUE")


def test_page_tokens_end_at_a_hundred_thousand() -> None:
    desk = Desk()
    desk.emulator.seed("payment", 100_001)
    query = {"fields": "Name", "per_page": "200"}
    token = desk.get("Payments", **query)["info"]["next_page_token"]
    pages = 1
    while pages < 500:
        info = desk.get("Payments", **query, page_token=token)["info"]
        token, pages = info["next_page_token"], pages + 1
    assert info["more_records"] is True
    response = desk.response("GET", "Payments", **query, page_token=token)
    assert refusal(response)[:2] == (400, "PAGINATION_LIMIT_EXCEEDED")


def test_deleted_records_do_not_shift_a_walk_by_token() -> None:
    desk = Desk()
    ids = desk.emulator.seed("customer", 6)
    query = {"fields": "id", "sort_order": "asc", "per_page": "2"}
    token = desk.get("Accounts", **query)["info"]["next_page_token"]
    desk.emulator.discard("customer", ids[0])
    assert [row["id"] for row in desk.get("Accounts", **query, page_token=token)["data"]] == ids[2:4]


def test_a_tenant_may_walk_by_offset() -> None:
    desk = Desk(page_token_walk="offset")
    ids = desk.emulator.seed("customer", 6)
    query = {"fields": "id", "sort_order": "asc", "per_page": "2"}
    token = desk.get("Accounts", **query)["info"]["next_page_token"]
    desk.emulator.discard("customer", ids[0])
    assert [row["id"] for row in desk.get("Accounts", **query, page_token=token)["data"]] == ids[3:5]


def test_lists_carry_no_subforms_but_the_single_read_does() -> None:
    desk = Desk()
    (invoice_id,) = desk.insert("Invoices", desk.invoice())
    row = desk.get("Invoices", fields="Subject,Invoiced_Items,Grand_Total")["data"][0]
    assert row == {"id": invoice_id, "Subject": "INV-1", "Grand_Total": 100}
    record = desk.get(f"Invoices/{invoice_id}")["data"][0]
    (line,) = record["Invoiced_Items"]
    assert (line["Product_Name"]["name"], line["Quantity"], line["Total"]) == ("Bearing", 2, 100)
    assert line["id"].isdigit()
    assert record["$has_more"] == {"Invoiced_Items": False}


def test_system_keys_of_a_record() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("Acme")
    record = desk.get(f"Accounts/{record_id}")["data"][0]
    person = {"name": "Sync User", "id": "550000000000550001", "email": "sync@sandbox.invalid"}
    assert {key: record[key] for key in ("Owner", "Created_By", "Modified_By")} == dict.fromkeys(
        ("Owner", "Created_By", "Modified_By"), person
    )
    assert (record["Created_Time"], record["Modified_Time"], record["Tag"]) == (NOW, NOW, [])
    assert (record["$currency_symbol"], record["$approval_state"]) == ("¥", "approved")
    assert (record["Locked__s"], record["Record_Status__s"]) == (False, "Available")
    assert isinstance(record["id"], str)


def test_times_carry_the_readers_offset() -> None:
    desk = Desk(utc_offset="-03:30")
    desk.accounts("Acme")
    assert desk.names(field="Modified_Time") == ["2026-10-07T23:00:00-03:30"]


def test_reading_unknown_deleted_and_malformed_ids() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("Acme")
    desk.emulator.discard("customer", record_id)
    for path in ("Accounts/1", f"Accounts/{record_id}"):
        response = desk.response("GET", path)
        assert (response.status, response.body) == (204, b"")
    assert refusal(desk.response("GET", "Accounts/abc")) == (400, "INVALID_DATA", {"resource_path_index": 1})
    desk.emulator.switches["unknown_id_status"] = 400
    assert refusal(desk.response("GET", "Accounts/1"))[:2] == (400, "INVALID_DATA")


def test_single_read_of_some_fields_and_only_if_modified() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("Acme")
    assert desk.get(f"Accounts/{record_id}", fields="Account_Name")["data"] == [
        {"id": record_id, "Account_Name": "Acme"}
    ]
    response = desk.response("GET", f"Accounts/{record_id}", headers={"if-modified-since": NOW})
    assert response.status == 304


def test_lists_cut_rich_text_but_the_single_read_does_not() -> None:
    desk = Desk()
    (record_id,) = desk.insert("Accounts", {"Account_Name": "A", "Description": "x" * 600})
    assert desk.names(field="Description") == ["x" * 500]
    assert desk.get(f"Accounts/{record_id}")["data"][0]["Description"] == "x" * 600


def test_count() -> None:
    desk = Desk()
    desk.accounts("Acme", "Bolt")
    assert desk.get("Accounts/actions/count") == {"count": 2}
    assert desk.get("Accounts/actions/count", criteria="(Account_Name:equals:Acme)") == {"count": 1}


def test_page_drift_moves_a_row_that_was_read() -> None:
    desk = Desk()
    ids = desk.emulator.seed("customer", 5)
    desk.clock.advance(60)
    desk.faults.fail_next(Fault.PAGE_DRIFT)
    pages = walk(desk, sort_by="Modified_Time", sort_order="asc", per_page="2")
    seen = [record_id for page in pages for record_id in page]
    assert seen == [*ids, ids[0]]
    assert set(seen) == set(ids)


def test_tied_stamps_share_the_newest_one() -> None:
    desk = Desk()
    desk.accounts("A")
    desk.clock.advance(5)
    desk.accounts("B")
    desk.faults.fail_next(Fault.TIED_STAMPS)
    assert set(desk.names(field="Modified_Time", sort_by="Modified_Time")) == {"2026-10-08T10:30:05+08:00"}


def test_a_late_stamp_shows_in_the_next_walk_only() -> None:
    desk = Desk()
    ids = []
    for name in "ABC":
        ids += desk.accounts(name)
        desk.clock.advance(1)
    desk.faults.fail_next(Fault.LATE_STAMP)
    query = {"sort_by": "Modified_Time", "sort_order": "asc", "per_page": "1"}
    assert walk(desk, **query) == [[ids[0]], [ids[2]]]
    assert walk(desk, **query) == [[ids[0]], [ids[1]], [ids[2]]]


@pytest.mark.parametrize("per_page", ["2", "200"])
def test_a_duplicated_row_stands_twice_and_nothing_is_lost(per_page: str) -> None:
    desk = Desk()
    ids = desk.emulator.seed("customer", 5)
    desk.faults.fail_next(Fault.DUPLICATED_ROW)
    seen = [record_id for page in walk(desk, per_page=per_page) for record_id in page]
    assert len(seen) == 6
    assert set(seen) == set(ids)
    assert desk.faults.pending == 0


def test_a_malformed_record_is_one_of_the_page() -> None:
    desk = Desk()
    desk.accounts("A", "B", "C")
    desk.faults.fail_next(Fault.MALFORMED_RECORD)
    names = desk.names()
    assert [name for name in names if isinstance(name, str)] == ["C", "A"]
    assert isinstance(names[1], dict)
    assert desk.names() == ["C", "B", "A"]


def test_restoring_the_books_is_seen_at_once() -> None:
    desk = Desk()
    desk.accounts("A")
    saved = desk.books.save()
    desk.accounts("B")
    assert desk.names() == ["B", "A"]
    desk.books.restore(saved)
    assert desk.names() == ["A"]
    desk.books.put("Accounts", "7", {**desk.books.rows("Accounts")[0], "id": "7", "Account_Name": "by hand"})
    assert desk.names() == ["A", "by hand"]
