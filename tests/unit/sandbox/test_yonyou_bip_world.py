"""What a reader of the wire finds of a world, what people do in the screens, and how fast long lists page."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from bip_desk import Desk

from ledgerbridge.sandbox.world import Holding, SystemName, make_world
from ledgerbridge.sandbox.world.facts import ReceiptKind, Status

DIGITS = {"CNY": 2, "USD": 2, "EUR": 2, "HKD": 2, "JPY": 0}
FAMILIES = ("efi", "fi")


@pytest.fixture(scope="module")
def holding() -> Holding:
    return make_world(seed=20261008, customers=45, months=4).holdings[SystemName.YONYOU_BIP]


@pytest.fixture(scope="module")
def desks(holding: Holding) -> dict[str, Desk]:
    found = {}
    for family in FAMILIES:
        found[family] = Desk(ar_family=family)
        found[family].emulator.load(holding)
    return found


def walk(desk: Desk, endpoint: str, **body: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    index = 1
    while True:
        page = desk.data(endpoint, {"pageIndex": index, "pageSize": 200, **body})
        if isinstance(page, list):
            rows += page
            if len(page) < 200:
                return rows
        else:
            rows += page["recordList"]
            if index >= int(page["pageCount"]):
                return rows
        index += 1


def minor(value: Decimal | int, currency: str) -> int:
    scaled = Decimal(value).scaleb(DIGITS[currency])
    assert scaled == int(scaled)
    return int(scaled)


def by_code(rows: list[dict[str, Any]]) -> Callable[[str], list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["code"]].append(row)
    return lambda code: found[code]


NAMES = {
    "efi": {
        "invoices": "EFI/receivable/list", "receipts": "EFI/collection/list", "total": "oriTaxIncludedAmount",
        "net": "oriTaxExcludedAmount", "tax": "oriTaxAmount", "base": "localTaxIncludedAmount", "date": "billDate",
        "remark": "remarks", "customer": "customerCode",
    },
    "fi": {
        "invoices": "fi/oar/list", "receipts": "fi/receivebill/list/v2", "total": "oriSum", "net": "oriMoney",
        "tax": "oriTax", "base": "natSum", "date": "vouchdate", "remark": "description", "customer": "customer_code",
    },
}  # fmt: skip


def test_customers_come_with_all_details(holding: Holding, desks: dict[str, Desk]) -> None:
    desk = desks["efi"]
    rows = {row["code"]: row for row in walk(desk, "digitalModel/merchant/newlist")}
    ids = [{"id": str(row["id"])} for row in rows.values()]
    details = {row["code"]: row for row in desk.data("digitalModel/merchant/newBatchDetail", ids)}

    assert sorted(rows) == sorted(company.code for company in holding.companies)
    for company in holding.companies:
        row, detail = rows[company.code], details[company.code]
        assert (row["name"]["simplifiedName"], row.get("creditCode")) == (company.name, company.credit_code)
        assert row["stopStatus"] is (company.disabled_on is not None)
        assert detail["merchantAgentInvoiceInfos"][0].get("taxNo") == company.credit_code
        assert detail["merchantAgentFinancialInfos"][0]["bankAccount"] == company.bank_account
        assert detail["merchantContactInfos"][0]["mobile"] == company.mobile
        assert detail["merchantAddressInfos"][0]["address"] == company.address
        assert detail["merchantAppliedDetail"]["creditServiceDay"] == company.credit_days
    classes = {row["code"] for row in walk(desk, "digitalModel/custcategory/newtree")}
    assert classes == {company.class_code for company in holding.companies}


@pytest.mark.parametrize("family", FAMILIES)
def test_receivables_are_exact_to_the_fen(family: str, holding: Holding, desks: dict[str, Desk]) -> None:
    desk, names = desks[family], NAMES[family]
    headers = by_code(walk(desk, names["invoices"], isSum=True))
    codes = {company.key: company.code for company in reversed(holding.companies)}

    assert desk.emulator.count("invoice") == len(holding.invoices)
    for invoice in holding.invoices:
        expected = (invoice.net, invoice.tax, invoice.gross, invoice.base_gross)
        found = [
            tuple(minor(row[names[name]], currency) for name, currency in (
                ("net", invoice.currency), ("tax", invoice.currency), ("total", invoice.currency), ("base", "CNY"),
            ))
            for row in headers(invoice.number)
        ]  # fmt: skip
        assert expected in found, invoice.number
        row = headers(invoice.number)[found.index(expected)]
        assert (row[names["date"]], row[names["customer"]]) == (f"{invoice.issued_on} 00:00:00", codes[invoice.company])
        red = row["direction"] == "-1" if family == "efi" else row["billdirection"] == 1
        assert red is (invoice.gross < 0)
        if family == "fi":
            due = row.get("maturitydate")
            assert due == (None if invoice.due_on is None else f"{invoice.due_on} 00:00:00")


@pytest.mark.parametrize("family", FAMILIES)
def test_lines_add_up_to_their_documents(family: str, desks: dict[str, Desk]) -> None:
    desk, names = desks[family], NAMES[family]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    totals = {}
    for row in walk(desk, names["invoices"]):
        prefix = "bodyItemOriTaxIncludedAmount" if family == "efi" else "detail_oriSum"
        sums[row["id"]] += row[prefix]
        totals[row["id"]] = row[names["total"]]

    assert sums == totals


def test_open_balances_of_both_families_are_the_worlds(holding: Holding, desks: dict[str, Desk]) -> None:
    events = by_code(
        [{**row, "code": row["srcBillCode"]} for row in walk(desks["efi"], "EFI/arPublicEvent/list", isSum=True)]
    )
    oars = by_code(walk(desks["fi"], "fi/oar/list", isSum=True))
    for invoice in holding.invoices:
        on_fi = [minor(row["balance"], invoice.currency) for row in oars(invoice.number)]
        assert invoice.open_amount in on_fi
        on_efi = [minor(row["oriBalance"], invoice.currency) for row in events(invoice.number)]
        if invoice.status is Status.APPROVED:
            assert invoice.open_amount in on_efi
    approved = [invoice for invoice in holding.invoices if invoice.status is Status.APPROVED]
    assert len(walk(desks["efi"], "EFI/arPublicEvent/list", isSum=True)) == len(approved)


@pytest.mark.parametrize("family", FAMILIES)
def test_receipts_hold_amount_and_fee(family: str, holding: Holding, desks: dict[str, Desk]) -> None:
    desk, names = desks[family], NAMES[family]
    rows = by_code(walk(desk, names["receipts"]))
    purpose = "bodyItemQuickTypeName" if family == "efi" else "detail_quickType_name"
    amount = "bodyItemOriTaxIncludedAmount" if family == "efi" else "detail_oriSum"
    seen_fee = False
    for money in holding.receipts:
        lines = rows(money.number)
        header = lines[0]
        assert minor(header[names["total"]], money.currency) == money.amount + money.fee
        main = [line for line in lines if line[purpose] != "手续费"]
        fees = [line for line in lines if line[purpose] == "手续费"]
        assert sum(minor(line[amount], money.currency) for line in main) == money.amount
        assert sum(minor(line[amount], money.currency) for line in fees) == money.fee
        assert (main[0][purpose] == "预收款") is (money.kind is ReceiptKind.PREPAYMENT)
        assert header[names["date"]] == f"{money.received_on} 00:00:00"
        if family == "efi":
            assert (header["direction"] == "-1") is (money.amount < 0)
        seen_fee = seen_fee or bool(fees)
    assert seen_fee


def test_every_allocation_is_one_write_off_in_both_families(holding: Holding, desks: dict[str, Desk]) -> None:
    invoices = {invoice.key: invoice for invoice in holding.invoices}
    expected = sorted(
        (money.number, invoices[part.invoice].number, part.amount, part.on.isoformat())
        for money in holding.receipts
        for part in money.applied
    )
    currencies = {money.number: money.currency for money in holding.receipts}
    prefix = "bodyItem_grandsonItem_srcGrandson_event_"
    pairs: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in walk(desks["efi"], "EFI/arverifyevent/list"):
        pairs[row["id"]][row[f"{prefix}srcBillType"]] = row
    efi = sorted(
        (
            pair["collection"][f"{prefix}srcBillCode"],
            pair["receivable"][f"{prefix}srcBillCode"],
            minor(pair["receivable"]["oriDAmount"], currencies[pair["collection"][f"{prefix}srcBillCode"]]),
            pair["receivable"]["busDate"][:10],
        )
        for pair in pairs.values()
    )
    sides: dict[str, dict[bool, Any]] = defaultdict(dict)
    for row in walk(desks["fi"], "fi/arverify/list"):
        sides[row["id"]][row["billtype"] in (7, 9)] = row
    fi = sorted(
        (
            pair[True]["billno"],
            pair[False]["billno"],
            minor(pair[False]["billamount"], currencies[pair[True]["billno"]]),
            pair[False]["vouchdate"][:10],
        )
        for pair in sides.values()
    )

    assert expected
    assert efi == expected
    assert fi == expected
    assert desks["efi"].emulator.count("allocation") == len(expected)


def test_sales_invoices_stand_behind_the_receivables(holding: Holding, desks: dict[str, Desk]) -> None:
    rows = by_code(walk(desks["efi"], "sd/vouchersaleinvoice/list", isSum=True))
    billed = [invoice for invoice in holding.invoices if invoice.kind in ("invoice", "credit_note")]
    for invoice in billed:
        found = [(minor(row["oriSum"], invoice.currency), row["invDirection"]) for row in rows(invoice.number)]
        assert (invoice.gross, 1 if invoice.gross < 0 else 2) in found
        assert rows(invoice.number)[0].get("einvoiceHm") == invoice.tax_invoice_number
    assert desks["efi"].emulator.count("sales_invoice") == len(billed)
    paid = next(one for one in billed if one.open_amount == 0 and one.status is Status.APPROVED and one.gross > 0)
    sales_id = str(rows(paid.number)[0]["id"])
    detail = desks["efi"].data("sd/vouchersaleinvoice/detail", id=sales_id)
    received = sum(minor(line["accOrigReceiveMoney"], paid.currency) for line in detail["saleInvoiceDetails"])
    assert received == paid.gross


@pytest.mark.parametrize(("form", "expected"), [("reversed", (2, "1")), ("terminated", (3, "0"))])
def test_void_documents_stand_as_the_tenant_has_it(form: str, expected: tuple[int, str], holding: Holding) -> None:
    from dataclasses import replace

    desk = Desk(void_form=form)
    one = next(invoice for invoice in holding.invoices if not invoice.reverses)
    void = replace(one, status=Status.VOID, open_amount=0)
    desk.emulator.load(replace(holding, invoices=(void,), receipts=()))
    row = desk.rows("EFI/receivable/list", {"isSum": True})[0]

    assert (row["verifyState"], row["writeOffState"]) == expected
    assert desk.rows("EFI/arPublicEvent/list") == []


def test_a_document_of_an_unknown_customer_is_refused(holding: Holding) -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="the holding has no company"):
        Desk().emulator.load(replace(holding, companies=()))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["customer", "invoice", "payment", "allocation"])
def test_seeded_records_exist_and_can_be_discarded(family: str, kind: str) -> None:
    desk = Desk(ar_family=family)
    ids = desk.emulator.seed(kind, 3)

    assert (len(set(ids)), desk.emulator.count(kind)) == (3, 3)
    assert all(row_id.isdigit() for row_id in ids)
    desk.emulator.discard(kind, ids[0])
    assert desk.emulator.count(kind) == 2
    with pytest.raises(KeyError):
        desk.emulator.discard(kind, ids[0])


def test_unknown_kinds_are_refused() -> None:
    emulator = Desk().emulator
    for ask in (lambda: emulator.seed("order", 1), lambda: emulator.count("order")):
        with pytest.raises(ValueError, match="known: "):
            ask()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_touched_document_moves_its_balance_and_stamp(family: str) -> None:
    desk = Desk(ar_family=family)
    names = NAMES[family]
    invoice = desk.emulator.seed("invoice", 1)[0]
    desk.emulator.clock.advance(9)
    desk.emulator.touch("invoice", invoice, {names["total"]: 200.5, names["remark"]: "by hand"})
    row = desk.rows(names["invoices"], {"isSum": True})[0]

    assert (row[names["total"]], row[names["base"]], row[names["remark"]]) == (
        Decimal("200.5"),
        Decimal("200.50"),
        "by hand",
    )
    assert row["pubts"] == "2026-10-08 10:30:09"
    assert row[names["net"]] + row[names["tax"]] == row[names["total"]]
    event = desk.rows("EFI/arPublicEvent/list")[0] if family == "efi" else {"oriBalance": row["balance"]}
    assert event["oriBalance"] == Decimal("200.50")
    with pytest.raises(KeyError):
        desk.emulator.touch("invoice", "1", {})


def test_a_touched_customer_keeps_what_was_not_touched() -> None:
    desk = Desk()
    customer = desk.emulator.seed("customer", 1)[0]
    desk.emulator.touch("customer", customer, {"name": {"simplifiedName": "新名"}, "email": "new@example.com"})
    row = desk.data("digitalModel/merchant/newlist", {})[0]

    assert (row["name"], row["email"], row["code"]) == ({"simplifiedName": "新名"}, "new@example.com", "SEED000001")


def test_long_lists_page_fast() -> None:
    """The first page filters and sorts once; a later page costs what its own rows cost."""
    desk = Desk()
    desk.emulator.seed("invoice", 4000)
    body = {"pageSize": 50, "isSum": True}
    desk.data("EFI/receivable/list", {**body, "pageIndex": 1})
    started = time.perf_counter()
    for index in range(2, 22):
        desk.data("EFI/receivable/list", {**body, "pageIndex": index})
    warm = time.perf_counter() - started
    started = time.perf_counter()
    for index in range(2, 22):
        desk.emulator._ledger.selections.clear()
        desk.data("EFI/receivable/list", {**body, "pageIndex": index})
    cold = time.perf_counter() - started

    assert warm < cold
