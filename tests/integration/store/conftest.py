"""The store's own tests run the migrations each time."""

from __future__ import annotations

import alembic.command
import pytest

from ledgerbridge.store import migrate


@pytest.fixture(autouse=True)
def _real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "command", alembic.command)
