"""The truth of a sandbox world: exact to the minor unit, the same every time, and full of what real ledgers have."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

import phonenumbers
import pytest
from stdnum.cn import uscc

from ledgerbridge.sandbox.world import SystemName, World, make_world
from ledgerbridge.sandbox.world.facts import InvoiceKind, ReceiptKind, Status

SEEDS = (1, 20261031)
LAST_DAY = date(2026, 10, 31)
SHANGHAI = timezone(timedelta(hours=8))


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed-{seed}")
def world(request: pytest.FixtureRequest) -> World:
    return make_world(seed=request.param, customers=240, months=6)


def digest(world: World) -> str:
    return hashlib.sha256(repr(world).encode()).hexdigest()


def test_same_arguments_give_the_same_world() -> None:
    first, second = (make_world(seed=5, customers=60, months=3) for _ in range(2))
    assert digest(first) == digest(second)


def test_another_seed_gives_another_world() -> None:
    first, second = (make_world(seed=seed, customers=60, months=3) for seed in (5, 6))
    assert digest(first) != digest(second)
    assert first.truth.companies != second.truth.companies


def test_truth_and_each_holding_do_not_depend_on_the_other_systems() -> None:
    every = make_world(seed=5, customers=60, months=3)
    some = make_world(seed=5, customers=60, months=3, systems=(SystemName.YONYOU_U8, SystemName.ZOHO_CRM))
    assert some.truth == every.truth
    assert list(some.holdings) == [SystemName.YONYOU_U8, SystemName.ZOHO_CRM]
    assert some.holdings[SystemName.ZOHO_CRM] == every.holdings[SystemName.ZOHO_CRM]


@pytest.mark.parametrize(
    ("customers", "months", "share"), [(0, 1, 0.1), (1, 0, 0.1), (1, 1, -0.1), (1, 1, 0.9)], ids=str
)
def test_impossible_arguments_are_refused(customers: int, months: int, share: float) -> None:
    with pytest.raises(ValueError, match="a world needs at least"):
        make_world(seed=1, customers=customers, months=months, planted_share=share)


@pytest.mark.parametrize(("customers", "months"), [(1, 1), (2, 1), (7, 2), (39, 1)], ids=str)
def test_tiny_worlds_can_be_made(customers: int, months: int) -> None:
    world = make_world(seed=3, customers=customers, months=months)
    assert len(world.truth.companies) == customers
    assert set(world.holdings) == set(SystemName)


def test_period_is_whole_months_up_to_the_last_day() -> None:
    world = make_world(seed=1, customers=5, months=4, last_day=date(2026, 2, 14))
    assert (world.first_day, world.last_day) == (date(2025, 11, 1), date(2026, 2, 14))
    assert all(one.issued_on <= world.last_day for one in world.truth.invoices)
    assert all(world.first_day <= one.received_on <= world.last_day for one in world.truth.receipts)


def test_keys_codes_names_and_numbers_are_unique(world: World) -> None:
    truth = world.truth
    for values in (
        [one.key for one in truth.companies],
        [one.code for one in truth.companies],
        [one.name for one in truth.companies],
        [one.credit_code for one in truth.companies if one.credit_code],
        [one.key for one in truth.invoices],
        [one.number for one in truth.invoices],
        [(one.tax_invoice_code, one.tax_invoice_number) for one in truth.invoices if one.tax_invoice_number],
        [one.key for one in truth.receipts],
        [one.number for one in truth.receipts],
        [one.bank_reference for one in truth.receipts if one.bank_reference],
    ):
        repeated = [value for value, count in Counter(values).items() if count > 1]
        assert repeated == []


def test_names_stay_distinct_in_a_large_world() -> None:
    world = make_world(seed=9, customers=6000, months=1, systems=())
    assert len({one.name for one in world.truth.companies}) == 6000


def test_credit_codes_are_valid_and_carry_the_region(world: World) -> None:
    codes = [one for one in world.truth.companies if one.credit_code and len(one.credit_code) == 18]
    assert len(codes) > 0.8 * len(world.truth.companies)
    for company in codes:
        assert company.credit_code is not None
        assert uscc.is_valid(company.credit_code), company
        assert company.credit_code[2:8] == company.region_code
    assert uscc.is_valid(world.own_credit_code)


def test_some_customers_have_a_legacy_tax_number_and_some_none(world: World) -> None:
    lengths = Counter(len(one.credit_code or "") for one in world.truth.companies)
    assert set(lengths) == {0, 15, 18}


def test_customers_are_of_every_sort(world: World) -> None:
    companies = world.truth.companies
    assert {one.class_code for one in companies} == {"01", "02", "03", "04", "05", "06"}
    assert {one.currency for one in companies} >= {"CNY", "USD", "HKD"}
    assert any("（" in one.name for one in companies)
    assert any("(" in one.name for one in companies)
    assert any(one.code.startswith("0") for one in companies)
    assert any(one.payers for one in companies)
    limits = {one.credit_limit for one in companies if one.currency == "CNY"}
    assert None in limits
    assert {5_000_000, 300_000_000} <= limits  # 50 000.00 and 3 000 000.00 yuan, in fen
    assert all(one.created_at.tzinfo is UTC and one.created_at <= one.modified_at for one in companies)


def test_telephone_numbers_are_of_their_region(world: World) -> None:
    for company in world.truth.companies:
        for text in filter(None, (company.phone, company.mobile)):
            number = phonenumbers.parse(text, "CN")
            assert phonenumbers.is_possible_number(number), text
            if company.province.endswith(("省", "市", "区")):
                assert phonenumbers.is_valid_number(number), text


def test_lines_add_up_to_their_document(world: World) -> None:
    for invoice in world.truth.invoices:
        assert 1 <= len(invoice.lines) <= 5
        for line in invoice.lines:
            assert line.net + line.tax == line.gross
            exponent = Decimal(1) if invoice.currency == "JPY" else Decimal("0.01")
            net = (line.quantity * line.unit_price_net).quantize(exponent, ROUND_HALF_UP)
            assert int(net / exponent) == line.net
            tax = (Decimal(line.net) * line.tax_rate).quantize(Decimal(1), ROUND_HALF_UP)
            assert int(tax) == line.tax
        assert invoice.net == sum(line.net for line in invoice.lines)
        assert invoice.tax == sum(line.tax for line in invoice.lines)
        assert invoice.gross == sum(line.gross for line in invoice.lines)
        assert invoice.gross != 0


def test_tax_rates_are_those_in_use(world: World) -> None:
    rates = {line.tax_rate for invoice in world.truth.invoices for line in invoice.lines}
    assert rates == {Decimal(text) for text in ("0.13", "0.09", "0.06", "0.03", "0.01", "0")}


def test_base_amounts_are_rounded_half_up(world: World) -> None:
    seen = set()
    for invoice in world.truth.invoices:
        exponent = 0 if invoice.currency == "JPY" else 2
        base = (Decimal(invoice.gross).scaleb(2 - exponent) * invoice.rate).quantize(Decimal(1), ROUND_HALF_UP)
        assert invoice.base_gross == int(base)
        assert (invoice.rate == 1) == (invoice.currency == "CNY")
        seen.add(invoice.currency)
    assert seen >= {"CNY", "USD", "HKD"}


def test_open_amounts_are_what_receipts_left(world: World) -> None:
    applied: Counter[str] = Counter()
    for receipt in world.truth.receipts:
        for part in receipt.applied:
            applied[part.invoice] += part.amount
    for invoice in world.truth.invoices:
        expected = 0 if invoice.status is Status.VOID else invoice.gross - applied[invoice.key]
        assert invoice.open_amount == expected
        if invoice.kind is InvoiceKind.CREDIT_NOTE:
            assert invoice.gross <= invoice.open_amount <= 0
        else:
            assert 0 <= invoice.open_amount <= invoice.gross


def test_no_receipt_settles_more_than_came_in(world: World) -> None:
    invoices = {one.key: one for one in world.truth.invoices}
    for receipt in world.truth.receipts:
        meant = receipt.amount + receipt.fee
        settled = sum(part.amount for part in receipt.applied)
        assert abs(settled) <= abs(meant)
        assert settled * meant >= 0
        for part in receipt.applied:
            invoice = invoices[part.invoice]
            assert invoice.status is Status.APPROVED
            assert receipt.status is Status.APPROVED
            assert (invoice.company, invoice.currency) == (receipt.company, receipt.currency)
            assert part.amount * invoice.gross > 0
            assert max(receipt.received_on, invoice.issued_on) <= part.on <= world.last_day


def test_documents_are_of_every_kind_and_status(world: World) -> None:
    assert {one.kind for one in world.truth.invoices} == set(InvoiceKind)
    assert {one.status for one in world.truth.invoices} == set(Status)
    assert {one.kind for one in world.truth.receipts} == set(ReceiptKind)
    assert {one.status for one in world.truth.receipts} == set(Status)


def test_credit_notes_name_what_they_reverse(world: World) -> None:
    invoices = {one.key: one for one in world.truth.invoices}
    whole = partial = free = 0
    for note in (one for one in world.truth.invoices if one.kind is InvoiceKind.CREDIT_NOTE):
        if note.reverses is None:
            free += 1
            continue
        original = invoices[note.reverses]
        assert original.number in note.remark
        assert note.issued_on > original.issued_on
        assert -note.gross <= original.gross
        whole += note.gross == -original.gross
        partial += note.gross != -original.gross
    assert min(whole, partial, free) > 0


def test_payments_show_every_difficulty(world: World) -> None:
    invoices = {one.key: one for one in world.truth.invoices}
    names = {one.key: one.name for one in world.truth.companies}
    receipts = [one for one in world.truth.receipts if one.company is not None]
    lumps = Counter(len(one.applied) for one in receipts)
    assert lumps[1] > 0
    assert max(lumps) >= 4
    assert max(lumps) <= 12
    assert any(one.fee > 0 for one in receipts)
    assert any(0 < one.open_amount < 10 for one in invoices.values())  # 尾差
    assert any(one.payer_name != names[one.company or ""] for one in receipts)
    assert any(one.amount + one.fee > sum(part.amount for part in one.applied) > 0 for one in receipts)
    assert any(one.company is None for one in world.truth.receipts)
    texts = [(one, [invoices[part.invoice].number for part in one.applied]) for one in receipts if one.applied]
    assert any(all(number in one.remittance for number in numbers) for one, numbers in texts)
    assert any(not any(number in one.remittance for number in numbers) for one, numbers in texts)
    assert any(one.remittance == "" for one, _ in texts)


def test_tax_invoice_numbers_have_their_lengths(world: World) -> None:
    shapes = Counter(
        (len(one.tax_invoice_code or ""), len(one.tax_invoice_number or "")) for one in world.truth.invoices
    )
    assert set(shapes) == {(0, 20), (10, 8), (12, 8), (0, 0)}
    assert shapes[0, 20] > 0.7 * len(world.truth.invoices)


def test_due_dates_follow_the_terms_and_some_are_missing(world: World) -> None:
    days = {one.key: one.credit_days for one in world.truth.companies}
    missing = 0
    for invoice in world.truth.invoices:
        if invoice.due_on is None:
            missing += 1
        else:
            extra = (invoice.due_on - invoice.issued_on).days - days[invoice.company]
            assert 0 <= extra <= 30
    assert 0 < missing < len(world.truth.invoices) / 3


def test_stamps_fit_the_dates_and_some_are_tied(world: World) -> None:
    created = Counter(one.created_at for one in world.truth.invoices)
    assert max(created.values()) > 1
    for one in world.truth.invoices:
        assert one.created_at.astimezone(SHANGHAI).date() == one.issued_on
        assert one.created_at <= one.modified_at
        assert one.modified_at.astimezone(SHANGHAI).date() <= LAST_DAY


def test_bank_balances_run_exactly(world: World) -> None:
    rows = world.holdings[SystemName.BANK].bank_rows
    currencies = {account: currency for account, _, currency in world.own_accounts}
    assert len({one.serial for one in rows}) == len(rows)
    for account, group in itertools.groupby(rows, key=lambda row: row.account):
        mine = list(group)
        assert {one.currency for one in mine} == {currencies[account]}
        assert [one.booked_at for one in mine] == sorted(one.booked_at for one in mine)
        assert min(one.balance_after for one in mine) >= 0
        for before, after in itertools.pairwise(mine):
            assert before.balance_after + after.amount == after.balance_after


def test_bank_shows_each_receipt_once_among_other_movements(world: World) -> None:
    rows = world.holdings[SystemName.BANK].bank_rows
    receipts = {one.key: one for one in world.truth.receipts}
    shown = Counter(one.receipt for one in rows if one.receipt)
    visible = {
        one.key
        for one in receipts.values()
        if one.method not in ("现金", "银行承兑汇票") and one.status is not Status.VOID
    }
    assert set(shown) == visible
    assert set(shown.values()) == {1}
    assert len(rows) > len(shown)
    for row in rows:
        if row.receipt is not None:
            receipt = receipts[row.receipt]
            assert (row.amount, row.currency, row.account) == (receipt.amount, receipt.currency, receipt.own_account)
            assert row.booked_at.astimezone(SHANGHAI).date() == receipt.received_on
            assert receipt.remittance in (row.purpose, row.summary)


def test_erps_hold_the_whole_truth(world: World) -> None:
    for system in (SystemName.YONYOU_U8, SystemName.YONYOU_BIP):
        holding = world.holdings[system]
        assert holding.invoices == world.truth.invoices
        assert holding.receipts == tuple(one for one in world.truth.receipts if one.company is not None)
        held = {one.code: replace(one, credit_code=None) for one in holding.companies}
        for company in world.truth.companies:
            assert held[company.code] == replace(company, credit_code=None)
