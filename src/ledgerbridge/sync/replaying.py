"""Replaying quarantine over all streams in one run of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledgerbridge.model.base import Kind
from ledgerbridge.store import Store, quarantine, runs, to_us
from ledgerbridge.store.quarantine import Entry

from .decode import Decode
from .pull import PullResult, new_run_id, run_status
from .replay import replay
from .step import StepResult


def replay_all(
    store: Store,
    decode: Callable[[str, Kind], Decode],
    *,
    entries: Sequence[Entry] | None = None,
    system: str | None = None,
) -> PullResult:
    """Map quarantined records again with today's mappings: `entries`, or all open ones (of `system`).

    Raises StoreError, and what `decode` raises for a stream whose mapping cannot be used, before anything is changed.
    """
    with store.reading() as tx:
        waiting = quarantine.open_counts(tx)
    streams = sorted({(e.system, e.kind) for e in entries} if entries is not None else set(waiting))
    wanted = [stream for stream in streams if system in (None, stream[0])]
    mappings = {stream: decode(*stream) for stream in wanted}
    run_id = new_run_id(store.clock)
    with store.writing() as tx:
        runs.begin(tx, run_id, "replay", to_us(store.clock.now()))
    steps: list[StepResult] = []
    for name, kind in wanted:
        ids = [e.id for e in entries if (e.system, e.kind) == (name, kind)] if entries is not None else None
        steps.append(replay(store, name, kind, mappings[name, kind], run_id=run_id, ids=ids))
    status = run_status(steps, ())
    with store.writing() as tx:
        runs.end(tx, run_id, status, None, to_us(store.clock.now()))
    return PullResult(run_id, status, tuple(steps))
