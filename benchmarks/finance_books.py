"""The books that ``finance.py`` measures with: customers, invoices and payments put into a store, and open entries in memory."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import allocate
from reconcile import put

from ledgerbridge.model.base import Kind
from ledgerbridge.reconciler.aging import Debtor, OpenEntry
from ledgerbridge.store import Store

LAST = date(2026, 12, 31)


def customer_records(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((f"C{at:06}", {"code": f"C{at:06}", "name": f"客户{at}有限公司"}) for at in range(count))


def document(key: str, customer: int, on: date, minor: int) -> tuple[str, dict[str, Any]]:
    due = on + timedelta(days=30)
    return key, {
        "number": f"XS2026{key[1:]}", "kind": "invoice", "customer": {"external_id": f"C{customer:06}"}, "currency": "CNY",
        "issued_on": on.isoformat(), "due_on": due.isoformat(), "total_minor": minor,
    }  # fmt: skip


def money(key: str, customer: int, on: date, minor: int, text: str) -> tuple[str, dict[str, Any]]:
    return key, {
        "number": f"SK{key}", "kind": "receipt", "customer": {"external_id": f"C{customer:06}"}, "currency": "CNY",
        "received_on": on.isoformat(), "amount_minor": minor, "remittance_text": text,
    }  # fmt: skip


def cash_ledgers(options: argparse.Namespace) -> list[allocate.Ledger]:
    count = options.customers
    return allocate.ledgers(count, 40 * count, 36 * count, skewed=options.skewed)


def fill_cash(store: Store, options: argparse.Namespace) -> None:
    made = cash_ledgers(options)
    put(store, "erp", Kind.CUSTOMER, customer_records(len(made)))
    invoices = (
        document(one.id, at, one.issued_on, one.amount_minor) for at, (items, _) in enumerate(made) for one in items
    )
    put(store, "erp", Kind.INVOICE, invoices)
    payments = (
        money(one.id, at, one.received_on, one.amount_minor, one.text)
        for at, (_, receipts) in enumerate(made)
        for one in receipts
    )
    put(store, "erp", Kind.PAYMENT, payments)


def fill_history(store: Store, options: argparse.Namespace) -> None:
    """Six open invoices a customer, and `--settled` that were paid, each named by its payment."""
    die = random.Random(3)
    customers = options.documents // 6
    put(store, "erp", Kind.CUSTOMER, customer_records(customers))
    years_back = max(1, options.settled // 12)

    def settled() -> Iterator[tuple[str, int, date, int]]:
        for customer in range(customers):
            for at in range(options.settled):
                on = LAST - timedelta(days=90 + die.randrange(365 * years_back))
                yield f"{customer:06}{at:04}", customer, on, die.randrange(10_000, 5_000_000)

    listed = list(settled())
    put(store, "erp", Kind.INVOICE, (document(f"S{key}", *rest) for key, *rest in listed))
    paid = (
        money(f"P{key}", customer, on + timedelta(days=20), minor, f"付货款XS2026{key}")
        for key, customer, on, minor in listed
    )
    put(store, "erp", Kind.PAYMENT, paid)
    still = (
        document(f"O9{customer:06}{at}", customer, LAST - timedelta(days=die.randrange(80)), die.randrange(1, 10**7))
        for customer in range(customers)
        for at in range(6)
    )
    put(store, "erp", Kind.INVOICE, still)


def open_books(count: int) -> list[tuple[Debtor, list[OpenEntry]]]:
    """Open invoices of a hundred a customer, one in ten without a due date, one in twenty unapplied cash."""
    die = random.Random(5)
    made = []
    for customer in range(max(1, count // 100)):
        entity, entries = f"E{customer:05}", []
        for at in range(100):
            on = LAST - timedelta(days=die.randrange(600))
            due = on + timedelta(days=30) if die.random() < 0.9 else None
            cash = die.random() < 0.05
            minor = die.randrange(1, 10**7) * (-1 if cash else 1)
            number = f"N{customer}-{at}"
            entries.append(OpenEntry(entity, number, number, "CNY", on, minor, None if cash else due, cash))
        made.append((Debtor(entity, f"客户{customer}"), entries))
    return made
