"""Zoho's own SDK drives the emulator over a loopback socket: what it is given must be what it expects (zoho.md 16).

The SDK keeps its state in the process: every test starts it anew, with its files under the test's own folder.
"""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api import coql as sdk_coql
from zohocrmsdk.src.com.zoho.crm.api.currencies import CurrenciesOperations
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.modules import ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    ActionWrapper,
    APIException,
    BodyWrapper,
    DeleteRecordsParam,
    GetDeletedRecordsParam,
    GetRecordsHeader,
    GetRecordsParam,
    LineItemProduct,
    LineTax,
    Record,
    RecordOperations,
    SuccessResponse,
)
from zohocrmsdk.src.com.zoho.crm.api.related_lists import GetRelatedListsParam, RelatedListsOperations
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.web import Running, serve
from ledgerbridge.sandbox.zoho_crm import create, credentials


def start_sdk(running: Running, folder: Path, **token: str) -> None:
    environment = DataCenter.Environment(running.url, f"{running.url}/oauth/v2/token", running.url)
    known = credentials()
    Initializer.initialize(
        environment,
        OAuthToken(
            client_id=known["client_id"],
            client_secret=known["client_secret"],
            **(token or {"refresh_token": known["refresh_token"]}),
        ),
        store=FileStore(str(folder / "tokens.txt")),
        sdk_config=SDKConfig(auto_refresh_fields=False),
        resource_path=str(folder),
        logger=Logger.get_instance(Logger.Levels.ERROR, str(folder / "sdk.log")),
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with serve(create(clock=SandboxClock())) as served:
        start_sdk(served, tmp_path)
        yield served
        assert served.failures == []
    log = logging.getLogger("SDKLogger")
    for handler in list(log.handlers):
        handler.close()
        log.removeHandler(handler)


def record(**values: Any) -> Record:
    made = Record()
    for name, value in values.items():
        made.add_key_value(name, value)
    return made


def linked(record_id: int) -> Record:
    target = Record()
    target.set_id(record_id)
    return target


def body(*records: Record, keys: list[str] | None = None) -> BodyWrapper:
    made = BodyWrapper()
    made.set_data(list(records))
    made.set_trigger([])
    if keys:
        made.set_duplicate_check_fields(keys)
    return made


def outcomes(response: Any, status: int) -> list[Any]:
    assert response.get_status_code() == status
    assert isinstance(response.get_object(), ActionWrapper)
    return list(response.get_object().get_data())


def created(module: str, *records: Record) -> list[int]:
    rows = outcomes(RecordOperations(module).create_records(body(*records)), 201)
    assert all(isinstance(row, SuccessResponse) for row in rows)
    return [int(row.get_details()["id"]) for row in rows]


def parameters(**values: tuple[Any, Any]) -> ParameterMap:
    made = ParameterMap()
    for param, value in values.values():
        made.add(param, value)
    return made


def test_insert_read_update_upsert_delete(running: Running) -> None:
    accounts = RecordOperations("Accounts")
    (record_id,) = created(
        "Accounts",
        record(
            Account_Name="Acme",
            ERP_Id="C1",
            Credit_Limit=1200.5,
            Credit_Days=30,
            Opened_On=date(2026, 3, 2),
            Account_Type=Choice("Customer"),
            Currency=Choice("CNY"),
        ),
    )
    (read,) = accounts.get_record(record_id).get_object().get_data()
    assert (read.get_id(), read.get_key_value("Account_Name")) == (record_id, "Acme")
    assert (read.get_key_value("Credit_Limit"), read.get_key_value("Credit_Days")) == (1200.5, 30)
    assert (read.get_key_value("Opened_On"), read.get_key_value("Account_Type").get_value()) == (
        date(2026, 3, 2),
        "Customer",
    )
    assert read.get_created_by().get_name() == "Sync User"
    (updated,) = outcomes(accounts.update_record(record_id, body(record(Phone="021-1"))), 200)
    assert updated.get_message().get_value() == "record updated"
    change, new = record(Account_Name="Acme 2", ERP_Id="C1"), record(Account_Name="Bolt", ERP_Id="C2")
    rows = outcomes(accounts.upsert_records(body(change, new, keys=["ERP_Id"])), 200)
    assert [row.get_action().get_value() for row in rows] == ["update", "insert"]
    assert running.emulator.count("customer") == 2
    asked = parameters(ids=(DeleteRecordsParam.ids, str(record_id)))
    (gone,) = outcomes(accounts.delete_records(asked), 200)
    assert gone.get_details()["id"] == str(record_id)
    assert accounts.get_record(record_id).get_status_code() == 204
    listed = accounts.get_deleted_records(parameters(type=(GetDeletedRecordsParam.type, "all")))
    (deleted,) = listed.get_object().get_data()
    assert (int(deleted.get_id()), deleted.get_display_name()) == (record_id, "Acme 2")


def test_a_refused_record_is_an_exception_among_the_results(running: Running) -> None:
    good, bad = record(Account_Name="Acme", ERP_Id="C1"), record(Account_Name="Bolt", ERP_Id="C1")
    rows = outcomes(RecordOperations("Accounts").create_records(body(good, bad)), 207)
    assert isinstance(rows[0], SuccessResponse)
    assert isinstance(rows[1], APIException)
    assert rows[1].get_code().get_value() == "DUPLICATE_DATA"
    assert rows[1].get_details()["api_name"] == "ERP_Id"
    assert running.emulator.count("customer") == 1


def test_lists_walk_by_token(running: Running) -> None:
    ids = running.emulator.seed("customer", 450)
    accounts, token, seen = RecordOperations("Accounts"), None, []
    while True:
        asked = parameters(fields=(GetRecordsParam.fields, "Account_Name,ERP_Id,Modified_Time,Owner"))
        if token is not None:
            asked.add(GetRecordsParam.page_token, token)
        wrapper = accounts.get_records(asked).get_object()
        seen += [str(row.get_id()) for row in wrapper.get_data()]
        if not wrapper.get_info().get_more_records():
            break
        token = wrapper.get_info().get_next_page_token()
    assert seen == ids[::-1]


def test_lists_without_fields_and_lists_not_modified(running: Running) -> None:
    running.emulator.seed("customer", 1)
    accounts = RecordOperations("Accounts")
    refused = accounts.get_records(ParameterMap())
    assert isinstance(refused.get_object(), APIException)
    assert (refused.get_status_code(), refused.get_object().get_code().get_value()) == (400, "REQUIRED_PARAM_MISSING")
    headers = HeaderMap()
    headers.add(GetRecordsHeader.if_modified_since, running.emulator.clock.now().replace(year=2099))
    asked = parameters(fields=(GetRecordsParam.fields, "Account_Name"))
    assert accounts.get_records(asked, headers).get_status_code() == 304


def test_invoices_with_lines_and_payments(running: Running) -> None:
    (account,) = created("Accounts", record(Account_Name="Acme"))
    (product,) = created("Products", record(Product_Name="Bearing"))
    tax = LineTax()
    tax.set_name("VAT")
    tax.set_percentage(13.0)
    goods = LineItemProduct()
    goods.set_id(product)
    line = record(Product_Name=goods, Quantity=3.0, List_Price=33.33, Line_Tax=[tax])
    (invoice,) = created(
        "Invoices",
        record(
            Subject="INV-1",
            ERP_Id="INV-1",
            Account_Name=linked(account),
            Invoice_Date=date(2026, 3, 2),
            Status=Choice("Approved"),
            ERP_Total=112.99,
            Invoiced_Items=[line],
        ),
    )
    (read,) = RecordOperations("Invoices").get_record(invoice).get_object().get_data()
    (got,) = read.get_key_value("Invoiced_Items")
    assert (got.get_key_value("Quantity"), got.get_key_value("Total")) == (3.0, 99.99)
    assert (got.get_key_value("Product_Name").get_id(), got.get_key_value("Line_Tax")[0].get_value()) == (product, 13.0)
    assert (read.get_key_value("Grand_Total"), read.get_key_value("Account_Name").get_id()) == (112.99, account)
    (payment,) = created(
        "Payments",
        record(
            Name="R-1",
            ERP_Id="R-1",
            Account=linked(account),
            Invoice=linked(invoice),
            Amount=112.99,
            Payment_Date=date(2026, 3, 3),
            Method=Choice("Bank transfer"),
            Status=Choice("Posted"),
        ),
    )
    (paid,) = RecordOperations("Payments").get_record(payment).get_object().get_data()
    assert (paid.get_key_value("Invoice").get_id(), paid.get_key_value("Amount")) == (invoice, 112.99)
    assert running.emulator.books.rows("Payments")[0]["Amount"] == "112.99"


def test_coql(running: Running) -> None:
    created("Accounts", record(Account_Name="Acme", ERP_Id="C1"))
    asked = sdk_coql.BodyWrapper()
    asked.set_select_query("select Account_Name, ERP_Id from Accounts where ERP_Id = 'C1' order by id limit 1")
    (row,) = sdk_coql.CoqlOperations().get_records(asked).get_object().get_data()
    assert row.get_key_value("Account_Name") == "Acme"
    assert running.failures == []


def test_modules_fields_users_org_currencies_related_lists(running: Running) -> None:
    modules = ModulesOperations().get_modules(ParameterMap(), HeaderMap()).get_object().get_modules()
    assert {"Accounts", "Invoices", "Payments"} <= {module.get_api_name() for module in modules}
    asked = parameters(module=(GetFieldsParam.module, "Invoices"))
    fields = {field.get_api_name(): field for field in FieldsOperations().get_fields(asked).get_object().get_fields()}
    assert fields["Account_Name"].get_lookup().get_module().get_api_name() == "Accounts"
    assert fields["Invoiced_Items"].get_associated_module().get_module() == "Invoiced_Items"
    assert [choice.get_display_value() for choice in fields["Payment_Status"].get_pick_list_values()][1] == "Open"
    asked = parameters(type=(GetUsersParam.type, "CurrentUser"))
    (user,) = UsersOperations().get_users(asked).get_object().get_users()
    assert (user.get_full_name(), user.get_email()) == ("Sync User", "sync@sandbox.invalid")
    (org,) = OrgOperations().get_organization().get_object().get_org()
    assert (org.get_zgid(), org.get_iso_code()) == ("600", "CNY")
    currencies = CurrenciesOperations().get_currencies().get_object().get_currencies()
    assert {row.get_iso_code(): row.get_exchange_rate() for row in currencies}["CNY"] == "1.000000000"
    asked = parameters(module=(GetRelatedListsParam.module, "Accounts"))
    lists = RelatedListsOperations(None).get_related_lists(asked).get_object().get_related_lists()
    assert "Invoices" in [row.get_api_name() for row in lists]
    assert running.failures == []


def test_a_grant_code_connects_the_sdk(running: Running, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    start_sdk(running, folder, grant_token=credentials()["code"])
    created("Accounts", record(Account_Name="Acme"))
    assert running.emulator.count("customer") == 1
    assert "refresh_token" in (folder / "tokens.txt").read_text()


def test_the_sdk_renews_nothing_while_its_token_lives(running: Running) -> None:
    for name in "ABC":
        created("Accounts", record(Account_Name=name))
    assert running.emulator.accounts.live_access_tokens == 1


def side_door(running: Running, path: str, body: dict[str, Any]) -> dict[str, Any]:
    door = http.client.HTTPConnection(running.url.removeprefix("http://"))
    try:
        door.request("POST", f"/__sandbox__/{path}", json.dumps(body))
        return dict(json.load(door.getresponse()))
    finally:
        door.close()


def test_the_side_door_edits_and_breaks_what_the_sdk_sees(running: Running) -> None:
    (record_id,) = side_door(running, "seed", {"kind": "payment", "count": 1})["ids"]
    side_door(running, "touch", {"kind": "payment", "id": record_id, "changes": {"Amount": 0.1, "Status": "Reversed"}})
    payments = RecordOperations("Payments")
    (read,) = payments.get_record(int(record_id)).get_object().get_data()
    assert (read.get_key_value("Amount"), read.get_key_value("Status").get_value()) == (0.1, "Reversed")
    assert running.emulator.books.rows("Payments")[0]["Amount"] == "0.1"
    side_door(running, "faults", {"fault": "rate_limited", "path": "Payments"})
    limited = payments.get_record(int(record_id))
    assert (limited.get_status_code(), limited.get_object().get_code().get_value()) == (429, "TOO_MANY_REQUESTS")
    side_door(running, "discard", {"kind": "payment", "id": record_id})
    assert payments.get_record(int(record_id)).get_status_code() == 204
