"""Where a walk stands, and from where the next one reads (A4). Pure.

A cursor is JSON: ``since`` holds, per U8 object, from which row version (customers) or document date (vouchers) the next walk
reads; ``walk``, while one is under way, its place: the object, the last page handed over, the key of that page's last row
(`anchor`), when the walk began, and what ``since`` will be for the objects it is done with or in the middle of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ledgerbridge.errors import Unsupported
from ledgerbridge.model.base import Kind

from .codec import Head, Resource

_SINCE: Final = re.compile(r"\d{0,20}|\d{4}-\d\d-\d\d", re.ASCII)
SETTLING: Final = timedelta(minutes=10)
"""The longest that a U8 transaction may stay open, plus how far the clocks may differ, for nothing to be missed."""


class Walk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A walk under way."""

    resource: str
    started: str
    page: int = 0
    anchor: str = ""
    since_next: dict[str, str] = {}


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of one stream."""

    since: dict[str, str] = {}
    walk: Walk | None = None


def load(text: str | None, system: str) -> Cursor:
    """The cursor of a text that :func:`dump` made; Unsupported for any other text."""
    if text is None:
        return Cursor()
    try:
        cursor = msgspec.json.decode(text, type=Cursor)
        if cursor.walk is not None:
            started_at(cursor.walk)
    except (msgspec.DecodeError, ValueError):
        cursor = None
    later = cursor.walk.since_next if cursor is not None and cursor.walk is not None else {}
    if cursor is None or not all(_SINCE.fullmatch(since) for since in (*cursor.since.values(), *later.values())):
        raise Unsupported("the stored cursor is none of this connector's; pull this kind in full", system=system)
    return cursor


def dump(cursor: Cursor) -> str:
    """The text of a cursor."""
    return msgspec.json.encode(cursor).decode()


def begin(cursor: Cursor, names: Sequence[str], now: datetime) -> Walk:
    """The walk to do over the objects `names`: the one under way, or a new one."""
    if cursor.walk is not None and cursor.walk.resource in names:
        return cursor.walk
    return Walk(resource=names[0], started=now.isoformat())


def started_at(walk: Walk) -> datetime:
    """When a walk began."""
    return datetime.fromisoformat(walk.started).astimezone(UTC)


def filters(resource: Resource, since: str) -> dict[str, str]:
    """The list filter that leaves out what was read before; ranges are inclusive (A4 [inferred])."""
    if not since:
        return {}
    name = "timestamp" if resource.kind is Kind.CUSTOMER else resource.date_filter
    return {f"{name}_begin": since}


def window_start(started: datetime, days: int, zone: ZoneInfo) -> str:
    """From which document date vouchers are read again after a walk that began at `started`."""
    return (started.astimezone(zone).date() - timedelta(days=days)).isoformat()


def settled_since(heads: Iterable[Head], started: datetime, so_far: str, zone: ZoneInfo) -> str:
    """From which row version customers are to be read after a walk that began at `started` and saw `heads`.

    Row versions are given out when a row is saved, but the row is seen only when its transaction ends: a smaller version can
    appear after a larger one was read. A row saved longer than SETTLING before the walk began is proof that whatever has
    its version or a smaller one is over as well and was there to be read, so that reading may go on after it. Rows
    saved later, or without a readable stamp, prove nothing and are read again.
    """
    bound = started - SETTLING
    best = int(so_far) if so_far.isdigit() else 0
    for head in heads:
        if head.version is not None and head.modified_at is not None and _surely(head.modified_at, zone) < bound:
            best = max(best, head.version + 1)
    return str(best) if best else ""


def _surely(stamp: datetime, zone: ZoneInfo) -> datetime:
    """The latest moment that a stamp can mean: midnight may stand for a whole day, in an installation that keeps dates only."""
    return stamp + timedelta(days=1) if stamp.astimezone(zone).time() == time() else stamp
