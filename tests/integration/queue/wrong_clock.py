"""A machine whose clock is set wrong and right again, while time itself goes on evenly."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledgerbridge.clock import BootClock, SinceBoot
from ledgerbridge.testing.fakes import FakeClock


class WrongClock(FakeClock, BootClock):
    """What the machine's clock says; `monotonic`, sleeping and the time since its start keep the true time, as on a real one."""

    def __init__(self) -> None:
        super().__init__()
        self._wrong_by = timedelta()
        self._starts = 1
        self._started_s = -4711.0

    def since_boot(self) -> SinceBoot:
        """Right, whatever the clock shows."""
        return SinceBoot(f"start {self._starts}", int((self.monotonic() - self._started_s) * 1_000_000))

    def restart(self) -> None:
        """Switch the machine off and on."""
        self._starts += 1
        self._started_s = self.monotonic()

    def set_wrong(self, seconds: float) -> None:
        """Set the clock so far ahead of the true time; 0 sets it right."""
        self._wrong_by = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """What it shows."""
        return super().now() + self._wrong_by

    @property
    def truth(self) -> TrueTime:
        """What a far side's clock shows meanwhile."""
        return TrueTime(self)


class TrueTime:
    """The right time of a machine whose own clock is wrong."""

    def __init__(self, machine: WrongClock) -> None:
        self._machine = machine

    def now(self) -> datetime:
        """Aware UTC."""
        return FakeClock.now(self._machine)

    def monotonic(self) -> float:
        """The same seconds."""
        return self._machine.monotonic()

    def sleep(self, seconds: float) -> None:
        """The same time passes."""
        self._machine.sleep(seconds)
