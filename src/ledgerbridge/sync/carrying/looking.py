"""Reading back: is what was planned there, is it not yet there, or is there something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledgerbridge.connectors.base import Connector
from ledgerbridge.mapping.canonical import Record
from ledgerbridge.mapping.outbound import value_at
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.operation import (
    Answer,
    Differs,
    Done,
    Missing,
    Moved,
    Operation,
    Present,
    Sighting,
)
from ledgerbridge.model.raw import Raw
from ledgerbridge.store import Store
from ledgerbridge.sync.decode import Accepted

from .comparing import compared_paths, differing, is_void
from .drafting import CannotDraft, Draft, Drafting
from .keeping import tombstone
from .targets import elsewhere

_NATURAL: Final = {Kind.CUSTOMER: "code", Kind.INVOICE: "number", Kind.PAYMENT: "number"}
"""What a record is found by where our key is not kept with it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read back. `differs`: planned fields that say something else but need not agree (of a create)."""

    raw: Raw
    record: Record | None = None
    differs: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """Which part of a payment the record is, where a system keeps several."""
        return str(getattr(self.record, "part", None) or "")


class Looking:
    """Compares what a far side holds with what operations were to do. Reads only."""

    def __init__(self, store: Store, system: str, drafting: Drafting) -> None:
        self._store = store
        self._system = system
        self._drafting = drafting

    def look(self, operation: Operation, far: Connector) -> Sighting:
        """One operation against the far side as it is now; ConnectorError if it cannot be read."""
        change = operation.change
        if change.action is Action.CREATE:
            return self._created(operation, far)
        if change.target is None:
            return Differs(f"the change does not say which {change.kind} it is about")
        now = far.get(change.target)
        return self._voided(change, change.target, now) if change.action is Action.VOID else self._updated(change, now)

    def before_writing(self, change: Change, draft: Draft | None, now: Raw | None) -> Answer | None:
        """Whether an update or a void is still what was approved; None if it is."""
        assert change.target is not None
        if now is None or now.deleted:
            if change.action is Action.VOID:
                return Done(change.target)
            return Moved(f"{change.target} does not exist any more")
        record = self._decoded(now)
        if change.action is Action.VOID:
            if record is not None and is_void(record):
                return Done(change.target, _version(now))
        elif record is not None and not self._unlike(change, draft, record, now):
            return Done(change.target, _version(now))
        if change.expected is None or not has_moved(now, change.expected):
            return None
        return Moved(f"{change.target} was changed since it was planned{_words(change, record)}; pull and plan again")

    def _created(self, operation: Operation, far: Connector) -> Sighting:
        change = operation.change
        try:
            draft = self._drafting.draft(change)
        except CannotDraft as fault:
            return Differs(f"it cannot be compared any more: {fault}", operation.foreign)
        found = self._candidates(operation, draft.planned, far)
        if not found:
            return Missing() if operation.foreign is None else Differs("it is gone again", operation.foreign)
        if len(found) > 1:
            shown = ", ".join(raw.external_id for raw in found[:5])
            return Differs(f"{len(found)} records were found: {shown}")
        raw = found[0]
        ref = Ref(system=self._system, kind=change.kind, external_id=raw.external_id)
        record = self._decoded(raw)
        if record is None:
            return Differs("the record that was found cannot be read by its mapping", ref)
        also = self._drafting.read_back(draft)
        planned = [one.path for one in change.fields]
        must = compared_paths(change.kind, planned, self._drafting.writable(change))
        bad = differing(draft.planned, record, must, also=also)
        if bad:
            return Differs(_fields(bad, draft.planned, record), ref)
        rest = tuple(differing(draft.planned, record, [path for path in planned if path not in must], also=also))
        seen = Evidence(raw, record, rest)
        with self._store.reading() as tx:
            why = elsewhere(tx, ref, change.entity, seen.part)
        return Differs(why, ref) if why is not None else Present(ref, seen)

    def _candidates(self, operation: Operation, planned: Record, far: Connector) -> list[Raw]:
        """The record of a receipt; else those with our key, else those with the number or code that was to be written."""
        change = operation.change
        if operation.foreign is not None:
            raw = far.get(operation.foreign)
            return [] if raw is None or raw.deleted else [raw]
        found = [raw for raw in far.find(change.kind, change.key) if not raw.deleted]
        natural = value_at(planned, _NATURAL[change.kind]) if change.kind in _NATURAL else None
        if not found and isinstance(natural, str) and natural:
            found = [raw for raw in far.find(change.kind, natural) if not raw.deleted]
        return found

    def _updated(self, change: Change, now: Raw | None) -> Sighting:
        assert change.target is not None
        if now is None or now.deleted:
            return Differs("it does not exist any more", change.target)
        record = self._decoded(now)
        if record is None:
            return Differs("the record cannot be read by its mapping any more", change.target)
        try:
            draft = self._drafting.draft(change)
        except CannotDraft as fault:
            return Differs(f"it cannot be compared any more: {fault}", change.target)
        bad = self._unlike(change, draft, record, now)
        if not bad:
            return Present(change.target, Evidence(now, record))
        if change.expected is not None and not has_moved(now, change.expected):
            return Missing()
        return Differs(_fields(bad, draft.planned, record), change.target)

    def _voided(self, change: Change, target: Ref, now: Raw | None) -> Sighting:
        if now is None or now.deleted:
            wire_type = self._drafting.capabilities.write_types.get(change.kind, "")
            return Present(target, Evidence(now or tombstone(target, wire_type, self._store.clock.now())))
        record = self._decoded(now)
        if record is not None and is_void(record):
            return Present(target, Evidence(now, record))
        if change.expected is not None and has_moved(now, change.expected):
            return Differs("it was changed, and it is not void", target)
        return Missing()

    def _unlike(self, change: Change, draft: Draft | None, record: Record, now: Raw) -> list[str]:
        """The planned fields at which the record does not say what an update wants of it."""
        if draft is None:
            try:
                draft = self._drafting.draft(change)
            except CannotDraft:
                return [one.path for one in change.fields]
        also = self._drafting.read_back(draft, now)
        return differing(draft.planned, record, [one.path for one in change.fields], also=also)

    def _decoded(self, raw: Raw) -> Record | None:
        decode = self._drafting.maps.decodes.get(raw.kind)
        decoded = decode(raw) if decode is not None else None
        return decoded.record if isinstance(decoded, Accepted) else None  # type: ignore[return-value]


def has_moved(now: Raw, expected: Version) -> bool:
    """Whether a record is another version than the one expected.

    An equal text is the same version; so is an equal order of versions with another text (sums that the far side rolls up).
    """
    if now.digest.hex() == expected.digest:
        return False
    return expected.order is None or now.order is None or now.order != expected.order


def _version(raw: Raw) -> Version:
    return Version(digest=raw.digest.hex(), order=raw.order, modified_at=raw.modified_at)


def _fields(paths: list[str], planned: Record, found: Record) -> str:
    """The fields in question, with both values where they are plain."""
    said = []
    for path in paths:
        wanted, there = value_at(planned, path), value_at(found, path)
        plain = isinstance(wanted, str | int | None) and isinstance(there, str | int | None)
        said.append(f"{path}: planned {wanted!s}, found {there!s}" if plain else path)
    return "differs in " + "; ".join(said)


def _words(change: Change, record: Record | None) -> str:
    if record is None or not change.fields:
        return ""
    return f" ({', '.join(one.path for one in change.fields)} was to be written)"
