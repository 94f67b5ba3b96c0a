"""Data-centre discovery and the token service (yonyou.md B1, B2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.web import Request

from .refusal import Refusal

GATEWAY = "/iuap-api-gateway"
_TOKEN_SERVICE = "/iuap-api-auth"
DISCOVERY_PATH = "/open-auth/dataCenter/getGatewayAddress"
TOKEN_PATH = f"{_TOKEN_SERVICE}/open-auth/selfAppAuth/base/v1/getAccessToken"
OLD_TOKEN_PATH = f"{_TOKEN_SERVICE}/open-auth/selfAppAuth/getAccessToken"


class Tokens:
    """The tokens given out. Several are valid at once (B8.6); each until its own end."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: dict[str, datetime] = {}
        self._serial = 0

    def issue(self, app_key: str, seconds: float) -> str:
        """A new token with characters that must be URL-encoded (B2)."""
        with self._lock:
            self._serial += 1
            digest = hashlib.sha256(f"{app_key}|{self._serial}".encode()).digest()
            token = f"yct{self._serial}+{base64.b64encode(digest).decode()}&/%="
            self._ends[token] = self._clock.now() + timedelta(seconds=seconds)
            return token

    def valid(self, token: str) -> bool:
        """Whether the token was given out and has not ended."""
        with self._lock:
            end = self._ends.get(token)
            return end is not None and self._clock.now() < end

    def revoke(self, token: str) -> None:
        """End one token now."""
        with self._lock:
            self._ends.pop(token, None)


def signature(app_key: str, timestamp: str, app_secret: str) -> str:
    """Base64 of HMAC-SHA256 over ``appKey<k>timestamp<t>``, not yet URL-encoded (B2)."""
    text = f"appKey{app_key}timestamp{timestamp}"
    return base64.b64encode(hmac.new(app_secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def discovered(request: Request, tenant_id: str) -> Row:
    """Where this tenant's gateway and token service are: on this very server."""
    if request.query.get("tenantId") != tenant_id:
        raise Refusal("500", "tenant does not exist")
    return {"gatewayUrl": f"{request.base_url}{GATEWAY}", "tokenUrl": f"{request.base_url}{_TOKEN_SERVICE}"}


def token_answer(
    request: Request, *, credentials: dict[str, str], switches: dict[str, Any], clock: SandboxClock, tokens: Tokens
) -> Row:
    """A token for a correctly signed request; Refusal 10018, or the codes of a bad signature or a stale timestamp."""
    query = request.query
    for name in ("appKey", "timestamp", "signature"):
        if not query.get(name):
            raise Refusal("310008", f"required parameter missing: {name}")
    app_key, timestamp = query["appKey"], query["timestamp"]
    if app_key != credentials["app_key"] or switches["app_disabled"]:
        raise Refusal("10018", "the application does not exist or is disabled")
    right = signature(app_key, timestamp, credentials["app_secret"])
    if not hmac.compare_digest(right.encode(), query["signature"].encode()):
        raise Refusal(str(switches["bad_signature_code"]), "signature verification failed")
    if not _fresh(timestamp, switches, clock.now()):
        raise Refusal(str(switches["stale_timestamp_code"]), "timestamp expired")
    seconds = switches["token_seconds"]
    return {"access_token": tokens.issue(app_key, seconds), "expire": seconds}


def _fresh(timestamp: str, switches: dict[str, Any], now: datetime) -> bool:
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 16:
        return False
    seconds = int(timestamp) / 1000
    if switches["accept_seconds_timestamp"] and len(timestamp) <= 10:
        seconds = int(timestamp)
    sent = datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    return abs((now - sent).total_seconds()) <= float(switches["timestamp_skew_seconds"])
