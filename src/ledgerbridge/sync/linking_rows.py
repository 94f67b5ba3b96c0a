"""Writing what a linking decided: entities, links, merges and the audit log, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import MACHINE, LinkRule
from ledgerbridge.store import Tx, audit, identity_work, links, to_us


class Add(NamedTuple):
    """A record without a link that is to get one. `evidence` is JSON; see :class:`ledgerbridge.store.links.NewLink`."""

    system: str
    external_id: str
    part: str
    canonical_hash: bytes | None
    rule: str
    score: int | None = None
    evidence: str | None = None


@dataclass(slots=True)
class Together:
    """Records that shall share one entity: those of `entities`, whose first survives, and `adds`, whose first begins the
    entity if there is none. `rule` is why the records of the other entities come over.
    """

    entities: list[str] = field(default_factory=list)
    adds: list[Add] = field(default_factory=list)
    rule: str = LinkRule.ALONE


def write(tx: Tx, kind: Kind, groups: Sequence[Together], at: datetime) -> tuple[int, int]:
    """Carry it out, and enter every record that joined others in the audit log. How many entities were made, how many joined.

    A record that is gone makes room for one of its system that comes into its entity.
    """
    begun, older = [group for group in groups if not group.entities], [group for group in groups if group.entities]
    seeds = [(group.adds[0].system, group.adds[0].external_id) for group in begun]
    for group, entity_id in zip(begun, links.new_entities(tx, kind, seeds, at), strict=True):
        group.entities.append(entity_id)
    at_us = to_us(at)
    said: list[tuple[str, str, str, str]] = []
    _make_room(tx, kind, older, at)
    for group in older:
        if len(group.entities) > 1:
            said += _merge(tx, group, at_us)
    rows = []
    for group in groups:
        target = group.entities[0]
        for place, one in enumerate(group.adds):
            row = (one.system, kind.value, one.external_id, one.part, target, str(one.rule), one.score, one.evidence)
            rows.append(links.NewLink(*row, MACHINE, at_us, one.canonical_hash))
            if place or one.rule != LinkRule.ALONE:
                said.append((target, one.system, one.external_id, str(one.rule)))
    links.add(tx, rows)
    if said:
        listed: list[JsonValue] = [list[JsonValue](one) for one in said]
        audit.append(tx, actor=MACHINE, action="records linked", subject=kind.value, details={"links": listed}, at=at)
    return len(begun), len(said)


def _merge(tx: Tx, group: Together, at_us: int) -> list[tuple[str, str, str, str]]:
    """Move the records of the other entities into the first one."""
    target, *others = group.entities
    said = []
    for entity_id, held in links.refs_of(tx, others).items():
        refs = [one.ref for one in held]
        links.move(tx, refs, target, rule=group.rule, decided_by=MACHINE, at_us=at_us)
        said += [(target, ref.system, ref.external_id, str(group.rule)) for ref in refs]
        links.merge_away(tx, entity_id, target)
    for entity_id in others:
        if links.resolve(tx, entity_id) == entity_id:  # it had no record left
            links.merge_away(tx, entity_id, target)
    return said


def _make_room(tx: Tx, kind: Kind, groups: Sequence[Together], at: datetime) -> None:
    """Unlink the deleted records of entities in which a live record takes their place."""
    grow = {
        entity_id: group for group in groups if len(group.entities) > 1 or group.adds for entity_id in group.entities
    }
    if not grow:
        return
    gone = identity_work.gone_of(tx, kind, grow)
    if not gone:
        return
    held = links.refs_of(tx, list(grow))
    away = {(one.system, one.external_id) for one in gone}
    for one in gone:
        group = grow[one.entity_id]
        coming = {add.system for add in group.adds}
        for entity_id in group.entities:
            coming.update(
                other.system for other in held.get(entity_id, ()) if (other.system, other.external_id) not in away
            )
        first = next(
            other for entity_id in group.entities for other in held.get(entity_id, ())
            if (other.system, other.external_id) in away and other.system == one.system
        )  # fmt: skip
        if one.system in coming or first.external_id != one.external_id:
            ref = Ref(system=one.system, kind=kind, external_id=one.external_id)
            links.unbind(tx, ref, at=at, actor=MACHINE, why="the record is gone and another one took its place")
