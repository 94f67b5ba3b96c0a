"""Findings to test with."""

from __future__ import annotations

from datetime import date
from typing import Any

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.exception import Code, Finding
from ledgerbridge.model.money import Money

SCOPE = "compare:erp:crm"


def finding(number: str, amount: str | None = "100.00", **changes: Any) -> Finding:
    """An amount that differs on the invoice `number`."""
    facts: dict[str, Any] = {
        "code": Code.AMOUNT_DIFFERS,
        "kind": Kind.INVOICE,
        "systems": ("erp", "crm"),
        "refs": tuple(Ref(system=name, kind=Kind.INVOICE, external_id=number) for name in ("erp", "crm")),
        "entity": f"e-{number}",
        "customer": "c-1",
        "customer_name": "青岛海风贸易有限公司",
        "number": number,
        "fields": ("total",),
        "difference": Money.of(amount, "CNY") if amount is not None else None,
        "business_on": date(2026, 2, 20),
        "evidence": {"erp": f"{amount} CNY", "salesperson": "李雷"},
    }
    return Finding(**(facts | changes))
