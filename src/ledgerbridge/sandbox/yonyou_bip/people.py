"""What people do in the vendor's own screens: edit, delete, write off. No API call is involved."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row

from . import writeoff
from .archives import names_in
from .documents import BY_TABLE, COLLECTION, OAR, RECEIVABLE, RECEIVEBILL, Kind, iso_of, slots, total_of
from .ledger import Ledger
from .refusal import Refusal
from .wire import decimal_of, rounded, storable, text_of, to_base

_TABLES = {"customer": "merchant", "category": "category", "sales_invoice": "sd_invoice"}
_KINDS = {"efi": (RECEIVABLE, COLLECTION), "fi": (OAR, RECEIVEBILL)}


def kinds_of(ledger: Ledger) -> tuple[Kind, Kind]:
    """(receivable, receipt) of the active family; ValueError for a family that is none."""
    family = ledger.switches["ar_family"]
    if family not in _KINDS:
        raise ValueError(f"switch ar_family must be efi or fi, not {family!r}")
    return _KINDS[family]


def table_of(ledger: Ledger, kind: str) -> str:
    """The table of a kind of record; ValueError for an unknown kind."""
    receivable, receipt = kinds_of(ledger)
    tables = {
        **_TABLES,
        "invoice": receivable.table,
        "payment": receipt.table,
        "allocation": writeoff.VERIFY_TABLES[receivable.family],
    }
    if kind not in tables:
        raise ValueError(f"yonyou_bip keeps no {kind!r}; known: {', '.join(sorted(tables))}")
    return tables[kind]


def touch(ledger: Ledger, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
    """Overwrite wire fields of one record. A new total of a document goes to its first part and that part's balance."""
    table = table_of(ledger, kind)
    row = ledger.books.get(table, record_id)
    if row is None:
        raise KeyError(f"{table} has no record {record_id}")
    wanted = _exact(dict(changes))
    try:
        new: Row = storable(names_in(wanted) if table in ("merchant", "category") else wanted)
    except Refusal as refusal:
        raise ValueError(f"{table} {record_id}: {refusal.message}") from refusal
    for name, value in new.items():
        if isinstance(value, dict) and isinstance(row.get(name), dict):
            new[name] = {**row[name], **value}
    if table in BY_TABLE and BY_TABLE[table].total in new:
        derived = _with_total(BY_TABLE[table], row, new)
        new = {**derived, **new, BY_TABLE[table].total: row[BY_TABLE[table].total]}
    ledger.changed(table, record_id, new)


def _exact(value: Any) -> Any:
    """Numbers from the side door's JSON as they were written there."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return {key: _exact(item) for key, item in value.items()} if isinstance(value, dict) else value


def _with_total(kind: Kind, row: Row, new: Row) -> Row:
    """What follows from another gross amount: the first part takes the difference, net and base amounts follow."""
    if kind.lines in new:
        row[kind.total] = new[kind.total]
        return {}
    wanted, rate = Decimal(new[kind.total]), decimal_of(row[kind.rate]) or Decimal(1)
    iso = iso_of(kind, row)
    difference = rounded(wanted, iso) - total_of(kind, row)
    local = to_base(wanted, rate) - Decimal(row[kind.local_total])
    line, slot = slots(kind, row)[0]
    for holder in (row, line):
        for name, change in (
            (kind.net, difference), (kind.total, difference), (kind.local_net, local), (kind.local_total, local),
        ):  # fmt: skip
            if name in holder:  # a line of a receipt has a gross amount only
                holder[name] = text_of(Decimal(holder[name]) + change)
    if slot is not line:
        for name, change in ((kind.total, difference), (kind.local_total, local)):
            slot[name] = text_of(Decimal(slot[name]) + change)
    for name, change in ((kind.open, difference), (kind.local_open, local)):
        slot[name] = text_of(Decimal(slot[name]) + change)
    names = (kind.net, kind.local_net, kind.local_total, kind.lines)
    return {name: row[name] for name in names}


def discard(ledger: Ledger, kind: str, record_id: str) -> None:
    """Delete one record, whatever its state; a deleted write-off gives both balances back."""
    table = table_of(ledger, kind)
    if kind == "allocation":
        if ledger.books.look(table, record_id) is None:
            raise KeyError(f"{table} has no record {record_id}")
        writeoff.undo(ledger, kinds_of(ledger)[0].family, record_id)
        if ledger.books.look(table, record_id) is not None:
            ledger.books.remove(table, record_id)
        return
    ledger.books.remove(table, record_id)


def write_off(ledger: Ledger, payment_id: str, invoice_id: str, amount: str) -> str:
    """Write a receipt off against a receivable, today; Refusal 1001 if a balance does not suffice."""
    receivable, receipt = kinds_of(ledger)
    signed = Decimal(amount)
    return writeoff.record(
        ledger,
        debit=writeoff.Side(receivable, invoice_id, signed),
        credit=writeoff.Side(receipt, payment_id, signed),
        on=ledger.today(),
    )
