"""Walk a vendor's list to its end so that nothing is missed: pages may move while they are read."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.errors import Unavailable

from .codec_lists import Entry, ListPage, entry_of, read_page
from .resources import Resource, Span, list_call

PASSES_MAX: Final = 6
Pages = Generator[ListPage, None, None]


@contextlib.contextmanager
def ahead(runner: Runner, calls: Iterable[Call]) -> Iterator[Iterator[Reply]]:
    """The replies to reads in order, read ahead; at the end of the block nothing is under way any more."""
    replies = runner.send_all(calls)
    try:
        yield replies
    finally:
        close = getattr(replies, "close", None)
        if close is not None:
            close()


class Pass:
    """What one pass over a list's pages has seen, so as to tell whether it may have missed a row.

    No order of lists is documented (B5): a row that changes may go to the end, and a row that goes away moves all others
    up. Either way a row can slip from a page not yet read to one already read.
    """

    def __init__(self) -> None:
        self.pages = 0
        self._rows: int | None = 0
        self._fell = False
        self._seen = hashlib.blake2b(digest_size=16)

    def saw(self, page: ListPage) -> None:
        """One more page."""
        if page.row_count is not None and self._rows is not None and self.pages and page.row_count < self._rows:
            self._fell = True
        self._rows = page.row_count
        self.pages += 1
        for row in page.rows:
            self._seen.update(bytes(row))

    @property
    def fingerprint(self) -> bytes:
        """The same for passes that saw the same rows in the same order."""
        return self._seen.digest()

    def sure(self, distinct: int) -> bool:
        """Whether nothing can have been missed: one page only, or as many different rows as the list says it has."""
        return self.pages <= 1 or (self._rows is not None and not self._fell and distinct >= self._rows)


@dataclass(slots=True)
class Listing:
    """The records that one pass over a list saw: each once and as it was last."""

    resource: Resource
    entries: dict[str, Entry] = field(default_factory=dict)

    def take(self, page: ListPage, number: int) -> None:
        """One more page. A record of several rows keeps those of its newest change."""
        for index, row in enumerate(page.rows):
            entry = entry_of(row, self.resource, f"{self.resource.wire_type} list page {number} row {index + 1}")
            held = self.entries.get(entry.record_id)
            if held is None or entry.stamp > held.stamp:
                self.entries[entry.record_id] = entry
            elif entry.stamp == held.stamp:
                held.rows += tuple(one for one in entry.rows if one not in held.rows)

    @property
    def distinct(self) -> int:
        """How many different rows that is."""
        return sum(len(entry.rows) or 1 for entry in self.entries.values())


@dataclass(slots=True)
class Passing:
    """Hands rows on, a row that was handed on before as well, and counts them by id."""

    to: Callable[[msgspec.Raw], None]
    like: Resource
    seen: set[str] = field(default_factory=set)

    def take(self, page: ListPage, _: int) -> None:
        """One more page."""
        for row in page.rows:
            self.seen.add(entry_of(row, self.like, "").record_id)
            self.to(row)

    @property
    def distinct(self) -> int:
        """How many different rows that is."""
        return len(self.seen)


S = TypeVar("S", Listing, Passing)


class Lists:
    """Reads lists of one tenant, ahead as far as the runner allows."""

    def __init__(self, runner: Runner, system: str, page_size: int | None) -> None:
        self._runner = runner
        self._system = system
        self._page_size = page_size

    def size(self, resource: Resource) -> int:
        """Rows of one call."""
        return min(self._page_size or resource.page_size_max, resource.page_size_max)

    def first(self, resource: Resource, span: Span) -> ListPage:
        """The first page: it says how much there is."""
        return self._page(list_call(resource, span, 1, self.size(resource)), bare=resource.bare)

    def pages(self, resource: Resource, span: Span, first: ListPage | None = None) -> Pages:
        """All pages, once."""
        size = self.size(resource)
        return self._all(lambda page: list_call(resource, span, page, size), size, bare=resource.bare, first=first)

    def listing(self, resource: Resource, span: Span, first: ListPage | None = None) -> Listing:
        """Every record of a list, by its head only. The pages are read again as long as some row may have slipped through."""
        return self._sure(
            lambda begun: self.pages(resource, span, begun), lambda: Listing(resource), resource.wire_type, first
        )

    def rows(
        self, call: Callable[[int, int], Call], take: Callable[[msgspec.Raw], None], like: Resource, what: str
    ) -> None:
        """Hand every row of another list to `take`, some more than once; `call` makes the call for a page and a size, which
        is that of `like`.
        """
        size = self.size(like)

        def walk(begun: ListPage | None) -> Pages:
            return self._all(lambda page: call(page, size), size, bare=False, first=begun)

        self._sure(walk, lambda: Passing(take, like), what, None)

    def _sure(
        self, walk: Callable[[ListPage | None], Pages], begin: Callable[[], S], what: str, first: ListPage | None
    ) -> S:
        """What a pass saw that missed nothing. Unavailable if there is none."""
        before = b""
        for _ in range(PASSES_MAX):
            seen, this = begin(), Pass()
            with contextlib.closing(walk(first)) as pages:
                for page in pages:
                    this.saw(page)
                    seen.take(page, this.pages)
            first = None
            # two passes that saw the very same met no row on the move: that settles lists that do not count, or not rows
            if this.sure(seen.distinct) or this.fingerprint == before:
                return seen
            before = this.fingerprint
        raise Unavailable(f"the list of {what} changes faster than it can be read", system=self._system)

    def _all(self, call: Callable[[int], Call], size: int, *, bare: bool, first: ListPage | None) -> Pages:
        page = first or self._page(call(1), bare=bare)
        yield page
        number = 1
        if bare:  # no totals: a page shorter than asked for is the last one (B7)
            while len(page.rows) >= size:
                number += 1
                page = self._page(call(number), bare=True)
                yield page
            return
        while number < (page.page_count or 0):
            with ahead(self._runner, (call(one) for one in range(number + 1, (page.page_count or 0) + 1))) as replies:
                for reply in replies:
                    number += 1
                    page = read_page(reply, self._system, bare=False)
                    yield page

    def _page(self, call: Call, *, bare: bool) -> ListPage:
        return read_page(self._runner.send(call), self._system, bare=bare)
