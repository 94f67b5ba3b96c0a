"""Who decides a field: the flow's own words, else sensible defaults.

Owners are names in order: a system, ``latest`` or ``manual``. A system that is named may change the field; of two that
changed it, the one named first prevails. A system that is not named may not: what it changes is put back. ``latest`` lets both
change it, the later record prevails; ``manual`` lets both change it, and where both did, a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.flow import LATEST, MANUAL, Direction, Flow

LEADING: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.CUSTOMER: frozenset(
        {
            "code",
            "name",
            "credit_code",
            "tax_number",
            "category",
            "currency",
            "credit_limit_minor",
            "credit_currency",
            "credit_days",
            "bank_accounts",
            "status",
            "opened_on",
            "disabled_on",
        }
    ),
    Kind.INVOICE: frozenset(
        {
            "number",
            "kind",
            "tax_invoices",
            "customer",
            "issued_on",
            "due_on",
            "posted_on",
            "currency",
            "total_minor",
            "net_minor",
            "tax_minor",
            "exchange_rate",
            "base_currency",
            "base_total_minor",
            "open_minor",
            "references",
            "reverses",
            "status",
            "lines",
        }
    ),
    Kind.PAYMENT: frozenset(
        {
            "number",
            "kind",
            "customer",
            "payer_name",
            "payer_account",
            "payer_bank",
            "received_on",
            "posted_on",
            "currency",
            "amount_minor",
            "fee_minor",
            "exchange_rate",
            "base_currency",
            "base_amount_minor",
            "open_minor",
            "remittance_text",
            "method",
            "bank_reference",
            "our_account",
            "status",
            "allocations",
        }
    ),
}
"""Two-way flows: what the leading system (left) alone decides: money, tax, credit, status, numbers, the legal name."""

FOLLOWING: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.CUSTOMER: frozenset(
        {"contacts", "phone", "fax", "email", "website", "addresses", "short_name", "industry", "remark"}
    ),
    Kind.INVOICE: frozenset({"remark"}),
    Kind.PAYMENT: frozenset({"remark"}),
}
"""Two-way flows: what both may change and the other system (right) prevails in. All else: both may, a person decides."""


def owners_of(flow: Flow, unit: str) -> tuple[str, ...]:
    """Who decides `unit` in `flow`, in order."""
    named = flow.owners.get(unit) or flow.owner
    if named:
        return named
    if flow.direction is Direction.ONE_WAY:
        return (flow.left,)
    if unit in LEADING.get(flow.kind, frozenset()):
        return (flow.left,)
    if unit in FOLLOWING.get(flow.kind, frozenset()):
        return (flow.right, flow.left)
    return (MANUAL,)


def may_change(owners: tuple[str, ...], system: str) -> bool:
    """Whether a change that only `system` made is taken (or left standing)."""
    return system in owners or LATEST in owners or MANUAL in owners
