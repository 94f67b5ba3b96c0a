"""What a run did, and the proof that it lost nothing: the completeness certificate."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from .base import Frozen, Kind, SystemId


class Bucket(StrEnum):
    """Where each record that was read ends up: exactly one of these."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    FILTERED = "filtered"
    QUARANTINED = "quarantined"
    DELETED = "deleted"


class RunStatus(StrEnum):
    """How a run ended. `PARTIAL` is never green: something was quarantined or a system gave up half-way."""

    RUNNING = "running"
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Tally(Frozen):
    """Records and money of one bucket. `currency` is "" for records without money (customers) or whose amount could not
    be read; `minor` is the sum of the documents' totals in minor units.
    """

    bucket: Bucket
    currency: str
    records: int
    minor: int


class Certificate(Frozen):
    """One stream (system and kind) of one run: what was read, where it went, and whether the books agree.

    `read` counts what the connector handed over, counted apart from the buckets. `opening` and `closing` are the live
    observed copies before and after, per currency (records, minor units). The certificate ties when the buckets add up
    to `read`, and opening plus what the buckets did equals closing, by count and by amount per currency.
    """

    system: SystemId
    kind: Kind
    read: int
    tallies: tuple[Tally, ...]
    opening: dict[str, tuple[int, int]]
    closing: dict[str, tuple[int, int]]
    audited: bool
    """Whether `closing` was counted anew from the copies themselves, or carried forward from running totals."""
    complete: bool
    """Whether the walk reached its last page."""
    faults: tuple[str, ...] = ()
    """Every way in which it does not tie, in words; empty when it ties."""

    @property
    def ties(self) -> bool:
        """Whether nothing was lost."""
        return not self.faults


class Run(Frozen):
    """One run as the ledger keeps it."""

    run_id: str
    action: str
    started_at: datetime
    finished_at: datetime | None = None
    status: RunStatus = RunStatus.RUNNING
    error: str | None = None
    certificates: tuple[Certificate, ...] = ()
