"""What would be written, before anything is: plans, conflicts, and why a record is held back."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from .base import Frozen, Kind, Ref
from .change import Action, Change
from .money import Money

REFERENCE = "entity:"
"""In a change's fields, how a record of the target is named by what it is: ``{"external_id": "entity:ID"}``. Whoever sends the
change puts the target's own id in its place (the record may only come to be while the plan is applied)."""


class PlanState(StrEnum):
    """Where a plan stands."""

    PROPOSED = "proposed"  # shown, nothing more
    WAITING = "waiting"  # over a cap, or its flow wants it: a person must approve
    APPROVED = "approved"  # its operations are ready
    DONE = "done"  # every operation has ended well
    ENDED = "ended"  # all have ended, some in the hands of people
    DISCARDED = "discarded"  # nothing of it was or will be written
    SUPERSEDED = "superseded"  # a newer plan of the flow took its place before anything was written


PLAN_TRANSITIONS: Final[frozenset[tuple[PlanState, PlanState]]] = frozenset(
    {
        (PlanState.PROPOSED, PlanState.APPROVED),
        (PlanState.PROPOSED, PlanState.DISCARDED),
        (PlanState.PROPOSED, PlanState.SUPERSEDED),
        (PlanState.WAITING, PlanState.APPROVED),
        (PlanState.WAITING, PlanState.DISCARDED),
        (PlanState.WAITING, PlanState.SUPERSEDED),
        (PlanState.APPROVED, PlanState.DONE),
        (PlanState.APPROVED, PlanState.ENDED),
        # A person sent a dead letter again, or settled it:
        (PlanState.ENDED, PlanState.APPROVED),
        (PlanState.ENDED, PlanState.DONE),
    }
)
"""What may follow what. A plan without any change is stored as done."""

OPEN_STATES: Final = frozenset({PlanState.PROPOSED, PlanState.WAITING})
"""Plans that nobody has approved yet; a newer plan of the flow takes their place."""


class HeldReason(StrEnum):
    """Why a record is not planned; docs/flows.md says what to do about each."""

    LINK_DOUBTFUL = "link_doubtful"  # it may be one that the other side has already: a person decides on the pair
    IN_QUARANTINE = "in_quarantine"  # its newest form, or what may be its counterpart, could not be read
    UNFINISHED = "unfinished"  # an operation on it is still under way
    DEAD_LETTER = "dead_letter"  # this very write was refused or went wrong before: a person decides
    ALREADY_WRITTEN = "already_written"  # this very void or create was carried out before, and there it is not so
    PLANNED_ELSEWHERE = "planned_elsewhere"  # a plan of another flow has this very change
    FROZEN = "frozen"  # written too often within the window: two sides overwrite one another
    NOT_WRITABLE = "not_writable"  # the sides differ in what the other side's API cannot change
    CURRENCY_DIFFERS = "currency_differs"  # amounts of different currencies are never written over one another
    CUSTOMER_MISSING = "customer_missing"  # the document's customer is not there and not planned
    INVOICE_MISSING = "invoice_missing"  # a document that a payment settles is not there and not planned
    VOID_ON_ONE_SIDE = "void_on_one_side"  # void or vanished on one side, alive on the other
    EDITED_SINCE = "edited_since"  # somebody changed the record since a person decided; of an undo: since we wrote it
    CANNOT_UNDO = "cannot_undo"  # of an undo: no write of ours can take it back; a person does it there
    PARTS_DIFFER = "parts_differ"  # kept in parts there, and no exact way leads from those to what it is now


class Held(Frozen):
    """A record that is not planned, and why: a doubt, an unfinished operation, a freeze, something that cannot be written."""

    kind: Kind
    entity: str
    ref: Ref | None = None
    reason: HeldReason
    system: str = ""
    """Which side would have been written."""
    title: str = ""
    fields: tuple[str, ...] = ()
    detail: str = ""


class ConflictState(StrEnum):
    """Where a conflict stands."""

    OPEN = "open"
    POSTPONED = "postponed"
    RESOLVED = "resolved"
    GONE = "gone"


class Take(StrEnum):
    """What a person says of a conflict."""

    LEFT = "left"  # the leading system's value, there and here
    RIGHT = "right"  # the other system's value; where it may not be written to the left, the difference stands
    VALUE = "value"  # another value, on both sides
    POSTPONE = "postpone"  # not now; ask again on a day


class Conflict(Frozen):
    """A field that both sides changed since they last agreed (or never agreed on), and that nobody owns.

    Values are canonical JSON. The same pair of versions is one conflict (:attr:`key`).
    """

    flow: str
    kind: Kind
    entity: str
    path: str
    left: Ref
    right: Ref
    base: JsonValue = None
    base_known: bool = False
    left_value: JsonValue = None
    right_value: JsonValue = None
    owner: str | None = None
    """Whose decision it is, if a rule says so."""

    @property
    def key(self) -> str:
        """32 hexadecimal characters over flow, entity, field and both values."""
        parts: list[JsonValue] = [self.flow, self.entity, self.path, self.left_value, self.right_value]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Effect(Frozen):
    """What the changes of one sort do to one system: how many, and to how much money per currency."""

    action: Action
    system: str
    changes: int
    drift: int = 0
    """Updates among them that only put back what the owner says."""
    money: tuple[Money, ...] = ()


class Summary(Frozen):
    """A plan in numbers. `linked`: records of the flow that both sides have; `looked_at`: those that were compared because
    something about them is new or open; `agreed`: how many of these were found to agree without any write.
    """

    linked: int = 0
    looked_at: int = 0
    agreed: int = 0
    effects: tuple[Effect, ...] = ()
    conflicts: int = 0
    held: dict[str, int] = {}

    def count(self, action: Action) -> int:
        """How many changes of one sort there are, on both sides together."""
        return sum(effect.changes for effect in self.effects if effect.action is action)

    @property
    def changes(self) -> int:
        """How many writes the plan asks for."""
        return sum(effect.changes for effect in self.effects)


class Planned(Frozen):
    """One change as it stands in a plan: what it needs first, and whether it is still to be done."""

    seq: int
    change: Change
    title: str
    """How people know the record: its number or code and name."""
    currency: str = ""
    """In whose minor units the record's amounts are (a customer's: its credit limit); "" if it does not say."""
    needs: tuple[str, ...] = ()
    """Keys of changes (of this plan or an unfinished one) that must be verified first."""


class PlanHead(Frozen):
    """A plan without its rows. `inputs`: per stream a digest of what was read."""

    plan_id: str
    flow: str
    state: PlanState
    made_at: datetime
    inputs: dict[str, str] = {}
    why_waiting: tuple[str, ...] = ()
    """Why no machine may approve it: the first plan of its flow, a cap that it exceeds, the flow's own wish."""
    summary: Summary = Summary()
    digest: str = ""
    """Over all changes, conflicts and records held: two plans that say the same have the same."""
    undoes: str | None = None
    """The plan whose inverse this is."""
