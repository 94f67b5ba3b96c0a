"""Walk a vendor's list to its end so that nothing is missed: pages may move while they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

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


@dataclass(slots=True)
class Pass:
    """What one pass over a list's pages has seen, so as to tell whether it may have missed a row.

    No order of lists is documented (B5): a row that changes may go to the end, and a row that goes away moves all others
    up. Either way a row can slip from a page not yet read to one already read.
    """

    pages: int = 0
    rows: int | None = 0
    fell: bool = False

    def saw(self, page: ListPage) -> None:
        """One more page."""
        if page.row_count is not None and self.rows is not None and self.pages and page.row_count < self.rows:
            self.fell = True
        self.rows = page.row_count
        self.pages += 1

    def sure(self, distinct: int) -> bool:
        """Whether nothing can have been missed: one page only, or as many different rows as the list says it has."""
        return self.pages <= 1 or (self.rows is not None and not self.fell and distinct >= self.rows)


@dataclass(slots=True)
class Listing:
    """The records of a list: each once and as it was last, whatever the pages did."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """One more row. A record of several rows keeps those of its newest change."""
        held = self.entries.get(entry.record_id)
        if held is None or entry.stamp > held.stamp:
            self.entries[entry.record_id] = entry
        elif entry.stamp == held.stamp:
            held.rows += tuple(row for row in entry.rows if row not in held.rows)

    @property
    def rows(self) -> int:
        """How many different rows that is."""
        return sum(len(entry.rows) or 1 for entry in self.entries.values())


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
        listing = Listing()

        def take(page: ListPage, number: int) -> None:
            for index, row in enumerate(page.rows):
                where = f"{resource.wire_type} list page {number} row {index + 1}"
                listing.take(entry_of(row, resource, where))

        self._until_sure(
            lambda begun: self.pages(resource, span, begun), take, lambda: listing.rows, resource.wire_type, first
        )
        return listing

    def rows(
        self, call: Callable[[int, int], Call], take: Callable[[msgspec.Raw], None], like: Resource, what: str
    ) -> None:
        """Hand every row of another list to `take`, a changed one again; `call` makes the call for a page and a size, which is
        that of `like`.
        """
        seen: set[str] = set()
        size = self.size(like)

        def page_taken(page: ListPage, _: int) -> None:
            for row in page.rows:
                seen.add(entry_of(row, like, what).record_id)
                take(row)

        self._until_sure(
            lambda begun: self._all(lambda page: call(page, size), size, bare=False, first=begun),
            page_taken,
            lambda: len(seen),
            what,
            None,
        )

    def _until_sure(
        self,
        walk: Callable[[ListPage | None], Pages],
        take: Callable[[ListPage, int], None],
        distinct: Callable[[], int],
        what: str,
        first: ListPage | None,
    ) -> None:
        for number in range(PASSES_MAX):
            before, this = distinct(), Pass()
            with contextlib.closing(walk(first)) as pages:
                for page in pages:
                    this.saw(page)
                    take(page, this.pages)
            first = None
            if this.sure(distinct()) or (number and distinct() == before):
                return
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
