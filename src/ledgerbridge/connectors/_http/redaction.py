"""What may be said of a call: never a query, a header, a body or httpx's own words, which quote URLs."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Mapping

import httpx

from ledgerbridge.errors import ConnectorError
from ledgerbridge.log import hide, is_secret_name, mask

from .call import Signed

MESSAGE_MAX = 500
REQUEST_ID_MAX = 100
_TOKEN_MIN = 16

# Also for programs that never call log.configure: these two write whole URLs, tokens in the query included.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_REASONS: Mapping[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ConnectError: "no connection",
    httpx.PoolTimeout: "no free connection in time",
    httpx.LocalProtocolError: "the request is not valid HTTP and was not sent",
    httpx.ReadTimeout: "no complete answer in time",
    httpx.ReadError: "the connection broke before the answer was complete",
    httpx.WriteTimeout: "the request could not be sent in time",
    httpx.WriteError: "the connection broke while the request was being sent",
    httpx.RemoteProtocolError: "the connection was closed before the answer was complete",
}


def reason(error: Exception) -> str:
    """What went wrong on the wire in our words, with the operating system's reason where there is one."""
    words = next((text for kind, text in _REASONS.items() if isinstance(error, kind)), "trouble on the wire")
    cause = _first_cause(error, OSError)
    system_words = (cause.strerror or "") if isinstance(cause, OSError) else ""
    return f"{words} ({mask(system_words, 120)})" if system_words else words


def certificate_fault(error: Exception) -> str | None:
    """Why the far side's certificate does not verify, or None if that is not what happened."""
    cause = _first_cause(error, ssl.SSLCertVerificationError)
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else None


def _first_cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The first error of this kind in the chain, which a library that raises one error twice may have bent into a ring."""
    passed: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in passed:
        if isinstance(at, kind):
            return at
        passed.add(id(at))
        at = at.__cause__ or at.__context__
    return None


def cleaned(error: ConnectorError) -> ConnectorError:
    """The same error with a message, code and request id that are fit for a log: a vendor's words may quote our token."""
    error.message = mask(error.message, MESSAGE_MAX)
    error.args = (error.message,)
    if error.code is not None:
        error.code = mask(error.code, REQUEST_ID_MAX)
    if error.request_id is not None:
        error.request_id = mask(error.request_id, REQUEST_ID_MAX)
    return error


def hide_signed(signed: Signed) -> None:
    """Mask from now on what a sign-in won."""
    hide(_tokens(signed))


def _tokens(signed: Signed) -> Iterable[str]:
    for marks in (signed.query, signed.headers, signed.json_root):
        for name, value in marks.items():
            if is_secret_name(name) or len(value) >= _TOKEN_MIN:
                yield value
                yield value.rsplit(" ", 1)[-1]  # the token of "Bearer TOKEN" may also stand alone
