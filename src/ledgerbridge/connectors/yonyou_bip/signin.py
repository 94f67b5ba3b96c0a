"""Find the tenant's data centre and win a token (B1, B2). The secret signs the request; it never travels."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledgerbridge.clock import Clock
from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.connectors._http.signin import SignInFlow
from ledgerbridge.errors import BadReply, NotAllowed
from ledgerbridge.model.wirejson import WireValue

from .settings import YonyouBipSettings

_LIFETIME_S: Final = 7200.0
_DISCOVERY: Final = "/open-auth/dataCenter/getGatewayAddress"
_TOKEN: Final = "/open-auth/selfAppAuth/base/v1/getAccessToken"
"""The path since 2023-07-21; the older one without ``/base/v1`` still answers (B2 [2+])."""
_JSON: Final = {"Content-Type": "application/json"}
"""Also for these GETs (B2 [2+])."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a tenant's data centre is."""

    gateway: str
    tokens: str


def signature(app_key: str, timestamp: str, app_secret: str) -> str:
    """Base64 of HMAC-SHA256 over the parameters sorted by name, ``appKey<k>timestamp<t>``; not yet URL-encoded (B2).

    The HTTP library encodes it as it encodes every parameter: encoding it here as well would break it.
    """
    text = f"appKey{app_key}timestamp{timestamp}"
    return base64.b64encode(hmac.new(app_secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class SignIn:
    """Signs in to one tenant. Its addresses are asked for once and again after a token could not be had."""

    def __init__(self, settings: YonyouBipSettings, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._fixed: Addresses | None = None
        if settings.gateway_url is not None and settings.token_url is not None:
            self._fixed = Addresses(settings.gateway_url.rstrip("/"), settings.token_url.rstrip("/"))
        self._found: Addresses | None = None

    def sign_in(self) -> SignInFlow:
        """One sign-in from its beginning; NotAllowed if tenant, key or secret are refused."""
        found, self._found = self._fixed or self._found, None
        if found is None:
            settings = self._settings
            reply = yield Call(
                "GET",
                settings.discovery_url.rstrip("/") + _DISCOVERY,
                query={"tenantId": settings.tenant_id},
                headers=_JSON,
                signed_in=False,
            )
            found = self._addresses(reply)
        reply = yield self._token_call(found)
        signed = self._signed(reply, found)
        self._found = found
        return signed

    def _token_call(self, found: Addresses) -> Call:
        settings = self._settings
        timestamp = str(int(self._clock.now().timestamp() * 1000))  # milliseconds (B2 [2+])
        signed = signature(settings.app_key, timestamp, settings.app_secret.get_secret_value())
        query = {"appKey": settings.app_key, "timestamp": timestamp, "signature": signed}
        return Call("GET", found.tokens + _TOKEN, query=query, headers=_JSON, signed_in=False)

    def _addresses(self, reply: Reply) -> Addresses:
        data = self._data(reply, "the data centre service does not know the tenant; check tenant_id")
        gateway, tokens = data.get("gatewayUrl"), data.get("tokenUrl")
        if not isinstance(gateway, str) or not isinstance(tokens, str) or not gateway or not tokens:
            raise BadReply("the data centre service says success but gives no addresses", system=self._system)
        return Addresses(gateway.rstrip("/"), tokens.rstrip("/"))

    def _signed(self, reply: Reply, found: Addresses) -> Signed:
        advice = "the token service refused the application; check app_key, app_secret and this machine's clock"
        data = self._data(reply, advice)
        token, lifetime = data.get("access_token"), data.get("expire")
        if not isinstance(token, str) or not token:
            raise BadReply("the token service says success but gives no token", system=self._system)
        seconds = float(lifetime) if isinstance(lifetime, int | str) and str(lifetime).isdigit() else 0.0
        return Signed(query={"access_token": token}, base_url=found.gateway, lifetime_s=seconds or _LIFETIME_S)

    def _data(self, reply: Reply, advice: str) -> Mapping[str, WireValue]:
        """The `data` of a success; both services say success with "00000" (B1, B2), errors come in HTTP 200 too."""
        answer = reply.json()
        if not isinstance(answer, dict) or answer.get("code") is None:
            raise BadReply("the sign-in answered in an unknown shape", system=self._system, request_id=reply.request_id)
        code = str(answer["code"])
        if code not in ("00000", "200"):
            raise NotAllowed(advice, system=self._system, code=code, request_id=reply.request_id)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise BadReply("the sign-in says success without data", system=self._system, request_id=reply.request_id)
        return data
