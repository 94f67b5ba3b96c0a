"""Build U8 calls and read U8 replies: envelopes, error codes, lists, records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

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
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.model.wirejson import WireError

from .settings import YonyouU8Settings

OK: Final = "0"
EMPTY: Final = "20002"
"""A query that matched nothing is an *error* here, not an empty list (A3 [1])."""
REFUSED: Final = "20005"
"""The U8 side refused; the text says which key and why (A3 [1])."""
RUNNING: Final = "30025"
"""The same operation is still executing (A3 [1])."""

FAILURES: Final[Mapping[str, type[ConnectorError]]] = {
    "10001": Unavailable,  # platform-side failure (A3 [1])
    "20001": Refused,  # required parameter missing (A3 [inferred])
    REFUSED: Refused,
    "30002": NotAllowed,  # unknown application or account (A3 [inferred])
    RUNNING: Unavailable,
}
"""What an error code means. Token and rate limit codes are settings, since no source has them; any other code is BadReply."""
_UNPROVEN: Final = frozenset({"10001", RUNNING})
"""On a write these do not prove that nothing was processed."""
_WORDS: Final[Mapping[str, str]] = {
    "10001": "the platform failed",
    RUNNING: "the same operation is still executing",
    "30002": "the application or an account is not known or not authorised; check from_account, to_account and app_key",
}
SAID_MAX: Final = 200
POLL: Final = "result"
"""The `Call.interface` of asking about an accepted write."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One U8 object: its paths, the key of its records, and how its list is bounded by date (A1, A4)."""

    name: str
    kind: Kind
    listing: str
    key: str
    date_filter: str
    has_entries: bool = True

    def external_id(self, key: str) -> str:
        """The id within a kind: two objects are read as invoices, so that theirs name the object."""
        return f"{self.name}:{key}" if self.kind is Kind.INVOICE else key


RESOURCES: Final[Mapping[str, Resource]] = {
    resource.name: resource
    for resource in (
        Resource("customer", Kind.CUSTOMER, "customer", "code", "ModifyDate", has_entries=False),
        Resource("saleinvoice", Kind.INVOICE, "saleinvoicelist", "invoiceno", "date"),
        Resource("oughtreceive", Kind.INVOICE, "oughtreceivelist", "code", "date"),
        Resource("accept", Kind.PAYMENT, "acceptlist", "vouchcode", "vouchdate"),
    )
}


def envelope(reply: Reply) -> dict[str, msgspec.Raw]:
    """The reply's root, its values undecoded; WireError if it is no JSON object."""
    try:
        return msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError as error:
        raise WireError(f"no JSON object: {error}") from None


def text_of(raw: msgspec.Raw | None) -> str:
    """A scalar as text, whatever its spelling: U8 writes numbers as numbers or as text (A3). "" for null and for no scalar."""
    if raw is None:
        return ""
    value = bytes(raw)
    if value.startswith(b'"'):
        return msgspec.json.decode(value, type=str)
    return "" if value == b"null" or value[:1] in (b"{", b"[") else value.decode("ascii", "replace")


def said(root: Mapping[str, msgspec.Raw]) -> str:
    """The vendor's own words about a failure, on one line."""
    return " ".join(text_of(root.get("errmsg")).split())[:SAID_MAX] or "nothing"


def judge(settings: YonyouU8Settings, system: str) -> Judge:
    """The failure table as a function: every answer has `errcode` as text, "0" is success (A3)."""

    def judged(call: Call, reply: Reply) -> ConnectorError | None:
        if not 200 <= reply.status < 300:
            return None  # trouble of the relay: the status says it all
        root = envelope(reply)
        code = text_of(root.get("errcode"))
        if code == OK or (code == EMPTY and call.method == "GET") or (code == RUNNING and call.interface == POLL):
            return None
        if not code:
            return BadReply("answered without an errcode", system=system)
        if code in settings.token_codes or (code not in FAILURES and "token" in said(root).casefold()):
            return NotSignedIn("the token is not known any more", system=system, code=code)
        if code in settings.rate_limit_codes:
            return RateLimited("too many calls", system=system, code=code)
        if call.writes and code in _UNPROVEN:
            return OutcomeUnknown(
                f"{_WORDS[code]}; whether the write was carried out is not known", system=system, code=code
            )
        if code not in FAILURES:
            return BadReply(
                f"answered with an undocumented error code (it says: {said(root)})", system=system, code=code
            )
        return FAILURES[code](_WORDS.get(code) or f"refused: {said(root)}", system=system, code=code)

    return judged


def common(settings: YonyouU8Settings) -> dict[str, str]:
    """The parameters that every business call carries in its query, POSTs too (A1)."""
    query = {"from_account": settings.from_account, "to_account": settings.to_account, "app_key": settings.app_key}
    if settings.ds_sequence is not None:
        query["ds_sequence"] = str(settings.ds_sequence)
    return query


def list_call(settings: YonyouU8Settings, resource: Resource, filters: Mapping[str, str], page: int, size: int) -> Call:
    """One page of a list, counted from 1 (A4)."""
    query = {**common(settings), **filters, "page_index": str(page), "rows_per_page": str(size)}
    return Call("GET", f"/api/{resource.listing}/batch_get", query=query, interface=resource.name)


def get_call(settings: YonyouU8Settings, resource: Resource, key: str) -> Call:
    """One record with its entries."""
    return Call("GET", f"/api/{resource.name}/get", query={**common(settings), "id": key}, interface=resource.name)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: its rows undecoded, and how many rows and pages the whole list has."""

    rows: tuple[msgspec.Raw, ...]
    row_count: int
    page_count: int


def read_list(reply: Reply, resource: Resource, system: str) -> ListPage:
    """The page that a list call brought; BadReply if it says success but has no rows or counts."""
    root = envelope(reply)
    if text_of(root.get("errcode")) == EMPTY:
        return ListPage((), 0, 0)
    counts = text_of(root.get("row_count")), text_of(root.get("page_count"))
    try:
        rows = msgspec.json.decode(_named(root, resource.listing), type=list[msgspec.Raw])
        return ListPage(tuple(rows), int(counts[0]), int(counts[1]))
    except (msgspec.DecodeError, ValueError):
        raise BadReply(
            f"a page of {resource.listing} without rows or counts", system=system, request_id=reply.request_id
        ) from None


def read_one(reply: Reply, resource: Resource, system: str) -> msgspec.Raw | None:
    """The record that a get call brought; None if there is none, BadReply if it says success but has none."""
    root = envelope(reply)
    if text_of(root.get("errcode")) == EMPTY:
        return None
    body = _named(root, resource.name)
    if not body:
        raise BadReply(f"an answer without its {resource.name}", system=system, request_id=reply.request_id)
    return None if bytes(body) in (b"null", b"{}", b"[]", b'""') else msgspec.Raw(body)


def _named(root: Mapping[str, msgspec.Raw], name: str) -> bytes:
    """What stands under a name, whatever its casing (A3 [inferred]); empty if there is nothing."""
    found = root.get(name)
    if found is None:
        found = next((value for key, value in root.items() if key.casefold() == name), None)
    return b"" if found is None else bytes(found)


class _Head(msgspec.Struct):
    """What of a row is needed before anything is mapped, as the vendor usually spells it."""

    code: str | None = None
    invoiceno: str | None = None
    vouchcode: str | None = None
    vouchertype: str | int | None = None
    vouchtype: str | int | None = None
    timestamp: str | int | None = None
    ModifyDate: str | None = None
    entry: msgspec.Raw | None = None


_HEAD = msgspec.json.Decoder(_Head)
_NAMES = {name.casefold(): name for name in _Head.__struct_fields__ if name != "entry"}


@dataclass(frozen=True, slots=True)
class Head:
    """A row's key, row version and change stamp (UTC), as far as it has them; `whole`: it brings its entries along. `type` is
    what sets vouchers of one number apart: receipts (48) and refunds (49), special and ordinary invoices; "" for others.
    """

    key: str
    version: int | None
    modified_at: datetime | None
    whole: bool
    type: str = ""


def head(row: msgspec.Raw, resource: Resource, zone: ZoneInfo) -> Head | None:
    """The head of a row; None if it has no usable key."""
    try:
        found = _HEAD.decode(row)
        if getattr(found, resource.key) is None:
            found = _odd_head(row)
    except msgspec.DecodeError:
        found = _odd_head(row)
    key = (getattr(found, resource.key) or "").strip()
    if not key:
        return None
    version = str(found.timestamp if found.timestamp is not None else "")
    whole = not resource.has_entries or (found.entry is not None and bytes(found.entry)[:1] == b"[")
    counted = int(version) if version.isascii() and version.isdigit() else None
    kind = found.vouchtype if resource.key == "vouchcode" else found.vouchertype
    return Head(key, counted, moment(found.ModifyDate, zone), whole, "" if kind is None else str(kind))


def _odd_head(row: msgspec.Raw) -> _Head:
    """The head of a row whose keys are cased otherwise or whose values are of other types (A3: both occur)."""
    try:
        fields = msgspec.json.decode(row, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return _Head()
    known = {_NAMES[name.casefold()]: text_of(value) for name, value in fields.items() if name.casefold() in _NAMES}
    entry = next((value for name, value in fields.items() if name.casefold() == "entry"), None)
    return _Head(**known, entry=entry)


def holds(row: msgspec.Raw, field: str, text: str) -> bool:
    """Whether a field of a row has exactly that text, whatever the casing of its name."""
    if text.encode() not in bytes(row):
        return False  # our keys are plain ASCII: no escape can hide them
    try:
        fields = msgspec.json.decode(row, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return False
    return text_of(msgspec.Raw(_named(fields, field.casefold()))) == text


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """A U8 stamp such as ``2024-05-06 10:11:12.0`` in UTC; it has no zone and is local time (A3 [inferred]).

    None if it is unreadable.
    """
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def raw_record(row: msgspec.Raw, resource: Resource, at: Head, now: datetime) -> Raw:
    """A record as read; its digest is that of all its bytes, row version and change stamp included."""
    body = bytes(row)
    return Raw(
        resource.kind,
        resource.name,
        resource.external_id(at.key),
        body,
        digest_of(body),
        now,
        order=at.version,
        modified_at=at.modified_at,
    )


def unreadable(row: msgspec.Raw, resource: Resource, where: str, why: str) -> Unreadable:
    """A row that cannot be handed over as a record."""
    return Unreadable(resource.kind, resource.name, where, bytes(row), why)
