"""The ground truth as one JSON document: what a reconciliation of the world's systems must arrive at."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .facts import Holding, Invoice, Receipt, World
from .planting import balances


def truth_document(world: World) -> dict[str, Any]:
    """Everything that was planted and all that must come out, as JSON values.

    ``planted``: every :class:`~ledgerbridge.sandbox.world.facts.Planted` with its fields. ``systems`` and ``truth``:
    record counts, and per kind, status and currency the count and sum in minor units; balances at the last day per
    currency. ``customers``: by true key, the true name and credit code and the codes and names each system holds it
    under. ``allocations``: which receipt settled which document, with the serial of the bank row where there is one.
    """
    serials = {
        row.receipt: row.serial
        for holding in world.holdings.values()
        for row in holding.bank_rows
        if row.receipt is not None
    }
    return {
        "seed": world.seed,
        "own_name": world.own_name,
        "own_credit_code": world.own_credit_code,
        "own_accounts": [list(account) for account in world.own_accounts],
        "first_day": world.first_day.isoformat(),
        "last_day": world.last_day.isoformat(),
        "truth": totals(world, world.truth),
        "systems": {system.value: totals(world, holding) for system, holding in world.holdings.items()},
        "planted": [asdict(one) for one in world.planted],
        "planted_counts": _planted_counts(world),
        "customers": _customers(world),
        "allocations": _allocations(world, serials),
        "bank_rows": {serial: receipt for receipt, serial in serials.items()},
    }


def totals(world: World, holding: Holding) -> dict[str, Any]:
    """Counts and sums of one holding, and its balances at the world's last day by currency."""
    by_currency: dict[str, int] = {}
    for (_, currency), amount in balances((*holding.invoices, *holding.receipts), world.last_day).items():
        by_currency[currency] = by_currency.get(currency, 0) + amount
    return {
        "customers": len(holding.companies),
        "invoices": len(holding.invoices),
        "payments": len(holding.receipts),
        "bank_rows": len(holding.bank_rows),
        "invoice_totals": _sums(holding.invoices),
        "payment_totals": _sums(holding.receipts),
        "balances": dict(sorted(by_currency.items())),
    }


def _sums(documents: tuple[Invoice, ...] | tuple[Receipt, ...]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], list[int]] = {}
    for one in documents:
        amount = one.gross if isinstance(one, Invoice) else one.amount
        row = found.setdefault((one.kind.value, one.status.value, one.currency), [0, 0])
        row[0] += 1
        row[1] += amount
    return [
        {"kind": kind, "status": status, "currency": currency, "count": count, "amount": amount}
        for (kind, status, currency), (count, amount) in sorted(found.items())
    ]


def _planted_counts(world: World) -> dict[str, dict[str, int]]:
    """By system and kind, how many discrepancies; the further rows of one discrepancy do not count."""
    seen: set[tuple[str, str, str]] = set()
    found: dict[str, dict[str, int]] = {}
    for one in world.planted:
        key = one.system.value, one.planted.value, one.record_key
        if key in seen:
            continue
        seen.add(key)
        kinds = found.setdefault(one.system.value, {})
        kinds[one.planted.value] = kinds.get(one.planted.value, 0) + 1
    return found


def _customers(world: World) -> dict[str, Any]:
    found: dict[str, Any] = {
        company.key: {"name": company.name, "credit_code": company.credit_code, "held": {}}
        for company in world.truth.companies
    }
    for system, holding in world.holdings.items():
        for company in holding.companies:
            row = found.setdefault(company.key, {"name": None, "credit_code": None, "held": {}})
            row["held"].setdefault(system.value, []).append({"code": company.code, "name": company.name})
    return found


def _allocations(world: World, serials: dict[str, str]) -> list[dict[str, Any]]:
    numbers = {invoice.key: invoice.number for invoice in world.truth.invoices}
    return [
        {
            "receipt": receipt.key,
            "receipt_number": receipt.number,
            "bank_serial": serials.get(receipt.key),
            "customer": receipt.company,
            "invoice": part.invoice,
            "invoice_number": numbers[part.invoice],
            "amount": part.amount,
            "currency": receipt.currency,
            "on": part.on.isoformat(),
        }
        for receipt in world.truth.receipts
        for part in receipt.applied
    ]
