"""One kind of record between two systems: direction, ownership, caps. Written under ``[flows.NAME]`` of the workspace file."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from .base import Kind, SystemId

FlowName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]

MANUAL = "manual"
LATEST = "latest"


class Direction(StrEnum):
    """Which way changes go. `one_way`: from `left` to `right`."""

    ONE_WAY = "one_way"
    TWO_WAY = "two_way"


class VoidRule(StrEnum):
    """What a void or vanished record on one side means for the other."""

    VOID = "void"  # void it there as well
    REPORT = "report"  # a person decides


class Caps(BaseModel):
    """How much one run may write before a person must approve. Both limits hold; unset: no such limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    creates_max: Annotated[int, Field(ge=0)] | None = 500
    """Creates in one run."""
    updates_max: Annotated[int, Field(ge=0)] | None = 500
    """Updates in one run."""
    voids_max: Annotated[int, Field(ge=0)] | None = 20
    """Voids in one run."""
    percent_max: Annotated[int, Field(ge=0, le=100)] | None = 20
    """Updates and voids as a share of the linked records of the flow."""
    percent_from: Annotated[int, Field(ge=0)] = 20
    """Up to so many updates and voids the share does not matter: a quarter of eight customers is nothing unusual."""


class Flow(BaseModel):
    """What flows, and who decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    """customer, invoice or payment."""
    left: SystemId
    """The system that leads: where changes of a one-way flow come from."""
    right: SystemId
    """The other system."""
    direction: Direction = Direction.ONE_WAY
    """one_way: left to right; two_way: both."""
    filter: dict[str, tuple[str, ...]] = {}
    """Only records whose field (a canonical path, e.g. `status`, `currency`, `category`) has one of these values."""
    owner: tuple[str, ...] = ()
    """Who decides a field that no entry of `owners` names: systems in order, `latest`, or `manual` (a person). A system that is
    named may change the field, of two that did the first one prevails; what a system that is not named changes is put back.
    Unset: one_way: left; two_way: see docs/flows.md (money, tax, numbers: left; contacts, addresses: right before left)."""
    owners: dict[str, tuple[str, ...]] = {}
    """The same per canonical field, e.g. `phone = ["crm"]`."""
    ignore: tuple[str, ...] = ()
    """Canonical fields that this flow never writes."""
    create: bool = True
    """Whether records that are missing on the other side are created there (two_way: on both sides)."""
    create_left: bool = False
    """two_way only: whether the leading system may get records that only the other has."""
    update: bool = True
    """Whether records that differ are updated."""
    void: VoidRule = VoidRule.REPORT
    """What a void or vanished record means for the other side."""
    caps: Caps = Caps()
    """Over a cap the plan waits for approval."""
    approve: bool = False
    """true: every plan of this flow waits for approval."""
    unattended: bool = False
    """false: the first plans are shown only. true: `sync` and schedules apply what is within the caps. (The first run of a
    flow never writes.)"""
    schedule: str | None = None
    """A cron expression in the workspace's zone, e.g. `*/15 8-20 * * mon-fri`; unset: only by hand."""
    writes_max: Annotated[int, Field(ge=1)] = 5
    """A record written more often than this within `writes_window_hours` is frozen and reported."""
    writes_window_hours: Annotated[int, Field(ge=1)] = 24
    """See `writes_max`."""

    @model_validator(mode="after")
    def _fits(self) -> Flow:
        if self.left == self.right:
            raise ValueError(f"left and right are both {self.left}; a flow is between two systems")
        known = {self.left, self.right, LATEST, MANUAL}
        for field, owners in [("owner", self.owner), *self.owners.items()]:
            strangers = [name for name in owners if name not in known]
            if strangers:
                raise ValueError(f"{field}: {strangers[0]!r} is not one of {', '.join(sorted(known))}")
        if self.kind is Kind.ALLOCATION:
            raise ValueError("allocations do not flow: they are read and reconciled")
        return self
