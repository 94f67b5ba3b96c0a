"""Where a walk stands, and how it goes on. Pure: the connector makes the calls, this decides which.

A walk of a module has up to three stretches: the changed records, in the order of Modified_Time (``list``); customers
whose contacts changed (``contacts``, with that setting); what was deleted (``deleted``). Then it is ``done``, and its cursor
is where the next walk begins.

**Changed records.** Zoho's own page tokens are bound to all parameters, live a day and reach 100,000 records; what they
do when rows move is not documented (zoho.md 3). So a token is used only as long as rows share one second: as soon as a page
gets beyond the second in which a stretch began, the next call asks, without a token, for everything changed after the last second
seen less one (If-Modified-Since is strictly later, in whole seconds [inferred]; asking one second early is right
either way). A record that changes while it is walked moves to the end, where the walk meets it again, and nothing is skipped.

**The next walk** begins five minutes before the largest stamp seen (zoho.md 3): what became visible late is seen then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ledgerbridge.errors import BadReply

from .codec_pages import Listed

OVERLAP: Final = timedelta(minutes=5)
_SECOND: Final = timedelta(seconds=1)
LIST, CONTACTS, DELETED, DONE = "list", "contacts", "deleted", "done"
TOKEN_FAULTS: Final = frozenset({"EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "INVALID_DATA"})
"""What a page token can be refused with (zoho.md 3): then its stretch is read from its beginning, without one."""
RESTARTS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Walk:
    """A cursor. All times are ISO 8601 in UTC.

    `since`: If-Modified-Since of the stretch under way; `floor`: the second in which it began; `token`: its next page.
    `seen`: the largest Modified_Time seen. `contacts_since`, `contacts_seen`: the same of contacts. `gone_since`:
    If-Modified-Since of the deletions that this walk reads, `gone`: the largest deletion time seen, `page`: the next page of
    them. `begun`: when the far side answered the first call of a walk that reads contacts for the first time.
    """

    phase: str = DONE
    since: str | None = None
    floor: str | None = None
    token: str | None = None
    seen: str | None = None
    contacts_since: str | None = None
    contacts_seen: str | None = None
    gone_since: str | None = None
    gone: str | None = None
    page: int = 1
    begun: str | None = None

    def dump(self) -> str:
        """The cursor's text; what is unset is left out."""
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None}, sort_keys=True)


def load(text: str | None) -> Walk:
    """The walk of a cursor; an unbegun one for None. A walk that is done begins anew, an unfinished one goes on."""
    walk = Walk(**json.loads(text)) if text else Walk()
    if walk.phase != DONE:
        return walk
    return replace(
        walk,
        phase=LIST,
        since=_earlier(walk.seen),
        floor=None,
        token=None,
        contacts_since=_earlier(walk.contacts_seen),
        gone_since=_earlier(walk.gone),
        page=1,
        begun=None,
    )


def _earlier(text: str | None) -> str | None:
    return None if text is None else header(datetime.fromisoformat(text) - OVERLAP)


def header(at: datetime) -> str:
    """A moment as headers want it: whole seconds, with an offset."""
    return at.replace(microsecond=0).isoformat()


def later(text: str | None, at: datetime | None) -> str | None:
    """The later of two moments."""
    if at is None:
        return text
    return header(at) if text is None or datetime.fromisoformat(text) < at else text


def after_page(walk: Walk, page: Listed, stamps: Iterable[datetime | None], system: str) -> Walk:
    """Where the walk stands after a page of changed records, or of changed contacts; :func:`after_list` after the last one."""
    known = [stamp for stamp in stamps if stamp is not None]
    first, last = min(known, default=None), max(known, default=None)
    if walk.phase == CONTACTS:
        walk = replace(walk, contacts_seen=later(walk.contacts_seen, last))
    else:
        walk = replace(walk, seen=later(walk.seen, last))
    if not page.more:
        return replace(walk, since=None, floor=None, token=None)
    floor = walk.floor if walk.floor is not None or first is None else header(first)
    if last is not None and floor is not None and last - datetime.fromisoformat(floor) >= _SECOND:
        return replace(walk, since=header(last - _SECOND), floor=None, token=None)
    if page.token is None:
        raise BadReply("there are more records, and no token that leads to them", system=system)
    return replace(walk, floor=floor, token=page.token)


def after_list(walk: Walk, *, contacts: bool) -> Walk:
    """The stretch that follows the last page of changed records.

    The first walk that reads contacts has just read all of them with their customers; the next one begins with what changed
    after this one began, or after the newest customer if that is earlier: then the clocks may differ and nothing is missed.
    """
    if not contacts:
        return replace(walk, phase=DELETED)
    if walk.contacts_since is not None:
        return replace(walk, phase=CONTACTS, since=walk.contacts_since)
    return replace(walk, phase=DELETED, contacts_seen=min(filter(None, (walk.begun, walk.seen)), default=None))


def from_the_beginning(walk: Walk) -> Walk:
    """The stretch under way again, without its token."""
    return replace(walk, token=None, floor=None)


def after_deletions(walk: Walk, page: Listed, times: Iterable[datetime | None]) -> Walk:
    """Where the walk stands after a page of deletions.

    Once all were read, what was deleted up to the newest change seen (less the overlap) has been seen too.
    """
    gone = later(walk.gone, max((at for at in times if at is not None), default=None))
    if page.more:
        return replace(walk, gone=gone, page=walk.page + 1)
    seen = datetime.fromisoformat(walk.seen) if walk.seen is not None else None
    return replace(walk, phase=DONE, gone=later(gone, seen), gone_since=None, page=1)
