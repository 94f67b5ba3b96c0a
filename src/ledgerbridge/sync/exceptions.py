"""Exceptions: record what a run found, and carry out what people decide, each act with its event and its audit entry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from ledgerbridge.clock import DEFAULT_ZONE, business_day
from ledgerbridge.errors import ActRefused
from ledgerbridge.model.exception import Event, ExceptionRecord, Finding, State
from ledgerbridge.model.sighting import Sighting, Standing, Step
from ledgerbridge.reconciler.exceptions.merging import Moment, merged
from ledgerbridge.reconciler.exceptions.moving import Actor, Moved, is_name
from ledgerbridge.reconciler.exceptions.policy import MACHINE, ExceptionPolicy
from ledgerbridge.store import Store, Tx, audit, exception_merge, exceptions, to_us
from ledgerbridge.store.exceptions import decisions_to_plan

_SCOPE = re.compile(r"^[a-z][a-z0-9_:./-]{0,99}$")
_CHUNK = 1_000

__all__ = ["Recorded", "act", "act_in", "actor", "decisions_to_plan", "one", "record"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one run's findings did to the stored exceptions of a scope. `changed` counts those that stand as before with
    another content; `same` those with nothing new.
    """

    scope: str
    found: int
    new: int = 0
    changed: int = 0
    reopened: int = 0
    gone: int = 0

    @property
    def same(self) -> int:
        """Findings that were known and say the same."""
        return self.found - self.new - self.changed - self.reopened


def record(
    tx: Tx,
    scope: str,
    findings: Iterable[Finding],
    now: datetime,
    *,
    policy: ExceptionPolicy | None = None,
    zone: ZoneInfo = DEFAULT_ZONE,
    complete: bool = True,
) -> Recorded:
    """Make the stored exceptions of a scope be what this run found.

    `scope` names what was looked at, such as ``compare:erp:crm``, ``allocation`` or ``credit``: what stands in it and is not
    found is gone, so `findings` must be all of them; pass ``complete=False`` for a run that looked at a part. Findings stream:
    nothing is held for long. Give the same scope the same name for ever.
    """
    if not _SCOPE.match(scope):
        raise ValueError(f"{scope!r} is no scope: small letters, digits and _:./- such as compare:erp:crm")
    moment = Moment(scope, now, business_day(now, zone), policy or ExceptionPolicy())
    exception_merge.begin(tx, scope)
    found = exception_merge.stage(tx, scope, findings)
    tally = {"new": 0, "changed": 0, "reopened": 0, "gone": 0}
    chunk: list[Step] = []
    for stored, seen in _joined(exception_merge.standings(tx, scope), exception_merge.sightings(tx, scope)):
        for step in merged(stored, seen, moment, complete=complete):
            tally[_word(step)] += 1
            chunk.append(step)
        if len(chunk) >= _CHUNK:
            exception_merge.carry_out(tx, scope, chunk, to_us(now))
            chunk = []
    exception_merge.carry_out(tx, scope, chunk, to_us(now))
    exception_merge.finish(tx, scope, to_us(now))
    made = Recorded(scope, found, **tally)
    if any(tally.values()):
        details: dict[str, JsonValue] = {"found": found, **tally}
        audit.append(
            tx, actor=MACHINE, action="exceptions recorded", subject=f"exceptions/{scope}", details=details, at=now
        )
    return made


def _joined(
    standings: Iterator[Standing], sightings: Iterator[Sighting]
) -> Iterator[tuple[list[Standing], list[Sighting]]]:
    """Both sides by fingerprint; each is in that order already."""
    stored_groups = ((key, list(group)) for key, group in groupby(standings, key=lambda one: one.fingerprint))
    seen_groups = ((key, list(group)) for key, group in groupby(sightings, key=lambda one: one.fingerprint))
    stored, seen = next(stored_groups, None), next(seen_groups, None)
    while stored is not None or seen is not None:
        if seen is None or (stored is not None and stored[0] < seen[0]):
            assert stored is not None
            yield stored[1], []
            stored = next(stored_groups, None)
        elif stored is None or seen[0] < stored[0]:
            yield [], seen[1]
            seen = next(seen_groups, None)
        else:
            yield stored[1], seen[1]
            stored, seen = next(stored_groups, None), next(seen_groups, None)


def _word(step: Step) -> str:
    if step.standing is None:
        return "new"
    if step.state is State.GONE:
        return "gone"
    return "reopened" if step.moved else "changed"


def actor(name: str, at: datetime, policy: ExceptionPolicy, zone: ZoneInfo = DEFAULT_ZONE) -> Actor:
    """Who acts, and when; ActRefused for a name that nobody can have."""
    cleaned = name.strip()
    if not is_name(cleaned):
        raise ActRefused(f"{name!r} is no name of a person")
    if cleaned.casefold() == MACHINE:
        raise ActRefused(f"{MACHINE} is the name of what rules do; act under your own")
    return Actor(cleaned, at, business_day(at, zone), policy)


def one(tx: Tx, prefix: str) -> ExceptionRecord:
    """The exception whose id begins so; ActRefused if there is none or more than one."""
    found = exceptions.find(tx, prefix) if prefix else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise ActRefused(f"there is no exception {prefix!r}; `ledgerbridge exceptions list` shows them")
    raise ActRefused(f"more than one exception begins with {prefix!r}; write more of its id")


def act(store: Store, prefix: str, move: Callable[[ExceptionRecord], Moved]) -> ExceptionRecord:
    """Carry out one act on one exception: record, event and audit entry in one transaction, or nothing.

    `move` is one of :mod:`ledgerbridge.reconciler.exceptions.moving` with its arguments bound. Raises ActRefused.
    """
    with store.writing(lock=exception_merge.LOCK) as tx:
        return act_in(tx, one(tx, prefix), move)


def act_in(tx: Tx, before: ExceptionRecord, *moves: Callable[[ExceptionRecord], Moved]) -> ExceptionRecord:
    """Carry out acts on an exception within a transaction that has taken its turn (`exception_merge.LOCK`)."""
    after, happened = before, list[Event]()
    for move in moves:
        after, event = move(after)
        happened.append(event)
    exceptions.save(tx, after, happened)
    for event in happened:
        details: dict[str, JsonValue] = {
            **event.details,
            "from": event.from_state,
            "to": event.to_state,
            "text": event.text,
            "code": after.finding.code,
            "difference": str(after.finding.difference) if after.finding.difference else None,
        }
        audit.append(
            tx,
            actor=event.actor,
            action=f"exception {event.act}",
            subject=f"exception/{after.id}",
            details=details,
            at=event.at,
        )
    return after
