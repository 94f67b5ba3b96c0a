"""How a target names its own records of the entities that a change speaks of."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import JsonValue

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.store import Tx, copies, links


class NoTarget(Exception):
    """An entity has no record in the target system, or several of which none can be chosen; the text says which."""


def names_in(tx: Tx, system: str, entities: Collection[str]) -> dict[str, dict[str, JsonValue]]:
    """Per entity the reference that a record of `system` would hold: id, and what the observed copy says besides.

    A customer's with its code and name, a document's with its number; mappings write what their system takes. NoTarget if
    one of the entities has no single record there.
    """
    found = links.refs_of(tx, entities)
    names: dict[str, dict[str, JsonValue]] = {}
    for entity in sorted(entities):
        here = [one.ref for one in found.get(entity, ()) if one.system == system]
        if not here:
            raise NoTarget(f"the record that this one names (entity {entity}) is not in {system} yet")
        if len(here) > 1:
            shown = ", ".join(ref.external_id for ref in here)
            raise NoTarget(
                f"entity {entity} has several records in {system} ({shown}); which one is meant cannot be told"
            )
        names[entity] = _name(tx, here[0])
    return names


def _name(tx: Tx, ref: Ref) -> dict[str, JsonValue]:
    copy = copies.get(tx, ref)
    name: dict[str, JsonValue] = {"external_id": ref.external_id}
    number = copy.number if copy is not None else None
    if ref.kind is not Kind.CUSTOMER:
        return {**name, "number": number} if number else name
    if number:
        name["code"] = number
    if copy is not None and copy.party_name:
        name["name"] = copy.party_name
    return name


def elsewhere(tx: Tx, ref: Ref, entity: str, part: str) -> str | None:
    """Why a record cannot be the one that was made from `entity`: links already say otherwise. None if they do not."""
    mine = links.resolve(tx, entity)
    owner = links.entity_of(tx, ref)
    if owner == mine:
        return None
    for one in links.refs_of(tx, (mine,)).get(mine, ()):
        if one.system == ref.system and one.part == part:
            return f"its entity {mine} is linked to {one.ref} there already, not to {ref}"
    if owner is not None and len(links.refs_of(tx, (owner,)).get(owner, ())) > 1:
        return f"{ref} belongs to another entity ({owner})"
    return None
