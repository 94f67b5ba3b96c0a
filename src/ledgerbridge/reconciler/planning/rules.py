"""A flow made ready for planning: what each side says of its records, and what may be written to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ledgerbridge.model.base import Version
from ledgerbridge.model.flow import Direction, Flow
from ledgerbridge.reconciler.merge import Record, said

from .parts import WHOLE

_FREE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Side:
    """One system's part in a flow.

    `reads`: per wire type the units that its mapping fills, of a list with the fields of its items. `creates`: the units that
    a create may carry (empty: nothing is created there). `updates`: per wire type those that an update may carry. `parts`: it
    keeps one record per part of an entity, whose amounts add up.
    """

    system: str
    reads: Mapping[str, Mapping[str, frozenset[str]]]
    creates: frozenset[str] = frozenset()
    updates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    can_void: bool = False
    parts: bool = False

    def writable(self, wire_type: str) -> frozenset[str]:
        """What can be written to a record of this type at all, now or when it is created."""
        return self.creates | self.updates.get(wire_type, frozenset())


@dataclass(frozen=True)
class FlowRules:
    """All that planning needs to know of a flow. `fingerprint` changes when another outcome is possible for the same copies."""

    name: str
    flow: Flow
    left: Side
    right: Side
    fingerprint: str

    @property
    def two_way(self) -> bool:
        """Whether the left may be written to."""
        return self.flow.direction is Direction.TWO_WAY

    @cached_property
    def _units(self) -> dict[tuple[str, str], dict[str, frozenset[str]]]:
        return {}

    def units(self, left_type: str, right_type: str) -> Mapping[str, frozenset[str]]:
        """The units that two records are compared by, with the item fields that both know: those that both sides' mappings
        can fill and that can be written to a side that the flow writes to.
        """
        key = (left_type, right_type)
        if key not in self._units:
            lefts, rights = self.left.reads.get(left_type, {}), self.right.reads.get(right_type, {})
            if self.right.parts:
                lefts = {**lefts, **{part: _FREE for part, one in WHOLE.items() if one in lefts}}
            wanted = self.right.writable(right_type) | (self.left.writable(left_type) if self.two_way else frozenset())
            self._units[key] = {
                unit: lefts[unit] & rights[unit]
                for unit in sorted(lefts.keys() & rights.keys() & wanted)
                if unit not in self.flow.ignore and unit != "part"
            }
        return self._units[key]

    def fits(self, record: Record) -> bool:
        """Whether the flow's filter lets a record through. A field that the record says nothing about fits no filter."""
        return all(said(record, path) in allowed for path, allowed in self.flow.filter.items())


@dataclass(frozen=True, slots=True)
class Copy:
    """An observed copy as planning sees it. `record` is None unless the copy is live; `sound` is False if what the system
    said last could not be read.
    """

    external_id: str
    wire_type: str
    live: bool
    gone: bool
    sound: bool
    version: Version
    record: Record | None
