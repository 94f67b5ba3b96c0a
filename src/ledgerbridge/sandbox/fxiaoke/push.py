"""The change notification that the tenant's own script posts to us (fxiaoke.md 10, format ours [inferred])."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from ledgerbridge.sandbox.web import Request

EVENTS = ("object.created", "object.updated", "object.invalidated", "object.deleted")


def signature(secret: str, timestamp_ms: int, nonce: str, body: bytes) -> str:
    """Lower-hex HMAC-SHA256 over ``timestamp.nonce.`` and the raw body."""
    return hmac.new(secret.encode(), f"{timestamp_ms}.{nonce}.".encode() + body, hashlib.sha256).hexdigest()


def signed(content: Mapping[str, str | int], *, secret: str, path: str) -> Request:
    """The POST with `content` (event, objectApiName, objectId, timestamp, nonce) and its ``X-Fx-Signature``."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "content-type": "application/json; charset=utf-8",
        "x-fx-signature": signature(secret, int(content["timestamp"]), str(content["nonce"]), body),
    }
    return Request("POST", path, {}, headers, body)
