"""The far side's own time, so that tokens can expire and stamps can lag without anyone waiting."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Wall time plus an offset, or a frozen instant; safe to share between request threads."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._frozen_at = frozen_at

    def now(self) -> datetime:
        """Aware UTC."""
        with self._lock:
            return (self._frozen_at or datetime.now(UTC)) + self._offset

    def advance(self, seconds: float) -> None:
        """Move time forward (or back, with a negative number)."""
        with self._lock:
            self._offset += timedelta(seconds=seconds)

    def freeze(self, at: datetime) -> None:
        """Stand still at an aware instant; :meth:`advance` still moves it."""
        with self._lock:
            self._frozen_at = at.astimezone(UTC)
            self._offset = timedelta(0)

    def thaw(self) -> None:
        """Follow wall time again."""
        with self._lock:
            self._frozen_at = None
            self._offset = timedelta(0)
