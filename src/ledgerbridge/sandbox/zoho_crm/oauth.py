"""Sign-in: consent, both token grants, revocation, and who a request comes from (zoho.md 2).

Failures come with HTTP 200 and an ``error`` key; throttling is HTTP 400 "Access Denied". Tokens are in memory, not in
the books.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Request, Response

from . import wire
from .org import SYNC_USER, Org
from .switches import SCOPES

CLIENT_ID = "1000.SANDBOXCLIENT0000000000000001"
CLIENT_SECRET = "5a6e8f2b-sandbox-client-secret-c41d"
REFRESH_TOKEN = "1000.5b0c1f-sandbox-refresh.7a9e20d4"
GRANT_CODE = "1000.c0de5b-sandbox-grant.11aa22bb"
REDIRECT_URI = "http://127.0.0.1/zoho/callback"

PATHS = ("/oauth/v2/auth", "/oauth/v2/token", "/oauth/v2/token/revoke")
WINDOW_S = 600
ACCESS_PER_WINDOW = 10
REFRESH_PER_MINUTE = 5
REFRESH_MAX = 20
ACCESS_MAX = 30
_DENIED = "You have made too many requests continuously. Please try again after some time."


@dataclass(slots=True)
class _Connection:
    """One refresh token: its scopes (None: as the switch says), when tokens were issued, and its live access tokens."""

    scopes: str | None
    issued: list[float] = field(default_factory=list)
    access: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Code:
    expires: float
    scopes: str | None
    offline: bool


@dataclass(slots=True)
class _Access:
    refresh_token: str | None
    scopes: str | None
    expires: float


class Accounts:
    """The accounts server of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._serial = 0
        self._connections: dict[str, _Connection] = {REFRESH_TOKEN: _Connection(None)}
        self._connected: list[float] = []
        self._access: dict[str, _Access] = {}
        self._codes = {GRANT_CODE: _Code(self._now() + org.switches["code_life_s"], None, True)}

    def grant_code(self, *, scopes: str | None = None, offline: bool = True) -> str:
        """What a user's consent gives: a code good for one exchange. `scopes` None means all that the client asks."""
        with self._lock:
            code = self._fresh("code")
            self._codes[code] = _Code(self._now() + self._org.switches["code_life_s"], scopes, offline)
            return code

    def handle(self, request: Request) -> Response:
        """Answer a request to one of :data:`PATHS`."""
        given = {**request.query, **self._form(request)}
        if request.path == "/oauth/v2/auth":
            return self._consent(request, given)
        if request.method != "POST":  # GET is wrong [1]; what it answers is [inferred]
            return wire.reply({"error": "invalid_request"}, 405)
        with self._lock:
            if request.path == "/oauth/v2/token/revoke":
                return self._revoke(given.get("token", ""))
            if self._org.faults.take(Fault.RATE_LIMITED, request.path):
                return _denied()
            if self._org.faults.take(Fault.ERROR_IN_200, request.path):
                return wire.reply({"error": "invalid_client"})
            if self._org.faults.take(Fault.UNKNOWN_CODE, request.path):
                return wire.reply({"error": "shard_moving"}, 400)
            return self._token(request, given)

    def check(self, request: Request, *, is_write: bool = False) -> tuple[str, str]:
        """The user and the scopes of an API request; raises the 401 of zoho.md 2."""
        prefix, _, token = request.headers.get("authorization", "").partition(" ")
        allowed = ("Zoho-oauthtoken",) if self._org.switches["strict_header_prefix"] else ("Zoho-oauthtoken", "Bearer")
        if prefix not in allowed or not token.strip():
            raise wire.refused(401, "AUTHENTICATION_FAILURE", "Authentication failed")
        with self._lock:
            if self._org.faults.take(Fault.TOKEN_EXPIRED, request.path, is_write=is_write):
                self._access.pop(token.strip(), None)
            held = self._access.get(token.strip())
            if held is None or self._now() >= held.expires:
                raise wire.refused(401, "INVALID_TOKEN", "invalid oauth token")
            scopes = self._org.switches["granted_scopes"] if held.scopes is None else held.scopes
            return SYNC_USER, scopes

    @property
    def live_access_tokens(self) -> int:
        """How many access tokens would be accepted now."""
        with self._lock:
            return sum(1 for held in self._access.values() if self._now() < held.expires)

    @staticmethod
    def _form(request: Request) -> Mapping[str, str]:
        """The body as a form, "" for none: parameters come in the query or the body (zoho.md 2)."""
        return request.form() if request.method == "POST" and request.body else {}

    def _consent(self, request: Request, given: Mapping[str, str]) -> Response:
        if given.get("client_id") != CLIENT_ID or given.get("response_type") != "code":
            return wire.reply({"error": "invalid_client"})
        offline = given.get("access_type") == "offline"
        code = self.grant_code(scopes=given.get("scope") or None, offline=offline)
        facts = {"code": code, "location": "cn", "accounts-server": request.base_url or self._org.base_url}
        target = given.get("redirect_uri") or REDIRECT_URI
        return Response(302, b"", {"Location": f"{target}?{urlencode(facts, quote_via=quote)}"})

    def _token(self, request: Request, given: Mapping[str, str]) -> Response:
        right_secret = hmac.compare_digest(given.get("client_secret", "").encode(), CLIENT_SECRET.encode())
        if given.get("client_id") != CLIENT_ID or not right_secret:
            return wire.reply({"error": "invalid_client"})
        grant = given.get("grant_type")
        if grant == "refresh_token":
            return self._refresh(request, given.get("refresh_token", ""))
        if grant == "authorization_code":
            return self._exchange(request, given.get("code", ""))
        return wire.reply({"error": "unsupported_grant_type"})

    def _refresh(self, request: Request, refresh_token: str) -> Response:
        connection = self._connections.get(refresh_token)
        if connection is None:
            return wire.reply({"error": "invalid_code"})
        now = self._now()
        connection.issued = [moment for moment in connection.issued if moment > now - WINDOW_S]
        if len(connection.issued) >= ACCESS_PER_WINDOW:
            return _denied()
        connection.issued.append(now)
        return wire.reply(self._issue(request, refresh_token, connection.scopes))

    def _exchange(self, request: Request, code: str) -> Response:
        held = self._codes.pop(code, None)
        now = self._now()
        if held is None or now >= held.expires:
            return wire.reply({"error": "invalid_code"})
        if not held.offline:
            return wire.reply(self._issue(request, None, held.scopes))
        self._connected = [moment for moment in self._connected if moment > now - 60]
        if len(self._connected) >= REFRESH_PER_MINUTE:
            self._codes[code] = held
            return _denied()
        self._connected.append(now)
        refresh_token = self._fresh("refresh")
        self._connections[refresh_token] = _Connection(held.scopes, [now])
        while len(self._connections) > REFRESH_MAX:
            self._drop(next(iter(self._connections)))
        return wire.reply({**self._issue(request, refresh_token, held.scopes), "refresh_token": refresh_token})

    def _issue(self, request: Request, refresh_token: str | None, scopes: str | None) -> dict[str, object]:
        token = self._fresh("access")
        life_s = int(self._org.switches["token_life_s"])
        self._access[token] = _Access(refresh_token, scopes, self._now() + life_s)
        connection = self._connections.get(refresh_token or "")
        if connection is not None:
            connection.access.append(token)
            while len(connection.access) > ACCESS_MAX:
                self._access.pop(connection.access.pop(0), None)
        return {
            "access_token": token,
            "scope": (self._org.switches["granted_scopes"] if scopes is None else scopes).replace(",", " "),
            "api_domain": self._org.switches["api_domain"] or request.base_url or self._org.base_url,
            "token_type": "Bearer",
            "expires_in": life_s,
        }

    def _revoke(self, token: str) -> Response:
        if token in self._connections:
            self._drop(token)
        elif self._access.pop(token, None) is None:
            return wire.reply({"status": "failure", "error": "invalid_token"}, 400)
        return wire.reply({"status": "success"})

    def _drop(self, refresh_token: str) -> None:
        for access in self._connections.pop(refresh_token).access:
            self._access.pop(access, None)

    def _fresh(self, kind: str) -> str:
        """A token nobody has seen; the same ones in every run."""
        self._serial += 1
        digest = hashlib.sha256(f"{kind} {self._serial}".encode()).hexdigest()
        return f"1000.{digest[:32]}.{digest[32:]}"

    def _now(self) -> float:
        return self._org.clock.now().timestamp()


def _denied() -> Response:
    return wire.reply({"error": "Access Denied", "error_description": _DENIED, "status": "failure"}, 400)


def allows(granted: str, wanted: str) -> bool:
    """Whether the scopes `granted` cover `wanted`, e.g. ``ZohoCRM.modules.accounts.READ``.

    ``….ALL`` covers every operation, a group's ``ALL`` or operation covers its parts.
    """
    held = {scope.strip() for scope in granted.replace(" ", ",").split(",")}
    *path, operation = wanted.split(".")
    covering = set()
    for depth in range(2, len(path) + 1):
        prefix = ".".join(path[:depth])
        covering |= {f"{prefix}.ALL", f"{prefix}.{operation}"}
    return bool(held & covering)


def credentials() -> dict[str, str]:
    """What a connection to the emulator needs; the same for every emulator.

    `code` is a self client's grant code, good for one exchange in the first minutes of the emulator's life.
    """
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "code": GRANT_CODE,
        "redirect_uri": REDIRECT_URI,
        "scopes": SCOPES,
    }
