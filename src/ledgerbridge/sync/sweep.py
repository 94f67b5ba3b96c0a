"""Finding what has vanished at a far side that reports no deletions: its list of ids against the copies we hold.

A list can be cut short, filtered by somebody's rights, or move while it is read, so nothing is believed at once: an
incomplete list, or one that would delete suspiciously much, deletes nothing and is reported; and what is missing from it is
looked up one by one, up to a bound, before anything is marked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ledgerbridge.connectors.base import Connector, DeleteStrategy
from ledgerbridge.errors import LedgerbridgeError, StoreError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.store import Store, Tx, keys, streams

from .decode import Decode
from .step import Progress, Step, StepResult, begun, translated
from .stream import Stopped

_ROWS: Final = 2000
_GONE: Final = b"{}"


@dataclass(frozen=True, slots=True)
class SweepPolicy:
    """How much may vanish at once. Up to `vanish_always` records, or `vanish_percent_max` of those held, whichever is more.

    `confirm_max` missing records are looked up one by one. If one of them exists after all, the list was wrong and only
    those looked up and not found are marked; if none does, the rest is marked as well.
    """

    vanish_percent_max: int = 10
    vanish_always: int = 20
    confirm_max: int = 200


@dataclass(slots=True)
class _Found:
    gone: list[tuple[str, str]]
    alive: list[Raw]
    missing: int


def sweep(
    store: Store,
    connector: Connector,
    system: str,
    kind: Kind,
    decode: Decode,
    *,
    run_id: str,
    policy: SweepPolicy | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> StepResult | None:
    """Mark the copies of records that no longer exist; None for a kind whose deletions are not found this way."""
    if connector.capabilities.deletes.get(kind) is not DeleteStrategy.KEY_SWEEP:
        return None
    rules = policy or SweepPolicy()

    def begin(tx: Tx, _before: streams.StreamState, _now_us: int) -> None:
        keys.clear(tx, system, kind)

    step = begun(store, system, kind, decode, run_id=run_id, step="sweep", progress=progress, also=begin)
    error: LedgerbridgeError | None = None
    note: str | None = None
    complete = interrupted = False
    try:
        _list(step, connector, stop)
        note = _suspicious(step, rules)
        if note is None:
            found = _looked_up(step, connector, rules, stop)
            note = _mark(step, found)
        complete = True
    except StoreError:
        raise
    except (KeyboardInterrupt, Stopped):
        interrupted = True
    except Exception as caught:  # noqa: BLE001 (whatever a connector does, the run's books are closed)
        error = translated(caught, system)

    def also(tx: Tx, now_us: int) -> None:
        keys.clear(tx, system, kind)
        if complete and note is None:
            streams.note(tx, system, kind, run_id, sweep_us=now_us)

    doubtful = note is not None
    return step.finished(
        complete=complete, error=error, interrupted=interrupted, note=note, doubtful=doubtful, also=also
    )


def _list(step: Step, connector: Connector, stop: Callable[[], bool] | None) -> None:
    for page in connector.keys(step.kind):
        if stop is not None and stop():
            raise Stopped
        with step.store.writing(durable=False) as tx:
            streams.check_held(tx, step.system, step.kind, step.run_id)
            keys.add(tx, step.system, step.kind, page)


def _suspicious(step: Step, rules: SweepPolicy) -> str | None:
    """Why the list is not believed; None if it is."""
    with step.store.reading() as tx:
        held = keys.held(tx, step.system, step.kind)
        listed = keys.listed(tx, step.system, step.kind)
        missing = keys.vanished_count(tx, step.system, step.kind)
    if held and not listed:
        return f"the far side listed no records at all while {held} are held here; nothing was marked deleted"
    allowed = max(rules.vanish_always, held * rules.vanish_percent_max // 100)
    if missing > allowed:
        return (
            f"{missing} of {held} records are missing from the far side's list ({listed} listed), more than the {allowed} "
            "that may vanish at once; nothing was marked deleted. Check the connection's rights and filters; if they really "
            "are gone, allow more for one run"
        )
    return None


def _looked_up(step: Step, connector: Connector, rules: SweepPolicy, stop: Callable[[], bool] | None) -> _Found:
    with step.store.reading() as tx:
        missing = keys.vanished_count(tx, step.system, step.kind)
        candidates = keys.vanished(tx, step.system, step.kind, limit=rules.confirm_max)
    found = _Found([], [], missing)
    for external_id, wire_type in candidates:
        if stop is not None and stop():
            raise Stopped
        raw = connector.get(Ref(system=step.system, kind=step.kind, external_id=external_id))
        if raw is None or raw.deleted:
            found.gone.append((external_id, wire_type))
        else:
            found.alive.append(raw)
    return found


def _mark(step: Step, found: _Found) -> str | None:
    """Mark what is gone, store what turned out to exist; a note if the list was wrong."""
    with step.group() as group:
        group.take([*found.alive, *_tombstones(step, found.gone)], pages=0)
    step.tell()
    if found.alive:
        left = found.missing - len(found.alive) - len(found.gone)
        return (
            f"the far side's list left out {len(found.alive)} records that exist; only the {len(found.gone)} looked up and "
            f"not found were marked deleted, {left} others were left as they are"
        )
    more = True
    while more:
        with step.group() as group:
            rest = keys.vanished(group.tx, step.system, step.kind, limit=_ROWS)
            group.take(_tombstones(step, rest), pages=0)
        more = len(rest) == _ROWS
        step.tell()
    return None


def _tombstones(step: Step, gone: list[tuple[str, str]]) -> list[Raw]:
    now = step.store.clock.now()
    digest = digest_of(_GONE)
    return [
        Raw(
            kind=step.kind,
            wire_type=wire_type,
            external_id=external_id,
            body=_GONE,
            digest=digest,
            fetched_at=now,
            deleted=True,
        )
        for external_id, wire_type in gone
    ]
