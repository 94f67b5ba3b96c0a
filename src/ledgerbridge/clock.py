"""The only place that asks what time it is, and the only place that waits."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Time as an argument, so that tests need not wait."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's time. `interrupt` set: sleeping ends at once, so that a stop need not wait for a back-off."""

    def __init__(self) -> None:
        self.interrupt = threading.Event()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or return at once when interrupted."""
        self.interrupt.wait(max(0.0, seconds))


def business_day(moment: datetime, zone: ZoneInfo = DEFAULT_ZONE) -> date:
    """The company's calendar day of an aware moment."""
    return moment.astimezone(zone).date()
