"""What the merge of a run's findings into the stored exceptions works on: small values, a hundred thousand of them at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from .exception import Code, Event, Severity, State


@dataclass(frozen=True, slots=True)
class Sighting:
    """One finding of the run, as far as rules look at it. `seq` is its place among the run's findings."""

    seq: int
    fingerprint: str
    digest: str
    code: Code
    systems: tuple[str, ...]
    customer: str | None
    customer_name: str | None
    salesperson: str | None
    currency: str | None
    minor: int | None
    business_on: date | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One stored exception, as far as the merge looks at it. `waiver_until` and `has_waiver` speak of any waiver, asked for or
    in force.
    """

    id: str
    fingerprint: str
    ordinal: int
    digest: str
    code: Code
    state: State
    severity: Severity
    owner: str | None
    currency: str | None
    minor: int | None
    judged_minor: int | None
    business_on: date | None
    first_seen_at: datetime
    moved_at: datetime
    reopened: int
    has_waiver: bool
    waiver_until: date | None
    has_decision: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one exception: made (`standing` is None) or changed. `sighting` is None for one that is gone."""

    id: str
    fingerprint: str
    ordinal: int
    state: State
    severity: Severity
    owner: str | None
    standing: Standing | None = None
    sighting: Sighting | None = None
    events: tuple[Event, ...] = field(default=())
    drop_waiver: bool = False
    drop_decision: bool = False

    @property
    def moved(self) -> bool:
        """Whether its state changed."""
        return self.standing is None or self.standing.state is not self.state
