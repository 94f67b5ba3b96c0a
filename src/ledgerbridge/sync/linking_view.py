"""Looking at who is who: a record by what people call it, and what a record or a pair looks like to a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from ledgerbridge.errors import LinkError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import LINKED_KINDS, Link, LinkDecision, LinkDoubt
from ledgerbridge.store import Tx, copies, identity, links


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as a person knows it. `state` is None where there is no copy of it."""

    ref: Ref
    number: str | None
    name: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class EntityView:
    """An entity: its records with their links, what people said of them, and what waits."""

    entity_id: str
    kind: Kind
    records: tuple[tuple[Link, Seen], ...]
    decisions: tuple[LinkDecision, ...]
    doubts: tuple[LinkDoubt, ...]


def ref_of(tx: Tx, text: str) -> Ref:
    """The record that `text` means: ``system/kind/external_id``, or ``system/number`` or ``system:number`` if one has it.

    LinkError, with the candidates, if there is none or several.
    """
    system, slash, rest = text.partition("/")
    kind, second, external_id = rest.partition("/")
    if slash and second and kind in {one.value for one in LINKED_KINDS}:
        try:
            ref = Ref(system=system, kind=Kind(kind), external_id=external_id)
        except ValidationError:
            raise LinkError(f"{text[:100]!r} can be no record: its id is empty or too long") from None
        if copies.get(tx, ref) is None and links.entity_of(tx, ref) is None:
            raise LinkError(f"there is no record {ref}; `ledgerbridge show {kind} NUMBER` finds records")
        return ref
    if not slash:
        system, slash, rest = text.partition(":")
    if not slash or not rest:
        raise LinkError(
            f"{text!r} names no record; write system/kind/id, such as erp/customer/010002, or system/number"
        )
    found = [copy.ref for copy in copies.find(tx, rest, system=system) if copy.ref.kind in LINKED_KINDS]
    if len(found) == 1:
        return found[0]
    if not found:
        raise LinkError(
            f"{system} has no record with the id or number {rest!r}; `ledgerbridge show KIND {rest}` looks everywhere"
        )
    listed = ", ".join(str(ref) for ref in found[:10])
    raise LinkError(f"{system} has {len(found)} records with the number {rest!r}; name one of them: {listed}")


def entity_view(tx: Tx, ref: Ref) -> EntityView:
    """All about the entity of a record. LinkError if it has none yet."""
    entity_id = links.entity_of(tx, ref)
    if entity_id is None:
        raise LinkError(f"{ref} is not linked yet; run `ledgerbridge links refresh`")
    refs = [held.ref for held in links.refs_of(tx, [entity_id])[entity_id]]
    known = seen_all(tx, refs)
    records = [(found, known[one]) for one in refs if (found := identity.link_of(tx, one)) is not None]
    doubts = {(doubt.left, doubt.right): doubt for one in refs for doubt in identity.doubts(tx, of=one)}
    decisions = tuple(identity.decisions(tx, ref.kind, of=refs))
    return EntityView(entity_id, ref.kind, tuple(records), decisions, tuple(doubts.values()))


def seen(tx: Tx, ref: Ref) -> Seen:
    """One record by number and name."""
    return seen_all(tx, [ref])[ref]


def seen_all(tx: Tx, refs: Iterable[Ref]) -> dict[Ref, Seen]:
    """Many records by number and name, a query a thousand."""
    wanted = list(dict.fromkeys(refs))
    found = identity.heads(tx, wanted)
    return {ref: Seen(ref, *(found.get(ref) or (None, None, None))) for ref in wanted}
