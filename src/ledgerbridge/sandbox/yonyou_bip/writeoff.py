"""Write-off (核销): moves the balances of two documents and keeps one record of it (yonyou.md B7, B8.5)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ledgerbridge.sandbox.books import Row

from .documents import (
    BY_TABLE,
    COLLECTION,
    OAR,
    RECEIVABLE,
    RECEIVEBILL,
    ZERO,
    Kind,
    balance_of,
    iso_of,
    slots,
    total_of,
)
from .ledger import ORG, Ledger
from .refusal import check_failed
from .wire import CURRENCIES, decimal_of, text_of, to_base

VERIFY_TABLES = {"efi": "efi_verify", "fi": "fi_verify"}
RECEIPT_TO_RECEIVABLE, RECEIVABLE_RED_BLUE, RECEIPT_RED_BLUE, REFUND = 13, 11, 12, 14
# verifyType -> kinds of the credit side (src) and of the debit side (target); 14 to 16 are refunds, which of them is
# which is not documented: 14 is a refund of a red receivable here [inferred]
EFI_SIDES: dict[int, tuple[Kind, Kind]] = {
    RECEIPT_TO_RECEIVABLE: (COLLECTION, RECEIVABLE),
    RECEIVABLE_RED_BLUE: (RECEIVABLE, RECEIVABLE),
    RECEIPT_RED_BLUE: (COLLECTION, COLLECTION),
    REFUND: (COLLECTION, RECEIVABLE),
}


@dataclass(frozen=True, slots=True)
class Side:
    """A document of a write-off, optionally one line and instalment of it, and the signed amount taken off its balance."""

    kind: Kind
    row_id: str
    amount: Decimal
    line_id: str | None = None
    issue: str | None = None


def capacity(kind: Kind, row: Row, line_id: str | None = None, issue: str | None = None) -> Decimal:
    """What is open on the named part of a document; Refusal if there is no such part."""
    return sum((Decimal(slot[kind.open]) for _, slot in _named(kind, row, line_id, issue)), ZERO)


def record(
    ledger: Ledger,
    *,
    debit: Side,
    credit: Side,
    on: str,
    verify_type: int = RECEIPT_TO_RECEIVABLE,
    way: int = 4,
    clue: str | None = None,
    at: str | None = None,
    force: bool = False,
) -> str:
    """Take each side's amount off its document and put one write-off on record; returns its id.

    The amounts of the record are signed as taken off each document's balance, so that a document's total less its amounts
    is what is open. `on` is the business date as the wire has it, `at` the stamp (default now). Refusal 1001 if a balance
    does not suffice, unless `force`. Nothing changes on refusal.
    """
    # both are taken before either is written, so that a refusal leaves the books as they were
    taken = [_taken(ledger, side, force=force) for side in (debit, credit)]
    for side, (document, _) in zip((debit, credit), taken, strict=True):
        _store(ledger, side.kind, document, at)
    family = debit.kind.family
    event_id = ledger.new_id("event")
    serial = ledger.books.next_serial(f"{family}_verify_code")
    now = at or ledger.now()
    row: Row = {
        "id": event_id,
        "code": f"HX{serial:08d}",
        "verifyType": verify_type,
        "verifyWay": way,
        "batchno": f"B{serial:08d}",
        "financeOrg": ORG["id"],
        "writeOffState": 0,
        "pubts": now,
        "createTime": now,
        ("busDate" if family == "efi" else "vouchdate"): on,
        "_clue": clue,
    }
    if family == "efi":
        row["accDate"] = on
    for letter, side, (document, parts) in zip("DC", (debit, credit), taken, strict=True):
        row[f"ori{letter}Currency"] = CURRENCIES[iso_of(side.kind, document)][0]
        row[f"ori{letter}Amount"] = text_of(sum((Decimal(part[1]) for part in parts), ZERO))
        row[f"org{letter}Amount"] = text_of(sum((Decimal(part[2]) for part in parts), ZERO))
        row[f"_{letter}"] = {"table": side.kind.table, "id": side.row_id, "parts": parts}
    row["verifyCurrRule"] = int(row["oriDCurrency"] != row["oriCCurrency"])
    ledger.books.put(VERIFY_TABLES[family], event_id, row)
    return event_id


def undo(ledger: Ledger, family: str, event_id: str) -> None:
    """Give both documents their balances back; the record goes or is marked, as switch ``undo_write_off`` says."""
    table = VERIFY_TABLES[family]
    event = ledger.books.get(table, event_id)
    if event is None or event["writeOffState"]:
        return
    for letter in "DC":
        side = event[f"_{letter}"]
        kind = BY_TABLE[side["table"]]
        row = ledger.books.get(kind.table, side["id"])
        if row is None:
            continue  # deleted in the vendor's screens: nothing left to give back to
        parts = slots(kind, row)
        for number, ori, local in side["parts"]:
            slot = parts[number][1]
            slot[kind.open] = text_of(Decimal(slot[kind.open]) + Decimal(ori))
            slot[kind.local_open] = text_of(Decimal(slot[kind.local_open]) + Decimal(local))
        _store(ledger, kind, row, None)
    if ledger.switches["undo_write_off"] == "mark":
        ledger.changed(table, event_id, {"writeOffState": 1}, modified=False)
    else:
        ledger.books.remove(table, event_id)


def settle_to(ledger: Ledger, kind: Kind, row_id: str, wanted: Decimal) -> None:
    """Make a document's open balance `wanted` without a record: what its own system says counts."""
    row = ledger.books.get(kind.table, row_id)
    if row is None:
        raise KeyError(f"{kind.table} has no document {row_id}")
    difference = balance_of(kind, row)[0] - wanted
    if difference:
        taken, _ = _taken(ledger, Side(kind, row_id, difference), force=True)
        _store(ledger, kind, taken, row["pubts"])


def _named(kind: Kind, row: Row, line_id: str | None, issue: str | None) -> list[tuple[int, Row]]:
    found = [
        (number, slot)
        for number, (line, slot) in enumerate(slots(kind, row))
        if (not line_id or str(line["id"]) == line_id) and (not issue or str(slot.get("issueNo", issue)) == issue)
    ]
    if not found:
        raise check_failed(f"{kind.type_name} {row['code']} has no row {line_id} with instalment {issue}")
    return found


def _taken(ledger: Ledger, side: Side, *, force: bool) -> tuple[Row, list[tuple[int, str, str]]]:
    """A copy of the document with the amount taken off, first part first, and (slot, amount, base amount) of each."""
    kind = side.kind
    row = ledger.books.get(kind.table, side.row_id)
    if row is None:
        raise check_failed(f"{kind.type_name} {side.row_id} does not exist")
    rate = decimal_of(row[kind.rate]) or Decimal(1)
    left, parts = side.amount, []
    named = _named(kind, row, side.line_id, side.issue)
    for number, slot in named:
        total, open_now = Decimal(slot[kind.total]), Decimal(slot[kind.open])
        # clearing goes down to nothing, re-opening (the other sign) up to the whole
        room = open_now if (left > 0) == (total > 0) else open_now - total
        take = min(left, room, key=abs) if room and (room > 0) == (left > 0) else ZERO
        if force and number == named[-1][0]:
            take = left
        if take:
            parts.append((number, *_move(kind, slot, take, rate)))
            left -= take
    if left:
        raise check_failed(f"{kind.type_name} {row['code']}: {side.amount} exceeds what is open")
    return row, parts


def _move(kind: Kind, slot: Row, take: Decimal, rate: Decimal) -> tuple[str, str]:
    """Take `take` off one slot; the base balance ends at exactly nothing or all when the other does."""
    after = Decimal(slot[kind.open]) - take
    local_open = Decimal(slot[kind.local_open])
    if not after:
        local = local_open
    elif after == Decimal(slot[kind.total]):
        local = local_open - Decimal(slot[kind.local_total])
    else:
        local = to_base(take, rate)
    slot[kind.open], slot[kind.local_open] = text_of(after), text_of(local_open - local)
    return text_of(take), text_of(local)


def _store(ledger: Ledger, kind: Kind, row: Row, at: str | None) -> None:
    changes: Row = {kind.lines: row[kind.lines]}
    if kind in (OAR, RECEIVEBILL):
        open_now = balance_of(kind, row)[0]
        changes["writeoffstatus"] = 1 if not open_now else 2 if open_now == total_of(kind, row) else 3
    if at is None:
        modified = bool(ledger.switches["write_off_moves_modify_time"])
        ledger.changed(kind.table, row["id"], changes, modified=modified)
    else:  # history taken in: a stamp only moves forward
        ledger.books.update(kind.table, row["id"], {**changes, "pubts": max(row["pubts"], at)})
