"""Insert, update, upsert and their refusals in the Zoho CRM emulator: zoho.md 5."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zoho_desk import NOW, Desk, parsed, refusal

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.zoho_crm.wire import dumps, loads

SYNC = {"id": "550000000000550001", "name": "Sync User"}


def results(desk: Desk, method: str, path: str, *records: Any, **more: Any) -> tuple[int, list[dict[str, Any]]]:
    headers = more.pop("headers", None)
    response = desk.response(method, path, {"data": list(records), "trigger": [], **more}, headers=headers)
    return response.status, parsed(response)["data"]


def only(desk: Desk, method: str, path: str, record: Any, **more: Any) -> dict[str, Any]:
    return results(desk, method, path, record, **more)[1][0]


def test_insert_is_201_and_a_repeat_makes_a_second_record() -> None:
    desk = Desk()
    status, (first,) = results(desk, "POST", "Accounts", {"Account_Name": "Acme"})
    details = first["details"]
    assert status == 201
    assert (first["code"], first["message"], first["status"]) == ("SUCCESS", "record added", "success")
    assert details == {
        "id": details["id"],
        "Created_Time": NOW,
        "Modified_Time": NOW,
        "Created_By": SYNC,
        "Modified_By": SYNC,
        "$approval_state": "approved",
    }
    assert only(desk, "POST", "Accounts", {"Account_Name": "Acme"})["details"]["id"] != details["id"]
    assert desk.emulator.count("customer") == 2


def test_update_changes_given_keys_only_and_null_clears() -> None:
    desk = Desk()
    (record_id,) = desk.insert("Accounts", {"Account_Name": "Acme", "Phone": "1", "Fax": "2"})
    desk.clock.advance(5)
    status, (result,) = results(desk, "PUT", "Accounts", {"id": record_id, "Phone": None, "Credit_Days": 30})
    assert (status, result["message"], "$approval_state" in result["details"]) == (200, "record updated", False)
    record = desk.get(f"Accounts/{record_id}")["data"][0]
    assert (record["Account_Name"], record["Phone"], record["Fax"], record["Credit_Days"]) == ("Acme", None, "2", 30)
    assert (record["Created_Time"], record["Modified_Time"]) == (NOW, "2026-10-08T10:30:05+08:00")


def test_update_by_path_and_with_a_number_as_id() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("Acme")
    assert results(desk, "PUT", f"Accounts/{record_id}", {"Phone": "1"})[0] == 200
    assert results(desk, "PUT", "Accounts", {"id": int(record_id), "Phone": "2"})[0] == 200
    assert desk.names(field="Phone") == ["2"]


def test_a_mixed_list_is_207_in_input_order() -> None:
    desk = Desk()
    status, rows = results(desk, "POST", "Accounts", {"Account_Name": "A"}, {}, {"Account_Name": "B"})
    assert status == 207
    assert [row["code"] for row in rows] == ["SUCCESS", "MANDATORY_NOT_FOUND", "SUCCESS"]
    assert rows[1] == {
        "code": "MANDATORY_NOT_FOUND",
        "status": "error",
        "message": "required field not found",
        "details": {"api_name": "Account_Name", "json_path": "$.data[1].Account_Name"},
    }
    assert desk.names() == ["B", "A"]


def test_older_versions_answer_202() -> None:
    desk = Desk(mixed_status=202, refused_status=202)
    assert results(desk, "POST", "Accounts", {"Account_Name": "A"}, {})[0] == 202
    assert results(desk, "POST", "Accounts", {})[0] == 202


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"data": [{"Account_Name": str(n)} for n in range(101)]}, "LIMIT_EXCEEDED"),
        ({"data": []}, "INVALID_DATA"),
        ({"data": {"Account_Name": "A"}}, "INVALID_DATA"),
        ({"data": ["A"]}, "INVALID_DATA"),
        ({"trigger": []}, "MANDATORY_NOT_FOUND"),
        ([], "INVALID_DATA"),
        ({"data": [{"Account_Name": "A"}], "trigger": "workflow"}, "INVALID_DATA"),
    ],
    ids=["101", "empty", "object", "texts", "no data", "list", "trigger"],
)
def test_refused_as_a_whole(body: Any, code: str) -> None:
    desk = Desk()
    assert refusal(desk.response("POST", "Accounts", body))[:2] == (400, code)
    assert desk.emulator.count("customer") == 0


def test_a_hundred_records_are_taken() -> None:
    desk = Desk()
    assert len(desk.insert("Accounts", *({"Account_Name": str(n)} for n in range(100)))) == 100


def test_a_body_that_is_no_json() -> None:
    desk = Desk()
    headers = {"authorization": f"Zoho-oauthtoken {desk.token}"}
    for body in (b"{", b'{"data": [{"Credit_Limit": NaN}]}'):
        assert refusal(desk.raw("POST", "/crm/v8/Accounts", {}, body, headers))[1] == "UNABLE_TO_PARSE_DATA_TYPE"


@pytest.mark.parametrize(
    ("field", "value", "details"),
    [
        ("Phone", 12, {"expected_data_type": "phone"}),
        ("Account_Name", {"a": 1}, {"expected_data_type": "text"}),
        ("Account_Name", "x" * 201, {"maximum_length": 200}),
        ("Credit_Code", "9" * 19, {"maximum_length": 18}),
        ("Email", "no address", {"expected_data_type": "email"}),
        ("Credit_Limit", "12.5", {"expected_data_type": "double"}),
        ("Credit_Limit", True, {"expected_data_type": "double"}),
        ("Credit_Limit", 10**17, {"maximum_length": 16}),
        ("Credit_Days", 1.5, {"expected_data_type": "integer"}),
        ("Credit_Days", 10**10, {"maximum_length": 9}),
        ("Opened_On", "2026-02-30", {"expected_data_type": "date"}),
        ("Opened_On", "2026-2-3", {"expected_data_type": "date"}),
        ("Opened_On", "2026-02-03T00:00:00+08:00", {"expected_data_type": "date"}),
        ("Parent_Account", "5", {"expected_data_type": "jsonobject"}),
        ("Parent_Account", {"id": "5"}, {}),
        ("Owner", {"id": "5"}, {}),
        ("Exchange_Rate", 0, {"expected_data_type": "double"}),
    ],
)
def test_values_that_do_not_fit(field: str, value: Any, details: dict[str, Any]) -> None:
    result = only(Desk(), "POST", "Accounts", {"Account_Name": "Acme", field: value})
    assert (result["code"], result["status"]) == ("INVALID_DATA", "error")
    assert result["details"] == {**details, "api_name": field, "json_path": f"$.data[0].{field}"}


def test_pick_list_values_are_named() -> None:
    desk = Desk()
    result = only(desk, "POST", "Payments", {"Name": "P", "Status": "Voided"})
    assert result["details"]["supported_values"] == ["Posted", "Reversed"]
    assert only(desk, "POST", "Payments", {"Name": "P", "Status": "-None-"})["code"] == "SUCCESS"


def test_a_lookup_without_an_id() -> None:
    result = only(Desk(), "POST", "Contacts", {"Last_Name": "Li", "Account_Name": {"name": "Acme"}})
    assert result["code"] == "EXPECTED_FIELD_MISSING"
    assert result["details"]["expected_fields"][0]["json_path"] == "$.data[0].Account_Name.id"


def test_unknown_and_read_only_fields_are_ignored_unless_the_tenant_refuses() -> None:
    desk = Desk()
    record = {"Account_Name": "A", "No_Such": 1, "Created_Time": "2020-01-01T00:00:00Z", "$x": 1}
    (record_id,) = desk.insert("Accounts", record)
    assert desk.get(f"Accounts/{record_id}")["data"][0]["Created_Time"] == NOW
    desk.emulator.switches |= {"unknown_fields_ignored": False, "read_only_ignored": False}
    errors = only(desk, "POST", "Accounts", record)["details"]["errors"]
    assert [error["details"]["api_name"] for error in errors] == ["No_Such", "Created_Time"]


def test_several_faults_of_one_record() -> None:
    desk = Desk()
    wrong = {"Phone": 1, "Credit_Days": "x"}
    result = only(desk, "POST", "Accounts", wrong)
    assert (result["code"], result["status"]) == ("MULTIPLE_OR_MULTI_ERRORS", "error")
    assert [error["details"]["api_name"] for error in result["details"]["errors"]] == [
        "Phone",
        "Credit_Days",
        "Account_Name",
    ]
    desk.emulator.switches["all_errors_of_a_record"] = False
    assert only(desk, "POST", "Accounts", wrong)["details"]["api_name"] == "Phone"


def test_update_without_or_with_a_wrong_id() -> None:
    desk = Desk()
    assert only(desk, "PUT", "Accounts", {"Phone": "1"}) == {
        "code": "MANDATORY_NOT_FOUND",
        "details": {"api_name": "id", "json_path": "$.data[0].id"},
        "message": "required field not found",
        "status": "error",
    }
    for wrong in ("77", "abc", 5):
        result = only(desk, "PUT", "Accounts", {"id": wrong, "Phone": "1"})
        assert (result["code"], result["message"]) == ("INVALID_DATA", "the id given seems to be invalid")


def test_a_mandatory_field_cannot_be_emptied() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("Acme")
    for empty in (None, ""):
        result = only(desk, "PUT", "Accounts", {"id": record_id, "Account_Name": empty})
        assert result["code"] == "MANDATORY_NOT_FOUND"
    assert desk.names() == ["Acme"]


def test_a_unique_field_names_the_record_in_the_way() -> None:
    desk = Desk()
    (first,) = desk.insert("Accounts", {"Account_Name": "A", "ERP_Id": "C1"})
    result = only(desk, "POST", "Accounts", {"Account_Name": "B", "ERP_Id": " c1 "})
    assert (result["code"], result["message"]) == ("DUPLICATE_DATA", "duplicate data")
    assert result["details"] == {
        "api_name": "ERP_Id",
        "json_path": "$.data[0].ERP_Id",
        "id": first,
        "duplicate_record": {
            "id": first,
            "Owner": {"name": "Sync User", "id": SYNC["id"]},
            "module": {"api_name": "Accounts", "id": desk.emulator.org.schema["Accounts"].id},
        },
        "more_records": False,
    }
    status, rows = results(desk, "POST", "Accounts", *({"Account_Name": "X", "ERP_Id": "C2"} for _ in range(2)))
    assert (status, [row["code"] for row in rows]) == (207, ["SUCCESS", "DUPLICATE_DATA"])
    assert only(desk, "PUT", "Accounts", {"id": first, "ERP_Id": "C1", "Phone": "1"})["code"] == "SUCCESS"


def test_insert_does_not_check_the_built_in_field_unless_the_tenant_does() -> None:
    desk = Desk()
    desk.accounts("Acme", "Acme")
    desk.emulator.switches["insert_checks_built_in"] = True
    assert only(desk, "POST", "Accounts", {"Account_Name": "acme"})["code"] == "DUPLICATE_DATA"


def test_upsert_updates_by_the_named_key_alone() -> None:
    desk = Desk()
    (first,) = desk.insert("Accounts", {"Account_Name": "Acme", "ERP_Id": "C1"})
    records = ({"Account_Name": "Renamed", "ERP_Id": "C1"}, {"Account_Name": "Acme", "ERP_Id": "C2"})
    status, rows = results(desk, "POST", "Accounts/upsert", *records, duplicate_check_fields=["ERP_Id"])
    assert status == 200
    assert [(row["action"], row["duplicate_field"], row["message"]) for row in rows] == [
        ("update", "ERP_Id", "record updated"),
        ("insert", None, "record added"),
    ]
    assert rows[0]["details"]["id"] == first
    assert sorted(desk.names()) == ["Acme", "Renamed"]


def test_upsert_without_keys_looks_at_the_built_in_field_first() -> None:
    desk = Desk()
    by_name, by_key = desk.insert("Accounts", {"Account_Name": "Acme"}, {"Account_Name": "Other", "ERP_Id": "C1"})
    assert only(desk, "POST", "Accounts/upsert", {"Account_Name": "ACME"})["details"]["id"] == by_name
    result = only(desk, "POST", "Accounts/upsert", {"Account_Name": "New", "ERP_Id": "C1"})
    assert (result["details"]["id"], result["duplicate_field"]) == (by_key, "ERP_Id")
    assert only(desk, "POST", "Accounts/upsert", {"id": by_name, "Phone": "1"})["action"] == "update"


def test_upsert_whose_keys_find_different_records() -> None:
    desk = Desk()
    desk.insert("Accounts", {"Account_Name": "Acme"}, {"Account_Name": "Other", "ERP_Id": "C1"})
    result = only(desk, "POST", "Accounts/upsert", {"Account_Name": "Acme", "ERP_Id": "C1"})
    assert (result["code"], result["details"]["api_name"]) == ("DUPLICATE_DATA", "ERP_Id")


@pytest.mark.parametrize("names", [["Phone"], [], "ERP_Id", ["ERP_Id", "Phone"]])
def test_only_built_in_and_unique_fields_may_be_keys(names: Any) -> None:
    response = Desk().response("POST", "Accounts/upsert", {"data": [{"ERP_Id": "1"}], "duplicate_check_fields": names})
    assert refusal(response)[:2] == (400, "INVALID_DATA")


def test_two_records_of_one_upsert_with_the_same_key() -> None:
    records = ({"Account_Name": "A", "ERP_Id": "C1"}, {"Account_Name": "B", "ERP_Id": "C1"})
    desk = Desk()
    _, rows = results(desk, "POST", "Accounts/upsert", *records, duplicate_check_fields=["ERP_Id"])
    assert [row["action"] for row in rows] == ["insert", "update"]
    assert desk.names() == ["B"]
    strict = Desk(same_key_updates=False)
    status, rows = results(strict, "POST", "Accounts/upsert", *records, duplicate_check_fields=["ERP_Id"])
    assert (status, rows[1]["code"], strict.names()) == (207, "DUPLICATE_DATA", ["A"])


@pytest.mark.parametrize("path", ["Accounts", "Accounts/upsert"])
def test_if_unmodified_since_refuses_the_whole_call(path: str) -> None:
    desk = Desk()
    old, new = desk.insert("Accounts", {"Account_Name": "A", "ERP_Id": "1"}, {"Account_Name": "B", "ERP_Id": "2"})
    desk.clock.advance(60)
    desk.emulator.touch("customer", new, {"Phone": "by hand"})
    records = [{"id": old, "Fax": "x"}, {"id": new, "Fax": "x"}]
    if path.endswith("upsert"):
        records = [{"Account_Name": "A", "ERP_Id": "1", "Fax": "x"}, {"Account_Name": "B", "ERP_Id": "2", "Fax": "x"}]
    method = "POST" if path.endswith("upsert") else "PUT"
    before = desk.books.save()
    more = {"duplicate_check_fields": ["ERP_Id"]}
    status, rows = results(desk, method, path, *records, headers={"if-unmodified-since": NOW}, **more)
    assert (status, len(rows), rows[0]["code"]) == (412, 1, "ALREADY_MODIFIED")
    assert (rows[0]["details"]["id"], rows[0]["details"]["Modified_Time"]) == (new, "2026-10-08T10:31:00+08:00")
    assert desk.books.save() == before
    later = {"if-unmodified-since": "2026-10-08T10:31:00+08:00"}
    assert results(desk, method, path, *records, headers=later, **more)[0] == 200


def test_a_tenant_may_judge_each_record_by_itself() -> None:
    desk = Desk(conditional_whole_call=False)
    old, new = desk.accounts("A", "B")
    desk.clock.advance(60)
    desk.emulator.touch("customer", new, {"Phone": "1"})
    records = ({"id": old, "Fax": "x"}, {"id": new, "Fax": "x"})
    status, rows = results(desk, "PUT", "Accounts", *records, headers={"if-unmodified-since": NOW})
    assert (status, [row["code"] for row in rows]) == (207, ["SUCCESS", "ALREADY_MODIFIED"])


def test_external_ids_in_path_list_and_body() -> None:
    desk = Desk()
    header = {"x-external": "Accounts.ERP_Id"}
    (account,) = desk.insert("Accounts", {"Account_Name": "Acme", "ERP_Id": "C1"})
    assert desk.get("Accounts/C1", headers=header)["data"][0]["id"] == account
    assert desk.get("Accounts", headers=header, fields="id", ids="C1")["data"] == [{"id": account}]
    assert results(desk, "PUT", "Accounts/C1", {"Phone": "1"}, headers=header)[0] == 200
    record = desk.invoice(Account_Name={"id": "C1"})
    for path in ("Accounts.ERP_Id", "Invoices.Account_Name.ERP_Id"):
        result = only(desk, "POST", "Invoices", record, headers={"x-external": path})
        assert result["code"] == "SUCCESS", path
    row = desk.get(f"Invoices/{result['details']['id']}")["data"][0]
    assert row["Account_Name"] == {"name": "Acme", "id": account}
    assert desk.response("DELETE", "Accounts/C1", headers=header).status == 200


def test_external_ids_inside_a_subform() -> None:
    desk = Desk()
    desk.insert("Products", {"Product_Name": "Bearing", "ERP_Id": "P1"})
    line = {"Product_Name": {"id": "P1"}, "Quantity": 1, "List_Price": 3}
    header = {"x-external": "Invoices.Invoiced_Items.Product_Name.ERP_Id"}
    record = {"Subject": "I", "Invoiced_Items": [line]}
    assert only(desk, "POST", "Invoices", record, headers=header)["code"] == "SUCCESS"
    assert only(desk, "POST", "Invoices", record)["code"] == "INVALID_DATA"


def test_faulty_external_ids() -> None:
    desk = Desk()
    response = desk.response("GET", "Accounts/C9", headers={"x-external": "Accounts.ERP_Id"})
    assert refusal(response)[:2] == (400, "INVALID_DATA")
    assert parsed(response)["message"] == "The value of the external field is invalid."
    for header in ("Accounts.Phone", "Deals.ERP_Id", "Accounts", "Invoices.Phone.ERP_Id"):
        assert desk.response("GET", "Accounts/C9", headers={"x-external": header}).status == 400, header


def test_subform_rows_change_come_and_go() -> None:
    desk = Desk()
    (invoice,) = desk.insert("Invoices", desk.invoice())
    product = {"id": desk.books.rows("Products")[0]["id"]}
    kept = desk.get(f"Invoices/{invoice}")["data"][0]["Invoiced_Items"][0]["id"]
    new = {"product_name": product, "quantity": 3, "list_price": 10}  # line keys without regard to case
    assert results(desk, "PUT", f"Invoices/{invoice}", {"Invoiced_Items": [new]})[0] == 200
    lines = desk.get(f"Invoices/{invoice}")["data"][0]["Invoiced_Items"]
    assert [(line["Quantity"], line["Total"], line["Sequence_Number"]) for line in lines] == [(2, 100, 1), (3, 30, 2)]
    change = [{"id": kept, "Quantity": 1}, {"id": int(lines[1]["id"]), "_delete": None}]
    assert results(desk, "PUT", f"Invoices/{invoice}", {"Invoiced_Items": change})[0] == 200
    record = desk.get(f"Invoices/{invoice}")["data"][0]
    assert [(line["id"], line["Quantity"]) for line in record["Invoiced_Items"]] == [(kept, 1)]
    assert record["Grand_Total"] == 50
    wrong = only(desk, "PUT", f"Invoices/{invoice}", {"Invoiced_Items": [{"id": "5", "Quantity": 1}]})
    assert wrong["details"]["json_path"] == "$.data[0].Invoiced_Items[0].id"


def test_a_tenant_may_replace_the_whole_subform() -> None:
    desk = Desk(subform_rows_stay=False)
    record = desk.invoice()
    (invoice,) = desk.insert("Invoices", record)
    desk.response("PUT", f"Invoices/{invoice}", {"data": [{"Invoiced_Items": record["Invoiced_Items"]}]})
    assert len(desk.get(f"Invoices/{invoice}")["data"][0]["Invoiced_Items"]) == 1


def test_an_invoice_wants_lines_and_a_line_a_product() -> None:
    desk = Desk()
    for record in ({"Subject": "I"}, {"Subject": "I", "Invoiced_Items": []}):
        assert only(desk, "POST", "Invoices", record)["details"]["api_name"] == "Invoiced_Items"
    line = only(desk, "POST", "Invoices", {"Subject": "I", "Invoiced_Items": [{"Quantity": 1}]})
    assert line["details"]["json_path"] == "$.data[0].Invoiced_Items[0].Product_Name"
    desk.emulator.switches |= {"invoice_needs_items": False, "invoice_needs_account": True}
    assert only(desk, "POST", "Invoices", {"Subject": "I"})["details"]["api_name"] == "Account_Name"


def test_totals_are_worked_out_half_up() -> None:
    desk = Desk()
    record = desk.invoice(Discount=1, Tax=2, Adjustment=0.5)
    line = record["Invoiced_Items"][0]
    line |= {"Quantity": 3, "List_Price": 33.335, "Discount": 0.01, "Line_Tax": [{"name": "VAT", "percentage": 13}]}
    (invoice,) = desk.insert("Invoices", record)
    row = desk.get(f"Invoices/{invoice}")["data"][0]
    got = row["Invoiced_Items"][0]
    assert (got["List_Price"], got["Total"]) == (Decimal("33.335"), Decimal("100.01"))
    assert got["Line_Tax"] == [{"percentage": 13, "name": "VAT", "id": None, "value": 13}]
    assert (got["Net_Total"], row["Sub_Total"], row["Grand_Total"]) == (
        113,
        113,
        Decimal("114.5"),
    )
    assert row["Invoice_Number"].isdigit()


def test_a_new_record_takes_the_base_currency_and_todays_rate() -> None:
    desk = Desk()
    base, dollar, own = desk.insert(
        "Payments",
        {"Name": "1"},
        {"Name": "2", "Currency": "USD"},
        {"Name": "3", "Currency": "USD", "Exchange_Rate": 0.14},
    )
    rows = {
        row["id"]: (row["Currency"], row["Exchange_Rate"])
        for row in desk.get("Payments", fields="Currency,Exchange_Rate")["data"]
    }
    assert rows == {base: ("CNY", 1), dollar: ("USD", Decimal("0.138888889")), own: ("USD", Decimal("0.14"))}
    results(desk, "PUT", "Payments", {"id": own, "Currency": "EUR"})
    assert desk.get(f"Payments/{own}")["data"][0]["Exchange_Rate"] == Decimal("0.127877238")


def test_a_currency_that_is_not_active() -> None:
    desk = Desk()
    result = only(desk, "POST", "Payments", {"Name": "1", "Currency": "GBP"})
    assert (result["code"], result["details"]["api_name"]) == ("INVALID_DATA", "Currency")
    assert "GBP" not in result["details"]["supported_values"]
    desk.emulator.switches["inactive_currency_refused"] = False
    assert only(desk, "POST", "Payments", {"Name": "1", "Currency": "GBP"})["code"] == "SUCCESS"


def test_without_multi_currency_the_fields_are_unknown() -> None:
    desk = Desk(multi_currency=False, unknown_fields_ignored=False)
    assert only(desk, "POST", "Payments", {"Name": "1", "Currency": "CNY"})["details"]["api_name"] == "Currency"


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("1200.50", "1200.5"),
        ("1200", "1200"),
        ("9999999999.99", "9999999999.99"),
        ("-0.01", "-0.01"),
        ("0.1", "0.1"),
        ("-0", "0"),
        ("1E+3", "1000"),
        ("1.005", "1.01"),
        ("90071992547409.93", "90071992547409.93"),
    ],
)
def test_money_goes_in_and_out_exactly(sent: str, received: str) -> None:
    desk = Desk()
    headers = {"authorization": f"Zoho-oauthtoken {desk.token}"}
    body = f'{{"data":[{{"Name":"P","Amount":{sent}}}]}}'.encode()
    assert desk.raw("POST", "/crm/v8/Payments", {}, body, headers).status == 201
    assert f'"Amount":{received}}}' in desk.response("GET", "Payments", fields="Amount").body.decode()


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=2, allow_nan=False))
def test_decimals_survive_the_wire(value: Decimal) -> None:
    text = dumps({"amount": value, "text": "\u2028“\\"})
    assert "E" not in text
    assert json.loads(text, parse_float=Decimal) == {"amount": value, "text": "\u2028“\\"}
    assert loads(text.encode())["amount"] == value


ODD: list[Any] = [
    {"Subject": 1},
    {"Invoiced_Items": "x"},
    {"Invoiced_Items": [1, {"id": [1]}, {"Product_Name": [], "Line_Tax": [{"percentage": 10**40}]}]},
    {"Invoiced_Items": [{"Line_Tax": {}}, {"Line_Tax": [1]}, {"Line_Tax": [{"percentage": None}]}]},
    {"Account_Name": {"id": {"x": 1}}, "Owner": [], "ERP_Id": {"a": 1}, "Currency": 5},
    {"Currency": ["CNY"], "Exchange_Rate": 10**400, "Invoice_Date": 20260101, "id": []},
    {"": None, "Subject": "\ud800"},
]


@pytest.mark.parametrize("path", ["Invoices", "Invoices/upsert"])
@pytest.mark.parametrize("record", ODD, ids=range(len(ODD)))
def test_odd_records_are_refused_not_stumbled_over(record: Any, path: str) -> None:
    desk = Desk()
    for method in ("POST", "PUT") if path == "Invoices" else ("POST",):
        headers = {"authorization": f"Zoho-oauthtoken {desk.token}"}
        content = json.dumps({"data": [record]}).encode()
        response = desk.raw(method, f"/crm/v8/{path}", {}, content, headers)
        (result,) = parsed(response)["data"]
        assert (response.status, result["status"]) == (400, "error")
    assert desk.emulator.count("invoice") == 0


def test_the_largest_numbers_keep_every_digit() -> None:
    desk = Desk()
    record = desk.invoice()
    record["Invoiced_Items"][0] |= {"Quantity": 0.5, "List_Price": 12345678901.2345}
    headers = {"authorization": f"Zoho-oauthtoken {desk.token}"}
    text = json.dumps({"data": [record]}).replace("0.5", "9999999999.123456789")
    assert desk.raw("POST", "/crm/v8/Invoices", {}, text.encode(), headers).status == 201
    # 9999999999.123456789 x 12345678901.2345 = 123456789001523478973.93996…
    assert desk.books.rows("Invoices")[0]["Grand_Total"] == "123456789001523478973.94"


def test_external_ids_may_need_quoting() -> None:
    desk = Desk()
    (record_id,) = desk.insert("Accounts", {"Account_Name": "A", "ERP_Id": "甲 1/2"})
    path = "Accounts/%E7%94%B2%201%2F2"
    assert desk.get(path, headers={"x-external": "Accounts.ERP_Id"})["data"][0]["id"] == record_id


def test_callers_at_the_same_time_make_one_record_of_one_key() -> None:
    desk = Desk(edition="ultimate")
    body = {"data": [{"Account_Name": "A", "ERP_Id": "C1"}], "duplicate_check_fields": ["ERP_Id"]}
    actions: list[str] = []

    def upsert() -> None:
        for _ in range(5):
            actions.append(parsed(desk.response("POST", "Accounts/upsert", body))["data"][0]["action"])

    threads = [threading.Thread(target=upsert) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(actions) == ["insert"] + ["update"] * 39
    assert desk.emulator.count("customer") == 1


def test_half_of_a_batch_is_locked() -> None:
    desk = Desk()
    desk.faults.fail_next(Fault.HALF_FAILED_BATCH, writes_only=True)
    status, rows = results(desk, "POST", "Accounts", *({"Account_Name": name} for name in "ABCDE"))
    assert (status, [row["code"] for row in rows]) == (207, ["SUCCESS"] * 3 + ["RECORD_LOCKED"] * 2)
    assert desk.names() == ["C", "B", "A"]
    assert results(desk, "POST", "Accounts", {"Account_Name": "D"}, {"Account_Name": "E"})[0] == 201


def test_touch_is_an_edit_by_a_person_and_may_be_refused() -> None:
    desk = Desk()
    (record_id,) = desk.accounts("Acme")
    desk.emulator.touch("customer", record_id, {"Credit_Limit": 0.1})
    record = desk.get(f"Accounts/{record_id}")["data"][0]
    assert (record["Credit_Limit"], record["Modified_By"]["name"]) == (Decimal("0.1"), "Li Wei")
    with pytest.raises(ValueError, match="Credit_Days"):
        desk.emulator.touch("customer", record_id, {"Credit_Days": "x"})
    with pytest.raises(ValueError, match="INVALID_DATA"):
        desk.emulator.touch("customer", "5", {"Credit_Days": 1})
    with pytest.raises(ValueError, match="no kind"):
        desk.emulator.touch("order", record_id, {})
