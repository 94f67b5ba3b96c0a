"""A machine whose clock is set wrong and right again, while time itself goes on evenly."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledgerbridge.testing.fakes import FakeClock


class WrongClock(FakeClock):
    """What the machine's clock says; `monotonic` and sleeping keep the true time, as on a real machine."""

    def __init__(self) -> None:
        super().__init__()
        self._wrong_by = timedelta()

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
