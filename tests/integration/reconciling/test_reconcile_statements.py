"""Statements and aging from reconciled books: they add up to the balance for every customer, on any day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from reconcile_books import NOW, RULES, customer, invoice, payment, put, rolled, run

from ledgerbridge.errors import StatementError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.statement_delta import DeltaKind
from ledgerbridge.reconciler.aging import Grouping
from ledgerbridge.reconciler.allocation import Policy, Tolerance
from ledgerbridge.reconciler.statement import Period, delta
from ledgerbridge.store import Store, ledgers
from ledgerbridge.sync.reconciling.aging import aging, open_items
from ledgerbridge.sync.reconciling.explaining import explain_bank_row, explain_payment
from ledgerbridge.sync.reconciling.statements import Asked, beside_theirs, statement_again, statements

FEBRUARY = Period(date(2026, 2, 1), date(2026, 2, 28))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stored", [True, False])
def test_closing_is_the_balance_and_the_aging_total_of_every_customer(
    fresh_sqlite: Callable[[], Store], seed: int, stored: bool
) -> None:
    with fresh_sqlite() as store:
        put(store, rolled(seed))
        if stored:
            run(store)
        for last in (date(2026, 2, 28), date(2026, 3, 31)):
            with store.reading() as tx:
                found = list(statements(tx, RULES, Asked(Period(date(2026, 2, 1), last)), NOW))
                sums = ledgers.balances(tx, (Kind.INVOICE, Kind.PAYMENT), ledgers.accounts(tx, "erp"), as_of=last)
                aged = {(row.key, row.currency): row.total_minor for row in aging(tx, RULES, last).rows}
            closing = {(one.customer.entity, one.currency): one.closing_minor for one in found}
            assert len(closing) == len(found) > 0
            assert {key: minor for key, minor in closing.items() if minor} == sums
            assert {key: minor for key, minor in aged.items() if minor} == sums
            assert any(one.open_items for one in found)


def test_groupings_of_the_aging_sum_to_the_same(fresh_sqlite: Callable[[], Store]) -> None:
    with fresh_sqlite() as store:
        put(store, rolled(2))
        with store.reading() as tx:
            tables = [aging(tx, RULES, date(2026, 3, 1), grouping=grouping) for grouping in Grouping]
            items = [entry for _, entries in open_items(tx, RULES, date(2026, 3, 1)) for entry in entries]
        totals = [[(row.currency, row.total_minor) for row in table.totals] for table in tables]
        assert totals[0] == totals[1] == totals[2]
        assert sum(minor for _, minor in totals[0]) == sum(entry.open_minor for entry in items)


def test_a_difference_that_was_written_off_is_a_line_of_its_own(store: Store) -> None:
    allowed = {"CNY": Tolerance(fee_minor=1_000)}
    rules = replace(RULES, cash=Policy(tolerances=allowed))
    books = [customer("C1", "上海飞轮机械有限公司"), invoice("XS001", "C1", 10_000, "2026-02-02")]
    put(store, [*books, payment("SK001", "C1", 9_500, "2026-02-20", remittance_text="XS001")])
    run(store, rules=rules)
    with store.reading() as tx:
        (one,) = statements(tx, rules, Asked(FEBRUARY), NOW)
    assert [(entry.kind.value, entry.amount_minor) for entry in one.entries] == [
        ("invoice", 10_000), ("write_off", -500), ("receipt", -9_500),
    ]  # fmt: skip
    assert one.closing_minor == 0
    assert one.open_items == ()


def test_what_comes_later_is_in_the_delta_not_in_the_statement(store: Store) -> None:
    put(store, [customer("C1", "上海飞轮机械有限公司"), invoice("XS001", "C1", 10_000, "2026-02-02")])
    with store.reading() as tx:
        (sent,) = statements(tx, RULES, Asked(FEBRUARY), NOW)
    put(store, [payment("SK001", "C1", 10_000, "2026-03-02", remittance_text="XS001")])
    with store.reading() as tx:
        assert delta(sent, statement_again(tx, RULES, sent, NOW)).is_empty, "March changes no statement of February"
    put(store, [invoice("XS002", "C1", 700, "2026-02-27")])
    with store.reading() as tx:
        changed = delta(sent, statement_again(tx, RULES, sent, NOW))
    assert [(line.kind, line.number) for line in changed.lines] == [(DeltaKind.ADDED, "XS002")]


def test_our_books_beside_the_customers_own_sheet(store: Store) -> None:
    put(store, [customer("C1", "上海飞轮机械有限公司"), invoice("XS001", "C1", 10_000, "2026-02-02")])
    put(store, [invoice("XS002", "C1", 500, "2026-02-03"), payment("SK001", "C1", 4_000, "2026-02-20")])
    theirs = [
        invoice("XS001", "us", 10_000, "2026-02-02", system="cust_fly"),
        payment("FK9", "us", 4_000, "2026-02-19", system="cust_fly"),
    ]
    with store.reading() as tx:
        (ours,) = statements(tx, RULES, Asked(FEBRUARY, "CNY"), NOW)
        with pytest.raises(StatementError, match="has no records"):
            beside_theirs(tx, ours, "cust_fly", "飞轮", NOW)
    put(store, theirs)
    with store.reading() as tx:
        both = beside_theirs(tx, ours, "cust_fly", "飞轮", NOW)
    assert both.difference_minor == 500
    assert [entry.number for entry in both.unmatched_left] == ["XS002"]
    assert both.unmatched_right == ()


def test_a_payment_is_explained_pass_by_pass(store: Store) -> None:
    books = [customer("C1", "上海飞轮机械有限公司"), invoice("XS001", "C1", 700, "2026-02-02")]
    put(store, [*books, invoice("XS002", "C1", 700, "2026-02-03"), payment("SK001", "C1", 700, "2026-02-20")])
    put(store, [payment("B1", None, 99, "2026-02-21", system="bank", payer_name="谁")])
    run(store)
    with store.reading() as tx:
        (one,) = explain_payment(tx, RULES, "SK001", date(2026, 3, 1))
        assert explain_payment(tx, RULES, "SK404", date(2026, 3, 1)) == []
        (row,) = explain_bank_row(tx, "B1")
    assert any("XS001 | XS002" in line for line in one.lines())
    assert one.explanation is not None
    assert one.explanation.left_minor == 700
    assert row["outcome"] == "nothing"
