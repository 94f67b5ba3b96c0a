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


def _memory(folder: str = "/dev/shm", least: int = 4 << 30) -> str | None:
    """A folder in memory, if there is one that is large enough and may hold programs: there nothing waits for a disk."""
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    roomy = found.f_bavail * found.f_frsize >= least and not found.f_flag & os.ST_NOEXEC
    return folder if roomy and os.access(folder, os.W_OK | os.X_OK) else None


# A commit of SQLite waits for the disk; what a test proves does not depend on it, as no test cuts the power. Where tests put
# their files can be said with --basetemp or TMPDIR.
if "PYTEST_DEBUG_TEMPROOT" not in os.environ and "TMPDIR" not in os.environ and (memory := _memory()):
    os.environ["PYTEST_DEBUG_TEMPROOT"] = memory


@pytest.fixture(autouse=True, scope="session")
def _migrated_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrate, "command", MigratedOnce())
        yield


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test hides from the logs ("wrong", as an app secret) stays hidden for its process; here only for the test."""
    monkeypatch.setattr(log, "_hidden", log._Hidden())
