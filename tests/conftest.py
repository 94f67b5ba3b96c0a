"""What all tests share: how far hypothesis looks, migrations once, and that no test masks the words of the next."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from ledgerbridge import log
from ledgerbridge.store import migrate

from .migrated_once import MigratedOnce

# In CI the same examples every time: a change is judged by what it does, not by luck. On a developer's machine new ones
# each time; what they find becomes an example of its own.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "developer"))


@pytest.fixture(autouse=True, scope="session")
def _migrated_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrate, "command", MigratedOnce())
        yield


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test hides from the logs ("wrong", as an app secret) stays hidden for its process; here only for the test."""
    monkeypatch.setattr(log, "_hidden", log._Hidden())
