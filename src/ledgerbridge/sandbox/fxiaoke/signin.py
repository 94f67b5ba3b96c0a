"""Tokens and who is calling: the legacy style in the body, the current one in headers (fxiaoke.md 2)."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.web import Request

from .people import PEOPLE, Caller, number_of
from .refusal import Refused
from .shelves import WatchedBooks

APP_ID = "FSAID_1319c0de"
APP_SECRET = "sandbox-app-secret-6b1f0c"
PERMANENT_CODE = "SANDBOX0PERMANENT0CODE"
CORP_ID = "FSCID_5A4DB0C5"
EA = "sandbox7"

Style = Literal["legacy", "header"]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends_at: float = 0.0


class SignIn:
    """The token desk and the gate of one tenant. Tokens of the two styles are apart [inferred]."""

    def __init__(self, clock: SandboxClock, switches: Mapping[str, Any], books: WatchedBooks) -> None:
        self._clock = clock
        self._switches = switches
        self._books = books
        self._issued: dict[Style, list[_Token]] = {"legacy": [], "header": []}
        self._salt = uuid.uuid4().hex
        self._serials = itertools.count(1)

    def token(self, style: Style, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the token call of one style; Refused 10006 for wrong or missing credentials [1]."""
        wanted = {"appId": APP_ID, "appSecret": APP_SECRET, "permanentCode": PERMANENT_CODE}
        if style == "header":
            wanted["grantType"] = "app_secret"
        for name, value in wanted.items():
            given = body.get(name)
            if not isinstance(given, str) or not hmac.compare_digest(given.encode(), value.encode()):
                raise Refused(10006, f"app authentication failed: {name} is missing or wrong")
        token, left = self._current(style)
        if style == "legacy":
            return {"corpAccessToken": token.value, "corpId": CORP_ID, "expiresIn": left}
        return {
            "accessToken": token.value,
            "ea": EA,
            "expiresIn": left,
            "appId": APP_ID,
            "openUserId": CORP_ID,  # holds the corp id, not a person [2+]
        }

    def revoke(self) -> None:
        """Every token given out so far is unknown from now on."""
        self._issued = {"legacy": [], "header": []}

    def caller(self, request: Request, body: Mapping[str, Any], *, needs_person: bool = True) -> Caller:
        """Who is calling; Refused 20017 without credentials, 20016 for a bad token, 10010 or 20012 for the person."""
        style = self._style(request, body)
        if style == "legacy":
            token, corp, corp_wanted = body.get("corpAccessToken"), body.get("corpId"), CORP_ID
            person, person_name = body.get("currentOpenUserId"), "currentOpenUserId"
        else:
            header = request.headers.get("authorization", "")
            token = header[7:] if header.lower().startswith("bearer ") else None
            corp, corp_wanted = request.headers.get("x-fs-ea"), EA
            person, person_name = request.headers.get("x-fs-userid"), "x-fs-userid"
        if not token or not corp:
            raise Refused(20017, "no credentials: access token or corp is missing")
        if corp != corp_wanted or not self._is_valid(style, token):
            raise Refused(20016, "the access token is unknown or expired")
        uses_fsuid = style == "legacy"
        caller = Caller("", uses_fsuid=uses_fsuid or body.get("convertUserId") is True, path=request.path)
        if not person:
            if needs_person:
                raise Refused(10010, f"the parameter {person_name} is missing or illegal")  # text [1], code [inferred]
            return caller
        # The acting person is named in the style's own form even if `convertUserId` switches the data.
        number = number_of(self._books, Caller("", uses_fsuid=uses_fsuid), str(person))
        row = None if number is None else self._books.row(PEOPLE, number)
        if number is None or row is None or row["status"] != "0":
            raise Refused(20012, f"{person_name} is not an active person of this corp")  # code of the class [inferred]
        return Caller(number, bool(row.get("$admin")), caller.uses_fsuid, request.path)

    def _style(self, request: Request, body: Mapping[str, Any]) -> Style:
        legacy = any(name in body for name in ("corpAccessToken", "corpId", "currentOpenUserId"))
        header = any(name in request.headers for name in ("authorization", "x-fs-ea", "x-fs-userid"))
        if legacy and header:  # "never mix them in one request" [1]; code [inferred]
            raise Refused(10010, "credentials in the body and in the headers of one request")
        style: Style = "header" if header else "legacy"
        if not (legacy or header) or self._switches["authStyle"] not in ("both", style):
            raise Refused(20017, "no credentials for this gateway's sign-in style")
        return style

    def _current(self, style: Style) -> tuple[_Token, int]:
        now = self._clock.now().timestamp()
        alive = [one for one in self._issued[style] if one.ends_at > now]
        if not alive or alive[-1].ends_at - now <= self._switches["tokenRenewBefore"]:
            value = hashlib.blake2b(f"{self._salt} {next(self._serials)}".encode(), digest_size=16).hexdigest()
            alive.append(_Token(value.upper(), now + self._switches["tokenTtl"]))
        self._issued[style] = alive
        return alive[-1], int(alive[-1].ends_at - now)

    def _is_valid(self, style: Style, token: object) -> bool:
        now = self._clock.now().timestamp()
        return any(one.value == token and one.ends_at > now for one in self._issued[style])
