"""Org, users, currencies, modules, fields and related lists of the Zoho CRM emulator: zoho.md 11, 12 and 16."""

from __future__ import annotations

import re
from typing import Any

import pytest
from zoho_desk import Desk, refusal

CONTRACT = {
    "Accounts": "Account_Name Account_Number Phone Fax Website Account_Type Industry Rating Ownership Annual_Revenue "
    "Employees Parent_Account Owner Billing_Street Shipping_Country Description Currency Exchange_Rate Credit_Code ERP_Code",
    "Contacts": "Last_Name First_Name Full_Name Email Secondary_Email Account_Name Phone Mobile Title Department "
    "Mailing_Street Mailing_City Mailing_State Mailing_Zip Mailing_Country Owner Reporting_To Description Email_Opt_Out",
    "Invoices": "Subject Invoice_Number Account_Name Contact_Name Sales_Order Invoice_Date Due_Date Status Sub_Total "
    "Grand_Total Discount Tax Adjustment Excise_Duty Sales_Commission Currency Exchange_Rate Owner Purchase_Order "
    "Terms_and_Conditions Invoiced_Items ERP_Id ERP_Invoice_Number ERP_Total Balance_Due Paid_Amount Payment_Status "
    "Last_Payment_Date",
    "Invoiced_Items": "id Product_Name Quantity List_Price Discount Line_Tax Description Total Net_Total Sequence_Number",
    "Payments": "Name ERP_Id Account Invoice Payment_Date Amount Currency Exchange_Rate Method Reference Status",
}


def fields(desk: Desk, module: str) -> dict[str, Any]:
    return {field["api_name"]: field for field in desk.get("settings/fields", module=module)["fields"]}


@pytest.mark.parametrize("module", CONTRACT)
def test_the_fields_of_the_contract_are_there(module: str) -> None:
    assert set(CONTRACT[module].split()) <= set(fields(Desk(), module))


@pytest.mark.parametrize("module", ["Accounts", "Contacts", "Products", "Invoices", "Payments"])
def test_every_module_has_a_unique_external_erp_id_and_the_system_keys(module: str) -> None:
    found = fields(Desk(), module)
    assert (found["ERP_Id"]["unique"], found["ERP_Id"]["data_type"]) == ({"casesensitive": False}, "text")
    assert found["ERP_Id"]["external"] is not None
    assert found["ERP_Id"]["custom_field"] is True
    assert {"id", "Owner", "Created_Time", "Modified_Time", "Created_By", "Modified_By", "Tag"} <= set(found)
    assert [name for name, field in found.items() if field["unique"]] == ["ERP_Id"]


def test_what_the_sdk_reads_of_a_field() -> None:
    desk = Desk()
    invoices = fields(desk, "Invoices")
    for field in invoices.values():
        assert field["id"].isdigit()
        assert {"api_name", "data_type", "json_type", "system_mandatory", "custom_field", "lookup"} <= set(field)
        assert {"pick_list_values", "formula"} <= set(field)
    modules = {row["api_name"]: row["id"] for row in desk.get("settings/modules")["modules"]}
    assert invoices["Account_Name"]["lookup"]["module"] == {"api_name": "Accounts", "id": modules["Accounts"]}
    assert invoices["Subject"]["lookup"] == {}
    assert invoices["Invoiced_Items"]["associated_module"] == {
        "module": "Invoiced_Items",
        "id": modules["Invoiced_Items"],
    }
    assert [row["actual_value"] for row in invoices["Payment_Status"]["pick_list_values"]] == [
        "-None-",
        "Open",
        "Partially paid",
        "Paid",
        "Overdue",
        "Written off",
    ]
    assert (invoices["Grand_Total"]["data_type"], invoices["Grand_Total"]["read_only"]) == ("formula", True)
    assert invoices["ERP_Total"]["json_type"] == "double"


def test_ids_are_numeric_and_unlike() -> None:
    desk = Desk()
    modules = desk.get("settings/modules")["modules"]
    ids = [row["id"] for row in modules]
    ids += [field["id"] for row in modules for field in fields(desk, row["api_name"]).values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"\d{18}", one) for one in ids)


def test_one_field_one_module() -> None:
    desk = Desk()
    field = fields(desk, "Accounts")["ERP_Id"]
    assert desk.get(f"settings/fields/{field['id']}", module="Accounts")["fields"] == [field]
    assert desk.response("GET", "settings/fields/1", module="Accounts").status == 204
    (module,) = desk.get("settings/modules/Payments")["modules"]
    assert (module["generated_type"], module["api_supported"]) == ("custom", True)
    assert refusal(desk.response("GET", "settings/modules/Deals"))[1] == "INVALID_MODULE"


@pytest.mark.parametrize("path", ["settings/fields", "settings/related_lists", "settings/custom_views"])
def test_a_module_must_be_named(path: str) -> None:
    desk = Desk()
    assert refusal(desk.response("GET", path)) == (400, "REQUIRED_PARAM_MISSING", {"param_name": "module"})
    assert refusal(desk.response("GET", path, module="Deals"))[1] == "INVALID_MODULE"


def test_modules_unchanged_since_are_304() -> None:
    desk = Desk()
    response = desk.response("GET", "settings/modules", headers={"if-modified-since": "2026-09-01T00:00:00+08:00"})
    assert (response.status, response.body) == (304, b"")


def test_a_missing_module_answers_invalid_module() -> None:
    desk = Desk(modules_missing=["Invoices", "Products"])
    for module in ("Invoices", "Products"):
        assert refusal(desk.response("GET", module, fields="id"))[1] == "INVALID_MODULE"
        assert refusal(desk.response("GET", "settings/fields", module=module))[1] == "INVALID_MODULE"
    names = [row["api_name"] for row in desk.get("settings/modules")["modules"]]
    assert names == ["Accounts", "Contacts", "Payments"]
    with pytest.raises(ValueError, match="no module Products"):
        desk.emulator.seed("invoice", 1)


def test_the_payments_module_may_have_another_name() -> None:
    desk = Desk(payments_module="ERP_Receipts")
    (record_id,) = desk.insert("ERP_Receipts", {"Name": "P"})
    assert desk.emulator.count("payment") == 1
    assert desk.names("ERP_Receipts", "Name") == ["P"]
    assert refusal(desk.response("GET", "Payments", fields="id"))[1] == "INVALID_MODULE"
    desk.emulator.touch("payment", record_id, {"Status": "Reversed"})
    assert desk.names("ERP_Receipts", "Status") == ["Reversed"]


def test_status_values_may_be_spelled_otherwise() -> None:
    desk = Desk(invoice_statuses=["Draft", "Confirmed", "Sent", "Canceled"])
    values = [row["actual_value"] for row in fields(desk, "Invoices")["Status"]["pick_list_values"]]
    assert values == ["-None-", "Draft", "Confirmed", "Sent", "Canceled"]


def test_currencies_have_rates_as_strings() -> None:
    rows = {row["iso_code"]: row for row in Desk().get("org/currencies")["currencies"]}
    assert (rows["CNY"]["is_base"], rows["CNY"]["exchange_rate"]) == (True, "1.000000000")
    assert all(re.fullmatch(r"\d{1,9}\.\d{9}", row["exchange_rate"]) for row in rows.values())
    assert [code for code, row in rows.items() if not row["is_active"]] == ["GBP"]
    assert {"id", "name", "symbol", "prefix_symbol", "format", "created_time", "modified_time"} <= set(rows["USD"])


def test_without_multi_currency() -> None:
    desk = Desk(multi_currency=False)
    assert desk.response("GET", "org/currencies").status == 204
    assert not {"Currency", "Exchange_Rate"} & set(fields(desk, "Accounts"))
    assert desk.get("org")["org"][0]["mc_status"] is False
    (record_id,) = desk.accounts("A")
    assert "Currency" not in desk.get(f"Accounts/{record_id}")["data"][0]


def test_org_and_users() -> None:
    desk = Desk()
    (org,) = desk.get("org")["org"]
    assert (org["zgid"], org["iso_code"], org["mc_status"]) == ("600", "CNY", True)
    assert org["id"].isdigit()
    body = desk.get("users", type="CurrentUser")
    (me,) = body["users"]
    assert (me["full_name"], me["email"], body["info"]["count"]) == ("Sync User", "sync@sandbox.invalid", 1)
    assert desk.get(f"users/{me['id']}")["users"] == [me]
    assert len(desk.get("users", type="AllUsers")["users"]) == 2
    assert len(desk.get("users", type="AdminUsers")["users"]) == 1
    assert desk.response("GET", "users", type="DeletedUsers").status == 204


def test_related_lists_name_the_modules_that_look_up() -> None:
    desk = Desk()
    rows = desk.get("settings/related_lists", module="Accounts")["related_lists"]
    assert [row["api_name"] for row in rows] == ["Accounts", "Contacts", "Invoices", "Payments"]
    assert set(rows[0]["module"]) == {"api_name", "id"}
    assert desk.response("GET", "settings/related_lists", module="Products").status == 204


def test_custom_views_give_the_ids_for_cvid() -> None:
    desk = Desk()
    desk.accounts("A")
    view = desk.get("settings/custom_views", module="Accounts")["custom_views"][0]
    assert desk.names(cvid=view["id"]) == ["A"]
