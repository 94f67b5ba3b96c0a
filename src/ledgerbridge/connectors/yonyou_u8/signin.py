"""Win a token: the secret travels in the query string, so it must never be logged (A2)."""

from __future__ import annotations

import msgspec

from ledgerbridge.connectors._http.call import Call, Signed
from ledgerbridge.connectors._http.signin import SignInFlow
from ledgerbridge.errors import BadReply, NotAllowed

from . import codec
from .settings import YonyouU8Settings

LIFETIME_S = 7200.0
"""What a token lives if the answer does not say (A2 [2+])."""


def sign_in(settings: YonyouU8Settings, system: str) -> SignInFlow:
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
    root = codec.envelope(reply)
    code = codec.text_of(root.get("errcode"))
    if code != codec.OK:
        raise NotAllowed(
            "the token service refused from_account, app_key or app_secret; check them in the open platform"
            f" (it says: {codec.said(root)})",
            system=system,
            code=code or None,
            request_id=reply.request_id,
        )
    token = msgspec.json.decode(root["token"], type=dict[str, msgspec.Raw]) if "token" in root else {}
    name = codec.text_of(token.get("id"))
    if not name:
        raise BadReply("the token service says success but gives no token", system=system, request_id=reply.request_id)
    lifetime = codec.text_of(token.get("expiresIn"))
    return Signed(
        query={"token": name}, lifetime_s=float(lifetime) if lifetime.isdigit() and int(lifetime) else LIFETIME_S
    )
