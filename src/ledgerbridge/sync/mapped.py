"""Decoding by mapping files: the mappings of one stream, one per wire type, as the Decode that a pull asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from functools import cache, partial

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
    from_canonical,
)
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Frozen
from ledgerbridge.model.raw import Raw

from .columns import columns_of_json
from .decode import Accepted, Decoded, DecodeWith, LeftOut, Rejected


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
    decoders = {wire_type: _decoder(spec, context) for wire_type, spec in by_wire_type.items()}
    return DecodeWith(decoders, fingerprint, leave_out)


def _decoder(spec: MappingSpec, context: Context) -> Callable[[Raw], Decoded]:
    """The quick way for records in which nothing is unusual, the long one for all others.

    Both are made at the first record, which a run with nothing new never sees; where the workspace gives options, at once,
    since one may not fit where it is used.
    """
    kind = spec.kind

    @cache
    def ways() -> tuple[Quick, Inbound]:
        return compile_quick(spec, context), compile_inbound(spec, context)

    if context.options:
        ways()

    def decode(raw: Raw) -> Decoded:
        quick, inbound = ways()
        payload = raw.payload()
        clean = quick(payload)
        if clean is not None:
            canonical = clean.canonical
            record = partial(from_canonical, kind, canonical)
            return Accepted(record, canonical, columns=columns_of_json(kind, clean.plain))
        found = inbound(payload)
        if isinstance(found, Mapped):
            return Accepted(found.value, canonical_bytes(found.value), found.notices)
        if isinstance(found, Filtered):
            return LeftOut(found.reason)
        return Rejected(found.problems)

    return decode
