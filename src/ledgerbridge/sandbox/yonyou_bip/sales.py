"""Sales invoices: sd/vouchersaleinvoice (yonyou.md B7)."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row

from .batches import data_of, items_of, object_of, summary
from .building import business_date
from .call import Call, Handler, Route
from .documentlists import list_handler
from .documents import OAR, RECEIVABLE, ZERO
from .filters import span
from .ledger import ORG, Ledger
from .lists import ListRule
from .refusal import check_failed, generic, missing, no_data, wrong_type
from .wire import AMOUNTS, CURRENCIES, currency_code, decimal_of, presentable, rounded, storable, text_of

TABLE = "sd_invoice"
_LIST = "sd/vouchersaleinvoice/list"
_SIX = ("oriMoney", "oriTax", "oriSum", "natMoney", "natTax", "natSum")
_REQUIRED = (
    "orgId", "invoiceSrcSystem", "agentId", "invAgentId", "currency", "exchangeRateType", "natCurrency", "vouchdate",
    "source", "invDirection", "invoiceType", "exchRate", *_SIX, "saleInvoiceDetails", "_status",
)  # fmt: skip
_SET_HERE = frozenset({"_status", "resubmitCheckKey", "pubts", "createTime", "modifyTime", "status", "verifystate"})
RED, BLUE = 1, 2
# What every invoice says unless its row says otherwise.
_HEADER: Row = {
    "orgId": ORG["id"],
    "orgName": ORG["name"],
    "natCurrency": CURRENCIES["CNY"][0],
    "natCurrency_code": "CNY",
    "exchangeRateType": "01",
    "invDirection": BLUE,
    "status": 0,
    "verifystate": 0,
    "businessState": 0,
    "isInvalidInvoice": False,
    "isIssueRedInvoice": False,
    "taxBillingStatus": 1,
}


def shown(ledger: Ledger, row: Row, endpoint: str, *, lines: bool) -> Row:
    """An invoice as it goes on the wire; the customers by id and name, never by code (B7)."""
    header = {**_HEADER, **row}
    if not lines:
        header.pop("saleInvoiceDetails")
    header["currency_code"] = currency_code(row["currency"])
    for key in ("agent", "invAgent"):
        if customer := ledger.merchant(row.get(f"{key}Id", "")):
            header[f"{key}Name"] = customer["name"]["simplifiedName"]
    if lines:
        header["saleInvoiceDetails"] = _with_received(ledger, row)
    negate = header["invDirection"] == RED and ledger.switches["red_amounts"] == "positive"
    return presentable(header, numeric_ids=endpoint in ledger.switches["numeric_id_endpoints"], negate=negate)


def _with_received(ledger: Ledger, row: Row) -> list[Row]:
    """The lines with what was received on them: what the receivable of the same code has written off, line by line."""
    lines = [dict(line) for line in row["saleInvoiceDetails"]]
    for kind in (RECEIVABLE, OAR):
        held = ledger.books.look(kind.table, ledger.books.find(kind.table, "code", row["code"]) or "")
        if held is None or len(held[kind.lines]) != len(lines):
            continue
        for line, source in zip(lines, held[kind.lines], strict=True):
            parts = source.get("grandsonItem", [source])
            for name, total, left in (
                ("accOrigReceiveMoney", kind.total, kind.open),
                ("natAccReceiveMoney", kind.local_total, kind.local_open),
            ):
                line[name] = text_of(sum((Decimal(part[total]) - Decimal(part[left]) for part in parts), ZERO))
    return lines


def _list_row(ledger: Ledger, row: Row, n: int) -> Row:
    """In line mode the line's amounts sit in a nested ``saleInvoiceDetails`` object (B7)."""
    if n < 0:
        return shown(ledger, row, _LIST, lines=False)
    whole = shown(ledger, row, _LIST, lines=True)
    return {**whole, "saleInvoiceDetails": whole["saleInvoiceDetails"][n]}


_RULE = ListRule(
    endpoint=_LIST,
    table=TABLE,
    show=_list_row,
    bounds=span("vouchdate", "vouchdate"),
    default_size=10,  # [1]
    simple_vos=True,
    lined=True,
    rows_of=lambda row: len(row["saleInvoiceDetails"]),
    equal=frozenset({"id", "code"}),
    spoiled="oriSum",
)


def _existing(ledger: Ledger, item: Row) -> Row:
    if item.get("id") in (None, ""):
        raise missing("id")
    row = ledger.books.get(TABLE, str(item["id"]))
    if row is None:
        raise generic(f"sales invoice {item['id']} does not exist or is not visible")
    return row


def _detail(ledger: Ledger, call: Call) -> Row:
    return shown(ledger, _existing(ledger, {"id": call.query.get("id")}), call.endpoint, lines=True)


def _save(ledger: Ledger, call: Call) -> Row:
    """Create an invoice, or change an open one with ``_status`` Update."""
    item = object_of(call.body)
    old: Row | None = None
    if item.get("_status") == "Update":
        old = _existing(ledger, item)
        if {**_HEADER, **old}["status"] != 0:
            raise generic(f"sales invoice {old['code']} is approved and cannot be edited")
    for name in _REQUIRED:
        if item.get(name) in (None, "", []):
            raise missing(name)
    row = _built(ledger, item, old)
    ledger.books.put(TABLE, row["id"], row)
    return shown(ledger, row, call.endpoint, lines=True)


def _built(ledger: Ledger, item: Row, old: Row | None) -> Row:
    iso = currency_code(item["currency"])
    if iso is None:
        raise no_data(f"currency {item['currency']} does not exist")
    if str(item["orgId"]) not in (ORG["id"], ORG["code"]):
        raise no_data(f"organisation {item['orgId']} does not exist")
    if item["invDirection"] not in (RED, BLUE):
        raise check_failed("invDirection must be 1 (red) or 2 (blue)")
    for name in ("agentId", "invAgentId"):
        if ledger.merchant(item[name]) is None:
            raise no_data(f"customer {item[name]} unknown")
    on = business_date("vouchdate", item["vouchdate"])
    details = item["saleInvoiceDetails"]
    if not isinstance(details, list) or not all(isinstance(line, dict) for line in details):
        raise wrong_type("saleInvoiceDetails", "an array of objects")
    red = item["invDirection"] == RED
    flip = -1 if red and ledger.switches["red_amounts"] == "positive" else 1
    row: Row = storable({key: value for key, value in item.items() if key not in _SET_HERE and value is not None})
    row["id"] = old["id"] if old else ledger.new_id("document")
    row.update({"currency": CURRENCIES[iso][0], "orgId": ORG["id"], "vouchdate": on})
    row.update({"agentId": str(item["agentId"]), "invAgentId": str(item["invAgentId"])})
    row.update({name: _amount(name, item[name], iso, flip) for name in _SIX})
    row["saleInvoiceDetails"] = [
        {
            **storable({key: value for key, value in line.items() if key != "_status" and value is not None}),
            **{name: _amount(name, line[name], iso, flip) for name in _SIX if line.get(name) not in (None, "")},
            "id": str(line.get("id") or ledger.new_id("line")),
            "mainid": row["id"],
            "lineno": number,
        }
        for number, line in enumerate(details, 1)
    ]
    for name in _SIX:
        total = sum((Decimal(line.get(name, "0")) for line in row["saleInvoiceDetails"]), ZERO)
        if total != Decimal(row[name]):
            raise check_failed(f"{name} {row[name]} differs from the sum of the lines {total}")
    if Decimal(row["oriMoney"]) + Decimal(row["oriTax"]) != Decimal(row["oriSum"]):
        raise check_failed("oriMoney and oriTax do not add up to oriSum")
    if Decimal(row["oriSum"]) > 0 if red else Decimal(row["oriSum"]) < 0:
        raise check_failed(f"oriSum {row['oriSum']}: red invoices are below zero, blue ones not")
    row["code"] = str(item.get("code") or f"SI{on[:4]}{ledger.books.next_serial('sd_code'):06d}")
    held_by = ledger.books.find(TABLE, "code", row["code"])
    if held_by not in (None, row["id"]):
        raise check_failed(f"code {row['code']} already exists")
    now = ledger.now()
    return {**row, "createTime": old["createTime"] if old else now, "modifyTime": now, "pubts": now}


def _amount(name: str, value: object, iso: str, flip: int) -> str:
    number = decimal_of(value)
    currency = "CNY" if name.startswith("nat") else iso
    if number is None:
        raise wrong_type(name, "a number")
    if rounded(number, currency) != number:
        raise check_failed(f"{name} {number} has more decimals than {currency}")
    return text_of(rounded(number * flip, currency))


def _audit(ledger: Ledger, row: Row) -> Row:
    if {**_HEADER, **row}["status"] == 1:
        raise generic(f"sales invoice {row['code']} is already approved")
    return ledger.changed(TABLE, row["id"], {"status": 1, "verifystate": 2})


def _unaudit(ledger: Ledger, row: Row) -> Row:
    if {**_HEADER, **row}["status"] != 1:
        raise generic(f"sales invoice {row['code']} is not approved")
    return ledger.changed(TABLE, row["id"], {"status": 0, "verifystate": 0})


def _delete(ledger: Ledger, row: Row) -> Row:
    if {**_HEADER, **row}["status"] != 0:
        raise generic(f"sales invoice {row['code']} is approved and cannot be deleted")
    return ledger.books.remove(TABLE, row["id"])


def _redden(ledger: Ledger, row: Row) -> Row:
    """Reverse an approved blue invoice by a red one that names it [inferred: the body is not documented]."""
    whole = {**_HEADER, **row}
    if whole["status"] != 1 or whole["invDirection"] != BLUE or whole["isIssueRedInvoice"]:
        raise generic(f"sales invoice {row['code']} is not an approved blue invoice without a red one")
    red = _negated(copy.deepcopy(row))
    now = ledger.now()
    red_id = ledger.new_id("document")
    red.update({"id": red_id, "code": f"{row['code']}-R", "invDirection": RED, "blueInvId": row["id"]})
    red.update({"status": 0, "verifystate": 0, "createTime": now, "modifyTime": now, "pubts": now})
    red.update({"vouchdate": ledger.today()})
    for line in red["saleInvoiceDetails"]:
        line.update({"id": ledger.new_id("line"), "mainid": red_id})
    ledger.books.put(TABLE, red_id, red)
    ledger.changed(TABLE, row["id"], {"isIssueRedInvoice": True, "businessState": 4})
    return red


def _negated(row: Row) -> Row:
    for key, value in row.items():
        if isinstance(value, list):
            row[key] = [_negated(item) for item in value]
        elif key in AMOUNTS or key in ("qty", "priceQty"):
            row[key] = text_of(-Decimal(value))
    return row


_ACTS = {"audit": _audit, "unaudit": _unaudit, "delete": _delete, "red": _redden}


def _act(name: str) -> Handler:
    def one(ledger: Ledger, item: Row) -> Row:
        row = _ACTS[name](ledger, _existing(ledger, item))
        return {"id": row["id"], "code": row["code"], "pubts": row["pubts"]}

    def handler(ledger: Ledger, call: Call) -> Any:
        items = items_of(call.body)
        if isinstance(data_of(call.body), dict):
            return one(ledger, items[0])
        return summary(ledger, call.endpoint, items, lambda item: one(ledger, item))

    return handler


def routes() -> dict[str, Route]:
    """Everything under sd/vouchersaleinvoice."""
    at = "sd/vouchersaleinvoice"
    found = {f"{at}/{name}": Route("POST", _act(name), write=True, idempotent=name == "delete") for name in _ACTS}
    return found | {
        _LIST: Route("POST", list_handler(_RULE)),
        f"{at}/detail": Route("GET", _detail),
        f"{at}/save": Route("POST", _save, write=True, idempotent=True),
        f"{at}/singleSave": Route("POST", _save, write=True, idempotent=True),
    }
