"""From files to records: every row becomes a record, a visible skip, or something unreadable with its line and reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from ledgerbridge.errors import SourceFileError
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.model.wirejson import WireValue, dumps

from . import bank
from .settings import FileSettings, SheetsSettings
from .table import Table, TableRow, find_table, rows
from .textfile import read_text
from .workbook import read_workbook

WORKBOOKS = frozenset({".xlsx", ".xls"})
TEXTS = frozenset({".csv", ".tsv", ".txt"})
SKIP = "_skip"
"""The payload key that says why a row is no record; mappings filter on it, so that skipped rows are counted."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "customer_list": ("customer_code", "credit_code", "customer_name"),
    "invoice_list": ("number", "tax_invoice_number"),
    "payment_list": ("number",),
    "bank_statement": ("serial",),
}
"""The columns that tell rows apart, best first."""


@dataclass(frozen=True, slots=True)
class FileRecords:
    """What one file holds."""

    records: tuple[Raw, ...]
    unreadable: tuple[Unreadable, ...]


def fingerprint(path: Path, file: FileSettings, settings: SheetsSettings) -> str:
    """A hash of the content and of how it is read: an unchanged file is read again only if its settings have changed.

    SourceFileError if it cannot be read.
    """
    limits = settings.model_dump_json(exclude={"files"})
    how = hashlib.blake2b(f"{file.model_dump_json(exclude={'path'})}{limits}".encode(), digest_size=8).hexdigest()
    try:
        with path.open("rb") as opened:
            return f"{hashlib.file_digest(opened, 'blake2b').hexdigest()[:32]}.{how}"
    except OSError as error:
        raise SourceFileError(f"{path.name}: cannot be read: {error.strerror}") from None


def read_file(path: Path, name: str, file: FileSettings, settings: SheetsSettings, now: datetime) -> FileRecords:
    """All rows of one file. `name` is how the file is called in messages. A refused file is one Unreadable that says why."""
    try:
        table, body, others = _open(path, name, file, settings)
    except SourceFileError as error:
        return FileRecords((), (Unreadable(file.kind, file.table_type, name, b"", str(error)),))
    read = _bank_records if file.table_type == "bank_statement" else _list_records
    found = read(table, body, file, now)
    if not others or file.sheet is not None:
        return found
    why = (
        f"{table.where} was read; {', '.join(others)} of the same file hold such a table too and were not: "
        "name the one that you mean as sheet (one entry of the settings, or one import with --sheet, for each)"
    )
    return FileRecords(found.records, (*found.unreadable, Unreadable(file.kind, file.table_type, name, b"", why)))


def _open(
    path: Path, name: str, file: FileSettings, settings: SheetsSettings
) -> tuple[Table, list[TableRow], tuple[str, ...]]:
    ending = path.suffix.lower()
    try:
        if ending in WORKBOOKS:
            sheets = read_workbook(path, file.sheet, settings)
        elif ending in TEXTS:
            sheets = {"": read_text(path, file, settings)}
        else:
            raise SourceFileError(
                f"{name}: {ending or 'a file without an ending'} is not read; use .xlsx, .xls, .csv or .tsv"
            )
    except OSError as error:
        raise SourceFileError(f"{name}: cannot be read: {error.strerror}") from None
    table, grid, others = find_table(name, sheets, file)
    return table, list(rows(table, grid)), others


def _list_records(table: Table, body: Sequence[TableRow], file: FileSettings, now: datetime) -> FileRecords:
    records: list[Raw] = []
    unreadable: list[Unreadable] = []
    first: dict[str, tuple[int, bytes]] = {}
    for row in body:
        values: dict[str, WireValue] = dict(row.values)
        if row.skip:
            records.append(_skipped(table, row, row.skip, file, now))
            continue
        if "currency" in table.facts and not values.get("currency"):
            values["currency"] = table.facts["currency"]
        key = next((row.values[name] for name in KEYS[file.table_type] if row.values.get(name)), None)
        why = _damage(row) or ("" if key else _no_key(file.table_type))
        if why or key is None:
            unreadable.append(_unreadable(table, row, why, file))
            continue
        raw = _record(table, row, key, values, file, now)
        if key in first:
            line, digest = first[key]
            if digest == raw.digest:
                records.append(_skipped(table, row, f"repeats line {line}", file, now))
            else:
                why = f"{key!r} stands in line {line} already, with other values; keep one of the two"
                unreadable.append(_unreadable(table, row, why, file))
            continue
        first[key] = (row.line, raw.digest)
        records.append(raw)
    return FileRecords(tuple(records), tuple(unreadable))


def _bank_records(table: Table, body: Sequence[TableRow], file: FileSettings, now: datetime) -> FileRecords:
    records: list[Raw] = []
    unreadable: list[Unreadable] = []
    movements: list[TableRow] = []
    lines: dict[str, int] = {}
    for row in body:
        if row.skip:
            records.append(_skipped(table, row, row.skip, file, now))
            continue
        content = dumps(row.values)
        if row.values.get("serial") and content in lines:  # one serial, one balance: the money moved once
            records.append(_skipped(table, row, f"repeats line {lines[content]}", file, now))
            continue
        lines[content] = row.line
        for name in ("account", "currency"):
            if name in table.facts and not row.values.get(name):
                row.values[name] = table.facts[name]
        movements.append(row)
    signs = bank.minus_is_out(row.values for row in movements)
    amounts: list[Decimal | None] = []
    for row in movements:
        why, amount = _damage(row), None
        if not why:
            try:
                amount = bank.signed_amount(row.values, minus_is_out=signs)
            except ValueError as error:
                why = str(error)
        if why:
            unreadable.append(_unreadable(table, row, why, file))
        amounts.append(amount)
    for row, amount, row_id in zip(movements, amounts, bank.row_ids(movements, amounts), strict=True):
        if amount is None:
            continue
        values: dict[str, WireValue] = {**row.values, "signed_amount": f"{amount:f}", "_id": row_id}
        records.append(_record(table, row, row_id, values, file, now))
    for broken in bank.balance_breaks(movements, amounts):
        unreadable.append(Unreadable(file.kind, file.table_type, table.where, b"", broken))
    return FileRecords(tuple(records), tuple(unreadable))


def _record(
    table: Table, row: TableRow, key: str, values: Mapping[str, WireValue], file: FileSettings, now: datetime
) -> Raw:
    digest = digest_of(
        dumps(values).encode()
    )  # the place is no part of the content: rows move when others are inserted
    body = dumps({**values, "_where": f"{table.where} line {row.line}"}).encode()
    return Raw(file.kind, file.table_type, key, body, digest, now)


def _skipped(table: Table, row: TableRow, why: str, file: FileSettings, now: datetime) -> Raw:
    where = f"{table.where} line {row.line}"
    body = dumps({**row.values, SKIP: why, "_where": where}).encode()
    return Raw(file.kind, file.table_type, f"{SKIP}:{where}", body, digest_of(body), now)


def _unreadable(table: Table, row: TableRow, why: str, file: FileSettings) -> Unreadable:
    values: dict[str, WireValue] = dict(row.values)
    return Unreadable(file.kind, file.table_type, f"{table.where} line {row.line}", dumps(values).encode(), why)


def _damage(row: TableRow) -> str:
    if not row.damaged:
        return ""
    return (
        f"{', '.join(row.damaged)}: a number of more than 15 digits, of which Excel has already lost some; "
        "format the column as text and enter or export it again"
    )


def _no_key(table_type: str) -> str:
    return f"the row has none of {', '.join(KEYS[table_type])}, so that it cannot be told from others"


def matching(folder: Path, file: FileSettings) -> list[Path]:
    """The files that a setting's path matches, sorted; empty if there are none. Lock files of Excel (~$…) are left out."""
    if is_plain(file):
        path = folder / file.path
        return [path] if path.exists() else []
    base = Path(file.path)
    root = Path(base.anchor) if base.is_absolute() else folder
    pattern = str(base.relative_to(base.anchor)) if base.is_absolute() else file.path
    return sorted(path for path in root.glob(pattern) if path.is_file() and not path.name.startswith("~$"))


def is_plain(file: FileSettings) -> bool:
    """Whether a setting's path names one file."""
    return not any(mark in file.path for mark in "*?[")


def each(records: Sequence[Raw], size: int) -> Iterator[tuple[Raw, ...]]:
    """The records in runs of at most `size`."""
    for start in range(0, len(records), size):
        yield tuple(records[start : start + size])
