"""Checked by mypy, never run: the fakes satisfy the contract, and every emulator has the shape that the kit asks for."""

from __future__ import annotations

from ledgerbridge.clock import Clock
from ledgerbridge.connectors.base import Connector
from ledgerbridge.sandbox.web import Emulator
from ledgerbridge.testing.fakes import FakeClock, FakeConnector
from ledgerbridge.testing.hooks import FarSide

connector: Connector = FakeConnector()
clock: Clock = FakeClock()


def far_side(emulator: Emulator) -> FarSide:
    return emulator
