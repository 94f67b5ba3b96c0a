"""A far side whose books are the judge: it loses, delays and repeats, and knows what it was really asked to do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ledgerbridge.clock import Clock
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change, FieldChange
from ledgerbridge.model.operation import (
    Answer,
    Differs,
    Done,
    Intent,
    Missing,
    NotSent,
    Operation,
    OpState,
    Present,
    Rejected,
    Sighting,
    Unknown,
)
from ledgerbridge.queue.port import Terms
from ledgerbridge.store import Store, Tx, bulk

APPLY_LATE_S = 90.0
SEARCH_LAG_S = 60.0


class Broken(BaseException):
    """A promise of the write path was broken. No Exception: the engine must not take it for a carrier's mistake."""


@dataclass(slots=True)
class Document:
    """What the far side holds: made at a moment, found by searching a little later."""

    key: str
    number: str
    applied_at: datetime
    visible_at: datetime


@dataclass(slots=True)
class FarBooks:
    """The far side. `merges`: it takes a key only once (class K). `searchable`: it can be asked for a key (not class N).

    `chances` of what befalls a request; what is left is a plain success.
    """

    clock: Clock
    rng: random.Random
    merges: bool = True
    searchable: bool = True
    chances: dict[str, float] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    late: list[tuple[datetime, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    sendings: list[str] = field(default_factory=list)
    down_until: datetime | None = None

    def befalls(self) -> str:
        dice = self.rng.random()
        for fate, chance in self.chances.items():
            dice -= chance
            if dice < 0:
                return fate
        return "ok"

    def apply(self, key: str, at: datetime) -> str:
        if self.merges:
            for document in self.documents:
                if document.key == key:
                    return document.number
        number = f"D{len(self.documents) + 1}"
        lag = timedelta(seconds=self.rng.uniform(0, SEARCH_LAG_S))
        self.documents.append(Document(key, number, at, at + lag))
        return number

    def settle_late(self) -> None:
        """What was on its way arrives."""
        now = self.clock.now()
        for at, key in sorted(due for due in self.late if due[0] <= now):
            self.apply(key, at)
        self.late = [due for due in self.late if due[0] > now]

    def count(self, key: str) -> int:
        return sum(document.key == key for document in self.documents)

    def visible(self, key: str) -> list[Document]:
        now = self.clock.now()
        return [document for document in self.documents if document.key == key and document.visible_at <= now]


@dataclass(slots=True)
class FarCarrier:
    """The carrier in front of such a far side. It checks at every request what the write path owes."""

    system: str
    far: FarBooks
    store: Store
    the_terms: Terms
    booked: list[tuple[str, str]] = field(default_factory=list)
    check_why: Callable[[], str | None] = lambda: None

    def terms(self, kind: Kind, action: Action) -> Terms:
        return self.the_terms

    def check(self) -> str | None:
        return "no connection" if self._is_down() else self.check_why()

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        self.far.settle_late()
        for operation in operations:
            self._owed(operation)
        return tuple(self._one(operation) for operation in operations)

    def look(self, operation: Operation) -> Sighting:
        self.far.settle_late()
        if self._is_down() or self.far.befalls() == "refused":
            return NotSent("no connection", target_down=True)
        if not self.far.searchable and operation.foreign is None:
            return Missing()
        found = self.far.visible(operation.idem_key)
        if operation.foreign is not None and not self.far.searchable:
            found = [d for d in self.far.documents if d.number == operation.foreign.external_id]
        if not found:
            return Missing()
        if len(found) > 1:
            return Differs(f"there are {len(found)} of them")
        return Present(self._ref(operation, found[0].number))

    def confirmed(self, tx: Tx, operation: Operation, seen: Present | None) -> None:
        assert operation.foreign is not None
        self.booked.append(("confirmed", operation.idem_key))

    def verified(self, tx: Tx, operation: Operation, seen: Present) -> None:
        self.booked.append(("verified", operation.idem_key))

    def _one(self, operation: Operation) -> Answer:
        far, key, now = self.far, operation.idem_key, self.far.clock.now()
        far.sendings.append(key)
        if self._is_down():
            return NotSent("no connection", target_down=True)
        if key in far.refused:
            raise Broken(f"{operation.id} was refused and is sent again")
        match far.befalls():
            case "refused":
                return NotSent("no connection", target_down=True)
            case "busy":
                return NotSent("too many requests", retry_after_s=far.rng.uniform(1, 30))
            case "paused":
                return NotSent("waiting for credits", retry_after_s=far.rng.uniform(60, 600), paused=True)
            case "reply lost":
                far.apply(key, now)
                return Unknown("no answer in time")
            case "request lost":
                return Unknown("connection reset")
            case "late":
                far.late.append((now + timedelta(seconds=far.rng.uniform(0, APPLY_LATE_S)), key))
                return Unknown("no answer in time")
            case "frozen":
                far.late.append((now + timedelta(seconds=far.rng.uniform(60, 900)), key))
                return Unknown("no answer in time")
            case "bug after":
                far.apply(key, now)
                raise RuntimeError("a mistake after the request")
            case "down":
                far.down_until = now + timedelta(seconds=far.rng.uniform(10, 400))
                return NotSent("no connection", target_down=True)
            case "rejected":
                far.refused.add(key)
                return Rejected("the period is closed", "4711")
        return Done(self._ref(operation, far.apply(key, now)))

    def _is_down(self) -> bool:
        return self.far.down_until is not None and self.far.clock.now() < self.far.down_until

    def _ref(self, operation: Operation, number: str) -> Ref:
        return Ref(system=operation.system, kind=operation.change.kind, external_id=number)

    def _owed(self, operation: Operation) -> None:
        """What must hold when a request leaves: invariants of RELIABILITY.md 7, read from the database itself."""
        with self.store.reading() as tx:
            row = bulk.rows_of(
                tx,
                "SELECT state, fence, order_key, approved_by, payload_hash, idem_key FROM operation WHERE id = ?",
                (operation.id,),
            )[0]
            if row[:2] != (OpState.SENT, operation.fence):
                raise Broken(f"{operation.id} leaves, but the row says {row[:2]} and not sent under {operation.fence}")
            if row[5] != operation.idem_key:
                raise Broken(f"{operation.id} leaves under another key than it was planned with")
            before = "SELECT id, state FROM operation WHERE order_key = ? AND id < ?"
            for earlier, state in bulk.rows_of(tx, before, (row[2], operation.id)):
                if state in {"ready", "leased", "sent", "uncertain", "confirmed"}:
                    raise Broken(f"{operation.id} overtakes {earlier} ({state}), which writes the same record")
            needs = (
                "SELECT o.id, o.state FROM operation_need n JOIN operation o ON o.idem_key = n.needs_key "
                "WHERE n.operation_id = ?"
            )
            for needed, state in bulk.rows_of(tx, needs, (operation.id,)):
                if state != "verified":
                    raise Broken(f"{operation.id} leaves before {needed} ({state}), which it needs")
            if not self.the_terms.unattended and row[3] is None:
                raise Broken(f"{operation.id} leaves without a person's approval")


def create(entity: str, *, system: str = "erp", kind: Kind = Kind.CUSTOMER) -> Change:
    field_change = FieldChange(path="name", after=entity, decided_by="test")
    return Change(action=Action.CREATE, system=system, kind=kind, entity=entity, fields=(field_change,), because="new")


def update(entity: str, value: str, *, system: str = "erp", kind: Kind = Kind.CUSTOMER) -> Change:
    field_change = FieldChange(path="name", before=entity, after=value, decided_by="test")
    target = Ref(system=system, kind=kind, external_id=entity)
    return Change(
        action=Action.UPDATE,
        system=system,
        kind=kind,
        entity=entity,
        target=target,
        fields=(field_change,),
        because="new",
    )


def intent(change: Change, *needs: Change) -> Intent:
    key = f"{change.system}/{change.kind}/{change.entity}"
    return Intent(change=change, order_key=key, needs=tuple(need.key for need in needs))
