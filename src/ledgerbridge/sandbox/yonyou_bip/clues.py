"""EFI write-off clues: register one, undo it, and carry out what is due (yonyou.md B7, B8.5)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault

from . import later, writeoff
from .call import Call, Route
from .documents import ZERO, Kind, is_approved, is_reversed, iso_of, total_of
from .ledger import ORG, Ledger
from .refusal import Refusal, check_failed, missing, no_data, wrong_type
from .wire import decimal_of, text_of

_TABLE = "efi_clue"
_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")


def register(ledger: Ledger, call: Call) -> Row:
    """POST regClue with an array of items; answers the ids of the clues.

    A known ``businessId`` answers its clue again [1: it is the call's own key, what it answers is inferred].
    """
    items = call.body.get("data") if isinstance(call.body, dict) else call.body
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise wrong_type("body", "an array of objects")
    if not items:
        raise missing("data")
    halved = ledger.faults.take(Fault.HALF_FAILED_BATCH, call.endpoint, is_write=True)
    found: list[str] = []
    messages: list[str] = []
    for number, item in enumerate(items):
        try:
            if halved and number % 2 == (1 if len(items) > 1 else 0):
                raise check_failed("the record is locked by another user")
            found.append(_registered(ledger, item))
        except Refusal as refusal:
            messages.append(f"{item.get('businessId') or number + 1}: {refusal.message}")
    said: Row = {"success": not messages, "data": found, "successCount": len(found)}
    return {**said, "failCount": len(messages), "messages": messages} if messages else said


def _registered(ledger: Ledger, item: Row) -> str:
    business_id = str(item.get("businessId") or "")
    if business_id and (known := ledger.books.find(_TABLE, "businessId", business_id)):
        return known
    for name in ("verifyType", "financeOrg", "srcBill", "targetBill", "accDate"):
        if item.get(name) in (None, ""):
            raise missing(name)
    if str(item["financeOrg"]) not in (ORG["id"], ORG["code"]):
        raise no_data(f"organisation {item['financeOrg']} does not exist")
    verify_type = decimal_of(item["verifyType"])
    kinds = writeoff.EFI_SIDES.get(int(verify_type)) if verify_type is not None else None
    if verify_type is None or kinds is None:
        raise check_failed(f"verifyType {item['verifyType']} cannot be registered here; one of 11, 12, 13, 14 can")
    if not isinstance(item["accDate"], str) or not _DATE.fullmatch(item["accDate"]):
        raise check_failed("accDate must be yyyy-MM-dd HH:mm:ss")
    source = _part(ledger, kinds[0], "srcBill", item["srcBill"])
    target = _part(ledger, kinds[1], "targetBill", item["targetBill"])
    _check_pair(int(verify_type), item, source, target)
    clue_id = ledger.new_id("clue")
    delay_s = float(ledger.switches["clue_delay_seconds"])
    clue: Row = {
        "id": clue_id,
        "businessId": business_id,
        "verifyType": int(verify_type),
        "accDate": f"{item['accDate'][:10]} 00:00:00",
        "source": source,
        "target": target,
        "state": "registered",
        "event": None,
        "reason": None,
        "pubts": ledger.now(),
    }
    ledger.books.put(_TABLE, clue_id, clue)
    if delay_s > 0:
        _reserve(ledger, clue, 1)
        later.wait(ledger, later.CLUE, clue_id, delay_s)
    else:
        _carry_out(ledger, clue)
    return clue_id


def _part(ledger: Ledger, kind: Kind, name: str, bill: Any) -> Row:
    """What a clue says of one document, checked against the books."""
    if not isinstance(bill, dict):
        raise wrong_type(name, "an object")
    for field in ("billId", "amount"):
        if bill.get(field) in (None, ""):
            raise missing(f"{name}.{field}")
    amount = decimal_of(bill["amount"])
    if amount is None or amount <= 0:
        raise check_failed(f"{name}.amount must be a positive number")
    row = ledger.books.get(kind.table, str(bill["billId"]))
    if row is None:
        raise no_data(f"{name}: {kind.type_name} {bill['billId']} does not exist")
    if not is_approved(kind, row) or is_reversed(kind, row):
        raise check_failed(f"{name}: {kind.type_name} {row['code']} is not approved")
    line_id = str(bill["billRowId"]) if bill.get("billRowId") else None
    issue = str(bill["issueNo"]) if bill.get("issueNo") and kind.instalments else None
    free = abs(writeoff.capacity(kind, row, line_id, issue)) - Decimal(row.get("_occupied", "0"))
    if amount > free:
        raise check_failed(f"{name}: {kind.type_name} {row['code']} has only {free} open, not {amount}")
    sign = -1 if total_of(kind, row) < 0 else 1
    return {
        "table": kind.table, "id": row["id"], "amount": text_of(amount), "sign": sign, "line": line_id, "issue": issue,
        "currency": iso_of(kind, row), "customer": row.get("customer"),
    }  # fmt: skip


def _check_pair(verify_type: int, item: Row, source: Row, target: Row) -> None:
    if source["customer"] != target["customer"]:
        raise check_failed("the documents belong to different customers")
    if source["currency"] != target["currency"] and not item.get("blnDifferentCurrency"):
        raise check_failed(f"currencies differ: {source['currency']} and {target['currency']}")
    if source["currency"] == target["currency"] and Decimal(source["amount"]) != Decimal(target["amount"]):
        raise check_failed("srcBill.amount and targetBill.amount differ")
    signs = {
        writeoff.RECEIPT_TO_RECEIVABLE: {(1, 1)},
        writeoff.REFUND: {(-1, -1)},
        writeoff.RECEIVABLE_RED_BLUE: {(1, -1), (-1, 1)},
        writeoff.RECEIPT_RED_BLUE: {(1, -1), (-1, 1)},
    }[verify_type]
    if (source["sign"], target["sign"]) not in signs:
        raise check_failed(f"verifyType {verify_type} does not fit the directions of the two documents")


def _sides(clue: Row) -> tuple[writeoff.Side, writeoff.Side]:
    """(debit, credit). A blue receivable and a red receipt are debits."""
    kinds = writeoff.EFI_SIDES[clue["verifyType"]]
    source, target = (
        writeoff.Side(kind, part["id"], part["sign"] * Decimal(part["amount"]), part["line"], part["issue"])
        for kind, part in zip(kinds, (clue["source"], clue["target"]), strict=True)
    )
    if kinds[0] is kinds[1]:
        source_is_debit = (clue["source"]["sign"] > 0) == (kinds[0].role == "invoice")
        return (source, target) if source_is_debit else (target, source)
    return target, source


def _reserve(ledger: Ledger, clue: Row, sign: int) -> None:
    """Reserve (1) or free (-1) the amounts of a clue that waits: oriOcupyAmount of the public events."""
    for part in (clue["source"], clue["target"]):
        row = ledger.books.look(part["table"], part["id"])
        if row is not None:
            occupied = Decimal(row.get("_occupied", "0")) + sign * Decimal(part["amount"])
            ledger.changed(part["table"], part["id"], {"_occupied": text_of(max(occupied, ZERO))}, modified=False)


def _carry_out(ledger: Ledger, clue: Row) -> None:
    debit, credit = _sides(clue)
    try:
        event_id = writeoff.record(
            ledger,
            debit=debit,
            credit=credit,
            on=clue["accDate"],
            verify_type=clue["verifyType"],
            way=1,
            clue=clue["id"],
        )
    except Refusal as refusal:  # the balance went elsewhere while the clue waited
        ledger.changed(_TABLE, clue["id"], {"state": "failed", "reason": refusal.message}, modified=False)
        return
    ledger.changed(_TABLE, clue["id"], {"state": "done", "event": event_id}, modified=False)


def carry_out(ledger: Ledger, clue_id: str) -> None:
    """Turn a clue whose time has come into a write-off; one that was deleted meanwhile is no news."""
    clue = ledger.books.get(_TABLE, clue_id)
    if clue is not None:
        _reserve(ledger, clue, -1)
        _carry_out(ledger, clue)


def unregister(ledger: Ledger, call: Call) -> Row:
    """POST ``{"relationIds":[…]}``: both balances come back and the write-off goes (B8.5)."""
    ids = call.body.get("relationIds") if isinstance(call.body, dict) else None
    if not isinstance(ids, list) or not ids:
        raise missing("relationIds")
    done: list[str] = []
    messages: list[str] = []
    for clue_id in map(str, ids):
        clue = ledger.books.get(_TABLE, clue_id)
        if clue is None:
            messages.append(f"relation {clue_id} does not exist")
            continue
        if clue["state"] == "registered":
            _reserve(ledger, clue, -1)
        elif clue["event"]:
            writeoff.undo(ledger, "efi", clue["event"])
        ledger.books.remove(_TABLE, clue_id)
        done.append(clue_id)
    said: Row = {"success": not messages, "data": done, "successCount": len(done)}
    return {**said, "failCount": len(messages), "messages": messages} if messages else said


def routes() -> dict[str, Route]:
    """The two calls of this module."""
    return {
        "EFI/verify/relation/regClue": Route("POST", register, write=True),
        "EFI/verify/relation/delete": Route("POST", unregister, write=True),
    }
