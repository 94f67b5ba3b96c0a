"""Win an access token with the refresh token (zoho.md 2). The only proof of success is an ``access_token`` in the reply."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Final

from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.errors import BadReply, ConnectorError, NotAllowed, QuotaUsedUp, RateLimited
from ledgerbridge.model.wirejson import WireError, WireValue

from .settings import ZohoCrmSettings

LIFETIME_S: Final = 3600.0
"""An access token's life where the reply does not say (zoho.md 2 [2+])."""
WINDOW_S: Final = 600.0
"""Ten tokens in ten minutes, then none for the rest of the window (zoho.md 2 [2+])."""

_WRONG_CLIENT = (
    "the accounts server does not know this client: client_id, client_secret or data_center is wrong, or the data centre is"
    " not switched on for the client in the API console"
)
_CONNECT_AGAIN = (
    "the refresh token is revoked, replaced or of another data centre; connect again: make a new refresh token"
    " (docs/connectors/zoho_crm.md) and check data_center"
)
FINAL: Final[Mapping[str, str]] = {
    "invalid_code": _CONNECT_AGAIN,
    "invalid_client": _WRONG_CLIENT,
    "invalid_client_secret": _WRONG_CLIENT,  # [inferred]
    "access_denied": _CONNECT_AGAIN,  # [inferred]
}
"""Refusals that waiting does not mend; they come with HTTP 200 more often than not (zoho.md 2)."""


def sign_in(settings: ZohoCrmSettings, system: str) -> Generator[Call, Reply, Signed]:
    """One access token. NotAllowed for what only a person can mend; calls go on to the reply's ``api_domain``.

    Not to the one of `api_url`, if that is set: then it stays.
    """
    reply = yield Call(
        "POST",
        f"{settings.accounts_server}/oauth/v2/token",
        form={
            "grant_type": "refresh_token",
            "refresh_token": settings.refresh_token.get_secret_value(),
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
        },
        signed_in=False,
    )
    value = reply.json()
    if not isinstance(value, dict):
        raise BadReply("the accounts server answered with no object", system=system, request_id=reply.request_id)
    token = value.get("access_token")
    if not isinstance(token, str) or not token:
        raise _refusal(value, reply, system)
    domain = value.get("api_domain")
    if settings.api_url is None and not (isinstance(domain, str) and domain):
        raise BadReply("the accounts server gave a token but no api_domain", system=system, request_id=reply.request_id)
    return Signed(
        headers={"Authorization": f"Zoho-oauthtoken {token}"},  # although token_type says Bearer (zoho.md 2)
        base_url=settings.first_api_url if settings.api_url is not None else str(domain),
        lifetime_s=_lifetime_s(value),
    )


def _lifetime_s(value: Mapping[str, WireValue]) -> float:
    """Seconds; an ``expires_in_sec`` key means that ``expires_in`` is in milliseconds (zoho.md 16 [1])."""
    for key in ("expires_in_sec", "expires_in"):
        given = value.get(key)
        if isinstance(given, int) and given > 0:
            return float(given)
    return LIFETIME_S


def _refusal(value: Mapping[str, WireValue], reply: Reply, system: str) -> ConnectorError:
    error = value.get("error")
    code = error if isinstance(error, str) else ""
    if code in FINAL:
        return NotAllowed(FINAL[code], system=system, code=code, request_id=reply.request_id)
    return BadReply(
        "the accounts server gave no token and an undocumented reason", system=system, code=code,
        request_id=reply.request_id,
    )  # fmt: skip


def throttled(reply: Reply, system: str) -> ConnectorError | None:
    """The error of a sign-in that must wait; None for any other reply, which :func:`sign_in` reads itself."""
    if reply.status == 429:
        return RateLimited("too many sign-ins", system=system, code="429")
    if reply.status != 400:
        return None
    try:
        value = reply.json()
    except WireError:
        return None
    if isinstance(value, dict) and value.get("error") == "Access Denied":
        return QuotaUsedUp(
            "no more access tokens for now: Zoho gives ten in ten minutes to one refresh token. Wait, and look for another"
            " program that uses the same refresh token",
            system=system,
            code="Access Denied",
            retry_after_s=WINDOW_S,
        )
    return None
