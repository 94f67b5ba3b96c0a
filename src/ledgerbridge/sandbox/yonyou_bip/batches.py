"""Several records in one call: each has an outcome of its own, and the code stays 200 (yonyou.md B3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault

from .ledger import Ledger
from .refusal import Refusal, missing, wrong_type


def items_of(body: Any) -> list[Row]:
    """The records in ``data``: an array, or one object as an array of one. Refusal 310008 or 310023."""
    data = data_of(body)
    items = data if isinstance(data, list) else [data]
    if not all(isinstance(item, dict) for item in items):
        raise wrong_type("data", "an object or an array of objects")
    if not items:
        raise missing("data")
    return items


def data_of(body: Any) -> Any:
    """``data`` of a body; Refusal 310008 if it is missing, 310023 if the body is no object."""
    if not isinstance(body, dict):
        raise wrong_type("body", "an object")
    if body.get("data") in (None, "", []):
        raise missing("data")
    return body["data"]


def object_of(body: Any) -> Row:
    """``data`` of a body that takes one record; Refusal 310023 for anything but an object."""
    data = data_of(body)
    if not isinstance(data, dict):
        raise wrong_type("data", "an object")
    return data


def summary(ledger: Ledger, endpoint: str, items: list[Row], act: Callable[[Row], Row]) -> Row:
    """Act on each item; ``data`` with count, sucessCount (sic), failCount, messages and infos.

    The fault ``half_failed_batch`` refuses every second item before it is tried.
    """
    halved = ledger.faults.take(Fault.HALF_FAILED_BATCH, endpoint, is_write=True)
    infos: list[Row] = []
    messages: list[str] = []
    for number, item in enumerate(items):
        try:
            if halved and number % 2 == (1 if len(items) > 1 else 0):
                raise Refusal("1001", "the record is locked by another user")  # noqa: TRY301 (one way to fail an item)
            infos.append(act(item))
        except Refusal as refusal:
            messages.append(f"{_name_of(item)}: {refusal.message}")
    said: Any = messages
    if ledger.switches["messages_as_text"]:
        said = "; ".join(messages)
    return {
        "count": len(items),
        "sucessCount": len(infos),
        "failCount": len(messages),
        "messages": said,
        "infos": infos,
    }


def _name_of(item: Row) -> str:
    for name in ("code", "extVouchCode", "id"):
        if item.get(name):
            return str(item[name])
    return "record without code"
