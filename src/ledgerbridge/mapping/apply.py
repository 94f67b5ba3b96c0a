"""What the rest of the package uses of mappings: read with one, write with one, and the canonical bytes."""

from __future__ import annotations

from .canonical import Record, canonical_bytes, from_canonical, kind_of
from .inbound import Context, Filtered, Inbound, Mapped, Unmapped, compile_inbound
from .outbound import MappedOut, Outbound, compile_outbound
from .quick import Clean, Quick, compile_quick
from .reads import compile_untouched, fields_read, untouched

__all__ = [
    "Clean",
    "Context",
    "Filtered",
    "Inbound",
    "Mapped",
    "MappedOut",
    "Outbound",
    "Quick",
    "Record",
    "Unmapped",
    "canonical_bytes",
    "compile_inbound",
    "compile_outbound",
    "compile_quick",
    "compile_untouched",
    "fields_read",
    "from_canonical",
    "kind_of",
    "untouched",
]
