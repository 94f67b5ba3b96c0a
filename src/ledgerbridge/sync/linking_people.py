"""What people decide about who is who: accept, refuse, split, merge. Their word stands against the machine's for ever.

Every decision is remembered with who and why, and every link it moves is in the audit log. LinkError, saying what to do, for
what contradicts another decision of a person.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import combinations, product

from pydantic import JsonValue

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.errors import LinkError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import LinkDecision, LinkRule, LinkVerdict, ordered
from ledgerbridge.store import Store, Tx, audit, copies, identity, links, to_us
from ledgerbridge.store.links import LinkedRef
from ledgerbridge.store.observed import State

_LOG = log.get(__name__)


def accept(store: Store, one: Ref, other: Ref, *, who: str, why: str, clock: Clock) -> str:
    """The two records are the same: they share an entity from now on, whose id is returned.

    Links that the machine made and that stand in the way give way; those that a person made do not (LinkError).
    """
    at = clock.now()
    with store.writing(lock=links.LOCK) as tx:
        decision = LinkDecision(left=one, right=other, verdict=LinkVerdict.ACCEPT, who=who, why=why, at=at)
        identity.decide(tx, decision)
        entity_id = _bring_together(tx, one, other, who, at)
        _look_again(tx, entity_id)
        _enter(tx, who, "link accepted", (one, other), {"entity": entity_id, "why": why}, at)
    return entity_id


def refuse(store: Store, one: Ref, other: Ref, *, who: str, why: str, clock: Clock) -> None:
    """The two records are not the same: they are never linked or proposed again, and parted if they were linked."""
    at = clock.now()
    with store.writing(lock=links.LOCK) as tx:
        entities = [_entity(tx, ref, at) for ref in (one, other)]
        decision = LinkDecision(left=one, right=other, verdict=LinkVerdict.REFUSE, who=who, why=why, at=at)
        identity.decide(tx, decision)
        details = {"why": why}
        if entities[0] == entities[1]:
            details["entity"] = entities[0]
            details["parted"] = _part(tx, entities[0], one, other, who, at)
        links.match_again(tx, (one, other))
        for entity_id in {links.entity_of(tx, one), links.entity_of(tx, other)} - {None}:
            _look_again(tx, str(entity_id))
        _enter(tx, who, "link refused", (one, other), details, at)


def split(store: Store, ref: Ref, *, who: str, why: str, clock: Clock) -> str:
    """Take a record out of its entity into one of its own, whose id is returned; it is never linked with the others again."""
    at = clock.now()
    with store.writing(lock=links.LOCK) as tx:
        before = _entity(tx, ref, at)
        others = [held.ref for held in links.refs_of(tx, [before])[before] if held.ref != ref]
        if not others:
            raise LinkError(f"{ref} stands alone in its entity {before}; there is nothing to split")
        for other in others:
            decision = LinkDecision(left=ref, right=other, verdict=LinkVerdict.REFUSE, who=who, why=why, at=at)
            identity.decide(tx, decision)
        made = links.new_entity(tx, ref.kind, ref, at)
        links.move(tx, [ref], made, rule=LinkRule.SPLIT, decided_by=who, at_us=to_us(at))
        links.match_again(tx, [ref, *others])
        details: dict[str, JsonValue] = {
            "entity": before,
            "new_entity": made,
            "refused": [str(other) for other in others],
            "why": why,
        }
        audit.append(tx, actor=who, action="record split off", subject=str(ref), details=details, at=at)
    return made


def merge(store: Store, into: str, entity_id: str, *, who: str, why: str, clock: Clock) -> str:
    """Make two entities one: the records of `entity_id` come to `into`, whose id (as it resolves now) is returned."""
    at = clock.now()
    with store.writing(lock=links.LOCK) as tx:
        target, source = links.resolve(tx, into), links.resolve(tx, entity_id)
        kinds = [_kind(tx, one) for one in (target, source)]
        if target == source:
            raise LinkError(f"{into} and {entity_id} are one entity already: {target}")
        if kinds[0] is not kinds[1]:
            raise LinkError(f"{into} is a {kinds[0]} and {entity_id} a {kinds[1]}; they cannot be one")
        held = links.refs_of(tx, [target, source])
        ours, theirs = held.get(target, []), held.get(source, [])
        _check_room(tx, ours, theirs)
        for one, other in product(ours[:1], theirs[:1]):
            decision = LinkDecision(left=one.ref, right=other.ref, verdict=LinkVerdict.ACCEPT, who=who, why=why, at=at)
            identity.decide(tx, decision)
        refs = [one.ref for one in theirs]
        links.move(tx, refs, target, rule=LinkRule.ACCEPTED, decided_by=who, at_us=to_us(at))
        links.merge_away(tx, source, target)
        identity.close_void_doubts(tx, kinds[0])
        _look_again(tx, target)
        details: dict[str, JsonValue] = {"merged": source, "records": [str(ref) for ref in refs], "why": why}
        audit.append(tx, actor=who, action="entities merged", subject=target, details=details, at=at)
    return target


def keep_accepted(store: Store, kind: Kind, clock: Clock) -> None:
    """Bring accepted pairs together again whose records lost or changed their links since; people are not asked twice."""
    with store.reading() as tx:
        apart = _accepted_apart(tx, kind)
    for decision in apart:
        at = clock.now()
        try:
            with store.writing(lock=links.LOCK) as tx:
                entity_id = _bring_together(tx, decision.left, decision.right, decision.who, at)
                pair = (decision.left, decision.right)
                _enter(tx, decision.who, "link accepted", pair, {"entity": entity_id, "why": decision.why}, at)
        except LinkError as error:  # the pair stays as it is, and the log says why; nothing else waits for it
            _LOG.warning("accepted pair kept apart", kind=kind, error=str(error))


def _accepted_apart(tx: Tx, kind: Kind) -> list[LinkDecision]:
    accepted = [one for one in identity.decisions(tx, kind) if one.verdict is LinkVerdict.ACCEPT]
    systems = {ref.system for one in accepted for ref in (one.left, one.right)}
    entities: dict[Ref, str] = {}
    for system in systems:
        ids = {r.external_id for one in accepted for r in (one.left, one.right) if r.system == system}
        found = links.entities_of(tx, system, kind, ids)
        entities.update((Ref(system=system, kind=kind, external_id=key), value) for key, value in found.items())
    return [
        one
        for one in accepted
        if (entities.get(one.left) is None or entities.get(one.left) != entities.get(one.right))
        and all(_is_live(tx, ref) for ref in (one.left, one.right))
    ]


def _is_live(tx: Tx, ref: Ref) -> bool:
    copy = copies.get(tx, ref)
    return copy is not None and copy.state is State.LIVE


def _bring_together(tx: Tx, one: Ref, other: Ref, who: str, at: datetime) -> str:
    """Put both into the entity of `one`, with all that belongs to them and is not in the way."""
    target, source = _entity(tx, one, at), _entity(tx, other, at)
    at_us = to_us(at)
    if target == source:
        links.move(tx, [other], target, rule=LinkRule.ACCEPTED, decided_by=who, at_us=at_us)
        return target
    held = links.refs_of(tx, [target, source])
    ours, theirs = held[target], held[source]
    by_ref = {member.ref: member for member in (*ours, *theirs)}
    core = _held_together(tx, by_ref, one)
    refused = identity.refused(tx, one.kind)
    for left, right in combinations([by_ref[ref] for ref in core], 2):
        if _clash(left, right):
            raise LinkError(
                f"{one} and {other} cannot be one: people linked them with {left.ref} and {right.ref}, which are two records "
                f"of one system; `ledgerbridge links refuse` one of these links first"
            )
        if ordered(left.ref, right.ref) in refused:
            raise LinkError(
                f"{one} and {other} cannot be one: a person told {left.ref} and {right.ref} apart; "
                f"`ledgerbridge links accept {left.ref} {right.ref}` takes that back"
            )
    stays = {member.ref: member for member in ours if member.ref in core}
    comes = [member.ref for member in theirs if member.ref in core]
    stays.update((ref, by_ref[ref]) for ref in comes)
    out: list[Ref] = []
    for member in (*ours, *theirs):
        if member.ref in core:
            continue
        group = [by_ref[ref] for ref in _held_together(tx, by_ref, member.ref)]
        fits = not any(
            _clash(a, b) or ordered(a.ref, b.ref) in refused
            for a, b in product(group, stays.values())
            if a.ref != b.ref
        )
        if fits:
            stays[member.ref] = member
            if member in theirs:
                comes.append(member.ref)
        elif member in ours:
            out.append(member.ref)
    _move_out(tx, out, at)
    links.move(tx, comes, target, rule=LinkRule.ACCEPTED, decided_by=who, at_us=at_us)
    if len(comes) == len(theirs):
        links.merge_away(tx, source, target)
    links.match_again(tx, [*out, *(member.ref for member in theirs if member.ref not in comes)])
    identity.close_void_doubts(tx, one.kind)
    return target


def _look_again(tx: Tx, entity_id: str) -> None:
    """What waits together with a record of this entity may be clear by now, or out of the question."""
    for held in links.refs_of(tx, [entity_id]).get(entity_id, []):
        for doubt in identity.doubts(tx, of=held.ref):
            links.match_again(tx, (doubt.left, doubt.right, *doubt.rivals))


def _move_out(tx: Tx, refs: Sequence[Ref], at: datetime) -> None:
    """Give records that stood in a person's way entities of their own, those that people linked staying together."""
    left = list(refs)
    while left:
        group = _held_together(tx, left, left[0])
        made = links.new_entity(tx, left[0].kind, left[0], at)
        links.move(tx, sorted(group, key=str), made, rule=LinkRule.ALONE, decided_by="machine", at_us=to_us(at))
        left = [ref for ref in left if ref not in group]


def _part(tx: Tx, entity_id: str, one: Ref, other: Ref, who: str, at: datetime) -> str:
    """Take one of the two, with what people linked to it, out of their entity; which one left."""
    members = [held.ref for held in links.refs_of(tx, [entity_id])[entity_id]]
    leaving, staying = other, one
    if links.begins_with(entity_id, other):  # the record that the entity began with keeps it
        leaving, staying = one, other
    group = _held_together(tx, members, leaving)
    if staying in group:
        raise LinkError(
            f"people linked {one} and {other} by way of other records "
            f"({', '.join(sorted(str(ref) for ref in group - {one, other}))}); refuse one of those links first"
        )
    made = links.new_entity(tx, leaving.kind, leaving, at)
    links.move(tx, sorted(group, key=str), made, rule=LinkRule.SPLIT, decided_by=who, at_us=to_us(at))
    return str(leaving)


def _held_together(tx: Tx, among: Collection[Ref], start: Ref) -> set[Ref]:
    """The records that people accepted as the same as `start`, directly or by way of one another."""
    accepted = [one for one in identity.decisions(tx, start.kind, of=among) if one.verdict is LinkVerdict.ACCEPT]
    group, grown = {start}, True
    while grown:
        grown = False
        for decision in accepted:
            pair = {decision.left, decision.right}
            if pair & group and not pair <= group and pair <= set(among):
                group |= pair
                grown = True
    return group


def _check_room(tx: Tx, ours: Sequence[LinkedRef], theirs: Sequence[LinkedRef]) -> None:
    for left, right in product(ours, theirs):
        if _clash(left, right):
            raise LinkError(
                f"{left.ref} and {right.ref} are two records of one system and cannot share an entity; "
                "split one of them off first"
            )
        decision = identity.decision_on(tx, left.ref, right.ref)
        if decision is not None and decision.verdict is LinkVerdict.REFUSE:
            raise LinkError(
                f"{decision.who} told {left.ref} and {right.ref} apart ({decision.why}); "
                f"`ledgerbridge links accept {left.ref} {right.ref}` takes that back"
            )


def _clash(left: LinkedRef, right: LinkedRef) -> bool:
    """May the two not share an entity? Different parts of one payment may."""
    return left.system == right.system and (left.part == right.part or not left.part or not right.part)


def _entity(tx: Tx, ref: Ref, at: datetime) -> str:
    """A record's entity, made if it has none yet. LinkError if there is no such record."""
    entity_id = links.entity_of(tx, ref)
    if entity_id is not None:
        return entity_id
    if copies.get(tx, ref) is None:
        raise LinkError(f"there is no record {ref}; `ledgerbridge show {ref.kind} NUMBER` finds records")
    made = links.new_entity(tx, ref.kind, ref, at)
    return links.bind(tx, ref, made, at=at, rule=LinkRule.ALONE)


def _kind(tx: Tx, entity_id: str) -> Kind:
    kind = links.kind_of(tx, entity_id)
    if kind is None:
        raise LinkError(f"there is no entity {entity_id}; `ledgerbridge links show SYSTEM/KIND/ID` names a record's")
    return kind


def _enter(tx: Tx, who: str, action: str, pair: tuple[Ref, Ref], details: dict[str, str], at: datetime) -> None:
    """Both records are subjects of their own: each one's history is found under its name."""
    for one, other in (pair, pair[::-1]):
        audit.append(tx, actor=who, action=action, subject=str(one), details={**details, "other": str(other)}, at=at)
