"""Desks to carry from: `fresh_desk` and `make_desk` on SQLite alone, where the engine makes no difference."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from carrying_desk import VOIDING, Desk

from ledgerbridge.connectors.base import Capabilities
from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FakeClock


@pytest.fixture
def make_desk(fresh_sqlite: Callable[[], Store]) -> Callable[[Capabilities], Desk]:
    def make(capabilities: Capabilities = VOIDING) -> Desk:
        store = fresh_sqlite()
        clock = store.clock
        assert isinstance(clock, FakeClock)
        return Desk(store, clock, capabilities=capabilities)

    return make


@pytest.fixture
def fresh_desk(make_desk: Callable[[], Desk]) -> Desk:
    return make_desk()
