"""What Zoho works out by itself when a record is written: totals, names, currencies (zoho.md 11 and 12)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from ledgerbridge.sandbox.books import Row

from . import wire
from .check import RowInput
from .fields import Module
from .org import BASE_CURRENCY, Org
from .values import places

_PRECISION = 80  # digits that no product of two numbers of a record exceeds


def blank(org: Org, module: Module, user_id: str) -> Row:
    """A new record before its values: an id, its people and its time of creation; every field is there, empty."""
    row: Row = dict.fromkeys(name for name in module.fields if name not in ("Locked__s", "Record_Status__s", "Tag"))
    row |= {field.api_name: [] for field in module.subforms}
    return row | {"id": org.new_id(), "Owner": user_id, "Created_By": user_id, "Created_Time": org.now()}


def merged_rows(org: Org, current: list[Row], given: list[RowInput]) -> list[Row]:
    """The rows of a subform after a write: named ones changed or gone, new ones added, the rest stay (zoho.md 5)."""
    held = {row["id"]: dict(row) for row in current}
    named = {row.row_id for row in given if row.row_id is not None}
    kept = [row_id for row_id in held if org.switches["subform_rows_stay"] or row_id in named]
    rows = {row_id: held[row_id] for row_id in kept}
    for row in given:
        if row.delete:
            rows.pop(row.row_id or "", None)
        elif row.row_id is None:
            new_id = org.new_id()
            rows[new_id] = {"id": new_id, **row.values}
        elif row.row_id in rows:
            rows[row.row_id] |= row.values
    for number, row_held in enumerate(rows.values(), start=1):
        row_held["Sequence_Number"] = number
    return list(rows.values())


def _decimal(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def work_out_lines(org: Org, row: Row) -> None:
    """Totals of an invoice and its lines, half up at two places (zoho.md 12 [inferred])."""
    digits = places(row.get("Currency"))
    sub_total = Decimal(0)
    for line in row.get("Invoiced_Items") or ():
        if line.get("Quantity") is None:
            line["Quantity"] = "1"
        if line.get("List_Price") is None:
            product = org.books.look("Products", line.get("Product_Name") or "") or {}
            line["List_Price"] = product.get("Unit_Price") or "0"
        total = wire.rounded(_decimal(line["Quantity"]) * _decimal(line["List_Price"]), digits)
        taxable = total - _decimal(line.get("Discount"))
        tax_sum = Decimal(0)
        for tax in line.get("Line_Tax") or ():
            if tax["value"] is None:
                amount = wire.rounded(taxable * _decimal(tax["percentage"]) / 100, digits)
                tax["value"] = wire.number_text(amount)
            tax_sum += _decimal(tax["value"])
        line["Total"] = wire.number_text(total)
        line["Net_Total"] = wire.number_text(taxable + tax_sum)
        sub_total += taxable + tax_sum
    grand = sub_total - _decimal(row.get("Discount")) + _decimal(row.get("Tax")) + _decimal(row.get("Adjustment"))
    row["Sub_Total"] = wire.number_text(wire.rounded(sub_total, digits))
    row["Grand_Total"] = wire.number_text(wire.rounded(grand, digits))


def fill_currency(org: Org, module: Module, row: Row, *, given: set[str]) -> None:
    """Missing on insert: the base currency and today's rate; a new currency without a rate takes today's too."""
    if "Currency" not in module.fields:
        return
    if row.get("Currency") is None:
        row["Currency"] = BASE_CURRENCY
    if row.get("Exchange_Rate") is None or ("Currency" in given and "Exchange_Rate" not in given):
        held = org.currency(row["Currency"])
        row["Exchange_Rate"] = wire.number_text(Decimal(held["exchange_rate"])) if held else "1"


def work_out(org: Org, module: Module, row: Row, *, given: set[str]) -> None:
    """Fill what the vendor fills; `given` are the fields that the write named."""
    fill_currency(org, module, row, given=given)
    if module.table == "Contacts":
        row["Full_Name"] = " ".join(part for part in (row.get("First_Name"), row.get("Last_Name")) if part)
    elif module.table == "Invoices":
        if row.get("Invoice_Number") is None:
            row["Invoice_Number"] = str(org.books.next_serial("Invoice_Number", 100001))
        with localcontext(prec=_PRECISION):
            work_out_lines(org, row)
