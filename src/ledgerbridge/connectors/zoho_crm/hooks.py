"""Zoho's notifications (zoho.md 8): who sent one, and which records it is about. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from ledgerbridge.errors import BadReply, NotAllowed
from ledgerbridge.model.base import Kind
from ledgerbridge.model.hint import Hint

IDS_MAX = 1000


def read_notification(body: bytes, *, token: str | None, modules: Mapping[str, Kind], system: str) -> Hint | None:
    """The hint of one notification; None if it is about a module that is not read.

    The token that we gave the channel is the only proof of origin there is [2+]: it is compared in constant time, and nothing of
    the body is trusted but that these records are worth reading again. NotAllowed without a token of ours or with a wrong
    one; BadReply for a body that is no notification.
    """
    if token is None:
        raise NotAllowed("webhook_token is not set, so nobody can prove to be Zoho", system=system)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise BadReply("a notification that is no JSON", system=system) from None
    if not isinstance(told, dict):
        raise BadReply("a notification that is no object", system=system)
    given = told.get("token")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), token.encode()):
        raise NotAllowed("a notification with a wrong token", system=system)
    ids = told.get("ids")
    if not isinstance(ids, list) or len(ids) > IDS_MAX or not isinstance(told.get("module"), str):
        raise BadReply("a notification without a module and ids", system=system)
    if not all(isinstance(one, str) and 0 < len(one) <= 40 for one in ids):
        raise BadReply("a notification whose ids are no record ids", system=system)
    kind = modules.get(told["module"])
    if kind is None:
        return None
    event_id = hashlib.blake2b(body, digest_size=16).hexdigest()
    return Hint(system=system, kind=kind, external_ids=tuple(ids), event_id=event_id)
