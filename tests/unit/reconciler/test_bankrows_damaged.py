"""Bank rows damaged on purpose, and a seeded company's year without customers: how much is found, and nothing wrong."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.reconciler.allocation import OpenItem
from ledgerbridge.reconciler.bankrows import BankRow, Party, PartyItem, RowOutcome, match_rows
from ledgerbridge.sandbox.world import World, make_world
from ledgerbridge.sandbox.world import facts as world_facts

_BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The benchmark itself, so that the test set is the one that is reported."""
    sys.path.insert(0, str(_BENCHMARKS))
    try:
        return importlib.import_module("bank_rows")
    finally:
        sys.path.remove(str(_BENCHMARKS))


SIZE = (120, 1200, 250)


@pytest.mark.parametrize(
    ("kind", "f1"),
    [("missing", 0.97), ("doubled", 0.97), ("swapped", 0.97), ("cut", 0.96), ("glued", 0.985), ("affiliate", 0.985)],
)
def test_one_kind_of_damage(bench: ModuleType, kind: str, f1: float) -> None:
    found, wrong = bench.measured(5, SIZE, (kind,), 1)
    assert found.knowable > 0.7 * found.rows
    assert found.precision >= 0.995, wrong
    assert found.f1 >= f1


def test_all_kinds_together(bench: ModuleType) -> None:
    scores, wrong = zip(*(bench.measured(seed, SIZE, bench.KINDS, 4) for seed in (5, 6)), strict=True)
    found = bench.total(scores)
    assert found.knowable > 0.7 * found.rows
    assert found.precision >= 0.995, wrong
    assert found.f1 >= 0.97


def test_what_is_knowable_is_decided_without_the_engine() -> None:
    text = (_BENCHMARKS / "knowable_rows.py").read_text(encoding="utf-8")
    used = [line for line in text.splitlines() if "ledgerbridge" in line]
    assert used == ["from ledgerbridge.reconciler.allocation import OpenItem"]


def rows_of(world: World) -> tuple[list[BankRow], list[Party], list[PartyItem]]:
    """The receipts of a world as the bank shows them, and what is known of customers and documents."""
    parties = {
        one.key: Party(
            id=one.key, names=tuple(filter(None, (one.name, one.short_name))),
            codes=tuple(filter(None, (one.credit_code,))), accounts=tuple(filter(None, (one.bank_account,))),
        )
        for one in world.truth.companies
    }  # fmt: skip
    items = []
    for one in world.truth.invoices:
        if one.status is not world_facts.Status.APPROVED or one.gross <= 0:
            continue
        numbers = [one.number]
        if one.tax_invoice_number:
            numbers += [one.tax_invoice_number, (one.tax_invoice_code or "") + one.tax_invoice_number]
        item = OpenItem(
            id=one.key, numbers=tuple(dict.fromkeys(numbers)), kind=InvoiceKind.INVOICE, amount_minor=one.gross,
            references=tuple(filter(None, (one.order_number, one.contract_number))), open_minor=one.gross,
            currency=one.currency, issued_on=one.issued_on, due_on=one.due_on,
        )  # fmt: skip
        items.append(PartyItem(one.company, item))
    rows = [
        BankRow(
            id=money.key, amount_minor=money.amount, fee_minor=money.fee, currency=money.currency,
            received_on=money.received_on, payer_name=money.payer_name, payer_account=money.payer_account,
            text=money.remittance,
        )
        for money in world.truth.receipts
        if money.status is world_facts.Status.APPROVED and money.amount > 0
    ]  # fmt: skip
    return rows, list(parties.values()), items


def test_rows_of_a_company_whose_books_are_known_are_never_matched_wrongly() -> None:
    matched = with_documents = 0
    wrong = []
    for seed in range(1, 16):
        world = make_world(seed=seed, customers=40, months=6, systems=(), planted_share=0)
        rows, parties, items = rows_of(world)
        truth = {money.key: money for money in world.truth.receipts}
        for one in match_rows(rows, parties, items).rows:
            money = truth[one.row_id]
            true: Counter[str] = Counter()
            for part in money.applied:
                true[part.invoice] += part.amount
            with_documents += bool(true)
            if one.outcome is RowOutcome.MATCHED:
                assert one.best is not None
                matched += 1
                if one.best.customer != money.company or any(amount > true[key] for key, amount in one.best.items):
                    wrong.append((seed, one, money))
            elif one.outcome is RowOutcome.CUSTOMER and one.best is not None and one.best.customer != money.company:
                wrong.append((seed, one, money))
    assert wrong == []
    assert matched > 0.7 * with_documents
