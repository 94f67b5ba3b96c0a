"""Pages in groups: fetching goes on in one thread while what was fetched is judged and stored.

The connector's iterator lives in the producing thread alone: it is advanced and closed there. A group ends when it holds
enough records, when its first page has waited long enough, or when the walk ends.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ledgerbridge.connectors.base import Page

AHEAD: Final = 4
"""Pages that may wait between fetching and storing: enough to cover a commit, few enough to keep memory flat."""
_JOIN_S: Final = 10.0
_LOOK_S: Final = 0.25
"""How often a wait for a slow far side looks up to see whether it should stop."""


class Stopped(Exception):
    """Somebody asked to stop."""


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


class Pages:
    """What has been fetched and not yet taken. `next` gives pages in order, then None; the walk's error is raised in its turn."""

    def __init__(self, start: Callable[[], Iterator[Page]], ahead: int) -> None:
        self._start = start
        self._waiting: queue.Queue[Page | _End] = queue.Queue(maxsize=ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fetch, name="ledgerbridge-fetch", daemon=True)
        self._ended: _End | None = None
        self._thread.start()

    def next(self, timeout_s: float | None = None) -> Page | None:
        """The next page; None at the end of the walk. TimeoutError if there is none yet after `timeout_s`."""
        if self._ended is None:
            try:
                found = self._waiting.get(timeout=timeout_s)
            except queue.Empty:
                raise TimeoutError from None
            if isinstance(found, Page):
                return found
            self._ended = found
        if self._ended.error is not None:
            raise self._ended.error
        return None

    def close(self) -> None:
        """Stop fetching; waits for a call that is under way, but not for ever."""
        self._stop.set()
        while True:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                break
        self._thread.join(_JOIN_S)

    def _fetch(self) -> None:
        error: BaseException | None = None
        try:
            pages = self._start()
            try:
                for page in pages:
                    if not self._put(page) or page.last:
                        break
            finally:
                close = getattr(pages, "close", None)
                if close is not None:
                    close()
        except BaseException as caught:  # noqa: BLE001 (raised again where the pages are taken)
            error = caught
        self._put(_End(error))

    def _put(self, item: Page | _End) -> bool:
        while not self._stop.is_set():
            try:
                self._waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


@contextmanager
def fetching(start: Callable[[], Iterator[Page]], *, ahead: int = AHEAD) -> Iterator[Pages]:
    """Fetch in a thread as long as the block lasts."""
    pages = Pages(start, ahead)
    try:
        yield pages
    finally:
        pages.close()


def groups(
    pages: Pages,
    *,
    rows: int,
    wait_s: float,
    monotonic: Callable[[], float],
    stop: Callable[[], bool] | None = None,
) -> Iterator[list[Page]]:
    """Pages in lists of about `rows` records, none older than about `wait_s`. Ends with the last page.

    Who has done with a list may empty it, so that its records are not held while the next ones are read.

    An error of the walk, and Stopped once `stop` says so, is raised after the pages before it were given out as a group.
    """
    group: list[Page] = []
    held, due = 0, 0.0
    while True:
        try:
            page = _next(pages, due if group else None, monotonic, stop)
        except TimeoutError:
            page = None
        except BaseException:
            if group:
                yield group
            raise
        else:
            if page is None:  # the iterator ended
                if group:
                    yield group
                return
            if not group:
                due = monotonic() + wait_s
            group.append(page)
            held += len(page.records) + len(page.unreadable)
            if not page.last and held < rows:
                continue
        last = group[-1].last
        yield group
        if last:
            return
        group, held = [], 0


def _next(
    pages: Pages, due: float | None, monotonic: Callable[[], float], stop: Callable[[], bool] | None
) -> Page | None:
    """The next page; TimeoutError when it is due, Stopped when asked to stop."""
    while True:
        if stop is not None and stop():
            raise Stopped
        left = None if due is None else max(0.0, due - monotonic())
        try:
            return pages.next(_LOOK_S if left is None else min(_LOOK_S, left))
        except TimeoutError:
            if left is not None and left <= _LOOK_S:
                raise
