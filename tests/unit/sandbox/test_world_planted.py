"""Every planted discrepancy is exactly true, and nothing financial differs but what was planted."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date

import pytest
from stdnum.cn import uscc

from ledgerbridge.sandbox.world import Holding, Planted, PlantedKind, SystemName, World, make_world, truth_document
from ledgerbridge.sandbox.world.facts import Status

CRMS = (SystemName.FXIAOKE, SystemName.ZOHO_CRM)
SIZES = [(1, 40, 1), (2, 40, 1), (3, 120, 6), (4, 300, 3), (5, 90, 14)]


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: "seed-{}-customers-{}-months-{}".format(*size))
def world(request: pytest.FixtureRequest) -> World:
    seed, customers, months = request.param
    return make_world(seed=seed, customers=customers, months=months, planted_share=0.05)


def balances(holding: Holding, on: date) -> Counter[tuple[str, str]]:
    """Balance by customer and currency, worked out here from the definition in ``facts``."""
    found: Counter[tuple[str, str]] = Counter()
    for invoice in holding.invoices:
        if invoice.status is Status.APPROVED and invoice.issued_on <= on:
            found[invoice.company, invoice.currency] += invoice.gross
    for receipt in holding.receipts:
        if receipt.status is Status.APPROVED and receipt.received_on <= on and receipt.company is not None:
            found[receipt.company, receipt.currency] -= receipt.amount + receipt.fee
    return found


def gaps(held: Counter[tuple[str, str]], true: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return {key: held[key] - true[key] for key in {*held, *true} if held[key] != true[key]}


def planted_sums(world: World, system: SystemName) -> dict[tuple[str, str], int]:
    found: Counter[tuple[str, str]] = Counter()
    for one in world.planted:
        if one.system is system and one.company is not None:
            found[one.company, one.currency] += one.amount
    return {key: amount for key, amount in found.items() if amount}


@pytest.mark.parametrize("system", [*CRMS, SystemName.YONYOU_U8, SystemName.YONYOU_BIP])
def test_planted_amounts_are_the_whole_gap(world: World, system: SystemName) -> None:
    true = balances(world.truth, world.last_day)
    found = gaps(balances(world.holdings[system], world.last_day), true)
    assert found == planted_sums(world, system)
    assert bool(found) == (system in CRMS)


def test_planted_amounts_are_the_whole_gap_of_the_sheet(world: World) -> None:
    sheet = world.holdings[SystemName.SHEET]
    listed = {one.key for one in sheet.companies}
    invoices = tuple(one for one in world.truth.invoices if one.company in listed)
    true = balances(Holding(SystemName.SHEET, invoices=invoices), world.last_day)
    assert gaps(balances(sheet, world.last_day), true) == planted_sums(world, SystemName.SHEET)


def test_every_kind_is_planted_in_each_crm(world: World) -> None:
    for system in CRMS:
        assert {one.planted for one in world.planted if one.system is system} == set(PlantedKind)


def test_nothing_is_planted_when_asked_for_nothing() -> None:
    world = make_world(seed=8, customers=80, months=3, planted_share=0)
    assert {one.system for one in world.planted if one.against is not SystemName.BANK} == set()
    for system in CRMS:
        holding = world.holdings[system]
        assert holding.invoices == world.truth.invoices
        assert [(one.key, one.name, one.credit_code) for one in holding.companies] == [
            (one.key, one.name, one.credit_code) for one in world.truth.companies
        ]


def documents(holding: Holding) -> dict[str, object]:
    return {one.key: one for one in (*holding.invoices, *holding.receipts)}


def financial(document: object) -> tuple[object, ...]:
    """What finance reads of a document, without its allocation (which follows from what is planted elsewhere)."""
    ignored = {"open_amount", "applied"}
    names = [name for name in document.__slots__ if name not in ignored]  # type: ignore[attr-defined]
    return tuple(getattr(document, name) for name in names)


def test_documents_differ_only_where_something_is_planted(world: World) -> None:
    truth = documents(world.truth)
    unknown = {one.key for one in world.truth.receipts if one.company is None}
    for system in CRMS:
        held = documents(world.holdings[system])
        touched = {one.record_key for one in world.planted if one.system is system and one.kind_of_record != "customer"}
        twins = {
            one.held.removeprefix("twice (").removesuffix(")")
            for one in world.planted
            if one.system is system and one.planted is PlantedKind.DUPLICATE
        }
        assert set(held) - set(truth) <= touched | twins
        for key, document in truth.items():
            if key in touched or key in unknown:
                continue
            assert financial(held[key]) == financial(document)


def test_each_planted_document_is_held_as_said(world: World) -> None:
    truth = documents(world.truth)
    for one in world.planted:
        if one.system not in CRMS or one.kind_of_record == "customer":
            continue
        held, true = documents(world.holdings[one.system]), truth
        if one.planted is PlantedKind.MISSING:
            assert (one.record_key in held) == (one.held != "absent")
            assert (one.record_key in true) == (one.expected != "absent")
        elif one.planted is PlantedKind.DUPLICATE:
            same = [doc for doc in held.values() if getattr(doc, "number", None) == one.record_number]
            assert len(same) == 2
        else:
            assert financial(held[one.record_key]) != financial(true[one.record_key])


def test_tax_differs_with_the_same_gross(world: World) -> None:
    for one in world.planted:
        if one.planted is PlantedKind.TAX_DIFFERS:
            held = next(doc for doc in world.holdings[one.system].invoices if doc.key == one.record_key)
            true = next(doc for doc in world.truth.invoices if doc.key == one.record_key)
            assert held.gross == true.gross
            assert held.tax != true.tax
            assert one.amount == 0


def test_holdings_add_up_in_themselves(world: World) -> None:
    for system in CRMS:
        holding = world.holdings[system]
        applied: Counter[str] = Counter()
        invoices = {one.key: one for one in holding.invoices}
        assert len(invoices) == len(holding.invoices)
        for receipt in holding.receipts:
            settled = sum(part.amount for part in receipt.applied)
            assert abs(settled) <= abs(receipt.amount + receipt.fee)
            for part in receipt.applied:
                applied[part.invoice] += part.amount
                assert invoices[part.invoice].company == receipt.company
        for invoice in holding.invoices:
            expected = 0 if invoice.status is Status.VOID else invoice.gross - applied[invoice.key]
            assert invoice.open_amount == expected
            assert invoice.open_amount * invoice.gross >= 0
            assert invoice.net == sum(line.net for line in invoice.lines)
            assert invoice.tax == sum(line.tax for line in invoice.lines)
            assert invoice.gross == invoice.net + invoice.tax
        companies = {one.key for one in holding.companies}
        assert {one.company for one in (*holding.invoices, *holding.receipts)} <= companies


def rows(world: World, kind: PlantedKind) -> list[Planted]:
    return [one for one in world.planted if one.planted is kind]


def test_bad_credit_codes_are_held_and_invalid(world: World) -> None:
    for one in rows(world, PlantedKind.BAD_CREDIT_CODE):
        assert one.held in {company.credit_code for company in world.holdings[one.system].companies}
        assert uscc.is_valid(one.expected)
        assert not uscc.is_valid(one.held)


def test_duplicate_customers_stand_twice_with_two_codes(world: World) -> None:
    for one in rows(world, PlantedKind.DUPLICATE_CUSTOMER):
        codes = [company.code for company in world.holdings[one.system].companies if company.key == one.record_key]
        assert len(codes) == len(set(codes)) == 2


def test_customers_stand_once_unless_planted(world: World) -> None:
    for system, holding in world.holdings.items():
        doubled = {one.record_key for one in rows(world, PlantedKind.DUPLICATE_CUSTOMER) if one.system is system}
        twice = {key for key, count in Counter(one.key for one in holding.companies).items() if count > 1}
        assert twice == doubled


def test_name_variants_are_held_and_no_other_customers_name(world: World) -> None:
    true = {one.name: one.key for one in world.truth.companies}
    for one in rows(world, PlantedKind.NAME_VARIANT):
        assert one.held in {
            company.name for company in world.holdings[one.system].companies if company.key == one.record_key
        }
        assert one.held != one.expected
        assert true.get(one.held, one.record_key) == one.record_key
        assert not one.finding


def test_timing_moves_a_document_over_the_last_day(world: World) -> None:
    for one in rows(world, PlantedKind.TIMING):
        assert date.fromisoformat(one.expected) <= world.last_day < date.fromisoformat(one.held)
        assert one.amount != 0


def test_unidentified_money_is_known_to_the_bank_only(world: World) -> None:
    bank = {row.receipt for row in world.holdings[SystemName.BANK].bank_rows}
    found = [one for one in world.planted if one.against is SystemName.BANK]
    assert found
    for one in found:
        assert one.record_key in bank
        assert one.record_key not in documents(world.holdings[SystemName.YONYOU_U8])
        assert (one.amount, one.company, one.held) == (0, None, "absent")


def test_a_discrepancy_with_two_balances_is_one_finding(world: World) -> None:
    both = (PlantedKind.CUSTOMER_DIFFERS, PlantedKind.CURRENCY_DIFFERS, PlantedKind.PAYMENT_TO_WRONG_CUSTOMER)
    pairs: dict[tuple[str, str], list[Planted]] = {}
    for one in world.planted:
        if one.planted in both:
            pairs.setdefault((one.system, one.record_key), []).append(one)
    assert pairs
    for pair in pairs.values():
        assert [one.finding for one in pair] == [True, False]
        assert sum(one.amount for one in pair) == 0


def test_truth_document_is_json_and_complete(world: World) -> None:
    document = json.loads(json.dumps(truth_document(world), ensure_ascii=False))
    assert len(document["planted"]) == len(world.planted)
    assert document["planted"][0]["amount"] == world.planted[0].amount
    assert set(document["systems"]) == {system.value for system in world.holdings}
    for system, holding in world.holdings.items():
        said = document["systems"][system.value]
        assert (said["customers"], said["invoices"]) == (len(holding.companies), len(holding.invoices))
        assert sum(row["count"] for row in said["invoice_totals"]) == len(holding.invoices)
        assert sum(row["amount"] for row in said["payment_totals"]) == sum(one.amount for one in holding.receipts)
    by_currency: Counter[str] = Counter()
    for (_, currency), amount in balances(world.truth, world.last_day).items():
        by_currency[currency] += amount
    said = {currency: amount for currency, amount in document["truth"]["balances"].items() if amount}
    assert said == {currency: amount for currency, amount in by_currency.items() if amount}
    parts = sum(len(one.applied) for one in world.truth.receipts)
    assert len(document["allocations"]) == parts
    for company in world.truth.companies:
        held = document["customers"][company.key]["held"]
        assert held["yonyou_u8"][0]["code"] == company.code
