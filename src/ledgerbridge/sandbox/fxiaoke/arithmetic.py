"""What the vendor adds up by itself (fxiaoke.md 7, emulator arithmetic [inferred]).

order.payment_amount = Σ normal payment lines; receivable_amount = order_amount − payment_amount −
returned_goods_amount + refund_amount; invoice_amount = Σ normal invoice lines; no_invoice_amount = order_amount −
invoice_amount; a payment's or an invoice application's total = Σ its lines. A refund counts with its magnitude,
whatever sign the tenant books it with. A line in another currency than its order counts at the two rows' rates.
The parent's stamp stays as it was, unless the switch ``bumpParent`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ledgerbridge.sandbox.books import Row

from .people import SYSTEM_ACTOR, Caller
from .tenant import Tenant

_CENT = Decimal("0.01")
_ORDER = "SalesOrderObj"


@dataclass(frozen=True, slots=True)
class _Sum:
    """`parent.field` adds up `amount` of the rows of `child` that name the parent in `reference`."""

    parent: str
    field: str
    child: str
    reference: str
    amount: str


SUMS: tuple[_Sum, ...] = (
    _Sum(_ORDER, "product_amount", "SalesOrderProductObj", "order_id", "subtotal"),
    _Sum(_ORDER, "payment_amount", "OrderPaymentObj", "order_id", "payment_amount"),
    _Sum(_ORDER, "plan_payment_amount", "PaymentPlanObj", "order_id", "plan_payment_amount"),
    _Sum(_ORDER, "refund_amount", "RefundObj", "order_id", "refunded_amount"),
    _Sum(_ORDER, "returned_goods_amount", "ReturnedGoodsInvoiceObj", "order_id", "returned_goods_inv_amount"),
    _Sum(_ORDER, "invoice_amount", "InvoiceApplicationLinesObj", "order_id", "invoiced_amount"),
    _Sum("PaymentObj", "payment_amount", "OrderPaymentObj", "payment_id", "payment_amount"),
    _Sum(
        "InvoiceApplicationObj",
        "invoice_applied_amount",
        "InvoiceApplicationLinesObj",
        "invoice_id",
        "invoiced_amount",
    ),
)


def settle(tenant: Tenant, touched: Iterable[tuple[str, Row | None]], *, written: str = "") -> None:
    """Add up again every parent that the given rows (before and after a change) belong to.

    `written` is the row whose own write this is part of: it has its stamp already.
    """
    parents: set[tuple[str, str]] = set()
    for api_name, row in touched:
        if row is None:
            continue
        if api_name == _ORDER:
            parents.add((_ORDER, row["_id"]))
        for rule in SUMS:
            if rule.child == api_name and row.get(rule.reference):
                parents.add((rule.parent, row[rule.reference]))
    for parent, row_id in sorted(parents):
        add_up(tenant, parent, row_id, bump=bool(tenant.switches["bumpParent"]) and row_id != written)


def add_up(tenant: Tenant, parent: str, row_id: str, *, bump: bool = False) -> None:
    """Set the totals of one parent, with a new stamp if `bump`; nothing if it is gone."""
    row = tenant.books.get(parent, row_id)
    if row is None:
        return
    changed = _order_totals(tenant, row) if parent == _ORDER else _header_total(tenant, parent, row)
    changed = {name: value for name, value in changed.items() if row.get(name) != value}
    if not changed:
        return
    row.update(changed)
    if bump:
        tenant.stamp(row, Caller(SYSTEM_ACTOR))
    tenant.books.put(parent, row_id, row)


def remember_computed(tenant: Tenant, row: Row) -> None:
    """Keep an order's totals as they are at its own write: the light queries do not recalculate them [2+]."""
    if row["object_describe_api_name"] == _ORDER:
        row["$computed"] = _order_totals(tenant, row)


def _order_totals(tenant: Tenant, row: Row) -> Row:
    totals = {
        rule.field: _total(tenant, rule, row, {"normal"}, magnitude=rule.child == "RefundObj")
        for rule in SUMS
        if rule.parent == _ORDER
    }
    ordered = Decimal(row.get("order_amount") or 0)
    totals["receivable_amount"] = (
        ordered - totals["payment_amount"] - totals["returned_goods_amount"] + totals["refund_amount"]
    )
    totals["no_invoice_amount"] = ordered - totals["invoice_amount"]
    return {name: f"{value.quantize(_CENT):f}" for name, value in totals.items()}


def _header_total(tenant: Tenant, parent: str, row: Row) -> Row:
    """A header's own total; drafts count their draft lines, a void header keeps what it had."""
    rule = next(one for one in SUMS if one.parent == parent)
    if row["life_status"] == "invalid" or not tenant.shelf(rule.child).with_value(rule.reference, row["_id"]):
        return {}
    alive = {"ineffective", "under_review", "normal", "in_change"}
    return {rule.field: f"{_total(tenant, rule, row, alive, magnitude=False).quantize(_CENT):f}"}


def _total(tenant: Tenant, rule: _Sum, parent: Row, statuses: set[str], *, magnitude: bool) -> Decimal:
    total = Decimal(0)
    for row_id in tenant.shelf(rule.child).with_value(rule.reference, parent["_id"]):
        row = tenant.books.row(rule.child, row_id)
        if row is None or row["life_status"] not in statuses:
            continue
        amount = Decimal(row.get(rule.amount) or 0)
        if row.get("mc_currency", "CNY") != parent.get("mc_currency", "CNY"):
            rate = Decimal(row["mc_exchange_rate"]) / Decimal(parent["mc_exchange_rate"])
            amount = (amount * rate).quantize(_CENT, ROUND_HALF_UP)
        total += abs(amount) if magnitude else amount
    return total
