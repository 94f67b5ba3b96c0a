"""A transaction in hand: what every repository function takes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Tx:
    """An open transaction. Opaque outside the store; ends with the ``with`` block of ``Store.reading``/``Store.writing``."""

    connection: sa.Connection
    sqlite: bool

    def cursor(self) -> Any:
        """A cursor of the driver itself, for the bulk paths."""
        return self.connection.connection.driver_connection.cursor()  # type: ignore[union-attr]

    def take_turn(self, lock: str) -> None:
        """Wait for other writers that hold `lock`, as ``Store.writing(lock=…)`` does, within a transaction that has begun.

        SQLite has one writer at a time anyway.
        """
        if not self.sqlite:
            key = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 20261122))")
            self.connection.execute(key, {"key": f"ledgerbridge/{lock}"})


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(value: int) -> datetime:
    """The aware UTC moment of :func:`to_us`."""
    return _EPOCH + timedelta(microseconds=value)


def moment(value: int | None) -> datetime | None:
    """The same, None for None."""
    return None if value is None else from_us(value)
