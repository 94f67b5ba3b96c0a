"""Reconciliation: cash applied, banks read, systems compared, exceptions recorded; statements, aging and reports from it."""

from __future__ import annotations

from .rules import Rules
from .running import Progress, Reconciled, reconcile

__all__ = ["Progress", "Reconciled", "Rules", "reconcile"]
