"""Decoding by mapping files: the mappings of one stream, one per wire type, as the Decode that a pull asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from ledgerbridge.errors import MappingError
from ledgerbridge.mapping.apply import (
    Context,
    Filtered,
    Inbound,
    Mapped,
    Quick,
    canonical_bytes,
    compile_inbound,
    compile_quick,
)
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Frozen
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireError, WireValue, objects

from .columns import Columns, columns_of_clean
from .decode import Accepted, Decoded, DecodeWith, LeftOut, Rejected, Stretch

_AT_ONCE: Final = 256
"""Records that are decoded and mapped together: with fewer the work for each column weighs, with more they leave the caches."""


def mapped_by(
    specs: Iterable[MappingSpec],
    context: Context,
    *,
    leave_out: Callable[[Frozen], str | None] | None = None,
    leave_out_name: str = "",
) -> DecodeWith:
    """The Decode of a stream's mappings in a workspace's context.

    Its fingerprint covers the mappings, the context and the name of the filter: whatever of them is edited, the stored
    copies are mapped anew at the next pull. MappingError for two mappings of one wire type, or of different kinds.
    """
    by_wire_type: dict[str, MappingSpec] = {}
    for spec in specs:
        before = by_wire_type.setdefault(spec.wire_type, spec)
        if before is not spec:
            raise MappingError(f"{before.name} and {spec.name} both map {spec.wire_type!r}; keep one")
    if len(kinds := {spec.kind for spec in by_wire_type.values()}) > 1:
        raise MappingError(f"one stream has one kind of record, not {', '.join(sorted(kinds))}")
    facts = {
        "mappings": {wire_type: spec.fingerprint for wire_type, spec in by_wire_type.items()},
        "zone": context.zone.key,
        "base_currency": context.base_currency,
        "options": dict(context.options),
        "leave_out": leave_out_name,
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    fingerprint = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    ways = {wire_type: _ways(spec, context) for wire_type, spec in by_wire_type.items()}
    one_by_one = {wire_type: one for wire_type, (one, _) in ways.items()}
    together = {wire_type: many for wire_type, (_, many) in ways.items()}
    return DecodeWith(one_by_one, fingerprint, leave_out, together)


def _ways(spec: MappingSpec, context: Context) -> tuple[Callable[[Raw], Decoded], Callable[[Sequence[Raw]], Stretch]]:
    """The long way for one record, and the quick one for those of many in which nothing is unusual.

    Both are made at the first record, which a run with nothing new never sees; where the workspace gives options, at once,
    since one may not fit where it is used.
    """
    kind = spec.kind

    @cache
    def inbound() -> Inbound:
        return compile_inbound(spec, context)

    @cache
    def quick() -> Quick:
        return compile_quick(spec, context)

    if context.options:
        inbound(), quick()

    def one(raw: Raw) -> Decoded:
        found = inbound()(raw.payload())
        if isinstance(found, Mapped):
            return Accepted(found.value, canonical_bytes(found.value), found.notices)
        if isinstance(found, Filtered):
            return LeftOut(found.reason)
        return Rejected(found.problems)

    def many(raws: Sequence[Raw]) -> Stretch:
        at: list[int] = []
        canonical: list[bytes] = []
        columns: list[list[Any]] = [[] for _ in Columns._fields]
        for start in range(0, len(raws), _AT_ONCE):
            payloads, places = _payloads(raws[start : start + _AT_ONCE])
            clean = quick()(payloads)
            at += [start + places[place] for place in clean.at]
            canonical += clean.canonical
            for whole, part in zip(columns, columns_of_clean(kind, clean), strict=True):
                whole.extend(part)
        return Stretch(kind, at, canonical, columns, {})

    return one, many


def _payloads(raws: Sequence[Raw]) -> tuple[list[Mapping[str, WireValue]], list[int]]:
    """The records that are JSON objects, decoded, and their places."""
    found: list[Mapping[str, WireValue] | None] = []
    for raw, value in zip(raws, objects([raw.body for raw in raws]), strict=True):
        try:
            found.append(raw.payload() if value is None else value)
        except WireError:
            found.append(None)
    return [value for value in found if value is not None], [at for at, value in enumerate(found) if value is not None]
