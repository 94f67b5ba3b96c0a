"""What a run's findings of one fingerprint do to the stored exceptions of that fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import JsonValue

from ledgerbridge.model.exception import TRANSITIONS, Act, Event, State, Why, exception_id
from ledgerbridge.model.money import Money
from ledgerbridge.model.sighting import Sighting, Standing, Step

from .assigning import owner_for
from .policy import MACHINE, ExceptionPolicy
from .severity import severity_of


@dataclass(frozen=True, slots=True)
class Moment:
    """When and by which rules a merge happens. `today` is the company's calendar day of `at`."""

    scope: str
    at: datetime
    today: date
    policy: ExceptionPolicy


def merged(stored: Sequence[Standing], found: Sequence[Sighting], now: Moment, *, complete: bool = True) -> list[Step]:
    """The steps for one fingerprint: empty where nothing changes.

    Findings of one fingerprint are a multiset. Each is paired with a stored exception that says exactly the same, then the
    rest in order of amount with those that stand, then with those that are gone; what is left over is new, under the next
    ordinal. What stands and has no finding is gone, unless the findings are not `complete`.
    """
    pairs, alone, new = _paired(stored, found)
    steps = [_again(standing, sighting, now) for standing, sighting in pairs]
    if complete:
        steps += [_gone(standing, now) for standing in alone]
    last = max((standing.ordinal for standing in stored), default=0)
    steps += [_made(sighting, last + at, now) for at, sighting in enumerate(new, start=1)]
    return [step for step in steps if step is not None]


def _paired(
    stored: Sequence[Standing], found: Sequence[Sighting]
) -> tuple[list[tuple[Standing, Sighting]], list[Standing], list[Sighting]]:
    """Pairs, what stands alone, what is new."""
    by_digest: dict[str, list[Sighting]] = {}
    for one in sorted(found, key=lambda one: one.seq, reverse=True):
        by_digest.setdefault(one.digest, []).append(one)
    pairs: list[tuple[Standing, Sighting]] = []
    rest: list[Standing] = []
    for standing in sorted(stored, key=lambda one: (one.state is State.GONE, one.ordinal)):
        same = by_digest.get(standing.digest)
        if same:
            pairs.append((standing, same.pop()))
        else:
            rest.append(standing)
    left = sorted(
        (one for same in by_digest.values() for one in same), key=lambda one: (abs(one.minor or 0), one.digest, one.seq)
    )
    count = min(len(rest), len(left))
    pairs += zip(rest[:count], left[:count], strict=True)
    return pairs, [one for one in rest[count:] if one.state is not State.GONE], left[count:]


def is_worse(judged_minor: int | None, minor: int | None) -> bool:
    """Whether a difference is larger than when a person judged it, or has changed its sign."""
    if judged_minor is None or minor is None:
        return False
    return abs(minor) > abs(judged_minor) or (minor < 0) != (judged_minor < 0)


def _made(sighting: Sighting, ordinal: int, now: Moment) -> Step:
    assigned = owner_for(sighting, now.policy.rules)
    events: tuple[Event, ...] = ()
    if assigned is not None:
        details: dict[str, JsonValue] = {"owner": assigned[0], "rule": assigned[1]}
        events = (_event(Act.ASSIGNED, State.OPEN, State.OPEN, now, why=Why.RULE, details=details),)
    since = sighting.business_on or now.today
    return Step(
        id=exception_id(now.scope, sighting.fingerprint, ordinal),
        fingerprint=sighting.fingerprint,
        ordinal=ordinal,
        state=State.OPEN,
        severity=severity_of(sighting.code, sighting.minor, sighting.currency, since, now.today, now.policy),
        owner=assigned[0] if assigned else None,
        sighting=sighting,
        events=events,
    )


def _again(standing: Standing, sighting: Sighting, now: Moment) -> Step | None:
    state, events = standing.state, []
    if sighting.minor != standing.minor:
        details: dict[str, JsonValue] = {
            "before": _money(standing.minor, standing.currency),
            "after": _money(sighting.minor, sighting.currency),
        }
        events.append(_event(Act.AMOUNT_CHANGED, state, state, now, details=details))
    worse = is_worse(standing.judged_minor, sighting.minor)
    why = _reopened_for(standing, now, worse=worse)
    drop_waiver = standing.has_waiver and (worse or why is not None)
    drop_decision = standing.has_decision and (worse or standing.state is State.GONE)
    if why is not None:
        act = Act.RETURNED if standing.state is State.GONE else Act.REOPENED
        state = State.OPEN
        events.append(_event(act, standing.state, _allowed(standing.state, state), now, why=why))
    elif drop_waiver:
        events.append(_event(Act.WAIVER_DROPPED, state, state, now, why=Why.WORSE))
    if drop_decision:
        events.append(_event(Act.DECISION_DROPPED, state, state, now, why=Why.WORSE if worse else Why.FOUND_AGAIN))
    since = sighting.business_on or standing.first_seen_at.date()
    severity = severity_of(sighting.code, sighting.minor, sighting.currency, since, now.today, now.policy)
    if not events and severity is standing.severity and sighting.digest == standing.digest:
        return None
    return Step(
        id=standing.id,
        fingerprint=standing.fingerprint,
        ordinal=standing.ordinal,
        state=state,
        severity=severity,
        owner=standing.owner,
        standing=standing,
        sighting=sighting,
        events=tuple(events),
        drop_waiver=drop_waiver,
        drop_decision=drop_decision,
    )


def _reopened_for(standing: Standing, now: Moment, *, worse: bool) -> Why | None:
    """Why something that is over is open again; None if it stays as it is."""
    if standing.state is State.GONE:
        return Why.FOUND_AGAIN
    if standing.state not in (State.SETTLED, State.WAIVED):
        return None
    if worse:
        return Why.WORSE
    if standing.state is State.SETTLED and now.at - standing.moved_at > now.policy.settled_grace:
        return Why.STILL_FOUND
    if standing.state is State.WAIVED and standing.waiver_until is not None and now.today > standing.waiver_until:
        return Why.WAIVER_ENDED
    return None


def _gone(standing: Standing, now: Moment) -> Step:
    state = _allowed(standing.state, State.GONE)
    return Step(
        id=standing.id,
        fingerprint=standing.fingerprint,
        ordinal=standing.ordinal,
        state=state,
        severity=standing.severity,
        owner=standing.owner,
        standing=standing,
        events=(_event(Act.GONE, standing.state, state, now, why=Why.NOT_FOUND),),
    )


def _allowed(before: State, after: State) -> State:
    if (before, after) not in TRANSITIONS:
        raise AssertionError(f"no exception goes from {before} to {after}")
    return after


def _event(
    act: Act,
    before: State,
    after: State,
    now: Moment,
    *,
    why: Why | None = None,
    details: dict[str, JsonValue] | None = None,
) -> Event:
    return Event(at=now.at, actor=MACHINE, act=act, from_state=before, to_state=after, why=why, details=details or {})


def _money(minor: int | None, currency: str | None) -> str | None:
    return None if minor is None or currency is None else str(Money(minor=minor, currency=currency))
