"""Credit of a customer and open balances by customer (yonyou.md B6, B7)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from ledgerbridge.sandbox.books import Row

from .batches import items_of
from .call import Call, Route
from .documents import KINDS, OAR, RECEIVABLE, RECEIVEBILL, ZERO, Kind, balance_of, is_approved, is_reversed, iso_of
from .ledger import Ledger
from .refusal import missing, no_data
from .wire import CURRENCIES, currency_code, moment

CREDIT_TABLE = "credit"


def _open_by_customer(
    ledger: Ledger, kinds: tuple[Kind, ...], customer: str | None = None
) -> dict[tuple[str, str], list[Decimal]]:
    """(customer, ISO code) -> open amount in document and base currency, approved documents only."""
    found: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for kind in kinds:
        for _, row in ledger.books.peek(kind.table):
            held_by = row.get("customer")
            if (
                not held_by
                or (customer and held_by != customer)
                or not is_approved(kind, row)
                or is_reversed(kind, row)
            ):
                continue
            sums = found[held_by, iso_of(kind, row)]
            for number, value in enumerate(balance_of(kind, row)):
                sums[number] += value
    return found


def _credit(ledger: Ledger, call: Call) -> list[Row]:
    """Credit lines in the asked currency (default CNY). A customer without one has no ``creditLine`` [inferred]."""
    answers: list[Row] = []
    for item in items_of(call.body):
        for name in ("targetObjId", "creditQueryType", "targetType"):
            if item.get(name) in (None, ""):
                raise missing(name)
        customer = ledger.merchant(item["targetObjId"])
        if customer is None:
            raise no_data(f"customer {item['targetObjId']} unknown")
        iso = currency_code(item.get("currencyId") or "CNY")
        line = ledger.books.look(CREDIT_TABLE, customer["id"]) or {}
        owed = _open_by_customer(ledger, tuple(kind for kind in KINDS if kind.role == "invoice"), customer["id"])
        paid = _open_by_customer(ledger, tuple(kind for kind in KINDS if kind.role == "payment"), customer["id"])
        answer: Row = {
            "targetObjId": customer["id"],
            "currencyId": CURRENCIES[iso or "CNY"][0],
            "preBalance": sum((sums[1] for sums in paid.values()), ZERO),
            "overdueDays": _overdue_days(ledger, customer["id"]),
            "settingOverdueDays": customer.get("merchantAppliedDetail", {}).get("creditServiceDay", 0),
            "startDate": customer["createTime"][:10],
            "endDate": "2099-12-31",
        }
        if line and iso == line["currency"]:
            limit = Decimal(line["creditLine"])
            answer["creditLine"] = limit
            answer["creditBalance"] = limit - sum((sums[1] for sums in owed.values()), ZERO)
        answers.append(answer)
    return answers


def _overdue_days(ledger: Ledger, customer: str) -> int:
    """Days since the oldest open receivable of the customer fell due; 0 if none has."""
    today = ledger.now()
    due_dates = [
        due
        for kind in (RECEIVABLE, OAR)
        for _, row in ledger.books.peek(kind.table)
        if row.get("customer") == customer and is_approved(kind, row) and balance_of(kind, row)[0] > 0
        for due in _due_dates(kind, row)
        if due < today
    ]
    return (moment(today) - moment(min(due_dates))).days if due_dates else 0


def _due_dates(kind: Kind, row: Row) -> list[str]:
    if kind is OAR:
        return [row["maturitydate"]] if row.get("maturitydate") else []
    return [
        part["expireDate"] for line in row["bodyItem"] for part in line["grandsonItem"] if Decimal(part["_balance"])
    ]


def _report(ledger: Ledger, call: Call) -> list[Row]:
    """What each customer owes, by currency, less open receipts of the fi family [inferred: the report's form]."""
    asked = str(call.body.get("customer") or "") or None if isinstance(call.body, dict) else None
    owed = _open_by_customer(ledger, (OAR,), asked)
    for key, sums in _open_by_customer(ledger, (RECEIVEBILL,), asked).items():
        for number, value in enumerate(sums):
            owed[key][number] -= value
    answers = []
    for (customer_id, iso), (open_now, local_open) in sorted(owed.items()):
        customer = ledger.merchant(customer_id)
        answers.append(
            {
                "customer": customer_id,
                "customer_code": customer["code"] if customer else None,
                "customer_name": customer["name"]["simplifiedName"] if customer else None,
                "currency": CURRENCIES[iso][0],
                "currency_code": iso,
                "balance": open_now,
                "localbalance": local_open,
            }
        )
    return answers


def routes() -> dict[str, Route]:
    """The two queries."""
    return {
        "sd/credit/query": Route("POST", _credit),
        "fi/ar/report/balance": Route("POST", _report),
    }
