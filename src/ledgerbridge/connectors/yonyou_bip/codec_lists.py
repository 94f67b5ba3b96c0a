"""Read the pages of lists without decoding their records (B5). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

import msgspec

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.errors import BadReply
from ledgerbridge.model.raw import Unreadable, digest_of

from .codec import data_of, elements, text_of
from .resources import Resource

VENDOR_ZONE: Final = timezone(timedelta(hours=8))
"""Stamps carry no zone: UTC+8 (B5 [inferred])."""
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


class _Paging(msgspec.Struct, rename="camel"):
    record_list: msgspec.Raw = msgspec.Raw()
    record_count: msgspec.Raw = msgspec.Raw()
    page_count: msgspec.Raw = msgspec.Raw()


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page: its rows undecoded; how many rows and pages the whole list has, None for a list that does not say."""

    rows: tuple[msgspec.Raw, ...]
    row_count: int | None
    page_count: int | None


_PAGING: Final = msgspec.json.Decoder(_Paging)


def read_page(reply: Reply, system: str, *, bare: bool) -> ListPage:
    """The page that a list call brought, `bare` if the list is an array without counts; BadReply if it has no rows or counts."""
    data = data_of(reply, system)
    if bare:
        return ListPage(tuple(elements(data, reply, system)), None, None)
    try:
        paging = _PAGING.decode(data)
        counts = int(text_of(paging.record_count)), int(text_of(paging.page_count))
    except (msgspec.DecodeError, ValueError):
        raise BadReply("a page without its counts", system=system, request_id=reply.request_id) from None
    listed = bytes(paging.record_list).strip()
    if listed in (b"", b"null"):
        if counts[0]:
            raise BadReply("a page without its records", system=system, request_id=reply.request_id)
        return ListPage((), *counts)
    return ListPage(tuple(elements(listed, reply, system)), *counts)


class _Head(msgspec.Struct, rename="camel"):
    id: str | int | None = None
    pubts: str | None = None
    modify_time: str | None = None


class _CustomerHead(msgspec.Struct, rename="camel"):
    id: str | int | None = None
    pubts: str | None = None
    modify_time: str | None = None
    belong_org_id: str | int | None = None


class DocumentHead(msgspec.Struct, rename="camel"):
    """What of a document's body is needed to find its balances and to write it."""

    id: str | int | None = None
    code: str | int | None = None
    bill_date: str | None = None
    pubts: str | None = None


class EventHead(msgspec.Struct, rename="camel"):
    """Which document a row of the open balances is about."""

    id: str | int | None = None
    biz_bill_id: str | int | None = None
    src_bill_id: str | int | None = None
    biz_bill_code: str | None = None
    src_bill_code: str | None = None


class KeyHead(msgspec.Struct, rename="camel"):
    """By what a document is found."""

    id: str | int | None = None
    code: str | int | None = None
    ext_system_code: str | None = None
    ext_vouch_code: str | None = None


class CurrencyHead(msgspec.Struct, rename="camel"):
    """What a document teaches about the currency archive."""

    ori_currency: str | int | None = None
    ori_currency_code: str | None = None


class EventCurrency(msgspec.Struct, rename="camel"):
    """In which currency a write-off is; an id of the currency archive."""

    ori_d_currency: str | int | None = None


class CreditHead(msgspec.Struct, rename="camel"):
    """Whom an answer of the credit query is about, and what of it stays the same from day to day."""

    target_obj_id: str | int | None = None
    currency_id: msgspec.Raw = msgspec.Raw()
    credit_line: msgspec.Raw = msgspec.Raw()
    setting_overdue_days: msgspec.Raw = msgspec.Raw()


_HEAD: Final = msgspec.json.Decoder(_Head)
_CUSTOMER: Final = msgspec.json.Decoder(_CustomerHead)


@dataclass(slots=True)
class Entry:
    """One row of a list, or one record of several rows. `stamp` is its change stamp, ``""`` if it has none that can be read.

    `rows` are the rows themselves where they are the record; `bad` says why a row is no record.
    """

    stamp: str
    record_id: str
    org: str = ""
    rows: tuple[bytes, ...] = ()
    bad: Unreadable | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in a walk: oldest change first."""
        return self.stamp, self.record_id


def entry_of(row: msgspec.Raw, resource: Resource, where: str) -> Entry:
    """The head of a row. Ids are text, whether they came as numbers or not (B5 [2+])."""
    org = ""
    try:
        if resource.bare:
            customer = _CUSTOMER.decode(row)
            found: _Head | _CustomerHead = customer
            org = plain(customer.belong_org_id)
        else:
            found = _HEAD.decode(row)
    except msgspec.DecodeError:
        return _bad(row, resource, where, "it is no object, or its id or change stamp is of an unknown form")
    record_id = plain(found.id)
    if not record_id:
        return _bad(row, resource, where, "it has no id")
    return Entry(stamp_of(found.pubts or found.modify_time), record_id, org, (bytes(row),) if resource.by_line else ())


def _bad(row: msgspec.Raw, resource: Resource, where: str, why: str) -> Entry:
    body = bytes(row)
    mark = digest_of(body).hex()
    return Entry("", f"?{mark}", bad=Unreadable(resource.kind, resource.wire_type, where, body, why))


def plain(value: str | int | None) -> str:
    """An id or code as text; nothing: ``""``."""
    return "" if value is None else str(value).strip()


def stamp_of(text: str | None) -> str:
    """A change stamp to the second, comparable as text; ``""`` if it is none."""
    found = _STAMP.match(text) if text else None
    return found.group() if found else ""


def moment(stamp: str) -> datetime | None:
    """The aware UTC moment of a stamp; None if there is none."""
    try:
        return datetime.fromisoformat(stamp).replace(tzinfo=VENDOR_ZONE).astimezone(UTC)
    except ValueError:
        return None


def written(at: datetime) -> str:
    """The stamp of a moment."""
    return at.astimezone(VENDOR_ZONE).strftime(_FORMAT)


def earlier(stamp: str, seconds: float) -> str:
    """A stamp so many seconds before; ``""`` stays."""
    at = moment(stamp)
    return "" if at is None else written(at - timedelta(seconds=seconds))


def middle(begin: str, end: str) -> str | None:
    """The stamp half-way between two; None if they are too close to be parted."""
    low, high = moment(begin), moment(end)
    if low is None or high is None or high - low <= timedelta(seconds=1):
        return None
    return written(low + (high - low) / 2)


def day_of(text: str | None) -> date | None:
    """The business date of a document; None if it has none that can be read."""
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def day_ranges(days: list[date], gap_days: int = 7) -> list[tuple[date, date]]:
    """Days as few ranges, so that one call covers neighbours: ranges are joined over up to `gap_days` days between."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if ranges and (day - ranges[-1][1]).days <= gap_days:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges
