"""Carrying approved changes out to one system: the queue's Carrier over a connector, its mappings and the links.

``laying`` and ``comparing`` are pure; ``targets`` puts the target's own ids in the place of entities; ``drafting`` makes the
wire bodies; ``answering`` says what an outcome proves; ``keeping`` stores what was read back as a pull would have.
"""

from __future__ import annotations

from .agreeing import AgreedValues
from .carrier import SystemCarrier, may_double
from .drafting import WriteMaps

__all__ = ["AgreedValues", "SystemCarrier", "WriteMaps", "may_double"]
