"""Bulk read jobs and notification channels of the Zoho CRM emulator: zoho.md 7 and 8."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from zoho_desk import BASE, NOW, Desk, parsed, refusal

BULK = "/crm/bulk/v8/"
HOOK = "http://127.0.0.1:9/hook"


def job(desk: Desk, **query: Any) -> str:
    body = {"query": {"module": {"api_name": "Accounts"}, **query}, "file_type": "csv"}
    response = desk.response("POST", "read", body, api=BULK)
    assert response.status == 201, response.body
    return str(parsed(response)["data"][0]["details"]["id"])


def rows_of(desk: Desk, job_id: str) -> list[list[str]]:
    while desk_state(desk, job_id)["state"] != "COMPLETED":
        pass
    response = desk.response("GET", f"read/{job_id}/result", api=BULK)
    assert (response.status, response.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(response.body)) as archive:
        (name,) = archive.namelist()
        assert name == f"{job_id}.csv"
        return list(csv.reader(io.StringIO(archive.read(name).decode())))


def desk_state(desk: Desk, job_id: str) -> dict[str, Any]:
    return parsed(desk.response("GET", f"read/{job_id}", api=BULK))["data"][0]  # type: ignore[no-any-return]


def test_a_job_from_start_to_file() -> None:
    desk = Desk()
    parent, child = desk.insert(
        "Accounts",
        {"Account_Name": "Acme, Ltd", "Credit_Limit": 10.5},
        {"Account_Name": '"B"\nC', "Opened_On": "2026-01-02"},
    )
    desk.emulator.touch("customer", child, {"Parent_Account": {"id": parent}})
    body = {"query": {"module": {"api_name": "Accounts"}, "fields": ["id"], "page": 1}, "file_type": "csv"}
    added = parsed(desk.response("POST", "read", body, api=BULK))["data"][0]
    assert (added["code"], added["status"], added["message"]) == (
        "ADDED_SUCCESSFULLY",
        "success",
        "Added successfully.",
    )
    assert (added["details"]["state"], added["details"]["created_time"]) == ("ADDED", NOW)
    job_id = job(desk, fields=["id", "Account_Name", "Credit_Limit", "Opened_On", "Parent_Account", "Created_Time"])
    assert desk.response("GET", f"read/{job_id}/result", api=BULK).status == 404
    assert [desk_state(desk, job_id)["state"] for _ in range(2)] == ["ADDED", "QUEUED"]
    done = desk_state(desk, job_id)
    assert done["result"] == {
        "page": 1,
        "per_page": 200_000,
        "count": 2,
        "more_records": False,
        "next_page_token": None,
        "download_url": f"/crm/bulk/v8/read/{job_id}/result",
    }
    assert rows_of(desk, job_id) == [
        ["id", "Account_Name", "Credit_Limit", "Opened_On", "Parent_Account", "Created_Time"],
        [parent, "Acme, Ltd", "10.5", "", "", NOW],
        [child, '"B"\nC', "", "2026-01-02", parent, NOW],
    ]


def test_a_job_works_on_the_records_of_its_start() -> None:
    desk = Desk()
    desk.accounts("A")
    job_id = job(desk, fields=["Account_Name"])
    desk.accounts("B")
    assert rows_of(desk, job_id) == [["Account_Name"], ["A"]]


def test_pages_of_a_job() -> None:
    desk = Desk(bulk_rows_per_page=2)
    desk.accounts("A", "B", "C")
    first, second = job(desk, fields=["Account_Name"]), job(desk, fields=["Account_Name"], page=2)
    assert rows_of(desk, first)[1:] == [["A"], ["B"]]
    assert rows_of(desk, second)[1:] == [["C"]]
    assert (desk_state(desk, first)["result"]["more_records"], desk_state(desk, second)["result"]["count"]) == (True, 1)


def test_criteria_of_a_job() -> None:
    desk = Desk()
    desk.insert(
        "Accounts", *({"Account_Name": name, "Credit_Days": days} for name, days in (("A", 1), ("B", 2), ("C", 3)))
    )
    parts = [
        {"field": {"api_name": "Credit_Days"}, "comparator": "greater_than", "value": 1},
        {"field": {"api_name": "Account_Name"}, "comparator": "not_equal", "value": "C"},
    ]
    group = {"group_operator": "AND", "group": parts}
    assert rows_of(desk, job(desk, fields=["Account_Name"], criteria=group))[1:] == [["B"]]
    bad = {"query": {"module": {"api_name": "Accounts"}, "criteria": {"comparator": "x"}}}
    assert refusal(desk.response("POST", "read", bad, api=BULK))[1] == "INVALID_DATA"


def test_the_file_is_there_for_a_day() -> None:
    desk = Desk(token_life_s=10**6)
    job_id = job(desk)
    assert len(rows_of(desk, job_id)) == 1
    desk.clock.advance(86_401)
    assert refusal(desk.response("GET", f"read/{job_id}/result", api=BULK))[:2] == (400, "EXPIRED_VALUE")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"module": {"api_name": "Deals"}}, "INVALID_MODULE"),
        ({"module": {"api_name": "Invoiced_Items"}}, "MODULE_NOT_SUPPORTED"),
        ({"fields": ["Colour"]}, "FIELD_NOT_SUPPORTED"),
        ({"page": 501}, "PAGE_RANGE_EXCEEDED"),
        ({"page": 0}, "PAGE_RANGE_EXCEEDED"),
    ],
)
def test_refused_jobs(query: dict[str, Any], code: str) -> None:
    body = {"query": {"module": {"api_name": "Accounts"}, **query}}
    assert refusal(Desk().response("POST", "read", body, api=BULK))[:2] == (400, code)


def test_a_subform_cannot_be_bulk_read() -> None:
    body = {"query": {"module": {"api_name": "Invoices"}, "fields": ["Invoiced_Items"]}}
    assert refusal(Desk().response("POST", "read", body, api=BULK))[1] == "FIELD_NOT_SUPPORTED"


def test_unknown_jobs() -> None:
    desk = Desk()
    for path in ("read/1", "read/1/result"):
        assert refusal(desk.response("GET", path, api=BULK)) == (404, "RESOURCE_NOT_FOUND", {"resource": "1"})


def test_a_finished_job_calls_back_once() -> None:
    desk = Desk(bulk_polls=0)
    body = {"query": {"module": {"api_name": "Accounts"}}, "callback": {"url": HOOK, "method": "post"}}
    job_id = parsed(desk.response("POST", "read", body, api=BULK))["data"][0]["details"]["id"]
    for _ in range(2):
        desk_state(desk, job_id)
    (post,) = desk.emulator.take_posts()
    assert (post.url, json.loads(post.body)["job_id"], json.loads(post.body)["state"]) == (HOOK, job_id, "COMPLETED")


def channel(**changes: Any) -> dict[str, Any]:
    given = {"channel_id": "1068001", "events": ["Accounts.all"], "token": "our-secret", "notify_url": HOOK, **changes}
    return {"watch": [{key: value for key, value in given.items() if value is not ...}]}


def watching(**changes: Any) -> Desk:
    desk = Desk()
    assert desk.response("POST", "actions/watch", channel(**changes)).status == 201
    return desk


def told(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(post.body) for post in desk.emulator.take_posts()]


def test_enabling_a_channel() -> None:
    desk = Desk()
    body = channel(channel_expiry="2026-10-15T10:30:00+08:00", events=["Accounts.all", "Invoices.edit"])
    response = desk.response("POST", "actions/watch", body)
    (result,) = parsed(response)["watch"]
    assert (response.status, result["code"], result["status"]) == (201, "SUCCESS", "success")
    assert result["details"]["events"][1] == {
        "channel_expiry": "2026-10-15T10:30:00+08:00",
        "resource_uri": f"{BASE}/crm/v8/Invoices",
        "resource_id": desk.emulator.org.schema["Invoices"].id,
        "resource_name": "Invoices",
        "channel_id": "1068001",
    }


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (..., "2026-10-08T11:30:00+08:00"),
        ("2026-10-15T10:30:01+08:00", "2026-10-08T11:30:00+08:00"),
        ("2026-10-15T10:30:00+08:00", "2026-10-15T10:30:00+08:00"),
        ("2026-10-08T03:00:00Z", "2026-10-08T11:00:00+08:00"),
    ],
    ids=["missing", "too far ahead", "a week", "half an hour"],
)
def test_when_a_channel_ends(asked: Any, granted: str) -> None:
    desk = watching(channel_expiry=asked)
    assert desk.get("actions/watch")["watch"][0]["channel_expiry"] == granted


@pytest.mark.parametrize(
    ("changes", "code", "name"),
    [
        ({"channel_id": ...}, "MANDATORY_NOT_FOUND", "channel_id"),
        ({"channel_id": "abc"}, "INVALID_DATA", "channel_id"),
        ({"notify_url": ...}, "MANDATORY_NOT_FOUND", "notify_url"),
        ({"notify_url": "ftp://x"}, "INVALID_DATA", "notify_url"),
        ({"token": "x" * 51}, "INVALID_DATA", "token"),
        ({"events": ...}, "MANDATORY_NOT_FOUND", "events"),
        ({"events": ["Accounts.all", "Deals.all"]}, "INVALID_DATA", "events[1]"),
        ({"events": ["Accounts.changed"]}, "INVALID_DATA", "events[0]"),
        ({"channel_expiry": "2026-10-08T10:29:00+08:00"}, "INVALID_DATA", "channel_expiry"),
        ({"channel_expiry": "soon"}, "INVALID_DATA", "channel_expiry"),
    ],
)
def test_refused_channels(changes: dict[str, Any], code: str, name: str) -> None:
    desk = Desk()
    response = desk.response("POST", "actions/watch", channel(**changes))
    (result,) = parsed(response)["watch"]
    assert (response.status, result["code"], result["details"]["api_name"]) == (400, code, name)
    assert desk.response("GET", "actions/watch").status == 204


def test_a_tenant_may_number_channels_itself() -> None:
    desk = Desk(channel_id_required=False)
    response = desk.response("POST", "actions/watch", channel(channel_id=...))
    assert parsed(response)["watch"][0]["details"]["events"][0]["channel_id"].isdigit()


def test_the_documented_notification() -> None:
    desk = watching(channel_id=1068001, events=["Invoices.all"])
    (invoice,) = desk.insert("Invoices", desk.invoice())
    (added,) = told(desk)
    assert (added["operation"], added["ids"], added["affected_fields"]) == ("insert", [invoice], [])
    desk.emulator.touch("invoice", invoice, {"Status": "Approved"})
    (post,) = desk.emulator.take_posts()
    assert post.url == HOOK
    assert json.loads(post.body) == {
        "server_time": 1791426600000,
        "module": "Invoices",
        "operation": "update",
        "ids": [invoice],
        "channel_id": "1068001",
        "token": "our-secret",
        "resource_uri": f"{BASE}/crm/v8/Invoices",
        "query_params": {},
        "affected_fields": [{invoice: ["Status"]}],
    }
    assert desk.emulator.take_posts() == []


def test_one_post_per_call_and_operation() -> None:
    desk = watching()
    ids = desk.insert("Accounts", {"Account_Name": "A", "ERP_Id": "1"}, {"Account_Name": "B", "ERP_Id": "2"})
    assert [(note["operation"], note["ids"]) for note in told(desk)] == [("insert", ids)]
    records = [{"Account_Name": "A2", "ERP_Id": "1"}, {"Account_Name": "C", "ERP_Id": "3"}]
    desk.response("POST", "Accounts/upsert", {"data": records, "duplicate_check_fields": ["ERP_Id"]})
    assert sorted(note["operation"] for note in told(desk)) == ["insert", "update"]
    desk.response("DELETE", "Accounts", ids=",".join(ids))
    assert [(note["operation"], note["ids"]) for note in told(desk)] == [("delete", ids)]
    desk.response("POST", "Accounts", {"data": [{}]})
    assert told(desk) == []


@pytest.mark.parametrize(
    ("event", "operations"),
    [("create", ["insert"]), ("edit", ["update"]), ("delete", ["delete"]), ("all", ["insert", "update", "delete"])],
)
def test_only_the_events_asked_for(event: str, operations: list[str]) -> None:
    desk = watching(events=[f"Accounts.{event}"])
    (record_id,) = desk.accounts("A")
    desk.emulator.touch("customer", record_id, {"Phone": "1"})
    desk.emulator.discard("customer", record_id)
    desk.insert("Contacts", {"Last_Name": "Li"})
    assert [note["operation"] for note in told(desk)] == operations


def condition(*names: str) -> list[dict[str, Any]]:
    group = [{"field": {"api_name": name}} for name in names]
    selection = {"group_operator": "or", "group": group}
    return [{"type": "field_selection", "module": {"api_name": "Accounts"}, "field_selection": selection}]


def test_a_condition_limits_edits_to_some_fields() -> None:
    desk = watching(notification_condition=condition("Phone", "Fax"))
    (record_id,) = desk.accounts("A")
    desk.emulator.touch("customer", record_id, {"Credit_Days": 1})
    desk.emulator.touch("customer", record_id, {"Fax": "1"})
    assert [(note["operation"], note["affected_fields"]) for note in told(desk)] == [
        ("insert", []),
        ("update", [{record_id: ["Fax"]}]),
    ]


def test_conditions_of_more_than_ten_fields_or_none() -> None:
    body = channel(notification_condition=condition(*(f"F{n}" for n in range(11))))
    assert parsed(Desk().response("POST", "actions/watch", body))["watch"][0]["code"] == "LIMIT_EXCEEDED"
    response = Desk().response("POST", "actions/watch", channel(notification_condition=["Phone"]))
    assert refusal(response)[:2] == (400, "INVALID_DATA")


def test_values_come_on_request() -> None:
    desk = watching(return_affected_field_values=True)
    (record_id,) = desk.accounts("A")
    told(desk)
    desk.emulator.touch("customer", record_id, {"Credit_Limit": 12.5})
    (post,) = desk.emulator.take_posts()
    assert b'"affected_values":[{"record_id":"%s","values":{"Credit_Limit":12.5}}]' % record_id.encode() in post.body


def test_a_channel_that_ended_tells_nothing() -> None:
    desk = watching()
    desk.clock.advance(3600)
    desk.sign_in()
    desk.accounts("A")
    assert told(desk) == []
    assert desk.response("GET", "actions/watch").status == 204


def test_renewing_replacing_and_stopping() -> None:
    desk = watching()
    later = {"channel_id": "1068001", "channel_expiry": "2026-10-10T00:00:00+08:00"}
    assert desk.response("PATCH", "actions/watch", {"watch": [later]}).status == 200
    (row,) = desk.get("actions/watch", channel_id="1068001", module="Accounts")["watch"]
    assert (row["channel_expiry"], row["token"], row["events"]) == (
        later["channel_expiry"],
        "our-secret",
        ["Accounts.all"],
    )
    assert desk.response("PATCH", "actions/watch", {"watch": [{"channel_id": "1068001", "token": "new"}]}).status == 200
    (row,) = desk.get("actions/watch")["watch"]
    assert (row["channel_expiry"], row["token"]) == (later["channel_expiry"], "new")
    replaced = {**channel(events=["Invoices.create"], token=...)["watch"][0]}
    assert desk.response("PUT", "actions/watch", {"watch": [replaced]}).status == 200
    (row,) = desk.get("actions/watch")["watch"]
    assert (row["events"], row["token"]) == (["Invoices.create"], None)
    assert desk.response("GET", "actions/watch", module="Accounts").status == 204
    assert desk.response("DELETE", "actions/watch", channel_ids="1068001").status == 200
    assert desk.response("GET", "actions/watch").status == 204


def test_unknown_channels() -> None:
    desk = watching()
    for method in ("PUT", "PATCH"):
        response = desk.response(method, "actions/watch", channel(channel_id="5"))
        assert (response.status, parsed(response)["watch"][0]["code"]) == (400, "INVALID_DATA")
    response = desk.response("DELETE", "actions/watch", channel_ids="1068001,5")
    assert [row["status"] for row in parsed(response)["watch"]] == ["success", "error"]
    assert response.status == 207
    assert refusal(desk.response("DELETE", "actions/watch"))[1] == "REQUIRED_PARAM_MISSING"


def test_events_can_be_dropped_by_patch() -> None:
    desk = watching()
    dropped = {"watch": [{"channel_id": "1068001", "_delete_events": True}]}
    assert desk.response("PATCH", "actions/watch", dropped).status == 200
    assert desk.response("GET", "actions/watch").status == 204
