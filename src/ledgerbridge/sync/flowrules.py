"""Flows made ready: what each side's mappings read and write, as the rules that planning goes by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ledgerbridge.connectors.base import Capabilities
from ledgerbridge.errors import ConfigError
from ledgerbridge.mapping.apply import Context, compile_outbound
from ledgerbridge.mapping.canonical import CUSTOM, MODELS, shape
from ledgerbridge.mapping.reads import fields_read
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.model.flow import Direction, Flow
from ledgerbridge.reconciler.merge import REFERENCES
from ledgerbridge.reconciler.planning import FlowRules, Side

_EDITION: Final = 1
"""Grows when the same copies and rules may lead to another outcome, so that pairs at rest are looked at again."""
_OF_FLOW: Final = frozenset(
    {
        "kind",
        "left",
        "right",
        "direction",
        "filter",
        "owner",
        "owners",
        "ignore",
        "create",
        "create_left",
        "update",
        "void",
    }
)
"""The settings of a flow that decide what is planned; the others decide whether and when it is carried out."""


@dataclass(frozen=True, slots=True)
class SideMaps:
    """One system's records of a kind: what it can do, its mappings (one per wire type), and what these may use."""

    system: str
    capabilities: Capabilities
    specs: tuple[MappingSpec, ...]
    context: Context


def flow_rules(name: str, flow: Flow, left: SideMaps, right: SideMaps) -> FlowRules:
    """The rules of one flow; ConfigError for fields that there are none of, and for what cannot work between these systems."""
    _check_names(name, flow)
    leading, following = _side(flow.kind, left), _side(flow.kind, right)
    two_way = flow.direction is Direction.TWO_WAY
    for maps, side in ((left, leading), (right, following)):
        if flow.kind not in maps.capabilities.reads:
            raise ConfigError(f"flows.{name}: {maps.system} reads no {flow.kind} records")
        if side.parts and (maps is left or two_way):
            raise ConfigError(
                f"flows.{name}: {maps.system} keeps a {flow.kind} in parts; it can only be the right side of a one-way flow"
            )
    facts = {
        "edition": _EDITION,
        "flow": flow.model_dump(mode="json", include=set(_OF_FLOW)),
        "mappings": [[spec.fingerprint for spec in maps.specs] for maps in (left, right)],
        "options": [dict(maps.context.options) for maps in (left, right)],
        "writes": [sorted(side.creates) for side in (leading, following)],
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return FlowRules(name, flow, leading, following, hashlib.blake2b(text.encode(), digest_size=8).hexdigest())


def in_order(flows: Mapping[str, Flow]) -> list[str]:
    """The names of flows in the order in which they are planned: customers before what refers to them."""
    kinds = list(Kind)
    return sorted(flows, key=lambda name: kinds.index(flows[name].kind))


def _side(kind: Kind, maps: SideMaps) -> Side:
    can_write = kind in maps.capabilities.writes
    create_type = maps.capabilities.write_types.get(kind) or (maps.specs[0].wire_type if maps.specs else "")
    creates: frozenset[str] = frozenset()
    updates: dict[str, frozenset[str]] = {}
    for spec in maps.specs:
        if not can_write:
            break
        outbound = compile_outbound(spec, maps.context)
        updates[spec.wire_type] = _units(outbound.writable(creating=False))
        if spec.wire_type == create_type:
            creates = _units(outbound.writable(creating=True))
    return Side(
        system=maps.system,
        reads={spec.wire_type: _read(spec) for spec in maps.specs},
        creates=creates,
        updates=updates,
        can_void=kind in maps.capabilities.voids,
        parts=any("part" in spec.fields for spec in maps.specs),
    )


def _read(spec: MappingSpec) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = dict.fromkeys(_units(fields_read(spec)), frozenset())
    for name, rule in spec.lists.items():
        items = {path.partition(".")[0] for source in rule.items for path in source.fields}
        found[name.removesuffix("[]")] = frozenset(items)
    return found


def _units(paths: Iterable[str]) -> frozenset[str]:
    """Paths as the units that are decided as a whole; custom fields only by their own names."""
    return frozenset(
        path if path.startswith(f"{CUSTOM}.") else path.removesuffix("[]").partition(".")[0]
        for path in paths
        if path != f"{CUSTOM}.*"
    )


def _check_names(name: str, flow: Flow) -> None:
    model = shape(MODELS[flow.kind])
    known = {*_units(model.fields), *model.lists, *(unit for unit in REFERENCES if unit in model.objects)}
    for setting, paths in (("owners", flow.owners), ("ignore", flow.ignore), ("filter", flow.filter)):
        for path in paths:
            if path not in known and not path.startswith(f"{CUSTOM}."):
                raise ConfigError(
                    f"flows.{name}.{setting}: a {flow.kind} has no field {path!r}; it has {', '.join(sorted(known))}"
                )
