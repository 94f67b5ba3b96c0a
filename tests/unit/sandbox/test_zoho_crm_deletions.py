"""Deletion, recycle bin and deleted list of the Zoho CRM emulator: zoho.md 6."""

from __future__ import annotations

import pytest
from zoho_desk import NOW, Desk, parsed, refusal

from ledgerbridge.sandbox.faults import Fault

SYNC = {"name": "Sync User", "id": "550000000000550001"}


def test_deleting_by_ids_and_by_path() -> None:
    desk = Desk()
    first, second, third = desk.accounts("A", "B", "C")
    response = desk.response("DELETE", "Accounts", ids=f"{first},{second}")
    assert response.status == 200
    assert parsed(response)["data"][1] == {
        "code": "SUCCESS",
        "details": {"id": second},
        "message": "record deleted",
        "status": "success",
    }
    assert desk.response("DELETE", f"Accounts/{third}", wf_trigger="false").status == 200
    assert desk.emulator.count("customer") == 0


def test_gone_or_unknown_records() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("A")
    desk.emulator.discard("customer", record_id)
    response = desk.response("DELETE", "Accounts", ids=record_id)
    (row,) = parsed(response)["data"]
    assert (response.status, row["code"], row["message"]) == (400, "INVALID_DATA", "record not deleted")
    (other,) = desk.accounts("B")
    mixed = desk.response("DELETE", "Accounts", ids=f"{other},{record_id},x")
    assert mixed.status == 207
    assert [row["status"] for row in parsed(mixed)["data"]] == ["success", "error", "error"]


def test_ids_are_needed_and_limited() -> None:
    desk = Desk()
    assert refusal(desk.response("DELETE", "Accounts")) == (400, "REQUIRED_PARAM_MISSING", {"param_name": "ids"})
    assert refusal(desk.response("DELETE", "Accounts", ids=",".join("1" * 101)))[1] == "LIMIT_EXCEEDED"


def test_half_of_a_deletion_is_locked() -> None:
    desk = Desk()
    ids = desk.accounts("A", "B")
    desk.faults.fail_next(Fault.HALF_FAILED_BATCH)
    response = desk.response("DELETE", "Accounts", ids=",".join(ids))
    assert (response.status, [row["code"] for row in parsed(response)["data"]]) == (207, ["SUCCESS", "RECORD_LOCKED"])
    assert desk.names() == ["B"]


def test_the_deleted_list_is_newest_first() -> None:
    desk = Desk()
    first, second = desk.accounts("A", "B")
    desk.response("DELETE", "Accounts", ids=first)
    desk.clock.advance(60)
    desk.response("DELETE", "Accounts", ids=second)
    body = desk.get("Accounts/deleted", type="all")
    assert [row["id"] for row in body["data"]] == [second, first]
    assert body["data"][1] == {
        "id": first,
        "display_name": "A",
        "type": "recycle",
        "deleted_time": NOW,
        "deleted_by": SYNC,
        "created_by": SYNC,
    }
    assert body["info"] == {"per_page": 200, "count": 2, "page": 1, "more_records": False}
    page = desk.get("Accounts/deleted", type="all", per_page="1")
    assert (len(page["data"]), page["info"]["more_records"]) == (1, True)
    since = desk.get("Accounts/deleted", headers={"if-modified-since": NOW})
    assert [row["id"] for row in since["data"]] == [second]


def test_deleted_lists_are_empty_or_refused() -> None:
    desk = Desk()
    assert desk.response("GET", "Accounts/deleted", type="all").status == 204
    assert refusal(desk.response("GET", "Accounts/deleted", type="both"))[:2] == (400, "PATTERN_NOT_MATCHED")
    assert refusal(desk.response("GET", "Accounts/deleted", per_page="201"))[1] == "INVALID_DATA"
    (record_id,) = desk.accounts("A")
    desk.emulator.discard("customer", record_id)
    assert desk.response("GET", "Invoices/deleted").status == 204
    assert desk.response("GET", "Accounts/deleted", type="permanent").status == 204


def test_final_deletion_and_its_end() -> None:
    desk = Desk(token_life_s=10**9)
    kept, purged = desk.accounts("A", "B")
    for record_id in (kept, purged):
        desk.emulator.discard("customer", record_id)
    desk.emulator.purge(purged)
    (row,) = desk.get("Accounts/deleted", type="permanent")["data"]
    assert (row["id"], row["display_name"], row["deleted_by"], row["created_by"]) == (purged, None, None, None)
    assert [row["id"] for row in desk.get("Accounts/deleted", type="recycle")["data"]] == [kept]
    desk.clock.advance(60 * 86_400)
    assert {row["type"] for row in desk.get("Accounts/deleted")["data"]} == {"permanent"}
    desk.clock.advance(60 * 86_400)
    assert [row["id"] for row in desk.get("Accounts/deleted")["data"]] == [kept]
    desk.clock.advance(60 * 86_400)
    assert desk.response("GET", "Accounts/deleted").status == 204


def test_a_restored_record_keeps_its_id_and_leaves_the_list() -> None:
    desk = Desk()
    (record_id,) = desk.insert("Accounts", {"Account_Name": "A", "ERP_Id": "C1"})
    desk.emulator.discard("customer", record_id)
    assert desk.insert("Accounts", {"Account_Name": "B", "ERP_Id": "C9"})
    desk.clock.advance(60)
    desk.emulator.bring_back(record_id)
    assert desk.response("GET", "Accounts/deleted").status == 204
    assert desk.names(field="ERP_Id", since=NOW) == ["C1"]
    with pytest.raises(KeyError):
        desk.emulator.bring_back(record_id)


def test_a_unique_value_is_free_once_its_record_is_deleted() -> None:
    desk = Desk()
    (record_id,) = desk.insert("Accounts", {"Account_Name": "A", "ERP_Id": "C1"})
    desk.emulator.discard("customer", record_id)
    assert desk.insert("Accounts", {"Account_Name": "A", "ERP_Id": "C1"}) != [record_id]


def test_lookups_to_deleted_records_are_empty() -> None:
    desk = Desk()
    (account,) = desk.accounts("A")
    (contact,) = desk.insert("Contacts", {"Last_Name": "Li", "Account_Name": {"id": account}})
    desk.emulator.discard("customer", account)
    assert desk.get(f"Contacts/{contact}")["data"][0]["Account_Name"] is None
    desk.emulator.bring_back(account)
    assert desk.get(f"Contacts/{contact}")["data"][0]["Account_Name"] == {"name": "A", "id": account}


def test_deletions_never_show_in_a_list_by_time() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("A")
    desk.clock.advance(60)
    desk.emulator.discard("customer", record_id)
    response = desk.response("GET", "Accounts", fields="id", headers={"if-modified-since": NOW})
    assert response.status == 304
