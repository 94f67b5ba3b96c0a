"""What a tenant's own script tells us (fxiaoke.md 10 [inferred]: the vendor publishes no format, so this one is ours). Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ledgerbridge.errors import BadReply, NotAllowed
from ledgerbridge.model.base import Kind
from ledgerbridge.model.hint import Hint

SIGNATURE: Final = "x-fx-signature"
AGE_SECONDS_MAX: Final = 300


def read_push(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: tuple[str, ...],
    objects: Mapping[str, Kind],
    system: str,
    now: datetime,
) -> Hint | None:
    """The hint of one push; None if it is about an object that is not read. `headers` have names in lower case.

    The signature is the hexadecimal HMAC-SHA256 of ``timestamp.nonce.`` and the raw body; any of `secrets` may have made it
    (the new one and, while it is being changed, the old one). The nonce is the event's id, so that a replay is known.
    NotAllowed for a wrong signature or one more than five minutes off; BadReply for a body that is no push.
    """
    if not secrets:
        raise NotAllowed("webhook_secret is not set, so nobody can prove to be the tenant", system=system)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise BadReply("a push that is no JSON", system=system) from None
    if not isinstance(told, dict):
        raise BadReply("a push that is no object", system=system)
    stamp, nonce = told.get("timestamp"), told.get("nonce")
    if type(stamp) is not int or not isinstance(nonce, str) or not 8 <= len(nonce) <= 64:
        raise BadReply("a push without a timestamp in milliseconds and a nonce of 8 to 64 characters", system=system)
    signed = f"{stamp}.{nonce}.".encode() + body
    given = headers.get(SIGNATURE, "").encode("utf-8", "replace")
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    if True not in [hmac.compare_digest(one, given) for one in made]:  # all are compared: time tells nothing
        raise NotAllowed("a push with a wrong signature", system=system)
    if abs(now.timestamp() * 1000 - stamp) > AGE_SECONDS_MAX * 1000:
        raise NotAllowed("a push that is more than five minutes off our clock", system=system)
    name, record = told.get("objectApiName"), told.get("objectId")
    if not isinstance(name, str) or not isinstance(record, str) or not 0 < len(record) <= 100:
        raise BadReply("a push without objectApiName and objectId", system=system)
    kind = objects.get(name)
    if kind is None:
        return None
    return Hint(system=system, kind=kind, external_ids=(record,), event_id=nonce)
