"""The world's business data in the Zoho CRM emulator, and seeded records."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from zoho_desk import NOW, Desk, parsed, walk

from ledgerbridge.sandbox.world.build import make_world
from ledgerbridge.sandbox.world.facts import Holding, InvoiceKind, Status, SystemName
from ledgerbridge.sandbox.zoho_crm.check import check_record
from ledgerbridge.sandbox.zoho_crm.external import Outside

EXPONENTS = {"JPY": 0}


def in_units(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-EXPONENTS.get(currency, 2))


@pytest.fixture(scope="module")
def holding() -> Holding:
    return make_world(seed=11, customers=60, months=6).holdings[SystemName.ZOHO_CRM]


@pytest.fixture(scope="module")
def desk(holding: Holding) -> Desk:
    desk = Desk()
    desk.emulator.load(holding)
    return desk


def everything(desk: Desk, module: str) -> list[dict[str, Any]]:
    return [
        desk.get(f"{module}/{row_id}")["data"][0] for page in walk(desk, module, sort_order="asc") for row_id in page
    ]


def as_new(record: dict[str, Any]) -> dict[str, Any]:
    """A record as one that is still to be written: its lines have no ids yet."""
    lines = [{key: value for key, value in line.items() if key != "id"} for line in record.get("Invoiced_Items", ())]
    return {**record, "Invoiced_Items": lines}


def test_every_company_and_invoice_is_there(desk: Desk, holding: Holding) -> None:
    assert desk.emulator.count("customer") == len(holding.companies)
    assert desk.emulator.count("invoice") == len(holding.invoices)
    assert holding.invoices
    assert desk.response("GET", "Accounts/actions/count").body == b'{"count":%d}' % len(holding.companies)


def test_companies_field_by_field(desk: Desk, holding: Holding) -> None:
    for company, record in zip(holding.companies, everything(desk, "Accounts"), strict=True):
        assert record["Account_Name"] == company.name
        assert (record["ERP_Code"] or "") == company.code
        assert record["ERP_Id"] in (company.code or None, None)
        assert record["Credit_Code"] == (company.credit_code or None)
        limit = company.credit_limit
        assert record["Credit_Limit"] == (None if limit is None else in_units(limit, company.currency))
        assert record["Opened_On"] == company.opened_on.isoformat()
        assert (record["Payer_Names"] or "").split("\n") == list(company.payers or ("",))
        assert record["Currency"] == company.currency


def test_contacts_belong_to_their_accounts(desk: Desk, holding: Holding) -> None:
    people = [(record["Full_Name"], record["Account_Name"]["name"]) for record in everything(desk, "Contacts")]
    assert people == [(company.contact, company.name) for company in holding.companies if company.contact]


def test_invoices_to_the_fen(desk: Desk, holding: Holding) -> None:
    names = {company.key: company.name for company in reversed(holding.companies)}
    statuses = {Status.APPROVED: "Approved", Status.DRAFT: "Created", Status.VOID: "Cancelled"}
    for invoice, record in zip(holding.invoices, everything(desk, "Invoices"), strict=True):
        code = invoice.currency
        assert record["ERP_Invoice_Number"] == invoice.number
        assert record["Account_Name"]["name"] == names[invoice.company]
        got = [record[name] for name in ("ERP_Total", "ERP_Net", "ERP_Tax", "Balance_Due")]
        assert got == [
            in_units(value, code) for value in (invoice.gross, invoice.net, invoice.tax, invoice.open_amount)
        ]
        lines = record["Invoiced_Items"]
        for name, total in (("ERP_Gross", invoice.gross), ("ERP_Net", invoice.net), ("ERP_Tax", invoice.tax)):
            assert sum(line[name] for line in lines) == in_units(total, code)
        paid = 0 if invoice.status is Status.VOID else invoice.gross - invoice.open_amount
        assert record["Paid_Amount"] == in_units(paid, code)
        assert (record["ERP_Rate"], record["ERP_Base_Total"]) == (invoice.rate, in_units(invoice.base_gross, "CNY"))
        assert abs(invoice.rate * record["Exchange_Rate"] - 1) < Decimal("0.0000001") * invoice.rate
        assert (record["Status"], record["ERP_Kind"]) == (statuses[invoice.status], str(invoice.kind))
        assert (record["Invoice_Date"], record["Due_Date"] or "") == (
            invoice.issued_on.isoformat(),
            invoice.due_on.isoformat() if invoice.due_on else "",
        )
        assert record["Tax_Invoice_Number"] == (invoice.tax_invoice_number or None)


def test_credit_notes_point_to_what_they_reverse(desk: Desk, holding: Holding) -> None:
    numbers = {invoice.key: invoice.number for invoice in holding.invoices}
    expected = [numbers.get(invoice.reverses or "") for invoice in holding.invoices]
    links = [record["Reversed_Invoice"] for record in everything(desk, "Invoices")]
    assert [link["name"] if link else None for link in links] == expected
    assert any(links)
    assert {invoice.kind for invoice in holding.invoices} >= {InvoiceKind.CREDIT_NOTE, InvoiceKind.OPENING_BALANCE}


def test_payments_add_up_to_receipts_and_to_what_was_applied(desk: Desk, holding: Holding) -> None:
    by_receipt: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in everything(desk, "Payments"):
        by_receipt[record["ERP_Receipt_Number"]].append(record)
    numbers = {invoice.key: invoice.number for invoice in holding.invoices}
    receipts = {receipt.number: receipt for receipt in holding.receipts}
    assert len(receipts) == len(holding.receipts)
    assert set(by_receipt) == set(receipts)
    for number, receipt in receipts.items():
        code, records = receipt.currency, by_receipt[number]
        total = in_units(receipt.amount + receipt.fee, code)
        assert (
            sum(record["Amount"] for record in records)
            == total
            == records[0]["Receipt_Amount"] + records[0]["Bank_Fee"]
        )
        assert records[0]["ERP_Base_Amount"] == in_units(receipt.base_amount, "CNY")
        applied = [(row["Invoice"]["name"], row["Amount"], row["Applied_On"]) for row in records if row["Invoice"]]
        held = [part for part in receipt.applied if part.invoice in numbers]
        assert applied == [(numbers[part.invoice], in_units(part.amount, code), part.on.isoformat()) for part in held]
        assert sum(1 for record in records if record["Invoice"] is None) <= 1
        assert {record["Status"] for record in records} == {
            {Status.APPROVED: "Posted", Status.VOID: "Reversed", Status.DRAFT: None}[receipt.status]
        }


def test_external_numbers_are_unique(desk: Desk) -> None:
    for table in ("Accounts", "Contacts", "Products", "Invoices", "Payments"):
        taken = [row["ERP_Id"] for _, row in desk.books.peek(table) if row["ERP_Id"] is not None]
        assert taken
        assert len(set(taken)) == len(taken)


def test_stamps_are_the_worlds(desk: Desk, holding: Holding) -> None:
    rows = desk.books.rows("Invoices")
    expected = [invoice.modified_at.replace(microsecond=0).isoformat() for invoice in holding.invoices]
    assert [row["Modified_Time"] for row in rows] == expected


@pytest.mark.parametrize("module", ["Accounts", "Contacts", "Products", "Invoices", "Payments"])
def test_loaded_records_pass_the_checks_of_a_write(desk: Desk, module: str) -> None:
    org = desk.emulator.org
    schema = org.schema[module]
    for record in everything(desk, module):
        checked = check_record(org, Outside(org, ()), schema, as_new(record), "$", None)
        assert checked.problems == []


def test_the_newest_rates_are_the_orgs(desk: Desk, holding: Holding) -> None:
    newest = max((i.issued_on, i.rate) for i in holding.invoices if i.currency == "USD")[1]
    rows = {row["iso_code"]: row["exchange_rate"] for row in desk.get("org/currencies")["currencies"]}
    assert abs(Decimal(rows["USD"]) * newest - 1) < Decimal("0.1")


def test_the_other_direction_of_rates(holding: Holding) -> None:
    desk = Desk(rate_direction="base_per_record")
    desk.emulator.load(holding)
    for record in everything(desk, "Invoices"):
        assert record["Exchange_Rate"] == record["ERP_Rate"]


def test_the_same_holding_gives_the_same_books(holding: Holding, desk: Desk) -> None:
    other = Desk()
    other.emulator.load(holding)
    assert other.books.save() == desk.books.save()


@pytest.mark.parametrize(
    ("kind", "module"), [("customer", "Accounts"), ("invoice", "Invoices"), ("payment", "Payments")]
)
def test_seeded_records_are_valid_and_written_as_by_the_api(kind: str, module: str) -> None:
    desk = Desk()
    ids = desk.emulator.seed(kind, 3)
    assert desk.emulator.count(kind) == 3
    assert [desk.get(f"{module}/{one}")["data"][0]["id"] for one in ids] == ids
    org = desk.emulator.org
    for record_id in ids:
        record = desk.get(f"{module}/{record_id}")["data"][0]
        assert check_record(org, Outside(org, ()), org.schema[module], as_new(record), "$", None).problems == []
        assert record["Modified_Time"] == NOW
        before = {key: value for key, value in record.items() if key not in ("Modified_Time", "Modified_By")}
        desk.emulator.touch(kind, record_id, {"ERP_Id": record["ERP_Id"]})
        after = desk.get(f"{module}/{record_id}")["data"][0]
        assert {key: after[key] for key in before} == before
    assert not set(desk.emulator.seed(kind, 2)) & set(ids)


def test_unknown_kinds() -> None:
    desk = Desk()
    for act in (lambda: desk.emulator.seed("order", 1), lambda: desk.emulator.count("order")):
        with pytest.raises(ValueError, match="no kind 'order'"):
            act()
    with pytest.raises(KeyError):
        desk.emulator.discard("customer", "5")


def test_a_long_list_is_sorted_once() -> None:
    desk = Desk()
    desk.emulator.seed("invoice", 20_000)
    fields = {"fields": "Subject,ERP_Total,Balance_Due,Modified_Time", "sort_by": "Modified_Time", "sort_order": "asc"}
    token, count = None, 0
    while True:
        response = desk.response("GET", "Invoices", **fields, **({} if token is None else {"page_token": token}))
        body = parsed(response)
        count, token = count + len(body["data"]), body["info"]["next_page_token"]
        if token is None:
            break
    assert count == 20_000
    books = desk.emulator.org.books
    kept = books.ordering("Invoices", "Modified_Time")
    assert books.ordering("Invoices", "Modified_Time") is kept  # sorted once for all pages
    desk.emulator.seed("invoice", 1)
    assert len(books.ordering("Invoices", "Modified_Time")) == 20_001


def test_a_tenant_without_invoices_still_has_payments(holding: Holding) -> None:
    desk = Desk(modules_missing=["Invoices", "Products"])
    desk.emulator.load(holding)
    records = everything(desk, "Payments")
    assert {record["Invoice"] for record in records} == {None}
    total = sum(
        in_units(receipt.amount + receipt.fee, "CNY") for receipt in holding.receipts if receipt.currency == "CNY"
    )
    assert sum(record["Amount"] for record in records if record["Currency"] == "CNY") == total
