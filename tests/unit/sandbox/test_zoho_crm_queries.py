"""COQL and search of the Zoho CRM emulator: zoho.md 4."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from zoho_desk import Desk, parsed, refusal

from ledgerbridge.sandbox.zoho_crm.coql_parser import parse


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    acme, bolt = desk.insert(
        "Accounts",
        {
            "Account_Name": "Acme 50% (one)",
            "ERP_Id": "C1",
            "Credit_Days": 30,
            "Credit_Limit": 100.5,
            "Opened_On": "2026-01-05",
        },
        {"Account_Name": "Bolt", "ERP_Id": "C2", "Credit_Days": 60, "Phone": "021-1", "Email": "a@b.cn"},
    )
    desk.clock.advance(60)
    desk.insert("Accounts", {"Account_Name": "Acme two", "ERP_Id": "C3", "Parent_Account": {"id": bolt}})
    desk.insert("Contacts", {"Last_Name": "Li", "Account_Name": {"id": acme}, "Email_Opt_Out": True})
    return desk


def test_the_documented_query(desk: Desk) -> None:
    response = desk.coql(
        "select Account_Name, Modified_Time from Accounts where Modified_Time >= '2026-10-08T02:30:30+00:00'"
        " order by id limit 200 offset 0"
    )
    body = parsed(response)
    assert body["info"] == {"count": 1, "more_records": False}
    (row,) = body["data"]
    assert row.pop("id").isdigit()
    assert row == {"Account_Name": "Acme two", "Modified_Time": "2026-10-08T10:31:00+08:00"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("ERP_Id = 'C1'", ["C1"]),
        ("ERP_Id = 'c1'", ["C1"]),
        ("ERP_Id != 'C1'", ["C2", "C3"]),
        ("ERP_Id in ('C1','C3')", ["C1", "C3"]),
        ("ERP_Id not in ('C1','C3')", ["C2"]),
        ("Account_Name like 'Acme%'", ["C1", "C3"]),
        ("Account_Name like '%t%'", ["C2", "C3"]),
        ("Account_Name not like 'Acme%'", ["C2"]),
        ("Credit_Days > 30", ["C2"]),
        ("Credit_Days >= 30", ["C1", "C2"]),
        ("Credit_Days between 20 and 40", ["C1"]),
        ("Credit_Limit = 100.50", ["C1"]),
        ("Credit_Days is null", ["C3"]),
        ("Credit_Days is not null", ["C1", "C2"]),
        ("Opened_On < '2026-02-01'", ["C1"]),
        ("Parent_Account.ERP_Id = 'C2'", ["C3"]),
        ("Parent_Account.Account_Name like 'bol%'", ["C3"]),
        ("Created_Time < '2026-10-08T10:31:00+08:00'", ["C1", "C2"]),
        ("(ERP_Id = 'C1' or (ERP_Id = 'C2' and Credit_Days = 60))", ["C1", "C2"]),
        ("(ERP_Id = 'C1' or (ERP_Id = 'C2' and Credit_Days = 61))", ["C1"]),
    ],
)
def test_comparators(desk: Desk, where: str, expected: list[str]) -> None:
    rows = desk.found(f"select ERP_Id from Accounts where {where} order by id")
    assert [row["ERP_Id"] for row in rows] == expected


def test_id_and_lookup_conditions(desk: Desk) -> None:
    first = desk.found("select ERP_Id from Accounts order by id limit 1")[0]["id"]
    assert [row["ERP_Id"] for row in desk.found(f"select ERP_Id from Accounts where id > {first} order by id")] == [
        "C2",
        "C3",
    ]
    contact = desk.found(
        f"select Last_Name, Account_Name, Account_Name.ERP_Id from Contacts where Account_Name = '{first}'"
    )
    assert contact[0]["Account_Name"] == {"name": "Acme 50% (one)", "id": first}
    assert contact[0]["Account_Name.ERP_Id"] == "C1"
    assert desk.found("select id from Contacts where Email_Opt_Out = true")
    desk.emulator.switches["coql_lookup_names"] = False
    assert desk.found("select Account_Name from Contacts")[0]["Account_Name"] == {"id": first}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("order by id desc", ["C3", "C2", "C1"]),
        ("order by Account_Name", ["C1", "C3", "C2"]),
        ("order by Credit_Days desc", ["C2", "C1", "C3"]),
        ("order by Credit_Days asc", ["C3", "C1", "C2"]),
        ("order by Modified_Time desc, Account_Name desc", ["C3", "C2", "C1"]),
        ("order by Credit_Days limit 1, 2", ["C1", "C2"]),
        ("order by id limit 1 offset 1", ["C2"]),
        ("order by id limit 2 offset 3", []),
    ],
)
def test_order_limit_offset(desk: Desk, order: str, expected: list[str]) -> None:
    assert [row["ERP_Id"] for row in desk.found(f"select ERP_Id from Accounts {order}")] == expected


def test_more_records(desk: Desk) -> None:
    assert parsed(desk.coql("select id from Accounts limit 2"))["info"] == {"count": 2, "more_records": True}
    assert parsed(desk.coql("select id from Accounts limit 2 offset 1"))["info"] == {"count": 2, "more_records": False}
    assert desk.coql("select id from Accounts where ERP_Id = 'none'").status == 204


def test_large_results_by_offset_and_by_id() -> None:
    desk = Desk()
    ids = desk.emulator.seed("customer", 5000)
    by_offset = [desk.found(f"select id from Accounts order by id limit 2000 offset {n}") for n in (0, 2000, 4000)]
    assert [row["id"] for page in by_offset for row in page] == ids
    after = desk.found(f"select id from Accounts where id > {ids[2999]} order by id limit 2000")
    assert [row["id"] for row in after] == ids[3000:]
    assert len(desk.found("select id from Accounts")) == 200


def test_coql_sees_a_write_at_once_but_search_does_not() -> None:
    desk = Desk()
    desk.accounts("Acme")
    assert desk.found("select id from Accounts where Account_Name = 'Acme'")
    criteria = {"criteria": "(Account_Name:equals:Acme)"}
    assert desk.response("GET", "Accounts/search", **criteria).status == 204
    desk.clock.advance(30)
    assert desk.get("Accounts/search", **criteria)["info"]["count"] == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select id from", "SYNTAX_ERROR"),
        ("update Accounts", "SYNTAX_ERROR"),
        ("select id from Accounts where ERP_Id ~ 'x'", "SYNTAX_ERROR"),
        ("select id from Accounts where ERP_Id = 'open", "SYNTAX_ERROR"),
        ("select id from Accounts where ERP_Id = 'a' and ERP_Id = 'b' and ERP_Id = 'c'", "SYNTAX_ERROR"),
        ("select id from Accounts limit x", "SYNTAX_ERROR"),
        ("select id from Accounts offset 5", "SYNTAX_ERROR"),
        ("select Colour from Accounts", "INVALID_QUERY"),
        ("select * from Accounts", "SYNTAX_ERROR"),
        ("select id from Accounts where Colour = 'x'", "INVALID_QUERY"),
        ("select id from Accounts where Credit_Days = 'x'", "INVALID_QUERY"),
        ("select id from Accounts where Modified_Time > 'x'", "INVALID_QUERY"),
        ("select Invoiced_Items from Invoices", "INVALID_QUERY"),
        ("select Owner.name from Accounts", "INVALID_QUERY"),
        ("select Phone, Phone from Accounts", "DUPLICATE_DATA"),
        ("select id from Deals", "INVALID_MODULE"),
        ("select id from Invoiced_Items", "INVALID_MODULE"),
        ("select id from Accounts limit 2001", "LIMIT_EXCEEDED"),
        ("select id from Accounts limit 2000 offset 98001", "LIMIT_EXCEEDED"),
        ("select id from Accounts limit 0", "INVALID_DATA"),
        (f"select {','.join(f'F{n}' for n in range(51))} from Accounts", "LIMIT_EXCEEDED"),
        (f"select id from Accounts where ERP_Id in ({','.join(['1'] * 51)})", "LIMIT_EXCEEDED"),
    ],
)
def test_refused_queries(desk: Desk, query: str, code: str) -> None:
    assert refusal(desk.coql(query))[:2] == (400, code)


def test_details_of_refusals(desk: Desk) -> None:
    assert refusal(desk.coql("select id\nfrom Accounts wher x"))[2] == {"line": 2, "column": 15, "near": "wher"}
    assert refusal(desk.coql("select Colour from Accounts"))[2] == {"column_name": "Colour"}
    assert refusal(desk.response("POST", "coql", {}))[:2] == (400, "MANDATORY_NOT_FOUND")
    assert refusal(desk.response("POST", "coql", {"select_query": 1}))[:2] == (400, "INVALID_DATA")


def test_at_most_25_conditions() -> None:
    def nested(count: int) -> str:
        return "ERP_Id = 'x'" if count == 1 else f"(ERP_Id = 'x' or {nested(count - 1)})"

    assert Desk().coql(f"select id from Accounts where {nested(25)}").status == 204
    assert refusal(Desk().coql(f"select id from Accounts where {nested(26)}"))[1] == "LIMIT_EXCEEDED"


def test_pairs_are_not_required_everywhere() -> None:
    where = "ERP_Id = 'a' or ERP_Id = 'b' or ERP_Id = 'c'"
    assert Desk(coql_pairs_required=False).coql(f"select id from Accounts where {where}").status == 204


def test_quotes_in_texts() -> None:
    query = parse(r"select id from Accounts where Account_Name = 'O\'Brien \\ Sons'", pairs_required=True)
    assert query.where is not None
    assert query.where.values == ("O'Brien \\ Sons",)  # type: ignore[union-attr]
    desk = Desk()
    desk.accounts("O'Brien")
    assert desk.found(r"select id from Accounts where Account_Name = 'O\'Brien'")


SEARCHES: list[tuple[dict[str, str], list[str]]] = [
    ({"criteria": "(Account_Name:equals:acme)"}, ["C3", "C1"]),  # contains, not equals
    ({"criteria": "(ERP_Id:equals:C)"}, ["C3", "C2", "C1"]),
    ({"criteria": "(Account_Name:starts_with:Bo)"}, ["C2"]),
    ({"criteria": r"(Account_Name:equals:50% \(one\))"}, ["C1"]),
    ({"criteria": "(ERP_Id:in:C1,C2)"}, ["C2", "C1"]),
    ({"criteria": "((ERP_Id:equals:C1)or(ERP_Id:equals:C2))"}, ["C2", "C1"]),
    ({"criteria": "(Account_Name:equals:Acme) and (Credit_Days:equals:30)"}, ["C1"]),
    ({"criteria": "(Credit_Days:between:20,40)"}, ["C1"]),
    ({"criteria": "(Credit_Days:greater_than:30)"}, ["C2"]),
    ({"criteria": "(Modified_Time:greater_equal:2026-10-08T10:31:00+08:00)"}, ["C3"]),
    ({"criteria": "(Credit_Limit:equals:100.5)"}, ["C1"]),
    ({"email": "A@B.cn"}, ["C2"]),
    ({"phone": "021"}, ["C2"]),
    ({"word": "two"}, ["C3"]),
    ({"word": "two", "criteria": "(ERP_Id:equals:C1)"}, ["C1"]),  # criteria come first
    ({"word": "nothing"}, []),
]


@pytest.mark.parametrize(("query", "expected"), SEARCHES, ids=[str(item[0]) for item in SEARCHES])
def test_search(desk: Desk, query: dict[str, str], expected: list[str]) -> None:
    desk.clock.advance(60)
    response = desk.response("GET", "Accounts/search", **query)
    got = [row["ERP_Id"] for row in parsed(response)["data"]] if response.status == 200 else []
    assert got == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "EXPECTED_PARAM_MISSING"),
        ({"criteria": "Account_Name:equals:x"}, "INVALID_QUERY"),
        ({"criteria": "(Account_Name:equals)"}, "INVALID_QUERY"),
        ({"criteria": "(Account_Name:like:x)"}, "INVALID_QUERY"),
        ({"criteria": "(Colour:equals:x)"}, "INVALID_QUERY"),
        ({"criteria": "(Account_Name:equals:x"}, "INVALID_QUERY"),
        ({"criteria": "(Account_Name:equals:f(x))"}, "INVALID_QUERY"),
        ({"criteria": "or".join(["(ERP_Id:equals:x)"] * 11)}, "INVALID_QUERY"),
        ({"word": "x", "page": "11"}, "LIMIT_REACHED"),
        ({"word": "x", "per_page": "201"}, "INVALID_DATA"),
    ],
)
def test_refused_searches(query: dict[str, str], code: str) -> None:
    assert refusal(Desk().response("GET", "Accounts/search", **query))[:2] == (400, code)


def test_search_pages() -> None:
    desk = Desk()
    desk.emulator.seed("customer", 5)
    desk.clock.advance(60)
    body = desk.get("Accounts/search", word="SEED", per_page="2", page="2", fields="ERP_Id")
    assert [row["ERP_Id"] for row in body["data"]] == ["SEED-C-000003", "SEED-C-000002"]
    assert (body["info"]["count"], body["info"]["more_records"]) == (2, True)


def test_search_without_fields_gives_whole_rows_without_subforms() -> None:
    desk = Desk()
    desk.insert("Invoices", desk.invoice())
    desk.clock.advance(60)
    row: dict[str, Any] = desk.get("Invoices/search", word="INV-1")["data"][0]
    assert (row["Grand_Total"], "Invoiced_Items" in row) == (Decimal(100), False)
