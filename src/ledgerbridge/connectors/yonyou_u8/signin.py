"""Win a token: the secret travels in the query string, so it must never be logged (A2)."""

from __future__ import annotations

from collections.abc import Generator

from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.errors import BadReply, NotAllowed

from .settings import YonyouU8Settings

LIFETIME_S = 7200.0


def sign_in(settings: YonyouU8Settings, system: str) -> Generator[Call, Reply, Signed]:
    """Ask for a token; NotAllowed if account, key or secret are refused. `expiresIn` sits inside `token` (A2)."""
    reply = yield Call(
        "GET",
        "/system/token",
        query={
            "from_account": settings.from_account,
            "app_key": settings.app_key,
            "app_secret": settings.app_secret.get_secret_value(),
        },
        signed_in=False,
    )
    value = reply.json()
    if not isinstance(value, dict):
        raise BadReply("the token service answered with no object", system=system)
    code = str(value.get("errcode"))
    if code != "0":
        raise NotAllowed(
            "the token service refused from_account, app_key or app_secret; check them in the open platform",
            system=system,
            code=code,
            request_id=reply.request_id,
        )
    token = value.get("token")
    if not isinstance(token, dict) or not isinstance(token.get("id"), str) or not token["id"]:
        raise BadReply("the token service says success but gives no token", system=system)
    lifetime = token.get("expiresIn")
    return Signed(
        query={"token": str(token["id"])},
        lifetime_s=float(lifetime) if isinstance(lifetime, int) and lifetime > 0 else LIFETIME_S,
    )
