"""resubmitCheckKey (yonyou.md B4): the gateway keeps a successful result for an hour and replays it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .call import Call, Handler
from .ledger import Ledger
from .refusal import Refusal, wrong_format
from .wire import moment

_TABLE = "resubmit"
_KEY_MAX = 32


def key_of(call: Call) -> str | None:
    """The key of a write, or None; Refusal 310015 if it is longer than 32 characters or no text."""
    data = call.body.get("data") if isinstance(call.body, dict) else None
    key = data.get("resubmitCheckKey") if isinstance(data, dict) else None
    if key is None and isinstance(call.body, dict):
        key = call.body.get("resubmitCheckKey")
    if key in (None, ""):
        return None
    if not isinstance(key, str) or len(key) > _KEY_MAX:
        raise wrong_format("resubmitCheckKey", f"text of at most {_KEY_MAX} characters")
    return key


def once(ledger: Ledger, call: Call, handler: Handler) -> Any:
    """Run a write, or answer what an earlier one with the same key did.

    Within the hour: the stored answer (after ``processing_replies`` times 202). Later: the duplicate code with only
    ``data.id``. A failure keeps nothing, so that the same key may try again. The body does not enter into the key.
    """
    key = key_of(call)
    if key is None:
        return handler(ledger, call)
    row_id = f"{call.endpoint}|{key}"
    kept = ledger.books.get(_TABLE, row_id)
    if kept is None:
        data = handler(ledger, call)
        ledger.books.put(_TABLE, row_id, {"at": ledger.now(), "data": _plain(data), "repeats": 0})
        return data
    if kept["repeats"] < int(ledger.switches["processing_replies"]):
        ledger.books.update(_TABLE, row_id, {"repeats": kept["repeats"] + 1})
        raise Refusal("202", "the idempotent request is still being processed, try again later")
    age_s = (ledger.clock.now() - moment(kept["at"])).total_seconds()
    if age_s < float(ledger.switches["replay_seconds"]):
        return _numbered(kept["data"])
    raise Refusal(
        str(ledger.switches["duplicate_code"]), "duplicate submission", data={"id": _id_of(_numbered(kept["data"]))}
    )


def _id_of(data: Any) -> Any:
    first = data[0] if isinstance(data, list) and data else data
    return first.get("id") if isinstance(first, dict) else None


def _plain(value: Any) -> Any:
    """Decimals marked as such, for the books keep plain JSON only."""
    if isinstance(value, Decimal):
        return {"_number": format(value, "f")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _numbered(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbered(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"_number"}:
            return Decimal(value["_number"])
        return {key: _numbered(item) for key, item in value.items()}
    return value
