"""What a connector promises: the contract that the engine plans with and ``ledgerbridge.testing`` proves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol, Self, runtime_checkable
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from ledgerbridge.clock import DEFAULT_ZONE, Clock, SystemClock
from ledgerbridge.errors import ConnectorError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Change
from ledgerbridge.model.hint import Hint
from ledgerbridge.model.raw import Raw, Receipt, Unreadable
from ledgerbridge.model.wirejson import WireValue


class DeleteStrategy(StrEnum):
    """How records that vanish at the far side become known."""

    FEED = "feed"  # `pull` yields them as deleted
    KEY_SWEEP = "key_sweep"  # `keys` lists all that exist; what is not among them is gone
    VOID_FLAG = "void_flag"  # nothing vanishes, a status says void
    NONE = "none"  # cannot be known


class SafetyClass(StrEnum):
    """What makes a create safe to settle after its reply was lost (RELIABILITY.md 6.4)."""

    KEY = "K"  # the far side refuses or merges a repeat of the same key
    DRAFT = "D"  # a draft is created, verified, then posted by its id
    LOOKUP = "L"  # searchable by a natural key, no uniqueness
    NONE = "N"  # cannot be searched: never repeated


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Facts the engine plans with and the kit holds the connector to.

    `wire_types` lists, per kind, the vendor's objects that are read as it (each has a mapping of its own name).
    `calls_in_flight_max` bounds reading ahead; `batch_size_max` is how many writes one call takes (1: no batches).
    """

    reads: frozenset[Kind]
    writes: frozenset[Kind]
    wire_types: Mapping[Kind, tuple[str, ...]]
    write_types: Mapping[Kind, str] = field(default_factory=dict)
    incremental: frozenset[Kind] = frozenset()
    reports_deletions: frozenset[Kind] = frozenset()
    deletes: Mapping[Kind, DeleteStrategy] = field(default_factory=dict)
    safe_create: frozenset[Kind] = frozenset()  # a repeated key makes no second record
    conditional_update: frozenset[Kind] = frozenset()  # honours Change.expected
    voids: frozenset[Kind] = frozenset()  # takes a void of a record
    safety: Mapping[Kind, SafetyClass] = field(default_factory=dict)
    page_size_max: int = 100
    batch_size_max: int = 1
    calls_in_flight_max: int = 1
    requests_per_minute_max: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of records, oldest change first as far as the far side allows.

    `cursor` is opaque to all but the connector: a walk started from it goes on after this page (re-reading an overlap where
    the far side's stamps demand it). Only the page with `last` ends a walk, an empty page does not. `total` is how many
    records the far side says the whole walk has, if it says so (for a progress bar, never to decide anything).
    """

    records: tuple[Raw, ...]
    cursor: str
    last: bool
    unreadable: tuple[Unreadable, ...] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A change and the wire form of its fields, as the mapping made it."""

    change: Change
    body: Mapping[str, WireValue]


Outcome = Receipt | ConnectorError
"""What became of one write: a receipt, or the error that says what may be done next."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every connector is given besides its own settings.

    `system` is the configured name (`erp`), used in errors and refs; `zone` is the company's; `folder` is the workspace, from
    which relative file paths are taken.
    """

    system: str
    clock: Clock = field(default_factory=SystemClock)
    zone: ZoneInfo = DEFAULT_ZONE
    base_currency: str = "CNY"
    folder: Path = Path()


class Connector(Protocol):
    """One configured far side. Constructed by ``bootstrap`` as ``ConnectorClass(settings, surroundings)`` with its own checked
    settings (an instance of :attr:`settings`); opens nothing until first used; used in a ``with`` block.

    Methods raise ConnectorError and nothing else on purpose; asking for a kind outside the capabilities raises
    Unsupported before any request is made. `pull`, `get`, `find` and `keys` may be called from several threads.
    """

    kind_name: ClassVar[str]
    settings: ClassVar[type[BaseModel]]

    @property
    def capabilities(self) -> Capabilities:
        """What this far side can do with these settings."""
        ...

    def check(self) -> None:
        """The cheapest signed-in call there is; raises a ConnectorError, returns nothing."""
        ...

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """All records changed since `cursor` (None: all there are), at least once, at most `limit` a page.

        The same cursor starts at the same place. Closing the iterator stops reading ahead. A walk that cannot be finished
        raises; what was yielded before stands, and its last cursor resumes it.
        """
        ...

    def get(self, ref: Ref) -> Raw | None:
        """The record now, or None if it does not exist (any more); used to read back after OutcomeUnknown."""
        ...

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """All records that carry `key` (the key we wrote into them, or the natural one); finds a lost create."""
        ...

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The external ids of all that exist, in pages; only for kinds whose delete strategy is KEY_SWEEP."""
        ...

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """Carry out the writes, in order, one outcome per write in the same order.

        Never retries a write. Whatever is not proven "not processed" is OutcomeUnknown. An error that concerns the whole call
        (not signed in, rate limited) is the outcome of every write of that call.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


@runtime_checkable
class Hinting(Protocol):
    """What a connector offers besides where its far side can call us when something has changed."""

    def hint(self, headers: Mapping[str, str], body: bytes) -> Hint | None:
        """Which records a call of ours asks to read again; None if it is about nothing that is read. No I/O.

        `headers` have names in lower case. NotAllowed for a call that does not prove where it comes from (fail closed, also
        where no secret is set), BadReply for what cannot be understood.
        """
        ...


@runtime_checkable
class Subscribing(Protocol):
    """What a connector offers whose far side must be asked to call us, and forgets it after a while."""

    def subscribe(self, notify_url: str, *, renew_before: timedelta) -> datetime:
        """See that the far side calls `notify_url`; returns until when it will. Repeating it is harmless.

        A subscription that lasts for longer than `renew_before` is left alone. NotAllowed if calls could not be verified.
        """
        ...
