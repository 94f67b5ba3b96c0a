"""Win a token in either style, and where only a mobile number is known, the acting person's id (fxiaoke.md 2)."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from ledgerbridge.connectors._http.call import Call, Reply, Signed
from ledgerbridge.errors import BadReply, NotAllowed
from ledgerbridge.model.wirejson import WireError, WireValue

from .codec import WRONG_HOST, utf8_json
from .settings import FxiaokeSettings

TOKEN = "token"
"""The interface, in our call budget, of the token call."""
LIFETIME_S = 7200.0


def sign_in(settings: FxiaokeSettings, trace: Mapping[str, str], system: str) -> Generator[Call, Reply, Signed]:
    """Ask for a token, then for the acting person if it is not known; NotAllowed if app or person are refused."""
    legacy = settings.auth_style == "legacy"
    body: dict[str, WireValue] = {
        "appId": settings.app_id,
        "appSecret": settings.app_secret.get_secret_value(),
        "permanentCode": settings.permanent_code.get_secret_value(),
    }
    if not legacy:
        body["grantType"] = "app_secret"
    path = "/cgi/corpAccessToken/get/V2" if legacy else "/oauth2.0/token"
    reply = yield Call("POST", path, trace, utf8_json(), json=body, interface=TOKEN, signed_in=False)
    refused = (
        "app_id, app_secret or permanent_code were refused (compare them with the app's page), or this gateway does not serve"
        f" auth_style {settings.auth_style}"
    )
    answer = _answer(reply, system, refused)
    token = _text(answer, "corpAccessToken" if legacy else "accessToken", system)
    corp = _text(answer, "corpId" if legacy else "ea", system)
    person = settings.acting_user
    if person is None:
        reply = yield _person_call(settings, trace, token, corp)
        person = _person(_answer(reply, system, "the look-up of acting_mobile was refused"), system)
    left = answer.get("expiresIn")
    lifetime = float(left) if isinstance(left, int) and left > 0 else LIFETIME_S
    if legacy:
        marks = {"corpAccessToken": token, "corpId": corp, "currentOpenUserId": person}
        return Signed(json_root=marks, lifetime_s=lifetime)
    return Signed(headers={**_bearer(token, corp), "x-fs-userid": person}, lifetime_s=lifetime)


def _bearer(token: str, corp: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "x-fs-ea": corp}


def _person_call(settings: FxiaokeSettings, trace: Mapping[str, str], token: str, corp: str) -> Call:
    """``user/getByMobile`` needs no acting person; that it takes the header style too is [inferred]."""
    path, body = "/cgi/user/getByMobile", {"mobile": settings.acting_mobile or ""}
    if settings.auth_style == "legacy":
        whole: dict[str, WireValue] = {**body, "corpAccessToken": token, "corpId": corp}
        return Call("POST", path, trace, utf8_json(), json=whole, interface=path, signed_in=False)
    headers = {**utf8_json(), **_bearer(token, corp)}
    return Call("POST", path, trace, headers, json=body, interface=path, signed_in=False)


def _answer(reply: Reply, system: str, refused: str) -> dict[str, WireValue]:
    """The root of an answer without an error code; NotAllowed with `refused` in its message otherwise."""
    try:
        value = reply.json()
    except WireError:
        raise BadReply(WRONG_HOST, system=system) from None
    if not isinstance(value, dict):
        raise BadReply(WRONG_HOST, system=system)
    code = value.get("errorCode")
    if code != 0:
        trace = value.get("traceId")
        raise NotAllowed(
            refused,
            system=system,
            code=None if code is None else str(code),
            request_id=trace if isinstance(trace, str) else None,
        )
    return value


def _text(answer: Mapping[str, WireValue], name: str, system: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise BadReply(f"the token call says success but gives no {name}", system=system)
    return value


def _person(answer: Mapping[str, WireValue], system: str) -> str:
    people = answer.get("empList")
    found = [one for one in people if isinstance(one, dict)] if isinstance(people, list) else []
    ids = [one.get("openUserId") for one in found]
    if len(ids) != 1 or not isinstance(ids[0], str) or not ids[0]:
        raise NotAllowed(f"acting_mobile is the number of {len(ids)} persons of this tenant, not of one", system=system)
    return ids[0]
