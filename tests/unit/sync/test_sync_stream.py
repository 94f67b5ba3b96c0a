"""Pages in groups: order kept, nothing lost, errors in their turn, memory bounded, the iterator closed where it ran."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ledgerbridge.connectors.base import Page
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw
from ledgerbridge.sync.stream import Stopped, fetching, groups


def page(number: int, *, rows: int = 10, last: bool = False) -> Page:
    raw = Raw(Kind.INVOICE, "t", str(number), b"{}", b"", datetime(2026, 1, 1, tzinfo=UTC))
    return Page(records=(raw,) * rows, cursor=str(number), last=last)


def cursors(found: list[list[Page]]) -> list[list[str]]:
    return [[one.cursor for one in group] for group in found]


def still() -> float:
    return 0.0


def test_groups_hold_about_as_many_rows_as_asked_and_end_with_the_last_page() -> None:
    def walk() -> Iterator[Page]:
        for number in range(5):
            yield page(number, last=number == 4)
        raise AssertionError("read on after the last page")

    with fetching(walk) as pages:
        found = list(groups(pages, rows=20, wait_s=60, monotonic=still))
    assert cursors(found) == [["0", "1"], ["2", "3"], ["4"]]


def test_what_was_read_before_an_error_comes_first() -> None:
    def walk() -> Iterator[Page]:
        yield page(0)
        yield page(1)
        raise ValueError("torn")

    with fetching(walk) as pages:
        stretch = groups(pages, rows=1000, wait_s=60, monotonic=still)
        assert [one.cursor for one in next(stretch)] == ["0", "1"]
        with pytest.raises(ValueError, match="torn"):
            next(stretch)


def test_a_walk_that_ends_without_a_last_page_ends_the_groups() -> None:
    with fetching(lambda: iter([page(0)])) as pages:
        assert cursors(list(groups(pages, rows=1000, wait_s=60, monotonic=still))) == [["0"]]


def test_a_page_does_not_wait_for_more_than_its_time() -> None:
    more = threading.Event()

    def walk() -> Iterator[Page]:
        yield page(0)
        more.wait(10)
        yield page(1, last=True)

    with fetching(walk) as pages:
        stretch = groups(pages, rows=1000, wait_s=0.0, monotonic=still)
        assert [one.cursor for one in next(stretch)] == ["0"]
        more.set()
        assert [one.cursor for one in next(stretch)] == ["1"]


def test_fetching_stays_a_few_pages_ahead_and_is_closed_in_its_own_thread() -> None:
    handed: list[int] = []
    closed_by: list[str] = []
    full = threading.Event()

    def walk() -> Iterator[Page]:
        try:
            for number in range(1000):
                handed.append(number)
                if number == 3:
                    full.set()
                yield page(number)
        finally:
            closed_by.append(threading.current_thread().name)

    with fetching(walk, ahead=2) as pages:
        assert pages.next() is not None
        assert full.wait(5)
        assert len(handed) <= 5
    assert closed_by == ["ledgerbridge-fetch"]


def test_asked_to_stop_it_gives_out_what_it_has_and_stops_even_while_the_far_side_is_slow() -> None:
    forever, asked = threading.Event(), threading.Event()

    def walk() -> Iterator[Page]:
        yield page(0)
        forever.wait(20)
        yield page(1)

    def stop() -> bool:
        return asked.is_set()

    try:
        with fetching(walk) as pages:
            stretch = groups(pages, rows=1000, wait_s=60, monotonic=still, stop=stop)
            threading.Timer(0.05, asked.set).start()
            assert [one.cursor for one in next(stretch)] == ["0"]
            with pytest.raises(Stopped):
                next(stretch)
            forever.set()
    finally:
        forever.set()
