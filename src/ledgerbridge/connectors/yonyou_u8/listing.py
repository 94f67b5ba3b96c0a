"""Read U8's lists whole, although rows move between pages while they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors.base import Surroundings
from ledgerbridge.errors import Refused
from ledgerbridge.model.raw import Raw, Unreadable

from . import codec
from .codec import Head, ListPage, Resource
from .settings import YonyouU8Settings

LOOKS_MAX: Final = 4
GROWTH_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list that has a usable key."""

    raw: msgspec.Raw
    head: Head


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one page of a list brought that was not seen before. `page` and `anchor` are where the first look stands: the
    page's number and the key of its last row. `total`: rows of the whole list, as the far side says.
    """

    rows: tuple[Row, ...]
    unreadable: tuple[Unreadable, ...]
    page: int
    anchor: str
    total: int


class Lists:
    """Lists and records of one account set."""

    def __init__(self, runner: Runner, settings: YonyouU8Settings, surroundings: Surroundings) -> None:
        self._runner = runner
        self._settings = settings
        self._at = surroundings

    def stretches(
        self, resource: Resource, filters: Mapping[str, str], size: int, *, page: int = 0, anchor: str = ""
    ) -> Iterator[Stretch]:
        """Every row of a list, each key once, page by page; from the place `page` and `anchor` of an earlier stretch on.

        Pages are numbered, so that a row that vanishes, or moves to the end, moves the others up: one of them may then stand
        on a page that was read already. A list of several pages is therefore looked at again until a look finds
        nothing that was not seen before, LOOKS_MAX times in all. An earlier place is believed only if the anchor
        still stands on its page; else the list is read from its beginning.
        """
        seen: dict[str, str] = {}
        last = 0
        first, opening = self._entrance(resource, filters, size, page, anchor)
        place = (page, anchor)
        for look in range(LOOKS_MAX):
            fresh = False
            for number, listed in self._pages(resource, filters, size, first, opening if look == 0 else None):
                rows, bad = self._sorted_out(resource, number, listed, seen)
                fresh = fresh or bool(rows)
                if look == 0:
                    last = number
                    place = (number, rows[-1].head.key) if rows else place
                    yield Stretch(rows, bad, *place, listed.row_count)
                elif rows:
                    yield Stretch(rows, (), *place, listed.row_count)
            if (look == 0 and last <= 1) or (look > 0 and not fresh):
                return

    def _entrance(
        self, resource: Resource, filters: Mapping[str, str], size: int, page: int, anchor: str
    ) -> tuple[int, ListPage]:
        """The page to begin with and its number."""
        if page > 1:
            listed = self._page(resource, filters, size, page)
            heads = (codec.head(row, resource, self._at.zone) for row in listed.rows)
            if any(head is not None and head.key == anchor for head in heads):
                return page, listed
        return 1, self._page(resource, filters, size, 1)

    def _pages(
        self, resource: Resource, filters: Mapping[str, str], size: int, first: int, opening: ListPage | None
    ) -> Iterator[tuple[int, ListPage]]:
        """The pages from `first` on, read ahead, up to the first empty one; a list that grows meanwhile is followed for as many
        pages again as it had, and GROWTH_PAGES more.
        """
        listed = opening or self._page(resource, filters, size, first)
        yield first, listed
        number, bound = first, 2 * listed.page_count + GROWTH_PAGES
        while number < min(listed.page_count, bound):
            numbers = range(number + 1, min(listed.page_count, bound) + 1)
            calls = (codec.list_call(self._settings, resource, filters, number, size) for number in numbers)
            with self._ahead(calls) as replies:
                for number, reply in zip(numbers, replies, strict=True):
                    listed = codec.read_list(reply, resource, self._at.system)
                    if not listed.rows:
                        return
                    yield number, listed

    def _page(self, resource: Resource, filters: Mapping[str, str], size: int, number: int) -> ListPage:
        reply = self._runner.send(codec.list_call(self._settings, resource, filters, number, size))
        return codec.read_list(reply, resource, self._at.system)

    def records(self, resource: Resource, rows: Sequence[Row]) -> tuple[tuple[Raw, ...], tuple[Unreadable, ...]]:
        """The records of list rows, in their order; vouchers whose row has no entries are fetched one by one, read ahead (A3).

        A record that has been deleted since is left out; one that cannot be read does not keep the others from being read.
        """
        now = self._at.clock.now()
        details = self._details(resource, [row for row in rows if not row.head.whole])
        with contextlib.closing(details):
            found = [
                codec.raw_record(row.raw, resource, row.head, now) if row.head.whole else next(details) for row in rows
            ]
        return (
            tuple(one for one in found if isinstance(one, Raw)),
            tuple(one for one in found if isinstance(one, Unreadable)),
        )

    def _details(self, resource: Resource, rows: Sequence[Row]) -> Generator[Raw | Unreadable | None, None, None]:
        at = 0
        while at < len(rows):
            try:
                with self._ahead(
                    codec.get_call(self._settings, resource, row.head.key) for row in rows[at:]
                ) as replies:
                    for reply in replies:
                        yield self._detail(resource, rows[at], reply)
                        at += 1
            except Refused as refusal:
                where = f"{resource.name} {rows[at].head.key}"
                yield codec.unreadable(
                    rows[at].raw, resource, where, f"it is listed, but reading it was {refusal.message}"
                )
                at += 1

    def _detail(self, resource: Resource, row: Row, reply: Reply) -> Raw | Unreadable | None:
        whole = codec.read_one(reply, resource, self._at.system)
        if whole is None:
            return None
        head = codec.head(whole, resource, self._at.zone)
        where = f"{resource.name} {row.head.key}"
        if head is None or head.key != row.head.key:
            why = f"asked for {row.head.key}, the answer is another record or none"
            return codec.unreadable(whole, resource, where, why)
        if head.type != row.head.type:
            return codec.unreadable(row.raw, resource, where, _shared(head.type, row.head.type))
        return codec.raw_record(whole, resource, head, self._at.clock.now())

    @contextlib.contextmanager
    def _ahead(self, calls: Iterable[Call]) -> Iterator[Iterator[Reply]]:
        """The replies to reads, in order; reading ahead ends with the block."""
        replies = self._runner.send_all(calls)
        try:
            yield replies
        finally:
            close = getattr(replies, "close", None)
            if close is not None:
                close()

    def _sorted_out(
        self, resource: Resource, number: int, listed: ListPage, seen: dict[str, str]
    ) -> tuple[tuple[Row, ...], tuple[Unreadable, ...]]:
        rows: list[Row] = []
        bad: list[Unreadable] = []
        for index, raw in enumerate(listed.rows, start=1):
            head = codec.head(raw, resource, self._at.zone)
            if head is None:
                where = f"{resource.listing} page {number} row {index}"
                bad.append(codec.unreadable(raw, resource, where, f"the row has no usable {resource.key}"))
            elif head.key not in seen:
                seen[head.key] = head.type
                rows.append(Row(raw, head))
            elif seen[head.key] != head.type:
                bad.append(
                    codec.unreadable(raw, resource, f"{resource.name} {head.key}", _shared(seen[head.key], head.type))
                )
        return tuple(rows), tuple(bad)


def _shared(one: str, other: str) -> str:
    """Why a record is not handed over whose number another one has: U8's `get` takes a number and no type (A1)."""
    return (
        f"documents of the types {one or 'none'} and {other or 'none'} have the same number, by which U8 cannot tell them"
        " apart; give them numbers of their own in U8"
    )
