"""What is known of one entity in one flow, and what planning makes of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from ledgerbridge.model.agreed import Base
from ledgerbridge.model.base import Ref
from ledgerbridge.model.change import Change, FieldChange
from ledgerbridge.model.exception import PlannedDecision
from ledgerbridge.model.money import Money
from ledgerbridge.model.plan import Conflict, Held, HeldReason, Take
from ledgerbridge.reconciler.merge import CURRENCY_OF, Record, said

from .rules import Copy, FlowRules, Side


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person said of a conflict, by its key."""

    take: Take
    who: str
    value: JsonValue = None


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the entities that records refer to stand in one system. `there`: it has a record of them; `pending`: one is
    planned or under way, with the key of the change that makes it.
    """

    there: frozenset[str] = frozenset()
    pending: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subject:
    """One entity: its copies on both sides, what was agreed, what people decided, what its records refer to.

    `doubtful`: the systems in which a pair with another record waits for a person. `lookalikes`: the systems that have a
    record in quarantine which names this one's number, code or name. `decisions`: what people decided to do about exceptions and
    no write has done yet, oldest first.
    """

    entity: str
    left: Copy | None
    right: tuple[Copy, ...]
    bases: Mapping[str, Base] = field(default_factory=dict)
    decided: Mapping[str, Decided] = field(default_factory=dict)
    left_targets: Targets = Targets()
    right_targets: Targets = Targets()
    doubtful: frozenset[str] = frozenset()
    lookalikes: frozenset[str] = frozenset()
    decisions: tuple[PlannedDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A change to be. `waits_for`: units whose reference leads to an entity of the same kind that has no record there yet: the
    change needs that one's create if it is in the same plan, else it goes without the unit.
    """

    change: Change
    title: str
    currency: str = ""
    needs: tuple[str, ...] = ()
    waits_for: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What becomes of one entity. `rests`: nothing is open, so that it need not be looked at until a copy changes."""

    drafts: list[Draft] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    bases: dict[str, Base] = field(default_factory=dict)
    title: str = ""
    currency: str = ""
    by_person: list[str] = field(default_factory=list)
    """Keys of the conflicts whose decisions these changes carry out."""

    @property
    def rests(self) -> bool:
        """Whether there is nothing to do, to decide or to wait for."""
        return not (self.drafts or self.held or self.conflicts)


@dataclass(slots=True)
class Desk:
    """Rules, subject and the outcome in the making, together."""

    rules: FlowRules
    subject: Subject
    outcome: Outcome

    def hold(self, reason: HeldReason, side: Side, *, fields: tuple[str, ...] = (), detail: str = "") -> None:
        """Hold the entity (or some of its fields) back."""
        self.outcome.held.append(
            Held(
                kind=self.rules.flow.kind,
                entity=self.subject.entity,
                ref=self._known_ref(side),
                reason=reason,
                system=side.system,
                title=self.outcome.title,
                fields=fields,
                detail=detail,
            )
        )

    def ref(self, side: Side, copy: Copy) -> Ref:
        """Where a copy lives."""
        return Ref(system=side.system, kind=self.rules.flow.kind, external_id=copy.external_id)

    def draft(self, change: Change, needs: tuple[str, ...] = (), waits_for: Mapping[str, str] | None = None) -> None:
        """Plan a change."""
        outcome = self.outcome
        outcome.drafts.append(Draft(change, outcome.title, outcome.currency, needs, waits_for or {}))

    def _known_ref(self, side: Side) -> Ref | None:
        own = [self.subject.left] if side is self.rules.left else list(self.subject.right)
        other = list(self.subject.right) if side is self.rules.left else [self.subject.left]
        for copies, at in ((own, side), (other, self.rules.right if side is self.rules.left else self.rules.left)):
            for copy in copies:
                if copy is not None:
                    return self.ref(at, copy)
        return None


def title_of(record: Record | None) -> str:
    """How people know a record: its code and name, or its number."""
    record = record or {}
    words = [str(record[name]) for name in ("code", "number", "name") if record.get(name)]
    return " ".join(words)


TOTALS = ("total_minor", "amount_minor")
"""What a document counts by."""


def money_of(fields: tuple[FieldChange, ...], currency: JsonValue) -> tuple[Money, ...]:
    """How much money a change of these fields moves: after minus before of what the document counts by."""
    if not isinstance(currency, str):
        return ()
    moved = [
        Money(minor=_minor(one.after) - _minor(one.before), currency=currency) for one in fields if one.path in TOTALS
    ]
    return tuple(money for money in moved if money.minor)


def other_currency(unit: str, there: Record, source: Record, wanted: Collection[str]) -> bool:
    """Whether an amount of one currency would be written over one of another, and the currency not with it."""
    path = CURRENCY_OF.get(unit)
    if path is None or path in wanted:
        return False
    here, other = said(there, path), said(source, path)
    known = isinstance(here, str) and isinstance(other, str)
    return known and here != other


def currency_of(record: Record, path: str) -> JsonValue:
    """The currency that an amount of `record` is in; None if the record does not say."""
    return record.get(CURRENCY_OF[path])


def _minor(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
