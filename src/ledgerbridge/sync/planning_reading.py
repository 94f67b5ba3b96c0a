"""Reading for planning: the subjects of a chunk of entities, with everything that decides what becomes of them.

A chunk costs a fixed number of queries, whatever is in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import JsonValue

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind, Version
from ledgerbridge.model.change import Action, key_of
from ledgerbridge.model.exception import PlannedDecision
from ledgerbridge.model.operation import UNFINISHED, OpState
from ledgerbridge.model.plan import OPEN_STATES, REFERENCE, ConflictState, Take
from ledgerbridge.reconciler.merge import REFERENCES
from ledgerbridge.reconciler.planning import Copy, Decided, FlowRules, Subject, Targets
from ledgerbridge.store import Tx, agreed, conflicts, from_us, links, pending, plans
from ledgerbridge.store.agreed import Agreed, Pairing
from ledgerbridge.store.pending import CopyRow

from .planning_decisions import in_force

_QUARANTINE_MAX: Final = 5_000
_NO_TOKENS: Final[frozenset[str]] = frozenset()

_Record = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Looked:
    """One entity as it was read: what is decided about, what was agreed before, and the hashes of its sides now."""

    subject: Subject
    before: Agreed | None
    left_hash: bytes | None
    right_hash: bytes | None


@dataclass(slots=True)
class Reading:
    """Reads the subjects of one flow within one transaction."""

    tx: Tx
    rules: FlowRules
    of: Pairing
    now: datetime
    own: frozenset[str] = frozenset()
    """Open plans of the flow: what they have planned is about to be planned anew and does not count."""
    _doubtful: Mapping[tuple[str, str], set[str]] = field(default_factory=dict)
    _tokens: Mapping[str, frozenset[str]] = field(default_factory=dict)
    decisions: Mapping[str, tuple[PlannedDecision, ...]] = field(default_factory=dict)
    """By entity what people decided to do about exceptions and no write has done yet."""

    @classmethod
    def begin(cls, tx: Tx, rules: FlowRules, now: datetime) -> Reading:
        """Look up what is the same for all chunks."""
        flow = rules.flow
        of = Pairing(rules.name, flow.kind, flow.left, flow.right, rules.fingerprint, rules.right.parts)
        tokens = {
            side.system: _tokens(tx, side.system, flow.kind) for side in (rules.left, rules.right) if side.creates
        }
        own = frozenset(head.plan_id for head in plans.heads(tx, flow=rules.name, states=OPEN_STATES))
        return cls(tx, rules, of, now, own, pending.doubtful(tx, flow.kind), tokens, in_force(tx, flow))

    def looked(self, entity_ids: Sequence[str]) -> list[Looked]:
        """The subjects of these entities, in their order."""
        tx, flow = self.tx, self.rules.flow
        rows = pending.copies_of(tx, self.of, entity_ids)
        before = agreed.get_many(tx, flow_name := self.rules.name, entity_ids)
        cases = conflicts.of_entities(tx, flow_name, entity_ids)
        records = _records(tx, [row for some in rows.values() for row in some])
        left_targets, right_targets = self._targets(records.values())
        found = []
        for entity in entity_ids:
            mine = rows.get(entity, [])
            left = [row for row in mine if row.system == flow.left]
            right = [row for row in mine if row.system == flow.right]
            if len(left) > 1:
                raise ConfigError(
                    f"flows.{flow_name}: {flow.left} has several records of one {flow.kind} "
                    f"({', '.join(row.external_id for row in left)}); only the right side of a flow may keep parts"
                )
            at = {(row.system, row.external_id): _copy(row, records.get((row.system, row.external_id))) for row in mine}
            subject = Subject(
                entity=entity,
                left=at[left[0].system, left[0].external_id] if left else None,
                right=tuple(at[row.system, row.external_id] for row in right),
                bases=before[entity].bases() if entity in before else {},
                decided={case.key: made for case in cases.get(entity, ()) if (made := self._decided(case)) is not None},
                left_targets=left_targets,
                right_targets=right_targets,
                doubtful=frozenset(
                    system for row in mine for system in self._doubtful.get((row.system, row.external_id), ())
                ),
                lookalikes=self._lookalikes([records.get((row.system, row.external_id)) for row in mine], mine),
                decisions=self.decisions.get(entity, ()),
            )
            found.append(Looked(subject, before.get(entity), _hash(left), self._right_hash(right)))
        return found

    def postponed(self, entity_ids: Sequence[str]) -> set[str]:
        """Keys of conflicts of these entities that rest until a later day."""
        cases = conflicts.of_entities(self.tx, self.rules.name, entity_ids)
        return {
            case.key
            for some in cases.values()
            for case in some
            if case.state is ConflictState.POSTPONED and case.until is not None and case.until > self.now
        }

    def states_of(self, keys: Collection[str]) -> dict[str, OpState]:
        """Where the operations of these keys stand, without what the flow's own open plan has planned."""
        return {
            key: state
            for key, (state, plan_id) in pending.states_of(self.tx, keys).items()
            if not (state is OpState.PLANNED and plan_id in self.own)
        }

    def _decided(self, case: conflicts.Case) -> Decided | None:
        if case.state is not ConflictState.RESOLVED or case.take is None or case.take is Take.POSTPONE:
            return None
        return Decided(case.take, case.who or "", case.value)

    def _right_hash(self, rows: Sequence[CopyRow]) -> bytes | None:
        if not self.of.parts:
            return _hash(rows)
        return agreed.hash_of_parts([row.canonical_hash for row in rows if row.state == "live" and row.canonical_hash])

    def _lookalikes(self, records: Iterable[_Record | None], rows: Sequence[CopyRow]) -> frozenset[str]:
        """Systems without a record of the entity, in whose quarantine something bears its number, code or name."""
        if not any(self._tokens.values()):
            return frozenset()
        here = {row.system for row in rows}
        names = {
            str(record[name]) for record in records if record for name in ("number", "code", "name") if record.get(name)
        }
        return frozenset(system for system, tokens in self._tokens.items() if system not in here and names & tokens)

    def _targets(self, records: Iterable[_Record]) -> tuple[Targets, Targets]:
        """Where all entities that these records refer to stand in the left and in the right system."""
        wanted: dict[str, Kind] = {}
        for record in records:
            _gather(record, wanted)
        sides = []
        for side in (self.rules.left, self.rules.right):
            there = pending.entities_there(self.tx, side.system, wanted)
            keys = {
                key_of(Action.CREATE, side.system, kind, entity): entity
                for entity, kind in wanted.items()
                if entity not in there
            }
            under_way = {keys[key]: key for key, state in self.states_of(keys).items() if state in UNFINISHED}
            sides.append(Targets(frozenset(there), under_way))
        return sides[0], sides[1]


def not_ready(tx: Tx, rules: FlowRules) -> str | None:
    """Why a flow cannot be planned yet: what was never read to its end would look missing. None if it can be."""
    from ledgerbridge.store import streams

    kinds = [rules.flow.kind] if rules.flow.kind is Kind.CUSTOMER else [Kind.CUSTOMER, rules.flow.kind]
    for system in (rules.flow.left, rules.flow.right):
        for kind in kinds:
            if streams.get(tx, system, kind).complete_us is None:
                return f"{system}/{kind} has never been read to its end; run `ledgerbridge pull {system}` first"
    return None


def _records(tx: Tx, rows: Sequence[CopyRow]) -> dict[tuple[str, str], _Record]:
    """The records of all live copies, references replaced by the entities they lead to."""
    found: dict[tuple[str, str], _Record] = {}
    asked: dict[tuple[str, Kind], dict[str, set[str]]] = {}
    for row in rows:
        if row.canonical is None:
            continue
        record: _Record = json.loads(row.canonical)
        found[row.system, row.external_id] = record
        for of_kind, reference in _references(record):
            places = asked.setdefault((row.system, of_kind), {"id": set(), "number": set()})
            for place, names in (("id", ("external_id",)), ("number", ("code", "number"))):
                places[place].update(str(reference[name]) for name in names if reference.get(name))
    known: dict[tuple[str, Kind], tuple[Mapping[str, str], Mapping[str, str]]] = {}
    for (system, of_kind), places in asked.items():
        by_id = links.entities_of(tx, system, of_kind, places["id"])
        known[system, of_kind] = (by_id, pending.entities_by_number(tx, system, of_kind, places["number"]))
    for (system, _), record in found.items():
        _replace(record, system, known)
    return found


def _references(record: Mapping[str, Any]) -> Iterable[tuple[Kind, dict[str, Any]]]:
    for unit, kind in REFERENCES.items():
        if isinstance(reference := record.get(unit), dict):
            yield kind, reference
    for item in record.get("allocations") or ():
        if isinstance(reference := item.get("invoice"), dict):
            yield Kind.INVOICE, reference


def _replace(
    record: _Record, system: str, known: Mapping[tuple[str, Kind], tuple[Mapping[str, str], Mapping[str, str]]]
) -> None:
    """By id, else by number or code; what leads nowhere stays as it is, and is then not compared."""
    for kind, reference in _references(record):
        by_id, by_number = known[system, kind]
        if "external_id" in reference and reference["external_id"] is not None:
            entity = by_id.get(str(reference["external_id"]))
        else:
            entity = next(
                (by_number[str(reference[n])] for n in ("code", "number") if str(reference.get(n)) in by_number), None
            )
        if entity is not None:
            reference.clear()
            reference["external_id"] = f"{REFERENCE}{entity}"


def _gather(record: Mapping[str, Any], wanted: dict[str, Kind]) -> None:
    for kind, reference in _references(record):
        external_id = reference.get("external_id")
        if isinstance(external_id, str) and external_id.startswith(REFERENCE):
            wanted[external_id.removeprefix(REFERENCE)] = kind


def _copy(row: CopyRow, record: _Record | None) -> Copy:
    return Copy(
        external_id=row.external_id,
        wire_type=row.wire_type,
        live=row.state == "live",
        gone=row.state == "deleted",
        sound=not row.flawed and row.state != "quarantined",
        version=Version(
            digest=row.raw_hash.hex(),
            order=row.version_order,
            modified_at=None if row.modified_us is None else from_us(row.modified_us),
            seen_at=from_us(row.changed_us),
        ),
        record=record,
    )


def _hash(rows: Sequence[CopyRow]) -> bytes | None:
    return rows[0].canonical_hash if rows and rows[0].state == "live" else None


def _tokens(tx: Tx, system: str, kind: Kind) -> frozenset[str]:
    """Every text that stands in a record in quarantine: one of them may be the number of what seems to be missing."""
    found: set[str] = set()
    for text in pending.quarantined(tx, system, kind, limit=_QUARANTINE_MAX):
        try:
            waiting: list[Any] = [json.loads(text)]
        except ValueError:
            continue  # no record: it names nothing
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                waiting.extend(value.values())
            elif isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, str):
                found.add(value)
            elif isinstance(value, int) and not isinstance(value, bool):
                found.add(str(value))
    return frozenset(found) or _NO_TOKENS
