"""What the end of a call means: success, or which error (RELIABILITY.md 5).

A write of which it is not proven that it was not processed has an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    NotAllowed,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from ledgerbridge.log import Log
from ledgerbridge.model.wirejson import WireError

from .call import Call, Judge, Reply
from .hosts import AddressRefused
from .redaction import certificate_fault, cleaned, reason
from .wire import BodyRefused

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError)
_UNSURE = "; the write may have been carried out"


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that Retry-After asks for, given as seconds or as an HTTP date; None if it is absent or nonsense."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def transport_error(system: str, call: Call, host: str, error: Exception) -> ConnectorError:
    """What an exchange that did not come to its end means."""
    fault = certificate_fault(error)
    if fault is not None:
        return NotAllowed(
            f"the certificate of {host} does not verify: {fault}; nothing was sent. If it is your own gateway, add the CA"
            " with http.ca_file",
            system=system,
        )
    if isinstance(error, AddressRefused):
        return NotAllowed(str(error), system=system)
    if isinstance(error, BodyRefused):
        if call.writes:
            return OutcomeUnknown(f"{host} sent {error}{_UNSURE}", system=system)
        return BadReply(f"{host} sent {error}", system=system)
    if call.writes and not isinstance(error, _NOT_SENT):
        return OutcomeUnknown(f"{host}: {reason(error)}{_UNSURE}", system=system)
    return Unavailable(f"{host}: {reason(error)}", system=system)


def verdict(system: str, call: Call, reply: Reply, judge: Judge, now: datetime, log: Log) -> ConnectorError | None:
    """The error that a reply means, or None for success.

    The codec's judge is asked first, about every reply. What it lets pass must be 2xx or 304. For a write, a server error
    or a time-out (5xx, 408) without a meaning of its own, and a reply that nobody understands, are OutcomeUnknown.
    """
    error = _judged(system, call, reply, judge, log)
    if error is None and not _success(reply.status):
        error = _by_status(system, call, reply.status)
    if error is None:
        return None
    if call.writes:
        error = _for_write(error, reply.status)
    if error.retry_after_s is None and isinstance(error, Unavailable):
        error.retry_after_s = retry_after_s(reply.headers, now)
    error.request_id = error.request_id or reply.request_id
    return cleaned(error)


def sign_in_verdict(
    system: str, call: Call, reply: Reply, judge: Judge, now: datetime, log: Log
) -> ConnectorError | None:
    """As :func:`verdict`, for a call of a sign-in: only what may be tried again is an error here.

    The rest is for the sign-in itself to read: a wrong secret looks like an ordinary refusal to the codec's table.
    """
    error = verdict(system, call, reply, judge, now, log)
    temporary = isinstance(error, Unavailable | OutcomeUnknown)
    return error if temporary or 300 <= reply.status < 400 else None


def _success(status: int) -> bool:
    return 200 <= status < 300 or status == 304


def _judged(system: str, call: Call, reply: Reply, judge: Judge, log: Log) -> ConnectorError | None:
    try:
        return judge(call, reply)
    except WireError:
        if reply.status in (204, 304):
            return None  # no body to read, and none was promised
        if not _success(reply.status):
            return None  # an error page: its status says it all
        kind = _plain_type(reply.headers.get("content-type", ""))
        return BadReply(f"answered with something that is no JSON ({kind}, {len(reply.body)} bytes)", system=system)
    except Exception as error:  # after a write nothing but a ConnectorError may come out of here
        log.exception("reply not understood", path=call.path.partition("?")[0], status=reply.status)
        return BadReply(f"answered in an unknown shape ({type(error).__name__} while reading it)", system=system)


def _plain_type(content_type: str) -> str:
    """A content type, short and plain enough to be quoted."""
    plain = content_type.partition(";")[0].strip()
    return (
        plain[:40] if plain.replace("/", "").replace("-", "").replace("+", "").replace(".", "").isalnum() else "no type"
    )


def _by_status(system: str, call: Call, status: int) -> ConnectorError:
    """For replies that the codec has nothing to say about."""
    words = f"answered with HTTP status {status}"
    if 300 <= status < 400:
        return BadReply(f"{words}: redirects are not followed", system=system, code=str(status))
    if call.writes:
        return OutcomeUnknown(f"{words}{_UNSURE}", system=system, code=str(status))
    if status == 429:
        return RateLimited(words, system=system, code="429")
    if status == 408 or status >= 500:
        return Unavailable(words, system=system, code=str(status))
    return BadReply(words, system=system, code=str(status))


def _for_write(error: ConnectorError, status: int) -> ConnectorError:
    """No error of a write may claim more than is proven."""
    server_trouble = type(error) is Unavailable and (status == 408 or status >= 500)
    if not server_trouble and not isinstance(error, BadReply):
        return error
    return OutcomeUnknown(
        f"{error.message}{_UNSURE}", system=error.system, code=error.code, request_id=error.request_id
    )
