"""A clock that nobody waits for, and a connector without a far side, for tests of what stands above connectors."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from ledgerbridge.clock import Clock
from ledgerbridge.connectors.base import Capabilities, DeleteStrategy, Outcome, Page, SafetyClass, Write
from ledgerbridge.errors import BadReply, ConnectorError, OutcomeUnknown, Refused, Unsupported
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Raw, Receipt, Unreadable, digest_of
from ledgerbridge.model.wirejson import WireValue, dumps

EPOCH = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class FakeClock:
    """A clock that moves only when told to: sleeping moves it at once. `slept` lists every wait, in seconds. Thread-safe."""

    def __init__(self, at: datetime = EPOCH) -> None:
        self._lock = threading.Lock()
        self._at = at
        self._elapsed_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Aware UTC."""
        with self._lock:
            return self._at + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Seconds since this clock was made, by its own count."""
        with self._lock:
            return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        """Let the time pass without waiting."""
        with self._lock:
            self.slept.append(seconds)
            self._elapsed_s += max(0.0, seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass that nobody slept through."""
        with self._lock:
            self._elapsed_s += seconds


class FakeSettings(BaseModel):
    """The fake needs nothing to be told; `note` is there to be set in a workspace file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: str = ""


ALL_KINDS = frozenset(Kind)
FAKE_CAPABILITIES = Capabilities(
    reads=ALL_KINDS,
    writes=ALL_KINDS,
    wire_types={kind: (f"fake_{kind.value}",) for kind in Kind},
    write_types={kind: f"fake_{kind.value}" for kind in Kind},
    incremental=ALL_KINDS,
    reports_deletions=ALL_KINDS,
    deletes=dict.fromkeys(Kind, DeleteStrategy.FEED),
    safe_create=ALL_KINDS,
    conditional_update=ALL_KINDS,
    safety=dict.fromkeys(Kind, SafetyClass.KEY),
    page_size_max=100,
    batch_size_max=10,
    calls_in_flight_max=2,
)


@dataclass(slots=True)
class _Held:
    raw: Raw
    order: int
    key: str | None = None


@dataclass(slots=True)
class _Fault:
    method: str
    error: ConnectorError
    times: int
    after: int
    done: bool


class FakeConnector:
    """Keeps its records in memory and behaves as the contract says.

    `put` and `remove` are what people do at the far side; `fail` plans errors; `log` lists the calls made of it.
    The cursor is the number of the last change a walk has seen; a record that changes moves to the end. Deletions become known
    as `capabilities` says; `batch_size_max` is not enforced. Thread-safe.
    """

    kind_name: ClassVar[str] = "fake"
    settings: ClassVar[type[BaseModel]] = FakeSettings

    def __init__(
        self,
        system: str = "fake",
        *,
        capabilities: Capabilities = FAKE_CAPABILITIES,
        clock: Clock | None = None,
        settings: BaseModel | None = None,
    ) -> None:
        self.system = system
        self.log: list[tuple[str, str]] = []
        self.writes: list[Write] = []
        self.closed = False
        self.given = settings
        self._capabilities = capabilities
        self._clock: Clock = clock or FakeClock()
        self._lock = threading.RLock()
        self._held: dict[tuple[Kind, str], _Held] = {}
        self._unreadable: dict[Kind, list[tuple[int, Unreadable]]] = {}
        self._faults: list[_Fault] = []
        self._order = 0

    # -- what people do at the far side

    def put(
        self,
        kind: Kind,
        external_id: str,
        body: Mapping[str, WireValue] | bytes,
        *,
        modified_at: datetime | None = None,
        wire_type: str | None = None,
        key: str | None = None,
    ) -> Raw:
        """Create or change one record; returns it as it will be read. `key` is what `find` finds it by besides its id."""
        with self._lock:
            self._order += 1
            text = bytes(body) if isinstance(body, bytes | bytearray) else dumps(body).encode()
            now = self._clock.now()
            raw = Raw(
                kind=kind,
                wire_type=wire_type or self._capabilities.wire_types[kind][0],
                external_id=external_id,
                body=text,
                digest=digest_of(text),
                fetched_at=now,
                order=self._order,
                modified_at=modified_at or now,
            )
            before = self._held.get((kind, external_id))
            self._held[kind, external_id] = _Held(raw, self._order, key or (before.key if before else None))
            return raw

    def put_unreadable(self, kind: Kind, body: bytes = b"[]", why: str = "it is no JSON object") -> None:
        """Put something on record that is no record."""
        with self._lock:
            self._order += 1
            item = Unreadable(kind, self._capabilities.wire_types[kind][0], f"row {self._order}", body, why)
            self._unreadable.setdefault(kind, []).append((self._order, item))

    def remove(self, kind: Kind, external_id: str) -> None:
        """Delete one record; KeyError if there is none."""
        with self._lock:
            held = self._held.pop((kind, external_id))
            if kind not in self._capabilities.reports_deletions:
                return
            self._order += 1
            raw = held.raw
            gone = Raw(kind, raw.wire_type, external_id, b"{}", digest_of(b"{}"), self._clock.now(), deleted=True)
            self._held[kind, external_id] = _Held(gone, self._order, held.key)

    def records(self, kind: Kind) -> list[Raw]:
        """What exists now, oldest change first."""
        with self._lock:
            held = sorted(self._held.items(), key=lambda item: item[1].order)
            return [one.raw for (held_kind, _), one in held if held_kind is kind and not one.raw.deleted]

    def fail(self, method: str, error: ConnectorError, *, times: int = 1, after: int = 0, done: bool = False) -> None:
        """Let `method` (`check`, `pull`, `get`, `find`, `keys`, `push`) end in `error`, after it went well `after` times.

        For `pull` and `keys` each page counts, for `push` each write: `done` then carries the write out before failing, as
        when a reply is lost.
        """
        with self._lock:
            self._faults.append(_Fault(method, error, times, after, done))

    # -- the contract

    @property
    def capabilities(self) -> Capabilities:
        """As given."""
        return self._capabilities

    def check(self) -> None:
        """Raises what was planned."""
        self._enter("check", "")

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """Changes in their order; each page's cursor is the number of its last change."""
        self._allowed(kind, self._capabilities.reads)
        seen = self._number(cursor)
        return self._walk(kind, seen, min(limit, self._capabilities.page_size_max))

    def _walk(self, kind: Kind, seen: int, limit: int) -> Iterator[Page]:
        while True:
            self._enter("pull", kind)
            with self._lock:
                new: list[tuple[int, Raw | Unreadable]] = [
                    (one.order, one.raw)
                    for (held_kind, _), one in self._held.items()
                    if held_kind is kind and one.order > seen
                ]
                new += [(order, item) for order, item in self._unreadable.get(kind, []) if order > seen]
            new.sort(key=lambda item: item[0])
            part, rest = new[:limit], new[limit:]
            seen = part[-1][0] if part else seen
            yield Page(
                records=tuple(item for _, item in part if isinstance(item, Raw)),
                cursor=str(seen),
                last=not rest,
                unreadable=tuple(item for _, item in part if isinstance(item, Unreadable)),
                total=None,
            )
            if not rest:
                return

    def get(self, ref: Ref) -> Raw | None:
        """The record, or None."""
        self._allowed(ref.kind, self._capabilities.reads)
        self._enter("get", ref.external_id)
        with self._lock:
            held = self._held.get((ref.kind, ref.external_id))
            return None if held is None or held.raw.deleted else held.raw

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """What was created with `key`, or has it as its id."""
        self._allowed(kind, self._capabilities.reads)
        self._enter("find", key)
        with self._lock:
            return tuple(
                one.raw
                for (held_kind, external_id), one in self._held.items()
                if held_kind is kind and not one.raw.deleted and key in (one.key, external_id)
            )

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all that exist."""
        if self._capabilities.deletes.get(kind) is not DeleteStrategy.KEY_SWEEP:
            raise Unsupported(f"lists no keys of {kind}", system=self.system)
        return self._sweep(kind)

    def _sweep(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        ids = [raw.external_id for raw in self.records(kind)]
        size = self._capabilities.page_size_max
        for start in range(0, max(len(ids), 1), size):
            self._enter("keys", kind)
            yield tuple(ids[start : start + size])

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """Carry out the writes one by one."""
        return tuple(self._push_one(write) for write in writes)

    def __enter__(self) -> Self:
        self.closed = False
        return self

    def __exit__(self, *exc: object) -> None:
        self.closed = True

    # -- inside

    def _push_one(self, write: Write) -> Outcome:
        change = write.change
        if change.kind not in self._capabilities.writes:
            return Unsupported(f"writes no {change.kind}", system=self.system)
        with self._lock:
            self.writes.append(write)
            fault = self._due("push", change.key)
            if fault is not None and not fault.done:
                return fault.error
            outcome = self._carry_out(write)
            if fault is not None and isinstance(outcome, Receipt):
                return fault.error
            return outcome

    def _carry_out(self, write: Write) -> Outcome:
        change, kind = write.change, write.change.kind
        if change.action is Action.CREATE:
            if kind in self._capabilities.safe_create:
                for raw in (one.raw for (k, _), one in self._held.items() if k is kind and one.key == change.key):
                    return self._receipt(raw)
            raw = self.put(kind, f"{kind.value}-{self._order + 1}", write.body, key=change.key)
            return self._receipt(raw)
        target = change.target
        held = self._held.get((kind, target.external_id)) if target is not None else None
        if target is None or held is None or held.raw.deleted:
            return Refused(f"there is no {kind} {target.external_id if target else '(no target)'}", system=self.system)
        expected = change.expected if kind in self._capabilities.conditional_update else None
        if expected is not None and expected.digest != held.raw.digest.hex():
            return Refused(f"{target} was changed by somebody else", system=self.system, code="version")
        merged = {**held.raw.payload(), **write.body}
        return self._receipt(self.put(kind, target.external_id, merged))

    def _receipt(self, raw: Raw) -> Receipt:
        version = Version(digest=raw.digest.hex(), order=raw.order, modified_at=raw.modified_at)
        return Receipt(Ref(system=self.system, kind=raw.kind, external_id=raw.external_id), version, f"r{self._order}")

    def _allowed(self, kind: Kind, kinds: frozenset[Kind]) -> None:
        if kind not in kinds:
            raise Unsupported(f"has no {kind}", system=self.system)

    def _number(self, cursor: str | None) -> int:
        if cursor is None:
            return 0
        if not cursor.isdigit():
            raise BadReply(f"{cursor!r} is no cursor of this connector", system=self.system)
        return int(cursor)

    def _enter(self, method: str, detail: str) -> None:
        with self._lock:
            fault = self._due(method, detail)
        if fault is not None:
            raise fault.error

    def _due(self, method: str, detail: str) -> _Fault | None:
        self.log.append((method, str(detail)))
        for fault in self._faults:
            if fault.method != method:
                continue
            if fault.after > 0:
                fault.after -= 1
                return None
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
            return fault
        return None


def reply_lost(system: str = "fake") -> OutcomeUnknown:
    """What a write whose reply never came ends in: give it to :meth:`FakeConnector.fail` with `done`."""
    return OutcomeUnknown("the connection was closed before the answer was complete", system=system)
