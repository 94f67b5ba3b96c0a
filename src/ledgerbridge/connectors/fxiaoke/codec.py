"""The envelope and the failure table: HTTP is always 200, the verdict is `errorCode` (fxiaoke.md 1, 3, 5). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from ledgerbridge.connectors._http.call import Call, Judge, Reply
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    NotAllowed,
    NotSignedIn,
    OutcomeUnknown,
    QuotaUsedUp,
    RateLimited,
    Refused,
    Unavailable,
)
from ledgerbridge.model.wirejson import WireError

WRONG_HOST: Final = (
    "answered with something that is no JSON object; base_url is probably not the tenant's API gateway"
    " (a web site answers with pages and redirects)"
)
VENDOR_ZONE: Final = timezone(timedelta(hours=8))
"""The day of the quota ends at 00:00 of this zone (fxiaoke.md 5 [inferred])."""
THROTTLED_WAIT_S: Final = 7.0
"""The vendor says no time to wait. Three such waits outlast the window of 20 s (fxiaoke.md 5)."""
ADVICE_MAX: Final = 200

RIGHTS: Final = frozenset({15003, 20014, 20023, 11008, 20012, 30027})
"""App or person lacks a right to this, or the person is unknown. It says nothing about whether a record exists."""

FAILURES: Final[Mapping[int, type[ConnectorError]]] = {
    -1: Unavailable,  # busy
    -2: Unavailable,
    50009: Unavailable,  # time-out
    20005: NotSignedIn,
    20016: NotSignedIn,  # unknown or expired token, in either style [1]
    14001: RateLimited,
    30004: RateLimited,
    30002: QuotaUsedUp,
    30003: NotAllowed,  # no calls purchased
    20021: NotAllowed,  # app disabled
    20022: NotAllowed,  # app not authorised
    20020: NotAllowed,
    20006: NotAllowed,  # bad secret
    20015: NotAllowed,  # bad permanent code
    20017: NotAllowed,  # no credentials in the style that this gateway knows [1]
    **dict.fromkeys((*range(10001, 10016), *range(11001, 11019), 12004, 15002, 32000), Refused),
    500: Refused,  # a field has the wrong JSON type [1]
    201112011: Refused,  # a reference that is no existing id [1]
    **dict.fromkeys(RIGHTS, Refused),
    10006: NotAllowed,  # bad secret at the token call, unknown path elsewhere [1]
}
_UNPROVEN: Final = frozenset({-1, -2, 50009})
"""On a write these do not prove that nothing was processed (fxiaoke.md 9)."""
_WORDS: Final[Mapping[int, str]] = {
    -1: "the platform is busy",
    -2: "the platform failed",
    50009: "the platform timed out",
    14001: "too many calls of this interface",
    30004: "too many calls of this interface",
    30002: "the tenant's calls of the day are used up; they return at 00:00 (UTC+8)",
    30003: "the tenant has purchased no API calls",
    20017: "the gateway knows no credentials of this style; set auth_style to the other one",
    10006: "the gateway does not know this interface, or the app's secret is wrong",
}


class Envelope(msgspec.Struct, rename="camel"):
    """The root of every answer, its data undecoded."""

    error_code: int | str | None = None
    error_message: str | None = None
    error_description: str | None = None
    trace_id: str | None = None
    data_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)


class Fresh(Mapping[str, str]):
    """``thirdTraceId``: drawn anew each time it is read, so that also a repeated request has one of its own (fxiaoke.md 1)."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id

    def __getitem__(self, name: str) -> str:
        if name != "thirdTraceId":
            raise KeyError(name)
        return self._new_id()

    def __iter__(self) -> Iterator[str]:
        return iter(("thirdTraceId",))

    def __len__(self) -> int:
        return 1


def utf8_json() -> dict[str, str]:
    """The content type that the vendor documents."""
    return {"Content-Type": "application/json; charset=utf-8"}


def envelope(reply: Reply) -> Envelope:
    """The reply's root; WireError if it is none."""
    try:
        return _ENVELOPE.decode(reply.body)
    except msgspec.DecodeError as error:
        raise WireError(f"no answer of this API: {error}") from None


def error_code(root: Envelope) -> int | None:
    """The verdict as a number, also where it is spelled as text; None if there is none."""
    try:
        return None if root.error_code is None else int(root.error_code)
    except ValueError:
        return None


def judge(refusal_codes: tuple[int, ...], system: str, now: Callable[[], datetime]) -> Judge:
    """The failure table as a function. Texts are shown, never branched on: they change (fxiaoke.md 3)."""

    def judged(call: Call, reply: Reply) -> ConnectorError | None:
        if 300 <= reply.status < 400:
            return BadReply(f"answered with a redirect: {WRONG_HOST}", system=system, code=str(reply.status))
        if not 200 <= reply.status < 300:
            return None  # trouble in front of the gateway: the status says it all
        try:
            root = envelope(reply)
        except WireError:
            return BadReply(WRONG_HOST, system=system)
        code = error_code(root)
        if code == 0:
            return None
        if code is None:
            return BadReply("answered without an errorCode", system=system, request_id=root.trace_id)
        return _failure(call, root, code, refusal_codes, system, now())

    return judged


def _failure(
    call: Call, root: Envelope, code: int, refusal_codes: tuple[int, ...], system: str, now: datetime
) -> ConnectorError:
    said = " ".join((root.error_description or root.error_message or "").split())[:ADVICE_MAX]
    words = _WORDS.get(code, f"refused: {said}" if said else "refused without a reason")
    kind = Refused if code in refusal_codes else FAILURES.get(code)
    wait_s: float | None = None
    if kind is None:
        kind, words = BadReply, "answered with an error code that is not documented"
    elif call.writes and code in _UNPROVEN:
        kind, words = OutcomeUnknown, f"{words}; the write may have been carried out"
    elif code in RIGHTS:
        words = f"the app or the acting person lacks a right: {said}"
    elif kind is QuotaUsedUp:
        wait_s = until_midnight_s(now)
    elif kind is RateLimited:
        wait_s = THROTTLED_WAIT_S
    return kind(words, system=system, code=str(code), request_id=root.trace_id, retry_after_s=wait_s)


def until_midnight_s(now: datetime) -> float:
    """Seconds until the day of the quota ends."""
    local = now.astimezone(VENDOR_ZONE)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - local).total_seconds()


def served_at(reply: Reply, ours: datetime) -> datetime:
    """When the gateway answered, by its own clock (HTTP ``Date``) or ours, whichever is earlier.

    A clock of ours that runs ahead must not make a walk believe that it has read what has not happened yet.
    """
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError):
        return ours
    return min(ours, theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC))
