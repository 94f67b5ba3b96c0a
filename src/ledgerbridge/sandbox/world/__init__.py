"""Seeded business data: one company's customers, receivables and receipts over some months, and how four systems and
a bank each hold them, with planted discrepancies and the truth about every one of them.

``facts`` are the shapes, the other modules fill them. Pure: same arguments, same world, byte for byte. ``files`` alone
writes, and only where it is told to.
"""

from __future__ import annotations

from .build import make_world
from .facts import Holding, Planted, PlantedKind, SystemName, World
from .files import write_files
from .truth import truth_document

__all__ = [
    "Holding",
    "Planted",
    "PlantedKind",
    "SystemName",
    "World",
    "make_world",
    "truth_document",
    "write_files",
]
