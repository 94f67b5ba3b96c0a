"""Plain valid records on demand: customers, receivables, payments with one line (tests and benchmarks)."""

from __future__ import annotations

from ledgerbridge.sandbox.books import Row

from .arithmetic import settle
from .people import ADMIN, Caller
from .schema import ObjectSpec
from .tenant import DAY_MS, Tenant, local_midnight

_SCREENS = Caller(ADMIN, path="/screens")


def seed_customers(tenant: Tenant, count: int) -> list[str]:
    """`count` accounts ``示例客户 000001…``; returns their ids."""
    made = []
    for _ in range(count):
        serial = tenant.books.next_serial("$seed customer")
        fields: Row = {
            "name": f"示例客户{serial:06d}有限公司",
            "account_no": f"C{serial:06d}",
            "account_type": "2",
            "tel": f"021-{50000000 + serial}",
            "deal_status": "2",
        }
        made.append(_kept(tenant, tenant.spec("AccountObj"), fields))
    return made


def seed_invoices(tenant: Tenant, count: int) -> list[str]:
    """`count` receivables of 113·n yuan gross (13 % tax) to the first account; returns their ids."""
    spec = tenant.spec(tenant.switches["receivableObject"])
    account = _account(tenant) if count else ""
    made = []
    for _ in range(count):
        serial = tenant.books.next_serial("$seed invoice")
        today = local_midnight(tenant.now_ms())
        net, tax = 100 * serial, 13 * serial
        fields: Row = {
            "name": f"AR{serial:08d}",
            "account__c": account,
            "bill_kind__c": "option1",
            "bill_date__c": today,
            "due_date__c": today + 30 * DAY_MS,
            "net_amount__c": f"{net}.00",
            "tax_amount__c": f"{tax}.00",
            "amount__c": f"{net + tax}.00",
            "base_amount__c": f"{net + tax}.00",
            "open_amount__c": f"{net + tax}.00",
        }
        made.append(_kept(tenant, spec, fields))
    return made


def seed_payments(tenant: Tenant, count: int) -> list[str]:
    """`count` payments of n yuan and 50 fen by the first account, each with one line; returns their ids."""
    spec, line = tenant.spec("PaymentObj"), tenant.spec("OrderPaymentObj")
    account = _account(tenant) if count else ""
    made = []
    for _ in range(count):
        serial = tenant.books.next_serial("$seed payment")
        amount = f"{serial}.50"
        fields: Row = {
            "name": f"RC{serial:08d}",
            "account_id": account,
            "payment_time": local_midnight(tenant.now_ms()),
            "payment_term": "4",
            "payment_amount": amount,
            "receipt_kind__c": "option1",
            "base_amount__c": amount,
        }
        row_id = _kept(tenant, spec, fields)
        _kept(tenant, line, {"payment_id": row_id, "payment_amount": amount, "line_kind__c": "option2"})
        made.append(row_id)
    return made


def _account(tenant: Tenant) -> str:
    """Some live account, made if there is none."""
    shelf = tenant.shelf("AccountObj")
    for row_id in shelf.ids:
        row = tenant.books.row("AccountObj", row_id)
        if row is not None and row["life_status"] == "normal":
            return row_id
    return seed_customers(tenant, 1)[0]


def _kept(tenant: Tenant, spec: ObjectSpec, fields: Row) -> str:
    row = tenant.fresh_row(spec, fields, owner=ADMIN, at_ms=tenant.now_ms(), is_old=True)
    tenant.save(spec, row, _SCREENS)
    settle(tenant, [(spec.api_name, row)])
    return str(row["_id"])
