"""What becomes of one entity in one flow: creates, updates, voids, conflicts, and what is held back and why. Pure."""

from __future__ import annotations

from .caps import state_of
from .creating import REST
from .deciding import EXCEPTION, PERSON, because_of
from .entity import plan_entity
from .gate import Traffic, admit, order_key
from .outcome import Decided, Desk, Draft, Outcome, Subject, Targets
from .parts import as_whole
from .rules import Copy, FlowRules, Side

__all__ = [
    "EXCEPTION",
    "PERSON",
    "REST",
    "Copy",
    "Decided",
    "Desk",
    "Draft",
    "FlowRules",
    "Outcome",
    "Side",
    "Subject",
    "Targets",
    "Traffic",
    "admit",
    "as_whole",
    "because_of",
    "order_key",
    "plan_entity",
    "state_of",
]
