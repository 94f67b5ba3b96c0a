"""The time of leases, settle windows and delays on SQLite: it goes on with the machine, whatever its clock is set to.

A window that ends because somebody set the clock ahead ends before what was sent has settled, and a write that is then sent
again may stand twice. So the time of operations is the time since the machine was started plus a number that is stored with
the name of that start: all processes count alike, and none jumps.

Where that time and the clock differ, the windows are moved along with it as soon as nobody holds one: :func:`follow`. After
another start of the machine nobody knows how long it was off: the clock is believed, and every wait begins anew.
"""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

from datetime import datetime
from typing import Final

from ledgerbridge.clock import BootClock, Clock, SinceBoot
from ledgerbridge.model.operation import DEAD_LETTERS, OpState

from . import bulk, facts
from .tx import Tx, from_us, to_us

_FACT: Final = "queue_clock"
_AGREES_US: Final = 2_000_000
"""Two clocks that are read one after the other differ by what lies in between; a clock that was set differs by more."""
_UNDER_WAY: Final = (OpState.LEASED, OpState.SENT, OpState.UNCERTAIN, OpState.CONFIRMED)
_HELD_OVER: Final = (OpState.READY, *sorted(DEAD_LETTERS))
"""What nobody holds and may yet be sent again."""
_OF_GATES: Final = ("opened_us", "probe_us", "next_slot_us", "resume_us", "window_us", "budget_us")


def now(tx: Tx, clock: Clock) -> datetime:
    """What time it is for operations; `clock` itself where the machine does not tell how long it has been running.

    The first transaction after a start of the machine that may write notes the start; until then a reader is told the clock.
    """
    since = _since(tx, clock)
    if since is None:
        return clock.now()
    offset_us = _offset_us(tx, since)
    if offset_us is not None:
        return from_us(since.us + offset_us)
    at = clock.now()
    if not _only_reads(tx):
        _begin(tx, since, to_us(at))
    return at


def strays(tx: Tx, clock: Clock) -> bool:
    """Whether :func:`follow` has something to do; a cheap question."""
    since = _since(tx, clock)
    if since is None:
        return False
    offset_us = _offset_us(tx, since)
    if offset_us is None:
        return True
    return abs(_gap_us(clock, since, offset_us)) > _AGREES_US and not _under_way(tx)


def follow(tx: Tx, clock: Clock) -> None:
    """Take the clock's word for what time it is, where nothing is under way: all that is waited for moves by as much, so that
    no wait becomes shorter or longer.
    """
    since = _since(tx, clock)
    if since is None:
        return
    now(tx, clock)
    if not strays(tx, clock):
        return
    offset_us = _offset_us(tx, since)
    assert offset_us is not None  # noted by the call of `now` above
    gap_us = _gap_us(clock, since, offset_us)
    columns = ("not_before_us", "send_deadline_us", "sent_us", "updated_us")
    moved = ", ".join(f"{column} = {column} + ?" for column in columns)
    for state in _HELD_OVER:
        bulk.run(tx, f"UPDATE operation SET {moved} WHERE state = '{state.value}'", (gap_us,) * len(columns))
    gates_moved = ", ".join(f"{column} = {column} + ?" for column in _OF_GATES)
    bulk.run(tx, f"UPDATE target_gate SET {gates_moved}", (gap_us,) * len(_OF_GATES))
    restored = facts.restored_us(tx)
    if restored is not None:
        facts.put(tx, "restored_us", str(restored + gap_us))
    _note(tx, since, offset_us + gap_us)


def _begin(tx: Tx, since: SinceBoot, at_us: int) -> None:
    """Another start of the machine: who held something is gone, and every wait begins anew with this look."""
    waits = "min(not_before_us, ? + max(0, not_before_us - updated_us))"
    anew = (
        f"UPDATE operation SET not_before_us = {waits}, "
        "send_deadline_us = CASE WHEN send_deadline_us IS NULL THEN NULL ELSE ? END, "
        "lease_until_us = CASE WHEN lease_until_us IS NULL THEN NULL ELSE ? END WHERE state = "
    )
    for state in (*_UNDER_WAY, *_HELD_OVER):
        bulk.run(tx, f"{anew}'{state.value}'", (at_us, at_us, at_us))
    sooner = ", ".join(f"{column} = min({column}, ?)" for column in _OF_GATES)
    bulk.run(tx, f"UPDATE target_gate SET {sooner}", (at_us,) * len(_OF_GATES))
    if facts.restored_us(tx) is not None:
        facts.put(tx, "restored_us", str(at_us))
    _note(tx, since, at_us - since.us)


def _since(tx: Tx, clock: Clock) -> SinceBoot | None:
    return clock.since_boot() if tx.sqlite and isinstance(clock, BootClock) else None


def _offset_us(tx: Tx, since: SinceBoot) -> int | None:
    """What to add to the time since this start of the machine; None if it was not noted yet."""
    found = bulk.rows_of(tx, "SELECT value FROM workspace WHERE name = ?", (_FACT,))
    boot, _, offset_us = found[0][0].rpartition(" ") if found else ("", "", "")
    return int(offset_us) if boot == since.boot else None


def _note(tx: Tx, since: SinceBoot, offset_us: int) -> None:
    facts.put(tx, _FACT, f"{since.boot} {offset_us}")


def _gap_us(clock: Clock, since: SinceBoot, offset_us: int) -> int:
    """How far the clock is ahead."""
    return to_us(clock.now()) - since.us - offset_us


def _under_way(tx: Tx) -> bool:
    asked = (f"SELECT 1 FROM operation WHERE state = '{state.value}' LIMIT 1" for state in _UNDER_WAY)
    return any(bulk.rows_of(tx, sql, ()) for sql in asked)


def _only_reads(tx: Tx) -> bool:
    return bool(bulk.rows_of(tx, "PRAGMA query_only", ())[0][0])
