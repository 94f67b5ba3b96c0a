"""One approved change on its way out: the states it passes, and what is known about an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from .base import Frozen, Ref, Version
from .change import Change


class OpState(StrEnum):
    """Where an operation stands (RELIABILITY.md 6.2)."""

    PLANNED = "planned"  # part of a plan that nobody has approved
    READY = "ready"  # may be sent
    LEASED = "leased"  # a worker has it; nothing has been sent under this lease
    SENT = "sent"  # the intent to send is committed; the first byte may have left
    UNCERTAIN = "uncertain"  # a write may have happened; only looking decides
    CONFIRMED = "confirmed"  # the far side says that it is done
    VERIFIED = "verified"  # read back, and as planned
    CONFLICT = "conflict"  # two or more records, or one that differs, or a target that moved: a person decides
    REVIEW = "review"  # absent and must not be repeated, or tried too often: a person decides
    REJECTED = "rejected"  # understood and refused by the far side: a person decides
    CANCELLED = "cancelled"  # taken back before anything was sent


TRANSITIONS: Final[frozenset[tuple[OpState, OpState]]] = frozenset(
    {
        (OpState.PLANNED, OpState.READY),
        (OpState.PLANNED, OpState.CANCELLED),
        (OpState.READY, OpState.LEASED),
        (OpState.READY, OpState.CANCELLED),
        (OpState.LEASED, OpState.READY),
        (OpState.LEASED, OpState.SENT),
        (OpState.LEASED, OpState.REJECTED),
        (OpState.LEASED, OpState.CONFLICT),
        (OpState.LEASED, OpState.CONFIRMED),
        (OpState.LEASED, OpState.REVIEW),
        (OpState.SENT, OpState.READY),
        (OpState.SENT, OpState.UNCERTAIN),
        (OpState.SENT, OpState.CONFIRMED),
        (OpState.SENT, OpState.REJECTED),
        (OpState.SENT, OpState.CONFLICT),
        (OpState.SENT, OpState.REVIEW),
        (OpState.UNCERTAIN, OpState.CONFIRMED),
        (OpState.UNCERTAIN, OpState.CONFLICT),
        (OpState.UNCERTAIN, OpState.READY),
        (OpState.UNCERTAIN, OpState.REVIEW),
        (OpState.CONFIRMED, OpState.VERIFIED),
        (OpState.CONFIRMED, OpState.CONFLICT),
        (OpState.CONFIRMED, OpState.REVIEW),
        # A person's signed-off decision on a dead letter:
        (OpState.REVIEW, OpState.READY),
        (OpState.REVIEW, OpState.UNCERTAIN),
        (OpState.REVIEW, OpState.CONFIRMED),
        (OpState.REVIEW, OpState.CANCELLED),
        (OpState.REJECTED, OpState.READY),
        (OpState.REJECTED, OpState.CANCELLED),
        (OpState.CONFLICT, OpState.READY),
        (OpState.CONFLICT, OpState.UNCERTAIN),
        (OpState.CONFLICT, OpState.CONFIRMED),
        (OpState.CONFLICT, OpState.CANCELLED),
        # Taken back before anything was sent, and planned again:
        (OpState.CANCELLED, OpState.PLANNED),
        (OpState.CANCELLED, OpState.READY),
    }
)
"""What may follow what; the one table that the engine, the commands and the tests use."""

UNFINISHED: Final = (
    OpState.PLANNED,
    OpState.READY,
    OpState.LEASED,
    OpState.SENT,
    OpState.UNCERTAIN,
    OpState.CONFIRMED,
)
"""Where something is still to happen by itself, or (`planned`) as soon as somebody approves."""

FINAL: Final = frozenset({OpState.VERIFIED, OpState.REJECTED, OpState.REVIEW, OpState.CONFLICT, OpState.CANCELLED})
"""Where nothing happens any more by itself."""

DEAD_LETTERS: Final = frozenset({OpState.REJECTED, OpState.REVIEW, OpState.CONFLICT})
"""Where a person must act."""


class Intent(Frozen):
    """An operation to be: what a plan hands to the queue, in the transaction that stores the plan.

    `order_key`: operations with the same one are carried out one after the other in the order of their ids (all writes to
    one entity of one system, so it names the system). `needs`: keys of changes that must be verified before this one may be sent.
    """

    change: Change
    order_key: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the write path. `idem_key` is the change's key: made at planning, never changed, sent to the far side.

    `fence` grows with every lease; whoever writes with an older one writes nothing. `revision` grows when what was taken back
    is planned again. `tries` counts sendings, `looks` the look-ups since the last one. `epoch`: under which restore epoch it
    was planned or last looked for. `sent_at`: when it was first sent. `approved_by`: None if no person has approved it.
    `signed`: a person has signed for one more sending, should a look-up find nothing.
    """

    id: int
    plan_id: str
    idem_key: str
    change: Change
    state: OpState
    order_key: str
    revision: int
    fence: int
    tries: int
    looks: int
    epoch: int
    not_before: datetime
    send_deadline: datetime | None
    foreign: Ref | None
    why: str | None
    approved_by: str | None = None
    signed: bool = False
    waits: int = 0
    sent_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def system(self) -> str:
        """The far side that is written to."""
        return self.change.system


@dataclass(frozen=True, slots=True)
class Done:
    """The far side says that it happened; `version` is what a later read must show, if it says."""

    ref: Ref
    version: Version | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing was processed, proven: it may be sent again, not before `retry_after_s`.

    `target_down`: the far side as a whole cannot be reached (counts for the breaker); `paused`: it has no calls left for now,
    which is nobody's fault and burns no try.
    """

    why: str
    retry_after_s: float | None = None
    target_down: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have happened."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Understood and refused, or it cannot be written at all; repeating is pointless."""

    why: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The target is not what the plan saw; nothing was written."""

    why: str


Answer = Done | NotSent | Unknown | Rejected | Moved
"""What became of one sending."""


@dataclass(frozen=True, slots=True)
class Present:
    """Exactly one record is there and says what was planned; `evidence` is for the confirmation's bookkeeping."""

    ref: Ref
    evidence: object = None


@dataclass(frozen=True, slots=True)
class Missing:
    """No such record (create), or the target is still as it was before (update)."""


@dataclass(frozen=True, slots=True)
class Differs:
    """Several records, or one that says something else than planned; `why` names the fields."""

    why: str
    ref: Ref | None = None


Sighting = Present | Missing | Differs | NotSent
"""What looking found; `NotSent`: it could not be looked."""
