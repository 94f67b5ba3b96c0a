"""Where a walk stands. Pure.

The text is a JSON object. Between two walks: ``{"since": ms, "read": [object signatures]}``, the vendor's time (epoch
milliseconds) up to which those objects have been read. In the middle of one also ``next`` (the `since` of the next walk),
``leg`` (which of the walk's queries) and ``after`` (the last `_id` read in it).

A walk reads what was changed since `since` less an overlap of 120 s: rows become visible some time after their stamp. `next` is
30 s before the moment at which the walk began, and takes effect when its last page has been read. The sheet (fxiaoke.md 4)
also bounds the window from above by those 30 s; that bound is left out here: what is read of the last 30 s is read again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ledgerbridge.errors import BadReply

from .codec_calls import Query
from .codec_calls import since as changed_since
from .codec_records import Resource
from .settings import LinkedObject

OVERLAP_MS: Final = 120_000
SETTLE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The state of one stream; `since` None: nothing was read yet."""

    since: int | None = None
    read: tuple[str, ...] = ()
    next: int | None = None
    leg: str = ""
    after: str = ""

    def started(self, at: datetime) -> Cursor:
        """The walk under way began at `at`; of several answers the first one counts."""
        return self if self.next is not None else replace(self, next=int((at - SETTLE).timestamp() * 1000))

    def at(self, leg: str, after: str) -> Cursor:
        """Read up to `after` in `leg`."""
        return replace(self, leg=leg, after=after)

    def finished(self, resources: Sequence[Resource]) -> Cursor:
        """The walk has reached its end."""
        return Cursor(self.next, tuple(resource.signature for resource in resources))


@dataclass(frozen=True, slots=True)
class Leg:
    """One query of a walk: the rows of an object, or the rows linked to it whose own stamps have moved."""

    resource: Resource
    linked: LinkedObject | None
    from_ms: int | None

    @property
    def name(self) -> str:
        """Stable within one configuration."""
        return self.resource.api_name if self.linked is None else f"{self.resource.api_name}<{self.linked.object}"

    @property
    def query(self) -> Query:
        """What it asks for."""
        query = Query(self.resource.api_name if self.linked is None else self.linked.object)
        return query if self.from_ms is None else query.where(changed_since(self.from_ms))


def load_cursor(text: str | None, system: str) -> Cursor:
    """The state that a cursor text means; BadReply if it is not one of ours."""
    if text is None:
        return Cursor()
    try:
        state = json.loads(text)
        found = Cursor(**{**state, "read": tuple(state["read"])})
    except (ValueError, TypeError, KeyError):
        raise BadReply(f"{text[:80]!r} is no cursor of this connector; pull in full", system=system) from None
    return found


def dump_cursor(state: Cursor) -> str:
    """The text of :func:`load_cursor`."""
    plain: dict[str, int | str | list[str] | None] = {"since": state.since, "read": list(state.read)}
    if state.leg:
        plain |= {"next": state.next, "leg": state.leg, "after": state.after}
    return json.dumps(plain, sort_keys=True)


def legs_of(resources: Sequence[Resource], state: Cursor) -> list[Leg]:
    """The queries of a walk, in order. An object that was never read in its present form is read whole.

    Linked rows that change alone leave their record's stamp as it is, so they are asked for by their own.
    """
    legs = []
    for resource in resources:
        known = state.since is not None and resource.signature in state.read
        from_ms = state.since - OVERLAP_MS if known and state.since is not None else None
        legs.append(Leg(resource, None, from_ms))
        if from_ms is not None:
            legs += [Leg(resource, one, from_ms) for one in resource.linked]
    return legs


def resumed(legs: Sequence[Leg], state: Cursor) -> tuple[int, Cursor]:
    """Which leg to begin with. A walk cut short by a change of the configuration begins anew."""
    for number, leg in enumerate(legs):
        if leg.name == state.leg:
            return number, state
    return 0, Cursor(state.since, state.read)
