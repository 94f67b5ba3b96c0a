"""Wire bodies: a change's fields → the target's own record → what its mapping writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ledgerbridge.connectors.base import Capabilities, Write
from ledgerbridge.mapping.apply import Context, MappedOut, Outbound, Unmapped, compile_outbound
from ledgerbridge.mapping.canonical import Record
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.problem import Problem
from ledgerbridge.model.raw import Raw, digest_of
from ledgerbridge.model.wirejson import dumps
from ledgerbridge.store import Store, copies
from ledgerbridge.sync.decode import Accepted, Decode

from .comparing import related
from .laying import CannotLay, as_record, entities_named, laid_over, planned_values, with_targets
from .targets import NoTarget, names_in


class CannotDraft(Exception):
    """The change cannot be written as it was planned; the text names the fields. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class WriteMaps:
    """How a system's records are written and read: per written kind the mapping of its write type, per read kind the decode."""

    specs: Mapping[Kind, MappingSpec]
    decodes: Mapping[Kind, Decode]
    context: Context


@dataclass(frozen=True, slots=True)
class Draft:
    """A change ready to be sent: the record as planned, in the target's own ids, and its wire form."""

    planned: Record
    write: Write


@dataclass(slots=True)
class Drafting:
    """Makes drafts for one system. Bodies are the same for the same change, links and copies."""

    store: Store
    system: str
    capabilities: Capabilities
    maps: WriteMaps
    _compiled: dict[Kind, Outbound] = field(default_factory=dict)

    def draft(self, change: Change) -> Draft:
        """The body of a create, an update or a void; CannotDraft if it cannot be written exactly as planned."""
        if change.action is Action.VOID:
            if change.kind not in self.capabilities.voids:
                raise CannotDraft(f"{self.system} cannot void a {change.kind}; a person does that there")
            return Draft(self.planned(change), Write(change, {}))
        outbound, planned = self._outbound(change.kind), self.planned(change)
        creating = change.action is Action.CREATE
        paths = frozenset(one.path for one in change.fields)
        made = outbound(planned, changed=None if creating else paths, creating=creating)
        if isinstance(made, Unmapped):
            raise CannotDraft("; ".join(map(_said, made.problems)))
        if not creating:
            self._nothing_left_out(paths, made)
        return Draft(planned, Write(change, made.body))

    def planned(self, change: Change) -> Record:
        """The whole record as the change wants it, in the target's own ids; of a void, the record as it was last seen."""
        if change.action is Action.CREATE:
            before: dict[str, object] = {}
            values = planned_values(change.fields)
        else:
            before = self._observed(change)
            values = laid_over(before, change.fields)  # type: ignore[arg-type]
        try:
            named = entities_named(values)
            if named:
                with self.store.reading() as tx:
                    values = with_targets(values, names_in(tx, self.system, named))
            return as_record(change.kind, values)
        except (CannotLay, NoTarget) as fault:
            raise CannotDraft(str(fault)) from None

    def read_back(self, draft: Draft, now: Raw | None = None) -> Record | None:
        """What the target's own reading makes of a draft's body (laid over `now`); None if it makes nothing of it.

        What a system cannot express (a kind, the parts of an address) is thus no difference to what was planned.
        """
        change = draft.write.change
        decode = self.maps.decodes.get(change.kind)
        if decode is None:
            return None
        body = {**(now.payload() if now is not None else {}), **draft.write.body}
        text = dumps(body).encode()
        wire_type = self.capabilities.write_types[change.kind]
        raw = Raw(change.kind, wire_type, change.key, text, digest_of(text), self.store.clock.now())
        decoded = decode(raw)
        return decoded.record if isinstance(decoded, Accepted) else None  # type: ignore[return-value]

    def writable(self, change: Change) -> frozenset[str]:
        """The canonical paths that the mapping writes for this action."""
        return self._outbound(change.kind).writable(creating=change.action is Action.CREATE)

    def _outbound(self, kind: Kind) -> Outbound:
        made = self._compiled.get(kind)
        if made is None:
            spec = self.maps.specs.get(kind)
            if spec is None:
                raise CannotDraft(f"{self.system} does not write {kind} records with its settings")
            made = self._compiled[kind] = compile_outbound(spec, self.maps.context)
        return made

    def _observed(self, change: Change) -> dict[str, object]:
        if change.target is None:
            raise CannotDraft(f"the change does not say which {change.kind} it is about")
        with self.store.reading() as tx:
            copy = copies.get(tx, change.target)
        if copy is None or copy.canonical is None:
            raise CannotDraft(f"{change.target} has never been read; pull first")
        found: dict[str, object] = json.loads(copy.canonical)
        return found

    def _nothing_left_out(self, paths: frozenset[str], made: MappedOut) -> None:
        """An update is written as a whole or not at all: a person approved each of its fields."""
        faults = [f"{path}: the mapping of {self.system} does not write it" for path in made.left_out]
        faults += [_said(notice) for notice in made.notices if related(notice.field, paths)]
        if not faults and not made.body:
            faults = [f"{', '.join(sorted(paths)) or 'no field'}: nothing of it can be written to {self.system}"]
        if faults:
            raise CannotDraft("; ".join(faults))


def _said(problem: Problem) -> str:
    return f"{problem.field}: {problem.why}"
