"""Plain valid records in any number, for tests of size: made fast, stamped with the moment of seeding."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.world.codes import credit_code, organisation_code

from . import wire
from .derive import blank, work_out
from .org import SYNC_USER, Org

_REGION = "310000"


def seed(org: Org, table: str, count: int) -> list[str]:
    """Put `count` records into Accounts, Invoices or Payments; returns their ids.

    Invoices and payments belong to the oldest account on record; where there is none, one is seeded first.
    """
    with org.books.lock:
        rows = _MAKERS[table](org, count)
        org.books.add_many(table, rows)
    return [row["id"] for row in rows]


def _template(org: Org, table: str) -> Row:
    row = blank(org, org.module_of(table), SYNC_USER)
    row |= {"Modified_Time": org.now(), "Modified_By": SYNC_USER}
    work_out(org, org.module_of(table), row, given=set())
    return row


def _account(org: Org) -> str:
    oldest = org.books.ordering("Accounts", "id")
    return str(oldest[0][1]) if oldest else seed(org, "Accounts", 1)[0]


def _product(org: Org) -> str:
    found = org.books.ids_by("Products", "ERP_Id", "SEED-P")
    if found:
        return found[0]
    row = _template(org, "Products") | {"Product_Name": "Seeded goods", "Product_Code": "SEED-P", "ERP_Id": "SEED-P"}
    org.books.put("Products", row["id"], row)
    return str(row["id"])


def _accounts(org: Org, count: int) -> list[Row]:
    template = _template(org, "Accounts")
    rng = random.Random(org.books.next_serial("seeding"))
    rows = []
    for _ in range(count):
        number = org.books.next_serial("seed Accounts")
        code = f"SEED-C-{number:06}"
        rows.append(
            template
            | {
                "id": org.new_id(),
                "Account_Name": f"沙盘客户{number:06}有限公司",
                "Account_Type": "Customer",
                "Phone": f"021-{60000000 + number}",
                "ERP_Id": code,
                "ERP_Code": code,
                "Credit_Code": credit_code("91", _REGION, organisation_code(rng)),
            }
        )
    return rows


def _invoices(org: Org, count: int) -> list[Row]:
    account, product = _account(org), _product(org)
    template = _template(org, "Invoices")
    day = org.local(org.now())[:10]
    rows = []
    for _ in range(count):
        number = org.books.next_serial("seed Invoices")
        net = Decimal(1000 + number % 1000)
        tax = net * 13 / 100
        net_text, tax_text, gross_text = (wire.number_text(value) for value in (net, tax, net + tax))
        name = f"SEED-I-{number:06}"
        line: Row = {
            "id": org.new_id(),
            "Product_Name": product,
            "Quantity": "1",
            "List_Price": net_text,
            "Discount": "0",
            "Line_Tax": [{"name": "VAT", "percentage": "13", "value": tax_text}],
            "Total": net_text,
            "Net_Total": gross_text,
            "Sequence_Number": 1,
        }
        money = {"Sub_Total": gross_text, "Grand_Total": gross_text, "ERP_Net": net_text, "ERP_Tax": tax_text}
        money |= {"ERP_Total": gross_text, "ERP_Base_Total": gross_text, "Balance_Due": gross_text, "Paid_Amount": "0"}
        rows.append(
            template
            | {
                "id": org.new_id(),
                "Subject": name,
                "Invoice_Number": str(org.books.next_serial("Invoice_Number", 100001)),
                "Account_Name": account,
                "Invoice_Date": day,
                "Due_Date": day,
                "Status": org.switches["invoice_statuses"][0],
                "Invoiced_Items": [line],
                "ERP_Id": name,
                "ERP_Invoice_Number": name,
                "ERP_Kind": "invoice",
                "ERP_Rate": "1",
                "Payment_Status": "Open",
            }
            | money
        )
    return rows


def _payments(org: Org, count: int) -> list[Row]:
    account = _account(org)
    template = _template(org, "Payments")
    day = org.local(org.now())[:10]
    rows = []
    for _ in range(count):
        number = org.books.next_serial("seed Payments")
        name, amount = f"SEED-R-{number:06}", str(100 + number % 1000)
        rows.append(
            template
            | {
                "id": org.new_id(),
                "Name": name,
                "ERP_Id": name,
                "Account": account,
                "Payment_Date": day,
                "Amount": amount,
                "Method": "Bank transfer",
                "Status": "Posted",
                "ERP_Receipt_Number": name,
                "Receipt_Kind": "receipt",
                "Receipt_Amount": amount,
                "Bank_Fee": "0",
                "ERP_Rate": "1",
                "ERP_Base_Amount": amount,
            }
        )
    return rows


_MAKERS: dict[str, Callable[[Org, int], list[Row]]] = {
    "Accounts": _accounts,
    "Invoices": _invoices,
    "Payments": _payments,
}
