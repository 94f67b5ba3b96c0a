"""Writes: what is sent in one call, and what became of each record."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.zoho_crm import codec_writes
from ledgerbridge.connectors.zoho_crm.catalog import ACCOUNTS, INVOICES, PAYMENTS
from ledgerbridge.connectors.zoho_crm.codec_writes import new_record, outcomes, update_call, upsert_call
from ledgerbridge.connectors.zoho_crm.pushing import batches
from ledgerbridge.connectors.zoho_crm.settings import ZohoCrmSettings
from ledgerbridge.errors import ConnectorError, NotAllowed, OutcomeUnknown, Refused
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Receipt

SETTINGS = ZohoCrmSettings.model_validate({"client_id": "c", "client_secret": "secret", "refresh_token": "refresh"})
DONE = {
    "code": "SUCCESS",
    "status": "success",
    "message": "record added",
    "details": {"id": "5500"},
    "action": "insert",
}


def a_write(
    entity: str = "1",
    action: Action = Action.CREATE,
    kind: Kind = Kind.CUSTOMER,
    *,
    expected: Version | None = None,
    **body: Any,
) -> Write:
    target = None if action is Action.CREATE else Ref(system="crm", kind=kind, external_id=entity)
    change = Change(
        action=action, system="crm", kind=kind, entity=entity, target=target, expected=expected, because="a test"
    )
    return Write(change, body)


def reply(results: object, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps({"data": results}).encode(), "r1", 0.01)


def of_one(result: dict[str, Any], write: Write | None = None, status: int = 200) -> Receipt | ConnectorError:
    [outcome] = outcomes(reply([result], status), ACCOUNTS, SETTINGS, [write or a_write()], "crm")
    return outcome


def problem(code: str, **details: Any) -> dict[str, Any]:
    return {"code": code, "status": "error", "message": "in Zoho's words", "details": details}


def test_creates_are_upserts_by_our_key_alone_with_automation_off() -> None:
    writes = [a_write("1", Account_Name="A"), a_write("2", Account_Name="B", Credit_Limit=Decimal("1.50"))]
    call = upsert_call(ACCOUNTS, SETTINGS, writes)
    assert (call.method, call.path, call.writes) == ("POST", "/crm/v8/Accounts/upsert", True)
    assert call.json == {
        "data": [
            {"Account_Name": "A", "ERP_Id": writes[0].change.key},
            {"Account_Name": "B", "Credit_Limit": Decimal("1.50"), "ERP_Id": writes[1].change.key},
        ],
        "trigger": [],
        "duplicate_check_fields": ["ERP_Id"],
    }


def test_automation_runs_where_the_settings_say_so() -> None:
    call = upsert_call(ACCOUNTS, SETTINGS.model_copy(update={"triggers": ("workflow",)}), [a_write()])
    assert isinstance(call.json, dict)
    assert call.json["trigger"] == ["workflow"]


def test_payments_go_to_the_orgs_own_module() -> None:
    settings = SETTINGS.model_copy(update={"payments_module": "Zahlungen"})
    assert upsert_call(PAYMENTS, settings, [a_write(kind=Kind.PAYMENT)]).path == "/crm/v8/Zahlungen/upsert"


def test_lines_name_their_product_by_item_code() -> None:
    body = {"ERP_Invoice_Number": "XS-1", "Invoiced_Items": [{"ERP_Item_Code": "P-1"}, {"Product_Name": {"id": "Q"}}]}
    call = upsert_call(INVOICES, SETTINGS, [a_write(kind=Kind.INVOICE, **body)])
    assert call.headers == {"X-EXTERNAL": "Invoices.Invoiced_Items.Product_Name.ERP_Id"}
    assert isinstance(call.json, dict)
    [row] = call.json["data"]  # type: ignore[misc]
    assert row["Subject"] == "XS-1"  # type: ignore[index, call-overload]
    assert row["Invoiced_Items"] == [  # type: ignore[index, call-overload]
        {"ERP_Item_Code": "P-1", "Product_Name": {"id": "P-1"}},
        {"Product_Name": {"id": "Q"}},
    ]


def test_an_invoice_without_lines_gets_the_stand_in() -> None:
    settings = SETTINGS.model_copy(update={"stand_in_product": "GOODS"})
    write = a_write(kind=Kind.INVOICE, Subject="S", ERP_Total=Decimal("113.00"), ERP_Net=Decimal("100.00"))
    assert new_record(INVOICES, settings, write)["Invoiced_Items"] == [
        {
            "Quantity": 1,
            "List_Price": Decimal("100.00"),
            "ERP_Net": Decimal("100.00"),
            "ERP_Gross": Decimal("113.00"),
            "Product_Name": {"id": "GOODS"},
        }
    ]
    assert "Invoiced_Items" not in new_record(INVOICES, SETTINGS, write)


def test_an_update_goes_by_id_and_never_touches_the_key() -> None:
    call = update_call(ACCOUNTS, SETTINGS, [a_write("55", Action.UPDATE, ERP_Id="x", Phone=None)])
    assert (call.method, call.path, dict(call.headers)) == ("PUT", "/crm/v8/Accounts", {})
    assert call.json == {"data": [{"Phone": None, "id": "55"}], "trigger": []}


@pytest.mark.parametrize(
    "version",
    [
        Version(digest="d", modified_at=codec_writes.moment("2026-03-02T09:00:00.900+08:00")),
        Version(digest="d", order=1772413200000),
    ],
    ids=["by its time", "by its order"],
)
def test_an_expected_version_goes_along_as_a_header(version: Version) -> None:
    call = update_call(ACCOUNTS, SETTINGS, [a_write("55", Action.UPDATE, expected=version, Phone="1")])
    assert call.headers["If-Unmodified-Since"] == "2026-03-02T01:00:00+00:00"


@pytest.mark.parametrize(("kind", "status"), [(Kind.INVOICE, "Cancelled"), (Kind.PAYMENT, "Reversed")])
def test_a_void_is_a_status(kind: Kind, status: str) -> None:
    module = INVOICES if kind is Kind.INVOICE else PAYMENTS
    call = update_call(module, SETTINGS, [a_write("55", Action.VOID, kind)])
    assert call.json == {"data": [{"Status": status, "id": "55"}], "trigger": []}


def test_batches_keep_the_order_and_what_must_be_alone_alone() -> None:
    version = Version(digest="d", order=1)
    writes = [
        *(a_write(str(number)) for number in range(101)),
        a_write("1", Action.UPDATE),
        a_write("2", Action.UPDATE, expected=version),
        a_write("3", Action.UPDATE),
        a_write("4", Action.VOID),
        a_write("3", Action.UPDATE),
        a_write("5", kind=Kind.PAYMENT),
    ]
    found = list(batches(writes))
    assert [write for batch in found for write in batch] == writes
    assert [len(batch) for batch in found] == [100, 1, 1, 1, 2, 1, 1]


def test_a_success_is_a_receipt() -> None:
    outcome = of_one(DONE)
    assert isinstance(outcome, Receipt)
    assert (outcome.ref, outcome.request_id) == (Ref(system="crm", kind=Kind.CUSTOMER, external_id="5500"), "r1")


@pytest.mark.parametrize(
    "result",
    [
        {**DONE, "details": {}},
        {**DONE, "details": {"id": "abc"}},
        {**DONE, "code": "DONE"},
        {**DONE, "action": "update", "duplicate_field": "Email"},
        problem("BRAND_NEW_CODE"),
        problem("INTERNAL_ERROR"),
    ],
    ids=["no id", "an id that is none", "another word", "taken for another record", "unknown code", "server failure"],
)
def test_what_is_unclear_stays_unknown(result: dict[str, Any]) -> None:
    assert type(of_one(result)) is OutcomeUnknown


def test_the_receipt_of_another_record_is_none() -> None:
    assert type(of_one(DONE, a_write("99", Action.UPDATE, Phone="1"))) is OutcomeUnknown


def test_a_repeat_that_met_our_own_key_is_a_receipt() -> None:
    assert isinstance(of_one({**DONE, "action": "update", "duplicate_field": "ERP_Id"}), Receipt)


@pytest.mark.parametrize("status", [200, 201, 202, 207, 400])
def test_each_record_has_its_own_end_whatever_the_status(status: int) -> None:
    results = [
        DONE,
        problem("MANDATORY_NOT_FOUND", api_name="Account_Name", json_path="$.data[1].Account_Name"),
        problem("NO_PERMISSION"),
    ]
    found = outcomes(reply(results, status), ACCOUNTS, SETTINGS, [a_write(str(n)) for n in range(3)], "crm")
    assert [type(one) for one in found] == [Receipt, Refused, NotAllowed]
    assert "$.data[1].Account_Name" in str(found[1])


def test_a_taken_value_names_the_record_that_has_it() -> None:
    outcome = of_one(problem("DUPLICATE_DATA", api_name="Email", json_path="$.data[0].Email", id="5577"))
    assert type(outcome) is Refused
    assert "5577" in str(outcome)
    assert "Email" in str(outcome)


def test_several_faults_are_all_named() -> None:
    errors = [problem("INVALID_DATA", api_name="Phone", maximum_length=50), problem("INVALID_DATA", api_name="Email")]
    outcome = of_one(problem("MULTIPLE_OR_MULTI_ERRORS", errors=errors))
    assert type(outcome) is Refused
    assert "Phone" in str(outcome)
    assert "Email" in str(outcome)


def test_a_change_by_somebody_else_is_refused_with_its_time() -> None:
    body = problem("ALREADY_MODIFIED", id="55", Modified_Time="2026-03-02T09:15:00+08:00")
    outcome = of_one(body, a_write("55", Action.UPDATE, Phone="1"), 412)
    assert type(outcome) is Refused
    assert "2026-03-02T01:15:00+00:00" in str(outcome)


@pytest.mark.parametrize("results", [[], [DONE], [DONE] * 3, "nonsense"], ids=["none", "one", "three", "no list"])
def test_another_number_of_results_proves_nothing(results: object) -> None:
    found = outcomes(reply(results), ACCOUNTS, SETTINGS, [a_write("1"), a_write("2")], "crm")
    assert [type(one) for one in found] == [OutcomeUnknown, OutcomeUnknown]
