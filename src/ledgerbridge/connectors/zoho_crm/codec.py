"""Build Zoho CRM calls, and say what a reply means: the failure table and the watch over credits (zoho.md 2 to 10)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from ledgerbridge.clock import Clock
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
    Unsupported,
)
from ledgerbridge.model.wirejson import WireError

from .signin import throttled

API: Final = "/crm/v8"

FAILURES: Final[Mapping[str, type[ConnectorError]]] = {
    "AUTHENTICATION_FAILURE": NotSignedIn,
    "INVALID_TOKEN": NotSignedIn,
    "OAUTH_SCOPE_MISMATCH": NotAllowed,
    "NO_PERMISSION": NotAllowed,
    "AUTHORIZATION_FAILED": NotAllowed,
    "INVALID_MODULE": Unsupported,
    "NOT_SUPPORTED": Unsupported,
    "TOO_MANY_REQUESTS": RateLimited,
    "RATE_LIMIT_EXCEEDED": RateLimited,  # in the watch spec [1]
    "INTERNAL_ERROR": Unavailable,
    "INVALID_DATA": Refused,
    "MANDATORY_NOT_FOUND": Refused,
    "DUPLICATE_DATA": Refused,
    "REQUIRED_PARAM_MISSING": Refused,
    "EXPECTED_PARAM_MISSING": Refused,
    "INVALID_REQUEST_METHOD": Refused,
    "INVALID_URL_PATTERN": Refused,
    "LIMIT_EXCEEDED": Refused,
    "UNABLE_TO_PARSE_DATA_TYPE": Refused,
    "AMBIGUITY_DURING_PROCESSING": Refused,
    "PATTERN_NOT_MATCHED": Refused,
    "SYNTAX_ERROR": Refused,
    "INVALID_QUERY": Refused,
    "DISCRETE_PAGINATION_LIMIT_EXCEEDED": Refused,
    "PAGINATION_LIMIT_EXCEEDED": Refused,
    "TOKEN_BOUND_DATA_MISMATCH": Refused,
    "EXPIRED_VALUE": Refused,
}
"""Codes of a whole request (zoho.md 3, 4, 10); what is not among them is BadReply. Those of records: ``codec_writes``."""

ADVICE: Final[Mapping[str, str]] = {
    "OAUTH_SCOPE_MISMATCH": "the refresh token lacks a scope: connect again with all scopes of docs/connectors/zoho_crm.md",
    "NO_PERMISSION": "the profile of the signed-in user lacks a right",
    "INVALID_QUERY": "a field that the module lacks? docs/connectors/zoho_crm.md lists those to create",
    "INVALID_MODULE": "this org has no such module: see settings invoices, payments and payments_module",
}
CREDITS: Final = "x-api-credits-remaining"
"""On replies once half of the credits are used (zoho.md 9 [2+]); header names reach us in lower case."""
CREDITS_BACK_S: Final = 3600.0
"""When to ask again: credits of a rolling day come back hour by hour [inferred]."""
CREDITS_HOLD_S: Final = 300.0
SAID_MAX: Final = 200
_SHOWN = ("permissions", "param_name", "api_name", "json_path", "column_name", "clause", "limit", "expected_data_type")
_SHOWN_MORE = ("maximum_length", "supported_values", "header_name", "resource_path_index")


class Credits:
    """What Zoho last said of the credits that are left. Shared by all threads."""

    def __init__(self, system: str, floor: int, clock: Clock) -> None:
        self._system = system
        self._floor = floor
        self._clock = clock
        self._lock = threading.Lock()
        self._low_until: float | None = None

    def note(self, reply: Reply) -> int | None:
        """Remember what a reply says; returns it."""
        text = reply.headers.get(CREDITS, "").strip()
        if not (text.isascii() and text.isdigit()):
            return None
        remaining = int(text)
        if reply.status < 400:
            low = remaining < self._floor
            with self._lock:
                self._low_until = self._clock.monotonic() + CREDITS_HOLD_S if low else None
        return remaining

    def demand(self) -> None:
        """QuotaUsedUp while fewer credits are left than the floor; asked before every call, so that nothing has been sent.

        After five minutes a call is let through, to hear the number anew.
        """
        with self._lock:
            low = self._low_until is not None and self._clock.monotonic() < self._low_until
        if low:
            raise self.used_up()

    def used_up(self, code: str | None = None) -> QuotaUsedUp:
        """The error that stops a run."""
        return QuotaUsedUp(
            f"fewer than {self._floor} API credits are left for the rolling day (setting credits_floor)",
            system=self._system,
            code=code,
            retry_after_s=CREDITS_BACK_S,
        )

    def too_few(self, remaining: int | None) -> bool:
        """Whether a 429 that comes with this number means the day's credits rather than the moment's calls."""
        return remaining is not None and remaining <= self._floor


class Failure(msgspec.Struct):
    """The form of an error of the whole request (zoho.md 10), and whether there are results of records instead."""

    code: str | None = None
    message: str | None = None
    status: str | None = None
    details: msgspec.Raw = msgspec.Raw(b"{}")
    data: msgspec.Raw = msgspec.Raw(b"")


class RecordResults(Refused):
    """A write whose HTTP status says error while the body has a result for each record: 400 and 412 (zoho.md 5).

    Raised by the judge to get the body past the runner; never leaves the connector.
    """

    def __init__(self, reply: Reply, *, system: str) -> None:
        super().__init__("some or all records were refused", system=system, code=str(reply.status))
        self.reply = reply


_FAILURE = msgspec.json.Decoder(Failure)


def judge(credits_left: Credits, system: str) -> Judge:
    """The failure table as a function."""

    def judged(call: Call, reply: Reply) -> ConnectorError | None:
        if not call.signed_in:
            return throttled(reply, system)
        remaining = credits_left.note(reply)
        if reply.status == 429:  # with or without JSON; refused before anything was done (zoho.md 9)
            if credits_left.too_few(remaining):
                return credits_left.used_up("429")
            return RateLimited("too many calls at once", system=system, code="429")
        if reply.status in (204, 304) or reply.status >= 500:
            return None
        try:
            failure = _FAILURE.decode(reply.body)
        except msgspec.DecodeError as error:
            raise WireError(f"no JSON object of the known form: {error}") from None
        if failure.code is not None and (failure.status == "error" or reply.status >= 400):
            return whole_failure(call, failure, system)
        if call.writes and bytes(failure.data) and reply.status in (400, 412):
            return RecordResults(reply, system=system)
        return None

    return judged


def whole_failure(call: Call, failure: Failure, system: str) -> ConnectorError:
    """The error of a request that was refused as a whole."""
    code = failure.code or ""
    known = FAILURES.get(code)
    if known is None:
        return BadReply("answered with an error code that is not documented", system=system, code=code)
    if known is Unavailable and call.writes:
        return OutcomeUnknown("the server failed; the write may have been carried out", system=system, code=code)
    words = [said(failure.message), facts(failure.details), ADVICE.get(code, "")]
    return known(
        f"{call.path.removeprefix(API)}: " + "; ".join(word for word in words if word), system=system, code=code
    )


def said(message: str | None) -> str:
    """The vendor's words on one line, not too many."""
    return " ".join((message or "").split())[:SAID_MAX]


def facts(details: msgspec.Raw) -> str:
    """What an error's `details` say about fields and limits; never a value of ours."""
    try:
        given = msgspec.json.decode(details, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return ""
    shown = [(name, bytes(given[name])) for name in (*_SHOWN, *_SHOWN_MORE) if name in given]
    return ", ".join(f"{name} {text.decode('utf-8', 'replace')[:SAID_MAX]}" for name, text in shown)


def org_call() -> Call:
    """What the org says of itself: the cheapest call there is, one credit."""
    return Call("GET", f"{API}/org")


def fields_call(module: str) -> Call:
    """The fields of a module (zoho.md 12)."""
    return Call("GET", f"{API}/settings/fields", query={"module": module})


def list_call(module: str, fields: Iterable[str], *, size: int, since: str | None, token: str | None) -> Call:
    """One page in the order of modification (zoho.md 3). `since` is the header's time; a `token` goes on where a page ended."""
    query = {
        "fields": ",".join(fields),
        "per_page": str(size),
        "sort_by": "Modified_Time",
        "sort_order": "asc",
    }
    if token is not None:
        query["page_token"] = token
    headers = {"If-Modified-Since": since} if since is not None else {}
    return Call("GET", f"{API}/{module}", query=query, headers=headers)


def ids_call(module: str, fields: Iterable[str], ids: Sequence[str]) -> Call:
    """Up to a hundred records by id, in the form of a list (zoho.md 3)."""
    query = {"fields": ",".join(fields), "ids": ",".join(ids), "per_page": "200"}
    return Call("GET", f"{API}/{module}", query=query)


def record_call(module: str, record_id: str) -> Call:
    """One whole record with its subforms."""
    return Call("GET", f"{API}/{module}/{record_id}")


def deleted_call(module: str, *, size: int, page: int, since: str | None) -> Call:
    """One page of what was deleted (zoho.md 6)."""
    headers = {"If-Modified-Since": since} if since is not None else {}
    query = {"type": "all", "per_page": str(size), "page": str(page)}
    return Call("GET", f"{API}/{module}/deleted", query=query, headers=headers)


def coql_call(query: str) -> Call:
    """A query; it reads, although it is a POST, and sees every write at once (zoho.md 4)."""
    return Call("POST", f"{API}/coql", json={"select_query": query})


def quoted(value: str) -> str:
    """A text literal of COQL; quotes and backslashes are escaped by a backslash [inferred]."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def any_of(conditions: Sequence[str]) -> str:
    """Conditions joined by `or`, bracketed in pairs as COQL wants it (zoho.md 4 [1])."""
    if len(conditions) == 1:
        return conditions[0]
    return f"({conditions[0]} or {any_of(conditions[1:])})"
