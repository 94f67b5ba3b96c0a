"""One walk over one stream: pages from the connector, groups into the store, the cursor with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ledgerbridge.connectors.base import Connector, Page
from ledgerbridge.errors import BadReply, LedgerbridgeError, StaleRecord, StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.store import Store, Tx, quarantine, streams

from .decode import Decode
from .step import Progress, Step, StepResult, begun, translated
from .stream import AHEAD, Stopped, fetching, groups

GROUP_ROWS: Final = 2000
"""Records a transaction: beyond a few thousand a larger one gains nothing (PERFORMANCE.md 4)."""
GROUP_WAIT_S: Final = 1.0
"""How long what was read may wait for more before it is stored."""


def walk(
    store: Store,
    connector: Connector,
    system: str,
    kind: Kind,
    decode: Decode,
    *,
    run_id: str,
    limit: int,
    full: bool = False,
    audited: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    group_rows: int = GROUP_ROWS,
    ahead: int = AHEAD,
) -> StepResult:
    """Read what has changed (or everything), and store it.

    What was stored before an error or a stop stands, and the next walk goes on from there; an unfinished full walk goes on
    as a full one. StoreError is raised, since nothing can be noted then; every other error is in the result. A full walk's
    closing totals are counted anew.
    """
    begin = _Begin(system, kind, run_id, decode.fingerprint, wanted_full=full)
    step = begun(store, system, kind, decode, run_id=run_id, step="pull", progress=progress, also=begin)
    handed_over = _Count(system)

    def start() -> Iterator[Page]:
        return handed_over.counting(connector.pull(kind, cursor=begin.cursor, limit=limit))

    error: LedgerbridgeError | None = None
    complete = interrupted = False
    try:
        with fetching(start, ahead=ahead) as pages:
            monotonic = store.clock.monotonic
            for group in groups(pages, rows=group_rows, wait_s=GROUP_WAIT_S, monotonic=monotonic, stop=stop):
                _store(step, group)
                complete, total = group[-1].last, group[-1].total
                group.clear()
                step.tell(total)
    except StoreError:
        raise
    except (KeyboardInterrupt, Stopped):
        interrupted = not complete
    except Exception as caught:  # noqa: BLE001 (whatever a connector does, the run's books are closed)
        error = translated(caught, system)
    if not (complete or interrupted or error):
        error = BadReply("the walk ended without a last page; what was read is stored", system=system)

    def also(tx: Tx, now_us: int) -> None:
        if not complete:
            return
        if begin.full and begin.walk_started_us is not None:
            quarantine.settle_unseen(tx, system, kind, since_us=begin.walk_started_us, now_us=now_us)
        streams.end_walk(tx, system, kind, run_id, full=begin.full, now_us=now_us)

    return step.finished(
        complete=complete,
        handed_over=handed_over.records,
        audited=audited or (begin.full and complete),
        error=error,
        interrupted=interrupted,
        also=also,
    )


def _store(step: Step, pages: list[Page]) -> None:
    """One transaction: the records of these pages, what they did, and the cursor after them."""
    with step.group() as group:
        records = pages[0].records if len(pages) == 1 else [raw for page in pages for raw in page.records]
        unreadable = [item for page in pages for item in page.unreadable]
        group.take(records, unreadable, pages=len(pages))
        streams.advance(group.tx, step.system, step.kind, step.run_id, cursor=pages[-1].cursor, now_us=group.now_us)


class _Begin:
    """Decides, as the stream is taken over, where the walk begins."""

    def __init__(self, system: str, kind: Kind, run_id: str, mapping: str, *, wanted_full: bool) -> None:
        self._key = (system, kind, run_id)
        self._mapping = mapping
        self._wanted_full = wanted_full
        self.full = wanted_full
        self.cursor: str | None = None
        self.walk_started_us: int | None = None

    def __call__(self, tx: Tx, before: streams.StreamState, now_us: int) -> None:
        system, kind, run_id = self._key
        if before.mapping is None:
            streams.note(tx, system, kind, run_id, mapping=self._mapping)
        elif before.mapping != self._mapping:
            raise StaleRecord(
                f"{system}/{kind}: the mapping has changed; the stored copies must be mapped anew before a pull"
            )
        self.cursor = before.cursor
        if before.full_walk and before.cursor is not None:  # goes on where it was cut short
            self.full, self.walk_started_us = True, before.walk_started_us
            return
        self.full = self._wanted_full or before.cursor is None
        if self.full:
            self.cursor = None
        self.walk_started_us = now_us
        streams.begin_walk(tx, system, kind, run_id, full=self.full, now_us=now_us)


class _Count:
    """Counts what the connector hands over, as it does so; refuses a walk that stands still."""

    def __init__(self, system: str) -> None:
        self._system = system
        self.records = 0

    def counting(self, pages: Iterator[Page]) -> Iterator[Page]:
        before: Page | None = None
        try:
            for page in pages:
                if before is not None and _same_page(before, page):
                    raise BadReply(
                        "the far side sent the same page twice in a row; the walk would never end", system=self._system
                    )
                self.records += len(page.records) + len(page.unreadable)
                before = page
                yield page
        finally:
            close = getattr(pages, "close", None)
            if close is not None:
                close()


def _same_page(before: Page, page: Page) -> bool:
    """Not last, not empty, the same cursor and the same records in the same order."""
    if page.last or before.cursor != page.cursor or not page.records or len(before.records) != len(page.records):
        return False
    return all(
        old.external_id == new.external_id and old.digest == new.digest
        for old, new in zip(before.records, page.records, strict=True)
    )
