"""Credits, calls at once and errors of the whole request in the Zoho CRM emulator: zoho.md 9 and 10."""

from __future__ import annotations

import threading

import pytest
from zoho_desk import Desk, parsed, refusal

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Request
from ledgerbridge.sandbox.zoho_crm.limits import cost_of

HEADER = "X-API-CREDITS-REMAINING"


@pytest.mark.parametrize(
    ("edition", "users", "total"),
    [
        ("free", 3, 5_000),
        ("standard", 5, 51_250),
        ("standard", 900, 100_000),
        ("professional", 5, 52_500),
        ("enterprise", 5, 55_000),
        ("enterprise", 9_000, 5_000_000),
        ("ultimate", 9_000, 18_050_000),
    ],
)
def test_credits_of_the_editions(edition: str, users: int, total: int) -> None:
    assert Desk(sign_in=False, edition=edition, users=users).emulator.limits.total == total


@pytest.mark.parametrize(
    ("method", "parts", "query", "body", "cost"),
    [
        ("GET", ("Accounts",), {}, None, 1),
        ("GET", ("Accounts",), {"cvid": "1"}, None, 3),
        ("GET", ("Accounts", "deleted"), {}, None, 2),
        ("POST", ("Accounts",), {}, {"data": [{}] * 10}, 1),
        ("POST", ("Accounts", "upsert"), {}, {"data": [{}] * 11}, 2),
        ("PUT", ("Accounts",), {}, {"data": [{}] * 100}, 10),
        ("POST", ("coql",), {}, {"select_query": "select id from Accounts"}, 1),
        ("POST", ("coql",), {}, {"select_query": "select id from Accounts limit 201"}, 2),
        ("POST", ("coql",), {}, {"select_query": "select id from Accounts limit 1001"}, 3),
        ("POST", ("coql",), {}, {"select_query": "nonsense"}, 1),
    ],
)
def test_what_calls_cost(method: str, parts: tuple[str, ...], query: dict[str, str], body: object, cost: int) -> None:
    assert cost_of(method, parts, query, body) == cost


def test_the_header_comes_once_half_is_used_and_429_at_the_end() -> None:
    desk = Desk(credits_per_day=4)
    headers = [desk.response("GET", "org").headers.get(HEADER) for _ in range(4)]
    assert headers == [None, "2", "1", "0"]
    response = desk.response("GET", "org")
    assert refusal(response) == (429, "TOO_MANY_REQUESTS", {})
    assert response.headers[HEADER] == "0"
    assert "Retry-After" not in response.headers


def test_credits_come_back_after_a_rolling_day() -> None:
    desk = Desk(credits_per_day=2, token_life_s=10**6)
    desk.response("GET", "org")
    desk.clock.advance(3600)
    desk.response("GET", "org")
    assert desk.response("GET", "org").status == 429
    desk.clock.advance(86_400 - 3600)
    assert desk.response("GET", "org").status == 200
    assert desk.response("GET", "org").status == 429


def test_a_bulk_job_costs_fifty() -> None:
    desk = Desk(credits_per_day=100)
    query = {"query": {"module": {"api_name": "Accounts"}}}
    assert desk.response("POST", "read", query, api="/crm/bulk/v8/").headers[HEADER] == "50"


def test_refused_sign_ins_cost_nothing() -> None:
    desk = Desk(credits_per_day=1)
    for _ in range(3):
        desk.raw("GET", "/crm/v8/org")
    assert desk.response("GET", "org").status == 200


@pytest.mark.parametrize(
    ("edition", "at_once"), [("free", 5), ("standard", 10), ("professional", 15), ("enterprise", 20), ("ultimate", 25)]
)
def test_calls_at_once_are_limited_by_edition(edition: str, at_once: int) -> None:
    desk = Desk(edition=edition)
    limits = desk.emulator.limits
    holds = [limits.running(heavy=False) for _ in range(at_once)]
    for hold in holds:
        hold.__enter__()
    assert refusal(desk.response("GET", "org"))[:2] == (429, "TOO_MANY_REQUESTS")
    holds[0].__exit__(None, None, None)
    assert desk.response("GET", "org").status == 200


def test_heavy_calls_share_a_limit_of_ten() -> None:
    desk = Desk(edition="ultimate")
    holds = [desk.emulator.limits.running(heavy=True) for _ in range(10)]
    for hold in holds:
        hold.__enter__()
    assert desk.coql("select id from Accounts").status == 429
    assert desk.response("GET", "org").status == 200


def test_calls_that_take_time_meet_one_another() -> None:
    desk = Desk(edition="free", processing_s=0.3)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(desk.response("GET", "org").status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 5 + [429] * 3


def test_429_without_json_with_another_code_or_with_retry_after() -> None:
    desk = Desk(rate_limit_json=False, retry_after_s=7)
    desk.faults.fail_next(Fault.RATE_LIMITED)
    response = desk.response("GET", "org")
    assert (response.status, response.body, response.headers["Retry-After"]) == (429, b"Too many requests", "7")
    desk.emulator.switches |= {"rate_limit_json": True, "rate_limit_code": "RATE_LIMIT_EXCEEDED"}
    desk.faults.fail_next(Fault.RATE_LIMITED)
    assert refusal(desk.response("GET", "org"))[1] == "RATE_LIMIT_EXCEEDED"


def test_the_body_of_429() -> None:
    desk = Desk()
    desk.faults.fail_next(Fault.QUOTA_USED_UP)
    response = desk.response("GET", "org")
    assert parsed(response) == {
        "code": "TOO_MANY_REQUESTS",
        "details": {},
        "message": "Too many requests",
        "status": "error",
    }
    assert response.headers[HEADER] == "0"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "Accounts/1/2/3", 404, "INVALID_URL_PATTERN"),
        ("GET", "", 404, "INVALID_URL_PATTERN"),
        ("GET", "settings/layouts", 404, "INVALID_URL_PATTERN"),
        ("PATCH", "Accounts", 400, "INVALID_REQUEST_METHOD"),
        ("POST", "org", 400, "INVALID_REQUEST_METHOD"),
        ("GET", "Accounts/upsert/x", 404, "INVALID_URL_PATTERN"),
        ("GET", "Sales_Orders", 400, "INVALID_MODULE"),
    ],
)
def test_wrong_addresses_and_methods(method: str, path: str, status: int, code: str) -> None:
    assert refusal(Desk().response(method, path))[:2] == (status, code)


def test_other_versions_and_hosts_paths_are_unknown() -> None:
    desk = Desk()
    assert refusal(desk.response("GET", "org", api="/crm/v7/"))[:2] == (404, "INVALID_URL_PATTERN")
    assert refusal(desk.response("GET", "write", api="/crm/bulk/v8/"))[:2] == (404, "INVALID_URL_PATTERN")


def test_unknown_code_is_processed_nowhere() -> None:
    desk = Desk()
    desk.faults.fail_next(Fault.UNKNOWN_CODE, writes_only=True)
    assert desk.response("GET", "org").status == 200
    assert refusal(desk.response("POST", "Accounts", {"data": [{"Account_Name": "A"}]}))[:2] == (
        400,
        "ORG_SHARD_MOVING",
    )
    assert desk.emulator.count("customer") == 0


def test_an_error_inside_200() -> None:
    desk = Desk()
    desk.faults.fail_next(Fault.ERROR_IN_200, count=2)
    assert refusal(desk.response("GET", "org"))[:2] == (200, "INTERNAL_ERROR")
    response = desk.response("POST", "Accounts", {"data": [{"Account_Name": "A"}, {"Account_Name": "B"}]})
    assert response.status == 200
    assert [row["code"] for row in parsed(response)["data"]] == ["NOT_APPROVED", "NOT_APPROVED"]
    assert desk.emulator.count("customer") == 0


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/crm/v8/Accounts", True),
        ("PUT", "/crm/v8/Accounts/1", True),
        ("DELETE", "/crm/v8/Accounts", True),
        ("GET", "/crm/v8/Accounts", False),
        ("POST", "/crm/v8/coql", False),
        ("POST", "/oauth/v2/token", False),
        ("POST", "/crm/bulk/v8/read", False),
    ],
)
def test_what_counts_as_a_write(method: str, path: str, expected: bool) -> None:
    assert Desk(sign_in=False).emulator.is_write(Request(method, path, {}, {}, b"")) is expected
