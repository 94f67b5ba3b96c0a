"""What people decided to do about exceptions, for the planning of one flow."""

from __future__ import annotations

from collections.abc import Sequence

from ledgerbridge.model.change import Action
from ledgerbridge.model.exception import PlannedDecision
from ledgerbridge.model.flow import Flow
from ledgerbridge.reconciler.planning import because_of
from ledgerbridge.store import Tx, links, pending, to_us
from ledgerbridge.store.exceptions import decisions_to_plan


def in_force(tx: Tx, flow: Flow) -> dict[str, tuple[PlannedDecision, ...]]:
    """The decisions that a flow is to carry out, by entity, oldest first.

    A decision belongs to the flows of its kind between its two systems. It is looked up by the records that it names, for these
    may have been linked since; one whose records belong to nothing yet waits until they do. One that a verified write has
    carried out is over, whatever the record says now. Pairs are linked and split by people, not by plans.
    """
    found = [
        decision
        for decision in decisions_to_plan(tx, flow.kind)
        if decision.action is not Action.LINK and {decision.system, decision.source} == {flow.left, flow.right}
    ]
    by_entity: dict[str, list[PlannedDecision]] = {}
    for decision, entities in zip(found, _entities(tx, flow, found), strict=True):
        for entity in entities:
            by_entity.setdefault(entity, []).append(decision)
    order_keys = {f"{decision.system}/{flow.kind}/{entity}" for entity, some in by_entity.items() for decision in some}
    done = pending.reasons_verified(tx, order_keys)
    left = {
        entity: tuple(
            decision
            for decision in sorted(some, key=lambda one: (one.at, one.exception))
            if done.get(f"{decision.system}/{flow.kind}/{entity}", {}).get(because_of(decision), -1)
            < to_us(decision.at)
        )
        for entity, some in by_entity.items()
    }
    return {entity: some for entity, some in left.items() if some}


def _entities(tx: Tx, flow: Flow, decisions: Sequence[PlannedDecision]) -> list[list[str]]:
    """Per decision the entities of its records in the flow's systems; without any record, the entity that it names."""
    by_system: dict[str, dict[str, str]] = {}
    for system in (flow.left, flow.right):
        there = {ref.external_id for one in decisions for ref in one.refs if ref.system == system}
        by_system[system] = links.entities_of(tx, system, flow.kind, there) if there else {}
    named = links.resolved(tx, {one.entity for one in decisions if one.entity is not None and not one.refs})
    found = []
    for one in decisions:
        ids = [by_system.get(ref.system, {}).get(ref.external_id) for ref in one.refs]
        if not one.refs and one.entity is not None:
            ids = [named[one.entity]]
        found.append(list(dict.fromkeys(entity for entity in ids if entity is not None)))
    return found
