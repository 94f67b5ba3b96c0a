"""Build U8 calls and read U8 replies: envelopes, error codes, pages, cursors. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ledgerbridge.connectors._http.call import Call, Judge, Reply
from ledgerbridge.errors import (
    BadReply,
    ConnectorError,
    NotSignedIn,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.model.wirejson import WireError, WireValue

from .settings import YonyouU8Settings

EMPTY: Final = "20002"
"""A query that matched nothing is an *error* here, not an empty list (A3 [1])."""

FAILURES: Final[Mapping[str, type[ConnectorError]]] = {
    "10001": Unavailable,  # platform-side failure (A3 [1])
    "20001": Refused,  # required parameter missing (A3 [inferred])
    "20005": Refused,  # the U8 side refused; the text says which key and why (A3 [1])
    "30025": Unavailable,  # the same operation is still executing (A3 [1])
}
_UNPROVEN: Final = frozenset({"10001", "30025"})
"""On a write these do not prove that nothing was processed."""

ADVICE_MAX = 200


@dataclass(frozen=True, slots=True)
class Resource:
    """One U8 object: its paths, the key of its records, and how its list is bounded by date."""

    name: str
    kind: Kind
    listing: str
    key: str
    date_filter: str
    has_entries: bool

    def external_id(self, key: str) -> str:
        """The id within a kind: two objects are read as invoices, so that theirs name the object."""
        return f"{self.name}:{key}" if self.kind is Kind.INVOICE else key


RESOURCES: Final[Mapping[str, Resource]] = {
    "customer": Resource("customer", Kind.CUSTOMER, "customer", "code", "ModifyDate", has_entries=False),
    "saleinvoice": Resource("saleinvoice", Kind.INVOICE, "saleinvoicelist", "invoiceno", "date", has_entries=True),
    "oughtreceive": Resource("oughtreceive", Kind.INVOICE, "oughtreceivelist", "code", "date", has_entries=True),
    "accept": Resource("accept", Kind.PAYMENT, "acceptlist", "vouchcode", "vouchdate", has_entries=True),
}


def envelope(reply: Reply) -> dict[str, msgspec.Raw]:
    """The reply's root, its values undecoded; WireError if it is no JSON object."""
    try:
        return msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError as error:
        raise WireError(f"no JSON object: {error}") from None


def text_of(raw: msgspec.Raw | None) -> str:
    """A scalar as text, whatever its spelling: U8 writes numbers as numbers or as text (A3)."""
    if raw is None:
        return ""
    value = bytes(raw)
    if value.startswith(b'"'):
        return msgspec.json.decode(value, type=str)
    return "" if value == b"null" else value.decode("ascii", "replace")


def judge(settings: YonyouU8Settings, system: str) -> Judge:
    """The failure table as a function: every answer has `errcode` as text, "0" is success (A3)."""

    def judged(call: Call, reply: Reply) -> ConnectorError | None:
        if not 200 <= reply.status < 300:
            return None  # trouble of the relay: the status says it all
        root = envelope(reply)
        code = text_of(root.get("errcode"))
        if code in ("0", EMPTY):
            return None
        if not code:
            return BadReply("answered without an errcode", system=system)
        message = text_of(root.get("errmsg"))
        if code in settings.token_codes or (code not in FAILURES and "token" in message.casefold()):
            return NotSignedIn("the token is not known any more", system=system, code=code)
        if call.writes and code in _UNPROVEN:
            return OutcomeUnknown(
                "accepted or failed on the way, the platform does not say which", system=system, code=code
            )
        known = FAILURES.get(code)
        if known is None:
            return BadReply("answered with an error code that is not documented", system=system, code=code)
        said = " ".join(message.split())[:ADVICE_MAX]
        words = {"30025": "the same operation is still executing", "10001": "the platform failed"}.get(code)
        return known(words or f"refused: {said}", system=system, code=code)

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


def add_call(settings: YonyouU8Settings, resource: Resource, biz_id: str, body: Mapping[str, WireValue]) -> Call:
    """Create a record under our own id: a repeat of the same `biz_id` makes no second one (A5 [1])."""
    sync = "0" if settings.asynchronous else "1"
    query = {**common(settings), "biz_id": biz_id, "sync": sync}
    return Call("POST", f"/api/{resource.name}/add", query=query, json={resource.name: dict(body)}, writes=True)


def edit_call(settings: YonyouU8Settings, body: Mapping[str, WireValue]) -> Call:
    """Change a customer, matched by its code; fields that are not sent stay (A5 [1], [inferred])."""
    return Call("POST", "/api/customer/edit", query=common(settings), json={"customer": dict(body)}, writes=True)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: its rows undecoded, and how many rows and pages the whole list has."""

    rows: tuple[msgspec.Raw, ...]
    row_count: int
    page_count: int


def read_list(reply: Reply, resource: Resource, system: str) -> ListPage:
    """The page that a list call brought; BadReply if it says success but has no rows."""
    root = envelope(reply)
    if text_of(root.get("errcode")) == EMPTY:
        return ListPage((), 0, 0)
    body = root.get(resource.listing)
    if body is None:
        folded = {name.casefold(): value for name, value in root.items()}
        body = folded.get(resource.listing)
    try:
        rows = msgspec.json.decode(body, type=list[msgspec.Raw]) if body is not None else None
        counts = int(text_of(root.get("row_count"))), int(text_of(root.get("page_count")))
    except (msgspec.DecodeError, ValueError):
        rows = None
    if rows is None:
        raise BadReply(
            f"a page of {resource.listing} without rows or counts", system=system, request_id=reply.request_id
        )
    return ListPage(tuple(rows), *counts)


def read_one(reply: Reply, resource: Resource, system: str) -> msgspec.Raw | None:
    """The record that a get call brought; None if there is none."""
    root = envelope(reply)
    if text_of(root.get("errcode")) == EMPTY:
        return None
    body = root.get(resource.name)
    if body is None:
        raise BadReply(f"an answer without its {resource.name}", system=system, request_id=reply.request_id)
    return None if bytes(body) in (b"null", b"{}") else body


class _Head(msgspec.Struct):
    """What of a row is needed before anything is mapped. Several spellings, since casing is not uniform (A3)."""

    code: str | int | None = None
    invoiceno: str | int | None = None
    vouchcode: str | int | None = None
    timestamp: str | int | None = None
    ModifyDate: str | None = None
    modifydate: str | None = None
    entry: msgspec.Raw | None = None


_HEAD = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Head:
    """A row's key, row version and change stamp, as far as it has them."""

    key: str
    version: int | None
    modified_at: datetime | None
    has_entry: bool


def head(row: msgspec.Raw, resource: Resource, zone: ZoneInfo) -> Head | None:
    """The head of a row; None if it has no usable key."""
    try:
        found = _HEAD.decode(row)
    except msgspec.DecodeError:
        return None
    key = getattr(found, resource.key)
    if key is None or str(key).strip() == "":
        return None
    version = str(found.timestamp or "")
    stamp = moment(found.ModifyDate or found.modifydate, zone)
    return Head(str(key), int(version) if version.isdigit() else None, stamp, found.entry is not None)


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """A U8 stamp such as ``2024-05-06 10:11:12.0``; without a zone it is local time (A3 [inferred]). None if unreadable."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.split(".")[0]).replace(tzinfo=zone)
    except ValueError:
        return None


def raw_record(row: msgspec.Raw, resource: Resource, at: Head, now: datetime) -> Raw:
    """A record as read. The row version is no content: it changes with every save, whatever was changed."""
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


def unreadable(row: msgspec.Raw, resource: Resource, page: int, index: int) -> Unreadable:
    """A row without a usable key."""
    where = f"{resource.listing} page {page} row {index + 1}"
    return Unreadable(resource.kind, resource.name, where, bytes(row), f"the row has no usable {resource.key}")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands, per object.

    `since`: row version (customers) or first document date (vouchers) from which this walk reads, "" for all. `page`: the
    next page of this walk, 0 when none is under way. `next_since`: what the next walk will read from. `started`: when
    this walk began, which bounds `next_since`.
    """

    since: str = ""
    page: int = 0
    next_since: str = ""
    started: str = ""


def load_cursor(text: str | None) -> dict[str, Cursor]:
    """The cursors per object of a stream's cursor text; empty for None."""
    return {name: Cursor(**state) for name, state in json.loads(text).items()} if text else {}


def dump_cursor(states: Mapping[str, Cursor]) -> str:
    """The text of :func:`load_cursor`."""
    plain = {
        name: {"since": s.since, "page": s.page, "next_since": s.next_since, "started": s.started}
        for name, s in states.items()
    }
    return json.dumps(plain, sort_keys=True)


def begin(
    resource: Resource, before: Cursor | None, now: datetime, settings: YonyouU8Settings, zone: ZoneInfo
) -> Cursor:
    """The walk to do: the one under way, or a new one from where the last one ended.

    A resumed walk steps back one page, because rows may have vanished meanwhile and moved the rest up.
    """
    if before is not None and before.page > 0:
        return Cursor(before.since, max(1, before.page - 1), before.next_since, before.started)
    since = before.next_since if before is not None else ""
    if resource.kind is Kind.CUSTOMER:
        return Cursor(since, 1, since, now.isoformat())
    first = now.astimezone(zone).date() - timedelta(days=settings.window_days)
    return Cursor(since, 1, first.isoformat(), now.isoformat())


def filters(resource: Resource, walk: Cursor) -> dict[str, str]:
    """The list filter of a walk: row version for customers, document date for vouchers; both ends inclusive (A4)."""
    if not walk.since:
        return {}
    if resource.kind is Kind.CUSTOMER:
        return {"timestamp_begin": walk.since}
    return {f"{resource.date_filter}_begin": walk.since}


SKEW: Final = timedelta(minutes=10)


def settled_version(heads: list[Head], started: datetime, so_far: str) -> str:
    """The highest row version that no change of this walk's time can undercut.

    Row versions only grow, and a row saved before the walk began (by its own stamp, less clock skew) carries a smaller one than
    any row saved during the walk. Reading on from there misses nothing, whatever the order of the pages was.
    """
    bound = started - SKEW
    best = int(so_far) if so_far.isdigit() else -1
    for item in heads:
        if item.version is not None and item.modified_at is not None and item.modified_at < bound:
            best = max(best, item.version)
    return str(best) if best >= 0 else so_far


def recent(today: date, days: int) -> str:
    """The first date of a look-back."""
    return (today - timedelta(days=days)).isoformat()
