"""What both archives share: multilingual names, parents of a code, and finding a record by id or code."""

from __future__ import annotations

from typing import Any

from ledgerbridge.sandbox.books import Row

from .ledger import Ledger
from .refusal import Refusal, missing, no_data
from .wire import presentable

_TO_ZH = {"simplifiedName": "zh_CN", "englishName": "en_US", "traditionalName": "zh_TW"}
_FROM_ZH = {new: old for old, new in _TO_ZH.items()}
NAMED = ("name", "shortname", "address")


def save_failed(message: str) -> Refusal:
    """A failed validation on an archive's save: code 0 as a *number*, with the text (B3)."""
    return Refusal(0, message)


def names_in(item: Row) -> Row:
    """An archive record from the wire with its names as ``{simplifiedName,…}``, whichever of the two forms came.

    Raises Refusal 0 for names that are neither text nor an object.
    """
    changed = dict(item)
    for field in NAMED:
        value = item.get(field)
        if isinstance(value, str):
            changed[field] = {"simplifiedName": value}
        elif isinstance(value, dict):
            changed[field] = {_FROM_ZH.get(key, key): text for key, text in value.items()}
        elif value is not None:
            raise save_failed(f"{field} must be an object of names")
    return changed


def archive_shown(ledger: Ledger, row: Row, endpoint: str, *, without: tuple[str, ...] = ()) -> Row:
    """A record as an endpoint shows it: names in the endpoint's form, ids as numbers where it does so (B5, B7)."""
    numeric = endpoint in ledger.switches["numeric_id_endpoints"]
    shown = presentable({key: value for key, value in row.items() if key not in without}, numeric_ids=numeric)
    if endpoint in ledger.switches["zh_cn_name_endpoints"]:
        for field in NAMED:
            if isinstance(shown.get(field), dict):
                shown[field] = {_TO_ZH.get(key, key): text for key, text in shown[field].items()}
    return shown


def found(ledger: Ledger, table: str, item: Row) -> Row:
    """A copy of the record that an item names; the id wins over the code. 310008 or 1002."""
    if item.get("id") not in (None, ""):
        row_id: str | None = str(item["id"])
    elif item.get("code") not in (None, ""):
        row_id = ledger.books.find(table, "code", str(item["code"]))
    else:
        raise missing("id/code")
    row = None if row_id is None else ledger.books.get(table, row_id)
    if row is None:
        raise no_data(f"{table} {item.get('id') or item.get('code')} does not exist")
    return row


def dotted(item: Row, name: str) -> Any:
    """The value at ``a.b`` in nested objects, or None."""
    value: Any = item
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
