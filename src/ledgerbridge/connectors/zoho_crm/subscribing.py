"""The notification channel through which Zoho calls us (zoho.md 8): made, looked at, renewed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.errors import BadReply
from ledgerbridge.model.wirejson import WireError, WireValue

from .codec import API
from .reading import Reader

WATCH: Final = f"{API}/actions/watch"
LASTING: Final = timedelta(days=6, hours=23)
"""Asked for: a week at most [2+]; further ahead would be cut to an hour [1]."""
NO_CONTENT: Final = 204


def channel_id(notify_url: str, system: str) -> str:
    """The number of our channel: the same for the same address, so that renewing never makes a second one."""
    digest = hashlib.blake2b(f"{system}\x1f{notify_url}".encode(), digest_size=6).digest()
    return str(10**14 + int.from_bytes(digest, "big"))


def subscribe(
    reader: Reader, modules: Sequence[str], notify_url: str, token: str, *, now: datetime, renew_before: timedelta
) -> datetime:
    """See that Zoho calls `notify_url` about all changes of `modules`; returns until when it does.

    A channel that lasts for longer than `renew_before` is left alone; one that ends sooner is replaced. ConnectorError as for any
    call; BadReply if Zoho does not say until when.
    """
    channel = channel_id(notify_url, reader.system)
    reply = reader.send(Call("GET", WATCH, query={"channel_id": channel}))
    held = [] if reply.status == NO_CONTENT else _rows(reply, reader.system)
    events = sorted(f"{module}.all" for module in modules)
    if held:
        lasts = min(_expiry(row, reader.system) for row in held)
        same = sorted(event for row in held for event in row.get("events") or ()) == events
        if same and lasts - now > renew_before and all(row.get("notify_url") == notify_url for row in held):
            return lasts
    asked: dict[str, WireValue] = {
        "channel_id": channel,
        "events": [*events],
        "channel_expiry": (now + LASTING).replace(microsecond=0).isoformat(),
        "token": token,
        "notify_url": notify_url,
    }
    method = "PUT" if held else "POST"
    made = _rows(reader.send(Call(method, WATCH, json={"watch": [asked]}, writes=True)), reader.system)
    told = [event for row in made for event in (row.get("details") or {}).get("events") or ()]
    if not told or any(row.get("status") != "success" for row in made):
        raise BadReply("the notification channel was not made", system=reader.system)
    return min(_expiry(event, reader.system) for event in told)


def _rows(reply: Reply, system: str) -> list[dict[str, Any]]:
    try:
        told = reply.json()
    except WireError:
        raise BadReply("a list of channels that is no JSON", system=system) from None
    rows = told.get("watch") if isinstance(told, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadReply("an answer about channels without any", system=system)
    return rows  # type: ignore[return-value]


def _expiry(row: dict[str, Any], system: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(row.get("channel_expiry")))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadReply("a channel without a time at which it ends", system=system)
    return found
