"""The only place that asks what time it is, and the only place that waits."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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


class SinceBoot(NamedTuple):
    """Microseconds since a machine was started, which all its processes count alike, and which start that was."""

    boot: str
    us: int


class BootClock:
    """A clock that may also tell the time since its machine was started, which no setting of the clock changes."""

    def since_boot(self) -> SinceBoot | None:
        """None where the machine does not say."""
        return None


class SystemClock(BootClock):
    """The machine's time. `interrupt` set: sleeping ends at once, so that a stop need not wait for a back-off."""

    def __init__(self) -> None:
        self.interrupt = threading.Event()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def since_boot(self) -> SinceBoot | None:
        """On Linux, time spent suspended included; None elsewhere."""
        boot = _boot_id()
        return None if boot is None else SinceBoot(boot, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)

    def sleep(self, seconds: float) -> None:
        """Wait, or return at once when interrupted."""
        self.interrupt.wait(max(0.0, seconds))


@cache
def _boot_id() -> str | None:
    """What Linux calls this start of the machine (random(4)); None where there is no such thing."""
    try:
        return _BOOT_ID.read_text("ascii").strip() if hasattr(time, "CLOCK_BOOTTIME") else None
    except OSError:
        return None


def business_day(moment: datetime, zone: ZoneInfo = DEFAULT_ZONE) -> date:
    """The company's calendar day of an aware moment."""
    return moment.astimezone(zone).date()
