"""Read what the gateway answers: the envelope, and the failure table (B3). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from ledgerbridge.connectors._http.call import Call, Judge, Reply
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    NotAllowed,
    NotSignedIn,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unavailable,
)
from ledgerbridge.model.wirejson import WireError

SUCCESS: Final = frozenset({"200", "00000"})
"""As text or as a number, depending on the API (B3 [2+])."""
DUPLICATE: Final = frozenset({"10004", "100004"})
"""A repeat of an idempotent write, long after it: success, with `data.id` only (B3 [1]; the documents disagree on the code)."""
PROCESSING: Final = "202"
"""An idempotent write that is still under way: wait, then ask with the same key (B3 [1])."""
NO_RECORD: Final = frozenset({"999", "1002"})
"""What asking for one record answers if it is deleted or not visible (B3 [2+]). 999 says other things as well."""

FAILURES: Final[Mapping[str, type[ConnectorError]]] = {
    "310001": NotSignedIn,  # token missing
    "310036": NotSignedIn,  # token invalid or expired
    "310003": NotAllowed,  # token fetch failed
    "310005": NotAllowed,  # application missing
    "310006": NotAllowed,  # application disabled
    "10018": NotAllowed,  # application unknown or disabled (token service)
    "310037": NotAllowed,  # API not granted to the application
    "310031": NotAllowed,  # address blocked, by system, application, product or API
    "310038": NotAllowed,
    "310041": NotAllowed,
    "310047": NotAllowed,
    "310032": RateLimited,  # throttled, by system, application, product or API
    "310039": RateLimited,
    "310042": RateLimited,
    "310046": RateLimited,
    "310043": Unavailable,  # circuit open: the gateway asked nobody
    "310071": Unavailable,  # backend failed
    "310072": Unavailable,  # backend refused
    "310504": Unavailable,  # backend too slow
    "310002": Refused,  # body is no JSON
    "310008": Refused,  # required parameter missing
    "310015": Refused,  # parameter of a wrong form
    "310023": Refused,  # parameter of a wrong type
    "310404": Refused,  # no such API
    "310405": Refused,  # wrong method
    "999": Refused,  # generic business failure
    "1001": Refused,  # business check failed
    "1002": Refused,  # something named does not exist
    "0": Refused,  # a customer's save failed its checks
}
_UNPROVEN: Final = frozenset({"310071", "310072", "310504"})
"""On a write these do not prove that nothing was processed; the same key settles it (B3)."""
_WORDS: Final[Mapping[str, str]] = {
    "310001": "the token is missing",
    "310036": "the token is not known any more",
    "310037": "the API is not granted to the application; grant it in the open platform",
    "310043": "the gateway has cut the API off for a while (circuit open)",
    "310071": "the service behind the gateway failed",
    "310072": "the service behind the gateway refused the connection",
    "310504": "the service behind the gateway took too long",
}
SAID_MAX: Final = 300
_TEXT_MAX: Final = 4096


class _Envelope(msgspec.Struct, rename="camel"):
    code: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()
    display_code: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


def text_of(raw: msgspec.Raw | bytes) -> str:
    """A scalar as text, however it is spelled: codes, counts and ids come as numbers or as text. Nothing, null: ``""``."""
    value = bytes(raw).strip()
    if value.startswith(b'"'):
        return msgspec.json.decode(value, type=str)
    return "" if value in (b"", b"null") or value[:1] in b"{[" else value.decode("ascii", "replace")


def said(text: str) -> str:
    """The vendor's words, on one line and not too long."""
    return " ".join(text.split())[:SAID_MAX] or "without a reason"


def _opened(reply: Reply) -> _Envelope:
    try:
        return _ENVELOPE.decode(reply.body)
    except msgspec.DecodeError as error:
        raise WireError(f"no JSON object: {error}") from None


def _about_token(body: bytes) -> bool:
    """Whether an answer that is no JSON is the plain text of a refused token (B3 [1]), and no page of some proxy."""
    return len(body) <= _TEXT_MAX and b"<" not in body and b"token" in body.lower()


def judge(system: str) -> Judge:
    """The failure table as a function. Errors come inside HTTP 200; what a status alone says is left to the runner."""

    def judged(call: Call, reply: Reply) -> ConnectorError | None:
        try:
            envelope = _opened(reply)
        except WireError:
            if _about_token(reply.body):
                return NotSignedIn("the token is not known any more", system=system)
            raise
        code = text_of(envelope.code)
        if code in SUCCESS:
            return None
        if not code:
            if not 200 <= reply.status < 300:
                return None
            return BadReply("answered without a code", system=system)
        if call.writes:
            return _of_write(code, envelope, system)
        if code in NO_RECORD and call.path.endswith(("/detail", "/newBatchDetail")):
            return None  # an answer about one record: there is none
        return _error(code, envelope, system)

    return judged


def _of_write(code: str, envelope: _Envelope, system: str) -> ConnectorError | None:
    if code in DUPLICATE:
        return None
    if code == PROCESSING:
        return OutcomeUnknown("the write is still being processed", system=system, code=code)
    if code in _UNPROVEN:
        return OutcomeUnknown(f"{_WORDS[code]}; the write may have been carried out", system=system, code=code)
    return _error(code, envelope, system)


def _error(code: str, envelope: _Envelope, system: str) -> ConnectorError:
    known = FAILURES.get(code)
    if known is None:
        return BadReply("answered with a code that is not documented", system=system, code=code)
    if issubclass(known, RateLimited):
        return known("too many calls for now", system=system, code=code)
    finer = text_of(envelope.display_code)
    words = _WORDS.get(code) or f"refused: {said(text_of(envelope.message))}" + (f" [{finer}]" if finer else "")
    return known(words, system=system, code=code)


def data_of(reply: Reply, system: str) -> bytes:
    """The `data` of a reply that the judge let pass, undecoded; BadReply if there is none."""
    data = bytes(_opened(reply).data).strip()
    if data in (b"", b"null"):
        raise BadReply("says success but has no data", system=system, request_id=reply.request_id)
    return data


def record_of(reply: Reply) -> bytes | None:
    """The one record that was asked for, as sent; None if the reply says that there is none."""
    envelope = _opened(reply)
    data = bytes(envelope.data).strip()
    return None if text_of(envelope.code) in NO_RECORD or data in (b"", b"null", b"{}") else data


def records_of(reply: Reply, system: str) -> list[msgspec.Raw]:
    """The records of a reply that answers several at once, undecoded; none if it says that there is none."""
    if text_of(_opened(reply).code) in NO_RECORD:
        return []
    return elements(data_of(reply, system), reply, system)


def elements(data: bytes | msgspec.Raw, reply: Reply, system: str) -> list[msgspec.Raw]:
    """The elements of an array; an object in the place of one counts as an array of one (B5 [1])."""
    plain = bytes(data).strip()
    if plain.startswith(b"{"):
        return [msgspec.Raw(plain)]
    try:
        return msgspec.json.decode(plain, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        raise BadReply("records that are no array", system=system, request_id=reply.request_id) from None
