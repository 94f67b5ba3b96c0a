"""Mapping again what is already here: records in quarantine after the cause was mended, all copies after a mapping was edited.

Nothing is fetched: the texts as sent are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.run import RunStatus
from ledgerbridge.store import Store, Tx, copies, quarantine, streams
from ledgerbridge.store.observed import State
from ledgerbridge.store.quarantine import Entry, QuarantineState

from .decode import Decode
from .step import Progress, StepResult, begun

_ROWS: Final = 1000


def replay(
    store: Store,
    system: str,
    kind: Kind,
    decode: Decode,
    *,
    run_id: str,
    ids: Collection[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> StepResult:
    """Map the open entries of a stream again, or those named (also ones that were set aside).

    What maps now is stored and its entry closed; what still does not stays, with today's reasons. Pieces that are no records
    cannot be replayed: the note says how many there are, and a full pull settles them.
    """
    step = begun(store, system, kind, decode, run_id=run_id, step="replay", progress=progress)
    after, pieces, complete = "", 0, False
    interrupted = False
    try:
        while not complete:
            if stop is not None and stop():
                interrupted = True
                break
            with step.group(settled_as=QuarantineState.REPLAYED) as group:
                found = _entries(group.tx, system, kind, ids, after)
                raws = [raw for raw in (entry.as_raw() for entry in found) if raw is not None]
                group.take(raws)
            pieces += len(found) - len(raws)
            complete = len(found) < _ROWS
            after = found[-1].id if found else after
            step.tell()
    except KeyboardInterrupt:
        interrupted = True
    note = f"{pieces} pieces in quarantine are no records; only reading them again can settle them" if pieces else None
    return step.finished(complete=complete, interrupted=interrupted, note=note)


def remap(
    store: Store,
    system: str,
    kind: Kind,
    decode: Decode,
    *,
    run_id: str,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> StepResult:
    """Map all stored copies of a stream by its present mapping; goes on where an earlier attempt stopped.

    The last good copy of a record in quarantine is mapped anew too and stays flagged: replay its entry afterwards.
    """
    wanted = decode.fingerprint
    start = 0

    def begin(tx: Tx, before: streams.StreamState, _now_us: int) -> None:
        nonlocal start
        start = before.remap_at or 0 if before.remap_to == wanted else 0
        streams.note(tx, system, kind, run_id, remap_to=wanted, remap_at=start)

    step = begun(store, system, kind, decode, run_id=run_id, step="remap", progress=progress, also=begin)
    after, complete, interrupted = start, False, False
    try:
        while not complete:
            if stop is not None and stop():
                interrupted = True
                break
            with step.group(anew=True, keep_flaws=True) as group:
                states = (State.LIVE, State.FILTERED)
                found = copies.after_id(group.tx, system, kind, after, limit=_ROWS, states=states)
                group.take([raw for raw in (copy.as_raw() for copy in found) if raw is not None])
                after = found[-1].id if found else after
                streams.note(group.tx, system, kind, run_id, remap_at=after)
            complete = len(found) < _ROWS
            step.tell()
    except KeyboardInterrupt:
        interrupted = True

    def also(tx: Tx, _now_us: int) -> None:
        if complete:
            streams.note(tx, system, kind, run_id, mapping=wanted, remap_to=None, remap_at=None)

    return step.finished(complete=complete, interrupted=interrupted, audited=complete, also=also)


def brought_up_to_date(
    store: Store,
    system: str,
    kind: Kind,
    decode: Decode,
    *,
    run_id: str,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> tuple[StepResult, ...]:
    """Remap and replay a stream if its mapping has changed since its copies were made; nothing if not."""
    with store.reading() as tx:
        before = streams.get(tx, system, kind)
    if before.mapping is None or before.mapping == decode.fingerprint:
        return ()
    remapped = remap(store, system, kind, decode, run_id=run_id, progress=progress, stop=stop)
    if remapped.status in {RunStatus.FAILED, RunStatus.INTERRUPTED}:
        return (remapped,)
    return remapped, replay(store, system, kind, decode, run_id=run_id, progress=progress, stop=stop)


def _entries(tx: Tx, system: str, kind: Kind, ids: Collection[str] | None, after: str) -> list[Entry]:
    if ids is None:
        return quarantine.entries(tx, system=system, kind=kind, after=after, limit=_ROWS)
    wanted = [entry_id for entry_id in sorted(ids) if entry_id > after][:_ROWS]
    found = (quarantine.get(tx, entry_id) for entry_id in wanted)
    may = {QuarantineState.OPEN, QuarantineState.DISCARDED}
    return [entry for entry in found if entry and (entry.system, entry.kind) == (system, kind) and entry.state in may]
